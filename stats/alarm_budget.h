// SPDX-License-Identifier: Apache-2.0
// Keeping a promise on false alarms: the threshold comes from replaying the life of incidents over
// windows in which all was well, so that overlap, autocorrelation and dependence across fields are
// inside it.
//
//   statistic -> z = (ln s - median) / (1.4826 MAD)   per field and test, over healthy windows
//             -> -ln p                                by the test's tail, pooled over fields
//             -> M(w), the largest of a window        -> threshold over the ordered M(w)
#ifndef WEIR_STATS_ALARM_BUDGET_H
#define WEIR_STATS_ALARM_BUDGET_H

#include <stddef.h>
#include <stdint.h>

#include "stats/buffer.h"

// ---- one statistic of one field

struct weir_usual {
    // Of ln(s + WEIR_USUAL_FLOOR); spread is 1.4826 MAD, at least 0.3; INFINITY: nothing is known.
    double median, spread;
};
// What is added before the logarithm: statistics are likelihood ratios in nats or alike, and below
// it say nothing. Without it one record where none is usual would be beyond all measure.
#define WEIR_USUAL_FLOOR 0.5

// `s` (n of them, overwritten; NAN are left out). Of fewer than 2 nothing is known.
void weir_usual_fit(struct weir_usual *usual, double *s, size_t n);
// The same of what is sorted and known: ln(s + WEIR_USUAL_FLOOR).
void weir_usual_fit_sorted(struct weir_usual *usual, const double *ln, size_t n);
double weir_usual_z(const struct weir_usual *usual, double s); // NAN for NAN, or nothing known

// ---- the tail of a test, over all fields

enum { WEIR_TAIL_KNOTS = 24 };
// At z[k] a share of 2^-k is at or above; beyond the last knot an exponential tail.
struct weir_tail {
    int n; // 0: nothing is known, and no value is unusual
    double z[WEIR_TAIL_KNOTS];
    double rate; // of the exponential
};
// `z` (n of them, overwritten; NAN are left out). Knots go as far as 30 values reach, the rate is
// one over the mean excess there.
void weir_tail_fit(struct weir_tail *tail, double *z, size_t n);
void weir_tail_fit_sorted(struct weir_tail *tail, const double *z, size_t n); // ascending, known
double weir_tail_score(const struct weir_tail *tail, double z); // -ln p, >= 0; NAN gives 0

// ---- the threshold

// How incidents live: opened after so many windows above in a row, resolved after so many quiet.
struct weir_alarm_life {
    int64_t open_after, resolve_after; // >= 1
};
// Incidents over windows in order; a score of NAN neither opens nor resolves. `in_alarm` (may be
// NULL): windows during which one was open.
size_t weir_alarm_incidents(const double *score, size_t n, double threshold,
                            struct weir_alarm_life life, size_t *in_alarm);

struct weir_alarm_budget {
    double threshold; // alarm where a score is above
    size_t k;         // floor(a (n + 1) / m): the threshold is at the k-th largest incident peak;
                      // 1 also where that is .8 or more before it is rounded
    double promised;  // incidents a period that are expected: k m / (n + 1)
    double needed;    // windows for k = 1
    int kept;         // k >= 1: the budget is kept
};
// `a` alarms are allowed in a period of `m` windows (both > 0), but in no more than one window in
// 20; scores are -ln p. Where a fifth of the windows is lacking at most, the threshold is above the
// highest peak by ln of what is lacking: so far an exponential tail is believed. Without enough
// windows (k = 0) the threshold is above the highest peak by ln(2.3 needed / windows), which nine
// in ten would keep if the tail of scores is exponential: no promise, and `promised` is the rate
// that the peak keeps.
void weir_alarm_budget(const double *score, size_t n, double a, double m,
                       struct weir_alarm_life life, struct weir_alarm_budget *budget);

// Of that budget a part, `share` in (0, 1], is one detector's, and the others have the rest: there
// is one ranking, in which scores have ln `share` added. So the stretch has to be long enough for
// the whole, and the threshold is above by -ln `share`: so far an exponential tail is believed.
// This is that share, as far as it makes a difference where no window in 20 may be false.
double weir_alarm_part(double a, double m, double share);

int weir_tail_write(const struct weir_tail *tail, struct weir_buffer *out);
int weir_tail_read(struct weir_tail *tail, struct weir_reader *in); // WEIR_ECORRUPT

#endif
