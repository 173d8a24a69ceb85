// SPDX-License-Identifier: Apache-2.0
// The tails of special.h that are own code: Kolmogorov, Kuiper, hypergeometric.
#include <math.h>

#include "stats/special.h"

#define PI 3.14159265358979323846

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

// x ln(x / m), 0 at x = 0.
static double entropy(double x, double m)
{
    return x > 0 ? x * log(x / m) : 0;
}

// Sums P(X = x + 1), P(X = x + 2) ... in units of P(X = x); `step` -1 goes down.
static double beyond(double x, double rest, double marked, double drawn, int step)
{
    double sum = 0, term = 1;
    // `rest` is population - marked - drawn: the unmarked left over when nothing marked is drawn.
    for (;; x += step) {
        double up = step > 0 ? (marked - x) * (drawn - x) : x * (rest + x);
        double down =
            step > 0 ? (x + 1) * (rest + x + 1) : (marked - x + 1) * (drawn - x + 1);
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
    double deviance;
};

static struct table make_table(double x, double population, double marked, double drawn)
{
    double rest = population - marked - drawn;
    struct table t = {.cell = {x, marked - x, drawn - x, rest + x},
                      .marked = marked,
                      .other = population - marked,
                      .drawn = drawn,
                      .left = population - drawn,
                      .population = population};
    double deviance = entropy(t.cell[0], marked * drawn / population) +
                      entropy(t.cell[1], marked * t.left / population) +
                      entropy(t.cell[2], t.other * drawn / population) +
                      entropy(t.cell[3], t.other * t.left / population);
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

// The saddlepoint's upper tail P(X >= x) with its lattice correction; for inner x only.
static double saddle_upper(const struct table *t)
{
    const double *cell = t->cell;
    double r = sqrt(2 * t->deviance);
    double psi = log(cell[0] / cell[1] * (cell[3] / cell[2])); // log odds ratio
    double scale = sqrt(cell[0] / t->marked * (cell[1] / t->other) * (cell[2] / t->drawn) *
                        (cell[3] / t->left) * t->population);
    if (psi < 0)
        r = -r;
    double u = -expm1(-psi) * scale;
    return weir_normal_sf(r) + weir_normal_density(r) * (1 / u - 1 / r);
}

struct weir_hypergeometric weir_hypergeometric(double x, double population, double marked,
                                               double drawn)
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
    int inner = sd > 200 && fabs(x - mean) < 4 * sd && x > 1 && fabs(x - mean) > 0.05 * sd;
    if (x >= mean) {
        out.upper = inner ? saddle_upper(&at)
                          : out.point * (1 + beyond(x, rest, marked, drawn, 1));
        out.lower = 1 - out.upper + out.point;
    } else {
        struct table next = make_table(x + 1, population, marked, drawn);
        out.lower = inner ? 1 - saddle_upper(&next) : out.point * (1 + beyond(x, rest, marked, drawn, -1));
        out.upper = 1 - out.lower + out.point;
    }
    out.lower = fmin(fmax(out.lower, 0), 1);
    out.upper = fmin(fmax(out.upper, 0), 1);
    return out;
}
