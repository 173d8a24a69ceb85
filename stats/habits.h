// SPDX-License-Identifier: Apache-2.0
// What a reference knows of a field beside its distribution: single values that are common in
// it, whether it varies all the time, whether values never seen before go on coming, which of its
// categories are always there, what its texts read like, which fields say what it is. Detectors
// find it at cells->habits.
#ifndef WEIR_STATS_HABITS_H
#define WEIR_STATS_HABITS_H

#include "stats/buffer.h"
#include "stats/depends.h"
#include "stats/pairs.h"
#include "stats/spread.h"
#include "weir/error.h"

struct weir_summary; // weir/summary.h

enum { WEIR_HABITS_VALUES = 64 };
enum weir_habits_span { WEIR_HABITS_DAY, WEIR_HABITS_WEEK, WEIR_HABITS_SPANS };

// What the reference had in a stretch of event time, [start, end) ms.
struct weir_habits_stretch {
    int64_t start, end;
    const struct weir_summary *summary; // the reference's: counts, moments and cells
};

struct weir_habits {
    // Numbers: the most frequent values of a sample, highest share first; no other value has a
    // share above `rest`.
    struct {
        double value, share;
    } values[WEIR_HABITS_VALUES];
    size_t n_values;
    double rest; // 1: not known
    // Ordered stretches with 50 values or more, and those of them with one value alone.
    uint64_t panes, constant_panes;
    int64_t span; // ms from the first to the last of them
    // How much more the stretches differ than samples of one distribution would: the mean of
    // chi-square by its degrees of freedom, of the cells, and of the nulls; 1 and above. A test
    // that takes records to be independent has so many times fewer of them.
    double spread, null_spread;
    // How much days and weeks differ from all others (weir_spread_add_part()); n 0: there were
    // none to be compared.
    struct weir_spread spans[WEIR_HABITS_SPANS];
    // Strings: the share of records, in the second half of the reference, with a value that its
    // first half did not have. NAN: not known.
    double fresh;
    // Of cells->categories: whether each was there in every stretch that should have had 20 of it,
    // and there were 24 of these.
    uint8_t *steady;
    size_t n_steady;
    struct weir_pairs *pairs; // NULL: texts are not judged
    char *forms;              // the pattern of stats/text_forms.h; NULL: none; owned
    struct weir_depends *by;  // what says this field; owned
    size_t n_by;
    // The reference's ordered stretches, by time, that hours and weekdays are looked up in
    // (stats/rhythm.h). A view of what the reference keeps itself: not written; owned. NULL: none.
    struct weir_habits_stretch *stretches;
    size_t n_stretches;
};

struct weir_habits *weir_habits_create(void); // NULL: memory is out
void weir_habits_free(struct weir_habits *habits);
// Fills `values` and `rest` from a sample in any order, which is sorted; NAN are left out.
void weir_habits_sample(struct weir_habits *habits, double *sample, size_t n);
// The largest share that `value` can have had.
double weir_habits_share(const struct weir_habits *habits, double value);

int weir_habits_write(const struct weir_habits *habits, struct weir_buffer *out);
int weir_habits_read(struct weir_reader *in, struct weir_habits **habits); // WEIR_ECORRUPT, ENOMEM

#endif
