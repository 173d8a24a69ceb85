// SPDX-License-Identifier: Apache-2.0
// Special functions and the tails of the distributions that tests need.
//
// Arguments outside a function's domain, and NaN, give NaN: nothing here throws, traps or sets
// errno. A tail is computed as a tail, never as one minus the other side, so that it keeps its
// relative precision down to 1e-300; beyond that it is 0.
// Source: Boost.Math unless said (incomplete gamma and beta after DiDonato and Morris, 1986, 1992).
#ifndef WEIR_STATS_SPECIAL_H
#define WEIR_STATS_SPECIAL_H

#ifdef __cplusplus
extern "C" {
#endif

// Regularised incomplete gamma functions, lower and upper; a > 0, x >= 0.
double weir_gamma_p(double a, double x);
double weir_gamma_q(double a, double x);
// Regularised incomplete beta function I_x(a, b) and 1 - I_x(a, b); a, b > 0, 0 <= x <= 1.
double weir_beta_i(double a, double b, double x);
double weir_beta_i_complement(double a, double b, double x);

// Standard normal: density, P(Z > z), P(Z <= z), and the z with P(Z <= z) = p or P(Z > z) = p;
// 0 and 1 give the infinities.
double weir_normal_density(double z);
double weir_normal_sf(double z);
double weir_normal_cdf(double z);
double weir_normal_quantile(double p);
double weir_normal_upper_quantile(double p);
// P(X > h, Y > k) of a bivariate standard normal with correlation -1 < rho < 1 (Owen, 1956,
// through Owen's T). Absolute error below 1e-15 of the larger marginal tail.
double weir_binormal_sf(double h, double k, double rho);

// P(X >= x); degrees of freedom > 0, fractional ones too. x < 0 gives 1 (chi-square, F).
double weir_chi_square_sf(double x, double df);
double weir_chi_square_upper_quantile(double p, double df);
double weir_student_t_sf(double t, double df);
double weir_student_t_quantile(double p, double df);
double weir_f_sf(double f, double df1, double df2);
double weir_f_cdf(double f, double df1, double df2);

// Binomial of n trials (n >= 0, integer) with chance 0 <= p <= 1: P(X >= k) and P(X <= k).
double weir_binomial_sf(double k, double n, double p);
double weir_binomial_cdf(double k, double n, double p);

// Limits of the Kolmogorov-Smirnov and Kuiper statistics, P(K >= x), for x = sqrt(n) D, n being
// the effective sample size (Kolmogorov, 1933; Kuiper, 1960). x <= 0 gives 1.
double weir_kolmogorov_sf(double x);
double weir_kuiper_sf(double x);

// Hypergeometric: of `population` balls `marked` are marked, `drawn` are drawn without putting
// back, X marked ones among them. Counts >= 0, marked and drawn <= population; `marked` and
// `population` may be fractional (weighted references), `drawn` and `x` are whole numbers.
// `lower` is P(X <= x), `upper` is P(X >= x), `point` is P(X = x). Up to a standard deviation of
// 40, and in the tails, the sums are exact to 1e-9; elsewhere a saddlepoint approximation has a
// relative error under 1e-5 (Skovgaard, 1987, with lattice correction). NaN outside the domain.
struct weir_hypergeometric {
    double lower;
    double upper;
    double point;
};
struct weir_hypergeometric weir_hypergeometric(double x, double population, double marked,
                                               double drawn);
// The same with sums everywhere: exact to 1e-9, in a time that grows with the standard deviation
// (about 8 of them in terms).
struct weir_hypergeometric weir_hypergeometric_summed(double x, double population, double marked,
                                                      double drawn);
// Natural logarithm of the gamma function, a > 0; thread-safe, unlike lgamma.
double weir_ln_gamma(double a);
// Modified Bessel function of the second kind, x > 0.
double weir_bessel_k(double order, double x);

#ifdef __cplusplus
}
#endif
#endif
