// SPDX-License-Identifier: Apache-2.0
// Beside the records: pairs, and what they come to, by pane.
#include <stdlib.h>
#include <string.h>

#include "detectors/skew/join.h"
#include "detectors/skew/names.h"
#include "detectors/skew/skew.h"
#include "detectors/skew/tally.h"
#include "stats/hash.h"
#include "stats/value_text.h"

enum { PANES = 65536 };

struct pane {
    int64_t start;
    struct skew_tally tally;
};

struct texts { // what texts of a column's dictionary are, by code
    uint32_t generation, n, capacity;
    struct skew_value *values;
};

struct edge {
    const struct skew_instance *instance;
    struct pane *panes; // open ones with something in them, ascending
    size_t n_panes, panes_capacity;
    size_t last; // where the last pair was
    struct skew_join join;
    struct skew_names names;
    char *topic; // of served records
    struct texts *texts[2];
    int64_t complete;
};

int skew_edge_create(void *instance, void **out, struct weir_error *error)
{
    struct edge *edge = calloc(1, sizeof *edge);
    if (!edge)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for pairs");
    edge->instance = instance;
    edge->complete = INT64_MIN;
    skew_join_init(&edge->join, edge->instance->n_pairs, edge->instance->open_rows,
                   edge->instance->apart, edge->instance->entities);
    for (size_t side = 0; side < 2; side++)
        edge->texts[side] = calloc(edge->instance->n_pairs + 1, sizeof **edge->texts);
    if (!edge->texts[0] || !edge->texts[1]) {
        skew_edge_destroy(edge);
        return weir_error_set(error, WEIR_ENOMEM, "no memory for pairs");
    }
    *out = edge;
    return 0;
}

size_t skew_edge_memory(const void *state)
{
    const struct edge *edge = state;
    size_t bytes = sizeof *edge + edge->panes_capacity * sizeof *edge->panes +
                   skew_join_memory(&edge->join) + skew_names_memory(&edge->names);
    for (size_t i = 0; i < edge->n_panes; i++)
        bytes += skew_tally_memory(&edge->panes[i].tally);
    for (size_t side = 0; side < 2; side++)
        for (size_t i = 0; i < edge->instance->n_pairs; i++)
            bytes += sizeof **edge->texts +
                     edge->texts[side][i].capacity * sizeof *edge->texts[side][i].values;
    return bytes;
}

size_t skew_edge_memory_most(const void *made)
{
    const struct skew_instance *instance = made;
    return instance->joins
               ? skew_join_memory_most(instance->n_pairs, instance->open_rows, instance->entities)
               : 0;
}

static void clear(struct edge *edge)
{
    for (size_t i = 0; i < edge->n_panes; i++)
        skew_tally_free(&edge->panes[i].tally);
    free(edge->panes);
    free(edge->topic);
    edge->panes = NULL;
    edge->topic = NULL;
    edge->n_panes = edge->panes_capacity = edge->last = 0;
    edge->complete = INT64_MIN;
    skew_join_free(&edge->join);
    skew_names_free(&edge->names);
}

void skew_edge_destroy(void *state)
{
    struct edge *edge = state;
    if (!edge)
        return;
    clear(edge);
    for (size_t side = 0; side < 2; side++) {
        for (size_t i = 0; edge->texts[side] && i < edge->instance->n_pairs; i++)
            free(edge->texts[side][i].values);
        free(edge->texts[side]);
    }
    free(edge);
}

// The tally of a pane, made where it is new; NULL when memory is out.
static struct skew_tally *tally_of(struct edge *edge, int64_t start)
{
    if (edge->last < edge->n_panes && edge->panes[edge->last].start == start)
        return &edge->panes[edge->last].tally;
    size_t at = edge->n_panes;
    while (at && edge->panes[at - 1].start > start)
        at--;
    if (at && edge->panes[at - 1].start == start) {
        edge->last = at - 1;
        return &edge->panes[at - 1].tally;
    }
    if (edge->n_panes == edge->panes_capacity) {
        size_t capacity = edge->panes_capacity ? edge->panes_capacity * 2 : 4;
        void *grown = realloc(edge->panes, capacity * sizeof *edge->panes);
        if (!grown)
            return NULL;
        edge->panes = grown;
        edge->panes_capacity = capacity;
    }
    struct skew_tally made;
    if (skew_tally_init(&made, edge->instance->n_pairs))
        return NULL;
    memmove(&edge->panes[at + 1], &edge->panes[at], (edge->n_panes - at) * sizeof *edge->panes);
    edge->panes[at] = (struct pane){start, made};
    edge->n_panes++;
    edge->last = at;
    return &edge->panes[at].tally;
}

// ---- a pair

// Of each `by` the slice that the record is of, NULL where it is not among those that are kept.
static int find_slices(struct edge *edge, struct skew_tally *tally, const struct skew_row *served,
                       struct skew_slice_tally *slices[SKEW_BY])
{
    for (size_t by = 0; by < edge->instance->n_by; by++) {
        uint64_t hash = served->slice[by];
        const char *text = hash ? skew_names_find(&edge->names, by, hash) : NULL;
        slices[by] = NULL;
        if (text && skew_tally_slice(tally, by, hash, text, &slices[by]))
            return WEIR_ENOMEM;
    }
    return 0;
}

static int count_pair(void *context, const struct skew_row *served,
                      const struct skew_value *served_values, const struct skew_row *offline,
                      const struct skew_value *offline_values)
{
    struct edge *edge = context;
    struct skew_tally *tally = tally_of(edge, served->pane);
    int64_t where[2] = {served->partition, served->offset};
    uint64_t order = 0;
    (void)offline;
    if (!tally)
        return WEIR_ENOMEM;
    struct skew_slice_tally *slices[SKEW_BY];
    if (find_slices(edge, tally, served, slices))
        return WEIR_ENOMEM;
    tally->pairs++;
    for (size_t i = 0; i < tally->n_fields; i++) {
        struct skew_field_tally *field = &tally->fields[i];
        enum skew_verdict verdict = skew_compare(&served_values[i], &offline_values[i],
                                                 &edge->instance->pairs[i].tolerance);
        field->verdicts[verdict]++;
        for (size_t by = 0; by < edge->instance->n_by; by++) {
            if (!slices[by] || verdict == SKEW_UNKNOWN)
                continue;
            slices[by]->count[2 * i]++;
            slices[by]->count[2 * i + 1] += verdict > SKEW_UNKNOWN;
        }
        if (verdict <= SKEW_UNKNOWN)
            continue;
        if (!order)
            order = weir_hash(where, sizeof where) | 1;
        if (!skew_tally_wants(field, order))
            continue;
        struct skew_sample sample = {.order = order,
                                     .served = served_values[i],
                                     .offline = offline_values[i],
                                     .verdict = verdict,
                                     .partition = served->partition,
                                     .offset = served->offset};
        skew_history_match(&edge->join.history, served->entity, served->time, i, &sample.served,
                           &sample.known, &sample.stale);
        if (skew_tally_sample(field, &sample) || skew_tally_topic(tally, edge->topic))
            return WEIR_ENOMEM;
    }
    return 0;
}

static int count(struct edge *edge, int64_t pane, enum skew_lonely what)
{
    struct skew_tally *tally = tally_of(edge, pane);
    if (!tally)
        return WEIR_ENOMEM;
    tally->lonely[what]++;
    return 0;
}

static int count_lonely(void *context, const struct skew_row *row, int known)
{
    int code = count(context, row->pane,
                     row->side == SKEW_SERVED ? SKEW_LONELY_SERVED : SKEW_LONELY_OFFLINE);
    return code || !known || row->side != SKEW_SERVED ? code
                                                      : count(context, row->pane, SKEW_SAME_KEY);
}

static int count_duplicate(void *context, const struct skew_row *row)
{
    return count(context, row->pane, SKEW_DUPLICATE);
}

// ---- records

static int read_hash(const struct skew_instance *instance, const struct weir_batch *batch,
                     int field, uint32_t row, uint64_t *hash)
{
    char buffer[40];
    const char *text;
    size_t length;
    if (field < 0) {
        if (!batch->key || !batch->key[row].data)
            return 0;
        *hash = weir_hash(batch->key[row].data, batch->key[row].length);
        return 1;
    }
    const struct weir_column *column = &batch->columns[field];
    if (column->state[row] != WEIR_STATE_VALUE)
        return 0;
    if (column->type == WEIR_TYPE_STRING || column->type == WEIR_TYPE_BYTES) {
        *hash = weir_column_string(column, column->values.code[row])->hash;
        return 1;
    }
    if (instance->whole_keys && column->type == WEIR_TYPE_LONG) {
        uint64_t bits = (uint64_t)column->values.i64[row]; // splitmix64
        bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
        bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
        *hash = bits ^ (bits >> 31);
        return 1;
    }
    if (!weir_value_text(column, row, buffer, sizeof buffer, &text, &length))
        return 0;
    *hash = weir_hash(text, length);
    return 1;
}

// Work done a distinct text, where the dictionary keeps its codes.
static struct skew_value read_text(struct texts *texts, const struct weir_column *column,
                                   uint32_t row)
{
    uint32_t code = column->values.code[row];
    if (code >= texts->n)
        return skew_value_read(column, row, 0);
    return texts->values[code];
}

static int learn_texts(struct texts *texts, const struct weir_column *column)
{
    if (texts->generation != column->generation)
        texts->n = 0;
    texts->generation = column->generation;
    if (column->n_dictionary > texts->capacity) {
        uint32_t capacity = column->n_dictionary + column->n_dictionary / 2 + 16;
        struct skew_value *grown = realloc(texts->values, capacity * sizeof *grown);
        if (!grown)
            return WEIR_ENOMEM;
        texts->values = grown;
        texts->capacity = capacity;
    }
    for (; texts->n < column->n_dictionary; texts->n++) {
        const struct weir_string *text = &column->dictionary[texts->n];
        texts->values[texts->n] = skew_value_text(text->data, text->length, text->hash);
    }
    return 0;
}

static int is_text(const struct weir_column *column)
{
    return column->type == WEIR_TYPE_STRING || column->type == WEIR_TYPE_BYTES;
}

static int learn(struct edge *edge, const struct weir_batch *batch, int side)
{
    for (size_t i = 0; i < edge->instance->n_pairs; i++) {
        const struct skew_pair *pair = &edge->instance->pairs[i];
        const struct weir_column *column = &batch->columns[side ? pair->offline : pair->served];
        if (is_text(column) && learn_texts(&edge->texts[side][i], column))
            return WEIR_ENOMEM;
    }
    return 0;
}

static void read_values(const struct edge *edge, const struct weir_batch *batch, int side,
                        uint32_t row, struct skew_value *values)
{
    for (size_t i = 0; i < edge->instance->n_pairs; i++) {
        const struct skew_pair *pair = &edge->instance->pairs[i];
        const struct weir_column *column = &batch->columns[side ? pair->offline : pair->served];
        values[i] = is_text(column) && column->state[row] == WEIR_STATE_VALUE
                        ? read_text(&edge->texts[side][i], column, row)
                        : skew_value_read(column, row, pair->as_double);
    }
}

static int is_bad(const struct weir_batch *batch, uint32_t row)
{
    return batch->fault &&
           (batch->fault[row] == WEIR_ROW_UNDECODABLE || batch->fault[row] == WEIR_ROW_TOMBSTONE);
}

static int join_row(struct edge *edge, const struct weir_batch *batch, uint32_t row,
                    const struct weir_edge *host)
{
    const struct skew_instance *instance = edge->instance;
    int side = host->follows;
    struct skew_row made = {.time = batch->time[row],
                            .pane = host->pane[row],
                            .offset = batch->offset[row],
                            .partition = batch->partition,
                            .side = (uint8_t)side};
    if (!read_hash(instance, batch, instance->key[side], row, &made.key))
        return 0; // the key's absence is the schema's business
    made.entity = made.key;
    if (instance->entity[side] >= 0 &&
        !read_hash(instance, batch, instance->entity[side], row, &made.entity))
        made.entity = 0;
    const int64_t far = (int64_t)1 << 59; // sums of times stay within 64 bits
    if (host->late[row] || made.time < edge->join.looked_to || made.time > far || made.time < -far)
        return count(edge, made.pane, SKEW_LATE);
    if (!side && skew_names_read(&edge->names, instance, batch, row, made.slice))
        return WEIR_ENOMEM;
    struct skew_value *values = skew_join_room(&edge->join);
    if (!values)
        return WEIR_ENOMEM;
    read_values(edge, batch, side, row, values);
    return skew_join_add(&edge->join, &made);
}

// Both sides in one record.
static int pair_row(struct edge *edge, const struct weir_batch *batch, uint32_t row,
                    const struct weir_edge *host)
{
    struct skew_row made = {.time = batch->time[row],
                            .pane = host->pane[row],
                            .offset = batch->offset[row],
                            .partition = batch->partition};
    if (skew_names_read(&edge->names, edge->instance, batch, row, made.slice))
        return WEIR_ENOMEM;
    struct skew_value *served = skew_join_room(&edge->join);
    if (!served)
        return WEIR_ENOMEM;
    // Room is made for 256 rows at least, none of which is taken.
    struct skew_value *offline = served + edge->instance->n_pairs;
    read_values(edge, batch, 0, row, served);
    read_values(edge, batch, 1, row, offline);
    return count_pair(edge, &made, served, &made, offline);
}

static int look(struct edge *edge, int64_t time)
{
    const struct skew_join_events events = {edge, count_pair, count_lonely, count_duplicate};
    return skew_join_look(&edge->join, time, edge->complete, &events);
}

static int observe(struct edge *edge, const struct weir_batch *batch, const struct weir_edge *host)
{
    int joins = edge->instance->joins, code = 0;
    if (!batch->n_rows || !edge->instance->n_pairs)
        return 0;
    if (!joins || !host->follows) {
        if (!edge->topic || strcmp(edge->topic, batch->topic)) {
            char *topic = strdup(batch->topic);
            if (!topic)
                return WEIR_ENOMEM;
            free(edge->topic);
            edge->topic = topic;
        }
    }
    code = joins ? learn(edge, batch, host->follows) : learn(edge, batch, 0);
    if (!code && !joins)
        code = learn(edge, batch, 1);
    for (uint32_t row = 0; row < batch->n_rows && !code; row++) {
        if (!is_bad(batch, row))
            code = joins ? join_row(edge, batch, row, host) : pair_row(edge, batch, row, host);
    }
    if (code || !joins)
        return code;
    if (edge->join.left_out)
        host->limit(host, "open records", edge->join.left_out);
    edge->join.left_out = 0;
    edge->complete = host->complete;
    return look(edge, edge->complete);
}

int skew_edge_observe(void *edge, const struct weir_batch *batch, const struct weir_edge *host,
                      struct weir_error *error)
{
    int code = observe(edge, batch, host);
    return code ? weir_error_set(error, code, "no memory for pairs") : 0;
}

int skew_edge_close(void *state, int64_t start, int64_t end, struct weir_buffer *out,
                    struct weir_error *error)
{
    struct edge *edge = state;
    size_t closed = 0;
    int code = edge->instance->joins ? look(edge, end + edge->instance->apart) : 0;
    for (; !code && closed < edge->n_panes && edge->panes[closed].start <= start; closed++) {
        code = skew_tally_write(&edge->panes[closed].tally, out);
        skew_tally_free(&edge->panes[closed].tally);
    }
    if (closed)
        memmove(edge->panes, edge->panes + closed, (edge->n_panes - closed) * sizeof *edge->panes);
    edge->n_panes -= closed;
    edge->last = 0;
    return code ? weir_error_set(error, code, "no memory to close a pane") : 0;
}

// ---- state

int skew_edge_save(const void *state, struct weir_buffer *out)
{
    const struct edge *edge = state;
    weir_put_string(out, edge->topic);
    weir_put_long(out, edge->complete);
    weir_put_long(out, (int64_t)edge->n_panes);
    for (size_t i = 0; i < edge->n_panes; i++) {
        weir_put_long(out, edge->panes[i].start);
        skew_tally_write(&edge->panes[i].tally, out);
    }
    skew_names_write(&edge->names, edge->instance, out);
    return skew_join_write(&edge->join, out);
}

static int restore(struct edge *edge, uint32_t version, struct weir_reader *in)
{
    char *topic = weir_get_string_alloc(in, 4096);
    edge->complete = weir_get_long(in);
    size_t n = weir_get_count(in, PANES);
    int code = weir_reader_code(in);
    if (topic && *topic)
        edge->topic = topic;
    else
        free(topic);
    for (size_t i = 0; i < n && !code && !in->failed; i++) {
        int64_t start = weir_get_long(in);
        struct skew_tally *tally = in->failed ? NULL : tally_of(edge, start);
        code = tally ? skew_tally_read(tally, in) : in->failed ? WEIR_ECORRUPT : WEIR_ENOMEM;
    }
    if (!code && version >= 4)
        code = skew_names_restore(&edge->names, edge->instance, in);
    if (!code)
        code = skew_join_read(&edge->join, version, in);
    return code ? code : weir_reader_code(in);
}

int skew_edge_restore(void *state, uint32_t state_version, struct weir_reader *in,
                      struct weir_error *error)
{
    struct edge *edge = state;
    // Before 3 there was nothing but the pairs of open panes: they are left out.
    int code = state_version < 3 ? 0 : restore(edge, state_version, in);
    if (code)
        clear(edge);
    return code ? weir_error_set(error, code, "the saved state of pairs does not decode") : 0;
}
