// SPDX-License-Identifier: Apache-2.0
// Slices of serving: what is kept of them.
#include "detectors/skew/slices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/hash.h"
#include "stats/summary.h"

enum { TEXT = 4096, VALUES = 8 };

// ---- one slice

static void free_slice(struct skew_slice *slice)
{
    if (!slice)
        return;
    for (size_t i = 0; slice->values && i < slice->n_values; i++) {
        free((char *)slice->values[i].field);
        free((char *)slice->values[i].value);
    }
    free(slice->values);
    free(slice->parts);
    free(slice->cells);
    free(slice);
}

static uint64_t hash_of(unsigned by, const struct weir_slice_value *values, size_t n)
{
    uint64_t hash = by;
    for (size_t i = 0; i < n; i++) {
        const char *value = values[i].value ? values[i].value : "\1null";
        hash = hash * 0x9e3779b97f4a7c15 + weir_hash(value, strlen(value));
    }
    return hash;
}

static struct skew_slice *make_slice(const struct skew_slices *slices, unsigned by,
                                     const struct weir_slice_value *values, size_t n)
{
    const struct skew_training_plan *plan = slices->plan;
    struct skew_slice *slice = calloc(1, sizeof *slice);
    if (!slice)
        return NULL;
    slice->by = by;
    slice->hash = hash_of(by, values, n);
    slice->values = calloc(n + 1, sizeof *slice->values);
    slice->parts = calloc(plan->n_fields + 1, sizeof *slice->parts);
    slice->cells = calloc(3 * slices->cells + 1, sizeof *slice->cells);
    int failed = !slice->values || !slice->parts || !slice->cells;
    for (size_t i = 0; !failed && i < n; i++) {
        slice->values[i].field = strdup(values[i].field);
        slice->values[i].value = values[i].value ? strdup(values[i].value) : NULL;
        slice->n_values = i + 1;
        failed = !slice->values[i].field || (values[i].value && !slice->values[i].value);
    }
    if (failed) {
        free_slice(slice);
        return NULL;
    }
    uint64_t *at = slice->cells;
    for (size_t f = 0; f < plan->n_fields; f++) {
        struct skew_slice_part *part = &slice->parts[f];
        uint64_t **const counts[3] = {&part->now[0].cell, &part->now[1].cell, &part->cell};
        for (int k = 0; k < 3; k++) {
            *counts[k] = at;
            at += plan->fields[f].then->cells->n;
        }
    }
    return slice;
}

static struct skew_slice *find(const struct skew_slices *slices, uint64_t hash)
{
    for (size_t i = 0; i < slices->n; i++)
        if (slices->of[i]->hash == hash)
            return slices->of[i];
    return NULL;
}

// ---- all of them

static size_t cells_of(const struct skew_training_plan *plan)
{
    size_t cells = 0;
    for (size_t f = 0; f < plan->n_fields; f++)
        cells += plan->fields[f].then->cells->n;
    return cells;
}

int skew_slices_create(const struct skew_training_plan *plan, struct skew_slices **out)
{
    struct skew_slices *slices = calloc(1, sizeof *slices);
    if (!slices)
        return WEIR_ENOMEM;
    slices->plan = plan;
    slices->cells = cells_of(plan);
    *out = slices;
    return 0;
}

void skew_slices_forget(struct skew_slices *slices)
{
    for (size_t i = 0; i < slices->n; i++)
        free_slice(slices->of[i]);
    slices->n = 0;
}

void skew_slices_destroy(struct skew_slices *slices)
{
    if (!slices)
        return;
    skew_slices_forget(slices);
    free(slices);
}

size_t skew_slices_memory_each(const struct skew_training_plan *plan)
{
    return 3 * cells_of(plan) * sizeof(uint64_t) + plan->n_fields * sizeof(struct skew_slice_part) +
           sizeof(struct skew_slice) + 256;
}

size_t skew_slices_memory(const struct skew_slices *slices)
{
    return sizeof *slices + slices->n * skew_slices_memory_each(slices->plan);
}

// The newer part becomes all; what nobody sent in it goes.
static void turn_over(struct skew_slices *slices)
{
    size_t kept = 0;
    for (size_t i = 0; i < slices->n; i++) {
        struct skew_slice *slice = slices->of[i];
        if (!slice->rows[1]) {
            free_slice(slice);
            continue;
        }
        slice->rows[0] = slice->rows[1];
        slice->rows[1] = slice->judged = 0;
        for (size_t f = 0; f < slices->plan->n_fields; f++) {
            struct skew_slice_part *part = &slice->parts[f];
            size_t n = slices->plan->fields[f].then->cells->n;
            uint64_t *all = part->now[0].cell;
            part->now[0] = part->now[1];
            memset(all, 0, n * sizeof *all);
            part->now[1].rows = part->now[1].null = part->now[1].unseen = 0;
            part->now[1].cell = all;
        }
        slices->of[kept++] = slice;
    }
    slices->n = kept;
}

static void add_field(struct skew_slice_part *part, const struct weir_summary *now, size_t n)
{
    for (int k = 0; k < 2; k++) {
        part->now[k].rows += now->rows;
        part->now[k].null += now->null + now->missing;
        part->now[k].unseen += now->unseen;
        for (size_t i = 0; i < n; i++)
            part->now[k].cell[i] += now->cell[i];
    }
}

int skew_slices_add(struct skew_slices *slices, const struct weir_window *window, int turn)
{
    const struct skew_training_plan *plan = slices->plan;
    if (turn)
        turn_over(slices);
    for (size_t s = 1; s < window->n_slices; s++) {
        const struct weir_slice *from = &window->slices[s];
        if (!from->rows || from->by < 1 || from->by > plan->n_by || from->n_values > VALUES)
            continue;
        struct skew_slice *slice = find(slices, hash_of(from->by, from->values, from->n_values));
        if (!slice) {
            if (slices->n == SKEW_SLICES)
                continue;
            slice = make_slice(slices, from->by, from->values, from->n_values);
            if (!slice)
                return WEIR_ENOMEM;
            slices->of[slices->n++] = slice;
        }
        slice->rows[0] += from->rows;
        slice->rows[1] += from->rows;
        for (size_t f = 0; f < plan->n_fields; f++) {
            const struct weir_summary *now = window->summary(window, s, plan->fields[f].index);
            size_t n = plan->fields[f].then->cells->n;
            if (now && now->cell && now->cells->n == n)
                add_field(&slice->parts[f], now, n);
        }
    }
    return 0;
}

// ---- state

// Names and cells of the fields, so that counts are read with those that they were written with.
static uint64_t hash_of_plan(const struct skew_slices *slices)
{
    const struct skew_training_plan *plan = slices->plan;
    uint64_t hash = plan->by_hash + plan->n_by;
    for (size_t f = 0; f < plan->n_fields; f++) {
        const char *name = plan->fields[f].info->name;
        hash = hash * 0x9e3779b97f4a7c15 + weir_hash(name, strlen(name)) +
               weir_cells_hash(plan->fields[f].then->cells);
    }
    return hash;
}

static void write_part(const struct skew_slice_part *part, size_t n, struct weir_buffer *out)
{
    for (int k = 0; k < 2; k++) {
        weir_put_long(out, (int64_t)part->now[k].rows);
        weir_put_long(out, (int64_t)part->now[k].null);
        weir_put_long(out, (int64_t)part->now[k].unseen);
        for (size_t i = 0; i < n; i++)
            weir_put_long(out, (int64_t)part->now[k].cell[i]);
    }
}

int skew_slices_save(const struct skew_slices *slices, struct weir_buffer *out)
{
    struct weir_buffer bytes;
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    weir_put_fixed64(&bytes, hash_of_plan(slices));
    weir_put_long(&bytes, (int64_t)slices->n);
    for (size_t i = 0; i < slices->n; i++) {
        const struct skew_slice *slice = slices->of[i];
        weir_put_long(&bytes, slice->by);
        weir_put_long(&bytes, (int64_t)slice->n_values);
        for (size_t k = 0; k < slice->n_values; k++) {
            weir_put_string(&bytes, slice->values[k].field);
            weir_put_long(&bytes, slice->values[k].value != NULL);
            weir_put_string(&bytes, slice->values[k].value ? slice->values[k].value : "");
        }
        for (int k = 0; k < 2; k++)
            weir_put_long(&bytes, (int64_t)slice->rows[k]);
        weir_put_long(&bytes, slice->contrary);
        for (size_t f = 0; f < slices->plan->n_fields; f++)
            write_part(&slice->parts[f], slices->plan->fields[f].then->cells->n, &bytes);
    }
    int code = bytes.failed ? WEIR_ENOMEM : weir_put_bytes(out, bytes.data, bytes.length);
    weir_buffer_free(&bytes);
    return code;
}

static uint64_t get_count(struct weir_reader *in)
{
    return weir_get_count(in, (size_t)1 << 56);
}

static void read_part(struct skew_slice_part *part, size_t n, struct weir_reader *in)
{
    for (int k = 0; k < 2 && !in->failed; k++) {
        part->now[k].rows = get_count(in);
        part->now[k].null = get_count(in);
        part->now[k].unseen = get_count(in);
        for (size_t i = 0; i < n && !in->failed; i++)
            part->now[k].cell[i] = get_count(in);
    }
}

static int read_slice(struct skew_slices *slices, struct weir_reader *in)
{
    struct weir_slice_value values[VALUES];
    char *texts[2 * VALUES] = {NULL};
    struct skew_slice *slice = NULL;
    unsigned by = (unsigned)weir_get_count(in, slices->plan->n_by);
    size_t n = weir_get_count(in, VALUES);
    for (size_t k = 0; k < n && !in->failed; k++) {
        texts[2 * k] = weir_get_string_alloc(in, TEXT);
        int is_value = weir_get_count(in, 1) == 1;
        texts[2 * k + 1] = weir_get_string_alloc(in, TEXT);
        values[k] = (struct weir_slice_value){texts[2 * k], is_value ? texts[2 * k + 1] : NULL};
    }
    int code = weir_reader_code(in);
    if (!code && (!by || !n || find(slices, hash_of(by, values, n))))
        code = WEIR_ECORRUPT;
    if (!code) {
        slice = make_slice(slices, by, values, n);
        code = slice ? 0 : WEIR_ENOMEM;
    }
    for (size_t k = 0; k < 2 * VALUES; k++)
        free(texts[k]);
    if (code)
        return code;
    for (int k = 0; k < 2; k++)
        slice->rows[k] = get_count(in);
    slice->contrary = (int)weir_get_count(in, 3);
    for (size_t f = 0; f < slices->plan->n_fields; f++)
        read_part(&slice->parts[f], slices->plan->fields[f].then->cells->n, in);
    slices->of[slices->n++] = slice;
    return weir_reader_code(in);
}

int skew_slices_restore(struct skew_slices *slices, struct weir_reader *in)
{
    size_t length;
    const uint8_t *bytes = weir_get_bytes(in, &length);
    if (in->failed)
        return weir_reader_code(in);
    struct weir_reader reader = weir_reader_make(bytes, length);
    // Of other fields, another profile, other slices: they begin anew.
    if (weir_get_fixed64(&reader) != hash_of_plan(slices))
        return weir_reader_code(&reader);
    size_t n = weir_get_count(&reader, SKEW_SLICES);
    int code = weir_reader_code(&reader);
    for (size_t i = 0; i < n && !code; i++)
        code = read_slice(slices, &reader);
    return code;
}
