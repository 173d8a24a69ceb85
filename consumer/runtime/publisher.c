// SPDX-License-Identifier: Apache-2.0
// Assembles units and commits them. A unit is, for each owned task, every output of the records
// below its offsets and none from above; it is kept until its outcome is known.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/http/metrics.h"
#include "consumer/log/log.h"
#include "consumer/runtime/admin.h"
#include "consumer/runtime/inside.h"
#include "consumer/runtime/transaction.h"

enum {
    TRIM_EVERY_MS = 30000,
    RECOMMIT_MS = 24 * 3600 * 1000, // well under what brokers keep offsets of quiet partitions
    PAUSE_MS = 100
};

struct weir_publisher {
    struct weir_inside *inside;
    struct weir_transactor *transactor;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    int urgent;
    atomic_int stop;
    struct weir_owned **unit;
    size_t n, capacity;
    rd_kafka_queue_t *trims;
    int64_t trim_at;
};

// ---- assembling

static int reserve(struct weir_publisher *publisher, size_t n)
{
    if (n <= publisher->capacity)
        return 0;
    void *grown = realloc(publisher->unit, n * 2 * sizeof *publisher->unit);
    if (!grown)
        return WEIR_ENOMEM;
    publisher->unit = grown;
    publisher->capacity = n * 2;
    return 0;
}

// Takes what the task has ready; 1 if there was something.
static int take(struct weir_owned *owned, int64_t now)
{
    pthread_mutex_lock(&owned->lock);
    int taken = owned->dirty || (owned->committed_at && now - owned->committed_at > RECOMMIT_MS);
    if (taken) {
        struct weir_outbox empty = owned->flying;
        int64_t size = (int64_t)weir_outbox_size(&owned->pending);
        weir_owned_pending(owned, -size);
        // The unit is kept until its outcome is known, and librdkafka has a copy until then.
        weir_memory_set(&owned->inside->memory, &owned->flying_share, WEIR_MEMORY_OUTPUT, 2 * size);
        owned->flying = owned->pending;
        owned->pending = empty;
        memcpy(owned->flying_offsets, owned->pending_offsets,
               owned->n_inputs * sizeof *owned->flying_offsets);
        owned->flying_kept = owned->pending_kept;
        owned->flying_snapshots = owned->pending_snapshots;
        owned->pending_kept = -1;
        owned->pending_snapshots = 0;
        owned->dirty = 0;
        owned->flying_now = 1;
    }
    pthread_mutex_unlock(&owned->lock);
    return taken;
}

static int assemble(struct weir_publisher *publisher)
{
    struct weir_inside *inside = publisher->inside;
    int64_t now = weir_now();
    pthread_mutex_lock(&inside->ownership);
    int code = reserve(publisher, inside->n_tasks);
    for (size_t i = 0; i < inside->n_tasks && !code; i++) {
        struct weir_owned *owned = inside->tasks[i];
        if (!owned->current || !take(owned, now))
            continue;
        weir_owned_hold(owned);
        publisher->unit[publisher->n++] = owned;
    }
    pthread_mutex_unlock(&inside->ownership);
    return code;
}

// ---- outcomes

static void finish(struct weir_owned *owned, int committed)
{
    pthread_mutex_lock(&owned->lock);
    weir_outbox_reset(&owned->flying);
    weir_memory_leave(&owned->inside->memory, &owned->flying_share);
    owned->flying_now = 0;
    if (committed) {
        owned->committed_at = weir_now();
        if (owned->flying_kept >= 0)
            owned->kept = owned->flying_kept;
        WEIR_COUNT(snapshots, owned->flying_snapshots);
    }
    pthread_mutex_unlock(&owned->lock);
    weir_owned_drop(owned);
}

// Only under the ownership lock.
static int drop_lost(struct weir_publisher *publisher)
{
    size_t kept = 0;
    int dropped = 0;
    for (size_t i = 0; i < publisher->n; i++) {
        struct weir_owned *owned = publisher->unit[i];
        if (owned->current) {
            publisher->unit[kept++] = owned;
        } else {
            finish(owned, 0);
            dropped = 1;
        }
    }
    publisher->n = kept;
    return dropped;
}

static void announce(struct weir_publisher *publisher)
{
    pthread_mutex_lock(&publisher->lock);
    pthread_cond_broadcast(&publisher->done);
    pthread_mutex_unlock(&publisher->lock);
}

// Under one lock: who is owned, and what the group says of this member.
static int still_ours(struct weir_publisher *publisher, rd_kafka_consumer_group_metadata_t **group,
                      struct weir_error *error)
{
    struct weir_inside *inside = publisher->inside;
    pthread_mutex_lock(&inside->ownership);
    int code = drop_lost(publisher)
                   ? weir_error_set(error, WEIR_EAGAIN, "a task of the unit was lost")
                   : weir_kafka_membership(inside->consumer, group, error);
    pthread_mutex_unlock(&inside->ownership);
    return code;
}

// One try. 0: committed (or nothing is left of it); WEIR_EAGAIN: aborted, to be tried again.
static int try_unit(struct weir_publisher *publisher, struct weir_error *error)
{
    struct weir_inside *inside = publisher->inside;
    struct weir_transactor *transactor = publisher->transactor;
    rd_kafka_consumer_group_metadata_t *group = NULL;
    pthread_mutex_lock(&inside->ownership);
    drop_lost(publisher);
    pthread_mutex_unlock(&inside->ownership);
    if (!publisher->n)
        return 0;
    int code = weir_transactor_begin(transactor, error);
    for (size_t i = 0; i < publisher->n && !code; i++)
        code = weir_transactor_produce(transactor, &publisher->unit[i]->flying, error);
    if (!code)
        code = weir_transactor_produced(transactor, error);
    if (!code)
        code = still_ours(publisher, &group, error);
    if (!code)
        code = weir_transactor_commit(transactor, publisher->unit, publisher->n, group, error);
    if (group)
        rd_kafka_consumer_group_metadata_destroy(group);
    if (code == WEIR_EAGAIN) {
        struct weir_error aborting;
        weir_log(WEIR_LOG_WARNING, "publisher", "a transaction is aborted and tried again: %s",
                 error->message);
        WEIR_COUNT(aborts, 1);
        if (weir_transactor_abort(transactor, &aborting)) {
            *error = aborting;
            return aborting.code;
        }
    }
    return code;
}

static int publish(struct weir_publisher *publisher, struct weir_error *error)
{
    struct weir_inside *inside = publisher->inside;
    int code = assemble(publisher);
    if (code)
        return weir_error_set(error, code, "no memory for a unit");
    while (publisher->n) {
        code = try_unit(publisher, error);
        if (code && code != WEIR_EAGAIN)
            return code;
        if (!code)
            break;
        announce(publisher);
        usleep(PAUSE_MS * 1000);
        if (atomic_load(&inside->failed))
            return WEIR_EAGAIN;
    }
    if (publisher->n)
        WEIR_COUNT(transactions, 1);
    for (size_t i = 0; i < publisher->n; i++)
        finish(publisher->unit[i], 1);
    publisher->n = 0;
    announce(publisher);
    return 0;
}

// ---- trimming

// Partials below the newest committed snapshot's position are needed by nobody any more.
static void trim(struct weir_publisher *publisher)
{
    struct weir_inside *inside = publisher->inside;
    rd_kafka_event_t *event;
    while ((event = rd_kafka_queue_poll(publisher->trims, 0)) != NULL)
        rd_kafka_event_destroy(event);
    if (weir_now() < publisher->trim_at || inside->unverified)
        return;
    publisher->trim_at = weir_now() + TRIM_EVERY_MS;
    pthread_mutex_lock(&inside->ownership);
    for (size_t i = 0; i < inside->n_tasks; i++) {
        struct weir_owned *owned = inside->tasks[i];
        if (owned->driver != SIZE_MAX || !owned->current)
            continue;
        pthread_mutex_lock(&owned->lock);
        int64_t below = owned->kept;
        owned->kept = -1;
        pthread_mutex_unlock(&owned->lock);
        if (below > 0)
            weir_admin_trim(inside->consumer, inside->topics.items[WEIR_OUTPUT_PARTIALS].name,
                            owned->partition, below, publisher->trims);
    }
    pthread_mutex_unlock(&inside->ownership);
}

// ---- the thread

static void wait_for_work(struct weir_publisher *publisher, int64_t until)
{
    struct timespec at = {until / 1000, until % 1000 * 1000000};
    pthread_mutex_lock(&publisher->lock);
    while (!publisher->urgent && !atomic_load(&publisher->stop) && weir_now() < until)
        pthread_cond_timedwait(&publisher->wake, &publisher->lock, &at);
    publisher->urgent = 0;
    pthread_mutex_unlock(&publisher->lock);
}

static void *run(void *context)
{
    pthread_setname_np(pthread_self(), "weir:publisher"); // as tools list it
    struct weir_publisher *publisher = context;
    struct weir_inside *inside = publisher->inside;
    struct weir_error error;
    int code = weir_transactor_init(publisher->transactor, &error);
    int64_t next = weir_now() + inside->config->commit_every;
    while (!code && !atomic_load(&publisher->stop) && !atomic_load(&inside->failed)) {
        wait_for_work(publisher, next);
        next = weir_now() + inside->config->commit_every;
        code = publish(publisher, &error);
        if (!code) {
            weir_transactor_poll(publisher->transactor);
            trim(publisher);
        }
    }
    if (code && code != WEIR_EAGAIN)
        weir_inside_fail(inside, &error);
    announce(publisher);
    return NULL;
}

void weir_publisher_hurry(struct weir_publisher *publisher)
{
    pthread_mutex_lock(&publisher->lock);
    publisher->urgent = 1;
    pthread_cond_signal(&publisher->wake);
    pthread_mutex_unlock(&publisher->lock);
}

static int all_done(struct weir_owned *const *tasks, size_t n)
{
    int waiting = 0;
    for (size_t i = 0; i < n; i++) {
        pthread_mutex_lock(&tasks[i]->lock);
        waiting |= tasks[i]->dirty || tasks[i]->flying_now;
        pthread_mutex_unlock(&tasks[i]->lock);
    }
    return !waiting;
}

int weir_publisher_flush(struct weir_publisher *publisher, struct weir_owned *const *tasks,
                         size_t n, int64_t deadline)
{
    int done = all_done(tasks, n);
    while (!done && weir_now() < deadline && !atomic_load(&publisher->inside->failed)) {
        int64_t until = weir_now() + 20;
        struct timespec at = {until / 1000, until % 1000 * 1000000};
        pthread_mutex_lock(&publisher->lock);
        publisher->urgent = 1;
        pthread_cond_signal(&publisher->wake);
        pthread_cond_timedwait(&publisher->done, &publisher->lock, &at);
        pthread_mutex_unlock(&publisher->lock);
        done = all_done(tasks, n);
    }
    return done ? 0 : WEIR_EAGAIN;
}

int weir_publisher_start(struct weir_inside *inside, struct weir_publisher **publisher,
                         struct weir_error *error)
{
    struct weir_publisher *made = calloc(1, sizeof *made);
    pthread_condattr_t monotonic;
    if (!made)
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    made->inside = inside;
    int code = weir_transactor_create(inside, &made->transactor, error);
    if (code) {
        free(made);
        return code;
    }
    made->trims = rd_kafka_queue_new(inside->consumer);
    pthread_mutex_init(&made->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&made->wake, &monotonic);
    pthread_cond_init(&made->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    made->trim_at = weir_now() + TRIM_EVERY_MS;
    if (pthread_create(&made->thread, NULL, run, made)) {
        rd_kafka_queue_destroy(made->trims);
        weir_transactor_destroy(made->transactor);
        free(made);
        return weir_error_set(error, WEIR_EIO, "the publisher cannot be started");
    }
    *publisher = made;
    return 0;
}

void weir_publisher_stop(struct weir_publisher *publisher)
{
    if (!publisher)
        return;
    pthread_mutex_lock(&publisher->lock);
    atomic_store(&publisher->stop, 1);
    pthread_cond_signal(&publisher->wake);
    pthread_mutex_unlock(&publisher->lock);
    pthread_join(publisher->thread, NULL);
    for (size_t i = 0; i < publisher->n; i++)
        finish(publisher->unit[i], 0);
    rd_kafka_queue_destroy(publisher->trims);
    weir_transactor_destroy(publisher->transactor);
    pthread_mutex_destroy(&publisher->lock);
    pthread_cond_destroy(&publisher->wake);
    pthread_cond_destroy(&publisher->done);
    free(publisher->unit);
    free(publisher);
}
