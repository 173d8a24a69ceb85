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

// Integrates |F - G|, or 2 (F - G)^2, over the axis.
static double integrate(const struct weir_samples *s, int squared)
{
    struct walk w = {.s = s};
    double sum = 0, before = 0, gap = 0;
    while (step(&w)) {
        double width = w.value - before;
        if (gap != 0)
            sum += (squared ? 2 * gap * gap : fabs(gap)) * width;
        gap = (double)w.i / (double)s->n_a - (double)w.j / (double)s->n_b;
        before = w.value;
    }
    return sum;
}

static struct weir_moments_pair moments_of(const struct weir_samples *s)
{
    struct weir_moments_pair m = {(double)s->n_a, 0, 0, (double)s->n_b, 0, 0};
    const double *const values[2] = {s->a, s->b};
    const size_t sizes[2] = {s->n_a, s->n_b};
    double *const means[2] = {&m.mean_a, &m.mean_b};
    double *const variances[2] = {&m.variance_a, &m.variance_b};
    for (int k = 0; k < 2; k++) {
        size_t n = sizes[k];
        double sum = 0, rest = 0, squares = 0;
        for (size_t i = 0; i < n; i++)
            sum += values[k][i];
        double mean = n ? sum / (double)n : 0;
        // Two passes: the second takes out what rounding left in the first.
        for (size_t i = 0; i < n; i++) {
            double gap = values[k][i] - mean;
            rest += gap;
            squares += gap * gap;
        }
        *means[k] = n ? mean + rest / (double)n : 0;
        *variances[k] = n > 1 ? (squares - rest * rest / (double)n) / (double)(n - 1) : 0;
        if (n && values[k][0] == values[k][n - 1]) { // all equal, whatever rounding says
            *means[k] = values[k][0];
            *variances[k] = 0;
        }
    }
    return m;
}

struct weir_test weir_samples_welch_t(const struct weir_samples *s)
{
    struct weir_moments_pair m = moments_of(s);
    return weir_moments_welch_t(&m);
}

struct weir_test weir_samples_variance_ratio(const struct weir_samples *s)
{
    struct weir_moments_pair m = moments_of(s);
    return weir_moments_variance_ratio(&m);
}

struct weir_test weir_samples_wasserstein(const struct weir_samples *s)
{
    enum weir_test_status status = check(s, 1);
    return status == WEIR_TEST_OK ? result(integrate(s, 0), 1) : untestable(status);
}

// `distance` in units of the reference's standard deviation.
static struct weir_test normalised(const struct weir_samples *s, double distance)
{
    struct weir_moments_pair m = moments_of(s);
    if (!(m.variance_a > 0))
        return untestable(s->n_a < 2 ? WEIR_TEST_TOO_FEW : WEIR_TEST_NOT_APPLICABLE);
    return result(distance / sqrt(m.variance_a), 1);
}

struct weir_test weir_samples_wasserstein_normalised(const struct weir_samples *s)
{
    enum weir_test_status status = check(s, 1);
    return status == WEIR_TEST_OK ? normalised(s, integrate(s, 0)) : untestable(status);
}

struct weir_test weir_samples_energy(const struct weir_samples *s)
{
    enum weir_test_status status = check(s, 1);
    return status == WEIR_TEST_OK ? result(sqrt(integrate(s, 1)), 1) : untestable(status);
}

static double quantile(const double *x, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t low = (size_t)at;
    double share = at - (double)low;
    return low + 1 < n ? x[low] + (x[low + 1] - x[low]) * share : x[n - 1];
}

void weir_samples_quantile_shifts(const struct weir_samples *s, double out[WEIR_QUANTILES])
{
    for (int i = 0; i < WEIR_QUANTILES && s->n_a && s->n_b; i++) {
        double q = (i + 1) / 20.0;
        out[i] = quantile(s->b, s->n_b, q) - quantile(s->a, s->n_a, q);
    }
}

struct weir_test weir_samples_quantile_shift(const struct weir_samples *s)
{
    enum weir_test_status status = check(s, 1);
    if (status != WEIR_TEST_OK)
        return untestable(status);
    double shifts[WEIR_QUANTILES], most = 0;
    weir_samples_quantile_shifts(s, shifts);
    for (int i = 0; i < WEIR_QUANTILES; i++)
        most = fmax(most, fabs(shifts[i]));
    return normalised(s, most);
}
