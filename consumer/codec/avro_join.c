// SPDX-License-Identifier: Apache-2.0
// One schema from a schema and those that it refers to.
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/codec/avro_schema.h"

enum { MAX_DEPTH = 512, MAX_NAME = 1024 };

struct joiner {
    json_t *known;   // full name: definition, from the references
    json_t *defined; // full names that stand in the result already
    int depth;
    int code;
    struct weir_error *error;
};

static void fail(struct joiner *joiner, int code, const char *what)
{
    if (!joiner->code)
        joiner->code = weir_error_set(joiner->error, code, "schema references: %s", what);
}

static int is_named(const char *type)
{
    return strcmp(type, "record") == 0 || strcmp(type, "error") == 0 || strcmp(type, "enum") == 0 ||
           strcmp(type, "fixed") == 0;
}

// Writes a full name to `full` (MAX_NAME bytes), and its namespace's length to `space_length`.
static int resolve(const char *name, const char *space, char *full, size_t *space_length)
{
    int n = strchr(name, '.') || !space || !*space ? snprintf(full, MAX_NAME, "%s", name)
                                                   : snprintf(full, MAX_NAME, "%s.%s", space, name);
    if (n < 0 || n >= MAX_NAME)
        return -1;
    const char *dot = strrchr(full, '.');
    *space_length = dot ? (size_t)(dot - full) : 0;
    return 0;
}

// jansson's own copy of an object leaves out what it finds no memory for, and says nothing.
static json_t *copy(const json_t *json)
{
    json_t *made = json_copy((json_t *)(uintptr_t)json);
    if (made && json_object_size(made) == json_object_size(json))
        return made;
    json_decref(made);
    return NULL;
}

static json_t *join(struct joiner *joiner, const json_t *json, const char *space);

// A name that is not yet defined is replaced by its definition.
static json_t *join_name(struct joiner *joiner, const json_t *json, const char *space)
{
    char full[MAX_NAME];
    size_t length;
    const char *name = json_string_value(json);
    if (resolve(name, space, full, &length)) {
        fail(joiner, WEIR_EINVAL, "a name is too long");
        return NULL;
    }
    const char *found = json_object_get(joiner->known, full)   ? full
                        : json_object_get(joiner->known, name) ? name
                                                               : NULL;
    if (!found || json_object_get(joiner->defined, found))
        return copy(json);
    return join(joiner, json_object_get(joiner->known, found), "");
}

// `value` NULL: after a fault, or because memory is out.
static void put(struct joiner *joiner, json_t *object, const char *key, json_t *value)
{
    if (!value || json_object_set_new(object, key, value))
        fail(joiner, WEIR_ENOMEM, "out of memory");
}

static void join_fields(struct joiner *joiner, json_t *record, const char *space)
{
    json_t *fields = json_array();
    const json_t *list = json_object_get(record, "fields");
    for (size_t i = 0; i < json_array_size(list) && !joiner->code; i++) {
        json_t *field = copy(json_array_get(list, i));
        if (json_is_object(field))
            put(joiner, field, "type", join(joiner, json_object_get(field, "type"), space));
        if (!field || json_array_append_new(fields, field))
            fail(joiner, WEIR_ENOMEM, "out of memory");
    }
    put(joiner, record, "fields", fields);
}

static void join_named(struct joiner *joiner, json_t *object, const char *space)
{
    char full[MAX_NAME];
    size_t length;
    const char *name = json_string_value(json_object_get(object, "name"));
    const char *own = json_string_value(json_object_get(object, "namespace"));
    if (!name || resolve(name, own ? own : space, full, &length)) {
        fail(joiner, WEIR_EINVAL, "a type without a name, or with one too long");
        return;
    }
    if (json_object_set_new(joiner->defined, full, json_true()))
        fail(joiner, WEIR_ENOMEM, "out of memory");
    // Wherever the definition comes to stand, it keeps its namespace.
    put(joiner, object, "name", json_string(full));
    put(joiner, object, "namespace", json_stringn(full, length));
    full[length] = 0;
    if (json_object_get(object, "fields"))
        join_fields(joiner, object, full);
}

static json_t *join_object(struct joiner *joiner, const json_t *json, const char *space)
{
    json_t *object = copy(json);
    const char *type = json_string_value(json_object_get(json, "type"));
    if (!object) {
        fail(joiner, WEIR_ENOMEM, "out of memory");
    } else if (type && is_named(type)) {
        join_named(joiner, object, space);
    } else if (type && strcmp(type, "array") == 0) {
        put(joiner, object, "items", join(joiner, json_object_get(json, "items"), space));
    } else if (type && strcmp(type, "map") == 0) {
        put(joiner, object, "values", join(joiner, json_object_get(json, "values"), space));
    } else {
        put(joiner, object, "type", join(joiner, json_object_get(json, "type"), space));
    }
    return object;
}

static json_t *join_union(struct joiner *joiner, const json_t *json, const char *space)
{
    json_t *array = json_array();
    for (size_t i = 0; i < json_array_size(json) && !joiner->code; i++) {
        json_t *branch = join(joiner, json_array_get(json, i), space);
        if (!branch || json_array_append_new(array, branch))
            fail(joiner, WEIR_ENOMEM, "out of memory");
    }
    return array;
}

// A new reference; NULL after a fault.
static json_t *join(struct joiner *joiner, const json_t *json, const char *space)
{
    json_t *result = NULL;
    if (joiner->code)
        return NULL;
    if (joiner->depth >= MAX_DEPTH) {
        fail(joiner, WEIR_EINVAL, "nested too deep");
        return NULL;
    }
    joiner->depth++;
    if (json_is_string(json))
        result = join_name(joiner, json, space);
    else if (json_is_array(json))
        result = join_union(joiner, json, space);
    else if (json_is_object(json))
        result = join_object(joiner, json, space);
    else
        fail(joiner, WEIR_EINVAL, "a type is missing");
    joiner->depth--;
    return result;
}

static json_t *load(struct joiner *joiner, const char *text)
{
    json_error_t fault = {0};
    json_t *json = json_loads(text, JSON_DECODE_ANY, &fault);
    // Where its own memory is out jansson mostly says nothing.
    if (!json && (!*fault.text || json_error_code(&fault) == json_error_out_of_memory))
        fail(joiner, WEIR_ENOMEM, "out of memory");
    else if (!json)
        fail(joiner, WEIR_EINVAL, fault.text);
    return json;
}

// Remembers the definition at the top of a reference.
static void know(struct joiner *joiner, const char *text)
{
    char full[MAX_NAME];
    size_t length;
    json_t *json = load(joiner, text);
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *space = json_string_value(json_object_get(json, "namespace"));
    if (json && (!name || resolve(name, space, full, &length)))
        fail(joiner, WEIR_EINVAL, "one is no record, enum or fixed");
    else if (json && json_object_set(joiner->known, full, json))
        fail(joiner, WEIR_ENOMEM, "out of memory");
    json_decref(json);
}

int weir_avro_schema_join(const char *text, const char *const *references, size_t n_references,
                          char **joined, struct weir_error *error)
{
    struct joiner joiner = {.known = json_object(), .defined = json_object(), .error = error};
    if (!joiner.known || !joiner.defined)
        fail(&joiner, WEIR_ENOMEM, "out of memory");
    for (size_t i = 0; i < n_references && !joiner.code; i++)
        know(&joiner, references[i]);
    json_t *json = joiner.code ? NULL : load(&joiner, text);
    json_t *result = json ? join(&joiner, json, "") : NULL;
    char *out = joiner.code ? NULL : json_dumps(result, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!out)
        fail(&joiner, WEIR_ENOMEM, "out of memory");
    else
        *joined = out;
    json_decref(json);
    json_decref(result);
    json_decref(joiner.known);
    json_decref(joiner.defined);
    return joiner.code;
}
