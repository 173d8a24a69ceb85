// SPDX-License-Identifier: Apache-2.0
#include "stats/look.h"

#include <check.h>
#include <math.h>
#include <string.h>

static const int64_t NOW = 1772400000000; // 2026-03-01

static int looks(const char *text, enum weir_look look)
{
    return (weir_look_of_text(text, strlen(text), NOW) >> look & 1) != 0;
}

static const struct {
    enum weir_look look;
    const char *yes[8], *no[8];
} cases[] = {
    {WEIR_LOOK_UUID,
     {"123e4567-e89b-12d3-a456-426614174000", "{123E4567-E89B-12D3-A456-426614174000}"},
     {"123e4567-e89b-12d3-a456-42661417400", "123e4567ae89b-12d3-a456-426614174000",
      "123e4567-e89b-12d3-a456-42661417400g"}},
    {WEIR_LOOK_HASH,
     {"d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
     {"d41d8cd98f00b204e9800998ecf8427", "12345678901234567890123456789012", "hello"}},
    {WEIR_LOOK_EMAIL,
     {"a.b+c@example.co.uk", "x@y.io"},
     {"a@b", "@example.com", "a b@example.com", "a@b.c", "mail a@example.com"}},
    {WEIR_LOOK_HAS_EMAIL, {"write to a@example.com today"}, {"a @ b", "no"}},
    {WEIR_LOOK_PHONE,
     {"+49 170 1234567", "(212) 555-0100", "212-555-0100", "+14155550100"},
     {"2025-01-01", "1234567", "12.5", "10.0.0.1", "+1", "555-0100", "abc-212-555"}},
    {WEIR_LOOK_URL,
     {"https://example.com/a?b=c", "www.example.com", "s3://bucket/key"},
     {"example", "http:/x", "a b://c", "://x"}},
    {WEIR_LOOK_IP,
     {"10.0.0.1", "255.255.255.255", "::1", "2001:db8::8a2e:370:7334"},
     {"256.1.1.1", "1.2.3", "1.2.3.4.5", "12:30", "1::2::3", ":"}},
    {WEIR_LOOK_DATE,
     {"2026-03-14", "14.03.2026", "3/14/2026", "2026-03"},
     {"2026-13-01", "2026-03-14T10:00:00Z", "1.2.3", "20260314", "99/99/2026"}},
    {WEIR_LOOK_DATETIME,
     {"2026-03-14T10:00:00Z", "2026-03-14 10:00:00", "3/14/2026 9:05"},
     {"2026-03-14", "10:00:00"}},
    {WEIR_LOOK_COUNTRY, {"US", "de", "JPN"}, {"XX", "USAA", "Germany"}},
    {WEIR_LOOK_CURRENCY, {"USD", "jpy"}, {"US", "XYZ"}},
    {WEIR_LOOK_LANGUAGE, {"en", "pt-BR", "zh_CN"}, {"xx", "en-XX", "english"}},
    {WEIR_LOOK_BOOLEAN, {"true", "No", "Y"}, {"1", "maybe", ""}},
    {WEIR_LOOK_JSON, {"{\"a\": [1, \"}\"]}", "[]"}, {"{", "{]", "[1] x", "a"}},
    {WEIR_LOOK_BASE64,
     {"SGVsbG8gd29ybGQgYWdhaW4="},
     {"SGVsbG8=", "hello world again", "ABCDABCDABCDABCD"}},
    {WEIR_LOOK_POSTAL, {"SW1A 1AA", "K1A 0B1", "90210-1234", "1234 AB"}, {"90210", "hello"}},
    {WEIR_LOOK_POSTAL_DIGITS, {"90210", "1010", "560001"}, {"123", "1234567"}},
    {WEIR_LOOK_CARD, {"4111111111111111", "4111 1111 1111 1111"}, {"4111111111111112", "411111"}},
    {WEIR_LOOK_IBAN,
     {"DE89370400440532013000", "GB82 WEST 1234 5698 7654 32"},
     {"DE89370400440532013001", "DE8937"}},
    {WEIR_LOOK_CODE, {"tx-00123"}, {"abc", "123", "a 1"}},
    {WEIR_LOOK_LEADING_ZERO, {"007"}, {"0", "70"}},
    {WEIR_LOOK_NUMBER,
     {"12", "-1.5e3", "+7", ".5"},
     {"0x10", "inf", "nan", " 1", "1 ", "1e999", "--1"}},
};

START_TEST(test_formats)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t k = 0; k < 8 && cases[i].yes[k]; k++)
            ck_assert_msg(looks(cases[i].yes[k], cases[i].look), "%s is one", cases[i].yes[k]);
        for (size_t k = 0; k < 8 && cases[i].no[k]; k++)
            ck_assert_msg(!looks(cases[i].no[k], cases[i].look), "%s is none", cases[i].no[k]);
    }
}
END_TEST

START_TEST(test_numbers)
{
    uint64_t bits = weir_look_of_long(NOW, NOW);
    ck_assert(bits >> WEIR_LOOK_MILLIS & 1 && bits >> WEIR_LOOK_WITHIN_DAY & 1);
    ck_assert(!(bits >> WEIR_LOOK_SECONDS & 1));
    ck_assert(weir_look_of_long(NOW / 1000, NOW) >> WEIR_LOOK_SECONDS & 1);
    ck_assert(weir_look_of_long(NOW * 1000000, NOW) >> WEIR_LOOK_NANOS & 1);
    ck_assert(weir_look_of_long(20260314, NOW) >> WEIR_LOOK_DAY_NUMBER & 1);
    ck_assert(!(weir_look_of_long(20261314, NOW) >> WEIR_LOOK_DAY_NUMBER & 1));
    ck_assert(weir_look_of_number(19.99, NOW) >> WEIR_LOOK_CENTS & 1);
    ck_assert(weir_look_of_number(0.12345, NOW) >> WEIR_LOOK_FINE & 1);
    ck_assert(weir_look_of_long(4111111111111111, NOW) >> WEIR_LOOK_CARD & 1);
    ck_assert_uint_eq(weir_look_of_number(NAN, NOW), (uint64_t)1 << WEIR_LOOK_NUMBER);
    ck_assert_uint_eq(weir_look_of_number(INFINITY, NOW), (uint64_t)1 << WEIR_LOOK_NUMBER);
    // The ends of what there is do no harm.
    weir_look_of_long(INT64_MIN, INT64_MAX);
    weir_look_of_long(INT64_MAX, INT64_MIN);
    weir_look_of_number(-1.7e308, 0);
}
END_TEST

START_TEST(test_every_prefix)
{
    static const char text[] =
        "{\"a\":[1,2]} https://x.y/z 12.03.2026 +49 (170) a@b.example \xff\xfe";
    for (size_t from = 0; from < sizeof text; from++) {
        for (size_t length = 0; from + length < sizeof text; length++)
            ck_assert(weir_look_of_text(text + from, length, NOW) & 1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("look");
    TCase *tests = tcase_create("look");
    tcase_add_test(tests, test_formats);
    tcase_add_test(tests, test_numbers);
    tcase_add_test(tests, test_every_prefix);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
