// SPDX-License-Identifier: Apache-2.0
// A field as training had it beside what serving has: what the diagnoses of training-serving skew
// (stats/window_span.h, stats/preprocessing.h, stats/cleanliness.h) are asked about. Sculley et
// al., "Hidden technical debt in machine learning systems" (2015), and the peers that compare the
// two, say that fields differ; these say what was done to them.
#ifndef WEIR_STATS_UNLIKE_H
#define WEIR_STATS_UNLIKE_H

#include "stats/unit_law.h"
#include "weir/stream.h"
#include "weir/summary.h"

enum { WEIR_TRAINING, WEIR_SERVING };

struct weir_unlike {
    const char *name, *unit; // `unit` may be NULL
    enum weir_type type;
    const struct weir_summary *side[2];
    // Windows of serving vary so many times as much as samples of one distribution do; 1 and above:
    // that many records count as one.
    double dispersion;
    struct weir_law law[2]; // of numbers that both sides have a sketch of; else a total of 0
    double mean[2], sd[2];  // of numbers that both sides have moments of; else NAN
    double n[2];            // finite values; divided by the dispersion for serving
};

// Looks at both sides, which outlive it. WEIR_ENOMEM. Close it also after a failure.
int weir_unlike_open(struct weir_unlike *field, const struct weir_summary *training,
                     const struct weir_summary *serving);
void weir_unlike_close(struct weir_unlike *field);

// Whether both sides have numbers that vary, enough of them (100) to say something.
int weir_unlike_has_numbers(const struct weir_unlike *field);
// Half the sum of differences of the shares that cells have, less what chance makes of it; 0 where
// cells are not the same. Total variation.
double weir_unlike_distance(const struct weir_unlike *field);
// How far of the way from training (0) to serving (1) other counts in the same cells are, by the
// likeliest direction; *error: a standard error of it. 1 and 0 where nothing can be said.
double weir_unlike_way(const struct weir_unlike *field, const struct weir_summary *other,
                       double *error);
// The KS distance of the laws at the cuts of the training's cells, less what lumps may hide.
double weir_unlike_ks(const struct weir_unlike *field, const struct weir_unit_map *map);
// What chance leaves of it in one of a thousand (1.95 / sqrt of the sizes).
double weir_unlike_noise(const struct weir_unlike *field);
// The share of values in [low, high] on a side, by its law.
double weir_unlike_share(const struct weir_unlike *field, int side, double low, double high);

#endif
