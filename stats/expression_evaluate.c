// SPDX-License-Identifier: Apache-2.0
// Batches through programs: columns become operands as they lie, answers by string are kept by
// dictionary code.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/expression_inside.h"

enum { SPECIALS = 3 }; // strings that are not there: null, missing, of another type

enum { WIDEST = sizeof(struct weir_text) }; // of a value of any type

// A memo's answers, by code.
struct table {
    char *values;
    uint8_t *null;
    uint32_t n, capacity, generation;
    char special[SPECIALS * sizeof(int64_t)];
    uint8_t special_null[SPECIALS];
};

struct item {
    const struct weir_expression *expression;
    struct table *tables; // parallel to the program's memos
};

// Vectors to run a program in.
struct rooms {
    struct vector *registers;
    uint8_t **nulls;
    struct vector *inputs;
    char **input_values;
    uint8_t **input_nulls;
    const uint8_t **states;
    size_t n_registers, n_inputs;
};

struct weir_evaluator {
    struct item *items;
    size_t n;
    struct rooms main, sub;
    char *values; // the answer, a whole batch long
    uint8_t *null;
    pcre2_match_data *match;
    struct texts texts;
    // The batch under way.
    const struct weir_batch *batch;
    uint32_t first;
    struct item *item;
    int out_of_memory;
};

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static int make_rooms(struct rooms *rooms)
{
    size_t r = rooms->n_registers, n = rooms->n_inputs;
    rooms->registers = calloc(r + 1, sizeof *rooms->registers);
    rooms->nulls = calloc(r + 1, sizeof *rooms->nulls);
    rooms->inputs = calloc(n + 1, sizeof *rooms->inputs);
    rooms->input_values = calloc(n + 1, sizeof *rooms->input_values);
    rooms->input_nulls = calloc(n + 1, sizeof *rooms->input_nulls);
    rooms->states = calloc(n + 1, sizeof *rooms->states);
    int failed = !rooms->registers || !rooms->nulls || !rooms->inputs || !rooms->input_values ||
                 !rooms->input_nulls || !rooms->states;
    for (size_t i = 0; i < r && !failed; i++) {
        rooms->registers[i].values = calloc(EXPRESSION_VECTOR, WIDEST);
        rooms->nulls[i] = calloc(EXPRESSION_VECTOR, 1);
        failed = !rooms->registers[i].values || !rooms->nulls[i];
    }
    for (size_t i = 0; i < n && !failed; i++) {
        rooms->input_values[i] = calloc(EXPRESSION_VECTOR, WIDEST);
        rooms->input_nulls[i] = calloc(EXPRESSION_VECTOR, 1);
        failed = !rooms->input_values[i] || !rooms->input_nulls[i];
    }
    return failed;
}

static void free_rooms(struct rooms *rooms)
{
    for (size_t i = 0; i < rooms->n_registers; i++) {
        if (rooms->registers)
            free(rooms->registers[i].values);
        if (rooms->nulls)
            free(rooms->nulls[i]);
    }
    for (size_t i = 0; i < rooms->n_inputs; i++) {
        if (rooms->input_values)
            free(rooms->input_values[i]);
        if (rooms->input_nulls)
            free(rooms->input_nulls[i]);
    }
    free(rooms->registers);
    free(rooms->nulls);
    free(rooms->inputs);
    free(rooms->input_values);
    free(rooms->input_nulls);
    free(rooms->states);
}

void weir_evaluator_destroy(struct weir_evaluator *evaluator)
{
    if (!evaluator)
        return;
    for (size_t i = 0; evaluator->items && i < evaluator->n; i++) {
        struct item *item = &evaluator->items[i];
        for (size_t k = 0; item->tables && k < item->expression->program.n_memos; k++) {
            free(item->tables[k].values);
            free(item->tables[k].null);
        }
        free(item->tables);
    }
    free(evaluator->items);
    free_rooms(&evaluator->main);
    free_rooms(&evaluator->sub);
    free(evaluator->values);
    free(evaluator->null);
    pcre2_match_data_free(evaluator->match);
    expression_texts_free(&evaluator->texts);
    free(evaluator);
}

static struct frame make_frame(struct weir_evaluator *evaluator, const struct program *program,
                               struct rooms *rooms, uint32_t n)
{
    return (struct frame){.program = program,
                          .n = n,
                          .inputs = rooms->inputs,
                          .registers = rooms->registers,
                          .null_rooms = rooms->nulls,
                          .states = rooms->states,
                          .match = evaluator->match,
                          .limits = evaluator->item->expression->tree.limits,
                          .patterns = evaluator->item->expression->tree.patterns,
                          .texts = &evaluator->texts,
                          .context = evaluator};
}

// ---- answers by string

// The memo's program over `n` strings, which lie in the room of its input; `null` may be NULL.
static struct vector run_memo(struct weir_evaluator *evaluator, const struct memo *memo, uint32_t n,
                              const uint8_t *null)
{
    static const uint8_t values[EXPRESSION_VECTOR]; // WEIR_STATE_VALUE
    struct frame frame = make_frame(evaluator, &memo->program, &evaluator->sub, n);
    evaluator->sub.inputs[0].values = evaluator->sub.input_values[0];
    evaluator->sub.inputs[0].null = NULL;
    if (null)
        evaluator->sub.inputs[0].null = memcpy(evaluator->sub.input_nulls[0], null, n);
    evaluator->sub.states[0] = null ? null : values;
    struct vector answer = expression_execute(&frame);
    evaluator->out_of_memory |= frame.out_of_memory;
    return answer;
}

static void make_special(struct weir_evaluator *evaluator, const struct memo *memo,
                         struct table *table)
{
    static const uint8_t states[SPECIALS] = {WEIR_STATE_NULL, WEIR_STATE_MISSING, WEIR_STATE_FAULT};
    memset(evaluator->sub.input_values[0], 0, SPECIALS * sizeof(struct weir_text));
    struct vector answer = run_memo(evaluator, memo, SPECIALS, states);
    memcpy(table->special, answer.values, SPECIALS * expression_size(memo->program.type));
    if (answer.null)
        memcpy(table->special_null, answer.null, SPECIALS);
}

static int grow_table(struct table *table, uint32_t needed, size_t size)
{
    if (needed <= table->capacity)
        return 0;
    uint32_t capacity = needed + needed / 2 + 64;
    char *values = realloc(table->values, capacity * size);
    if (values)
        table->values = values;
    uint8_t *null = values ? realloc(table->null, capacity) : NULL;
    if (!null)
        return -1;
    table->null = null;
    table->capacity = capacity;
    return 0;
}

static void put_text(struct weir_evaluator *evaluator, uint32_t i, const struct weir_string *string)
{
    struct weir_text *texts = (struct weir_text *)(void *)evaluator->sub.input_values[0];
    texts[i] = (struct weir_text){string->data, string->length};
}

// Answers for the strings that are new in the dictionary.
static int learn(struct weir_evaluator *evaluator, const struct memo *memo, struct table *table,
                 const struct weir_column *column)
{
    size_t size = expression_size(memo->program.type);
    if (table->generation != column->generation || column->n_dictionary < table->n) {
        table->n = 0;
        table->generation = column->generation;
    }
    if (grow_table(table, column->n_dictionary, size))
        return -1;
    while (table->n < column->n_dictionary) {
        uint32_t n = column->n_dictionary - table->n;
        n = n < EXPRESSION_VECTOR ? n : EXPRESSION_VECTOR;
        expression_texts_reset(&evaluator->texts);
        for (uint32_t i = 0; i < n; i++)
            put_text(evaluator, i, &column->dictionary[table->n + i]);
        struct vector answer = run_memo(evaluator, memo, n, NULL);
        memcpy(table->values + table->n * size, answer.values, n * size);
        if (answer.null)
            memcpy(table->null + table->n, answer.null, n);
        else
            memset(table->null + table->n, 0, n);
        table->n += n;
    }
    return 0;
}

#define LOOK_UP(type)                                                                              \
    for (uint32_t i = 0; i < n; i++)                                                               \
    ((type *)out->values)[i] = ((const type *)(const void *)table->values)[codes[i]]

// All rows have values, and all of them from the dictionary.
static void look_up(const struct table *table, const uint32_t *codes, uint32_t n, size_t size,
                    struct vector *out)
{
    uint8_t any = 0;
    if (size == 1)
        LOOK_UP(uint8_t);
    else
        LOOK_UP(int64_t);
    for (uint32_t i = 0; i < n; i++)
        any |= out->null[i] = table->null[codes[i]];
    if (!any)
        out->null = NULL;
}

static unsigned special_of(uint8_t state)
{
    return state == WEIR_STATE_NULL ? 0 : state == WEIR_STATE_MISSING ? 1 : 2;
}

static void look_up_each(struct weir_evaluator *evaluator, const struct memo *memo,
                         const struct table *table, const struct weir_column *column, uint32_t n,
                         struct vector *out)
{
    const uint32_t *codes = column->values.code + evaluator->first;
    const uint8_t *states = column->state + evaluator->first;
    size_t size = expression_size(memo->program.type);
    char *values = out->values;
    uint32_t rows[EXPRESSION_VECTOR], local = 0;
    for (uint32_t i = 0; i < n; i++) {
        const char *from = table->special;
        uint8_t null;
        if (states[i] != WEIR_STATE_VALUE) {
            from += special_of(states[i]) * size;
            null = table->special_null[special_of(states[i])];
        } else if (codes[i] < column->n_dictionary) {
            from = table->values + codes[i] * size;
            null = table->null[codes[i]];
        } else {
            put_text(evaluator, local, &column->local[codes[i] - column->n_dictionary]);
            rows[local++] = i;
            continue;
        }
        memcpy(values + i * size, from, size);
        out->null[i] = null;
    }
    if (!local)
        return;
    struct vector answer = run_memo(evaluator, memo, local, NULL);
    for (uint32_t i = 0; i < local; i++) {
        memcpy(values + rows[i] * size, (const char *)answer.values + i * size, size);
        out->null[rows[i]] = answer.null ? answer.null[i] : 0;
    }
}

static void on_memo(struct frame *frame, const struct instruction *code, struct vector *out)
{
    struct weir_evaluator *evaluator = frame->context;
    const struct weir_expression *expression = evaluator->item->expression;
    const struct memo *memo = &frame->program->memos[code->extra];
    const struct table *table = &evaluator->item->tables[code->extra];
    int field = expression->tree.inputs[memo->input].field;
    const struct weir_column *column = &evaluator->batch->columns[field];
    if (column->n_null + column->n_missing + column->n_fault + column->n_local)
        look_up_each(evaluator, memo, table, column, frame->n, out);
    else
        look_up(table, column->values.code + evaluator->first, frame->n,
                expression_size(memo->program.type), out);
}

// ---- columns as operands

static void copy_strings(const struct weir_column *column, uint32_t first, uint32_t n,
                         struct weir_text *out)
{
    for (uint32_t i = 0; i < n; i++) {
        out[i] = (struct weir_text){0};
        if (column->state[first + i] == WEIR_STATE_VALUE) {
            const struct weir_string *string =
                weir_column_string(column, column->values.code[first + i]);
            out[i] = (struct weir_text){string->data, string->length};
        }
    }
}

// The event time, whatever its field looks like in the records.
static void take_time(const struct weir_batch *batch, const struct weir_column *column,
                      uint32_t first, uint32_t n, uint8_t *room, struct vector *input)
{
    input->values = (void *)(uintptr_t)(batch->time + first);
    if (!batch->fault)
        return;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t fault = batch->fault[first + i], state = column->state[first + i];
        room[i] = fault == WEIR_ROW_GOOD ? 0 : state != WEIR_STATE_VALUE ? state : WEIR_STATE_FAULT;
    }
    input->null = room;
}

static void take_input(struct weir_evaluator *evaluator, size_t i, uint16_t number, uint32_t n)
{
    const struct tree *tree = &evaluator->item->expression->tree;
    const struct weir_stream *stream = evaluator->item->expression->stream;
    struct rooms *rooms = &evaluator->main;
    int field = tree->inputs[number].field;
    const struct weir_column *column = &evaluator->batch->columns[field];
    uint32_t first = evaluator->first;
    struct vector *input = &rooms->inputs[i];
    input->null = NULL;
    rooms->states[i] = column->state + first;
    if (field == stream->time) {
        take_time(evaluator->batch, column, first, n, rooms->input_nulls[i], input);
        return;
    }
    // The nulls of a column are its states.
    if (column->n_null + column->n_missing + column->n_fault)
        input->null = (uint8_t *)(uintptr_t)(column->state + first);
    input->values = rooms->input_values[i];
    if (column->type == WEIR_TYPE_DOUBLE) {
        input->values = (void *)(uintptr_t)(column->values.f64 + first);
    } else if (column->type == WEIR_TYPE_LONG) {
        input->values = (void *)(uintptr_t)(column->values.i64 + first);
    } else if (column->type == WEIR_TYPE_BOOLEAN) {
        for (uint32_t k = 0; k < n; k++)
            ((uint8_t *)input->values)[k] = column->values.i64[first + k] != 0;
    } else {
        copy_strings(column, first, n, input->values);
    }
}

// ---- batches

static void count_faults(const uint8_t *null, uint32_t n, struct weir_expression_result *result)
{
    uint8_t any = 0;
    for (uint32_t i = 0; i < n; i++)
        any |= null[i];
    for (uint32_t i = 0; i < n && any & (WEIR_EXPRESSION_FAULT | WEIR_EXPRESSION_LIMIT); i++) {
        result->faults += null[i] & WEIR_EXPRESSION_FAULT && !(null[i] & WEIR_EXPRESSION_LIMIT);
        result->limited += (null[i] & WEIR_EXPRESSION_LIMIT) != 0;
    }
}

static void finish(const struct weir_evaluator *evaluator, int any_null,
                   struct weir_expression_result *result)
{
    const struct program *program = &evaluator->item->expression->program;
    result->type = (enum weir_expression_type)program->type;
    result->null = any_null ? evaluator->null : NULL;
    result->values.boolean = (const uint8_t *)evaluator->values;
}

// A piece of the batch into its place in the answer; whether it has nulls.
static int keep(struct weir_evaluator *evaluator, struct vector answer, uint32_t n,
                struct weir_expression_result *result)
{
    size_t size = expression_size(evaluator->item->expression->program.type);
    memcpy(evaluator->values + evaluator->first * size, answer.values, n * size);
    if (!answer.null) {
        memset(evaluator->null + evaluator->first, 0, n);
        return 0;
    }
    memcpy(evaluator->null + evaluator->first, answer.null, n);
    count_faults(answer.null, n, result);
    return 1;
}

int weir_evaluator_run(struct weir_evaluator *evaluator, size_t which,
                       const struct weir_batch *batch, struct weir_expression_result *result)
{
    struct item *item = &evaluator->items[which];
    const struct program *program = &item->expression->program;
    struct weir_expression_result made = {0};
    int any_null = 0;
    evaluator->item = item;
    evaluator->batch = batch;
    for (size_t i = 0; i < program->n_memos; i++) {
        const struct memo *memo = &program->memos[i];
        int field = item->expression->tree.inputs[memo->input].field;
        if (learn(evaluator, memo, &item->tables[i], &batch->columns[field]))
            return WEIR_ENOMEM;
    }
    expression_texts_reset(&evaluator->texts);
    for (evaluator->first = 0; evaluator->first < batch->n_rows;
         evaluator->first += EXPRESSION_VECTOR) {
        uint32_t n = batch->n_rows - evaluator->first;
        n = n < EXPRESSION_VECTOR ? n : EXPRESSION_VECTOR;
        if (program->type != WEIR_EXPRESSION_STRING) // else the answers lie there
            expression_texts_reset(&evaluator->texts);
        for (size_t i = 0; i < program->n_inputs; i++)
            take_input(evaluator, i, program->inputs[i], n);
        struct frame frame = make_frame(evaluator, program, &evaluator->main, n);
        frame.event_time = batch->time + evaluator->first;
        frame.memo = on_memo;
        any_null |= keep(evaluator, expression_execute(&frame), n, &made);
        evaluator->out_of_memory |= frame.out_of_memory;
    }
    if (evaluator->out_of_memory)
        return WEIR_ENOMEM;
    finish(evaluator, any_null, &made);
    *result = made;
    return 0;
}

int weir_evaluator_run_numbers(struct weir_evaluator *evaluator, size_t which, const double *inputs,
                               struct weir_expression_result *result)
{
    struct item *item = &evaluator->items[which];
    const struct program *program = &item->expression->program;
    struct weir_expression_result made = {0};
    evaluator->item = item;
    evaluator->first = 0;
    expression_texts_reset(&evaluator->texts);
    for (size_t i = 0; i < program->n_inputs; i++) {
        double value = inputs[program->inputs[i]];
        int null = isnan(value);
        memcpy(evaluator->main.input_values[i], null ? &(double){0} : &value, sizeof value);
        evaluator->main.input_nulls[i][0] = null ? WEIR_STATE_NULL : 0;
        evaluator->main.inputs[i] = (struct vector){evaluator->main.input_values[i],
                                                    null ? evaluator->main.input_nulls[i] : NULL};
        evaluator->main.states[i] = evaluator->main.input_nulls[i];
    }
    struct frame frame = make_frame(evaluator, program, &evaluator->main, 1);
    int any_null = keep(evaluator, expression_execute(&frame), 1, &made);
    finish(evaluator, any_null, &made);
    *result = made;
    return 0;
}

int weir_evaluator_create(const struct weir_expression *const *expressions, size_t n,
                          struct weir_evaluator **result, struct weir_error *error)
{
    struct weir_evaluator *evaluator = calloc(1, sizeof *evaluator);
    int failed = !evaluator;
    if (!failed) {
        evaluator->items = calloc(n + 1, sizeof *evaluator->items);
        evaluator->n = evaluator->items ? n : 0;
        evaluator->sub.n_inputs = 1;
    }
    for (size_t i = 0; !failed && i < evaluator->n; i++) {
        const struct program *program = &expressions[i]->program;
        evaluator->items[i].expression = expressions[i];
        evaluator->main.n_registers = most(evaluator->main.n_registers, program->n_registers);
        evaluator->main.n_inputs = most(evaluator->main.n_inputs, program->n_inputs);
        for (size_t k = 0; k < program->n_memos; k++)
            evaluator->sub.n_registers =
                most(evaluator->sub.n_registers, program->memos[k].program.n_registers);
        evaluator->items[i].tables = calloc(program->n_memos + 1, sizeof(struct table));
        failed = !evaluator->items[i].tables;
    }
    if (!failed) {
        evaluator->values = calloc(WEIR_BATCH_ROWS, WIDEST);
        evaluator->null = calloc(WEIR_BATCH_ROWS, 1);
        evaluator->match = pcre2_match_data_create(1, NULL);
        failed = make_rooms(&evaluator->main) | make_rooms(&evaluator->sub) | !evaluator->items |
                 !evaluator->values | !evaluator->null | !evaluator->match;
    }
    for (size_t i = 0; !failed && i < n; i++) {
        evaluator->item = &evaluator->items[i];
        for (size_t k = 0; k < expressions[i]->program.n_memos; k++)
            make_special(evaluator, &expressions[i]->program.memos[k],
                         &evaluator->items[i].tables[k]);
        failed = evaluator->out_of_memory;
    }
    if (failed) {
        weir_evaluator_destroy(evaluator);
        return weir_error_set(error, WEIR_ENOMEM, "no memory to evaluate expressions");
    }
    *result = evaluator;
    return 0;
}
