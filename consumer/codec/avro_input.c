// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/avro_input.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 20, SPARE_CHUNKS = 4, SPARE_BYTES = 8 << 20 };

void weir_avro_view_free(struct weir_avro_view *view)
{
    while (view->all) {
        struct weir_avro_chunk *next = view->all->next;
        free(view->all->data);
        free(view->all);
        view->all = next;
    }
}

int weir_avro_chunk_grow(struct weir_avro_chunk *chunk, size_t capacity)
{
    if (capacity <= chunk->capacity)
        return 0;
    uint8_t *data = realloc(chunk->data, capacity);
    if (!data)
        return WEIR_ENOMEM;
    chunk->data = data;
    chunk->capacity = capacity;
    return 0;
}

static int is_free(const struct weir_avro_view *view, const struct weir_avro_chunk *chunk)
{
    return !chunk->held && chunk->batch != view->batch;
}

// Gives back what one large batch or block took. Returns one that is free, if there is.
static struct weir_avro_chunk *sweep(struct weir_avro_view *view)
{
    struct weir_avro_chunk **at = &view->all, *found = NULL;
    int spare = 0;
    while (*at) {
        struct weir_avro_chunk *chunk = *at;
        if (is_free(view, chunk) && (++spare > SPARE_CHUNKS || chunk->capacity > SPARE_BYTES)) {
            *at = chunk->next;
            free(chunk->data);
            free(chunk);
            continue;
        }
        if (is_free(view, chunk) && (!found || chunk->capacity > found->capacity))
            found = chunk;
        at = &chunk->next;
    }
    return found;
}

struct weir_avro_chunk *weir_avro_chunk_get(struct weir_avro_view *view, size_t capacity)
{
    struct weir_avro_chunk *chunk = sweep(view);
    if (!chunk) {
        chunk = calloc(1, sizeof *chunk);
        if (!chunk)
            return NULL;
        chunk->next = view->all;
        view->all = chunk;
    }
    if (weir_avro_chunk_grow(chunk, capacity))
        return NULL;
    chunk->batch = 0;
    chunk->held = 1;
    return chunk;
}

// Room to read at least one byte more, where `n` can come to lie. A size that a file merely
// claims is not allocated at once: the room doubles as the bytes do come.
static int make_room(struct weir_avro_view *view, size_t n)
{
    size_t left = weir_avro_view_left(view), want = CHUNK;
    if (view->chunk) {
        size_t from = (size_t)(view->at - view->chunk->data);
        if (n <= view->chunk->capacity - from || (n > CHUNK && from + left < view->chunk->capacity))
            return 0;
    }
    if (left * 2 > want)
        want = left * 2 < n ? left * 2 : n;
    struct weir_avro_chunk *chunk = weir_avro_chunk_get(view, want);
    if (!chunk)
        return WEIR_ENOMEM;
    if (left)
        memcpy(chunk->data, view->at, left);
    if (view->chunk)
        view->chunk->held = 0;
    view->chunk = chunk;
    view->at = chunk->data;
    view->end = chunk->data + left;
    return 0;
}

int weir_avro_view_need(struct weir_avro_view *view, size_t n, struct weir_error *error)
{
    while (weir_avro_view_left(view) < n) {
        if (!view->input.read || view->ended)
            return 0;
        if (make_room(view, n))
            return weir_error_set(error, WEIR_ENOMEM, "out of memory for a block of a file");
        struct weir_avro_chunk *chunk = view->chunk;
        size_t used = (size_t)(view->end - chunk->data);
        long got = view->input.read(view->input.context, chunk->data + used, chunk->capacity - used,
                                    error);
        if (got < 0)
            return got > WEIR_EFENCED - 1 ? (int)got : WEIR_EIO;
        if (got == 0)
            view->ended = 1;
        view->end += got;
    }
    return 1;
}
