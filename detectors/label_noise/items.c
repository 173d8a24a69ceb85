// SPDX-License-Identifier: Apache-2.0
#include "detectors/label_noise/items.h"

#include <stdlib.h>
#include <string.h>

void noise_items_free(struct noise_items *items)
{
    uint32_t maximum = items->maximum;
    free(items->ring);
    free(items->chains);
    memset(items, 0, sizeof *items);
    items->maximum = maximum;
}

size_t noise_items_memory(uint32_t capacity)
{
    return capacity * (sizeof(struct noise_item) + sizeof(uint32_t));
}

struct noise_item *noise_items_at(const struct noise_items *items, uint64_t number)
{
    return &items->ring[number & (items->capacity - 1)];
}

static void link_item(struct noise_items *items, uint64_t number)
{
    struct noise_item *item = noise_items_at(items, number);
    uint32_t *chain = &items->chains[item->hash & (items->capacity - 1)];
    item->next = *chain;
    *chain = (uint32_t)(number & (items->capacity - 1)) + 1;
}

static int grow(struct noise_items *items)
{
    uint32_t capacity = items->capacity ? items->capacity * 2 : 256;
    struct noise_item *ring = malloc(capacity * sizeof *ring);
    uint32_t *chains = calloc(capacity, sizeof *chains);
    if (!ring || !chains) {
        free(ring);
        free(chains);
        return WEIR_ENOMEM;
    }
    for (uint64_t i = items->head; i < items->tail; i++)
        ring[i & (capacity - 1)] = *noise_items_at(items, i);
    free(items->ring);
    free(items->chains);
    items->ring = ring;
    items->chains = chains;
    items->capacity = capacity;
    for (uint64_t i = items->head; i < items->tail; i++)
        link_item(items, i);
    return 0;
}

struct noise_item *noise_items_find(struct noise_items *items, uint64_t hash, int64_t time,
                                    int64_t open_for)
{
    if (!items->capacity)
        return NULL;
    uint32_t at = items->chains[hash & (items->capacity - 1)];
    while (at) {
        struct noise_item *item = &items->ring[at - 1];
        if (item->hash == hash && time - open_for <= item->first)
            return item;
        at = item->next;
    }
    return NULL;
}

int noise_items_are_full(const struct noise_items *items)
{
    return items->tail - items->head >= items->maximum;
}

struct noise_item *noise_items_add(struct noise_items *items, uint64_t hash, int64_t time)
{
    if (items->tail - items->head == items->capacity && grow(items))
        return NULL;
    uint64_t number = items->tail++;
    struct noise_item *item = noise_items_at(items, number);
    memset(item, 0, sizeof *item);
    item->hash = hash;
    item->first = time;
    link_item(items, number);
    return item;
}

struct noise_item *noise_items_oldest(struct noise_items *items)
{
    return items->head < items->tail ? noise_items_at(items, items->head) : NULL;
}

void noise_items_drop_oldest(struct noise_items *items)
{
    const struct noise_item *item = noise_items_at(items, items->head);
    uint32_t self = (uint32_t)(items->head & (items->capacity - 1)) + 1;
    uint32_t *at = &items->chains[item->hash & (items->capacity - 1)];
    while (*at != self)
        at = &items->ring[*at - 1].next;
    *at = item->next;
    items->head++;
}

int noise_items_expire(struct noise_items *items, int64_t time,
                       int (*leave)(void *context, const struct noise_item *item), void *context)
{
    uint64_t kept = items->head;
    int code = 0;
    for (uint64_t i = items->head; i < items->tail; i++) {
        const struct noise_item *item = noise_items_at(items, i);
        if (item->first < time && !code) {
            code = leave(context, item);
            continue;
        }
        if (kept != i)
            *noise_items_at(items, kept) = *item;
        kept++;
    }
    if (kept == items->tail)
        return code;
    items->tail = kept;
    memset(items->chains, 0, items->capacity * sizeof *items->chains);
    for (uint64_t i = items->head; i < items->tail; i++)
        link_item(items, i);
    return code;
}

// ---- what labels say of each other

// What the others say of label `i`: a gold label's class, else the class with the most votes; -1
// where there is no other or no single winner.
static int truth_for(const struct noise_item *item, size_t i)
{
    unsigned votes[NOISE_CLASSES] = {0}, best = 0;
    int truth = -1;
    for (size_t k = 0; k < item->n; k++) {
        if (k != i && item->labels[k].gold)
            return item->labels[k].class;
        votes[item->labels[k].class] += k != i;
    }
    for (int c = 0; c < NOISE_CLASSES; c++) {
        if (votes[c] > best) {
            best = votes[c];
            truth = c;
        } else if (best && votes[c] == best) {
            truth = -1;
        }
    }
    return truth;
}

static int judge_label(const struct noise_item *item, size_t i, struct noise_tally *tally)
{
    const struct noise_label *label = &item->labels[i];
    int truth = truth_for(item, i);
    if (label->gold || truth < 0)
        return 0;
    struct noise_annotator *row = noise_tally_at(tally, label->annotator);
    if (!row || noise_tally_confuse(row, (uint32_t)truth, label->class, 1))
        return WEIR_ENOMEM;
    row->judged++;
    row->agreed += label->class == (uint32_t)truth;
    return 0;
}

int noise_item_judge_last(const struct noise_item *item, struct noise_tally *tally)
{
    size_t last = item->n - 1u;
    for (size_t i = 0; i < last; i++) {
        tally->pairs += 2;
        tally->pairs_agreed += item->labels[i].class == item->labels[last].class ? 2 : 0;
    }
    tally->classes[item->labels[last].class]++;
    return judge_label(item, last, tally);
}

int noise_item_judge(const struct noise_item *item, struct noise_tally *tally)
{
    tally->items++;
    for (size_t i = 0; i < item->n; i++) {
        for (size_t k = 0; k < item->n; k++) {
            tally->pairs += i != k;
            tally->pairs_agreed += i != k && item->labels[i].class == item->labels[k].class;
        }
        tally->classes[item->labels[i].class]++;
        if (judge_label(item, i, tally))
            return WEIR_ENOMEM;
    }
    return 0;
}
