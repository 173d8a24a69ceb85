// SPDX-License-Identifier: Apache-2.0
// Beside the records: whole columns at a time, through the table of checks. A column without
// faults costs one pass over its values a check at most; what a string is worth is remembered by
// its code.
#include <stdlib.h>

#include "detectors/schema/record.h"
#include "detectors/schema/watch.h"
#include "stats/buffer.h"

void schema_edge_destroy(void *state)
{
    struct schema_edge *edge = state;
    if (!edge)
        return;
    for (size_t i = 0; edge->memos && i < edge->schema->n_fields; i++) {
        free(edge->memos[i].faults);
        free(edge->memos[i].local);
    }
    free(edge->memos);
    schema_watch_destroy(edge->watch);
    free(edge->values); // and the rest of the scratch
    pcre2_match_data_free(edge->match);
    schema_keys_destroy(edge->keys);
    free(edge->floats);
    weir_evaluator_destroy(edge->cross);
    schema_evolution_stop(&edge->evolution);
    free(edge);
}

// The first state_version with a state of the edge, with that of the watch in it, with the writer
// schemas that it has met, and with how integers are written.
enum {
    SCHEMA_STATE_EDGE = 3,
    SCHEMA_STATE_WATCH = 4,
    SCHEMA_STATE_EVOLUTION = 5,
    SCHEMA_STATE_FLOATS = 6
};

static int out_of_memory(struct weir_error *error)
{
    return weir_error_set(error, WEIR_ENOMEM, "schema: no memory to check a batch");
}

// Scratch for columns of `n` values: lists have more than there are rows.
static int make_room(struct schema_edge *edge, uint32_t n)
{
    if (n <= edge->capacity)
        return 0;
    size_t each = sizeof *edge->values + sizeof *edge->part_values + sizeof *edge->found +
                  sizeof *edge->elements + sizeof *edge->part + sizeof *edge->kinds;
    double *block = malloc(n * each);
    if (!block)
        return WEIR_ENOMEM;
    free(edge->values);
    edge->values = block;
    edge->part_values = block + n;
    edge->found = (uint32_t *)(edge->part_values + n);
    edge->elements = edge->found + n;
    edge->part = edge->elements + n;
    edge->kinds = (uint8_t *)(edge->part + n);
    edge->capacity = n;
    return 0;
}

size_t schema_edge_memory(const void *state)
{
    const struct schema_edge *edge = state;
    size_t bytes = sizeof *edge + edge->capacity * (2 * sizeof(double) + 3 * sizeof(uint32_t) + 1);
    struct weir_buffer saved;
    weir_buffer_init(&saved, WEIR_BUFFER_MAXIMUM);
    schema_watch_save(edge->watch, &saved);
    bytes += 2 * saved.length;
    weir_buffer_free(&saved);
    return bytes + (edge->keys ? schema_keys_memory(edge->keys) : 0);
}

size_t schema_edge_memory_most(const void *instance)
{
    const struct schema *schema = instance;
    return schema->duplicates ? schema_keys_memory_most(schema->duplicate_keys) : 0;
}

int schema_edge_create(void *instance, void **result, struct weir_error *error)
{
    const struct schema *schema = instance;
    struct schema_edge *edge = calloc(1, sizeof *edge);
    if (!edge)
        return out_of_memory(error);
    edge->schema = schema;
    edge->memos = calloc(schema->n_fields ? schema->n_fields : 1, sizeof *edge->memos);
    edge->match = pcre2_match_data_create(1, NULL);
    edge->floats = schema_floats_create(schema);
    edge->newest = INT64_MIN;
    if (schema->duplicates)
        edge->keys = schema_keys_create(schema->duplicates, schema->duplicate_keys);
    if (!edge->memos || !edge->match || !edge->floats || (schema->duplicates && !edge->keys) ||
        make_room(edge, WEIR_BATCH_ROWS) || schema_watch_create(schema, &edge->watch) ||
        schema_evolution_start(schema, &edge->evolution)) {
        schema_edge_destroy(edge);
        return out_of_memory(error);
    }
    int code = schema_conditions_start(&schema->cross.conditions, &edge->cross, error);
    if (code) {
        schema_edge_destroy(edge);
        return code;
    }
    *result = edge;
    return 0;
}

static int observe_field(struct schema_pass *pass)
{
    const struct weir_column *column = pass->column;
    int code = make_room(pass->edge, column->n), calm = -1;
    for (int check = 0; check < SCHEMA_FIELD_CHECKS && !code; check++) {
        if (pass->field->rule[check] < 0 || !schema_record_checks[check].observe)
            continue;
        if (1 << check & SCHEMA_CALM && calm < 0)
            calm = schema_is_calm(pass);
        if (!(1 << check & SCHEMA_CALM && calm))
            code = schema_record_checks[check].observe(pass);
    }
    if (!code && (column->type == WEIR_TYPE_STRING || column->type == WEIR_TYPE_BYTES))
        code = schema_observe_texts(pass);
    return code;
}

int schema_edge_observe(void *state, const struct weir_batch *batch, const struct weir_edge *host,
                        struct weir_error *error)
{
    struct schema_edge *edge = state;
    const struct schema *schema = edge->schema;
    struct schema_pass whole = {.edge = edge, .batch = batch, .host = host};
    int code = 0;
    for (int check = SCHEMA_FIELD_CHECKS; check < SCHEMA_CHECKS && !code; check++) {
        if (schema->rule[check] >= 0)
            code = schema_record_checks[check].observe(&whole);
    }
    if (!code)
        code = schema_evolution_observe(&edge->evolution, batch, host);
    for (size_t i = 0; i < schema->n_fields && !code; i++) {
        const struct schema_field *field = &schema->fields[i];
        const struct weir_column *column = &batch->columns[field->index];
        struct schema_pass pass = whole;
        pass.field = field;
        pass.column = column;
        pass.memo = &edge->memos[i];
        pass.first = column->offsets ? column->offsets[0] : 0;
        code = observe_field(&pass);
    }
    if (!code)
        code = schema_cross_observe(&schema->cross, edge->cross, batch, host, edge->found);
    if (!code)
        schema_depends_observe(&schema->depends, batch, host, edge->found);
    if (!code)
        code = schema_watch_observe(edge->watch, batch, host);
    return code ? out_of_memory(error) : 0;
}

int schema_edge_close(void *state, int64_t start, int64_t end, struct weir_buffer *out,
                      struct weir_error *error)
{
    struct schema_edge *edge = state;
    (void)end;
    return schema_watch_close(edge->watch, start, out) ? out_of_memory(error) : 0;
}

// What it remembers of strings is a cache, no state.
int schema_edge_save(const void *state, struct weir_buffer *out)
{
    const struct schema_edge *edge = state;
    weir_put_long(out, edge->newest);
    int code = schema_watch_save(edge->watch, out);
    if (!code)
        code = schema_evolution_save(&edge->evolution, out);
    schema_floats_save(edge->schema, edge->floats, out);
    weir_put_long(out, edge->keys != NULL);
    if (edge->keys)
        schema_keys_save(edge->keys, out);
    return out->failed ? WEIR_ENOMEM : code;
}

int schema_edge_restore(void *state, uint32_t state_version, struct weir_reader *in,
                        struct weir_error *error)
{
    struct schema_edge *edge = state;
    if (state_version < SCHEMA_STATE_EDGE)
        return 0; // there was none
    int64_t newest = weir_get_long(in);
    int code = in->failed || !schema_time_is_sane(newest) ? WEIR_ECORRUPT : 0;
    if (!code && state_version >= SCHEMA_STATE_WATCH)
        code = schema_watch_restore(edge->watch, in);
    if (!code && state_version >= SCHEMA_STATE_EVOLUTION)
        code = schema_evolution_restore(&edge->evolution, in);
    if (!code && state_version >= SCHEMA_STATE_FLOATS)
        code = schema_floats_restore(edge->schema, edge->floats, in);
    int has_keys = !code && weir_get_count(in, 1) != 0;
    code = !code && in->failed ? WEIR_ECORRUPT : code;
    // Keys that are no longer looked at end the bytes.
    if (!code && has_keys && edge->keys)
        code = schema_keys_restore(edge->keys, in);
    if (code == WEIR_ENOMEM)
        return out_of_memory(error);
    if (code)
        return weir_error_set(error, code, "schema: what it kept of records seen cannot be read");
    edge->newest = newest;
    return 0;
}
