// SPDX-License-Identifier: Apache-2.0
// Names and types: what an expression may say is decided here, what it comes to elsewhere.
#include <stdlib.h>
#include <string.h>

#include "stats/expression_inside.h"
#include "stats/rfc3339.h"

const char *weir_expression_type_name(enum weir_expression_type type)
{
    static const char *const names[] = {"null",     "a condition", "an integer",
                                        "a number", "a string",    "a time"};
    return names[type];
}

static struct node *at(struct tree *tree, uint32_t node)
{
    return &tree->nodes[node];
}

static enum weir_expression_type type_at(struct tree *tree, uint32_t node)
{
    return (enum weir_expression_type)tree->nodes[node].type;
}

static int is_number(enum weir_expression_type type)
{
    return type == WEIR_EXPRESSION_NUMBER || type == WEIR_EXPRESSION_INTEGER;
}

// What is null or not known yet fits everywhere.
static int is_open(enum weir_expression_type type)
{
    return type == WEIR_EXPRESSION_NULL;
}

static uint32_t *child_link(struct tree *tree, uint32_t parent, uint32_t number)
{
    uint32_t *link = &tree->nodes[parent].first;
    while (number--)
        link = &tree->nodes[*link].next;
    return link;
}

// Puts a node between a parent and one of its children.
static int wrap(struct tree *tree, uint32_t parent, uint32_t number, enum op op,
                enum weir_expression_type type)
{
    uint32_t child = *child_link(tree, parent, number);
    uint32_t node = expression_node(tree, op, tree->nodes[child].at);
    if (node == NO_NODE)
        return -1;
    tree->nodes[node].next = tree->nodes[child].next;
    tree->nodes[child].next = NO_NODE;
    expression_adopt(tree, node, child);
    tree->nodes[node].type = (uint8_t)type;
    tree->nodes[node].unknown = tree->nodes[child].unknown;
    *child_link(tree, parent, number) = node;
    return 0;
}

// An integer where a number is wanted.
static int to_number(struct tree *tree, uint32_t parent, uint32_t number)
{
    struct node *child = at(tree, *child_link(tree, parent, number));
    if (child->type != WEIR_EXPRESSION_INTEGER)
        return 0;
    if (child->op != OP_CONSTANT)
        return wrap(tree, parent, number, OP_TO_NUMBER, WEIR_EXPRESSION_NUMBER);
    child->value.number = (double)child->value.integer;
    child->type = WEIR_EXPRESSION_NUMBER;
    return 0;
}

// A whole number where integers are compared: exact.
static void to_integer(struct node *node)
{
    if (node->op == OP_CONSTANT && node->type == WEIR_EXPRESSION_NUMBER && !node->is_null &&
        node->value.number > -0x1p63 && node->value.number < 0x1p63 &&
        node->value.number >= (double)(int64_t)node->value.number &&
        node->value.number <= (double)(int64_t)node->value.number) {
        node->value.integer = (int64_t)node->value.number;
        node->type = WEIR_EXPRESSION_INTEGER;
    }
}

static int to_time(struct tree *tree, struct node *node)
{
    int64_t ms;
    if (weir_time_parse(node->value.text.data, node->value.text.length, &ms))
        return expression_fault(tree->fault, node->at,
                                "'%.40s' is no time: written as 2026-01-31T18:30:00Z",
                                node->value.text.data);
    node->value.integer = ms;
    node->type = WEIR_EXPRESSION_TIME;
    return 0;
}

static int is_text_constant(const struct node *node)
{
    return node->op == OP_CONSTANT && node->type == WEIR_EXPRESSION_STRING;
}

static int no_comparison(struct tree *tree, size_t where, const struct node *a,
                         const struct node *b)
{
    enum weir_expression_type x = (enum weir_expression_type)a->type;
    enum weir_expression_type y = (enum weir_expression_type)b->type;
    return expression_fault(tree->fault, where, "%s and %s cannot be compared%s",
                            weir_expression_type_name(x), weir_expression_type_name(y),
                            (x == WEIR_EXPRESSION_STRING && is_number(y)) ||
                                    (y == WEIR_EXPRESSION_STRING && is_number(x))
                                ? ": number(x) reads a string"
                                : "");
}

// Makes all children from number `first` on of one type, which `out` takes. All null: null.
static int unify(struct tree *tree, uint32_t parent, uint32_t first, size_t where,
                 enum weir_expression_type *out)
{
    enum weir_expression_type type = WEIR_EXPRESSION_NULL;
    const struct node *decides = NULL;
    uint32_t n = at(tree, parent)->n;
    // Text constants stand for times beside times.
    for (uint32_t i = first; i < n; i++) {
        const struct node *child = at(tree, *child_link(tree, parent, i));
        if (child->type == WEIR_EXPRESSION_TIME && type != WEIR_EXPRESSION_TIME) {
            type = WEIR_EXPRESSION_TIME;
            decides = child;
        }
    }
    for (uint32_t i = first; i < n; i++) {
        struct node *child = at(tree, *child_link(tree, parent, i));
        enum weir_expression_type is = (enum weir_expression_type)child->type;
        if (is == type || is_open(is))
            continue;
        if (type == WEIR_EXPRESSION_TIME && is_text_constant(child)) {
            if (to_time(tree, child))
                return -1;
        } else if (is_open(type) ||
                   (is == WEIR_EXPRESSION_NUMBER && type == WEIR_EXPRESSION_INTEGER)) {
            type = is;
            decides = child;
        } else if (!(is == WEIR_EXPRESSION_INTEGER &&
                     (type == WEIR_EXPRESSION_NUMBER || type == WEIR_EXPRESSION_TIME))) {
            return no_comparison(tree, where, decides, child);
        }
    }
    for (uint32_t i = first; i < n && type == WEIR_EXPRESSION_NUMBER; i++) {
        if (to_number(tree, parent, i))
            return -1;
    }
    *out = type;
    return 0;
}

// Numbers that are whole become integers where an integer that is no constant is compared with
// them, so that nothing is rounded.
static void prefer_integers(struct tree *tree, uint32_t parent)
{
    int integers = 0, others = 0;
    uint32_t n = at(tree, parent)->n;
    for (uint32_t i = 0; i < n; i++) {
        const struct node *child = at(tree, *child_link(tree, parent, i));
        integers += child->op != OP_CONSTANT && child->type == WEIR_EXPRESSION_INTEGER;
        others += child->op != OP_CONSTANT && child->type == WEIR_EXPRESSION_NUMBER;
    }
    for (uint32_t i = 0; i < n && integers && !others; i++)
        to_integer(at(tree, *child_link(tree, parent, i)));
}

static int wants(struct tree *tree, uint32_t child, int fits, const char *what)
{
    if (fits || is_open(type_at(tree, child)))
        return 0;
    return expression_fault(tree->fault, at(tree, child)->at, "%s is expected, and this is %s",
                            what, weir_expression_type_name(type_at(tree, child)));
}

static int check_conditions(struct tree *tree, uint32_t node)
{
    for (uint32_t i = 0; i < at(tree, node)->n; i++) {
        uint32_t child = *child_link(tree, node, i);
        if (wants(tree, child, type_at(tree, child) == WEIR_EXPRESSION_BOOLEAN, "a condition"))
            return -1;
    }
    at(tree, node)->type = WEIR_EXPRESSION_BOOLEAN;
    return 0;
}

static int check_comparison(struct tree *tree, uint32_t node)
{
    enum op op = (enum op)at(tree, node)->op;
    enum weir_expression_type type;
    for (uint32_t i = 0; i < at(tree, node)->n; i++) {
        const struct node *child = at(tree, *child_link(tree, node, i));
        if (child->op == OP_CONSTANT && child->is_null)
            return expression_fault(tree->fault, child->at,
                                    "nothing compares with null: write `is null`");
    }
    prefer_integers(tree, node);
    if (unify(tree, node, 0, at(tree, node)->at, &type))
        return -1;
    if (type == WEIR_EXPRESSION_BOOLEAN && op != OP_EQ && op != OP_NE && op != OP_IN)
        return expression_fault(tree->fault, at(tree, node)->at,
                                "conditions have no order: only == and != compare them");
    at(tree, node)->type = WEIR_EXPRESSION_BOOLEAN;
    return 0;
}

// time - time is an integer, time +- integer a time; else numbers.
static int check_time_sum(struct tree *tree, uint32_t node, enum weir_expression_type a,
                          enum weir_expression_type b)
{
    enum op op = (enum op)at(tree, node)->op;
    int times = (a == WEIR_EXPRESSION_TIME) + (b == WEIR_EXPRESSION_TIME);
    if (times == 2 && op == OP_SUB) {
        at(tree, node)->type = WEIR_EXPRESSION_INTEGER;
        return 0;
    }
    if (times == 1 && (op == OP_ADD || (op == OP_SUB && a == WEIR_EXPRESSION_TIME)) &&
        (a == WEIR_EXPRESSION_INTEGER || b == WEIR_EXPRESSION_INTEGER || is_open(a) ||
         is_open(b))) {
        at(tree, node)->type = WEIR_EXPRESSION_TIME;
        return 0;
    }
    return expression_fault(tree->fault, at(tree, node)->at,
                            "with times there is time - time, time + 1h and time - 1h");
}

static int check_arithmetic(struct tree *tree, uint32_t node)
{
    uint32_t left = *child_link(tree, node, 0);
    uint32_t right = at(tree, node)->n > 1 ? *child_link(tree, node, 1) : left;
    enum weir_expression_type a = type_at(tree, left), b = type_at(tree, right);
    if (at(tree, node)->op != OP_NEG && (a == WEIR_EXPRESSION_TIME || b == WEIR_EXPRESSION_TIME))
        return check_time_sum(tree, node, a, b);
    if (wants(tree, left, is_number(a), "a number") || wants(tree, right, is_number(b), "a number"))
        return -1;
    int numbers =
        a == WEIR_EXPRESSION_NUMBER || b == WEIR_EXPRESSION_NUMBER || at(tree, node)->op == OP_DIV;
    enum weir_expression_type type = numbers ? WEIR_EXPRESSION_NUMBER : WEIR_EXPRESSION_INTEGER;
    for (uint32_t i = 0; i < at(tree, node)->n && numbers; i++) {
        if (to_number(tree, node, i))
            return -1;
    }
    at(tree, node)->type = (uint8_t)type;
    return 0;
}

// ---- calls

static int check_argument(struct tree *tree, uint32_t node, uint32_t i, char letter)
{
    uint32_t child = *child_link(tree, node, i);
    enum weir_expression_type type = type_at(tree, child);
    switch (letter) {
    case 'n':
        return wants(tree, child, is_number(type), "a number");
    case 'd':
        if (wants(tree, child, is_number(type), "a number"))
            return -1;
        return to_number(tree, node, i);
    case 'i':
        return wants(tree, child, type == WEIR_EXPRESSION_INTEGER, "an integer");
    case 's':
        return wants(tree, child, type == WEIR_EXPRESSION_STRING, "a string");
    case 'b':
        return wants(tree, child, type == WEIR_EXPRESSION_BOOLEAN, "a condition");
    case 't':
        return wants(tree, child, type == WEIR_EXPRESSION_TIME || type == WEIR_EXPRESSION_INTEGER,
                     "a time (time(x) reads a string)");
    case 'x':
        return wants(tree, child,
                     type == WEIR_EXPRESSION_TIME || type == WEIR_EXPRESSION_INTEGER ||
                         type == WEIR_EXPRESSION_STRING,
                     "a string or epoch milliseconds");
    default:
        return 0;
    }
}

static int compile_pattern(struct tree *tree, uint32_t node)
{
    struct node *text = at(tree, *child_link(tree, node, 1));
    int code;
    PCRE2_SIZE offset;
    if (!is_text_constant(text))
        return expression_fault(tree->fault, text->at, "the pattern has to be a text in quotes");
    pcre2_code **grown = realloc(tree->patterns, (tree->n_patterns + 1) * sizeof *grown);
    if (!grown) {
        tree->out_of_memory = 1;
        return -1;
    }
    tree->patterns = grown;
    // Bytes of other encodings match nothing, and harm nothing.
    pcre2_code *pattern = pcre2_compile((PCRE2_SPTR)text->value.text.data, text->value.text.length,
                                        PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &code, &offset, NULL);
    if (!pattern) {
        PCRE2_UCHAR message[160];
        pcre2_get_error_message(code, message, sizeof message);
        return expression_fault(tree->fault, text->at, "the pattern, at its character %zu: %s",
                                (size_t)offset + 1, (char *)message);
    }
    pcre2_jit_compile(pattern, PCRE2_JIT_COMPLETE); // without it, it is interpreted
    grown[tree->n_patterns] = pattern;
    at(tree, node)->index = (int32_t)tree->n_patterns++;
    return 0;
}

static int check_digits(struct tree *tree, uint32_t node)
{
    const struct node *digits = at(tree, *child_link(tree, node, 1));
    if (digits->op == OP_CONSTANT && digits->value.integer >= 0 && digits->value.integer <= 15)
        return 0;
    return expression_fault(tree->fault, digits->at, "a number from 0 to 15 is expected");
}

static int result_type(struct tree *tree, uint32_t node, char letter,
                       enum weir_expression_type unified)
{
    enum weir_expression_type type = unified;
    if (letter == 'n')
        type = type_at(tree, *child_link(tree, node, 0));
    else if (letter == 'd')
        type = WEIR_EXPRESSION_NUMBER;
    else if (letter == 'i')
        type = WEIR_EXPRESSION_INTEGER;
    else if (letter == 's')
        type = WEIR_EXPRESSION_STRING;
    else if (letter == 'b')
        type = WEIR_EXPRESSION_BOOLEAN;
    else if (letter == 'T')
        type = WEIR_EXPRESSION_TIME;
    at(tree, node)->type = (uint8_t)type;
    return 0;
}

static int check_call(struct tree *tree, uint32_t node)
{
    const char *name = at(tree, node)->value.text.data;
    uint32_t n = at(tree, node)->n, where = at(tree, node)->at;
    const struct function *function = expression_function_find(name, n);
    if (!function || (function->op == OP_EVENT_TIME && tree->scope->aggregates)) {
        const char *near = expression_function_near(name);
        return expression_fault(tree->fault, where, "there is no function '%.60s'%s%s%s", name,
                                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    if (n < function->least || n > function->most)
        return expression_fault(tree->fault, where, "it takes %u argument%s, not %u: %s",
                                n < function->least ? function->least : function->most,
                                (n < function->least ? function->least : function->most) == 1 ? ""
                                                                                              : "s",
                                n, function->form);
    size_t letters = strlen(function->arguments), unified = n;
    for (uint32_t i = 0; i < n; i++) {
        char letter = function->arguments[i < letters ? i : letters - 1];
        if (letter == 'u' && unified == n)
            unified = i;
        if (check_argument(tree, node, i, letter))
            return -1;
    }
    enum weir_expression_type type = WEIR_EXPRESSION_NULL;
    if (unified < n && unify(tree, node, (uint32_t)unified, where, &type))
        return -1;
    if ((function->op == OP_MIN || function->op == OP_MAX) && !is_number(type) && !is_open(type) &&
        type != WEIR_EXPRESSION_TIME)
        return expression_fault(tree->fault, where, "%s takes numbers or times", function->form);
    at(tree, node)->op = function->op;
    if (function->op == OP_MATCHES && compile_pattern(tree, node))
        return -1;
    if (function->op == OP_ROUND_TO && check_digits(tree, node))
        return -1;
    return result_type(tree, node, function->result, type);
}

// ---- the tree

static int check_node(struct tree *tree, uint32_t node)
{
    switch ((enum op)at(tree, node)->op) {
    case OP_CONSTANT:
    case OP_INPUT:
        return 0;
    case OP_NAME:
        return expression_resolve_name(tree, node) < 0 ? -1 : 0;
    case OP_CALL:
        return check_call(tree, node);
    case OP_AND:
    case OP_OR:
    case OP_NOT:
    case OP_IMPLIES:
        return check_conditions(tree, node);
    case OP_IN:
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE:
    case OP_EQ:
    case OP_NE:
    case OP_BETWEEN:
        return check_comparison(tree, node);
    case OP_IS_NULL:
        at(tree, node)->type = WEIR_EXPRESSION_BOOLEAN;
        return 0;
    case OP_IS_MISSING:
        at(tree, node)->type = WEIR_EXPRESSION_BOOLEAN;
        if (at(tree, at(tree, node)->first)->op == OP_INPUT && !tree->scope->aggregates)
            return 0;
        if (at(tree, at(tree, node)->first)->unknown)
            return 0;
        return expression_fault(tree->fault, at(tree, node)->at,
                                "only a field can be missing; anything can be null");
    default:
        return check_arithmetic(tree, node);
    }
}

static int check(struct tree *tree, uint32_t node)
{
    if (at(tree, node)->op == OP_CALL) {
        int resolved = expression_resolve_aggregate(tree, node);
        if (resolved)
            return resolved < 0 ? -1 : 0;
    }
    for (uint32_t child = at(tree, node)->first; child != NO_NODE; child = at(tree, child)->next) {
        if (check(tree, child))
            return -1;
    }
    if (check_node(tree, node))
        return -1;
    for (uint32_t child = at(tree, node)->first; child != NO_NODE; child = at(tree, child)->next)
        at(tree, node)->unknown |= at(tree, child)->unknown;
    return 0;
}

int expression_check(struct tree *tree)
{
    return check(tree, tree->root);
}
