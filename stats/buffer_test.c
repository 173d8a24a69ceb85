// SPDX-License-Identifier: Apache-2.0
#include "stats/buffer.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

START_TEST(what_is_put_is_got)
{
    static const int64_t longs[] = {0, 1, -1, 63, 64, -64, -65, INT64_MAX, INT64_MIN};
    struct weir_buffer buffer;
    weir_buffer_init(&buffer, 1 << 20);
    for (size_t i = 0; i < sizeof longs / sizeof *longs; i++)
        ck_assert_int_eq(weir_put_long(&buffer, longs[i]), 0);
    weir_put_double(&buffer, -0.0);
    weir_put_double(&buffer, INFINITY);
    weir_put_bytes(&buffer, "ab\0c", 4);
    weir_put_string(&buffer, "route");
    weir_put_string(&buffer, NULL);
    ck_assert_int_eq(buffer.failed, 0);

    struct weir_reader reader = weir_reader_make(buffer.data, buffer.length);
    for (size_t i = 0; i < sizeof longs / sizeof *longs; i++)
        ck_assert_int_eq(weir_get_long(&reader), longs[i]);
    ck_assert(signbit(weir_get_double(&reader)));
    ck_assert(isinf(weir_get_double(&reader)));
    size_t length;
    const uint8_t *bytes = weir_get_bytes(&reader, &length);
    ck_assert_uint_eq(length, 4);
    ck_assert_int_eq(memcmp(bytes, "ab\0c", 4), 0);
    char *text = weir_get_string_alloc(&reader, 100);
    ck_assert_str_eq(text, "route");
    free(text);
    char small[4];
    weir_get_string(&reader, small, sizeof small);
    ck_assert_str_eq(small, "");
    ck_assert_int_eq(reader.failed, 0);
    ck_assert_uint_eq(weir_reader_left(&reader), 0);

    // Every truncation fails the reader and none reads beyond its end.
    for (size_t n = 0; n < buffer.length; n++) {
        uint8_t *copy = malloc(n ? n : 1);
        memcpy(copy, buffer.data, n);
        reader = weir_reader_make(copy, n);
        for (size_t i = 0; i < sizeof longs / sizeof *longs; i++)
            weir_get_long(&reader);
        weir_get_double(&reader);
        weir_get_double(&reader);
        weir_get_bytes(&reader, &length);
        free(weir_get_string_alloc(&reader, 100));
        weir_get_string(&reader, small, sizeof small);
        ck_assert_int_eq(reader.failed, 1);
        free(copy);
    }
    weir_buffer_free(&buffer);
}
END_TEST

START_TEST(a_maximum_is_kept)
{
    struct weir_buffer buffer;
    weir_buffer_init(&buffer, 10);
    ck_assert_int_eq(weir_buffer_append(&buffer, "0123456789", 10), 0);
    ck_assert_int_ne(weir_buffer_byte(&buffer, 'x'), 0);
    ck_assert_int_eq(buffer.failed, 1);
    ck_assert_uint_eq(buffer.length, 10);
    weir_buffer_reset(&buffer);
    ck_assert_int_eq(weir_buffer_printf(&buffer, "%d", 12345), 0);
    ck_assert_int_eq(memcmp(buffer.data, "12345", 5), 0);
    weir_buffer_free(&buffer);
}
END_TEST

START_TEST(a_varint_that_is_too_long_fails)
{
    uint8_t bytes[12];
    memset(bytes, 0xff, sizeof bytes);
    struct weir_reader reader = weir_reader_make(bytes, sizeof bytes);
    weir_get_long(&reader);
    ck_assert_int_eq(reader.failed, 1);
    // A length beyond the input.
    uint8_t huge[] = {0xfe, 0xff, 0xff, 0xff, 0x0f, 'a'};
    reader = weir_reader_make(huge, sizeof huge);
    size_t length = 7;
    weir_get_bytes(&reader, &length);
    ck_assert_int_eq(reader.failed, 1);
    ck_assert_uint_eq(length, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("buffer");
    TCase *cases = tcase_create("buffer");
    tcase_add_test(cases, what_is_put_is_got);
    tcase_add_test(cases, a_maximum_is_kept);
    tcase_add_test(cases, a_varint_that_is_too_long_fails);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
