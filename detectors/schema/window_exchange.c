// SPDX-License-Identifier: Apache-2.0
// Two fields that stand in each other's place where no single record shows it (a ratio and a score,
// two codes with the same few values): either has moved to what the other has in the reference, by
// the same share of the records, and nothing else has happened to them.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/window.h"
#include "stats/cells.h"

// What a swap must explain of either field, and of both together (nats: beyond a chance of 1e-9,
// and of 1e4 pairs); how far the references must lie apart (Jeffreys' divergence).
static const double EACH = 10, BOTH = 30, APART = 0.5;
// Of what it explains, so much may be left over besides chance: cells are not mapped exactly, and
// serving is not training.
static const double LEFT = 0.15, NOISE = 3;
static const double SHARES[] = {1, 0.9, 0.7, 0.5, 0.3, 0.2, 0.12, 0.077, 0.05, 0.03, 0.02, 0.01};
// Cells with a share worth the name that a field must have itself, that the other must have there,
// and that the two others must have together: less could be any value that is filled in.
enum { KINDS = 3, OTHERS = 2, TOGETHER = 5 };

struct side {
    const struct schema_field *field;
    const struct weir_summary *now, *then;
    double *own, *other; // probabilities by its cells: its own reference's, the other field's
    double part;         // as many of its values as are independent
};

static int is_usable(const struct schema_judge *judge, const struct schema_field *field)
{
    const struct weir_summary *then = field->reference;
    const struct weir_summary *now = judge->window->summary(judge->window, 0, field->index);
    if (!then || !then->cell || then->values < SCHEMA_KNOWN_VALUES || field->field->is_list ||
        field->index == judge->schema->stream->time || !now || !now->cell ||
        now->cells->n != then->cells->n || now->values < judge->schema->minimum)
        return 0;
    if (then->shape == WEIR_SHAPE_NUMERIC)
        return then->moments.maximum > then->moments.minimum;
    return then->shape == WEIR_SHAPE_CATEGORICAL && then->cells->known != NULL;
}

static double smooth(double share, size_t cells)
{
    return 0.999 * share + 0.001 / (double)cells;
}

// ---- another field's reference, by the cells of this one

static double share_below(const struct weir_summary *of, double x)
{
    const struct weir_cells *cells = of->cells;
    size_t cell = weir_cells_find(cells, x);
    double low = cell ? cells->cuts[cell - 1] : of->moments.minimum;
    double high = cell + 1 < cells->n ? cells->cuts[cell] : of->moments.maximum;
    double below = 0, part = high > low ? (x - low) / (high - low) : 1;
    for (size_t i = 0; i < cell; i++)
        below += (double)of->cell[i];
    return (below + fmin(fmax(part, 0), 1) * (double)of->cell[cell]) / (double)of->values;
}

static void map_numbers(const struct weir_summary *other, const struct weir_cells *cells,
                        double *share)
{
    double before = 0;
    for (size_t i = 0; i < cells->n; i++) {
        double to = i + 1 < cells->n ? share_below(other, cells->cuts[i]) : 1;
        share[i] = smooth(fmax(to - before, 0), cells->n);
        before = fmax(to, before);
    }
}

static void map_strings(const struct weir_summary *other, const struct weir_cells *cells,
                        double *share)
{
    const struct weir_cells *from = other->cells;
    for (size_t i = 0; i < cells->n; i++)
        share[i] = 0;
    for (size_t i = 0; i < from->n; i++) {
        int unseen;
        size_t into = i < from->n_categories
                          ? weir_cells_find_string(cells, &from->categories[i], &unseen)
                          : cells->n_categories + (i - from->n_categories); // hashed alike
        if (into < cells->n)
            share[into] += (double)other->cell[i] / (double)other->values;
    }
    for (size_t i = 0; i < cells->n; i++)
        share[i] = smooth(share[i], cells->n);
}

static int fill_own(struct side *side, const struct schema_judge *judge,
                    const struct schema_field *field)
{
    size_t n = field->reference->cells->n;
    *side = (struct side){.field = field,
                          .now = judge->window->summary(judge->window, 0, field->index),
                          .then = field->reference,
                          .own = malloc(2 * n * sizeof(double))};
    if (!side->own)
        return WEIR_ENOMEM;
    side->other = side->own + n;
    for (size_t i = 0; i < n; i++)
        side->own[i] = smooth((double)side->then->cell[i] / (double)side->then->values, n);
    double values = (double)side->now->values;
    side->part = schema_independent(side->then, schema_spread(field), values) / values;
    return 0;
}

// ---- likelihoods

static double counted(const struct side *side, size_t i)
{
    return side->part * (double)side->now->cell[i];
}

// How much likelier than the field's own reference makes it the window is, if a share of the values
// were the other field's; and if nothing were known of them (-1).
static double gain(const struct side *side, double share)
{
    double sum = 0, n = side->part * (double)side->now->values;
    for (size_t i = 0; i < side->then->cells->n; i++) {
        double count = counted(side, i), own = side->own[i];
        double now = share < 0 ? count / n : (1 - share) * own + share * side->other[i];
        sum += count > 0 ? count * log(now / own) : 0;
    }
    return sum;
}

static size_t kinds(const double *share, size_t n)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += share[i] >= 0.01;
    return found;
}

static int lies_apart(const struct side *side, size_t *others)
{
    double apart = 0;
    size_t n = side->then->cells->n, there = kinds(side->other, n);
    *others += there;
    for (size_t i = 0; i < n; i++)
        apart += (side->own[i] - side->other[i]) * log(side->own[i] / side->other[i]);
    return apart >= APART && kinds(side->own, n) >= KINDS && there >= OTHERS;
}

// Whether a swap leaves no more unexplained than chance would.
static int explains(const struct side *side, double explained, double moved)
{
    double freedom = 0;
    for (size_t i = 0; i < side->then->cells->n; i++)
        freedom += side->now->cell[i] > 0;
    freedom = fmax(freedom - 1, 1);
    return moved - explained <= freedom / 2 + NOISE * sqrt(freedom / 2) + LEFT * explained;
}

// ---- pairs

static int is_exchanged(struct side *a, struct side *b, double moved, double other_moved,
                        struct schema_exchange *best)
{
    int strings = a->then->shape != WEIR_SHAPE_NUMERIC;
    (strings ? map_strings : map_numbers)(b->then, a->then->cells, a->other);
    (strings ? map_strings : map_numbers)(a->then, b->then->cells, b->other);
    size_t others = 0;
    if (!lies_apart(a, &others) || !lies_apart(b, &others) || others < TOGETHER)
        return 0;
    double most = 0, share = 0, of_a = 0, of_b = 0;
    for (size_t i = 0; i < sizeof SHARES / sizeof *SHARES; i++) {
        double x = gain(a, SHARES[i]), y = gain(b, SHARES[i]);
        if (x + y > most) {
            most = x + y;
            share = SHARES[i];
            of_a = x;
            of_b = y;
        }
    }
    if (most < BOTH || most <= best->gain || fmin(of_a, of_b) < EACH || !explains(a, of_a, moved) ||
        !explains(b, of_b, other_moved))
        return 0;
    *best = (struct schema_exchange){b->field, share, most};
    return 1;
}

int schema_exchanged(const struct schema_judge *judge, struct schema_exchange *best)
{
    const struct schema *schema = judge->schema;
    struct side a, b;
    int code = 0;
    *best = (struct schema_exchange){NULL, 0, 0};
    if (!is_usable(judge, judge->field) || fill_own(&a, judge, judge->field))
        return 0;
    double moved = gain(&a, -1);
    for (size_t f = 0; moved >= EACH && f < schema->n_fields && !code; f++) {
        const struct schema_field *other = &schema->fields[f];
        if (other <= judge->field || !is_usable(judge, other) ||
            other->reference->shape != a.then->shape)
            continue;
        code = fill_own(&b, judge, other);
        double other_moved = code ? 0 : gain(&b, -1);
        if (other_moved >= EACH)
            is_exchanged(&a, &b, moved, other_moved, best);
        free(code ? NULL : b.own);
    }
    free(a.own);
    return best->other != NULL;
}
