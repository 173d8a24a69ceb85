// SPDX-License-Identifier: Apache-2.0
// What a reference of days and weeks had at the same times of the day, or of the week, as a stretch
// that is shorter than these. A few hours of one day are as unlike whole weeks as the day's rhythm
// makes them; they are to be held against the same hours.
#ifndef WEIR_STATS_RHYTHM_H
#define WEIR_STATS_RHYTHM_H

#include "stats/habits.h"
#include "weir/summary.h"

enum weir_rhythm { WEIR_RHYTHM_DAY, WEIR_RHYTHM_WEEK };

int64_t weir_rhythm_period(enum weir_rhythm rhythm); // ms

// Sums the reference's stretches that lie for half or more in the hours (UTC) of [from, to), ms:
// counts, moments and cells. `out` is empty (no rows, no cells) where the reference has less than
// four fifths of these hours, or no times; free it with weir_summary_free(). Times that are a whole
// period apart or more are all hours: empty too. WEIR_ENOMEM.
int weir_rhythm_same(const struct weir_habits *habits, int64_t from, int64_t to,
                     enum weir_rhythm rhythm, struct weir_summary *out);

#endif
