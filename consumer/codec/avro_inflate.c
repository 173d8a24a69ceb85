// SPDX-License-Identifier: Apache-2.0
#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "consumer/codec/avro_input.h"

// zlib's own name is that of the variables here.
static int inflate_now(z_stream *stream)
{
    return inflate(stream, Z_NO_FLUSH);
}

struct weir_avro_inflate {
    z_stream stream;
};

int weir_avro_inflate_create(struct weir_avro_inflate **result)
{
    struct weir_avro_inflate *inflate = calloc(1, sizeof *inflate);
    if (!inflate)
        return WEIR_ENOMEM;
    if (inflateInit2(&inflate->stream, -MAX_WBITS) != Z_OK) { // raw: no header, no checksum
        free(inflate);
        return WEIR_ENOMEM;
    }
    *result = inflate;
    return 0;
}

void weir_avro_inflate_destroy(struct weir_avro_inflate *inflate)
{
    if (inflate)
        inflateEnd(&inflate->stream);
    free(inflate);
}

int weir_avro_inflate_block(struct weir_avro_inflate *inflate, const uint8_t *data, size_t length,
                            struct weir_avro_chunk *chunk, size_t *result, const char **fault)
{
    z_stream *stream = &inflate->stream;
    size_t done = 0;
    inflateReset(stream);
    stream->next_in = (Bytef *)(uintptr_t)data;
    stream->avail_in = (uInt)length;
    for (;;) {
        if (done == chunk->capacity) {
            size_t more = chunk->capacity < 32768 ? 65536 : chunk->capacity * 2;
            if (done >= WEIR_AVRO_MAX_BLOCK) {
                *fault = "its data are larger than 256 MiB";
                return WEIR_ECORRUPT;
            }
            if (weir_avro_chunk_grow(chunk,
                                     more < WEIR_AVRO_MAX_BLOCK ? more : WEIR_AVRO_MAX_BLOCK))
                return WEIR_ENOMEM;
        }
        stream->next_out = chunk->data + done;
        size_t room = chunk->capacity - done;
        stream->avail_out = (uInt)(room < 1u << 30 ? room : 1u << 30);
        int code = inflate_now(stream);
        done = (size_t)(stream->next_out - chunk->data);
        if (code == Z_STREAM_END)
            break;
        if (code == Z_MEM_ERROR)
            return WEIR_ENOMEM;
        if (code != Z_OK && !(code == Z_BUF_ERROR && stream->avail_out == 0)) {
            *fault = "its deflated data are damaged";
            return WEIR_ECORRUPT;
        }
    }
    *result = done;
    return 0;
}

int weir_avro_snappy_block(const uint8_t *data, size_t length, struct weir_avro_chunk *chunk,
                           size_t *result, const char **fault)
{
    size_t size;
    *fault = "its snappy data are damaged";
    if (length < 4 ||
        snappy_uncompressed_length((const char *)data, length - 4, &size) != SNAPPY_OK)
        return WEIR_ECORRUPT;
    if (size > WEIR_AVRO_MAX_BLOCK) {
        *fault = "its data are larger than 256 MiB";
        return WEIR_ECORRUPT;
    }
    if (weir_avro_chunk_grow(chunk, size ? size : 1))
        return WEIR_ENOMEM;
    if (snappy_uncompress((const char *)data, length - 4, (char *)chunk->data, &size) != SNAPPY_OK)
        return WEIR_ECORRUPT;
    const uint8_t *sum = data + length - 4;
    uint32_t expected =
        (uint32_t)sum[0] << 24 | (uint32_t)sum[1] << 16 | (uint32_t)sum[2] << 8 | (uint32_t)sum[3];
    if ((uint32_t)crc32_z(0, chunk->data, size) != expected) {
        *fault = "its checksum is wrong";
        return WEIR_ECORRUPT;
    }
    *result = size;
    return 0;
}
