// SPDX-License-Identifier: Apache-2.0
#include "stats/embedding.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/draw_inside.h"
#include "weir/error.h"

enum { NUMBERS = 3, ROWS = 600, BLOCK = WEIR_EMBEDDING_BLOCK, DRAWS = 300 };
#define WIDTH 2.4494897427831780982 // root of twice NUMBERS

static float z[NUMBERS * ROWS]; // number by number

static void set_up(void)
{
    draw_state = 1;
}

static void draw(double shift)
{
    for (size_t r = 0; r < ROWS; r++) {
        double x = draw_normal();
        z[r] = (float)(x + shift);
        z[ROWS + r] = (float)(.6 * x + .8 * draw_normal());
        z[2 * ROWS + r] = (float)(draw_uniform() < .5 ? 0 : draw_normal() * 1.4);
    }
}

static struct weir_embedding *empty(void)
{
    struct weir_embedding *embedding;
    ck_assert_int_eq(weir_embedding_create(NUMBERS, WIDTH, &embedding), 0);
    return embedding;
}

static void add(struct weir_embedding *embedding, size_t first, size_t end, size_t block)
{
    for (size_t r = first; r < end; r += block)
        weir_embedding_add(embedding, z + r, ROWS, end - r < block ? end - r : block);
}

static void write(const struct weir_embedding *embedding, struct weir_buffer *out)
{
    weir_buffer_init(out, WEIR_BUFFER_MAXIMUM);
    weir_embedding_write(embedding, out);
    ck_assert(!out->failed);
}

static void same_bytes(const struct weir_embedding *a, const struct weir_embedding *b)
{
    struct weir_buffer x, y;
    write(a, &x);
    write(b, &y);
    ck_assert_uint_eq(x.length, y.length);
    ck_assert_mem_eq(x.data, y.data, x.length);
    weir_buffer_free(&x);
    weir_buffer_free(&y);
}

START_TEST(neither_order_nor_parts_matter)
{
    draw(0);
    struct weir_embedding *whole = empty(), *parts = empty(), *other = empty();
    add(whole, 0, ROWS, BLOCK);
    add(parts, 300, ROWS, 7);
    add(other, 0, 300, 100);
    ck_assert_int_eq(weir_embedding_merge(parts, other), 0);
    same_bytes(whole, parts);
    ck_assert_uint_eq(weir_embedding_records(parts), ROWS);
    weir_embedding_destroy(whole);
    weir_embedding_destroy(parts);
    weir_embedding_destroy(other);
}
END_TEST

START_TEST(what_is_written_is_read)
{
    draw(0);
    struct weir_embedding *embedding = empty(), *read;
    struct weir_buffer bytes;
    add(embedding, 0, ROWS, BLOCK);
    write(embedding, &bytes);
    struct weir_reader in = weir_reader_make(bytes.data, bytes.length);
    ck_assert_int_eq(weir_embedding_read(&in, &read), 0);
    same_bytes(embedding, read);
    weir_embedding_destroy(read);
    for (size_t n = 0; n < bytes.length; n++) {
        uint8_t *copy = malloc(n + 1);
        memcpy(copy, bytes.data, n);
        in = weir_reader_make(copy, n);
        ck_assert_int_eq(weir_embedding_read(&in, &read), WEIR_ECORRUPT);
        free(copy);
    }
    weir_buffer_free(&bytes);
    weir_embedding_destroy(embedding);
}
END_TEST

// The mean of exp(-d^2 / 2 w^2) over pairs, which the features are random ones of.
static double kernel(const float *a, const float *b)
{
    double sum = 0;
    for (size_t i = 0; i < ROWS; i += 2)
        for (size_t k = 0; k < ROWS; k += 2) {
            double square = 0;
            for (size_t j = 0; j < NUMBERS; j++) {
                double gap = (double)a[j * ROWS + i] - (double)b[j * ROWS + k];
                square += gap * gap;
            }
            sum += exp(-square / (2 * WIDTH * WIDTH));
        }
    return sum / (ROWS / 2.0) / (ROWS / 2.0);
}

START_TEST(it_is_about_the_kernels_distance)
{
    static float a[NUMBERS * ROWS];
    struct weir_embedding *x = empty(), *y = empty();
    draw(0);
    memcpy(a, z, sizeof a);
    for (size_t r = 0; r < ROWS; r += 2)
        weir_embedding_add(x, z + r, ROWS, 1);
    draw(1);
    for (size_t r = 0; r < ROWS; r += 2)
        weir_embedding_add(y, z + r, ROWS, 1);
    double exact = sqrt(kernel(a, a) + kernel(z, z) - 2 * kernel(a, z));
    struct weir_test test = weir_embedding_distance(x, y, NULL);
    ck_assert_double_eq_tol(test.value, exact, .1 * exact);
    ck_assert_double_lt(test.p_value, 1e-6);
    ck_assert_double_lt(weir_embedding_distance(x, x, NULL).value, 1e-9);
    ck_assert_double_eq(weir_embedding_distance(x, x, NULL).p_value, 1);
    weir_embedding_destroy(x);
    weir_embedding_destroy(y);
}
END_TEST

// Of two samples of one distribution p is below .05 in about 5 of 100, and never by much below what
// it says; without a sample it is more cautious.
START_TEST(p_is_what_it_says)
{
    struct weir_embedding_spread spread;
    int low = 0, lowest = 0, cautious = 0;
    struct weir_embedding *reference = empty();
    draw(0);
    ck_assert_int_eq(weir_embedding_spread(reference, z, ROWS, ROWS, &spread), 0);
    for (int i = 0; i < DRAWS; i++) {
        struct weir_embedding *a = empty(), *b = empty();
        draw(0);
        add(a, 0, 400, BLOCK);
        add(b, 400, ROWS, BLOCK);
        double p = weir_embedding_distance(a, b, &spread).p_value;
        low += p < .05;
        lowest += p < .002;
        cautious += weir_embedding_distance(a, b, NULL).p_value < .05;
        weir_embedding_destroy(a);
        weir_embedding_destroy(b);
    }
    ck_assert_msg(low >= 4 && low <= 28, "%d", low);
    ck_assert_int_le(lowest, 4);
    ck_assert_int_le(cautious, 8);
    weir_embedding_destroy(reference);
}
END_TEST

START_TEST(edges)
{
    struct weir_embedding *a = empty(), *b, *c;
    ck_assert_int_eq(weir_embedding_create(0, 1, &b), WEIR_EINVAL);
    ck_assert_int_eq(weir_embedding_create(1, 0, &b), WEIR_EINVAL);
    ck_assert_int_eq(weir_embedding_create(1, NAN, &b), WEIR_EINVAL);
    ck_assert_int_eq(weir_embedding_create(NUMBERS, 1e-300, &b), 0);
    ck_assert_int_eq(weir_embedding_merge(a, b), WEIR_EINVAL);
    draw(0);
    add(b, 0, ROWS, BLOCK); // all records are apart
    ck_assert_int_eq(weir_embedding_distance(a, a, NULL).status, WEIR_TEST_REFERENCE_EMPTY);
    ck_assert_int_eq(weir_embedding_create(NUMBERS, 1e-300, &c), 0);
    ck_assert_int_eq(weir_embedding_distance(b, c, NULL).status, WEIR_TEST_CURRENT_EMPTY);
    // One value.
    memset(z, 0, sizeof z);
    struct weir_embedding_spread spread;
    ck_assert_int_eq(weir_embedding_spread(a, z, ROWS, ROWS, &spread), 0);
    add(a, 0, ROWS, BLOCK);
    struct weir_test test = weir_embedding_distance(a, a, &spread);
    ck_assert_double_eq(test.p_value, 1);
    weir_embedding_destroy(a);
    weir_embedding_destroy(b);
    weir_embedding_destroy(c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("embedding");
    TCase *cases = tcase_create("embedding");
    tcase_add_checked_fixture(cases, set_up, NULL);
    tcase_set_timeout(cases, 30);
    tcase_add_test(cases, neither_order_nor_parts_matter);
    tcase_add_test(cases, what_is_written_is_read);
    tcase_add_test(cases, it_is_about_the_kernels_distance);
    tcase_add_test(cases, p_is_what_it_says);
    tcase_add_test(cases, edges);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
