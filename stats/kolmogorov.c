// SPDX-License-Identifier: Apache-2.0
// The distribution of the one-sample Kolmogorov-Smirnov statistic (Simard and L'Ecuyer, 2011):
// which method serves where.
#include <math.h>
#include <string.h>

#include "stats/samples.h"
#include "stats/special.h"

#define PI 3.14159265358979323846
// Beyond these n d^2 twice the one-sided tail serves (small and large n).
#define ONE_SIDED_SMALL 4.0
#define ONE_SIDED_LARGE 2.2
#define SMALL_N 140
#define SCALE_BITS 128

// ln(n!) - n ln n.
static double ln_factorial_ratio(double n)
{
    return weir_ln_gamma(n + 1) - n * log(n);
}

// P(D+ >= d), exact: Smirnov's sum, each term a binomial point by its logarithm.
static double one_sided(double n, double d)
{
    double sum = 0, last = floor(n * (1 - d));
    for (double j = 0; j <= last; j++) {
        double p = d + j / n, q = 1 - p;
        double term;
        if (j == 0)
            term = n * log1p(-d);
        else if (q <= 0 || j >= n)
            continue; // q is 0 only at the last one, which then adds nothing
        else {
            // Deviance form: nothing large cancels (Loader, 2000).
            double k = n - j;
            double deviance = j * log(j / (n * p)) + k * log(k / (n * q));
            double rest = 0.5 * log(n / (2 * PI * j * k)) + (1 / n - 1 / j - 1 / k) / 12 -
                          (1 / (n * n * n) - 1 / (j * j * j) - 1 / (k * k * k)) / 360;
            if (j < 16 || k < 16)
                rest = ln_factorial_ratio(n) - ln_factorial_ratio(j) - ln_factorial_ratio(k);
            term = rest - deviance + log(d / p);
        }
        sum += exp(term);
    }
    return sum;
}

enum { MATRIX = 128 };

struct matrix {
    double cell[MATRIX * MATRIX];
    int exponent;
};

static void multiply(const struct matrix *a, const struct matrix *b, struct matrix *out, int m)
{
    memset(out->cell, 0, sizeof(double) * (size_t)m * (size_t)m);
    for (int i = 0; i < m; i++)
        for (int k = 0; k < m; k++) {
            double f = a->cell[i * m + k];
            for (int j = 0; j < m; j++)
                out->cell[i * m + j] += f * b->cell[k * m + j];
        }
    out->exponent = a->exponent + b->exponent;
    if (out->cell[(m / 2) * m + m / 2] > ldexp(1, SCALE_BITS)) {
        for (int i = 0; i < m * m; i++)
            out->cell[i] = ldexp(out->cell[i], -SCALE_BITS);
        out->exponent += SCALE_BITS;
    }
}

static void fill(struct matrix *h, int m, double rest)
{
    h->exponent = 0;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++)
            h->cell[i * m + j] = i - j + 1 < 0 ? 0 : 1;
    for (int i = 0; i < m; i++) {
        h->cell[i * m] -= pow(rest, i + 1);
        h->cell[(m - 1) * m + i] -= pow(rest, m - i);
    }
    if (2 * rest > 1)
        h->cell[(m - 1) * m] += pow(2 * rest - 1, m);
    for (int i = 0; i < m; i++)
        for (int j = 0; j <= i + 1 && j < m; j++)
            for (int g = 1; g <= i - j + 1; g++)
                h->cell[i * m + j] /= g;
}

// P(D <= d): the k-th entry of n!/n^n times a matrix to the n (Marsaglia, Tsang and Wang, 2003).
static double by_matrix(double n, double d)
{
    struct matrix work[3];
    struct matrix *power = &work[0], *square = &work[1], *spare = &work[2];
    int k = (int)ceil(n * d), m = 2 * k - 1;
    if (m > MATRIX)
        return -1;
    fill(square, m, k - n * d);
    memset(power->cell, 0, sizeof power->cell);
    for (int i = 0; i < m; i++)
        power->cell[i * m + i] = 1;
    power->exponent = 0;
    for (long left = (long)n; left; left >>= 1) {
        struct matrix *swap;
        if (left & 1) {
            multiply(power, square, spare, m);
            swap = power, power = spare, spare = swap;
        }
        if (left > 1) {
            multiply(square, square, spare, m);
            swap = square, square = spare, spare = swap;
        }
    }
    double p = power->cell[(k - 1) * m + k - 1];
    long exponent = power->exponent;
    for (double i = 1; i <= n; i++) {
        p = i * p / n;
        if (p < ldexp(1, -SCALE_BITS)) {
            p = ldexp(p, SCALE_BITS);
            exponent -= SCALE_BITS;
        }
    }
    return ldexp(p, (int)exponent);
}

// P(D <= d) by the first terms in 1/sqrt(n) (Pelz and Good, 1976), for large n.
static double by_expansion(double n, double d)
{
    double z = sqrt(n) * d, z2 = z * z, z4 = z2 * z2, z6 = z4 * z2, pi2 = PI * PI;
    double sum[4] = {0, 0, 0, 0}, q = -pi2 / (8 * z2);
    if (q < -708)
        return 0;
    int most = (int)ceil(16 * z / PI);
    for (int k = 1; k <= most; k++) {
        double m2 = (2.0 * k - 1) * (2.0 * k - 1), e = exp(q * m2), m4 = m2 * m2;
        sum[0] += e;
        sum[1] += e * (pi2 / 4 * m2 - z2);
        sum[2] += e * (6 * z6 + 2 * z4 + pi2 / 4 * (2 * z4 - 5 * z2) * m2 +
                       pi2 * pi2 / 16 * (1 - 2 * z2) * m4);
        sum[3] += e * (-30 * z6 - 90 * z4 * z4 + pi2 / 4 * (135 * z4 - 96 * z6) * m2 +
                       pi2 * pi2 / 16 * (212 * z4 - 60 * z2) * m4 +
                       pi2 * pi2 * pi2 / 64 * (5 - 30 * z2) * m4 * m2);
    }
    double root = sqrt(2 * PI);
    sum[0] *= root / z;
    sum[1] *= root / (6 * z4);
    sum[2] *= root / (72 * z4 * z2 * z);
    sum[3] *= root / (6480 * z4 * z4 * z2);
    double even2 = 0, even3 = 0;
    for (int k = 1; k <= most; k++) {
        double k2 = (double)k * k, e = exp(-pi2 / (2 * z2) * k2);
        even2 += k2 * e;
        even3 += (3 * z2 - pi2 * k2) * k2 * e;
    }
    sum[2] -= even2 * pi2 * root / (36 * z2 * z);
    sum[3] += even3 * pi2 * root / (216 * z6);
    double step = 1 / sqrt(n);
    return sum[0] + step * (sum[1] + step * (sum[2] + step * sum[3]));
}

static double clip(double p)
{
    return p < 0 ? 0 : p > 1 ? 1 : p;
}

double weir_ks_one_sample_sf(double n, double d)
{
    double t = n * d, square = t * d;
    if (!(n >= 1) || n != floor(n) || isnan(d))
        return NAN;
    if (d >= 1)
        return 0;
    if (t <= 0.5)
        return 1;
    if (t <= 1)
        return clip(1 - exp(ln_factorial_ratio(n) + n * log(2 * t - 1)));
    if (t >= n - 1)
        return clip(2 * pow(1 - d, n));
    if (square >= 370)
        return 0;
    if (d >= 0.5 || square > (n <= SMALL_N ? ONE_SIDED_SMALL : ONE_SIDED_LARGE))
        return clip(2 * one_sided(n, d));
    if (n <= SMALL_N || (n <= 100000 && t * sqrt(d) <= 1.4)) {
        double below = by_matrix(n, d);
        if (below >= 0)
            return clip(1 - below);
    }
    return clip(1 - by_expansion(n, d));
}
