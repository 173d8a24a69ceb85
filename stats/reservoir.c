// SPDX-License-Identifier: Apache-2.0
#include "stats/reservoir.h"

#include <stdlib.h>
#include <string.h>

#include "stats/reservoir_inside.h"
#include "weir/error.h"

int weir_reservoir_create(const struct weir_reservoir_spec *spec, struct weir_reservoir **out)
{
    struct weir_reservoir *r = calloc(1, sizeof *r);
    if (!r)
        return WEIR_ENOMEM;
    r->spec = spec;
    r->limit = UINT64_MAX;
    weir_buffer_init(&r->scratch, WEIR_BUFFER_MAXIMUM);
    *out = r;
    return 0;
}

void weir_reservoir_destroy(struct weir_reservoir *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n; i++)
        free(r->heap[i].data);
    free(r->heap);
    weir_buffer_free(&r->scratch);
    free(r);
}

size_t weir_reservoir_rows(const struct weir_reservoir *r)
{
    return r->n;
}

uint64_t weir_reservoir_seen(const struct weir_reservoir *r)
{
    return r->seen;
}

const struct weir_reservoir_spec *weir_reservoir_spec(const struct weir_reservoir *r)
{
    return r->spec;
}

size_t weir_reservoir_memory(const struct weir_reservoir *r)
{
    return sizeof *r + r->capacity * sizeof *r->heap + r->bytes + r->scratch.capacity;
}

// ---- the heap: the largest hash on top

static void swap_rows(struct weir_reservoir_row *a, struct weir_reservoir_row *b)
{
    struct weir_reservoir_row swap = *a;
    *a = *b;
    *b = swap;
}

static void sift_up(struct weir_reservoir_row *heap, size_t at)
{
    while (at && heap[(at - 1) / 2].hash < heap[at].hash) {
        swap_rows(&heap[at], &heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void sift_down(struct weir_reservoir_row *heap, size_t n)
{
    for (size_t at = 0, child = 1; child < n; child = 2 * at + 1) {
        if (child + 1 < n && heap[child + 1].hash > heap[child].hash)
            child++;
        if (heap[child].hash <= heap[at].hash)
            return;
        swap_rows(&heap[at], &heap[child]);
        at = child;
    }
}

static void cut(struct weir_reservoir *r, uint64_t limit)
{
    if (limit < r->limit)
        r->limit = limit;
    while (r->n && r->heap[0].hash >= r->limit) {
        r->bytes -= r->heap[0].length + WEIR_RESERVOIR_ROW;
        free(r->heap[0].data);
        r->heap[0] = r->heap[--r->n];
        sift_down(r->heap, r->n);
    }
}

// The bytes are copied. A row that is over the limit is none.
static int keep(struct weir_reservoir *r, uint64_t hash, const uint8_t *data, size_t length)
{
    if (hash >= r->limit)
        return 0;
    if (r->n == r->capacity) {
        size_t capacity = r->capacity ? 2 * r->capacity : 64;
        struct weir_reservoir_row *heap = realloc(r->heap, capacity * sizeof *heap);
        if (!heap)
            return WEIR_ENOMEM;
        r->heap = heap;
        r->capacity = capacity;
    }
    uint8_t *copy = malloc(length ? length : 1);
    if (!copy)
        return WEIR_ENOMEM;
    if (length)
        memcpy(copy, data, length);
    r->heap[r->n] = (struct weir_reservoir_row){hash, length, copy};
    r->bytes += length + WEIR_RESERVOIR_ROW;
    sift_up(r->heap, r->n++);
    while (r->n > r->spec->rows || r->bytes > r->spec->bytes)
        cut(r, r->heap[0].hash);
    return 0;
}

// ---- rows of a batch

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static void put_element(const struct weir_column *column, uint32_t i, struct weir_buffer *out)
{
    uint8_t state = column->state[i];
    weir_buffer_byte(out, state);
    if (state != WEIR_STATE_VALUE)
        return;
    switch (column->type) {
    case WEIR_TYPE_DOUBLE:
        weir_put_double(out, column->values.f64[i]);
        return;
    case WEIR_TYPE_LONG:
        weir_put_long(out, column->values.i64[i]);
        return;
    case WEIR_TYPE_BOOLEAN:
        weir_buffer_byte(out, column->values.i64[i] != 0);
        return;
    default:
        break;
    }
    const struct weir_string *text = weir_column_string(column, column->values.code[i]);
    weir_put_long(out, text->length);
    weir_buffer_append(out, text->data,
                       text->length < WEIR_RESERVOIR_TEXT ? text->length : WEIR_RESERVOIR_TEXT);
    if (text->length > WEIR_RESERVOIR_TEXT)
        weir_put_fixed64(out, text->hash);
}

static void put_row(const struct weir_reservoir_spec *spec, const struct weir_batch *batch,
                    uint32_t row, struct weir_buffer *out)
{
    for (size_t f = 0; f < spec->n_fields; f++) {
        const struct weir_column *column = &batch->columns[spec->fields[f].column];
        uint32_t from = column->offsets ? column->offsets[row] : row;
        uint32_t n = column->offsets ? column->offsets[row + 1] - from : 1;
        if (!spec->fields[f].is_list) {
            if (n)
                put_element(column, from, out);
            else
                weir_buffer_byte(out, WEIR_STATE_MISSING);
            continue;
        }
        n = n < WEIR_RESERVOIR_LIST ? n : WEIR_RESERVOIR_LIST;
        weir_put_long(out, n);
        for (uint32_t i = 0; i < n; i++)
            put_element(column, from + i, out);
    }
}

int weir_reservoir_add(struct weir_reservoir *r, const struct weir_batch *batch,
                       const uint32_t *rows, size_t n, uint64_t seed)
{
    uint64_t base = mix(seed + (uint64_t)batch->partition * 0x9e3779b97f4a7c15u);
    r->seen += n;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = rows ? rows[i] : (uint32_t)i;
        uint64_t hash = mix(base + (uint64_t)batch->offset[row] * 0xd1342543de82ef95u);
        if (hash >= r->limit)
            continue;
        weir_buffer_reset(&r->scratch);
        put_row(r->spec, batch, row, &r->scratch);
        int code =
            r->scratch.failed ? WEIR_ENOMEM : keep(r, hash, r->scratch.data, r->scratch.length);
        if (code)
            return code;
    }
    return 0;
}

int weir_reservoir_merge(struct weir_reservoir *into, const struct weir_reservoir *from)
{
    int code = 0;
    into->seen += from->seen;
    cut(into, from->limit);
    for (size_t i = 0; i < from->n && !code; i++)
        code = keep(into, from->heap[i].hash, from->heap[i].data, from->heap[i].length);
    return code;
}

// ---- bytes

static int in_order(const void *a, const void *b)
{
    const struct weir_reservoir_row *x = *(const struct weir_reservoir_row *const *)a;
    const struct weir_reservoir_row *y = *(const struct weir_reservoir_row *const *)b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    size_t shorter = x->length < y->length ? x->length : y->length;
    int order = shorter ? memcmp(x->data, y->data, shorter) : 0;
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

const struct weir_reservoir_row **weir_reservoir_sorted(const struct weir_reservoir *r)
{
    const struct weir_reservoir_row **sorted = malloc((r->n + 1) * sizeof *sorted);
    for (size_t i = 0; sorted && i < r->n; i++)
        sorted[i] = &r->heap[i];
    if (sorted && r->n)
        qsort(sorted, r->n, sizeof *sorted, in_order);
    return sorted;
}

int weir_reservoir_write(const struct weir_reservoir *r, size_t *from, size_t bytes,
                         struct weir_buffer *out)
{
    const struct weir_reservoir_row **sorted = weir_reservoir_sorted(r);
    if (!sorted)
        return WEIR_ENOMEM;
    size_t end = *from, size = 0;
    while (end < r->n && (end == *from || size < bytes))
        size += sorted[end++]->length + WEIR_RESERVOIR_ROW / 2;
    weir_put_long(out, *from ? 0 : (int64_t)r->seen);
    weir_put_fixed64(out, r->limit);
    weir_put_long(out, (int64_t)(end - *from));
    for (size_t i = *from; i < end; i++) {
        weir_put_fixed64(out, sorted[i]->hash);
        weir_put_bytes(out, sorted[i]->data, sorted[i]->length);
    }
    free(sorted);
    *from = end;
    return out->failed ? WEIR_ENOMEM : 0;
}

int weir_reservoir_read_merge(struct weir_reservoir *r, struct weir_reader *in)
{
    r->seen += weir_get_count(in, (size_t)1 << 60);
    uint64_t limit = weir_get_fixed64(in);
    size_t n = weir_get_count(in, weir_reader_left(in) / 9);
    if (in->failed)
        return weir_reader_code(in);
    cut(r, limit);
    for (size_t i = 0; i < n; i++) {
        size_t length;
        uint64_t hash = weir_get_fixed64(in);
        const uint8_t *data = weir_get_bytes(in, &length);
        if (in->failed || hash >= limit || !weir_reservoir_is_row(r->spec, data, length))
            return WEIR_ECORRUPT;
        int code = keep(r, hash, data, length);
        if (code)
            return code;
    }
    return 0;
}
