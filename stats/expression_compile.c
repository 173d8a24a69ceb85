// SPDX-License-Identifier: Apache-2.0
// The checked tree to a flat program over registers. What depends on one string field alone
// becomes a program of its own, which is run once a distinct string.
#include <stdlib.h>
#include <string.h>

#include "stats/expression_inside.h"

enum { REGISTERS = 255, MIXED = -2, NONE = -1 };

struct generator {
    struct tree *tree;
    struct program *program;
    int memos; // whether sub-programs may be made
    uint8_t used[REGISTERS];
    int failed;
};

size_t expression_size(uint8_t type)
{
    if (type == WEIR_EXPRESSION_BOOLEAN)
        return sizeof(uint8_t);
    return type == WEIR_EXPRESSION_STRING ? sizeof(struct weir_text) : sizeof(int64_t);
}

void expression_program_free(struct program *program)
{
    for (size_t i = 0; i < program->n_constants; i++) {
        free(program->constants[i].values);
        free(program->constants[i].null);
    }
    for (size_t i = 0; i < program->n_lists; i++)
        free(program->lists[i].values);
    for (size_t i = 0; i < program->n_memos; i++)
        expression_program_free(&program->memos[i].program);
    free(program->code);
    free(program->constants);
    free(program->inputs);
    free(program->lists);
    free(program->memos);
    memset(program, 0, sizeof *program);
}

static struct operand no_memory(struct generator *generator)
{
    generator->failed = 1;
    generator->tree->out_of_memory = 1;
    return (struct operand){0};
}

// One more of an array; NULL without memory. What it pointed to moves.
static void *grow(struct generator *generator, void *array, size_t n, size_t size)
{
    void *grown = NULL;
    if (n < UINT16_MAX)
        grown = realloc(array, (n + 1) * size);
    if (!grown)
        no_memory(generator);
    else
        memset((char *)grown + n * size, 0, size);
    return grown;
}

static uint16_t take_register(struct generator *generator)
{
    uint16_t i = 0;
    while (i < REGISTERS && generator->used[i])
        i++;
    if (i == REGISTERS) {
        generator->failed = 1;
        expression_fault(generator->tree->fault, 0, "the expression is too long: split it");
        return 0;
    }
    generator->used[i] = 1;
    if (i >= generator->program->n_registers)
        generator->program->n_registers = (uint16_t)(i + 1);
    return i;
}

static void give_back(struct generator *generator, struct operand operand)
{
    if (operand.kind == OPERAND_REGISTER)
        generator->used[operand.index] = 0;
}

// The result's register is none of the operands', which are free again afterwards.
static struct operand emit(struct generator *generator, struct instruction instruction)
{
    struct program *program = generator->program;
    if (generator->failed)
        return (struct operand){0};
    instruction.out = take_register(generator);
    if (program->n == program->capacity) {
        size_t capacity = program->capacity ? program->capacity * 2 : 16;
        struct instruction *grown = realloc(program->code, capacity * sizeof *grown);
        if (!grown)
            return no_memory(generator);
        program->code = grown;
        program->capacity = capacity;
    }
    program->code[program->n++] = instruction;
    give_back(generator, instruction.a);
    give_back(generator, instruction.b);
    give_back(generator, instruction.c);
    return (struct operand){OPERAND_REGISTER, instruction.out};
}

static struct operand constant(struct generator *generator, const struct node *node, uint8_t type)
{
    struct program *program = generator->program;
    struct broadcast *grown =
        grow(generator, program->constants, program->n_constants, sizeof *program->constants);
    if (!grown)
        return (struct operand){0};
    program->constants = grown;
    struct broadcast *made = &grown[program->n_constants++];
    size_t size = expression_size(type);
    made->values = calloc(EXPRESSION_VECTOR, size);
    made->null = node->is_null ? malloc(EXPRESSION_VECTOR) : NULL;
    if (!made->values || (node->is_null && !made->null))
        return no_memory(generator);
    if (made->null)
        memset(made->null, WEIR_STATE_NULL, EXPRESSION_VECTOR);
    for (size_t i = 0; i < EXPRESSION_VECTOR && !node->is_null; i++)
        memcpy((char *)made->values + i * size, &node->value, size);
    return (struct operand){OPERAND_CONSTANT, (uint16_t)(program->n_constants - 1)};
}

static struct operand input(struct generator *generator, int32_t index)
{
    struct program *program = generator->program;
    for (size_t i = 0; i < program->n_inputs; i++) {
        if (program->inputs[i] == index)
            return (struct operand){OPERAND_INPUT, (uint16_t)i};
    }
    uint16_t *grown = grow(generator, program->inputs, program->n_inputs, sizeof *program->inputs);
    if (!grown)
        return (struct operand){0};
    program->inputs = grown;
    grown[program->n_inputs++] = (uint16_t)index;
    return (struct operand){OPERAND_INPUT, (uint16_t)(program->n_inputs - 1)};
}

// The string input that the node alone depends on; NONE, or MIXED.
static int32_t depends_on(const struct tree *tree, uint32_t at)
{
    const struct node *node = &tree->nodes[at];
    if (node->op == OP_INPUT)
        return tree->input_types[node->index] == WEIR_EXPRESSION_STRING ? node->index : MIXED;
    if (node->op == OP_EVENT_TIME)
        return MIXED;
    int32_t found = NONE;
    for (uint32_t child = node->first; child != NO_NODE; child = tree->nodes[child].next) {
        int32_t on = depends_on(tree, child);
        if (on == MIXED || (on != NONE && found != NONE && on != found))
            return MIXED;
        if (on != NONE)
            found = on;
    }
    return found;
}

static struct operand generate(struct generator *generator, uint32_t at, uint8_t type);

static struct operand generate_memo(struct generator *generator, uint32_t at, int32_t on)
{
    struct program *program = generator->program;
    struct memo *grown = grow(generator, program->memos, program->n_memos, sizeof *program->memos);
    if (!grown)
        return (struct operand){0};
    program->memos = grown;
    struct memo *memo = &grown[program->n_memos++];
    memo->input = (uint16_t)on;
    if (expression_compile_node(generator->tree, at, 0, &memo->program)) {
        generator->failed = 1;
        return (struct operand){0};
    }
    return emit(generator, (struct instruction){.op = OP_MEMO,
                                                .type = memo->program.type,
                                                .extra = (uint16_t)(program->n_memos - 1)});
}

static int compare_values(const void *a, const void *b, uint8_t type)
{
    const union value *x = a, *y = b;
    if (type == WEIR_EXPRESSION_STRING)
        return expression_text_order(x->text, y->text);
    if (type == WEIR_EXPRESSION_NUMBER)
        return (x->number > y->number) - (x->number < y->number);
    if (type == WEIR_EXPRESSION_BOOLEAN)
        return (x->boolean > y->boolean) - (x->boolean < y->boolean);
    return (x->integer > y->integer) - (x->integer < y->integer);
}

static int compare_texts(const void *a, const void *b)
{
    return compare_values(a, b, WEIR_EXPRESSION_STRING);
}

static int compare_numbers(const void *a, const void *b)
{
    return compare_values(a, b, WEIR_EXPRESSION_NUMBER);
}

static int compare_booleans(const void *a, const void *b)
{
    return compare_values(a, b, WEIR_EXPRESSION_BOOLEAN);
}

static int compare_integers(const void *a, const void *b)
{
    return compare_values(a, b, WEIR_EXPRESSION_INTEGER);
}

// in (1, 2, 3): a sorted list.
static int constant_list(struct generator *generator, const struct node *node, uint8_t type)
{
    const struct tree *tree = generator->tree;
    struct program *program = generator->program;
    struct list *grown = grow(generator, program->lists, program->n_lists, sizeof *program->lists);
    if (!grown)
        return -1;
    program->lists = grown;
    struct list *list = &grown[program->n_lists++];
    list->type = type;
    list->values = calloc(node->n, sizeof *list->values);
    if (!list->values)
        return no_memory(generator), -1;
    for (uint32_t child = tree->nodes[node->first].next; child != NO_NODE;
         child = tree->nodes[child].next)
        list->values[list->n++] = tree->nodes[child].value;
    qsort(list->values, list->n, sizeof *list->values,
          type == WEIR_EXPRESSION_STRING    ? compare_texts
          : type == WEIR_EXPRESSION_NUMBER  ? compare_numbers
          : type == WEIR_EXPRESSION_BOOLEAN ? compare_booleans
                                            : compare_integers);
    return 0;
}

// The type that operands of one type have; of nulls alone an integer, all null.
static uint8_t common_type(const struct tree *tree, const struct node *node)
{
    for (uint32_t child = node->first; child != NO_NODE; child = tree->nodes[child].next) {
        if (tree->nodes[child].type != WEIR_EXPRESSION_NULL)
            return tree->nodes[child].type;
    }
    return WEIR_EXPRESSION_INTEGER;
}

static struct operand generate_in(struct generator *generator, const struct node *node)
{
    const struct tree *tree = generator->tree;
    uint8_t type = common_type(tree, node);
    uint32_t first = tree->nodes[node->first].next;
    int constants = 1;
    for (uint32_t child = first; child != NO_NODE; child = tree->nodes[child].next)
        constants &= tree->nodes[child].op == OP_CONSTANT && !tree->nodes[child].is_null;
    struct operand value = generate(generator, node->first, type);
    if (constants) {
        if (generator->failed || constant_list(generator, node, type))
            return (struct operand){0};
        return emit(generator,
                    (struct instruction){.op = OP_IN,
                                         .type = type,
                                         .a = value,
                                         .extra = (uint16_t)(generator->program->n_lists - 1)});
    }
    struct operand any = {0};
    for (uint32_t child = first; child != NO_NODE && !generator->failed;
         child = tree->nodes[child].next) {
        struct operand item = generate(generator, child, type);
        struct operand same =
            emit(generator, (struct instruction){.op = OP_EQ, .type = type, .a = value, .b = item});
        if (value.kind == OPERAND_REGISTER && !generator->failed)
            generator->used[value.index] = 1; // the next one needs it again
        any = child == first
                  ? same
                  : emit(generator,
                         (struct instruction){
                             .op = OP_OR, .type = WEIR_EXPRESSION_BOOLEAN, .a = any, .b = same});
    }
    give_back(generator, value);
    return any;
}

static struct operand generate_between(struct generator *generator, const struct node *node)
{
    const struct tree *tree = generator->tree;
    uint8_t type = common_type(tree, node);
    uint32_t low = tree->nodes[node->first].next, high = tree->nodes[low].next;
    struct operand value = generate(generator, node->first, type);
    struct operand from = generate(generator, low, type);
    struct operand above =
        emit(generator, (struct instruction){.op = OP_GE, .type = type, .a = value, .b = from});
    if (value.kind == OPERAND_REGISTER && !generator->failed)
        generator->used[value.index] = 1;
    struct operand to = generate(generator, high, type);
    struct operand below =
        emit(generator, (struct instruction){.op = OP_LE, .type = type, .a = value, .b = to});
    return emit(generator,
                (struct instruction){
                    .op = OP_AND, .type = WEIR_EXPRESSION_BOOLEAN, .a = above, .b = below});
}

// f(a, b, c, ...) as f(f(f(a, b), c), ...).
static struct operand generate_fold(struct generator *generator, const struct node *node,
                                    uint8_t type)
{
    const struct tree *tree = generator->tree;
    uint8_t op = node->op;
    struct operand all = generate(generator, node->first, type);
    for (uint32_t child = tree->nodes[node->first].next; child != NO_NODE && !generator->failed;
         child = tree->nodes[child].next) {
        struct operand next = generate(generator, child, type);
        all = emit(generator, (struct instruction){.op = op, .type = type, .a = all, .b = next});
    }
    return all;
}

static uint8_t or_integer(uint8_t type)
{
    return type == WEIR_EXPRESSION_NULL ? WEIR_EXPRESSION_INTEGER : type;
}

// Up to three operands, each of its own type but where the instruction wants one of all.
static struct operand generate_plain(struct generator *generator, const struct node *node)
{
    struct tree *tree = generator->tree;
    struct instruction instruction = {.op = node->op, .type = or_integer(node->type)};
    struct operand *const operands[] = {&instruction.a, &instruction.b, &instruction.c};
    uint32_t child = node->first;
    int one_type = node->op >= OP_LT && node->op <= OP_NE;
    uint8_t type = one_type ? common_type(tree, node) : 0;
    for (int i = 0; i < 3 && child != NO_NODE; i++, child = tree->nodes[child].next) {
        uint8_t own = tree->nodes[child].type;
        if (node->op == OP_MATCHES && i == 1)
            break;
        if (node->op == OP_IF)
            own = i == 0 ? WEIR_EXPRESSION_BOOLEAN : instruction.type;
        else if (one_type)
            own = type;
        else if (node->op == OP_AND || node->op == OP_OR || node->op == OP_IMPLIES ||
                 node->op == OP_NOT)
            own = WEIR_EXPRESSION_BOOLEAN;
        *operands[i] = generate(generator, child, own);
        if (i == 0 && node->op != OP_IF)
            instruction.type = or_integer(own);
    }
    if (node->op == OP_MATCHES)
        instruction.extra = (uint16_t)node->index;
    return emit(generator, instruction);
}

// `type` is what a null is to be a null of.
static struct operand generate(struct generator *generator, uint32_t at, uint8_t type)
{
    struct tree *tree = generator->tree;
    const struct node *node = &tree->nodes[at];
    if (generator->failed)
        return (struct operand){0};
    if (node->op == OP_CONSTANT)
        return constant(generator, node,
                        or_integer(node->type == WEIR_EXPRESSION_NULL ? type : node->type));
    if (node->op == OP_INPUT)
        return input(generator, node->index);
    int32_t on =
        generator->memos && node->type != WEIR_EXPRESSION_STRING ? depends_on(tree, at) : MIXED;
    if (on >= 0)
        return generate_memo(generator, at, on);
    switch ((enum op)node->op) {
    case OP_IN:
        return generate_in(generator, node);
    case OP_BETWEEN:
        return generate_between(generator, node);
    case OP_COALESCE:
    case OP_MIN:
    case OP_MAX:
        return generate_fold(generator, node, or_integer(node->type));
    default:
        return generate_plain(generator, node);
    }
}

int expression_compile_node(struct tree *tree, uint32_t node, int memos, struct program *program)
{
    struct generator *generator = calloc(1, sizeof *generator);
    if (!generator) {
        tree->out_of_memory = 1;
        return -1;
    }
    *generator = (struct generator){.tree = tree, .program = program, .memos = memos};
    program->type = or_integer(tree->nodes[node].type);
    program->result = generate(generator, node, program->type);
    int failed = generator->failed;
    free(generator);
    return failed ? -1 : 0;
}
