// SPDX-License-Identifier: Apache-2.0
#include "stats/samples.h"

#include <math.h>
#include <stdlib.h>

#include "stats/special.h"

static struct weir_test untestable(enum weir_test_status status)
{
    return (struct weir_test){0, 1, status};
}

// A value beyond doubles (sums of the largest numbers) is not a number to publish.
static struct weir_test result(double value, double p)
{
    if (!isfinite(value) || isnan(p))
        return untestable(WEIR_TEST_NOT_APPLICABLE);
    return (struct weir_test){value, p < 0 ? 0 : p > 1 ? 1 : p, WEIR_TEST_OK};
}

static enum weir_test_status check(const struct weir_samples *s, size_t least)
{
    if (s->n_a == 0)
        return WEIR_TEST_REFERENCE_EMPTY;
    if (s->n_b == 0)
        return WEIR_TEST_CURRENT_EMPTY;
    return s->n_a < least || s->n_b < least ? WEIR_TEST_TOO_FEW : WEIR_TEST_OK;
}

// Walks the distinct values of both samples in ascending order.
struct walk {
    const struct weir_samples *s;
    size_t i, j;           // taken from a and b, this value included
    size_t here_a, here_b; // how many are equal to it
    double value;
};

static int step(struct walk *w)
{
    const struct weir_samples *s = w->s;
    if (w->i >= s->n_a && w->j >= s->n_b)
        return 0;
    if (w->j >= s->n_b || (w->i < s->n_a && s->a[w->i] <= s->b[w->j]))
        w->value = s->a[w->i];
    else
        w->value = s->b[w->j];
    size_t i = w->i, j = w->j;
    while (w->i < s->n_a && s->a[w->i] <= w->value)
        w->i++;
    while (w->j < s->n_b && s->b[w->j] <= w->value)
        w->j++;
    w->here_a = w->i - i;
    w->here_b = w->j - j;
    return 1;
}

static void gaps(const struct weir_samples *s, double *above, double *below)
{
    struct walk w = {.s = s};
    *above = *below = 0;
    while (step(&w)) {
        double gap = (double)w.i / (double)s->n_a - (double)w.j / (double)s->n_b;
        *above = fmax(*above, gap);
        *below = fmax(*below, -gap);
    }
}

static double effective(const struct weir_samples *s)
{
    double n = (double)s->n_a, m = (double)s->n_b;
    return n * m / (n + m);
}

struct weir_test weir_samples_ks(const struct weir_samples *s)
{
    enum weir_test_status status = check(s, 1);
    if (status != WEIR_TEST_OK)
        return untestable(status);
    double above, below;
    gaps(s, &above, &below);
    double d = fmax(above, below), n = rint(effective(s));
    // SciPy gives NaN where the effective size rounds to none; nothing can be told there.
    return result(d, n < 1 ? 1 : weir_ks_one_sample_sf(n, d));
}

struct weir_test weir_samples_kuiper(const struct weir_samples *s)
{
    enum weir_test_status status = check(s, 1);
    if (status != WEIR_TEST_OK)
        return untestable(status);
    double above, below;
    gaps(s, &above, &below);
    double size = sqrt(effective(s)), v = above + below;
    return result(v, weir_kuiper_sf((size + 0.155 + 0.24 / size) * v));
}

// The variance of the statistic under the null (Scholz and Stephens, 1987, equation 4), for two
// samples.
static double anderson_variance(const struct weir_samples *s)
{
    double n = (double)(s->n_a + s->n_b), big_h = 1 / (double)s->n_a + 1 / (double)s->n_b;
    double h = 0, g = 0;
    for (double i = n - 1, k = 2; i > 1; i--, k++) {
        h += 1 / i;
        g += h / k;
    }
    h += 1;
    double a = (4 * g - 6) + (10 - 6 * g) * big_h;
    double b = (2 * g - 4) * 4 + 16 * h + (2 * g - 14 * h - 4) * big_h - 8 * h + 4 * g - 6;
    double c = (6 * h + 2 * g - 2) * 4 + (4 * h - 4 * g + 6) * 2 + (2 * h - 6) * big_h + 4 * h;
    double d = (2 * h + 6) * 4 - 8 * h;
    return (((a * n + b) * n + c) * n + d) / ((n - 1) * (n - 2) * (n - 3));
}

static double anderson_p(double x)
{
    // ln p as a quadratic in the statistic: the least-squares fit to Scholz and Stephens' table
    // for two samples (.25 at .325 to .001 at 6.546), which is all it may be asked.
    if (x < 0.325)
        return 0.25;
    if (x > 6.546)
        return 0.001;
    return exp((0.018198094574111343 * x - 1.0082265644652515) * x - 1.077770279820486);
}

struct weir_test weir_samples_anderson_darling(const struct weir_samples *s)
{
    enum weir_test_status status = check(s, 1);
    double n = (double)(s->n_a + s->n_b), sum_a = 0, sum_b = 0;
    if (status == WEIR_TEST_OK && n < 4)
        status = WEIR_TEST_TOO_FEW;
    if (status != WEIR_TEST_OK)
        return untestable(status);
    struct walk w = {.s = s};
    size_t distinct = 0;
    for (; step(&w); distinct++) {
        double ties = (double)(w.here_a + w.here_b);
        double b = (double)(w.i + w.j) - 0.5 * ties;
        double a_mid = (double)w.i - 0.5 * (double)w.here_a;
        double b_mid = (double)w.j - 0.5 * (double)w.here_b;
        double below = b * (n - b) - n * ties / 4;
        if (below <= 0)
            return untestable(WEIR_TEST_ONE_VALUE);
        double gap_a = n * a_mid - b * (double)s->n_a, gap_b = n * b_mid - b * (double)s->n_b;
        sum_a += ties / n * gap_a * gap_a / below;
        sum_b += ties / n * gap_b * gap_b / below;
    }
    if (distinct < 2)
        return untestable(WEIR_TEST_ONE_VALUE);
    double a2 = (sum_a / (double)s->n_a + sum_b / (double)s->n_b) * (n - 1) / n;
    double x = (a2 - 1) / sqrt(anderson_variance(s));
    return result(x, anderson_p(x));
}

struct weir_test weir_samples_cramer_von_mises(const struct weir_samples *s)
{
    enum weir_test_status status = check(s, 2);
    if (status != WEIR_TEST_OK)
        return untestable(status);
    struct walk w = {.s = s};
    double sum_a = 0, sum_b = 0, na = (double)s->n_a, nb = (double)s->n_b;
    while (step(&w)) {
        // Ranks are from 1, ties share their mean; within a sample ties keep their order.
        double rank = (double)(w.i + w.j) - 0.5 * (double)(w.here_a + w.here_b) + 0.5;
        for (size_t k = w.i - w.here_a; k < w.i; k++)
            sum_a += (rank - (double)(k + 1)) * (rank - (double)(k + 1));
        for (size_t k = w.j - w.here_b; k < w.j; k++)
            sum_b += (rank - (double)(k + 1)) * (rank - (double)(k + 1));
    }
    double k = na * nb, n = na + nb, u = na * sum_a + nb * sum_b;
    double t = u / (k * n) - (4 * k - 1) / (6 * n);
    double mean = (1 + 1 / n) / 6;
    double variance =
        (n + 1) * (4 * k * n - 3 * (na * na + nb * nb) - 2 * k) / (45 * n * n * 4 * k);
    double standard = 1.0 / 6 + (t - mean) / sqrt(45 * variance);
    return result(t, weir_cramer_von_mises_sf(standard));
}

struct weir_test weir_samples_mann_whitney(const struct weir_samples *s)
{
    enum weir_test_status status = check(s, 1);
    if (status != WEIR_TEST_OK)
        return untestable(status);
    struct walk w = {.s = s};
    double u = 0, ties = 0, na = (double)s->n_a, nb = (double)s->n_b, n = na + nb;
    while (step(&w)) {
        double t = (double)(w.here_a + w.here_b);
        // Each reference value here is above those of b before it, and even with those here.
        u += (double)w.here_a * ((double)(w.j - w.here_b) + 0.5 * (double)w.here_b);
        ties += t * t * t - t;
    }
    double deviation = sqrt(na * nb / 12 * ((n + 1) - ties / (n * (n - 1))));
    if (!(deviation > 0))
        return untestable(WEIR_TEST_ONE_VALUE);
    double z = (fmax(u, na * nb - u) - na * nb / 2 - 0.5) / deviation;
    return result(u, 2 * weir_normal_sf(z));
}

// The power of two that brings values of such a size next to 1, so that neither their squares nor
// their differences overflow or vanish; 1 where there is no danger.
static double unit_of(double size)
{
    int exponent;
    if (!(size > 0) || (size > 1e-100 && size < 1e100))
        return 1;
    frexp(size, &exponent);
    return ldexp(1, exponent < -1000 ? 1000 : -exponent);
}

static double size_of(const double *x, size_t n)
{
    return n ? fmax(fabs(x[0]), fabs(x[n - 1])) : 0;
}

static double common_unit(const struct weir_samples *s)
{
    return unit_of(fmax(size_of(s->a, s->n_a), size_of(s->b, s->n_b)));
}

// Integrates |F - G|, or 2 (F - G)^2, over the axis of values times `unit`.
static double integrate(const struct weir_samples *s, int squared, double unit)
{
    struct walk w = {.s = s};
    double sum = 0, before = 0, gap = 0;
    while (step(&w)) {
        double value = w.value * unit, width = value - before;
        if (gap != 0)
            sum += (squared ? 2 * gap * gap : fabs(gap)) * width;
        gap = (double)w.i / (double)s->n_a - (double)w.j / (double)s->n_b;
        before = value;
    }
    return sum;
}

// Of values times `unit`. The mean is `centre`, one of the values, plus `beside`: of values far
// from zero the sum of the two would have lost what tells it from another mean.
struct centred {
    double n, unit, centre, beside, variance;
};

static struct centred centred_of(const double *x, size_t n)
{
    struct centred c = {(double)n, unit_of(size_of(x, n)), 0, 0, 0};
    double sum = 0, rest = 0, squares = 0;
    if (!n)
        return c;
    c.centre = x[n / 2] * c.unit;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * c.unit - c.centre;
    c.beside = sum / c.n;
    // Two passes: the second takes out what rounding left in the first.
    for (size_t i = 0; i < n; i++) {
        double gap = x[i] * c.unit - c.centre - c.beside;
        rest += gap;
        squares += gap * gap;
    }
    c.beside += rest / c.n;
    c.variance = n > 1 ? (squares - rest * rest / c.n) / (c.n - 1) : 0;
    return c;
}

struct weir_test weir_samples_welch_t(const struct weir_samples *s)
{
    struct centred a = centred_of(s->a, s->n_a), b = centred_of(s->b, s->n_b);
    double unit = fmin(a.unit, b.unit), to_a = unit / a.unit, to_b = unit / b.unit;
    double gap = (a.centre * to_a - b.centre * to_b) + (a.beside * to_a - b.beside * to_b);
    struct weir_moments_pair m = {a.n, gap, a.variance * to_a * to_a,
                                  b.n, 0,   b.variance * to_b * to_b};
    return weir_moments_welch_t(&m);
}

struct weir_test weir_samples_variance_ratio(const struct weir_samples *s)
{
    struct centred a = centred_of(s->a, s->n_a), b = centred_of(s->b, s->n_b);
    double to_a = a.unit / b.unit;
    struct weir_moments_pair m = {a.n, 0, a.variance, b.n, 0, b.variance * to_a * to_a};
    return weir_moments_variance_ratio(&m);
}

struct weir_test weir_samples_wasserstein(const struct weir_samples *s)
{
    enum weir_test_status status = check(s, 1);
    double unit = common_unit(s);
    return status == WEIR_TEST_OK ? result(integrate(s, 0, unit) / unit, 1) : untestable(status);
}

// `distance`, of values times `unit`, in standard deviations of the reference.
static struct weir_test normalised(const struct weir_samples *s, double distance, double unit)
{
    struct centred a = centred_of(s->a, s->n_a);
    if (!(a.variance > 0))
        return untestable(s->n_a < 2 ? WEIR_TEST_TOO_FEW : WEIR_TEST_NOT_APPLICABLE);
    return result(distance / sqrt(a.variance) * (a.unit / unit), 1);
}

struct weir_test weir_samples_wasserstein_normalised(const struct weir_samples *s)
{
    enum weir_test_status status = check(s, 1);
    double unit = common_unit(s);
    return status == WEIR_TEST_OK ? normalised(s, integrate(s, 0, unit), unit) : untestable(status);
}

struct weir_test weir_samples_energy(const struct weir_samples *s)
{
    enum weir_test_status status = check(s, 1);
    double unit = common_unit(s);
    return status == WEIR_TEST_OK ? result(sqrt(integrate(s, 1, unit)) / sqrt(unit), 1)
                                  : untestable(status);
}

// Of values times `unit`.
static double quantile(const double *x, size_t n, double q, double unit)
{
    double at = q * (double)(n - 1);
    size_t low = (size_t)at;
    double share = at - (double)low, first = x[low] * unit;
    return low + 1 < n ? first + (x[low + 1] * unit - first) * share : x[n - 1] * unit;
}

static double shift(const struct weir_samples *s, int i, double unit)
{
    double q = (i + 1) / 20.0;
    return quantile(s->b, s->n_b, q, unit) - quantile(s->a, s->n_a, q, unit);
}

void weir_samples_quantile_shifts(const struct weir_samples *s, double out[WEIR_QUANTILES])
{
    double unit = common_unit(s);
    for (int i = 0; i < WEIR_QUANTILES && s->n_a && s->n_b; i++)
        out[i] = shift(s, i, unit) / unit;
}

struct weir_test weir_samples_quantile_shift(const struct weir_samples *s)
{
    enum weir_test_status status = check(s, 1);
    if (status != WEIR_TEST_OK)
        return untestable(status);
    double most = 0, unit = common_unit(s);
    for (int i = 0; i < WEIR_QUANTILES; i++)
        most = fmax(most, fabs(shift(s, i, unit)));
    return normalised(s, most, unit);
}
