// SPDX-License-Identifier: Apache-2.0
// A task's state on the compacted state topic (schemas/state.avsc): chunks that fit a message,
// and a manifest, written last, that says what they are chunks of.
//
// Keys are `TASK/0`, `TASK/1` ... and `TASK/manifest`. A snapshot is written within one
// transaction, so a read_committed reader sees a whole one or none; the sequence number and the
// hash in the manifest hold that against damage.
#ifndef WEIR_STATE_SNAPSHOT_H
#define WEIR_STATE_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "weir/batch.h"
#include "weir/error.h"

enum {
    WEIR_SNAPSHOT_VERSION = 1,
    WEIR_SNAPSHOT_TASK = 300,       // bytes of a task's name, at most
    WEIR_SNAPSHOT_POSITIONS = 1000, // inputs of a task, at most
    WEIR_SNAPSHOT_CHUNKS = 100000,
    WEIR_SNAPSHOT_CHUNK = 512 * 1024 // bytes of state in a chunk
};

struct weir_snapshot_position {
    const char *topic;
    int32_t partition;
    int64_t offset; // of the first record that the state has not seen
};

struct weir_snapshot {
    const char *task;
    int64_t sequence;       // rises with each snapshot of the task
    uint32_t state_version; // of the bytes
    uint64_t plan_hash;     // weir_plan_hash() when it was written
    const struct weir_snapshot_position *positions;
    size_t n_positions;
    struct weir_span state;
};

// Called once a record; value.data NULL is a tombstone. Non-zero stops the writing.
typedef int (*weir_snapshot_sink)(void *context, struct weir_span key, struct weir_span value);

// Chunks, tombstones for those of the `old_chunks` that are not written again, the manifest.
// `n_chunks` (may be NULL) takes the number of chunks written.
int weir_snapshot_write(const struct weir_snapshot *snapshot, size_t chunk_bytes, size_t old_chunks,
                        weir_snapshot_sink sink, void *context, size_t *n_chunks,
                        struct weir_error *error);

// Gathers the newest records of one task from all those of its partition.
struct weir_snapshot_reader;

int weir_snapshot_reader_create(const char *task, struct weir_snapshot_reader **reader,
                                struct weir_error *error);
void weir_snapshot_reader_destroy(struct weir_snapshot_reader *reader);
size_t weir_snapshot_reader_memory(const struct weir_snapshot_reader *reader); // bytes of chunks
// In topic order. Records of other tasks are passed over. WEIR_ENOMEM only.
int weir_snapshot_reader_offer(struct weir_snapshot_reader *reader, struct weir_span key,
                               struct weir_span value, struct weir_error *error);
// What was gathered, valid as long as the reader: 1 with a snapshot, 0 where the task has none,
// WEIR_ECORRUPT or WEIR_EVERSION where it has one that cannot be used, WEIR_ENOMEM. `chunks` takes
// the number of chunk records that are on the topic, at most.
int weir_snapshot_reader_finish(struct weir_snapshot_reader *reader, struct weir_snapshot *snapshot,
                                size_t *chunks, struct weir_error *error);

#endif
