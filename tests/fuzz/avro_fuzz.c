// SPDX-License-Identifier: Apache-2.0
// Any bytes as a datum, of one of a few schemas that have everything in them: the first byte
// says which.
#include <stdlib.h>
#include <string.h>

#include "consumer/codec/avro_decoder.h"

static const char *const schemas[] = {
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
    "{\"name\":\"a\",\"type\":\"double\"},{\"name\":\"b\",\"type\":\"double\"},"
    "{\"name\":\"c\",\"type\":[\"null\",\"string\"]},{\"name\":\"d\",\"type\":\"long\"},"
    "{\"name\":\"e\",\"type\":\"boolean\"},{\"name\":\"f\",\"type\":[\"float\",\"null\"]}]}",
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
    "{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":[\"null\",\"double\",\"string\"]}},"
    "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":{\"type\":\"array\",\"items\":\"int\"}}}"
    ","
    "{\"name\":\"n\",\"type\":{\"type\":\"array\",\"items\":\"null\"}},"
    "{\"name\":\"next\",\"type\":[\"null\",\"R\"]}]}",
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
    "{\"name\":\"p\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":50,"
    "\"scale\":5}},{\"name\":\"u\",\"type\":{\"type\":\"fixed\",\"name\":\"U\",\"size\":16,"
    "\"logicalType\":\"uuid\"}},{\"name\":\"t\",\"type\":{\"type\":\"int\",\"logicalType\":"
    "\"date\"}},{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}},"
    "{\"name\":\"l\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"I\","
    "\"fields\":[{\"name\":\"x\",\"type\":\"string\"},{\"name\":\"y\",\"type\":\"long\"}]}}}]}"};

static void decode(const char *schema, const struct weir_schema_fields *fields, const uint8_t *data,
                   size_t size)
{
    struct weir_stream stream = {
        .name = "s", .fields = fields->fields, .n_fields = fields->n, .key = -1, .time = -1};
    struct weir_decoder_options options = {.format = WEIR_FORMAT_AVRO_PLAIN,
                                           .builder = {.stream = &stream, .report_unknown = 1},
                                           .schema = schema};
    struct weir_record record = {.value = {data, size}};
    struct weir_builder *builder;
    struct weir_avro_decoder *decoder;
    size_t consumed;
    if (weir_builder_create(&options.builder, &builder, NULL))
        return;
    if (!weir_avro_decoder_create(&options, builder, &decoder, NULL)) {
        weir_builder_begin(builder, "t", 0);
        weir_avro_decoder_add(decoder, &record, NULL, NULL);
        weir_avro_decoder_add(decoder, &record, &consumed, NULL);
        const struct weir_batch *batch = weir_builder_finish(builder);
        if (batch->n_rows != 2 || batch->fault[1] > batch->fault[0])
            abort();
        weir_avro_decoder_destroy(decoder);
    }
    weir_builder_destroy(builder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weir_schema_fields fields;
    if (!size)
        return 0;
    const char *schema = schemas[data[0] % 3];
    if (weir_schema_fields_read(schema, &fields, NULL))
        abort();
    // Exactly the datum, so that a sanitizer sees reads beyond it.
    uint8_t *datum = malloc(size);
    if (datum) {
        memcpy(datum, data + 1, size - 1);
        decode(schema, &fields, datum, size - 1);
    }
    free(datum);
    weir_schema_fields_free(&fields);
    return 0;
}
