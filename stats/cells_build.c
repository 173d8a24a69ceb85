// SPDX-License-Identifier: Apache-2.0
#include "stats/cells_build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cells.h"
#include "stats/hash.h"
#include "stats/sort.h"

// Quantiles of equal mass and tails, and at most 32 atoms, or buckets of a sketch and the zero,
// with two cuts each.
enum { CUTS = WEIR_CELLS_EQUAL + 4 + 2 * (WEIR_CELLS_EQUAL + 1), SKETCH_POINTS = 1 << 14 };

struct cuts {
    double at[CUTS];
    size_t n;
};

static void add_cut(struct cuts *cuts, double at)
{
    if (isfinite(at) && cuts->n < CUTS)
        cuts->at[cuts->n++] = at + 0.0;
}

// The value below or at which the share q of the sorted values lies.
static double at_share(const double *sorted, size_t n, double q)
{
    double rank = ceil(q * (double)n);
    size_t i = rank < 1 ? 0 : (size_t)rank - 1;
    return sorted[i < n ? i : n - 1];
}

static size_t run_of(const double *sorted, size_t n, size_t from)
{
    size_t end = from + 1;
    while (end < n && sorted[end] == sorted[from])
        end++;
    return end - from;
}

static void add_atoms(struct cuts *cuts, const double *sorted, size_t n)
{
    size_t run;
    for (size_t i = 0; i < n; i += run) {
        run = run_of(sorted, n, i);
        // In a handful of values every one is more than 1/32 of the mass.
        if (run < 3 || run * WEIR_CELLS_EQUAL <= n)
            continue;
        add_cut(cuts, nextafter(sorted[i], -INFINITY));
        add_cut(cuts, sorted[i]);
    }
}

static void tidy(struct cuts *cuts)
{
    weir_sort_doubles(cuts->at, cuts->n);
    size_t kept = 0;
    for (size_t i = 0; i < cuts->n; i++) {
        if (!kept || cuts->at[kept - 1] < cuts->at[i])
            cuts->at[kept++] = cuts->at[i];
    }
    cuts->n = kept;
}

// A power of two, so that multiplying by it and dividing are exact.
static double scale_near(double sd)
{
    if (!(sd > 0) || !isfinite(sd))
        return 1;
    double power = round(log2(sd));
    power = power < -1000 ? -1000 : power > 1000 ? 1000 : power;
    return ldexp(1, (int)power);
}

// The robust sd; where half of the values are equal the wider spread, then the range.
static double spread_of(const double *sorted, size_t n)
{
    double spread = (at_share(sorted, n, .75) - at_share(sorted, n, .25)) / 1.349;
    if (!(spread > 0))
        spread = (at_share(sorted, n, .95) - at_share(sorted, n, .05)) / 3.29;
    if (!(spread > 0))
        spread = (sorted[n - 1] - sorted[0]) / 4;
    if (!(spread > 0))
        spread = fabs(sorted[0]) / 1024;
    return spread;
}

// `more`: further cuts, or NULL.
static int build_sorted(const double *sorted, size_t n, int atoms, const struct cuts *more,
                        struct weir_cells **cells, struct weir_error *error)
{
    static const double tails[] = {.001, .005, .995, .999};
    struct cuts cuts = {.n = 0};
    struct weir_cells made = {.shape = WEIR_SHAPE_NUMERIC, .scale = 1};
    if (n) {
        for (int k = 1; k < WEIR_CELLS_EQUAL; k++)
            add_cut(&cuts, at_share(sorted, n, (double)k / WEIR_CELLS_EQUAL));
        for (size_t k = 0; k < 4; k++) {
            // A tail of which the sample has not seen a value cannot be cut off.
            double share = tails[k] < .5 ? tails[k] : 1 - tails[k];
            if (share * (double)n >= 1 - 1e-9)
                add_cut(&cuts, at_share(sorted, n, tails[k]));
        }
        if (atoms)
            add_atoms(&cuts, sorted, n);
        for (size_t k = 0; more && k < more->n; k++)
            add_cut(&cuts, more->at[k]);
        tidy(&cuts);
        made.centre = at_share(sorted, n, .5) + 0.0;
        made.scale = scale_near(spread_of(sorted, n));
    }
    made.cuts = cuts.at;
    made.n = cuts.n + 1;
    return weir_cells_copy(&made, cells, error);
}

int weir_cells_build_numeric(const double *x, size_t n, struct weir_cells **cells,
                             struct weir_error *error)
{
    double *sorted = malloc((n ? n : 1) * sizeof *sorted);
    if (!sorted)
        return weir_error_set(error, WEIR_ENOMEM, "memory is out for cells");
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (isfinite(x[i]))
            sorted[kept++] = x[i] + 0.0;
    }
    weir_sort_doubles(sorted, kept);
    int code = build_sorted(sorted, kept, 1, NULL, cells, error);
    free(sorted);
    return code;
}

struct points {
    double *x;
    size_t n;
    double per_value, owed; // points a value; what is owed to the buckets so far
    double origin;
    struct cuts heavy; // edges of buckets with more than a cell's mass
    uint64_t all;
};

// A bucket gives points in proportion, all at its upper edge: cuts then never divide a bucket.
static void add_points(void *context, double low, double high, uint64_t count)
{
    struct points *points = context;
    double at = low < 0 && high > 0 ? 0 : high;
    points->owed += (double)count * points->per_value;
    // What is below it is told from it, as what is above is: a constant may fall as well as rise.
    if (count >= 3 && count > points->all / WEIR_CELLS_EQUAL && !(low < 0 && high > 0) &&
        points->heavy.n + 2 <= 2 * WEIR_CELLS_EQUAL) {
        add_cut(&points->heavy, low + points->origin);
        add_cut(&points->heavy, high + points->origin);
    }
    for (; points->n < SKETCH_POINTS && (double)points->n + .5 <= points->owed; points->n++)
        points->x[points->n] = at + points->origin;
}

int weir_cells_build_sketch(const struct weir_ddsketch *sketch, struct weir_cells **cells,
                            struct weir_error *error)
{
    uint64_t n = weir_ddsketch_count(sketch);
    struct points points = {.x = malloc(SKETCH_POINTS * sizeof *points.x),
                            .per_value = n > SKETCH_POINTS ? SKETCH_POINTS / (double)n : 1,
                            .origin = weir_ddsketch_origin(sketch),
                            .all = n};
    if (!points.x)
        return weir_error_set(error, WEIR_ENOMEM, "memory is out for cells");
    weir_ddsketch_each(sketch, add_points, &points);
    // Only the zero bucket is one value (or so near that nobody will mind).
    size_t zeros = 0;
    for (size_t i = 0; i < points.n; i++)
        zeros += points.x[i] == 0;
    if (zeros * WEIR_CELLS_EQUAL > points.n) {
        add_cut(&points.heavy, nextafter(0, -INFINITY));
        add_cut(&points.heavy, 0);
    }
    int code = build_sorted(points.x, points.n, 0, &points.heavy, cells, error);
    free(points.x);
    return code;
}

int weir_cells_build_boolean(struct weir_cells **cells, struct weir_error *error)
{
    struct weir_cells made = {.shape = WEIR_SHAPE_BOOLEAN, .n = 2, .scale = 1};
    return weir_cells_copy(&made, cells, error);
}

static int by_frequency(const void *a, const void *b)
{
    const struct weir_category *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    size_t n = x->string.length < y->string.length ? x->string.length : y->string.length;
    int order = n ? memcmp(x->string.data, y->string.data, n) : 0;
    return order ? order
                 : (x->string.length > y->string.length) - (x->string.length < y->string.length);
}

int weir_cells_build_categories(const struct weir_category_counts *counts,
                                struct weir_cells **cells, struct weir_error *error)
{
    size_t n = counts->n, room = n ? n : 1;
    struct weir_category *sorted = malloc(room * sizeof *sorted);
    struct weir_string *strings = malloc(room * sizeof *strings);
    uint64_t *known = malloc(room * sizeof *known);
    int code = sorted && strings && known ? 0 : WEIR_ENOMEM;
    if (code) {
        weir_error_set(error, code, "memory is out for cells");
    } else {
        size_t top = counts->top ? counts->top : WEIR_CELLS_TOP, n_known = 0;
        uint64_t all = 0, once = 0;
        if (n)
            memcpy(sorted, counts->categories, n * sizeof *sorted);
        qsort(sorted, n, sizeof *sorted, by_frequency);
        for (size_t i = 0; i < n; i++) {
            strings[i] = sorted[i].string;
            known[i] = weir_hash(strings[i].data, strings[i].length);
            all += sorted[i].count;
            once += sorted[i].count == 1;
        }
        weir_sort_hashes(known, n);
        for (size_t i = 0; i < n; i++) {
            if (!n_known || known[n_known - 1] != known[i])
                known[n_known++] = known[i];
        }
        struct weir_cells made = {.shape = counts->shape,
                                  .categories = strings,
                                  .n_categories = n < top ? n : top,
                                  .centre = round(counts->length_centre),
                                  .scale = scale_near(counts->length_scale)};
        made.n = made.n_categories + WEIR_HASHED_CELLS;
        if (counts->complete && n_known <= WEIR_CELLS_KNOWN) {
            made.known = known;
            made.n_known = n_known;
            made.unseen_share = all ? (double)once / (double)all : 0;
        }
        code = weir_cells_copy(&made, cells, error);
    }
    free(sorted);
    free(strings);
    free(known);
    return code;
}
