// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/json_write.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct weir_buffer out;
static struct weir_json_writer json;

static void setup(void)
{
    weir_buffer_init(&out, 1 << 20);
    json = (struct weir_json_writer){&out, 0};
}

static void teardown(void)
{
    weir_buffer_free(&out);
}

static void check_text(const char *expected)
{
    ck_assert_int_eq(out.failed, 0);
    weir_buffer_byte(&out, 0);
    ck_assert_str_eq((const char *)out.data, expected);
}

START_TEST(commas_are_put_where_they_belong)
{
    weir_json_open(&json, '{');
    weir_json_key(&json, "a");
    weir_json_open(&json, '[');
    weir_json_close(&json, ']');
    weir_json_key(&json, "b");
    weir_json_open(&json, '[');
    weir_json_long(&json, INT64_MIN);
    weir_json_boolean(&json, 1);
    weir_json_null(&json);
    weir_json_open(&json, '{');
    weir_json_close(&json, '}');
    weir_json_raw(&json, "{\"x\":1}", 7);
    weir_json_close(&json, ']');
    weir_json_key(&json, "c");
    weir_json_text(&json, NULL);
    weir_json_close(&json, '}');
    check_text("{\"a\":[],\"b\":[-9223372036854775808,true,null,{},{\"x\":1}],\"c\":null}");
}
END_TEST

START_TEST(strings_are_escaped_and_mended)
{
    weir_json_string(&json, "a\"\\\n\x01\x7f\0z", 8);
    weir_json_string(&json, "\xe2\x82\xac|\xff|\xe2\x82|\xed\xa0\x80", 12);
    check_text("\"a\\\"\\\\\\n\\u0001\\u007f\\u0000z\",\"\xe2\x82\xac|\xef\xbf\xbd|"
               "\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}
END_TEST

START_TEST(doubles_are_short_and_read_back)
{
    static const double values[] = {
        0.1, 1.0 / 3, DBL_MAX, DBL_MIN, 5e-324, -0.0, 1e21, 123456789.125, 0.30000000000000004,
        100};
    weir_json_double(&json, 0.1);
    weir_json_double(&json, NAN);
    weir_json_double(&json, -INFINITY);
    weir_json_double(&json, 5);
    check_text("0.1,null,null,5");
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        weir_buffer_reset(&out);
        json.comma = 0;
        weir_json_double(&json, values[i]);
        weir_buffer_byte(&out, 0);
        ck_assert_double_eq(strtod((const char *)out.data, NULL), values[i]);
    }
}
END_TEST

START_TEST(base64)
{
    weir_json_base64(&json, "", 0);
    weir_json_base64(&json, "f", 1);
    weir_json_base64(&json, "fo", 2);
    weir_json_base64(&json, "foo", 3);
    weir_json_base64(&json, "foobar\xff\xfe", 8);
    weir_json_base64(&json, NULL, 0);
    check_text("\"\",\"Zg==\",\"Zm8=\",\"Zm9v\",\"Zm9vYmFy//4=\",null");
}
END_TEST

START_TEST(a_full_buffer_fails_once_and_for_all)
{
    struct weir_buffer small;
    weir_buffer_init(&small, 8);
    struct weir_json_writer writer = {&small, 0};
    weir_json_text(&writer, "much too long for it");
    weir_json_base64(&writer, "much too long for it", 20);
    ck_assert_int_ne(small.failed, 0);
    weir_buffer_free(&small);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_write");
    TCase *tcase = tcase_create("json_write");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, commas_are_put_where_they_belong);
    tcase_add_test(tcase, strings_are_escaped_and_mended);
    tcase_add_test(tcase, doubles_are_short_and_read_back);
    tcase_add_test(tcase, base64);
    tcase_add_test(tcase, a_full_buffer_fails_once_and_for_all);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
