// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/config/document.h"
#include "consumer/config/table.h"
#include "consumer/config/value.h"
#include "weir/error.h"

// Texts of the kinds that JSON has no type for. Values may also come out of ${...}.
static const char defs[] =
    "{\"expansion\": {\"type\": \"string\", \"pattern\": \"\\\\$\\\\{\"},"
    "\"duration\": {\"anyOf\": [{\"const\": 0}, {\"type\": \"string\", \"pattern\": "
    "\"^(0|([0-9.]+(ms|s|m|h|d|w))+)$\"}, {\"$ref\": \"#/$defs/expansion\"}]},"
    "\"size\": {\"anyOf\": [{\"type\": \"integer\", \"minimum\": 0}, {\"type\": \"string\", "
    "\"pattern\": \"^[0-9.]+(B|[kKMGT]B|[KMGT]iB)?$\"}, {\"$ref\": \"#/$defs/expansion\"}]},"
    "\"share\": {\"anyOf\": [{\"type\": \"number\", \"minimum\": 0, \"maximum\": 1}, {\"type\": "
    "\"string\", \"pattern\": \"^[0-9.]+%$\"}, {\"$ref\": \"#/$defs/expansion\"}]},"
    "\"time\": {\"anyOf\": [{\"type\": \"string\", \"format\": \"date-time\"}, {\"$ref\": "
    "\"#/$defs/expansion\"}]},"
    "\"name\": {\"anyOf\": [{\"type\": \"string\", \"pattern\": \"^[A-Za-z0-9._-]{1,249}$\"}, "
    "{\"$ref\": \"#/$defs/expansion\"}]},"
    "\"text\": {\"type\": [\"string\", \"number\", \"boolean\"]},"
    "\"texts\": {\"anyOf\": [{\"$ref\": \"#/$defs/text\"}, {\"type\": \"array\", \"items\": "
    "{\"$ref\": \"#/$defs/text\"}}]}}";

static json_t *parsed(const char *text)
{
    json_error_t error;
    return json_loads(text, JSON_ALLOW_NUL, &error);
}

static json_t *reference(const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "#/$defs/%s", name);
    return json_pack("{s:s}", "$ref", path);
}

// {"anyOf": [value, expansion]}
static json_t *or_expansion(json_t *value)
{
    return json_pack("{s:[o, o]}", "anyOf", value, reference("expansion"));
}

static json_t *number(const char *type, double low, double high)
{
    json_t *value = json_pack("{s:s}", "type", type);
    int whole = !strcmp(type, "integer");
    if (low == 0 && high == 0)
        return or_expansion(value);
    if (low > -1e300)
        json_object_set_new(value, "minimum",
                            whole ? json_integer((json_int_t)low) : json_real(low));
    if (high < 1e300)
        json_object_set_new(value, "maximum",
                            whole ? json_integer((json_int_t)high) : json_real(high));
    return or_expansion(value);
}

static json_t *choice(const char *choices)
{
    json_t *list = json_array();
    for (const char *at = choices; at && *at;) {
        size_t n = strcspn(at, "|");
        json_array_append_new(list, json_stringn(at, n));
        at += n + (at[n] == '|');
    }
    return or_expansion(json_pack("{s:o}", "enum", list));
}

// A default as JSON would have it.
static json_t *fallback_json(enum weir_key_type type, const char *text)
{
    const char *why;
    double value;
    int64_t integer;
    if (type == WEIR_KEY_BOOLEAN)
        return json_boolean(!strcmp(text, "true"));
    if ((type == WEIR_KEY_INTEGER || type == WEIR_KEY_COUNT) &&
        !weir_value_integer(text, &integer, &why))
        return json_integer(integer);
    if (type == WEIR_KEY_NUMBER && !weir_value_number(text, &value, &why))
        return json_real(value);
    return json_string(text);
}

static json_t *table_schema(const struct weir_key *table);

static json_t *row_schema(const struct weir_key *row)
{
    switch (row->type) {
    case WEIR_KEY_BOOLEAN:
        return or_expansion(json_pack("{s:s}", "type", "boolean"));
    case WEIR_KEY_INTEGER:
    case WEIR_KEY_COUNT:
        return number("integer", row->low, row->high);
    case WEIR_KEY_NUMBER:
        return number("number", row->low, row->high);
    case WEIR_KEY_SHARE:
        return reference("share");
    case WEIR_KEY_DURATION:
        return reference("duration");
    case WEIR_KEY_SIZE:
        return reference("size");
    case WEIR_KEY_TIME:
        return reference("time");
    case WEIR_KEY_NAME:
        return reference("name");
    case WEIR_KEY_CHOICE:
        return choice(row->choices);
    case WEIR_KEY_MAP:
        return table_schema(row->table);
    case WEIR_KEY_NAMED:
        return json_pack("{s:s, s:o}", "type", "object", "additionalProperties",
                         table_schema(row->table));
    case WEIR_KEY_CUSTOM:
        if (row->schema || row->read != weir_read_calibration)
            return row->schema ? parsed(row->schema) : table_schema(row->table);
        return json_pack("{s:[{s:s}, o]}", "anyOf", "const", "none", table_schema(row->table));
    default:
        return reference("text");
    }
}

static void add_properties(const struct weir_key *table, json_t *properties, json_t *required)
{
    for (; table->key; table++) {
        json_t *value = row_schema(table);
        json_object_set_new(value, "description", json_string(table->help));
        if (table->fallback)
            json_object_set_new(value, "default", fallback_json(table->type, table->fallback));
        json_object_set_new(properties, table->key, value);
        if (table->flags & WEIR_KEY_REQUIRED)
            json_array_append_new(required, json_string(table->key));
    }
}

// Maps may be left empty (`alerts:` with nothing behind it).
static json_t *table_schema(const struct weir_key *table)
{
    json_t *properties = json_object(), *required = json_array();
    add_properties(table, properties, required);
    int needs = json_array_size(required) > 0;
    json_t *value = needs ? json_pack("{s:s}", "type", "object")
                          : json_pack("{s:[s, s]}", "type", "object", "null");
    if (needs)
        json_object_set(value, "required", required);
    json_decref(required);
    json_object_set_new(value, "additionalProperties", json_false());
    json_object_set_new(value, "properties", properties);
    return value;
}

// ---- detectors: common keys, and by type the options of each

static json_t *option_schema(const struct weir_option *option)
{
    static const enum weir_key_type types[] = {
        [WEIR_OPTION_BOOLEAN] = WEIR_KEY_BOOLEAN,   [WEIR_OPTION_INTEGER] = WEIR_KEY_INTEGER,
        [WEIR_OPTION_NUMBER] = WEIR_KEY_NUMBER,     [WEIR_OPTION_SHARE] = WEIR_KEY_SHARE,
        [WEIR_OPTION_DURATION] = WEIR_KEY_DURATION, [WEIR_OPTION_SIZE] = WEIR_KEY_SIZE,
        [WEIR_OPTION_STRING] = WEIR_KEY_STRING,     [WEIR_OPTION_CHOICE] = WEIR_KEY_CHOICE,
        [WEIR_OPTION_FIELD] = WEIR_KEY_STRING,      [WEIR_OPTION_STRINGS] = WEIR_KEY_STRING,
        [WEIR_OPTION_STREAM] = WEIR_KEY_STRING};
    struct weir_key row = {.key = option->key,
                           .type = types[option->type],
                           .low = option->low,
                           .high = option->high,
                           .choices = option->choices};
    json_t *value = option->type == WEIR_OPTION_STRINGS ? reference("texts") : row_schema(&row);
    json_object_set_new(value, "description", json_string(option->help));
    if (option->fallback)
        json_object_set_new(value, "default", fallback_json(row.type, option->fallback));
    return value;
}

static json_t *plugin_schema(const struct weir_plugin *plugin)
{
    json_t *properties = json_object();
    for (const struct weir_option *option = plugin->options; option && option->key; option++)
        json_object_set_new(properties, option->key, option_schema(option));
    return json_pack("{s:{s:{s:{s:s}}}, s:{s:o}}", "if", "properties", "type", "const",
                     plugin->name, "then", "properties", properties);
}

static json_t *detector_schema(const struct weir_plugins *plugins)
{
    json_t *value = table_schema(weir_keys_detector);
    if (!plugins) {
        json_object_del(value, "additionalProperties");
        return value;
    }
    json_t *cases = json_array(), *types = json_array();
    for (size_t i = 0; i < weir_plugins_count(plugins); i++) {
        const struct weir_plugin *plugin = weir_plugins_at(plugins, i);
        json_array_append_new(types, json_string(plugin->name));
        json_array_append_new(cases, plugin_schema(plugin));
    }
    json_t *type = json_object_get(json_object_get(value, "properties"), "type");
    json_object_del(type, "$ref");
    json_object_set_new(type, "examples", types);
    json_object_set_new(type, "type", json_string("string"));
    json_object_del(value, "additionalProperties");
    if (json_array_size(cases))
        json_object_set(value, "allOf", cases);
    json_decref(cases);
    json_object_set_new(value, "unevaluatedProperties", json_false());
    return value;
}

int weir_config_schema(const struct weir_plugins *plugins, struct weir_buffer *out)
{
    json_t *root = json_pack(
        "{s:s, s:s, s:s}", "$schema", "https://json-schema.org/draft/2020-12/schema", "title",
        "weir configuration", "description", "Generated by `weir check --schema`.");
    json_t *body = table_schema(weir_keys_root);
    json_object_update(root, body);
    json_decref(body);
    json_t *properties = json_object_get(root, "properties");
    json_t *detectors = json_object_get(properties, "detectors");
    json_object_set_new(detectors, "additionalProperties", detector_schema(plugins));
    json_t *all = parsed(defs);
    json_object_set_new(all, "window", table_schema(weir_keys_window));
    json_object_set_new(root, "$defs", all);
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(root);
    if (!text)
        return WEIR_ENOMEM;
    weir_buffer_printf(out, "%s\n", text);
    free(text);
    return out->failed ? WEIR_ENOMEM : 0;
}
