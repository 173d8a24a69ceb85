// SPDX-License-Identifier: Apache-2.0
// Records in a window: under a quarter of the fewest, or over four times the most, of the windows
// before. Smaller losses are for the `outage` detector, which knows the season.
#include <math.h>
#include <stdio.h>

#include "detectors/schema/window.h"
#include "stats/special.h"
#include "stats/value_text.h"

static const double FACTOR = 4;
static const int64_t DAY = 24 * 3600 * 1000;

// The daily rhythm must have been seen before its ends are called far.
static int knows_a_day(const struct schema_judge *judge)
{
    return schema_knows_a_day(judge) &&
           judge->schema->window_hop * (int64_t)judge->memory->rows.n >= DAY;
}

static int judge_volume(struct schema_judge *judge, struct schema_verdict *verdict)
{
    struct schema_memory *memory = judge->memory;
    struct schema_track *track = &memory->rows;
    double rows = (double)judge->window->slices[judge->slice].rows;
    double value = log(rows + 1), beyond = 0;
    if (!judge->schema->window_hop) // windows of so many records have so many
        return 0;
    if (knows_a_day(judge))
        beyond = schema_track_beyond(track, value, 1 / sqrt(rows + 1));
    double low = exp((double)track->low), high = exp((double)track->high);
    int few = beyond <= -log(FACTOR) && low >= 40, many = beyond >= log(FACTOR) && rows >= 200;
    // Chance: the records of a window are no less spread than Poisson's.
    double p = few ? weir_gamma_q(rows + 1, low) : many ? weir_gamma_p(rows, high) : 1;
    int abnormal = p <= judge->p_value;
    memory->low = abnormal && few ? memory->low + 1 : 0;
    schema_track_learn(track, value, abnormal, judge->adopt);
    // The newest window may merely not be full yet: one with few records counts once another came.
    if (!abnormal || (few && memory->low < 2))
        return 0;
    char now[40], before[32];
    weir_records_text((uint64_t)rows, now);
    weir_count_text((uint64_t)((few ? low : high) - 0.5), before);
    snprintf(verdict->text, sizeof verdict->text,
             "%s in the window, where the %s before were %s: %s", now, few ? "fewest" : "most",
             before,
             few ? "look whether its producers still send all"
                 : "look for producers that send again, or twice");
    verdict->count = (uint64_t)rows;
    verdict->statistic = (struct weir_statistic){"rows", rows, few ? low / FACTOR : high * FACTOR,
                                                 p, few ? low : high};
    return 1;
}

const struct schema_window_check schema_check_volume = {
    .rule = "volume",
    .kind = "schema.volume",
    .scope = SCHEMA_OF_SLICE,
    .option = SCHEMA_OPTION_VOLUME,
    .judge = judge_volume,
};
