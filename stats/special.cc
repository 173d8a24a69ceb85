// SPDX-License-Identifier: Apache-2.0
#include "stats/special.h"

#include <cmath>
#include <limits>

#include <boost/math/policies/policy.hpp>
#include <boost/math/special_functions/bessel.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/special_functions/owens_t.hpp>

namespace
{

namespace policies = boost::math::policies;

// No exceptions, no errno, no long double: the same answer on every machine.
typedef policies::policy<
    policies::domain_error<policies::ignore_error>, policies::pole_error<policies::ignore_error>,
    policies::overflow_error<policies::ignore_error>,
    policies::underflow_error<policies::ignore_error>,
    policies::denorm_error<policies::ignore_error>,
    policies::rounding_error<policies::ignore_error>,
    policies::evaluation_error<policies::ignore_error>,
    policies::indeterminate_result_error<policies::ignore_error>, policies::promote_double<false>>
    quiet;

const double nan_value = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();

// Boost may still throw (std::bad_alloc, a rounding error inside an algorithm): not into C.
template <typename F> double guarded(F &&f)
{
    try {
        return f();
    } catch (...) {
        return nan_value;
    }
}

bool whole_between(double x, double low, double high)
{
    return x >= low && x <= high && std::floor(x) == x;
}

} // namespace

double weir_gamma_p(double a, double x)
{
    if (!(a > 0) || !(x >= 0) || std::isinf(a))
        return nan_value;
    if (std::isinf(x))
        return 1;
    return guarded([&] { return boost::math::gamma_p(a, x, quiet()); });
}

double weir_gamma_q(double a, double x)
{
    if (!(a > 0) || !(x >= 0) || std::isinf(a))
        return nan_value;
    if (std::isinf(x))
        return 0;
    return guarded([&] { return boost::math::gamma_q(a, x, quiet()); });
}

double weir_beta_i(double a, double b, double x)
{
    if (!(a > 0) || !(b > 0) || !(x >= 0) || !(x <= 1) || std::isinf(a) || std::isinf(b))
        return nan_value;
    return guarded([&] { return boost::math::ibeta(a, b, x, quiet()); });
}

double weir_beta_i_complement(double a, double b, double x)
{
    if (!(a > 0) || !(b > 0) || !(x >= 0) || !(x <= 1) || std::isinf(a) || std::isinf(b))
        return nan_value;
    return guarded([&] { return boost::math::ibetac(a, b, x, quiet()); });
}

double weir_normal_density(double z)
{
    return 0.39894228040143267794 * std::exp(-0.5 * z * z);
}

double weir_normal_sf(double z)
{
    return 0.5 * std::erfc(z * 0.70710678118654752440);
}

double weir_normal_cdf(double z)
{
    return 0.5 * std::erfc(-z * 0.70710678118654752440);
}

static double ratio_of(const double (&a)[8], const double (&b)[8], double x)
{
    double above = a[7], below = b[7];
    for (int i = 6; i >= 0; i--) {
        above = above * x + a[i];
        below = below * x + b[i];
    }
    return above / below;
}

// Algorithm AS 241 (Wichura, 1988), PPND16: 16 digits.
double weir_normal_upper_quantile(double p)
{
    static const double a[8] = {3.3871328727963666080e0,  1.3314166789178437745e+2,
                                1.9715909503065514427e+3, 1.3731693765509461125e+4,
                                4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                3.3430575583588128105e+4, 2.5090809287301226727e+3};
    static const double b[8] = {1.0,
                                4.2313330701600911252e+1,
                                6.8718700749205790830e+2,
                                5.3941960214247511077e+3,
                                2.1213794301586595867e+4,
                                3.9307895800092710610e+4,
                                2.8729085735721942674e+4,
                                5.2264952788528545610e+3};
    static const double c[8] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                5.76949722146069140550e0,  3.64784832476320460504e0,
                                1.27045825245236838258e0,  2.41780725177450611770e-1,
                                2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[8] = {1.0,
                                2.05319162663775882187e0,
                                1.67638483018380384940e0,
                                6.89767334985100004550e-1,
                                1.48103976427480074590e-1,
                                1.51986665636164571966e-2,
                                5.47593808499534494600e-4,
                                1.05075007164441684324e-9};
    static const double e[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                1.78482653991729133580e0,  2.96560571828504891230e-1,
                                2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[8] = {1.0,
                                5.99832206555887937690e-1,
                                1.36929880922735805310e-1,
                                1.48753612908506148525e-2,
                                7.86869131145613259100e-4,
                                1.84631831751005468180e-5,
                                1.42151175831644588870e-7,
                                2.04426310338993978564e-15};
    if (!(p >= 0) || !(p <= 1))
        return nan_value;
    if (p == 0 || p == 1)
        return p == 0 ? infinity : -infinity;
    double q = 0.5 - p;
    if (std::fabs(q) <= 0.425)
        return q * ratio_of(a, b, 0.180625 - q * q);
    double r = std::sqrt(-std::log(q > 0 ? p : 1 - p));
    double z = r <= 5 ? ratio_of(c, d, r - 1.6) : ratio_of(e, f, r - 5);
    return q > 0 ? z : -z;
}

double weir_normal_quantile(double p)
{
    return -weir_normal_upper_quantile(p);
}

double weir_binormal_sf(double h, double k, double rho)
{
    if (std::isnan(h) || std::isnan(k) || !(rho > -1) || !(rho < 1))
        return nan_value;
    if (h == infinity || k == infinity)
        return 0;
    if (h == -infinity)
        return weir_normal_sf(k);
    if (k == -infinity)
        return weir_normal_sf(h);
    double s = std::sqrt((1 - rho) * (1 + rho));
    if (h == 0 && k == 0)
        return 0.25 + std::asin(rho) * 0.15915494309189533577;
    return guarded([&] {
        // The limits where one of the two is zero: the slope of Owen's T is infinite there.
        double th = h == 0 ? (k > 0 ? 0.25 : -0.25)
                           : boost::math::owens_t(h, (k - rho * h) / (h * s), quiet());
        double tk = k == 0 ? (h > 0 ? 0.25 : -0.25)
                           : boost::math::owens_t(k, (h - rho * k) / (k * s), quiet());
        double delta = h * k < 0 || (h * k == 0 && h + k < 0) ? 0.5 : 0;
        double p = 0.5 * (weir_normal_sf(h) + weir_normal_sf(k)) - th - tk - delta;
        // For h, k of unlike signs Owen's formula is for the lower tails; by symmetry the same.
        return p < 0 ? 0.0 : p;
    });
}

double weir_chi_square_sf(double x, double df)
{
    if (!(df > 0) || std::isnan(x))
        return nan_value;
    return x <= 0 ? 1 : weir_gamma_q(df / 2, x / 2);
}

double weir_chi_square_upper_quantile(double p, double df)
{
    if (!(df > 0) || std::isinf(df) || !(p >= 0) || !(p <= 1))
        return nan_value;
    if (p == 0)
        return infinity;
    return guarded([&] { return 2 * boost::math::gamma_q_inv(df / 2, p, quiet()); });
}

double weir_student_t_sf(double t, double df)
{
    if (!(df > 0) || std::isnan(t))
        return nan_value;
    if (std::isinf(df))
        return weir_normal_sf(t);
    if (std::isinf(t))
        return t > 0 ? 0 : 1;
    double square = t * t;
    // Whichever of x and 1 - x is small is the one that is computed without cancellation.
    double tail = square < df ? 0.5 * weir_beta_i_complement(0.5, df / 2, square / (df + square))
                              : 0.5 * weir_beta_i(df / 2, 0.5, df / (df + square));
    return t < 0 ? 1 - tail : tail;
}

double weir_student_t_quantile(double p, double df)
{
    if (!(df > 0) || !(p >= 0) || !(p <= 1))
        return nan_value;
    if (p == 0 || p == 1)
        return p == 0 ? -infinity : infinity;
    if (std::isinf(df) || p == 0.5)
        return p == 0.5 ? 0 : weir_normal_quantile(p);
    return guarded([&] {
        double tail = p < 0.5 ? p : 1 - p;
        double y = 0;
        double x = boost::math::ibeta_inv(df / 2, 0.5, 2 * tail, &y, quiet());
        double t = std::sqrt(df * y / x);
        return p < 0.5 ? -t : t;
    });
}

double weir_f_sf(double f, double df1, double df2)
{
    if (!(df1 > 0) || !(df2 > 0) || std::isnan(f) || std::isinf(df1) || std::isinf(df2))
        return nan_value;
    if (f <= 0)
        return 1;
    if (std::isinf(f))
        return 0;
    double v = df1 * f;
    return v > df2 ? weir_beta_i(df2 / 2, df1 / 2, df2 / (df2 + v))
                   : weir_beta_i_complement(df1 / 2, df2 / 2, v / (df2 + v));
}

double weir_f_cdf(double f, double df1, double df2)
{
    if (!(df1 > 0) || !(df2 > 0) || std::isnan(f) || std::isinf(df1) || std::isinf(df2))
        return nan_value;
    if (f <= 0)
        return 0;
    if (std::isinf(f))
        return 1;
    double v = df1 * f;
    return v > df2 ? weir_beta_i_complement(df2 / 2, df1 / 2, df2 / (df2 + v))
                   : weir_beta_i(df1 / 2, df2 / 2, v / (df2 + v));
}

double weir_binomial_sf(double k, double n, double p)
{
    if (!whole_between(n, 0, 1e15) || !(p >= 0) || !(p <= 1) || std::isnan(k))
        return nan_value;
    k = std::ceil(k);
    if (k <= 0)
        return 1;
    if (k > n)
        return 0;
    return weir_beta_i(k, n - k + 1, p);
}

double weir_binomial_cdf(double k, double n, double p)
{
    if (!whole_between(n, 0, 1e15) || !(p >= 0) || !(p <= 1) || std::isnan(k))
        return nan_value;
    k = std::floor(k);
    if (k < 0)
        return 0;
    if (k >= n)
        return 1;
    return weir_beta_i_complement(k + 1, n - k, p);
}

double weir_ln_gamma(double a)
{
    if (!(a > 0))
        return nan_value;
    int sign;
    return lgamma_r(a, &sign);
}

double weir_bessel_k(double order, double x)
{
    if (!(x > 0) || !std::isfinite(order))
        return nan_value;
    return guarded([&] { return boost::math::cyl_bessel_k(order, x, quiet()); });
}
