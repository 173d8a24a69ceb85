// SPDX-License-Identifier: Apache-2.0
// Sends generated records to a Kafka cluster.
#ifndef WEIR_GENERATE_SEND_H
#define WEIR_GENERATE_SEND_H

#include "consumer/generate/generate.h"

struct weir_generate_sender;

// Connects to `bootstrap` ("HOST:PORT,..."). Topics that do not exist are created with
// `partitions`; one that has fewer is refused. NULL with `error` filled on failure.
struct weir_generate_sender *weir_generate_sender_open(const char *bootstrap,
                                                       const struct weir_generate_options *options,
                                                       struct weir_error *error);
// Hands one record over, its bytes copied; waits while the client's queue is full. A failure of
// an earlier record is returned by a later call or by finish.
int weir_generate_sender_send(struct weir_generate_sender *sender,
                              const struct weir_generate_record *record, struct weir_error *error);
// Waits until the cluster has acknowledged everything.
int weir_generate_sender_finish(struct weir_generate_sender *sender, struct weir_error *error);
void weir_generate_sender_close(struct weir_generate_sender *sender); // NULL is fine

#endif
