// SPDX-License-Identifier: Apache-2.0
// The texts of `rules` and `window_rules`, `name: condition when condition`, compiled.
#ifndef WEIR_DETECTORS_SCHEMA_CONDITION_H
#define WEIR_DETECTORS_SCHEMA_CONDITION_H

#include "stats/expression.h"
#include "weir/detector.h"

struct schema_make;

enum { SCHEMA_CONDITION_NAME = 200 }; // bytes of a name that are used

struct schema_condition {
    char *name;                   // without one its whole text
    char *holds_text, *when_text; // as written; when_text NULL: always
    struct weir_expression *holds, *when;
    const char **fields; // that it reads; the stream's own strings
    size_t n_fields;
    size_t holds_at, when_at; // where these begin in the option's text
};

struct schema_conditions {
    struct schema_condition *items;
    size_t n;
};

// How an option's texts are read.
struct schema_condition_option {
    int option;
    const char *key, *of; // "rules"; what they judge: "record"
    const struct weir_expression_aggregate *aggregates;
};

// Faults and warnings are complained of with their place in the text; after faults, which the
// caller finds in make->faults, items may be without what they lack. WEIR_ENOMEM.
int schema_conditions_read(struct schema_conditions *conditions, struct schema_make *make,
                           const struct schema_condition_option *option, struct weir_error *error);
void schema_conditions_free(struct schema_conditions *conditions);
// An evaluator of holds and when: number 2 i is the i-th's `holds`, 2 i + 1 its `when`, which is
// not to be run where there is none. NULL where there are no conditions.
int schema_conditions_start(const struct schema_conditions *conditions,
                            struct weir_evaluator **evaluator, struct weir_error *error);

#endif
