// SPDX-License-Identifier: Apache-2.0
// A reservoir's rows as columns.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/hash.h"
#include "stats/reservoir_inside.h"
#include "weir/error.h"

struct element {
    uint8_t state;
    double number;
    uint64_t code;
    struct weir_span text;
    uint32_t length;
};

static int has_code(enum weir_type type)
{
    return type != WEIR_TYPE_DOUBLE;
}

static int is_text(enum weir_type type)
{
    return type == WEIR_TYPE_STRING || type == WEIR_TYPE_BYTES;
}

static uint8_t get_byte(struct weir_reader *in)
{
    if (in->failed || !weir_reader_left(in)) {
        in->failed = 1;
        return 0;
    }
    return *in->at++;
}

static void get_text(struct weir_reader *in, struct element *e)
{
    size_t length = weir_get_count(in, UINT32_MAX);
    size_t kept = length < WEIR_RESERVOIR_TEXT ? length : WEIR_RESERVOIR_TEXT;
    if (in->failed || kept > weir_reader_left(in)) {
        in->failed = 1;
        return;
    }
    e->text = (struct weir_span){in->at, kept};
    e->length = (uint32_t)length;
    in->at += kept;
    e->code = length > kept ? weir_get_fixed64(in) : weir_hash(e->text.data, kept);
}

static struct element get_element(struct weir_reader *in, enum weir_type type)
{
    struct element e = {.state = get_byte(in), .number = NAN};
    if (in->failed || e.state != WEIR_STATE_VALUE)
        return e;
    switch (type) {
    case WEIR_TYPE_DOUBLE:
        e.number = weir_get_double(in);
        return e;
    case WEIR_TYPE_LONG:
        e.code = (uint64_t)weir_get_long(in);
        e.number = (double)(int64_t)e.code;
        return e;
    case WEIR_TYPE_BOOLEAN:
        e.code = get_byte(in);
        e.number = (double)e.code;
        in->failed |= e.code > 1;
        return e;
    default:
        get_text(in, &e);
        return e;
    }
}

static size_t get_size(struct weir_reader *in, const struct weir_reservoir_field *field)
{
    return field->is_list ? weir_get_count(in, WEIR_RESERVOIR_LIST) : 1;
}

int weir_reservoir_is_row(const struct weir_reservoir_spec *spec, const uint8_t *data,
                          size_t length)
{
    struct weir_reader in = weir_reader_make(data, length);
    for (size_t f = 0; f < spec->n_fields && !in.failed; f++) {
        size_t n = get_size(&in, &spec->fields[f]);
        for (size_t i = 0; i < n && !in.failed; i++)
            get_element(&in, spec->fields[f].type);
    }
    return !in.failed && !weir_reader_left(&in);
}

// ---- columns

static void count_values(const struct weir_reservoir *r, struct weir_rows_column *columns)
{
    for (size_t i = 0; i < r->n; i++) {
        struct weir_reader in = weir_reader_make(r->heap[i].data, r->heap[i].length);
        for (size_t f = 0; f < r->spec->n_fields; f++) {
            size_t n = get_size(&in, &r->spec->fields[f]);
            columns[f].n += n;
            for (size_t k = 0; k < n; k++)
                get_element(&in, r->spec->fields[f].type);
        }
    }
}

static size_t column_bytes(const struct weir_rows_column *column, size_t rows)
{
    size_t text = is_text(column->type);
    size_t each = (text ? sizeof *column->text + sizeof *column->length : sizeof *column->number) +
                  (has_code(column->type) ? sizeof *column->code : 0);
    // The parts one after the other, the widest first: each a multiple of 8 but the last two.
    return (column->n * each + column->n + (column->is_list ? rows * sizeof *column->ends : 0) +
            15) &
           ~(size_t)15;
}

static void *take(uint8_t **at, size_t n, size_t size)
{
    uint8_t *from = *at;
    *at += n * size;
    return from;
}

static void place(struct weir_rows_column *column, size_t rows, uint8_t *at)
{
    if (column->is_list)
        column->ends = take(&at, rows, sizeof *column->ends);
    if (is_text(column->type))
        column->text = take(&at, column->n, sizeof *column->text);
    else
        column->number = take(&at, column->n, sizeof *column->number);
    if (has_code(column->type))
        column->code = take(&at, column->n, sizeof *column->code);
    if (is_text(column->type))
        column->length = take(&at, column->n, sizeof *column->length);
    column->state = take(&at, column->n, 1);
    column->n = 0; // filled from the start
}

static void fill(struct weir_rows_column *column, const struct element *e)
{
    size_t at = column->n++;
    column->state[at] = e->state;
    if (column->number)
        column->number[at] = e->number;
    if (column->code)
        column->code[at] = e->code;
    if (column->text) {
        column->text[at] = e->text;
        column->length[at] = e->length;
    }
}

int weir_rows_make(const struct weir_reservoir *r, struct weir_rows *out)
{
    const struct weir_reservoir_spec *spec = r->spec;
    struct weir_rows rows = {.n = r->n, .seen = r->seen, .n_columns = spec->n_fields};
    size_t bytes = 0;
    const struct weir_reservoir_row **sorted = weir_reservoir_sorted(r);
    rows.columns = calloc(spec->n_fields + 1, sizeof *rows.columns);
    for (size_t f = 0; rows.columns && f < spec->n_fields; f++)
        rows.columns[f] = (struct weir_rows_column){.name = spec->fields[f].name,
                                                    .type = spec->fields[f].type,
                                                    .is_list = spec->fields[f].is_list};
    if (rows.columns)
        count_values(r, rows.columns);
    for (size_t f = 0; rows.columns && f < spec->n_fields; f++)
        bytes += column_bytes(&rows.columns[f], r->n);
    uint8_t *at = rows.memory = malloc(bytes + 1);
    if (!sorted || !rows.columns || !rows.memory) {
        free(sorted);
        weir_rows_free(&rows);
        return WEIR_ENOMEM;
    }
    for (size_t f = 0; f < spec->n_fields; f++) {
        size_t size = column_bytes(&rows.columns[f], r->n);
        place(&rows.columns[f], r->n, at);
        at += size;
    }
    for (size_t i = 0; i < r->n; i++) {
        struct weir_reader in = weir_reader_make(sorted[i]->data, sorted[i]->length);
        for (size_t f = 0; f < spec->n_fields; f++) {
            struct weir_rows_column *column = &rows.columns[f];
            for (size_t n = get_size(&in, &spec->fields[f]); n > 0; n--) {
                struct element e = get_element(&in, column->type);
                fill(column, &e);
            }
            if (column->ends)
                column->ends[i] = column->n;
        }
    }
    free(sorted);
    *out = rows;
    return 0;
}

void weir_rows_free(struct weir_rows *rows)
{
    free(rows->columns);
    free(rows->memory);
    memset(rows, 0, sizeof *rows);
}

const struct weir_rows_column *weir_rows_find(const struct weir_rows *rows, const char *name)
{
    for (size_t f = 0; f < rows->n_columns; f++) {
        if (!strcmp(rows->columns[f].name, name))
            return &rows->columns[f];
    }
    return NULL;
}
