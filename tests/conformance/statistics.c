// SPDX-License-Identifier: Apache-2.0
// Every two-sample statistic of libweir-stats, for a program in another language to hold them
// against its own. From standard input, until it ends: a kind ('v' values, 'c' counts, 's' values
// put into summaries with the first one's cells, 'o' into summaries with cells of their own, 'q' a
// series for control charts, the first sample being its healthy part, 'p' values, 'k' counts and
// 'h' whole numbers as categories for the presets, 'r' a series for Page-Hinkley as River has it,
// after four parameters), two sizes (int64) and as many doubles; to standard output a line of JSON
// each: name: [value, p, status], from summaries also the bound on the error (null: not known).
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cells_build.h"
#include "stats/charts.h"
#include "stats/presets.h"
#include "stats/samples.h"
#include "stats/sort.h"
#include "stats/summary.h"
#include "stats/summary_statistics.h"

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
    double below = 0;
    for (size_t i = 0; i < m && n; i++)
        below += b[i] < a[0] || b[i] > a[n - 1];
    print("beyond_range", weir_beyond_range(below, (double)n, (double)m));
}

static void summarise(const double *x, size_t n, const struct weir_cells *cells,
                      struct weir_summary *summary)
{
    struct weir_summary_spec spec = {
        WEIR_SHAPE_NUMERIC, WEIR_PART_MOMENTS | WEIR_PART_CELLS | WEIR_PART_QUANTILES, cells, 0};
    struct weir_absorb_scratch *scratch;
    if (weir_summary_init(summary, &spec) || weir_absorb_scratch_create(&scratch))
        exit(1);
    static const uint8_t state[WEIR_BATCH_ROWS];
    for (size_t i = 0; i < n; i += WEIR_BATCH_ROWS) {
        size_t rows = n - i < WEIR_BATCH_ROWS ? n - i : WEIR_BATCH_ROWS;
        struct weir_column column = {.type = WEIR_TYPE_DOUBLE, .n = (uint32_t)rows, .state = state};
        column.values.f64 = x + i;
        if (weir_summary_absorb(summary, &column, NULL, 0, scratch))
            exit(1);
    }
    weir_absorb_scratch_destroy(scratch);
}

static void summaries(const double *a, size_t n, const double *b, size_t m, int own)
{
    struct weir_cells *cells[2] = {NULL, NULL};
    struct weir_summary summary[2];
    struct weir_statistic_result out[WEIR_STATISTICS];
    if (weir_cells_build_numeric(a, n, &cells[0], NULL) ||
        (own && weir_cells_build_numeric(b, m, &cells[1], NULL)))
        exit(1);
    summarise(a, n, cells[0], &summary[0]);
    summarise(b, m, cells[own], &summary[1]);
    if (weir_summary_statistics(&summary[0], &summary[1], !own, WEIR_ALL_STATISTICS, out, NULL))
        exit(1);
    for (unsigned i = 0; i < WEIR_STATISTICS; i++) {
        const struct weir_statistic_info *info = weir_statistic_info((enum weir_statistic_id)i);
        if (!(info->kinds & WEIR_KIND_NUMERIC))
            continue;
        printf("%s\"%s\": [%.17g, %.17g, %d, ", before, info->name, out[i].test.value,
               out[i].test.p_value, out[i].test.status);
        before = ", ";
        if (isnan(out[i].bound))
            printf("null]");
        else
            printf("%.17g]", out[i].bound);
    }
    for (int i = 0; i < 2; i++) {
        weir_summary_free(&summary[i]);
        weir_cells_free(cells[i]);
    }
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
    print("exact_table", weir_exact_table(a, b, n));
    double n_a = 0, n_b = 0, most = 0, values = 0, unseen = 0;
    for (size_t i = 0; i < n; i++) {
        n_a += a[i];
        n_b += b[i];
        values += a[i] + b[i] > 0;
        unseen += a[i] > 0 ? 0 : b[i];
        most = a[i] > 0 || b[i] < most ? most : b[i];
    }
    print("absence", weir_absence(most, n_a, n_b, values));
    print("unseen_share", weir_unseen_share(unseen, n_b, 1 / (n_a + 1)));
    if (n == 2) {
        print("fisher", weir_fisher_exact(a[0], a[1], b[0], b[1]));
        print("two_proportions_exact",
              weir_two_proportions_exact(a[0], a[0] + a[1], b[0], b[0] + b[1]));
        print("two_proportions", weir_two_proportions(a[0], a[0] + a[1], b[0], b[0] + b[1]));
    }
}

// For each chart where it was at the end, and the index of its first alarm (-1: none).
static void charts(const double *a, size_t n, const double *b, size_t m)
{
    double mean = 0, squares = 0, at[3] = {-1, -1, -1};
    for (size_t i = 0; i < n; i++)
        mean += a[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (a[i] - mean) * (a[i] - mean) / (double)(n - 1);
    struct weir_cusum_options cusum_options = {mean, sqrt(squares),
                                               weir_cusum_slack(0.2, (double)n), 6};
    struct weir_ewma_options ewma_options = {mean, sqrt(squares), 0.15, 3, (double)n};
    struct weir_page_hinkley_options hinkley_options = weir_page_hinkley_defaults;
    hinkley_options.threshold = 20;
    struct weir_cusum cusum = {0};
    struct weir_ewma ewma = {0};
    struct weir_page_hinkley hinkley = {0};
    for (size_t i = 0; i < m; i++) {
        if (weir_cusum_add(&cusum, &cusum_options, b[i]) && at[0] < 0)
            at[0] = (double)i;
        if (weir_ewma_add(&ewma, &ewma_options, b[i]) && at[1] < 0)
            at[1] = (double)i;
        if (weir_page_hinkley_add(&hinkley, &hinkley_options, b[i])) {
            at[2] = at[2] < 0 ? (double)i : at[2];
            hinkley = (struct weir_page_hinkley){0};
        }
    }
    print_number("cusum_up", cusum.up);
    print_number("cusum_down", cusum.down);
    print_number("cusum_at", at[0]);
    print_number("ewma_score", weir_ewma_score(&ewma, &ewma_options));
    print_number("ewma_at", at[1]);
    print_number("page_hinkley_rise", hinkley.rise - hinkley.rise_least);
    print_number("page_hinkley_fall", hinkley.fall_most - hinkley.fall);
    print_number("page_hinkley_at", at[2]);
}

// Of rows that are whole numbers: their hashes, and both sides' counts of each.
static uint64_t *categories(const double *a, size_t n, const double *b, size_t m, double *counts,
                            size_t k)
{
    uint64_t *hash = malloc((n + 1) * sizeof *hash);
    if (!hash)
        exit(1);
    for (size_t i = 0; i < n; i++) {
        hash[i] = (uint64_t)a[i];
        counts[hash[i] % k]++;
    }
    for (size_t i = 0; i < m; i++)
        counts[k + (uint64_t)b[i] % k]++;
    return hash;
}

static void page_hinkley(const double *parameters, const double *x, size_t n)
{
    struct weir_page_hinkley_options options = {(uint64_t)parameters[0], parameters[1],
                                                parameters[2], parameters[3]};
    struct weir_page_hinkley chart = {0};
    char name[32];
    for (size_t i = 0, alarms = 0; i < n; i++)
        if (weir_page_hinkley_add(&chart, &options, x[i])) {
            snprintf(name, sizeof name, "%zu", alarms++);
            print_number(name, (double)i);
            chart = (struct weir_page_hinkley){0};
        }
}

static void print_or_null(double value)
{
    if (isnan(value))
        printf(", null");
    else
        printf(", %.17g", value);
}

// PROGRAM.STATISTIC: [value, drift, whether it decides, status, threshold, low]; of NannyML with
// the thresholds of its chunks, where there are rows.
static void presets(double *a, size_t n, double *b, size_t m, char kind)
{
    enum { CATEGORIES = 64 };
    double counted[2 * CATEGORIES] = {0}, *rows = malloc((n + 1) * sizeof *rows);
    uint8_t *absent = calloc(n + 1, 1);
    uint64_t *hash = kind == 'h' ? categories(a, n, b, m, counted, CATEGORIES) : NULL;
    int values = kind == 'p';
    if (!rows || !absent)
        exit(1);
    memcpy(rows, a, n * sizeof *rows);
    const double *count_a = hash ? counted : a, *count_b = hash ? counted + CATEGORIES : b;
    size_t k = hash ? CATEGORIES : n;
    if (values) {
        weir_sort_doubles(a, n);
        weir_sort_doubles(b, m);
    }
    struct weir_samples s = {a, n, b, m};
    for (int preset = 0; preset < WEIR_PRESETS; preset++) {
        struct weir_preset_value out[WEIR_PRESET_VALUES];
        size_t count;
        if (values ? weir_preset_numbers((enum weir_preset)preset, &s, out, &count)
                   : weir_preset_categories((enum weir_preset)preset, count_a, count_b, k, out,
                                            &count))
            exit(1);
        if (preset == WEIR_PRESET_NANNYML &&
            ((values && weir_preset_chunked_numbers(rows, n, out, count)) ||
             (hash && weir_preset_chunked_categories(hash, absent, n, out, count))))
            exit(1);
        for (size_t i = 0; i < count; i++) {
            printf("%s\"%s.%s\": [%.17g, %d, %d, %d", before,
                   weir_preset_name((enum weir_preset)preset), out[i].name, out[i].value,
                   out[i].drift, out[i].decides, out[i].status);
            print_or_null(out[i].threshold);
            print_or_null(out[i].low);
            putchar(']');
            before = ", ";
        }
    }
    free(rows);
    free(absent);
    free(hash);
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
        else if (kind == 's' || kind == 'o')
            summaries(a, n, b, m, kind == 'o');
        else if (kind == 'p' || kind == 'h' || (kind == 'k' && n == m))
            presets(a, n, b, m, kind);
        else if (kind == 'r' && n == 4)
            page_hinkley(a, b, m);
        else if (kind == 'q')
            charts(a, n, b, m);
        else if (n == m)
            counts(a, b, n);
        puts("}");
        free(a);
        free(b);
    }
    return fflush(stdout) != 0;
}
