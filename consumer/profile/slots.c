// SPDX-License-Identifier: Apache-2.0
#include "consumer/profile/slots.h"

#include "stats/hll.h"

static void sift_down(struct weir_slot *heap, uint32_t n)
{
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= n)
            return;
        if (child + 1 < n && heap[child + 1].hash > heap[child].hash)
            child++;
        if (heap[child].hash <= heap[at].hash)
            return;
        struct weir_slot swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
        at = child;
    }
}

static void sift_up(struct weir_slot *heap, uint32_t at)
{
    while (at && heap[(at - 1) / 2].hash < heap[at].hash) {
        struct weir_slot swap = heap[at];
        heap[at] = heap[(at - 1) / 2];
        heap[(at - 1) / 2] = swap;
        at = (at - 1) / 2;
    }
}

int64_t weir_slots_take(struct weir_slots *slots, int64_t offset)
{
    uint64_t hash = weir_hll_hash_long(offset);
    if (slots->n < WEIR_SLOTS) {
        uint32_t slot = slots->n++;
        slots->heap[slot] = (struct weir_slot){hash, slot};
        sift_up(slots->heap, slot);
        return slot;
    }
    if (hash >= slots->heap[0].hash)
        return -1;
    slots->heap[0].hash = hash;
    uint32_t slot = slots->heap[0].slot;
    sift_down(slots->heap, slots->n);
    return slot;
}
