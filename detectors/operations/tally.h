// SPDX-License-Identifier: Apache-2.0
// What one pane comes to: counts, minima and maxima only, so that tallies add up in any order to
// the same. Written by edges, added up by the owner.
#ifndef WEIR_OPERATIONS_TALLY_H
#define WEIR_OPERATIONS_TALLY_H

#include "detectors/operations/repeats.h"

enum {
    OPERATIONS_SCORES = 8,    // fields with the role score that are looked at
    OPERATIONS_VERSIONS = 64, // model versions of a pane
    OPERATIONS_HOSTS = 1024,  // hosts of a pane; and producers, and partitions
    OPERATIONS_SAMPLES = 5,
    OPERATIONS_OUTCOMES = 12, // latencies and statuses
    OPERATIONS_UPSTREAMS = 4, // fields with names of dependencies
    OPERATIONS_CODES = 64     // values of a status that are failures
};

struct operations_count {
    uint64_t rows;
    int64_t first, last;   // event times
    uint64_t n_late, late; // with a latency, the first that there is; of them over its objective
    uint64_t n_failed, failed; // with a status, the first that there is; of them failures
};

// Counts by name. Numbers of names are this table's own.
struct operations_table {
    struct weir_names names;
    struct operations_count *counts; // by number
    uint32_t capacity;
    uint64_t dropped; // rows whose name found no room
};

struct operations_offset {
    int32_t partition;
    int64_t offset;
};

// Of one field with the role score.
struct operations_scores {
    uint64_t finite, outside;                             // of [0, 1], roundings apart
    uint64_t changes;                                     // from one to the next of a task
    double last;                                          // of this task
    double low, high;                                     // of the finite ones; 0 and 0: none
    struct operations_offset samples[OPERATIONS_SAMPLES]; // the first that lie outside
    size_t n_samples;
};

// Of one field with the role latency or status.
struct operations_outcome {
    uint64_t rows, bad;
    struct operations_offset samples[OPERATIONS_SAMPLES]; // the first that are bad
    size_t n_samples;
};

// What a tally is to hold.
struct operations_shape {
    size_t n_scores, n_outcomes, n_upstreams;
    uint32_t inputs; // to be remembered, 0: none
    int pairs;       // whether versions are counted by host
};

struct operations_tally {
    uint64_t rows;
    char *topic; // NULL: none yet
    struct operations_table versions, hosts, partitions, sources;
    uint32_t *pairs; // records of [version * OPERATIONS_HOSTS + host]; NULL: none are counted
    struct operations_scores *scores; // n_scores of them
    size_t n_scores;
    struct operations_outcome outcomes[OPERATIONS_OUTCOMES];
    size_t n_outcomes;
    struct operations_table upstreams[OPERATIONS_UPSTREAMS];
    size_t n_upstreams;
    struct operations_table codes; // failures by value of the first status
    struct operations_repeats repeats;
};

// All zero but for its tables; free it whatever comes out.
int operations_tally_init(struct operations_tally *tally, const struct operations_shape *shape);
void operations_tally_free(struct operations_tally *tally);
int operations_tally_topic(struct operations_tally *tally, const char *topic); // the first stays

void operations_table_init(struct operations_table *table, uint32_t maximum);
void operations_table_free(struct operations_table *table);
// The number of a name; WEIR_EAGAIN: there is no room for it, WEIR_ENOMEM.
int operations_table_at(struct operations_table *table, const char *text, size_t length);
void operations_count_add(struct operations_count *count, int64_t time);
void operations_outcome_add(struct operations_outcome *outcome, int bad, int32_t partition,
                            int64_t offset);
void operations_scores_add(struct operations_scores *scores, double score, int32_t partition,
                           int64_t offset);

// An amount or a time, which fails the reader where it is none that a record can have.
uint64_t operations_get_amount(struct weir_reader *in);
int64_t operations_get_time(struct weir_reader *in);

int operations_tally_write(const struct operations_tally *tally, struct weir_buffer *out);
// Adds what was written. WEIR_ECORRUPT leaves the tally valid.
int operations_tally_read(struct operations_tally *tally, struct weir_reader *in);

#endif
