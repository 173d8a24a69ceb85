// SPDX-License-Identifier: Apache-2.0
#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zlib.h>

#include "consumer/codec/avro_container.h"
#include "stats/buffer.h"

enum { SYNC = WEIR_AVRO_SYNC, BLOCK_BYTES = 64 << 10, DEFLATE_LEVEL = 6 };

struct weir_avro_writer {
    enum weir_avro_codec codec;
    size_t block_bytes;
    uint64_t objects;
    uint8_t sync[SYNC];
    struct weir_buffer block, out; // the data of the block; what is written at once
    int (*write)(void *context, const void *data, size_t length, struct weir_error *error);
    void *context;
};

static int out_of_memory(struct weir_error *error)
{
    return weir_error_set(error, WEIR_ENOMEM, "out of memory for an Avro file");
}

static void put_entry(struct weir_buffer *out, const char *key, const char *value)
{
    weir_put_string(out, key);
    weir_put_string(out, value);
}

static int write_out(struct weir_avro_writer *writer, struct weir_error *error)
{
    if (writer->out.failed)
        return out_of_memory(error);
    int code = writer->write(writer->context, writer->out.data, writer->out.length, error);
    weir_buffer_reset(&writer->out);
    return code;
}

static int write_header(struct weir_avro_writer *writer,
                        const struct weir_avro_writer_options *options, struct weir_error *error)
{
    static const char *const names[] = {"null", "deflate", "snappy"};
    struct weir_buffer *out = &writer->out;
    if (options->like) {
        writer->codec = weir_avro_container_codec(options->like);
        if (weir_avro_container_header(options->like, out, writer->sync))
            return out_of_memory(error);
        return write_out(writer, error);
    }
    weir_buffer_append(out, "Obj\1", 4);
    weir_put_long(out, (int64_t)options->n_metadata + 2);
    put_entry(out, "avro.schema", options->schema);
    put_entry(out, "avro.codec", names[options->codec]);
    for (size_t i = 0; i < options->n_metadata; i++)
        put_entry(out, options->metadata[i].key, options->metadata[i].value);
    weir_put_long(out, 0);
    if (out->failed)
        return out_of_memory(error);
    XXH128_canonical_t sync;
    XXH128_canonicalFromHash(&sync, XXH3_128bits(out->data, out->length));
    memcpy(writer->sync, &sync, SYNC);
    weir_buffer_append(out, writer->sync, SYNC);
    return write_out(writer, error);
}

int weir_avro_writer_create(const struct weir_avro_writer_options *options,
                            struct weir_avro_writer **result, struct weir_error *error)
{
    for (size_t i = 0; i < options->n_metadata; i++) {
        if (strncmp(options->metadata[i].key, "avro.", 5) == 0)
            return weir_error_set(error, WEIR_EINVAL, "metadata %s: keys in avro. are reserved",
                                  options->metadata[i].key);
    }
    struct weir_avro_writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return out_of_memory(error);
    writer->codec = options->codec;
    writer->block_bytes = options->block_bytes ? options->block_bytes : BLOCK_BYTES;
    writer->write = options->write;
    writer->context = options->context;
    weir_buffer_init(&writer->block, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&writer->out, WEIR_BUFFER_MAXIMUM);
    int code = write_header(writer, options, error);
    if (code)
        weir_avro_writer_destroy(writer);
    else
        *result = writer;
    return code;
}

void weir_avro_writer_destroy(struct weir_avro_writer *writer)
{
    if (!writer)
        return;
    weir_buffer_free(&writer->block);
    weir_buffer_free(&writer->out);
    free(writer);
}

int weir_avro_writer_append(struct weir_avro_writer *writer, const void *datum, size_t length,
                            struct weir_error *error)
{
    // A record is never split over blocks, so a block ends before one that would overfill it.
    if (writer->objects && writer->block.length + length > writer->block_bytes) {
        int code = weir_avro_writer_flush(writer, error);
        if (code)
            return code;
    }
    if (weir_buffer_append(&writer->block, datum, length)) {
        writer->block.failed = 0; // what it had it has
        return out_of_memory(error);
    }
    writer->objects++;
    return 0;
}

// Raw deflate of the block into `deflated`, which is empty.
static int deflate_block(const struct weir_buffer *block, struct weir_buffer *deflated)
{
    z_stream stream = {0};
    if (block->length > UINT32_MAX / 2 ||
        deflateInit2(&stream, DEFLATE_LEVEL, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return WEIR_ENOMEM;
    size_t bound = deflateBound(&stream, block->length);
    int code = weir_buffer_reserve(deflated, bound);
    if (!code) {
        stream.next_in = block->data;
        stream.avail_in = (uInt)block->length;
        stream.next_out = deflated->data;
        stream.avail_out = (uInt)bound;
        code = deflate(&stream, Z_FINISH) == Z_STREAM_END ? 0 : WEIR_ENOMEM;
        deflated->length = stream.total_out;
    }
    deflateEnd(&stream);
    return code;
}

// Snappy, and the CRC-32 of the data behind it, most significant byte first.
static int snap_block(const struct weir_buffer *block, struct weir_buffer *snapped)
{
    size_t length = snappy_max_compressed_length(block->length);
    if (block->length > UINT32_MAX / 2 || weir_buffer_reserve(snapped, length + 4) ||
        snappy_compress((const char *)block->data, block->length, (char *)snapped->data, &length) !=
            SNAPPY_OK)
        return WEIR_ENOMEM;
    uint32_t sum = (uint32_t)crc32(crc32(0, NULL, 0), block->data, (uInt)block->length);
    for (int shift = 24; shift >= 0; shift -= 8)
        snapped->data[length++] = (uint8_t)(sum >> shift);
    snapped->length = length;
    return 0;
}

int weir_avro_writer_flush(struct weir_avro_writer *writer, struct weir_error *error)
{
    struct weir_buffer packed;
    struct weir_buffer *data = &writer->block;
    if (!writer->objects)
        return 0;
    weir_buffer_init(&packed, WEIR_BUFFER_MAXIMUM);
    if (writer->codec != WEIR_AVRO_NULL) {
        if (writer->codec == WEIR_AVRO_DEFLATE ? deflate_block(&writer->block, &packed)
                                               : snap_block(&writer->block, &packed)) {
            weir_buffer_free(&packed);
            return out_of_memory(error);
        }
        data = &packed;
    }
    weir_put_long(&writer->out, (int64_t)writer->objects);
    weir_put_bytes(&writer->out, data->data, data->length);
    weir_buffer_append(&writer->out, writer->sync, SYNC);
    weir_buffer_free(&packed);
    if (writer->out.failed) {
        weir_buffer_reset(&writer->out);
        return out_of_memory(error);
    }
    writer->objects = 0;
    weir_buffer_reset(&writer->block);
    return write_out(writer, error);
}
