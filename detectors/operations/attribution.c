// SPDX-License-Identifier: Apache-2.0
#include "detectors/operations/attribution.h"

#include <stdlib.h>
#include <string.h>

#include "weir/error.h"

// One is blamed that has so much of what went wrong, of at most so much of all, and so much.
static const double BLAMED = 0.8, AT_MOST = 0.6, LEAST = 8;
static const double FORGOTTEN = 0.5; // records
enum { NAMES = 1024 };

void operations_attribution_free(struct operations_attribution *attribution)
{
    for (size_t i = 0; i < attribution->n; i++)
        free(attribution->list[i].name);
    free(attribution->list);
    memset(attribution, 0, sizeof *attribution);
}

static struct operations_share *share_at(struct operations_attribution *attribution,
                                         const char *name, int *code)
{
    size_t low = 0, high = attribution->n;
    *code = 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(attribution->list[middle].name, name);
        if (!order)
            return &attribution->list[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (attribution->n == NAMES)
        return NULL;
    *code = WEIR_ENOMEM;
    struct operations_share made = {.name = strdup(name)};
    void *grown = made.name ? realloc(attribution->list, (attribution->n + 1) * sizeof made) : NULL;
    if (!grown) {
        free(made.name);
        return NULL;
    }
    *code = 0;
    attribution->list = grown;
    memmove(&attribution->list[low + 1], &attribution->list[low],
            (attribution->n - low) * sizeof made);
    attribution->list[low] = made;
    attribution->n++;
    return &attribution->list[low];
}

int operations_attribution_add(struct operations_attribution *attribution, double keep,
                               const struct operations_table *table)
{
    size_t kept = 0;
    for (size_t i = 0; i < attribution->n; i++) {
        struct operations_share *share = &attribution->list[i];
        share->n_late *= keep;
        share->late *= keep;
        share->n_failed *= keep;
        share->failed *= keep;
        if (share->n_late + share->n_failed >= FORGOTTEN)
            attribution->list[kept++] = *share;
        else
            free(share->name);
    }
    attribution->n = kept;
    for (uint32_t i = 0; i < table->names.n; i++) {
        const struct operations_count *count = &table->counts[i];
        int code;
        struct operations_share *share = count->n_late + count->n_failed
                                             ? share_at(attribution, table->names.texts[i], &code)
                                             : NULL;
        if (!share && count->n_late + count->n_failed && code)
            return code;
        if (!share)
            continue;
        share->n_late += (double)count->n_late;
        share->late += (double)count->late;
        share->n_failed += (double)count->n_failed;
        share->failed += (double)count->failed;
    }
    return 0;
}

const char *operations_attribution_find(const struct operations_attribution *attribution,
                                        int is_latency, double *share)
{
    double rows = 0, bad = 0;
    for (size_t i = 0; i < attribution->n; i++) {
        const struct operations_share *of = &attribution->list[i];
        rows += is_latency ? of->n_late : of->n_failed;
        bad += is_latency ? of->late : of->failed;
    }
    for (size_t i = 0; i < attribution->n; i++) {
        const struct operations_share *of = &attribution->list[i];
        double own = is_latency ? of->late : of->failed;
        double all = is_latency ? of->n_late : of->n_failed;
        if (own < LEAST || own < BLAMED * bad || all > AT_MOST * rows)
            continue;
        *share = own / bad;
        return of->name;
    }
    return NULL;
}

// ---- bytes

void operations_attribution_save(const struct operations_attribution *attribution,
                                 struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)attribution->n);
    for (size_t i = 0; i < attribution->n; i++) {
        const struct operations_share *share = &attribution->list[i];
        weir_put_string(out, share->name);
        weir_put_double(out, share->n_late);
        weir_put_double(out, share->late);
        weir_put_double(out, share->n_failed);
        weir_put_double(out, share->failed);
    }
}

int operations_attribution_restore(struct operations_attribution *attribution,
                                   struct weir_reader *in)
{
    size_t n = weir_get_count(in, NAMES);
    for (size_t i = 0; i < n && !in->failed; i++) {
        int code;
        char *name = weir_get_string_alloc(in, WEIR_NAME_LENGTH);
        struct operations_share *share = name ? share_at(attribution, name, &code) : NULL;
        free(name);
        if (!share)
            return in->failed ? WEIR_ECORRUPT : WEIR_ENOMEM;
        share->n_late = weir_get_double(in);
        share->late = weir_get_double(in);
        share->n_failed = weir_get_double(in);
        share->failed = weir_get_double(in);
        if (!(share->n_late >= share->late && share->late >= 0 && share->n_late < 1e18 &&
              share->n_failed >= share->failed && share->failed >= 0 && share->n_failed < 1e18))
            return WEIR_ECORRUPT;
    }
    return in->failed ? WEIR_ECORRUPT : 0;
}
