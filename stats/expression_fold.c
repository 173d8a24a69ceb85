// SPDX-License-Identifier: Apache-2.0
// Works out what does not depend on the record, so that it is done once, and so that what is
// always true or always false shows.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/expression_inside.h"

// Runs a program without inputs over one row.
static int run_program(struct tree *tree, const struct program *program, struct node *out)
{
    size_t n = program->n_registers;
    struct vector *registers = calloc(n + 1, sizeof *registers);
    uint8_t **rooms = calloc(n + 1, sizeof *rooms);
    uint8_t *nulls = calloc(n + 1, 1);
    struct weir_text *values = calloc(n + 1, sizeof *values);
    struct texts texts = {0};
    struct frame frame = {.program = program,
                          .n = 1,
                          .registers = registers,
                          .null_rooms = rooms,
                          .patterns = tree->patterns,
                          .limits = tree->limits,
                          .match = pcre2_match_data_create(1, NULL),
                          .texts = &texts};
    int failed = !registers || !rooms || !nulls || !values || !frame.match;
    for (size_t i = 0; i < n && !failed; i++) {
        registers[i].values = &values[i];
        rooms[i] = &nulls[i];
    }
    if (!failed) {
        struct vector result = expression_execute(&frame);
        out->is_null = result.null ? result.null[0] : 0;
        memset(&out->value, 0, sizeof out->value);
        memcpy(&out->value, result.values, expression_size(program->type));
    }
    failed |= frame.out_of_memory;
    free(registers);
    free(rooms);
    free(nulls);
    free(values);
    pcre2_match_data_free(frame.match);
    expression_texts_free(&texts);
    if (failed)
        tree->out_of_memory = 1;
    return failed ? -1 : 0;
}

static int is_zero(const struct node *node)
{
    if (node->op != OP_CONSTANT || node->is_null)
        return 0;
    return node->type == WEIR_EXPRESSION_NUMBER    ? fpclassify(node->value.number) == FP_ZERO
           : node->type == WEIR_EXPRESSION_INTEGER ? node->value.integer == 0
                                                   : 0;
}

// What no record can make right is said before there are some.
static int divides_by_zero(struct tree *tree, const struct node *node)
{
    if ((node->op == OP_DIV || node->op == OP_MOD) &&
        is_zero(&tree->nodes[tree->nodes[node->first].next]))
        return expression_fault(tree->fault, node->at, "this divides by zero");
    return 0;
}

static int work_out(struct tree *tree, uint32_t at)
{
    struct program program = {0};
    struct node result = tree->nodes[at];
    int failed = expression_compile_node(tree, at, 0, &program);
    if (!failed)
        failed = run_program(tree, &program, &result);
    if (!failed && result.is_null & WEIR_EXPRESSION_FAULT)
        failed = expression_fault(tree->fault, tree->nodes[at].at,
                                  "this cannot be computed: it overflows, or is a root or "
                                  "logarithm that there is not");
    if (!failed) {
        result.is_null = result.is_null != 0;
        result.op = OP_CONSTANT;
        result.type = program.type;
        result.first = NO_NODE;
        result.n = 0;
        tree->nodes[at] = result;
    }
    expression_program_free(&program);
    return failed;
}

static void replace(struct tree *tree, uint32_t at, uint32_t by)
{
    struct node copy = tree->nodes[by];
    copy.next = tree->nodes[at].next;
    tree->nodes[at] = copy;
}

// -1: no constant condition; else 0 or 1.
static int known(const struct tree *tree, uint32_t at)
{
    const struct node *node = &tree->nodes[at];
    if (node->op != OP_CONSTANT || node->type != WEIR_EXPRESSION_BOOLEAN || node->is_null)
        return -1;
    return node->value.boolean;
}

// `false and x`, `true or x`, `true and x`, if(true, a, b) ...
static void simplify(struct tree *tree, uint32_t at)
{
    const struct node *node = &tree->nodes[at];
    uint32_t first = node->first, second = first == NO_NODE ? NO_NODE : tree->nodes[first].next;
    if (second == NO_NODE)
        return;
    int a = known(tree, first), b = known(tree, second);
    uint8_t op = node->op;
    if (op == OP_IF && a >= 0)
        replace(tree, at, a ? second : tree->nodes[second].next);
    else if (op == OP_AND && a >= 0)
        replace(tree, at, a ? second : first);
    else if (op == OP_AND && b >= 0)
        replace(tree, at, b ? first : second);
    else if (op == OP_OR && a >= 0)
        replace(tree, at, a ? first : second);
    else if (op == OP_OR && b >= 0)
        replace(tree, at, b ? second : first);
    else if (op == OP_IMPLIES && a == 1)
        replace(tree, at, second);
    else if (op == OP_IMPLIES && b == 1)
        replace(tree, at, second);
    else if (op == OP_IMPLIES && a == 0) {
        replace(tree, at, first);
        tree->nodes[at].value.boolean = 1;
    }
}

static int fold(struct tree *tree, uint32_t at)
{
    int constants = 1;
    for (uint32_t child = tree->nodes[at].first; child != NO_NODE;
         child = tree->nodes[child].next) {
        if (fold(tree, child))
            return -1;
        constants &= tree->nodes[child].op == OP_CONSTANT;
    }
    const struct node *node = &tree->nodes[at];
    if (node->op == OP_CONSTANT || node->op == OP_INPUT || node->op == OP_EVENT_TIME)
        return 0;
    if (divides_by_zero(tree, node))
        return -1;
    if (constants && node->type != WEIR_EXPRESSION_STRING && node->type != WEIR_EXPRESSION_NULL)
        return work_out(tree, at);
    simplify(tree, at);
    return 0;
}

int expression_fold(struct tree *tree)
{
    return fold(tree, tree->root);
}
