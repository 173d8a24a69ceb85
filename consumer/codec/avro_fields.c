// SPDX-License-Identifier: Apache-2.0
// What an Avro schema says of its fields: weir_schema_fields_read().
#include <stdlib.h>
#include <string.h>

#include "consumer/codec/avro_schema.h"
#include "consumer/codec/decoder.h"

enum { MAX_FIELDS = 10000, MAX_VISITS = 200000, MAX_PATH = 1024 };

struct text {
    struct text *next;
    char bytes[];
};

struct arena {
    struct weir_avro_schema *schema; // units, semantics and values are its strings
    struct text *texts;
};

struct reader {
    struct weir_schema_fields out;
    size_t room;
    struct arena *arena;
    char path[MAX_PATH];
    size_t length;
    uint8_t *open; // by type: a record that is being flattened
    int in_list, nullable, optional;
    int branches; // unions around the value: only within one can a path come twice
    uint32_t visits;
    const char *unit, *semantic; // of the field that holds the value
    int code;
    struct weir_error *error;
};

static void fail(struct reader *reader, int code, const char *what)
{
    if (!reader->code)
        reader->code = weir_error_set(reader->error, code, "Avro schema: %s", what);
}

static const char *keep_path(struct reader *reader, const char *end)
{
    size_t more = strlen(end) + 1;
    struct text *text = malloc(sizeof *text + reader->length + more);
    if (!text) {
        fail(reader, WEIR_ENOMEM, "out of memory");
        return NULL;
    }
    memcpy(text->bytes, reader->path, reader->length);
    memcpy(text->bytes + reader->length, end, more);
    text->next = reader->arena->texts;
    reader->arena->texts = text;
    return text->bytes;
}

static int grow(struct reader *reader)
{
    size_t room = reader->room ? reader->room * 2 : 32;
    if (reader->out.n < reader->room)
        return 0;
    struct weir_field *fields = realloc(reader->out.fields, room * sizeof *fields);
    if (fields)
        reader->out.fields = fields;
    enum weir_time_unit *units = realloc(reader->out.units, room * sizeof *units);
    if (units)
        reader->out.units = units;
    if (!fields || !units) {
        fail(reader, WEIR_ENOMEM, "out of memory");
        return -1;
    }
    reader->room = room;
    return 0;
}

// NULL after a fault, or where a branch of a union had the same path before.
static struct weir_field *add(struct reader *reader, const char *end, enum weir_type type)
{
    const char *name = keep_path(reader, end);
    if (!name || grow(reader))
        return NULL;
    for (size_t i = 0; reader->branches && i < reader->out.n; i++) {
        if (strcmp(reader->out.fields[i].name, name) == 0) {
            reader->out.fields[i].nullable |= reader->nullable;
            reader->out.fields[i].optional |= reader->optional;
            return NULL;
        }
    }
    if (reader->out.n >= MAX_FIELDS) {
        fail(reader, WEIR_EINVAL, "more than 10000 fields");
        return NULL;
    }
    reader->out.units[reader->out.n] = WEIR_TIME_AUTO;
    struct weir_field *field = &reader->out.fields[reader->out.n++];
    *field = (struct weir_field){.name = name,
                                 .type = type,
                                 .nullable = reader->nullable,
                                 .optional = reader->optional,
                                 .is_list = reader->in_list,
                                 .unit = reader->unit,
                                 .semantic = reader->semantic};
    return field;
}

enum weir_type weir_avro_column_type(const struct weir_avro_type *type)
{
    switch (type->kind) {
    case WEIR_AVRO_KIND_BOOLEAN:
        return WEIR_TYPE_BOOLEAN;
    case WEIR_AVRO_KIND_INT:
    case WEIR_AVRO_KIND_LONG:
        return WEIR_TYPE_LONG;
    case WEIR_AVRO_KIND_FLOAT:
    case WEIR_AVRO_KIND_DOUBLE:
        return WEIR_TYPE_DOUBLE;
    case WEIR_AVRO_KIND_STRING:
    case WEIR_AVRO_KIND_ENUM:
        return WEIR_TYPE_STRING;
    case WEIR_AVRO_KIND_BYTES:
    case WEIR_AVRO_KIND_FIXED:
        return type->logical == WEIR_AVRO_LOGICAL_DECIMAL ? WEIR_TYPE_DOUBLE
               : type->logical == WEIR_AVRO_LOGICAL_UUID  ? WEIR_TYPE_STRING
                                                          : WEIR_TYPE_BYTES;
    default:
        return WEIR_TYPE_UNKNOWN;
    }
}

static enum weir_time_unit time_unit(const struct weir_avro_type *type)
{
    switch (type->logical) {
    case WEIR_AVRO_LOGICAL_DATE:
    case WEIR_AVRO_LOGICAL_TIMESTAMP_MILLIS:
        return WEIR_TIME_MS;
    case WEIR_AVRO_LOGICAL_TIMESTAMP_MICROS:
        return WEIR_TIME_US;
    case WEIR_AVRO_LOGICAL_TIMESTAMP_NANOS:
        return WEIR_TIME_NS;
    default:
        return WEIR_TIME_AUTO;
    }
}

// `closed`: the symbols of an enum are all that may come.
static void read_leaf(struct reader *reader, const struct weir_avro_type *type, int closed)
{
    struct weir_field *field = add(reader, "", weir_avro_column_type(type));
    if (!field)
        return;
    if (type->kind == WEIR_AVRO_KIND_ENUM && closed) {
        field->values = type->symbols;
        field->n_values = type->n;
    }
    reader->out.units[reader->out.n - 1] = time_unit(type);
}

static void read_type(struct reader *reader, const struct weir_avro_type *type);

static void read_below(struct reader *reader, const char *separator, const char *name,
                       const struct weir_avro_type *type)
{
    size_t old = reader->length;
    int n = snprintf(reader->path + old, MAX_PATH - old, "%s%s", old ? separator : "", name);
    if (n >= 0 && (size_t)n < MAX_PATH - old) {
        reader->length = old + (size_t)n;
        read_type(reader, type);
    } else {
        fail(reader, WEIR_EINVAL, "a field's path is too long");
    }
    reader->length = old;
    reader->path[old] = 0;
}

static void read_record(struct reader *reader, const struct weir_avro_type *type)
{
    if (reader->open[type->index])
        return; // a record within itself: its fields are those above
    reader->open[type->index] = 1;
    int nullable = reader->nullable, optional = reader->optional;
    for (size_t i = 0; i < type->n && !reader->code; i++) {
        reader->unit = type->fields[i].unit;
        reader->semantic = type->fields[i].semantic;
        reader->nullable = nullable;
        // By Avro's rules a field with a default may come or go: records of the topic that were
        // written by another version of the schema lack it rightly.
        reader->optional = optional || type->fields[i].has_default;
        read_below(reader, ".", type->fields[i].name, type->fields[i].type);
    }
    reader->optional = optional;
    reader->open[type->index] = 0;
}

// The number of elements, and the elements of an array.
static void read_elements(struct reader *reader, const struct weir_avro_type *type)
{
    const char *unit = reader->unit, *semantic = reader->semantic;
    if (reader->in_list)
        return;
    reader->unit = reader->semantic = NULL;
    add(reader, ".length", WEIR_TYPE_LONG);
    if (type->kind == WEIR_AVRO_KIND_MAP)
        return;
    reader->unit = unit;
    reader->semantic = semantic;
    reader->in_list = 1;
    reader->nullable = 0;
    read_below(reader, "[]", "", type->types[0]);
    reader->in_list = 0;
}

// Numbers of several kinds are the widest of them; otherwise the first branch says the type.
static void read_union(struct reader *reader, const struct weir_avro_type *type)
{
    const struct weir_avro_type *pick = NULL;
    int leaves = 0, nullable = reader->nullable;
    for (size_t i = 0; i < type->n; i++)
        nullable |= type->types[i]->kind == WEIR_AVRO_KIND_NULL;
    for (size_t i = 0; i < type->n && !reader->code; i++) {
        const struct weir_avro_type *branch = type->types[i];
        reader->nullable = nullable;
        if (branch->kind == WEIR_AVRO_KIND_NULL)
            continue;
        if (weir_avro_column_type(branch) == WEIR_TYPE_UNKNOWN) {
            const char *unit = reader->unit, *semantic = reader->semantic;
            reader->branches++;
            read_type(reader, branch);
            reader->branches--;
            reader->unit = unit;
            reader->semantic = semantic;
            continue;
        }
        leaves++;
        if (!pick || (weir_avro_column_type(pick) == WEIR_TYPE_LONG &&
                      weir_avro_column_type(branch) == WEIR_TYPE_DOUBLE))
            pick = branch;
    }
    reader->nullable = nullable;
    if (pick && !reader->code)
        read_leaf(reader, pick, leaves == 1);
}

static void read_type(struct reader *reader, const struct weir_avro_type *type)
{
    if (reader->code)
        return;
    if (++reader->visits > MAX_VISITS) {
        fail(reader, WEIR_EINVAL, "too many fields");
        return;
    }
    switch (type->kind) {
    case WEIR_AVRO_KIND_NULL:
        return;
    case WEIR_AVRO_KIND_RECORD:
        read_record(reader, type);
        return;
    case WEIR_AVRO_KIND_UNION:
        read_union(reader, type);
        return;
    case WEIR_AVRO_KIND_ARRAY:
    case WEIR_AVRO_KIND_MAP:
        if (reader->length)
            read_elements(reader, type);
        else if (type->kind == WEIR_AVRO_KIND_ARRAY)
            read_below(reader, "", "value", type);
        return;
    default:
        if (reader->length)
            read_leaf(reader, type, 1);
        else
            read_below(reader, "", "value", type);
    }
}

int weir_schema_fields_read(const char *schema_json, struct weir_schema_fields *out,
                            struct weir_error *error)
{
    struct reader reader = {.error = error, .arena = calloc(1, sizeof *reader.arena)};
    if (!reader.arena)
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    reader.out.arena = reader.arena;
    int code =
        weir_avro_schema_parse(schema_json, strlen(schema_json), &reader.arena->schema, error);
    if (!code) {
        reader.open = calloc(weir_avro_schema_types(reader.arena->schema), 1);
        if (!reader.open)
            fail(&reader, WEIR_ENOMEM, "out of memory");
        else
            read_type(&reader, weir_avro_schema_root(reader.arena->schema));
        free(reader.open);
        code = reader.code;
    }
    if (code)
        weir_schema_fields_free(&reader.out);
    else
        *out = reader.out;
    return code;
}

void weir_schema_fields_free(struct weir_schema_fields *fields)
{
    struct arena *arena = fields->arena;
    if (arena) {
        while (arena->texts) {
            struct text *next = arena->texts->next;
            free(arena->texts);
            arena->texts = next;
        }
        weir_avro_schema_free(arena->schema);
        free(arena);
    }
    free(fields->fields);
    free(fields->units);
    memset(fields, 0, sizeof *fields);
}
