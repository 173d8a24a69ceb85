// SPDX-License-Identifier: Apache-2.0
// Beside the records: what the values of annotated fields look like, by pane.
#include <stdlib.h>
#include <string.h>

#include "detectors/semantics/semantics.h"

enum { PANES = 4096, FIELDS = 100000 };

struct pane {
    int64_t start;
    struct weir_clues *clues; // one a field
};

struct edge {
    const struct semantics *semantics;
    struct pane *panes; // open ones with something in them, ascending
    size_t n_panes, room;
};

struct weir_clues *semantics_clues_create(const struct semantics *semantics)
{
    size_t n = semantics->n_fields;
    struct weir_clues *clues = calloc(n ? n : 1, sizeof *clues);
    for (size_t i = 0; clues && i < n; i++) {
        if (weir_clues_init(&clues[i])) {
            semantics_clues_destroy(semantics, clues);
            return NULL;
        }
    }
    return clues;
}

void semantics_clues_destroy(const struct semantics *semantics, struct weir_clues *clues)
{
    for (size_t i = 0; clues && i < semantics->n_fields; i++)
        weir_clues_free(&clues[i]);
    free(clues);
}

int semantics_clues_write(const struct semantics *semantics, const struct weir_clues *clues,
                          struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)semantics->n_fields);
    for (size_t i = 0; i < semantics->n_fields; i++) {
        weir_put_string(out, semantics->fields[i].field->name);
        weir_clues_write(&clues[i], out);
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

// Where a field's clues go: those of a field that is no longer watched, into `spare`.
static struct weir_clues *named(const struct semantics *semantics, struct weir_clues *clues,
                                const char *name, struct weir_clues *spare)
{
    for (size_t i = 0; i < semantics->n_fields; i++) {
        if (!strcmp(name, semantics->fields[i].field->name))
            return &clues[i];
    }
    return spare;
}

int semantics_clues_read_merge(const struct semantics *semantics, struct weir_clues *clues,
                               struct weir_reader *in)
{
    char name[4096];
    struct weir_clues spare;
    size_t n = weir_get_count(in, FIELDS);
    int code = weir_clues_init(&spare);
    for (size_t i = 0; !code && !in->failed && i < n; i++) {
        weir_get_string(in, name, sizeof name);
        if (!in->failed)
            code = weir_clues_read_merge(named(semantics, clues, name, &spare), in);
    }
    weir_clues_free(&spare);
    return code ? code : in->failed ? WEIR_ECORRUPT : 0;
}

int semantics_edge_create(void *instance, void **out, struct weir_error *error)
{
    struct edge *edge = calloc(1, sizeof *edge);
    if (!edge)
        return weir_error_set(error, WEIR_ENOMEM, "semantics: no memory");
    edge->semantics = instance;
    *out = edge;
    return 0;
}

static void clear(struct edge *edge)
{
    for (size_t i = 0; i < edge->n_panes; i++)
        semantics_clues_destroy(edge->semantics, edge->panes[i].clues);
    free(edge->panes);
    edge->panes = NULL;
    edge->n_panes = edge->room = 0;
}

void semantics_edge_destroy(void *state)
{
    struct edge *edge = state;
    if (edge)
        clear(edge);
    free(edge);
}

// The clues of a pane, made where it is new; NULL when memory is out.
static struct weir_clues *clues_of(struct edge *edge, int64_t start)
{
    size_t at = edge->n_panes;
    while (at && edge->panes[at - 1].start > start)
        at--;
    if (at && edge->panes[at - 1].start == start)
        return edge->panes[at - 1].clues;
    if (edge->n_panes == edge->room) {
        size_t room = edge->room ? 2 * edge->room : 4;
        struct pane *grown = realloc(edge->panes, room * sizeof *grown);
        if (!grown)
            return NULL;
        edge->panes = grown;
        edge->room = room;
    }
    struct weir_clues *clues = semantics_clues_create(edge->semantics);
    if (!clues)
        return NULL;
    memmove(&edge->panes[at + 1], &edge->panes[at], (edge->n_panes - at) * sizeof *edge->panes);
    edge->panes[at] = (struct pane){start, clues};
    edge->n_panes++;
    return clues;
}

static int add_rows(struct edge *edge, const struct weir_batch *batch, int64_t pane,
                    const uint32_t *rows, size_t n)
{
    struct weir_clues *clues = n ? clues_of(edge, pane) : NULL;
    if (n && !clues)
        return WEIR_ENOMEM;
    for (size_t i = 0; n && i < edge->semantics->n_fields; i++) {
        const struct weir_column *column = &batch->columns[edge->semantics->fields[i].index];
        if (weir_clues_add(&clues[i], column, batch->time, rows, n))
            return WEIR_ENOMEM;
    }
    return 0;
}

int semantics_edge_observe(void *state, const struct weir_batch *batch,
                           const struct weir_edge *host, struct weir_error *error)
{
    struct edge *edge = state;
    uint32_t rows[WEIR_BATCH_ROWS];
    size_t n = 0;
    int64_t pane = 0;
    int code = 0;
    if (!edge->semantics->n_fields)
        return 0;
    // Runs of rows of one pane, which are long.
    for (uint32_t row = 0; row < batch->n_rows && !code; row++) {
        if (batch->fault[row] == WEIR_ROW_UNDECODABLE || batch->fault[row] == WEIR_ROW_TOMBSTONE)
            continue;
        if (n && host->pane[row] != pane) {
            code = add_rows(edge, batch, pane, rows, n);
            n = 0;
        }
        pane = host->pane[row];
        rows[n++] = row;
    }
    if (!code)
        code = add_rows(edge, batch, pane, rows, n);
    return code ? weir_error_set(error, code, "semantics: no memory for clues") : 0;
}

int semantics_edge_close(void *state, int64_t start, int64_t end, struct weir_buffer *out,
                         struct weir_error *error)
{
    struct edge *edge = state;
    size_t closed = 0;
    int code = 0;
    (void)end;
    for (; closed < edge->n_panes && edge->panes[closed].start <= start; closed++) {
        if (!code)
            code = semantics_clues_write(edge->semantics, edge->panes[closed].clues, out);
        semantics_clues_destroy(edge->semantics, edge->panes[closed].clues);
    }
    if (closed)
        memmove(edge->panes, edge->panes + closed, (edge->n_panes - closed) * sizeof *edge->panes);
    edge->n_panes -= closed;
    return code ? weir_error_set(error, code, "semantics: no memory to close a pane") : 0;
}

int semantics_edge_save(const void *state, struct weir_buffer *out)
{
    const struct edge *edge = state;
    weir_put_long(out, (int64_t)edge->n_panes);
    for (size_t i = 0; i < edge->n_panes; i++) {
        weir_put_long(out, edge->panes[i].start);
        semantics_clues_write(edge->semantics, edge->panes[i].clues, out);
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

int semantics_edge_restore(void *state, uint32_t state_version, struct weir_reader *in,
                           struct weir_error *error)
{
    struct edge *edge = state;
    size_t n = weir_get_count(in, PANES);
    int code = 0;
    (void)state_version;
    for (size_t i = 0; i < n && !code; i++) {
        int64_t start = weir_get_long(in);
        struct weir_clues *clues = in->failed ? NULL : clues_of(edge, start);
        code = clues        ? semantics_clues_read_merge(edge->semantics, clues, in)
               : in->failed ? WEIR_ECORRUPT
                            : WEIR_ENOMEM;
    }
    if (!code && in->failed)
        code = WEIR_ECORRUPT;
    if (code)
        clear(edge);
    return code ? weir_error_set(error, code, "the saved clues do not decode") : 0;
}
