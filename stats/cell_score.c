// SPDX-License-Identifier: Apache-2.0
#include "stats/cell_score.h"

#include <math.h>

#include "stats/special.h"

void weir_normal_scores(const double *share, size_t n, double *score)
{
    double below = 0, density = 0;
    for (size_t i = 0; i < n; i++) {
        double next = fmin(below + share[i], 1);
        // The outermost cell ends at 1, whatever the rounding.
        double above =
            i + 1 == n || next >= 1 ? 0 : weir_normal_density(weir_normal_quantile(next));
        if (next <= 0)
            above = 0;
        score[i] = share[i] > 1e-12 ? (density - above) / share[i] : 0;
        below = next;
        density = above;
    }
}

static double entropy_term(double x, double expected)
{
    return x > 0 && expected > 0 ? x * log(x / expected) : 0;
}

// Log likelihood ratio of two shares: a of n now, b of m expected.
static double ratio_of(double a, double n, double b, double m)
{
    double share = (a + b) / (n + m), other = n - a, rest = m - b;
    if (!(share > 0) || !(share < 1))
        return 0;
    double sum = entropy_term(a, n * share) + entropy_term(other, n * (1 - share)) +
                 entropy_term(b, m * share) + entropy_term(rest, m * (1 - share));
    return sum > 0 ? sum : 0;
}

static void over_cells(const struct weir_expectation *expected,
                       const struct weir_cell_observation *now, double n, double out[WEIR_SCORES])
{
    double m = expected->worth, below = 0, share = 0, level = 0, cut = 0, shape = 0, before = 0;
    int ordered = expected->score != NULL;
    for (size_t i = 0; i < expected->n; i++) {
        double a = (double)now->cell[i], b = expected->share[i] * m, all = (a + b) / (n + m);
        if (a + b <= 0)
            continue;
        shape += entropy_term(a, all * n) + entropy_term(b, all * m);
        if (!ordered) {
            cut = fmax(cut, ratio_of(a, n, b, m));
            continue;
        }
        // The cut below this cell.
        double pooled = (below + share * m) / (n + m);
        if (pooled > 0 && pooled < 1) {
            double gap = below / n - share;
            level += (before + all) / 2 * gap * gap / (pooled * (1 - pooled));
            // A likelihood ratio is near half of the squared deviation; it costs only where it can
            // be the largest.
            double near = gap * gap * n * m / (n + m) / (2 * pooled * (1 - pooled));
            if (near > .5 * cut)
                cut = fmax(cut, ratio_of(below, n, share * m, m));
        }
        before = all;
        below += a;
        share += expected->share[i];
    }
    if (ordered) {
        size_t last = expected->n - 1;
        out[WEIR_SCORE_LEVEL] = level * n * m / (n + m);
        out[WEIR_SCORE_TAIL] =
            fmax(ratio_of((double)now->cell[0], n, expected->share[0] * m, m),
                 ratio_of((double)now->cell[last], n, expected->share[last] * m, m));
    }
    out[WEIR_SCORE_CUT] = cut;
    out[WEIR_SCORE_SHAPE] = shape > 0 ? shape : 0;
}

// The ratio of sums of squares about the expected mean and about its own: a shift is not a scale.
static double scale_of(const struct weir_expectation *expected,
                       const struct weir_cell_observation *now, double n)
{
    double mean = 0, square = 0, usual = 0;
    for (size_t i = 0; i < expected->n; i++) {
        double z = expected->score[i], a = (double)now->cell[i];
        mean += a * z;
        square += a * z * z;
        usual += expected->share[i] * z * z;
    }
    mean /= n;
    double variance = square / n - mean * mean;
    return variance > 1e-9 && usual > 1e-9 ? log(variance / usual) : 0;
}

void weir_cell_scores(const struct weir_expectation *expected,
                      const struct weir_cell_observation *now, double out[WEIR_SCORES],
                      double *scale_ratio)
{
    double n = 0;
    for (int k = 0; k < WEIR_SCORES; k++)
        out[k] = NAN;
    *scale_ratio = 0;
    for (size_t i = 0; i < expected->n; i++)
        n += (double)now->cell[i];
    if (now->rows && expected->worth > 0)
        out[WEIR_SCORE_NULL] = ratio_of((double)now->null, (double)now->rows,
                                        expected->null_share * expected->worth, expected->worth);
    if (n < 2 || !(expected->worth > 0))
        return;
    over_cells(expected, now, n, out);
    double m = expected->worth;
    if (expected->score && n >= 20) {
        *scale_ratio = scale_of(expected, now, n);
        out[WEIR_SCORE_SCALE] = *scale_ratio * *scale_ratio / 4 * n * m / (n + m);
    }
    out[WEIR_SCORE_UNSEEN] = ratio_of((double)now->unseen, (double)now->values,
                                      expected->unseen_share * expected->worth, expected->worth);
}
