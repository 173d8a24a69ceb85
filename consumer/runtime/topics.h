// SPDX-License-Identifier: Apache-2.0
// The topics that an app reads and writes: found, made or verified before anything else, so that
// no transaction fails for ever over a setting.
#ifndef WEIR_RUNTIME_TOPICS_H
#define WEIR_RUNTIME_TOPICS_H

#include <librdkafka/rdkafka.h>

#include "consumer/task/task.h"

enum {
    WEIR_TOPIC_STATE = WEIR_OUTPUT_KINDS, // below it: enum weir_output
    WEIR_TOPIC_GATE,                      // + stream: the clean topic of its own gate
    WEIR_STATE_PARTITIONS = 8,
    WEIR_PARTIALS_PARTITIONS = 8,
    WEIR_INTERNAL_MESSAGE = 8 << 20, // max.message.bytes of partials and state
    WEIR_QUARANTINE_ROOM = 64 << 10  // for headers, beside the source's record
};

struct weir_topic {
    char *name; // NULL: this output is not wanted
    int32_t partitions;
    size_t max_bytes; // of a message (max.message.bytes)
};

struct weir_topics {
    struct weir_topic *items; // WEIR_TOPIC_GATE + streams of them
    size_t n;
    struct weir_topic *sources; // one a stream
    size_t n_sources;
    size_t largest, smallest; // max_bytes of all that are written
};

// Creates what is absent and weir's to create: partials, state, quarantine, clean, alerts and the
// other outputs. `unverified` (an embedded broker that cannot be asked): takes all as it is.
int weir_topics_prepare(rd_kafka_t *client, const struct weir_config *config, int unverified,
                        struct weir_topics *topics, struct weir_error *error);
void weir_topics_free(struct weir_topics *topics);

#endif
