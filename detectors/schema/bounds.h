// SPDX-License-Identifier: Apache-2.0
// Conditions of the user's own on a window as a whole: the option `window_rules`.
#ifndef WEIR_DETECTORS_SCHEMA_BOUNDS_H
#define WEIR_DETECTORS_SCHEMA_BOUNDS_H

#include "detectors/schema/condition.h"

struct schema;

struct schema_bounds {
    struct schema_conditions conditions;
};

// Asks for the summaries that the conditions need.
int schema_bounds_create(struct schema_make *make, struct weir_error *error);
void schema_bounds_destroy(struct schema_bounds *bounds);

// What an owner has to judge them; no state.
struct schema_bounds_judge {
    struct weir_evaluator *evaluator;
    double *inputs;
};

int schema_bounds_start(const struct schema *schema, struct schema_bounds_judge *judge,
                        struct weir_error *error);
void schema_bounds_stop(struct schema_bounds_judge *judge);
void schema_bounds_window(const struct schema *schema, const struct schema_bounds_judge *judge,
                          const struct weir_window *window);

#endif
