// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "consumer/codec/avro_ops.h"

int weir_avro_get_block(struct weir_avro_cursor *cursor, int empty, int64_t *count, int64_t *size)
{
    int64_t n = 0, bytes = -1;
    int code = weir_avro_get_long(cursor, &n);
    if (!code && n < 0) {
        code = weir_avro_get_long(cursor, &bytes);
        if (!code && (bytes < 0 || bytes > cursor->end - cursor->at))
            return weir_avro_fault(cursor, "a block of elements beyond the end of the datum");
        // The most negative count has no positive.
        n = n == INT64_MIN ? INT64_MAX : -n;
    }
    if (!code && !empty && n > (bytes < 0 ? cursor->end - cursor->at : bytes))
        return weir_avro_fault(cursor, "a block of more elements than there are bytes");
    *count = n;
    *size = bytes;
    return code;
}

static int64_t add_counts(int64_t total, int64_t count)
{
    return count > INT64_MAX - total ? INT64_MAX : total + count;
}

static int skip_elements(struct weir_avro_cursor *cursor, const struct weir_avro_type *type,
                         int64_t *total)
{
    const struct weir_avro_type *of = type->types[0];
    int is_map = type->kind == WEIR_AVRO_KIND_MAP;
    int empty = !is_map && of->fixed_size == 0;
    for (;;) {
        int64_t count, size;
        const uint8_t *data;
        size_t length;
        int code = weir_avro_get_block(cursor, empty, &count, &size);
        if (code || !count)
            return code;
        *total = add_counts(*total, count);
        if (size >= 0) {
            cursor->at += size;
            continue;
        }
        if (!is_map && of->fixed_size >= 0) {
            if (of->fixed_size && count > (cursor->end - cursor->at) / of->fixed_size)
                return weir_avro_fault(cursor, "the datum ends too early");
            cursor->at += of->fixed_size ? count * of->fixed_size : 0;
            continue;
        }
        for (; !code && count > 0; count--) {
            code = is_map ? weir_avro_get_bytes(cursor, &data, &length) : 0;
            if (!code)
                code = weir_avro_skip(cursor, of);
        }
        if (code)
            return code;
    }
}

static int skip_nested(struct weir_avro_cursor *cursor, const struct weir_avro_type *type)
{
    int64_t total = 0;
    size_t index;
    int code = 0;
    if (cursor->depth >= WEIR_AVRO_MAX_DEPTH)
        return weir_avro_fault(cursor, "nested too deep");
    cursor->depth++;
    if (type->kind == WEIR_AVRO_KIND_RECORD) {
        for (size_t i = 0; !code && i < type->n; i++)
            code = weir_avro_skip(cursor, type->fields[i].type);
    } else if (type->kind == WEIR_AVRO_KIND_UNION) {
        code = weir_avro_get_index(cursor, type->n, &index);
        if (!code)
            code = weir_avro_skip(cursor, type->types[index]);
    } else {
        code = skip_elements(cursor, type, &total);
    }
    cursor->depth--;
    return code;
}

int weir_avro_skip(struct weir_avro_cursor *cursor, const struct weir_avro_type *type)
{
    int64_t number;
    const uint8_t *data;
    size_t length;
    if (type->fixed_size >= 0)
        return weir_avro_get_span(cursor, type->fixed_size, &data);
    switch (type->kind) {
    case WEIR_AVRO_KIND_INT:
    case WEIR_AVRO_KIND_LONG:
    case WEIR_AVRO_KIND_ENUM:
        return weir_avro_get_long(cursor, &number);
    case WEIR_AVRO_KIND_STRING:
    case WEIR_AVRO_KIND_BYTES:
        return weir_avro_get_bytes(cursor, &data, &length);
    default:
        return skip_nested(cursor, type);
    }
}

static int run(struct weir_avro_cursor *cursor, const struct weir_avro_op *op);

static int run_array(struct weir_avro_cursor *cursor, const struct weir_avro_op *op)
{
    const struct weir_avro_table *table = op->of.table;
    const struct weir_avro_type *items = table->type->types[0];
    int64_t total = 0, count, size;
    int code = 0;
    if (!table->n) {
        code = skip_elements(cursor, table->type, &total);
    } else {
        const struct weir_avro_op *body = cursor->plan->ops + table->targets[0];
        while (!code &&
               !(code = weir_avro_get_block(cursor, items->fixed_size == 0, &count, &size)) &&
               count) {
            total = add_counts(total, count);
            for (; !code && count > 0; count--) {
                if (items->fixed_size == 0 && ++cursor->empty > WEIR_AVRO_MAX_EMPTY)
                    code = weir_avro_fault(cursor, "too many elements without bytes");
                else
                    code = run(cursor, body);
            }
        }
    }
    if (!code && table->length >= 0)
        weir_builder_long(cursor->plan->builder, table->length, total);
    return code;
}

// Writers tend to keep the order of a map's keys, so the search goes on where it last ended.
static const struct weir_avro_key *find_key(const struct weir_avro_table *table, uint32_t *next,
                                            const uint8_t *name, size_t length)
{
    for (uint32_t i = 0; i < table->n; i++) {
        uint32_t at = *next + i < table->n ? *next + i : *next + i - table->n;
        const struct weir_avro_key *key = &table->keys[at];
        if (key->length == length && memcmp(key->name, name, length) == 0) {
            *next = at + 1 < table->n ? at + 1 : 0;
            return key;
        }
    }
    return NULL;
}

static void report_key(struct weir_avro_cursor *cursor, const char *prefix, const uint8_t *name,
                       size_t length)
{
    char path[512];
    int size = snprintf(path, sizeof path, "%s%.*s", prefix, length < 256 ? (int)length : 256,
                        (const char *)name);
    size_t used = size < 0 ? 0 : (size_t)size < sizeof path ? (size_t)size : sizeof path - 1;
    weir_builder_unknown(cursor->plan->builder, path, used);
}

static int run_map(struct weir_avro_cursor *cursor, const struct weir_avro_op *op)
{
    const struct weir_avro_table *table = op->of.table;
    int64_t total = 0, count, size;
    uint32_t next = 0;
    int code;
    while (!(code = weir_avro_get_block(cursor, 0, &count, &size)) && count) {
        total = add_counts(total, count);
        for (; count > 0; count--) {
            const uint8_t *name;
            size_t length;
            code = weir_avro_get_bytes(cursor, &name, &length);
            if (code)
                return code;
            const struct weir_avro_key *key = find_key(table, &next, name, length);
            if (!key && table->unknown)
                report_key(cursor, table->unknown, name, length);
            code = key ? run(cursor, cursor->plan->ops + key->body)
                       : weir_avro_skip(cursor, table->type->types[0]);
            if (code)
                return code;
        }
    }
    if (!code && table->length >= 0)
        weir_builder_long(cursor->plan->builder, table->length, total);
    return code;
}

// What is not on the path of every record.
static int run_rare(struct weir_avro_cursor *cursor, const struct weir_avro_op *op)
{
    struct weir_builder *builder = cursor->plan->builder;
    const uint8_t *data;
    size_t length;
    int64_t number;
    int code = 0;
    switch (op->code) {
    case WEIR_AVRO_OP_TIME:
        code = weir_avro_get_long(cursor, &number);
        if (!code) // rounded down, also before 1970
            weir_builder_long(builder, op->field,
                              number / op->of.size - (number % op->of.size < 0));
        return code;
    case WEIR_AVRO_OP_NULL:
        weir_builder_null(builder, op->field);
        return 0;
    case WEIR_AVRO_OP_FAULT:
        weir_builder_fault(builder, op->field, (enum weir_state)op->jump);
        return 0;
    case WEIR_AVRO_OP_UNKNOWN:
        weir_builder_unknown(builder, op->of.name, strlen(op->of.name));
        return 0;
    case WEIR_AVRO_OP_SKIP:
        return weir_avro_get_span(cursor, op->of.size, &data);
    case WEIR_AVRO_OP_SKIP_LONG:
        return weir_avro_get_long(cursor, &number);
    case WEIR_AVRO_OP_SKIP_STRING:
        return weir_avro_get_bytes(cursor, &data, &length);
    case WEIR_AVRO_OP_SKIP_TYPE:
        return weir_avro_skip(cursor, op->of.type);
    default:
        return weir_avro_leaf(cursor, op);
    }
}

static int run_doubles(struct weir_avro_cursor *cursor, const struct weir_avro_op *op)
{
    uint32_t row = cursor->row, n = op->jump;
    const uint8_t *at = cursor->at;
    if (n > (size_t)(cursor->end - at) / 8)
        return weir_avro_fault(cursor, "the datum ends too early");
    for (uint32_t i = 0; i < n; i++, at += 8) {
        struct weir_builder_column *column = op[i].column;
        memcpy(&column->values.f64[row], at, 8);
        column->state[row] = WEIR_STATE_VALUE;
    }
    cursor->at = at;
    return 0;
}

static int run_one(struct weir_avro_cursor *cursor, const struct weir_avro_op *op)
{
    struct weir_builder_column *column = op->column;
    uint32_t row = cursor->row;
    const uint8_t *data;
    size_t length;
    int64_t number = 0;
    float single;
    int code;
    switch (op->code) {
    case WEIR_AVRO_OP_FLOAT:
        code = weir_avro_get_span(cursor, 4, &data);
        if (code)
            return code;
        memcpy(&single, data, 4);
        column->values.f64[row] = (double)single;
        break;
    case WEIR_AVRO_OP_LONG:
    case WEIR_AVRO_OP_INT:
        code = op->code == WEIR_AVRO_OP_LONG ? weir_avro_get_long(cursor, &number)
                                             : weir_avro_get_int(cursor, &number);
        if (code)
            return code;
        column->values.i64[row] = number;
        break;
    case WEIR_AVRO_OP_LONG_DOUBLE:
    case WEIR_AVRO_OP_INT_DOUBLE:
        code = op->code == WEIR_AVRO_OP_LONG_DOUBLE ? weir_avro_get_long(cursor, &number)
                                                    : weir_avro_get_int(cursor, &number);
        if (code)
            return code;
        column->values.f64[row] = (double)number;
        break;
    case WEIR_AVRO_OP_BOOLEAN:
        code = weir_avro_get_span(cursor, 1, &data);
        if (code || *data > 1)
            return weir_avro_fault(cursor, "a boolean that is neither 0 nor 1");
        column->values.i64[row] = *data;
        break;
    default: // WEIR_AVRO_OP_STRING
        code = weir_avro_get_bytes(cursor, &data, &length);
        if (!code)
            weir_builder_string(cursor->plan->builder, op->field, (const char *)data, length, 0);
        return code;
    }
    column->state[row] = WEIR_STATE_VALUE;
    return 0;
}

static int run(struct weir_avro_cursor *cursor, const struct weir_avro_op *op)
{
    const struct weir_avro_op *ops = cursor->plan->ops;
    size_t index;
    int code;
    for (;;) {
        switch (op->code) {
        case WEIR_AVRO_OP_END:
            return 0;
        case WEIR_AVRO_OP_DOUBLE:
            code = run_doubles(cursor, op);
            if (code)
                goto fault;
            op += op->jump;
            continue;
        case WEIR_AVRO_OP_OPTIONAL:
            code = weir_avro_get_index(cursor, 2, &index);
            if (code)
                goto fault;
            if (index == op->jump)
                weir_builder_null(cursor->plan->builder, op->field);
            op += index == op->jump ? 2 : 1;
            continue;
        case WEIR_AVRO_OP_UNION:
            code = weir_avro_get_index(cursor, op->of.table->n, &index);
            if (code)
                goto fault;
            op = ops + op->of.table->targets[index];
            continue;
        case WEIR_AVRO_OP_JUMP:
            op = ops + op->jump;
            continue;
        case WEIR_AVRO_OP_ARRAY:
        case WEIR_AVRO_OP_MAP:
            code = op->code == WEIR_AVRO_OP_ARRAY ? run_array(cursor, op) : run_map(cursor, op);
            if (code)
                goto fault;
            op = ops + op->of.table->next;
            continue;
        default:
            code = op->code <= WEIR_AVRO_OP_STRING ? run_one(cursor, op) : run_rare(cursor, op);
            if (code)
                goto fault;
            op++;
        }
    }
fault:
    if (!cursor->op)
        cursor->op = op;
    return code;
}

__attribute__((cold)) static void explain(const struct weir_avro_cursor *cursor,
                                          const uint8_t *data, size_t length, char *reason)
{
    const struct weir_avro_op *op = cursor->op;
    const char *field = op && op->field >= 0 ? cursor->plan->stream->fields[op->field].name : NULL;
    snprintf(reason, WEIR_AVRO_REASON, "Avro: %s, at byte %zu of %zu%s%.80s",
             cursor->fault ? cursor->fault : "a fault", (size_t)(cursor->at - data), length,
             field ? ", field " : "", field ? field : "");
}

int weir_avro_plan_run(const struct weir_avro_plan *plan, uint32_t row, const uint8_t *data,
                       size_t length, size_t *used, char *reason)
{
    static const uint8_t nothing[1];
    struct weir_avro_cursor cursor = {.plan = plan, .row = row};
    cursor.at = data ? data : nothing;
    cursor.end = cursor.at + (data ? length : 0);
    if (run(&cursor, plan->ops)) {
        explain(&cursor, data ? data : nothing, length, reason);
        return WEIR_ECORRUPT;
    }
    *used = (size_t)(cursor.at - (data ? data : nothing));
    return 0;
}
