// SPDX-License-Identifier: Apache-2.0
#include "stats/statistic.h"

#include <math.h>
#include <string.h>

#define N (WEIR_KIND_NUMERIC | WEIR_KIND_VECTOR)
#define C (WEIR_KIND_CATEGORICAL | WEIR_KIND_BOOLEAN | WEIR_KIND_TEXT)
#define J WEIR_KIND_JOINT

static const char bracket[] = "the largest difference inside a cell";
static const char buckets[] = "half a bucket of the sketch (0.8% of the value), weighted by counts";
static const char cells[] = "none where both count in the same cells, else what straddles a cut";
static const char table_only[] = "none where both count in the same cells, else not known";

static const struct weir_statistic_info table[WEIR_STATISTICS] = {
    [WEIR_STATISTIC_KS] = {"ks", N, WEIR_NEEDS_ROWS, WEIR_NEEDS_CELLS, WEIR_CHANGE_LARGER, 1, 0.08,
                           "largest difference of the distribution functions; p of the one-sample "
                           "statistic at the effective size (Simard and L'Ecuyer, 2011)",
                           bracket},
    [WEIR_STATISTIC_ANDERSON_DARLING] =
        {"anderson_darling", N, WEIR_NEEDS_ROWS, WEIR_NEEDS_CELLS, WEIR_CHANGE_P_ONLY, 1, 0,
         "k-sample statistic, midranks, standardised; p between "
         ".001 and .25 (Scholz and Stephens, 1987)",
         "another statistic: mean squared normal score of the cuts, "
         "with a p of its own"},
    [WEIR_STATISTIC_CRAMER_VON_MISES] = {"cramer_von_mises", N, WEIR_NEEDS_ROWS, WEIR_NEEDS_CELLS,
                                         WEIR_CHANGE_P_ONLY, 1, 0,
                                         "two-sample T of ranks, limiting p (Anderson, 1962)",
                                         "sum over cuts in place of values, with a p of its own"},
    [WEIR_STATISTIC_KUIPER] = {"kuiper", N, WEIR_NEEDS_ROWS, WEIR_NEEDS_CELLS, WEIR_CHANGE_LARGER,
                               1, 0.08,
                               "largest difference upwards plus largest downwards; limiting p with "
                               "Stephens' correction (Kuiper, 1960; Stephens, 1970)",
                               bracket},
    [WEIR_STATISTIC_BERK_JONES] = {"berk_jones", N, WEIR_NEEDS_ROWS, WEIR_NEEDS_CELLS,
                                   WEIR_CHANGE_P_ONLY, 1, 0,
                                   "largest log likelihood ratio of a cut, nats; p exact (Berk and "
                                   "Jones, 1979)",
                                   "the largest at a cut; p by the crossing of a bridge"},
    [WEIR_STATISTIC_PSI] = {"psi", N | C, WEIR_NEEDS_CELLS, WEIR_NEEDS_CELLS, WEIR_CHANGE_LARGER, 0,
                            0.04, "sum (q - p) ln(q / p), an empty cell counts half a value",
                            cells},
    [WEIR_STATISTIC_JENSEN_SHANNON] = {"jensen_shannon", N | C, WEIR_NEEDS_CELLS, WEIR_NEEDS_CELLS,
                                       WEIR_CHANGE_LARGER, 0, 0.085,
                                       "root of the divergence in bits, 0 to 1 (Lin, 1991)", cells},
    [WEIR_STATISTIC_KL] =
        {"kl", N | C, WEIR_NEEDS_CELLS, WEIR_NEEDS_CELLS, WEIR_CHANGE_LARGER, 0, 0.02,
         "sum q ln(q / p) in nats, an empty cell counts half a value, never below 0", cells},
    [WEIR_STATISTIC_HELLINGER] = {"hellinger", N | C, WEIR_NEEDS_CELLS, WEIR_NEEDS_CELLS,
                                  WEIR_CHANGE_LARGER, 0, 0.07, "sqrt(1 - sum sqrt(p q)), 0 to 1",
                                  cells},
    [WEIR_STATISTIC_TOTAL_VARIATION] = {"total_variation", N | C, WEIR_NEEDS_CELLS,
                                        WEIR_NEEDS_CELLS, WEIR_CHANGE_LARGER, 0, 0.08,
                                        "half the sum of |p - q|, 0 to 1", cells},
    [WEIR_STATISTIC_CHI_SQUARE] = {"chi_square", N | C, WEIR_NEEDS_CELLS, WEIR_NEEDS_CELLS,
                                   WEIR_CHANGE_P_ONLY, 1, 0,
                                   "Pearson's, of the 2 x B table, B - 1 degrees", table_only},
    [WEIR_STATISTIC_G] = {"g", N | C, WEIR_NEEDS_CELLS, WEIR_NEEDS_CELLS, WEIR_CHANGE_P_ONLY, 1, 0,
                          "likelihood ratio of the 2 x B table, B - 1 degrees (Woolf, 1957)",
                          table_only},
    [WEIR_STATISTIC_L_INFINITY] = {"l_infinity", N | C, WEIR_NEEDS_CELLS, WEIR_NEEDS_CELLS,
                                   WEIR_CHANGE_LARGER, 0, 0, "the largest |p - q| of a cell",
                                   cells},
    [WEIR_STATISTIC_CRAMERS_V] = {"cramers_v", N | C, WEIR_NEEDS_CELLS, WEIR_NEEDS_CELLS,
                                  WEIR_CHANGE_LARGER, 0, 0.05,
                                  "sqrt(chi-square / (n + m)), no correction (Cramer, 1946)",
                                  table_only},
    [WEIR_STATISTIC_WASSERSTEIN] = {"wasserstein", N, WEIR_NEEDS_ROWS, WEIR_NEEDS_SKETCH,
                                    WEIR_CHANGE_LARGER, 0, 0,
                                    "area between the distribution functions, in the field's unit",
                                    buckets},
    [WEIR_STATISTIC_WASSERSTEIN_NORMALISED] = {"wasserstein_normalised", N, WEIR_NEEDS_ROWS,
                                               WEIR_NEEDS_SKETCH, WEIR_CHANGE_LARGER, 0, 0.2,
                                               "the same over the reference's standard deviation",
                                               buckets},
    [WEIR_STATISTIC_ENERGY] = {"energy", N, WEIR_NEEDS_ROWS, WEIR_NEEDS_SKETCH, WEIR_CHANGE_LARGER,
                               0, 0,
                               "root of twice the area between the distribution functions squared "
                               "(Szekely and Rizzo, 2013)",
                               "roots of sums of squared counts times widths of buckets"},
    [WEIR_STATISTIC_MANN_WHITNEY] = {"mann_whitney", N, WEIR_NEEDS_ROWS, WEIR_NEEDS_SKETCH,
                                     WEIR_CHANGE_P_ONLY, 1, 0,
                                     "U of the reference; normal p with ties and continuity (Mann "
                                     "and Whitney, 1947)",
                                     "half the pairs that share a bucket"},
    [WEIR_STATISTIC_WELCH_T] = {"welch_t", N, WEIR_NEEDS_MOMENTS, WEIR_NEEDS_MOMENTS,
                                WEIR_CHANGE_SIGNED, 1, 0,
                                "difference of means, reference less current (Welch, 1947)",
                                "rounding of sums to 2^-32 of the spread"},
    [WEIR_STATISTIC_VARIANCE_RATIO] = {"variance_ratio", N, WEIR_NEEDS_MOMENTS, WEIR_NEEDS_MOMENTS,
                                       WEIR_CHANGE_RATIO, 1, 1.25,
                                       "variance of current over that of reference; p by F, for "
                                       "normal values",
                                       "rounding of sums to 2^-24 of the spread squared"},
    [WEIR_STATISTIC_QUANTILE_SHIFT] = {"quantile_shift", N, WEIR_NEEDS_ROWS, WEIR_NEEDS_SKETCH,
                                       WEIR_CHANGE_LARGER, 0, 0.2,
                                       "the largest |difference| of the 5, 10, ... 95% quantiles "
                                       "over the reference's standard deviation",
                                       "half a bucket on both sides"},
    [WEIR_STATISTIC_FISHER] =
        {"fisher", C, WEIR_NEEDS_CELLS, WEIR_NEEDS_CELLS, WEIR_CHANGE_P_ONLY, 1, 0,
         "exact p of the 2 x B table given its margins, by its tables' "
         "probabilities; the value is the odds ratio for two values, else the "
         "table's probability (Fisher, 1922; Freeman and Halton, 1951)",
         NULL},
    [WEIR_STATISTIC_NEW_CATEGORIES] =
        {"new_categories", C, WEIR_NEEDS_CELLS, WEIR_NEEDS_CELLS, WEIR_CHANGE_LARGER, 1, 0,
         "how many values the reference does not have; exact p of the "
         "most frequent one's absence, times the values",
         "values with cells of their own only"},
    [WEIR_STATISTIC_VANISHED_CATEGORIES] = {"vanished_categories", C, WEIR_NEEDS_CELLS,
                                            WEIR_NEEDS_CELLS, WEIR_CHANGE_LARGER, 1, 0,
                                            "how many values only the reference has; exact p of "
                                            "the most frequent one's absence, times the values",
                                            "values with cells of their own only"},
    [WEIR_STATISTIC_NULL_RATE] = {"null_rate", N | C, WEIR_NEEDS_COUNTS, WEIR_NEEDS_COUNTS,
                                  WEIR_CHANGE_RATE, 1, 0.01,
                                  "share of records that are null or lack the field; Fisher's "
                                  "exact p",
                                  NULL},
    [WEIR_STATISTIC_INFINITE_SHARE] = {"infinite_share", N, WEIR_NEEDS_COUNTS, WEIR_NEEDS_COUNTS,
                                       WEIR_CHANGE_RATE, 1, 0.005,
                                       "share of values that are infinite; Fisher's exact p", NULL},
    [WEIR_STATISTIC_EMPTY_SHARE] = {"empty_share", WEIR_KIND_CATEGORICAL | WEIR_KIND_TEXT,
                                    WEIR_NEEDS_COUNTS, WEIR_NEEDS_COUNTS, WEIR_CHANGE_RATE, 1,
                                    0.005, "share of strings that are empty; Fisher's exact p",
                                    NULL},
    [WEIR_STATISTIC_UNSEEN_SHARE] =
        {"unseen_share", N | C, WEIR_NEEDS_ROWS, WEIR_NEEDS_COUNTS, WEIR_CHANGE_LARGER, 1, 0.005,
         "share of values that the reference never had (numbers: beyond "
         "its range); p by the reference's own rate of values seen once "
         "(Good, 1953), of numbers by the ranks of its extremes",
         "categories only, where the reference kept all its values"},
    [WEIR_STATISTIC_VANISHED_SHARE] = {"vanished_share", N | C, WEIR_NEEDS_ROWS, WEIR_NEEDS_CELLS,
                                       WEIR_CHANGE_LARGER, 0, 0,
                                       "share of the reference's values that current never has "
                                       "(numbers: beyond its range)",
                                       "mass of the cells that are empty in current"},
    [WEIR_STATISTIC_TEXT_LENGTH] = {"text_length", WEIR_KIND_TEXT, WEIR_NEEDS_ROWS,
                                    WEIR_NEEDS_SKETCH, WEIR_CHANGE_LARGER, 0, 0.2,
                                    "Wasserstein distance of the lengths in bytes, over the "
                                    "reference's standard deviation",
                                    buckets},
    [WEIR_STATISTIC_CHARACTER_CLASSES] = {"character_classes", WEIR_KIND_TEXT, WEIR_NEEDS_ROWS,
                                          WEIR_NEEDS_ROWS, WEIR_CHANGE_LARGER, 0, 0,
                                          "Jensen-Shannon distance of the kinds of characters: "
                                          "lower, upper, digits, spaces, punctuation, beyond ASCII",
                                          NULL},
    [WEIR_STATISTIC_OUT_OF_VOCABULARY] =
        {"out_of_vocabulary", WEIR_KIND_TEXT, WEIR_NEEDS_ROWS, WEIR_NEEDS_ROWS, WEIR_CHANGE_LARGER,
         0, 0,
         "share of current's words, as often as they come, that "
         "the reference never has",
         "1.96 standard errors of the sampled texts; known words are a Bloom filter"},
    [WEIR_STATISTIC_TOKEN_DISTRIBUTION] =
        {"token_distribution", WEIR_KIND_TEXT, WEIR_NEEDS_ROWS, WEIR_NEEDS_ROWS, WEIR_CHANGE_LARGER,
         0, 0,
         "Jensen-Shannon distance of the words, hashed into 1,024 "
         "buckets",
         NULL},
    [WEIR_STATISTIC_MEAN_SHIFT] =
        {"mean_shift", WEIR_KIND_VECTOR, WEIR_NEEDS_ROWS, WEIR_NEEDS_ROWS, WEIR_CHANGE_LARGER, 1,
         0.2,
         "distance of the mean vectors over the root of the reference's "
         "summed variances; p of the dimension that moved most (Welch), "
         "times the dimensions",
         "twice the root of 1/n + (sum of variances, current over reference)/m"},
    [WEIR_STATISTIC_NORM_SHIFT] = {"norm_shift", WEIR_KIND_VECTOR, WEIR_NEEDS_ROWS, WEIR_NEEDS_ROWS,
                                   WEIR_CHANGE_SIGNED, 1, 0.2,
                                   "change of the mean length, over the standard deviation of the "
                                   "reference's lengths; p by Welch",
                                   "1.96 standard errors"},
    [WEIR_STATISTIC_VECTOR_MMD] = {"vector_mmd", WEIR_KIND_VECTOR, WEIR_NEEDS_ROWS, WEIR_NEEDS_ROWS,
                                   WEIR_CHANGE_LARGER, 1, 0,
                                   "as mmd, of vectors of one size, each dimension in the "
                                   "reference's standard deviations",
                                   "as mmd"},
    [WEIR_STATISTIC_MMD] = {"mmd", J, WEIR_NEEDS_ROWS, WEIR_NEEDS_ROWS, WEIR_CHANGE_LARGER, 1, 0,
                            "distance of the mean embeddings of a Gaussian kernel by random "
                            "features; p by a chi-square of their scatter (Gretton, 2012; Rahimi "
                            "and Recht, 2007)",
                            "of all rows (profiles made with --like, or beside a file) nothing; "
                            "else twice the root of 1/n + 1/m"},
    [WEIR_STATISTIC_PCA_ERROR] = {"pca_error", J, WEIR_NEEDS_ROWS, WEIR_NEEDS_ROWS,
                                  WEIR_CHANGE_RATIO, 1, 0,
                                  "mean squared error of rebuilding rows from the reference's "
                                  "principal components, over the reference's own held-out error",
                                  "1.96 standard errors"},
    [WEIR_STATISTIC_DOMAIN_AUC] =
        {"domain_auc", J, WEIR_NEEDS_ROWS, WEIR_NEEDS_ROWS, WEIR_CHANGE_LARGER, 1, 0.55,
         "held-out AUC of a classifier that tells the two apart; p by "
         "Mann-Whitney",
         "1.96 standard errors (Hanley and McNeil, 1982), of the same classifier"},
    [WEIR_STATISTIC_CORRELATION_CHANGE] =
        {"correlation_change", J, WEIR_NEEDS_ROWS, WEIR_NEEDS_ROWS, WEIR_CHANGE_LARGER, 1, 0,
         "the largest |r - r'| of a pair of fields, of the rows that have both, values cut at 10 "
         "standard deviations; p by Fisher's z, wider where tails are heavy (Muirhead, 1982), "
         "times "
         "the pairs",
         "of all rows rounding, and what the cut may have turned; of a sample (old profiles) the "
         "normal quantile of 95% for all pairs at once, times the root of 1/(n - 3) + 1/(m - 3)"},
};

// Evidently 0.7 (large and small references), NannyML 0.13, TFDV's tutorial, whylogs 1.6,
// Deepchecks 0.18, the rule of thumb for PSI.
static const struct weir_statistic_default defaults[] = {
    {"evidently", WEIR_STATISTIC_KS, 1, 0.05, "reference of at most 1000 rows"},
    {"evidently", WEIR_STATISTIC_CHI_SQUARE, 1, 0.05, "reference of at most 1000 rows"},
    {"evidently", WEIR_STATISTIC_WASSERSTEIN_NORMALISED, 0, 0.1, "sd with n, not n - 1"},
    {"evidently", WEIR_STATISTIC_JENSEN_SHANNON, 0, 0.1, "natural logarithms, own bins"},
    {"evidently", WEIR_STATISTIC_PSI, 0, 0.1, "own bins"},
    {"evidently", WEIR_STATISTIC_KL, 0, 0.1, "own bins"},
    {"evidently", WEIR_STATISTIC_HELLINGER, 0, 0.1, "own bins"},
    {"evidently", WEIR_STATISTIC_ENERGY, 0, 0.1, NULL},
    {"evidently", WEIR_STATISTIC_ANDERSON_DARLING, 1, 0.1, NULL},
    {"evidently", WEIR_STATISTIC_CRAMER_VON_MISES, 1, 0.1, NULL},
    {"nannyml", WEIR_STATISTIC_CHI_SQUARE, 1, 0.05,
     "others: beyond mean +- 3 sd over 10 chunks of the reference"},
    {"tfdv", WEIR_STATISTIC_L_INFINITY, 0, 0.01, "of the tutorial; it has no default"},
    {"tfdv", WEIR_STATISTIC_JENSEN_SHANNON, 0, 0.01, "divergence, 10 equal-width bins"},
    {"whylogs", WEIR_STATISTIC_KS, 1, 0.05, "to .15: possible drift"},
    {"whylogs", WEIR_STATISTIC_CHI_SQUARE, 1, 0.05, "to .15: possible drift"},
    {"whylogs", WEIR_STATISTIC_HELLINGER, 0, 0.4, "from .15: possible drift"},
    {"deepchecks", WEIR_STATISTIC_KS, 0, 0.2, NULL},
    {"deepchecks", WEIR_STATISTIC_CRAMERS_V, 0, 0.2, NULL},
    {"rule of thumb", WEIR_STATISTIC_PSI, 0, 0.25, "from .10: moderate"},
    {NULL, WEIR_STATISTICS, 0, 0, NULL}};

const struct weir_statistic_info *weir_statistic_info(enum weir_statistic_id statistic)
{
    return (unsigned)statistic < WEIR_STATISTICS ? &table[statistic] : NULL;
}

const struct weir_statistic_default *weir_statistic_defaults(void)
{
    return defaults;
}

enum weir_statistic_id weir_statistic_find(const char *name, size_t length)
{
    unsigned i = 0;
    while (i < WEIR_STATISTICS &&
           (strlen(table[i].name) != length || memcmp(table[i].name, name, length) != 0))
        i++;
    return (enum weir_statistic_id)i;
}

double weir_statistic_size(enum weir_statistic_id statistic, double value, double reference)
{
    const struct weir_statistic_info *info = weir_statistic_info(statistic);
    if (!info || isnan(value))
        return 0;
    switch (info->direction) {
    case WEIR_CHANGE_LARGER:
        return value;
    case WEIR_CHANGE_SIGNED:
        return fabs(value);
    case WEIR_CHANGE_RATIO:
        return value >= 1 ? value : value > 0 ? 1 / value : HUGE_VAL;
    case WEIR_CHANGE_RATE:
        return isnan(reference) ? 0 : fabs(value - reference);
    case WEIR_CHANGE_P_ONLY:
        break;
    }
    return 0;
}
