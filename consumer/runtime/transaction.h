// SPDX-License-Identifier: Apache-2.0
// The transactional producer. One thread.
//
// Every step returns 0; WEIR_EAGAIN where the transaction has to be aborted and its unit sent
// again; anything else is fatal. What librdkafka calls retriable is called again here.
#ifndef WEIR_RUNTIME_TRANSACTION_H
#define WEIR_RUNTIME_TRANSACTION_H

#include "consumer/runtime/inside.h"
#include "consumer/source/kafka.h"

struct weir_transactor;

int weir_transactor_create(struct weir_inside *inside, struct weir_transactor **transactor,
                           struct weir_error *error);
void weir_transactor_destroy(struct weir_transactor *transactor);
// Ends what a previous run of this instance left open, and fences it.
int weir_transactor_init(struct weir_transactor *transactor, struct weir_error *error);
int weir_transactor_begin(struct weir_transactor *transactor, struct weir_error *error);
int weir_transactor_produce(struct weir_transactor *transactor, const struct weir_outbox *outbox,
                            struct weir_error *error);
int weir_transactor_produced(struct weir_transactor *transactor, struct weir_error *error);
// Sends the tasks' flying offsets for this generation of the group, and commits.
int weir_transactor_commit(struct weir_transactor *transactor, struct weir_owned *const *tasks,
                           size_t n, const rd_kafka_consumer_group_metadata_t *group,
                           struct weir_error *error);
int weir_transactor_abort(struct weir_transactor *transactor, struct weir_error *error);
void weir_transactor_poll(struct weir_transactor *transactor); // serves events; never waits

#endif
