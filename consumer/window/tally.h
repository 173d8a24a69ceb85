// SPDX-License-Identifier: Apache-2.0
// How often single records broke rules in one short pane: counts, offsets and a few samples,
// mergeable in any order. Rules are numbered flat across a stream's detectors.
#ifndef WEIR_WINDOW_TALLY_H
#define WEIR_WINDOW_TALLY_H

#include "stats/buffer.h"
#include "weir/detector.h"

enum { WEIR_TALLY_SAMPLES = 5 };

struct weir_tally_range {
    int32_t partition;
    int64_t first, last;
};

// What the detector said of so many of the records, with the extremes of the numbers it gave.
struct weir_tally_detail {
    char name[WEIR_RULE_DETAIL_BYTES + 1]; // without control characters
    uint64_t count;
    double minimum, maximum; // NAN: there were none
};

struct weir_tally {
    uint64_t count;
    struct weir_tally_range *ranges; // by partition
    size_t n_ranges;
    struct {
        int32_t partition;
        int64_t offset;
    } samples[WEIR_TALLY_SAMPLES]; // the lowest, by partition and offset
    uint32_t n_samples;
    struct weir_tally_detail *details; // by name
    size_t n_details;
};

struct weir_tally_pane {
    int64_t start;
    uint64_t rows;            // that were looked at
    struct weir_tally *rules; // NULL: quiet, no rule was broken
    size_t n_rules;
};

int weir_tally_pane_create(size_t n_rules, int64_t start, struct weir_tally_pane **pane);
void weir_tally_pane_destroy(struct weir_tally_pane *pane);
// The place of a rule, which makes the pane's places; NULL: no memory.
struct weir_tally *weir_tally_at(struct weir_tally_pane *pane, size_t rule);
// Adds `n` records; of their offsets, ascending, at least the first WEIR_TALLY_SAMPLES are given.
int weir_tally_add(struct weir_tally *tally, int32_t partition, const int64_t *offsets,
                   size_t n_offsets, uint64_t n, int64_t last);
// Says `name` of `n` records; their numbers may be NULL. A name that is new finds room below
// `limit` names only. Control characters and what is beyond WEIR_RULE_DETAIL_BYTES are taken out.
int weir_tally_add_detail(struct weir_tally *tally, const char *name, size_t length, uint64_t n,
                          const double *values, size_t limit);
int weir_tally_merge(struct weir_tally *into, const struct weir_tally *from);
size_t weir_tally_memory(const struct weir_tally_pane *pane); // bytes held, itself included

// Bytes; `name` gives a rule's detector and name, by which reading finds its place again. A detail
// is written as a rule of its own, called RULE, newline, DETAIL: a reader that knows none passes
// over it.
typedef void (*weir_tally_namer)(void *context, size_t rule, const char **detector,
                                 const char **name);
typedef int64_t (*weir_tally_finder)(void *context, const char *detector, const char *name);
int weir_tally_write(const struct weir_tally_pane *pane, weir_tally_namer namer, void *context,
                     struct weir_buffer *out);
// Adds what was written; rules that `finder` does not know (negative) are passed over.
int weir_tally_read_merge(struct weir_tally_pane *pane, weir_tally_finder finder, void *context,
                          struct weir_reader *in);

#endif
