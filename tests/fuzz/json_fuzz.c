// SPDX-License-Identifier: Apache-2.0
// JSON records: a row is made whatever comes, and what is undecodable has no values.
#include <stdlib.h>

#include "consumer/codec/json.h"

static const struct weir_field fields[] = {
    {.name = "d", .type = WEIR_TYPE_DOUBLE},
    {.name = "l", .type = WEIR_TYPE_LONG},
    {.name = "b", .type = WEIR_TYPE_BOOLEAN},
    {.name = "s", .type = WEIR_TYPE_STRING},
    {.name = "o.s", .type = WEIR_TYPE_STRING},
    {.name = "a.length", .type = WEIR_TYPE_LONG},
    {.name = "a[]", .type = WEIR_TYPE_STRING, .is_list = 1},
    {.name = "i[].p", .type = WEIR_TYPE_DOUBLE, .is_list = 1},
};
enum { N = sizeof fields / sizeof fields[0] };
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = N, .key = -1, .time = 0};

static volatile uint32_t read; // so that a sanitizer sees every byte

static void check(const struct weir_batch *batch)
{
    if (batch->n_rows != 2)
        abort();
    for (int i = 0; i < N; i++) {
        const struct weir_column *column = &batch->columns[i];
        if (batch->fault[0] == WEIR_ROW_UNDECODABLE && !fields[i].is_list &&
            column->state[0] != WEIR_STATE_MISSING)
            abort();
        if (column->type != WEIR_TYPE_STRING)
            continue;
        for (uint32_t k = 0; k < column->n; k++) {
            if (column->state[k] != WEIR_STATE_VALUE)
                continue;
            const struct weir_string *string = weir_column_string(column, column->values.code[k]);
            for (uint32_t c = 0; c < string->length; c++)
                read += (uint8_t)string->data[c];
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weir_builder_options options = {.stream = &stream, .report_unknown = 1};
    struct weir_builder *builder = NULL;
    struct weir_json_decoder *json = NULL;
    struct weir_record record = {.value = {data, size}};
    if (weir_builder_create(&options, &builder, NULL) ||
        weir_json_decoder_create(&options, builder, &json, NULL))
        abort();
    for (int round = 0; round < 2; round++) {
        weir_builder_begin(builder, "topic", 0);
        weir_json_decoder_add(json, &record);
        weir_json_decoder_add(json, &record);
        check(weir_builder_finish(builder));
    }
    weir_json_decoder_destroy(json);
    weir_builder_destroy(builder);
    return 0;
}
