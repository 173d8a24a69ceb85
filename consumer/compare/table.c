// SPDX-License-Identifier: Apache-2.0
#include "consumer/compare/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/sort.h"

// Strings are categories up to so many distinct ones, or such a share of the rows.
#define MOST_CATEGORIES 1000
#define MOST_CATEGORY_SHARE 0.05

const char *weir_compare_type_name(enum weir_compare_type type)
{
    static const char *const names[] = {"numeric", "categorical", "boolean", "text", "vector"};
    return names[type];
}

static int is_number(enum weir_type type)
{
    return type == WEIR_TYPE_DOUBLE || type == WEIR_TYPE_LONG;
}

static int holds_numbers(const struct weir_table_column *column)
{
    return column->type == WEIR_COMPARE_NUMERIC || column->type == WEIR_COMPARE_VECTOR;
}

static enum weir_compare_type first_type(const struct weir_field *field)
{
    if (is_number(field->type))
        return field->is_list ? WEIR_COMPARE_VECTOR : WEIR_COMPARE_NUMERIC;
    return field->type == WEIR_TYPE_BOOLEAN ? WEIR_COMPARE_BOOLEAN : WEIR_COMPARE_CATEGORICAL;
}

static int reserve(struct weir_table_column *column, size_t more)
{
    if (column->capacity - column->n >= more)
        return 0;
    size_t capacity = (column->n + more) * 2;
    uint8_t *absent = realloc(column->absent, capacity);
    if (!absent)
        return WEIR_ENOMEM;
    column->absent = absent;
    if (holds_numbers(column)) {
        double *number = realloc(column->number, capacity * sizeof *number);
        if (!number)
            return WEIR_ENOMEM;
        column->number = number;
    } else {
        uint64_t *hash = realloc(column->hash, capacity * sizeof *hash);
        if (!hash)
            return WEIR_ENOMEM;
        column->hash = hash;
    }
    column->capacity = capacity;
    return 0;
}

static void add_number(struct weir_table_column *into, size_t at, double x, int absent)
{
    absent |= isnan(x); // what Python calls a missing number
    into->number[at] = absent ? NAN : x + 0.0;
    into->absent[at] = (uint8_t)absent;
    into->n_absent += (size_t)absent;
}

static void add_word(void *context, uint64_t hash)
{
    struct weir_table_words *words = context;
    if (words->n == words->capacity && words->n < WEIR_TABLE_WORDS) {
        size_t capacity = words->capacity ? 2 * words->capacity : 1024;
        uint64_t *grown = realloc(words->hash, capacity * sizeof *grown);
        if (!grown) {
            words->failed = 1;
            return;
        }
        words->hash = grown;
        words->capacity = capacity;
    }
    if (words->n < words->capacity)
        words->hash[words->n++] = hash;
}

static int add_text(struct weir_table_words *words, const struct weir_string *string)
{
    if (words->n_lengths == words->lengths_capacity) {
        size_t capacity = words->lengths_capacity ? 2 * words->lengths_capacity : 1024;
        double *grown = realloc(words->length, capacity * sizeof *grown);
        if (!grown)
            return WEIR_ENOMEM;
        words->length = grown;
        words->lengths_capacity = capacity;
    }
    words->length[words->n_lengths++] = string->length;
    weir_text_counts_add(&words->counts, string->data, string->length, add_word, words);
    return words->failed ? WEIR_ENOMEM : 0;
}

static int add_ends(struct weir_table_column *into, const struct weir_column *from, uint32_t rows)
{
    if (into->ends_capacity - into->n_ends < rows) {
        size_t capacity = (into->n_ends + rows) * 2;
        size_t *grown = realloc(into->ends, capacity * sizeof *grown);
        if (!grown)
            return WEIR_ENOMEM;
        into->ends = grown;
        into->ends_capacity = capacity;
    }
    for (uint32_t i = 0; i < rows; i++)
        into->ends[into->n_ends++] = into->n + from->offsets[i + 1] - from->offsets[0];
    return 0;
}

enum { TEXT_SLOTS = 2048 }; // twice the texts: a search always ends at an empty one

static int keep_text(struct weir_table_column *into, const struct weir_string *string)
{
    if (!into->texts) {
        into->texts = calloc(WEIR_TABLE_TEXTS, sizeof *into->texts);
        into->text_slots = calloc(TEXT_SLOTS, sizeof *into->text_slots);
        if (!into->texts || !into->text_slots)
            return WEIR_ENOMEM;
    }
    size_t at = string->hash % TEXT_SLOTS;
    for (; into->text_slots[at]; at = (at + 1) % TEXT_SLOTS)
        if (into->texts[into->text_slots[at] - 1].hash == string->hash)
            return 0;
    if (into->n_texts == WEIR_TABLE_TEXTS)
        return 0;
    struct weir_table_text *text = &into->texts[into->n_texts++];
    size_t most = sizeof text->text - 1;
    size_t length = string->length < most ? string->length : most;
    // Not within a character of UTF-8.
    while (length < string->length && length && ((uint8_t)string->data[length] & 0xc0) == 0x80)
        length--;
    text->hash = string->hash;
    memcpy(text->text, string->data, length);
    into->text_slots[at] = (uint16_t)into->n_texts;
    return 0;
}

static uint64_t add_string(struct weir_table_column *into, const struct weir_string *string)
{
    if (into->n_first == 0 || (into->n_first == 1 && into->first[0].hash != string->hash)) {
        size_t most = sizeof into->first[0].text - 1;
        size_t length = string->length < most ? string->length : most;
        into->first[into->n_first].hash = string->hash;
        memcpy(into->first[into->n_first].text, string->data, length);
        into->n_first++;
    }
    return string->hash;
}

static int add_column(struct weir_table_column *into, const struct weir_column *from, uint32_t rows)
{
    if (reserve(into, from->n))
        return WEIR_ENOMEM;
    uint32_t first = from->offsets ? from->offsets[0] : 0;
    if (from->offsets && add_ends(into, from, rows))
        return WEIR_ENOMEM;
    for (uint32_t k = first; k < from->n; k++) {
        uint32_t i = k;
        int absent = from->state[i] != WEIR_STATE_VALUE;
        size_t at = into->n + i - first;
        if (holds_numbers(into)) {
            double x = absent                           ? 0
                       : from->type == WEIR_TYPE_DOUBLE ? from->values.f64[i]
                                                        : (double)from->values.i64[i];
            add_number(into, at, x, absent);
            continue;
        }
        if (absent)
            into->hash[at] = 0;
        else if (from->type == WEIR_TYPE_BOOLEAN)
            into->hash[at] = (uint64_t)from->values.i64[i];
        else {
            const struct weir_string *string = weir_column_string(from, from->values.code[i]);
            into->hash[at] = add_string(into, string);
            if (keep_text(into, string) || (into->words && add_text(into->words, string)))
                return WEIR_ENOMEM;
        }
        into->absent[at] = (uint8_t)absent;
        into->n_absent += (size_t)absent;
    }
    into->n += from->n - first;
    into->n_missing += from->n_missing;
    into->n_fault += from->n_fault;
    return 0;
}

// Whether the strings are categories or text.
static int tell_text(struct weir_table_column *column)
{
    size_t n = 0, distinct = 0;
    if (column->type != WEIR_COMPARE_CATEGORICAL || column->n == 0)
        return 0;
    uint64_t *sorted = malloc(column->n * sizeof *sorted);
    if (!sorted)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < column->n; i++)
        if (!column->absent[i])
            sorted[n++] = column->hash[i];
    weir_sort_hashes(sorted, n);
    for (size_t i = 0; i < n; i++)
        distinct += i == 0 || sorted[i] != sorted[i - 1];
    free(sorted);
    if (distinct > MOST_CATEGORIES && (double)distinct > MOST_CATEGORY_SHARE * (double)n)
        column->type = WEIR_COMPARE_TEXT;
    return 0;
}

void weir_unreadable_add(struct weir_unreadable *unreadable, const struct weir_batch *batch,
                         uint64_t before)
{
    for (uint32_t i = 0; batch->n_undecodable && i < batch->n_rows; i++) {
        if (batch->fault[i] != WEIR_ROW_UNDECODABLE)
            continue;
        if (!unreadable->rows++) {
            unreadable->first = before + i + 1;
            snprintf(unreadable->reason, sizeof unreadable->reason, "%s",
                     batch->reason && batch->reason[i] ? batch->reason[i] : "it does not decode");
        }
    }
}

int weir_unreadable_check(const struct weir_unreadable *unreadable, uint64_t rows, const char *path,
                          struct weir_error *error)
{
    if (!rows || unreadable->rows < rows)
        return 0;
    return weir_error_set(
        error, WEIR_ECORRUPT, "%s: not one of its %llu records can be read; record 1: %s%s", path,
        (unsigned long long)rows, unreadable->reason,
        strncmp(unreadable->reason, "JSON", 4) ? "" : " (a record a line is wanted)");
}

// A column without any value is of the type that the other file has.
static int take_hint(struct weir_table *table, size_t at, const struct weir_schema_fields *hints)
{
    struct weir_table_column *column = &table->columns[at];
    struct weir_field *field = &table->fields[at];
    if (column->is_list || column->n_absent < column->n || column->n_fault)
        return 0;
    for (size_t i = 0; hints && i < hints->n; i++)
        if (!strcmp(hints->fields[i].name, field->name) && !hints->fields[i].is_list)
            field->type = hints->fields[i].type == WEIR_TYPE_BOOLEAN ? WEIR_TYPE_BOOLEAN
                          : is_number(hints->fields[i].type)         ? WEIR_TYPE_DOUBLE
                                                                     : field->type;
    column->type = first_type(field);
    if (!holds_numbers(column) || column->number)
        return 0;
    column->number = malloc((column->n + 1) * sizeof *column->number);
    for (size_t i = 0; column->number && i < column->n; i++)
        column->number[i] = NAN;
    return column->number ? 0 : WEIR_ENOMEM;
}

// The fields to read, every one with a type.
static int take_fields(struct weir_table *table, const struct weir_table *types,
                       struct weir_error *error)
{
    const struct weir_field *fields = types ? types->fields : NULL;
    size_t n = types ? types->n_columns : 0;
    if (!types) {
        const struct weir_schema_fields *own = weir_file_fields(table->file, error);
        if (!own)
            return error->code ? error->code : WEIR_EINVAL;
        fields = own->fields;
        n = own->n;
    }
    table->fields = calloc(n ? n : 1, sizeof *table->fields);
    table->columns = calloc(n ? n : 1, sizeof *table->columns);
    if (!table->fields || !table->columns)
        return weir_error_set(error, WEIR_ENOMEM, "memory is out");
    table->n_columns = n;
    for (size_t i = 0; i < n; i++) {
        struct weir_field *field = &table->fields[i];
        *field = (struct weir_field){.name = fields[i].name,
                                     .type = fields[i].type,
                                     .is_list = fields[i].is_list,
                                     .nullable = 1,
                                     .optional = 1};
        if (field->type == WEIR_TYPE_UNKNOWN)
            field->type = WEIR_TYPE_STRING;
        // Statistics are of doubles, and a column that begins with whole numbers may go on with
        // others.
        if (field->type == WEIR_TYPE_LONG)
            field->type = WEIR_TYPE_DOUBLE;
        table->columns[i].name = field->name;
        table->columns[i].is_list = field->is_list;
        struct weir_table_column *column = &table->columns[i];
        column->type = types ? types->columns[i].type : first_type(field);
        int strings = types ? column->type == WEIR_COMPARE_TEXT : field->type == WEIR_TYPE_STRING;
        if (strings && !(column->words = calloc(1, sizeof *column->words)))
            return weir_error_set(error, WEIR_ENOMEM, "memory is out");
    }
    return 0;
}

static int has_column(const struct weir_table *table, const char *name)
{
    for (size_t i = 0; i < table->n_columns; i++)
        if (!strcmp(table->columns[i].name, name))
            return 1;
    return 0;
}

// Fields of the file that are none of the columns. What cannot be looked at twice has none.
static int take_others(struct weir_table *table, const char *path)
{
    struct weir_error ignored = {0};
    const struct weir_schema_fields *own =
        strcmp(path, "-") ? weir_file_fields(table->file, &ignored) : NULL;
    if (!own)
        return 0;
    table->others = calloc(own->n + 1, sizeof *table->others);
    if (!table->others)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < own->n; i++)
        if (!has_column(table, own->fields[i].name))
            table->others[table->n_others++] = own->fields[i].name;
    return 0;
}

static int read_all(struct weir_table *table, const char *path, struct weir_error *error)
{
    struct weir_stream stream = {
        .name = path, .fields = table->fields, .n_fields = table->n_columns, .key = -1, .time = -1};
    struct weir_builder_options options = {.stream = &stream};
    const struct weir_batch *batch;
    int code = weir_file_start(table->file, &options, error), more = 0;
    while (!code && (more = weir_file_next(table->file, WEIR_BATCH_ROWS, &batch, error)) > 0) {
        weir_unreadable_add(&table->unreadable, batch, table->rows);
        table->rows += batch->n_rows;
        for (size_t i = 0; i < table->n_columns && !code; i++)
            code = add_column(&table->columns[i], &batch->columns[i], batch->n_rows);
        if (code)
            weir_error_set(error, code,
                           "%s does not fit into memory: make profiles of the files "
                           "(weir profile) and compare those",
                           path);
    }
    if (!code && !more)
        code = weir_unreadable_check(&table->unreadable, table->rows, path, error);
    return code ? code : more;
}

static int load(const char *path, const struct weir_table *types,
                const struct weir_schema_fields *hints, struct weir_table *out,
                struct weir_error *error)
{
    struct weir_table table = {0};
    int code = weir_file_open(path, WEIR_FORMAT_CSV, &table.file, error);
    if (!code)
        code = take_fields(&table, types, error);
    if (!code && types && take_others(&table, path))
        code = weir_error_set(error, WEIR_ENOMEM, "memory is out");
    // Also a column without rows has an array.
    for (size_t i = 0; i < table.n_columns && !code; i++)
        if (reserve(&table.columns[i], 1))
            code = weir_error_set(error, WEIR_ENOMEM, "memory is out");
    if (!code)
        code = read_all(&table, path, error);
    for (size_t i = 0; i < table.n_columns && !code && !types; i++)
        if (tell_text(&table.columns[i]) || take_hint(&table, i, hints))
            code = weir_error_set(error, WEIR_ENOMEM, "memory is out");
    if (code) {
        weir_table_free(&table);
        return code;
    }
    *out = table;
    return 0;
}

int weir_table_load_pair(const char *reference, const char *current, struct weir_table *a,
                         struct weir_table *b, struct weir_error *error)
{
    struct weir_file *beside = NULL;
    struct weir_error ignored = {0};
    // Errors of the other file are told when it is its turn.
    const struct weir_schema_fields *hints =
        strcmp(current, "-") && !weir_file_open(current, WEIR_FORMAT_CSV, &beside, &ignored)
            ? weir_file_fields(beside, &ignored)
            : NULL;
    int code = load(reference, NULL, hints, a, error);
    weir_file_close(beside);
    if (code)
        return code;
    code = load(current, a, NULL, b, error);
    if (code)
        weir_table_free(a);
    return code;
}

static int element_of(const struct weir_rows_column *from, size_t i, struct weir_table_column *out)
{
    int absent = !from || from->state[i] != WEIR_STATE_VALUE;
    if (holds_numbers(out)) {
        add_number(out, i, absent || !from->number ? NAN : from->number[i], absent);
        return 0;
    }
    out->hash[i] = absent || !from->code ? 0 : from->code[i];
    out->absent[i] = (uint8_t)absent;
    out->n_absent += (size_t)absent;
    if (absent || !from->text)
        return 0;
    struct weir_string text = {(const char *)from->text[i].data, (uint32_t)from->text[i].length,
                               from->code[i]};
    return keep_text(out, &text);
}

int weir_table_column_of(const struct weir_rows_column *from, size_t rows,
                         enum weir_compare_type type, struct weir_table_column *out)
{
    size_t n = from ? from->n : rows;
    *out = (struct weir_table_column){.type = type, .is_list = from && from->is_list};
    if (reserve(out, n + 1))
        return WEIR_ENOMEM;
    if (from && from->ends) {
        out->ends = malloc((rows + 1) * sizeof *out->ends);
        if (!out->ends)
            return WEIR_ENOMEM;
        memcpy(out->ends, from->ends, rows * sizeof *out->ends);
        out->n_ends = out->ends_capacity = rows;
    }
    out->n = n;
    for (size_t i = 0; i < n; i++) {
        if (element_of(from, i, out))
            return WEIR_ENOMEM;
    }
    return 0;
}

void weir_table_free(struct weir_table *table)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        struct weir_table_words *words = table->columns[i].words;
        if (words) {
            free(words->hash);
            free(words->length);
        }
        free(words);
        free(table->columns[i].texts);
        free(table->columns[i].text_slots);
        free(table->columns[i].ends);
        free(table->columns[i].number);
        free(table->columns[i].hash);
        free(table->columns[i].absent);
    }
    free(table->columns);
    free(table->fields);
    free(table->others);
    if (table->file)
        weir_file_close(table->file);
    memset(table, 0, sizeof *table);
}
