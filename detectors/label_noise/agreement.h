// SPDX-License-Identifier: Apache-2.0
// Whether one annotator agrees less than the others do.
#ifndef WEIR_LABEL_NOISE_AGREEMENT_H
#define WEIR_LABEL_NOISE_AGREEMENT_H

#include <stddef.h>

// P(X <= k) of a beta-binomial with n trials, mean `mean` in (0, 1) and, between one set of
// trials and the next, a standard deviation `sd` of the chance itself (sd = 0: binomial).
double noise_beta_binomial_cdf(double k, double n, double mean, double sd);
// Wilson's score bounds of a share k / n, n > 0, at the normal quantile z (Wilson, 1927).
double noise_wilson_upper(double k, double n, double z);

struct noise_rate {
    double judged, agreed;
};
struct noise_verdict {
    double rate, peers; // the annotator's agreement, and that of the others
    double upper;       // bound of the annotator's (95%, one-sided)
    double p_value;     // of a peer agreeing as little, corrected for the number of annotators
    int known;          // there is enough to say something
};
// The annotator `i` of `n` against the others: their median where there are three or more with
// `minimum` judged labels, so that a second bad one does not hide the first, else their pool. The
// spread between them is their MAD, at least one point and at most ten. `scratch` takes n.
struct noise_verdict noise_judge_annotator(const struct noise_rate *rates, size_t n, size_t i,
                                           double minimum, double *scratch);

// Chance-corrected agreement in the manner of Fleiss (1971), items weighted by their pairs of
// labels: (P - Pe) / (1 - Pe), Pe from the classes' totals. NAN where it is not defined.
double noise_kappa(double pairs_agreed, double pairs, const double *classes, size_t n_classes);

#endif
