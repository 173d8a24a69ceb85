// SPDX-License-Identifier: Apache-2.0
// Rules of the user's own over several fields of a record: the option `rules`.
#ifndef WEIR_DETECTORS_SCHEMA_CROSS_H
#define WEIR_DETECTORS_SCHEMA_CROSS_H

#include "stats/expression.h"
#include "weir/detector.h"

struct schema_cross_rule {
    char *holds_text, *when_text; // as written; when_text NULL: for every record
    struct weir_expression *holds, *when;
    int condition, broken, undefined; // the host's numbers; condition -1: none
    const char **fields;              // that it reads
    size_t n_fields;
};

struct schema_cross {
    struct schema_cross_rule *rules;
    size_t n;
};

struct schema_make;
// Nothing is allocated where there are no rules. Faults and warnings are complained of with their
// place in the text.
int schema_cross_create(struct schema_make *make, struct weir_error *error);
void schema_cross_destroy(struct schema_cross *cross);

// At the edge. *evaluator is NULL where there are no rules.
int schema_cross_start(const struct schema_cross *cross, struct weir_evaluator **evaluator,
                       struct weir_error *error);
// `found` has room for a row each.
int schema_cross_observe(const struct schema_cross *cross, struct weir_evaluator *evaluator,
                         const struct weir_batch *batch, const struct weir_edge *host,
                         uint32_t *found);

// Says what a rule is about, and its fields; 0 where the host's number is none of these rules.
int schema_cross_say(const struct schema_cross *cross, const struct weir_rule_count *count,
                     double critical_share, struct weir_finding *finding, char *text, size_t size);

#endif
