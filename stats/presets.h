// SPDX-License-Identifier: Apache-2.0
// Drift as other programs define it, on raw values: their bins (which depend on both samples),
// logarithms, zeros and thresholds. To compare like with like; weir's own choices are elsewhere.
#ifndef WEIR_STATS_PRESETS_H
#define WEIR_STATS_PRESETS_H

#include <stdint.h>

#include "stats/samples.h"

enum weir_preset {
    WEIR_PRESET_EVIDENTLY, // 0.7.23
    WEIR_PRESET_NANNYML,   // 0.13.1; references of 10,000 values and more too, exactly
    WEIR_PRESET_TFDV,      // 1.16
    WEIR_PRESETS
};
const char *weir_preset_name(enum weir_preset preset); // NULL outside
enum weir_preset weir_preset_find(const char *name);   // WEIR_PRESETS: there is none

// One of its statistics. The value is a p-value where `on_p`.
struct weir_preset_value {
    const char *name;
    double value;
    int on_p;
    double threshold; // NAN: it has no fixed one (NannyML's are of its chunks)
    double low;       // below which it is drift too; NAN: there is none
    int drift;        // beyond it
    int decides;      // the one that the program looks at by default
    enum weir_test_status status;
};
enum { WEIR_PRESET_VALUES = 10 };

// Fills `out` and *n. WEIR_ENOMEM. Samples as in stats/samples.h; `categories` are counts of the
// values of both, in any order.
int weir_preset_numbers(enum weir_preset preset, const struct weir_samples *s,
                        struct weir_preset_value out[WEIR_PRESET_VALUES], size_t *n);
int weir_preset_categories(enum weir_preset preset, const double *a, const double *b,
                           size_t categories, struct weir_preset_value out[WEIR_PRESET_VALUES],
                           size_t *n);

// NannyML's own thresholds into its values: mean and three standard deviations (of n) over the
// chunks of its reference, a tenth of the rows each and one of what is left, in their order; not
// under 0, KS not over 1. Its chi-square goes by p. Rows: values, NAN and infinite ones being none;
// or their hashes. Fewer than ten rows have no chunks: nothing is set. WEIR_ENOMEM.
int weir_preset_chunked_numbers(const double *rows, size_t n, struct weir_preset_value *values,
                                size_t n_values);
int weir_preset_chunked_categories(const uint64_t *hash, const uint8_t *absent, size_t n,
                                   struct weir_preset_value *values, size_t n_values);

#endif
