// SPDX-License-Identifier: Apache-2.0
// A sample of rows: those whose offsets have the lowest hashes, each in a slot of its own, which it
// leaves to a row with a lower one.
#ifndef WEIR_PROFILE_SLOTS_H
#define WEIR_PROFILE_SLOTS_H

#include <stdint.h>

enum { WEIR_SLOTS = 1 << 14 };

struct weir_slot {
    uint64_t hash;
    uint32_t slot;
};

struct weir_slots {
    struct weir_slot *heap; // of WEIR_SLOTS; the highest hash is on top
    uint32_t n;             // slots that are taken
};

// A row's slot, or -1: it is not of the sample.
int64_t weir_slots_take(struct weir_slots *slots, int64_t offset);

#endif
