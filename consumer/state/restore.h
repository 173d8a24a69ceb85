// SPDX-License-Identifier: Apache-2.0
// Reads snapshots from the state topic. The order matters: the committed offsets of the tasks
// are fetched first, and are stable; what is read afterwards, up to the high watermark that a
// read_uncommitted client sees, holds every snapshot that was committed with them or before.
#ifndef WEIR_STATE_RESTORE_H
#define WEIR_STATE_RESTORE_H

#include <librdkafka/rdkafka.h>

#include "consumer/config/config.h"
#include "consumer/state/snapshot.h"

struct weir_restore;

// Two clients of its own, neither in the group. `of_others`: the tasks belong to other members,
// which may be writing snapshots at this moment. Then what is committed is read and one client
// does, for the high watermark may be in the midst of a snapshot that is committed a moment later.
int weir_restore_create(const struct weir_config *config, const char *topic, int of_others,
                        struct weir_restore **restore, struct weir_error *error);
void weir_restore_destroy(struct weir_restore *restore);

struct weir_restore_task {
    struct weir_snapshot_reader *reader;
    int32_t partition; // of the state topic
};

// Reads the partitions that the tasks need and offers every record to the readers of that
// partition. `cancelled` is asked several times a second: non-zero ends it with WEIR_EAGAIN.
int weir_restore_read(struct weir_restore *restore, const struct weir_restore_task *tasks, size_t n,
                      int (*cancelled)(void *context), void *context, struct weir_error *error);
// Offsets [low, high) that a topic's partition has for a read_committed client.
int weir_restore_range(struct weir_restore *restore, const char *topic, int32_t partition,
                       int64_t *low, int64_t *high, struct weir_error *error);

#endif
