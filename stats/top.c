// SPDX-License-Identifier: Apache-2.0
#include "stats/top.h"

#include <stdlib.h>
#include <string.h>

#include "weir/error.h"

struct weir_top {
    uint32_t capacity, n, room;
    uint32_t n_slots; // a power of two, at least twice the room
    uint64_t lost;    // how often every counter went down by one
    struct weir_top_entry *entries;
    uint32_t *slots; // 1 + entry, 0: free; linear probing from the hash's low bits
};

struct weir_top *weir_top_create(uint32_t capacity)
{
    struct weir_top *top = calloc(1, sizeof *top);
    if (top)
        top->capacity = capacity;
    return top;
}

void weir_top_reset(struct weir_top *top)
{
    uint32_t capacity = top->capacity;
    free(top->entries);
    free(top->slots);
    memset(top, 0, sizeof *top);
    top->capacity = capacity;
}

void weir_top_destroy(struct weir_top *top)
{
    if (!top)
        return;
    weir_top_reset(top);
    free(top);
}

static void link_all(struct weir_top *top)
{
    memset(top->slots, 0, top->n_slots * sizeof *top->slots);
    for (uint32_t i = 0; i < top->n; i++) {
        uint32_t slot = (uint32_t)top->entries[i].hash & (top->n_slots - 1);
        while (top->slots[slot])
            slot = (slot + 1) & (top->n_slots - 1);
        top->slots[slot] = i + 1;
    }
}

static int make_room(struct weir_top *top, uint32_t room)
{
    if (room <= top->room)
        return 0;
    uint32_t n_slots = 16;
    while (n_slots < 2 * room)
        n_slots *= 2;
    uint32_t *slots = calloc(n_slots, sizeof *slots);
    struct weir_top_entry *entries = realloc(top->entries, room * sizeof *entries);
    if (entries)
        top->entries = entries;
    if (!slots || !entries) {
        free(slots);
        return WEIR_ENOMEM;
    }
    free(top->slots);
    top->slots = slots;
    top->n_slots = n_slots;
    top->room = room;
    link_all(top);
    return 0;
}

static struct weir_top_entry *find(const struct weir_top *top, uint64_t hash)
{
    if (!top->n)
        return NULL;
    uint32_t slot = (uint32_t)hash & (top->n_slots - 1);
    for (; top->slots[slot]; slot = (slot + 1) & (top->n_slots - 1)) {
        if (top->entries[top->slots[slot] - 1].hash == hash)
            return &top->entries[top->slots[slot] - 1];
    }
    return NULL;
}

static void lower(struct weir_top *top, uint64_t by)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < top->n; i++) {
        if (top->entries[i].count <= by)
            continue;
        top->entries[kept] = top->entries[i];
        top->entries[kept++].count -= by;
    }
    top->n = kept;
    top->lost += by;
    link_all(top);
}

static int append(struct weir_top *top, uint64_t hash, const char *data, size_t length,
                  uint64_t count)
{
    if (top->n == top->room && make_room(top, top->room ? 2 * top->room : 8))
        return WEIR_ENOMEM;
    struct weir_top_entry *entry = &top->entries[top->n];
    memset(entry, 0, sizeof *entry);
    entry->hash = hash;
    entry->count = count;
    entry->length = (uint32_t)(length < WEIR_TOP_TEXT ? length : WEIR_TOP_TEXT);
    if (entry->length)
        memcpy(entry->data, data, entry->length);
    uint32_t slot = (uint32_t)hash & (top->n_slots - 1);
    while (top->slots[slot])
        slot = (slot + 1) & (top->n_slots - 1);
    top->slots[slot] = ++top->n;
    return 0;
}

int weir_top_add(struct weir_top *top, uint64_t hash, const char *data, size_t length)
{
    struct weir_top_entry *entry = find(top, hash);
    if (entry) {
        entry->count++;
        return 0;
    }
    if (top->n < top->capacity)
        return append(top, hash, data, length, 1);
    // The new value goes with one of each of the others.
    lower(top, 1);
    return 0;
}

static int by_count(const void *a, const void *b)
{
    const struct weir_top_entry *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    size_t n = x->length < y->length ? x->length : y->length;
    int order = n ? memcmp(x->data, y->data, n) : 0;
    if (order)
        return order;
    if (x->length != y->length)
        return x->length < y->length ? -1 : 1;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static int add_entry(struct weir_top *top, const struct weir_top_entry *entry)
{
    struct weir_top_entry *same = find(top, entry->hash);
    if (same) {
        same->count += entry->count;
        return 0;
    }
    return append(top, entry->hash, entry->data, entry->length, entry->count);
}

// Back to the capacity: all go down by the highest count that must leave.
static void prune(struct weir_top *top)
{
    if (top->n <= top->capacity)
        return;
    qsort(top->entries, top->n, sizeof *top->entries, by_count);
    lower(top, top->entries[top->capacity].count);
}

int weir_top_merge(struct weir_top *into, const struct weir_top *from)
{
    if (into->capacity != from->capacity)
        return WEIR_EINVAL;
    if (make_room(into, into->n + from->n))
        return WEIR_ENOMEM;
    for (uint32_t i = 0; i < from->n; i++) {
        if (add_entry(into, &from->entries[i]))
            return WEIR_ENOMEM;
    }
    into->lost += from->lost;
    prune(into);
    return 0;
}

uint32_t weir_top_capacity(const struct weir_top *top)
{
    return top ? top->capacity : 0;
}

uint64_t weir_top_lost(const struct weir_top *top)
{
    return top->lost;
}

static int by_count_indirect(const void *a, const void *b)
{
    return by_count(*(const struct weir_top_entry *const *)a,
                    *(const struct weir_top_entry *const *)b);
}

size_t weir_top_sorted(const struct weir_top *top, const struct weir_top_entry **out, size_t limit)
{
    size_t n = top->n < limit ? top->n : limit;
    for (size_t i = 0; i < n; i++)
        out[i] = &top->entries[i];
    if (n)
        qsort(out, n, sizeof *out, by_count_indirect);
    // What is left finds its place among them, or none.
    for (size_t i = n; n && i < top->n; i++) {
        const struct weir_top_entry *entry = &top->entries[i];
        size_t at = n;
        while (at && by_count(entry, out[at - 1]) < 0)
            at--;
        if (at == n)
            continue;
        memmove(&out[at + 1], &out[at], (n - 1 - at) * sizeof *out);
        out[at] = entry;
    }
    return n;
}

size_t weir_top_memory(const struct weir_top *top)
{
    return sizeof *top + top->room * sizeof *top->entries + top->n_slots * sizeof *top->slots;
}

int weir_top_write(const struct weir_top *top, struct weir_buffer *out)
{
    const struct weir_top_entry **all = malloc((top->n ? top->n : 1) * sizeof *all);
    if (!all) {
        out->failed = 1;
        return WEIR_ENOMEM;
    }
    size_t n = weir_top_sorted(top, all, top->n);
    weir_put_long(out, (int64_t)top->lost);
    weir_put_long(out, (int64_t)n);
    for (size_t i = 0; i < n; i++) {
        weir_put_fixed64(out, all[i]->hash);
        weir_put_long(out, (int64_t)all[i]->count);
        weir_put_bytes(out, all[i]->data, all[i]->length);
    }
    free(all);
    return out->failed ? WEIR_ENOMEM : 0;
}

int weir_top_read(struct weir_top *top, struct weir_reader *in)
{
    uint64_t lost = weir_get_count(in, (size_t)1 << 60);
    size_t n = weir_get_count(in, top->capacity);
    for (size_t i = 0; i < n && !in->failed; i++) {
        struct weir_top_entry entry = {0};
        size_t length;
        entry.hash = weir_get_fixed64(in);
        entry.count = weir_get_count(in, (size_t)1 << 60);
        const uint8_t *data = weir_get_bytes(in, &length);
        if (in->failed || length > WEIR_TOP_TEXT || !entry.count) {
            in->failed = 1;
            break;
        }
        entry.length = (uint32_t)length;
        if (length)
            memcpy(entry.data, data, length);
        if (add_entry(top, &entry))
            return WEIR_ENOMEM;
    }
    if (in->failed)
        return WEIR_ECORRUPT;
    top->lost += lost;
    prune(top);
    return 0;
}
