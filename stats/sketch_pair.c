// SPDX-License-Identifier: Apache-2.0
#include "stats/sketch_pair.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/special.h"
#include "weir/error.h"

struct taking {
    struct weir_sketch_pair *pair;
    size_t capacity, first; // of this side
    double origin;
    int side, failed;
};

static void take_bucket(void *context, double low, double high, uint64_t count)
{
    struct taking *t = context;
    struct weir_sketch_pair *pair = t->pair;
    if (pair->n == t->capacity) {
        size_t capacity = t->capacity ? 2 * t->capacity : 256;
        struct weir_sketch_bucket *buckets =
            realloc(pair->buckets, capacity * sizeof *pair->buckets);
        if (!buckets) {
            t->failed = 1;
            return;
        }
        pair->buckets = buckets;
        t->capacity = capacity;
    }
    double n = (double)count;
    pair->buckets[pair->n++] = (struct weir_sketch_bucket){t->origin + low, t->origin + high,
                                                           t->origin + 0.5 * (low + high),
                                                           t->side ? 0 : n, t->side ? n : 0};
    *(t->side ? &pair->n_b : &pair->n_a) += n;
}

// What collapsed into the outermost buckets reaches as far as the values do.
static void stretch(struct weir_sketch_pair *pair, size_t first, struct weir_sketch_range range)
{
    if (first == pair->n)
        return;
    struct weir_sketch_bucket *low = &pair->buckets[first], *high = &pair->buckets[pair->n - 1];
    low->low = fmin(low->low, range.minimum);
    high->high = fmax(high->high, range.maximum);
}

static int by_value(const void *a, const void *b)
{
    double x = ((const struct weir_sketch_bucket *)a)->x;
    double y = ((const struct weir_sketch_bucket *)b)->x;
    return (x > y) - (x < y);
}

static void join(struct weir_sketch_pair *pair)
{
    size_t kept = 0;
    if (pair->n)
        qsort(pair->buckets, pair->n, sizeof *pair->buckets, by_value);
    for (size_t i = 0; i < pair->n; i++) {
        struct weir_sketch_bucket *last = kept ? &pair->buckets[kept - 1] : NULL;
        const struct weir_sketch_bucket *here = &pair->buckets[i];
        if (last && last->x >= here->x) {
            last->a += here->a;
            last->b += here->b;
            last->low = fmin(last->low, here->low);
            last->high = fmax(last->high, here->high);
        } else {
            pair->buckets[kept++] = *here;
        }
    }
    pair->n = kept;
}

int weir_sketch_pair_make(struct weir_sketch_pair *out, const struct weir_ddsketch *a,
                          struct weir_sketch_range range_a, const struct weir_ddsketch *b,
                          struct weir_sketch_range range_b)
{
    struct weir_sketch_pair pair = {.aligned = weir_ddsketch_origin(a) == weir_ddsketch_origin(b)};
    struct taking t = {.pair = &pair};
    const struct weir_ddsketch *const sides[2] = {a, b};
    const struct weir_sketch_range ranges[2] = {range_a, range_b};
    for (t.side = 0; t.side < 2 && !t.failed; t.side++) {
        t.first = pair.n;
        t.origin = weir_ddsketch_origin(sides[t.side]);
        weir_ddsketch_each(sides[t.side], take_bucket, &t);
        stretch(&pair, t.first, ranges[t.side]);
    }
    if (t.failed) {
        free(pair.buckets);
        return WEIR_ENOMEM;
    }
    join(&pair);
    *out = pair;
    return 0;
}

void weir_sketch_pair_free(struct weir_sketch_pair *pair)
{
    free(pair->buckets);
    memset(pair, 0, sizeof *pair);
}

static struct weir_bounded_test none(enum weir_test_status status)
{
    return (struct weir_bounded_test){{0, 1, status}, 0};
}

static struct weir_bounded_test result(double value, double p, double bound)
{
    if (!isfinite(value))
        return none(WEIR_TEST_NOT_APPLICABLE);
    return (struct weir_bounded_test){{value, p < 1 ? p : 1, WEIR_TEST_OK}, bound};
}

static enum weir_test_status check(const struct weir_sketch_pair *pair)
{
    return !(pair->n_a > 0)   ? WEIR_TEST_REFERENCE_EMPTY
           : !(pair->n_b > 0) ? WEIR_TEST_CURRENT_EMPTY
                              : WEIR_TEST_OK;
}

// How far a value may be from where its bucket stands.
static double reach(const struct weir_sketch_bucket *bucket)
{
    return fmax(bucket->high - bucket->x, bucket->x - bucket->low);
}

struct weir_bounded_test weir_sketch_wasserstein(const struct weir_sketch_pair *pair)
{
    enum weir_test_status status = check(pair);
    if (status != WEIR_TEST_OK)
        return none(status);
    double f = 0, g = 0, sum = 0, bound = 0;
    for (size_t i = 0; i < pair->n; i++) {
        const struct weir_sketch_bucket *here = &pair->buckets[i];
        f += here->a;
        g += here->b;
        bound += (here->a / pair->n_a + here->b / pair->n_b) * reach(here);
        if (i + 1 < pair->n)
            sum += fabs(f / pair->n_a - g / pair->n_b) * (here[1].x - here->x);
    }
    return result(sum, 1, bound); // the triangle: what moving each value by its reach costs
}

struct weir_bounded_test weir_sketch_energy(const struct weir_sketch_pair *pair)
{
    enum weir_test_status status = check(pair);
    if (status != WEIR_TEST_OK)
        return none(status);
    double f = 0, g = 0, sum = 0, off_a = 0, off_b = 0;
    for (size_t i = 0; i < pair->n; i++) {
        const struct weir_sketch_bucket *here = &pair->buckets[i];
        double p = here->a / pair->n_a, q = here->b / pair->n_b;
        f += here->a;
        g += here->b;
        // Twice the area of the squared difference to the sample itself, at its largest.
        off_a += 2 * p * p * reach(here);
        off_b += 2 * q * q * reach(here);
        double gap = f / pair->n_a - g / pair->n_b;
        if (i + 1 < pair->n)
            sum += 2 * gap * gap * (here[1].x - here->x);
    }
    return result(sqrt(sum), 1, sqrt(off_a) + sqrt(off_b)); // it is a metric
}

// Pairs whose buckets overlap, though they are not the same.
static double overlapping(const struct weir_sketch_pair *pair)
{
    double sum = 0;
    size_t first = 0;
    for (size_t i = 0; i < pair->n; i++) {
        const struct weir_sketch_bucket *here = &pair->buckets[i];
        if (!(here->a > 0))
            continue;
        // Those of one side ascend by both ends; mixed with the other's they need not.
        while (first < pair->n &&
               (!(pair->buckets[first].b > 0) || pair->buckets[first].high < here->low))
            first++;
        for (size_t k = first; k < pair->n; k++) {
            if (pair->buckets[k].b > 0 && pair->buckets[k].low > here->high)
                break;
            sum += here->a * pair->buckets[k].b;
        }
    }
    return sum;
}

struct weir_bounded_test weir_sketch_mann_whitney(const struct weir_sketch_pair *pair)
{
    enum weir_test_status status = check(pair);
    if (status != WEIR_TEST_OK)
        return none(status);
    double u = 0, ties = 0, below = 0, shared = 0, n_a = pair->n_a, n_b = pair->n_b, n = n_a + n_b;
    for (size_t i = 0; i < pair->n; i++) {
        double a = pair->buckets[i].a, b = pair->buckets[i].b, t = a + b;
        u += a * (below + 0.5 * b);
        below += b;
        shared += a * b;
        ties += t * t * t - t;
    }
    double deviation = sqrt(n_a * n_b / 12 * ((n + 1) - ties / (n * (n - 1))));
    if (!(deviation > 0))
        return none(WEIR_TEST_ONE_VALUE);
    double z = (fmax(u, n_a * n_b - u) - n_a * n_b / 2 - 0.5) / deviation;
    return result(u, 2 * weir_normal_sf(z), pair->aligned ? 0.5 * shared : overlapping(pair));
}

// Where the value of rank `rank` stands, and how far from it it may be.
static double at_rank(const struct weir_sketch_pair *pair, int side, double rank, double *off)
{
    double before = 0;
    size_t last = 0;
    for (size_t i = 0; i < pair->n; i++) {
        double count = side ? pair->buckets[i].b : pair->buckets[i].a;
        if (!(count > 0))
            continue;
        last = i;
        before += count;
        if (before > rank)
            break;
    }
    *off = reach(&pair->buckets[last]);
    return pair->buckets[last].x;
}

static double quantile(const struct weir_sketch_pair *pair, int side, double q, double *off)
{
    double at = q * ((side ? pair->n_b : pair->n_a) - 1), low = floor(at), off_low, off_high;
    double x = at_rank(pair, side, low, &off_low), y = at_rank(pair, side, ceil(at), &off_high);
    *off = fmax(off_low, off_high);
    return x + (y - x) * (at - low);
}

struct weir_bounded_test weir_sketch_quantile_shift(const struct weir_sketch_pair *pair,
                                                    double shifts[WEIR_QUANTILES])
{
    enum weir_test_status status = check(pair);
    if (status != WEIR_TEST_OK)
        return none(status);
    double most = 0, bound = 0;
    for (int i = 0; i < WEIR_QUANTILES; i++) {
        double off_a, off_b, q = (i + 1) / 20.0;
        double shift = quantile(pair, 1, q, &off_b) - quantile(pair, 0, q, &off_a);
        most = fmax(most, fabs(shift));
        bound = fmax(bound, off_a + off_b);
        if (shifts)
            shifts[i] = shift;
    }
    return result(most, 1, bound);
}
