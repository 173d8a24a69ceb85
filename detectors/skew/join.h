// SPDX-License-Identifier: Apache-2.0
// Records of two streams side by side, by key and event time. They come in any order; they are
// looked at in the order of their event times, once both streams have come so far, so that which
// pairs there are depends on the records alone.
//
// A served record and an offline one of the same key are a pair where their times are at most
// `apart` from each other: of several the nearest in the past. What comes again, of the same side,
// key and time, is a duplicate.
#ifndef WEIR_SKEW_JOIN_H
#define WEIR_SKEW_JOIN_H

#include "detectors/skew/history.h"
#include "detectors/skew/tally.h"

enum skew_side { SKEW_SERVED, SKEW_OFFLINE };

struct skew_row {
    int64_t time, pane, offset; // pane: the start of its own
    uint64_t key, entity;
    uint64_t slice[SKEW_BY]; // hashes, of what was served; 0: none
    int32_t partition;
    uint8_t side, done;          // done: it has its partner
    uint32_t next, older, newer; // in its chain; among those that wait: number + 1
};

struct skew_ticket {
    int64_t time, offset;
    uint32_t row;
};

struct skew_pending { // not looked at yet, as they came
    struct skew_ticket *tickets;
    size_t n, capacity;
    int unsorted;
};

// What becomes of records. Each returns 0 or WEIR_ENOMEM.
struct skew_join_events {
    void *context;
    int (*pair)(void *context, const struct skew_row *served,
                const struct skew_value *served_values, const struct skew_row *offline,
                const struct skew_value *offline_values);
    // A record that found no partner; `known`: its entity is known to the history.
    int (*lonely)(void *context, const struct skew_row *row, int known);
    int (*duplicate)(void *context, const struct skew_row *row);
};

struct skew_join {
    size_t n_fields, maximum; // rows that are kept
    int64_t apart;
    struct skew_row *rows;
    struct skew_value *values;     // n_fields for each row
    uint32_t capacity, used, free; // free: a chain, number + 1
    size_t kept;
    struct skew_pending pending[2];
    uint32_t *chains; // of rows that wait for a partner, by key: number + 1
    uint32_t chains_size;
    uint32_t oldest, newest_waiting; // of these: number + 1
    uint32_t *recent;                // rows of the time at hand that have their partner
    size_t n_recent, recent_capacity;
    int64_t now, looked_to;      // all that is before was looked at
    int64_t first[2], newest[2]; // times of the rows of each side; INT64_MIN: none
    // Beyond `maximum` only every 2^level-th key is kept, of both sides the same ones. Once there
    // is room again, more: of later times than those that were left out.
    unsigned level;
    int64_t relaxed_from;
    uint64_t left_out; // rows, since the caller last set it to 0
    struct skew_history history;
};

void skew_join_init(struct skew_join *join, size_t n_fields, size_t maximum, int64_t apart,
                    size_t entities);
void skew_join_free(struct skew_join *join); // and leaves it empty

size_t skew_join_memory(const struct skew_join *join); // bytes held
size_t skew_join_memory_most(size_t n_fields, size_t maximum, size_t entities);

// Room for a row's values, to be filled before skew_join_add(). NULL without memory.
struct skew_value *skew_join_room(struct skew_join *join);
// The row whose values were just written. WEIR_ENOMEM.
int skew_join_add(struct skew_join *join, const struct skew_row *row);
// Looks at what is before `time`. `known_to`: a row from there on is not told of as lonely unless
// the other side has come to it.
int skew_join_look(struct skew_join *join, int64_t time, int64_t known_to,
                   const struct skew_join_events *events);

int skew_join_write(const struct skew_join *join, struct weir_buffer *out);
// Into an empty one. `version` of the detector's state; from 3 on.
int skew_join_read(struct skew_join *join, uint32_t version, struct weir_reader *in);

#endif
