// SPDX-License-Identifier: Apache-2.0
// A plain walk along a schema. For events that people look at: nothing here is for speed.
#include <math.h>
#include <string.h>

#include "consumer/alert/read.h"
#include "consumer/codec/utf8.h"

enum { DEPTH = 32, ITEMS = 1000000 };

struct walk {
    json_t *names; // named types met so far; borrowed values
    size_t items;  // values read, so that arrays of nothing end too
    struct weir_reader *in;
};

static json_t *read_value(struct walk *walk, const json_t *schema, int depth);

// Remembers a record, enum or fixed by its name, and by its name with a namespace.
static void remember(struct walk *walk, const json_t *schema)
{
    const char *name = json_string_value(json_object_get(schema, "name"));
    const char *space = json_string_value(json_object_get(schema, "namespace"));
    if (!name)
        return;
    json_object_set(walk->names, name, (json_t *)schema);
    if (space) {
        json_t *full = json_sprintf("%s.%s", space, name);
        if (full)
            json_object_set(walk->names, json_string_value(full), (json_t *)schema);
        json_decref(full);
    }
}

static float read_float(struct weir_reader *in)
{
    uint32_t bits = 0;
    float value;
    if (weir_reader_left(in) < 4) {
        in->failed = 1;
        return 0;
    }
    for (int i = 0; i < 4; i++)
        bits |= (uint32_t)in->at[i] << (8 * i);
    in->at += 4;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// Text that is not UTF-8 (bytes, or a fault) cannot stand in JSON.
static json_t *text(const uint8_t *bytes, size_t length)
{
    if (length && (!weir_utf8_valid((const char *)bytes, length) || memchr(bytes, 0, length)))
        return json_string("\xef\xbf\xbd");
    return json_stringn(length ? (const char *)bytes : "", length);
}

static json_t *read_primitive(struct walk *walk, const char *type)
{
    struct weir_reader *in = walk->in;
    size_t length;
    if (!strcmp(type, "null"))
        return json_null();
    if (!strcmp(type, "boolean")) {
        if (!weir_reader_left(in)) {
            in->failed = 1;
            return NULL;
        }
        return json_boolean(*in->at++ != 0);
    }
    if (!strcmp(type, "int") || !strcmp(type, "long"))
        return json_integer(weir_get_long(in));
    if (!strcmp(type, "float") || !strcmp(type, "double")) {
        double value = *type == 'f' ? (double)read_float(in) : weir_get_double(in);
        return isfinite(value) ? json_real(value) : json_null();
    }
    if (!strcmp(type, "string") || !strcmp(type, "bytes")) {
        const uint8_t *bytes = weir_get_bytes(in, &length);
        return in->failed ? NULL : text(bytes, length);
    }
    return NULL;
}

static json_t *read_record(struct walk *walk, const json_t *schema, int depth)
{
    json_t *fields = json_object_get(schema, "fields"), *field, *out = json_object();
    size_t i;
    json_array_foreach(fields, i, field)
    {
        const char *name = json_string_value(json_object_get(field, "name"));
        json_t *value = name ? read_value(walk, json_object_get(field, "type"), depth + 1) : NULL;
        if (!value || json_object_set_new(out, name, value)) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

// An array's or map's blocks; the keys of a map go to `key`.
static json_t *read_blocks(struct walk *walk, const json_t *items, int map, int depth)
{
    json_t *out = map ? json_object() : json_array();
    for (;;) {
        int64_t n = weir_get_long(walk->in);
        if (n < 0) { // a negative count has the block's size behind it
            weir_get_long(walk->in);
            n = n == INT64_MIN ? INT64_MAX : -n;
        }
        if (!n && !walk->in->failed)
            return out;
        for (int64_t i = 0; i < n && !walk->in->failed; i++) {
            size_t length = 0;
            const uint8_t *key = map ? weir_get_bytes(walk->in, &length) : NULL;
            json_t *name = map ? text(key, length) : NULL;
            json_t *value = read_value(walk, items, depth + 1);
            int bad =
                !value || (map ? !name || json_object_set_new(out, json_string_value(name), value)
                               : json_array_append_new(out, value));
            json_decref(name);
            if (bad) {
                walk->in->failed = 1;
                break;
            }
        }
        if (walk->in->failed) {
            json_decref(out);
            return NULL;
        }
    }
}

static json_t *read_union(struct walk *walk, const json_t *schema, int depth)
{
    size_t n = json_array_size(schema);
    size_t branch = n ? weir_get_count(walk->in, n - 1) : 0;
    return n && !walk->in->failed ? read_value(walk, json_array_get(schema, branch), depth + 1)
                                  : NULL;
}

static json_t *read_enum(struct walk *walk, const json_t *schema)
{
    json_t *symbols = json_object_get(schema, "symbols");
    size_t n = json_array_size(symbols);
    size_t symbol = n ? weir_get_count(walk->in, n - 1) : 0;
    return n && !walk->in->failed ? json_incref(json_array_get(symbols, symbol)) : NULL;
}

static json_t *read_fixed(struct walk *walk, const json_t *schema)
{
    json_int_t size = json_integer_value(json_object_get(schema, "size"));
    if (size < 0 || (uint64_t)size > weir_reader_left(walk->in))
        return NULL;
    const uint8_t *bytes = walk->in->at;
    walk->in->at += size;
    return text(bytes, (size_t)size);
}

static json_t *read_value(struct walk *walk, const json_t *schema, int depth)
{
    if (!schema || depth > DEPTH || ++walk->items > ITEMS || walk->in->failed)
        return NULL;
    if (json_is_array(schema))
        return read_union(walk, schema, depth);
    if (json_is_string(schema)) {
        const json_t *named = json_object_get(walk->names, json_string_value(schema));
        return named ? read_value(walk, named, depth + 1)
                     : read_primitive(walk, json_string_value(schema));
    }
    const json_t *inner = json_object_get(schema, "type");
    const char *type = json_string_value(inner);
    if (!type)
        return inner ? read_value(walk, inner, depth + 1) : NULL;
    remember(walk, schema);
    if (!strcmp(type, "record"))
        return read_record(walk, schema, depth);
    if (!strcmp(type, "array"))
        return read_blocks(walk, json_object_get(schema, "items"), 0, depth);
    if (!strcmp(type, "map"))
        return read_blocks(walk, json_object_get(schema, "values"), 1, depth);
    if (!strcmp(type, "enum"))
        return read_enum(walk, schema);
    if (!strcmp(type, "fixed"))
        return read_fixed(walk, schema);
    return read_value(walk, inner, depth + 1);
}

json_t *weir_avro_to_json(const json_t *schema, struct weir_reader *in)
{
    struct walk walk = {json_object(), 0, in};
    json_t *out = walk.names ? read_value(&walk, schema, 0) : NULL;
    json_decref(walk.names);
    if (out && (in->failed || weir_reader_left(in))) {
        json_decref(out);
        return NULL;
    }
    return out;
}
