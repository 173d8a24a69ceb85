// SPDX-License-Identifier: Apache-2.0
// Rules of the user's own over several fields of a record: the option `rules`.
#ifndef WEIR_DETECTORS_SCHEMA_CROSS_H
#define WEIR_DETECTORS_SCHEMA_CROSS_H

#include "detectors/schema/condition.h"

struct schema_cross_rule {
    int condition, broken, undefined; // the host's numbers; condition -1: none
};

struct schema_cross {
    struct schema_conditions conditions;
    struct schema_cross_rule *rules; // parallel to the conditions
};

// Nothing is allocated where there are no rules. Faults and warnings are complained of with their
// place in the text.
int schema_cross_create(struct schema_make *make, struct weir_error *error);
// Complains of rules that contradict each other or the fields' own, and of those for nothing.
// `routes`: what is done to records, NULL for rules on windows. contradictions.c
int schema_contradictions(struct schema_make *make, const struct schema_conditions *conditions,
                          const struct schema_condition_option *option,
                          const struct schema_cross_rule *routes, struct weir_error *error);
void schema_cross_destroy(struct schema_cross *cross);

// At the edge: `evaluator` is of the conditions. `found` has room for a row each.
int schema_cross_observe(const struct schema_cross *cross, struct weir_evaluator *evaluator,
                         const struct weir_batch *batch, const struct weir_edge *host,
                         uint32_t *found);

// Says what a rule is about, and its fields; 0 where the host's number is none of these rules.
int schema_cross_say(const struct schema_cross *cross, const struct weir_rule_count *count,
                     double critical_share, struct weir_finding *finding, char *text, size_t size);

#endif
