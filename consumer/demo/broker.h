// SPDX-License-Identifier: Apache-2.0
// A Kafka broker inside this process, for the demo: librdkafka's mock cluster. Other programs can
// connect. It keeps topics in memory, the newest 5 MB or 100,000 messages of a partition, and
// proves nothing about guarantees.
#ifndef WEIR_DEMO_BROKER_H
#define WEIR_DEMO_BROKER_H

#include "weir/error.h"

struct weir_demo_broker;

// NULL with `error` filled on failure.
struct weir_demo_broker *weir_demo_broker_start(struct weir_error *error);
const char *weir_demo_broker_address(const struct weir_demo_broker *broker); // HOST:PORT
int weir_demo_broker_topic(struct weir_demo_broker *broker, const char *name, int partitions,
                           struct weir_error *error);
void weir_demo_broker_stop(struct weir_demo_broker *broker); // NULL is fine

#endif
