// SPDX-License-Identifier: Apache-2.0
#include "consumer/window/tally.h"

#include <stdlib.h>
#include <string.h>

#include "weir/error.h"

enum { PARTITIONS = 1 << 20 }; // more ranges than this are no sane count

int weir_tally_pane_create(size_t n_rules, int64_t start, struct weir_tally_pane **pane)
{
    struct weir_tally_pane *made = calloc(1, sizeof *made);
    if (!made)
        return WEIR_ENOMEM;
    made->start = start;
    made->n_rules = n_rules;
    *pane = made;
    return 0;
}

void weir_tally_pane_destroy(struct weir_tally_pane *pane)
{
    if (!pane)
        return;
    for (size_t i = 0; pane->rules && i < pane->n_rules; i++)
        free(pane->rules[i].ranges);
    free(pane->rules);
    free(pane);
}

struct weir_tally *weir_tally_at(struct weir_tally_pane *pane, size_t rule)
{
    if (!pane->rules)
        pane->rules = calloc(pane->n_rules ? pane->n_rules : 1, sizeof *pane->rules);
    return pane->rules ? &pane->rules[rule] : NULL;
}

static int cover(struct weir_tally *tally, int32_t partition, int64_t first, int64_t last)
{
    size_t at = 0;
    while (at < tally->n_ranges && tally->ranges[at].partition < partition)
        at++;
    if (at < tally->n_ranges && tally->ranges[at].partition == partition) {
        struct weir_tally_range *range = &tally->ranges[at];
        range->first = first < range->first ? first : range->first;
        range->last = last > range->last ? last : range->last;
        return 0;
    }
    struct weir_tally_range *grown = realloc(tally->ranges, (tally->n_ranges + 1) * sizeof *grown);
    if (!grown)
        return WEIR_ENOMEM;
    memmove(&grown[at + 1], &grown[at], (tally->n_ranges - at) * sizeof *grown);
    grown[at] = (struct weir_tally_range){partition, first, last};
    tally->ranges = grown;
    tally->n_ranges++;
    return 0;
}

static void sample(struct weir_tally *tally, int32_t partition, int64_t offset)
{
    uint32_t at = tally->n_samples;
    while (at && (tally->samples[at - 1].partition > partition ||
                  (tally->samples[at - 1].partition == partition &&
                   tally->samples[at - 1].offset > offset)))
        at--;
    if (at == WEIR_TALLY_SAMPLES)
        return;
    uint32_t keep =
        tally->n_samples < WEIR_TALLY_SAMPLES ? tally->n_samples : WEIR_TALLY_SAMPLES - 1;
    memmove(&tally->samples[at + 1], &tally->samples[at], (keep - at) * sizeof *tally->samples);
    tally->samples[at].partition = partition;
    tally->samples[at].offset = offset;
    tally->n_samples = keep + 1;
}

int weir_tally_add(struct weir_tally *tally, int32_t partition, const int64_t *offsets,
                   size_t n_offsets, uint64_t n, int64_t last)
{
    if (!n)
        return 0;
    int code = cover(tally, partition, offsets[0], last);
    if (code)
        return code;
    tally->count += n;
    for (size_t i = 0; i < n_offsets && i < WEIR_TALLY_SAMPLES; i++)
        sample(tally, partition, offsets[i]);
    return 0;
}

int weir_tally_merge(struct weir_tally *into, const struct weir_tally *from)
{
    for (size_t i = 0; i < from->n_ranges; i++) {
        const struct weir_tally_range *range = &from->ranges[i];
        if (cover(into, range->partition, range->first, range->last))
            return WEIR_ENOMEM;
    }
    into->count += from->count;
    for (uint32_t i = 0; i < from->n_samples; i++)
        sample(into, from->samples[i].partition, from->samples[i].offset);
    return 0;
}

int weir_tally_write(const struct weir_tally_pane *pane, weir_tally_namer namer, void *context,
                     struct weir_buffer *out)
{
    size_t n = 0, n_rules = pane->rules ? pane->n_rules : 0;
    for (size_t i = 0; i < n_rules; i++)
        n += pane->rules[i].count > 0;
    weir_put_long(out, (int64_t)pane->rows);
    weir_put_long(out, (int64_t)n);
    for (size_t i = 0; i < n_rules; i++) {
        const struct weir_tally *tally = &pane->rules[i];
        const char *detector, *name;
        if (!tally->count)
            continue;
        namer(context, i, &detector, &name);
        weir_put_string(out, detector);
        weir_put_string(out, name);
        weir_put_long(out, (int64_t)tally->count);
        weir_put_long(out, (int64_t)tally->n_ranges);
        for (size_t k = 0; k < tally->n_ranges; k++) {
            weir_put_long(out, tally->ranges[k].partition);
            weir_put_long(out, tally->ranges[k].first);
            weir_put_long(out, tally->ranges[k].last);
        }
        weir_put_long(out, tally->n_samples);
        for (uint32_t k = 0; k < tally->n_samples; k++) {
            weir_put_long(out, tally->samples[k].partition);
            weir_put_long(out, tally->samples[k].offset);
        }
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

static int read_tally(struct weir_tally *into, struct weir_reader *in)
{
    struct weir_tally one = {0};
    int code = 0;
    one.count = weir_get_count(in, INT64_MAX);
    size_t n = weir_get_count(in, PARTITIONS);
    for (size_t k = 0; k < n && !in->failed && !code; k++) {
        int32_t partition = (int32_t)weir_get_count(in, INT32_MAX);
        int64_t first = weir_get_long(in), last = weir_get_long(in);
        if (!in->failed)
            code = cover(&one, partition, first, last);
    }
    n = weir_get_count(in, WEIR_TALLY_SAMPLES);
    for (size_t k = 0; k < n && !in->failed; k++) {
        int32_t partition = (int32_t)weir_get_count(in, INT32_MAX);
        int64_t offset = weir_get_long(in);
        sample(&one, partition, offset);
    }
    if (in->failed)
        code = WEIR_ECORRUPT;
    if (!code && into)
        code = weir_tally_merge(into, &one);
    free(one.ranges);
    return code;
}

int weir_tally_read_merge(struct weir_tally_pane *pane, weir_tally_finder finder, void *context,
                          struct weir_reader *in)
{
    uint64_t rows = weir_get_count(in, INT64_MAX);
    size_t n = weir_get_count(in, weir_reader_left(in));
    if (in->failed)
        return WEIR_ECORRUPT;
    pane->rows += rows;
    for (size_t i = 0; i < n; i++) {
        char detector[256], name[256];
        weir_get_string(in, detector, sizeof detector);
        weir_get_string(in, name, sizeof name);
        if (in->failed)
            return WEIR_ECORRUPT;
        int64_t rule = finder(context, detector, name);
        struct weir_tally *into = NULL;
        if (rule >= 0 && (size_t)rule < pane->n_rules) {
            into = weir_tally_at(pane, (size_t)rule);
            if (!into)
                return WEIR_ENOMEM;
        }
        int code = read_tally(into, in);
        if (code)
            return code;
    }
    return 0;
}
