// SPDX-License-Identifier: Apache-2.0
// Inputs that come more than once, and the scores that they were given.
//
// Of all inputs of a pane those with the lowest hashes are remembered. Which ones does not depend
// on the order in which they came, nor on which task saw them, and each of them is remembered from
// its first record on: whatever made room for it had a higher hash.
#ifndef WEIR_OPERATIONS_REPEATS_H
#define WEIR_OPERATIONS_REPEATS_H

#include "stats/buffer.h"
#include "stats/name_set.h"
#include "weir/error.h"

enum { OPERATIONS_INPUTS = 65536, OPERATIONS_NO_HOST = UINT32_MAX };

struct operations_answer { // one of the scores of an input
    double score;
    uint32_t host; // number among the tally's hosts, or OPERATIONS_NO_HOST
    int32_t partition;
    int64_t offset;
};

struct operations_input {
    uint64_t hash; // of all features and the model version
    uint64_t n;    // records
    struct operations_answer low, high;
};

struct operations_repeats {
    struct operations_input *inputs; // by hash
    uint32_t n, capacity, maximum;
};

void operations_repeats_free(struct operations_repeats *repeats);
// Whether an input of this hash would be remembered.
static inline int operations_repeats_wants(const struct operations_repeats *repeats, uint64_t hash)
{
    return repeats->n < repeats->maximum ||
           (repeats->n && hash <= repeats->inputs[repeats->n - 1].hash);
}
// Adds what is known of an input. Hosts are numbers in `hosts`. WEIR_ENOMEM.
int operations_repeats_add(struct operations_repeats *repeats, const struct weir_names *hosts,
                           const struct operations_input *input);

int operations_repeats_write(const struct operations_repeats *repeats, struct weir_buffer *out);
// Adds what was written; `map` has this reader's number of each of the writer's `n_map` hosts.
int operations_repeats_read(struct operations_repeats *repeats, const struct weir_names *hosts,
                            const uint32_t *map, size_t n_map, struct weir_reader *in);

#endif
