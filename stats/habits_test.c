// SPDX-License-Identifier: Apache-2.0
#include "stats/habits.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

START_TEST(common_values_of_a_sample)
{
    struct weir_habits *habits = weir_habits_create();
    double sample[1000];
    for (int i = 0; i < 1000; i++)
        sample[i] = i < 300 ? -0.0 : i < 350 ? 7 : i < 353 ? 9 : i < 400 ? NAN : i + .5;
    weir_habits_sample(habits, sample, 1000);
    ck_assert_uint_eq(habits->n_values, 2);
    ck_assert_double_eq_tol(weir_habits_share(habits, 0), 300 / 953.0, 1e-12);
    ck_assert_double_eq_tol(weir_habits_share(habits, 7), 50 / 953.0, 1e-12);
    ck_assert_double_eq_tol(weir_habits_share(habits, 9), 12 / 953.0, 1e-12); // few: a bound
    ck_assert_double_eq_tol(weir_habits_share(habits, 1e9), 12 / 953.0, 1e-12);
    weir_habits_sample(habits, sample, 0);
    ck_assert_double_eq(weir_habits_share(habits, 0), 1); // not known
    weir_habits_free(habits);
}
END_TEST

START_TEST(more_common_values_than_there_is_room_for)
{
    struct weir_habits *habits = weir_habits_create();
    double sample[5050]; // value i comes i times
    size_t n = 0;
    for (int i = 1; i <= 100; i++) {
        for (int k = 0; k < i; k++)
            sample[n++] = i;
    }
    weir_habits_sample(habits, sample, n);
    ck_assert_uint_eq(habits->n_values, WEIR_HABITS_VALUES);
    ck_assert_double_eq(habits->values[0].value, 100);
    ck_assert_double_eq(habits->values[63].value, 37);
    ck_assert_double_eq_tol(habits->rest, 36 / 5050.0, 1e-12);
    weir_habits_free(habits);
}
END_TEST

START_TEST(bytes)
{
    struct weir_habits *habits = weir_habits_create(), *read = NULL;
    struct weir_buffer out;
    double sample[] = {1, 1, 1, 1, 1, 2};
    weir_habits_sample(habits, sample, 6);
    habits->panes = 9;
    habits->constant_panes = 2;
    habits->span = 77;
    habits->fresh = 0.25;
    habits->spread = 3;
    habits->steady = calloc(3, 1);
    habits->steady[1] = 1;
    habits->n_steady = 3;
    habits->pairs = calloc(1, sizeof *habits->pairs);
    habits->pairs->limit[2] = 6;
    weir_buffer_init(&out, 1 << 20);
    ck_assert_int_eq(weir_habits_write(habits, &out), 0);
    struct weir_reader in = weir_reader_make(out.data, out.length);
    ck_assert_int_eq(weir_habits_read(&in, &read), 0);
    ck_assert_uint_eq(weir_reader_left(&in), 0);
    ck_assert_double_eq(weir_habits_share(read, 1), 5 / 6.0);
    ck_assert_uint_eq(read->panes, 9);
    ck_assert_uint_eq(read->constant_panes, 2);
    ck_assert_int_eq(read->span, 77);
    ck_assert_double_eq(read->fresh, 0.25);
    ck_assert_double_eq(read->spread, 3);
    ck_assert_double_eq(read->null_spread, 1);
    ck_assert_uint_eq(read->n_steady, 3);
    ck_assert_uint_eq(read->steady[1], 1);
    ck_assert_double_eq(read->pairs->limit[2], 6);
    weir_habits_free(read);
    for (size_t n = 0; n < out.length; n++) {
        in = weir_reader_make(out.data, n);
        ck_assert_int_lt(weir_habits_read(&in, &read), 0);
        out.data[n] ^= 0x81;
        in = weir_reader_make(out.data, out.length);
        read = NULL;
        if (!weir_habits_read(&in, &read))
            weir_habits_free(read);
        out.data[n] ^= 0x81;
    }
    weir_habits_free(habits);
    weir_buffer_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("habits");
    TCase *tcase = tcase_create("habits");
    tcase_add_test(tcase, common_values_of_a_sample);
    tcase_add_test(tcase, more_common_values_than_there_is_room_for);
    tcase_add_test(tcase, bytes);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
