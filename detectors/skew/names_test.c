// SPDX-License-Identifier: Apache-2.0
// Slices of pairs: which are kept, and what they come to, does not depend on the order.
#include "detectors/skew/names.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/hash.h"

enum { VALUES = 200, FIELDS = 2 };
static char texts[VALUES][16];
static struct weir_string dictionary[VALUES];
static uint32_t codes[VALUES];
static int64_t numbers[VALUES];
static uint8_t states[2][VALUES];
static struct weir_column columns[2];
static struct weir_batch batch;
static struct skew_instance instance;
static char first[] = "route", second[] = "zone";

static void setup(void)
{
    for (int i = 0; i < VALUES; i++) {
        int length = snprintf(texts[i], sizeof texts[i], "r%d", i);
        dictionary[i] =
            (struct weir_string){texts[i], (uint32_t)length, weir_hash(texts[i], (size_t)length)};
        codes[i] = (uint32_t)i;
        numbers[i] = i % 7;
        states[1][i] = i % 10 ? WEIR_STATE_VALUE : WEIR_STATE_NULL;
    }
    memset(columns, 0, sizeof columns);
    columns[0] = (struct weir_column){.type = WEIR_TYPE_STRING,
                                      .n = VALUES,
                                      .state = states[0],
                                      .dictionary = dictionary,
                                      .n_dictionary = VALUES};
    columns[0].values.code = codes;
    columns[1] = (struct weir_column){.type = WEIR_TYPE_LONG, .n = VALUES, .state = states[1]};
    columns[1].values.i64 = numbers;
    batch = (struct weir_batch){.n_rows = VALUES, .columns = columns};
    instance = (struct skew_instance){.by = {{0}, {0, 1}},
                                      .by_names = {{first}, {first, second}},
                                      .n_by_fields = {1, 2},
                                      .n_by = 2};
}

// All rows from `from` on, by steps of `step`: each of them once where the two have no divisor.
static void read_all(struct skew_names *names, uint32_t from, uint32_t step)
{
    uint64_t slice[SKEW_BY];
    for (uint32_t i = 0; i < VALUES; i++)
        ck_assert_int_eq(
            skew_names_read(names, &instance, &batch, (from + i * step) % VALUES, slice), 0);
    ck_assert_uint_ne(slice[0], 0);
    ck_assert_uint_ne(slice[1], 0);
    ck_assert_uint_eq(slice[2], 0);
}

static void bytes_of(const struct skew_names *names, struct weir_buffer *out)
{
    weir_buffer_init(out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(skew_names_write(names, &instance, out), 0);
}

START_TEST(names_in_any_order)
{
    struct skew_names names = {.n = {0}}, others = {.n = {0}};
    struct weir_buffer one, other;
    read_all(&names, 0, 1);
    read_all(&others, 77, 7);
    read_all(&others, 3, 1); // again
    ck_assert_uint_eq(names.n[0], SKEW_SLICES_KEPT);
    bytes_of(&names, &one);
    bytes_of(&others, &other);
    ck_assert_uint_eq(one.length, other.length);
    ck_assert_mem_eq(one.data, other.data, one.length);
    for (size_t i = 0; i < names.n[1]; i++) {
        const char *text = skew_names_find(&names, 1, names.of[1][i].hash);
        ck_assert_ptr_nonnull(strchr(text, SKEW_BETWEEN));
        ck_assert_int_eq(*text, 'r');
    }
    ck_assert_ptr_null(skew_names_find(&names, 0, UINT64_MAX));
    ck_assert_uint_gt(skew_names_memory(&names), 2 * SKEW_SLICES_KEPT);
    weir_buffer_free(&one);
    weir_buffer_free(&other);
    skew_names_free(&names);
    skew_names_free(&others);
}
END_TEST

START_TEST(names_are_restored)
{
    struct skew_names names = {.n = {0}}, other = {.n = {0}};
    struct weir_buffer saved, again;
    read_all(&names, 0, 1);
    bytes_of(&names, &saved);
    struct weir_reader in = weir_reader_make(saved.data, saved.length);
    ck_assert_int_eq(skew_names_restore(&other, &instance, &in), 0);
    bytes_of(&other, &again);
    ck_assert_uint_eq(saved.length, again.length);
    ck_assert_mem_eq(saved.data, again.data, saved.length);
    for (size_t n = 0; n < saved.length; n += 1 + saved.length / 50) {
        skew_names_free(&other);
        in = weir_reader_make(saved.data, n);
        ck_assert_int_ne(skew_names_restore(&other, &instance, &in), 0);
    }
    // Of other slices nothing is kept, and what follows is found.
    skew_names_free(&other);
    instance.by_names[0][0] = second;
    in = weir_reader_make(saved.data, saved.length);
    ck_assert_int_eq(skew_names_restore(&other, &instance, &in), 0);
    ck_assert_uint_eq(weir_reader_left(&in), 0);
    ck_assert_uint_eq(other.n[0] + other.n[1], 0);
    weir_buffer_free(&saved);
    weir_buffer_free(&again);
    skew_names_free(&names);
}
END_TEST

// Counts of many slices on two sides, added up either way.
START_TEST(tallies_add_up_in_any_order)
{
    struct skew_tally parts[2], sums[2];
    struct weir_buffer bytes[2], sum[2];
    for (int k = 0; k < 2; k++) {
        ck_assert_int_eq(skew_tally_init(&parts[k], FIELDS), 0);
        ck_assert_int_eq(skew_tally_init(&sums[k], FIELDS), 0);
        weir_buffer_init(&bytes[k], WEIR_BUFFER_MAXIMUM);
        weir_buffer_init(&sum[k], WEIR_BUFFER_MAXIMUM);
        for (int i = k * 40; i < 120 + k * 40; i++) {
            struct skew_slice_tally *slice;
            ck_assert_int_eq(skew_tally_slice(&parts[k], 1, dictionary[i].hash, texts[i], &slice),
                             0);
            if (slice)
                slice->count[1] += (uint64_t)i;
        }
        ck_assert_int_eq(skew_tally_write(&parts[k], &bytes[k]), 0);
    }
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 2; i++) {
            const struct weir_buffer *from = &bytes[i ^ k];
            struct weir_reader in = weir_reader_make(from->data, from->length);
            ck_assert_int_eq(skew_tally_read(&sums[k], &in), 0);
        }
        ck_assert_int_eq(skew_tally_write(&sums[k], &sum[k]), 0);
    }
    ck_assert_uint_eq(sum[0].length, sum[1].length);
    ck_assert_mem_eq(sum[0].data, sum[1].data, sum[0].length);
    ck_assert_uint_eq(sums[0].n_slices[1], SKEW_SLICES_KEPT);
    // Each that is there is whole.
    for (size_t i = 0; i < sums[0].n_slices[1]; i++) {
        int of = atoi(sums[0].slices[1][i].text + 1);
        ck_assert_uint_eq(sums[0].slices[1][i].count[1],
                          (uint64_t)of * (uint64_t)((of < 120) + (of >= 40)));
    }
    for (size_t n = 0; n < bytes[0].length; n += 1 + bytes[0].length / 50) {
        struct weir_reader in = weir_reader_make(bytes[0].data, n);
        ck_assert_int_ne(skew_tally_read(&sums[0], &in), 0);
    }
    for (int k = 0; k < 2; k++) {
        skew_tally_free(&parts[k]);
        skew_tally_free(&sums[k]);
        weir_buffer_free(&bytes[k]);
        weir_buffer_free(&sum[k]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("skew names");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, NULL);
    tcase_add_test(all, names_in_any_order);
    tcase_add_test(all, names_are_restored);
    tcase_add_test(all, tallies_add_up_in_any_order);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
