// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/avro_schema.h"

#include <avro.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SIZE ((int64_t)1 << 40) // bytes of a datum of fixed size

struct block { // one allocation; they are freed together
    struct block *next;
    max_align_t data[];
};

struct weir_avro_schema {
    json_t *json; // owns the strings
    struct block *blocks;
    const struct weir_avro_type *root;
    uint32_t n_types;
};

struct parser {
    struct weir_avro_schema *schema;
    json_t *names; // full name: position in `named`
    struct weir_avro_type **named;
    size_t n_named, room_named;
    int depth;
    struct weir_error *error;
};

static const char *const kind_names[] = {"null",   "boolean", "int",    "long",   "float",
                                         "double", "bytes",   "string", "record", "enum",
                                         "fixed",  "array",   "map",    "union"};

const char *weir_avro_kind_name(enum weir_avro_kind kind)
{
    return kind_names[kind];
}

static void *out_of_memory(struct parser *parser)
{
    weir_error_set(parser->error, WEIR_ENOMEM, "out of memory while reading an Avro schema");
    return NULL;
}

static void *take(struct parser *parser, size_t n, size_t size)
{
    struct block *block = calloc(1, sizeof *block + n * size);
    if (!block)
        return out_of_memory(parser);
    block->next = parser->schema->blocks;
    parser->schema->blocks = block;
    return block->data;
}

static struct weir_avro_type *new_type(struct parser *parser, enum weir_avro_kind kind)
{
    static const int8_t sizes[] = {0, 1, -1, -1, 4, 8, -1, -1, -1, -1, -1, -1, -1, -1};
    if (parser->schema->n_types >= WEIR_AVRO_MAX_TYPES) {
        weir_error_set(parser->error, WEIR_EINVAL, "an Avro schema of more than %d types",
                       WEIR_AVRO_MAX_TYPES);
        return NULL;
    }
    struct weir_avro_type *type = take(parser, 1, sizeof *type);
    if (type) {
        type->kind = kind;
        type->fixed_size = sizes[kind];
        type->index = parser->schema->n_types++;
    }
    return type;
}

static int find_kind(const char *name)
{
    for (int kind = 0; kind < WEIR_AVRO_KIND_UNION; kind++) {
        if (strcmp(name, kind_names[kind]) == 0)
            return kind;
    }
    return strcmp(name, "error") == 0 ? WEIR_AVRO_KIND_RECORD : -1;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

// `name` in namespace `space` ("" or NULL: none).
static const char *full_name(struct parser *parser, const char *name, const char *space)
{
    if (strchr(name, '.') || !space || !*space)
        return name;
    size_t length = strlen(space) + strlen(name) + 2;
    char *full = take(parser, length, 1);
    if (full)
        snprintf(full, length, "%s.%s", space, name);
    return full;
}

static const char *space_of(struct parser *parser, const char *full)
{
    const char *dot = strrchr(full, '.');
    char *space = take(parser, dot ? (size_t)(dot - full) + 1 : 1, 1);
    if (space && dot)
        memcpy(space, full, (size_t)(dot - full));
    return space;
}

static int declare(struct parser *parser, struct weir_avro_type *type, const char *name)
{
    if (json_object_get(parser->names, name))
        return weir_error_set(parser->error, WEIR_EINVAL, "Avro schema: %s is defined twice", name);
    if (parser->n_named == parser->room_named) {
        size_t room = parser->room_named ? parser->room_named * 2 : 16;
        struct weir_avro_type **named = realloc(parser->named, room * sizeof *named);
        if (!named) {
            out_of_memory(parser);
            return WEIR_ENOMEM;
        }
        parser->named = named;
        parser->room_named = room;
    }
    type->name = name;
    if (json_object_set_new(parser->names, name, json_integer((json_int_t)parser->n_named))) {
        out_of_memory(parser);
        return WEIR_ENOMEM;
    }
    parser->named[parser->n_named++] = type;
    return 0;
}

static const struct weir_avro_type *find_named(struct parser *parser, const char *name,
                                               const char *space)
{
    const char *full = full_name(parser, name, space);
    if (!full)
        return NULL;
    const json_t *position = json_object_get(parser->names, full);
    if (!position)
        position = json_object_get(parser->names, name);
    if (position)
        return parser->named[json_integer_value(position)];
    weir_error_set(parser->error, WEIR_EINVAL, "Avro schema: there is no type \"%.200s\"", name);
    return NULL;
}

static enum weir_avro_logical find_logical(const struct weir_avro_type *type, const char *name)
{
    if (!name)
        return WEIR_AVRO_LOGICAL_NONE;
    if (type->kind == WEIR_AVRO_KIND_INT && strcmp(name, "date") == 0)
        return WEIR_AVRO_LOGICAL_DATE;
    if (type->kind == WEIR_AVRO_KIND_LONG) {
        if (strncmp(name, "local-", 6) == 0)
            name += 6;
        if (strcmp(name, "timestamp-millis") == 0)
            return WEIR_AVRO_LOGICAL_TIMESTAMP_MILLIS;
        if (strcmp(name, "timestamp-micros") == 0)
            return WEIR_AVRO_LOGICAL_TIMESTAMP_MICROS;
        if (strcmp(name, "timestamp-nanos") == 0)
            return WEIR_AVRO_LOGICAL_TIMESTAMP_NANOS;
    }
    if ((type->kind == WEIR_AVRO_KIND_BYTES || type->kind == WEIR_AVRO_KIND_FIXED) &&
        strcmp(name, "decimal") == 0)
        return WEIR_AVRO_LOGICAL_DECIMAL;
    if (type->kind == WEIR_AVRO_KIND_FIXED && type->fixed_size == 16 && strcmp(name, "uuid") == 0)
        return WEIR_AVRO_LOGICAL_UUID;
    return WEIR_AVRO_LOGICAL_NONE;
}

static void read_logical(struct weir_avro_type *type, const json_t *json)
{
    type->logical = find_logical(type, text_of(json, "logicalType"));
    if (type->logical != WEIR_AVRO_LOGICAL_DECIMAL)
        return;
    json_int_t scale = json_integer_value(json_object_get(json, "scale"));
    if (scale < 0 || scale > WEIR_AVRO_MAX_SCALE)
        type->logical = WEIR_AVRO_LOGICAL_NONE;
    else
        type->scale = (int)scale;
}

static const struct weir_avro_type *parse_type(struct parser *parser, const json_t *json,
                                               const char *space);

static const char *const *parse_strings(struct parser *parser, const json_t *array, size_t *n)
{
    size_t count = json_array_size(array);
    const char **strings = take(parser, count, sizeof *strings);
    for (size_t i = 0; strings && i < count; i++) {
        strings[i] = json_string_value(json_array_get(array, i));
        if (!strings[i]) {
            weir_error_set(parser->error, WEIR_EINVAL,
                           "Avro schema: a list of names has something else in it");
            return NULL;
        }
    }
    *n = count;
    return strings;
}

// A custom property may stand with the field or with its type.
static const char *property_of(const json_t *field, const char *key)
{
    const char *text = text_of(field, key);
    return text ? text : text_of(json_object_get(field, "type"), key);
}

static int keep_default(struct parser *parser, const json_t *json, struct weir_avro_field *field)
{
    if (!json)
        return 0;
    char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    size_t size = text ? strlen(text) + 1 : 0;
    char *copy = text ? take(parser, size, 1) : NULL;
    if (copy)
        memcpy(copy, text, size);
    free(text);
    field->has_default = 1;
    field->default_json = copy;
    return copy ? 0 : (out_of_memory(parser), -1);
}

static int parse_field(struct parser *parser, const json_t *json, const char *space,
                       struct weir_avro_field *field)
{
    const json_t *aliases = json_object_get(json, "aliases");
    field->name = text_of(json, "name");
    if (!field->name)
        return weir_error_set(parser->error, WEIR_EINVAL, "Avro schema: a field without a name");
    if (json_is_array(aliases)) {
        field->aliases = parse_strings(parser, aliases, &field->n_aliases);
        if (!field->aliases)
            return -1;
    }
    field->unit = property_of(json, "weir.unit");
    field->semantic = property_of(json, "weir.semantic");
    if (keep_default(parser, json_object_get(json, "default"), field))
        return -1;
    field->type = parse_type(parser, json_object_get(json, "type"), space);
    return field->type ? 0 : -1;
}

// A record's definition is open while its fields are read: one that it contains other than in a
// union, an array or a map has no end.
static int parse_fields(struct parser *parser, const json_t *json, struct weir_avro_type *type)
{
    const char *space = space_of(parser, type->name);
    const json_t *list = json_object_get(json, "fields");
    size_t count = json_array_size(list);
    struct weir_avro_field *fields = take(parser, count, sizeof *fields);
    int64_t size = 0;
    if (!space || !fields)
        return -1;
    type->fixed_size = -2; // open
    for (size_t i = 0; i < count; i++) {
        if (parse_field(parser, json_array_get(list, i), space, &fields[i]))
            return -1;
        int64_t more = fields[i].type->fixed_size;
        if (more == -2)
            return weir_error_set(parser->error, WEIR_EINVAL,
                                  "Avro schema: %s contains itself without end",
                                  fields[i].type->name);
        size = size < 0 || more < 0 ? -1 : size + more;
        if (size > MAX_SIZE)
            return weir_error_set(parser->error, WEIR_EINVAL, "Avro schema: %s is too large",
                                  type->name);
    }
    type->fields = fields;
    type->n = count;
    type->fixed_size = size;
    return 0;
}

static int parse_fixed(struct parser *parser, const json_t *json, struct weir_avro_type *type)
{
    json_int_t size = json_integer_value(json_object_get(json, "size"));
    if (size < 0 || size > MAX_SIZE)
        return weir_error_set(parser->error, WEIR_EINVAL, "Avro schema: %s has the size %lld",
                              type->name, (long long)size);
    type->fixed_size = size;
    return 0;
}

static const struct weir_avro_type *parse_named(struct parser *parser, const json_t *json,
                                                enum weir_avro_kind kind, const char *space)
{
    const char *name = text_of(json, "name"), *own = text_of(json, "namespace");
    struct weir_avro_type *type = new_type(parser, kind);
    if (!type)
        return NULL;
    if (!name) {
        weir_error_set(parser->error, WEIR_EINVAL, "Avro schema: a %s without a name",
                       kind_names[kind]);
        return NULL;
    }
    const char *full = full_name(parser, name, own ? own : space);
    int code = full ? declare(parser, type, full) : -1;
    if (!code && kind == WEIR_AVRO_KIND_RECORD) {
        code = parse_fields(parser, json, type);
    } else if (!code && kind == WEIR_AVRO_KIND_FIXED) {
        code = parse_fixed(parser, json, type);
    } else if (!code) {
        type->symbols = parse_strings(parser, json_object_get(json, "symbols"), &type->n);
        code = type->symbols ? 0 : -1;
    }
    if (code)
        return NULL;
    read_logical(type, json);
    return type;
}

// Of `count` types: the branches of a union, or the one of an array or map.
static const struct weir_avro_type *parse_container(struct parser *parser, const json_t *json,
                                                    enum weir_avro_kind kind, const char *space)
{
    size_t count = kind == WEIR_AVRO_KIND_UNION ? json_array_size(json) : 1;
    struct weir_avro_type *type = new_type(parser, kind);
    const struct weir_avro_type **types = take(parser, count, sizeof *types);
    if (!type || !types)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const json_t *of = kind == WEIR_AVRO_KIND_UNION   ? json_array_get(json, i)
                           : kind == WEIR_AVRO_KIND_ARRAY ? json_object_get(json, "items")
                                                          : json_object_get(json, "values");
        types[i] = parse_type(parser, of, space);
        if (!types[i])
            return NULL;
    }
    type->types = types;
    type->n = count;
    return type;
}

static const struct weir_avro_type *parse_object(struct parser *parser, const json_t *json,
                                                 const char *space)
{
    const json_t *of = json_object_get(json, "type");
    if (!json_is_string(of))
        return parse_type(parser, of, space);
    const char *name = json_string_value(of);
    int kind = find_kind(name);
    if (kind < 0)
        return find_named(parser, name, space);
    if (kind == WEIR_AVRO_KIND_RECORD || kind == WEIR_AVRO_KIND_ENUM ||
        kind == WEIR_AVRO_KIND_FIXED)
        return parse_named(parser, json, (enum weir_avro_kind)kind, space);
    if (kind == WEIR_AVRO_KIND_ARRAY || kind == WEIR_AVRO_KIND_MAP)
        return parse_container(parser, json, (enum weir_avro_kind)kind, space);
    struct weir_avro_type *type = new_type(parser, (enum weir_avro_kind)kind);
    if (type)
        read_logical(type, json);
    return type;
}

static const struct weir_avro_type *parse_type(struct parser *parser, const json_t *json,
                                               const char *space)
{
    const struct weir_avro_type *type = NULL;
    if (parser->depth >= WEIR_AVRO_MAX_NESTING) {
        weir_error_set(parser->error, WEIR_EINVAL, "Avro schema: nested more than %d deep",
                       WEIR_AVRO_MAX_NESTING);
        return NULL;
    }
    parser->depth++;
    if (json_is_string(json)) {
        int kind = find_kind(json_string_value(json));
        type = kind >= 0 && kind <= WEIR_AVRO_KIND_STRING
                   ? new_type(parser, (enum weir_avro_kind)kind)
                   : find_named(parser, json_string_value(json), space);
    } else if (json_is_array(json)) {
        type = parse_container(parser, json, WEIR_AVRO_KIND_UNION, space);
    } else if (json_is_object(json)) {
        type = parse_object(parser, json, space);
    } else {
        weir_error_set(parser->error, WEIR_EINVAL, "Avro schema: a type is missing");
    }
    parser->depth--;
    return type;
}

static int check_with_avro(const char *json, size_t length, struct weir_error *error)
{
    avro_schema_t checked = NULL;
    int code = avro_schema_from_json_length(json, length, &checked);
    if (code == ENOMEM)
        return weir_error_set(error, WEIR_ENOMEM, "out of memory while checking an Avro schema");
    if (code)
        return weir_error_set(error, WEIR_EINVAL, "not an Avro schema: %.300s", avro_strerror());
    avro_schema_decref(checked);
    return 0;
}

int weir_avro_schema_parse(const char *json, size_t length, struct weir_avro_schema **out,
                           struct weir_error *error)
{
    json_error_t fault = {0};
    if (length > WEIR_AVRO_MAX_TEXT)
        return weir_error_set(error, WEIR_EINVAL, "an Avro schema of more than %d bytes",
                              WEIR_AVRO_MAX_TEXT);
    json_t *parsed = json_loadb(json, length, JSON_DECODE_ANY, &fault);
    // Where its own memory is out jansson mostly says nothing.
    if (!parsed && (!*fault.text || json_error_code(&fault) == json_error_out_of_memory))
        return weir_error_set(error, WEIR_ENOMEM, "out of memory while reading an Avro schema");
    if (!parsed)
        return weir_error_set(error, WEIR_EINVAL, "an Avro schema that is not JSON: line %d: %s",
                              fault.line, fault.text);
    struct weir_error local = {0};
    struct parser parser = {.names = json_object(), .error = &local};
    parser.schema = calloc(1, sizeof *parser.schema);
    if (parser.schema && parser.names) {
        parser.schema->json = parsed;
        parser.schema->root = parse_type(&parser, parsed, NULL);
    } else {
        out_of_memory(&parser);
    }
    json_decref(parser.names);
    free(parser.named);
    int good = parser.schema && parser.schema->root;
    // Avro C last: its parser trusts what ours has bounded by then.
    int code = good ? check_with_avro(json, length, &local) : local.code;
    if (!code) {
        *out = parser.schema;
        return 0;
    }
    if (parser.schema && parser.schema->json)
        weir_avro_schema_free(parser.schema);
    else {
        free(parser.schema);
        json_decref(parsed);
    }
    return weir_error_set(error, code, "%s", local.message);
}

void weir_avro_schema_free(struct weir_avro_schema *schema)
{
    if (!schema)
        return;
    while (schema->blocks) {
        struct block *next = schema->blocks->next;
        free(schema->blocks);
        schema->blocks = next;
    }
    json_decref(schema->json);
    free(schema);
}

const struct weir_avro_type *weir_avro_schema_root(const struct weir_avro_schema *schema)
{
    return schema->root;
}

uint32_t weir_avro_schema_types(const struct weir_avro_schema *schema)
{
    return schema->n_types;
}
