// SPDX-License-Identifier: Apache-2.0
// What the offline side had before, for a bounded number of entities: those with the lowest hashes,
// so that who is remembered does not depend on the order. Of each the last values are kept, the
// older the fewer, and from when to when they held.
#ifndef WEIR_SKEW_HISTORY_H
#define WEIR_SKEW_HISTORY_H

#include "detectors/skew/value.h"

enum { SKEW_HISTORY = 48, SKEW_LAGS = 60 }; // moments of an entity: 3 times a power of two

// Ages that are told apart, ascending, ms.
extern const int64_t skew_lags[SKEW_LAGS];

struct skew_history {
    size_t n_fields, maximum; // entities
    struct skew_entity *entities;
    size_t n, capacity;
    uint32_t *index; // by entity, open addressing: place + 1
    size_t index_size;
    uint64_t highest; // entities from there on found no room; UINT64_MAX: all did
};

void skew_history_init(struct skew_history *history, size_t n_fields, size_t maximum);
void skew_history_free(struct skew_history *history); // and leaves it empty
// The entity has these values from `time` on; times of one entity never go back. WEIR_ENOMEM.
int skew_history_add(struct skew_history *history, uint64_t entity, int64_t time,
                     const struct skew_value *values);
int skew_history_knows(const struct skew_history *history, uint64_t entity);
// For which lags it is known what the entity had of `field` so long before `time`; and for which
// of them it was `value`.
void skew_history_match(const struct skew_history *history, uint64_t entity, int64_t time,
                        size_t field, const struct skew_value *value, uint64_t *known,
                        uint64_t *stale);

size_t skew_history_memory(const struct skew_history *history);
// Of so many entities with all the moments that are kept.
size_t skew_history_memory_most(size_t n_fields, size_t entities);

int skew_history_write(const struct skew_history *history, struct weir_buffer *out);
int skew_history_read(struct skew_history *history, struct weir_reader *in); // into an empty one

#endif
