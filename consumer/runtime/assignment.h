// SPDX-License-Identifier: Apache-2.0
// Which tasks are owned: what the group assigns and revokes, in the main thread.
#ifndef WEIR_RUNTIME_ASSIGNMENT_H
#define WEIR_RUNTIME_ASSIGNMENT_H

#include "consumer/runtime/inside.h"

enum {
    WEIR_REVOKE_MS =
        8000, // a revoked task's last unit is given up then: it is done again elsewhere
    WEIR_STOP_MS = 15000
};

// librdkafka's rebalance callback; `opaque` is the struct weir_inside.
void weir_assignment_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t event,
                               rd_kafka_topic_partition_list_t *partitions, void *opaque);
// Begins to read what the restorer has ready. Negative: the process must stop.
int weir_assignment_start_ready(struct weir_inside *inside, struct weir_error *error);
// Tasks whose position is out of range begin again: let go, restored, read.
int weir_assignment_reopen(struct weir_inside *inside, struct weir_error *error);
// Keeps memory within its limit: parks tasks that are far ahead, and lets them go on.
int weir_assignment_relieve(struct weir_inside *inside, struct weir_error *error);
// A topic has grown: task 0 of each such stream begins again and tells the mergers.
void weir_assignment_look_for_growth(struct weir_inside *inside);

#endif
