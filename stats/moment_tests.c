// SPDX-License-Identifier: Apache-2.0
// Tests that need only moments or a 2 x 2 table, and the limit of Cramer and von Mises.
#include <math.h>

#include "stats/samples.h"
#include "stats/special.h"

#define PI 3.14159265358979323846

static struct weir_test untestable(enum weir_test_status status)
{
    return (struct weir_test){0, 1, status};
}

static struct weir_test result(double value, double p)
{
    if (!isfinite(value) || isnan(p))
        return untestable(WEIR_TEST_NOT_APPLICABLE);
    return (struct weir_test){value, p < 0 ? 0 : p > 1 ? 1 : p, WEIR_TEST_OK};
}

static enum weir_test_status check(const struct weir_moments_pair *m)
{
    if (!(m->n_a > 0))
        return WEIR_TEST_REFERENCE_EMPTY;
    if (!(m->n_b > 0))
        return WEIR_TEST_CURRENT_EMPTY;
    if (m->n_a < 2 || m->n_b < 2)
        return WEIR_TEST_TOO_FEW;
    if (!(m->variance_a >= 0) || !(m->variance_b >= 0) || isinf(m->variance_a + m->variance_b))
        return WEIR_TEST_NOT_APPLICABLE;
    return WEIR_TEST_OK;
}

struct weir_test weir_moments_welch_t(const struct weir_moments_pair *m)
{
    enum weir_test_status status = check(m);
    if (status != WEIR_TEST_OK)
        return untestable(status);
    double va = m->variance_a / m->n_a, vb = m->variance_b / m->n_b, v = va + vb;
    if (!(v > 0))
        return untestable(m->mean_a == m->mean_b ? WEIR_TEST_ONE_VALUE : WEIR_TEST_NOT_APPLICABLE);
    double t = (m->mean_a - m->mean_b) / sqrt(v);
    // Shares of the variance: their squares neither overflow nor vanish.
    double sa = va / v, sb = vb / v;
    double df = 1 / (sa * sa / (m->n_a - 1) + sb * sb / (m->n_b - 1));
    return result(t, 2 * weir_student_t_sf(fabs(t), df));
}

struct weir_test weir_moments_variance_ratio(const struct weir_moments_pair *m)
{
    enum weir_test_status status = check(m);
    if (status != WEIR_TEST_OK)
        return untestable(status);
    if (!(m->variance_a > 0))
        return untestable(m->variance_b > 0 ? WEIR_TEST_NOT_APPLICABLE : WEIR_TEST_ONE_VALUE);
    double ratio = m->variance_b / m->variance_a;
    double above = weir_f_sf(ratio, m->n_b - 1, m->n_a - 1);
    double below = weir_f_cdf(ratio, m->n_b - 1, m->n_a - 1);
    return result(ratio, 2 * fmin(above, below));
}

struct weir_test weir_two_proportions(double hits_a, double n_a, double hits_b, double n_b)
{
    if (!(n_a > 0))
        return untestable(WEIR_TEST_REFERENCE_EMPTY);
    if (!(n_b > 0))
        return untestable(WEIR_TEST_CURRENT_EMPTY);
    if (!(hits_a >= 0) || !(hits_b >= 0) || !(hits_a <= n_a) || !(hits_b <= n_b))
        return untestable(WEIR_TEST_BAD_INPUT);
    double gap = hits_b / n_b - hits_a / n_a, pooled = (hits_a + hits_b) / (n_a + n_b);
    if (pooled <= 0 || pooled >= 1)
        return (struct weir_test){0, 1, WEIR_TEST_OK}; // none, or all, in both: no difference
    if (fmin(pooled, 1 - pooled) * fmin(n_a, n_b) >= 10) {
        double z = gap / sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b));
        return result(gap, 2 * weir_normal_sf(fabs(z)));
    }
    struct weir_test exact = weir_fisher_exact(floor(hits_a), floor(n_a) - floor(hits_a),
                                               floor(hits_b), floor(n_b) - floor(hits_b));
    return result(gap, exact.status == WEIR_TEST_OK ? exact.p_value : 1);
}

// Smirnov's integral over the k-th arch, positive throughout; the substitution makes both ends
// smooth, so that the midpoint rule converges geometrically.
static double arch(double x, int k)
{
    enum { NODES = 512 };
    double sum = 0, low = (2 * k - 1) * PI;
    for (int i = 0; i < NODES; i++) {
        double theta = PI * (i + 0.5) / NODES, half = sin(theta / 2);
        double offset = PI * half * half, s = low + offset;
        sum += 2 / s * sqrt(s / sin(offset)) * exp(-0.5 * x * s * s) * PI / 2 * sin(theta);
    }
    return sum / NODES; // times pi for the width in theta, over pi in front of the integral
}

double weir_cramer_von_mises_sf(double x)
{
    if (isnan(x))
        return x;
    if (x < 0.003) // below it the tail is 1 to the last bit
        return 1;
    double sum = 0;
    if (x < 0.05) {
        // Few arches are not enough here, and the series of the other side converges at once
        // (Csorgo and Faraway, 1996, equation 1.2).
        for (int k = 0; k < 20; k++) {
            double y = 4.0 * k + 1, q = y * y / (16 * x);
            double u =
                exp(weir_ln_gamma(k + 0.5) - weir_ln_gamma(k + 1)) / (pow(PI, 1.5) * sqrt(x));
            double term = u * sqrt(y) * exp(-q) * weir_bessel_k(0.25, q);
            sum += term;
            if (!(term > 1e-17 * sum))
                break;
        }
        return sum < 1 ? 1 - sum : 0;
    }
    for (int k = 1; k < 12; k++) {
        double term = arch(x, k);
        sum += k & 1 ? term : -term;
        if (term < 1e-17 * sum)
            break;
    }
    return sum > 1 ? 1 : sum;
}
