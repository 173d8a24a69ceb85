// SPDX-License-Identifier: Apache-2.0
// A writer's schema that comes with a new id, against the stream's fields and the newest schema
// before it: what it lost or changed is said at its first record.
#ifndef WEIR_DETECTORS_SCHEMA_EVOLUTION_H
#define WEIR_DETECTORS_SCHEMA_EVOLUTION_H

#include "stats/buffer.h"
#include "weir/detector.h"

struct schema;
struct schema_make;

// Declares the rule; its number is schema->evolution, -1: not looked at.
int schema_evolution_create(struct schema_make *make, struct weir_error *error);

// What a task knows.
struct schema_evolution {
    const struct schema *schema;
    int32_t *known; // ids, the oldest first
    size_t n_known;
    int32_t base;                   // id of the newest; meaningless while base_fields is empty
    struct weir_buffer base_fields; // what is compared, of the stream's fields that it had
    uint8_t *told;                  // scratch, one a field
};

int schema_evolution_start(const struct schema *schema, struct schema_evolution *state);
void schema_evolution_stop(struct schema_evolution *state);
// WEIR_ENOMEM.
int schema_evolution_observe(struct schema_evolution *state, const struct weir_batch *batch,
                             const struct weir_edge *host);
int schema_evolution_save(const struct schema_evolution *state, struct weir_buffer *out);
int schema_evolution_restore(struct schema_evolution *state, struct weir_reader *in);

// 0 where the host's rule is another.
int schema_evolution_say(const struct schema *schema, const struct weir_rule_count *count,
                         struct weir_finding *finding, char *text, size_t size);

#endif
