// SPDX-License-Identifier: Apache-2.0
// What the files of rule_logic.h share. Not installed.
#ifndef WEIR_STATS_RULE_LOGIC_INSIDE_H
#define WEIR_STATS_RULE_LOGIC_INSIDE_H

#include "stats/expression_inside.h"
#include "stats/rule_logic.h"

// ---- memory that is given back as the search goes back

struct logic_arena {
    char *data;
    size_t used, size;
};
void *logic_room(struct logic_arena *arena, size_t size); // NULL: it is full

// ---- sets of values (rule_logic_set.c)

// long double has 64 bits of mantissa or more where weir runs: int64_t and double are both exact.
struct logic_interval {
    long double low, high;
    uint8_t low_open, high_open;
};

// Numbers are intervals, ascending and apart; texts are those listed, or all but those.
struct logic_set {
    uint8_t null, nan;
    uint8_t is_text, whole;
    uint8_t except; // of texts
    uint32_t n;
    const struct logic_interval *intervals;
    const struct weir_text *texts; // sorted
};

int logic_set_is_empty(const struct logic_set *set);
// What is in both. Where memory is short `a` itself: that is never too little.
struct logic_set logic_set_and(struct logic_arena *arena, const struct logic_set *a,
                               const struct logic_set *b);
// The values that are not in it; null stays as it is, NaN is turned.
struct logic_set logic_set_not(struct logic_arena *arena, const struct logic_set *set);
struct logic_set logic_set_between(struct logic_arena *arena, struct logic_interval interval);
void logic_sort_texts(struct weir_text *texts, uint32_t *n);        // and each once
void logic_sort_points(struct logic_interval *points, uint32_t *n); // and each once

// ---- what expressions say (rule_logic_read.c)

struct logic_term {
    const struct tree *tree;
    uint32_t node;
    uint8_t is_text, whole, is_boolean;
    int field;               // -1: it is computed
    int length_of;           // the field of which it is the length, -1
    int null_with;           // where it is null only with that field, -1
    struct logic_set values; // of a field, those that are allowed; without any: all
};

enum logic_atom_kind {
    LOGIC_ANYTHING,
    LOGIC_TRUTH, // `truth`: 0, 1, 2 null
    LOGIC_SET,   // `x` is in `set`
    LOGIC_NULL,
    LOGIC_MISSING,
    LOGIC_ORDER // x `op` y + k: OP_LT, OP_LE, OP_EQ
};

struct logic_atom {
    enum logic_atom_kind kind;
    uint8_t truth, op;
    uint8_t turned; // it is the negation of what is said here
    uint32_t x, y;
    long double k;
    struct logic_set set;
};

struct logic_formula {
    const struct tree *tree;  // NULL: nothing is known of it
    struct logic_atom *atoms; // by node
};

struct logic_rule {
    struct logic_formula holds, when; // `when` without a tree: always
    int conditional;
};

struct logic {
    const struct weir_logic *in;
    struct logic_rule *rules;
    struct logic_term *terms;
    uint32_t n_terms, most_terms;
    struct logic_arena arena;
    size_t base; // of the arena: what the atoms hold
    // The search's.
    struct logic_set *sets; // by term
    struct logic_undo *trail;
    size_t n_trail;
    struct logic_order *orders;
    size_t n_orders;
    unsigned steps;
};

// Reads all rules' conditions. -1: no memory; 1: there are too many to look at.
int logic_read(struct logic *logic);
void logic_free(struct logic *logic);
int logic_is_junction(const struct node *node); // and, or, not, implies

// ---- the search (rule_logic_search.c)

struct logic_goal {
    const struct logic_formula *formula; // NULL: rule number `rule` is kept
    size_t rule;
    uint32_t node;
    uint8_t negative;
    uint8_t lifted; // null will do
    const struct logic_goal *next;
};

struct logic_query {
    const uint8_t *rules;           // those that are kept
    const uint8_t *pieces;          // bits by field, of those in force
    const struct logic_goal *goals; // what else is to be
    int64_t value_of;               // the term that has a value, -1
};

// 0: no record meets it, for certain.
int logic_possible(struct logic *logic, const struct logic_query *query);

#endif
