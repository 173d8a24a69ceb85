// SPDX-License-Identifier: Apache-2.0
// A record of the partials topic (schemas/partial.avsc): what edge tasks say to mergers.
#ifndef WEIR_TASK_PARTIAL_H
#define WEIR_TASK_PARTIAL_H

#include "weir/batch.h"
#include "weir/error.h"

#include "stats/buffer.h"

enum { WEIR_PARTIAL_VERSION = 1, WEIR_PARTIAL_BYTES = 256 * 1024 };

#define WEIR_PARTIAL_FAR ((int64_t)1 << 59)

enum weir_partial_type {
    WEIR_PARTIAL_PANE,    // a piece of a pane of summaries
    WEIR_PARTIAL_RULES,   // rule counts of one pane
    WEIR_PARTIAL_CONTROL, // a task's watermark
    // Of no task: a person accepted the windows from `start` to `end` as a detector's calibration.
    WEIR_PARTIAL_ACCEPTED,
    WEIR_PARTIAL_TYPES
};

struct weir_partial {
    enum weir_partial_type type;
    const char *key; // the merge key; of control records the stream's name
    int32_t task;
    uint64_t hash;      // of the spec, or of the plan in control records
    int64_t start, end; // of the pane; of control records `end` is the newest event time
    int64_t sequence;   // of count windows; of control records the partials written before it
    int32_t tasks;      // control records of task 0: how many tasks the stream has; else 0
    int idle;           // control records: the task has nothing for now
    struct weir_span payload;
};

// Whether it is within what the state of incidents may hold, so that no sum overflows.
static inline int weir_partial_is_time(int64_t time)
{
    return time <= WEIR_PARTIAL_FAR && time >= -WEIR_PARTIAL_FAR;
}

int weir_partial_write(const struct weir_partial *partial, struct weir_buffer *out);
// `key` must have room for 256 bytes and becomes partial->key. The payload stays in the input.
int weir_partial_read(const void *data, size_t length, char *key, struct weir_partial *partial,
                      struct weir_error *error);

#endif
