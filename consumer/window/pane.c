// SPDX-License-Identifier: Apache-2.0
#include "consumer/window/pane.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

// Times beyond it are no record's; within it, sums cannot overflow.
static const int64_t FAR = (int64_t)1 << 59;

uint64_t weir_pane_hash(unsigned by, const uint8_t *key, size_t length)
{
    return XXH3_64bits_withSeed(key, length, by);
}

int weir_pane_create(const struct weir_pane_layout *layout, int64_t start, int64_t end,
                     struct weir_pane **pane)
{
    struct weir_pane *made = calloc(1, sizeof *made);
    if (!made)
        return WEIR_ENOMEM;
    made->layout = layout;
    made->start = start;
    made->end = end;
    made->first_time = INT64_MAX;
    made->last_time = INT64_MIN;
    made->n_by_slices = calloc(layout->n_by, sizeof *made->n_by_slices);
    made->overflow = calloc(layout->n_by, sizeof *made->overflow);
    if (!made->n_by_slices || !made->overflow ||
        (layout->sample && weir_reservoir_create(layout->sample, &made->sample)) ||
        weir_pane_slice(made, 0, NULL, 0, weir_pane_hash(0, NULL, 0)) != 0) {
        weir_pane_destroy(made);
        return WEIR_ENOMEM;
    }
    *pane = made;
    return 0;
}

static size_t slots_of(const struct weir_pane_layout *layout, unsigned by)
{
    return layout->first_slot[by + 1] - layout->first_slot[by];
}

static void slice_free(const struct weir_pane_layout *layout, struct weir_pane_slice *slice)
{
    if (slice->summaries) {
        for (size_t i = 0; i < slots_of(layout, slice->by); i++)
            weir_summary_free(&slice->summaries[i]);
        free(slice->summaries);
    }
    free(slice->key);
}

void weir_pane_destroy(struct weir_pane *pane)
{
    if (!pane)
        return;
    for (size_t i = 0; i < pane->n_slices; i++)
        slice_free(pane->layout, &pane->slices[i]);
    for (size_t i = 0; i < pane->n_ranges; i++)
        free(pane->ranges[i].topic);
    for (size_t i = 0; i < pane->n_extracts; i++) {
        free(pane->extracts[i].detector);
        free(pane->extracts[i].data);
    }
    weir_reservoir_destroy(pane->sample);
    free(pane->slices);
    free(pane->index);
    free(pane->n_by_slices);
    free(pane->overflow);
    free(pane->ranges);
    free(pane->extracts);
    free(pane);
}

int64_t weir_pane_find(const struct weir_pane *pane, unsigned by, const uint8_t *key, size_t length,
                       uint64_t hash)
{
    if (!pane->index_size)
        return -1;
    for (size_t at = hash & (pane->index_size - 1); pane->index[at];
         at = (at + 1) & (pane->index_size - 1)) {
        const struct weir_pane_slice *slice = &pane->slices[pane->index[at] - 1];
        if (slice->hash == hash && slice->by == by && slice->key_length == length &&
            (!length || !memcmp(slice->key, key, length)))
            return pane->index[at] - 1;
    }
    return -1;
}

static int grow_index(struct weir_pane *pane)
{
    size_t size = pane->index_size ? pane->index_size * 2 : 8;
    uint32_t *index = calloc(size, sizeof *index);
    if (!index)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < pane->n_slices; i++) {
        size_t at = pane->slices[i].hash & (size - 1);
        while (index[at])
            at = (at + 1) & (size - 1);
        index[at] = (uint32_t)i + 1;
    }
    free(pane->index);
    pane->index = index;
    pane->index_size = size;
    return 0;
}

static int slice_init(const struct weir_pane_layout *layout, struct weir_pane_slice *slice,
                      unsigned by, const uint8_t *key, size_t length, uint64_t hash)
{
    size_t n = slots_of(layout, by);
    memset(slice, 0, sizeof *slice);
    slice->by = by;
    slice->hash = hash;
    slice->key_length = length;
    slice->key = malloc(length ? length : 1);
    slice->summaries = calloc(n ? n : 1, sizeof *slice->summaries);
    int code = slice->key && slice->summaries ? 0 : WEIR_ENOMEM;
    if (!code && length)
        memcpy(slice->key, key, length);
    for (size_t i = 0; i < n && !code; i++)
        code = weir_summary_init(&slice->summaries[i],
                                 &layout->slots[layout->first_slot[by] + i].spec);
    if (code)
        slice_free(layout, slice);
    return code;
}

static size_t slice_memory(const struct weir_pane_layout *layout,
                           const struct weir_pane_slice *slice)
{
    size_t bytes = sizeof *slice + slice->key_length;
    for (size_t k = 0; k < slots_of(layout, slice->by); k++)
        bytes += weir_summary_memory(&slice->summaries[k]);
    return bytes;
}

int64_t weir_pane_slice(struct weir_pane *pane, unsigned by, const uint8_t *key, size_t length,
                        uint64_t hash)
{
    int64_t found = weir_pane_find(pane, by, key, length, hash);
    if (found >= 0)
        return found;
    if (by && pane->n_by_slices[by] >= pane->layout->slice_limit)
        return -1;
    if (by && pane->room && *pane->room <= 0) {
        pane->cramped = 1;
        return -1;
    }
    if ((pane->n_slices + 1) * 2 > pane->index_size && grow_index(pane))
        return -2;
    if (pane->n_slices == pane->slices_capacity) {
        size_t capacity = pane->slices_capacity ? pane->slices_capacity * 2 : 4;
        struct weir_pane_slice *grown = realloc(pane->slices, capacity * sizeof *grown);
        if (!grown)
            return -2;
        pane->slices = grown;
        pane->slices_capacity = capacity;
    }
    if (slice_init(pane->layout, &pane->slices[pane->n_slices], by, key, length, hash))
        return -2;
    if (pane->room)
        *pane->room -= (int64_t)slice_memory(pane->layout, &pane->slices[pane->n_slices]);
    size_t at = hash & (pane->index_size - 1);
    while (pane->index[at])
        at = (at + 1) & (pane->index_size - 1);
    pane->index[at] = (uint32_t)++pane->n_slices;
    pane->n_by_slices[by]++;
    return (int64_t)pane->n_slices - 1;
}

size_t weir_pane_key_values(const uint8_t *key, size_t length, struct weir_span *values,
                            size_t limit)
{
    struct weir_reader in = weir_reader_make(key, length);
    size_t n = 0;
    while (weir_reader_left(&in) && n < limit) {
        values[n].data = weir_get_bytes(&in, &values[n].length);
        if (in.failed)
            break;
        n++;
    }
    return n;
}

int weir_pane_cover(struct weir_pane *pane, const char *topic, int32_t partition, int64_t first,
                    int64_t last)
{
    size_t at = 0;
    for (; at < pane->n_ranges; at++) {
        struct weir_pane_range *range = &pane->ranges[at];
        int order = strcmp(range->topic, topic);
        if (!order && range->partition == partition) {
            range->first = first < range->first ? first : range->first;
            range->last = last > range->last ? last : range->last;
            return 0;
        }
        if (order > 0 || (!order && range->partition > partition))
            break;
    }
    struct weir_pane_range *grown =
        realloc(pane->ranges, (pane->n_ranges + 1) * sizeof *pane->ranges);
    char *copy = strdup(topic);
    if (grown)
        pane->ranges = grown;
    if (!grown || !copy) {
        free(copy);
        return WEIR_ENOMEM;
    }
    memmove(&grown[at + 1], &grown[at], (pane->n_ranges - at) * sizeof *grown);
    grown[at] = (struct weir_pane_range){copy, partition, first, last};
    pane->n_ranges++;
    return 0;
}

static int extract_order(const struct weir_pane_extract *a, const char *detector, int32_t task)
{
    int order = strcmp(a->detector, detector);
    return order ? order : (a->task > task) - (a->task < task);
}

int weir_pane_extract(struct weir_pane *pane, const char *detector, int32_t task, const void *data,
                      size_t length)
{
    // Ordered by detector and task, so that what owners see does not depend on arrival.
    size_t at = 0;
    while (at < pane->n_extracts && extract_order(&pane->extracts[at], detector, task) <= 0)
        at++;
    struct weir_pane_extract *grown =
        realloc(pane->extracts, (pane->n_extracts + 1) * sizeof *pane->extracts);
    if (grown)
        pane->extracts = grown;
    char *name = strdup(detector);
    uint8_t *copy = malloc(length ? length : 1);
    if (!grown || !name || !copy) {
        free(name);
        free(copy);
        return WEIR_ENOMEM;
    }
    if (length)
        memcpy(copy, data, length);
    memmove(&grown[at + 1], &grown[at], (pane->n_extracts - at) * sizeof *grown);
    grown[at] = (struct weir_pane_extract){name, task, copy, length};
    pane->n_extracts++;
    return 0;
}

static void widen(struct weir_pane *pane, int64_t first, int64_t last)
{
    pane->first_time = first < pane->first_time ? first : pane->first_time;
    pane->last_time = last > pane->last_time ? last : pane->last_time;
}

int weir_pane_merge(struct weir_pane *into, const struct weir_pane *from)
{
    const struct weir_pane_layout *layout = into->layout;
    if (layout != from->layout)
        return WEIR_EINVAL;
    into->rows += from->rows;
    into->mixed |= from->mixed;
    into->cramped |= from->cramped;
    widen(into, from->first_time, from->last_time);
    for (unsigned by = 0; by < layout->n_by; by++)
        into->overflow[by] += from->overflow[by];
    for (size_t i = 0; i < from->n_slices; i++) {
        const struct weir_pane_slice *slice = &from->slices[i];
        int64_t at = weir_pane_slice(into, slice->by, slice->key, slice->key_length, slice->hash);
        if (at == -2)
            return WEIR_ENOMEM;
        if (at == -1) {
            into->overflow[slice->by] += slice->rows;
            continue;
        }
        struct weir_pane_slice *to = &into->slices[at];
        to->rows += slice->rows;
        for (size_t k = 0; k < slots_of(layout, slice->by); k++) {
            int code = weir_summary_merge(&to->summaries[k], &slice->summaries[k]);
            if (code)
                return code;
        }
    }
    for (size_t i = 0; i < from->n_ranges; i++) {
        const struct weir_pane_range *range = &from->ranges[i];
        if (weir_pane_cover(into, range->topic, range->partition, range->first, range->last))
            return WEIR_ENOMEM;
    }
    for (size_t i = 0; i < from->n_extracts; i++) {
        const struct weir_pane_extract *extract = &from->extracts[i];
        if (weir_pane_extract(into, extract->detector, extract->task, extract->data,
                              extract->length))
            return WEIR_ENOMEM;
    }
    return into->sample && from->sample ? weir_reservoir_merge(into->sample, from->sample) : 0;
}

// ---- bytes: a piece is a sequence of items, each with its tag

enum item {
    ITEM_END = 0,
    ITEM_PANE,
    ITEM_RANGE,
    ITEM_SLICE,
    ITEM_SUMMARY,
    ITEM_EXTRACT,
    ITEM_SAMPLE
};

struct writer {
    struct weir_buffer *buffer;
    size_t piece;
    int (*put)(void *context, const struct weir_buffer *piece);
    void *context;
};

static int flush(struct writer *writer)
{
    weir_put_long(writer->buffer, ITEM_END);
    if (writer->buffer->failed)
        return WEIR_ENOMEM;
    int code = writer->put(writer->context, writer->buffer);
    weir_buffer_reset(writer->buffer);
    return code;
}

// A summary item stands behind its slice's item; so does one in a new piece, with rows of 0.
static void write_slice(struct weir_buffer *out, const struct weir_pane_slice *slice, uint64_t rows)
{
    weir_put_long(out, ITEM_SLICE);
    weir_put_long(out, slice->by);
    weir_put_bytes(out, slice->key, slice->key_length);
    weir_put_long(out, (int64_t)rows);
}

static int slice_order(const void *a, const void *b)
{
    const struct weir_pane_slice *x = *(const struct weir_pane_slice *const *)a;
    const struct weir_pane_slice *y = *(const struct weir_pane_slice *const *)b;
    if (x->by != y->by)
        return x->by < y->by ? -1 : 1;
    size_t shorter = x->key_length < y->key_length ? x->key_length : y->key_length;
    int by_key = memcmp(x->key, y->key, shorter);
    return by_key ? by_key : (x->key_length > y->key_length) - (x->key_length < y->key_length);
}

// By value: the bytes do not tell in which order slices were met.
static const struct weir_pane_slice **sort_slices(const struct weir_pane *pane)
{
    const struct weir_pane_slice **sorted = malloc(pane->n_slices * sizeof *sorted);
    for (size_t i = 0; sorted && i < pane->n_slices; i++)
        sorted[i] = &pane->slices[i];
    if (sorted)
        qsort(sorted, pane->n_slices, sizeof *sorted, slice_order);
    return sorted;
}

static int write_slices(const struct weir_pane *pane, const struct weir_pane_slice *const *slices,
                        struct writer *writer)
{
    struct weir_buffer *out = writer->buffer;
    for (size_t i = 0; i < pane->n_slices; i++) {
        const struct weir_pane_slice *slice = slices[i];
        write_slice(out, slice, slice->rows);
        for (size_t k = 0; k < slots_of(pane->layout, slice->by); k++) {
            if (!slice->summaries[k].rows)
                continue;
            if (out->length > writer->piece) {
                int code = flush(writer);
                if (code)
                    return code;
                write_slice(out, slice, 0);
            }
            weir_put_long(out, ITEM_SUMMARY);
            weir_put_long(out, (int64_t)k);
            int code = weir_summary_write(&slice->summaries[k], out);
            if (code)
                return code;
        }
        if (out->length > writer->piece) {
            int code = flush(writer);
            if (code)
                return code;
        }
    }
    return 0;
}

static int write_sample(const struct weir_reservoir *sample, struct writer *writer)
{
    size_t at = 0;
    int code = 0;
    do {
        if (writer->buffer->length > writer->piece)
            code = flush(writer);
        if (code)
            return code;
        weir_put_long(writer->buffer, ITEM_SAMPLE);
        code = weir_reservoir_write(sample, &at, writer->piece, writer->buffer);
    } while (!code && at < weir_reservoir_rows(sample));
    return code;
}

int weir_pane_write(const struct weir_pane *pane, size_t piece, struct weir_buffer *buffer,
                    int (*put)(void *context, const struct weir_buffer *piece), void *context)
{
    struct writer writer = {buffer, piece, put, context};
    weir_buffer_reset(buffer);
    weir_put_long(buffer, ITEM_PANE);
    weir_put_long(buffer, (int64_t)pane->rows);
    weir_put_long(buffer, pane->mixed);
    weir_put_long(buffer, pane->first_time);
    weir_put_long(buffer, pane->last_time);
    for (unsigned by = 0; by < pane->layout->n_by; by++)
        weir_put_long(buffer, (int64_t)pane->overflow[by]);
    for (size_t i = 0; i < pane->n_ranges; i++) {
        const struct weir_pane_range *range = &pane->ranges[i];
        weir_put_long(buffer, ITEM_RANGE);
        weir_put_string(buffer, range->topic);
        weir_put_long(buffer, range->partition);
        weir_put_long(buffer, range->first);
        weir_put_long(buffer, range->last);
    }
    for (size_t i = 0; i < pane->n_extracts; i++) {
        const struct weir_pane_extract *extract = &pane->extracts[i];
        weir_put_long(buffer, ITEM_EXTRACT);
        weir_put_string(buffer, extract->detector);
        weir_put_long(buffer, extract->task);
        weir_put_bytes(buffer, extract->data, extract->length);
        if (buffer->length > piece) {
            int code = flush(&writer);
            if (code)
                return code;
        }
    }
    const struct weir_pane_slice **slices = sort_slices(pane);
    int code = slices ? write_slices(pane, slices, &writer) : WEIR_ENOMEM;
    free(slices);
    if (!code && pane->sample && weir_reservoir_seen(pane->sample))
        code = write_sample(pane->sample, &writer);
    return code ? code : flush(&writer);
}

struct place {
    int64_t slice; // position, or -1: overflowed
};

static void read_pane(struct weir_pane *pane, struct weir_reader *in)
{
    pane->rows += (uint64_t)weir_get_count(in, INT64_MAX);
    pane->mixed |= weir_get_long(in) != 0;
    int64_t first = weir_get_long(in), last = weir_get_long(in);
    for (unsigned by = 0; by < pane->layout->n_by; by++)
        pane->overflow[by] += (uint64_t)weir_get_count(in, INT64_MAX);
    if (first > last)
        return; // of no records
    if (first < -FAR || last > FAR)
        in->failed = 1;
    else
        widen(pane, first, last);
}

static int read_slice(struct weir_pane *pane, struct weir_reader *in, struct place *place,
                      unsigned *by)
{
    size_t length;
    *by = (unsigned)weir_get_count(in, pane->layout->n_by - 1);
    const uint8_t *key = weir_get_bytes(in, &length);
    uint64_t rows = weir_get_count(in, INT64_MAX);
    if (in->failed)
        return WEIR_ECORRUPT;
    struct weir_span values[WEIR_SLICE_FIELDS];
    size_t n = weir_pane_key_values(key, length, values, WEIR_SLICE_FIELDS);
    if (n != pane->layout->n_by_names[*by])
        return WEIR_ECORRUPT;
    place->slice = weir_pane_slice(pane, *by, key, length, weir_pane_hash(*by, key, length));
    if (place->slice == -2)
        return WEIR_ENOMEM;
    if (place->slice == -1)
        pane->overflow[*by] += rows;
    else
        pane->slices[place->slice].rows += rows;
    return 0;
}

static int read_summary(struct weir_pane *pane, struct weir_reader *in, const struct place *place,
                        unsigned by)
{
    size_t n = slots_of(pane->layout, by);
    size_t slot = weir_get_count(in, n ? n - 1 : 0);
    if (in->failed || !n)
        return WEIR_ECORRUPT;
    if (place->slice >= 0)
        return weir_summary_read_merge(&pane->slices[place->slice].summaries[slot], in);
    // The slice found no room: its bytes are read only to pass over them.
    struct weir_summary unwanted;
    int code = weir_summary_init(&unwanted,
                                 &pane->layout->slots[pane->layout->first_slot[by] + slot].spec);
    if (code)
        return code;
    code = weir_summary_read_merge(&unwanted, in);
    weir_summary_free(&unwanted);
    return code;
}

static int read_range(struct weir_pane *pane, struct weir_reader *in)
{
    char topic[256];
    weir_get_string(in, topic, sizeof topic);
    int32_t partition = (int32_t)weir_get_count(in, INT32_MAX);
    int64_t first = weir_get_long(in), last = weir_get_long(in);
    return in->failed ? WEIR_ECORRUPT : weir_pane_cover(pane, topic, partition, first, last);
}

static int read_extract(struct weir_pane *pane, struct weir_reader *in)
{
    char detector[256];
    size_t length;
    weir_get_string(in, detector, sizeof detector);
    int32_t task = (int32_t)weir_get_count(in, INT32_MAX);
    const uint8_t *data = weir_get_bytes(in, &length);
    return in->failed ? WEIR_ECORRUPT : weir_pane_extract(pane, detector, task, data, length);
}

int weir_pane_read_merge(struct weir_pane *pane, struct weir_reader *in)
{
    struct place place = {-1};
    unsigned by = 0;
    int has_slice = 0, code = 0;
    while (!code) {
        int64_t item = weir_get_long(in);
        if (in->failed)
            return WEIR_ECORRUPT;
        switch (item) {
        case ITEM_END:
            return 0;
        case ITEM_PANE:
            read_pane(pane, in);
            break;
        case ITEM_RANGE:
            code = read_range(pane, in);
            break;
        case ITEM_SLICE:
            code = read_slice(pane, in, &place, &by);
            has_slice = 1;
            break;
        case ITEM_SUMMARY:
            code = has_slice ? read_summary(pane, in, &place, by) : WEIR_ECORRUPT;
            break;
        case ITEM_EXTRACT:
            code = read_extract(pane, in);
            break;
        case ITEM_SAMPLE:
            code = pane->sample ? weir_reservoir_read_merge(pane->sample, in) : WEIR_ECORRUPT;
            break;
        default:
            code = WEIR_ECORRUPT;
        }
        if (!code)
            code = weir_reader_code(in);
    }
    return code;
}

size_t weir_pane_memory(const struct weir_pane *pane)
{
    size_t bytes = sizeof *pane + pane->index_size * sizeof *pane->index +
                   (pane->slices_capacity - pane->n_slices) * sizeof *pane->slices +
                   pane->n_ranges * sizeof *pane->ranges +
                   pane->n_extracts * sizeof *pane->extracts;
    for (size_t i = 0; i < pane->n_slices; i++)
        bytes += slice_memory(pane->layout, &pane->slices[i]);
    for (size_t i = 0; i < pane->n_extracts; i++)
        bytes += pane->extracts[i].length;
    bytes += pane->sample ? weir_reservoir_memory(pane->sample) : 0;
    return bytes;
}
