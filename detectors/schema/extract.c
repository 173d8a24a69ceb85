// SPDX-License-Identifier: Apache-2.0
// What the edges told of a window's panes, put together.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/watch.h"
#include "stats/special.h"
#include "stats/value_text.h"

#define COUNTS ((size_t)1 << 60)

int schema_extract_init(struct schema_extract *extract, const struct schema *schema)
{
    memset(extract, 0, sizeof *extract);
    extract->fields = calloc(schema->n_fields + 1, sizeof *extract->fields);
    return extract->fields ? 0 : WEIR_ENOMEM;
}

void schema_extract_free(struct schema_extract *extract)
{
    free(extract->fields);
    memset(extract, 0, sizeof *extract);
}

// Weights are 1 and 8: with n and m such rows the sum is n + 8 m, that of the squares n + 64 m.
uint64_t schema_weights_rows(const struct schema_weights *weights)
{
    uint64_t heavier = weights->squares > weights->sum ? (weights->squares - weights->sum) / 8 : 0;
    return heavier < weights->sum ? weights->sum - heavier : 0;
}

const char *schema_sample_text(const struct schema_weights *weights, uint64_t all, char *text)
{
    char count[32];
    uint64_t rows = schema_weights_rows(weights);
    *text = 0;
    if (rows < all)
        snprintf(text, 64, " (by a sample of %s)", weir_count_text(rows, count));
    return text;
}

double schema_weights_effective(const struct schema_weights *weights)
{
    double sum = (double)weights->sum;
    return weights->squares ? sum * sum / (double)weights->squares : 0;
}

double schema_weights_chance(const struct schema_weights *weights, double part, double share,
                             double usual)
{
    double sum = part * (double)weights->sum, most = 8;
    if (weights->squares <= weights->sum)
        return weir_binomial_sf(floor(share * sum + 1e-9), floor(sum), fmin(usual, 1));
    double mean = usual * part * (double)weights->squares / (most * most);
    double count = floor(mean + (share - usual) * sum / most);
    return share <= usual || count < 1 ? 1 : weir_gamma_p(count, mean);
}

static void add_weights(struct schema_weights *weights, struct weir_reader *in)
{
    uint64_t sum = weir_get_count(in, COUNTS), squares = weir_get_count(in, COUNTS);
    if (in->failed)
        return;
    weights->sum += sum;
    weights->squares += squares;
}

static void add_common(struct schema_told *seen, const struct schema_common *one)
{
    size_t i = 0;
    while (i < seen->n_common && seen->common[i].bits != one->bits)
        i++;
    if (i == seen->n_common && seen->n_common < SCHEMA_COMMON) {
        seen->common[seen->n_common++] = *one;
        return;
    }
    if (i < seen->n_common) {
        seen->common[i].count += one->count;
        seen->common[i].most += one->most;
    } else if (one->count > seen->common[SCHEMA_COMMON - 1].count) {
        seen->common[SCHEMA_COMMON - 1] = *one;
    }
}

static int by_count(const void *a, const void *b)
{
    const struct schema_common *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return (x->bits > y->bits) - (x->bits < y->bits);
}

static void read_field(struct schema_told *seen, struct weir_reader *in)
{
    struct schema_told none = {0};
    seen = seen ? seen : &none;
    add_weights(&seen->values, in);
    size_t n = weir_get_count(in, SCHEMA_COMMON);
    for (size_t i = 0; i < n && !in->failed; i++) {
        struct schema_common one = {.bits = weir_get_fixed64(in)};
        one.count = weir_get_count(in, COUNTS);
        one.most = weir_get_count(in, COUNTS);
        if (!in->failed)
            add_common(seen, &one);
    }
    // So that the least of them is the one to go.
    if (seen->n_common > 1)
        qsort(seen->common, seen->n_common, sizeof *seen->common, by_count);
    add_weights(&seen->texts, in);
    seen->low += weir_get_count(in, COUNTS);
    n = weir_get_count(in, SCHEMA_LOW);
    for (size_t i = 0; i < n && !in->failed; i++) {
        uint64_t hash = weir_get_fixed64(in);
        size_t at = 0;
        while (at < seen->n_unlike && seen->unlike[at] != hash)
            at++;
        if (at == seen->n_unlike && at < SCHEMA_LOW && !in->failed)
            seen->unlike[seen->n_unlike++] = hash;
    }
    seen->broken += weir_get_count(in, COUNTS);
}

static void read_pane(struct schema_extract *extract, const struct schema *schema,
                      struct weir_reader *in)
{
    extract->rows += weir_get_count(in, COUNTS);
    add_weights(&extract->sampled, in);
    extract->stale += weir_get_count(in, COUNTS);
    int64_t oldest = weir_get_long(in);
    extract->oldest = oldest > extract->oldest ? oldest : extract->oldest;
    size_t n = weir_get_count(in, weir_reader_left(in));
    for (size_t i = 0; i < n && !in->failed; i++) {
        uint64_t hash = weir_get_fixed64(in);
        struct schema_told *seen = NULL;
        for (size_t f = 0; f < schema->n_fields; f++) {
            if (schema->fields[f].watched && schema->fields[f].name_hash == hash)
                seen = &extract->fields[f];
        }
        read_field(seen, in);
    }
    n = weir_get_count(in, SCHEMA_PAIRS);
    for (size_t i = 0; i < n && !in->failed; i++) {
        uint64_t hash = weir_get_fixed64(in), count = weir_get_count(in, COUNTS);
        for (size_t p = 0; p < schema->n_pairs; p++)
            extract->swapped[p] += schema->pairs[p].hash == hash ? count : 0;
    }
}

static uint64_t at_most(uint64_t count, uint64_t all)
{
    return count < all ? count : all;
}

// What was damaged on its way has no more of anything than there is.
static void bound(struct schema_extract *extract, const struct schema *schema)
{
    extract->stale = at_most(extract->stale, extract->rows);
    for (size_t p = 0; p < SCHEMA_PAIRS; p++)
        extract->swapped[p] = at_most(extract->swapped[p], extract->sampled.sum);
    for (size_t f = 0; f < schema->n_fields; f++) {
        struct schema_told *seen = &extract->fields[f];
        seen->low = at_most(seen->low, seen->texts.sum);
        for (size_t i = 0; i < seen->n_common; i++)
            seen->common[i].count = at_most(seen->common[i].count, seen->values.sum);
    }
}

void schema_extract_read(struct schema_extract *extract, const struct schema *schema,
                         const struct weir_window *window)
{
    struct schema_told *fields = extract->fields;
    memset(fields, 0, schema->n_fields * sizeof *fields);
    *extract = (struct schema_extract){.fields = fields};
    for (size_t i = 0; i < window->n_extracts; i++) {
        struct weir_reader in =
            weir_reader_make(window->extracts[i].data, window->extracts[i].length);
        read_pane(extract, schema, &in);
    }
    bound(extract, schema);
}
