// SPDX-License-Identifier: Apache-2.0
// The tails of special.h that are own code: Kolmogorov, Kuiper, hypergeometric.
#include <math.h>

#include "stats/special.h"

#define PI 3.14159265358979323846
#define SADDLE_SD 40.0

double weir_kolmogorov_sf(double x)
{
    if (isnan(x))
        return x;
    if (x <= 0.04) // below it the tail is 1 to the last bit
        return 1;
    if (x < 0.82) {
        // The theta function's other series: few terms where the first needs many.
        double sum = 0, a = -PI * PI / (8 * x * x);
        for (int k = 1; k < 20; k += 2)
            sum += exp(a * k * k);
        return 1 - sqrt(2 * PI) / x * sum;
    }
    double sum = 0, sign = 1;
    for (int k = 1; k < 20; k++, sign = -sign) {
        double term = exp(-2.0 * k * k * x * x);
        sum += sign * term;
        if (term < 1e-18 * sum)
            break;
    }
    return 2 * sum;
}

double weir_kuiper_sf(double x)
{
    if (isnan(x))
        return x;
    if (x < 0.4) // below it the tail is 1 to eight digits and the series slow
        return 1;
    double sum = 0;
    for (int k = 1; k < 40; k++) {
        double y = 2.0 * k * k * x * x;
        double term = (2 * y - 1) * exp(-y);
        sum += term;
        if (k > 2 && fabs(term) < 1e-18 * fabs(sum))
            break;
    }
    sum *= 2;
    return sum > 1 ? 1 : sum < 0 ? 0 : sum;
}

// ln n! - n ln n + n: what is left of the factorial beside the deviance (Loader, 2000), so that
// nothing large cancels whatever the counts.
static double factorial_rest(double n)
{
    if (n <= 0)
        return 0;
    if (n < 16)
        return weir_ln_gamma(n + 1) - n * log(n) + n;
    double i = 1 / n, i2 = i * i;
    return 0.5 * log(2 * PI * n) +
           i * (1.0 / 12 - i2 * (1.0 / 360 - i2 * (1.0 / 1260 - i2 * (1.0 / 1680))));
}

// x ln(x / m) - (x - m) for x = m + gap: nothing cancels when x is close to m.
static double divergence(double x, double m, double gap)
{
    if (!(x > 0))
        return m;
    double e = gap / m;
    if (fabs(e) > 0.02)
        return x * log(x / m) - gap;
    double e2 = e * e;
    return m * e2 *
           (0.5 + e * (-1.0 / 6 + e * (1.0 / 12 + e * (-1.0 / 20 + e * (1.0 / 30 - e / 42)))));
}

// Sums P(X = x + 1), P(X = x + 2) ... in units of P(X = x); `step` -1 goes down.
static double beyond(double x, double rest, double marked, double drawn, int step)
{
    double sum = 0, term = 1;
    // `rest` is population - marked - drawn: the unmarked left over when nothing marked is drawn.
    for (;; x += step) {
        double up = step > 0 ? (marked - x) * (drawn - x) : x * (rest + x);
        double down = step > 0 ? (x + 1) * (rest + x + 1) : (marked - x + 1) * (drawn - x + 1);
        if (!(up > 0) || !(down > 0))
            return sum;
        term *= up / down;
        sum += term;
        if (term < 1e-17 * sum || (up < down && term * up < 1e-14 * (down - up) * sum))
            return sum;
    }
}

// The four cells of the 2x2 table and their likelihood-ratio distance from independence.
struct table {
    double cell[4];
    double marked, other, drawn, left, population;
    double gap; // x - its mean
    double mean[4];
    double deviance;
};

static struct table make_table(double x, double population, double marked, double drawn)
{
    double rest = population - marked - drawn, other = population - marked;
    double left = population - drawn;
    struct table t = {.cell = {x, marked - x, drawn - x, rest + x},
                      .marked = marked,
                      .other = other,
                      .drawn = drawn,
                      .left = left,
                      .population = population,
                      .mean = {marked * (drawn / population), marked * (left / population),
                               other * (drawn / population), other * (left / population)}};
    t.gap = x - t.mean[0];
    double deviance =
        divergence(t.cell[0], t.mean[0], t.gap) + divergence(t.cell[1], t.mean[1], -t.gap) +
        divergence(t.cell[2], t.mean[2], -t.gap) + divergence(t.cell[3], t.mean[3], t.gap);
    t.deviance = deviance > 0 ? deviance : 0;
    return t;
}

static double point_of(const struct table *t)
{
    double log_rest = factorial_rest(t->marked) + factorial_rest(t->other) +
                      factorial_rest(t->drawn) + factorial_rest(t->left) -
                      factorial_rest(t->population);
    for (int i = 0; i < 4; i++)
        log_rest -= factorial_rest(t->cell[i]);
    return exp(log_rest - t->deviance);
}

// The saddlepoint's upper tail P(X >= x) with its lattice correction; for inner x only, with all
// four cells positive and x not at the mean.
static double saddle_upper(const struct table *t)
{
    const double *cell = t->cell;
    double r = copysign(sqrt(2 * t->deviance), t->gap);
    double psi = 0; // log odds ratio
    for (int i = 0; i < 4; i++) {
        double sign = i == 0 || i == 3 ? 1 : -1;
        psi += sign * log1p(sign * t->gap / t->mean[i]);
    }
    double scale = sqrt(cell[0] / t->marked * (cell[1] / t->other) * (cell[2] / t->drawn) *
                        (cell[3] / t->left) * t->population);
    double u = -expm1(-psi) * scale;
    return weir_normal_sf(r) + weir_normal_density(r) * (1 / u - 1 / r);
}

static struct weir_hypergeometric inner(double x, const struct table *at, double sd, double point)
{
    // At the mean the formula is singular: step away over points that are all alike.
    double step = fabs(at->gap) < 1e-3 * sd ? ceil(2e-3 * sd) : 0;
    struct table moved = make_table(x + step, at->population, at->marked, at->drawn);
    double upper = saddle_upper(&moved) + step * point;
    return (struct weir_hypergeometric){1 - upper + point, upper, point};
}

static struct weir_hypergeometric hypergeometric(double x, double population, double marked,
                                                 double drawn, double most_sd)
{
    struct weir_hypergeometric out = {NAN, NAN, NAN};
    if (!(population >= 0) || !isfinite(population) || !(marked >= 0) || !(drawn >= 0) ||
        !(marked <= population) || !(drawn <= population) || isnan(x) || x != floor(x))
        return out;
    double rest = population - marked - drawn;
    double least = rest < 0 ? ceil(-rest) : 0, most = floor(fmin(marked, drawn));
    if (x < least || x > most)
        return (struct weir_hypergeometric){x < least ? 0 : 1, x < least ? 1 : 0, 0};
    if (least >= most)
        return (struct weir_hypergeometric){1, 1, 1};
    struct table at = make_table(x, population, marked, drawn);
    out.point = point_of(&at);
    double share = marked / population, mean = drawn * share;
    double sd = sqrt(mean * (1 - share) * (population - drawn) / fmax(population - 1, 1));
    // Far from the mean the sums are short whatever the size; inside they have about 7 sd terms.
    if (sd > most_sd && fabs(at.gap) < 4 * sd) {
        out = inner(x, &at, sd, out.point);
        if (at.gap < 0) { // the tail that is wanted is the lower one: compute it as such
            struct weir_hypergeometric mirrored =
                weir_hypergeometric(drawn - x, population, population - marked, drawn);
            out.lower = mirrored.upper;
        }
    } else if (x >= mean) {
        out.upper = out.point * (1 + beyond(x, rest, marked, drawn, 1));
        out.lower = 1 - out.upper + out.point;
    } else {
        out.lower = out.point * (1 + beyond(x, rest, marked, drawn, -1));
        out.upper = 1 - out.lower + out.point;
    }
    out.lower = fmin(fmax(out.lower, 0), 1);
    out.upper = fmin(fmax(out.upper, 0), 1);
    return out;
}

struct weir_hypergeometric weir_hypergeometric(double x, double population, double marked,
                                               double drawn)
{
    return hypergeometric(x, population, marked, drawn, SADDLE_SD);
}

struct weir_hypergeometric weir_hypergeometric_summed(double x, double population, double marked,
                                                      double drawn)
{
    return hypergeometric(x, population, marked, drawn, HUGE_VAL);
}
