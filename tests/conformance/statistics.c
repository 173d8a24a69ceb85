// SPDX-License-Identifier: Apache-2.0
// Every two-sample statistic of libweir-stats, for a program in another language to hold them
// against its own. From standard input, until it ends: a kind ('v' values, 'c' counts), two sizes
// (int64) and as many doubles; to standard output a line of JSON each: name: [value, p, status].
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "stats/samples.h"

static const char *before = "";

static void print(const char *name, struct weir_test test)
{
    printf("%s\"%s\": [%.17g, %.17g, %d]", before, name, test.value, test.p_value, test.status);
    before = ", ";
}

static void print_number(const char *name, double value)
{
    print(name, (struct weir_test){value, 1, WEIR_TEST_OK});
}

static void values(double *a, size_t n, double *b, size_t m)
{
    weir_sort_doubles(a, n);
    weir_sort_doubles(b, m);
    struct weir_samples s = {a, n, b, m};
    print("ks", weir_samples_ks(&s));
    print("ks_exact", weir_samples_ks_exact(&s));
    print("kuiper", weir_samples_kuiper(&s));
    print("anderson_darling", weir_samples_anderson_darling(&s));
    print("cramer_von_mises", weir_samples_cramer_von_mises(&s));
    print("berk_jones", weir_samples_berk_jones(&s));
    print("mann_whitney", weir_samples_mann_whitney(&s));
    print("welch_t", weir_samples_welch_t(&s));
    print("variance_ratio", weir_samples_variance_ratio(&s));
    print("wasserstein", weir_samples_wasserstein(&s));
    print("wasserstein_normalised", weir_samples_wasserstein_normalised(&s));
    print("energy", weir_samples_energy(&s));
    print("quantile_shift", weir_samples_quantile_shift(&s));
}

static void counts(const double *a, const double *b, size_t n)
{
    struct weir_cell_counts cells = {a, b, n, 0};
    struct weir_cell_distances d;
    struct weir_cell_tests t;
    weir_cell_distances(&cells, &d);
    weir_cell_tests(&cells, &t);
    print("chi_square", t.chi_square);
    print("g", t.g);
    print_number("psi", d.psi);
    print_number("kl", d.kl);
    print_number("jensen_shannon", d.jensen_shannon);
    print_number("hellinger", d.hellinger);
    print_number("total_variation", d.total_variation);
    print_number("l_infinity", d.l_infinity);
    print_number("cramers_v", d.cramers_v);
    if (n == 2) {
        print("fisher", weir_fisher_exact(a[0], a[1], b[0], b[1]));
        print("two_proportions", weir_two_proportions(a[0], a[0] + a[1], b[0], b[0] + b[1]));
    }
}

int main(void)
{
    char kind;
    int64_t sizes[2];
    while (fread(&kind, 1, 1, stdin) == 1) {
        if (fread(sizes, sizeof *sizes, 2, stdin) != 2 || sizes[0] < 0 || sizes[1] < 0)
            return 1;
        size_t n = (size_t)sizes[0], m = (size_t)sizes[1];
        double *a = malloc((n + 1) * sizeof *a), *b = malloc((m + 1) * sizeof *b);
        if (!a || !b || fread(a, sizeof *a, n, stdin) != n || fread(b, sizeof *b, m, stdin) != m)
            return 1;
        putchar('{');
        before = "";
        if (kind == 'v')
            values(a, n, b, m);
        else if (n == m)
            counts(a, b, n);
        puts("}");
        free(a);
        free(b);
    }
    return fflush(stdout) != 0;
}
