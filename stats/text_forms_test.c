// SPDX-License-Identifier: Apache-2.0
#include "stats/text_forms.h"

#include <check.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1000, TEXT = 80 };
static char texts[MOST][TEXT];
static struct weir_category strings[MOST];
static char pattern[WEIR_TEXT_FORMS_PATTERN];

static void set(size_t i, const char *text, uint64_t count)
{
    snprintf(texts[i], TEXT, "%s", text);
    strings[i] = (struct weir_category){{texts[i], (uint32_t)strlen(texts[i]), 0}, count};
}

static void fill(size_t n, const char *format)
{
    for (size_t i = 0; i < n; i++) {
        char text[TEXT];
        snprintf(text, sizeof text, format, (int)i * 7);
        set(i, text, 1);
    }
}

static int matches(const char *text)
{
    int code;
    PCRE2_SIZE at;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &code, &at, NULL);
    ck_assert_msg(compiled != NULL, "%s", pattern);
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    int found = pcre2_match(compiled, (PCRE2_SPTR)text, strlen(text), 0, 0, data, NULL) >= 0;
    pcre2_match_data_free(data);
    pcre2_code_free(compiled);
    return found;
}

static int learn(size_t n)
{
    int found = weir_text_forms_pattern(strings, n, pattern, sizeof pattern);
    for (size_t i = 0; found && i < n; i++)
        ck_assert_msg(!strings[i].count || matches(texts[i]), "%s: %s", pattern, texts[i]);
    return found;
}

START_TEST(counts_of_patients)
{
    fill(150, "%d patients");
    set(150, "empty", 70);
    ck_assert_int_eq(learn(151), 1);
    ck_assert_str_eq(pattern, "^(?:[0-9][0-9.,]* patients|empty)$");
    ck_assert(matches("123456 patients"));
    static const char *const wrong[] = {
        "12 patiexts", "x2 patients", "12  patients", "patients", "12 patients\n12 patients", "",
        "emptx",       "12"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!matches(wrong[i]), "%s", wrong[i]);
}
END_TEST

START_TEST(times_of_day)
{
    for (int i = 0; i < 200; i++) {
        char text[TEXT];
        snprintf(text, sizeof text, "%d:%02d %c.m.", 1 + i % 12, i * 7 % 60, i % 2 ? 'a' : 'p');
        set((size_t)i, text, 3);
    }
    ck_assert_int_eq(learn(200), 0); // a word varies: a or p
    for (int i = 0; i < 400; i++) {
        char text[TEXT];
        snprintf(text, sizeof text, "%d:%02d %c.m.", 1 + i % 12, i * 7 % 60, i % 3 ? 'a' : 'p');
        set((size_t)i, text, 3);
    }
    ck_assert_int_eq(learn(400), 1);
    ck_assert(matches("12:59 p.m."));
    ck_assert(!matches("12:59pm"));
    ck_assert(!matches("12/02/2011 6:55 a.m."));
}
END_TEST

START_TEST(words_and_letters)
{
    for (int i = 0; i < 1000; i++) { // words alone, of any number
        char text[TEXT];
        snprintf(text, sizeof text, i % 2 ? "%c%c town" : "%c%c", 'a' + i % 26, 'a' + i / 26 % 26);
        set((size_t)i, text, 5);
    }
    ck_assert_int_eq(learn(1000), 0);
    for (int i = 0; i < 1000; i++) { // \u00e9 is a letter
        char text[TEXT];
        snprintf(text, sizeof text, "%d, %s\xc3\xa9 Street", i, i % 2 ? "Upper Caf" : "Caf");
        set((size_t)i, text, 1);
    }
    ck_assert_int_eq(learn(1000), 1);
    ck_assert(matches("7, North Star Street"));
    ck_assert(!matches("7, north star Street"));
    ck_assert(!matches("7. North Star Street"));
}
END_TEST

START_TEST(what_is_not_sure)
{
    fill(149, "%d%%");
    ck_assert_int_eq(learn(149), 0);
    for (int i = 0; i < 19; i++)
        strings[i].count = 100;
    ck_assert_int_eq(learn(19), 0);
    ck_assert_int_eq(learn(20), 1);
    ck_assert_int_eq(learn(60), 1);
    ck_assert(!matches("x0%"));
    set(60, "n/a", 19); // may be one of many
    ck_assert_int_eq(learn(61), 0);
    set(60, "n/a", 20);
    ck_assert_int_eq(learn(61), 1);
    set(60, "", 100);
    ck_assert_int_eq(learn(61), 0);
    set(60, "1\t2", 100);
    ck_assert_int_eq(learn(61), 0);
    set(60, "a-b-c-d-e-f-g-h-i-j-k-l", 100);
    ck_assert_int_eq(learn(61), 0);
    set(60, "never", 0);
    ck_assert_int_eq(learn(61), 1);
    for (int i = 0; i < 300; i++) { // more forms than are few
        char text[TEXT];
        snprintf(text, sizeof text, "%d%c", i, "%!#/&-+*"[i % 8]);
        set((size_t)i, text, 1);
    }
    ck_assert_int_eq(learn(300), 0);
    ck_assert_int_eq(learn(0), 0);
    fill(150, "%d patients");
    ck_assert_int_eq(weir_text_forms_pattern(strings, 150, pattern, 20), 0); // does not fit
}
END_TEST

START_TEST(characters_of_patterns)
{
    fill(100, "[%d] (a.b) ^$ \\ {x}|*+?");
    ck_assert_int_eq(learn(100), 0); // too many tokens
    fill(150, "[%d](x)*$");
    ck_assert_int_eq(learn(150), 1);
    ck_assert(matches("[5](x)*$"));
    ck_assert(!matches("[5]x"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text_forms");
    TCase *tests = tcase_create("text_forms");
    tcase_add_test(tests, counts_of_patients);
    tcase_add_test(tests, times_of_day);
    tcase_add_test(tests, words_and_letters);
    tcase_add_test(tests, what_is_not_sure);
    tcase_add_test(tests, characters_of_patterns);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
