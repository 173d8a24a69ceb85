// SPDX-License-Identifier: Apache-2.0
#include "stats/unit_mixture.h"

#include <math.h>
#include <string.h>

struct point {
    double x, y, q;
};

// Points with one x are one, at their mean level: between them there is no density.
static size_t distinct(const double *x, const double *y, const double *level, size_t n,
                       struct point *out)
{
    size_t kept = 0;
    for (size_t i = 0, end; i < n; i = end) {
        struct point sum = {x[i], 0, 0};
        for (end = i; end < n && x[end] <= x[i]; end++) {
            sum.y += y[end];
            sum.q += level[end];
        }
        sum.y /= (double)(end - i);
        sum.q /= (double)(end - i);
        out[kept++] = sum;
    }
    return kept;
}

// The chord's slope between points i and i + 1.
static double chord(const struct point *p, size_t i)
{
    return (p[i + 1].q - p[i].q) / (p[i + 1].x - p[i].x);
}

// At the ends the density falls off, so the outermost chord has too much of it: half a step on.
static double density(const struct point *p, size_t n, size_t i)
{
    if (i && i + 1 < n)
        return (p[i + 1].q - p[i - 1].q) / (p[i + 1].x - p[i - 1].x);
    double last = i ? chord(p, n - 2) : chord(p, 0), next = i ? chord(p, n - 3) : chord(p, 1);
    return fmax(1.5 * last - 0.5 * next, 0.25 * last);
}

void weir_quantile_line(const double *x, const double *y, const double *level, size_t points,
                        double centre, double n, double m, struct weir_quantile_line *line)
{
    struct point p[WEIR_QUANTILE_LINE_POINTS];
    memset(line, 0, sizeof *line);
    if (points > WEIR_QUANTILE_LINE_POINTS || !(n > 0) || !(m > 0))
        return;
    size_t k = distinct(x, y, level, points, p);
    if (k < 3)
        return;
    // Sums of the weighted design: columns 1 and x - centre, and y - x.
    double s11 = 0, s1x = 0, sxx = 0, s1y = 0, sxy = 0, f0 = 0, x0 = 0, y0 = 0, q0 = 0;
    for (size_t i = 0; i <= k; i++) {
        int end = i == k;
        double f1 = end ? 0 : density(p, k, i), q1 = end ? 1 : p[i].q;
        double x1 = end ? 0 : f1 * (p[i].x - centre), y1 = end ? 0 : f1 * (p[i].y - p[i].x);
        double d1 = f1 - f0, dx = x1 - x0, dy = y1 - y0, weight = 1 / (q1 - q0);
        s11 += weight * d1 * d1;
        s1x += weight * d1 * dx;
        sxx += weight * dx * dx;
        s1y += weight * d1 * dy;
        sxy += weight * dx * dy;
        f0 = f1, x0 = x1, y0 = y1, q0 = q1;
    }
    double determinant = s11 * sxx - s1x * s1x;
    if (!(determinant > 0) || !isfinite(determinant))
        return;
    line->points = k;
    line->shift = (sxx * s1y - s1x * sxy) / determinant;
    line->slope = 1 + (s11 * sxy - s1x * s1y) / determinant;
    // Both samples' noise in y, the density of which is f / slope.
    double noise = fabs(line->slope) * sqrt(1 / n + 1 / m);
    line->se_shift = noise * sqrt(sxx / determinant);
    line->se_slope = noise * sqrt(s11 / determinant);
}

enum { STEPS = 60 };

void weir_mixture_fit(const double *count, const double *f, const double *g, size_t n,
                      struct weir_mixture *mixture)
{
    double low = 0, high = 1, w = 0, information = 0;
    memset(mixture, 0, sizeof *mixture);
    for (int step = 0; step < STEPS; step++) {
        double slope = 0;
        information = 0;
        for (size_t i = 0; i < n; i++) {
            if (!(count[i] > 0))
                continue;
            double gap = (g[i] - f[i]) / (f[i] + w * (g[i] - f[i]));
            slope += count[i] * gap;
            information += count[i] * gap * gap;
        }
        // At 0 the slope says whether there is anything at all.
        if (!step && slope <= 0)
            return;
        if (slope > 0)
            low = w;
        else
            high = w;
        double next = information > 0 ? w + slope / information : high;
        if (!(next > low && next < high))
            next = next >= 1 && high >= 1 ? 1 : 0.5 * (low + high);
        int done = fabs(next - w) <= 1e-12 * (w + 1e-3);
        w = next;
        if (done)
            break;
    }
    for (size_t i = 0; i < n; i++)
        if (count[i] > 0)
            mixture->gain += count[i] * log1p(w * (g[i] - f[i]) / f[i]);
    mixture->share = w;
    mixture->se = w > 0 && w < 1 && information > 0 ? 1 / sqrt(information) : 0;
}
