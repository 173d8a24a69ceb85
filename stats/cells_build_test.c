// SPDX-License-Identifier: Apache-2.0
#include "stats/cells_build.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cells.h"
#include "stats/hash.h"
#include "stats/summary.h"

enum { N = 32000 };
static double x[N];

static void count(const struct weir_cells *cells, uint64_t *cell)
{
    memset(cell, 0, 200 * sizeof *cell);
    weir_cells_count(cells, x, N, cell);
}

START_TEST(smooth_values_give_cells_of_equal_mass)
{
    struct weir_cells *cells;
    uint64_t cell[200];
    for (size_t i = 0; i < N; i++)
        x[i] = (double)(i * 7919 % N) / N * 100 + 1000;
    ck_assert_int_eq(weir_cells_build_numeric(x, N, &cells, NULL), 0);
    ck_assert_uint_eq(cells->n, 32 + 4);
    count(cells, cell);
    ck_assert_uint_eq(cell[0], N / 1000);
    ck_assert_uint_eq(cell[1], 4 * N / 1000);
    ck_assert_uint_eq(cell[0] + cell[1] + cell[2], N / 32);
    for (size_t i = 3; i + 3 < cells->n; i++)
        ck_assert_uint_eq(cell[i], N / 32);
    ck_assert_double_eq_tol(cells->centre, 1050, .01);
    ck_assert(cells->scale == 32);
    weir_cells_free(cells);
}
END_TEST

START_TEST(atoms_have_cells_of_their_own)
{
    struct weir_cells *cells;
    uint64_t cell[200];
    for (size_t i = 0; i < N; i++)
        x[i] = i % 4 == 0 ? 0 : i % 10 == 1 ? 50 : (double)i / N * 100;
    ck_assert_int_eq(weir_cells_build_numeric(x, N, &cells, NULL), 0);
    count(cells, cell);
    size_t zero = weir_cells_find(cells, 0), fifty = weir_cells_find(cells, 50);
    ck_assert(weir_cells_is_atom(cells, zero) && weir_cells_is_atom(cells, fifty));
    ck_assert_uint_eq(cell[zero], N / 4);
    ck_assert_uint_eq(cell[fifty], N / 10);
    weir_cells_free(cells);
}
END_TEST

START_TEST(odd_references_give_usable_cells)
{
    static const double constant[] = {3, 3, 3, 3, 3}, wild[] = {NAN, INFINITY, -INFINITY};
    static const double extreme[] = {-1.7e308, 1.7e308, 5e-324, -0.0, 1.7e308, 1.7e308};
    static const double tiny[] = {1e-320, 2e-320, 3e-320, 4e-320};
    struct weir_cells *cells;
    ck_assert_int_eq(weir_cells_build_numeric(constant, 5, &cells, NULL), 0);
    ck_assert_uint_eq(cells->n, 3);
    ck_assert(cells->centre == 3 && cells->scale > 0);
    weir_cells_free(cells);
    ck_assert_int_eq(weir_cells_build_numeric(wild, 3, &cells, NULL), 0);
    ck_assert_uint_eq(cells->n, 1);
    weir_cells_free(cells);
    ck_assert_int_eq(weir_cells_build_numeric(NULL, 0, &cells, NULL), 0);
    weir_cells_free(cells);
    ck_assert_int_eq(weir_cells_build_numeric(extreme, 6, &cells, NULL), 0);
    ck_assert_uint_ge(cells->n, 4);
    weir_cells_free(cells);
    ck_assert_int_eq(weir_cells_build_numeric(tiny, 4, &cells, NULL), 0);
    weir_cells_free(cells);
    ck_assert_int_eq(weir_cells_build_boolean(&cells, NULL), 0);
    ck_assert_uint_eq(cells->n, 2);
    weir_cells_free(cells);
}
END_TEST

START_TEST(a_sketch_gives_nearly_equal_cells)
{
    struct weir_cells *cells;
    uint64_t cell[200];
    struct weir_ddsketch *sketch = weir_ddsketch_create(0);
    for (size_t i = 0; i < N; i++)
        x[i] = i % 5 ? exp(((double)(i * 7919 % N) / N - .3) * 8) : 0;
    ck_assert_int_eq(weir_ddsketch_add(sketch, x, N), 0);
    ck_assert_int_eq(weir_cells_build_sketch(sketch, &cells, NULL), 0);
    count(cells, cell);
    ck_assert_uint_eq(cell[weir_cells_find(cells, 0)], N / 5);
    ck_assert_uint_ge(cells->n, 24);
    for (size_t i = 0; i < cells->n; i++)
        ck_assert(cell[i] < N / 16 || weir_cells_is_atom(cells, i));
    weir_cells_free(cells);
    // A constant has a cell of its own: what is below it by more than a bucket is in another.
    static const double constants[] = {3.47, -3.47, .0123, 4.1e12};
    for (size_t k = 0; k < sizeof constants / sizeof *constants; k++) {
        for (size_t i = 0; i < N; i++)
            x[i] = i % 500 ? constants[k] : 2 * constants[k];
        weir_ddsketch_reset(sketch);
        ck_assert_int_eq(weir_ddsketch_add(sketch, x, N), 0);
        ck_assert_int_eq(weir_cells_build_sketch(sketch, &cells, NULL), 0);
        size_t of = weir_cells_find(cells, constants[k]);
        ck_assert_uint_ne(weir_cells_find(cells, constants[k] * .97), of);
        ck_assert_uint_ne(weir_cells_find(cells, constants[k] * 1.03), of);
        weir_cells_free(cells);
    }
    // Zero is one value, and the edges of other buckets are none.
    for (size_t i = 0; i < N; i++)
        x[i] = (double)(i % 5);
    weir_ddsketch_reset(sketch);
    ck_assert_int_eq(weir_ddsketch_add(sketch, x, N), 0);
    ck_assert_int_eq(weir_cells_build_sketch(sketch, &cells, NULL), 0);
    char name[64];
    for (size_t i = 0; i < cells->n; i++)
        ck_assert_int_eq(weir_cells_is_atom(cells, i), i == weir_cells_find(cells, 0));
    weir_cells_name(cells, 0, name, sizeof name);
    ck_assert_str_eq(name, "< 0");
    struct weir_summary zeros = {.shape = cells->shape, .cells = cells, .cell = cell};
    memset(cell, 0, sizeof cell);
    cell[weir_cells_find(cells, 0)] = 10;
    ck_assert_double_eq(weir_summary_quantile(&zeros, .5), 0);
    cell[0] = 100;
    ck_assert_double_eq(weir_summary_quantile(&zeros, .5), 0);
    weir_cells_free(cells);
    weir_ddsketch_reset(sketch);
    ck_assert_int_eq(weir_cells_build_sketch(sketch, &cells, NULL), 0);
    ck_assert_uint_eq(cells->n, 1);
    weir_cells_free(cells);
    weir_ddsketch_destroy(sketch);
}
END_TEST

START_TEST(categories_are_the_most_frequent)
{
    static const char *const names[] = {"JP", "US", "DE", "FR", "CH"};
    static const uint64_t counts[] = {5, 9, 5, 1, 20};
    struct weir_category categories[5];
    for (size_t i = 0; i < 5; i++)
        categories[i] = (struct weir_category){{names[i], 2, weir_hash(names[i], 2)}, counts[i]};
    struct weir_category_counts from = {
        .shape = WEIR_SHAPE_CATEGORICAL, .categories = categories, .n = 5, .complete = 1, .top = 3};
    struct weir_cells *cells;
    ck_assert_int_eq(weir_cells_build_categories(&from, &cells, NULL), 0);
    ck_assert_uint_eq(cells->n, 3 + WEIR_HASHED_CELLS);
    ck_assert_mem_eq(cells->categories[0].data, "CH", 2);
    ck_assert_mem_eq(cells->categories[1].data, "US", 2);
    ck_assert_mem_eq(cells->categories[2].data, "DE", 2);
    ck_assert_double_eq_tol(cells->unseen_share, 1 / 40., 1e-12);
    int unseen;
    struct weir_string fr = {"FR", 2, weir_hash("FR", 2)}, it = {"IT", 2, weir_hash("IT", 2)};
    ck_assert_uint_ge(weir_cells_find_string(cells, &fr, &unseen), 3);
    ck_assert_int_eq(unseen, 0);
    ck_assert_uint_ge(weir_cells_find_string(cells, &it, &unseen), 3);
    ck_assert_int_eq(unseen, 1);
    weir_cells_free(cells);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cells_build");
    TCase *cases = tcase_create("cells_build");
    tcase_add_test(cases, smooth_values_give_cells_of_equal_mass);
    tcase_add_test(cases, atoms_have_cells_of_their_own);
    tcase_add_test(cases, odd_references_give_usable_cells);
    tcase_add_test(cases, a_sketch_gives_nearly_equal_cells);
    tcase_add_test(cases, categories_are_the_most_frequent);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
