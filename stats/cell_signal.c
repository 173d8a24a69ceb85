// SPDX-License-Identifier: Apache-2.0
#include "stats/cell_signal.h"

#include <math.h>

#include "stats/special.h"

static const double OUTER = 0.05;          // the lowest and highest twentieth
static const double LEAST_VARIANCE = 0.05; // of normal scores: below, nearly all values are alike
enum { LEAST_VALUES = 20 };

double weir_share_angle(double share)
{
    return 2 * asin(sqrt(fmin(fmax(share, 0), 1)));
}

double weir_angle_share(double angle)
{
    double half = sin(fmin(fmax(angle / 2, 0), M_PI_2));
    return half * half;
}

static double between(double count, double n, double share)
{
    return weir_share_angle(count / n) - weir_share_angle(share);
}

// The cells at one end that hold a twentieth or just more of what is expected; not where they
// hold most of it.
static double of_end(const struct weir_expectation *expected,
                     const struct weir_cell_observation *now, double n, int high)
{
    double share = 0, count = 0;
    for (size_t k = 0; k < expected->n && share < OUTER; k++) {
        size_t i = high ? expected->n - 1 - k : k;
        share += expected->share[i];
        count += (double)now->cell[i];
    }
    return share < 4 * OUTER ? between(count, n, share) : NAN;
}

static void of_order(const struct weir_expectation *expected,
                     const struct weir_cell_observation *now, double n, double out[WEIR_SIGNALS])
{
    double mean = 0, square = 0, usual = 0, centre = 0;
    for (size_t i = 0; i < expected->n; i++) {
        double z = expected->score[i], a = (double)now->cell[i];
        mean += a * z;
        square += a * z * z;
        usual += expected->share[i] * z * z;
        centre += expected->share[i] * z;
    }
    mean /= n;
    usual -= centre * centre;
    if (usual < LEAST_VARIANCE)
        return;
    double variance = square / n - mean * mean;
    out[WEIR_SIGNAL_LEVEL] = (mean - centre) / usual;
    out[WEIR_SIGNAL_SCALE] = log(fmax(variance, 1e-4) / usual) / 2;
    out[WEIR_SIGNAL_LOW] = of_end(expected, now, n, 0);
    out[WEIR_SIGNAL_HIGH] = of_end(expected, now, n, 1);
}

void weir_cell_signals(const struct weir_expectation *expected,
                       const struct weir_cell_observation *now, double out[WEIR_SIGNALS])
{
    double n = 0;
    for (int k = 0; k < WEIR_SIGNALS; k++)
        out[k] = NAN;
    if (!(expected->worth > 0))
        return;
    for (size_t i = 0; i < expected->n; i++)
        n += (double)now->cell[i];
    if (now->rows >= LEAST_VALUES)
        out[WEIR_SIGNAL_NULL] = between((double)now->null, (double)now->rows, expected->null_share);
    if (n < LEAST_VALUES)
        return;
    if (now->values >= LEAST_VALUES)
        out[WEIR_SIGNAL_UNSEEN] =
            between((double)now->unseen, (double)now->values, expected->unseen_share);
    if (expected->score) {
        of_order(expected, now, n, out);
        return;
    }
    for (size_t i = 0; i < expected->n && i < WEIR_SIGNAL_CATEGORIES; i++)
        out[i] = between((double)now->cell[i], n, expected->share[i]);
}

// ---- the other way

static void move_level(const double *share, size_t n, double level, double *out)
{
    double cut = 0, below = 0;
    for (size_t i = 0; i < n; i++) {
        cut += share[i];
        double above = i + 1 == n || cut >= 1 ? 1
                       : cut <= 0             ? 0
                                              : weir_normal_cdf(weir_normal_quantile(cut) - level);
        out[i] = fmax(above - below, 0);
        below = above;
    }
}

static void move_categories(const double *share, size_t n, const double *signal, double *out)
{
    double moved = 0, before = 0;
    size_t first = n < WEIR_SIGNAL_CATEGORIES ? n : WEIR_SIGNAL_CATEGORIES;
    for (size_t i = 0; i < first; i++) {
        before += share[i];
        out[i] =
            isnan(signal[i]) ? share[i] : weir_angle_share(weir_share_angle(share[i]) + signal[i]);
        moved += out[i];
    }
    double rest = 1 - before, sum = moved + fmax(rest, 0);
    for (size_t i = 0; i < n && sum > 0; i++)
        out[i] = (i < first ? out[i] : share[i]) / sum;
}

void weir_cells_moved(const double *share, size_t n, int ordered, const double signal[WEIR_SIGNALS],
                      double *out)
{
    if (ordered)
        move_level(share, n, isnan(signal[WEIR_SIGNAL_LEVEL]) ? 0 : signal[WEIR_SIGNAL_LEVEL], out);
    else
        move_categories(share, n, signal, out);
}
