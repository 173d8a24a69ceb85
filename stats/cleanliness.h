// SPDX-License-Identifier: Apache-2.0
// How clean a field's values are in serving beside training: a model that learnt on clean data is
// not prepared for dirty one, nor the other way round.
#ifndef WEIR_STATS_CLEANLINESS_H
#define WEIR_STATS_CLEANLINESS_H

#include "stats/unlike.h"

enum weir_cleanliness_aspect {
    WEIR_CLEAN_NULL,       // share of records that are null, or lack the field
    WEIR_CLEAN_INVALID,    // share of values that are NaN or infinite; of strings, empty
    WEIR_CLEAN_OUTLIER,    // share of values beyond training's .1 and 99.9% quantiles, up to 20%
    WEIR_CLEAN_NOISE,      // spread (5 to 95%), about a middle that stayed where it was
    WEIR_CLEAN_RESOLUTION, // distinct values, of as many values
    WEIR_CLEAN_GARBAGE,    // share of values never seen of which hardly one comes twice
    WEIR_CLEAN_ENTROPY,    // of categories, bits
    WEIR_CLEAN_ASPECTS
};
const char *weir_cleanliness_name(enum weir_cleanliness_aspect aspect);

struct weir_cleanliness {
    double before, after; // in the aspect's unit; 0 and 0 where it cannot be told
    double z;             // standard errors of the difference; positive: serving is dirtier
    int changed;          // significant, and large enough to matter: 1 dirtier, -1 cleaner
};

// `z_least`: standard errors that a change must have, the correction for many fields in it.
void weir_cleanliness_compare(const struct weir_unlike *field, double z_least,
                              struct weir_cleanliness out[WEIR_CLEAN_ASPECTS]);

// "nulls 12% (0.4% in training)"
void weir_cleanliness_text(enum weir_cleanliness_aspect aspect, const struct weir_cleanliness *one,
                           char *out, size_t size);

// Entropy of counts, bits, with the bias of few values taken off (Miller and Madow, 1955).
double weir_entropy(const uint64_t *count, size_t n);

#endif
