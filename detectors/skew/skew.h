// SPDX-License-Identifier: Apache-2.0
// What the files of this detector share. Row by row: join.h (records of two streams side by side),
// rows.h (what became of pairs in a window). By distribution: training.h (a profile beside what
// windows add up to). Each part that judges windows has a state of its own in struct skew_owner, is
// called from skew_owner_window(), and is saved behind those that were there before.
#ifndef WEIR_SKEW_H
#define WEIR_SKEW_H

#include "detectors/skew/compare.h"
#include "detectors/skew/tally.h"
#include "weir/detector.h"

// A field that both sides have.
struct skew_pair {
    int served, offline; // fields of their streams
    int as_double;       // integers are read so, for the other side has doubles
    struct skew_tolerance tolerance;
    char *name, *unit; // of the served one; unit may be NULL
};

enum { SKEW_BY_FIELDS = 4 };

struct skew_training_plan;

struct skew_instance {
    struct skew_pair *pairs; // none where there is only a profile
    size_t n_pairs;
    int joins;             // two streams; else both sides stand in one record
    int key[2], entity[2]; // fields of each side; key -1: the Kafka key; entity -1: the key
    int whole_keys;        // keys are integers on both sides
    int64_t apart;
    uint32_t open_rows, entities;
    char *served_name, *offline_name; // of the streams
    double mismatch, unpaired;        // shares that are no matter
    uint64_t minimum;                 // pairs of a window
    double chance; // of a false alarm in a window: of each of the ways in which there may be one
    int redact;
    // Slices of what was served.
    int by[SKEW_BY][SKEW_BY_FIELDS];
    char *by_names[SKEW_BY][SKEW_BY_FIELDS];
    size_t n_by_fields[SKEW_BY], n_by;
    struct skew_training_plan *training; // by distribution; NULL: there is no profile
};

enum skew_option {
    SKEW_WITH,
    SKEW_SUFFIX,
    SKEW_MISMATCH,
    SKEW_UNPAIRED,
    SKEW_MINIMUM,
    SKEW_TOLERANCE,
    SKEW_APART,
    SKEW_OPEN_ROWS,
    SKEW_ENTITIES,
    SKEW_DELTA,
    SKEW_CRITICAL,
    SKEW_OVER,
    SKEW_SEGMENT,
    SKEW_OPTIONS
};

struct skew_training;

struct skew_owner {
    const struct skew_instance *instance;
    struct skew_training *training; // NULL: there is no profile
};

// fields.c: which fields are compared, and how; fills the instance. WEIR_EINVAL, with complaints
// where an option is to blame.
int skew_find_fields(const struct weir_detector_config *config, const struct weir_setup *setup,
                     struct skew_instance *instance, struct weir_error *error);

// edge.c
int skew_edge_create(void *instance, void **edge, struct weir_error *error);
void skew_edge_destroy(void *edge);
int skew_edge_observe(void *edge, const struct weir_batch *batch, const struct weir_edge *host,
                      struct weir_error *error);
int skew_edge_close(void *edge, int64_t start, int64_t end, struct weir_buffer *out,
                    struct weir_error *error);
int skew_edge_save(const void *edge, struct weir_buffer *out);
int skew_edge_restore(void *edge, uint32_t state_version, struct weir_reader *in,
                      struct weir_error *error);

// Bytes now, and once all caps are reached.
size_t skew_edge_memory(const void *edge);
size_t skew_edge_memory_most(const void *instance);

// owner.c
int skew_owner_create(void *instance, void **owner, struct weir_error *error);
void skew_owner_destroy(void *owner);
int skew_owner_window(void *owner, const struct weir_window *window, struct weir_error *error);
size_t skew_owner_memory(const void *owner);
int skew_owner_save(const void *owner, struct weir_buffer *out);
int skew_owner_restore(void *owner, uint32_t state_version, struct weir_reader *in,
                       struct weir_error *error);

#endif
