// SPDX-License-Identifier: Apache-2.0
// What closing a window costs: the tests of 1,000 fields, by sizes of window and reference, in
// milliseconds, best of several runs; and the bytes of state that a field and window take.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "stats/bridge.h"
#include "stats/cells_build.h"
#include "stats/special.h"
#include "stats/summary.h"
#include "stats/summary_statistics.h"
#include "stats/two_sample.h"

enum { FIELDS = 40, BEST_OF = 5, MOST_CELLS = 64 };

static uint64_t state = 7;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double uniform(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return ((double)(state >> 11) + 0.5) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

static double *draw(size_t n, double shift)
{
    double *x = malloc(n * sizeof *x);
    if (!x)
        exit(1);
    for (size_t i = 0; i < n; i++)
        x[i] = normal() + shift;
    return x;
}

static void absorb(struct weir_summary *summary, const double *x, size_t n)
{
    static const uint8_t states[WEIR_BATCH_ROWS];
    struct weir_absorb_scratch *scratch;
    if (weir_absorb_scratch_create(&scratch))
        exit(1);
    for (size_t i = 0; i < n; i += WEIR_BATCH_ROWS) {
        size_t rows = n - i < WEIR_BATCH_ROWS ? n - i : WEIR_BATCH_ROWS;
        struct weir_column column = {
            .type = WEIR_TYPE_DOUBLE, .n = (uint32_t)rows, .state = states};
        column.values.f64 = x + i;
        if (weir_summary_absorb(summary, &column, NULL, 0, scratch))
            exit(1);
    }
    weir_absorb_scratch_destroy(scratch);
}

// Fields alike in kind, with counts of their own.
static struct weir_summary reference[FIELDS], window[FIELDS];
static double counts[2][FIELDS][MOST_CELLS];
static double checksum;

static void make(size_t n_reference, size_t n_window, double shift)
{
    for (int f = 0; f < FIELDS; f++) {
        struct weir_cells *cells;
        double *x = draw(n_reference, 0), *y = draw(n_window, shift);
        if (weir_cells_build_numeric(x, n_reference, &cells, NULL) || cells->n > MOST_CELLS)
            exit(1);
        struct weir_summary_spec spec = {WEIR_SHAPE_NUMERIC,
                                         WEIR_PART_MOMENTS | WEIR_PART_CELLS | WEIR_PART_QUANTILES,
                                         cells, 0};
        if (weir_summary_init(&reference[f], &spec) || weir_summary_init(&window[f], &spec))
            exit(1);
        absorb(&reference[f], x, n_reference);
        absorb(&window[f], y, n_window);
        for (size_t i = 0; i < cells->n; i++) {
            counts[0][f][i] = (double)reference[f].cell[i];
            counts[1][f][i] = (double)window[f].cell[i];
        }
        free(x);
        free(y);
    }
}

static void clear(void)
{
    for (int f = 0; f < FIELDS; f++) {
        struct weir_cells *cells = (struct weir_cells *)(uintptr_t)reference[f].cells;
        weir_summary_free(&reference[f]);
        weir_summary_free(&window[f]);
        weir_cells_free(cells);
    }
}

static void omnibus(int f)
{
    struct weir_cell_counts c = {counts[0][f], counts[1][f], reference[f].cells->n, 1};
    struct weir_omnibus o;
    weir_omnibus(&c, &o);
    checksum += o.value;
}

static void distances(int f)
{
    struct weir_cell_counts c = {counts[0][f], counts[1][f], reference[f].cells->n, 1};
    struct weir_cell_distances d;
    weir_cell_distances(&c, &d);
    checksum += d.psi;
}

static void named(int f)
{
    struct weir_statistic_result out[WEIR_STATISTICS];
    if (weir_summary_statistics(&reference[f], &window[f], 1, WEIR_ALL_STATISTICS, out, NULL))
        exit(1);
    checksum += out[WEIR_STATISTIC_PSI].test.value;
}

static double measure(void (*one)(int f))
{
    double best = 1e9;
    for (int run = 0; run < BEST_OF; run++) {
        double start = now();
        for (int f = 0; f < FIELDS; f++)
            one(f);
        double took = (now() - start) / FIELDS * 1e6; // ms per 1,000 fields
        best = took < best ? took : best;
    }
    return best;
}

int main(void)
{
    static const struct {
        size_t reference, window;
        double shift;
    } cases[] = {{20000, 1000, 0},   {20000, 1000, 0.2},   {100000, 200, 0},      {100000, 5000, 0},
                 {200000, 10000, 0}, {1000000, 100000, 0}, {1000000, 100000, 0.5}};
    printf("%9s %7s %5s | ms per 1,000 fields: %8s %9s %15s | bytes a field and window\n",
           "reference", "window", "shift", "omnibus", "distances", "every statistic");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make(cases[i].reference, cases[i].window, cases[i].shift);
        double o = measure(omnibus), d = measure(distances), n = measure(named);
        printf("%9zu %7zu %5.1f | %20s %8.1f %9.1f %15.1f | %zu\n", cases[i].reference,
               cases[i].window, cases[i].shift, "", o, d, n, weir_summary_memory(&window[0]));
        clear();
    }
    return isfinite(checksum) ? 0 : 1;
}
