// SPDX-License-Identifier: Apache-2.0
#include "consumer/runtime/assignment.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/http/metrics.h"
#include "consumer/log/log.h"
#include "consumer/runtime/failpoint.h"
#include "consumer/source/kafka.h"

// ---- the table of tasks; changed by the main thread only

static int add_task(struct weir_inside *inside, struct weir_owned *owned)
{
    pthread_mutex_lock(&inside->ownership);
    if (inside->n_tasks == inside->capacity) {
        size_t capacity = inside->capacity ? inside->capacity * 2 : 16;
        void *grown = realloc(inside->tasks, capacity * sizeof *inside->tasks);
        if (!grown) {
            pthread_mutex_unlock(&inside->ownership);
            return WEIR_ENOMEM;
        }
        inside->tasks = grown;
        inside->capacity = capacity;
    }
    owned->current = 1;
    inside->tasks[inside->n_tasks++] = owned;
    pthread_mutex_unlock(&inside->ownership);
    WEIR_GAUGE(tasks, inside->n_tasks);
    return 0;
}

// Takes them out of the table; the caller has the table's references.
static void forget_tasks(struct weir_inside *inside, struct weir_owned **tasks, size_t n)
{
    pthread_mutex_lock(&inside->ownership);
    for (size_t i = 0; i < n; i++) {
        tasks[i]->current = 0;
        size_t kept = 0;
        for (size_t k = 0; k < inside->n_tasks; k++) {
            if (inside->tasks[k] != tasks[i])
                inside->tasks[kept++] = inside->tasks[k];
        }
        inside->n_tasks = kept;
    }
    pthread_mutex_unlock(&inside->ownership);
    WEIR_GAUGE(tasks, inside->n_tasks);
}

static struct weir_owned *find_task(struct weir_inside *inside, size_t driver, int32_t partition)
{
    for (size_t i = 0; i < inside->n_tasks; i++) {
        if (inside->tasks[i]->driver == driver && inside->tasks[i]->partition == partition)
            return inside->tasks[i];
    }
    return NULL;
}

// The driver stream of a subscribed topic; SIZE_MAX: partials. Negative: neither.
static int find_driver(const struct weir_inside *inside, const char *topic, size_t *driver)
{
    if (!strcmp(topic, inside->topics.items[WEIR_OUTPUT_PARTIALS].name)) {
        *driver = SIZE_MAX;
        return 0;
    }
    for (size_t s = 0; s < inside->topics.n_sources; s++) {
        if (inside->config->streams[s].join_to < 0 &&
            !strcmp(topic, inside->topics.sources[s].name)) {
            *driver = s;
            return 0;
        }
    }
    return WEIR_ENOTFOUND;
}

// ---- assign

static void assign_one(struct weir_inside *inside, const char *topic, int32_t partition)
{
    struct weir_owned *owned;
    struct weir_error error;
    size_t driver;
    if (find_driver(inside, topic, &driver) || find_task(inside, driver, partition))
        return;
    int code = weir_owned_create(inside, driver, partition, &owned, &error);
    if (!code && add_task(inside, owned))
        code = weir_error_set(&error, WEIR_ENOMEM, "out of memory");
    if (!code) {
        weir_log(WEIR_LOG_INFO, "source", "assigned %s", owned->name);
        weir_restorer_add(inside->restorer, owned);
    } else {
        weir_inside_fail(inside, &error);
    }
}

static void assign(struct weir_inside *inside, rd_kafka_t *client,
                   const rd_kafka_topic_partition_list_t *partitions)
{
    // Positions are known only after the state is: until then nothing is read.
    rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(1);
    rd_kafka_error_t *failed = rd_kafka_incremental_assign(client, none);
    rd_kafka_topic_partition_list_destroy(none);
    if (failed) {
        struct weir_error error;
        weir_kafka_error(failed, "assign", &error);
        weir_inside_fail(inside, &error);
        return;
    }
    for (int i = 0; i < partitions->cnt; i++)
        assign_one(inside, partitions->elems[i].topic, partitions->elems[i].partition);
}

static struct weir_worker *least_loaded(struct weir_inside *inside)
{
    struct weir_worker *best = inside->workers[0];
    for (size_t i = 1; i < inside->n_workers; i++) {
        if (weir_worker_load(inside->workers[i]) < weir_worker_load(best))
            best = inside->workers[i];
    }
    return best;
}

static int start_reading(struct weir_inside *inside, struct weir_owned *owned,
                         struct weir_error *error)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)owned->n_inputs);
    for (size_t i = 0; i < owned->n_inputs; i++) {
        struct weir_input *input = &owned->inputs[i];
        // Before it is assigned, or its first messages would go to the consumer's queue.
        input->queue =
            rd_kafka_queue_get_partition(inside->consumer, input->topic, input->partition);
        if (!input->queue) {
            rd_kafka_topic_partition_list_destroy(list);
            return weir_error_set(error, WEIR_EIO, "%s [%d] has no queue", input->topic,
                                  input->partition);
        }
        rd_kafka_queue_forward(input->queue, NULL);
        rd_kafka_topic_partition_list_add(list, input->topic, input->partition)->offset =
            input->next;
    }
    rd_kafka_error_t *failed = rd_kafka_incremental_assign(inside->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (failed)
        return weir_kafka_error(failed, owned->name, error);
    owned->incremental = 1;
    struct weir_worker *worker = least_loaded(inside);
    owned->worker = worker;
    int code = weir_worker_add(worker, owned);
    owned->parked = 0;
    return code ? weir_error_set(error, WEIR_ENOMEM, "out of memory") : 0;
}

int weir_assignment_start_ready(struct weir_inside *inside, struct weir_error *error)
{
    struct weir_owned *owned;
    int code = 0;
    while (!code && (owned = weir_restorer_ready(inside->restorer)) != NULL) {
        if (owned->current) // only this thread changes it
            code = start_reading(inside, owned, error);
        weir_owned_drop(owned);
    }
    return code;
}

// ---- revoke

static void release(struct weir_inside *inside, struct weir_owned **tasks, size_t n, int how)
{
    struct weir_owned **mine = calloc(n ? n : 1, sizeof *mine);
    for (size_t w = 0; w < inside->n_workers && mine; w++) {
        size_t n_mine = 0;
        for (size_t i = 0; i < n; i++) {
            if (tasks[i]->worker == inside->workers[w])
                mine[n_mine++] = tasks[i];
        }
        if (n_mine)
            weir_worker_release(inside->workers[w], mine, n_mine, how);
    }
    free(mine);
}

static void unassign(struct weir_inside *inside, struct weir_owned **tasks, size_t n)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n + 1);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < tasks[i]->n_inputs && tasks[i]->incremental; k++)
            rd_kafka_topic_partition_list_add(list, tasks[i]->inputs[k].topic,
                                              tasks[i]->inputs[k].partition);
    }
    rd_kafka_error_t *failed = rd_kafka_incremental_unassign(inside->consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (failed) {
        struct weir_error error;
        weir_kafka_error(failed, "unassign", &error);
        weir_inside_fail(inside, &error);
    }
}

// A parked task counts as one that is not idle until it is given up.
static void end_parking(struct weir_inside *inside, struct weir_owned *owned)
{
    for (size_t i = 0; i < owned->n_inputs && owned->parked; i++) {
        if (owned->inputs[i].edge && !owned->inputs[i].idle)
            atomic_fetch_sub(&inside->active[owned->inputs[i].stream], 1);
    }
    owned->parked = 0;
}

// Takes tasks from their workers and, where they are still ours, commits their last unit.
static void let_go(struct weir_inside *inside, struct weir_owned **tasks, size_t n, int lost)
{
    release(inside, tasks, n, lost ? WEIR_RELEASE_DROP : WEIR_RELEASE_LAST);
    for (size_t i = 0; i < n; i++)
        end_parking(inside, tasks[i]);
    if (!lost && weir_publisher_flush(inside->publisher, tasks, n, weir_now() + WEIR_REVOKE_MS))
        weir_log(WEIR_LOG_WARNING, "source",
                 "the last unit of revoked tasks was not committed; it is done again elsewhere");
    forget_tasks(inside, tasks, n);
    for (size_t i = 0; i < n; i++)
        weir_log(WEIR_LOG_INFO, "source", "%s %s", lost ? "lost" : "revoked", tasks[i]->name);
}

static void revoke(struct weir_inside *inside, rd_kafka_t *client,
                   const rd_kafka_topic_partition_list_t *partitions)
{
    struct weir_owned **tasks = calloc((size_t)partitions->cnt + 1, sizeof *tasks);
    int lost = rd_kafka_assignment_lost(client);
    size_t n = 0;
    if (!tasks) {
        struct weir_error error;
        weir_error_set(&error, WEIR_ENOMEM, "out of memory");
        weir_inside_fail(inside, &error);
        return;
    }
    for (int i = 0; i < partitions->cnt; i++) {
        size_t driver;
        if (find_driver(inside, partitions->elems[i].topic, &driver))
            continue;
        struct weir_owned *owned = find_task(inside, driver, partitions->elems[i].partition);
        if (owned)
            tasks[n++] = owned;
    }
    weir_failpoint("revoke");
    let_go(inside, tasks, n, lost);
    weir_failpoint("revoked");
    unassign(inside, tasks, n);
    for (size_t i = 0; i < n; i++)
        weir_owned_drop(tasks[i]);
    free(tasks);
}

void weir_assignment_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t event,
                               rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct weir_inside *inside = opaque;
    weir_log(WEIR_LOG_DEBUG, "source", "rebalance begins");
    if (event == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        inside->assigned = 1;
        assign(inside, client, partitions);
    } else if (event == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
        revoke(inside, client, partitions);
    } else {
        weir_log(WEIR_LOG_WARNING, "source", "rebalance: %s", rd_kafka_err2str(event));
        revoke(inside, client, partitions);
    }
    weir_log(WEIR_LOG_DEBUG, "source", "rebalance ends");
}

// ---- again

static int begin_again(struct weir_inside *inside, struct weir_owned *owned,
                       struct weir_error *error)
{
    size_t driver = owned->driver;
    int32_t partition = owned->partition;
    struct weir_owned *made;
    let_go(inside, &owned, 1, 0);
    unassign(inside, &owned, 1);
    weir_owned_drop(owned);
    int code = weir_owned_create(inside, driver, partition, &made, error);
    if (code)
        return code;
    if (add_task(inside, made))
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    weir_restorer_add(inside->restorer, made);
    return 0;
}

int weir_assignment_reopen(struct weir_inside *inside, struct weir_error *error)
{
    for (size_t i = 0; i < inside->n_tasks;) {
        struct weir_owned *owned = inside->tasks[i];
        if (!atomic_load(&owned->reopen)) {
            i++;
            continue;
        }
        int code = begin_again(inside, owned, error); // puts the new one at the end
        if (code)
            return code;
    }
    return 0;
}

void weir_assignment_look_for_growth(struct weir_inside *inside)
{
    for (size_t s = 0; s < inside->topics.n_sources; s++) {
        const rd_kafka_metadata_t *metadata;
        struct weir_owned *owned = find_task(inside, weir_driver_of(inside->config, s), 0);
        if (!owned)
            continue;
        rd_kafka_topic_t *topic =
            rd_kafka_topic_new(inside->consumer, inside->topics.sources[s].name, NULL);
        if (rd_kafka_metadata(inside->consumer, 0, topic, &metadata, 2000) == 0) {
            int count = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
            rd_kafka_metadata_destroy(metadata);
            if (count > atomic_load(&inside->partitions[s])) {
                weir_log(WEIR_LOG_INFO, "source", "%s has %d partitions now",
                         inside->topics.sources[s].name, count);
                atomic_store(&inside->partitions[s], count);
                atomic_store(&owned->reopen, 1);
            }
        }
        rd_kafka_topic_destroy(topic);
    }
}

// ---- memory

enum { RELIEVE_MS = 100 };

static void tell_level(struct weir_inside *inside, enum weir_memory_level level)
{
    int was = inside->told_level >= WEIR_MEMORY_TIGHT, is = level >= WEIR_MEMORY_TIGHT;
    if (was == is && !(was && level == WEIR_MEMORY_PRESSED && inside->told_level < level))
        return;
    if (!is && level != WEIR_MEMORY_CALM)
        return; // not over yet
    weir_log(is ? WEIR_LOG_WARNING : WEIR_LOG_INFO, "memory", "%lld of %lld MiB are held%s",
             (long long)(weir_memory_total(&inside->memory) >> 20),
             (long long)(inside->memory.limit >> 20),
             !is ? ": all partitions are read again"
             : level == WEIR_MEMORY_PRESSED
                 ? ": only the partition furthest behind is read. /metrics has the parts; raise "
                   "limits.memory, or add members"
                 : ": partitions far ahead in time wait for the others");
    inside->told_level = level;
}

static void park(struct weir_inside *inside, struct weir_owned *owned)
{
    release(inside, &owned, 1, WEIR_RELEASE_PARK);
    owned->worker = NULL;
    unassign(inside, &owned, 1);
    owned->incremental = 0;
    owned->parked = 1;
    WEIR_COUNT(parks, owned->n_inputs);
}

// The edge tasks, as the ledger's choice needs them; returns how many there are. Mergers always go
// on, and some are not restored yet.
static size_t list_edges(struct weir_inside *inside, struct weir_memory_task *tasks,
                         struct weir_owned **edges)
{
    size_t n = 0;
    for (size_t i = 0; i < inside->n_tasks; i++) {
        struct weir_owned *owned = inside->tasks[i];
        if (owned->driver == SIZE_MAX || !(owned->worker || owned->parked))
            continue;
        tasks[n] = (struct weir_memory_task){atomic_load(&owned->newest), owned->parked,
                                             atomic_load(&owned->waits)};
        edges[n++] = owned;
    }
    return n;
}

static void tell_parked(struct weir_inside *inside)
{
    size_t parked = 0;
    for (size_t i = 0; i < inside->n_tasks; i++)
        parked += inside->tasks[i]->parked ? inside->tasks[i]->n_inputs : 0;
    WEIR_GAUGE(parked, parked);
}

// One move at a time, but as many as it takes while all wait for them.
static int make_moves(struct weir_inside *inside, struct weir_memory_task *tasks,
                      struct weir_owned **edges, struct weir_error *error)
{
    size_t task, most = 2 * inside->n_tasks;
    int code = 0;
    for (size_t i = 0; i < most && !code; i++) {
        enum weir_memory_level level = weir_memory_level(&inside->memory);
        size_t n = list_edges(inside, tasks, edges);
        enum weir_memory_move move = weir_memory_choose(level, tasks, n, &task);
        if (move == WEIR_MEMORY_PARK)
            park(inside, edges[task]);
        else if (move == WEIR_MEMORY_RESUME)
            code = start_reading(inside, edges[task], error);
        if (move == WEIR_MEMORY_STAY || level != WEIR_MEMORY_PRESSED)
            break;
    }
    return code;
}

int weir_assignment_relieve(struct weir_inside *inside, struct weir_error *error)
{
    int64_t now = weir_now();
    enum weir_memory_level level = weir_memory_level(&inside->memory);
    if (now < inside->relieved_at + RELIEVE_MS &&
        (level != WEIR_MEMORY_PRESSED || atomic_load(&inside->relieved)))
        return 0;
    inside->relieved_at = now;
    weir_memory_tell(&inside->memory);
    tell_level(inside, level);
    struct weir_memory_task *tasks = calloc(inside->n_tasks + 1, sizeof *tasks);
    struct weir_owned **edges = calloc(inside->n_tasks + 1, sizeof *edges);
    int code = tasks && edges ? make_moves(inside, tasks, edges, error)
                              : weir_error_set(error, WEIR_ENOMEM, "out of memory");
    free(tasks);
    free(edges);
    tell_parked(inside);
    atomic_store(&inside->relieved, level == WEIR_MEMORY_PRESSED);
    return code;
}
