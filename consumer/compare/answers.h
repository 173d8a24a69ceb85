// SPDX-License-Identifier: Apache-2.0
// What the model's answers were worth in two files or profiles, beside each other.
#ifndef WEIR_COMPARE_ANSWERS_H
#define WEIR_COMPARE_ANSWERS_H

#include "consumer/profile/profile.h"

struct weir_compared_quality {
    int known; // else there are none on both sides, or of different kinds: all else is 0
    char *label, *prediction, *score; // fields; NULL: none
    uint64_t records[2];              // of reference and current
    struct weir_quality_metric metrics[2][WEIR_QUALITY_METRICS];
    double low[WEIR_QUALITY_METRICS], high[WEIR_QUALITY_METRICS]; // of current less reference
};

// WEIR_ENOMEM.
int weir_compare_quality(const struct weir_profile_quality *reference,
                         const struct weir_profile_quality *current,
                         struct weir_compared_quality *out);
void weir_compared_quality_free(struct weir_compared_quality *quality);

struct weir_compare_roles {
    const char *label, *prediction, *score; // NULL: none
    const char *positive;                   // of two classes; NULL: the later one
};
// Of two files of data, exact: every score has a cell. WEIR_EINVAL where the reference lacks one of
// the fields, or they cannot be label and answers.
int weir_compare_answers(const char *reference, const char *current,
                         const struct weir_compare_roles *roles, struct weir_compared_quality *out,
                         struct weir_error *error);

#endif
