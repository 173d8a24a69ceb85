// SPDX-License-Identifier: Apache-2.0
// Compiles a schema against a stream. Types are expanded only along the paths of columns, which
// are finite, so recursive schemas end; all else is skipped.
#include <stdlib.h>
#include <string.h>

#include "consumer/codec/avro_ops.h"

enum { MAX_OPS = 1 << 20, MAX_PATH = 1024 };

struct compiler {
    struct weir_avro_plan *plan;
    const struct weir_builder_options *options;
    char path[MAX_PATH];
    size_t length;    // of the path
    uint32_t barrier; // ops before it are not merged with: code jumps here
    int in_list;      // below an array
    int code;         // the first fault
    struct weir_error *error;
};

static void fail(struct compiler *compiler, int code, const char *what)
{
    if (!compiler->code)
        compiler->code = weir_error_set(compiler->error, code, "Avro plan: %s", what);
}

// Room for one more element of `array`; NULL where memory is out.
static void *grow(void *array, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return array;
    size_t wanted = *room ? *room * 2 : 32;
    void *grown = realloc(array, wanted * size);
    if (grown)
        *room = wanted;
    return grown;
}

static void *own(struct compiler *compiler, size_t size)
{
    struct weir_avro_plan *plan = compiler->plan;
    void **owned = grow(plan->owned, plan->n_owned, &plan->room_owned, sizeof *owned);
    if (owned) {
        plan->owned = owned;
        owned[plan->n_owned] = calloc(1, size ? size : 1);
        if (owned[plan->n_owned])
            return owned[plan->n_owned++];
    }
    fail(compiler, WEIR_ENOMEM, "out of memory");
    return NULL;
}

// Returns its index; 0 (a harmless op) after a fault.
static uint32_t emit(struct compiler *compiler, enum weir_avro_code code, int field)
{
    struct weir_avro_plan *plan = compiler->plan;
    if (compiler->code)
        return 0;
    if (plan->n_ops >= MAX_OPS) {
        fail(compiler, WEIR_EINVAL, "the schema is too large for this stream");
        return 0;
    }
    struct weir_avro_op *ops = grow(plan->ops, plan->n_ops, &plan->room_ops, sizeof *ops);
    if (!ops) {
        fail(compiler, WEIR_ENOMEM, "out of memory");
        return 0;
    }
    plan->ops = ops;
    ops[plan->n_ops] = (struct weir_avro_op){.code = code, .field = field};
    if (field >= 0)
        ops[plan->n_ops].column = weir_builder_column(plan->builder, field);
    return plan->n_ops++;
}

static struct weir_avro_op *op_at(struct compiler *compiler, uint32_t index)
{
    return &compiler->plan->ops[index];
}

static uint32_t here(struct compiler *compiler)
{
    compiler->barrier = compiler->plan->n_ops;
    return compiler->plan->n_ops;
}

// Appends to the path; the old length, to cut() back to. What is too long becomes a path that no
// column has, so that nothing is expanded below it.
static size_t extend(struct compiler *compiler, const char *separator, const char *name,
                     size_t length)
{
    size_t old = compiler->length, more = old ? strlen(separator) : 0;
    if (length < MAX_PATH && old + more + length < MAX_PATH - 2) {
        memcpy(compiler->path + old, separator, more);
        memcpy(compiler->path + old + more, name, length);
        compiler->length += more + length;
    } else if (old < MAX_PATH - 1) {
        compiler->path[compiler->length++] = '\1';
    }
    compiler->path[compiler->length] = 0;
    return old;
}

static void cut(struct compiler *compiler, size_t length)
{
    compiler->length = length;
    compiler->path[length] = 0;
}

// What of a column's name follows the path: NULL where the name is not on it.
static const char *rest(const struct compiler *compiler, size_t field)
{
    const char *name = compiler->plan->stream->fields[field].name;
    if (strncmp(name, compiler->path, compiler->length) != 0)
        return NULL;
    name += compiler->length;
    return !*name || *name == '.' || *name == '[' || !compiler->length ? name : NULL;
}

// The column that has the path itself for its name, -1: none.
static int find(const struct compiler *compiler)
{
    const struct weir_stream *stream = compiler->plan->stream;
    for (size_t i = 0; i < stream->n_fields; i++) {
        if (stream->fields[i].is_list == compiler->in_list &&
            strcmp(stream->fields[i].name, compiler->path) == 0)
            return (int)i;
    }
    return -1;
}

static int find_length(struct compiler *compiler)
{
    size_t old = extend(compiler, ".", "length", 6);
    int field = compiler->in_list || !old ? -1 : find(compiler);
    cut(compiler, old);
    return field;
}

static int touched(const struct compiler *compiler)
{
    for (size_t i = 0; i < compiler->plan->stream->n_fields; i++) {
        if (rest(compiler, i))
            return 1;
    }
    return 0;
}

static void compile_skip(struct compiler *compiler, const struct weir_avro_type *type)
{
    struct weir_avro_plan *plan = compiler->plan;
    uint32_t last = plan->n_ops - 1, index;
    if (type->fixed_size == 0)
        return;
    if (type->fixed_size > 0 && plan->n_ops > compiler->barrier &&
        plan->ops[last].code == WEIR_AVRO_OP_SKIP &&
        plan->ops[last].of.size < INT64_MAX - type->fixed_size) {
        plan->ops[last].of.size += type->fixed_size;
    } else if (type->fixed_size > 0) {
        index = emit(compiler, WEIR_AVRO_OP_SKIP, -1);
        if (!compiler->code)
            op_at(compiler, index)->of.size = type->fixed_size;
    } else if (type->kind == WEIR_AVRO_KIND_INT || type->kind == WEIR_AVRO_KIND_LONG ||
               type->kind == WEIR_AVRO_KIND_ENUM) {
        emit(compiler, WEIR_AVRO_OP_SKIP_LONG, -1);
    } else if (type->kind == WEIR_AVRO_KIND_STRING || type->kind == WEIR_AVRO_KIND_BYTES) {
        emit(compiler, WEIR_AVRO_OP_SKIP_STRING, -1);
    } else {
        index = emit(compiler, WEIR_AVRO_OP_SKIP_TYPE, -1);
        if (!compiler->code)
            op_at(compiler, index)->of.type = type;
    }
}

// What the time field's integers are divided by, so that they are milliseconds; 0: not at all.
static int64_t time_divisor(const struct compiler *compiler, const struct weir_avro_type *type,
                            int field)
{
    if (field != compiler->plan->stream->time || compiler->options->time_unit != WEIR_TIME_AUTO)
        return 0;
    return type->logical == WEIR_AVRO_LOGICAL_TIMESTAMP_MICROS  ? 1000
           : type->logical == WEIR_AVRO_LOGICAL_TIMESTAMP_NANOS ? 1000000
                                                                : 0;
}

static enum weir_avro_code direct(const struct weir_avro_type *type, enum weir_type column)
{
    switch (type->kind) {
    case WEIR_AVRO_KIND_DOUBLE:
        return column == WEIR_TYPE_DOUBLE ? WEIR_AVRO_OP_DOUBLE : WEIR_AVRO_OP_LEAF;
    case WEIR_AVRO_KIND_FLOAT:
        return column == WEIR_TYPE_DOUBLE ? WEIR_AVRO_OP_FLOAT : WEIR_AVRO_OP_LEAF;
    case WEIR_AVRO_KIND_BOOLEAN:
        return column == WEIR_TYPE_BOOLEAN ? WEIR_AVRO_OP_BOOLEAN : WEIR_AVRO_OP_LEAF;
    case WEIR_AVRO_KIND_STRING:
        return column == WEIR_TYPE_STRING ? WEIR_AVRO_OP_STRING : WEIR_AVRO_OP_LEAF;
    case WEIR_AVRO_KIND_LONG:
        return column == WEIR_TYPE_LONG     ? WEIR_AVRO_OP_LONG
               : column == WEIR_TYPE_DOUBLE ? WEIR_AVRO_OP_LONG_DOUBLE
                                            : WEIR_AVRO_OP_LEAF;
    case WEIR_AVRO_KIND_INT:
        if (type->logical != WEIR_AVRO_LOGICAL_NONE)
            return WEIR_AVRO_OP_LEAF;
        return column == WEIR_TYPE_LONG     ? WEIR_AVRO_OP_INT
               : column == WEIR_TYPE_DOUBLE ? WEIR_AVRO_OP_INT_DOUBLE
                                            : WEIR_AVRO_OP_LEAF;
    default:
        return WEIR_AVRO_OP_LEAF;
    }
}

static void compile_leaf(struct compiler *compiler, const struct weir_avro_type *type, int field)
{
    int64_t divisor = time_divisor(compiler, type, field);
    int is_list = compiler->plan->stream->fields[field].is_list;
    enum weir_type column = compiler->plan->stream->fields[field].type;
    enum weir_avro_code code = divisor   ? WEIR_AVRO_OP_TIME
                               : is_list ? WEIR_AVRO_OP_LEAF
                                         : direct(type, column);
    uint32_t index = emit(compiler, code, field);
    if (compiler->code)
        return;
    if (divisor)
        op_at(compiler, index)->of.size = divisor;
    else
        op_at(compiler, index)->of.type = type;
}

static int is_leaf(const struct weir_avro_type *type)
{
    return type->kind < WEIR_AVRO_KIND_RECORD || type->kind == WEIR_AVRO_KIND_ENUM ||
           type->kind == WEIR_AVRO_KIND_FIXED;
}

static void compile_value(struct compiler *compiler, const struct weir_avro_type *type);

// All columns at or below the path are null; of a list's, only those within the list.
static void compile_null(struct compiler *compiler)
{
    const struct weir_stream *stream = compiler->plan->stream;
    for (size_t i = 0; i < stream->n_fields; i++) {
        if (stream->fields[i].is_list == compiler->in_list && rest(compiler, i))
            emit(compiler, WEIR_AVRO_OP_NULL, (int)i);
    }
}

static struct weir_avro_table *new_table(struct compiler *compiler,
                                         const struct weir_avro_type *type, size_t targets)
{
    struct weir_avro_table *table = own(compiler, sizeof *table);
    uint32_t *array = table ? own(compiler, targets * sizeof *array) : NULL;
    if (!array)
        return NULL;
    table->type = type;
    table->targets = array;
    table->length = -1;
    return table;
}

static void compile_branches(struct compiler *compiler, const struct weir_avro_type *type)
{
    struct weir_avro_table *table = new_table(compiler, type, type->n);
    uint32_t index = emit(compiler, WEIR_AVRO_OP_UNION, find(compiler)), last = 0;
    if (!table || compiler->code)
        return;
    op_at(compiler, index)->of.table = table;
    table->n = (uint32_t)type->n;
    for (size_t i = 0; i < type->n && !compiler->code; i++) {
        table->targets[i] = here(compiler);
        if (type->types[i]->kind == WEIR_AVRO_KIND_NULL)
            compile_null(compiler);
        else
            compile_value(compiler, type->types[i]);
        // The jumps are chained by their targets until the end is known.
        uint32_t jump = emit(compiler, WEIR_AVRO_OP_JUMP, -1);
        if (compiler->code)
            return;
        op_at(compiler, jump)->jump = last;
        last = jump;
    }
    for (uint32_t end = here(compiler); last;) {
        uint32_t before = op_at(compiler, last)->jump;
        op_at(compiler, last)->jump = end;
        last = before;
    }
}

static void compile_union(struct compiler *compiler, const struct weir_avro_type *type)
{
    int field = find(compiler);
    if (type->n == 2 && field >= 0 && !compiler->in_list) {
        uint32_t null = type->types[0]->kind == WEIR_AVRO_KIND_NULL ? 0 : 1;
        const struct weir_avro_type *other = type->types[1 - null];
        if (type->types[null]->kind == WEIR_AVRO_KIND_NULL && is_leaf(other)) {
            uint32_t index = emit(compiler, WEIR_AVRO_OP_OPTIONAL, field);
            if (!compiler->code)
                op_at(compiler, index)->jump = null;
            compile_leaf(compiler, other, field);
            here(compiler);
            return;
        }
    }
    compile_branches(compiler, type);
}

static void compile_fault(struct compiler *compiler, int field, enum weir_state state)
{
    uint32_t index = emit(compiler, WEIR_AVRO_OP_FAULT, field);
    if (!compiler->code)
        op_at(compiler, index)->jump = state;
}

static const char *own_path(struct compiler *compiler, const char *end)
{
    size_t more = strlen(end) + 1;
    char *copy = own(compiler, compiler->length + more);
    if (copy) {
        memcpy(copy, compiler->path, compiler->length);
        memcpy(copy + compiler->length, end, more);
    }
    return copy;
}

static void compile_unknown(struct compiler *compiler)
{
    if (!compiler->options->report_unknown || compiler->in_list)
        return;
    const char *name = own_path(compiler, "");
    uint32_t index = emit(compiler, WEIR_AVRO_OP_UNKNOWN, -1);
    if (!compiler->code)
        op_at(compiler, index)->of.name = name;
}

// Whether another field of the record has the better claim to an alias: by its own name, or by
// standing first.
static int taken(const struct weir_avro_type *record, size_t field, const char *alias)
{
    for (size_t i = 0; i < record->n; i++) {
        if (i != field && strcmp(record->fields[i].name, alias) == 0)
            return 1;
        for (size_t k = 0; i < field && k < record->fields[i].n_aliases; k++) {
            if (strcmp(record->fields[i].aliases[k], alias) == 0)
                return 1;
        }
    }
    return 0;
}

static void compile_field(struct compiler *compiler, const struct weir_avro_type *record, size_t i)
{
    const struct weir_avro_field *field = &record->fields[i];
    size_t old = extend(compiler, ".", field->name, strlen(field->name));
    for (size_t k = 0; k < field->n_aliases && !touched(compiler); k++) {
        cut(compiler, old);
        int claimed = taken(record, i, field->aliases[k]);
        const char *name = claimed ? field->name : field->aliases[k];
        extend(compiler, ".", name, strlen(name));
    }
    if (touched(compiler)) {
        compile_value(compiler, field->type);
    } else {
        cut(compiler, old);
        extend(compiler, ".", field->name, strlen(field->name));
        compile_unknown(compiler);
        compile_skip(compiler, field->type);
    }
    cut(compiler, old);
}

static void compile_record(struct compiler *compiler, const struct weir_avro_type *type)
{
    int field = compiler->length ? find(compiler) : -1;
    if (field >= 0)
        compile_fault(compiler, field, WEIR_STATE_FAULT_OBJECT);
    for (size_t i = 0; i < type->n && !compiler->code; i++)
        compile_field(compiler, type, i);
}

static void compile_array(struct compiler *compiler, const struct weir_avro_type *type)
{
    int field = find(compiler);
    if (field >= 0)
        compile_fault(compiler, field, WEIR_STATE_FAULT_ARRAY);
    if (compiler->in_list) { // a list of lists
        compile_skip(compiler, type);
        return;
    }
    struct weir_avro_table *table = new_table(compiler, type, 1);
    int length = find_length(compiler);
    uint32_t index = emit(compiler, WEIR_AVRO_OP_ARRAY, field >= 0 ? field : length);
    if (!table || compiler->code)
        return;
    op_at(compiler, index)->of.table = table;
    table->length = length;
    size_t old = extend(compiler, "[]", "", 0);
    compiler->in_list = 1;
    if (touched(compiler)) {
        table->n = 1;
        table->targets[0] = here(compiler);
        compile_value(compiler, type->types[0]);
        emit(compiler, WEIR_AVRO_OP_END, -1);
    }
    compiler->in_list = 0;
    cut(compiler, old);
    table->next = here(compiler);
}

static int is_simple(const struct weir_avro_type *type)
{
    for (size_t i = 0; type->kind == WEIR_AVRO_KIND_UNION && i < type->n; i++) {
        if (!is_leaf(type->types[i]))
            return 0;
    }
    return type->kind == WEIR_AVRO_KIND_UNION || is_leaf(type);
}

// The key that the column `field` asks for, NULL: none. A key of plain values may hold dots.
static const char *key_of(const struct compiler *compiler, const struct weir_avro_type *values,
                          size_t field, size_t *length)
{
    const char *key = rest(compiler, field);
    if (key && compiler->length)
        key = *key == '.' ? key + 1 : NULL;
    if (!key || !*key || (compiler->length && strcmp(key, "length") == 0))
        return NULL;
    *length = is_simple(values) ? strlen(key) : strcspn(key, ".[");
    return key;
}

static void compile_key(struct compiler *compiler, const struct weir_avro_type *values,
                        struct weir_avro_table *table, const char *key, size_t length)
{
    for (uint32_t i = 0; i < table->n; i++) {
        if (table->keys[i].length == length && memcmp(table->keys[i].name, key, length) == 0)
            return;
    }
    // The name is the stream's, which outlives the plan.
    table->keys[table->n++] = (struct weir_avro_key){key, length, here(compiler)};
    size_t old = extend(compiler, ".", key, length);
    compile_value(compiler, values);
    emit(compiler, WEIR_AVRO_OP_END, -1);
    cut(compiler, old);
}

static void compile_map(struct compiler *compiler, const struct weir_avro_type *type)
{
    size_t n = compiler->plan->stream->n_fields, length;
    int field = compiler->length ? find(compiler) : -1;
    if (field >= 0)
        compile_fault(compiler, field, WEIR_STATE_FAULT_OBJECT);
    if (compiler->in_list) {
        compile_skip(compiler, type);
        return;
    }
    struct weir_avro_table *table = new_table(compiler, type, 0);
    struct weir_avro_key *keys = table ? own(compiler, n * sizeof *keys) : NULL;
    int of_length = find_length(compiler);
    uint32_t index = emit(compiler, WEIR_AVRO_OP_MAP, field >= 0 ? field : of_length);
    if (!keys || compiler->code)
        return;
    op_at(compiler, index)->of.table = table;
    table->keys = keys;
    table->length = of_length;
    for (size_t i = 0; i < n && !compiler->code; i++) {
        const char *key = key_of(compiler, type->types[0], i, &length);
        if (key)
            compile_key(compiler, type->types[0], table, key, length);
    }
    if (compiler->options->report_unknown && table->n)
        table->unknown = own_path(compiler, compiler->length ? "." : "");
    table->next = here(compiler);
}

// A value at the path, which a column touches.
static void compile_value(struct compiler *compiler, const struct weir_avro_type *type)
{
    size_t old = compiler->length;
    int field;
    if (!old && type->kind != WEIR_AVRO_KIND_RECORD && type->kind != WEIR_AVRO_KIND_UNION &&
        type->kind != WEIR_AVRO_KIND_MAP)
        extend(compiler, ".", "value", 5);
    switch (type->kind) {
    case WEIR_AVRO_KIND_RECORD:
        compile_record(compiler, type);
        break;
    case WEIR_AVRO_KIND_UNION:
        compile_union(compiler, type);
        break;
    case WEIR_AVRO_KIND_ARRAY:
        compile_array(compiler, type);
        break;
    case WEIR_AVRO_KIND_MAP:
        compile_map(compiler, type);
        break;
    default:
        field = find(compiler);
        if (field >= 0)
            compile_leaf(compiler, type, field);
        else
            compile_skip(compiler, type);
    }
    cut(compiler, old);
}

// Doubles that follow each other are read as one; each op knows how many begin with it, so that
// a jump into their midst is fine too.
static void join_doubles(struct weir_avro_plan *plan)
{
    uint32_t run = 0;
    for (uint32_t i = plan->n_ops; i-- > 0;) {
        run = plan->ops[i].code == WEIR_AVRO_OP_DOUBLE ? run + 1 : 0;
        if (run)
            plan->ops[i].jump = run;
    }
}

int weir_avro_plan_create(const struct weir_avro_schema *schema, struct weir_builder *builder,
                          const struct weir_builder_options *options,
                          struct weir_avro_plan **result, struct weir_error *error)
{
    struct weir_avro_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return weir_error_set(error, WEIR_ENOMEM, "Avro plan: out of memory");
    struct compiler compiler = {.plan = plan, .options = options, .error = error};
    plan->stream = options->stream;
    plan->builder = builder;
    compile_value(&compiler, weir_avro_schema_root(schema));
    emit(&compiler, WEIR_AVRO_OP_END, -1);
    if (compiler.code) {
        weir_avro_plan_destroy(plan);
        return compiler.code;
    }
    join_doubles(plan);
    *result = plan;
    return 0;
}

void weir_avro_plan_destroy(struct weir_avro_plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->n_owned; i++)
        free(plan->owned[i]);
    free(plan->owned);
    free(plan->ops);
    free(plan);
}
