// SPDX-License-Identifier: Apache-2.0
// CSV: first the splitting into rows, then each row's cells; and all of it as one record.
#include <stdlib.h>

#include "consumer/codec/csv.h"

static const struct weir_field fields[] = {
    {.name = "d", .type = WEIR_TYPE_DOUBLE},
    {.name = "l", .type = WEIR_TYPE_LONG},
    {.name = "s", .type = WEIR_TYPE_STRING},
};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = 3, .key = -1, .time = -1};
static const char *const names[] = {"d", "l", "s", "other"};
static volatile uint32_t read; // so that a sanitizer sees every byte

static void check(const struct weir_batch *batch)
{
    const struct weir_column *column = &batch->columns[2];
    for (uint32_t k = 0; k < column->n; k++) {
        if (column->state[k] != WEIR_STATE_VALUE)
            continue;
        const struct weir_string *string = weir_column_string(column, column->values.code[k]);
        for (uint32_t c = 0; c < string->length; c++)
            read += (uint8_t)string->data[c];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weir_decoder_options options = {.format = WEIR_FORMAT_CSV,
                                           .builder = {.stream = &stream, .report_unknown = 1},
                                           .csv_columns = names,
                                           .n_csv_columns = 4};
    struct weir_builder *builder = NULL;
    struct weir_csv_decoder *csv = NULL;
    struct weir_record record = {.value = {data, size}};
    if (weir_builder_create(&options.builder, &builder, NULL) ||
        weir_csv_decoder_create(&options, builder, &csv, NULL))
        abort();
    weir_builder_begin(builder, "topic", 0);
    weir_csv_decoder_add(csv, &record);
    for (size_t at = 0, n; at < size && weir_builder_rows(builder) < WEIR_BATCH_ROWS; at += n) {
        n = weir_csv_row_length((const char *)data + at, size - at, ',');
        if (n > size - at)
            abort();
        if (!n)
            break;
        record.value = (struct weir_span){data + at, n};
        weir_csv_decoder_add(csv, &record);
    }
    const struct weir_batch *batch = weir_builder_finish(builder);
    for (uint32_t i = 1; i < batch->n_rows; i++) {
        // What the splitter gives is one line.
        if (batch->fault[i] && strstr(batch->reason[i], "more than one"))
            abort();
    }
    check(batch);
    weir_csv_decoder_destroy(csv);
    weir_builder_destroy(builder);
    return 0;
}
