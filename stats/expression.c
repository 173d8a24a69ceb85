// SPDX-License-Identifier: Apache-2.0
// An expression's life: text, tree, types, constants, program.
#include "stats/expression.h"

#include <stdlib.h>
#include <string.h>

#include "stats/expression_inside.h"

// What no pattern may need more of, so that none can stall the stream.
enum { MATCH_LIMIT = 100000, DEPTH_LIMIT = 1000, HEAP_LIMIT_KIB = 1024 };

static int make_limits(struct tree *tree)
{
    tree->limits = pcre2_match_context_create(NULL);
    if (!tree->limits)
        return -1;
    pcre2_set_match_limit(tree->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(tree->limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(tree->limits, HEAP_LIMIT_KIB);
    return 0;
}

static int make(struct weir_expression *expression, const char *text, size_t length)
{
    struct tree *tree = &expression->tree;
    if (expression_parse(tree, text, length) || expression_check(tree))
        return -1;
    if (tree->unknown)
        return 0;
    if (tree->n_patterns && make_limits(tree)) {
        tree->out_of_memory = 1;
        return -1;
    }
    if (expression_fold(tree))
        return -1;
    return expression_compile_node(tree, tree->root, 1, &expression->program);
}

int weir_expression_compile(const char *text, size_t length,
                            const struct weir_expression_scope *scope,
                            struct weir_expression **expression,
                            struct weir_expression_fault *fault)
{
    struct weir_expression *made = calloc(1, sizeof *made);
    if (!made)
        return WEIR_ENOMEM;
    made->stream = scope->stream;
    made->tree.scope = scope;
    made->tree.fault = fault;
    int failed = make(made, text, length), memory = made->tree.out_of_memory;
    made->tree.scope = NULL;
    made->tree.fault = NULL;
    if (failed) {
        weir_expression_free(made);
        return memory ? WEIR_ENOMEM : WEIR_EINVAL;
    }
    *expression = made;
    return 0;
}

void weir_expression_free(struct weir_expression *expression)
{
    if (!expression)
        return;
    expression_program_free(&expression->program);
    expression_tree_free(&expression->tree);
    free(expression);
}

enum weir_expression_type weir_expression_type(const struct weir_expression *expression)
{
    return (enum weir_expression_type)expression->tree.nodes[expression->tree.root].type;
}

int weir_expression_always(const struct weir_expression *expression)
{
    const struct node *root = &expression->tree.nodes[expression->tree.root];
    if (root->op != OP_CONSTANT || expression->tree.unknown)
        return -1;
    return root->is_null ? 2 : root->type == WEIR_EXPRESSION_BOOLEAN ? root->value.boolean : -1;
}

size_t weir_expression_inputs(const struct weir_expression *expression,
                              const struct weir_expression_input **inputs)
{
    *inputs = expression->tree.inputs;
    return expression->tree.n_inputs;
}
