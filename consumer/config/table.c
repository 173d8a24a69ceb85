// SPDX-License-Identifier: Apache-2.0
#include "consumer/config/table.h"

#include <math.h>
#include <string.h>

#include "consumer/config/value.h"

const struct weir_option weir_table_any = {.key = NULL};

int weir_table_is_name(const char *text)
{
    size_t length =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return length > 0 && length < 250 && !text[length] && strcmp(text, ".") && strcmp(text, "..");
}

int weir_table_scalar(struct weir_load *load, struct weir_node *node, const char *where)
{
    if (node->broken)
        return -1;
    if (weir_node_is_null(node)) {
        weir_load_error(load, node->key ? node->key_mark : node->mark,
                        "%s has no value: give it one, or remove the line", where);
        return -1;
    }
    if (node->kind != WEIR_NODE_SCALAR) {
        weir_load_error(load, node->mark, "%s: expected a single value, found %s", where,
                        weir_node_kind_name(node));
        return -1;
    }
    return 0;
}

// What of a value may be shown: as it stands in the file, and not too much of it.
#define SHOWN "%.60s"

static void wrong_value(struct weir_load *load, const struct weir_node *node, const char *where,
                        const char *why)
{
    weir_load_error(load, node->mark, "%s: '" SHOWN "': %s", where, node->source, why);
}

static void print_amount(char *out, size_t size, enum weir_key_type type, double value)
{
    if (type == WEIR_KEY_DURATION)
        weir_value_print_duration(out, size, value);
    else if (type == WEIR_KEY_SIZE)
        weir_value_print_size(out, size, value);
    else
        snprintf(out, size, "%.15g", value);
}

static void out_of_range(struct weir_load *load, const struct weir_node *node, const char *where,
                         enum weir_key_type type, double low, double high)
{
    char from[40], to[40];
    print_amount(from, sizeof from, type, low);
    print_amount(to, sizeof to, type, high);
    if (isinf(high))
        weir_load_error(load, node->mark, "%s: '" SHOWN "' is too small: at least %s", where,
                        node->source, from);
    else
        weir_load_error(load, node->mark, "%s: '" SHOWN "' is out of range: %s to %s", where,
                        node->source, from, to);
}

static int in_range(double value, double low, double high)
{
    return (low == 0 && high == 0) || (value >= low && value <= high);
}

static void wrong_choice(struct weir_load *load, const struct weir_node *node, const char *where,
                         const char *choices)
{
    struct weir_nearest nearest = {0};
    char list[200];
    size_t used = 0;
    for (const char *at = choices; *at;) {
        size_t n = strcspn(at, "|");
        char *word = weir_pool_copy(load->pool, at, n);
        weir_nearest_offer(&nearest, node->text, word);
        int more = snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", word);
        used += more > 0 && (size_t)more < sizeof list - used ? (size_t)more : 0;
        at += n + (at[n] == '|');
    }
    list[used] = 0;
    if (nearest.best)
        weir_load_error(load, node->mark, "%s: there is no '" SHOWN "'; did you mean '%s'? (%s)",
                        where, node->source, nearest.best, list);
    else
        weir_load_error(load, node->mark, "%s: there is no '" SHOWN "': it is one of %s", where,
                        node->source, list);
}

// One parsed scalar, whatever its type.
struct scalar {
    int boolean, choice;
    int64_t integer;
    double number;
};

static int parse_scalar(enum weir_key_type type, const char *text, const char *choices,
                        struct scalar *out, const char **why)
{
    switch (type) {
    case WEIR_KEY_BOOLEAN:
        return weir_value_boolean(text, &out->boolean, why);
    case WEIR_KEY_INTEGER:
    case WEIR_KEY_COUNT:
        if (weir_value_integer(text, &out->integer, why))
            return -1;
        break;
    case WEIR_KEY_DURATION:
        if (weir_value_duration(text, &out->integer, why))
            return -1;
        break;
    case WEIR_KEY_SIZE:
        if (weir_value_size(text, &out->integer, why))
            return -1;
        break;
    case WEIR_KEY_TIME:
        if (weir_value_time(text, &out->integer, why))
            return -1;
        break;
    case WEIR_KEY_NUMBER:
        return weir_value_number(text, &out->number, why);
    case WEIR_KEY_SHARE:
        return weir_value_share(text, &out->number, why);
    case WEIR_KEY_CHOICE:
        out->choice = weir_value_choice(text, choices);
        return 0;
    default:
        return 0;
    }
    out->number = (double)out->integer;
    return 0;
}

static void store(struct weir_load *load, const struct weir_key *row, const struct weir_node *node,
                  const struct scalar *value, void *base)
{
    void *to = (char *)base + row->offset;
    switch (row->type) {
    case WEIR_KEY_BOOLEAN:
        *(int *)to = value->boolean;
        break;
    case WEIR_KEY_COUNT:
        *(int *)to = (int)value->integer;
        break;
    case WEIR_KEY_CHOICE:
        *(int *)to = value->choice + (int)row->low;
        break;
    case WEIR_KEY_INTEGER:
    case WEIR_KEY_DURATION:
    case WEIR_KEY_SIZE:
    case WEIR_KEY_TIME:
        *(int64_t *)to = value->integer;
        break;
    case WEIR_KEY_NUMBER:
    case WEIR_KEY_SHARE:
        *(double *)to = value->number;
        break;
    case WEIR_KEY_PATH:
        *(const char **)to = weir_load_path(load, node->text);
        break;
    default:
        *(const char **)to = node->text;
    }
}

static void read_scalar(struct weir_load *load, const struct weir_key *row, struct weir_node *node,
                        void *base, const char *where)
{
    struct scalar value = {0};
    const char *why = NULL;
    if (weir_table_scalar(load, node, where))
        return;
    if (parse_scalar(row->type, node->text, row->choices, &value, &why))
        wrong_value(load, node, where, why);
    else if (row->type == WEIR_KEY_CHOICE && value.choice < 0)
        wrong_choice(load, node, where, row->choices);
    else if (row->type < WEIR_KEY_STRING && !in_range(value.number, row->low, row->high))
        out_of_range(load, node, where, row->type, row->low, row->high);
    else if (row->type == WEIR_KEY_NAME && !weir_table_is_name(node->text))
        wrong_value(load, node, where, "expected 1 to 249 letters, digits, '.', '_' or '-'");
    else if (row->type == WEIR_KEY_PATH && !node->length)
        wrong_value(load, node, where, "expected a path");
    else
        store(load, row, node, &value, base);
}

static const char *join_path(struct weir_load *load, const char *where, const char *key)
{
    return *where ? weir_pool_printf(load->pool, "%s.%s", where, key) : key;
}

static int is_scalar(enum weir_key_type type)
{
    return type < WEIR_KEY_MAP;
}

static void read_map(struct weir_load *load, const struct weir_key *row, struct weir_node *node,
                     void *base, const char *where)
{
    if (!node && row->flags & WEIR_KEY_LAZY)
        return;
    if (node && weir_node_is_null(node))
        node = NULL;
    weir_table_read(load, row->table, node, (char *)base + row->offset, where, NULL);
}

static int knows(const struct weir_key *table, const struct weir_option *options, const char *key)
{
    for (; table->key; table++) {
        if (!strcmp(table->key, key))
            return 1;
    }
    for (; options && options->key; options++) {
        if (!strcmp(options->key, key))
            return 1;
    }
    return 0;
}

static void report_unknown(struct weir_load *load, const struct weir_key *table,
                           const struct weir_option *options, const struct weir_node *node,
                           const char *where)
{
    struct weir_nearest nearest = {0};
    const char *of = *where ? " in " : "";
    for (const struct weir_key *row = table; row->key; row++)
        weir_nearest_offer(&nearest, node->key, row->key);
    for (; options && options->key; options++)
        weir_nearest_offer(&nearest, node->key, options->key);
    if (nearest.best) {
        weir_load_error(load, node->key_mark, "unknown key '" SHOWN "'%s%s; did you mean '%s'?",
                        node->key, of, where, nearest.best);
        return;
    }
    char list[200];
    size_t used = 0;
    for (; table->key && used < sizeof list; table++) {
        int more = snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", table->key);
        used += (size_t)more;
    }
    weir_load_error(load, node->key_mark, "unknown key '" SHOWN "'%s%s; known are %s%s", node->key,
                    of, where, list, used < sizeof list ? "" : " ...");
}

// The key that stands in the place of a missing one: nobody knows it, and it is like it.
static const struct weir_node *misspelled(const struct weir_node *map, const struct weir_key *table,
                                          const struct weir_option *options, const char *key)
{
    for (const struct weir_node *node = map ? map->first : NULL; node; node = node->next) {
        struct weir_nearest nearest = {0};
        weir_nearest_offer(&nearest, node->key, key);
        if (nearest.best && !knows(table, options, node->key))
            return node;
    }
    return NULL;
}

static void report_missing(struct weir_load *load, const struct weir_key *table,
                           const struct weir_option *options, const struct weir_key *row,
                           const struct weir_node *map, const char *where)
{
    const struct weir_node *instead = misspelled(map, table, options, row->key);
    struct weir_mark mark = {1, 1};
    if (instead) {
        if (options == &weir_table_any) // else every unknown key is reported anyway
            report_unknown(load, table, NULL, instead, where);
        return;
    }
    if (map)
        mark = map->key ? map->key_mark : map->mark;
    weir_load_error(load, mark, "%s is missing: %s", join_path(load, where, row->key), row->help);
}

static void read_row(struct weir_load *load, const struct weir_key *row, struct weir_node *node,
                     void *base, const char *path)
{
    if (is_scalar(row->type)) {
        struct weir_node standin = {.kind = WEIR_NODE_SCALAR};
        if (!node && row->fallback) {
            standin.text = standin.source = row->fallback;
            standin.length = strlen(row->fallback);
            read_scalar(load, row, &standin, base, path);
        } else if (node) {
            read_scalar(load, row, node, base, path);
        }
    } else if (row->type == WEIR_KEY_MAP) {
        read_map(load, row, node, base, path);
    } else {
        row->read(load, row, node, base, path);
    }
}

void weir_table_read(struct weir_load *load, const struct weir_key *table, struct weir_node *map,
                     void *base, const char *where, const struct weir_option *options)
{
    if (map && map->kind != WEIR_NODE_MAP) {
        weir_load_error(load, map->mark, "%s: expected a mapping of keys, found %s", where,
                        weir_node_kind_name(map));
        return;
    }
    int lenient = options == &weir_table_any;
    for (struct weir_node *node = map ? map->first : NULL; node; node = node->next) {
        if (!lenient && !knows(table, options, node->key))
            report_unknown(load, table, options, node, where);
    }
    for (const struct weir_key *row = table; row->key; row++) {
        struct weir_node *node = weir_node_get(map, row->key);
        if (!node && row->flags & WEIR_KEY_REQUIRED)
            report_missing(load, table, options, row, map, where);
        else
            read_row(load, row, node, base, join_path(load, where, row->key));
    }
}

int weir_table_strings(struct weir_load *load, struct weir_node *node, const char *where,
                       const char ***out)
{
    size_t n = node->kind == WEIR_NODE_LIST ? node->n : 1;
    const char **texts = weir_pool_array(load->pool, n, sizeof *texts);
    if (node->kind != WEIR_NODE_LIST) {
        if (weir_table_scalar(load, node, where))
            return -1;
        texts[0] = node->text;
    } else {
        size_t i = 0;
        for (struct weir_node *item = node->first; item; item = item->next) {
            if (weir_table_scalar(load, item, where))
                return -1;
            texts[i++] = item->text;
        }
    }
    *out = texts;
    return (int)n;
}

// ---- options of plug-ins

static const enum weir_key_type option_types[] = {
    [WEIR_OPTION_BOOLEAN] = WEIR_KEY_BOOLEAN,   [WEIR_OPTION_INTEGER] = WEIR_KEY_INTEGER,
    [WEIR_OPTION_NUMBER] = WEIR_KEY_NUMBER,     [WEIR_OPTION_SHARE] = WEIR_KEY_SHARE,
    [WEIR_OPTION_DURATION] = WEIR_KEY_DURATION, [WEIR_OPTION_SIZE] = WEIR_KEY_SIZE,
    [WEIR_OPTION_STRING] = WEIR_KEY_STRING,     [WEIR_OPTION_CHOICE] = WEIR_KEY_CHOICE,
    [WEIR_OPTION_FIELD] = WEIR_KEY_STRING,      [WEIR_OPTION_STRINGS] = WEIR_KEY_STRING,
    [WEIR_OPTION_STREAM] = WEIR_KEY_STRING};

static void read_field_option(struct weir_load *load, const struct weir_node *node,
                              const char *where, const struct weir_stream *stream,
                              struct weir_option_value *out)
{
    struct weir_nearest nearest = {0};
    out->string = node->text;
    out->integer = stream ? weir_stream_field(stream, node->text) : -1;
    out->set = 1;
    if (out->integer >= 0 || !stream || !stream->closed)
        return;
    for (size_t i = 0; i < stream->n_fields; i++)
        weir_nearest_offer(&nearest, node->text, stream->fields[i].name);
    weir_load_error(load, node->mark, "%s: the stream %s has no field '" SHOWN "'%s%s%s", where,
                    stream->name, node->source, nearest.best ? "; did you mean '" : "",
                    nearest.best ? nearest.best : "", nearest.best ? "'?" : "");
}

static void read_option(struct weir_load *load, const struct weir_option *option,
                        struct weir_node *node, const char *where, const struct weir_stream *stream,
                        struct weir_option_value *out)
{
    struct scalar value = {0};
    const char *why = NULL;
    if (option->type == WEIR_OPTION_STRINGS) {
        const char **texts;
        int n = weir_table_strings(load, node, where, &texts);
        if (n >= 0) {
            out->strings = texts;
            out->n_strings = (size_t)n;
            out->set = 1;
        }
        return;
    }
    if (weir_table_scalar(load, node, where))
        return;
    if (option->type == WEIR_OPTION_FIELD) {
        read_field_option(load, node, where, stream, out);
        return;
    }
    enum weir_key_type type = option_types[option->type];
    int ranged = option->type != WEIR_OPTION_CHOICE && option->type != WEIR_OPTION_STRING &&
                 option->type != WEIR_OPTION_BOOLEAN && option->type != WEIR_OPTION_STREAM;
    if (parse_scalar(type, node->text, option->choices, &value, &why))
        wrong_value(load, node, where, why);
    else if (option->type == WEIR_OPTION_CHOICE && value.choice < 0)
        wrong_choice(load, node, where, option->choices);
    else if (ranged && !in_range(value.number, option->low, option->high))
        out_of_range(load, node, where, type, option->low, option->high);
    else {
        out->set = 1;
        out->integer = option->type == WEIR_OPTION_BOOLEAN  ? value.boolean
                       : option->type == WEIR_OPTION_CHOICE ? value.choice
                                                            : value.integer;
        out->number = value.number;
        out->string = option->type >= WEIR_OPTION_STRING ? node->text : NULL;
    }
}

static struct weir_node *scalar_node(struct weir_load *load, const char *text, size_t length,
                                     struct weir_mark mark)
{
    struct weir_node *node = weir_pool_alloc(load->pool, sizeof *node);
    node->text = node->source = weir_pool_copy(load->pool, text, length);
    node->length = length;
    node->mark = mark;
    return node;
}

// A default as if it stood in the file: "5m", or "[a, b]" for lists.
static struct weir_node *fallback_node(struct weir_load *load, const struct weir_option *option,
                                       struct weir_mark mark)
{
    const char *at = option->fallback;
    if (option->type != WEIR_OPTION_STRINGS || *at != '[')
        return scalar_node(load, at, strlen(at), mark);
    struct weir_node *list = scalar_node(load, at, strlen(at), mark);
    list->kind = WEIR_NODE_LIST;
    for (at += 1 + strspn(at + 1, " ,"); *at && *at != ']'; at += strspn(at, " ,")) {
        size_t length = strcspn(at, " ,]");
        struct weir_node *item = scalar_node(load, at, length, mark);
        if (list->last)
            list->last->next = item;
        else
            list->first = item;
        list->last = item;
        list->n++;
        at += length;
    }
    return list;
}

struct weir_option_value *weir_table_options(struct weir_load *load,
                                             const struct weir_option *options,
                                             struct weir_node *map, const char *where,
                                             const struct weir_stream *stream)
{
    size_t n = 0;
    while (options && options[n].key)
        n++;
    struct weir_option_value *values = weir_pool_array(load->pool, n, sizeof *values);
    for (size_t i = 0; i < n; i++) {
        const struct weir_option *option = &options[i];
        struct weir_node *node = weir_node_get(map, option->key);
        const char *path = join_path(load, where, option->key);
        if (node) {
            read_option(load, option, node, path, stream, &values[i]);
        } else if (option->fallback) {
            struct weir_node *standin = fallback_node(load, option, map->mark);
            read_option(load, option, standin, path, stream, &values[i]);
        } else if (option->flags & WEIR_OPTION_REQUIRED) {
            weir_load_error(load, map->key_mark, "%s is missing: %s", path, option->help);
        }
    }
    return values;
}

void weir_keep_node(struct weir_load *load, const struct weir_key *key, struct weir_node *node,
                    void *base, const char *where)
{
    (void)load;
    (void)where;
    *(struct weir_node **)(void *)((char *)base + key->offset) = node;
}
