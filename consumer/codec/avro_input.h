// SPDX-License-Identifier: Apache-2.0
// A moving view of a container's bytes. What a batch points to stays where it is: bytes are read
// into chunks, and a chunk is used again only when nothing of the current batch lies in it.
#ifndef WEIR_CODEC_AVRO_INPUT_H
#define WEIR_CODEC_AVRO_INPUT_H

#include "consumer/codec/avro_container.h"

enum { WEIR_AVRO_MAX_BLOCK = 256 << 20 }; // bytes, compressed and not

struct weir_avro_chunk {
    struct weir_avro_chunk *next;
    uint8_t *data;
    size_t capacity;
    uint64_t batch; // the last whose rows lie in it
    int held;       // the view, or the current block, lies in it
};

struct weir_avro_view {
    struct weir_avro_input input; // read NULL: all bytes are in the view from the beginning
    const uint8_t *at, *end;
    uint64_t position; // of `at`, in the file
    struct weir_avro_chunk *chunk;
    struct weir_avro_chunk *all;
    uint64_t batch; // now
    int ended;
};

void weir_avro_view_free(struct weir_avro_view *view);
// Makes `n` bytes lie at view->at. 1: they do; 0: the input ends before (what is left is there);
// negative: error.
int weir_avro_view_need(struct weir_avro_view *view, size_t n, struct weir_error *error);
static inline size_t weir_avro_view_left(const struct weir_avro_view *view)
{
    return (size_t)(view->end - view->at);
}
static inline void weir_avro_view_advance(struct weir_avro_view *view, size_t n)
{
    view->at += n;
    view->position += n;
}

// A chunk that nothing uses, of at least `capacity` bytes, held; NULL when memory is out.
struct weir_avro_chunk *weir_avro_chunk_get(struct weir_avro_view *view, size_t capacity);
// Makes room in a chunk that only the caller uses; what it holds stays. 0, or WEIR_ENOMEM.
int weir_avro_chunk_grow(struct weir_avro_chunk *chunk, size_t capacity);

// Decompression of blocks, beside the view. `chunk` takes the result and is grown as needed.
struct weir_avro_inflate;
int weir_avro_inflate_create(struct weir_avro_inflate **inflate);
void weir_avro_inflate_destroy(struct weir_avro_inflate *inflate);
// 0, WEIR_ENOMEM, or WEIR_ECORRUPT with a phrase in `fault`.
int weir_avro_inflate_block(struct weir_avro_inflate *inflate, const uint8_t *data, size_t length,
                            struct weir_avro_chunk *chunk, size_t *result, const char **fault);
int weir_avro_snappy_block(const uint8_t *data, size_t length, struct weir_avro_chunk *chunk,
                           size_t *result, const char **fault);

#endif
