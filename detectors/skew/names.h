// SPDX-License-Identifier: Apache-2.0
// What slices are called, by hash: a bounded number of each `by`, those with the lowest hashes, as
// tallies keep them.
#ifndef WEIR_SKEW_NAMES_H
#define WEIR_SKEW_NAMES_H

#include "detectors/skew/skew.h"

struct skew_name {
    uint64_t hash;
    char *text;
};
struct skew_names {
    struct skew_name of[SKEW_BY][SKEW_SLICES_KEPT]; // ascending
    size_t n[SKEW_BY];
};

void skew_names_free(struct skew_names *names); // and leaves them empty
// Fills the row's slices, and remembers their names. WEIR_ENOMEM.
int skew_names_read(struct skew_names *names, const struct skew_instance *instance,
                    const struct weir_batch *batch, uint32_t row, uint64_t slice[SKEW_BY]);
const char *skew_names_find(const struct skew_names *names, size_t by, uint64_t hash); // or NULL
size_t skew_names_memory(const struct skew_names *names);
int skew_names_write(const struct skew_names *names, const struct skew_instance *instance,
                     struct weir_buffer *out);
// Names of other slices than the instance looks at are left out.
int skew_names_restore(struct skew_names *names, const struct skew_instance *instance,
                       struct weir_reader *in);

// "device = tv and country = null"
void skew_slice_text(const struct weir_slice_value *values, size_t n, char *out, size_t size);

#endif
