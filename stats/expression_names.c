// SPDX-License-Identifier: Apache-2.0
// What names mean: fields of the stream, and what a window knows of them.
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "stats/expression_inside.h"
#include "stats/nearest.h"

static int find_field(const struct weir_stream *stream, const char *name)
{
    for (size_t i = 0; i < stream->n_fields; i++) {
        if (!strcmp(stream->fields[i].name, name))
            return (int)i;
    }
    return -1;
}

static int unknown_field(struct tree *tree, const struct node *node)
{
    const struct weir_stream *stream = tree->scope->stream;
    const char *name = node->value.text.data;
    struct weir_nearest nearest = {0};
    for (size_t i = 0; i < stream->n_fields; i++)
        weir_nearest_offer(&nearest, name, stream->fields[i].name);
    if (nearest.best)
        return expression_fault(tree->fault, node->at,
                                "stream %.60s has no field '%.60s'; did you mean '%.60s'?",
                                stream->name, name, nearest.best);
    const struct function *function = expression_function_find(name, 1);
    if (function)
        return expression_fault(tree->fault, node->at,
                                "stream %.60s has no field '%.60s'; the function is written %s",
                                stream->name, name, function->form);
    return expression_fault(tree->fault, node->at,
                            "stream %.60s has no field '%.60s' (a text stands in quotes: '%.40s')",
                            stream->name, name, name);
}

static int add_input(struct tree *tree, uint32_t node, struct weir_expression_input input,
                     enum weir_expression_type type)
{
    size_t i = 0;
    for (; i < tree->n_inputs; i++) {
        const struct weir_expression_input *at = &tree->inputs[i];
        // Parameters are numbers as they were written.
        if (at->field == input.field && at->aggregate == input.aggregate &&
            at->reference == input.reference && !(at->parameter < input.parameter) &&
            !(at->parameter > input.parameter))
            break;
    }
    if (i == tree->n_inputs) {
        struct weir_expression_input *inputs =
            realloc(tree->inputs, (i + 1) * sizeof *tree->inputs);
        if (inputs)
            tree->inputs = inputs;
        uint8_t *types = inputs ? realloc(tree->input_types, i + 1) : NULL;
        if (!types) {
            tree->out_of_memory = 1;
            return -1;
        }
        tree->input_types = types;
        tree->inputs[i] = input;
        tree->input_types[i] = (uint8_t)type;
        tree->n_inputs++;
    }
    tree->nodes[node].op = OP_INPUT;
    tree->nodes[node].type = (uint8_t)type;
    tree->nodes[node].index = (int32_t)i;
    tree->nodes[node].first = NO_NODE;
    tree->nodes[node].n = 0;
    return 1;
}

static int unknown_yet(struct tree *tree, uint32_t node)
{
    tree->unknown = 1;
    tree->nodes[node].unknown = 1;
    tree->nodes[node].type = WEIR_EXPRESSION_NULL;
    return 1;
}

static enum weir_expression_type type_of(const struct weir_stream *stream, int field)
{
    if (field == stream->time)
        return WEIR_EXPRESSION_TIME;
    switch (stream->fields[field].type) {
    case WEIR_TYPE_BOOLEAN:
        return WEIR_EXPRESSION_BOOLEAN;
    case WEIR_TYPE_LONG:
        return WEIR_EXPRESSION_INTEGER;
    case WEIR_TYPE_DOUBLE:
        return WEIR_EXPRESSION_NUMBER;
    case WEIR_TYPE_STRING:
    case WEIR_TYPE_BYTES:
        return WEIR_EXPRESSION_STRING;
    default:
        return WEIR_EXPRESSION_NULL;
    }
}

// A window's own value, without a field: `rows`.
static int resolve_plain_aggregate(struct tree *tree, uint32_t at)
{
    const struct node *node = &tree->nodes[at];
    const char *name = node->value.text.data;
    struct weir_nearest nearest = {0};
    for (int i = 0; tree->scope->aggregates[i].name; i++) {
        const struct weir_expression_aggregate *aggregate = &tree->scope->aggregates[i];
        weir_nearest_offer(&nearest, name, aggregate->name);
        if (!strcasecmp(aggregate->name, name) && !aggregate->has_field)
            return add_input(tree, at, (struct weir_expression_input){-1, i, 0, 0},
                             WEIR_EXPRESSION_NUMBER);
    }
    if (find_field(tree->scope->stream, name) >= 0)
        return expression_fault(tree->fault, node->at,
                                "a window has many values of %.60s: say which, as mean(%.60s) or "
                                "null_rate(%.60s)",
                                name, name, name);
    return expression_fault(tree->fault, node->at, "a window knows no '%.60s'%s%s%s", name,
                            nearest.best ? "; did you mean '" : "",
                            nearest.best ? nearest.best : "", nearest.best ? "'?" : "");
}

int expression_resolve_name(struct tree *tree, uint32_t at)
{
    const struct weir_stream *stream = tree->scope->stream;
    const struct node *node = &tree->nodes[at];
    if (tree->scope->aggregates)
        return resolve_plain_aggregate(tree, at);
    int field = find_field(stream, node->value.text.data);
    if (field < 0)
        return tree->scope->tentative ? unknown_yet(tree, at) : unknown_field(tree, node);
    if (stream->fields[field].is_list)
        return expression_fault(tree->fault, node->at,
                                "%.60s is a list: an expression takes single values",
                                stream->fields[field].name);
    enum weir_expression_type type = type_of(stream, field);
    if (type == WEIR_EXPRESSION_NULL && tree->scope->tentative)
        return unknown_yet(tree, at);
    if (type == WEIR_EXPRESSION_NULL)
        return expression_fault(tree->fault, node->at,
                                "the type of %.60s is not known: declare it under the stream's "
                                "fields",
                                stream->fields[field].name);
    return add_input(tree, at, (struct weir_expression_input){field, -1, 0, 0}, type);
}

// min(a, b) is a function, whatever min(amount) is.
static int is_function(const struct node *node)
{
    const struct function *function = expression_function_find(node->value.text.data, node->n);
    return function && node->n >= function->least && node->n <= function->most;
}

// The aggregate that a call means; -1: none. An aggregate's argument is a field's bare name.
static int find_aggregate(const struct tree *tree, const struct node *node)
{
    const struct weir_expression_aggregate *table = tree->scope->aggregates;
    for (int i = 0; table && table[i].name; i++) {
        if (table[i].has_field && !strcasecmp(table[i].name, node->value.text.data) && node->n &&
            tree->nodes[node->first].op == OP_NAME)
            return node->n != 1u + (table[i].has_parameter != 0) && is_function(node) ? -1 : i;
    }
    return -1;
}

static int aggregate_parameter(struct tree *tree, const struct node *node,
                               const struct weir_expression_aggregate *aggregate, double *parameter)
{
    uint32_t wanted = aggregate->has_parameter ? 2 : 1;
    if (node->n != wanted)
        return expression_fault(tree->fault, node->at, "it is written %s", aggregate->form);
    *parameter = 0;
    if (wanted == 1)
        return 0;
    const struct node *second = &tree->nodes[tree->nodes[node->first].next];
    if (second->op != OP_CONSTANT ||
        (second->type != WEIR_EXPRESSION_NUMBER && second->type != WEIR_EXPRESSION_INTEGER))
        return expression_fault(tree->fault, second->at, "a plain number is expected: %s",
                                aggregate->form);
    *parameter = second->type == WEIR_EXPRESSION_NUMBER ? second->value.number
                                                        : (double)second->value.integer;
    if (!(*parameter >= 0 && *parameter <= 1))
        return expression_fault(tree->fault, second->at, "it lies between 0 and 1: %s",
                                aggregate->form);
    return 0;
}

static int resolve_aggregate(struct tree *tree, uint32_t at, uint32_t call, int reference)
{
    const struct weir_stream *stream = tree->scope->stream;
    const struct node *node = &tree->nodes[call];
    int found = find_aggregate(tree, node);
    if (found < 0)
        return 0;
    const struct weir_expression_aggregate *aggregate = &tree->scope->aggregates[found];
    const struct node *name = &tree->nodes[node->first];
    double parameter = 0;
    if (aggregate_parameter(tree, node, aggregate, &parameter))
        return -1;
    int field = find_field(stream, name->value.text.data);
    if (field < 0)
        return tree->scope->tentative ? unknown_yet(tree, at) : unknown_field(tree, name);
    enum weir_expression_type type = type_of(stream, field);
    if (type == WEIR_EXPRESSION_NULL)
        return unknown_yet(tree, at);
    if (aggregate->of_numbers && type == WEIR_EXPRESSION_STRING)
        return expression_fault(tree->fault, name->at, "%.60s is %s, and %s wants a number",
                                stream->fields[field].name, weir_expression_type_name(type),
                                aggregate->form);
    return add_input(tree, at, (struct weir_expression_input){field, found, reference, parameter},
                     WEIR_EXPRESSION_NUMBER);
}

// A call that is neither an aggregate as it is to be written, nor a function.
static int unknown_aggregate(struct tree *tree, const struct node *node)
{
    const char *name = node->value.text.data;
    struct weir_nearest nearest = {0};
    if (expression_function_find(name, node->n))
        return 0;
    for (int i = 0; tree->scope->aggregates[i].name; i++) {
        if (!strcasecmp(tree->scope->aggregates[i].name, name))
            return expression_fault(tree->fault, node->at, "it is written %s",
                                    tree->scope->aggregates[i].form);
        weir_nearest_offer(&nearest, name, tree->scope->aggregates[i].name);
    }
    return expression_fault(tree->fault, node->at, "a window knows no '%.60s'%s%s%s", name,
                            nearest.best ? "; did you mean '" : "",
                            nearest.best ? nearest.best : "", nearest.best ? "'?" : "");
}

int expression_resolve_aggregate(struct tree *tree, uint32_t at)
{
    const struct node *node = &tree->nodes[at];
    if (!tree->scope->aggregates)
        return 0;
    if (strcasecmp(node->value.text.data, "reference")) {
        int resolved = resolve_aggregate(tree, at, at, 0);
        return resolved ? resolved : unknown_aggregate(tree, node);
    }
    uint32_t inner = node->first;
    if (node->n != 1 || tree->nodes[inner].op != OP_CALL ||
        find_aggregate(tree, &tree->nodes[inner]) < 0)
        return expression_fault(tree->fault, node->at,
                                "reference() takes what a window knows: reference(mean(amount))");
    return resolve_aggregate(tree, at, inner, 1);
}
