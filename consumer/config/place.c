// SPDX-License-Identifier: Apache-2.0
// From an offset in a value to where it stands in the file.
#include <string.h>

#include "consumer/config/load.h"

struct cursor {
    const char *at, *end;
    struct weir_mark mark;
};

static void step(struct cursor *cursor)
{
    if (*cursor->at == '\n') {
        cursor->mark.line++;
        cursor->mark.column = 1;
    } else if (cursor->at + 1 == cursor->end || (cursor->at[1] & 0xc0) != 0x80) {
        cursor->mark.column++; // columns are characters
    }
    cursor->at++;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// The file says what the value says, with quotes, escapes, indentation and folded lines between.
static void walk(struct cursor *cursor, const char *value, size_t offset)
{
    char quote = *cursor->at == '\'' || *cursor->at == '"' ? *cursor->at : 0;
    if (*cursor->at == '|' || *cursor->at == '>') {
        while (cursor->at < cursor->end && *cursor->at != '\n')
            step(cursor);
    }
    if (quote)
        step(cursor);
    for (size_t i = 0; cursor->at < cursor->end && value[i]; i++) {
        int escaped = cursor->end - cursor->at > 1 &&
                      ((quote == '"' && *cursor->at == '\\') ||
                       (quote == '\'' && *cursor->at == '\'' && cursor->at[1] == '\''));
        if (!escaped && value[i] == ' ' && is_blank(*cursor->at) && *cursor->at != ' ') {
            while (cursor->at < cursor->end && is_blank(*cursor->at))
                step(cursor); // a folded line
            if (i >= offset)
                return;
            continue;
        }
        while (!escaped && cursor->at < cursor->end && *cursor->at != value[i])
            step(cursor);
        if (i >= offset || cursor->at == cursor->end)
            return;
        if (escaped)
            step(cursor);
        step(cursor);
    }
}

static struct weir_mark place(const struct weir_config *config, const struct weir_node *map,
                              const char *key, size_t item, size_t offset,
                              struct weir_mark otherwise)
{
    const struct weir_node *node = map && key ? weir_node_get(map, key) : NULL;
    if (!node)
        return map ? map->key_mark : otherwise;
    if (node->kind == WEIR_NODE_LIST) {
        node = node->first;
        while (item-- && node)
            node = node->next;
        if (!node)
            return otherwise;
    }
    if (node->kind != WEIR_NODE_SCALAR || node->expanded || offset > node->length || !config->text)
        return node->mark;
    struct cursor cursor = {config->text, config->text + config->length, {1, 1}};
    if (config->length >= 3 && !memcmp(config->text, "\xef\xbb\xbf", 3))
        cursor.at += 3;
    while (cursor.at < cursor.end &&
           (cursor.mark.line < node->mark.line || cursor.mark.column < node->mark.column))
        step(&cursor);
    if (cursor.at < cursor.end)
        walk(&cursor, node->text, offset);
    return cursor.at < cursor.end ? cursor.mark : node->mark;
}

struct weir_mark weir_config_place(const struct weir_config *config,
                                   const struct weir_detector_entry *entry, const char *option,
                                   size_t item, size_t offset)
{
    return place(config, entry->node, option, item, offset, entry->mark);
}

struct weir_mark weir_config_field_place(const struct weir_config *config, size_t stream,
                                         const char *field, const char *key, size_t item,
                                         size_t offset)
{
    const struct weir_stream_config *of = &config->streams[stream];
    const struct weir_node *node = config->root;
    const char *const path[] = {"streams", of->info.name, "fields", field};
    for (size_t i = 0; i < 4 && node; i++)
        node = weir_node_get(node, path[i]);
    return place(config, node, key, item, offset, of->mark);
}
