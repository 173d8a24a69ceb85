// SPDX-License-Identifier: Apache-2.0
// Open items of one task: which annotator gave which label. Bounded; an item is judged once it
// has enough labels, or when it is older than `open_for`, and stays until then, so that labels
// that come later still count.
#ifndef WEIR_LABEL_NOISE_ITEMS_H
#define WEIR_LABEL_NOISE_ITEMS_H

#include "detectors/label_noise/label_noise.h"

struct noise_label {
    uint32_t annotator;
    uint16_t class;
    uint16_t gold;
};

struct noise_item {
    uint64_t hash;
    int64_t first; // event time of the first label that came
    uint32_t next; // in its chain: index + 1
    uint16_t n;
    uint8_t judged, contradicted;
    struct noise_label labels[NOISE_ITEM_LABELS];
};

// A ring in the order of arrival, so that what is oldest is at its head.
struct noise_items {
    struct noise_item *ring;
    uint32_t capacity; // a power of two, 0: nothing yet
    uint64_t head, tail;
    uint32_t maximum;
    uint32_t *chains; // `capacity` of them, by hash: index in the ring + 1
};

void noise_items_free(struct noise_items *items);
size_t noise_items_memory(uint32_t capacity); // bytes that a ring of this capacity holds
// The item that a label at `time` belongs to; NULL where there is none: an item takes labels for
// `open_for` after its first, whether or not a pane has closed since.
struct noise_item *noise_items_find(struct noise_items *items, uint64_t hash, int64_t time,
                                    int64_t open_for);
// A new item at the tail; at the maximum the oldest must be dropped first. NULL: no memory.
struct noise_item *noise_items_add(struct noise_items *items, uint64_t hash, int64_t time);
int noise_items_are_full(const struct noise_items *items);
struct noise_item *noise_items_oldest(struct noise_items *items); // NULL: there is none
void noise_items_drop_oldest(struct noise_items *items);
// Takes out what began before `time`, keeping the order of the rest; each is shown to `leave`
// first, whose failure ends it.
int noise_items_expire(struct noise_items *items, int64_t time,
                       int (*leave)(void *context, const struct noise_item *item), void *context);
struct noise_item *noise_items_at(const struct noise_items *items, uint64_t number);

// Counts what one more label says, once it has been put into the item at `labels[n - 1]`.
int noise_item_judge_last(const struct noise_item *item, struct noise_tally *tally);
// Counts what all labels of the item say of each other.
int noise_item_judge(const struct noise_item *item, struct noise_tally *tally);

#endif
