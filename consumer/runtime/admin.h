// SPDX-License-Identifier: Apache-2.0
// The few administrative calls that weir makes, each waited for.
#ifndef WEIR_RUNTIME_ADMIN_H
#define WEIR_RUNTIME_ADMIN_H

#include <librdkafka/rdkafka.h>

#include "weir/error.h"

struct weir_admin_setting {
    const char *name, *value;
};

// A topic with these settings; partitions -1: the broker's default. One that exists is no error.
int weir_admin_create(rd_kafka_t *client, const char *topic, int partitions,
                      const struct weir_admin_setting *settings, size_t n,
                      struct weir_error *error);
// The setting of a topic, to be freed; NULL where the broker does not tell (no permission).
int weir_admin_setting(rd_kafka_t *client, const char *topic, const char *name, char **value,
                       struct weir_error *error);
// How many members a group has now.
int weir_admin_members(rd_kafka_t *client, const char *group, size_t *members,
                       struct weir_error *error);
// Asks to delete the records below `offset`. The answer comes to `queue`, whose events the caller
// destroys; nothing depends on it.
void weir_admin_trim(rd_kafka_t *client, const char *topic, int32_t partition, int64_t offset,
                     rd_kafka_queue_t *queue);

#endif
