// SPDX-License-Identifier: Apache-2.0
// Brings new tasks to where the group stands: stable committed offsets, then the state, then the
// two held against each other. A task never starts unless they agree.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/log/log.h"
#include "consumer/runtime/inside.h"
#include "consumer/state/restore.h"

// Snapshots that are read together hold at most so much of limits.memory, those of one task apart.
enum { RESTORE_SHARE = 8 };
enum { BATCH = 64, COMMITTED_MS = 15000, PAUSE_MS = 500, TELL_MS = 30000 };

struct weir_restorer {
    struct weir_inside *inside;
    struct weir_restore *restore;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct weir_owned **queue, **ready;
    size_t n_queue, n_ready, queue_room, ready_room;
    atomic_int stop;
    struct weir_memory_share share; // of the snapshots that are being read
    const struct job *jobs;
    size_t n_jobs;
    int crowded; // they hold too much together
};

struct job { // one task on its way
    struct weir_owned *owned;
    struct weir_snapshot_reader *reader;
};

static int cancelled(void *context)
{
    struct weir_restorer *restorer = context;
    return atomic_load(&restorer->stop) || atomic_load(&restorer->inside->failed);
}

static int64_t measure(struct weir_restorer *restorer)
{
    size_t bytes = 0;
    for (size_t i = 0; i < restorer->n_jobs; i++)
        bytes +=
            restorer->jobs[i].reader ? weir_snapshot_reader_memory(restorer->jobs[i].reader) : 0;
    weir_memory_set(&restorer->inside->memory, &restorer->share, WEIR_MEMORY_RESTORES,
                    (int64_t)bytes);
    return (int64_t)bytes;
}

// Fewer tasks at a time read the topic more often, and hold less.
static int is_enough(void *context)
{
    struct weir_restorer *restorer = context;
    restorer->crowded =
        measure(restorer) > restorer->inside->memory.limit / RESTORE_SHARE && restorer->n_jobs > 1;
    return restorer->crowded || cancelled(restorer);
}

// ---- committed offsets

static int fetch_committed(struct weir_restorer *restorer, struct job *jobs, size_t n,
                           struct weir_error *error)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n * 2);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < jobs[i].owned->n_inputs; k++)
            rd_kafka_topic_partition_list_add(list, jobs[i].owned->inputs[k].topic,
                                              jobs[i].owned->inputs[k].partition);
    }
    // Read committed, it waits until no transaction holds any of these offsets.
    rd_kafka_resp_err_t code = rd_kafka_committed(restorer->inside->consumer, list, COMMITTED_MS);
    int item = 0;
    for (size_t i = 0; i < n && !code; i++) {
        for (size_t k = 0; k < jobs[i].owned->n_inputs && !code; k++, item++) {
            code = list->elems[item].err;
            jobs[i].owned->inputs[k].committed = list->elems[item].offset;
        }
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code
               ? weir_error_set(error, WEIR_EAGAIN, "committed offsets: %s", rd_kafka_err2str(code))
               : 0;
}

// ---- positions

static int fetch_ranges(struct weir_restorer *restorer, struct weir_owned *owned,
                        struct weir_error *error)
{
    int code = 0;
    for (size_t i = 0; i < owned->n_inputs && !code; i++) {
        struct weir_input *input = &owned->inputs[i];
        code = weir_restore_range(restorer->restore, input->topic, input->partition, &input->low,
                                  &input->high, error);
    }
    return code;
}

static void new_position(struct weir_input *input)
{
    const struct weir_config *config = input->owned->inside->config;
    int latest =
        input->stream != SIZE_MAX && config->streams[input->stream].start == WEIR_START_LATEST;
    input->next = input->committed = latest ? input->high : input->low;
}

// Records of [first, next) cannot be had.
static int on_gap(struct weir_input *input, int64_t first, int64_t next, struct weir_error *error)
{
    const struct weir_inside *inside = input->owned->inside;
    const char *sentence = "%s [%d]: the records from offset %lld to before %lld are gone";
    weir_log(WEIR_LOG_ERROR, "source", sentence, input->topic, input->partition, (long long)first,
             (long long)next);
    if (input->stream == SIZE_MAX || inside->config->streams[input->stream].on_gap == WEIR_GAP_STOP)
        return weir_error_set(error, WEIR_EIO,
                              "%s [%d]: the records from offset %lld to before %lld are gone%s",
                              input->topic, input->partition, (long long)first, (long long)next,
                              input->stream == SIZE_MAX ? "" : " (on_gap: stop)");
    input->gap_first = first;
    input->gap_next = next;
    input->next = next;
    if (input->committed < next)
        input->committed = next;
    return 0;
}

static int old_position(struct weir_input *input, const struct weir_snapshot *snapshot,
                        struct weir_error *error)
{
    const struct weir_config *config = input->owned->inside->config;
    const struct weir_snapshot_position *at = NULL;
    for (size_t i = 0; i < snapshot->n_positions; i++) {
        if (!strcmp(snapshot->positions[i].topic, input->topic) &&
            snapshot->positions[i].partition == input->partition)
            at = &snapshot->positions[i];
    }
    if (!at && input->committed >= 0) { // newly joined
        input->next = input->committed;
        return 0;
    }
    if (!at) {
        new_position(input);
        return 0;
    }
    input->next = at->offset;
    if (input->committed < 0) {
        weir_log(WEIR_LOG_ERROR, "source",
                 "%s [%d]: the group's offset expired; going on at %lld, where the state is",
                 input->topic, input->partition, (long long)at->offset);
        input->committed = at->offset;
        if (input->stream != SIZE_MAX && config->streams[input->stream].on_gap == WEIR_GAP_STOP)
            return weir_error_set(error, WEIR_EIO,
                                  "%s [%d]: the group's committed offset is gone (on_gap: stop)",
                                  input->topic, input->partition);
    }
    if (input->committed < at->offset)
        return weir_error_set(error, WEIR_ECORRUPT,
                              "%s [%d]: the state is at offset %lld and the group's committed "
                              "offset is %lld, before it: was it reset by hand?",
                              input->topic, input->partition, (long long)at->offset,
                              (long long)input->committed);
    if (at->offset > input->high && input->committed > input->high) {
        // The topic was made anew: every offset that is known is beyond its end.
        return weir_error_set(error, WEIR_EIO,
                              "%s [%d]: the topic ends at offset %lld, and %lld was read "
                              "already: it was deleted and made again",
                              input->topic, input->partition, (long long)input->high,
                              (long long)input->committed);
    }
    return at->offset < input->low ? on_gap(input, at->offset, input->low, error) : 0;
}

// ---- one task

static int restore_task(struct job *job, struct weir_error *error)
{
    struct weir_owned *owned = job->owned;
    struct weir_snapshot snapshot = {0};
    int found = weir_snapshot_reader_finish(job->reader, &snapshot, &owned->chunks, error);
    int code = found < 0 ? found : weir_owned_build(owned, error);
    if (!code && found)
        code = weir_owned_restore(owned, &snapshot, error);
    for (size_t i = 0; i < owned->n_inputs && !code; i++) {
        struct weir_input *input = &owned->inputs[i];
        if (found)
            code = old_position(input, &snapshot, error);
        else if (input->committed >= 0)
            code = weir_error_set(error, WEIR_ECORRUPT,
                                  "%s [%d] was read up to offset %lld, and there is no state of "
                                  "%s: restore the topic of states, or delete the group to begin "
                                  "anew",
                                  input->topic, input->partition, (long long)input->committed,
                                  owned->name);
        else
            new_position(input);
        // The worker takes it off again as soon as it may, and tells of a gap then.
        input->suppressed = 1;
        if (!code && input->edge)
            weir_edge_task_suppress(input->edge, 1);
        else if (!code)
            weir_merger_suppress(owned->merger, 1);
    }
    if (code)
        return code;
    owned->sequence = found ? snapshot.sequence : 0;
    // The first commit of a task carries its state: from then on both exist.
    owned->snapshot_due = !found;
    int64_t every = owned->inside->config->snapshot_every;
    weir_owned_measure(owned, weir_now());
    uint64_t spread = every > 0 ? (uint64_t)(owned->partition * 7919 + 13) % (uint64_t)every : 0;
    owned->snapshot_at = weir_now() + every / 2 + (int64_t)(spread / 2);
    weir_log(WEIR_LOG_INFO, "state", "%s: %s at offset %lld, committed %lld", owned->name,
             found ? "restored" : "new", (long long)owned->inputs[0].next,
             (long long)owned->inputs[0].committed);
    return 0;
}

static int append(struct weir_owned ***list, size_t *n, size_t *room, struct weir_owned *owned)
{
    if (*n == *room) {
        size_t more = *room ? *room * 2 : 64;
        void *grown = realloc(*list, more * sizeof **list);
        if (!grown)
            return -1;
        *list = grown;
        *room = more;
    }
    (*list)[(*n)++] = owned;
    return 0;
}

static void no_memory(struct weir_restorer *restorer)
{
    struct weir_error error;
    weir_error_set(&error, WEIR_ENOMEM, "out of memory");
    weir_inside_fail(restorer->inside, &error);
}

static int is_current(struct weir_restorer *restorer, struct weir_owned *owned)
{
    pthread_mutex_lock(&restorer->inside->ownership);
    int current = owned->current;
    pthread_mutex_unlock(&restorer->inside->ownership);
    return current;
}

static int restore_all(struct weir_restorer *restorer, struct job *jobs, size_t n,
                       struct weir_error *error)
{
    struct weir_restore_task tasks[BATCH];
    int code = fetch_committed(restorer, jobs, n, error);
    for (size_t i = 0; i < n && !code; i++) {
        weir_snapshot_reader_destroy(jobs[i].reader);
        jobs[i].reader = NULL;
        code = weir_snapshot_reader_create(jobs[i].owned->name, &jobs[i].reader, error);
        tasks[i] = (struct weir_restore_task){
            jobs[i].reader, weir_state_partition(restorer->inside, jobs[i].owned->name)};
    }
    restorer->jobs = jobs;
    restorer->n_jobs = n;
    if (!code)
        code = weir_restore_read(restorer->restore, tasks, n, is_enough, restorer, error);
    return code;
}

static void hand_back(struct weir_restorer *restorer, struct weir_owned *owned)
{
    pthread_mutex_lock(&restorer->lock);
    if (append(&restorer->ready, &restorer->n_ready, &restorer->ready_room, owned))
        no_memory(restorer);
    pthread_mutex_unlock(&restorer->lock);
}

// Everything of the task is read. Returns whether it has to be worked on again.
static int finish_job(struct weir_restorer *restorer, struct job *job)
{
    struct weir_error error;
    struct weir_owned *owned = job->owned;
    int code =
        cancelled(restorer) || !job->reader ? WEIR_EAGAIN : fetch_ranges(restorer, owned, &error);
    int again = code == WEIR_EAGAIN && !cancelled(restorer);
    if (!code)
        code = restore_task(job, &error);
    weir_snapshot_reader_destroy(job->reader);
    if (!code) {
        hand_back(restorer, owned);
        return 0;
    }
    if (again) {
        // A broker is away, or a follower's topic has not grown yet. The others go on.
        if (!owned->told_again || weir_now() - owned->told_again > TELL_MS) {
            owned->told_again = weir_now();
            weir_log(WEIR_LOG_WARNING, "state", "%s: restoring is tried again: %s", owned->name,
                     error.message);
        }
        weir_restorer_add(restorer, owned);
    } else if (!cancelled(restorer)) {
        // Nothing resets by itself: this task stands still, the others go on.
        weir_log(WEIR_LOG_ERROR, "state", "%s is stopped: %s", owned->name, error.message);
    }
    weir_owned_drop(owned);
    return again;
}

// The second half of the tasks waits for the first. Returns how many that has.
static size_t halve(struct weir_restorer *restorer, struct job *jobs, size_t n)
{
    size_t kept = (n + 1) / 2;
    weir_log(WEIR_LOG_INFO, "state", "the states of %zu tasks are read %zu at a time", n, kept);
    for (size_t i = kept; i < n; i++) {
        weir_snapshot_reader_destroy(jobs[i].reader);
        weir_restorer_add(restorer, jobs[i].owned);
        weir_owned_drop(jobs[i].owned);
    }
    restorer->crowded = 0;
    return kept;
}

static void work_on(struct weir_restorer *restorer, struct job *jobs, size_t n)
{
    struct weir_error error;
    while (!cancelled(restorer)) {
        size_t kept = 0;
        for (size_t i = 0; i < n; i++) { // some may be gone again
            if (is_current(restorer, jobs[i].owned)) {
                jobs[kept++] = jobs[i];
            } else {
                weir_snapshot_reader_destroy(jobs[i].reader);
                weir_owned_drop(jobs[i].owned);
            }
        }
        n = kept;
        int code = n ? restore_all(restorer, jobs, n, &error) : 0;
        if (!code)
            break;
        if (restorer->crowded) {
            n = halve(restorer, jobs, n);
            continue;
        }
        if (code != WEIR_EAGAIN) {
            weir_inside_fail(restorer->inside, &error);
            break;
        }
        weir_log(WEIR_LOG_WARNING, "state", "restoring is tried again: %s", error.message);
        usleep(PAUSE_MS * 1000);
    }
    int again = 0;
    for (size_t i = 0; i < n; i++)
        again |= finish_job(restorer, &jobs[i]);
    restorer->n_jobs = 0;
    measure(restorer);
    if (again)
        usleep(PAUSE_MS * 1000);
}

static void *run(void *context)
{
    pthread_setname_np(pthread_self(), "weir:restorer"); // as tools list it
    struct weir_restorer *restorer = context;
    struct job jobs[BATCH];
    for (;;) {
        size_t n = 0;
        pthread_mutex_lock(&restorer->lock);
        while (!restorer->n_queue && !atomic_load(&restorer->stop))
            pthread_cond_wait(&restorer->wake, &restorer->lock);
        if (atomic_load(&restorer->stop)) {
            pthread_mutex_unlock(&restorer->lock);
            return NULL;
        }
        while (n < BATCH && restorer->n_queue)
            jobs[n++] = (struct job){restorer->queue[--restorer->n_queue], NULL};
        pthread_mutex_unlock(&restorer->lock);
        work_on(restorer, jobs, n);
    }
}

int weir_restorer_start(struct weir_inside *inside, struct weir_restorer **restorer,
                        struct weir_error *error)
{
    struct weir_restorer *made = calloc(1, sizeof *made);
    if (!made)
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    made->inside = inside;
    int code = weir_restore_create(inside->config, inside->topics.items[WEIR_TOPIC_STATE].name, 0,
                                   &made->restore, error);
    if (code) {
        free(made);
        return code;
    }
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->wake, NULL);
    if (pthread_create(&made->thread, NULL, run, made)) {
        weir_restore_destroy(made->restore);
        free(made);
        return weir_error_set(error, WEIR_EIO, "the restorer cannot be started");
    }
    *restorer = made;
    return 0;
}

void weir_restorer_add(struct weir_restorer *restorer, struct weir_owned *owned)
{
    pthread_mutex_lock(&restorer->lock);
    weir_owned_hold(owned);
    if (append(&restorer->queue, &restorer->n_queue, &restorer->queue_room, owned))
        no_memory(restorer);
    pthread_cond_signal(&restorer->wake);
    pthread_mutex_unlock(&restorer->lock);
}

struct weir_owned *weir_restorer_ready(struct weir_restorer *restorer)
{
    pthread_mutex_lock(&restorer->lock);
    struct weir_owned *owned = restorer->n_ready ? restorer->ready[--restorer->n_ready] : NULL;
    pthread_mutex_unlock(&restorer->lock);
    return owned;
}

void weir_restorer_stop(struct weir_restorer *restorer)
{
    if (!restorer)
        return;
    pthread_mutex_lock(&restorer->lock);
    atomic_store(&restorer->stop, 1);
    pthread_cond_signal(&restorer->wake);
    pthread_mutex_unlock(&restorer->lock);
    pthread_join(restorer->thread, NULL);
    while (restorer->n_ready)
        weir_owned_drop(restorer->ready[--restorer->n_ready]);
    while (restorer->n_queue)
        weir_owned_drop(restorer->queue[--restorer->n_queue]);
    free(restorer->queue);
    free(restorer->ready);
    weir_restore_destroy(restorer->restore);
    pthread_mutex_destroy(&restorer->lock);
    pthread_cond_destroy(&restorer->wake);
    free(restorer);
}
