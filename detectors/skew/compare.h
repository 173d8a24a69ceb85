// SPDX-License-Identifier: Apache-2.0
// Whether a pair's values are the same.
#ifndef WEIR_SKEW_COMPARE_H
#define WEIR_SKEW_COMPARE_H

#include "detectors/skew/tally.h"

enum skew_verdict skew_compare(const struct skew_value *served, const struct skew_value *offline);

#endif
