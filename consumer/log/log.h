// SPDX-License-Identifier: Apache-2.0
// Structured logs on standard error, a line each: logfmt, or JSON with WEIR_LOG_FORMAT=json.
//
//     time=2026-01-31T12:00:00.000Z level=info part=source msg="assigned payments [3]"
#ifndef WEIR_LOG_H
#define WEIR_LOG_H

#include <stddef.h>

enum weir_log_level { WEIR_LOG_ERROR, WEIR_LOG_WARNING, WEIR_LOG_INFO, WEIR_LOG_DEBUG };

// From WEIR_LOG (error|warning|info|debug), info by default.
void weir_log_set_level(enum weir_log_level level);
int weir_log_enabled(enum weir_log_level level);
// weir_log(WEIR_LOG_INFO, "source", "assigned %s [%d]", ...). Thread-safe; never logs values of
// records, and properties only by name. What looks like a credential (`password=...`,
// `://user:secret@`) is masked all the same. Messages are cut at 4 KB.
__attribute__((format(printf, 3, 4))) void weir_log(enum weir_log_level level, const char *part,
                                                    const char *format, ...);

// For rd_kafka_conf_set_log_cb(): librdkafka's lines, with syslog's levels turned into ours.
struct rd_kafka_s;
void weir_log_kafka(const struct rd_kafka_s *client, int level, const char *facility,
                    const char *text);

// The text with credentials masked by `***`, into `out` (`size` bytes with the NUL).
void weir_log_mask(char *out, size_t size, const char *text);

#endif
