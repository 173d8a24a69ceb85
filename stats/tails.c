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

// ln n! - n ln n + n - ln(2 pi n) / 2: what Stirling's formula leaves (Loader, 2000), so that
// nothing large cancels whatever the counts.
static double stirling_rest(double n)
{
    static const double table[16] = {
        0,
        0.081061466795327261,
        0.041340695955409297,
        0.027677925684998338,
        0.020790672103765093,
        0.016644691189821193,
        0.013876128823070748,
        0.01189670994589177,
        0.010411265261972096,
        0.0092554621827127329,
        0.0083305634333628708,
        0.0075736754879518406,
        0.0069428401072095299,
        0.0064089941880042071,
        0.0059513701127588475,
        0.0055547335519628011,
    };
    if (n < 16) {
        int whole = (int)n;
        if (whole == n)
            return table[whole];
        return n > 0 ? weir_ln_gamma(n + 1) - n * log(n) + n - 0.5 * log(2 * PI * n) : 0;
    }
    double i = 1 / n, i2 = i * i;
    return i * (1.0 / 12 - i2 * (1.0 / 360 - i2 * (1.0 / 1260 - i2 * (1.0 / 1680))));
}

// 2 pi n, or 1 where the factorial is that of nothing.
static double circle(double n)
{
    return n > 0 ? 2 * PI * n : 1;
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

// Where the sum ends, and how far what follows may be from the estimate that stands for it.
#define SUM_ENDS 1e-10

// Sums P(X = x + 1), P(X = x + 2) ... in units of P(X = x), going up, of which there are `steps`.
// Going down is going up in the table whose columns have changed places.
static double beyond(double x, double rest, double marked, double drawn, double steps)
{
    // `rest` is population - marked - drawn: the unmarked left over when nothing marked is drawn.
    double sum = 0, term = 1, a = marked - x, b = drawn - x, c = x + 1, d = rest + x + 1;
    // Four terms at a time, over one denominator: divisions are what takes the time.
    for (; steps >= 4; steps -= 4, a -= 4, b -= 4, c += 4, d += 4) {
        double up = a * b, up1 = (a - 1) * (b - 1), up2 = (a - 2) * (b - 2);
        double up3 = (a - 3) * (b - 3), down = c * d, down1 = (c + 1) * (d + 1);
        double down2 = (c + 2) * (d + 2), down3 = (c + 3) * (d + 3);
        double first = up * up1, last = down2 * down3, inverse = term / (down * down1 * last);
        sum += inverse * ((up * down1 + first) * last + first * (up2 * (down3 + up3)));
        term = first * (up2 * up3) * inverse;
        if (term * up3 < SUM_ENDS * (down3 - up3) * sum) // the rest falls faster than geometrically
            return sum + term * up3 / (down3 - up3);
    }
    for (; steps >= 1; steps--, a--, b--, c++, d++) {
        term *= a * b / (c * d);
        sum += term;
    }
    return sum;
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
    double rest = stirling_rest(t->marked) + stirling_rest(t->other) + stirling_rest(t->drawn) +
                  stirling_rest(t->left) - stirling_rest(t->population);
    double above = circle(t->marked) * circle(t->other) * (circle(t->drawn) * circle(t->left));
    double below = circle(t->cell[0]) * circle(t->cell[1]) *
                   (circle(t->cell[2]) * circle(t->cell[3])) * circle(t->population);
    for (int i = 0; i < 4; i++)
        rest -= stirling_rest(t->cell[i]);
    return sqrt(above / below) * exp(rest - t->deviance);
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

// P(X >= x), x at or above the mean.
static double inner_upper(double x, const struct table *at, double sd, double point)
{
    // At the mean the formula is singular: step away over points that are all alike.
    double step = at->gap < 1e-3 * sd ? ceil(2e-3 * sd) : 0;
    if (step > 0) {
        struct table moved = make_table(x + step, at->population, at->marked, at->drawn);
        return saddle_upper(&moved) + step * point;
    }
    return saddle_upper(at);
}

static struct weir_hypergeometric inner(double x, const struct table *at, double sd, double point)
{
    if (at->gap >= 0) {
        double upper = inner_upper(x, at, sd, point);
        return (struct weir_hypergeometric){1 - upper + point, upper, point};
    }
    // The tail that is wanted is the lower one: compute it as such.
    struct table mirrored = make_table(at->drawn - x, at->population, at->other, at->drawn);
    double lower = inner_upper(at->drawn - x, &mirrored, sd, point);
    return (struct weir_hypergeometric){lower, 1 - lower + point, point};
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
    } else if (x >= mean) {
        out.upper = out.point * (1 + beyond(x, rest, marked, drawn, ceil(fmin(marked, drawn)) - x));
        out.lower = 1 - out.upper + out.point;
    } else {
        // As many unmarked ones among the drawn as there are fewer marked ones.
        double other = population - marked;
        out.lower = out.point * (1 + beyond(drawn - x, marked - drawn, other, drawn,
                                            x - fmax(floor(-rest), 0)));
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
