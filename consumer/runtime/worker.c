// SPDX-License-Identifier: Apache-2.0
// One thread that alone owns the state of its tasks: it goes round their partition queues, and
// sleeps on an event descriptor when none has anything.
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "consumer/http/metrics.h"
#include "consumer/log/log.h"
#include "consumer/runtime/reading.h"

// What may wait for the publisher, as a share of limits.memory, all tasks together; and how little
// of it a task may have before it waits for the others'.
enum { SLEEP_MS = 50, PENDING_SHARE = 64, PENDING_LEAST = 64 << 10 };

struct weir_worker {
    struct weir_inside *inside;
    pthread_t thread;
    int event; // eventfd; librdkafka writes to it when an empty queue gets a message
    pthread_mutex_t lock;
    pthread_cond_t released;
    struct weir_owned **tasks;
    size_t n, capacity;
    int stop, gone;
};

void weir_worker_wake(struct weir_worker *worker)
{
    uint64_t one = 1;
    ssize_t written = write(worker->event, &one, sizeof one);
    (void)written; // full: it is awake
}

size_t weir_worker_load(const struct weir_worker *worker)
{
    struct weir_worker *mine = (struct weir_worker *)(uintptr_t)worker;
    pthread_mutex_lock(&mine->lock);
    size_t n = mine->n;
    pthread_mutex_unlock(&mine->lock);
    return n;
}

// ---- letting go

static int let_go(struct weir_owned *owned, int how, struct weir_error *error)
{
    int code = 0;
    if (how == WEIR_RELEASE_LAST && (owned->changed || owned->snapshot_due)) {
        code = weir_owned_snapshot(owned, error);
        if (!code && weir_owned_push(owned))
            code = weir_error_set(error, WEIR_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < owned->n_inputs; i++) {
        struct weir_input *input = &owned->inputs[i];
        for (; input->at < input->n; input->at++)
            rd_kafka_message_destroy(input->held[input->at]);
        input->at = input->n = 0;
        if (input->queue) {
            rd_kafka_queue_io_event_enable(input->queue, -1, NULL, 0);
            rd_kafka_queue_destroy(input->queue);
        }
        input->queue = NULL;
        // A parked one is not idle: the others' silence is not the stream's.
        if (how != WEIR_RELEASE_PARK && input->edge && !input->idle)
            atomic_fetch_sub(&owned->inside->active[input->stream], 1);
    }
    owned->measure_at = 0;
    weir_owned_measure(owned, weir_now());
    return code;
}

// Where another thread only ever adds at the end; NULL beyond it.
static struct weir_owned *task_at(struct weir_worker *worker, size_t i)
{
    pthread_mutex_lock(&worker->lock); // the array may be moved by add()
    struct weir_owned *owned = i < worker->n ? worker->tasks[i] : NULL;
    pthread_mutex_unlock(&worker->lock);
    return owned;
}

// Takes those that are to go out of the list; the others stay in order.
static int release_asked(struct weir_worker *worker, struct weir_error *error)
{
    struct weir_owned *owned;
    int code = 0;
    for (size_t i = 0; (owned = task_at(worker, i)) != NULL;) {
        int how = atomic_load(&owned->release);
        if (!how) {
            i++;
            continue;
        }
        int failed = let_go(owned, how, error);
        code = code ? code : failed;
        pthread_mutex_lock(&worker->lock);
        memmove(worker->tasks + i, worker->tasks + i + 1,
                (worker->n - i - 1) * sizeof *worker->tasks);
        worker->n--;
        atomic_store(&owned->release, 0);
        pthread_cond_broadcast(&worker->released);
        pthread_mutex_unlock(&worker->lock);
        weir_owned_drop(owned);
    }
    return code;
}

void weir_worker_release(struct weir_worker *worker, struct weir_owned *const *tasks, size_t n,
                         int how)
{
    pthread_mutex_lock(&worker->lock);
    for (size_t i = 0; i < n; i++)
        atomic_store(&tasks[i]->release, how);
    pthread_mutex_unlock(&worker->lock);
    weir_worker_wake(worker);
    pthread_mutex_lock(&worker->lock);
    for (size_t i = 0; i < n; i++) {
        for (;;) {
            int listed = 0;
            for (size_t k = 0; k < worker->n; k++)
                listed |= worker->tasks[k] == tasks[i];
            if (!listed || worker->gone)
                break;
            pthread_cond_wait(&worker->released, &worker->lock);
        }
    }
    pthread_mutex_unlock(&worker->lock);
}

// ---- going round

static int is_full(struct weir_owned *owned)
{
    struct weir_inside *inside = owned->inside;
    if (atomic_load(&inside->pending) <= inside->config->limit_memory / PENDING_SHARE)
        return 0;
    pthread_mutex_lock(&owned->lock);
    int full = weir_outbox_size(&owned->pending) > PENDING_LEAST;
    pthread_mutex_unlock(&owned->lock);
    if (full)
        weir_publisher_hurry(owned->inside->publisher);
    return full;
}

// What was fetched ahead for others is given back before windows are refused anything.
static int waits_for_relief(const struct weir_owned *owned)
{
    struct weir_inside *inside = owned->inside;
    return !owned->merger && weir_memory_level(&inside->memory) == WEIR_MEMORY_PRESSED &&
           !atomic_load(&inside->relieved);
}

// One that was not committed yet: another would only take memory, and time from the first.
static int has_snapshot(struct weir_owned *owned)
{
    pthread_mutex_lock(&owned->lock);
    int has = owned->pending_snapshots || (owned->flying_now && owned->flying_snapshots);
    pthread_mutex_unlock(&owned->lock);
    return has;
}

// 1 if it did something, 0 if there was nothing to do.
static int serve(struct weir_owned *owned, int64_t now, struct weir_error *error)
{
    int64_t every = owned->inside->config->snapshot_every;
    int busy = 0;
    weir_owned_measure(owned, now);
    if (atomic_load(&owned->reopen) || is_full(owned) || waits_for_relief(owned))
        return 0;
    weir_owned_give_room(owned);
    for (size_t i = 0; i < owned->n_inputs; i++) {
        int code = weir_input_read(&owned->inputs[i], now, error);
        if (code < 0)
            return code;
        busy |= code;
    }
    weir_owned_take_room(owned);
    if (now >= owned->clock_at) {
        owned->clock_at = now + 100;
        int code = weir_owned_clock(owned, now, error);
        if (code < 0)
            return code;
        busy |= code;
    }
    if (now >= owned->snapshot_at && !has_snapshot(owned)) {
        owned->snapshot_at = now + every;
        owned->snapshot_due |= owned->changed;
    }
    if (owned->snapshot_due) {
        int code = weir_owned_snapshot(owned, error);
        if (code)
            return code;
        busy = 1;
    }
    if (busy && weir_owned_push(owned))
        return weir_error_set(error, WEIR_ENOMEM, "no memory for the output of %s", owned->name);
    return busy;
}

static void sleep_until_event(struct weir_worker *worker)
{
    struct pollfd waiting = {worker->event, POLLIN, 0};
    uint64_t count;
    if (poll(&waiting, 1, SLEEP_MS) > 0) {
        ssize_t got = read(worker->event, &count, sizeof count);
        (void)got;
    }
}

static void *go_round(void *context)
{
    pthread_setname_np(pthread_self(), "weir:worker"); // as tools list it
    struct weir_worker *worker = context;
    struct weir_error error;
    int code = 0;
    for (;;) {
        int busy = 0;
        pthread_mutex_lock(&worker->lock);
        size_t n = worker->n;
        int stop = worker->stop && !n;
        pthread_mutex_unlock(&worker->lock);
        if (stop)
            break;
        for (size_t i = 0; i < n && code >= 0; i++) {
            code = serve(task_at(worker, i), weir_now(), &error); // only this thread takes any out
            busy |= code > 0;
        }
        if (code >= 0)
            code = release_asked(worker, &error);
        if (code < 0)
            break;
        if (!busy)
            sleep_until_event(worker);
    }
    if (code < 0)
        weir_inside_fail(worker->inside, &error);
    pthread_mutex_lock(&worker->lock);
    worker->gone = 1;
    pthread_cond_broadcast(&worker->released);
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

// ---- from outside

static void open_queues(struct weir_worker *worker, struct weir_owned *owned)
{
    static const uint64_t one = 1;
    for (size_t i = 0; i < owned->n_inputs; i++) {
        struct weir_input *input = &owned->inputs[i];
        rd_kafka_queue_io_event_enable(input->queue, worker->event, &one, sizeof one);
        input->at_end = 0;
        if (input->edge && !input->idle && !owned->parked)
            atomic_fetch_add(&owned->inside->active[input->stream], 1);
    }
}

int weir_worker_add(struct weir_worker *worker, struct weir_owned *owned)
{
    pthread_mutex_lock(&worker->lock);
    if (worker->n == worker->capacity) {
        size_t capacity = worker->capacity ? worker->capacity * 2 : 16;
        void *grown = realloc(worker->tasks, capacity * sizeof *worker->tasks);
        if (!grown) {
            pthread_mutex_unlock(&worker->lock);
            return WEIR_ENOMEM;
        }
        worker->tasks = grown;
        worker->capacity = capacity;
    }
    weir_owned_hold(owned);
    open_queues(worker, owned);
    worker->tasks[worker->n++] = owned;
    pthread_mutex_unlock(&worker->lock);
    weir_worker_wake(worker);
    return 0;
}

int weir_worker_start(struct weir_inside *inside, struct weir_worker **worker,
                      struct weir_error *error)
{
    struct weir_worker *made = calloc(1, sizeof *made);
    if (!made)
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    made->inside = inside;
    made->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->released, NULL);
    if (made->event < 0 || pthread_create(&made->thread, NULL, go_round, made)) {
        if (made->event >= 0)
            close(made->event);
        free(made);
        return weir_error_set(error, WEIR_EIO, "a worker cannot be started");
    }
    *worker = made;
    return 0;
}

void weir_worker_stop(struct weir_worker *worker)
{
    if (!worker)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->stop = 1;
    for (size_t i = 0; i < worker->n; i++)
        atomic_store(&worker->tasks[i]->release, WEIR_RELEASE_DROP);
    pthread_mutex_unlock(&worker->lock);
    weir_worker_wake(worker);
    pthread_join(worker->thread, NULL);
    close(worker->event);
    pthread_mutex_destroy(&worker->lock);
    pthread_cond_destroy(&worker->released);
    free(worker->tasks);
    free(worker);
}
