// SPDX-License-Identifier: Apache-2.0
// What the pairs that differ have in common: a hypothesis for each kind of cause is held against
// the sample of them, and the one that explains most is the leading one.
#ifndef WEIR_SKEW_CAUSE_H
#define WEIR_SKEW_CAUSE_H

#include "detectors/skew/skew.h"
#include "detectors/skew/tally.h"

enum skew_kind {
    SKEW_NO_CAUSE, // nothing explains half of them
    SKEW_MISSING_SERVED,
    SKEW_MISSING_OFFLINE,
    SKEW_DEFAULT_SERVED,  // one value is served, where the other side varies or has none
    SKEW_DEFAULT_OFFLINE, // the other way about
    SKEW_ENCODING,
    SKEW_ROUNDING,
    SKEW_SCALE,  // served = a offline
    SKEW_OFFSET, // served = offline + b
    SKEW_ZONE,   // an offset of whole quarters of an hour, of times
    SKEW_AFFINE, // served = a offline + b
    SKEW_LOGARITHM,
    SKEW_STALE, // served is what the offline side had some time before
    SKEW_CODES, // one to one: categories as numbers, renamed, swapped
    SKEW_KINDS
};

struct skew_cause {
    enum skew_kind kind;
    double share;       // of the pairs that differ, which it explains
    double a, b;        // of scale, offset, affine; b of a default: the value, NAN: a text
    int64_t lag;        // of stale: ms; of zone: ms that served is ahead
    int inverse;        // of logarithm: the offline side has it
    const char *detail; // static: what of the encoding, which logarithm; or NULL
    char unit[64];      // of scale: "s to ms"; "" where it has no name
    int decimals;       // of rounding: that are left; 7: not told
};

// WEIR_ENOMEM, or 0.
int skew_find_cause(const struct skew_pair *pair, const struct skew_field_tally *field,
                    struct skew_cause *cause);
const char *skew_kind_name(enum skew_kind kind); // "stale"

// In words, as in "served is the offline value of 6 hours before".
void skew_say_cause(const struct skew_cause *cause, int redact, uint64_t differ, char *text,
                    size_t size);
const char *skew_advise(enum skew_kind kind);

#endif
