// SPDX-License-Identifier: Apache-2.0
// What the files of the expression language share. Not installed.
#ifndef WEIR_STATS_EXPRESSION_INSIDE_H
#define WEIR_STATS_EXPRESSION_INSIDE_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "stats/expression.h"

enum {
    EXPRESSION_VECTOR = 1024, // rows an instruction works on at a time
    EXPRESSION_DEPTH = 100,   // of nesting in the text
    EXPRESSION_HEIGHT = 400,  // of the tree
    EXPRESSION_NODES = 4000
};

// ---- text to tokens (expression_lex.c)

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,   // field, function or keyword
    TOKEN_QUOTED, // `field`
    TOKEN_INTEGER,
    TOKEN_NUMBER,
    TOKEN_STRING,
    TOKEN_LESS,
    TOKEN_LESS_EQUAL,
    TOKEN_GREATER,
    TOKEN_GREATER_EQUAL,
    TOKEN_EQUAL,
    TOKEN_NOT_EQUAL,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_NOT,
    TOKEN_IN,
    TOKEN_BETWEEN,
    TOKEN_IS,
    TOKEN_NULL,
    TOKEN_MISSING,
    TOKEN_TRUE,
    TOKEN_FALSE,
    TOKEN_IMPLIES,
    TOKEN_WHEN,
    TOKEN_PLUS,
    TOKEN_MINUS,
    TOKEN_STAR,
    TOKEN_SLASH,
    TOKEN_PERCENT, // `attached`: directly behind a number
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_COLON
};

struct token {
    enum token_kind kind;
    uint32_t at, length; // in the text
    int attached;
    int64_t integer;
    double number;
};

// One more token at *at, which moves behind it. 0, or -1 with a fault.
int expression_lex(const char *text, size_t length, size_t *at, struct token *token,
                   struct weir_expression_fault *fault);
// A string's or quoted field's bytes without its quotes and escapes; `out` has room for
// token->length.
size_t expression_unquote(const char *text, const struct token *token, char *out);

__attribute__((format(printf, 3, 4))) int
expression_fault(struct weir_expression_fault *fault, size_t at, const char *format, ...); // -1

// ---- the tree (expression_parse.c)

enum op {
    OP_CONSTANT,
    OP_NAME,  // of a field, not looked up yet
    OP_INPUT, // `index` among the inputs
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_NEG,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_EQ,
    OP_NE,
    OP_AND,
    OP_OR,
    OP_NOT,
    OP_IMPLIES,
    OP_IN, // the value, then the list
    OP_BETWEEN,
    OP_IS_NULL,
    OP_IS_MISSING,
    OP_IF,
    OP_COALESCE,
    OP_CALL, // of a function that is not looked up yet: `text` is its name
    OP_TO_NUMBER,
    OP_ABS,
    OP_FLOOR,
    OP_CEIL,
    OP_ROUND,
    OP_ROUND_TO,
    OP_SIGN,
    OP_SQRT,
    OP_LN,
    OP_LOG10,
    OP_EXP,
    OP_POW,
    OP_MIN,
    OP_MAX,
    OP_IS_NAN,
    OP_IS_FINITE,
    OP_LENGTH,
    OP_LOWER,
    OP_UPPER,
    OP_TRIM,
    OP_SUBSTRING,
    OP_STARTS_WITH,
    OP_ENDS_WITH,
    OP_CONTAINS,
    OP_MATCHES,
    OP_NUMBER,
    OP_TIME,
    OP_EVENT_TIME,
    OP_YEAR,
    OP_MONTH,
    OP_DAY,
    OP_WEEKDAY,
    OP_HOUR,
    OP_MINUTE,
    OP_SECOND,
    OP_MEMO, // programs only: a sub-program's answer by string
    OPS
};

union value {
    int64_t integer;
    double number;
    struct weir_text text;
    uint8_t boolean;
};

enum { NO_NODE = UINT32_MAX };

struct node {
    uint8_t op;
    uint8_t type;    // enum weir_expression_type, once checked
    uint8_t is_null; // of a constant
    uint8_t unknown; // a tentative name is below
    uint16_t height;
    uint32_t at;          // in the text
    uint32_t first, next; // child, sibling
    uint32_t n;           // children
    int32_t index;        // of an input; of a pattern
    union value value;    // of a constant; a name's text
};

struct tree {
    struct node *nodes;
    uint32_t n, capacity;
    uint32_t root;
    char *texts; // of strings and names
    size_t used;
    struct weir_expression_input *inputs;
    uint8_t *input_types;
    size_t n_inputs;
    pcre2_code **patterns;
    size_t n_patterns;
    pcre2_match_context *limits; // of patterns; NULL without any
    int unknown;                 // some name was not known
    int out_of_memory;
    const struct weir_expression_scope *scope;
    struct weir_expression_fault *fault;
};

int expression_parse(struct tree *tree, const char *text, size_t length);
void expression_tree_free(struct tree *tree);
// A new node; NO_NODE with a fault, or without memory.
uint32_t expression_node(struct tree *tree, enum op op, size_t at);
void expression_adopt(struct tree *tree, uint32_t parent, uint32_t child);

// ---- types (expression_check.c), names (expression_names.c), functions (expression_functions.c)

int expression_check(struct tree *tree);
// Turns an OP_NAME into an input, an OP_CALL into an input where the scope knows an aggregate of
// that name (1), or leaves it (0). -1: a fault.
int expression_resolve_name(struct tree *tree, uint32_t node);
int expression_resolve_aggregate(struct tree *tree, uint32_t node);

struct function {
    const char *name, *form, *help;
    uint8_t op;
    uint8_t least, most; // arguments
    // A letter an argument, the last for all further ones: n number or integer, d number, i
    // integer, s string, b condition, t time or integer, x string, time or
    // integer, a anything. Arguments of `u` are made one
    // type.
    const char *arguments;
    char result; // the same letters; n: as the first argument, u: as all arguments; T: a time
};
// By name; among several the one that takes `n` arguments.
const struct function *expression_function_find(const char *name, uint32_t n);
const struct function *expression_function_at(size_t i);
const char *expression_function_near(const char *name);

// ---- constants (expression_fold.c)

// Works out what has no input. -1: no memory.
int expression_fold(struct tree *tree);

// ---- programs (expression_compile.c)

enum operand_kind { OPERAND_NONE, OPERAND_REGISTER, OPERAND_CONSTANT, OPERAND_INPUT };
struct operand {
    uint8_t kind;
    uint16_t index;
};

struct instruction {
    uint8_t op, type; // type: that of the first operand (of OP_IF and OP_COALESCE: the result's)
    uint16_t out;
    struct operand a, b, c;
    uint16_t extra; // pattern, list, memo
};

// A constant as a whole vector.
struct broadcast {
    void *values;
    uint8_t *null; // NULL: it has a value
};

struct list { // of in (...): sorted
    uint8_t type;
    size_t n;
    union value *values;
};

struct program {
    struct instruction *code;
    size_t n, capacity;
    struct broadcast *constants;
    size_t n_constants;
    uint16_t *inputs; // of the expression's
    size_t n_inputs;
    struct list *lists;
    size_t n_lists;
    struct memo *memos;
    size_t n_memos;
    uint16_t n_registers;
    struct operand result;
    uint8_t type;
};

// What depends on one string field alone.
struct memo {
    uint16_t input; // of the expression's
    struct program program;
};

struct weir_expression {
    struct tree tree;
    struct program program;
    const struct weir_stream *stream;
};

// -1: no memory, or a fault (too complex).
int expression_compile_node(struct tree *tree, uint32_t node, int memos, struct program *program);
void expression_program_free(struct program *program);
size_t expression_size(uint8_t type); // bytes of a value

// ---- running (expression_run.c, expression_text.c)

struct vector {
    void *values;
    uint8_t *null; // NULL: no nulls
};

struct frame { // what a program's instructions see
    const struct program *program;
    uint32_t n;
    struct vector *inputs;    // parallel to program->inputs
    struct vector *registers; // each with room for its values and nulls
    uint8_t **null_rooms;     // of the registers
    const int64_t *event_time;
    const uint8_t *const *states; // of inputs, for `is missing`
    pcre2_match_data *match;
    pcre2_match_context *limits;
    pcre2_code *const *patterns;
    struct texts *texts;
    int out_of_memory;
    // Answers a memo.
    void (*memo)(struct frame *frame, const struct instruction *code, struct vector *out);
    void *context;
};

// Runs the program; the result's vector lives in the frame, or in its inputs and constants.
struct vector expression_execute(struct frame *frame);

// One instruction's work: operands, the place of the result. `null` has the operands' nulls (or
// zeros) and takes those that are added; returns whether there are any.
struct call {
    uint32_t n;
    uint8_t type;
    const void *a, *b, *c;
    void *out;
    uint8_t *null;
    struct frame *frame;
    const struct instruction *code;
};
typedef unsigned kernel(const struct call *call);
kernel *expression_kernel(enum op op, uint8_t type);
kernel *expression_text_kernel(enum op op, uint8_t type);
int expression_text_order(struct weir_text a, struct weir_text b);

// Room for strings that are made while a batch is evaluated.
struct texts {
    struct text_block *blocks;
    size_t used;
};
char *expression_text_room(struct texts *texts, size_t n); // NULL: no memory
void expression_texts_reset(struct texts *texts);
void expression_texts_free(struct texts *texts);

#endif
