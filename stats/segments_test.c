// SPDX-License-Identifier: Apache-2.0
#include "stats/segments.h"

#include <check.h>
#include <math.h>
#include <string.h>

enum { N = 2000, COLUMNS = 6 };
static uint64_t state;
static double number[2][COLUMNS][N];
static uint64_t code[2][COLUMNS][N];
static struct weir_contrast_column columns[COLUMNS];
static struct weir_contrast_samples samples;

static double uniform(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

// Three columns of numbers, three of categories 0 to 5; what `lacks` says the reference never has.
static void draw(uint64_t seed, int (*lacks)(const double *x, const uint64_t *c))
{
    state = seed;
    for (int side = 0; side < 2; side++) {
        for (size_t row = 0; row < N; row++) {
            double x[3];
            uint64_t c[3];
            do {
                for (int k = 0; k < 3; k++) {
                    x[k] = -log(uniform());
                    c[k] = (uint64_t)(6 * uniform() * uniform());
                }
            } while (!side && lacks && lacks(x, c));
            for (int k = 0; k < 3; k++) {
                number[side][k][row] = uniform() < 0.02 ? NAN : x[k];
                code[side][3 + k][row] = c[k];
            }
        }
        for (int k = 0; k < COLUMNS; k++) {
            columns[k].number[side] = k < 3 ? number[side][k] : NULL;
            columns[k].category[side] = k < 3 ? NULL : code[side][k];
        }
        samples.rows[side] = N;
    }
    samples.columns = columns;
    samples.n_columns = COLUMNS;
}

static int pair(const double *x, const uint64_t *c)
{
    (void)x;
    return c[0] == 1 && c[1] == 2;
}

static int mixed(const double *x, const uint64_t *c)
{
    return x[0] > 1.4 && c[2] == 1;
}

static int triple(const double *x, const uint64_t *c)
{
    (void)x;
    return c[0] == 0 && c[1] == 0 && c[2] == 0;
}

static struct weir_segments find(void)
{
    struct weir_segments found;
    ck_assert_int_eq(weir_segments_find(&samples, 0.01, 1e-3, 1, &found), 0);
    return found;
}

static int has(const struct weir_segment *segment, size_t column, uint64_t category)
{
    for (size_t k = 0; k < segment->n; k++)
        if (segment->clauses[k].column == column && segment->clauses[k].kind == WEIR_CONTRAST_IS &&
            segment->clauses[k].category == category)
            return 1;
    return 0;
}

START_TEST(two_samples_of_one_distribution_have_none)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        draw(seed, NULL);
        ck_assert_uint_eq(find().n, 0);
    }
}
END_TEST

START_TEST(a_pair_that_the_reference_lacks_is_found)
{
    draw(3, pair);
    struct weir_segments found = find();
    ck_assert_uint_eq(found.n, 1);
    ck_assert_uint_eq(found.of[0].n, 2);
    ck_assert(has(&found.of[0], 3, 1) && has(&found.of[0], 4, 2));
    ck_assert_double_eq_tol(found.of[0].share, (double)found.of[0].rows / N, 1e-12);
    ck_assert_double_gt(found.of[0].share, 0.02);
    ck_assert_uint_eq(found.rows[0], N);
}
END_TEST

START_TEST(a_number_and_a_category)
{
    draw(4, mixed);
    struct weir_segments found = find();
    ck_assert_uint_ge(found.n, 1);
    ck_assert(has(&found.of[0], 5, 1));
    for (size_t k = 0; k < found.of[0].n; k++) {
        const struct weir_contrast_clause *clause = &found.of[0].clauses[k];
        if (clause->column == 0) {
            ck_assert_int_eq(clause->kind, WEIR_CONTRAST_ABOVE);
            ck_assert_double_ge(clause->number, 1.2);
        }
    }
}
END_TEST

START_TEST(three_conditions_where_two_are_known)
{
    draw(5, triple);
    struct weir_segments found = find();
    ck_assert_uint_eq(found.n, 1);
    ck_assert_uint_eq(found.of[0].n, 3);
    ck_assert(has(&found.of[0], 3, 0) && has(&found.of[0], 4, 0) && has(&found.of[0], 5, 0));
}
END_TEST

START_TEST(no_rows_and_no_columns_have_none)
{
    struct weir_segments found;
    draw(6, pair);
    samples.rows[0] = 0;
    ck_assert_uint_eq(find().n, 0);
    samples.rows[0] = N;
    samples.rows[1] = 3;
    ck_assert_uint_eq(find().n, 0);
    samples.n_columns = 0;
    ck_assert_uint_eq(find().n, 0);
    samples.n_columns = WEIR_SEGMENT_COLUMNS + 1;
    ck_assert_int_ne(weir_segments_find(&samples, .01, 1e-3, 1, &found), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("segments");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_test(all, two_samples_of_one_distribution_have_none);
    tcase_add_test(all, a_pair_that_the_reference_lacks_is_found);
    tcase_add_test(all, a_number_and_a_category);
    tcase_add_test(all, three_conditions_where_two_are_known);
    tcase_add_test(all, no_rows_and_no_columns_have_none);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
