// SPDX-License-Identifier: Apache-2.0
#include "consumer/source/file.h"

#include <stdlib.h>

#include "consumer/codec/avro_container.h"
#include "consumer/codec/csv.h"
#include "consumer/codec/json_index.h"
#include "consumer/source/file_input.h"
#include "consumer/source/guess.h"

// The longest record, how far a look ahead for types goes, and what is read at a time.
enum {
    RECORD_MAX = 64 << 20,
    LOOK_BYTES = 4 << 20,
    LOOK_ROWS = 1000,
    REFILL = 1 << 18,
    COLUMNS_MAX = 10000
};

struct weir_file {
    char *name;
    enum weir_file_kind kind;
    struct weir_file_input *input;
    struct weir_avro_container *container;
    char separator;
    char **columns; // of the CSV header
    size_t n_columns;
    struct weir_decoder *decoder;
    struct weir_schema_fields fields;
    int has_fields;
    struct weir_guess *guess;
    char *head; // the bytes before the first row
    size_t head_length;
    int64_t row;
    struct weir_error late; // found while rows before it were still to be given
};

void weir_file_close(struct weir_file *file)
{
    if (!file)
        return;
    if (file->kind == WEIR_FILE_AVRO && file->has_fields)
        weir_schema_fields_free(&file->fields);
    weir_guess_destroy(file->guess);
    weir_decoder_destroy(file->decoder);
    if (file->container)
        weir_avro_container_close(file->container);
    for (size_t i = 0; i < file->n_columns; i++)
        free(file->columns[i]);
    free(file->columns);
    free(file->head);
    weir_file_input_close(file->input);
    free(file->name);
    free(file);
}

static int has_suffix(const char *name, size_t length, const char *suffix)
{
    size_t n = strlen(suffix);
    return length >= n && memcmp(name + length - n, suffix, n) == 0;
}

static int sniff(struct weir_file *file, enum weir_format fallback, struct weir_error *error)
{
    size_t length, name = strlen(file->name);
    const char *data = weir_file_input_data(file->input, &length);
    int avro = fallback != WEIR_FORMAT_CSV && fallback != WEIR_FORMAT_JSON;
    if (weir_avro_container_magic(data, length)) {
        file->kind = WEIR_FILE_AVRO;
        return 0;
    }
    if (has_suffix(file->name, name, ".gz"))
        name -= 3;
    if (has_suffix(file->name, name, ".tsv")) {
        file->kind = WEIR_FILE_CSV;
        file->separator = '\t';
        return 0;
    }
    if (has_suffix(file->name, name, ".csv")) {
        file->kind = WEIR_FILE_CSV;
    } else if (has_suffix(file->name, name, ".jsonl") || has_suffix(file->name, name, ".json")) {
        file->kind = WEIR_FILE_JSON_LINES;
    } else if (has_suffix(file->name, name, ".avro") || avro) {
        return weir_error_set(error, WEIR_ECORRUPT,
                              "%s: not an Avro container file: it does not begin with Obj\\x01",
                              file->name);
    } else {
        file->kind = fallback == WEIR_FORMAT_CSV ? WEIR_FILE_CSV : WEIR_FILE_JSON_LINES;
    }
    return 0;
}

static int keep_head(struct weir_file *file, const char *data, size_t length,
                     struct weir_error *error)
{
    char *grown = realloc(file->head, file->head_length + length + 1);
    if (!grown)
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory for its header", file->name);
    memcpy(grown + file->head_length, data, length);
    file->head = grown;
    file->head_length += length;
    return 0;
}

static int skip_byte_order_mark(struct weir_file *file, struct weir_error *error)
{
    size_t length;
    const char *data = weir_file_input_data(file->input, &length);
    if (length < 3 || memcmp(data, "\xef\xbb\xbf", 3) != 0)
        return 0;
    int code = keep_head(file, data, 3, error);
    weir_file_input_consume(file->input, 3);
    return code;
}

// Length of the row at the front of what is read, with its end; 0: it is not all there.
static size_t row_length(const struct weir_file *file, const char *data, size_t length)
{
    if (file->kind == WEIR_FILE_CSV)
        return weir_csv_row_length(data, length, file->separator);
    const char *end = memchr(data, '\n', length);
    return end ? (size_t)(end - data) + 1 : 0;
}

// Makes sure that a whole row is in the buffer. 1: its length is in `*length`; 0: the end.
static int next_row(struct weir_file *file, size_t *length, struct weir_error *error)
{
    size_t size;
    const char *data = weir_file_input_data(file->input, &size);
    while (!(*length = row_length(file, data, size))) {
        int code = file->late.code ? 0 : weir_file_input_fill(file->input, RECORD_MAX, &file->late);
        data = weir_file_input_data(file->input, &size);
        if (code > 0)
            continue;
        if (!weir_file_input_at_end(file->input))
            return weir_error_set(error, WEIR_ECORRUPT,
                                  "%s: row %lld is longer than 64 MiB: not a file of records?",
                                  file->name, (long long)file->row);
        if (file->late.code) {
            // What there is of the row may look whole, and is not.
            if (error)
                *error = file->late;
            return file->late.code;
        }
        if (!size)
            return 0;
        // The last row may lack the line's end, but not the end of a quoted cell.
        if (file->kind == WEIR_FILE_CSV && weir_csv_ends_in_quotes(data, size, file->separator))
            return weir_error_set(error, WEIR_ECORRUPT,
                                  "%s: the file ends within a quoted cell that began in row %lld",
                                  file->name, (long long)file->row);
        *length = size;
        return 1;
    }
    return 1;
}

static size_t without_end(const char *row, size_t length)
{
    if (length && row[length - 1] == '\n')
        length--;
    if (length && row[length - 1] == '\r')
        length--;
    return length;
}

static char *column_name(struct weir_csv_cell cell, size_t number)
{
    char *name = malloc(cell.length + 32);
    if (!name)
        return NULL;
    if (!cell.length)
        snprintf(name, 32, "column_%zu", number + 1);
    else if (cell.doubled)
        name[weir_csv_unescape(cell.text, cell.length, name)] = 0;
    else
        snprintf(name, cell.length + 1, "%.*s", (int)cell.length, cell.text);
    return name;
}

static int add_column(struct weir_file *file, struct weir_csv_cell cell, struct weir_error *error)
{
    if (file->n_columns == COLUMNS_MAX)
        return weir_error_set(error, WEIR_EINVAL, "%s: more than %d columns", file->name,
                              COLUMNS_MAX);
    char **grown = realloc(file->columns, (file->n_columns + 1) * sizeof *grown);
    if (!grown)
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory for its header", file->name);
    file->columns = grown;
    char *name = column_name(cell, file->n_columns);
    if (!name)
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory for its header", file->name);
    file->columns[file->n_columns++] = name;
    for (size_t i = 0; i + 1 < file->n_columns; i++) {
        if (strcmp(file->columns[i], name) == 0)
            return weir_error_set(error, WEIR_EINVAL, "%s: two columns are named %s", file->name,
                                  name);
    }
    return 0;
}

// The separator, where no suffix says it: what the header has.
static char guess_separator(const char *header, size_t length)
{
    static const char others[] = ";\t|";
    if (memchr(header, ',', length))
        return ',';
    for (int i = 0; others[i]; i++) {
        if (memchr(header, others[i], length))
            return others[i];
    }
    return ',';
}

static int read_header(struct weir_file *file, struct weir_error *error)
{
    size_t length, size, at = 0;
    if (!file->separator) {
        const char *data = weir_file_input_data(file->input, &length);
        const char *end = memchr(data, '\n', length);
        file->separator = guess_separator(data, end ? (size_t)(end - data) : length);
    }
    int code = next_row(file, &length, error);
    if (code < 0)
        return code;
    if (!code)
        return weir_error_set(error, WEIR_EINVAL, "%s: empty: not even a CSV header", file->name);
    const char *data = weir_file_input_data(file->input, &size);
    size_t header = without_end(data, length);
    code = 0;
    while (!code && at <= header) {
        struct weir_csv_cell cell;
        if (weir_csv_cell_next(data, header, file->separator, &at, &cell))
            return weir_error_set(error, WEIR_EINVAL, "%s: a quoted name in the header goes wrong",
                                  file->name);
        if (memchr(cell.text, 0, cell.length))
            return weir_error_set(error, WEIR_EINVAL, "%s: a zero byte in the header: not CSV?",
                                  file->name);
        code = add_column(file, cell, error);
    }
    if (!code)
        code = keep_head(file, data, length, error);
    weir_file_input_consume(file->input, length);
    return code;
}

// Files of other kinds that people have, by how they begin.
static int refuse_others(const struct weir_file *file, struct weir_error *error)
{
    static const struct {
        size_t length;
        const char *magic, *what;
    } others[] = {
        {2, "\xff\xfe", "UTF-16: UTF-8 is wanted: iconv -f UTF-16 -t UTF-8 makes it"},
        {2, "\xfe\xff", "UTF-16: UTF-8 is wanted: iconv -f UTF-16 -t UTF-8 makes it"},
        {4, "PAR1", "a Parquet file: CSV, TSV, JSON lines or an Avro container is wanted"},
        {4, "PK\3\4",
         "a zip archive or a spreadsheet: CSV, TSV, JSON lines or an Avro container "
         "is wanted, also gzipped"},
    };
    size_t length;
    const char *data = weir_file_input_data(file->input, &length);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (length >= others[i].length && !memcmp(data, others[i].magic, others[i].length))
            return weir_error_set(error, WEIR_EINVAL, "%s: %s", file->name, others[i].what);
    return 0;
}

static int open_text(struct weir_file *file, struct weir_error *error)
{
    size_t length, at = 0;
    int other = refuse_others(file, error);
    if (other)
        return other;
    int code = skip_byte_order_mark(file, error);
    if (code)
        return code;
    if (file->kind == WEIR_FILE_CSV)
        return read_header(file, error);
    const char *data = weir_file_input_data(file->input, &length);
    while (at < length && strchr(" \t\r\n", data[at]))
        at++;
    if (at < length && data[at] == '[')
        return weir_error_set(error, WEIR_EINVAL,
                              "%s: a JSON array; JSON lines are wanted: jq -c '.[]' makes them",
                              file->name);
    return 0;
}

int weir_file_open(const char *path, enum weir_format fallback, struct weir_file **result,
                   struct weir_error *error)
{
    struct weir_file *file = calloc(1, sizeof *file);
    if (!file || !(file->name = strdup(strcmp(path, "-") == 0 ? "standard input" : path))) {
        free(file);
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory to read it", path);
    }
    int code = weir_file_input_open(path, &file->input, error);
    if (!code) {
        // A damaged file still has a beginning.
        int filled = weir_file_input_fill(file->input, RECORD_MAX, &file->late);
        size_t length;
        weir_file_input_data(file->input, &length);
        if (filled < 0 && !length) {
            code = filled;
            if (error)
                *error = file->late;
        }
    }
    if (!code)
        code = sniff(file, fallback, error);
    if (!code && file->kind == WEIR_FILE_AVRO) {
        struct weir_avro_input input = {file->input, weir_file_input_read};
        code = weir_avro_container_open(&input, file->name, &file->container, error);
    } else if (!code) {
        code = open_text(file, error);
    }
    if (code) {
        weir_file_close(file);
        return code;
    }
    *result = file;
    return 0;
}

struct weir_span weir_file_head(const struct weir_file *file)
{
    return (struct weir_span){(const uint8_t *)file->head, file->head_length};
}

const struct weir_avro_container *weir_file_container(const struct weir_file *file)
{
    return file->container;
}

struct weir_span weir_file_line(const struct weir_file *file, struct weir_span value)
{
    // Rows lie in the buffer as they came, each before its end of line, and before what is unread.
    size_t length;
    const uint8_t *unread = (const uint8_t *)weir_file_input_data(file->input, &length);
    const uint8_t *end = value.data + value.length;
    if (end < unread && *end == '\r')
        end++;
    if (end < unread && *end == '\n')
        end++;
    return (struct weir_span){value.data, (size_t)(end - value.data)};
}

enum weir_file_kind weir_file_kind(const struct weir_file *file)
{
    return file->kind;
}

static void look_at_csv_row(struct weir_file *file, const char *row, size_t length)
{
    size_t at = 0;
    weir_guess_row(file->guess);
    for (size_t i = 0; at <= length && i < file->n_columns; i++) {
        struct weir_csv_cell cell;
        if (weir_csv_cell_next(row, length, file->separator, &at, &cell))
            return;
        weir_guess_see(file->guess, file->columns[i], strlen(file->columns[i]), 0,
                       weir_guess_cell(cell.text, cell.length, cell.quoted));
    }
}

static int look_ahead(struct weir_file *file, struct weir_error *error)
{
    struct weir_json_index *index = weir_json_index_create();
    size_t length, at = 0;
    const char *data = weir_file_input_data(file->input, &length);
    file->guess = weir_guess_create();
    if (!file->guess || !index) {
        weir_json_index_destroy(index);
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory to look at it", file->name);
    }
    // Every column of the header is a field, even of a file without rows.
    for (size_t i = 0; i < file->n_columns; i++)
        weir_guess_see(file->guess, file->columns[i], strlen(file->columns[i]), 0, WEIR_GUESS_NULL);
    for (int row = 0; row < LOOK_ROWS; row++) {
        size_t n = row_length(file, data + at, length - at);
        if (!n && length < LOOK_BYTES && !file->late.code &&
            weir_file_input_fill(file->input, LOOK_BYTES, &file->late) > 0) {
            data = weir_file_input_data(file->input, &length);
            row--;
            continue;
        }
        if (!n)
            n = length - at;
        if (!n)
            break;
        if (file->kind == WEIR_FILE_CSV)
            look_at_csv_row(file, data + at, without_end(data + at, n));
        else
            weir_guess_json(file->guess, index, data + at, n);
        at += n;
    }
    weir_json_index_destroy(index);
    if (weir_guess_fields(file->guess, &file->fields))
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory for its fields", file->name);
    return 0;
}

const struct weir_schema_fields *weir_file_fields(struct weir_file *file, struct weir_error *error)
{
    int code = 0;
    if (!file->has_fields)
        code = file->kind == WEIR_FILE_AVRO
                   ? weir_schema_fields_read(weir_avro_container_schema(file->container),
                                             &file->fields, error)
                   : look_ahead(file, error);
    if (code)
        return NULL;
    file->has_fields = 1;
    return &file->fields;
}

int weir_file_start(struct weir_file *file, const struct weir_builder_options *options,
                    struct weir_error *error)
{
    struct weir_builder_options builder = *options;
    builder.own_timestamp = 1;
    if (file->kind == WEIR_FILE_AVRO)
        return weir_avro_container_start(file->container, &builder, error);
    struct weir_decoder_options decoder = {
        .format = file->kind == WEIR_FILE_CSV ? WEIR_FORMAT_CSV : WEIR_FORMAT_JSON,
        .builder = builder,
        .csv_columns = (const char *const *)file->columns,
        .n_csv_columns = file->n_columns,
        .csv_separator = file->separator,
    };
    return weir_decoder_create(&decoder, &file->decoder, error);
}

// Blank lines are no rows, but for the nulls of a CSV file of one column.
static int is_blank(const struct weir_file *file, const char *row, size_t length)
{
    if (file->kind == WEIR_FILE_CSV && file->n_columns == 1)
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (row[i] != ' ' && row[i] != '\t' && row[i] != '\r' && row[i] != '\n')
            return 0;
        // A separator is a cell.
        if (file->kind == WEIR_FILE_CSV && row[i] == file->separator)
            return 0;
    }
    return 1;
}

// Adds the rows that are in the buffer; nothing is read, so that they stay where they are.
static int add_rows(struct weir_file *file, uint32_t rows, size_t length, struct weir_error *error)
{
    while (length && weir_decoder_rows(file->decoder) < rows) {
        size_t size, more;
        const char *data = weir_file_input_data(file->input, &size);
        size_t kept = without_end(data, length);
        if (!is_blank(file, data, kept)) {
            struct weir_record record = {file->row, file->row, {NULL, 0}, {NULL, 0}};
            record.value = (struct weir_span){(const uint8_t *)data, kept};
            int code = weir_decoder_add(file->decoder, &record, NULL, error);
            if (code)
                return code;
            file->row++;
        }
        weir_file_input_consume(file->input, length);
        data = weir_file_input_data(file->input, &more);
        length = row_length(file, data, more);
    }
    return 0;
}

int weir_file_next(struct weir_file *file, uint32_t rows, const struct weir_batch **batch,
                   struct weir_error *error)
{
    size_t length;
    if (file->container)
        return weir_avro_container_next(file->container, rows, batch, error);
    rows = rows && rows < WEIR_BATCH_ROWS ? rows : WEIR_BATCH_ROWS;
    weir_file_input_data(file->input, &length);
    if (length < REFILL && !file->late.code)
        weir_file_input_fill(file->input, RECORD_MAX, &file->late);
    weir_decoder_begin(file->decoder, file->name, 0);
    while (!weir_decoder_rows(file->decoder)) {
        int code = next_row(file, &length, error);
        if (code <= 0)
            return code;
        code = add_rows(file, rows, length, error);
        if (code)
            return code;
    }
    *batch = weir_decoder_finish(file->decoder);
    return 1;
}

uint64_t weir_file_bytes_read(const struct weir_file *file)
{
    return weir_file_input_bytes_read(file->input);
}

uint64_t weir_file_bytes_total(const struct weir_file *file)
{
    return weir_file_input_bytes_total(file->input);
}
