// SPDX-License-Identifier: Apache-2.0
// Exact null distributions of two-sample statistics that look at the largest of something over
// all cuts: under the null every order of the pooled values is equally likely, so p is the share
// of lattice paths from (0, 0) to (n, m) that touch a forbidden point. All terms are positive:
// nothing cancels, however small p is.
#include <math.h>
#include <stdlib.h>

#include "stats/samples.h"

static struct weir_test untestable(enum weir_test_status status)
{
    return (struct weir_test){0, 1, status};
}

// How far the path is at (i, j); the statistic is the largest over its points.
struct distance {
    double n, m;
    double (*at)(const struct distance *d, double i, double j);
};

static double gap_at(const struct distance *d, double i, double j)
{
    return fabs(i * d->m - j * d->n); // in units of 1 / (n m), a whole number
}

// p ln(p / q), 0 at p = 0.
static double entropy(double p, double q)
{
    return p > 0 ? p * log(p / q) : 0;
}

static double ratio_at(const struct distance *d, double i, double j)
{
    double f = (i + j) / (d->n + d->m);
    return entropy(i, f * d->n) + entropy(d->n - i, (1 - f) * d->n) + entropy(j, f * d->m) +
           entropy(d->m - j, (1 - f) * d->m);
}

// The share of paths with a point at a distance of at least `limit`. Negative: out of memory.
// In each row the allowed j are an interval that moves up: both ends are followed.
static double share_beyond(const struct distance *d, double limit)
{
    size_t n = (size_t)d->n, m = (size_t)d->m, low = 0, high = 0;
    double *share = malloc((m + 1) * sizeof *share);
    if (!share)
        return -1;
    for (size_t i = 0; i <= n; i++) {
        double row = (double)i;
        // From the point nearest the diagonal outwards; it is allowed unless none is.
        size_t middle = (size_t)(row * d->m / d->n);
        if (middle < m && d->at(d, row, (double)middle) >= limit)
            middle++;
        low = low < middle ? low : middle;
        while (low < middle && d->at(d, row, (double)low) >= limit)
            low++;
        high = high > middle ? high : middle;
        while (high < m && d->at(d, row, (double)high + 1) < limit)
            high++;
        int none = d->at(d, row, (double)middle) >= limit;
        for (size_t j = 0; j <= m; j++) {
            if (none || j < low || j > high) {
                share[j] = 1;
            } else if (i == 0 || j == 0) {
                double before = i == 0 ? (j ? share[j - 1] : 0) : share[j];
                share[j] = before;
            } else {
                double total = (double)(i + j);
                share[j] = (row * share[j] + (double)j * share[j - 1]) / total;
            }
        }
    }
    double p = share[m];
    free(share);
    return p;
}

static enum weir_test_status check(const struct weir_samples *s)
{
    if (s->n_a == 0)
        return WEIR_TEST_REFERENCE_EMPTY;
    if (s->n_b == 0)
        return WEIR_TEST_CURRENT_EMPTY;
    return WEIR_TEST_OK;
}

// The largest distance along the observed path, looking only where no tie is cut.
static double observed(const struct weir_samples *s, const struct distance *d)
{
    double most = 0;
    for (size_t i = 0, j = 0; i < s->n_a || j < s->n_b;) {
        double value = j >= s->n_b || (i < s->n_a && s->a[i] <= s->b[j]) ? s->a[i] : s->b[j];
        while (i < s->n_a && s->a[i] <= value)
            i++;
        while (j < s->n_b && s->b[j] <= value)
            j++;
        most = fmax(most, d->at(d, (double)i, (double)j));
    }
    return most;
}

static struct weir_test exact(const struct weir_samples *s, const struct distance *d, double value,
                              double limit)
{
    if (!(limit > 0))
        return (struct weir_test){value, 1, WEIR_TEST_OK};
    if ((double)s->n_a * (double)s->n_b > WEIR_EXACT_STEPS)
        return (struct weir_test){value, 1, WEIR_TEST_TOO_MANY};
    double p = share_beyond(d, limit);
    if (p < 0)
        return untestable(WEIR_TEST_NO_MEMORY);
    return (struct weir_test){value, p > 1 ? 1 : p, WEIR_TEST_OK};
}

struct weir_test weir_samples_ks_exact(const struct weir_samples *s)
{
    enum weir_test_status status = check(s);
    if (status != WEIR_TEST_OK)
        return untestable(status);
    struct distance d = {(double)s->n_a, (double)s->n_b, gap_at};
    double gap = observed(s, &d);
    // Products below 2^53 are exact, so that the observed path itself is beyond the limit.
    return exact(s, &d, gap / (d.n * d.m), gap);
}

struct weir_test weir_samples_berk_jones(const struct weir_samples *s)
{
    enum weir_test_status status = check(s);
    if (status != WEIR_TEST_OK)
        return untestable(status);
    struct distance d = {(double)s->n_a, (double)s->n_b, ratio_at};
    double value = observed(s, &d);
    if (value < 1e-12)
        value = 0;                                  // what rounding leaves of equal samples
    return exact(s, &d, value, value * (1 - 1e-9)); // points as far as the observed one count
}
