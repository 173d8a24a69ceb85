// SPDX-License-Identifier: Apache-2.0
// A stretch of a topic, by the records' Kafka timestamps: read as often as one likes, outside any
// group, committing nothing.
#ifndef WEIR_SOURCE_RANGE_H
#define WEIR_SOURCE_RANGE_H

#include "consumer/codec/registry.h"
#include "consumer/config/config.h"

struct weir_range;

// Finds where the stretch [from, to) lies in each partition: epoch ms; `to` INT64_MAX: to the
// end as it is now. `stream` and `fields` outlive the range; `registry` may be NULL.
int weir_range_open(const struct weir_config *config, const struct weir_stream_config *stream,
                    const struct weir_builder_options *builder, struct weir_registry *registry,
                    int64_t from, int64_t to, struct weir_range **range, struct weir_error *error);
void weir_range_close(struct weir_range *range);
uint64_t weir_range_offsets(const struct weir_range *range); // in all; not every one has a record
// Gives every batch of the stretch to `each`, partition by partition; what it returns, if not 0,
// ends the pass. `read` is how many offsets of the range have been passed.
int weir_range_pass(struct weir_range *range,
                    int (*each)(void *context, const struct weir_batch *batch, uint64_t read,
                                struct weir_error *error),
                    void *context, struct weir_error *error);

#endif
