// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/number.h"

#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 88172645463325252u;
static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void check_exact(const char *text)
{
    struct weir_number number = {0, 99};
    double expected = strtod(text, NULL);
    enum weir_number_kind kind = weir_number_parse(text, strlen(text), 1, &number);
    ck_assert_msg(kind != WEIR_NUMBER_NONE, "%s", text);
    ck_assert_msg(memcmp(&number.real, &expected, 8) == 0, "%s: %a, not %a", text, number.real,
                  expected);
    ck_assert_int_eq(kind == WEIR_NUMBER_OVERFLOW, isinf(expected));
}

START_TEST(equal_to_strtod)
{
    static const char *const texts[] = {"0",
                                        "-0",
                                        "0.0",
                                        "-0.0e5",
                                        "0e999999999999",
                                        "1e22",
                                        "1e23",
                                        "9007199254740993",
                                        "9007199254740993.0",
                                        "1.7976931348623157e308",
                                        "1.7976931348623159e308",
                                        "1e309",
                                        "5e-324",
                                        "2e-324",
                                        "1e-400",
                                        "1e999999999999999999999",
                                        "1e-999999999999999999999",
                                        "0.1",
                                        "123456789012345678901234567890",
                                        "0.000000000000000000000000000000001234567890123",
                                        "100000000000000000000000000000000000000000000000000e-49",
                                        "2.2250738585072011e-308",
                                        "12345678901234567890.12345678901234567890e3",
                                        "18446744073709551616",
                                        "99999999999999999999"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_exact(texts[i]);
    char text[512];
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = next_random();
        double value;
        memcpy(&value, &bits, 8);
        if (!isfinite(value))
            continue;
        snprintf(text, sizeof text, "%.*g", (int)(next_random() % 20 + 1), value);
        check_exact(text);
        snprintf(text, sizeof text, "%" PRId64 ".%" PRIu64, (int64_t)bits >> (bits % 64),
                 next_random() >> (next_random() % 64));
        check_exact(text);
    }
}
END_TEST

START_TEST(integers)
{
    struct weir_number n;
    ck_assert_int_eq(weir_number_parse("9223372036854775807", 19, 1, &n), WEIR_NUMBER_INTEGER);
    ck_assert_int_eq(n.integer, INT64_MAX);
    ck_assert_int_eq(weir_number_parse("-9223372036854775808", 20, 1, &n), WEIR_NUMBER_INTEGER);
    ck_assert_int_eq(n.integer, INT64_MIN);
    ck_assert_int_eq(weir_number_parse("9223372036854775808", 19, 1, &n), WEIR_NUMBER_BIG);
    ck_assert_int_eq(weir_number_parse("-9223372036854775809", 20, 1, &n), WEIR_NUMBER_BIG);
    ck_assert_int_eq(weir_number_parse("00000000000000000000000012", 26, 0, &n),
                     WEIR_NUMBER_INTEGER);
    ck_assert_int_eq(n.integer, 12);
    char text[500];
    memset(text, '9', sizeof text);
    ck_assert_int_eq(weir_number_parse(text, sizeof text, 1, &n), WEIR_NUMBER_OVERFLOW);
    ck_assert(isinf(n.real));
}
END_TEST

START_TEST(grammar)
{
    static const char *const never[] = {"",    "-",   "+",   ".",     "e5",   "1e",
                                        "1e+", "1x",  " 1",  "1 ",    "0x10", "1.2.3",
                                        "--1", "nan", "inf", "1e5.5", "-.e1"};
    static const char *const lenient[] = {"+1", "01", ".5", "5.", "-.5", "+.5e1", "007.5", "5.e1"};
    struct weir_number n;
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        ck_assert_msg(weir_number_parse(never[i], strlen(never[i]), 0, &n) == WEIR_NUMBER_NONE,
                      "%s", never[i]);
        ck_assert_int_eq(weir_number_parse(never[i], strlen(never[i]), 1, &n), WEIR_NUMBER_NONE);
    }
    for (size_t i = 0; i < sizeof lenient / sizeof lenient[0]; i++) {
        ck_assert_msg(weir_number_parse(lenient[i], strlen(lenient[i]), 0, &n) != WEIR_NUMBER_NONE,
                      "%s", lenient[i]);
        ck_assert_double_eq(n.real, strtod(lenient[i], NULL));
        ck_assert_int_eq(weir_number_parse(lenient[i], strlen(lenient[i]), 1, &n),
                         WEIR_NUMBER_NONE);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("number");
    TCase *tcase = tcase_create("number");
    tcase_add_test(tcase, equal_to_strtod);
    tcase_add_test(tcase, integers);
    tcase_add_test(tcase, grammar);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
