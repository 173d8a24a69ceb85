// SPDX-License-Identifier: Apache-2.0
// Any bytes as a container file, in memory and as a stream.
#include <string.h>

#include "consumer/codec/avro_container.h"

struct stream {
    const uint8_t *data;
    size_t left;
};

static long read_some(void *context, void *data, size_t size, struct weir_error *error)
{
    struct stream *stream = context;
    size_t n = stream->left < 7 ? stream->left : 7;
    (void)error;
    if (n > size)
        n = size;
    memcpy(data, stream->data, n);
    stream->data += n;
    stream->left -= n;
    return (long)n;
}

static void read_blocks(struct weir_avro_container *container)
{
    const uint8_t *data;
    size_t length;
    uint64_t objects;
    while (weir_avro_container_block(container, &data, &length, &objects, NULL) == 1)
        ;
}

static void read_rows(struct weir_avro_container *container)
{
    struct weir_schema_fields fields;
    const struct weir_batch *batch;
    struct weir_error error;
    if (weir_schema_fields_read(weir_avro_container_schema(container), &fields, &error))
        return;
    struct weir_stream stream = {
        .name = "s", .fields = fields.fields, .n_fields = fields.n, .key = -1, .time = -1};
    struct weir_builder_options options = {.stream = &stream};
    if (fields.n <= 100 && !weir_avro_container_start(container, &options, &error)) {
        while (weir_avro_container_next(container, 64, &batch, &error) == 1)
            ;
    }
    weir_schema_fields_free(&fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weir_avro_container *container;
    struct stream stream = {data, size};
    struct weir_avro_input input = {&stream, read_some};
    if (!weir_avro_container_open_memory(data, size, "f", &container, NULL)) {
        read_rows(container);
        weir_avro_container_close(container);
    }
    if (!weir_avro_container_open(&input, "f", &container, NULL)) {
        read_blocks(container);
        weir_avro_container_close(container);
    }
    return 0;
}
