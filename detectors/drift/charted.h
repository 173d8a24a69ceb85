// SPDX-License-Identifier: Apache-2.0
// Charts that `tests:` asks for by name, as in "cusum(psi) > 5": each statistic of each field
// against each reference has one, of the whole stream, for change that is too slow for a window.
#ifndef WEIR_DRIFT_CHARTED_H
#define WEIR_DRIFT_CHARTED_H

#include "stats/chart_series.h"
#include "stats/summary_statistics.h"

struct drift;
struct weir_window;

enum { DRIFT_CHARTS_SHOWN = 10 };
struct drift_creeping { // a chart beyond its threshold
    size_t field, reference;
    int up;
    double score, mean, usual; // of the statistic since then, and before
    struct weir_chart_run run;
};
struct drift_creepings {
    struct drift_creeping items[DRIFT_CHARTS_SHOWN]; // farthest beyond first
    size_t n;                                        // all
};

struct drift_charted {
    const struct drift *drift;
    struct weir_chart_options *options; // a rule
    struct weir_chart_series *series;   // [rule][field][reference]; rules without a chart too
    struct drift_creepings *found;      // a rule; of the window under way
    int learns;                         // the window under way is to be learnt from
};

int drift_charted_init(struct drift_charted *charted, const struct drift *drift); // WEIR_ENOMEM
void drift_charted_free(struct drift_charted *charted);
// A window: begun, given what rule r's statistic comes to in it, and told of.
void drift_charted_begin(struct drift_charted *charted, const struct weir_window *window);
int drift_charted_add(struct drift_charted *charted, const struct weir_window *window, size_t r,
                      size_t field, size_t reference,
                      const struct weir_statistic_result *result); // WEIR_ENOMEM
void drift_charted_report(const struct drift_charted *charted, const struct weir_window *window);

int drift_charted_write(const struct drift_charted *charted, struct weir_buffer *out);
// Charts are found again by rule, field, its cells and reference; others are left out.
int drift_charted_read(struct drift_charted *charted, struct weir_reader *in); // WEIR_ECORRUPT

#endif
