// SPDX-License-Identifier: Apache-2.0
// Owning, checking, naming and writing cells; stats/cells_find.c has the search.
#include "stats/cells.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cells_index.h"
#include "stats/hash.h"
#include "stats/summary.h"

static int has_categories(enum weir_shape shape)
{
    return shape == WEIR_SHAPE_CATEGORICAL || shape == WEIR_SHAPE_TEXT;
}

static const char *fault_of_cuts(const struct weir_cells *cells)
{
    if (cells->n < 1 || cells->n - 1 > WEIR_CELLS_CUTS)
        return "a number of cuts that cannot be";
    for (size_t i = 0; i + 1 < cells->n; i++) {
        if (!isfinite(cells->cuts[i]))
            return "a cut that is not finite";
        if (i && !(cells->cuts[i - 1] < cells->cuts[i]))
            return "cuts that do not ascend";
    }
    return NULL;
}

static const char *fault_of(const struct weir_cells *cells)
{
    if (!isfinite(cells->centre) || !isfinite(cells->scale) || !(cells->scale > 0) ||
        !isfinite(1 / cells->scale))
        return "no usable centre and scale";
    if (!(cells->unseen_share >= 0) || !(cells->unseen_share <= 1))
        return "no usable share of unseen values";
    switch (cells->shape) {
    case WEIR_SHAPE_NUMERIC:
        return fault_of_cuts(cells);
    case WEIR_SHAPE_BOOLEAN:
        return cells->n == 2 ? NULL : "not two cells";
    case WEIR_SHAPE_CATEGORICAL:
    case WEIR_SHAPE_TEXT:
        break;
    default:
        return "an unknown shape";
    }
    if (cells->n_categories > WEIR_CELLS_CATEGORIES ||
        cells->n != cells->n_categories + WEIR_HASHED_CELLS)
        return "a number of categories that cannot be";
    if (cells->n_known > WEIR_CELLS_KNOWN)
        return "too many known values";
    for (size_t i = 1; cells->known && i < cells->n_known; i++) {
        if (!(cells->known[i - 1] < cells->known[i]))
            return "known values that do not ascend";
    }
    return NULL;
}

void weir_cells_free(struct weir_cells *cells)
{
    if (!cells)
        return;
    weir_cells_index_free((struct weir_cells_index *)cells->index);
    for (size_t i = 0; cells->categories && i < cells->n_categories; i++)
        free((char *)cells->categories[i].data);
    free((struct weir_string *)cells->categories);
    free((double *)cells->cuts);
    free((uint64_t *)cells->known);
    free(cells);
}

// A copy of `n` items, never NULL but when memory is out.
static void *copy_of(const void *items, size_t n, size_t size)
{
    void *copy = calloc(n ? n : 1, size);
    if (copy && n)
        memcpy(copy, items, n * size);
    return copy;
}

static int copy_categories(const struct weir_cells *from, struct weir_cells *to)
{
    struct weir_string *categories =
        calloc(from->n_categories ? from->n_categories : 1, sizeof *categories);
    if (!categories)
        return WEIR_ENOMEM;
    to->categories = categories;
    to->n_categories = from->n_categories;
    for (size_t i = 0; i < from->n_categories; i++) {
        const struct weir_string *category = &from->categories[i];
        char *data = copy_of(category->data, category->length, 1);
        if (!data)
            return WEIR_ENOMEM;
        categories[i].data = data;
        categories[i].length = category->length;
        categories[i].hash = weir_hash(data, category->length);
    }
    if (!from->known)
        return 0;
    to->known = copy_of(from->known, from->n_known, sizeof *from->known);
    to->n_known = from->n_known;
    return to->known ? 0 : WEIR_ENOMEM;
}

int weir_cells_copy(const struct weir_cells *from, struct weir_cells **cells,
                    struct weir_error *error)
{
    const char *fault = fault_of(from);
    if (fault)
        return weir_error_set(error, WEIR_EINVAL, "the cells have %s", fault);
    struct weir_cells *copy = calloc(1, sizeof *copy);
    int code = copy ? 0 : WEIR_ENOMEM;
    if (!code) {
        copy->shape = from->shape;
        copy->n = from->n;
        copy->centre = from->centre;
        copy->scale = from->scale;
        copy->unseen_share = from->unseen_share;
    }
    if (!code && from->shape == WEIR_SHAPE_NUMERIC) {
        copy->cuts = copy_of(from->cuts, from->n - 1, sizeof *from->cuts);
        code = copy->cuts ? 0 : WEIR_ENOMEM;
    }
    if (!code && has_categories(from->shape))
        code = copy_categories(from, copy);
    if (!code)
        code = weir_cells_index_make(copy);
    if (code) {
        weir_cells_free(copy);
        return weir_error_set(error, code, "memory is out for cells");
    }
    *cells = copy;
    return 0;
}

// ---- names

int weir_cells_is_atom(const struct weir_cells *cells, size_t i)
{
    return cells->shape == WEIR_SHAPE_NUMERIC && i > 0 && i + 1 < cells->n &&
           nextafter(cells->cuts[i - 1], INFINITY) >= cells->cuts[i];
}

void weir_cells_name(const struct weir_cells *cells, size_t i, char *out, size_t size)
{
    if (i >= cells->n) {
        snprintf(out, size, "?");
    } else if (cells->shape == WEIR_SHAPE_BOOLEAN) {
        snprintf(out, size, "%s", i ? "true" : "false");
    } else if (cells->shape == WEIR_SHAPE_NUMERIC) {
        int below = i + 1 < cells->n && weir_cells_is_atom(cells, i + 1);
        double edge = i + 1 < cells->n ? cells->cuts[below ? i + 1 : i] : 0;
        if (cells->n == 1)
            snprintf(out, size, "any");
        else if (i == 0 && below)
            snprintf(out, size, "< %.6g", edge);
        else if (i == 0)
            snprintf(out, size, "<= %.6g", cells->cuts[0]);
        else if (i + 1 == cells->n)
            snprintf(out, size, "> %.6g", cells->cuts[i - 1]);
        else if (weir_cells_is_atom(cells, i))
            snprintf(out, size, "= %.6g", cells->cuts[i]);
        else
            snprintf(out, size, "(%.6g, %.6g%c", cells->cuts[i - 1], edge, below ? ')' : ']');
    } else if (i < cells->n_categories) {
        snprintf(out, size, "%.*s", (int)cells->categories[i].length, cells->categories[i].data);
    } else {
        snprintf(out, size, "rarer values (group %zu)", i - cells->n_categories);
    }
}

// ---- bytes

int weir_cells_write(const struct weir_cells *cells, struct weir_buffer *out)
{
    weir_put_long(out, cells->shape);
    weir_put_double(out, cells->centre);
    weir_put_double(out, cells->scale);
    weir_put_long(out, (int64_t)cells->n);
    if (cells->shape == WEIR_SHAPE_NUMERIC) {
        for (size_t i = 0; i + 1 < cells->n; i++)
            weir_put_double(out, cells->cuts[i]);
    } else if (has_categories(cells->shape)) {
        weir_put_long(out, (int64_t)cells->n_categories);
        for (size_t i = 0; i < cells->n_categories; i++)
            weir_put_bytes(out, cells->categories[i].data, cells->categories[i].length);
        weir_put_double(out, cells->unseen_share);
        weir_put_long(out, cells->known ? (int64_t)cells->n_known : -1);
        for (size_t i = 0; cells->known && i < cells->n_known; i++)
            weir_put_fixed64(out, cells->known[i]);
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

// What was read, before it is checked and copied.
struct raw {
    struct weir_cells cells;
    double *cuts;
    struct weir_string *categories;
    uint64_t *known;
};

static int read_cuts(struct weir_reader *in, struct raw *raw)
{
    size_t n = raw->cells.n - 1;
    if (!raw->cells.n || n > WEIR_CELLS_CUTS || weir_reader_left(in) / 8 < n)
        return WEIR_ECORRUPT;
    raw->cuts = calloc(n ? n : 1, sizeof *raw->cuts);
    if (!raw->cuts)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < n; i++)
        raw->cuts[i] = weir_get_double(in);
    raw->cells.cuts = raw->cuts;
    return 0;
}

static int read_categories(struct weir_reader *in, struct raw *raw)
{
    size_t n = weir_get_count(in, WEIR_CELLS_CATEGORIES);
    if (in->failed || weir_reader_left(in) < n)
        return WEIR_ECORRUPT;
    raw->categories = calloc(n ? n : 1, sizeof *raw->categories);
    if (!raw->categories)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < n && !in->failed; i++) {
        size_t length;
        raw->categories[i].data = (const char *)weir_get_bytes(in, &length);
        if (length > WEIR_CELLS_TEXT)
            return WEIR_ECORRUPT;
        raw->categories[i].length = (uint32_t)length;
    }
    raw->cells.categories = raw->categories;
    raw->cells.n_categories = n;
    raw->cells.unseen_share = weir_get_double(in);
    int64_t n_known = weir_get_long(in);
    if (in->failed || n_known < -1 || n_known > (int64_t)(weir_reader_left(in) / 8))
        return WEIR_ECORRUPT;
    if (n_known < 0)
        return 0;
    raw->known = calloc(n_known ? (size_t)n_known : 1, sizeof *raw->known);
    if (!raw->known)
        return WEIR_ENOMEM;
    for (int64_t i = 0; i < n_known; i++)
        raw->known[i] = weir_get_fixed64(in);
    raw->cells.known = raw->known;
    raw->cells.n_known = (size_t)n_known;
    return 0;
}

int weir_cells_read(struct weir_reader *in, struct weir_cells **cells, struct weir_error *error)
{
    struct raw raw = {.cells = {.shape = WEIR_SHAPE_NUMERIC}};
    int64_t shape = weir_get_long(in);
    raw.cells.centre = weir_get_double(in);
    raw.cells.scale = weir_get_double(in);
    raw.cells.n = weir_get_count(in, (size_t)1 << 20);
    int code = 0;
    if (in->failed || shape < 0 || shape > WEIR_SHAPE_TEXT)
        code = WEIR_ECORRUPT;
    else
        raw.cells.shape = (enum weir_shape)shape;
    if (!code && raw.cells.shape == WEIR_SHAPE_NUMERIC)
        code = read_cuts(in, &raw);
    if (!code && has_categories(raw.cells.shape))
        code = read_categories(in, &raw);
    if (!code && in->failed)
        code = WEIR_ECORRUPT;
    if (code == WEIR_ENOMEM)
        weir_error_set(error, code, "memory is out for cells");
    else if (code)
        weir_error_set(error, code, "the cells end early or hold impossible counts");
    if (!code)
        code = weir_cells_copy(&raw.cells, cells, error);
    if (code == WEIR_EINVAL) {
        code = WEIR_ECORRUPT;
        if (error)
            error->code = code;
    }
    if (code)
        in->failed = code == WEIR_ENOMEM ? code : 1;
    free(raw.cuts);
    free(raw.categories);
    free(raw.known);
    return code;
}

uint64_t weir_cells_hash(const struct weir_cells *cells)
{
    if (cells->index)
        return weir_cells_index_hash(cells->index);
    struct weir_buffer bytes;
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    weir_cells_write(cells, &bytes);
    uint64_t hash = weir_hash(bytes.data, bytes.length);
    weir_buffer_free(&bytes);
    return hash;
}
