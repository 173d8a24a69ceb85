// SPDX-License-Identifier: Apache-2.0
// The table of functions: what is called how, and what it takes. Documents are made from it.
#include <string.h>
#include <strings.h>

#include "stats/expression_inside.h"
#include "stats/nearest.h"

enum { ANY_NUMBER = 255 };

static const struct function functions[] = {
    {"if", "if(c, a, b)", "`a` where the condition `c` holds, `b` where it does not.", OP_IF, 3, 3,
     "buu", 'u'},
    {"coalesce", "coalesce(a, b, ...)", "The first that is not null.", OP_COALESCE, 1, ANY_NUMBER,
     "u", 'u'},
    {"abs", "abs(x)", "Without its sign.", OP_ABS, 1, 1, "n", 'n'},
    {"floor", "floor(x)", "The integer at or below.", OP_FLOOR, 1, 1, "n", 'i'},
    {"ceil", "ceil(x)", "The integer at or above.", OP_CEIL, 1, 1, "n", 'i'},
    {"round", "round(x)", "The nearest integer, halves away from zero.", OP_ROUND, 1, 1, "n", 'i'},
    {"round", "round(x, digits)", "Rounded to 0 to 15 decimal places, a constant.", OP_ROUND_TO, 2,
     2, "di", 'd'},
    {"sign", "sign(x)", "-1, 0 or 1.", OP_SIGN, 1, 1, "n", 'i'},
    {"sqrt", "sqrt(x)", "The square root; null below 0.", OP_SQRT, 1, 1, "d", 'd'},
    {"ln", "ln(x)", "The natural logarithm; null at 0 and below.", OP_LN, 1, 1, "d", 'd'},
    {"log10", "log10(x)", "The decimal logarithm; null at 0 and below.", OP_LOG10, 1, 1, "d", 'd'},
    {"exp", "exp(x)", "e to the power of x.", OP_EXP, 1, 1, "d", 'd'},
    {"pow", "pow(x, y)", "x to the power of y.", OP_POW, 2, 2, "dd", 'd'},
    {"min", "min(a, b, ...)", "The least of numbers or times; null if one of them is.", OP_MIN, 2,
     ANY_NUMBER, "u", 'u'},
    {"max", "max(a, b, ...)", "The greatest of numbers or times; null if one of them is.", OP_MAX,
     2, ANY_NUMBER, "u", 'u'},
    {"is_nan", "is_nan(x)", "Whether a number is NaN.", OP_IS_NAN, 1, 1, "d", 'b'},
    {"is_finite", "is_finite(x)", "Whether a number is neither NaN nor an infinity.", OP_IS_FINITE,
     1, 1, "d", 'b'},
    {"number", "number(x)",
     "A string, condition or time as a number; null where the string spells none.", OP_NUMBER, 1, 1,
     "a", 'd'},
    {"length", "length(s)", "How many characters a string has.", OP_LENGTH, 1, 1, "s", 'i'},
    {"lower", "lower(s)", "In small letters (of ASCII).", OP_LOWER, 1, 1, "s", 's'},
    {"upper", "upper(s)", "In capitals (of ASCII).", OP_UPPER, 1, 1, "s", 's'},
    {"trim", "trim(s)", "Without white space at its ends.", OP_TRIM, 1, 1, "s", 's'},
    {"substring", "substring(s, from, n)",
     "Up to `n` characters, from number `from` on; the first is 1.", OP_SUBSTRING, 3, 3, "sii",
     's'},
    {"starts_with", "starts_with(s, t)", "Whether `s` begins with `t`.", OP_STARTS_WITH, 2, 2, "ss",
     'b'},
    {"ends_with", "ends_with(s, t)", "Whether `s` ends with `t`.", OP_ENDS_WITH, 2, 2, "ss", 'b'},
    {"contains", "contains(s, t)", "Whether `t` stands somewhere in `s`.", OP_CONTAINS, 2, 2, "ss",
     'b'},
    {"matches", "matches(s, 'pattern')",
     "Whether the PCRE2 pattern, a constant, is found in `s`; write `^...$` for all of it.",
     OP_MATCHES, 2, 2, "ss", 'b'},
    {"time", "time(x)",
     "A string such as '2026-01-31T18:30:00Z', or epoch milliseconds, as a time; null where the "
     "string is none.",
     OP_TIME, 1, 1, "x", 'T'},
    {"event_time", "event_time()", "The record's event time.", OP_EVENT_TIME, 0, 0, "", 'T'},
    {"year", "year(t)", "The year of a time, in UTC.", OP_YEAR, 1, 1, "t", 'i'},
    {"month", "month(t)", "Its month, 1 to 12.", OP_MONTH, 1, 1, "t", 'i'},
    {"day", "day(t)", "Its day of the month, from 1.", OP_DAY, 1, 1, "t", 'i'},
    {"weekday", "weekday(t)", "Its day of the week: 1 is Monday, 7 Sunday.", OP_WEEKDAY, 1, 1, "t",
     'i'},
    {"hour", "hour(t)", "Its hour, 0 to 23.", OP_HOUR, 1, 1, "t", 'i'},
    {"minute", "minute(t)", "Its minute.", OP_MINUTE, 1, 1, "t", 'i'},
    {"second", "second(t)", "Its second.", OP_SECOND, 1, 1, "t", 'i'},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

const struct function *expression_function_find(const char *name, uint32_t n)
{
    const struct function *found = NULL;
    for (size_t i = 0; i < FUNCTIONS; i++) {
        if (strcasecmp(functions[i].name, name))
            continue;
        if (!found || (n >= functions[i].least && n <= functions[i].most))
            found = &functions[i];
    }
    return found;
}

const struct function *expression_function_at(size_t i)
{
    return i < FUNCTIONS ? &functions[i] : NULL;
}

const char *expression_function_near(const char *name)
{
    struct weir_nearest nearest = {0};
    for (size_t i = 0; i < FUNCTIONS; i++)
        weir_nearest_offer(&nearest, name, functions[i].name);
    return nearest.best;
}

size_t weir_expression_functions(void)
{
    return FUNCTIONS;
}

struct weir_expression_function weir_expression_function(size_t i)
{
    return (struct weir_expression_function){functions[i].form, functions[i].help};
}
