// SPDX-License-Identifier: Apache-2.0
#include "detectors/skew/compare.h"

#include <math.h>

static int is_number(const struct skew_value *value)
{
    return value->tag == SKEW_LONG || value->tag == SKEW_DOUBLE;
}

enum skew_verdict skew_compare(const struct skew_value *served, const struct skew_value *offline)
{
    if (served->tag == SKEW_FAULT || offline->tag == SKEW_FAULT)
        return SKEW_UNKNOWN;
    if (served->tag == offline->tag)
        return served->bits == offline->bits && served->folded == offline->folded ? SKEW_EQUAL
                                                                                  : SKEW_DIFFERS;
    if (served->tag == SKEW_ABSENT)
        return SKEW_NOT_SERVED;
    if (offline->tag == SKEW_ABSENT)
        return SKEW_NOT_OFFLINE;
    return is_number(served) && is_number(offline) &&
                   skew_value_number(served) == skew_value_number(offline)
               ? SKEW_EQUAL
               : SKEW_DIFFERS;
}
