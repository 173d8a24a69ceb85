// SPDX-License-Identifier: Apache-2.0
// A whole comparison: two files, two profiles, or one of each.
#ifndef WEIR_COMPARE_SET_H
#define WEIR_COMPARE_SET_H

#include <stdio.h>

#include "consumer/compare/answers.h"
#include "consumer/compare/compare.h"
#include "consumer/compare/notes.h"
#include "consumer/compare/rules.h"

struct weir_compared_field {
    char *name;
    enum weir_compare_type type;
    struct weir_field_comparison comparison;
};

struct weir_comparison_set {
    struct weir_compared_field *fields; // those of the reference, in its order
    size_t n;
    uint64_t rows_reference, rows_current;
    int from_profiles; // by summaries, not by values
    struct weir_comparison multivariate[WEIR_MULTIVARIATE];
    struct weir_compared_notes notes;
    struct weir_compared_rules rules;     // status NO_ROWS: a profile keeps none
    struct weir_compared_quality quality; // of profiles; of files weir_compare_answers()
};

// Where neither is a profile, exact; else as weir_compare_profiles(). `preset` WEIR_PRESETS: none;
// a preset needs rows. Zeroed on failure.
int weir_compare_paths(const char *reference, const char *current, enum weir_preset preset,
                       struct weir_comparison_set *set, struct weir_error *error);
void weir_comparison_set_free(struct weir_comparison_set *set);

// Whether a file begins like a profile of weir. A file that cannot be read does not.
int weir_compare_is_profile(const char *path);

// At least one of the two is a profile; of a file a summary is made. Statistics of the order of
// numbers are on the reference's cells, wasserstein, energy, mann_whitney and quantile_shift on
// quantile sketches (1% of the value), moments exact. Where both sides have cells of their own
// the current's sketch is put into the reference's cells.
int weir_compare_profiles(const char *reference, const char *current,
                          struct weir_comparison_set *set, struct weir_error *error);

// docs/statistics.md.
void weir_compare_manual(FILE *out);

#endif
