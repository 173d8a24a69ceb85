// SPDX-License-Identifier: Apache-2.0
// The parts of the outage detector: outage.c makes an instance, series.c expects and learns one
// series of counts, owner.c walks windows and reports, state.c saves.
#ifndef WEIR_OUTAGE_H
#define WEIR_OUTAGE_H

#include "stats/buffer.h"
#include "weir/detector.h"

enum {
    OUTAGE_OPTION_DEPTH,
    OUTAGE_OPTION_RECORDS,
    OUTAGE_OPTION_LEARN_DELAY,
    OUTAGE_OPTION_ADOPT,
    OUTAGE_OPTION_FALSE_ALARMS
};

struct outage {
    const char *name;
    const struct weir_stream *stream;
    const int *const *by;
    const size_t *n_by_fields;
    size_t n_by;
    int64_t step;               // between windows, ms
    double depth, records;      // the least loss that matters
    int64_t learn_delay, adopt; // ms
    double alarms;              // allowed in 30 days
};

// What share of the usual is assumed to be left, each watched by a sum of its own.
enum { OUTAGE_NOTHING, OUTAGE_HALF, OUTAGE_MOST, OUTAGE_LEFT };
enum { OUTAGE_HOURS = 24, OUTAGE_WEEK = 168, OUTAGE_PENDING = 512 };

struct outage_sum {
    double score;          // log likelihood ratio, cut at 0
    double seen, expected; // since it left 0
};

struct outage_pending {
    int64_t start;
    double count, expected;
    int suspect; // never learnt
};

// One series: the stream's counts, or a slice's.
struct outage_series {
    uint64_t hash;                                   // of its key
    int64_t first, alarm_since;                      // window starts; INT64_MIN: none
    int has_rhythm;                                  // two days are known
    double count[OUTAGE_WEEK], windows[OUTAGE_WEEK]; // discounted, by hour of the week
    double level_count, level_expected;              // discounted, half-life a day
    double local_count, local_expected;              // discounted, half-life six windows
    double excess, squares;                          // for the over-dispersion
    double products, powers, last;                   // for the correlation of neighbours
    struct outage_sum sums[OUTAGE_LEFT];
    struct outage_pending *pending; // ring of OUTAGE_PENDING
    uint32_t n_pending, next_pending;
};

struct outage_decision {
    int found;
    double expected; // in this window
    double left;     // share of the usual that is left, since it began
    double missing;  // records, since it began
    double score, threshold;
    int64_t since;
};

int outage_series_init(struct outage_series *series, uint64_t hash, int64_t start);
void outage_series_free(struct outage_series *series);
// Takes the count of the window that begins at `start`, decides, and learns what is old enough.
// `series_count`: how many series share the false alarms.
void outage_series_step(const struct outage *outage, struct outage_series *series, int64_t start,
                        double count, double series_count, struct outage_decision *decision);
void outage_series_save(const struct outage_series *series, struct weir_buffer *out);
int outage_series_restore(struct outage_series *series, struct weir_reader *in);

int outage_owner_create(void *instance, void **owner, struct weir_error *error);
void outage_owner_destroy(void *owner);
int outage_owner_window(void *owner, const struct weir_window *window, struct weir_error *error);
int outage_owner_save(const void *owner, struct weir_buffer *out);
int outage_owner_restore(void *owner, uint32_t state_version, struct weir_reader *in,
                         struct weir_error *error);

#endif
