// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/csv.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "consumer/codec/number.h"

struct weir_csv_decoder {
    struct weir_builder *builder;
    struct weir_builder_column *columns;
    int *field; // of each column of the file, -1: the stream has none of that name
    char **names;
    size_t n;
    char separator;
    int report_unknown;
    char *scratch;
    size_t capacity;
};

void weir_csv_decoder_destroy(struct weir_csv_decoder *csv)
{
    if (!csv)
        return;
    for (size_t i = 0; csv->names && i < csv->n; i++)
        free(csv->names[i]);
    free(csv->names);
    free(csv->field);
    free(csv->scratch);
    free(csv);
}

static int find_field(const struct weir_stream *stream, const char *name)
{
    for (size_t i = 0; i < stream->n_fields; i++) {
        if (!stream->fields[i].is_list && strcmp(stream->fields[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

int weir_csv_decoder_create(const struct weir_decoder_options *options,
                            struct weir_builder *builder, struct weir_csv_decoder **decoder,
                            struct weir_error *error)
{
    const struct weir_stream *stream = options->builder.stream;
    if (!options->n_csv_columns)
        return weir_error_set(error, WEIR_EINVAL,
                              "stream %s: the names of the CSV columns are not known",
                              stream->name);
    struct weir_csv_decoder *csv = calloc(1, sizeof *csv);
    if (!csv)
        goto out_of_memory;
    csv->n = options->n_csv_columns;
    csv->names = calloc(csv->n, sizeof *csv->names);
    csv->field = calloc(csv->n, sizeof *csv->field);
    if (!csv->names || !csv->field)
        goto out_of_memory;
    for (size_t i = 0; i < csv->n; i++) {
        csv->field[i] = find_field(stream, options->csv_columns[i]);
        csv->names[i] = strdup(options->csv_columns[i]);
        if (!csv->names[i])
            goto out_of_memory;
    }
    csv->builder = builder;
    csv->columns = stream->n_fields ? weir_builder_column(builder, 0) : NULL;
    csv->separator = options->csv_separator ? options->csv_separator : ',';
    csv->report_unknown = options->builder.report_unknown;
    *decoder = csv;
    return 0;
out_of_memory:
    weir_csv_decoder_destroy(csv);
    return weir_error_set(error, WEIR_ENOMEM, "no memory for a CSV decoder");
}

// Length of the row with its line's end, or 0; `*open`: the text ends within quotes.
static size_t scan_row(const char *text, size_t length, char separator, int *open)
{
    enum { START, PLAIN, QUOTED, AFTER } state = START;
    *open = 0;
    for (size_t at = 0; at < length; at++) {
        char c = text[at];
        if (state == QUOTED) {
            if (c == '"')
                state = AFTER; // or the first of a pair
        } else if (c == '\n') {
            return at + 1;
        } else if (c == '"' && state != PLAIN) {
            state = QUOTED;
        } else {
            state = c == separator ? START : PLAIN;
        }
    }
    *open = state == QUOTED;
    return 0;
}

size_t weir_csv_row_length(const char *text, size_t length, char separator)
{
    const char *line = length ? memchr(text, '\n', length) : NULL;
    int open;
    if (!line)
        return 0;
    // Most rows have no quotes.
    if (!memchr(text, '"', (size_t)(line - text)))
        return (size_t)(line - text) + 1;
    return scan_row(text, length, separator, &open);
}

int weir_csv_ends_in_quotes(const char *text, size_t length, char separator)
{
    int open;
    scan_row(text, length, separator, &open);
    return open;
}

static int quoted_cell(const char *row, size_t length, char separator, size_t *at,
                       struct weir_csv_cell *cell)
{
    size_t from = *at + 1, to = from;
    *cell = (struct weir_csv_cell){row + from, 0, 1, 0};
    for (;;) {
        const char *quote = to < length ? memchr(row + to, '"', length - to) : NULL;
        if (!quote)
            return -1;
        to = (size_t)(quote - row) + 1;
        if (to == length || row[to] != '"')
            break;
        cell->doubled = 1;
        to++;
    }
    cell->length = to - 1 - from;
    if (to < length && row[to] != separator)
        return -1;
    *at = to + 1;
    return 0;
}

// Where the cell from `at` on ends, eight bytes at a time.
static size_t find_separator(const char *row, size_t length, size_t at, char separator)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    uint64_t wanted = ones * (unsigned char)separator, eight;
    for (; length - at >= 8; at += 8) {
        memcpy(&eight, row + at, 8);
        eight ^= wanted;
        // The lowest byte that is marked was equal; those above it may be marked wrongly.
        uint64_t equal = (eight - ones) & ~eight & highs;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        if (equal)
            return at + ((size_t)__builtin_ctzll(equal) >> 3);
#else
        if (equal)
            break;
#endif
    }
    while (at < length && row[at] != separator)
        at++;
    return at;
}

int weir_csv_cell_next(const char *row, size_t length, char separator, size_t *at,
                       struct weir_csv_cell *cell)
{
    size_t from = *at;
    if (from < length && row[from] == '"')
        return quoted_cell(row, length, separator, at, cell);
    size_t to = find_separator(row, length, from, separator);
    *cell = (struct weir_csv_cell){row + from, to - from, 0, 0};
    *at = to + 1;
    return 0;
}

size_t weir_csv_unescape(const char *text, size_t length, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        out[n++] = text[i];
        i += text[i] == '"';
    }
    return n;
}

static int is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

enum weir_csv_word weir_csv_word(const char *text, size_t length, double *value)
{
    size_t sign = length && (*text == '-' || *text == '+');
    const char *rest = text + sign;
    size_t left = length - sign;
    if (is_word(rest, left, "nan"))
        *value = NAN;
    else if (is_word(rest, left, "inf") || is_word(rest, left, "infinity"))
        *value = *text == '-' ? -INFINITY : INFINITY;
    else if (is_word(text, length, "true"))
        return WEIR_CSV_TRUE;
    else
        return is_word(text, length, "false") ? WEIR_CSV_FALSE : WEIR_CSV_OTHER;
    return WEIR_CSV_NUMBER;
}

// Neither blank nor a number: a word.
static void set_word(struct weir_csv_decoder *csv, int field, const char *text, size_t length)
{
    double value;
    switch (weir_csv_word(text, length, &value)) {
    case WEIR_CSV_NUMBER:
        weir_builder_double(csv->builder, field, value);
        break;
    case WEIR_CSV_TRUE:
        weir_builder_boolean(csv->builder, field, 1);
        break;
    case WEIR_CSV_FALSE:
        weir_builder_boolean(csv->builder, field, 0);
        break;
    default:
        weir_builder_string(csv->builder, field, text, length, 0);
    }
}

static void set_scalar(struct weir_csv_decoder *csv, int field, const char *text, size_t length)
{
    struct weir_number number;
    enum weir_type type = csv->columns[field].type;
    enum weir_number_kind kind;
    while (length && (*text == ' ' || *text == '\t')) {
        text++;
        length--;
    }
    while (length && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    if (!length) {
        weir_builder_fault(csv->builder, field, WEIR_STATE_FAULT_EMPTY);
        return;
    }
    kind = weir_number_parse(text, length, 0, &number);
    if (kind == WEIR_NUMBER_NONE)
        set_word(csv, field, text, length);
    else if (type == WEIR_TYPE_BOOLEAN && kind == WEIR_NUMBER_INTEGER &&
             (number.integer == 0 || number.integer == 1))
        weir_builder_boolean(csv->builder, field, (int)number.integer);
    else if (type == WEIR_TYPE_BOOLEAN)
        weir_builder_fault(csv->builder, field, WEIR_STATE_FAULT_NUMBER);
    else if (kind == WEIR_NUMBER_OVERFLOW || (kind == WEIR_NUMBER_BIG && type == WEIR_TYPE_LONG))
        weir_builder_fault(csv->builder, field, WEIR_STATE_FAULT_OVERFLOW);
    else if (kind == WEIR_NUMBER_INTEGER && type == WEIR_TYPE_LONG)
        weir_builder_long(csv->builder, field, number.integer);
    else
        weir_builder_double(csv->builder, field, number.real);
}

static const char *set_cell(struct weir_csv_decoder *csv, int field, struct weir_csv_cell cell)
{
    enum weir_type type = csv->columns[field].type;
    if (!cell.length && !cell.quoted) {
        weir_builder_null(csv->builder, field);
        return NULL;
    }
    if (cell.doubled) {
        if (cell.length > csv->capacity) {
            char *grown = realloc(csv->scratch, cell.length * 2);
            if (!grown)
                return "memory is out";
            csv->scratch = grown;
            csv->capacity = cell.length * 2;
        }
        cell.length = weir_csv_unescape(cell.text, cell.length, csv->scratch);
        cell.text = csv->scratch;
    }
    if (type == WEIR_TYPE_STRING || type == WEIR_TYPE_BYTES)
        weir_builder_string(csv->builder, field, cell.text, cell.length, 0);
    else
        set_scalar(csv, field, cell.text, cell.length);
    return NULL;
}

// NULL, or why the row does not decode; `*cells` counts what was found.
static const char *decode(struct weir_csv_decoder *csv, const char *row, size_t length,
                          size_t *cells)
{
    size_t at = 0;
    while (at <= length) {
        struct weir_csv_cell cell;
        if (weir_csv_cell_next(row, length, csv->separator, &at, &cell))
            return "a quoted cell does not end, or goes on after its end";
        if (*cells < csv->n) {
            int field = csv->field[*cells];
            const char *wrong = field >= 0 ? set_cell(csv, field, cell) : NULL;
            if (wrong)
                return wrong;
            if (field < 0 && csv->report_unknown)
                weir_builder_unknown(csv->builder, csv->names[*cells], strlen(csv->names[*cells]));
        }
        ++*cells;
    }
    return *cells == csv->n ? NULL : "";
}

void weir_csv_decoder_add(struct weir_csv_decoder *csv, const struct weir_record *record)
{
    const char *row = (const char *)record->value.data;
    size_t length = record->value.length, cells = 0;
    char text[128];
    weir_builder_row(csv->builder, record->offset, record->timestamp, record->key, record->value);
    if (!row) {
        weir_builder_tombstone(csv->builder);
        return;
    }
    if (length && row[length - 1] == '\n')
        length -= 1 + (length > 1 && row[length - 2] == '\r');
    const char *wrong = NULL;
    // A line's end within a row is legal in quotes alone.
    if (!length && csv->n > 1)
        wrong = "empty";
    else if (length && weir_csv_row_length(row, length, csv->separator))
        wrong = "more than one line";
    else
        wrong = decode(csv, row, length, &cells);
    if (!wrong)
        return;
    if (*wrong)
        snprintf(text, sizeof text, "CSV: %s", wrong);
    else
        snprintf(text, sizeof text, "CSV: %zu cells where %zu are wanted", cells, csv->n);
    weir_builder_undecodable(csv->builder, text);
}
