// SPDX-License-Identifier: Apache-2.0
// Summaries of one pane (or window) of one (stream, window spec), by slice and field. Edge tasks
// fill them, partials carry them, mergers add them up: one structure for all three.
#ifndef WEIR_WINDOW_PANE_H
#define WEIR_WINDOW_PANE_H

#include "stats/reservoir.h"
#include "stats/summary.h"

// What a pane holds: for each set of slice fields (`by`; 0 is the whole stream) the fields to
// summarise. Slots are ordered by `by`, then field. Lives as long as its panes.
struct weir_slot {
    unsigned by;
    int field;
    const char *field_name;
    struct weir_summary_spec spec;
};
struct weir_pane_layout {
    unsigned n_by;                      // at least 1
    const char *const *const *by_names; // by_names[by][k]: field names; by 0 has none
    const size_t *n_by_names;
    const struct weir_slot *slots;
    size_t n_slots;
    const size_t *first_slot;                 // n_by + 1 of them
    size_t slice_limit;                       // slices a `by` and pane, at most
    const struct weir_reservoir_spec *sample; // of rows; NULL: none is kept
};

// Values of a slice as bytes: for each field its length as varint and its bytes.
struct weir_pane_slice {
    unsigned by;
    uint8_t *key;
    size_t key_length;
    uint64_t hash; // of by and key
    uint64_t rows;
    struct weir_summary *summaries; // of the layout's slots of this `by`
};

struct weir_pane_range { // what it covers
    char *topic;
    int32_t partition;
    int64_t first, last;
};

// Bytes that a detector's edge handed on.
struct weir_pane_extract {
    char *detector;
    int32_t task;
    uint8_t *data;
    size_t length;
};

struct weir_pane {
    const struct weir_pane_layout *layout;
    int64_t start, end;            // event time; of windows that count records: their number
    int64_t first_time, last_time; // of its records; INT64_MAX and INT64_MIN without any
    uint64_t rows;
    struct weir_pane_slice *slices; // slices[0] is the whole stream
    size_t n_slices, slices_capacity;
    uint32_t *index; // open addressing over slices by hash: position + 1
    size_t index_size;
    size_t *n_by_slices; // per by
    uint64_t *overflow;  // per by: rows whose slice found no room
    struct weir_pane_range *ranges;
    size_t n_ranges;
    struct weir_pane_extract *extracts;
    size_t n_extracts;
    struct weir_reservoir *sample; // NULL: none is kept
    int mixed;                     // partials of another configuration were seen: not to be judged
    // Bytes by which panes may still grow, shared by all of a task; NULL: as many as they like.
    int64_t *room;
    int cramped; // a slice was refused for want of room
};

int weir_pane_create(const struct weir_pane_layout *layout, int64_t start, int64_t end,
                     struct weir_pane **pane);
void weir_pane_destroy(struct weir_pane *pane);

uint64_t weir_pane_hash(unsigned by, const uint8_t *key, size_t length);
// Finds or adds a slice; its position, or -1 where the limit is reached or there is no room, -2
// without memory. Takes what a new one holds from the room.
// Positions stay valid; pointers to slices only until the next call.
int64_t weir_pane_slice(struct weir_pane *pane, unsigned by, const uint8_t *key, size_t length,
                        uint64_t hash);
// The position, or -1 where it is not there.
int64_t weir_pane_find(const struct weir_pane *pane, unsigned by, const uint8_t *key, size_t length,
                       uint64_t hash);
enum { WEIR_SLICE_FIELDS = 16 }; // of a key, at most: a configuration may name no more
// Reads the fields of a slice's key, which stay in it; returns their number, at most `limit`.
size_t weir_pane_key_values(const uint8_t *key, size_t length, struct weir_span *values,
                            size_t limit);
int weir_pane_cover(struct weir_pane *pane, const char *topic, int32_t partition, int64_t first,
                    int64_t last);
int weir_pane_extract(struct weir_pane *pane, const char *detector, int32_t task, const void *data,
                      size_t length);

// Adds `from` to `into`; layouts must be the same object. Slices beyond the limit overflow.
int weir_pane_merge(struct weir_pane *into, const struct weir_pane *from);

// Writes the pane in pieces of about `piece` bytes at most, each complete in itself: adding the
// pieces up in any order gives the pane. Calls `put` once a piece, with the buffer's content.
int weir_pane_write(const struct weir_pane *pane, size_t piece, struct weir_buffer *buffer,
                    int (*put)(void *context, const struct weir_buffer *piece), void *context);
// Adds one piece. WEIR_ECORRUPT on anything that does not fit the layout.
int weir_pane_read_merge(struct weir_pane *pane, struct weir_reader *in);

size_t weir_pane_memory(const struct weir_pane *pane);

#endif
