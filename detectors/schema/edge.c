// SPDX-License-Identifier: Apache-2.0
// Beside the records: whole columns at a time. A column without faults costs one pass over its
// values at most; what a string is worth is remembered by its code.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/schema.h"

// What is known of a field's dictionary.
struct memo {
    uint16_t *faults; // bits of 1 << enum schema_check, by code
    uint32_t n, capacity;
    uint32_t generation;
    unsigned any;    // all bits there are
    uint16_t *local; // the same for the strings of this batch alone
    uint32_t local_capacity;
};

struct edge {
    const struct schema *schema;
    struct memo *memos; // one a field
    pcre2_match_data *match;
    uint32_t *found; // rows or elements that break a rule
    uint32_t capacity;
};

void schema_edge_destroy(void *state)
{
    struct edge *edge = state;
    if (!edge)
        return;
    for (size_t i = 0; edge->memos && i < edge->schema->n_fields; i++) {
        free(edge->memos[i].faults);
        free(edge->memos[i].local);
    }
    free(edge->memos);
    free(edge->found);
    pcre2_match_data_free(edge->match);
    free(edge);
}

static int out_of_memory(struct weir_error *error)
{
    return weir_error_set(error, WEIR_ENOMEM, "schema: no memory to check a batch");
}

int schema_edge_create(void *instance, void **result, struct weir_error *error)
{
    const struct schema *schema = instance;
    struct edge *edge = calloc(1, sizeof *edge);
    if (!edge)
        return out_of_memory(error);
    edge->schema = schema;
    edge->memos = calloc(schema->n_fields ? schema->n_fields : 1, sizeof *edge->memos);
    edge->match = pcre2_match_data_create(1, NULL);
    edge->capacity = WEIR_BATCH_ROWS;
    edge->found = calloc(edge->capacity, sizeof *edge->found);
    if (!edge->memos || !edge->match || !edge->found) {
        schema_edge_destroy(edge);
        return out_of_memory(error);
    }
    *result = edge;
    return 0;
}

// One field of one batch.
struct pass {
    struct edge *edge;
    const struct weir_batch *batch;
    const struct weir_edge *host;
    const struct schema_field *field;
    const struct weir_column *column;
    uint32_t first; // of its elements: a list's need not begin at 0
};

// Elements to their rows: both ascending, each row once.
static uint32_t to_rows(const struct pass *pass, uint32_t *found, uint32_t n)
{
    const uint32_t *offsets = pass->column->offsets;
    uint32_t row = 0, kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t element = found[i];
        while (offsets[row + 1] <= element)
            row++;
        if (!kept || found[kept - 1] != row)
            found[kept++] = row;
    }
    return kept;
}

static void flag(const struct pass *pass, enum schema_check check, uint32_t n)
{
    uint32_t *found = pass->edge->found;
    if (n && pass->column->offsets)
        n = to_rows(pass, found, n);
    if (n)
        pass->host->flag(pass->host, (unsigned)pass->field->rule[check], found, n);
}

// What a state says, as a rule that is broken; SCHEMA_CHECKS: none.
static enum schema_check state_check(uint8_t state)
{
    switch (state) {
    case WEIR_STATE_VALUE:
        return SCHEMA_CHECKS;
    case WEIR_STATE_NULL:
        return SCHEMA_NULL;
    case WEIR_STATE_MISSING:
        return SCHEMA_MISSING;
    case WEIR_STATE_FAULT_EMPTY:
        return SCHEMA_EMPTY;
    default:
        return SCHEMA_TYPE;
    }
}

static int has_record(const struct weir_batch *batch, uint32_t row)
{
    return batch->fault[row] != WEIR_ROW_UNDECODABLE && batch->fault[row] != WEIR_ROW_TOMBSTONE;
}

static void check_states(const struct pass *pass)
{
    const struct weir_column *column = pass->column;
    static const enum schema_check looked_for[] = {SCHEMA_NULL, SCHEMA_MISSING, SCHEMA_TYPE,
                                                   SCHEMA_EMPTY};
    uint32_t lost = pass->batch->n_undecodable + pass->batch->n_tombstones;
    uint32_t missing = column->offsets ? 0 : column->n_missing - lost;
    const uint32_t counts[] = {column->n_null, missing, column->n_fault, column->n_fault};
    for (int i = 0; i < 4; i++) {
        enum schema_check check = looked_for[i];
        uint32_t n = 0;
        if (!counts[i] || pass->field->rule[check] < 0)
            continue;
        for (uint32_t k = pass->first; k < column->n; k++) {
            if (state_check(column->state[k]) == check &&
                (check != SCHEMA_MISSING || has_record(pass->batch, k)))
                pass->edge->found[n++] = k;
        }
        flag(pass, check, n);
    }
}

static void check_nan(const struct pass *pass)
{
    const double *values = pass->column->values.f64;
    uint32_t bad = 0, n = 0;
    for (uint32_t i = pass->first; i < pass->column->n; i++)
        bad += !(fabs(values[i]) <= 0x1.fffffffffffffp1023);
    for (uint32_t i = pass->first; bad && i < pass->column->n; i++) {
        if (!isfinite(values[i]))
            pass->edge->found[n++] = i;
    }
    flag(pass, SCHEMA_NAN, n);
}

// NaN is no number out of range: it has its own rule, infinities both.
static void check_range_double(const struct pass *pass)
{
    const double *values = pass->column->values.f64;
    double low = pass->field->field->low, high = pass->field->field->high;
    uint32_t bad = 0, n = 0;
    for (uint32_t i = pass->first; i < pass->column->n; i++)
        bad += (values[i] < low) | (values[i] > high);
    for (uint32_t i = pass->first; bad && i < pass->column->n; i++) {
        if ((values[i] < low || values[i] > high) && pass->column->state[i] == WEIR_STATE_VALUE)
            pass->edge->found[n++] = i;
    }
    flag(pass, SCHEMA_RANGE, n);
}

// The bounds of a double as those of an int64, the same integers within.
static void long_bounds(double low, double high, int64_t *from, int64_t *to)
{
    low = ceil(low);
    high = floor(high);
    *from = low >= 0x1p63 ? INT64_MAX : low > -0x1p63 ? (int64_t)low : INT64_MIN;
    *to = high < -0x1p63 ? INT64_MIN : high < 0x1p63 ? (int64_t)high : INT64_MAX;
}

static void check_range_long(const struct pass *pass)
{
    const int64_t *values = pass->column->values.i64;
    int64_t low, high;
    uint32_t bad = 0, n = 0;
    long_bounds(pass->field->field->low, pass->field->field->high, &low, &high);
    for (uint32_t i = pass->first; i < pass->column->n; i++)
        bad += (values[i] < low) | (values[i] > high);
    for (uint32_t i = pass->first; bad && i < pass->column->n; i++) {
        if ((values[i] < low || values[i] > high) && pass->column->state[i] == WEIR_STATE_VALUE)
            pass->edge->found[n++] = i;
    }
    flag(pass, SCHEMA_RANGE, n);
}

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void check_number_values(const struct pass *pass)
{
    const struct weir_column *column = pass->column;
    const struct schema_field *field = pass->field;
    uint32_t n = 0;
    for (uint32_t i = pass->first; i < column->n; i++) {
        double value = column->type == WEIR_TYPE_DOUBLE ? column->values.f64[i]
                                                        : (double)column->values.i64[i];
        if (column->state[i] == WEIR_STATE_VALUE && !isnan(value) &&
            !bsearch(&value, field->numbers, field->n_numbers, sizeof value, compare_numbers))
            pass->edge->found[n++] = i;
    }
    flag(pass, SCHEMA_VALUES, n);
}

static int grow(uint16_t **bits, uint32_t *capacity, uint32_t needed)
{
    if (needed <= *capacity)
        return 0;
    uint32_t larger = needed + needed / 2 + 64;
    uint16_t *grown = realloc(*bits, larger * sizeof *grown);
    if (!grown)
        return -1;
    *bits = grown;
    *capacity = larger;
    return 0;
}

// Looks at the strings that are new; `*any` has all faults there are among them.
static int judge_strings(const struct pass *pass, struct memo *memo, unsigned *any)
{
    const struct weir_column *column = pass->column;
    const struct schema *schema = pass->edge->schema;
    uint64_t limited = 0;
    if (memo->generation != column->generation || column->n_dictionary < memo->n) {
        memo->n = 0;
        memo->any = 0;
        memo->generation = column->generation;
    }
    if (grow(&memo->faults, &memo->capacity, column->n_dictionary) ||
        grow(&memo->local, &memo->local_capacity, column->n_local))
        return -1;
    for (; memo->n < column->n_dictionary; memo->n++) {
        unsigned faults = schema_text_faults(schema, pass->field, &column->dictionary[memo->n],
                                             pass->edge->match, &limited);
        memo->faults[memo->n] = (uint16_t)faults;
        memo->any |= faults;
    }
    *any = memo->any;
    // By row: a view of a few rows has the local strings of its whole batch.
    for (uint32_t i = pass->first; column->n_local && i < column->n; i++) {
        uint32_t code = column->values.code[i];
        if (code < column->n_dictionary || column->state[i] != WEIR_STATE_VALUE)
            continue;
        code -= column->n_dictionary;
        unsigned faults = schema_text_faults(schema, pass->field, &column->local[code],
                                             pass->edge->match, &limited);
        memo->local[code] = (uint16_t)faults;
        *any |= faults;
    }
    if (limited)
        pass->host->limit(pass->host, "schema.pattern", limited);
    return 0;
}

static int check_strings(const struct pass *pass, struct memo *memo)
{
    static const enum schema_check looked_for[] = {SCHEMA_EMPTY, SCHEMA_LENGTH, SCHEMA_VALUES,
                                                   SCHEMA_PATTERN};
    const struct weir_column *column = pass->column;
    const uint32_t *codes = column->values.code;
    unsigned any = 0;
    if (judge_strings(pass, memo, &any))
        return -1;
    for (int k = 0; k < 4; k++) {
        unsigned bit = 1u << looked_for[k];
        uint32_t n = 0;
        for (uint32_t i = pass->first; (any & bit) && i < column->n; i++) {
            if (column->state[i] != WEIR_STATE_VALUE)
                continue;
            uint32_t code = codes[i];
            unsigned faults = code < column->n_dictionary
                                  ? memo->faults[code]
                                  : memo->local[code - column->n_dictionary];
            if (faults & bit)
                pass->edge->found[n++] = i;
        }
        flag(pass, looked_for[k], n);
    }
    return 0;
}

// The number of elements of a list.
static void check_list_length(const struct pass *pass)
{
    const struct weir_field *field = pass->field->field;
    const uint32_t *offsets = pass->column->offsets;
    uint32_t n = 0;
    for (uint32_t row = 0; row < pass->batch->n_rows; row++) {
        int64_t length = offsets[row + 1] - offsets[row];
        if ((length < field->shortest || length > field->longest) && has_record(pass->batch, row))
            pass->edge->found[n++] = row;
    }
    if (n)
        pass->host->flag(pass->host, (unsigned)pass->field->rule[SCHEMA_LENGTH], pass->edge->found,
                         n);
}

static int check_field(const struct pass *pass, struct memo *memo)
{
    const struct schema_field *field = pass->field;
    const struct weir_column *column = pass->column;
    if (column->n_null + column->n_missing + column->n_fault)
        check_states(pass);
    if (column->offsets && field->rule[SCHEMA_LENGTH] >= 0)
        check_list_length(pass);
    if (column->type == WEIR_TYPE_STRING || column->type == WEIR_TYPE_BYTES)
        return check_strings(pass, memo);
    if (field->rule[SCHEMA_NAN] >= 0)
        check_nan(pass);
    if (field->rule[SCHEMA_RANGE] >= 0 && column->type == WEIR_TYPE_DOUBLE)
        check_range_double(pass);
    else if (field->rule[SCHEMA_RANGE] >= 0)
        check_range_long(pass);
    if (field->rule[SCHEMA_VALUES] >= 0)
        check_number_values(pass);
    return 0;
}

static void check_records(struct edge *edge, const struct weir_batch *batch,
                          const struct weir_edge *host)
{
    static const struct {
        enum schema_check check;
        enum weir_row_fault fault;
    } faults[] = {{SCHEMA_UNDECODABLE, WEIR_ROW_UNDECODABLE}, {SCHEMA_TIME, WEIR_ROW_NO_TIME}};
    const uint32_t counts[] = {batch->n_undecodable, batch->n_no_time};
    const int *rule = edge->schema->rule;
    uint32_t n;
    for (int i = 0; i < 2; i++) {
        n = 0;
        for (uint32_t row = 0; counts[i] && row < batch->n_rows; row++) {
            if (batch->fault[row] == faults[i].fault)
                edge->found[n++] = row;
        }
        if (n && rule[faults[i].check] >= 0)
            host->flag(host, (unsigned)rule[faults[i].check], edge->found, n);
    }
    n = 0;
    for (uint32_t i = 0; i < batch->n_unknown; i++) {
        // In the order of rows, several of a row together.
        if (!n || edge->found[n - 1] != batch->unknown[i].row)
            edge->found[n++] = batch->unknown[i].row;
    }
    if (n)
        host->flag(host, (unsigned)rule[SCHEMA_UNKNOWN_FIELD], edge->found, n);
}

int schema_edge_observe(void *state, const struct weir_batch *batch, const struct weir_edge *host,
                        struct weir_error *error)
{
    struct edge *edge = state;
    check_records(edge, batch, host);
    for (size_t i = 0; i < edge->schema->n_fields; i++) {
        const struct schema_field *field = &edge->schema->fields[i];
        const struct weir_column *column = &batch->columns[field->index];
        uint32_t first = column->offsets ? column->offsets[0] : 0;
        struct pass pass = {edge, batch, host, field, column, first};
        if (pass.column->n > edge->capacity) {
            uint32_t *grown = realloc(edge->found, pass.column->n * sizeof *grown);
            if (!grown)
                return out_of_memory(error);
            edge->found = grown;
            edge->capacity = pass.column->n;
        }
        if (check_field(&pass, &edge->memos[i]))
            return out_of_memory(error);
    }
    return 0;
}

// What it remembers is a cache, no state.
int schema_edge_save(const void *edge, struct weir_buffer *out)
{
    (void)edge;
    (void)out;
    return 0;
}

int schema_edge_restore(void *edge, uint32_t state_version, struct weir_reader *in,
                        struct weir_error *error)
{
    (void)edge;
    (void)state_version;
    (void)in;
    (void)error;
    return 0;
}
