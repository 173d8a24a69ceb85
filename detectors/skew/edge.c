// SPDX-License-Identifier: Apache-2.0
// Beside the records: pairs, and what they come to, by pane.
#include <stdlib.h>
#include <string.h>

#include "detectors/skew/compare.h"
#include "detectors/skew/skew.h"
#include "stats/hash.h"

enum { PANES = 65536 };

struct pane {
    int64_t start;
    struct skew_tally tally;
};

struct edge {
    const struct skew_instance *instance;
    struct pane *panes; // open ones with something in them, ascending
    size_t n_panes, panes_capacity;
};

int skew_edge_create(void *instance, void **out, struct weir_error *error)
{
    struct edge *edge = calloc(1, sizeof *edge);
    if (!edge)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for pairs");
    edge->instance = instance;
    *out = edge;
    return 0;
}

static void clear(struct edge *edge)
{
    for (size_t i = 0; i < edge->n_panes; i++)
        skew_tally_free(&edge->panes[i].tally);
    free(edge->panes);
    edge->panes = NULL;
    edge->n_panes = edge->panes_capacity = 0;
}

void skew_edge_destroy(void *state)
{
    struct edge *edge = state;
    if (!edge)
        return;
    clear(edge);
    free(edge);
}

// The tally of a pane, made where it is new; NULL when memory is out.
static struct skew_tally *tally_of(struct edge *edge, int64_t start)
{
    size_t at = edge->n_panes;
    while (at && edge->panes[at - 1].start > start)
        at--;
    if (at && edge->panes[at - 1].start == start)
        return &edge->panes[at - 1].tally;
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
    return &edge->panes[at].tally;
}

static int observe_row(struct edge *edge, const struct weir_batch *batch, uint32_t row,
                       const struct weir_edge *host)
{
    struct skew_tally *tally = tally_of(edge, host->pane[row]);
    int64_t where[2] = {batch->partition, batch->offset[row]};
    struct skew_sample sample = {.partition = batch->partition, .offset = batch->offset[row]};
    if (!tally)
        return WEIR_ENOMEM;
    tally->pairs++;
    sample.order = weir_hash(where, sizeof where);
    for (size_t i = 0; i < tally->n_fields; i++) {
        const struct skew_pair *pair = &edge->instance->pairs[i];
        sample.served = skew_value_read(&batch->columns[pair->served], row);
        sample.offline = skew_value_read(&batch->columns[pair->offline], row);
        enum skew_verdict verdict = skew_compare(&sample.served, &sample.offline);
        tally->fields[i].verdicts[verdict]++;
        if (verdict > SKEW_UNKNOWN && (skew_tally_sample(&tally->fields[i], &sample) ||
                                       skew_tally_topic(tally, batch->topic)))
            return WEIR_ENOMEM;
    }
    return 0;
}

int skew_edge_observe(void *state, const struct weir_batch *batch, const struct weir_edge *host,
                      struct weir_error *error)
{
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        int bad =
            batch->fault[row] == WEIR_ROW_UNDECODABLE || batch->fault[row] == WEIR_ROW_TOMBSTONE;
        if (!bad && observe_row(state, batch, row, host))
            return weir_error_set(error, WEIR_ENOMEM, "no memory for pairs");
    }
    return 0;
}

int skew_edge_close(void *state, int64_t start, int64_t end, struct weir_buffer *out,
                    struct weir_error *error)
{
    struct edge *edge = state;
    size_t closed = 0;
    int code = 0;
    (void)end;
    for (; !code && closed < edge->n_panes && edge->panes[closed].start <= start; closed++) {
        code = skew_tally_write(&edge->panes[closed].tally, out);
        skew_tally_free(&edge->panes[closed].tally);
    }
    if (closed)
        memmove(edge->panes, edge->panes + closed, (edge->n_panes - closed) * sizeof *edge->panes);
    edge->n_panes -= closed;
    return code ? weir_error_set(error, code, "no memory to close a pane") : 0;
}

// ---- state

int skew_edge_save(const void *state, struct weir_buffer *out)
{
    const struct edge *edge = state;
    weir_put_long(out, (int64_t)edge->n_panes);
    for (size_t i = 0; i < edge->n_panes; i++) {
        weir_put_long(out, edge->panes[i].start);
        skew_tally_write(&edge->panes[i].tally, out);
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

static int restore(struct edge *edge, struct weir_reader *in)
{
    size_t n = weir_get_count(in, PANES);
    int code = 0;
    for (size_t i = 0; i < n && !code && !in->failed; i++) {
        int64_t start = weir_get_long(in);
        struct skew_tally *tally = in->failed ? NULL : tally_of(edge, start);
        code = tally ? skew_tally_read(tally, in) : in->failed ? WEIR_ECORRUPT : WEIR_ENOMEM;
    }
    return code ? code : weir_reader_code(in);
}

int skew_edge_restore(void *state, uint32_t state_version, struct weir_reader *in,
                      struct weir_error *error)
{
    struct edge *edge = state;
    (void)state_version;
    int code = restore(edge, in);
    if (code)
        clear(edge);
    return code ? weir_error_set(error, code, "the saved state of pairs does not decode") : 0;
}
