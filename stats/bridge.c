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

// Gauss and Legendre's nodes on (0, 1] and weights, the other half being its mirror image.
static const double few_nodes[][2] = {{0.18343464249564978, 0.36268378337836166},
                                      {0.52553240991632899, 0.31370664587788688},
                                      {0.79666647741362673, 0.22238103445337443},
                                      {0.96028985649753618, 0.10122853629037706}};
static const double many_nodes[][2] = {
    {0.06405689286260563, 0.12793819534675202},  {0.19111886747361631, 0.12583745634682825},
    {0.3150426796961634, 0.12167047292780329},   {0.43379350762604513, 0.11550566805372552},
    {0.54542147138883956, 0.10744427011596556},  {0.64809365193697555, 0.097618652104113926},
    {0.74012419157855436, 0.086190161531953205}, {0.82000198597390295, 0.073346481411080161},
    {0.88641552700440107, 0.05929858491543636},  {0.9382745520027328, 0.044277438817419412},
    {0.97472855597130947, 0.028531388628933559}, {0.99518721999702131, 0.01234122979998869}};

static double slope_of_t(double square, double x)
{
    return exp(-0.5 * square * x * x) / (1 + x * x);
}

// The integral of exp(-h^2 x^2 / 2) / (1 + x^2) from low to high.
static double integral(double h, double low, double high)
{
    int few = high - low < 0.6 && (high - low) * h < 1.6;
    const double(*nodes)[2] = few ? few_nodes : many_nodes;
    int n = few ? (int)(sizeof few_nodes / sizeof *few_nodes)
                : (int)(sizeof many_nodes / sizeof *many_nodes);
    double half = 0.5 * (high - low), middle = low + half, sum = 0, square = h * h;
    for (int i = 0; i < n; i++) {
        double step = half * nodes[i][0];
        sum +=
            nodes[i][1] * (slope_of_t(square, middle - step) + slope_of_t(square, middle + step));
    }
    return half * sum;
}

// P(|Z| >= h and |Z'| < h) for neighbours whose correlation has the half-angle tangent a:
// 4 T(h, a) - 4 (T(h, infinity) - T(h, 1 / a)) by Owen's function T. Nothing cancels.
static double steps_over(double h, double a, double density)
{
    // Farther out than 9 the integrand is nothing beside its part near 0.
    double end = 9 / h, inside = integral(h, 0, fmin(a, end)), beyond = 0;
    if (h < 8 * a)
        beyond = integral(h, 1 / a, sqrt(1 / (a * a) + end * end));
    return fmax(4 * density * (inside - beyond), 0);
}

double weir_bridge_crossing_level(const double *mass, double level, size_t n)
{
    if (n == 0)
        return 0;
    double outside = 2 * weir_normal_sf(level);
    double log_inside = log1p(-fmin(outside, 1 - DBL_EPSILON));
    double inside = fmax(1 - outside, DBL_EPSILON);
    // exp(-h^2 / 2) / (2 pi)
    double density = weir_normal_density(level) * 0.39894228040143267794;
    for (size_t k = 1; k < n; k++) {
        double remainder, rho = neighbour(mass, k - 1, &remainder), first;
        double a = sqrt(remainder) / (1 + rho);
        if (level < 0.5 || a > 0.9) // flat and far-reaching: as for unequal bounds
            first = fmax(outside - 2 * (weir_binormal_sf(level, level, rho) +
                                        weir_binormal_sf(level, level, -rho)),
                         0);
        else
            first = steps_over(level, a, density);
        log_inside += log1p(-fmin(first / inside, 1 - DBL_EPSILON));
    }
    return -expm1(log_inside);
}

// Neighbours' correlations do not change while the saddlepoint is sought.
struct form {
    const double *weight;
    size_t n;
    double log_det;   // of the correlations
    double *diagonal; // of their inverse, and
    double *square;   // its squared off-diagonal: between j - 1 and j
};

static void make_form(struct form *form, const double *mass)
{
    double before = 0, product = 1;
    size_t n = form->n;
    form->log_det = 0;
    for (size_t j = 0; j < n; j++) {
        double after = 0, remainder = 1, rho = 0;
        form->diagonal[j] = j ? before : 1;
        if (j + 1 < n) {
            rho = neighbour(mass, j, &remainder);
            after = 1 / remainder;
            form->square[j + 1] = rho * after * (rho * after);
            form->diagonal[j] = j ? before + after - 1 : after;
        }
        before = after;
        product *= remainder;
        if (product < 0x1p-500 || j + 1 == n) { // a logarithm is as dear as ten products
            form->log_det += log(product);
            product = 1;
        }
    }
}

// The cumulant function of the form at t, and two derivatives. Returns 0 where t is beyond the
// pole (the form's moment generating function is infinite there).
struct cumulants {
    double k, k1, k2;
};

static int cumulants_at(const struct form *form, double t, struct cumulants *out)
{
    double log_det = form->log_det, product = 1, k1 = 0, k2 = 0;
    double inverse = 0, d1 = 0, d2 = 0; // of the pivot before: 1 / d, d' / d, d'' / d
    for (size_t j = 0; j < form->n; j++) {
        double pull = j ? form->square[j] * inverse : 0, weight = 2 * form->weight[j];
        double next = form->diagonal[j] - t * weight - pull;
        double next1 = -weight + pull * d1;
        double next2 = pull * (d2 - 2 * d1 * d1);
        if (!(next > 0))
            return 0;
        inverse = 1 / next;
        d1 = next1 * inverse;
        d2 = next2 * inverse;
        k1 -= 0.5 * d1;
        k2 -= 0.5 * (d2 - d1 * d1);
        product *= next;
        if (product > 0x1p500 || product < 0x1p-500) {
            log_det += log(product);
            product = 1;
        }
    }
    *out = (struct cumulants){-0.5 * (log_det + log(product)), k1, k2};
    return k1 > 0 && k2 > 0;
}

// The t with K'(t) = x, by Newton's method kept inside a bracket; K' rises from 0 to infinity.
static double saddlepoint(const struct form *form, double x, const struct cumulants *zero,
                          struct cumulants *at)
{
    double low = 0, high = 0, t = 0;
    if (x > zero->k1) {
        high = zero->k1 / zero->k2; // the pole is at 1 / (2 largest eigenvalue), not above this
    } else {
        low = -1 / zero->k1;
        while (cumulants_at(form, low, at) && at->k1 > x && low > -1e12 / zero->k1)
            low *= 2;
    }
    t = 0.5 * (low + high);
    for (int i = 0; i < 200; i++) {
        if (!cumulants_at(form, t, at)) {
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

static double tail(const struct form *form, double x, const struct cumulants *zero)
{
    struct cumulants at = *zero;
    double t = saddlepoint(form, x, zero, &at);
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
    double diagonal[WEIR_BRIDGE_CUTS], square[WEIR_BRIDGE_CUTS];
    struct form form = {weight, n, 0, diagonal, square};
    if (n == 0 || n > WEIR_BRIDGE_CUTS || !(x > 0))
        return 1;
    make_form(&form, mass);
    if (!cumulants_at(&form, 0, &zero))
        return 1;
    // The formula is singular at the mean: a line between points on both sides.
    double near = 0.05 * sqrt(zero.k2), mean = zero.k1;
    if (fabs(x - mean) < near) {
        double low = tail(&form, mean - near, &zero), high = tail(&form, mean + near, &zero);
        return low + (high - low) * (x - mean + near) / (2 * near);
    }
    return tail(&form, x, &zero);
}
