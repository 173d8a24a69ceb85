// SPDX-License-Identifier: Apache-2.0
// The tables behind stats/meaning.h.
#ifndef WEIR_STATS_MEANING_INSIDE_H
#define WEIR_STATS_MEANING_INSIDE_H

#include "stats/meaning.h"

// What is derived from the clues: shares and scores in [0, 1], NAN where it does not apply. The
// first WEIR_LOOKS are the shares of values of each format.
enum weir_trait {
    WEIR_TRAIT_UNIQUE = WEIR_LOOKS, // distinct values / values
    WEIR_TRAIT_DISTINCT,            // log10(distinct values) / 6
    WEIR_TRAIT_ROSE,                // of neighbours that differ, those that rose
    WEIR_TRAIT_EVEN,                // steps as large as the one before
    WEIR_TRAIT_DENSE,               // distinct whole numbers / the span that they fill
    WEIR_TRAIT_LAST_UNEVEN,         // total variation of last digits from even
    WEIR_TRAIT_BENFORD,             // total variation of first digits from Benford's law
    WEIR_TRAIT_SIZE,                // log10(1 + largest magnitude) / 20
    WEIR_TRAIT_SPAN,                // of the largest magnitude, what [minimum, maximum] spans
    WEIR_TRAIT_FIXED,               // 1: strings all of one length; whole numbers, of digits
    WEIR_TRAIT_LENGTH,              // mean length of strings / 100
    WEIR_TRAIT_LETTERS,             // of the characters
    WEIR_TRAIT_DIGITS,
    WEIR_TRAIT_UPPERS, // of the letters
    WEIR_TRAIT_TWO,    // 1: at most two distinct values
    WEIR_TRAIT_ZERO_ONE,
    WEIR_TRAIT_TOP_AGE,     // 1: numbers that end in a human's span of years
    WEIR_TRAIT_SMALL_WHOLE, // 1: whole numbers from 0 or 1 up to 20 at most
    WEIR_TRAIT_TEN_DIGITS,  // 1: whole numbers of ten or eleven digits
    WEIR_TRAITS
};

struct weir_meaning_rule {
    enum weir_meaning meaning;
    int trait;
    double low, high;   // below low: `under`; above high: `over`; between, a straight line
    double under, over; // nats
    // "%.0f%% of the values are e-mail addresses" of 100 x the trait; of traits about distinct
    // values, of how many there are.
    const char *text;
    const char *otherwise; // what to say of a trait that is or is not, where it is not
};

struct weir_meaning_word {
    const char *word;
    enum weir_meaning meaning;
    double weight;
};

extern const struct weir_meaning_rule weir_meaning_rules[];
extern const size_t weir_meaning_n_rules;
extern const struct weir_meaning_word weir_meaning_words[];
extern const size_t weir_meaning_n_words;

#endif
