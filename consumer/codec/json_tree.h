// SPDX-License-Identifier: Apache-2.0
// A stream's fields as the tree of JSON keys that leads to them.
#ifndef WEIR_CODEC_JSON_TREE_H
#define WEIR_CODEC_JSON_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"
#include "weir/stream.h"

struct weir_json_node {
    const char *name; // the key that leads here
    size_t name_length;
    const char *path; // from the root: "device.os"
    int field;        // the value itself is this field, -1: none
    int length;       // the number of elements of the array here is this field, -1: none
    struct weir_json_node *element; // of the array here; NULL: no field is below
    struct weir_json_node *children;
    size_t n_children, capacity;
    int nested;      // there are fields below
    uint64_t seen;   // the object in which the key was last met: to tell a second one
    uint32_t *table; // hash to child + 1
    uint32_t mask;
    // The children in the order of the last object's keys (NULL: a key that no field has). Most
    // records have their keys in the same order, so that one comparison finds the field.
    struct weir_json_node **order;
    size_t n_order;
};

// WEIR_EINVAL: a path nested too deep.
int weir_json_tree_build(const struct weir_stream *stream, struct weir_json_node **root,
                         struct weir_error *error);
void weir_json_tree_free(struct weir_json_node *root);
// The child of that name; NULL: none.
struct weir_json_node *weir_json_tree_find(const struct weir_json_node *node, const char *name,
                                           size_t length);

#endif
