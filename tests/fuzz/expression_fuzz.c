// SPDX-License-Identifier: Apache-2.0
// Expressions from a configuration, over records from a topic: whatever compiles is evaluated.
// The input is a text, a NUL, and bytes that become the columns of a batch.
#include <stdlib.h>
#include <string.h>

#include "stats/expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { A, I, FLAG, S, T, AT, FIELDS, ROWS = 24, STRINGS = 8 };
static const struct weir_field fields[FIELDS] = {[A] = {.name = "a", .type = WEIR_TYPE_DOUBLE},
                                                 [I] = {.name = "i", .type = WEIR_TYPE_LONG},
                                                 [FLAG] = {.name = "f", .type = WEIR_TYPE_BOOLEAN},
                                                 [S] = {.name = "s", .type = WEIR_TYPE_STRING},
                                                 [T] = {.name = "t", .type = WEIR_TYPE_BYTES},
                                                 [AT] = {.name = "at", .type = WEIR_TYPE_LONG}};
static const struct weir_stream stream = {
    .name = "x", .fields = fields, .n_fields = FIELDS, .key = -1, .time = AT};
static const struct weir_expression_aggregate aggregates[] = {
    {"rows", 0, 0, 0, "rows", ""},
    {"mean", 1, 0, 1, "mean(field)", ""},
    {"quantile", 1, 1, 1, "quantile(field, q)", ""},
    {NULL, 0, 0, 0, NULL, NULL}};

struct bytes {
    const uint8_t *at;
    size_t left;
};

static void take(struct bytes *bytes, void *out, size_t n)
{
    size_t most = n < bytes->left ? n : bytes->left;
    memset(out, 0, n);
    if (most)
        memcpy(out, bytes->at, most);
    bytes->at += most;
    bytes->left -= most;
}

static struct columns {
    double a[ROWS];
    int64_t i[ROWS], flag[ROWS], time[ROWS];
    uint32_t code[2][ROWS];
    uint8_t state[FIELDS][ROWS], fault[ROWS];
    struct weir_string strings[STRINGS];
    struct weir_column columns[FIELDS];
} c;

// Half of the strings are in the dictionary, half are rows' own.
static void fill(struct bytes *bytes)
{
    static const uint8_t absent[] = {WEIR_STATE_NULL, WEIR_STATE_MISSING, WEIR_STATE_FAULT};
    uint8_t small;
    memset(&c, 0, sizeof c);
    for (int k = 0; k < STRINGS; k++) {
        take(bytes, &small, 1);
        size_t n = small % 20 < bytes->left ? small % 20 : bytes->left;
        c.strings[k] = (struct weir_string){.data = (const char *)bytes->at, .length = (uint32_t)n};
        bytes->at += n;
        bytes->left -= n;
    }
    for (int r = 0; r < ROWS; r++) {
        take(bytes, &c.a[r], 8);
        take(bytes, &c.i[r], 8);
        take(bytes, &small, 1);
        c.flag[r] = small & 1;
        c.code[0][r] = (small >> 1) % STRINGS;
        c.code[1][r] = (small >> 4) % STRINGS;
        c.time[r] = c.i[r];
        take(bytes, &small, 1);
        for (int f = 0; f < FIELDS; f++)
            c.state[f][r] = (small >> f) & 1 ? absent[small % 3] : WEIR_STATE_VALUE;
    }
    for (int f = 0; f < FIELDS; f++) {
        struct weir_column *column = &c.columns[f];
        *column =
            (struct weir_column){.type = fields[f].type, .state = c.state[f], .generation = 1};
        for (int r = 0; r < ROWS; r++) {
            column->n_null += c.state[f][r] == WEIR_STATE_NULL;
            column->n_missing += c.state[f][r] == WEIR_STATE_MISSING;
            column->n_fault += c.state[f][r] >= WEIR_STATE_FAULT;
        }
    }
    c.columns[A].values.f64 = c.a;
    c.columns[I].values.i64 = c.i;
    c.columns[FLAG].values.i64 = c.flag;
    c.columns[AT].values.i64 = c.i;
    for (int k = 0; k < 2; k++) {
        struct weir_column *column = &c.columns[S + k];
        column->values.code = c.code[k];
        column->dictionary = c.strings;
        column->n_dictionary = STRINGS / 2;
        column->local = c.strings + STRINGS / 2;
        column->n_local = STRINGS / 2;
    }
}

static void evaluate(const struct weir_expression *expression, int numbers)
{
    struct weir_evaluator *evaluator;
    struct weir_expression_result result;
    struct weir_error error;
    struct weir_batch batch = {
        .n_rows = ROWS, .columns = c.columns, .time = c.time, .fault = c.fault};
    if (weir_evaluator_create(&expression, 1, &evaluator, &error))
        return;
    for (int run = 0; run < 2 && !numbers; run++) {
        if (weir_evaluator_run(evaluator, 0, &batch, &result))
            break;
        uint64_t counted = 0;
        for (int r = 0; r < ROWS; r++) {
            int null = result.null && result.null[r];
            counted += null && result.null[r] >= WEIR_EXPRESSION_FAULT;
            // A condition is 0 or 1, and all of a string can be read.
            if (!null && result.type == WEIR_EXPRESSION_BOOLEAN && result.values.boolean[r] > 1)
                abort();
            for (size_t k = 0; !null && result.type == WEIR_EXPRESSION_STRING &&
                               k < result.values.string[r].length;
                 k++)
                counted += (uint64_t)(result.values.string[r].data[k] == 0) << 32;
        }
        if ((uint32_t)counted < result.faults)
            abort();
    }
    if (numbers)
        weir_evaluator_run_numbers(evaluator, 0, c.a, &result); // 24 are enough for 3 aggregates
    weir_evaluator_destroy(evaluator);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    size_t length = end ? (size_t)(end - data) : size;
    struct bytes bytes = {data + length, size - length};
    struct weir_rule_text parts;
    weir_rule_text_split((const char *)data, length, &parts);
    if (parts.name_length > length || parts.body > parts.body_end || parts.when > length)
        abort();
    fill(&bytes);
    for (int k = 0; k < 3; k++) {
        struct weir_expression_scope scope = {
            .stream = &stream, .tentative = k == 1, .aggregates = k == 2 ? aggregates : NULL};
        struct weir_expression *expression;
        struct weir_expression_fault fault;
        int code = weir_expression_compile((const char *)data, length, &scope, &expression, &fault);
        if (code == WEIR_EINVAL && fault.offset > length)
            abort();
        if (code)
            continue;
        const struct weir_expression_input *inputs;
        if (k != 1 && weir_expression_inputs(expression, &inputs) <= ROWS)
            evaluate(expression, k == 2);
        weir_expression_free(expression);
    }
    return 0;
}
