// SPDX-License-Identifier: Apache-2.0
// A bounded set of names with small numbers: annotators, label classes.
#ifndef WEIR_LABEL_NOISE_NAMES_H
#define WEIR_LABEL_NOISE_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "stats/buffer.h"

enum { NOISE_NAME_LENGTH = 255 }; // longer names are cut

struct noise_names {
    char **texts;
    uint64_t *hashes;
    uint32_t n, capacity, maximum;
    uint32_t *slots; // open addressing, number + 1
    uint32_t n_slots;
};

void noise_names_init(struct noise_names *names, uint32_t maximum);
void noise_names_free(struct noise_names *names);
// The name's number, added where it is new; WEIR_EAGAIN (negative) at the maximum, WEIR_ENOMEM.
int noise_names_add(struct noise_names *names, const char *text, size_t length);
int noise_names_save(const struct noise_names *names, struct weir_buffer *out);
int noise_names_restore(struct noise_names *names, struct weir_reader *in);

#endif
