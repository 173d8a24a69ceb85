// SPDX-License-Identifier: Apache-2.0
// Times as text and as parts, by hand: strptime() knows no fractions and reads the locale.
#ifndef WEIR_STATS_RFC3339_H
#define WEIR_STATS_RFC3339_H

#include <stddef.h>
#include <stdint.h>

// RFC 3339 date-time (also a space for the T, no zone meaning UTC, or a date alone) to epoch
// ms, rounded down; 23:59:60 UTC is the first second of the next day. 0, or WEIR_EINVAL.
int weir_time_parse(const char *text, size_t length, int64_t *ms);

// A time in UTC, of the proleptic Gregorian calendar. For all int64.
struct weir_time_parts {
    int64_t year;
    int64_t month, day; // from 1
    int64_t weekday;    // 1 Monday to 7 Sunday
    int64_t hour, minute, second;
};
void weir_time_split(int64_t ms, struct weir_time_parts *parts);

#endif
