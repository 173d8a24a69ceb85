// SPDX-License-Identifier: Apache-2.0
// Records on their way out, in order, in one run of memory.
#ifndef WEIR_RUNTIME_OUTBOX_H
#define WEIR_RUNTIME_OUTBOX_H

#include "consumer/task/task.h"

#define WEIR_OUTBOX_NONE SIZE_MAX // a key or value that is null

struct weir_outbox_record {
    uint32_t topic; // index in struct weir_topics
    int32_t partition;
    int64_t timestamp; // ms; 0: the time of sending
    size_t key, value; // positions in `bytes`, or WEIR_OUTBOX_NONE
    size_t key_length, value_length;
    size_t headers; // position of n_headers of (string name, long: whether a value, bytes)
    uint32_t n_headers;
};

struct weir_outbox {
    struct weir_buffer bytes;
    struct weir_outbox_record *records;
    size_t n, capacity;
};

void weir_outbox_init(struct weir_outbox *outbox);
void weir_outbox_free(struct weir_outbox *outbox);
void weir_outbox_reset(struct weir_outbox *outbox); // the memory stays
// 0 or WEIR_ENOMEM, with nothing added.
int weir_outbox_add(struct weir_outbox *outbox, uint32_t topic, int32_t partition,
                    int64_t timestamp, struct weir_span key, struct weir_span value,
                    const struct weir_header *headers, size_t n_headers);
// Appends everything of `from`, which becomes empty.
int weir_outbox_move(struct weir_outbox *to, struct weir_outbox *from);
// Bytes that it holds, roughly.
size_t weir_outbox_size(const struct weir_outbox *outbox);

#endif
