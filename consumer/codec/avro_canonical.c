// SPDX-License-Identifier: Apache-2.0
// Parsing Canonical Form and its fingerprint, after the Avro specification ("Transforming into
// Parsing Canonical Form", "Schema Fingerprints").
#include <stdlib.h>
#include <string.h>

#include "consumer/codec/avro_schema.h"
#include "stats/buffer.h"

struct writer {
    struct weir_buffer out;
    uint8_t *written; // by type: its definition stands already
};

static void put(struct writer *writer, const char *text)
{
    weir_buffer_append(&writer->out, text, strlen(text));
}

static void put_quoted(struct writer *writer, const char *text)
{
    put(writer, "\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            put(writer, "\\");
        weir_buffer_byte(&writer->out, (uint8_t)*text);
    }
    put(writer, "\"");
}

static void put_type(struct writer *writer, const struct weir_avro_type *type);

static void put_record(struct writer *writer, const struct weir_avro_type *type)
{
    put(writer, ",\"fields\":[");
    for (size_t i = 0; i < type->n; i++) {
        put(writer, i ? ",{\"name\":" : "{\"name\":");
        put_quoted(writer, type->fields[i].name);
        put(writer, ",\"type\":");
        put_type(writer, type->fields[i].type);
        put(writer, "}");
    }
    put(writer, "]}");
}

static void put_named(struct writer *writer, const struct weir_avro_type *type)
{
    if (writer->written[type->index]) {
        put_quoted(writer, type->name);
        return;
    }
    writer->written[type->index] = 1;
    put(writer, "{\"name\":");
    put_quoted(writer, type->name);
    weir_buffer_printf(&writer->out, ",\"type\":\"%s\"", weir_avro_kind_name(type->kind));
    if (type->kind == WEIR_AVRO_KIND_RECORD) {
        put_record(writer, type);
    } else if (type->kind == WEIR_AVRO_KIND_FIXED) {
        weir_buffer_printf(&writer->out, ",\"size\":%lld}", (long long)type->fixed_size);
    } else {
        put(writer, ",\"symbols\":[");
        for (size_t i = 0; i < type->n; i++) {
            put(writer, i ? "," : "");
            put_quoted(writer, type->symbols[i]);
        }
        put(writer, "]}");
    }
}

// Nested no deeper than the schema's text is: a type that was met before is only named.
static void put_type(struct writer *writer, const struct weir_avro_type *type)
{
    if (type->name) {
        put_named(writer, type);
    } else if (type->kind == WEIR_AVRO_KIND_UNION) {
        put(writer, "[");
        for (size_t i = 0; i < type->n; i++) {
            put(writer, i ? "," : "");
            put_type(writer, type->types[i]);
        }
        put(writer, "]");
    } else if (type->kind == WEIR_AVRO_KIND_ARRAY || type->kind == WEIR_AVRO_KIND_MAP) {
        put(writer, type->kind == WEIR_AVRO_KIND_ARRAY ? "{\"type\":\"array\",\"items\":"
                                                       : "{\"type\":\"map\",\"values\":");
        put_type(writer, type->types[0]);
        put(writer, "}");
    } else {
        put_quoted(writer, weir_avro_kind_name(type->kind));
    }
}

char *weir_avro_schema_canonical(const struct weir_avro_schema *schema)
{
    struct writer writer = {.written = calloc(weir_avro_schema_types(schema), 1)};
    size_t length;
    weir_buffer_init(&writer.out, WEIR_BUFFER_MAXIMUM);
    if (writer.written) {
        put_type(&writer, weir_avro_schema_root(schema));
        weir_buffer_byte(&writer.out, 0);
    }
    free(writer.written);
    if (!writer.written || writer.out.failed) {
        weir_buffer_free(&writer.out);
        return NULL;
    }
    return (char *)weir_buffer_take(&writer.out, &length);
}

// CRC-64-AVRO, bit by bit: a schema is fingerprinted once.
static uint64_t crc64(const char *text)
{
    const uint64_t empty = 0xc15d213aa4d7a795u;
    uint64_t crc = empty;
    for (; *text; text++) {
        crc ^= (uint8_t)*text;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (empty & -(crc & 1));
    }
    return crc;
}

int weir_avro_schema_fingerprint(const struct weir_avro_schema *schema, uint64_t *fingerprint)
{
    char *canonical = weir_avro_schema_canonical(schema);
    if (!canonical)
        return WEIR_ENOMEM;
    *fingerprint = crc64(canonical);
    free(canonical);
    return 0;
}

int weir_avro_fingerprint(const char *json, uint64_t *fingerprint, struct weir_error *error)
{
    struct weir_avro_schema *schema;
    int code = weir_avro_schema_parse(json, strlen(json), &schema, error);
    if (code)
        return code;
    if (weir_avro_schema_fingerprint(schema, fingerprint))
        code = weir_error_set(error, WEIR_ENOMEM, "out of memory for a schema's fingerprint");
    weir_avro_schema_free(schema);
    return code;
}
