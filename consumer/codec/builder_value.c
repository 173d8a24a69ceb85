// SPDX-License-Identifier: Apache-2.0
// Setting values: widening, telling faults apart, dictionaries and event times.
#include "consumer/codec/builder_value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "consumer/codec/utf8.h"

enum { ELEMENTS_MAX = 1 << 28 };

static int grow_list(struct weir_builder_column *column, struct weir_builder_field *field)
{
    uint32_t capacity = field->element_capacity ? field->element_capacity * 2 : 1024;
    size_t size =
        column->type == WEIR_TYPE_STRING || column->type == WEIR_TYPE_BYTES ? sizeof(uint32_t) : 8;
    if (capacity > ELEMENTS_MAX)
        return -1;
    uint8_t *state = realloc(column->state, capacity);
    if (!state)
        return -1;
    column->state = state;
    void *values = realloc(column->values.f64, capacity * size);
    if (!values)
        return -1;
    column->values.f64 = values;
    field->element_capacity = capacity;
    return 0;
}

// Where the next value of the field goes: the current row, or a new element.
static inline int64_t slot(struct weir_builder *builder, int field)
{
    struct weir_builder_column *column = &builder->columns[field];
    if (!column->is_list)
        return builder->n_rows - 1;
    struct weir_builder_field *inside = &builder->fields[field];
    if (inside->n_elements == inside->element_capacity && grow_list(column, inside)) {
        builder->row_failed = 1;
        return -1;
    }
    return inside->n_elements++;
}

static void set_state(struct weir_builder *builder, int field, enum weir_state state)
{
    struct weir_builder_column *column = &builder->columns[field];
    int64_t at = slot(builder, field);
    if (at < 0)
        return;
    column->state[at] = (uint8_t)state;
    if (column->type == WEIR_TYPE_STRING || column->type == WEIR_TYPE_BYTES)
        column->values.code[at] = 0;
    else
        column->values.i64[at] = 0;
}

void weir_builder_null(struct weir_builder *builder, int field)
{
    set_state(builder, field, WEIR_STATE_NULL);
}

void weir_builder_fault(struct weir_builder *builder, int field, enum weir_state state)
{
    set_state(builder, field, state);
}

static void set_double(struct weir_builder *builder, int field, double value)
{
    struct weir_builder_column *column = &builder->columns[field];
    int64_t at = slot(builder, field);
    if (at < 0)
        return;
    column->state[at] = WEIR_STATE_VALUE;
    column->values.f64[at] = value;
}

static void set_long(struct weir_builder *builder, int field, int64_t value)
{
    struct weir_builder_column *column = &builder->columns[field];
    int64_t at = slot(builder, field);
    if (at < 0)
        return;
    column->state[at] = WEIR_STATE_VALUE;
    column->values.i64[at] = value;
}

// Told apart, so that a writer that changes shows. Without memory the row does not decode.
static void note_float(struct weir_builder *builder, int field)
{
    if (builder->columns[field].is_list)
        return;
    if (builder->n_floats == builder->float_capacity) {
        uint32_t capacity = builder->float_capacity ? builder->float_capacity * 2 : 64;
        struct weir_float_written *grown = realloc(builder->floats, capacity * sizeof *grown);
        if (!grown) {
            builder->row_failed = 1;
            return;
        }
        builder->floats = grown;
        builder->float_capacity = capacity;
    }
    builder->floats[builder->n_floats++] =
        (struct weir_float_written){builder->n_rows - 1, (uint32_t)field};
}

static void double_to_long(struct weir_builder *builder, int field, double value)
{
    if (!isfinite(value))
        set_state(builder, field, WEIR_STATE_FAULT_NUMBER);
    else if (value < -0x1p63 || value >= 0x1p63)
        set_state(builder, field, WEIR_STATE_FAULT_OVERFLOW);
    else if (value != floor(value))
        set_state(builder, field, WEIR_STATE_FAULT_FRACTION);
    else {
        set_long(builder, field, (int64_t)value);
        note_float(builder, field);
    }
}

void weir_builder_double(struct weir_builder *builder, int field, double value)
{
    enum weir_type type = builder->columns[field].type;
    if (type == WEIR_TYPE_DOUBLE)
        set_double(builder, field, value);
    else if (type == WEIR_TYPE_LONG)
        double_to_long(builder, field, value);
    else
        set_state(builder, field, WEIR_STATE_FAULT_NUMBER);
}

// A time field whose type nobody declared is a string, or an integer all the same.
static int is_free_time(const struct weir_builder *builder, int field)
{
    return field == builder->stream->time && builder->columns[field].type == WEIR_TYPE_STRING &&
           !builder->stream->fields[field].declared;
}

static void set_time_digits(struct weir_builder *builder, int field, int64_t value)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRId64, value);
    weir_builder_string(builder, field, digits, (size_t)length, 1);
}

void weir_builder_long(struct weir_builder *builder, int field, int64_t value)
{
    enum weir_type type = builder->columns[field].type;
    if (type == WEIR_TYPE_LONG)
        set_long(builder, field, value);
    else if (type == WEIR_TYPE_DOUBLE)
        set_double(builder, field, (double)value);
    else if (is_free_time(builder, field))
        set_time_digits(builder, field, value);
    else
        set_state(builder, field, WEIR_STATE_FAULT_NUMBER);
}

void weir_builder_boolean(struct weir_builder *builder, int field, int value)
{
    if (builder->columns[field].type == WEIR_TYPE_BOOLEAN)
        set_long(builder, field, value != 0);
    else
        set_state(builder, field, WEIR_STATE_FAULT_BOOLEAN);
}

static size_t skip_digits(const char *data, size_t length, size_t at)
{
    while (at < length && (unsigned)(data[at] - '0') <= 9)
        at++;
    return at;
}

int weir_number_spelt(const char *data, size_t length)
{
    size_t at = length && (data[0] == '-' || data[0] == '+');
    size_t whole = skip_digits(data, length, at) - at, part = 0;
    at += whole;
    if (at < length && data[at] == '.') {
        part = skip_digits(data, length, at + 1) - (at + 1);
        at += 1 + part;
    }
    if (!whole && !part)
        return 0;
    if (at < length && (data[at] | 0x20) == 'e') {
        at++;
        if (at < length && (data[at] == '-' || data[at] == '+'))
            at++;
        size_t end = skip_digits(data, length, at);
        if (end == at)
            return 0;
        at = end;
    }
    return at == length;
}

// A string for this batch alone. Bytes within the record need no copy: they live as long.
static uint32_t local_code(struct weir_builder *builder, struct weir_builder_field *field,
                           const char *data, size_t length, uint64_t hash)
{
    const char *kept = data;
    uintptr_t from = (uintptr_t)builder->row_value.data, at = (uintptr_t)data;
    if (field->n_local == field->local_capacity) {
        uint32_t capacity = field->local_capacity ? field->local_capacity * 2 : 256;
        struct weir_string *grown = realloc(field->local, capacity * sizeof *grown);
        if (!grown)
            return WEIR_DICTIONARY_NONE;
        field->local = grown;
        field->local_capacity = capacity;
    }
    if (!length) {
        kept = "";
    } else if (at < from || at - from > builder->row_value.length ||
               builder->row_value.length - (at - from) < length) {
        char *copy = weir_arena_take(&builder->arena, length);
        if (!copy)
            return WEIR_DICTIONARY_NONE;
        kept = memcpy(copy, data, length);
    }
    // From the first local string on the dictionary stands still until the batch ends, or new
    // entries would take the codes of local strings.
    if (!field->n_local)
        field->first_local = field->dictionary.n;
    field->local[field->n_local] = (struct weir_string){kept, (uint32_t)length, hash};
    return field->first_local + field->n_local++;
}

// What tells a string of 1 to 16 bytes from every other of its length.
static inline struct weir_builder_recent short_string(const char *data, size_t length)
{
    struct weir_builder_recent made = {.length = (uint32_t)length};
    uint32_t low, high;
    if (length >= 8) {
        memcpy(&made.head, data, 8);
        memcpy(&made.tail, data + length - 8, 8);
    } else if (length >= 4) {
        memcpy(&low, data, 4);
        memcpy(&high, data + length - 4, 4);
        made.head = low | (uint64_t)high << 32;
    } else {
        made.head = (uint64_t)(uint8_t)data[0] | (uint64_t)(uint8_t)data[length / 2] << 8 |
                    (uint64_t)(uint8_t)data[length - 1] << 16;
    }
    return made;
}

static inline struct weir_builder_recent *recent_place(struct weir_builder_field *field,
                                                       const struct weir_builder_recent *made)
{
    uint64_t mixed =
        (made->head ^ made->tail * 0x9e3779b97f4a7c15u ^ made->length) * 0xd6e8feb86659fd93u;
    return &field->recent[mixed >> 58]; // of 64
}

static inline int is_same(const struct weir_builder_recent *a, const struct weir_builder_recent *b)
{
    return a->length == b->length && a->head == b->head && a->tail == b->tail;
}

static uint32_t long_code_of(struct weir_builder *builder, int index, const char *data,
                             size_t length, int valid, int *invalid);

// `valid`: known to be UTF-8, or no matter. WEIR_DICTIONARY_NONE with `*invalid` set: it is not.
static inline uint32_t code_of(struct weir_builder *builder, int index, const char *data,
                               size_t length, int valid, int *invalid)
{
    struct weir_builder_field *field = &builder->fields[index];
    if (length - 1 >= WEIR_BUILDER_SHORT)
        return long_code_of(builder, index, data, length, valid, invalid);
    struct weir_builder_recent made = short_string(data, length);
    struct weir_builder_recent *recent = recent_place(field, &made);
    if (is_same(recent, &made))
        return recent->code;
    uint32_t code = long_code_of(builder, index, data, length, valid, invalid);
    uint32_t lasting = field->n_local ? field->first_local : field->dictionary.n;
    if (code < lasting) { // not NONE, nor for this batch alone
        *recent = made;
        recent->code = code;
    }
    return code;
}

static uint32_t long_code_of(struct weir_builder *builder, int index, const char *data,
                             size_t length, int valid, int *invalid)
{
    struct weir_builder_field *field = &builder->fields[index];
    uint64_t hash = XXH3_64bits(data, length);
    uint32_t code = weir_dictionary_find(&field->dictionary, data, length, hash);
    if (code != WEIR_DICTIONARY_NONE)
        return code; // only what is valid is ever inserted
    if (!valid && !weir_utf8_valid(data, length)) {
        *invalid = 1;
        return WEIR_DICTIONARY_NONE;
    }
    if (!field->n_local)
        code = weir_dictionary_insert(&field->dictionary, data, length, hash);
    if (code == WEIR_DICTIONARY_NONE)
        code = local_code(builder, field, data, length, hash);
    if (code == WEIR_DICTIONARY_NONE)
        builder->row_failed = 1;
    return code;
}

static void set_string(struct weir_builder *builder, int field, const char *data, size_t length,
                       int valid)
{
    struct weir_builder_column *column = &builder->columns[field];
    int invalid = 0;
    if (length > UINT32_MAX) {
        set_state(builder, field, WEIR_STATE_FAULT_OVERFLOW);
        return;
    }
    uint32_t code = code_of(builder, field, data, length, valid, &invalid);
    if (code == WEIR_DICTIONARY_NONE) {
        set_state(builder, field, invalid ? WEIR_STATE_FAULT_UTF8 : WEIR_STATE_FAULT);
        return;
    }
    int64_t at = slot(builder, field);
    if (at < 0)
        return;
    column->state[at] = WEIR_STATE_VALUE;
    column->values.code[at] = code;
}

// What a string spells that stands where none is wanted.
static enum weir_state string_fault(const char *data, size_t length)
{
    int64_t time;
    if (weir_number_spelt(data, length))
        return WEIR_STATE_FAULT_NUMBER_STRING;
    if ((length == 4 && !strncasecmp(data, "true", 4)) ||
        (length == 5 && !strncasecmp(data, "false", 5)))
        return WEIR_STATE_FAULT_BOOLEAN_STRING;
    return weir_time_parse(data, length, &time) ? WEIR_STATE_FAULT_STRING : WEIR_STATE_FAULT_DATE;
}

__attribute__((noinline)) static void slow_string(struct weir_builder *builder, int field,
                                                  const char *data, size_t length, int valid)
{
    enum weir_type type = builder->columns[field].type;
    if (type == WEIR_TYPE_STRING)
        set_string(builder, field, data, length, valid);
    else if (type == WEIR_TYPE_BYTES)
        set_string(builder, field, data, length, 1);
    else
        set_state(builder, field, string_fault(data, length));
}

// Most strings are short and came lately, which needs neither a call nor its registers. (Strings
// that are in `recent` are of the column's type.)
void weir_builder_string(struct weir_builder *builder, int field, const char *data, size_t length,
                         int valid)
{
    const struct weir_builder_column *column = &builder->columns[field];
    if (length - 1 < WEIR_BUILDER_SHORT && !column->is_list) {
        struct weir_builder_recent made = short_string(data, length);
        const struct weir_builder_recent *recent = recent_place(&builder->fields[field], &made);
        if (is_same(recent, &made)) {
            column->state[builder->n_rows - 1] = WEIR_STATE_VALUE;
            column->values.code[builder->n_rows - 1] = recent->code;
            return;
        }
    }
    slow_string(builder, field, data, length, valid);
}

void weir_builder_bytes(struct weir_builder *builder, int field, const void *data, size_t length)
{
    weir_builder_string(builder, field, data, length, 0);
}

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static int time_of_long(enum weir_time_unit unit, int64_t value, int64_t *ms)
{
    switch (unit) {
    case WEIR_TIME_S:
        if (value > WEIR_TIME_HIGH / 1000 || value < WEIR_TIME_LOW / 1000)
            return -1;
        *ms = value * 1000;
        break;
    case WEIR_TIME_US:
        *ms = floor_divide(value, 1000);
        break;
    case WEIR_TIME_NS:
        *ms = floor_divide(value, 1000000);
        break;
    default:
        *ms = value;
    }
    return *ms < WEIR_TIME_LOW || *ms > WEIR_TIME_HIGH ? -1 : 0;
}

// Rounded down, but for the last thousandth of a ms: seconds as a double carry no more than
// microseconds, and 1700000000.123 is a little less than it says.
static int time_of_double(enum weir_time_unit unit, double value, int64_t *ms)
{
    static const double per_unit[] = {[WEIR_TIME_AUTO] = 1,
                                      [WEIR_TIME_S] = 1e3,
                                      [WEIR_TIME_MS] = 1,
                                      [WEIR_TIME_US] = 1e-3,
                                      [WEIR_TIME_NS] = 1e-6};
    double scaled = floor(value * per_unit[unit] + 1e-3);
    if (!(scaled >= (double)WEIR_TIME_LOW && scaled <= (double)WEIR_TIME_HIGH))
        return -1;
    *ms = (int64_t)scaled;
    return 0;
}

// Digits alone are an epoch time that was written as a string.
static int time_of_digits(enum weir_time_unit unit, const struct weir_string *string, int64_t *ms)
{
    int64_t value = 0;
    uint32_t at = string->length && string->data[0] == '-';
    // A date without separators has eight digits; epoch times that short lie in January 1970.
    if (string->length - at < 9 || string->length - at > 18)
        return -1;
    for (uint32_t i = at; i < string->length; i++) {
        if ((unsigned)(string->data[i] - '0') > 9)
            return -1;
        value = value * 10 + (string->data[i] - '0');
    }
    return time_of_long(unit, at ? -value : value, ms);
}

static int time_of_code(const struct weir_builder_field *field, enum weir_time_unit unit,
                        uint32_t code, int64_t *ms)
{
    const struct weir_string *string = field->n_local && code >= field->first_local
                                           ? &field->local[code - field->first_local]
                                           : &field->dictionary.strings[code];
    if (!time_of_digits(unit, string, ms))
        return 0;
    if (weir_time_parse(string->data, string->length, ms))
        return -1;
    return *ms < WEIR_TIME_LOW || *ms > WEIR_TIME_HIGH ? -1 : 0;
}

void weir_builder_times(struct weir_builder *builder)
{
    int index = builder->stream->time;
    if (index < 0 || (size_t)index >= builder->n_fields)
        return;
    const struct weir_builder_column *column = &builder->columns[index];
    for (uint32_t row = 0; row < builder->n_rows; row++) {
        int fault = -1;
        int64_t ms = 0;
        if (builder->fault[row] != WEIR_ROW_GOOD)
            continue;
        if (column->state[row] == WEIR_STATE_VALUE) {
            if (column->type == WEIR_TYPE_LONG)
                fault = time_of_long(builder->time_unit, column->values.i64[row], &ms);
            else if (column->type == WEIR_TYPE_DOUBLE)
                fault = time_of_double(builder->time_unit, column->values.f64[row], &ms);
            else if (column->type != WEIR_TYPE_BOOLEAN)
                fault = time_of_code(&builder->fields[index], builder->time_unit,
                                     column->values.code[row], &ms);
        }
        if (fault) {
            builder->fault[row] = WEIR_ROW_NO_TIME;
            builder->batch.n_no_time++;
        } else {
            builder->time[row] = ms;
            if (builder->own_timestamp)
                builder->timestamp[row] = ms;
        }
    }
}
