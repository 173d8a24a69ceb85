// SPDX-License-Identifier: Apache-2.0
// A member: the engine carried by Kafka, with exactly-once outputs.
//
//   main thread   serves the client's events, rebalances, and hands out tasks
//   restorer      brings a new task's state back from the state topic
//   workers       each alone owns the state of its tasks: partition queues -> engine -> outboxes
//   publisher     takes units from the outboxes and commits them in transactions
#ifndef WEIR_RUNTIME_RUNTIME_H
#define WEIR_RUNTIME_RUNTIME_H

#include "consumer/task/task.h"

struct weir_runtime;

struct weir_runtime_options {
    const struct weir_config *config; // outlives the runtime
    const char *instance;             // of struct weir_instance
    int unverified; // the broker cannot be asked for settings, and topics exist (demo)
    // Called several times a second by weir_runtime_run(); non-zero ends it.
    int (*poll)(void *context);
    void *context;
};

// Finds, makes or verifies the topics, asks the registry, compiles the plan. Joins no group and
// fences nobody yet: a new configuration is tried so beside the running one.
int weir_runtime_create(const struct weir_runtime_options *options, struct weir_runtime **runtime,
                        struct weir_error *error);
// Runs until poll() says so: 0 after a graceful stop (everything committed, tasks handed over).
// An error is fatal: the process should end, and a new one will go on where the last commit was.
// The runtime must not be destroyed then.
int weir_runtime_run(struct weir_runtime *runtime, struct weir_error *error);
void weir_runtime_destroy(struct weir_runtime *runtime);

#endif
