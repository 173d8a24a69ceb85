// SPDX-License-Identifier: Apache-2.0
// How old events are when they arrive: Kafka's timestamp less the event time. A replayed file has
// no such timestamp (its rows are numbered from 1970 on), so nothing is old there.
#include <math.h>
#include <stdio.h>

#include "detectors/schema/window.h"
#include "stats/value_text.h"

static const double LEAST = 0.01, CRITICAL = 0.5;
enum { RECORDS = 10 };

static const char *age_text(int64_t ms, char text[32])
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{86400000, "days"}, {3600000, "hours"}, {60000, "minutes"}, {1000, "seconds"}};
    size_t i = 0;
    while (i < 3 && ms < 2 * units[i].ms)
        i++;
    snprintf(text, 32, "%.3g %s", (double)ms / (double)units[i].ms, units[i].name);
    return text;
}

static int judge_fresh(struct schema_judge *judge, struct schema_verdict *verdict)
{
    const struct schema_extract *extract = judge->extract;
    if (judge->slice || !extract->rows)
        return 0;
    double share = (double)extract->stale / (double)extract->rows;
    if (extract->stale < RECORDS || share < LEAST)
        return 0;
    char percent[32], count[32], limit[32], oldest[32];
    snprintf(verdict->text, sizeof verdict->text,
             "%s of %s records were over %s old when they arrived (the oldest %s): whatever sends "
             "them is behind; look at its lag and load",
             schema_share_text(share, percent), weir_count_text(extract->rows, count),
             age_text(judge->schema->freshness, limit), age_text(extract->oldest, oldest));
    verdict->severity = share >= CRITICAL ? WEIR_CRITICAL : WEIR_WARNING;
    verdict->share = share;
    verdict->count = extract->stale;
    verdict->provisional = 0;
    verdict->statistic = (struct weir_statistic){"stale_share", share, LEAST, NAN, NAN};
    return 1;
}

const struct schema_window_check schema_check_fresh = {
    .rule = "freshness",
    .kind = "schema.freshness",
    .scope = SCHEMA_OF_SLICE,
    .option = SCHEMA_OPTION_FRESHNESS,
    .judge = judge_fresh,
};
