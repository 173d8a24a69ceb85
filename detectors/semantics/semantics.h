// SPDX-License-Identifier: Apache-2.0
// The semantics detector's inside.
#ifndef WEIR_DETECTORS_SEMANTICS_H
#define WEIR_DETECTORS_SEMANTICS_H

#include "stats/clues.h"
#include "weir/detector.h"

enum semantics_option {
    SEMANTICS_OPTION_RECORDS,
    SEMANTICS_OPTION_MARGIN,
    SEMANTICS_OPTION_PERSONAL_DATA
};

// A field whose annotation says something that can be checked.
struct semantics_field {
    int index; // in the stream
    const struct weir_field *field;
    uint64_t meanings; // that the annotation allows, 1 << enum weir_meaning
};

struct semantics {
    const struct weir_stream *stream;
    struct semantics_field *fields;
    size_t n_fields;
    uint64_t records;
    double margin;
    int personal_data;
};

// edge.c: clues of each field, by pane
int semantics_edge_create(void *instance, void **edge, struct weir_error *error);
void semantics_edge_destroy(void *edge);
int semantics_edge_observe(void *edge, const struct weir_batch *batch, const struct weir_edge *host,
                           struct weir_error *error);
int semantics_edge_close(void *edge, int64_t start, int64_t end, struct weir_buffer *out,
                         struct weir_error *error);
int semantics_edge_save(const void *edge, struct weir_buffer *out);
int semantics_edge_restore(void *edge, uint32_t state_version, struct weir_reader *in,
                           struct weir_error *error);

// owner.c: their verdict
int semantics_owner_create(void *instance, void **owner, struct weir_error *error);
void semantics_owner_destroy(void *owner);
int semantics_owner_window(void *owner, const struct weir_window *window, struct weir_error *error);
int semantics_owner_save(const void *owner, struct weir_buffer *out);
int semantics_owner_restore(void *owner, uint32_t state_version, struct weir_reader *in,
                            struct weir_error *error);

// report.c: tells of a field whose clues say enough; 1: a finding was emitted.
int semantics_judge(const struct semantics *semantics, const struct semantics_field *field,
                    const struct weir_clues *clues, const struct weir_window *window);

// A run of clues, one a field.
struct weir_clues *semantics_clues_create(const struct semantics *semantics); // NULL: no memory
void semantics_clues_destroy(const struct semantics *semantics, struct weir_clues *clues);
int semantics_clues_write(const struct semantics *semantics, const struct weir_clues *clues,
                          struct weir_buffer *out);
int semantics_clues_read_merge(const struct semantics *semantics, struct weir_clues *clues,
                               struct weir_reader *in);

#endif
