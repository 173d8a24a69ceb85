// SPDX-License-Identifier: Apache-2.0
// Times and spans in sentences.
#ifndef WEIR_OPERATIONS_WORDS_H
#define WEIR_OPERATIONS_WORDS_H

#include <stddef.h>
#include <stdint.h>

enum { OPERATIONS_TIME_TEXT = 40 };

// An event time in UTC: "03:12 UTC" on the day of `now`, else "2026-03-22 03:12 UTC".
const char *operations_time_text(int64_t time, int64_t now, char out[OPERATIONS_TIME_TEXT]);
// "40 s", "12 min", "3.5 h", "2.1 days".
const char *operations_span_text(int64_t ms, char out[OPERATIONS_TIME_TEXT]);
// "0.3%", "12%".
const char *operations_share_text(double share, char out[OPERATIONS_TIME_TEXT]);

#endif
