// SPDX-License-Identifier: Apache-2.0
// A task that this member owns, and its inputs. Who touches what:
//
//   worker only      inputs' positions, decoders, the engine's tasks, `staging`
//   under `lock`     `pending` and what describes it: handed from the worker to the publisher
//   publisher only   `flying`: the part of the unit that is being committed
//   under ownership  `current` (struct weir_inside)
#ifndef WEIR_RUNTIME_OWNED_H
#define WEIR_RUNTIME_OWNED_H

#include <pthread.h>
#include <stdatomic.h>

#include "consumer/runtime/memory.h"
#include "consumer/runtime/outbox.h"
#include "consumer/runtime/topics.h"
#include "consumer/state/snapshot.h"

enum { WEIR_FETCH = WEIR_BATCH_ROWS }; // messages taken from a queue at a time

struct weir_inside;
struct weir_owned;
struct weir_worker;

// How a worker lets go of a task.
enum weir_release {
    WEIR_RELEASE_LAST = 1, // with a last snapshot
    WEIR_RELEASE_DROP,
    WEIR_RELEASE_PARK // for a while: all but what was fetched stays
};

struct weir_input { // one partition of one topic
    struct weir_owned *owned;
    const char *topic;
    int32_t partition;
    size_t stream; // of the configuration; SIZE_MAX: the partials topic
    struct weir_decoder *decoder;
    struct weir_edge_task *edge;
    rd_kafka_queue_t *queue;
    rd_kafka_message_t **held; // fetched, not yet looked at: [at, n)
    size_t at, n;
    rd_kafka_message_t **rows;   // of the batch under way
    struct weir_header *headers; // scratch: those of one record
    size_t headers_room;
    int64_t next;      // the first offset not yet looked at
    int64_t low, high; // the partition's range when it was restored
    int64_t committed; // output below it has been seen: suppressed until there
    int suppressed;
    int64_t gap_first, gap_next; // offsets that are gone, to be told; equal: none
    int at_end;                  // the broker has no more, since:
    int64_t at_end_since;        // ms, monotonic
    int idle, told_stop;
    int clocked;                   // idle, but it tells the wall clock for its stream
    int64_t retry_at, retry_pause; // the registry is down
    uint64_t message_bytes;        // of a message, lately
    int64_t room;                  // for slices, as given
};

struct weir_beside { // two inputs side by side: a joined stream's task
    struct weir_edge_task *edge;
    struct weir_input *sides[2]; // the driver's and the follower's
    char name[264];              // of the stream; no topic has a '+' in its name
    int idle;
};

struct weir_owned {
    struct weir_beside *beside;
    size_t n_beside;
    struct weir_inside *inside;
    char name[WEIR_SNAPSHOT_TASK];
    atomic_int references;
    int current;                // owned now
    int incremental;            // its partitions are assigned to the client
    struct weir_worker *worker; // that reads it, or NULL
    int32_t partition;
    size_t driver; // stream, or SIZE_MAX: a merger
    struct weir_merger *merger;
    struct weir_input *inputs;
    size_t n_inputs;

    struct weir_outbox staging;
    int64_t sequence; // of the last snapshot
    size_t chunks;    // of it
    int64_t snapshot_at;
    int snapshot_due, changed; // changed: since the last snapshot
    int staged_snapshots;      // in the staging outbox, the last at this position of input 0:
    int64_t staged_kept;
    int64_t clock_at;
    int64_t told_again; // ms, monotonic: when it was told that the restore has to be tried again
    atomic_int release; // enum weir_release
    atomic_int reopen;  // its position is out of range: begin again

    struct weir_memory_share share; // as measured by whoever has the task now
    int64_t measure_at;             // ms, monotonic
    atomic_llong newest;            // event time, as measured
    atomic_int waits;               // there is nothing to read
    int parked;                     // main thread only

    pthread_mutex_t lock;
    struct weir_outbox pending;
    int64_t *pending_offsets;
    int dirty;            // offsets or output wait for a commit
    int64_t pending_kept; // position of input 0 in a snapshot within `pending`, or -1
    int pending_snapshots;
    int flying_now; // the publisher has a part of it
    int64_t committed_at;
    int64_t kept; // records of input 0 below it are needed by nobody

    struct weir_outbox flying;
    struct weir_memory_share flying_share;
    int64_t *flying_offsets;
    int64_t flying_kept;
    int flying_snapshots;
};

// A task with its inputs, not restored yet. `driver` SIZE_MAX: the merger of that partition of
// the partials topic. One reference is the caller's.
int weir_owned_create(struct weir_inside *inside, size_t driver, int32_t partition,
                      struct weir_owned **owned, struct weir_error *error);
// The stream whose partitions the group assigns, for this one: it is joined to it, by whatever
// streams between, or is it itself.
size_t weir_driver_of(const struct weir_config *config, size_t stream);
void weir_owned_hold(struct weir_owned *owned);
void weir_owned_drop(struct weir_owned *owned); // the last one frees it
// Makes the engine's tasks and decoders, empty.
int weir_owned_build(struct weir_owned *owned, struct weir_error *error);
// The engine's state with the runtime's own, as the snapshot's bytes, and back.
enum { WEIR_OWNED_STATE_VERSION = 1 };
int weir_owned_save(const struct weir_owned *owned, struct weir_buffer *out);
int weir_owned_restore(struct weir_owned *owned, const struct weir_snapshot *snapshot,
                       struct weir_error *error);
// Writes a snapshot at the inputs' positions to the staging outbox.
int weir_owned_snapshot(struct weir_owned *owned, struct weir_error *error);
// Output of the task that waits for the publisher has become more, or less, by so much.
void weir_owned_pending(struct weir_owned *owned, int64_t bytes);
// Hands the staging outbox and the positions to the publisher.
int weir_owned_push(struct weir_owned *owned);

// consumer/runtime/measure.c. Tells the ledger what the task holds, where it is time for that.
void weir_owned_measure(struct weir_owned *owned, int64_t now);
// What slices of its windows may take is what is left of the limit; then what they took.
void weir_owned_give_room(struct weir_owned *owned);
void weir_owned_take_room(struct weir_owned *owned);

// Where a task's state lies on the state topic, which has so many partitions.
int32_t weir_state_partition_of(int32_t partitions, const char *task);
int32_t weir_state_partition(const struct weir_inside *inside, const char *task);
void weir_merger_name(int32_t partition, char *out, size_t size); // of its task

// consumer/runtime/emit.c: the engine's outputs to the staging outbox. Records that no broker
// would take become pointers.
int weir_owned_emit(void *input, const struct weir_emission *emission);

#endif
