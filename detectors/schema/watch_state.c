// SPDX-License-Identifier: Apache-2.0
// Panes of the watch: what is handed to the owner, and what outlives a restart.
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/watch_inside.h"

#define COUNTS ((size_t)1 << 60)

void watch_pane_free(const struct schema *schema, struct watch_pane *pane)
{
    if (!pane)
        return;
    for (size_t f = 0; pane->fields && f < schema->n_fields; f++)
        free(pane->fields[f].buckets);
    free(pane->fields);
    free(pane);
}

static struct watch_pane *make_pane(const struct schema *schema, int64_t start)
{
    struct watch_pane *pane = calloc(1, sizeof *pane);
    if (!pane)
        return NULL;
    pane->start = start;
    pane->fields = calloc(schema->n_fields + 1, sizeof *pane->fields);
    int failed = !pane->fields;
    for (size_t f = 0; !failed && f < schema->n_fields; f++) {
        if (schema->fields[f].watched & SCHEMA_WATCH_VALUES)
            failed =
                !(pane->fields[f].buckets = calloc(WATCH_BUCKETS, sizeof *pane->fields[f].buckets));
    }
    if (!failed)
        return pane;
    watch_pane_free(schema, pane);
    return NULL;
}

struct watch_pane *watch_pane_at(struct schema_watch *watch, int64_t start, int *full)
{
    size_t at = watch->n_panes;
    while (at && watch->panes[at - 1]->start >= start)
        at--;
    if (at < watch->n_panes && watch->panes[at]->start == start)
        return watch->panes[at];
    *full = watch->n_panes == WATCH_PANES;
    struct watch_pane *pane = *full ? NULL : make_pane(watch->schema, start);
    if (!pane)
        return NULL;
    memmove(&watch->panes[at + 1], &watch->panes[at], (watch->n_panes - at) * sizeof *watch->panes);
    watch->panes[at] = pane;
    watch->n_panes++;
    return pane;
}

// ---- to the owner

static void put_weights(const struct schema_weights *weights, struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)weights->sum);
    weir_put_long(out, (int64_t)weights->squares);
}

static int by_lead(const void *a, const void *b)
{
    const struct watch_bucket *x = a, *y = b;
    if (x->lead != y->lead)
        return x->lead < y->lead ? 1 : -1;
    return (x->bits > y->bits) - (x->bits < y->bits);
}

static void put_common(const struct watch_field *seen, struct weir_buffer *out)
{
    struct watch_bucket most[WATCH_BUCKETS];
    size_t n = 0;
    for (size_t i = 0; seen->buckets && i < WATCH_BUCKETS; i++) {
        if (seen->buckets[i].lead >= 3 && seen->buckets[i].lead >= seen->values.sum / 500)
            most[n++] = seen->buckets[i];
    }
    if (n > 1)
        qsort(most, n, sizeof *most, by_lead);
    n = n < SCHEMA_COMMON ? n : SCHEMA_COMMON;
    weir_put_long(out, (int64_t)n);
    for (size_t i = 0; i < n; i++) {
        weir_put_fixed64(out, most[i].bits);
        weir_put_long(out, most[i].lead);
        weir_put_long(out, ((int64_t)most[i].lead + most[i].total) / 2);
    }
}

static void put_texts(const struct watch_field *seen, struct weir_buffer *out)
{
    put_weights(&seen->texts, out);
    weir_put_long(out, (int64_t)seen->low);
    weir_put_long(out, (int64_t)seen->n_unlike);
    for (size_t i = 0; i < seen->n_unlike; i++)
        weir_put_fixed64(out, seen->unlike[i]);
    weir_put_long(out, (int64_t)seen->broken);
}

static void put_totals(const struct watch_pane *pane, struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)pane->rows);
    put_weights(&pane->sampled, out);
    weir_put_long(out, (int64_t)pane->stale);
    weir_put_long(out, pane->oldest);
}

static void put_pairs(const struct schema *schema, const struct watch_pane *pane,
                      struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)schema->n_pairs);
    for (size_t p = 0; p < schema->n_pairs; p++) {
        weir_put_fixed64(out, schema->pairs[p].hash);
        weir_put_long(out, (int64_t)pane->swapped[p]);
    }
}

static size_t n_watched(const struct schema *schema)
{
    size_t n = 0;
    for (size_t f = 0; f < schema->n_fields; f++)
        n += schema->fields[f].watched != 0;
    return n;
}

int schema_watch_close(struct schema_watch *watch, int64_t start, struct weir_buffer *out)
{
    const struct schema *schema = watch->schema;
    size_t at = 0;
    while (at < watch->n_panes && watch->panes[at]->start != start)
        at++;
    if (at == watch->n_panes)
        return 0;
    struct watch_pane *pane = watch->panes[at];
    put_totals(pane, out);
    weir_put_long(out, (int64_t)n_watched(schema));
    for (size_t f = 0; f < schema->n_fields; f++) {
        if (!schema->fields[f].watched)
            continue;
        weir_put_fixed64(out, schema->fields[f].name_hash);
        put_weights(&pane->fields[f].values, out);
        put_common(&pane->fields[f], out);
        put_texts(&pane->fields[f], out);
    }
    put_pairs(schema, pane, out);
    watch_pane_free(schema, pane);
    memmove(&watch->panes[at], &watch->panes[at + 1],
            (watch->n_panes - at - 1) * sizeof *watch->panes);
    watch->n_panes--;
    return out->failed ? WEIR_ENOMEM : 0;
}

// ---- over a restart

static void save_field(const struct watch_field *seen, struct weir_buffer *out)
{
    size_t n = 0;
    for (size_t i = 0; seen->buckets && i < WATCH_BUCKETS; i++)
        n += seen->buckets[i].total != 0;
    put_weights(&seen->values, out);
    weir_put_long(out, (int64_t)n);
    for (size_t i = 0; n && i < WATCH_BUCKETS; i++) {
        if (!seen->buckets[i].total)
            continue;
        weir_put_long(out, (int64_t)i);
        weir_put_fixed64(out, seen->buckets[i].bits);
        weir_put_long(out, seen->buckets[i].lead);
        weir_put_long(out, seen->buckets[i].total);
    }
    put_texts(seen, out);
}

int schema_watch_save(const struct schema_watch *watch, struct weir_buffer *out)
{
    const struct schema *schema = watch->schema;
    weir_put_long(out, (int64_t)watch->n_panes);
    for (size_t i = 0; i < watch->n_panes; i++) {
        const struct watch_pane *pane = watch->panes[i];
        weir_put_long(out, pane->start);
        put_totals(pane, out);
        weir_put_long(out, (int64_t)n_watched(schema));
        for (size_t f = 0; f < schema->n_fields; f++) {
            if (!schema->fields[f].watched)
                continue;
            weir_put_fixed64(out, schema->fields[f].name_hash);
            save_field(&pane->fields[f], out);
        }
        put_pairs(schema, pane, out);
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

static struct schema_weights get_weights(struct weir_reader *in)
{
    struct schema_weights weights = {.sum = weir_get_count(in, COUNTS)};
    weights.squares = weir_get_count(in, COUNTS);
    return weights;
}

// Fields and pairs that the configuration no longer has are read and let go.
static void restore_field(struct watch_field *seen, struct weir_reader *in)
{
    struct watch_field read = {.values = get_weights(in)};
    size_t n = weir_get_count(in, WATCH_BUCKETS);
    for (size_t i = 0; i < n && !in->failed; i++) {
        size_t at = weir_get_count(in, WATCH_BUCKETS - 1);
        struct watch_bucket bucket = {.bits = weir_get_fixed64(in)};
        bucket.lead = (uint32_t)weir_get_count(in, UINT32_MAX);
        bucket.total = (uint32_t)weir_get_count(in, UINT32_MAX);
        if (!in->failed && seen && seen->buckets)
            seen->buckets[at] = bucket;
    }
    read.texts = get_weights(in);
    read.low = weir_get_count(in, COUNTS);
    read.n_unlike = weir_get_count(in, SCHEMA_LOW);
    for (size_t i = 0; i < read.n_unlike && !in->failed; i++)
        read.unlike[i] = weir_get_fixed64(in);
    read.broken = weir_get_count(in, COUNTS);
    if (in->failed || !seen)
        return;
    read.buckets = seen->buckets;
    *seen = read;
}

static void restore_pane(const struct schema *schema, struct watch_pane *pane,
                         struct weir_reader *in)
{
    pane->rows = weir_get_count(in, COUNTS);
    pane->sampled = get_weights(in);
    pane->stale = weir_get_count(in, COUNTS);
    pane->oldest = weir_get_long(in);
    size_t n = weir_get_count(in, weir_reader_left(in));
    for (size_t i = 0; i < n && !in->failed; i++) {
        uint64_t hash = weir_get_fixed64(in);
        struct watch_field *seen = NULL;
        for (size_t f = 0; f < schema->n_fields && !in->failed; f++) {
            if (schema->fields[f].watched && schema->fields[f].name_hash == hash)
                seen = &pane->fields[f];
        }
        restore_field(seen, in);
    }
    n = weir_get_count(in, SCHEMA_PAIRS);
    for (size_t i = 0; i < n && !in->failed; i++) {
        uint64_t hash = weir_get_fixed64(in), count = weir_get_count(in, COUNTS);
        for (size_t p = 0; p < schema->n_pairs; p++)
            pane->swapped[p] = schema->pairs[p].hash == hash ? count : pane->swapped[p];
    }
}

int schema_watch_restore(struct schema_watch *watch, struct weir_reader *in)
{
    int full = 0, code = 0;
    size_t n = weir_get_count(in, WATCH_PANES);
    for (size_t i = 0; i < n && !in->failed && !code; i++) {
        int64_t start = weir_get_long(in);
        struct watch_pane *pane = in->failed ? NULL : watch_pane_at(watch, start, &full);
        if (pane)
            restore_pane(watch->schema, pane, in);
        else if (!in->failed)
            code = full ? WEIR_ECORRUPT : WEIR_ENOMEM;
    }
    if (in->failed)
        code = WEIR_ECORRUPT;
    while (code && watch->n_panes)
        watch_pane_free(watch->schema, watch->panes[--watch->n_panes]);
    return code;
}
