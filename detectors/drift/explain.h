// SPDX-License-Identifier: Apache-2.0
// What is said of an incident besides what moved: since when and how it came, which field was
// first, which slices carry it, and whether it was there before.
//
// For this an owner remembers a little more (explain_state.c): the counts of the last panes
// (recent.c, onset.c), what slices usually have (carriers.c), and how fields were while they
// were in an incident (episodes.c). All of it is bounded, and none of it decides over an alert.
#ifndef WEIR_DRIFT_EXPLAIN_H
#define WEIR_DRIFT_EXPLAIN_H

#include "detectors/drift/history.h"
#include "stats/onset.h"
#include "weir/detector.h"

struct drift;
struct drift_memory;
struct drift_room;
struct drift_verdict;

enum {
    DRIFT_RECENT = 96, // panes that are looked at; a window is one where it does not hop
    DRIFT_EPISODES = 64,
    DRIFT_EPISODES_A_FIELD = 8,
    DRIFT_SLICES = 64, // whose usual is kept
    DRIFT_ORDERED = 4, // fields that are named in an order
    DRIFT_CARRIERS = 3 // slices that are named
};

// ---- since when

struct drift_onset {
    int known;
    enum weir_onset_kind kind;
    int64_t at, first, last; // ms; as likely as not before `last` and after `first`
    int open;                // it may have begun before the panes that were looked at
    int said;                // the sentence has it already
    int unsure;              // sudden, but a slow one would be about as likely
};
struct drift_dated {
    size_t field; // number in the list of what moved
    struct drift_onset onset;
};

// Fields whose onset is surely before that of all others; empty where that cannot be told.
struct drift_order {
    size_t first[DRIFT_ORDERED], n_first; // numbers in the list of what moved
    size_t later, n_later;                // the next one; fields that are surely later
    struct drift_onset from, next;        // of the first, of the next one
};

// ---- whether it was there before

struct drift_episode {
    size_t field;
    int64_t began, last; // start of its first window, end of its last
    int open;
    struct drift_counts counts; // of its windows
    struct drift_counts before; // what it was against when it began, where that is past windows
};
struct drift_episodes {
    struct drift_episode *items; // by `began`
    size_t n;
};
struct drift_recurrence {
    size_t times;         // earlier episodes that were the same; 0: none
    int64_t began, ended; // the newest of them, ms
    int64_t every;        // ms from one to the next, where that is regular; 0
};

// ---- which slices

// What a slice had in windows in which nothing moved.
struct drift_usual_slice {
    unsigned by;
    char **values;
    size_t n_values;
    int64_t seen; // end of the last window with records of it
    uint64_t windows, rows;
    struct drift_counts *fields;
};
struct drift_slices {
    struct drift_usual_slice *items;
    size_t n;
    uint64_t rows; // of the whole stream in the windows that were learnt
    uint64_t windows;
};
enum drift_carried {
    DRIFT_CARRIED_UNKNOWN,
    DRIFT_CARRIED_ALL,
    DRIFT_CARRIED_SOME,
    DRIFT_CARRIED_MIX
};
struct drift_carriers {
    enum drift_carried how;
    size_t slice[DRIFT_CARRIERS], n; // of the window: strongest first; `n` of them in all
    double share;                    // of the window's records that are theirs; MIX: of the first
    double usual;                    // MIX: what the first usually has
    double effect, rest;             // the first one's change, and that of all others, in sd
    double part;                     // of the change that they explain
    size_t of;                       // slices that could be looked at
    const struct weir_slice *any;    // one of them: what they are slices by
};

struct drift_explanation {
    struct drift_onset onset;
    struct drift_order order;
    struct drift_recurrence again;
    struct drift_carriers carriers;
};

// In an owner's memory.
struct drift_explain {
    struct drift_history recent;
    struct drift_episodes episodes;
    struct drift_slices slices;
    // Of fields that may drift slowly, since that seems so: the first is the whole stream.
    struct drift_slices lately;
};
void drift_explain_free(struct drift_memory *memory);
// Takes in a window before it is judged; learns from one in which nothing moved. WEIR_ENOMEM.
int drift_explain_begin(struct drift_memory *memory, const struct weir_window *window);
int drift_explain_learn(struct drift_memory *memory, const struct weir_window *window);
// What there is to say of fields that moved in the whole stream, strongest first; to be asked for
// every window, also where none did. WEIR_ENOMEM.
int drift_explain(struct drift_memory *memory, const struct weir_window *window,
                  struct drift_room *room, const struct drift_verdict *moved, size_t n_moved,
                  struct drift_explanation *out);
int drift_explain_write(const struct drift_memory *memory, struct weir_buffer *out);
int drift_explain_read(struct drift_memory *memory, struct weir_reader *in, uint32_t version);
// The same of what is kept of slow drift, since DRIFT_STATE_TRACE.
int drift_explain_write_slow(const struct drift_memory *memory, struct weir_buffer *out);
int drift_explain_read_slow(struct drift_memory *memory, struct weir_reader *in, uint32_t version);

// Its parts.
int drift_find_onsets(struct drift_memory *memory, const struct weir_window *window,
                      const struct drift_verdict *moved, size_t n, struct drift_explanation *out);
const struct drift_episode *drift_episode_of(const struct drift_memory *memory, size_t field);
// Before a window is judged: what it cannot say anything of goes on.
void drift_episodes_hold(struct drift_memory *memory, const struct weir_window *window);
int drift_episodes_add(struct drift_memory *memory, const struct weir_window *window,
                       const struct drift_verdict *moved, size_t n_moved);
// Those of a field, which is counted in other cells now.
void drift_episodes_forget(struct drift_episodes *episodes, size_t field);
// Among episodes that were over by `before`.
void drift_find_recurrence(const struct drift_memory *memory, const struct drift_verdict *lead,
                           int64_t before, struct drift_room *room, struct drift_recurrence *out);
int drift_slices_add(struct drift_memory *memory, const struct weir_window *window);
// Takes in a window for fields that may drift slowly, and forgets others. WEIR_ENOMEM.
int drift_lately_add(struct drift_memory *memory, const struct weir_window *window);
// What a field had lately in the whole stream; NULL: it is not suspected.
const struct drift_counts *drift_lately(const struct drift_memory *memory, size_t field);
void drift_slices_free(struct drift_slices *slices, size_t n_fields);
// `lately`: by what slices had since the field is suspected, not by the window alone.
int drift_find_carriers(struct drift_memory *memory, const struct weir_window *window,
                        struct drift_room *room, const struct drift_verdict *lead, int lately,
                        struct drift_carriers *out);
// Sorts `dated`, n fields that all are.
void drift_find_order(struct drift_dated *dated, size_t n, struct drift_order *out);

// ---- how one field changed (change.c)

enum drift_how {
    DRIFT_HOW_NULLS,
    DRIFT_HOW_NEW, // values never seen
    DRIFT_HOW_TAIL,
    DRIFT_HOW_UNIT,  // all values multiplied, or otherwise converted
    DRIFT_HOW_SPIKE, // one value
    DRIFT_HOW_MEAN,
    DRIFT_HOW_SCALE,
    DRIFT_HOW_BOTH,   // mean and scale
    DRIFT_HOW_SHARES, // of categories
    DRIFT_HOW_SHAPE
};
const char *drift_how_name(enum drift_how how);
// `text`: "mean up by 0.61 sd".
// `profile`: the field in a profile, to diagnose units by; may be NULL.
enum drift_how drift_how_changed(const struct drift_verdict *verdict,
                                 const struct weir_summary *profile, char *text, size_t size);

#endif
