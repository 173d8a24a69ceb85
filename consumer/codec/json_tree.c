// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/json_tree.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { PATH_DEPTH = 64, ORDER_EXTRA = 64 };

static void free_inside(struct weir_json_node *node)
{
    for (size_t i = 0; i < node->n_children; i++)
        free_inside(&node->children[i]);
    if (node->element)
        free_inside(node->element);
    free(node->element);
    free(node->children);
    free(node->table);
    free(node->order);
    free((char *)node->name);
    free((char *)node->path);
}

void weir_json_tree_free(struct weir_json_node *root)
{
    if (root)
        free_inside(root);
    free(root);
}

static int node_init(struct weir_json_node *node, const struct weir_json_node *parent,
                     const char *name, size_t length, const char *joint)
{
    size_t path_size = strlen(parent->path) + length + 3;
    char *path = malloc(path_size);
    *node = (struct weir_json_node){.field = -1, .length = -1, .name_length = length};
    node->name = strndup(name, length);
    node->path = path;
    if (!node->name || !path)
        return -1;
    snprintf(path, path_size, "%s%s%s", parent->path, *parent->path ? joint : "", node->name);
    return 0;
}

static struct weir_json_node *child(struct weir_json_node *node, const char *name, size_t length)
{
    for (size_t i = 0; i < node->n_children; i++) {
        if (node->children[i].name_length == length &&
            memcmp(node->children[i].name, name, length) == 0)
            return &node->children[i];
    }
    if (node->n_children == node->capacity) {
        size_t capacity = node->capacity ? node->capacity * 2 : 8;
        struct weir_json_node *grown = realloc(node->children, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        node->children = grown;
        node->capacity = capacity;
    }
    struct weir_json_node *made = &node->children[node->n_children++];
    node->nested = 1;
    return node_init(made, node, name, length, ".") ? NULL : made;
}

static struct weir_json_node *element(struct weir_json_node *node)
{
    if (node->element)
        return node->element;
    node->element = malloc(sizeof *node->element);
    node->nested = 1;
    return node->element && node_init(node->element, node, "[]", 2, "") == 0 ? node->element : NULL;
}

// One step of a path, "name" or "name[][]", from `node`. NULL when memory is out.
static struct weir_json_node *step(struct weir_json_node *node, const char *name, size_t length)
{
    size_t lists = 0;
    while (length - 2 * lists >= 2 && memcmp(name + length - 2 * lists - 2, "[]", 2) == 0)
        lists++;
    node = child(node, name, length - 2 * lists);
    for (size_t i = 0; i < lists && node; i++)
        node = element(node);
    return node;
}

// 0, WEIR_ENOMEM, or WEIR_EINVAL: too deep.
static int add_path(struct weir_json_node *root, const char *name, int field)
{
    struct weir_json_node *node = root;
    const char *at = name, *dot;
    for (int depth = 0; (dot = strchr(at, '.')) != NULL; at = dot + 1, depth++) {
        if (depth == PATH_DEPTH)
            return WEIR_EINVAL;
        node = step(node, at, (size_t)(dot - at));
        if (!node)
            return WEIR_ENOMEM;
    }
    if (node != root && strcmp(at, "length") == 0) {
        // The elements of an array; a key "length" of an object leads there too.
        node->length = field;
        node->nested = 1;
    }
    node = step(node, at, strlen(at));
    if (!node)
        return WEIR_ENOMEM;
    node->field = field;
    return 0;
}

static int index_children(struct weir_json_node *node)
{
    uint32_t size = 8;
    while (size < node->n_children * 2)
        size *= 2;
    node->table = calloc(size, sizeof *node->table);
    node->n_order = node->n_children + ORDER_EXTRA;
    node->order = calloc(node->n_order, sizeof *node->order);
    if (!node->table || !node->order)
        return -1;
    node->mask = size - 1;
    for (uint32_t i = 0; i < node->n_children; i++) {
        struct weir_json_node *one = &node->children[i];
        uint32_t at = (uint32_t)XXH3_64bits(one->name, one->name_length) & node->mask;
        while (node->table[at])
            at = (at + 1) & node->mask;
        node->table[at] = i + 1;
        if (index_children(one))
            return -1;
    }
    return node->element ? index_children(node->element) : 0;
}

int weir_json_tree_build(const struct weir_stream *stream, struct weir_json_node **result,
                         struct weir_error *error)
{
    struct weir_json_node *root = malloc(sizeof *root), none = {.path = ""};
    int code = root && node_init(root, &none, "", 0, "") == 0 ? 0 : WEIR_ENOMEM;
    for (size_t i = 0; i < stream->n_fields && !code; i++) {
        const char *name = stream->fields[i].name;
        code = add_path(root, name, (int)i);
        if (code == WEIR_EINVAL) {
            weir_json_tree_free(root);
            return weir_error_set(error, WEIR_EINVAL, "stream %s: field %s is nested too deep",
                                  stream->name, name);
        }
    }
    // A flat record may have the dotted name as one key.
    for (size_t i = 0; i < stream->n_fields && !code; i++) {
        const char *name = stream->fields[i].name;
        if (!strchr(name, '.') || strstr(name, "[]"))
            continue;
        struct weir_json_node *flat = child(root, name, strlen(name));
        code = flat ? 0 : WEIR_ENOMEM;
        if (flat)
            flat->field = (int)i;
    }
    if (code || index_children(root)) {
        weir_json_tree_free(root);
        return weir_error_set(error, WEIR_ENOMEM, "stream %s: no memory for its fields",
                              stream->name);
    }
    *result = root;
    return 0;
}

struct weir_json_node *weir_json_tree_find(const struct weir_json_node *node, const char *name,
                                           size_t length)
{
    uint32_t at = (uint32_t)XXH3_64bits(name, length) & node->mask;
    for (; node->table[at]; at = (at + 1) & node->mask) {
        struct weir_json_node *found = &node->children[node->table[at] - 1];
        if (found->name_length == length && memcmp(found->name, name, length) == 0)
            return found;
    }
    return NULL;
}
