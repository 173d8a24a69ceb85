// SPDX-License-Identifier: Apache-2.0
#include "stats/spread.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "stats/cell_score.h"
#include "stats/special.h"
#include "weir/error.h"

static const double CHANCE = 2, MOST = 20; // standard errors; of what few stretches may hide
static const double EXPECTED = 2;          // values
enum { LEAST = 3 };

double weir_spread_between(const uint64_t *a, const uint64_t *b, size_t n_cells, double expected,
                           double *df)
{
    double n = 0, m = 0, sum = 0, cells = 0, x = 0, y = 0;
    for (size_t i = 0; i < n_cells; i++) {
        n += (double)a[i];
        m += (double)b[i];
    }
    if (!(n > 0) || !(m > 0))
        return NAN;
    double smaller = fmin(n, m);
    for (size_t i = 0; i < n_cells; i++) {
        x += (double)a[i];
        y += (double)b[i];
        double p = (x + y) / (n + m), off = y / m - x / n;
        if (p * smaller < expected)
            continue;
        if (p < 1)
            sum += off * off / (p * (1 / n + 1 / m));
        x = y = 0;
        cells++;
    }
    if (cells < 2)
        return NAN;
    if (df)
        *df = cells - 1;
    return sum / (cells - 1);
}

// (mean of `one` - mean of the others)^2 by its variance, of the scores to the power of `degree`.
static double moved(const uint64_t *one, const uint64_t *others, size_t n_cells,
                    const double *score, int degree)
{
    double n = 0, m = 0, a = 0, b = 0, square = 0;
    for (size_t i = 0; i < n_cells; i++) {
        double x = degree == 1 ? score[i] : score[i] * score[i];
        n += (double)others[i];
        m += (double)one[i];
        a += x * (double)others[i];
        b += x * (double)one[i];
        square += x * x * (double)(one[i] + others[i]);
    }
    double middle = (a + b) / (n + m), variance = square / (n + m) - middle * middle;
    double off = b / m - a / n;
    return variance > 0 ? off * off / (variance * (1 / n + 1 / m)) : 0;
}

void weir_spread_add(struct weir_spread *spread, const uint64_t *one, const uint64_t *others,
                     size_t n_cells, const double *score)
{
    double df,
        ratio[WEIR_SPREAD_PARTS] = {weir_spread_between(others, one, n_cells, EXPECTED, &df)};
    if (!isfinite(ratio[WEIR_SPREAD_SHAPE]))
        return;
    for (int degree = 1; degree <= 2; degree++)
        ratio[degree] = score ? moved(one, others, n_cells, score, degree) : 0;
    spread->n++;
    spread->df += df;
    for (int k = 0; k < WEIR_SPREAD_PARTS; k++)
        spread->mean[k] += (ratio[k] - spread->mean[k]) / (double)spread->n;
}

int weir_spread_add_part(struct weir_spread *spread, const uint64_t *all, const uint64_t *one,
                         size_t n_cells, int ordered)
{
    double *share = malloc(2 * (n_cells + 1) * sizeof *share), *score = share + n_cells, total = 0;
    uint64_t *others = malloc((n_cells + 1) * sizeof *others);
    int code = share && others ? 0 : WEIR_ENOMEM;
    for (size_t i = 0; !code && i < n_cells; i++) {
        others[i] = all[i] > one[i] ? all[i] - one[i] : 0;
        total += (double)all[i];
    }
    for (size_t i = 0; !code && i < n_cells; i++)
        share[i] = (double)all[i] / fmax(total, 1);
    if (!code && ordered)
        weir_normal_scores(share, n_cells, score);
    if (!code)
        weir_spread_add(spread, one, others, n_cells, ordered ? score : NULL);
    free(share);
    free(others);
    return code;
}

double weir_spread_reckoned(const struct weir_spread *spread, double p)
{
    double most = 0;
    if (spread->n < LEAST || !(spread->df > 0))
        return 1;
    for (int k = 0; k < WEIR_SPREAD_PARTS; k++) {
        double df = k == WEIR_SPREAD_SHAPE ? spread->df : (double)spread->n;
        most = fmax(most, spread->mean[k] - 1 - CHANCE * sqrt(2 / df));
    }
    if (!(most > 0))
        return 1;
    double t = weir_student_t_quantile(1 - p, (double)spread->n - 1);
    double z = weir_normal_upper_quantile(p);
    return 1 + most * fmin(t * t / (z * z), MOST);
}

int weir_spread_write(const struct weir_spread *spread, struct weir_buffer *out)
{
    for (int k = 0; k < WEIR_SPREAD_PARTS; k++)
        weir_put_double(out, spread->mean[k]);
    weir_put_double(out, spread->df);
    return weir_put_long(out, (int64_t)spread->n);
}

int weir_spread_read(struct weir_spread *spread, struct weir_reader *in)
{
    struct weir_spread read;
    int wrong = 0;
    for (int k = 0; k < WEIR_SPREAD_PARTS; k++) {
        read.mean[k] = weir_get_double(in);
        wrong |= !(read.mean[k] >= 0 && read.mean[k] <= DBL_MAX);
    }
    read.df = weir_get_double(in);
    read.n = weir_get_count(in, (size_t)1 << 32);
    if (in->failed || wrong || !(read.df >= 0 && read.df <= DBL_MAX))
        return in->failed ? weir_reader_code(in) : WEIR_ECORRUPT;
    *spread = read;
    return 0;
}
