// SPDX-License-Identifier: Apache-2.0
#include "stats/text_shape.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "stats/hash.h"

static struct weir_text_shape shape;

static void add(const char *text)
{
    struct weir_string string = {text, (uint32_t)strlen(text), weir_hash(text, strlen(text))};
    weir_text_shape_add(&shape, &string);
}

static const char *pattern(void)
{
    static char out[512];
    return weir_text_shape_pattern(&shape, out, sizeof out) ? out : "none";
}

static void setup(void)
{
    memset(&shape, 0, sizeof shape);
}

START_TEST(test_fixed)
{
    char text[32];
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "tx-%05d", i * 37);
        add(text);
    }
    ck_assert_str_eq(pattern(), "^tx-[0-9]{5}$");
    ck_assert_uint_eq(shape.shortest, 8);
    ck_assert_uint_eq(shape.longest, 8);
}
END_TEST

START_TEST(test_letters_are_fixed_only_where_many_agree)
{
    char text[32];
    for (int i = 0; i < 50; i++) {
        snprintf(text, sizeof text, "20%02d-Q%d", i, i % 4 + 1);
        add(text);
    }
    ck_assert_str_eq(pattern(), "^[0-9]{4}-[A-Z][0-9]$");
}
END_TEST

START_TEST(test_looks)
{
    char text[64];
    for (int i = 0; i < 50; i++) {
        snprintf(text, sizeof text, "user%d@mail.example", i * i);
        add(text);
    }
    ck_assert_ptr_nonnull(strchr(pattern(), '@'));
    setup();
    for (int i = 0; i < 50; i++) {
        snprintf(text, sizeof text, "AB%d.x", i * i);
        add(text);
    }
    ck_assert_str_eq(pattern(), "^[A-Za-z0-9\\.]+$");
}
END_TEST

START_TEST(test_none)
{
    char text[64];
    ck_assert_str_eq(pattern(), "none");
    add("only one");
    ck_assert_str_eq(pattern(), "none");
    for (int i = 0; i < 50; i++) {
        snprintf(text, sizeof text, "%s words and %d more", i % 2 ? "some" : "a few", i);
        add(text);
    }
    ck_assert_str_eq(pattern(), "none");
    setup();
    for (int i = 0; i < 50; i++) { // letters of either case, of one length: says nothing
        snprintf(text, sizeof text, "%c%c", 'a' + i % 26, 'A' + i % 26);
        add(text);
        snprintf(text, sizeof text, "%c%c", 'A' + i % 26, 'a' + i % 26);
        add(text);
    }
    ck_assert_str_eq(pattern(), "none");
    setup();
    for (int i = 0; i < 50; i++) {
        snprintf(text, sizeof text, "\xc3\xa4%c\xff", 'a' + i % 26);
        add(text);
    }
    ck_assert_str_eq(pattern(), "none");
    ck_assert_uint_eq(shape.longest, 3);
}
END_TEST

START_TEST(test_merge_and_wire)
{
    struct weir_text_shape left, right, back = {0};
    struct weir_buffer out;
    char text[32];
    weir_buffer_init(&out, 1 << 20);
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "A%d", i * i);
        add(text);
    }
    left = shape;
    setup();
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "b%d", i);
        add(text);
    }
    right = shape;
    weir_text_shape_merge(&shape, &left);
    weir_text_shape_merge(&left, &right);
    ck_assert_mem_eq(&shape, &left, sizeof shape);
    weir_text_shape_write(&shape, &out);
    struct weir_reader in = weir_reader_make(out.data, out.length);
    weir_text_shape_read_merge(&back, &in);
    ck_assert(!in.failed && !weir_reader_left(&in));
    ck_assert_mem_eq(&shape, &back, sizeof shape);
    in = weir_reader_make(out.data, out.length - 1);
    weir_text_shape_read_merge(&back, &in);
    ck_assert(in.failed);
    ck_assert_mem_eq(&shape, &back, sizeof shape);
    weir_buffer_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text_shape");
    TCase *tests = tcase_create("text_shape");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, test_fixed);
    tcase_add_test(tests, test_letters_are_fixed_only_where_many_agree);
    tcase_add_test(tests, test_looks);
    tcase_add_test(tests, test_none);
    tcase_add_test(tests, test_merge_and_wire);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
