// SPDX-License-Identifier: Apache-2.0
// Whether records come as they usually do: of the stream, of each partition, of each producer.
#ifndef WEIR_OPERATIONS_TRAFFIC_H
#define WEIR_OPERATIONS_TRAFFIC_H

#include "detectors/operations/operations.h"
#include "stats/count_series.h"

enum { OPERATIONS_PARTS = 2048 }; // partitions and producers that are followed

enum operations_part_kind {
    OPERATIONS_STREAM,
    OPERATIONS_PARTITION,
    OPERATIONS_PRODUCER,
    OPERATIONS_SLICE // its name is of pairs: a field, 0x1f, its value, 0x1f ...
};

struct operations_part {
    enum operations_part_kind kind;
    char *name;
    uint64_t now; // rows of a slice in the present window
    int64_t seen; // end of the last window that had records of it
    struct weir_count_series series;
    double own, all;       // its records and the stream's, discounted: half-life a day
    double quiet;          // records that were due since it fell silent, see below
    double restless;       // how often throughput has been far off, and
    double silences;       // how often it has been silent; a week's half-life
    int is_far, is_silent; // in the last window
};

struct operations_traffic {
    struct operations_part *parts; // by kind, then name; the stream is the first
    size_t n, capacity;
};

void operations_traffic_free(struct operations_traffic *traffic);
// Takes in a step and emits what there is to say. WEIR_ENOMEM.
int operations_traffic_step(struct operations_traffic *traffic, const struct operations_step *step);
void operations_traffic_save(const struct operations_traffic *traffic, struct weir_buffer *out);
int operations_traffic_restore(struct operations_traffic *traffic,
                               const struct operations *operations, struct weir_reader *in);

#endif
