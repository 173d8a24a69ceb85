// SPDX-License-Identifier: Apache-2.0
// Structured logs on standard error, a line each: logfmt, or JSON with WEIR_LOG_FORMAT=json.
#ifndef WEIR_LOG_H
#define WEIR_LOG_H

enum weir_log_level { WEIR_LOG_ERROR, WEIR_LOG_WARNING, WEIR_LOG_INFO, WEIR_LOG_DEBUG };

// From WEIR_LOG (error|warning|info|debug), info by default.
void weir_log_set_level(enum weir_log_level level);
// weir_log(WEIR_LOG_INFO, "source", "assigned %s [%d]", ...). Thread-safe; never logs values of
// records, and properties only by name.
__attribute__((format(printf, 3, 4))) void weir_log(enum weir_log_level level, const char *part,
                                                    const char *format, ...);

#endif
