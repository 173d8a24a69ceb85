// SPDX-License-Identifier: Apache-2.0
// A small language of conditions over the fields of a record: `end >= start`,
// `currency in ('EUR', 'USD') and amount * rate < 1e6`. Compiled once to a flat program,
// evaluated a batch at a time, a column an instruction; what depends on one string field alone
// is worked out once a distinct string. docs/expressions.md is the language's page.
//
// A value that is null, absent or of the wrong type is null. Null is contagious, but in `and`,
// `or` and `implies` (three-valued logic), `is null`, `is missing`, if() and coalesce(). What
// cannot be computed (division by zero, overflow, the root of a negative number) is null too,
// and counted.
#ifndef WEIR_STATS_EXPRESSION_H
#define WEIR_STATS_EXPRESSION_H

#include "weir/batch.h"
#include "weir/error.h"

enum {
    WEIR_EXPRESSION_BYTES = 8192, // of a text, at most
    WEIR_EXPRESSION_MESSAGE = 240,
    WEIR_EXPRESSION_LIMIT = 0x40, // in a null: a pattern or a text reached its limit
    WEIR_EXPRESSION_FAULT = 0x80  // in a null: something could not be computed
};

enum weir_expression_type {
    WEIR_EXPRESSION_NULL,    // a bare null, or a name that is not known yet
    WEIR_EXPRESSION_BOOLEAN, // uint8_t: 0 and 1
    WEIR_EXPRESSION_INTEGER, // int64_t, exact
    WEIR_EXPRESSION_NUMBER,  // double
    WEIR_EXPRESSION_STRING,  // struct weir_text
    WEIR_EXPRESSION_TIME     // int64_t: epoch ms
};
const char *weir_expression_type_name(enum weir_expression_type type); // "a number"

// Something that a closed window knows: `rows`, `mean(amount)`, `quantile(amount, 0.99)`. Always
// a number.
struct weir_expression_aggregate {
    const char *name; // NULL ends a table
    int has_field, has_parameter;
    int of_numbers; // not of strings; conditions are 0 and 1
    const char *form, *help;
};

// What the names in an expression mean.
struct weir_expression_scope {
    const struct weir_stream *stream;
    int tentative; // unknown names may be fields all the same: they pass, and nothing is evaluated
    // NULL: expressions over records. Else over windows, and fields stand in aggregates only.
    const struct weir_expression_aggregate *aggregates;
};

// What an expression reads.
struct weir_expression_input {
    int field;     // index in the stream, -1: none
    int aggregate; // index in the scope's table, -1: the field's own value
    int reference; // of the reference's window: reference(mean(amount))
    double parameter;
};

struct weir_expression_fault {
    size_t offset; // bytes into the text
    char message[WEIR_EXPRESSION_MESSAGE];
};

struct weir_expression; // immutable: threads may share it

// The strings of `scope` must outlive the expression. WEIR_EINVAL with `fault`, or WEIR_ENOMEM.
int weir_expression_compile(const char *text, size_t length,
                            const struct weir_expression_scope *scope,
                            struct weir_expression **expression,
                            struct weir_expression_fault *fault);
void weir_expression_free(struct weir_expression *expression);

enum weir_expression_type weir_expression_type(const struct weir_expression *expression);
// What it comes to whatever the records say: 0 false, 1 true, 2 null; -1: that depends.
int weir_expression_always(const struct weir_expression *expression);
// Each once, in the order of their first mention. Inputs of tentative names are not among them.
size_t weir_expression_inputs(const struct weir_expression *expression,
                              const struct weir_expression_input **inputs);

// Where in a rule's text (`name: condition when condition`) the parts begin and end. Without a
// name `name_length` is 0, without a `when` `when` is `length`. Offsets into the text.
struct weir_rule_text {
    size_t name_length; // the name stands at the text's first byte that is no space
    size_t name, body, body_end, when;
};
void weir_rule_text_split(const char *text, size_t length, struct weir_rule_text *out);

// ---- evaluation: one evaluator serves several expressions for one thread

struct weir_text {
    const char *data;
    size_t length;
};

// Values where `null` is 0; live until the next call. `null` itself is NULL where none is.
struct weir_expression_result {
    enum weir_expression_type type;
    const uint8_t *null;
    union {
        const uint8_t *boolean;
        const int64_t *integer; // and times
        const double *number;
        const struct weir_text *string;
    } values;
    uint64_t faults;  // rows that are null because something could not be computed
    uint64_t limited; // rows that are null because a pattern or text reached its limit
};

struct weir_evaluator;

// The expressions outlive it. None of them may be tentative.
int weir_evaluator_create(const struct weir_expression *const *expressions, size_t n,
                          struct weir_evaluator **evaluator, struct weir_error *error);
void weir_evaluator_destroy(struct weir_evaluator *evaluator);
// Expression number `which` over all rows of a batch of the scope's stream. WEIR_ENOMEM, or 0.
int weir_evaluator_run(struct weir_evaluator *evaluator, size_t which,
                       const struct weir_batch *batch, struct weir_expression_result *result);
// The same over one row whose inputs are given (in the order of weir_expression_inputs()); NAN
// is null.
int weir_evaluator_run_numbers(struct weir_evaluator *evaluator, size_t which, const double *inputs,
                               struct weir_expression_result *result);

// ---- the functions, for documents

struct weir_expression_function {
    const char *form; // "abs(x)"
    const char *help;
};
size_t weir_expression_functions(void);
struct weir_expression_function weir_expression_function(size_t i);

#endif
