// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <yaml.h>

#include "consumer/config/load.h"

enum { DEPTH = 32, NODES = 100000, SCALAR = 1 << 20 };

struct builder {
    struct weir_load *load;
    struct weir_node *stack[DEPTH + 1];
    size_t depth; // open lists and maps
    size_t nodes;
    const char *key; // a map's key that waits for its value
    struct weir_mark key_mark;
    struct weir_node *root;
};

static struct weir_mark mark_of(yaml_mark_t mark)
{
    struct weir_mark at = {(uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
    return at;
}

int weir_node_is_null(const struct weir_node *node)
{
    if (!node)
        return 1;
    return node->kind == WEIR_NODE_SCALAR && node->plain && !node->expanded &&
           (!*node->text || !strcmp(node->text, "~") || !strcmp(node->text, "null"));
}

const char *weir_node_kind_name(const struct weir_node *node)
{
    static const char *const names[] = {"a single value", "a list", "a mapping"};
    return weir_node_is_null(node) ? "nothing" : names[node->kind];
}

struct weir_node *weir_node_get(const struct weir_node *map, const char *key)
{
    if (!map || map->kind != WEIR_NODE_MAP)
        return NULL;
    for (struct weir_node *child = map->first; child; child = child->next) {
        if (!strcmp(child->key, key))
            return child;
    }
    return NULL;
}

// Puts a finished or just opened node under the innermost open one.
static void attach(struct builder *builder, struct weir_node *node)
{
    if (!builder->depth) {
        builder->root = node;
        return;
    }
    struct weir_node *parent = builder->stack[builder->depth - 1];
    if (parent->kind == WEIR_NODE_MAP) {
        node->key = builder->key;
        node->key_mark = builder->key_mark;
        builder->key = NULL;
        if (weir_node_get(parent, node->key)) {
            weir_load_error(builder->load, node->key_mark,
                            "'%s' stands here twice (first in line %u); remove one of them",
                            node->key, weir_node_get(parent, node->key)->key_mark.line);
            return; // the first one holds
        }
    }
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    parent->n++;
}

static int wants_key(const struct builder *builder)
{
    return builder->depth && builder->stack[builder->depth - 1]->kind == WEIR_NODE_MAP &&
           !builder->key;
}

static struct weir_node *new_node(struct builder *builder, enum weir_node_kind kind,
                                  struct weir_mark mark)
{
    if (++builder->nodes > NODES) {
        weir_load_error(builder->load, mark,
                        "the file has over %d values: that is no "
                        "configuration",
                        NODES);
        return NULL;
    }
    struct weir_node *node = weir_pool_alloc(builder->load->pool, sizeof *node);
    node->kind = kind;
    node->mark = mark;
    node->text = node->source = "";
    return node;
}

static int refuse_tag(struct builder *builder, const yaml_char_t *tag, const yaml_char_t *anchor,
                      struct weir_mark mark)
{
    if (anchor)
        weir_load_error(builder->load, mark,
                        "anchors (&%s) and aliases are not taken: write the "
                        "values out, or put what detectors share under `defaults:`",
                        (const char *)anchor);
    else if (tag && strcmp((const char *)tag, "!"))
        weir_load_error(builder->load, mark, "tags (%s) are not taken: every key has its type",
                        (const char *)tag);
    else
        return 0;
    return -1;
}

static int open_node(struct builder *builder, enum weir_node_kind kind, struct weir_mark mark)
{
    if (wants_key(builder)) {
        weir_load_error(builder->load, mark, "a key must be a single word, not %s",
                        kind == WEIR_NODE_LIST ? "a list" : "a mapping");
        return -1;
    }
    if (builder->depth == DEPTH) {
        weir_load_error(builder->load, mark, "nested deeper than %d levels", DEPTH);
        return -1;
    }
    struct weir_node *node = new_node(builder, kind, mark);
    if (!node)
        return -1;
    attach(builder, node);
    builder->stack[builder->depth++] = node;
    return 0;
}

static int add_scalar(struct builder *builder, const yaml_event_t *event)
{
    struct weir_mark mark = mark_of(event->start_mark);
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    struct weir_pool *pool = builder->load->pool;
    if (length > SCALAR || memchr(text, 0, length)) {
        weir_load_error(builder->load, mark, "a value is longer than 1 MiB or holds a NUL byte");
        return -1;
    }
    if (wants_key(builder)) {
        if (!strcmp(text, "<<")) {
            weir_load_error(builder->load, mark,
                            "merge keys (<<) are not taken: write the values "
                            "out, or put what detectors share under `defaults:`");
            return -1;
        }
        builder->key = weir_pool_copy(pool, text, length);
        builder->key_mark = mark;
        return 0;
    }
    struct weir_node *node = new_node(builder, WEIR_NODE_SCALAR, mark);
    if (!node)
        return -1;
    node->text = node->source = weir_pool_copy(pool, text, length);
    node->length = length;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    weir_expand(builder->load, node);
    attach(builder, node);
    return 0;
}

static int take_event(struct builder *builder, const yaml_event_t *event)
{
    struct weir_mark mark = mark_of(event->start_mark);
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        if (refuse_tag(builder, event->data.scalar.tag, event->data.scalar.anchor, mark))
            return -1;
        return add_scalar(builder, event);
    case YAML_SEQUENCE_START_EVENT:
        if (refuse_tag(builder, event->data.sequence_start.tag, event->data.sequence_start.anchor,
                       mark))
            return -1;
        return open_node(builder, WEIR_NODE_LIST, mark);
    case YAML_MAPPING_START_EVENT:
        if (refuse_tag(builder, event->data.mapping_start.tag, event->data.mapping_start.anchor,
                       mark))
            return -1;
        return open_node(builder, WEIR_NODE_MAP, mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        builder->depth--;
        return 0;
    case YAML_ALIAS_EVENT:
        weir_load_error(builder->load, mark, "aliases (*%s) are not taken: write the value out",
                        (const char *)event->data.alias.anchor);
        return -1;
    case YAML_DOCUMENT_START_EVENT:
        if (builder->root) {
            weir_load_error(builder->load, mark,
                            "a second document (---) in one file: a "
                            "configuration is a single one");
            return -1;
        }
        return 0;
    default:
        return 0;
    }
}

static void report_syntax(struct weir_load *load, const yaml_parser_t *parser, const char *text,
                          size_t length)
{
    struct weir_mark mark = mark_of(parser->problem_mark);
    if (parser->error == YAML_READER_ERROR) { // which knows the byte only
        mark.line = mark.column = 1;
        for (size_t i = 0; i < parser->problem_offset && i < length; i++) {
            mark.column = text[i] == '\n' ? 1 : mark.column + 1;
            mark.line += text[i] == '\n';
        }
    }
    if (parser->error == YAML_MEMORY_ERROR)
        longjmp(load->out_of_memory, 1);
    weir_load_error(load, mark, "this is not YAML: %s%s%s",
                    parser->problem ? parser->problem : "unreadable", parser->context ? " " : "",
                    parser->context ? parser->context : "");
}

struct weir_node *weir_node_read(struct weir_load *load, const char *text, size_t length)
{
    struct builder *builder = weir_pool_alloc(load->pool, sizeof *builder);
    builder->load = load;
    struct weir_mark start = {1, 1};
    if (length > WEIR_CONFIG_BYTES) {
        weir_load_error(load, start, "the file is larger than 4 MiB: that is no configuration");
        return NULL;
    }
    yaml_parser_t *parser = weir_pool_alloc(load->pool, sizeof *parser);
    if (!yaml_parser_initialize(parser))
        longjmp(load->out_of_memory, 1);
    load->yaml = parser;
    yaml_parser_set_input_string(parser, (const unsigned char *)text, length);
    // Kept in the pool: a jump out must be able to delete it.
    yaml_event_t *event = weir_pool_alloc(load->pool, sizeof *event);
    load->event = event;
    int done = 0, failed = 0;
    while (!done && !failed) {
        if (!yaml_parser_parse(parser, event)) {
            report_syntax(load, parser, text, length);
            return NULL;
        }
        done = event->type == YAML_STREAM_END_EVENT;
        failed = take_event(builder, event);
        yaml_event_delete(event);
    }
    if (failed)
        return NULL;
    if (!builder->root || builder->root->kind != WEIR_NODE_MAP) {
        weir_load_error(load, start, "a configuration is a mapping that begins with `version: 1`");
        return NULL;
    }
    return builder->root;
}
