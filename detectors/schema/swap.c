// SPDX-License-Identifier: Apache-2.0
// Which two fields can be told to be swapped, by what the reference knows of both: a value of one
// would look odd in the other's place, and the other way round.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/watch.h"
#include "stats/cells.h"
#include "stats/hash.h"

// Of swapped rows this share at least must be recognised for the pair to be looked at.
static const double POWER = 0.25;
enum { FIELDS = 300 }; // more are not compared each with each

// ---- numbers

static double share_of(const struct weir_summary *summary, size_t cell)
{
    return ((double)summary->cell[cell] + 0.5) /
           ((double)summary->values + 0.5 * (double)summary->cells->n);
}

// The share of values up to x; those of a cell are taken to lie evenly in it.
static double share_below(const struct weir_summary *of, double x)
{
    const struct weir_cells *cells = of->cells;
    size_t cell = weir_cells_find(cells, x);
    double low = cell ? cells->cuts[cell - 1] : of->moments.minimum;
    double high = cell + 1 < cells->n ? cells->cuts[cell] : of->moments.maximum;
    double below = 0, part = high > low ? (x - low) / (high - low) : 1;
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    for (size_t i = 0; i < cell; i++)
        below += (double)of->cell[i];
    return (below + part * (double)of->cell[cell]) / (double)of->values;
}

// The log of how much likelier each cell of `own` is for the values of `other`; returns the share
// of those values that fall where this reaches SCHEMA_SWAP_ONE.
static double cell_odds(const struct weir_summary *own, const struct weir_summary *other,
                        double *odds)
{
    const struct weir_cells *cells = own->cells;
    double before = 0, power = 0;
    for (size_t i = 0; i < cells->n; i++) {
        double to = i + 1 < cells->n ? share_below(other, cells->cuts[i]) : 1;
        double there = fmax(to - before, 1e-6);
        odds[i] = log(there / share_of(own, i));
        power += odds[i] >= SCHEMA_SWAP_ONE ? fmax(to - before, 0) : 0;
        before = fmax(to, before);
    }
    return power;
}

// ---- strings

static double string_share(const struct weir_summary *of, const struct weir_string *string)
{
    int unseen;
    size_t cell = weir_cells_find_string(of->cells, string, &unseen);
    if (unseen)
        return fmax(of->cells->unseen_share, 0.5 / ((double)of->values + 1));
    double share = share_of(of, cell);
    // A hashed cell has many strings.
    size_t rest = of->cells->n_known - of->cells->n_categories;
    return cell < of->cells->n_categories ? share
                                          : share / fmax(1, (double)rest / WEIR_HASHED_CELLS);
}

double schema_swap_string(const struct schema *schema, const struct schema_pair *pair, int side,
                          const struct weir_string *string)
{
    const struct weir_summary *own = schema->fields[side ? pair->b : pair->a].reference;
    const struct weir_summary *other = schema->fields[side ? pair->a : pair->b].reference;
    int unseen;
    // What neither knows says nothing.
    weir_cells_find_string(other->cells, string, &unseen);
    return unseen ? 0 : log(string_share(other, string) / string_share(own, string));
}

// The share of `other`'s values that would be recognised among those of `own`.
static double string_power(const struct weir_summary *own, const struct weir_summary *other)
{
    double power = 0;
    for (size_t i = 0; i < other->cells->n_categories; i++) {
        const struct weir_string *string = &other->cells->categories[i];
        double share = (double)other->cell[i] / (double)other->values;
        if (log(string_share(other, string) / string_share(own, string)) >= SCHEMA_SWAP_ONE)
            power += share;
    }
    return power;
}

// ---- pairs

static int is_usable(const struct schema_field *field)
{
    const struct weir_summary *reference = field->reference;
    if (!reference || !reference->cell || reference->values < 1000 || field->field->is_list)
        return 0;
    if (reference->shape == WEIR_SHAPE_NUMERIC)
        return reference->moments.maximum > reference->moments.minimum;
    return reference->shape == WEIR_SHAPE_CATEGORICAL && reference->cells->known;
}

struct candidate {
    int a, b;
    double power;
};

static int by_power(const void *x, const void *y)
{
    const struct candidate *a = x, *b = y;
    if (a->power != b->power)
        return a->power < b->power ? 1 : -1;
    return a->a != b->a ? a->a - b->a : a->b - b->b;
}

static double power_of(const struct schema *schema, int a, int b, double *room)
{
    const struct weir_summary *x = schema->fields[a].reference, *y = schema->fields[b].reference;
    if (x->shape != y->shape)
        return 0;
    if (x->shape == WEIR_SHAPE_NUMERIC)
        return cell_odds(x, y, room) * cell_odds(y, x, room);
    return string_power(x, y) * string_power(y, x);
}

static int set_odds(struct schema *schema, struct schema_pair *pair)
{
    struct schema_field *fields[2] = {&schema->fields[pair->a], &schema->fields[pair->b]};
    for (int side = 0; side < 2; side++) {
        const struct weir_summary *own = fields[side]->reference;
        fields[side]->n_pairs++;
        if (own->shape != WEIR_SHAPE_NUMERIC)
            continue;
        pair->odds[side] = calloc(own->cells->n, sizeof(double));
        if (!fields[side]->swap_pairs)
            fields[side]->swap_pairs = calloc(own->cells->n, sizeof(uint64_t));
        if (!pair->odds[side] || !fields[side]->swap_pairs)
            return WEIR_ENOMEM;
        cell_odds(own, fields[!side]->reference, pair->odds[side]);
        for (size_t i = 0; i < own->cells->n; i++) {
            if (pair->odds[side][i] < SCHEMA_SWAP_ONE)
                continue;
            fields[side]->swap_pairs[i] |= (uint64_t)1 << (pair - schema->pairs);
            pair->clean[side] += (double)own->cell[i] / (double)own->values;
        }
    }
    return 0;
}

static int keep(struct schema *schema, const struct candidate *from, size_t n)
{
    schema->pairs = calloc(SCHEMA_PAIRS, sizeof *schema->pairs);
    if (!schema->pairs)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < n && i < SCHEMA_PAIRS; i++) {
        uint64_t names[2] = {schema->fields[from[i].a].name_hash,
                             schema->fields[from[i].b].name_hash};
        struct schema_pair *pair = &schema->pairs[schema->n_pairs++];
        pair->a = from[i].a;
        pair->b = from[i].b;
        pair->hash = weir_hash(names, sizeof names);
        if (set_odds(schema, pair))
            return WEIR_ENOMEM;
    }
    return 0;
}

static size_t find(const struct schema *schema, const int *usable, int n,
                   struct candidate *candidates, double *room)
{
    size_t found = 0;
    for (int i = 0; i < n; i++) {
        for (int k = i + 1; k < n; k++) {
            double power = power_of(schema, usable[i], usable[k], room);
            if (power >= POWER)
                candidates[found++] = (struct candidate){usable[i], usable[k], power};
        }
    }
    if (found > 1)
        qsort(candidates, found, sizeof *candidates, by_power);
    return found;
}

int schema_swap_create(struct schema *schema, struct weir_error *error)
{
    int usable[FIELDS], n = 0;
    size_t most = 1;
    for (size_t f = 0; f < schema->n_fields && n < FIELDS; f++) {
        if (!is_usable(&schema->fields[f]) || (int)f == schema->stream->time)
            continue;
        usable[n++] = (int)f;
        size_t cells = schema->fields[f].reference->cells->n;
        most = cells > most ? cells : most;
    }
    struct candidate *candidates = malloc(((size_t)n * (size_t)n / 2 + 1) * sizeof *candidates);
    double *room = malloc(most * sizeof *room);
    int code = candidates && room ? 0 : WEIR_ENOMEM;
    if (!code)
        code = keep(schema, candidates, find(schema, usable, n, candidates, room));
    free(candidates);
    free(room);
    return code ? weir_error_set(error, code, "schema: no memory to compare fields") : 0;
}

void schema_swap_destroy(struct schema *schema)
{
    for (size_t p = 0; schema->pairs && p < schema->n_pairs; p++) {
        free(schema->pairs[p].odds[0]);
        free(schema->pairs[p].odds[1]);
    }
    for (size_t f = 0; f < schema->n_fields; f++)
        free(schema->fields[f].swap_pairs);
    free(schema->pairs);
}
