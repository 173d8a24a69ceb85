// SPDX-License-Identifier: Apache-2.0
// Schemas as a registry or a file may send them: parsed, flattened, put in canonical form and
// compiled, alone and as references of each other.
#include <stdlib.h>
#include <string.h>

#include "consumer/codec/avro_plan.h"
#include "consumer/codec/decoder.h"

static void compile(const struct weir_avro_schema *schema, const struct weir_schema_fields *fields)
{
    struct weir_stream stream = {
        .name = "s", .fields = fields->fields, .n_fields = fields->n, .key = -1, .time = -1};
    struct weir_builder_options options = {.stream = &stream, .report_unknown = 1};
    struct weir_builder *builder;
    struct weir_avro_plan *plan;
    if (fields->n > 100 || weir_builder_create(&options, &builder, NULL))
        return;
    if (!weir_avro_plan_create(schema, builder, &options, &plan, NULL))
        weir_avro_plan_destroy(plan);
    weir_builder_destroy(builder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weir_avro_schema *schema;
    struct weir_schema_fields fields;
    char *text = calloc(size + 1, 1), *joined;
    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    if (!weir_avro_schema_parse(text, strlen(text), &schema, NULL)) {
        free(weir_avro_schema_canonical(schema));
        if (!weir_schema_fields_read(text, &fields, NULL)) {
            compile(schema, &fields);
            weir_schema_fields_free(&fields);
        }
        weir_avro_schema_free(schema);
    }
    if (!weir_avro_schema_join(text, (const char *const *)&text, 1, &joined, NULL))
        free(joined);
    free(text);
    return 0;
}
