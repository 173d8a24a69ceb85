// SPDX-License-Identifier: Apache-2.0
// What the schema detector judges at a window's end. A row of the table in window_table.c is a
// check: what it is called, which parts of a field's summary it needs, and the function that
// judges one field of one slice, beside the reference and beside what that field did before.
#ifndef WEIR_DETECTORS_SCHEMA_WINDOW_H
#define WEIR_DETECTORS_SCHEMA_WINDOW_H

#include "detectors/schema/schema.h"
#include "detectors/schema/watch.h"
#include "stats/buffer.h"
#include "stats/rate_run.h"

enum {
    SCHEMA_LEARN = 24, // windows that must have been seen before a window is judged by them
    SCHEMA_TEXT = 480,
    SCHEMA_EVIDENCE = 6
};

// Chance of one test to fire on windows that are samples of one distribution. 100 fields, 8,640
// windows of 5 minutes a month, 12 tests a field: 1e7 tests, so a hundredth of a false alarm a
// month. Slices share the like of it.
#define SCHEMA_P_VALUE 1e-9

// ---- the past of one number

// A number's level, spread and extremes over the windows before. The extremes relax towards the
// level, by half in two weeks of five minutes.
struct schema_track {
    uint32_t n;      // windows learnt from
    uint32_t streak; // abnormal windows in a row that were left out
    float level, variance, low, high;
};

// How far `value` is from all that was seen: 0 within the extremes (or while fewer than
// SCHEMA_LEARN windows were seen), else the signed distance beyond the nearer one, if it is also
// more than six standard deviations from the level. `noise`: the standard deviation that chance
// alone gives the value.
double schema_track_beyond(const struct schema_track *track, double value, double noise);
// Takes in a window's value. An abnormal one is left out, until a day of them (`adopt` windows) in
// a row has made it the new normal.
void schema_track_learn(struct schema_track *track, double value, int abnormal, uint32_t adopt);
void schema_track_write(const struct schema_track *track, struct weir_buffer *out);
void schema_track_read(struct schema_track *track, struct weir_reader *in); // a fault: in->failed

enum schema_series {
    SCHEMA_NULLS,
    SCHEMA_DISTINCT,
    SCHEMA_SPIKE,
    SCHEMA_VARIETY, // distinct values by all values
    SCHEMA_PEAK,    // the share of the fullest cell, in slices
    SCHEMA_SERIES
};

// One field in one slice.
struct schema_past {
    struct schema_track tracks[SCHEMA_SERIES];
    uint32_t windows, constant; // windows with enough values; those with one value alone
    uint32_t frozen;            // windows in a row that were said to be frozen
    uint32_t spiked;            // 1: what froze was a spike of one value in the window before
    uint32_t gone;              // windows in a row in which categories had vanished
};

// Values that were common in the windows before, with the largest share that each had.
enum { SCHEMA_USUAL = 8 };
struct schema_usual {
    uint64_t bits;
    float high; // 0: none
    struct weir_rate_run run;
};
struct schema_usuals {
    struct schema_usual values[SCHEMA_USUAL];
};

// Categories of the reference: windows that should have had many of each and had some, the start
// of the first of these, and those that were not there at times (bits by number).
enum { SCHEMA_CATEGORIES = 64 };
struct schema_presence {
    int64_t since[SCHEMA_CATEGORIES];
    uint32_t windows[SCHEMA_CATEGORIES];
    uint64_t absent, of; // of: a hash of the categories
};

// What no single window shows of a field, and many windows together do.
enum { SCHEMA_SUSPECTS = 4 };
struct schema_suspect { // a value that comes more often than the reference had it
    uint64_t bits;
    struct weir_rate_sum sums[WEIR_RATE_RISES]; // all of no window: none
    double near, near_before; // of numbers: values near it, and how many the reference would have
    uint32_t doubt, told;     // windows in a row
};
struct schema_long {
    struct weir_rate_run nulls, texts; // texts: that read like none of the reference's
    struct schema_suspect suspects[SCHEMA_SUSPECTS];
};

// One slice.
struct schema_memory {
    uint64_t hash; // of by and values
    int64_t since; // start of the first window
    struct schema_track rows;
    struct schema_past *fields; // parallel to schema->fields
    uint32_t low;               // windows in a row with far too few rows
    // The whole stream's alone; NULL for slices.
    struct schema_usuals *usual;      // parallel to schema->fields
    struct schema_long *runs;         // parallel to schema->fields
    struct schema_presence *presence; // parallel to schema->fields
    struct schema_track *swaps;       // parallel to schema->pairs
    int listed;                       // in the window at hand
};

// Of the whole stream, first, and of slices.
struct schema_memories {
    const struct schema *schema;
    struct schema_memory *items;
    size_t n, room;
};

void schema_memories_free(struct schema_memories *memories);
// Where each of the window's slices is in `items`: n_slices places, SIZE_MAX where there is no
// room for more. WEIR_ENOMEM.
int schema_memories_match(struct schema_memories *memories, const struct weir_window *window,
                          size_t *of);
// Drops those that the last match did not find: slices that the host no longer lists.
void schema_memories_forget(struct schema_memories *memories);
int schema_memories_write(const struct schema_memories *memories, struct weir_buffer *out);
// Fields are found by name: the configuration may have others by now. `state_version` is at least
// 2, the first that had any. WEIR_ECORRUPT, WEIR_ENOMEM.
int schema_memories_read(struct schema_memories *memories, uint32_t state_version,
                         struct weir_reader *in);

void schema_long_write(const struct schema_long *runs, struct weir_buffer *out);
void schema_long_read(struct schema_long *runs, struct weir_reader *in); // a fault: in->failed

// ---- a check

struct schema_verdict {
    enum weir_severity severity;
    enum weir_action action;
    double share;   // of records concerned, NAN: not known
    uint64_t count; // records concerned, 0: not known
    struct weir_statistic statistic;
    const struct weir_field *other; // a second field that is concerned; NULL: none
    const struct weir_slice *slice; // another than the one that was judged; NULL: that one
    unsigned identity;              // of enum weir_identity; 0: all
    const char *rule;               // under which it is said; NULL: the check's
    int provisional;
    char text[SCHEMA_TEXT];
    struct weir_evidence evidence[SCHEMA_EVIDENCE];
    char words[2 * SCHEMA_EVIDENCE][160]; // for evidence to point to
    size_t n_evidence;
};

struct schema_judge {
    const struct schema *schema;
    const struct weir_window *window;
    size_t slice;
    const struct schema_field *field;     // NULL: the check is of the slice as a whole
    const struct weir_summary *now;       // of the field in the slice; NULL without a field
    const struct weir_summary *all;       // of the field in the whole stream
    struct schema_memory *memory;         // of the slice
    struct schema_past *past;             // of the field in the slice; NULL without a field
    const struct schema_extract *extract; // what the edges told, of the whole stream
    double p_value;                       // what a test is held to
    uint32_t adopt;                       // windows that make a new normal
};

enum schema_scope { SCHEMA_OF_FIELD, SCHEMA_OF_SLICE };

struct schema_window_check {
    const char *rule, *kind;
    enum schema_scope scope;
    enum schema_option option; // boolean: turns it off
    int watch;                 // of SCHEMA_WATCH_*: what it needs of single records
    // A record rule of the field that tells of (nearly) as many records has said it already.
    int yields;
    // Fields that it looks at, and the parts it needs of them; negative: it does not look at this
    // one. `reference`: what the first reference that knows the field has of it, or NULL.
    int (*parts)(const struct schema *schema, const struct schema_field *field,
                 const struct weir_summary *reference);
    // 1: something is wrong, and `verdict` says what. Learns from the window in any case.
    int (*judge)(struct schema_judge *judge, struct schema_verdict *verdict);
};

// In order: of two checks that find fault with a field in a window the earlier one explains it.
extern const struct schema_window_check *const schema_window_checks[];
extern const size_t schema_n_window_checks;

// ---- for checks

// The field in reference i, by name; NULL where it is not known there.
const struct weir_summary *schema_reference(const struct schema_judge *judge, size_t i);
// By how much fewer its values count than independent ones, as its reference says; 1 and above.
double schema_spread(const struct schema_field *field);
// As many independent values as n tell of a level: from stretch to stretch of the reference it
// varies `spread` times as much as chance would have it, and what varies so is no less in a window
// with more values. Never more than n / spread.
double schema_independent(const struct weir_summary *reference, double spread, double n);
// Whether a whole day of the slice was seen, and with it the night: only then are earlier windows
// what a window is judged by. Files whose rows have no time are taken to have no rhythm.
int schema_knows_a_day(const struct schema_judge *judge);
// Whether so much event time lies between `since` and the window's end, or there is no such time.
int schema_has_passed(const struct schema_judge *judge, int64_t since, int64_t ms);
// schema_track_beyond(), 0 before a day is known.
double schema_beyond(const struct schema_judge *judge, const struct schema_track *track,
                     double value, double noise);
// Whether the ordered stretches of the field's reference are short enough to show what windows
// would: no longer than one, or an hour.
int schema_has_stretches(const struct schema_judge *judge);
// The number of the windows that make a day, at least 12.
uint32_t schema_adopt(const struct schema *schema);
// "0.04%", "12%", into `text`, which has room for 32.
const char *schema_share_text(double share, char *text);
// A sum of a rate beyond this many nats is told: by chance one in 1e9 windows, of `many` rates.
double schema_long_threshold(double many);
// "in 6 windows since 2026-03-04 01:00 UTC", into `text`, which
// has room for 64.
const char *schema_since_text(const struct weir_rate_sum *sum, char *text);
// Adds a line of evidence; beyond SCHEMA_EVIDENCE of them it is left out.
void schema_verdict_add(struct schema_verdict *verdict, const char *type, const char *field,
                        const char *before, const char *after);

// window_exchange.c: the field behind the judged one that stands in its place, and it in that
// one's, in so large a share of the records that both distributions show it. 1: there is one.
struct schema_exchange {
    const struct schema_field *other;
    double share, gain; // gain: by how many nats that explains the window better
};
int schema_exchanged(const struct schema_judge *judge, struct schema_exchange *best);

// window_*.c: each check's row.
extern const struct schema_window_check schema_check_null_rate, schema_check_volume,
    schema_check_frozen, schema_check_new, schema_check_vanished, schema_check_distinct,
    schema_check_unit, schema_check_spike, schema_check_text, schema_check_swap, schema_check_fresh;

#endif
