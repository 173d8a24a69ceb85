// SPDX-License-Identifier: Apache-2.0
// `streams:` and `references:`.
#include <limits.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "consumer/config/table.h"
#include "consumer/config/value.h"

enum { STREAMS = 1000, FIELDS = 10000, SLICE_FIELDS = 16, NOT_SAID = -1 };

int weir_load_stream(const struct weir_config *config, const char *name)
{
    for (size_t i = 0; i < config->n_streams; i++) {
        if (!strcmp(config->streams[i].info.name, name))
            return (int)i;
    }
    return -1;
}

int weir_stream_field(const struct weir_stream *stream, const char *name)
{
    for (size_t i = 0; i < stream->n_fields; i++) {
        if (!strcmp(stream->fields[i].name, name))
            return (int)i;
    }
    return -1;
}

void weir_read_time(struct weir_load *load, const struct weir_key *key, struct weir_node *node,
                    void *base, const char *where)
{
    struct time_read {
        const char *field;
        int unit;
    } read = {0};
    static const struct weir_key keys[] = {{.key = "field",
                                            .type = WEIR_KEY_STRING,
                                            .offset = offsetof(struct time_read, field),
                                            .flags = WEIR_KEY_REQUIRED,
                                            .help = "the field with the event time."},
                                           {.key = "unit",
                                            .type = WEIR_KEY_CHOICE,
                                            .offset = offsetof(struct time_read, unit),
                                            .low = WEIR_TIME_S,
                                            .choices = "s|ms|us|ns",
                                            .help = "the unit of its integers."},
                                           {.key = NULL}};
    struct weir_stream_read *stream = base;
    (void)key;
    if (!node)
        return;
    if (node->kind == WEIR_NODE_MAP)
        weir_table_read(load, keys, node, &read, where, NULL);
    else if (!weir_table_scalar(load, node, where))
        read.field = node->text;
    stream->time = read.field;
    stream->config.time_unit = (enum weir_time_unit)read.unit;
}

static int two_items(struct weir_load *load, struct weir_node *node, const char *where,
                     const char *form)
{
    if (node->kind == WEIR_NODE_LIST && node->n == 2 && node->first->kind == WEIR_NODE_SCALAR &&
        node->last->kind == WEIR_NODE_SCALAR)
        return 0;
    weir_load_error(load, node->mark, "%s: expected %s", where, form);
    return -1;
}

void weir_read_range(struct weir_load *load, const struct weir_key *key, struct weir_node *node,
                     void *base, const char *where)
{
    struct weir_field *field = base;
    const char *why;
    (void)key;
    if (!node || two_items(load, node, where, "two numbers, [LOW, HIGH]"))
        return;
    struct weir_node *bad = weir_value_number(node->first->text, &field->low, &why)   ? node->first
                            : weir_value_number(node->last->text, &field->high, &why) ? node->last
                                                                                      : NULL;
    if (bad)
        weir_load_error(load, bad->mark, "%s: '%.60s': %s", where, bad->source, why);
    else if (field->low > field->high)
        weir_load_error(load, node->mark, "%s: the low end %.60s is above the high end %.60s",
                        where, node->first->source, node->last->source);
    else
        field->has_range = 1;
}

void weir_read_length(struct weir_load *load, const struct weir_key *key, struct weir_node *node,
                      void *base, const char *where)
{
    struct weir_field *field = base;
    const char *why;
    (void)key;
    if (!node)
        return;
    struct weir_node *first = node, *last = node;
    if (node->kind != WEIR_NODE_SCALAR) {
        if (two_items(load, node, where, "[SHORTEST, LONGEST], or one number"))
            return;
        first = node->first;
        last = node->last;
    }
    struct weir_node *bad = weir_value_integer(first->text, &field->shortest, &why) ? first
                            : weir_value_integer(last->text, &field->longest, &why) ? last
                                                                                    : NULL;
    if (bad)
        weir_load_error(load, bad->mark, "%s: '%.60s': %s", where, bad->source, why);
    else if (field->shortest < 0 || field->shortest > field->longest)
        weir_load_error(load, node->mark,
                        "%s: a length is not negative, and the shortest is not "
                        "above the longest",
                        where);
    else
        field->has_length = 1;
}

void weir_read_values(struct weir_load *load, const struct weir_key *key, struct weir_node *node,
                      void *base, const char *where)
{
    struct weir_field *field = base;
    const char **values;
    (void)key;
    if (!node)
        return;
    if (node->kind == WEIR_NODE_LIST && !node->n) {
        weir_load_error(load, node->mark, "%s is empty: no value would be legal", where);
        return;
    }
    int n = weir_table_strings(load, node, where, &values);
    if (n > 0) {
        field->values = values;
        field->n_values = (size_t)n;
    }
}

void weir_read_sentinels(struct weir_load *load, const struct weir_key *key, struct weir_node *node,
                         void *base, const char *where)
{
    struct weir_field_more *more = &((struct weir_field_read *)base)->more;
    const char **values;
    int n = node ? weir_table_strings(load, node, where, &values) : 0;
    (void)key;
    if (n > 0) {
        more->sentinels = values;
        more->n_sentinels = (size_t)n;
    }
}

// ---- one stream

static void check_field(struct weir_load *load, const struct weir_field *field,
                        const struct weir_node *node, const char *where)
{
    int textual = field->type == WEIR_TYPE_STRING || field->type == WEIR_TYPE_UNKNOWN;
    int numeric = field->type == WEIR_TYPE_LONG || field->type == WEIR_TYPE_DOUBLE ||
                  field->type == WEIR_TYPE_UNKNOWN;
    if (field->has_range && !numeric)
        weir_load_error(load, weir_node_get(node, "range")->key_mark,
                        "%s.range: a range is for numbers, and the type is %s", where,
                        weir_type_name(field->type));
    if (field->pattern && !textual)
        weir_load_error(load, weir_node_get(node, "pattern")->key_mark,
                        "%s.pattern: a pattern is for strings, and the type is %s", where,
                        weir_type_name(field->type));
    if (weir_node_get(node, "precision") && !numeric)
        weir_load_error(load, weir_node_get(node, "precision")->key_mark,
                        "%s.precision: decimals are for numbers, and the type is %s", where,
                        weir_type_name(field->type));
    static const char *const non_finite[] = {"nan", "infinite"};
    for (int i = 0; i < 2; i++) {
        const struct weir_node *key = weir_node_get(node, non_finite[i]);
        if (key && field->type != WEIR_TYPE_DOUBLE && field->type != WEIR_TYPE_UNKNOWN)
            weir_load_error(load, key->key_mark,
                            "%s.%s: only a double can be NaN or infinite, and the type is %s",
                            where, non_finite[i], weir_type_name(field->type));
    }
    if (field->role == WEIR_ROLE_SCORE && field->type == WEIR_TYPE_STRING)
        weir_load_error(load, node->key_mark, "%s: a score is a number, and the type is string",
                        where);
}

static void read_field(struct weir_load *load, struct weir_stream_read *stream,
                       struct weir_node *node, struct weir_field *out,
                       const struct weir_field_more **more, const char *where)
{
    const char *path = weir_pool_printf(load->pool, "%s.fields.%s", where, node->key);
    struct weir_field_read *read = weir_pool_alloc(load->pool, sizeof *read);
    struct weir_field *field = &read->field;
    int avro = stream->config.format <= WEIR_FORMAT_AVRO_PLAIN;
    field->name = node->key;
    field->declared = 1;
    field->nullable = field->optional = avro ? NOT_SAID : 0;
    if (!*node->key)
        weir_load_error(load, node->key_mark, "%s.fields: a field without a name", where);
    read->more.precision = -1;
    weir_table_read(load, weir_keys_field, weir_node_is_null(node) ? NULL : node, read, path, NULL);
    int type = (int)field->type;
    if (type > WEIR_TYPE_BYTES)
        field->type = type == WEIR_TYPE_BYTES + 1 ? WEIR_TYPE_LONG : WEIR_TYPE_DOUBLE;
    size_t length = strlen(field->name);
    field->is_list = length > 2 && !strcmp(field->name + length - 2, "[]");
    check_field(load, field, node, path);
    if (!weir_node_get(node, "role")) {
        if (stream->key && !strcmp(stream->key, field->name))
            field->role = WEIR_ROLE_KEY;
        else if (stream->time && !strcmp(stream->time, field->name))
            field->role = WEIR_ROLE_TIME;
    }
    *out = *field;
    if (read->more.precision >= 0 || read->more.n_sentinels || read->more.nan ||
        read->more.infinite)
        *more = &read->more;
}

// The index of the key or time field; one that is not declared is added.
static int special_field(struct weir_stream *info, struct weir_field *fields, const char *name,
                         enum weir_role role)
{
    int at = weir_stream_field(info, name);
    if (at >= 0)
        return at;
    struct weir_field *field = &fields[info->n_fields];
    field->name = name;
    field->role = role;
    field->nullable = field->optional = NOT_SAID;
    return (int)info->n_fields++;
}

static void read_fields(struct weir_load *load, struct weir_stream_read *stream, const char *where)
{
    struct weir_stream *info = &stream->config.info;
    struct weir_node *map = stream->fields;
    if (map && weir_node_is_null(map))
        map = NULL;
    if (map && map->kind != WEIR_NODE_MAP) {
        weir_load_error(load, map->mark, "%s.fields: expected a mapping of fields, found %s", where,
                        weir_node_kind_name(map));
        map = NULL;
    }
    if (map && map->n > FIELDS) {
        weir_load_error(load, map->mark, "%s.fields: over %d fields", where, FIELDS);
        map = NULL;
    }
    struct weir_field *fields = weir_pool_array(load->pool, (map ? map->n : 0) + 2, sizeof *fields);
    const struct weir_field_more **more =
        weir_pool_array(load->pool, (map ? map->n : 0) + 2, sizeof *more);
    info->fields = fields;
    info->more = more;
    for (struct weir_node *node = map ? map->first : NULL; node; node = node->next) {
        size_t at = info->n_fields++;
        read_field(load, stream, node, &fields[at], &more[at], where);
    }
    info->key = info->time = -1;
    if (stream->key && !strcmp(stream->key, "$key"))
        stream->config.key_is_kafka = 1;
    else if (stream->key)
        info->key = special_field(info, fields, stream->key, WEIR_ROLE_KEY);
    if (stream->time)
        info->time = special_field(info, fields, stream->time, WEIR_ROLE_TIME);
}

static void check_format(struct weir_load *load, const struct weir_stream_read *stream,
                         const struct weir_node *node, const char *where)
{
    int kafka = weir_node_get(load->root, "kafka") != NULL;
    enum weir_format format = stream->config.format;
    int given = weir_node_get(node, "format") != NULL;
    int by_file = format == WEIR_FORMAT_AVRO_SINGLE_OBJECT || format == WEIR_FORMAT_AVRO_PLAIN;
    if (kafka && !given)
        weir_load_error(load, node->key_mark,
                        "%s.format is missing: say how its values are "
                        "written (avro, avro_single_object, avro_plain, json, csv)",
                        where);
    if (kafka && !weir_node_get(node, "topic"))
        weir_load_error(load, node->key_mark, "%s.topic is missing: the Kafka topic to read",
                        where);
    if (given && kafka && format == WEIR_FORMAT_AVRO && !weir_node_get(load->root, "registry"))
        weir_load_error(load, weir_node_get(node, "format")->mark,
                        "%s.format: avro needs the "
                        "schema registry: add `registry: {url: ...}`, or use avro_plain or "
                        "avro_single_object with `schema`",
                        where);
    if (given && by_file && !stream->config.schema)
        weir_load_error(load, weir_node_get(node, "format")->mark,
                        "%s.format: this format needs "
                        "`schema: PATH`, the Avro schema's file",
                        where);
    if (stream->config.schema && given && !by_file)
        weir_load_error(load, weir_node_get(node, "schema")->key_mark,
                        "%s.schema: only "
                        "avro_single_object and avro_plain take one",
                        where);
    if (stream->config.schema && access(stream->config.schema, R_OK))
        weir_load_error(load, weir_node_get(node, "schema")->mark,
                        "%s.schema: %s cannot be read "
                        "(%m)",
                        where, stream->config.schema);
}

void weir_read_streams(struct weir_load *load, const struct weir_key *key, struct weir_node *map,
                       void *base, const char *where)
{
    struct weir_config *config = base;
    (void)key;
    if (!map || map->kind != WEIR_NODE_MAP || !map->n || map->n > STREAMS) {
        weir_load_error(load, map ? map->mark : (struct weir_mark){1, 1},
                        "%s: expected 1 to %d streams by name", where, STREAMS);
        return;
    }
    config->streams = weir_pool_array(load->pool, map->n, sizeof *config->streams);
    for (struct weir_node *node = map->first; node; node = node->next) {
        struct weir_stream_read *stream = weir_pool_alloc(load->pool, sizeof *stream);
        const char *path = weir_pool_printf(load->pool, "%s.%s", where, node->key);
        if (!weir_table_is_name(node->key))
            weir_load_error(load, node->key_mark,
                            "%s: a stream's name has letters, digits, '.', "
                            "'_' or '-'",
                            path);
        stream->config.format = WEIR_FORMAT_JSON;
        stream->config.join_to = -1;
        stream->config.mark = node->key_mark;
        stream->config.info.name = node->key;
        weir_table_read(load, weir_keys_stream, node, stream, path, NULL);
        read_fields(load, stream, path);
        check_format(load, stream, node, path);
        config->streams[config->n_streams++] = stream->config;
    }
}

// ---- references

// {route: web, country: JP}
void weir_read_slice(struct weir_load *load, const struct weir_key *key, struct weir_node *node,
                     void *base, const char *where)
{
    struct weir_reference_config *reference = base;
    (void)key;
    if (!node)
        return;
    if (node->kind != WEIR_NODE_MAP || !node->n || node->n > SLICE_FIELDS) {
        weir_load_error(load, node->mark,
                        "%s: expected up to %d fields with their values, such as {route: web}",
                        where, SLICE_FIELDS);
        return;
    }
    reference->slice_fields = weir_pool_array(load->pool, node->n, sizeof(const char *));
    reference->slice_values = weir_pool_array(load->pool, node->n, sizeof(const char *));
    for (struct weir_node *item = node->first; item; item = item->next) {
        if (item->kind != WEIR_NODE_SCALAR) {
            weir_load_error(load, item->mark, "%s.%s: expected a value, found %s", where, item->key,
                            weir_node_kind_name(item));
            continue;
        }
        reference->slice_fields[reference->n_slice] = item->key;
        reference->slice_values[reference->n_slice++] = item->text;
    }
}

static void read_reference(struct weir_load *load, struct weir_node *node,
                           struct weir_reference_config *reference, const char *where)
{
    static const char *const kinds[] = {"profile", "previous", "same_hour",
                                        "from",    "model",    "slice"};
    int kind = -1, given = 0;
    weir_table_read(load, weir_keys_reference, node, reference, where, NULL);
    for (int i = 0; i < (int)(sizeof kinds / sizeof *kinds); i++) {
        if (weir_node_get(node, kinds[i])) {
            kind = i;
            given++;
        }
    }
    if (given != 1) {
        weir_load_error(load, node->key_mark,
                        "%s: expected exactly one of profile, previous, "
                        "same_hour, from with to, model, or slice",
                        where);
        return;
    }
    reference->kind = (enum weir_reference_kind)kind;
    struct weir_node *from = weir_node_get(node, "from"), *to = weir_node_get(node, "to");
    if ((from != NULL) != (to != NULL))
        weir_load_error(load, node->key_mark, "%s: from and to belong together", where);
    else if (from && reference->from >= reference->to && reference->to)
        weir_load_error(load, to->mark, "%s.to: '%.60s' is not after from", where, to->source);
}

void weir_load_profile(struct weir_load *load, const struct weir_node *node, const char *profile,
                       const char *where)
{
    if (!profile || load->flags & WEIR_CONFIG_WITHOUT_PROFILES || !access(profile, R_OK))
        return;
    weir_load_error(load, node->mark,
                    "%s: there is no profile %s (%m); make it with `weir "
                    "profile -c FILE -s STREAM -i DATA -o %s`",
                    where, profile, profile);
}

void weir_read_references(struct weir_load *load, const struct weir_key *key, struct weir_node *map,
                          void *base, const char *where)
{
    struct weir_config *config = base;
    (void)key;
    if (!map || weir_node_is_null(map))
        return;
    if (map->kind != WEIR_NODE_MAP || map->n > STREAMS) {
        weir_load_error(load, map->mark, "%s: expected up to %d references by name", where,
                        STREAMS);
        return;
    }
    config->references = weir_pool_array(load->pool, map->n, sizeof *config->references);
    load->reference_used = weir_pool_array(load->pool, map->n, sizeof *load->reference_used);
    for (struct weir_node *node = map->first; node; node = node->next) {
        struct weir_reference_config *reference = &config->references[config->n_references++];
        const char *path = weir_pool_printf(load->pool, "%s.%s", where, node->key);
        reference->name = node->key;
        reference->mark = node->key_mark;
        if (node->kind != WEIR_NODE_MAP) {
            weir_load_error(load, node->mark,
                            "%s: expected a mapping such as {profile: PATH}, "
                            "found %s",
                            path, weir_node_kind_name(node));
            continue;
        }
        read_reference(load, node, reference, path);
        if (reference->profile)
            weir_load_profile(load, weir_node_get(node, "profile"), reference->profile, path);
    }
}
