// SPDX-License-Identifier: Apache-2.0
// What a field means, inferred from independent clues: its name, its values' formats, range,
// digits, cardinality and order, and how they relate to the event time. Each clue adds to or
// takes from a meaning's log-odds (a naive Bayes score with weights set by hand, in nats); the
// clues that did most are told, for and against.
#ifndef WEIR_STATS_MEANING_H
#define WEIR_STATS_MEANING_H

#include "stats/clues.h"

enum weir_meaning {
    WEIR_MEANING_UNKNOWN,
    WEIR_MEANING_TIMESTAMP_S,
    WEIR_MEANING_TIMESTAMP_MS,
    WEIR_MEANING_TIMESTAMP_US,
    WEIR_MEANING_TIMESTAMP_NS,
    WEIR_MEANING_TIMESTAMP, // written out, with a time of day
    WEIR_MEANING_DATE,
    WEIR_MEANING_SEQUENTIAL_ID,
    WEIR_MEANING_RANDOM_ID,
    WEIR_MEANING_UUID,
    WEIR_MEANING_HASH,
    WEIR_MEANING_EMAIL,
    WEIR_MEANING_PHONE,
    WEIR_MEANING_URL,
    WEIR_MEANING_IP,
    WEIR_MEANING_COUNTRY,
    WEIR_MEANING_CURRENCY,
    WEIR_MEANING_LANGUAGE,
    WEIR_MEANING_LATITUDE,
    WEIR_MEANING_LONGITUDE,
    WEIR_MEANING_PERCENTAGE,
    WEIR_MEANING_PROBABILITY,
    WEIR_MEANING_MONEY,
    WEIR_MEANING_AGE,
    WEIR_MEANING_BOOLEAN,
    WEIR_MEANING_CATEGORY,
    WEIR_MEANING_TEXT,
    WEIR_MEANING_JSON,
    WEIR_MEANING_BASE64,
    WEIR_MEANING_POSTAL_CODE,
    WEIR_MEANING_CARD_NUMBER,
    WEIR_MEANING_IBAN,
    WEIR_MEANING_COUNT,       // how many
    WEIR_MEANING_MEASUREMENT, // any other quantity
    WEIR_MEANINGS
};

const char *weir_meaning_name(enum weir_meaning meaning); // "timestamp_ms"

enum { WEIR_MEANING_CLUES = 6, WEIR_MEANING_CLUE_TEXT = 96 };

// A clue and what it is worth to a meaning, in nats.
struct weir_meaning_clue {
    double weight;
    char text[WEIR_MEANING_CLUE_TEXT]; // "99% of the values are within a day of the event time"
};

struct weir_inference {
    enum weir_meaning meaning;         // the likeliest, UNKNOWN where there is nothing to go by
    double confidence;                 // its share among all meanings
    double score[WEIR_MEANINGS];       // with the name
    double value_score[WEIR_MEANINGS]; // of the values alone
};

// `name` may be NULL. Nothing is inferred from fewer than 20 values.
void weir_meaning_infer(const char *name, const struct weir_clues *clues,
                        struct weir_inference *inference);
// The strongest clues about one meaning: positive weights for it, negative against. Returns how
// many, strongest first.
size_t weir_meaning_clues(const char *name, const struct weir_clues *clues,
                          enum weir_meaning meaning, int for_it,
                          struct weir_meaning_clue out[WEIR_MEANING_CLUES]);

// What an annotation allows, as a mask of 1 << enum weir_meaning: "user_id" any identifier,
// "timestamp" any of the units. 0: it is none that weir knows.
uint64_t weir_meaning_of_annotation(const char *annotation);

#endif
