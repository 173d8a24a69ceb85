// SPDX-License-Identifier: Apache-2.0
#include "detectors/operations/words.h"

#include <stdio.h>
#include <time.h>

static const int64_t MINUTE = 60000, HOUR = 3600000, DAY = 86400000;

static int64_t day_of(int64_t time)
{
    return time >= 0 ? time / DAY : -((DAY - 1 - time) / DAY);
}

const char *operations_time_text(int64_t time, int64_t now, char out[OPERATIONS_TIME_TEXT])
{
    time_t seconds = (time_t)(day_of(time) * (DAY / 1000) + (time - day_of(time) * DAY) / 1000);
    struct tm parts = {0};
    // A window's end is exclusive: midnight ends the day before.
    const char *format = day_of(time) == day_of(now - 1) ? "%H:%M UTC" : "%Y-%m-%d %H:%M UTC";
    if (!gmtime_r(&seconds, &parts) || !strftime(out, OPERATIONS_TIME_TEXT, format, &parts))
        snprintf(out, OPERATIONS_TIME_TEXT, "%lld ms", (long long)time);
    return out;
}

const char *operations_span_text(int64_t ms, char out[OPERATIONS_TIME_TEXT])
{
    double span = (double)ms;
    if (ms < 2 * MINUTE)
        snprintf(out, OPERATIONS_TIME_TEXT, "%.0f s", span / 1000);
    else if (ms < 2 * HOUR)
        snprintf(out, OPERATIONS_TIME_TEXT, "%.0f min", span / (double)MINUTE);
    else if (ms < 2 * DAY)
        snprintf(out, OPERATIONS_TIME_TEXT, "%.3g h", span / (double)HOUR);
    else
        snprintf(out, OPERATIONS_TIME_TEXT, "%.3g days", span / (double)DAY);
    return out;
}

const char *operations_share_text(double share, char out[OPERATIONS_TIME_TEXT])
{
    snprintf(out, OPERATIONS_TIME_TEXT, share < 0.1 ? "%.2g%%" : "%.0f%%", 100 * share);
    return out;
}
