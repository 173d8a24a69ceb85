// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/builder.h"

#include <stdlib.h>

#include "consumer/codec/builder_value.h"

enum {
    DICTIONARY_ENTRIES = 10000,
    DICTIONARY_ENTRIES_MAX = 1 << 28,
    DICTIONARY_BYTES = 4 << 20,
    PRESET_ROWS = 64,   // rows that are preset at once
    PATIENCE = 1 << 18, // rows that a full dictionary is given
    UNKNOWN_MAX = 65536,
    ROW_ARRAYS = 8, // beside those of columns
    PAGE = 4096,
    LINE = 64
};

static size_t value_size(enum weir_type type)
{
    return type == WEIR_TYPE_STRING || type == WEIR_TYPE_BYTES ? sizeof(uint32_t) : 8;
}

// An array of one of a row's parts. A row is written across all of them: were they aligned alike,
// as allocators give out what is large, the same few lines of the cache would have to do for all.
static void *take_array(struct weir_builder *builder, size_t size)
{
    size_t aside = builder->n_blocks * LINE % PAGE;
    char *block = calloc(1, size + aside);
    if (!block)
        return NULL;
    builder->blocks[builder->n_blocks++] = block;
    return block + aside;
}

static int create_field(struct weir_builder *builder, const struct weir_builder_options *options,
                        size_t i)
{
    const struct weir_field *field = &options->stream->fields[i];
    struct weir_builder_column *column = &builder->columns[i];
    struct weir_builder_field *inside = &builder->fields[i];
    uint32_t entries =
        options->dictionary_entries ? options->dictionary_entries : DICTIONARY_ENTRIES;
    // Keys and times hardly ever come twice: a dictionary of them would be filled for nothing.
    if (field->role == WEIR_ROLE_KEY || field->role == WEIR_ROLE_TIME ||
        (int)i == options->stream->key || (int)i == options->stream->time)
        entries = 0;
    weir_dictionary_init(&inside->dictionary,
                         entries < DICTIONARY_ENTRIES_MAX ? entries : DICTIONARY_ENTRIES_MAX,
                         options->dictionary_bytes ? options->dictionary_bytes : DICTIONARY_BYTES);
    column->type = field->type;
    inside->patience = PATIENCE;
    column->is_list = field->is_list;
    if (column->is_list) {
        builder->has_lists = 1;
        inside->offsets = calloc(WEIR_BATCH_ROWS + 1, sizeof *inside->offsets);
        return inside->offsets ? 0 : -1;
    }
    column->state = take_array(builder, WEIR_BATCH_ROWS);
    column->values.f64 = take_array(builder, WEIR_BATCH_ROWS * value_size(field->type));
    return column->state && column->values.f64 ? 0 : -1;
}

static int create_rows(struct weir_builder *builder)
{
    builder->time = take_array(builder, WEIR_BATCH_ROWS * sizeof *builder->time);
    builder->offset = take_array(builder, WEIR_BATCH_ROWS * sizeof *builder->offset);
    builder->timestamp = take_array(builder, WEIR_BATCH_ROWS * sizeof *builder->timestamp);
    builder->fault = take_array(builder, WEIR_BATCH_ROWS);
    builder->writer = take_array(builder, WEIR_BATCH_ROWS);
    builder->reason = take_array(builder, WEIR_BATCH_ROWS * sizeof *builder->reason);
    builder->key = take_array(builder, WEIR_BATCH_ROWS * sizeof *builder->key);
    builder->value = take_array(builder, WEIR_BATCH_ROWS * sizeof *builder->value);
    return builder->time && builder->offset && builder->timestamp && builder->fault &&
                   builder->writer && builder->reason && builder->key && builder->value
               ? 0
               : -1;
}

static int check_options(const struct weir_builder_options *options, struct weir_error *error)
{
    const struct weir_stream *stream = options->stream;
    for (size_t i = 0; i < stream->n_fields; i++) {
        if (stream->fields[i].type == WEIR_TYPE_UNKNOWN)
            return weir_error_set(error, WEIR_EINVAL,
                                  "stream %s: the type of field %s is not known: declare it, or "
                                  "name a profile that has it",
                                  stream->name, stream->fields[i].name);
    }
    if (stream->time >= 0 && (size_t)stream->time < stream->n_fields &&
        stream->fields[stream->time].is_list)
        return weir_error_set(error, WEIR_EINVAL, "stream %s: the time field %s is a list",
                              stream->name, stream->fields[stream->time].name);
    return 0;
}

int weir_builder_create(const struct weir_builder_options *options, struct weir_builder **result,
                        struct weir_error *error)
{
    int code = check_options(options, error);
    if (code)
        return code;
    struct weir_builder *builder = calloc(1, sizeof *builder);
    if (!builder)
        goto out_of_memory;
    size_t n = options->stream->n_fields;
    builder->stream = options->stream;
    builder->time_unit = options->time_unit;
    builder->report_unknown = options->report_unknown;
    builder->own_timestamp = options->own_timestamp;
    builder->columns = calloc(n ? n : 1, sizeof *builder->columns);
    builder->fields = calloc(n ? n : 1, sizeof *builder->fields);
    builder->out = calloc(n ? n : 1, sizeof *builder->out);
    builder->blocks = calloc(ROW_ARRAYS + 2 * n, sizeof *builder->blocks);
    if (!builder->columns || !builder->fields || !builder->out || !builder->blocks ||
        create_rows(builder))
        goto out_of_memory;
    builder->n_fields = n;
    for (size_t i = 0; i < n; i++) {
        if (create_field(builder, options, i))
            goto out_of_memory;
    }
    *result = builder;
    return 0;
out_of_memory:
    weir_builder_destroy(builder);
    return weir_error_set(error, WEIR_ENOMEM, "stream %s: no memory for a batch",
                          options->stream->name);
}

size_t weir_builder_memory(const struct weir_builder *builder)
{
    const size_t row = 3 * sizeof(int64_t) + 2 + sizeof(char *) + 2 * sizeof(struct weir_span);
    size_t bytes = sizeof *builder + WEIR_BATCH_ROWS * row + weir_arena_memory(&builder->arena) +
                   builder->unknown_capacity * sizeof *builder->unknown;
    for (size_t i = 0; i < builder->n_fields; i++) {
        const struct weir_builder_field *field = &builder->fields[i];
        const struct weir_dictionary *dictionary = &field->dictionary;
        size_t elements = builder->columns[i].is_list ? field->element_capacity : WEIR_BATCH_ROWS;
        bytes +=
            sizeof *field + elements * (1 + value_size(builder->columns[i].type)) +
            field->local_capacity * sizeof *field->local + weir_arena_memory(&dictionary->arena) +
            dictionary->capacity * (sizeof *dictionary->strings + 2 * sizeof *dictionary->slots);
    }
    return bytes;
}

void weir_builder_destroy(struct weir_builder *builder)
{
    if (!builder)
        return;
    for (size_t i = 0; i < builder->n_fields; i++) {
        if (builder->columns[i].is_list) {
            free(builder->columns[i].state);
            free(builder->columns[i].values.f64);
        }
        weir_dictionary_free(&builder->fields[i].dictionary);
        free(builder->fields[i].local);
        free(builder->fields[i].offsets);
    }
    weir_arena_free(&builder->arena);
    free(builder->columns);
    free(builder->fields);
    free(builder->out);
    free(builder->unknown);
    for (size_t i = 0; i < builder->n_blocks; i++)
        free(builder->blocks[i]);
    free(builder->blocks);
    free(builder->floats);
    free(builder);
}

// Categories change over the months: a full dictionary that most values miss is begun anew. Where
// that was of no use, values that never come twice, it is tried ever more seldom.
static void look_at_dictionary(struct weir_builder_field *field, uint32_t n_rows)
{
    if (!field->dictionary.max_entries || !weir_dictionary_full(&field->dictionary))
        return;
    field->rows += n_rows;
    field->missed += field->n_local;
    if (field->rows < field->patience)
        return;
    if (field->missed > field->rows / 2) {
        weir_dictionary_clear(&field->dictionary);
        memset(field->recent, 0, sizeof field->recent);
        field->generation++;
        field->patience *= field->patience < (uint64_t)PATIENCE << 20 ? 2 : 1;
    } else {
        field->patience = PATIENCE;
    }
    field->rows = field->missed = 0;
}

void weir_builder_begin(struct weir_builder *builder, const char *topic, int32_t partition)
{
    weir_arena_reset(&builder->arena);
    for (size_t i = 0; i < builder->n_fields; i++) {
        look_at_dictionary(&builder->fields[i], builder->n_rows);
        builder->fields[i].n_local = 0;
        builder->fields[i].n_elements = 0;
    }
    builder->n_rows = builder->n_preset = 0;
    builder->n_unknown = builder->row_unknown = 0;
    builder->n_floats = builder->row_floats = 0;
    builder->row_failed = 0;
    builder->batch = (struct weir_batch){.topic = topic, .partition = partition};
}

uint32_t weir_builder_rows(const struct weir_builder *builder)
{
    return builder->n_rows;
}

uint64_t weir_builder_unknown_dropped(const struct weir_builder *builder)
{
    return builder->unknown_dropped;
}

struct weir_builder_column *weir_builder_column(struct weir_builder *builder, int field)
{
    return &builder->columns[field];
}

// Some rows at a time: a batch of one record must not pay for 4,096.
static void preset(struct weir_builder *builder)
{
    uint32_t from = builder->n_preset;
    for (size_t i = 0; i < builder->n_fields; i++) {
        struct weir_builder_column *column = &builder->columns[i];
        if (column->is_list)
            continue;
        memset(column->state + from, WEIR_STATE_MISSING, PRESET_ROWS);
    }
    memset(builder->fault + from, WEIR_ROW_GOOD, PRESET_ROWS);
    memset(builder->reason + from, 0, PRESET_ROWS * sizeof *builder->reason);
    builder->n_preset = from + PRESET_ROWS;
}

// A row for one of whose values memory ran out must not pass as if it had none.
static void end_row(struct weir_builder *builder)
{
    if (builder->row_failed)
        weir_builder_undecodable(builder, "memory is out");
}

uint32_t weir_builder_row(struct weir_builder *builder, int64_t offset, int64_t timestamp,
                          struct weir_span key, struct weir_span value)
{
    end_row(builder);
    uint32_t row = builder->n_rows++;
    if (row == builder->n_preset)
        preset(builder);
    for (size_t i = 0; builder->has_lists && i < builder->n_fields; i++) {
        if (builder->columns[i].is_list)
            builder->fields[i].offsets[row] = builder->fields[i].n_elements;
    }
    builder->offset[row] = offset;
    builder->timestamp[row] = timestamp;
    // Producers write into it what they like.
    builder->time[row] = timestamp < WEIR_TIME_LOW    ? WEIR_TIME_LOW
                         : timestamp > WEIR_TIME_HIGH ? WEIR_TIME_HIGH
                                                      : timestamp;
    builder->key[row] = key;
    builder->value[row] = value;
    builder->writer[row] = WEIR_WRITER_NONE;
    builder->row_value = value;
    builder->row_unknown = builder->n_unknown;
    builder->row_floats = builder->n_floats;
    return row;
}

void weir_builder_unknown(struct weir_builder *builder, const char *name, size_t length)
{
    if (!builder->report_unknown)
        return;
    if (builder->n_unknown == builder->unknown_capacity && builder->n_unknown < UNKNOWN_MAX) {
        uint32_t capacity = builder->unknown_capacity ? builder->unknown_capacity * 2 : 64;
        struct weir_unknown *grown = realloc(builder->unknown, capacity * sizeof *grown);
        if (grown) {
            builder->unknown = grown;
            builder->unknown_capacity = capacity;
        }
    }
    char *copy = NULL;
    if (builder->n_unknown < builder->unknown_capacity && length < UNKNOWN_MAX)
        copy = weir_arena_take(&builder->arena, length + 1);
    if (!copy) {
        builder->unknown_dropped++;
        return;
    }
    memcpy(copy, name, length);
    copy[length] = 0;
    builder->unknown[builder->n_unknown++] =
        (struct weir_unknown){builder->n_rows - 1, {copy, (uint32_t)length, 0}};
}

void weir_builder_clear(struct weir_builder *builder, int field)
{
    uint32_t row = builder->n_rows - 1;
    struct weir_builder_column *column = &builder->columns[field];
    if (column->is_list) {
        builder->fields[field].n_elements = builder->fields[field].offsets[row];
        return;
    }
    size_t size = value_size(column->type);
    uint32_t kept = builder->row_floats;
    for (uint32_t i = kept; i < builder->n_floats; i++) {
        if (builder->floats[i].field != (uint32_t)field)
            builder->floats[kept++] = builder->floats[i];
    }
    builder->n_floats = kept;
    column->state[row] = WEIR_STATE_MISSING;
    memset((char *)column->values.f64 + row * size, 0, size);
}

static void undo_row(struct weir_builder *builder)
{
    for (size_t i = 0; i < builder->n_fields; i++)
        weir_builder_clear(builder, (int)i);
    builder->n_unknown = builder->row_unknown;
    builder->n_floats = builder->row_floats;
    builder->row_failed = 0;
}

void weir_builder_writers(struct weir_builder *builder, const struct weir_writer *const *writers)
{
    builder->writers = writers;
}

void weir_builder_writer(struct weir_builder *builder, uint8_t place)
{
    builder->writer[builder->n_rows - 1] = place;
}

void weir_builder_undecodable(struct weir_builder *builder, const char *reason)
{
    uint32_t row = builder->n_rows - 1;
    size_t size = strlen(reason) + 1;
    char *copy = weir_arena_take(&builder->arena, size);
    undo_row(builder);
    builder->fault[row] = WEIR_ROW_UNDECODABLE;
    builder->writer[row] = WEIR_WRITER_NONE;
    builder->reason[row] = copy ? memcpy(copy, reason, size) : "does not decode";
    builder->batch.n_undecodable++;
}

void weir_builder_tombstone(struct weir_builder *builder)
{
    undo_row(builder);
    builder->fault[builder->n_rows - 1] = WEIR_ROW_TOMBSTONE;
    builder->batch.n_tombstones++;
}

void weir_builder_cut(struct weir_builder *builder, size_t length)
{
    builder->value[builder->n_rows - 1].length = length;
}

void weir_builder_drop(struct weir_builder *builder)
{
    undo_row(builder);
    builder->n_rows--;
}

static void count_states(struct weir_column *column)
{
    uint32_t null = 0, missing = 0, fault = 0;
    for (uint32_t i = 0; i < column->n; i++) {
        uint8_t state = column->state[i];
        null += state == WEIR_STATE_NULL;
        missing += state == WEIR_STATE_MISSING;
        fault += state >= WEIR_STATE_FAULT;
    }
    column->n_null = null;
    column->n_missing = missing;
    column->n_fault = fault;
}

// Values are not preset as states are: few fields are ever missing.
static void clear_missing(const struct weir_builder_column *column, uint32_t n)
{
    int wide = value_size(column->type) == 8;
    for (uint32_t i = 0; i < n; i++) {
        if (column->state[i] != WEIR_STATE_MISSING)
            continue;
        if (wide)
            column->values.i64[i] = 0;
        else
            column->values.code[i] = 0;
    }
}

static void finish_column(struct weir_builder *builder, size_t i)
{
    const struct weir_builder_column *from = &builder->columns[i];
    struct weir_builder_field *field = &builder->fields[i];
    struct weir_column *column = &builder->out[i];
    if (from->is_list)
        field->offsets[builder->n_rows] = field->n_elements;
    *column = (struct weir_column){
        .type = from->type,
        .n = from->is_list ? field->n_elements : builder->n_rows,
        .state = from->state,
        .offsets = field->offsets,
        .dictionary = field->dictionary.strings,
        .n_dictionary = field->n_local ? field->first_local : field->dictionary.n,
        .local = field->local,
        .n_local = field->n_local,
        .generation = field->generation,
    };
    column->values.f64 = from->values.f64;
    count_states(column);
    if (column->n_missing)
        clear_missing(from, column->n);
}

const struct weir_batch *weir_builder_finish(struct weir_builder *builder)
{
    struct weir_batch *batch = &builder->batch;
    end_row(builder);
    weir_builder_times(builder);
    for (size_t i = 0; i < builder->n_fields; i++)
        finish_column(builder, i);
    batch->stream = builder->stream;
    batch->n_rows = builder->n_rows;
    batch->time = builder->time;
    batch->offset = builder->offset;
    batch->timestamp = builder->timestamp;
    batch->fault = builder->fault;
    batch->reason = batch->n_undecodable + batch->n_tombstones + batch->n_no_time
                        ? (const char *const *)builder->reason
                        : NULL;
    batch->columns = builder->out;
    batch->key = builder->key;
    batch->value = builder->value;
    batch->unknown = builder->unknown;
    batch->n_unknown = builder->n_unknown;
    batch->floats = builder->floats;
    batch->n_floats = builder->n_floats;
    batch->writer = builder->writers ? builder->writer : NULL;
    batch->writers = builder->writers;
    return batch;
}
