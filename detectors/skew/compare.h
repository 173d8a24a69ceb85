// SPDX-License-Identifier: Apache-2.0
// Whether a pair's values are the same, and if not, what the two say of it by themselves.
#ifndef WEIR_SKEW_COMPARE_H
#define WEIR_SKEW_COMPARE_H

#include "detectors/skew/value.h"

enum skew_verdict {
    SKEW_EQUAL,
    SKEW_UNKNOWN, // a fault on one side: not a pair of this field
    SKEW_NOT_SERVED,
    SKEW_NOT_OFFLINE,
    SKEW_DIFFERS,
    SKEW_ROUNDED, // equal at the fewer decimals of one of them, or but for a hundred-thousandth
    SKEW_ENCODED, // the same in another writing: case, spaces, a number as text, true as 1
    SKEW_VERDICTS
};

// How far numbers may be apart and still be equal: |a - b| <= absolute + relative max(|a|, |b|).
struct skew_tolerance {
    double absolute, relative;
};

enum skew_verdict skew_compare(const struct skew_value *served, const struct skew_value *offline,
                               const struct skew_tolerance *tolerance);
// The decimals that a number has, at most 6; 7: more.
int skew_decimals(double number);

#endif
