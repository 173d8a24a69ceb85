// SPDX-License-Identifier: Apache-2.0
// `defaults:` and `detectors:`.
#include <string.h>

#include "consumer/config/table.h"
#include "consumer/config/value.h"
#include "consumer/host/plugins.h"

enum { DETECTORS = 1000 };

// What `window:` says over what holds without it.
static void read_window(struct weir_load *load, struct weir_node *node,
                        struct weir_window_spec *window, const char *where)
{
    if (!node || weir_node_is_null(node))
        return;
    struct weir_window_spec given = *window;
    size_t errors = load->problems->errors;
    given.hop = 0;
    weir_table_read(load, weir_keys_window, node, &given, where, NULL);
    if (load->problems->errors > errors)
        return;
    struct weir_node *size = weir_node_get(node, "size"), *hop = weir_node_get(node, "hop");
    struct weir_node *records = weir_node_get(node, "records");
    if (records && (size || hop)) {
        weir_load_error(load, records->key_mark,
                        "%s: a window is either of records or of event "
                        "time: remove records, or size and hop",
                        where);
        return;
    }
    if (records) {
        given.size = given.hop = 0;
        *window = given;
        return;
    }
    if (size)
        given.records = 0;
    // The hop of the defaults goes with their size.
    if (!hop)
        given.hop = size ? given.size : window->hop;
    if (given.hop > given.size && !given.records)
        weir_load_error(load, hop ? hop->mark : node->mark,
                        "%s.hop: it is longer than the size, "
                        "so records would fall between windows; at most the size",
                        where);
    else if (given.hop && given.size % given.hop)
        weir_load_error(load, hop ? hop->mark : node->mark,
                        "%s.hop: it does not divide the size "
                        "without rest; take a half, a third, a quarter ... of it",
                        where);
    struct weir_node *lateness = weir_node_get(node, "lateness");
    if (lateness && given.lateness > 30 * 86400000LL)
        weir_load_error(load, lateness->mark,
                        "%s.lateness: '%.60s' is over 30 days, and every "
                        "window would be held open so long; for late labels use `join: {within: "
                        "...}`",
                        where, lateness->source);
    else if (lateness && given.size && given.lateness > 100 * given.size)
        weir_load_warning(load, lateness->mark,
                          "%s.lateness: it is over 100 windows long, all of "
                          "which are held open",
                          where);
    if (load->problems->errors == errors)
        *window = given;
}

void weir_read_window(struct weir_load *load, const struct weir_key *key, struct weir_node *node,
                      void *base, const char *where)
{
    read_window(load, node, (struct weir_window_spec *)(void *)((char *)base + key->offset), where);
}

void weir_read_defaults(struct weir_load *load, const struct weir_key *key, struct weir_node *node,
                        void *base, const char *where)
{
    (void)base;
    load->window = (struct weir_window_spec){.size = 300000, .hop = 300000, .lateness = 30000};
    load->open_after = load->resolve_after = -1;
    load->severity = -1;
    weir_table_read(load, key->table, weir_node_is_null(node) ? NULL : node, load, where, NULL);
}

// ---- one detector

static const char *suggest_field(const struct weir_stream *stream, const char *name)
{
    struct weir_nearest nearest = {0};
    for (size_t i = 0; i < stream->n_fields; i++)
        weir_nearest_offer(&nearest, name, stream->fields[i].name);
    return nearest.best;
}

// The field's index; -1 where the stream does not declare it, which is a fault if it is closed.
static int find_field(struct weir_load *load, const struct weir_stream *stream,
                      const struct weir_node *node, const char *where)
{
    int at = weir_stream_field(stream, node->text);
    if (at >= 0 || !stream->closed)
        return at;
    const char *near = suggest_field(stream, node->text);
    weir_load_error(load, node->mark,
                    "%s: the stream %s has no field '%.60s', and it is closed%s"
                    "%s%s",
                    where, stream->name, node->source, near ? "; did you mean '" : "",
                    near ? near : "", near ? "'?" : "");
    return -1;
}

// Walks a single value or a list of them.
static struct weir_node *items(struct weir_node *node)
{
    return node->kind == WEIR_NODE_LIST ? node->first : node;
}

static size_t count(const struct weir_node *node)
{
    return node->kind == WEIR_NODE_LIST ? node->n : 1;
}

static struct weir_node *next_item(const struct weir_node *list, const struct weir_node *item)
{
    return list->kind == WEIR_NODE_LIST ? item->next : NULL;
}

static void read_fields(struct weir_load *load, struct weir_detector_entry *entry,
                        const struct weir_stream *stream, struct weir_node *node, const char *where)
{
    if (!node)
        return;
    const char *path = weir_pool_printf(load->pool, "%s.fields", where);
    const char **texts;
    int n = weir_table_strings(load, node, path, &texts);
    if (n < 0)
        return;
    if (!n)
        weir_load_error(load, node->mark, "%s is empty: name a field, or remove the line", path);
    entry->fields = weir_pool_array(load->pool, (size_t)n + 1, sizeof *entry->fields);
    entry->field_names = weir_pool_array(load->pool, (size_t)n, sizeof *entry->field_names);
    for (struct weir_node *item = n ? items(node) : NULL; item; item = next_item(node, item)) {
        int at = find_field(load, stream, item, path);
        if (at >= 0)
            entry->fields[entry->n_fields++] = at;
        else
            entry->field_names[entry->n_field_names++] = item->text;
    }
}

static void read_by(struct weir_load *load, struct weir_detector_entry *entry,
                    const struct weir_stream *stream, struct weir_node *node, const char *where)
{
    if (!node)
        return;
    const char *path = weir_pool_printf(load->pool, "%s.by", where);
    size_t n = count(node), k = 0;
    entry->by = weir_pool_array(load->pool, n, sizeof *entry->by);
    entry->by_names = weir_pool_array(load->pool, n, sizeof *entry->by_names);
    entry->n_by_fields = weir_pool_array(load->pool, n, sizeof *entry->n_by_fields);
    for (struct weir_node *item = n ? items(node) : NULL; item; item = next_item(node, item)) {
        const char **names;
        int m = weir_table_strings(load, item, path, &names);
        if (m < 0)
            return;
        if (m == 0 || m > 4) {
            weir_load_error(load, item->mark, "%s: a slice is made of 1 to 4 fields", path);
            return;
        }
        entry->by[k] = weir_pool_array(load->pool, (size_t)m, sizeof **entry->by);
        entry->by_names[k] = names;
        entry->n_by_fields[k] = (size_t)m;
        int i = 0;
        for (struct weir_node *name = items(item); name; name = next_item(item, name))
            entry->by[k][i++] = find_field(load, stream, name, path);
        k++;
    }
    entry->n_by = k;
}

static int find_reference(struct weir_load *load, const struct weir_node *node, const char *where)
{
    struct weir_nearest nearest = {0};
    const struct weir_config *config = load->config;
    for (size_t i = 0; i < config->n_references; i++) {
        if (!strcmp(config->references[i].name, node->text)) {
            load->reference_used[i] = 1;
            return (int)i;
        }
        weir_nearest_offer(&nearest, node->text, config->references[i].name);
    }
    weir_load_error(load, node->mark, "%s: there is no reference '%.60s'%s%s%s", where,
                    node->source, nearest.best ? "; did you mean '" : " under `references:`",
                    nearest.best ? nearest.best : "", nearest.best ? "'?" : "");
    return -1;
}

static void read_references(struct weir_load *load, struct weir_detector_entry *entry,
                            struct weir_node *node, const char *where)
{
    if (!node)
        return;
    const char *path = weir_pool_printf(load->pool, "%s.reference", where);
    const char **names;
    int n = weir_table_strings(load, node, path, &names);
    if (n <= 0)
        return;
    entry->references = weir_pool_array(load->pool, (size_t)n, sizeof *entry->references);
    for (struct weir_node *item = items(node); item; item = next_item(node, item)) {
        int at = find_reference(load, item, path);
        if (at >= 0)
            entry->references[entry->n_references++] = at;
    }
}

static const struct weir_plugin *find_plugin(struct weir_load *load, const char *type,
                                             const struct weir_node *node, const char *where)
{
    const struct weir_plugin *plugin =
        load->plugins ? weir_plugins_find(load->plugins, type) : NULL;
    if (plugin)
        return plugin;
    struct weir_nearest nearest = {0};
    for (size_t i = 0; load->plugins && i < weir_plugins_count(load->plugins); i++)
        weir_nearest_offer(&nearest, type, weir_plugins_at(load->plugins, i)->name);
    weir_load_error(load, node->mark, "%s.type: there is no detector type '%.60s'%s%s%s", where,
                    node->source, nearest.best ? "; did you mean '" : "; see `weir detectors`",
                    nearest.best ? nearest.best : "", nearest.best ? "'?" : "");
    return NULL;
}

static int find_stream(struct weir_load *load, const char *name, const struct weir_node *node,
                       const char *where)
{
    int at = weir_load_stream(load->config, name);
    if (at >= 0)
        return at;
    struct weir_nearest nearest = {0};
    for (size_t i = 0; i < load->config->n_streams; i++)
        weir_nearest_offer(&nearest, name, load->config->streams[i].info.name);
    weir_load_error(load, node->mark, "%s.stream: there is no stream '%.60s'%s%s%s", where,
                    node->source, nearest.best ? "; did you mean '" : " under `streams:`",
                    nearest.best ? nearest.best : "", nearest.best ? "'?" : "");
    return -1;
}

static void read_detector(struct weir_load *load, struct weir_node *node,
                          struct weir_detector_entry *entry, const char *where)
{
    struct weir_detector_read read = {.open_after = load->open_after,
                                      .resolve_after = load->resolve_after,
                                      .repeat = load->repeat,
                                      .severity = load->severity};
    struct weir_node *type = weir_node_get(node, "type");
    entry->name = node->key;
    entry->mark = node->key_mark;
    entry->node = node;
    entry->stream = -1;
    if (type && type->kind == WEIR_NODE_SCALAR && !weir_node_is_null(type))
        entry->plugin = find_plugin(load, type->text, type, where);
    // Without its plug-in a detector's own keys are not known: only the common ones are read.
    weir_table_read(load, weir_keys_detector, node, &read, where,
                    entry->plugin ? entry->plugin->options : &weir_table_any);
    entry->type = read.type;
    entry->window = load->window;
    entry->open_after = read.open_after;
    entry->resolve_after = read.resolve_after;
    entry->repeat = read.repeat;
    entry->severity = read.severity;
    entry->runbook = read.runbook;
    read_window(load, read.window, &entry->window,
                weir_pool_printf(load->pool, "%s.window", where));
    read_references(load, entry, read.reference, where);
    if (read.stream)
        entry->stream = find_stream(load, read.stream, weir_node_get(node, "stream"), where);
    const struct weir_stream *stream =
        entry->stream >= 0 ? &load->config->streams[entry->stream].info : NULL;
    if (stream) {
        read_fields(load, entry, stream, read.fields, where);
        read_by(load, entry, stream, read.by, where);
    }
    if (entry->plugin)
        entry->options = weir_table_options(load, entry->plugin->options, node, where, stream);
}

void weir_read_detectors(struct weir_load *load, const struct weir_key *key, struct weir_node *map,
                         void *base, const char *where)
{
    struct weir_config *config = base;
    (void)key;
    if (!map || weir_node_is_null(map)) {
        weir_load_warning(load, map ? map->key_mark : (struct weir_mark){1, 1},
                          "there are no detectors: nothing will be found; see `weir detectors`");
        return;
    }
    if (map->kind != WEIR_NODE_MAP || map->n > DETECTORS) {
        weir_load_error(load, map->mark, "%s: expected up to %d detectors by name", where,
                        DETECTORS);
        return;
    }
    config->detectors = weir_pool_array(load->pool, map->n, sizeof *config->detectors);
    for (struct weir_node *node = map->first; node; node = node->next) {
        struct weir_detector_entry *entry = &config->detectors[config->n_detectors++];
        const char *path = weir_pool_printf(load->pool, "%s.%s", where, node->key);
        if (!weir_table_is_name(node->key))
            weir_load_error(load, node->key_mark,
                            "%s: a detector's name has letters, digits, "
                            "'.', '_' or '-'",
                            path);
        if (node->kind != WEIR_NODE_MAP)
            weir_load_error(load, node->mark,
                            "%s: expected a mapping such as {type: drift, "
                            "stream: S}, found %s",
                            path, weir_node_kind_name(node));
        else
            read_detector(load, node, entry, path);
    }
}

void weir_read_plugins(struct weir_load *load, const struct weir_key *key, struct weir_node *node,
                       void *base, const char *where)
{
    struct weir_config *config = base;
    const char **folders;
    (void)key;
    if (!node || weir_node_is_null(node))
        return;
    int n = weir_table_strings(load, node, where, &folders);
    if (n < 0)
        return;
    config->plugins = folders;
    struct weir_node *item = n ? items(node) : NULL;
    for (size_t i = 0; item; i++, item = next_item(node, item)) {
        struct weir_error error = {0};
        folders[i] = weir_load_path(load, folders[i]);
        config->n_plugins++;
        if (load->plugins && weir_plugins_add(load->plugins, folders[i], &error))
            weir_load_error(load, item->mark, "%s: %s", where, error.message);
    }
}
