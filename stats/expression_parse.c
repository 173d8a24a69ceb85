// SPDX-License-Identifier: Apache-2.0
// Recursive descent, a function a level of precedence. Depth is bounded.
#include <stdlib.h>
#include <string.h>

#include "stats/expression_inside.h"

struct parser {
    struct tree *tree;
    const char *text;
    size_t length, at;
    struct token token, next;
    int depth;
};

void expression_tree_free(struct tree *tree)
{
    for (size_t i = 0; i < tree->n_patterns; i++)
        pcre2_code_free(tree->patterns[i]);
    free(tree->patterns);
    pcre2_match_context_free(tree->limits);
    free(tree->nodes);
    free(tree->texts);
    free(tree->inputs);
    free(tree->input_types);
}

uint32_t expression_node(struct tree *tree, enum op op, size_t at)
{
    if (tree->n == EXPRESSION_NODES) {
        expression_fault(tree->fault, at, "the expression is too long: split it");
        return NO_NODE;
    }
    if (tree->n == tree->capacity) {
        uint32_t capacity = tree->capacity ? tree->capacity * 2 : 64;
        struct node *grown = realloc(tree->nodes, capacity * sizeof *grown);
        if (!grown) {
            tree->out_of_memory = 1;
            return NO_NODE;
        }
        tree->nodes = grown;
        tree->capacity = capacity;
    }
    struct node *node = &tree->nodes[tree->n];
    memset(node, 0, sizeof *node);
    node->op = (uint8_t)op;
    node->at = (uint32_t)at;
    node->height = 1;
    node->first = node->next = NO_NODE;
    node->index = -1;
    return tree->n++;
}

void expression_adopt(struct tree *tree, uint32_t parent, uint32_t child)
{
    struct node *node = &tree->nodes[parent];
    uint32_t *place = &node->first;
    while (*place != NO_NODE)
        place = &tree->nodes[*place].next;
    *place = child;
    node->n++;
    if (tree->nodes[child].height >= node->height)
        node->height = (uint16_t)(tree->nodes[child].height + 1);
}

static int fault_here(struct parser *parser, const char *expected)
{
    const struct token *token = &parser->token;
    if (token->kind == TOKEN_END)
        return expression_fault(parser->tree->fault, token->at, "%s is missing at the end",
                                expected);
    return expression_fault(parser->tree->fault, token->at, "%s is expected before '%.*s'",
                            expected, (int)(token->length < 40 ? token->length : 40),
                            parser->text + token->at);
}

static int advance(struct parser *parser)
{
    parser->token = parser->next;
    return expression_lex(parser->text, parser->length, &parser->at, &parser->next,
                          parser->tree->fault);
}

// Is there a token of this kind? Then it is taken. -1: a fault.
static int take(struct parser *parser, enum token_kind kind)
{
    if (parser->token.kind != kind)
        return 0;
    return advance(parser) ? -1 : 1;
}

static int expect(struct parser *parser, enum token_kind kind, const char *what)
{
    int taken = take(parser, kind);
    return taken ? (taken < 0 ? -1 : 0) : fault_here(parser, what);
}

// A node over one or two others; NO_NODE where one of them is.
static uint32_t over(struct parser *parser, enum op op, size_t at, uint32_t a, uint32_t b)
{
    uint32_t node = a == NO_NODE ? NO_NODE : expression_node(parser->tree, op, at);
    if (node == NO_NODE)
        return NO_NODE;
    expression_adopt(parser->tree, node, a);
    if (b != NO_NODE)
        expression_adopt(parser->tree, node, b);
    if (parser->tree->nodes[node].height > EXPRESSION_HEIGHT) {
        expression_fault(parser->tree->fault, at, "the expression is too long: split it");
        return NO_NODE;
    }
    return node;
}

static uint32_t binary(struct parser *parser, enum op op, size_t at, uint32_t a, uint32_t b)
{
    return b == NO_NODE ? NO_NODE : over(parser, op, at, a, b);
}

static uint32_t parse_any(struct parser *parser);
static uint32_t parse_unary(struct parser *parser);

static int enter(struct parser *parser)
{
    if (++parser->depth > EXPRESSION_DEPTH)
        return expression_fault(parser->tree->fault, parser->token.at,
                                "the expression is nested deeper than %d levels", EXPRESSION_DEPTH);
    return 0;
}

// ---- single values

static uint32_t constant(struct parser *parser, enum weir_expression_type type, union value value)
{
    uint32_t node = expression_node(parser->tree, OP_CONSTANT, parser->token.at);
    if (node == NO_NODE || advance(parser))
        return NO_NODE;
    parser->tree->nodes[node].type = (uint8_t)type;
    parser->tree->nodes[node].value = value;
    return node;
}

static int begins_operand(enum token_kind kind)
{
    return kind == TOKEN_NAME || kind == TOKEN_QUOTED || kind == TOKEN_INTEGER ||
           kind == TOKEN_NUMBER || kind == TOKEN_STRING || kind == TOKEN_OPEN ||
           kind == TOKEN_TRUE || kind == TOKEN_FALSE || kind == TOKEN_NULL;
}

static uint32_t parse_number(struct parser *parser)
{
    struct token token = parser->token;
    int share = 0;
    if (parser->next.kind == TOKEN_PERCENT && parser->next.attached) {
        // 5% is a share where nothing follows that it could be the remainder of.
        struct token behind;
        size_t at = parser->at;
        if (expression_lex(parser->text, parser->length, &at, &behind, parser->tree->fault))
            return NO_NODE;
        share = !begins_operand(behind.kind) &&
                !(behind.kind == TOKEN_MINUS && behind.at == parser->at);
    }
    union value value = {.integer = token.integer};
    enum weir_expression_type type = WEIR_EXPRESSION_INTEGER;
    if (share || token.kind == TOKEN_NUMBER) {
        type = WEIR_EXPRESSION_NUMBER;
        value.number = token.kind == TOKEN_NUMBER ? token.number : (double)token.integer;
        if (share)
            value.number /= 100;
    }
    uint32_t node = constant(parser, type, value);
    return node != NO_NODE && share && advance(parser) ? NO_NODE : node;
}

static struct weir_text text_of(struct parser *parser, const struct token *token)
{
    struct tree *tree = parser->tree;
    char *to = tree->texts + tree->used;
    struct weir_text text = {to, expression_unquote(parser->text, token, to)};
    tree->used += text.length + 1;
    to[text.length] = 0;
    return text;
}

// f(a, b, ...): the opening parenthesis is taken.
static int parse_arguments(struct parser *parser, uint32_t node)
{
    int more = parser->token.kind != TOKEN_CLOSE;
    while (more) {
        uint32_t argument = parse_any(parser);
        if (argument == NO_NODE)
            return -1;
        expression_adopt(parser->tree, node, argument);
        more = take(parser, TOKEN_COMMA);
        if (more < 0)
            return -1;
    }
    return expect(parser, TOKEN_CLOSE, "a closing )");
}

static uint32_t parse_name(struct parser *parser)
{
    struct token token = parser->token;
    uint32_t node = expression_node(parser->tree, OP_NAME, token.at);
    if (node == NO_NODE)
        return NO_NODE;
    parser->tree->nodes[node].value.text = text_of(parser, &token);
    if (advance(parser))
        return NO_NODE;
    int call = token.kind == TOKEN_NAME ? take(parser, TOKEN_OPEN) : 0;
    if (call <= 0)
        return call < 0 ? NO_NODE : node;
    parser->tree->nodes[node].op = OP_CALL;
    return parse_arguments(parser, node) ? NO_NODE : node;
}

static uint32_t parse_primary(struct parser *parser)
{
    uint32_t node;
    switch (parser->token.kind) {
    case TOKEN_INTEGER:
    case TOKEN_NUMBER:
        return parse_number(parser);
    case TOKEN_STRING: {
        union value value = {.text = text_of(parser, &parser->token)};
        return constant(parser, WEIR_EXPRESSION_STRING, value);
    }
    case TOKEN_TRUE:
    case TOKEN_FALSE: {
        union value value = {.boolean = parser->token.kind == TOKEN_TRUE};
        return constant(parser, WEIR_EXPRESSION_BOOLEAN, value);
    }
    case TOKEN_NULL:
        node = constant(parser, WEIR_EXPRESSION_NULL, (union value){0});
        if (node != NO_NODE)
            parser->tree->nodes[node].is_null = 1;
        return node;
    case TOKEN_NAME:
    case TOKEN_QUOTED:
        return parse_name(parser);
    case TOKEN_OPEN:
        if (advance(parser))
            return NO_NODE;
        node = parse_any(parser);
        if (node == NO_NODE || expect(parser, TOKEN_CLOSE, "a closing )"))
            return NO_NODE;
        return node;
    default:
        fault_here(parser, "a field, a value or (");
        return NO_NODE;
    }
}

// -1 is a number like 1, and what asks for a constant takes it.
static int negate_constant(struct node *node, size_t at)
{
    if (node->op != OP_CONSTANT ||
        (node->type != WEIR_EXPRESSION_INTEGER && node->type != WEIR_EXPRESSION_NUMBER))
        return 0;
    if (node->type == WEIR_EXPRESSION_NUMBER)
        node->value.number = -node->value.number;
    else // its literal had no sign
        node->value.integer = -node->value.integer;
    node->at = (uint32_t)at;
    return 1;
}

static uint32_t parse_unary(struct parser *parser)
{
    size_t at = parser->token.at;
    if (parser->token.kind != TOKEN_MINUS)
        return parse_primary(parser);
    if (enter(parser) || advance(parser))
        return NO_NODE;
    uint32_t operand = parse_unary(parser);
    parser->depth--;
    if (operand != NO_NODE && negate_constant(&parser->tree->nodes[operand], at))
        return operand;
    return over(parser, OP_NEG, at, operand, NO_NODE);
}

// ---- operators

static uint32_t parse_product(struct parser *parser)
{
    uint32_t node = parse_unary(parser);
    while (node != NO_NODE) {
        struct token token = parser->token;
        enum op op = token.kind == TOKEN_STAR    ? OP_MUL
                     : token.kind == TOKEN_SLASH ? OP_DIV
                                                 : OP_MOD;
        if (token.kind != TOKEN_STAR && token.kind != TOKEN_SLASH && token.kind != TOKEN_PERCENT)
            break;
        node = advance(parser) ? NO_NODE : binary(parser, op, token.at, node, parse_unary(parser));
    }
    return node;
}

static uint32_t parse_sum(struct parser *parser)
{
    uint32_t node = parse_product(parser);
    while (node != NO_NODE &&
           (parser->token.kind == TOKEN_PLUS || parser->token.kind == TOKEN_MINUS)) {
        struct token token = parser->token;
        node = advance(parser) ? NO_NODE
                               : binary(parser, token.kind == TOKEN_PLUS ? OP_ADD : OP_SUB,
                                        token.at, node, parse_product(parser));
    }
    return node;
}

// Behind `in`: (a, b, ...).
static uint32_t parse_list(struct parser *parser, uint32_t value, size_t at)
{
    uint32_t node = over(parser, OP_IN, at, value, NO_NODE);
    if (node == NO_NODE || expect(parser, TOKEN_OPEN, "a ( behind in"))
        return NO_NODE;
    if (parser->token.kind == TOKEN_CLOSE) {
        fault_here(parser, "a value");
        return NO_NODE;
    }
    return parse_arguments(parser, node) ? NO_NODE : node;
}

static uint32_t parse_between(struct parser *parser, uint32_t value, size_t at)
{
    uint32_t low = parse_sum(parser);
    if (low == NO_NODE || expect(parser, TOKEN_AND, "the and of between ... and ..."))
        return NO_NODE;
    uint32_t high = parse_sum(parser);
    uint32_t node = high == NO_NODE ? NO_NODE : over(parser, OP_BETWEEN, at, value, low);
    if (node != NO_NODE)
        expression_adopt(parser->tree, node, high);
    return node;
}

// Behind `is`: [not] null | missing.
static uint32_t parse_is(struct parser *parser, uint32_t value, size_t at)
{
    int negated = take(parser, TOKEN_NOT);
    if (negated < 0)
        return NO_NODE;
    enum op op = parser->token.kind == TOKEN_MISSING ? OP_IS_MISSING : OP_IS_NULL;
    if (parser->token.kind != TOKEN_MISSING && parser->token.kind != TOKEN_NULL) {
        fault_here(parser, "null or missing");
        return NO_NODE;
    }
    uint32_t node = advance(parser) ? NO_NODE : over(parser, op, at, value, NO_NODE);
    return negated ? over(parser, OP_NOT, at, node, NO_NODE) : node;
}

static int comparison(enum token_kind kind)
{
    static const enum op ops[] = {
        [TOKEN_LESS] = OP_LT,          [TOKEN_LESS_EQUAL] = OP_LE, [TOKEN_GREATER] = OP_GT,
        [TOKEN_GREATER_EQUAL] = OP_GE, [TOKEN_EQUAL] = OP_EQ,      [TOKEN_NOT_EQUAL] = OP_NE};
    return kind >= TOKEN_LESS && kind <= TOKEN_NOT_EQUAL ? (int)ops[kind] : -1;
}

static uint32_t parse_comparison(struct parser *parser)
{
    uint32_t node = parse_sum(parser);
    struct token token = parser->token;
    if (node == NO_NODE)
        return NO_NODE;
    int op = comparison(token.kind);
    if (op >= 0) {
        node = advance(parser) ? NO_NODE
                               : binary(parser, (enum op)op, token.at, node, parse_sum(parser));
        if (node != NO_NODE && comparison(parser->token.kind) >= 0) {
            expression_fault(parser->tree->fault, parser->token.at,
                             "comparisons do not chain: write a < b and b < c");
            return NO_NODE;
        }
        return node;
    }
    if (token.kind == TOKEN_IS)
        return advance(parser) ? NO_NODE : parse_is(parser, node, token.at);
    int negated = token.kind == TOKEN_NOT;
    enum token_kind kind = negated ? parser->next.kind : token.kind;
    if (kind != TOKEN_IN && kind != TOKEN_BETWEEN)
        return node;
    if ((negated && advance(parser)) || advance(parser))
        return NO_NODE;
    node = kind == TOKEN_IN ? parse_list(parser, node, token.at)
                            : parse_between(parser, node, token.at);
    return negated ? over(parser, OP_NOT, token.at, node, NO_NODE) : node;
}

static uint32_t parse_not(struct parser *parser)
{
    size_t at = parser->token.at;
    if (parser->token.kind != TOKEN_NOT)
        return parse_comparison(parser);
    if (enter(parser) || advance(parser))
        return NO_NODE;
    uint32_t operand = parse_not(parser);
    parser->depth--;
    return over(parser, OP_NOT, at, operand, NO_NODE);
}

static uint32_t parse_and(struct parser *parser)
{
    uint32_t node = parse_not(parser);
    while (node != NO_NODE && parser->token.kind == TOKEN_AND) {
        size_t at = parser->token.at;
        node = advance(parser) ? NO_NODE : binary(parser, OP_AND, at, node, parse_not(parser));
    }
    return node;
}

static uint32_t parse_or(struct parser *parser)
{
    uint32_t node = parse_and(parser);
    while (node != NO_NODE && parser->token.kind == TOKEN_OR) {
        size_t at = parser->token.at;
        node = advance(parser) ? NO_NODE : binary(parser, OP_OR, at, node, parse_and(parser));
    }
    return node;
}

// a implies b implies c is a implies (b implies c).
static uint32_t parse_any(struct parser *parser)
{
    if (enter(parser))
        return NO_NODE;
    uint32_t node = parse_or(parser);
    if (node != NO_NODE && parser->token.kind == TOKEN_IMPLIES) {
        size_t at = parser->token.at;
        node = advance(parser) ? NO_NODE : binary(parser, OP_IMPLIES, at, node, parse_any(parser));
    }
    parser->depth--;
    return node;
}

int expression_parse(struct tree *tree, const char *text, size_t length)
{
    struct parser parser = {.tree = tree, .text = text, .length = length};
    if (length > WEIR_EXPRESSION_BYTES)
        return expression_fault(tree->fault, 0, "the expression is longer than %d bytes",
                                WEIR_EXPRESSION_BYTES);
    // A token gives at most its own bytes and an end, and is never shorter than one.
    tree->texts = malloc(2 * length + 1);
    if (!tree->texts) {
        tree->out_of_memory = 1;
        return -1;
    }
    // The first token, and the one ahead of it.
    int failed = advance(&parser);
    if (failed || advance(&parser))
        return -1;
    if (parser.token.kind == TOKEN_END)
        return expression_fault(tree->fault, parser.token.at, "the expression is empty");
    tree->root = parse_any(&parser);
    if (tree->root == NO_NODE)
        return -1;
    return parser.token.kind == TOKEN_END ? 0 : fault_here(&parser, "an operator");
}
