// SPDX-License-Identifier: Apache-2.0
#include "detectors/label_noise/agreement.h"

#include <math.h>
#include <stdlib.h>

#include "stats/sort.h"
#include "stats/special.h"

static double ln_beta(double a, double b)
{
    return weir_ln_gamma(a) + weir_ln_gamma(b) - weir_ln_gamma(a + b);
}

double noise_beta_binomial_cdf(double k, double n, double mean, double sd)
{
    if (k >= n)
        return 1;
    if (k < 0)
        return 0;
    double strength = sd > 0 ? mean * (1 - mean) / (sd * sd) - 1 : INFINITY;
    if (!(strength < 1e9))
        return weir_binomial_cdf(k, n, mean);
    if (strength < 1e-3)
        strength = 1e-3;
    double a = mean * strength, b = (1 - mean) * strength;
    double ln_choose = weir_ln_gamma(n + 1) - weir_ln_gamma(k + 1) - weir_ln_gamma(n - k + 1);
    double ln_point = ln_choose + ln_beta(k + a, n - k + b) - ln_beta(a, b);
    // Downwards from k, where in a lower tail the terms fall.
    double sum = 1, term = 1;
    for (double j = k; j > 0 && term > 1e-17 * sum; j--) {
        term *= j / (n - j + 1) * (n - j + b) / (j - 1 + a);
        sum += term;
    }
    double result = exp(ln_point) * sum;
    return result < 1 ? result : 1;
}

double noise_wilson_upper(double k, double n, double z)
{
    double p = k / n, z2 = z * z;
    double bound = (p + z2 / (2 * n) + z * sqrt(p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n);
    return bound < 1 ? bound : 1;
}

static double median(double *values, size_t n)
{
    weir_sort_doubles(values, n);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

struct noise_verdict noise_judge_annotator(const struct noise_rate *rates, size_t n, size_t i,
                                           double minimum, double *scratch)
{
    struct noise_verdict verdict = {0};
    double judged = 0, agreed = 0, spread = 0;
    size_t peers = 0, tested = 0;
    for (size_t k = 0; k < n; k++) {
        int enough = rates[k].judged >= minimum;
        tested += (size_t)enough;
        if (k == i)
            continue;
        judged += rates[k].judged;
        agreed += rates[k].agreed;
        if (enough)
            scratch[peers++] = rates[k].agreed / rates[k].judged;
    }
    if (rates[i].judged < minimum || judged < minimum || rates[i].judged <= 0)
        return verdict;
    verdict.peers = agreed / judged;
    if (peers >= 3) {
        verdict.peers = median(scratch, peers);
        for (size_t k = 0; k < peers; k++)
            scratch[k] = fabs(scratch[k] - verdict.peers);
        spread = 1.4826 * median(scratch, peers);
    }
    spread = spread < 0.01 ? 0.01 : spread > 0.1 ? 0.1 : spread;
    // A chance of exactly one would make a single slip impossible.
    double mean = (verdict.peers * judged + 0.5) / (judged + 1);
    verdict.rate = rates[i].agreed / rates[i].judged;
    verdict.upper = noise_wilson_upper(rates[i].agreed, rates[i].judged, 1.6448536269514722);
    verdict.p_value =
        noise_beta_binomial_cdf(floor(rates[i].agreed), floor(rates[i].judged), mean, spread) *
        (double)tested;
    if (verdict.p_value > 1)
        verdict.p_value = 1;
    verdict.known = 1;
    return verdict;
}

double noise_kappa(double pairs_agreed, double pairs, const double *classes, size_t n_classes)
{
    double total = 0, expected = 0;
    for (size_t i = 0; i < n_classes; i++)
        total += classes[i];
    if (pairs <= 0 || total <= 0)
        return NAN;
    for (size_t i = 0; i < n_classes; i++)
        expected += classes[i] / total * (classes[i] / total);
    // One class only: everybody agrees, and nothing can be said about chance.
    if (expected > 1 - 1e-9)
        return NAN;
    return (pairs_agreed / pairs - expected) / (1 - expected);
}
