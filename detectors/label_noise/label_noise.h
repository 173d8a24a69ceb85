// SPDX-License-Identifier: Apache-2.0
// What the files of this detector share.
#ifndef WEIR_LABEL_NOISE_H
#define WEIR_LABEL_NOISE_H

#include "detectors/label_noise/tally.h"
#include "weir/detector.h"

enum { NOISE_ITEM_LABELS = 8 }; // of one item that are kept

struct noise_instance {
    int item, label, annotator; // fields; item -1: the Kafka key
    char *annotator_field;      // its name, for slices of alerts
    uint32_t labels_per_item;
    int64_t open_for;
    uint32_t open_items, max_annotators;
    double minimum, effect, p_value, conflicts, kappa_drop;
    int64_t memory, hop; // ms
    char **gold;         // annotators whose labels are taken as true
    size_t n_gold;
};

enum noise_option {
    NOISE_ITEM,
    NOISE_LABEL,
    NOISE_ANNOTATOR,
    NOISE_LABELS_PER_ITEM,
    NOISE_OPEN_FOR,
    NOISE_OPEN_ITEMS,
    NOISE_MAX_ANNOTATORS,
    NOISE_MINIMUM,
    NOISE_EFFECT,
    NOISE_P_VALUE,
    NOISE_CONFLICTS,
    NOISE_KAPPA_DROP,
    NOISE_MEMORY,
    NOISE_GOLD,
    NOISE_OPTIONS
};

// edge.c
int noise_edge_create(void *instance, void **edge, struct weir_error *error);
void noise_edge_destroy(void *edge);
int noise_edge_observe(void *edge, const struct weir_batch *batch, const struct weir_edge *host,
                       struct weir_error *error);
int noise_edge_close(void *edge, int64_t start, int64_t end, struct weir_buffer *out,
                     struct weir_error *error);
int noise_edge_save(const void *edge, struct weir_buffer *out);
size_t noise_edge_memory(const void *edge);
size_t noise_edge_memory_most(const void *instance);
int noise_edge_restore(void *edge, uint32_t state_version, struct weir_reader *in,
                       struct weir_error *error);

// owner.c
int noise_owner_create(void *instance, void **owner, struct weir_error *error);
void noise_owner_destroy(void *owner);
int noise_owner_window(void *owner, const struct weir_window *window, struct weir_error *error);
int noise_owner_save(const void *owner, struct weir_buffer *out);
int noise_owner_restore(void *owner, uint32_t state_version, struct weir_reader *in,
                        struct weir_error *error);

#endif
