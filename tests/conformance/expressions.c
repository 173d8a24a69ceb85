// SPDX-License-Identifier: Apache-2.0
// What expressions come to, for a program in another language to hold them against its own.
//   expressions EXPRESSIONS ROWS    a text a line; records as lines of JSON
// To standard output a line each: "error OFFSET MESSAGE", or the type and a value a row, with tabs
// between: "-" a null, "!" a null by a fault, conditions 0 and 1, strings in hex behind an x.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/codec/json.h"
#include "stats/expression.h"

static const struct weir_field fields[] = {
    {.name = "a", .type = WEIR_TYPE_DOUBLE},  {.name = "b", .type = WEIR_TYPE_DOUBLE},
    {.name = "i", .type = WEIR_TYPE_LONG},    {.name = "j", .type = WEIR_TYPE_LONG},
    {.name = "f", .type = WEIR_TYPE_BOOLEAN}, {.name = "g", .type = WEIR_TYPE_BOOLEAN},
    {.name = "s", .type = WEIR_TYPE_STRING},  {.name = "t", .type = WEIR_TYPE_STRING},
    {.name = "at", .type = WEIR_TYPE_LONG}};
enum { FIELDS = sizeof fields / sizeof *fields, ROWS_A_BATCH = 1500, EXPRESSIONS = 100000 };
static const struct weir_stream stream = {
    .name = "records", .fields = fields, .n_fields = FIELDS, .key = -1, .time = FIELDS - 1};

struct answer { // of one expression
    struct weir_expression *expression;
    size_t number; // with the evaluator
    char *text;
    size_t length;
    FILE *out; // into `text`
};

static struct answer answers[EXPRESSIONS];
static size_t n_answers;
static struct weir_evaluator *evaluator;

static void die(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static FILE *open_file(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        die(path);
    return file;
}

static void read_expressions(const char *path)
{
    FILE *file = open_file(path);
    static const struct weir_expression *all[EXPRESSIONS];
    struct weir_expression_scope scope = {.stream = &stream};
    struct weir_error error;
    char *line = NULL;
    size_t capacity = 0, n = 0;
    ssize_t length;
    while ((length = getline(&line, &capacity, file)) > 0) {
        struct weir_expression_fault fault;
        if (n_answers == EXPRESSIONS)
            die("too many expressions");
        struct answer *answer = &answers[n_answers++];
        answer->out = open_memstream(&answer->text, &answer->length);
        if (!answer->out)
            die("out of memory");
        if (weir_expression_compile(line, (size_t)length - 1, &scope, &answer->expression,
                                    &fault)) {
            fprintf(answer->out, "error %zu %s", fault.offset, fault.message);
            continue;
        }
        answer->number = n;
        all[n++] = answer->expression;
        fputs(weir_expression_type_name(weir_expression_type(answer->expression)), answer->out);
    }
    free(line);
    fclose(file);
    if (weir_evaluator_create(all, n, &evaluator, &error))
        die(error.message);
}

static void print(FILE *out, const struct weir_expression_result *result, uint32_t i)
{
    uint8_t null = result->null ? result->null[i] : 0;
    putc('\t', out);
    if (null)
        putc(null & WEIR_EXPRESSION_FAULT ? '!' : '-', out);
    else if (result->type == WEIR_EXPRESSION_BOOLEAN)
        fprintf(out, "%d", result->values.boolean[i]);
    else if (result->type == WEIR_EXPRESSION_NUMBER)
        fprintf(out, "%.17g", result->values.number[i]);
    else if (result->type != WEIR_EXPRESSION_STRING)
        fprintf(out, "%" PRId64, result->values.integer[i]);
    else {
        putc('x', out);
        for (size_t k = 0; k < result->values.string[i].length; k++)
            fprintf(out, "%02x", (unsigned char)result->values.string[i].data[k]);
    }
}

static void evaluate(const struct weir_batch *batch)
{
    for (size_t k = 0; k < n_answers; k++) {
        struct weir_expression_result result;
        uint64_t faults = 0;
        if (!answers[k].expression)
            continue;
        if (weir_evaluator_run(evaluator, answers[k].number, batch, &result))
            die("it cannot be evaluated");
        for (uint32_t i = 0; i < batch->n_rows; i++) {
            print(answers[k].out, &result, i);
            faults += result.null && (result.null[i] & WEIR_EXPRESSION_FAULT);
        }
        if (faults != result.faults)
            die("faults are not counted as they are marked");
    }
}

static void read_rows(const char *path)
{
    FILE *file = open_file(path);
    struct weir_builder_options options = {.stream = &stream};
    struct weir_builder *builder;
    struct weir_json_decoder *json;
    struct weir_error error;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    int64_t offset = 0;
    if (weir_builder_create(&options, &builder, &error) ||
        weir_json_decoder_create(&options, builder, &json, &error))
        die(error.message);
    weir_builder_begin(builder, "records", 0);
    while ((length = getline(&line, &capacity, file)) > 0) {
        struct weir_record record = {.offset = offset++,
                                     .value = {(const uint8_t *)line, (size_t)length}};
        weir_json_decoder_add(json, &record);
        if (offset % ROWS_A_BATCH == 0) {
            evaluate(weir_builder_finish(builder));
            weir_builder_begin(builder, "records", 0);
        }
    }
    evaluate(weir_builder_finish(builder));
    free(line);
    fclose(file);
    weir_json_decoder_destroy(json);
    weir_builder_destroy(builder);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        die("usage: expressions EXPRESSIONS ROWS");
    read_expressions(argv[1]);
    read_rows(argv[2]);
    for (size_t k = 0; k < n_answers; k++) {
        fclose(answers[k].out);
        printf("%s\n", answers[k].text);
        free(answers[k].text);
        weir_expression_free(answers[k].expression);
    }
    weir_evaluator_destroy(evaluator);
    return fflush(stdout) ? 1 : 0;
}
