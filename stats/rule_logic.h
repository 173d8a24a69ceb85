// SPDX-License-Identifier: Apache-2.0
// What can be known of a set of rules before the first record: that no record can keep some of
// them together, that one never fails where others are kept, that a condition never holds.
//
// Every comparison of a term (a field, or anything computed) with constants leaves the term a set
// of values, every comparison of two terms an order; a rule set is a formula over these, and is
// searched for one record that meets it. Whatever is not understood is taken to be possible, and a
// search that takes too long finds one: so what is reported is so, and not all that is so is
// reported.
#ifndef WEIR_STATS_RULE_LOGIC_H
#define WEIR_STATS_RULE_LOGIC_H

#include "stats/expression.h"

// What a contract asks of single fields.
enum weir_logic_piece {
    WEIR_LOGIC_RANGE,
    WEIR_LOGIC_VALUES,
    WEIR_LOGIC_LENGTH,
    WEIR_LOGIC_PATTERN,
    WEIR_LOGIC_NULL, // there has to be a value
    WEIR_LOGIC_NAN,  // neither NaN nor an infinity (but as nan, infinite say)
    WEIR_LOGIC_PIECES
};

struct weir_logic_field {
    unsigned pieces;                    // bits of 1 << enum weir_logic_piece: those in force
    unsigned routes[WEIR_LOGIC_PIECES]; // what is done to records that break them
    int nan, infinite;                  // are legal
};

struct weir_logic_rule {
    const struct weir_expression *holds; // a condition
    const struct weir_expression *when;  // NULL: always
    // What is done to records that break it. Rules and pieces can be left out for one another only
    // where it is the same.
    unsigned route;
};

struct weir_logic {
    const struct weir_stream *stream;      // of the expressions
    const struct weir_logic_field *fields; // one a field of the stream; NULL: nothing is asked
    const struct weir_logic_rule *rules;
    size_t n_rules;
    // Whether a text meets the field's length and pattern. NULL: it is not looked at.
    int (*legal)(void *context, int field, enum weir_logic_piece piece, struct weir_text text);
    void *context;
};

enum weir_logic_kind {
    WEIR_LOGIC_NO_RECORD,   // no record can keep all parts
    WEIR_LOGIC_NO_VALUE,    // none with a value of `field`, or (-1) of something computed
    WEIR_LOGIC_NONE_UNDER,  // none for which the conditions of the parts hold
    WEIR_LOGIC_NEVER_FAILS, // `rule` is kept wherever the other parts are
    WEIR_LOGIC_NEVER_HOLDS  // the condition of `rule` holds for no record that keeps the others
};

struct weir_logic_part {
    size_t rule; // WEIR_LOGIC_NO_RULE: a piece of a field
    int field;
    enum weir_logic_piece piece;
};
enum { WEIR_LOGIC_PARTS = 8 };
#define WEIR_LOGIC_NO_RULE SIZE_MAX

struct weir_logic_finding {
    enum weir_logic_kind kind;
    size_t rule; // the last one of those that it takes
    int field;
    struct weir_logic_part parts[WEIR_LOGIC_PARTS]; // what else it takes: none can be left out
    size_t n_parts;                                 // may be more than WEIR_LOGIC_PARTS
};

// Tells of each. WEIR_ENOMEM, or 0; rule sets of thousands of terms are not looked at.
int weir_logic_check(const struct weir_logic *logic,
                     void (*report)(void *context, const struct weir_logic_finding *finding),
                     void *context);

#endif
