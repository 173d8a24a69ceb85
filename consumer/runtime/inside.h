// SPDX-License-Identifier: Apache-2.0
// What the threads of a member share.
#ifndef WEIR_RUNTIME_INSIDE_H
#define WEIR_RUNTIME_INSIDE_H

#include <time.h>

#include "consumer/codec/registry.h"
#include "consumer/runtime/memory.h"
#include "consumer/runtime/owned.h"
#include "consumer/runtime/runtime.h"

struct weir_publisher;
struct weir_restorer;
struct weir_worker;

struct weir_inside {
    const struct weir_config *config;
    const char *instance;
    int unverified;
    struct weir_plan *plan;
    struct weir_registry *registry;
    struct weir_topics topics;
    atomic_int *partitions; // of each stream's topic, as last seen
    rd_kafka_t *consumer;
    int subscribed, assigned; // it joined the group; it was assigned something, ever

    // The ownership lock: which tasks are owned now. Group metadata is taken under it too.
    pthread_mutex_t ownership;
    struct weir_owned **tasks;
    size_t n_tasks, capacity;

    struct weir_publisher *publisher;
    struct weir_restorer *restorer;
    struct weir_worker **workers;
    size_t n_workers;

    struct weir_memory memory;
    int64_t dictionaries;              // of all partitions
    enum weir_memory_level told_level; // in the log
    int64_t relieved_at;               // ms, monotonic: when that was looked at
    atomic_int relieved;               // memory is short, and all that can be parked is
    atomic_llong pending;              // bytes of all tasks' outboxes that wait for the publisher
    atomic_int *active;                // of each stream: owned inputs that are not idle
    atomic_llong trouble_at;           // ms, monotonic: brokers were last unreachable
    int32_t alert_schema;              // registry's id of the alert schema; -1: alerts are JSON
    atomic_int failed, stopping;       // failed: a fatal error, told in:
    pthread_mutex_t failure_lock;
    struct weir_error failure;
};

// Its plan, with what the sources say of the streams' fields; `partials`: partitions of that topic.
int weir_runtime_plan(const struct weir_config *config, struct weir_registry *registry,
                      int32_t partials, struct weir_plan **plan, struct weir_error *error);
// The process cannot go on. The first sentence is kept.
void weir_inside_fail(struct weir_inside *inside, const struct weir_error *error);

static inline int64_t weir_now(void) // ms, monotonic
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
static inline int64_t weir_wall(void) // ms since 1970
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// ---- publisher.c

int weir_publisher_start(struct weir_inside *inside, struct weir_publisher **publisher,
                         struct weir_error *error);
// Wakes it before its time.
void weir_publisher_hurry(struct weir_publisher *publisher);
// Waits until everything of these tasks is committed or dropped; 0, or WEIR_EAGAIN at the
// deadline (weir_now()).
int weir_publisher_flush(struct weir_publisher *publisher, struct weir_owned *const *tasks,
                         size_t n, int64_t deadline);
void weir_publisher_stop(struct weir_publisher *publisher);

// ---- restorer.c

int weir_restorer_start(struct weir_inside *inside, struct weir_restorer **restorer,
                        struct weir_error *error);
// Takes a reference. The task comes back by weir_restorer_ready().
void weir_restorer_add(struct weir_restorer *restorer, struct weir_owned *owned);
// A task that is ready to be read, or NULL. The reference is the caller's.
struct weir_owned *weir_restorer_ready(struct weir_restorer *restorer);
void weir_restorer_stop(struct weir_restorer *restorer);

// ---- worker.c

int weir_worker_start(struct weir_inside *inside, struct weir_worker **worker,
                      struct weir_error *error);
size_t weir_worker_load(const struct weir_worker *worker); // tasks
// Takes a reference; enables reading of its partitions' queues.
int weir_worker_add(struct weir_worker *worker, struct weir_owned *owned);
void weir_worker_wake(struct weir_worker *worker);
// Waits until each of the tasks that it has is let go, in one of the ways of enum weir_release.
void weir_worker_release(struct weir_worker *worker, struct weir_owned *const *tasks, size_t n,
                         int how);
void weir_worker_stop(struct weir_worker *worker);

#endif
