// SPDX-License-Identifier: Apache-2.0
// Two samples that were counted in the same cells: distances, tests, and the one omnibus
// decision a field (cells and their choice: weir/summary.h).
//
// Everything here is a pure function of the counts. No result is ever NaN or infinite: what
// cannot be decided has a status that says why, the value 0 and the p-value 1.
#ifndef WEIR_STATS_TWO_SAMPLE_H
#define WEIR_STATS_TWO_SAMPLE_H

#include <stddef.h>

// Counts >= 0 in the same n cells. `current` holds whole numbers; `reference` may hold fractions
// (a seasonal reference is a weighted sum: pass counts that add up to its effective number of
// rows, or the tests believe in more rows than there are). Do not pass cells that are empty in
// the reference by construction (values never seen): test their share apart.
struct weir_cell_counts {
    const double *reference;
    const double *current;
    size_t n;
    int ordered; // cells of an axis, ascending; 0: categories, in any order
};

enum { WEIR_ORDERED_CELLS_MAXIMUM = 1024 };

enum weir_test_status {
    WEIR_TEST_OK,
    WEIR_TEST_REFERENCE_EMPTY, // no value in the reference
    WEIR_TEST_CURRENT_EMPTY,   // no value in the current sample
    WEIR_TEST_ONE_VALUE,       // all values of both samples are in one cell, or are equal
    WEIR_TEST_TOO_FEW,         // too few values for this test
    WEIR_TEST_NOT_ORDERED,     // a statistic of ordered cells, asked of categories
    WEIR_TEST_NOT_APPLICABLE,  // not defined for these values (say, a variance of categories)
    WEIR_TEST_TOO_MANY,        // too many values for an exact distribution
    WEIR_TEST_NO_MEMORY,
    WEIR_TEST_BAD_INPUT, // a count that is negative, not finite or beyond 2^53
    WEIR_TEST_NO_ROWS    // needs rows, which profiles and windows do not keep
};
// A short reason in words, never NULL.
const char *weir_test_status_text(enum weir_test_status status);

struct weir_test {
    double value;
    double p_value; // two-sided unless said; 1 where there is none
    enum weir_test_status status;
};

// Distances. B below is the number of cells with a count in either sample, n and m are the
// sizes of reference and current. `*_debiased` takes off what two samples of one distribution
// are expected to show by chance; that of squares or sums may be negative, roots are cut at 0.
struct weir_cell_distances {
    double psi;            // sum (q - p) ln(q / p), each share with 0.5 added to its count
    double psi_debiased;   // - (B - 1)(1/n + 1/m)
    double kl;             // sum q ln(q / p) in nats, current from reference, zeros as in psi
    double jensen_shannon; // distance: root of the divergence in bits, 0 to 1; no smoothing
    double jensen_shannon_debiased;  // divergence - (B - 1)(1/n + 1/m) / (8 ln 2)
    double hellinger;                // sqrt(1 - sum sqrt(p q)), 0 to 1
    double hellinger_debiased;       // square - (B - 1)(1/n + 1/m) / 8
    double total_variation;          // half the sum of |p - q|, 0 to 1
    double total_variation_debiased; // root of the square less the squared mean under no change
    double l_infinity;               // the largest |p - q| of a cell
    size_t l_infinity_cell;
    double ks;          // the largest |F - G| at a cut; 0 for categories
    double ks_debiased; // square - pi/2 ln(2)^2 (1/n + 1/m), the squared mean of the limit
    double kuiper;      // the largest F - G plus the largest G - F
    double cramers_v;   // sqrt(chi-square / (n + m)) of the 2 x B table
    size_t cells;       // B
};

// WEIR_TEST_OK, or why there are none; `out` is then all zero.
enum weir_test_status weir_cell_distances(const struct weir_cell_counts *counts,
                                          struct weir_cell_distances *out);

// Tests by name, for those who ask for one. Ordered ones have the status NOT_ORDERED for
// categories. P-values hold for the cells as they are: no continuous distribution is assumed.
struct weir_cell_tests {
    struct weir_test ks; // value: D. p: crossing of the bridge at the cuts, or the limit if less
    struct weir_test kuiper;           // value: V. p: Kuiper's limit, conservative on cells
    struct weir_test cramer_von_mises; // value: as CvM's T on mid-masses. p: quadratic form
    struct weir_test anderson_darling; // value and p: see weir_omnibus
    struct weir_test berk_jones;       // value: the largest log likelihood ratio of a cut, nats
    struct weir_test chi_square;       // Pearson's, of the 2 x B table; p: B - 1 degrees
    struct weir_test g;                // likelihood ratio G of the same table; p: B - 1 degrees
    struct weir_test scale;            // value: ln variance ratio of normal scores
};
enum weir_test_status weir_cell_tests(const struct weir_cell_counts *counts,
                                      struct weir_cell_tests *out);
// Those that are asked for; the others' p-values take most of the time, and say NOT_ORDERED.
enum weir_cell_test {
    WEIR_CELL_TEST_CUTS = 1,    // KS, Kuiper
    WEIR_CELL_TEST_SQUARES = 2, // Cramer-von Mises
    WEIR_CELL_TEST_OMNIBUS = 4  // Anderson-Darling, Berk-Jones, scale
};
enum weir_test_status weir_cell_tests_of(const struct weir_cell_counts *counts, unsigned wanted,
                                         struct weir_cell_tests *out);

// The omnibus decision: the smallest p-value of four tests of the same cells.
//
// Every part is built from the exact null distribution of counts given their margins
// (hypergeometric), turned into normal scores, so that p-values hold deep in the tail for
// both sample sizes, few cells, atoms and small expected counts:
//  - Anderson-Darling: sum over cuts of w z^2, z the normal score of the cut's mid-p, w the mean
//    mass of the two cells beside it; null by weir_bridge_quadratic();
//  - Berk-Jones: the smallest exact two-sided p of a cut; null by weir_bridge_crossing();
//  - chi-square: the sum over cells of z^2, z the normal score of a cell given the cells before
//    it (independent under the null; the sum is G with each part's tail corrected); chi-square
//    with one degree less than there are cells. It alone is used for categories, with
//  - largest cell (categories, in place of Berk-Jones): the smallest exact p of a cell times B;
//  - scale: ln ratio of the variances of normal scores of the pooled cells, by F with degrees
//    of freedom from the scores' kurtosis (Box and Andersen, 1955); 3 cells and 20 values needed.
// `p_value` is Sidak's 1 - (1 - min)^tests: never too small whatever the dependence of the parts,
// within about a factor of two (they are positively dependent).
enum weir_omnibus_part {
    WEIR_OMNIBUS_ANDERSON_DARLING,
    WEIR_OMNIBUS_BERK_JONES,
    WEIR_OMNIBUS_CHI_SQUARE,
    WEIR_OMNIBUS_SCALE,
    WEIR_OMNIBUS_PARTS
};

struct weir_omnibus {
    enum weir_test_status status;
    double value;                // - ln p_value, at most 700
    double p_value;              // at least 1e-304
    enum weir_omnibus_part part; // which test was the smallest
    int tests;                   // how many took part
    struct weir_test parts[WEIR_OMNIBUS_PARTS];
    size_t cell; // where the largest difference is: Berk-Jones' cut, or the largest cell
};

// Returns out->status. TOO_FEW: a sample has fewer than 2 values.
enum weir_test_status weir_omnibus(const struct weir_cell_counts *counts, struct weir_omnibus *out);

#endif
