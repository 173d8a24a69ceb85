// SPDX-License-Identifier: Apache-2.0
// Instructions over vectors. Loops are kept so plain that compilers turn them into vector code;
// what goes wrong in a few rows is looked for in a second pass, only where there is some.
#include <math.h>
#include <string.h>

#include "stats/expression_inside.h"

#define FINITE(x) (fabs(x) <= 0x1.fffffffffffffp1023)

// ---- arithmetic

#define NUMBERS(name, expression)                                                                  \
    static unsigned name(const struct call *call)                                                  \
    {                                                                                              \
        const double *restrict a = call->a, *restrict b = call->b;                                 \
        double *restrict out = call->out;                                                          \
        unsigned odd = 0;                                                                          \
        for (uint32_t i = 0; i < call->n; i++) {                                                   \
            out[i] = (expression);                                                                 \
            odd |= !FINITE(out[i]);                                                                \
        }                                                                                          \
        return odd ? overflows(call) : 0;                                                          \
    }

// A result that is not finite is a fault where the operands are.
static unsigned overflows(const struct call *call)
{
    const double *a = call->a, *b = call->b ? call->b : call->a;
    const double *out = call->out;
    unsigned any = 0;
    for (uint32_t i = 0; i < call->n; i++) {
        if (!call->null[i] && !FINITE(out[i]) && FINITE(a[i]) && FINITE(b[i])) {
            call->null[i] = WEIR_EXPRESSION_FAULT;
            any = 1;
        }
    }
    return any;
}

NUMBERS(add_numbers, a[i] + b[i])
NUMBERS(subtract_numbers, a[i] - b[i])
NUMBERS(multiply_numbers, a[i] * b[i])

// By zero is a fault whatever is divided.
static unsigned zero_divisors(const struct call *call)
{
    const double *b = call->b;
    unsigned any = 0;
    for (uint32_t i = 0; i < call->n; i++) {
        if (!call->null[i] && fpclassify(b[i]) == FP_ZERO) {
            call->null[i] = WEIR_EXPRESSION_FAULT;
            any = 1;
        }
    }
    return any;
}

static unsigned divide_numbers(const struct call *call)
{
    const double *restrict a = call->a, *restrict b = call->b;
    double *restrict out = call->out;
    unsigned odd = 0;
    for (uint32_t i = 0; i < call->n; i++) {
        out[i] = a[i] / b[i];
        odd |= !FINITE(out[i]);
    }
    return odd ? zero_divisors(call) | overflows(call) : 0;
}

static unsigned modulo_numbers(const struct call *call)
{
    const double *a = call->a, *b = call->b;
    double *out = call->out;
    for (uint32_t i = 0; i < call->n; i++)
        out[i] = fmod(a[i], b[i]);
    return zero_divisors(call) | overflows(call);
}

#define INTEGERS(name, builtin)                                                                    \
    static unsigned name(const struct call *call)                                                  \
    {                                                                                              \
        const int64_t *restrict a = call->a, *restrict b = call->b;                                \
        int64_t *restrict out = call->out;                                                         \
        unsigned any = 0;                                                                          \
        for (uint32_t i = 0; i < call->n; i++) {                                                   \
            long long result;                                                                      \
            int bad = builtin((long long)a[i], (long long)b[i], &result) && !call->null[i];        \
            out[i] = result;                                                                       \
            call->null[i] |= (uint8_t)(bad ? WEIR_EXPRESSION_FAULT : 0);                           \
            any |= (unsigned)bad;                                                                  \
        }                                                                                          \
        return any;                                                                                \
    }

INTEGERS(add_integers, __builtin_saddll_overflow)
INTEGERS(subtract_integers, __builtin_ssubll_overflow)
INTEGERS(multiply_integers, __builtin_smulll_overflow)

static unsigned modulo_integers(const struct call *call)
{
    const int64_t *a = call->a, *b = call->b;
    int64_t *out = call->out;
    unsigned any = 0;
    for (uint32_t i = 0; i < call->n; i++) {
        out[i] = b[i] == 0 || b[i] == -1 ? 0 : a[i] % b[i];
        if (b[i] == 0 && !call->null[i]) {
            call->null[i] = WEIR_EXPRESSION_FAULT;
            any = 1;
        }
    }
    return any;
}

#define EACH(name, from, to, expression)                                                           \
    static unsigned name(const struct call *call)                                                  \
    {                                                                                              \
        const from *restrict a = call->a;                                                          \
        to *restrict out = call->out;                                                              \
        for (uint32_t i = 0; i < call->n; i++)                                                     \
            out[i] = (expression);                                                                 \
        return 0;                                                                                  \
    }

EACH(negate_number, double, double, -a[i])
EACH(absolute_number, double, double, fabs(a[i]))
EACH(integer_to_number, int64_t, double, (double)a[i])
EACH(boolean_to_number, uint8_t, double, (double)a[i])
EACH(sign_of_number, double, int64_t, (a[i] > 0) - (a[i] < 0))
EACH(sign_of_integer, int64_t, int64_t, (a[i] > 0) - (a[i] < 0))
EACH(is_nan_number, double, uint8_t, !(a[i] >= a[i]))
EACH(is_finite_number, double, uint8_t, FINITE(a[i]))
EACH(copy_number, double, double, a[i])
EACH(copy_integer, int64_t, int64_t, a[i])

#define NEGATED(name, expression)                                                                  \
    static unsigned name(const struct call *call)                                                  \
    {                                                                                              \
        const int64_t *a = call->a;                                                                \
        int64_t *out = call->out;                                                                  \
        unsigned any = 0;                                                                          \
        for (uint32_t i = 0; i < call->n; i++) {                                                   \
            int bad = a[i] == INT64_MIN && !call->null[i];                                         \
            out[i] = a[i] == INT64_MIN ? 0 : (expression);                                         \
            call->null[i] |= (uint8_t)(bad ? WEIR_EXPRESSION_FAULT : 0);                           \
            any |= (unsigned)bad;                                                                  \
        }                                                                                          \
        return any;                                                                                \
    }

NEGATED(negate_integer, -a[i])
NEGATED(absolute_integer, a[i] < 0 ? -a[i] : a[i])

// A number as an integer: NaN and what is beyond 64 bits are faults.
#define WHOLE(name, expression)                                                                    \
    static unsigned name(const struct call *call)                                                  \
    {                                                                                              \
        const double *a = call->a;                                                                 \
        int64_t *out = call->out;                                                                  \
        unsigned any = 0;                                                                          \
        for (uint32_t i = 0; i < call->n; i++) {                                                   \
            double x = (expression);                                                               \
            int good = x >= -0x1p63 && x < 0x1p63;                                                 \
            out[i] = good ? (int64_t)x : 0;                                                        \
            if (!good && !call->null[i]) {                                                         \
                call->null[i] = WEIR_EXPRESSION_FAULT;                                             \
                any = 1;                                                                           \
            }                                                                                      \
        }                                                                                          \
        return any;                                                                                \
    }

WHOLE(floor_number, floor(a[i]))
WHOLE(ceil_number, ceil(a[i]))
WHOLE(round_number, round(a[i]))

// NaN stays NaN; where the argument lies outside the domain, a fault.
#define DOMAIN(name, domain, expression)                                                           \
    static unsigned name(const struct call *call)                                                  \
    {                                                                                              \
        const double *a = call->a;                                                                 \
        double *out = call->out;                                                                   \
        unsigned any = 0;                                                                          \
        for (uint32_t i = 0; i < call->n; i++) {                                                   \
            int good = (domain) || !(a[i] >= a[i]);                                                \
            out[i] = good ? (expression) : 0;                                                      \
            if (!call->null[i] && (!good || (!FINITE(out[i]) && FINITE(a[i])))) {                  \
                call->null[i] = WEIR_EXPRESSION_FAULT;                                             \
                any = 1;                                                                           \
            }                                                                                      \
        }                                                                                          \
        return any;                                                                                \
    }

DOMAIN(root, a[i] >= 0, sqrt(a[i]))
DOMAIN(natural_logarithm, a[i] > 0, log(a[i]))
DOMAIN(decimal_logarithm, a[i] > 0, log10(a[i]))
DOMAIN(exponential, 1, exp(a[i]))

static unsigned power(const struct call *call)
{
    const double *a = call->a, *b = call->b;
    double *out = call->out;
    for (uint32_t i = 0; i < call->n; i++)
        out[i] = pow(a[i], b[i]);
    return overflows(call);
}

static unsigned round_to(const struct call *call)
{
    static const double powers[] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const double *a = call->a;
    const int64_t *digits = call->b;
    double *out = call->out;
    for (uint32_t i = 0; i < call->n; i++) {
        double power = powers[digits[i] & 15], scaled = a[i] * power;
        // Beyond 2^52 there are no decimal places to round.
        out[i] = fabs(scaled) < 0x1p52 ? round(scaled) / power : a[i];
    }
    return 0;
}

#define LESSER(name, type, expression)                                                             \
    static unsigned name(const struct call *call)                                                  \
    {                                                                                              \
        const type *restrict a = call->a, *restrict b = call->b;                                   \
        type *restrict out = call->out;                                                            \
        for (uint32_t i = 0; i < call->n; i++)                                                     \
            out[i] = (expression);                                                                 \
        return 0;                                                                                  \
    }

// NaN is passed on.
LESSER(least_number, double, a[i] < b[i] || !(a[i] >= a[i]) ? a[i] : b[i])
LESSER(greatest_number, double, a[i] > b[i] || !(a[i] >= a[i]) ? a[i] : b[i])
LESSER(least_integer, int64_t, a[i] < b[i] ? a[i] : b[i])
LESSER(greatest_integer, int64_t, a[i] > b[i] ? a[i] : b[i])

// ---- comparisons

#define COMPARE(name, type, sign)                                                                  \
    static unsigned name(const struct call *call)                                                  \
    {                                                                                              \
        const type *restrict a = call->a, *restrict b = call->b;                                   \
        uint8_t *restrict out = call->out;                                                         \
        for (uint32_t i = 0; i < call->n; i++)                                                     \
            out[i] = a[i] sign b[i];                                                               \
        return 0;                                                                                  \
    }
#define COMPARES(suffix, type)                                                                     \
    COMPARE(less_##suffix, type, <)                                                                \
    COMPARE(less_equal_##suffix, type, <=)                                                         \
    COMPARE(greater_##suffix, type, >)                                                             \
    COMPARE(greater_equal_##suffix, type, >=)                                                      \
    COMPARE(equal_##suffix, type, ==)                                                              \
    COMPARE(unlike_##suffix, type, !=)

// Numbers are compared as they are: that is what == asks for.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wfloat-equal"
COMPARES(numbers, double)
#pragma GCC diagnostic pop
COMPARES(integers, int64_t)
COMPARES(booleans, uint8_t)

enum { FEW = 8 };

static unsigned in_numbers(const struct call *call)
{
    const struct list *list = &call->frame->program->lists[call->code->extra];
    const double *restrict a = call->a;
    uint8_t *restrict out = call->out;
    memset(out, 0, call->n);
    for (size_t k = 0; k < list->n && list->n <= FEW; k++) {
        double value = list->values[k].number;
        for (uint32_t i = 0; i < call->n; i++)
            out[i] |= a[i] >= value && a[i] <= value;
    }
    for (uint32_t i = 0; i < call->n && list->n > FEW; i++) {
        size_t low = 0, high = list->n;
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (list->values[middle].number < a[i])
                low = middle + 1;
            else
                high = middle;
        }
        out[i] = low < list->n && list->values[low].number <= a[i];
    }
    return 0;
}

static unsigned in_integers(const struct call *call)
{
    const struct list *list = &call->frame->program->lists[call->code->extra];
    const int64_t *restrict a = call->a;
    uint8_t *restrict out = call->out;
    memset(out, 0, call->n);
    for (size_t k = 0; k < list->n && list->n <= FEW; k++) {
        int64_t value = list->values[k].integer;
        for (uint32_t i = 0; i < call->n; i++)
            out[i] |= a[i] == value;
    }
    for (uint32_t i = 0; i < call->n && list->n > FEW; i++) {
        size_t low = 0, high = list->n;
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (list->values[middle].integer < a[i])
                low = middle + 1;
            else
                high = middle;
        }
        out[i] = low < list->n && list->values[low].integer == a[i];
    }
    return 0;
}

static unsigned in_booleans(const struct call *call)
{
    const struct list *list = &call->frame->program->lists[call->code->extra];
    const uint8_t *a = call->a;
    uint8_t *out = call->out;
    uint8_t holds[2] = {0, 0};
    for (size_t k = 0; k < list->n; k++)
        holds[list->values[k].boolean] = 1;
    for (uint32_t i = 0; i < call->n; i++)
        out[i] = holds[a[i] & 1];
    return 0;
}

kernel *expression_kernel(enum op op, uint8_t type)
{
    enum { B, I, N, TYPES };
    static kernel *const kernels[OPS][TYPES] = {
        [OP_ADD] = {NULL, add_integers, add_numbers},
        [OP_SUB] = {NULL, subtract_integers, subtract_numbers},
        [OP_MUL] = {NULL, multiply_integers, multiply_numbers},
        [OP_DIV] = {NULL, NULL, divide_numbers},
        [OP_MOD] = {NULL, modulo_integers, modulo_numbers},
        [OP_NEG] = {NULL, negate_integer, negate_number},
        [OP_LT] = {less_booleans, less_integers, less_numbers},
        [OP_LE] = {less_equal_booleans, less_equal_integers, less_equal_numbers},
        [OP_GT] = {greater_booleans, greater_integers, greater_numbers},
        [OP_GE] = {greater_equal_booleans, greater_equal_integers, greater_equal_numbers},
        [OP_EQ] = {equal_booleans, equal_integers, equal_numbers},
        [OP_NE] = {unlike_booleans, unlike_integers, unlike_numbers},
        [OP_IN] = {in_booleans, in_integers, in_numbers},
        [OP_TO_NUMBER] = {NULL, integer_to_number, copy_number},
        [OP_ABS] = {NULL, absolute_integer, absolute_number},
        [OP_FLOOR] = {NULL, copy_integer, floor_number},
        [OP_CEIL] = {NULL, copy_integer, ceil_number},
        [OP_ROUND] = {NULL, copy_integer, round_number},
        [OP_ROUND_TO] = {NULL, NULL, round_to},
        [OP_SIGN] = {NULL, sign_of_integer, sign_of_number},
        [OP_SQRT] = {NULL, NULL, root},
        [OP_LN] = {NULL, NULL, natural_logarithm},
        [OP_LOG10] = {NULL, NULL, decimal_logarithm},
        [OP_EXP] = {NULL, NULL, exponential},
        [OP_POW] = {NULL, NULL, power},
        [OP_MIN] = {NULL, least_integer, least_number},
        [OP_MAX] = {NULL, greatest_integer, greatest_number},
        [OP_IS_NAN] = {NULL, NULL, is_nan_number},
        [OP_IS_FINITE] = {NULL, NULL, is_finite_number},
        [OP_NUMBER] = {boolean_to_number, integer_to_number, copy_number},
        [OP_TIME] = {NULL, copy_integer, NULL},
    };
    if (type == WEIR_EXPRESSION_STRING)
        return expression_text_kernel(op, type);
    int column = type == WEIR_EXPRESSION_BOOLEAN ? B : type == WEIR_EXPRESSION_NUMBER ? N : I;
    return kernels[op][column] ? kernels[op][column] : expression_text_kernel(op, type);
}

// ---- three-valued logic and choices: nulls are theirs to decide

static int has_null(const uint8_t *null, uint32_t n)
{
    uint8_t any = 0;
    for (uint32_t i = 0; i < n; i++)
        any |= null[i];
    return any != 0;
}

// and: false where one is false; or: true where one is true; implies: not a or b. What is left is
// null where one of them is.
static int run_logic(const struct call *call, enum op op, const uint8_t *a_null,
                     const uint8_t *b_null)
{
    const uint8_t *restrict a = call->a, *restrict b = call->b;
    uint8_t *restrict out = call->out, *restrict null = call->null;
    uint8_t flip = op == OP_IMPLIES, decides = op == OP_AND ? 0 : 1;
    if (!a_null && !b_null) {
        if (op == OP_AND) {
            for (uint32_t i = 0; i < call->n; i++)
                out[i] = a[i] & b[i];
        } else {
            for (uint32_t i = 0; i < call->n; i++)
                out[i] = (uint8_t)((a[i] ^ flip) | b[i]);
        }
        return 0;
    }
    for (uint32_t i = 0; i < call->n; i++) {
        uint8_t x = (uint8_t)((a[i] & 1) ^ flip), y = b[i] & 1;
        uint8_t nx = a_null ? a_null[i] : 0, ny = b_null ? b_null[i] : 0;
        int known = (!nx && x == decides) || (!ny && y == decides);
        null[i] = known ? 0 : nx | ny;
        out[i] = known ? decides : !decides;
    }
    return has_null(null, call->n);
}

#define CHOOSE(type)                                                                               \
    for (uint32_t i = 0; i < call->n; i++)                                                         \
    ((type *)call->out)[i] = pick[i] ? ((const type *)call->b)[i] : ((const type *)call->c)[i]

static void choose(const struct call *call, const uint8_t *pick)
{
    size_t size = expression_size(call->type);
    if (size == 1)
        CHOOSE(uint8_t);
    else if (size == 8)
        CHOOSE(int64_t);
    else
        CHOOSE(struct weir_text);
}

static int run_if(const struct call *call, const struct vector *condition, const struct vector *yes,
                  const struct vector *no)
{
    const uint8_t *pick = condition->values;
    for (uint32_t i = 0; i < call->n; i++) {
        uint8_t of = condition->null ? condition->null[i] : 0;
        const uint8_t *null = pick[i] ? yes->null : no->null;
        call->null[i] = of ? of : null ? null[i] : 0;
    }
    choose(call, pick);
    return has_null(call->null, call->n);
}

static int run_coalesce(const struct call *call, const struct vector *first,
                        const struct vector *second)
{
    uint8_t pick[EXPRESSION_VECTOR];
    struct call chosen = *call;
    for (uint32_t i = 0; i < call->n; i++) {
        pick[i] = !first->null || !first->null[i];
        call->null[i] = pick[i] ? 0 : second->null ? second->null[i] : 0;
    }
    chosen.b = first->values;
    chosen.c = second->values;
    choose(&chosen, pick);
    return has_null(call->null, call->n);
}

// ---- the program

static struct vector fetch(const struct frame *frame, struct operand operand)
{
    const struct program *program = frame->program;
    if (operand.kind == OPERAND_REGISTER)
        return frame->registers[operand.index];
    if (operand.kind == OPERAND_INPUT)
        return frame->inputs[operand.index];
    if (operand.kind == OPERAND_CONSTANT)
        return (struct vector){program->constants[operand.index].values,
                               program->constants[operand.index].null};
    return (struct vector){0};
}

static int run_special(const struct call *call, const struct instruction *code, struct vector a,
                       struct vector b, struct vector c)
{
    uint8_t *out = call->out;
    switch ((enum op)code->op) {
    case OP_AND:
    case OP_OR:
    case OP_IMPLIES:
        return run_logic(call, (enum op)code->op, a.null, b.null);
    case OP_IS_NULL:
        for (uint32_t i = 0; i < call->n; i++)
            out[i] = a.null && a.null[i];
        return 0;
    case OP_IS_MISSING: {
        const uint8_t *state = call->frame->states[code->a.index];
        for (uint32_t i = 0; i < call->n; i++)
            out[i] = state[i] == WEIR_STATE_MISSING;
        return 0;
    }
    case OP_IF:
        return run_if(call, &a, &b, &c);
    case OP_COALESCE:
        return run_coalesce(call, &a, &b);
    case OP_EVENT_TIME:
        memcpy(call->out, call->frame->event_time, call->n * sizeof(int64_t));
        return 0;
    default:
        return -1;
    }
}

static int run_not(const struct call *call)
{
    const uint8_t *restrict a = call->a;
    uint8_t *restrict out = call->out;
    for (uint32_t i = 0; i < call->n; i++)
        out[i] = !a[i];
    return 0;
}

// The operands' nulls are the result's.
static int join_nulls(uint8_t *restrict null, uint32_t n, const struct vector *const *operands)
{
    int any = 0;
    for (int k = 0; k < 3; k++) {
        const uint8_t *from = operands[k]->null;
        if (!from)
            continue;
        if (!any)
            memcpy(null, from, n);
        for (uint32_t i = 0; i < n && any; i++)
            null[i] |= from[i];
        any = 1;
    }
    if (!any)
        memset(null, 0, n);
    return any;
}

static void run_one(struct frame *frame, const struct instruction *code)
{
    struct vector a = fetch(frame, code->a), b = fetch(frame, code->b), c = fetch(frame, code->c);
    struct vector *out = &frame->registers[code->out];
    uint8_t *null = frame->null_rooms[code->out];
    struct call call = {.n = frame->n,
                        .type = code->type,
                        .a = a.values,
                        .b = b.values,
                        .c = c.values,
                        .out = out->values,
                        .null = null,
                        .frame = frame,
                        .code = code};
    if (code->op == OP_MEMO) {
        out->null = null;
        frame->memo(frame, code, out);
        return;
    }
    int any = run_special(&call, code, a, b, c);
    if (any < 0) {
        const struct vector *const operands[] = {&a, &b, &c};
        any = join_nulls(null, frame->n, operands);
        any |= code->op == OP_NOT ? run_not(&call)
                                  : (int)expression_kernel((enum op)code->op, code->type)(&call);
    }
    out->null = any ? null : NULL;
}

struct vector expression_execute(struct frame *frame)
{
    for (size_t i = 0; i < frame->program->n; i++)
        run_one(frame, &frame->program->code[i]);
    return fetch(frame, frame->program->result);
}
