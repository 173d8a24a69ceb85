// SPDX-License-Identifier: Apache-2.0
// Exact two-sample statistics of raw values: `a` is the reference, `b` the current sample. Where
// SciPy has the statistic, value and p-value are SciPy's (the function is named; held equal by
// tests/conformance). Statuses, and what is returned instead of NaN: stats/two_sample.h.
#ifndef WEIR_STATS_SAMPLES_H
#define WEIR_STATS_SAMPLES_H

#include <stddef.h>

#include "stats/two_sample.h"

// Finite values, sorted ascending. Neither is changed. A sample with a value that is NaN or
// infinite, or out of order, is the caller's fault and gives meaningless (finite) numbers.
struct weir_samples {
    const double *a;
    size_t n_a;
    const double *b;
    size_t n_b;
};

// ks_2samp(a, b, method="asymp"): the largest |F - G|; p by the exact distribution of the
// one-sample statistic for round(nm / (n + m)) values (Simard and L'Ecuyer, 2011).
struct weir_test weir_samples_ks(const struct weir_samples *s);
// ks_2samp(a, b, method="exact"): the share of all lattice paths that go as far apart. Takes
// n_a * n_b steps: TOO_MANY beyond WEIR_EXACT_STEPS.
struct weir_test weir_samples_ks_exact(const struct weir_samples *s);
#define WEIR_EXACT_STEPS 4e6
// The largest F - G plus the largest G - F; p by Kuiper's limit with Stephens' correction.
struct weir_test weir_samples_kuiper(const struct weir_samples *s);
// anderson_ksamp([a, b], variant="midrank"): the standardised statistic (7) of Scholz and
// Stephens, 1987; p interpolated in their table, so never outside .001 to .25.
struct weir_test weir_samples_anderson_darling(const struct weir_samples *s);
// cramervonmises_2samp(a, b, method="asymptotic"). Tails keep their relative precision (SciPy
// takes them from one: below 1e-9 or so its own are noise).
struct weir_test weir_samples_cramer_von_mises(const struct weir_samples *s);
// The largest log likelihood ratio, in nats, of the 2 x 2 tables at all values (Berk and Jones,
// 1979, for two samples); p exact given the order, as for ks_exact, and TOO_MANY beyond.
struct weir_test weir_samples_berk_jones(const struct weir_samples *s);
// mannwhitneyu(a, b, method="asymptotic"): U of the reference, with tie and continuity correction.
struct weir_test weir_samples_mann_whitney(const struct weir_samples *s);
// ttest_ind(a, b, equal_var=False): t is positive where the reference's mean is larger.
struct weir_test weir_samples_welch_t(const struct weir_samples *s);
// Variance of current over that of reference (n - 1 each); p two-sided by F, for normal values.
struct weir_test weir_samples_variance_ratio(const struct weir_samples *s);
// wasserstein_distance(a, b), in the values' unit. No p-value: p is 1 and means nothing.
struct weir_test weir_samples_wasserstein(const struct weir_samples *s);
// The same divided by the reference's standard deviation (n - 1).
struct weir_test weir_samples_wasserstein_normalised(const struct weir_samples *s);
// energy_distance(a, b). No p-value.
struct weir_test weir_samples_energy(const struct weir_samples *s);
// The largest |Q(current) - Q(reference)| at the 5, 10, ... 95% quantiles (linear interpolation,
// numpy.quantile's default), over the reference's standard deviation. No p-value.
struct weir_test weir_samples_quantile_shift(const struct weir_samples *s);
// Q(current) - Q(reference) at the 5, 10, ... 95% quantiles, in the values' unit. Untouched where
// a sample is empty.
enum { WEIR_QUANTILES = 19 };
void weir_samples_quantile_shifts(const struct weir_samples *s, double out[WEIR_QUANTILES]);

// The same tests from moments: size, mean and sample variance (n - 1) of each.
struct weir_moments_pair {
    double n_a, mean_a, variance_a;
    double n_b, mean_b, variance_b;
};
struct weir_test weir_moments_welch_t(const struct weir_moments_pair *m);
struct weir_test weir_moments_variance_ratio(const struct weir_moments_pair *m);

// Two shares, `hits` of `n`: the value is share b - share a, p by the pooled normal test (z)
// where every expected count is at least 10, else by Fisher's exact test.
struct weir_test weir_two_proportions(double hits_a, double n_a, double hits_b, double n_b);
// fisher_exact([[a1, a2], [b1, b2]]): the sample odds ratio (a1 b2) / (a2 b1), and the two-sided
// p: the sum of all tables no more probable than this one. Whole numbers >= 0. An infinite odds
// ratio is given as DBL_MAX.
struct weir_test weir_fisher_exact(double a1, double a2, double b1, double b2);
// The same of two shares: the value is share b - share a.
struct weir_test weir_two_proportions_exact(double hits_a, double n_a, double hits_b, double n_b);
// Fisher's test of the 2 x n table after Freeman and Halton (1951): p is the sum of all tables no
// more probable than this one, the value this one's probability. TOO_MANY where there are more
// than two million tables.
struct weir_test weir_exact_table(const double *a, const double *b, size_t n);
// A value that came `c` times in b, of `categories` different ones, and never in a. p: the chance
// that all of c fall into b, times the categories.
struct weir_test weir_absence(double c, double n_a, double n_b, double categories);
// k of b are outside the range of a (n_a >= 2). The value is their share; p: the chance of so many
// or more whatever the distribution, if it is continuous (beta-binomial, Wilks, 1942).
struct weir_test weir_beyond_range(double k, double n_a, double n_b);
// `unseen` of b are values that a never had. p: binomial, at the rate of new values (0 < rate).
struct weir_test weir_unseen_share(double unseen, double n_b, double rate);

// P(D >= d) of the two-sided one-sample Kolmogorov-Smirnov statistic of n values (n >= 1).
double weir_ks_one_sample_sf(double n, double d);
// P(T > x) of the limit of the Cramer-von Mises statistic.
double weir_cramer_von_mises_sf(double x);

#endif
