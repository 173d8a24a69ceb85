// SPDX-License-Identifier: Apache-2.0
// A bounded set of names with small numbers, in the order in which they came: annotators, model
// versions. Nothing that is decided or printed may depend on a number: only on the name.
#ifndef WEIR_STATS_NAME_SET_H
#define WEIR_STATS_NAME_SET_H

#include <stddef.h>
#include <stdint.h>

#include "stats/buffer.h"

enum { WEIR_NAME_LENGTH = 255 }; // longer names are cut

struct weir_names {
    char **texts;
    uint64_t *hashes;
    uint32_t n, capacity, maximum;
    uint32_t *slots; // open addressing, number + 1
    uint32_t n_slots;
};

void weir_names_init(struct weir_names *names, uint32_t maximum);
void weir_names_free(struct weir_names *names);
size_t weir_names_memory(const struct weir_names *names); // bytes held, itself not included
// The name's number, added where it is new; WEIR_EAGAIN (negative) at the maximum, WEIR_ENOMEM.
int weir_names_add(struct weir_names *names, const char *text, size_t length);
int weir_names_find(const struct weir_names *names, const char *text, size_t length); // -1: none
int weir_names_save(const struct weir_names *names, struct weir_buffer *out);
int weir_names_restore(struct weir_names *names, struct weir_reader *in);

#endif
