// SPDX-License-Identifier: Apache-2.0
// Avro object container files, read block by block in bounded memory, and written.
// Codecs: null, deflate, snappy.
#ifndef WEIR_CODEC_AVRO_CONTAINER_H
#define WEIR_CODEC_AVRO_CONTAINER_H

#include "consumer/codec/decoder.h"

struct weir_buffer;

enum weir_avro_codec { WEIR_AVRO_NULL, WEIR_AVRO_DEFLATE, WEIR_AVRO_SNAPPY };
enum { WEIR_AVRO_SYNC = 16 };

// Where the bytes come from, from the magic on. read() gives up to `size` bytes and returns how
// many, 0 at the end, negative on failure (with `error` filled).
struct weir_avro_input {
    void *context;
    long (*read)(void *context, void *data, size_t size, struct weir_error *error);
};

struct weir_avro_container;

// Whether a file that begins with these bytes is one. Four of them decide.
int weir_avro_container_magic(const void *data, size_t length);

// Reads the header. `name` is for messages and is copied; the input outlives the container.
// WEIR_ECORRUPT: not a container, or damaged (the message says at which byte); WEIR_EINVAL: a
// codec or schema that weir does not read.
int weir_avro_container_open(const struct weir_avro_input *input, const char *name,
                             struct weir_avro_container **container, struct weir_error *error);
// The same over bytes in memory, which outlive the container.
int weir_avro_container_open_memory(const void *data, size_t length, const char *name,
                                    struct weir_avro_container **container,
                                    struct weir_error *error);
void weir_avro_container_close(struct weir_avro_container *container);

// The writer's schema, JSON text; lives as long as the container.
const char *weir_avro_container_schema(const struct weir_avro_container *container);
// A value of the header's metadata; NULL where there is none. Lives as long as the container.
const uint8_t *weir_avro_container_metadata(const struct weir_avro_container *container,
                                            const char *key, size_t *length);

enum weir_avro_codec weir_avro_container_codec(const struct weir_avro_container *container);
// Writes the header again, with its sync marker, which is put to `sync` also.
int weir_avro_container_header(const struct weir_avro_container *container, struct weir_buffer *out,
                               uint8_t sync[WEIR_AVRO_SYNC]);

// The next block, decompressed: `objects` data in `length` bytes, valid until the next call.
// 1: a block; 0: the end; negative: an error, which names block and byte.
int weir_avro_container_block(struct weir_avro_container *container, const uint8_t **data,
                              size_t *length, uint64_t *objects, struct weir_error *error);

// Rows instead of blocks: makes builder and plan for the stream in `options`, then reads up to
// `rows` rows as a batch that is valid until the next call. Offsets and timestamps are row
// numbers from 0. 1: a batch; 0: the end; negative: error. What came before a damaged place is
// given first. Do not mix with weir_avro_container_block().
int weir_avro_container_start(struct weir_avro_container *container,
                              const struct weir_builder_options *options, struct weir_error *error);
int weir_avro_container_next(struct weir_avro_container *container, uint32_t rows,
                             const struct weir_batch **batch, struct weir_error *error);

struct weir_avro_metadata {
    const char *key, *value; // keys beginning "avro." are reserved
};

struct weir_avro_writer_options {
    const char *schema; // JSON text
    enum weir_avro_codec codec;
    size_t block_bytes; // of encoded data, about, 0: 64 KiB
    const struct weir_avro_metadata *metadata;
    size_t n_metadata;
    // A file that it is to be like, instead of schema, codec and metadata: its header's bytes.
    const struct weir_avro_container *like;
    // Takes the file's bytes in order; 0 or a negative code.
    int (*write)(void *context, const void *data, size_t length, struct weir_error *error);
    void *context;
};

struct weir_avro_writer;

// Writes the header. The same schema, metadata and data give the same bytes: the sync marker is
// a hash of schema and metadata.
int weir_avro_writer_create(const struct weir_avro_writer_options *options,
                            struct weir_avro_writer **writer, struct weir_error *error);
// Adds one encoded datum of the schema (see avro_encode.h), not checked.
int weir_avro_writer_append(struct weir_avro_writer *writer, const void *datum, size_t length,
                            struct weir_error *error);
// Ends the block, so that all that was added is written.
int weir_avro_writer_flush(struct weir_avro_writer *writer, struct weir_error *error);
// Frees it; what was not flushed is lost.
void weir_avro_writer_destroy(struct weir_avro_writer *writer);

#endif
