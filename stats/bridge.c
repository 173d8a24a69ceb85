// SPDX-License-Identifier: Apache-2.0
#include "stats/bridge.h"

#include <float.h>
#include <math.h>

#include "stats/special.h"

// Correlation of neighbours, and one minus its square without cancellation.
static double neighbour(const double *mass, size_t k, double *remainder)
{
    double square = mass[k] / mass[k + 1] * ((1 - mass[k + 1]) / (1 - mass[k]));
    *remainder = (mass[k + 1] - mass[k]) / (mass[k + 1] * (1 - mass[k]));
    if (*remainder < 1e-14)
        *remainder = 1e-14;
    return sqrt(fmin(square, 1 - 1e-14));
}

double weir_bridge_crossing(const double *mass, const double *bound, size_t n)
{
    if (n == 0)
        return 0;
    double previous = 2 * weir_normal_sf(bound[0]);
    double log_inside = log1p(-fmin(previous, 1 - DBL_EPSILON));
    for (size_t k = 1; k < n; k++) {
        double remainder, rho = neighbour(mass, k - 1, &remainder);
        double here = 2 * weir_normal_sf(bound[k]);
        double both = 2 * (weir_binormal_sf(bound[k - 1], bound[k], rho) +
                           weir_binormal_sf(bound[k - 1], bound[k], -rho));
        double first = fmax(here - both, 0); // beyond here, but not at the cut before
        double chance = first / fmax(1 - previous, DBL_EPSILON);
        log_inside += log1p(-fmin(chance, 1 - DBL_EPSILON));
        previous = here;
    }
    return -expm1(log_inside);
}

// The cumulant function of the form at t, and two derivatives. Returns 0 where t is beyond the
// pole (the form's moment generating function is infinite there).
struct cumulants {
    double k, k1, k2;
};

static int cumulants_at(const double *mass, const double *weight, size_t n, double t,
                        struct cumulants *out)
{
    double log_det = 0, k1 = 0, k2 = 0;
    double d = 0, d1 = 0, d2 = 0, off = 0;
    double inverse_before = 0; // 1 / (1 - rho^2) of the pair to the left
    for (size_t j = 0; j < n; j++) {
        double inverse_after = 0, rho = 0, remainder = 1;
        if (j + 1 < n) {
            rho = neighbour(mass, j, &remainder);
            inverse_after = 1 / remainder;
            log_det += log(remainder);
        }
        double diagonal = j == 0
                              ? (n == 1 ? 1 : inverse_after)
                              : (j + 1 == n ? inverse_before : inverse_before + inverse_after - 1);
        double next, next1, next2;
        if (j == 0) {
            next = diagonal - 2 * t * weight[j];
            next1 = -2 * weight[j];
            next2 = 0;
        } else {
            double square = off * off;
            next = diagonal - 2 * t * weight[j] - square / d;
            next1 = -2 * weight[j] + square * d1 / (d * d);
            next2 = square * (d2 - 2 * d1 * d1 / d) / (d * d);
        }
        if (!(next > 0))
            return 0;
        d = next;
        d1 = next1;
        d2 = next2;
        log_det += log(d);
        k1 -= 0.5 * d1 / d;
        k2 -= 0.5 * (d2 / d - d1 * d1 / (d * d));
        off = rho * inverse_after;
        inverse_before = inverse_after;
    }
    *out = (struct cumulants){-0.5 * log_det, k1, k2};
    return k1 > 0 && k2 > 0;
}

// The t with K'(t) = x, by Newton's method kept inside a bracket; K' rises from 0 to infinity.
static double saddlepoint(const double *mass, const double *weight, size_t n, double x,
                          const struct cumulants *zero, struct cumulants *at)
{
    double low = 0, high = 0, t = 0;
    if (x > zero->k1) {
        high = zero->k1 / zero->k2; // the pole is at 1 / (2 largest eigenvalue), not above this
    } else {
        low = -1 / zero->k1;
        while (cumulants_at(mass, weight, n, low, at) && at->k1 > x && low > -1e12 / zero->k1)
            low *= 2;
    }
    t = 0.5 * (low + high);
    for (int i = 0; i < 200; i++) {
        if (!cumulants_at(mass, weight, n, t, at)) {
            high = t;
            t = 0.5 * (low + high);
            continue;
        }
        double gap = at->k1 - x;
        if (fabs(gap) < 1e-11 * x || high - low < 1e-15 * fabs(high))
            break;
        if (gap > 0)
            high = t;
        else
            low = t;
        // K' has a pole ahead: Newton on 1 / K' is nearly linear there.
        double step = t - gap * at->k1 / (at->k2 * x);
        t = step > low && step < high ? step : 0.5 * (low + high);
    }
    return t;
}

static double tail(const double *mass, const double *weight, size_t n, double x,
                   const struct cumulants *zero)
{
    struct cumulants at = *zero;
    double t = saddlepoint(mass, weight, n, x, zero, &at);
    double exponent = t * x - at.k;
    double w = copysign(sqrt(2 * fmax(exponent, 0)), t);
    double v = t * sqrt(at.k2);
    if (v == 0 || w == 0)
        return 0.5;
    double p = weir_normal_sf(w) + weir_normal_density(w) * (1 / v - 1 / w);
    return p < 0 ? 0 : p > 1 ? 1 : p;
}

double weir_bridge_quadratic(const double *mass, const double *weight, size_t n, double x)
{
    struct cumulants zero;
    if (n == 0 || !(x > 0) || !cumulants_at(mass, weight, n, 0, &zero))
        return 1;
    // The formula is singular at the mean: a line between points on both sides.
    double near = 0.05 * sqrt(zero.k2), mean = zero.k1;
    if (fabs(x - mean) < near) {
        double low = tail(mass, weight, n, mean - near, &zero);
        double high = tail(mass, weight, n, mean + near, &zero);
        return low + (high - low) * (x - mean + near) / (2 * near);
    }
    return tail(mass, weight, n, x, &zero);
}
