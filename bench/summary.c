// SPDX-License-Identifier: Apache-2.0
// What a value costs in a summary, by part and kind of data: nanoseconds, best of several runs.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stats/cells_build.h"
#include "stats/hash.h"
#include "stats/summary.h"

enum { N = WEIR_BATCH_ROWS, ROUNDS = 20, BEST_OF = 100 };

static double x[N];
static int64_t whole[N];
static uint32_t codes[N];
static uint8_t state[N];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double uniform(void)
{
    return ((double)rand() + 1) / ((double)RAND_MAX + 2);
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

static void measure(const char *name, const struct weir_summary_spec *spec,
                    const struct weir_column *column)
{
    struct weir_summary summary;
    struct weir_absorb_scratch *scratch;
    if (weir_summary_init(&summary, spec) || weir_absorb_scratch_create(&scratch))
        exit(1);
    double best = 1e9;
    for (int run = 0; run < BEST_OF; run++) {
        double start = now();
        for (int round = 0; round < ROUNDS; round++) {
            if (weir_summary_absorb(&summary, column, NULL, 0, scratch))
                exit(1);
        }
        double took = (now() - start) / ROUNDS / N * 1e9;
        best = took < best ? took : best;
    }
    struct weir_buffer out;
    weir_buffer_init(&out, 1 << 20);
    weir_summary_write(&summary, &out);
    printf("  %-44s %6.2f ns  %6zu bytes held, %5zu written\n", name, best,
           weir_summary_memory(&summary), out.length);
    weir_buffer_free(&out);
    weir_summary_free(&summary);
    weir_absorb_scratch_destroy(scratch);
}

static void measure_numbers(const char *name, struct weir_column *column)
{
    struct weir_cells *cells;
    if (weir_cells_build_numeric(x, N, &cells, NULL))
        exit(1);
    printf("%s, %zu cells\n", name, cells->n);
    struct weir_summary_spec spec = {.shape = WEIR_SHAPE_NUMERIC, .cells = cells};
    measure("counts", &spec, column);
    spec.parts = WEIR_PART_MOMENTS;
    measure("moments", &spec, column);
    spec.parts = WEIR_PART_CELLS;
    measure("cells", &spec, column);
    spec.parts = WEIR_PART_QUANTILES;
    measure("quantiles", &spec, column);
    spec.parts = WEIR_PART_MOMENTS | WEIR_PART_CELLS | WEIR_PART_QUANTILES;
    measure("moments, cells and quantiles", &spec, column);
    spec.parts = WEIR_PART_DISTINCT;
    measure("distinct", &spec, column);
    weir_cells_free(cells);
}

int main(void)
{
    struct weir_column column = {.type = WEIR_TYPE_DOUBLE, .n = N, .state = state};
    column.values.f64 = x;
    for (size_t i = 0; i < N; i++)
        x[i] = normal();
    measure_numbers("normal", &column);
    for (size_t i = 0; i < N; i++)
        x[i] = exp(1.5 * normal());
    measure_numbers("log-normal", &column);
    for (size_t i = 0; i < N; i++) {
        state[i] = i % 10 == 3 ? WEIR_STATE_NULL : WEIR_STATE_VALUE;
        column.n_null += state[i] == WEIR_STATE_NULL;
    }
    measure_numbers("log-normal, one in ten null", &column);
    memset(state, 0, sizeof state);
    column.n_null = 0;
    for (size_t i = 0; i < N; i++)
        x[i] = i % 3 ? 0 : (double)(rand() % 100);
    measure_numbers("counts, two in three zero", &column);
    for (size_t i = 0; i < N; i++) {
        whole[i] = 1000000 + rand() % 100000;
        x[i] = (double)whole[i];
    }
    column.type = WEIR_TYPE_LONG;
    column.values.i64 = whole;
    measure_numbers("longs", &column);

    enum { WORDS = 200 };
    static char text[WORDS][16];
    static struct weir_string strings[WORDS];
    static struct weir_category categories[WORDS];
    for (size_t i = 0; i < WORDS; i++) {
        uint32_t length = (uint32_t)snprintf(text[i], sizeof text[i], "value-%zu", i);
        strings[i] = (struct weir_string){text[i], length, weir_hash(text[i], length)};
        categories[i] = (struct weir_category){strings[i], WORDS - i};
    }
    for (size_t i = 0; i < N; i++)
        codes[i] = (uint32_t)(WORDS * uniform() * uniform());
    struct weir_category_counts counts = {
        .shape = WEIR_SHAPE_CATEGORICAL, .categories = categories, .n = WORDS, .complete = 1};
    struct weir_cells *cells;
    if (weir_cells_build_categories(&counts, &cells, NULL))
        return 1;
    column.type = WEIR_TYPE_STRING;
    column.values.code = codes;
    column.dictionary = strings;
    column.n_dictionary = WORDS;
    struct weir_summary_spec spec = {
        .shape = WEIR_SHAPE_CATEGORICAL, .cells = cells, .parts = WEIR_PART_CELLS};
    printf("strings, %zu cells\n", cells->n);
    measure("cells", &spec, &column);
    spec.parts = WEIR_PART_DISTINCT;
    measure("distinct", &spec, &column);
    spec.parts = WEIR_PART_CELLS | WEIR_PART_TOP;
    measure("cells and top", &spec, &column);
    weir_cells_free(cells);
    return 0;
}
