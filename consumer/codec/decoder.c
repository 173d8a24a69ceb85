// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/decoder.h"

#include <stdlib.h>

#include "consumer/codec/avro_decoder.h"
#include "consumer/codec/csv.h"
#include "consumer/codec/json.h"

// One of the three codecs is there.
struct weir_decoder {
    struct weir_builder *builder;
    struct weir_avro_decoder *avro;
    struct weir_json_decoder *json;
    struct weir_csv_decoder *csv;
};

static int create_codec(struct weir_decoder *decoder, const struct weir_decoder_options *options,
                        struct weir_error *error)
{
    switch (options->format) {
    case WEIR_FORMAT_JSON:
        return weir_json_decoder_create(&options->builder, decoder->builder, &decoder->json, error);
    case WEIR_FORMAT_CSV:
        return weir_csv_decoder_create(options, decoder->builder, &decoder->csv, error);
    default:
        return weir_avro_decoder_create(options, decoder->builder, &decoder->avro, error);
    }
}

int weir_decoder_create(const struct weir_decoder_options *options, struct weir_decoder **result,
                        struct weir_error *error)
{
    struct weir_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for a decoder");
    int code = weir_builder_create(&options->builder, &decoder->builder, error);
    if (!code)
        code = create_codec(decoder, options, error);
    if (code) {
        weir_decoder_destroy(decoder);
        return code;
    }
    *result = decoder;
    return 0;
}

void weir_decoder_destroy(struct weir_decoder *decoder)
{
    if (!decoder)
        return;
    weir_json_decoder_destroy(decoder->json);
    weir_csv_decoder_destroy(decoder->csv);
    if (decoder->avro)
        weir_avro_decoder_destroy(decoder->avro);
    weir_builder_destroy(decoder->builder);
    free(decoder);
}

size_t weir_decoder_memory(const struct weir_decoder *decoder)
{
    return weir_builder_memory(decoder->builder);
}

void weir_decoder_begin(struct weir_decoder *decoder, const char *topic, int32_t partition)
{
    weir_builder_begin(decoder->builder, topic, partition);
}

int weir_decoder_add(struct weir_decoder *decoder, const struct weir_record *record,
                     size_t *consumed, struct weir_error *error)
{
    if (decoder->avro)
        return weir_avro_decoder_add(decoder->avro, record, consumed, error);
    if (decoder->json)
        weir_json_decoder_add(decoder->json, record);
    else
        weir_csv_decoder_add(decoder->csv, record);
    if (consumed)
        *consumed = record->value.length;
    return 0;
}

uint32_t weir_decoder_rows(const struct weir_decoder *decoder)
{
    return weir_builder_rows(decoder->builder);
}

const struct weir_batch *weir_decoder_finish(struct weir_decoder *decoder)
{
    return weir_builder_finish(decoder->builder);
}
