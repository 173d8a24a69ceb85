// SPDX-License-Identifier: Apache-2.0
#include "stats/reservoir.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/hash.h"
#include "weir/error.h"

enum { ROWS = 4096, BATCHES = 8, LONG_TEXT = 400 };

static const struct weir_reservoir_field fields[] = {
    {"amount", WEIR_TYPE_DOUBLE, 0, 0},   {"count", WEIR_TYPE_LONG, 0, 1},
    {"fresh", WEIR_TYPE_BOOLEAN, 0, 2},   {"country", WEIR_TYPE_STRING, 0, 3},
    {"vector[]", WEIR_TYPE_DOUBLE, 1, 4},
};
static const struct weir_reservoir_spec spec = {fields, 5, 500, 1 << 20};

static double amounts[ROWS], vector[2 * ROWS];
static int64_t counts[ROWS], fresh[ROWS], offsets[ROWS], times[ROWS];
static uint32_t codes[ROWS], ends[ROWS + 1];
static uint8_t states[ROWS], good[2 * ROWS];
static char long_text[LONG_TEXT];
static struct weir_string dictionary[3];
static struct weir_column columns[5];
static struct weir_batch batch;

// Rows [first, first + ROWS) of an endless stream: row i has amount i, count -i.
static const struct weir_batch *rows_from(int64_t first)
{
    memset(long_text, 'x', sizeof long_text);
    dictionary[0] = (struct weir_string){"JP", 2, weir_hash("JP", 2)};
    dictionary[1] = (struct weir_string){long_text, LONG_TEXT, weir_hash(long_text, LONG_TEXT)};
    dictionary[2] = (struct weir_string){"", 0, weir_hash("", 0)};
    for (int64_t i = 0; i < ROWS; i++) {
        int64_t row = first + i;
        offsets[i] = row;
        amounts[i] = row % 10 == 3 ? 0 : (double)row;
        states[i] = row % 10 == 3 ? WEIR_STATE_NULL : WEIR_STATE_VALUE;
        counts[i] = -row;
        fresh[i] = row % 2;
        codes[i] = (uint32_t)(row % 3);
        ends[i + 1] = ends[i] + (uint32_t)(row % 3);
        for (uint32_t k = ends[i]; k < ends[i + 1]; k++)
            vector[k] = (double)row + .5 * (k - ends[i]);
    }
    columns[0] = (struct weir_column){
        .type = WEIR_TYPE_DOUBLE, .n = ROWS, .state = states, .values.f64 = amounts};
    columns[1] = (struct weir_column){
        .type = WEIR_TYPE_LONG, .n = ROWS, .state = good, .values.i64 = counts};
    columns[2] = (struct weir_column){
        .type = WEIR_TYPE_BOOLEAN, .n = ROWS, .state = good, .values.i64 = fresh};
    columns[3] = (struct weir_column){.type = WEIR_TYPE_STRING,
                                      .n = ROWS,
                                      .state = good,
                                      .values.code = codes,
                                      .dictionary = dictionary,
                                      .n_dictionary = 3};
    columns[4] = (struct weir_column){.type = WEIR_TYPE_DOUBLE,
                                      .n = ends[ROWS],
                                      .state = good,
                                      .values.f64 = vector,
                                      .offsets = ends};
    batch =
        (struct weir_batch){.n_rows = ROWS, .time = times, .offset = offsets, .columns = columns};
    return &batch;
}

static struct weir_reservoir *make(const struct weir_reservoir_spec *of)
{
    struct weir_reservoir *r;
    ck_assert_int_eq(weir_reservoir_create(of, &r), 0);
    return r;
}

static struct weir_buffer bytes_of(const struct weir_reservoir *r)
{
    struct weir_buffer out;
    size_t from = 0;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_reservoir_write(r, &from, SIZE_MAX, &out), 0);
    ck_assert_uint_eq(from, weir_reservoir_rows(r));
    return out;
}

static void same(const struct weir_reservoir *a, const struct weir_reservoir *b)
{
    struct weir_buffer x = bytes_of(a), y = bytes_of(b);
    ck_assert_uint_eq(x.length, y.length);
    ck_assert_mem_eq(x.data, y.data, x.length);
    weir_buffer_free(&x);
    weir_buffer_free(&y);
}

START_TEST(it_holds_what_the_rows_had)
{
    struct weir_reservoir *r = make(&spec);
    for (int b = 0; b < BATCHES; b++)
        ck_assert_int_eq(weir_reservoir_add(r, rows_from(b * ROWS), NULL, ROWS, 1), 0);
    struct weir_rows rows;
    ck_assert_int_eq(weir_rows_make(r, &rows), 0);
    ck_assert_uint_eq(rows.n, 500);
    ck_assert_uint_eq(rows.seen, BATCHES * ROWS);
    const struct weir_rows_column *amount = weir_rows_find(&rows, "amount");
    const struct weir_rows_column *country = weir_rows_find(&rows, "country");
    const struct weir_rows_column *list = weir_rows_find(&rows, "vector[]");
    ck_assert_ptr_null(weir_rows_find(&rows, "odd"));
    double sum = 0;
    for (size_t i = 0; i < rows.n; i++) {
        int64_t row = -(int64_t)rows.columns[1].code[i];
        sum += (double)row;
        ck_assert_int_eq(amount->state[i], row % 10 == 3 ? WEIR_STATE_NULL : WEIR_STATE_VALUE);
        if (row % 10 == 3)
            ck_assert(isnan(amount->number[i]));
        else
            ck_assert_double_eq(amount->number[i], (double)row);
        ck_assert_double_eq(rows.columns[1].number[i], -(double)row);
        ck_assert_uint_eq(rows.columns[2].code[i], (uint64_t)(row % 2));
        ck_assert_uint_eq(country->code[i], dictionary[row % 3].hash);
        ck_assert_uint_eq(country->length[i], dictionary[row % 3].length);
        ck_assert_uint_eq(country->text[i].length, row % 3 == 1   ? WEIR_RESERVOIR_TEXT
                                                   : row % 3 == 0 ? 2u
                                                                  : 0u);
        size_t from = i ? list->ends[i - 1] : 0;
        ck_assert_uint_eq(list->ends[i] - from, (size_t)(row % 3));
        for (size_t k = from; k < list->ends[i]; k++)
            ck_assert_double_eq(list->number[k], (double)row + .5 * (double)(k - from));
    }
    // A uniform sample: the mean of 0 ... 32,767 within five standard errors.
    double n = BATCHES * ROWS, error = n / sqrt(12 * (double)rows.n);
    ck_assert_double_eq_tol(sum / (double)rows.n, n / 2, 5 * error);
    weir_rows_free(&rows);
    weir_reservoir_destroy(r);
}
END_TEST

// Parts of the rows, put together in any order and grouping, by memory or by bytes.
START_TEST(the_order_makes_no_difference)
{
    static const struct weir_reservoir_spec specs[] = {{fields, 5, 500, 1 << 20},
                                                       {fields, 5, 10000, 30000}};
    for (int s = 0; s < 2; s++) {
        struct weir_reservoir *whole = make(&specs[s]), *part[BATCHES];
        struct weir_reservoir *up = make(&specs[s]), *down = make(&specs[s]),
                              *read = make(&specs[s]);
        for (int b = 0; b < BATCHES; b++) {
            part[b] = make(&specs[s]);
            const struct weir_batch *from = rows_from(b * ROWS);
            ck_assert_int_eq(weir_reservoir_add(whole, from, NULL, ROWS, 7), 0);
            ck_assert_int_eq(weir_reservoir_add(part[b], from, NULL, ROWS, 7), 0);
        }
        for (int b = 0; b < BATCHES; b++) {
            ck_assert_int_eq(weir_reservoir_merge(up, part[b]), 0);
            ck_assert_int_eq(weir_reservoir_merge(down, part[BATCHES - 1 - b]), 0);
            struct weir_buffer pieces[200];
            size_t n = 0, at = 0;
            do {
                ck_assert_uint_lt(n, 200);
                weir_buffer_init(&pieces[n], WEIR_BUFFER_MAXIMUM);
                ck_assert_int_eq(weir_reservoir_write(part[b], &at, 1000, &pieces[n++]), 0);
            } while (at < weir_reservoir_rows(part[b]));
            while (n-- > 0) {
                struct weir_reader in = weir_reader_make(pieces[n].data, pieces[n].length);
                ck_assert_int_eq(weir_reservoir_read_merge(read, &in), 0);
                ck_assert_uint_eq(weir_reader_left(&in), 0);
                weir_buffer_free(&pieces[n]);
            }
        }
        ck_assert_uint_eq(weir_reservoir_seen(whole), BATCHES * ROWS);
        same(whole, up);
        same(whole, down);
        same(whole, read);
        ck_assert_uint_ge(weir_reservoir_rows(whole), s ? 150 : 500);
        ck_assert_uint_le(weir_reservoir_rows(whole), s ? 30000 / WEIR_RESERVOIR_ROW : 500);
        ck_assert_uint_lt(weir_reservoir_memory(whole), s ? 60000 : 120000);
        for (int b = 0; b < BATCHES; b++)
            weir_reservoir_destroy(part[b]);
        weir_reservoir_destroy(whole);
        weir_reservoir_destroy(up);
        weir_reservoir_destroy(down);
        weir_reservoir_destroy(read);
    }
}
END_TEST

START_TEST(chosen_rows_alone_are_taken)
{
    static const uint32_t chosen[] = {5, 17, 4000};
    struct weir_reservoir *r = make(&spec);
    struct weir_rows rows;
    ck_assert_int_eq(weir_reservoir_add(r, rows_from(0), chosen, 3, 1), 0);
    ck_assert_int_eq(weir_rows_make(r, &rows), 0);
    double sum = 0;
    for (size_t i = 0; i < rows.n; i++)
        sum += rows.columns[1].number[i];
    ck_assert_uint_eq(rows.n, 3);
    ck_assert_double_eq(sum, -4022);
    weir_rows_free(&rows);
    weir_reservoir_destroy(r);
}
END_TEST

START_TEST(an_empty_one_has_no_rows)
{
    struct weir_reservoir *r = make(&spec);
    struct weir_rows rows;
    ck_assert_int_eq(weir_rows_make(r, &rows), 0);
    ck_assert_uint_eq(rows.n, 0);
    weir_rows_free(&rows);
    struct weir_buffer bytes = bytes_of(r);
    struct weir_reader in = weir_reader_make(bytes.data, bytes.length);
    ck_assert_int_eq(weir_reservoir_read_merge(r, &in), 0);
    weir_buffer_free(&bytes);
    weir_reservoir_destroy(r);
}
END_TEST

START_TEST(a_row_that_has_no_room_is_none)
{
    static const struct weir_reservoir_spec tiny = {fields, 5, 10, 40};
    struct weir_reservoir *r = make(&tiny);
    ck_assert_int_eq(weir_reservoir_add(r, rows_from(0), NULL, ROWS, 1), 0);
    ck_assert_uint_eq(weir_reservoir_rows(r), 0);
    ck_assert_uint_eq(weir_reservoir_seen(r), ROWS);
    weir_reservoir_destroy(r);
}
END_TEST

START_TEST(damaged_bytes_are_refused)
{
    static const uint32_t chosen[] = {1, 2, 3, 4, 5};
    struct weir_reservoir *r = make(&spec);
    ck_assert_int_eq(weir_reservoir_add(r, rows_from(0), chosen, 5, 1), 0);
    struct weir_buffer bytes = bytes_of(r);
    for (size_t n = 0; n < bytes.length; n++) {
        uint8_t *copy = malloc(n + 1);
        struct weir_reservoir *read = make(&spec);
        memcpy(copy, bytes.data, n);
        struct weir_reader in = weir_reader_make(copy, n);
        ck_assert_int_lt(weir_reservoir_read_merge(read, &in), 0);
        weir_reservoir_destroy(read);
        free(copy);
    }
    for (size_t i = 0; i < bytes.length; i++) {
        for (int bit = 0; bit < 8; bit++) {
            struct weir_reservoir *read = make(&spec);
            struct weir_rows rows;
            bytes.data[i] ^= (uint8_t)(1 << bit);
            struct weir_reader in = weir_reader_make(bytes.data, bytes.length);
            weir_reservoir_read_merge(read, &in);
            ck_assert_int_eq(weir_rows_make(read, &rows), 0);
            weir_rows_free(&rows);
            weir_reservoir_destroy(read);
            bytes.data[i] ^= (uint8_t)(1 << bit);
        }
    }
    weir_buffer_free(&bytes);
    weir_reservoir_destroy(r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reservoir");
    TCase *cases = tcase_create("reservoir");
    tcase_add_test(cases, it_holds_what_the_rows_had);
    tcase_add_test(cases, the_order_makes_no_difference);
    tcase_add_test(cases, chosen_rows_alone_are_taken);
    tcase_add_test(cases, an_empty_one_has_no_rows);
    tcase_add_test(cases, a_row_that_has_no_room_is_none);
    tcase_add_test(cases, damaged_bytes_are_refused);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
