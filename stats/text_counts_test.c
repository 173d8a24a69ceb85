// SPDX-License-Identifier: Apache-2.0
#include "stats/text_counts.h"

#include <check.h>
#include <string.h>

static uint64_t seen[8];
static size_t n_seen;

static void remember(void *context, uint64_t hash)
{
    ck_assert_ptr_eq(context, seen);
    ck_assert_uint_lt(n_seen, 8);
    seen[n_seen++] = hash;
}

static void add(struct weir_text_counts *counts, const char *text)
{
    n_seen = 0;
    weir_text_counts_add(counts, text, strlen(text), remember, seen);
}

START_TEST(words_and_characters)
{
    struct weir_text_counts counts = {0}, other = {0};
    add(&counts, "Hello, hello W0rld-\xc3\xa4\t");
    ck_assert_uint_eq(n_seen, 4);
    ck_assert_uint_eq(seen[0], seen[1]); // without case
    ck_assert_uint_ne(seen[2], seen[3]);
    ck_assert_uint_eq(counts.classes[WEIR_CHARACTER_UPPER], 2);
    ck_assert_uint_eq(counts.classes[WEIR_CHARACTER_LOWER], 12);
    ck_assert_uint_eq(counts.classes[WEIR_CHARACTER_DIGIT], 1);
    ck_assert_uint_eq(counts.classes[WEIR_CHARACTER_SPACE], 3);
    ck_assert_uint_eq(counts.classes[WEIR_CHARACTER_PUNCTUATION], 2);
    ck_assert_uint_eq(counts.classes[WEIR_CHARACTER_BEYOND], 1);
    add(&other, "");
    ck_assert_uint_eq(n_seen, 0);
    ck_assert_double_eq(weir_text_token_distance(&counts, &other), -1);
    ck_assert_double_eq(weir_text_class_distance(&other, &counts), -1);
    add(&other, "---");
    ck_assert_double_eq(weir_text_class_distance(&counts, &counts), 0);
    ck_assert(weir_text_class_distance(&counts, &other) > 0.5);
    weir_text_counts_merge(&other, &counts);
    ck_assert_uint_eq(other.texts, 3);
    ck_assert_uint_eq(other.tokens, 4);
    ck_assert_double_eq(weir_text_token_distance(&counts, &other), 0);
    char wide[300];
    memset(wide, 'x', sizeof wide);
    n_seen = 0;
    weir_text_counts_add(&other, wide, sizeof wide, remember, seen);
    weir_text_counts_add(&other, wide, 64, remember, seen);
    ck_assert_uint_eq(n_seen, 2);
    ck_assert_uint_eq(seen[0], seen[1]);
    weir_text_counts_add(&other, NULL, 0, NULL, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text_counts");
    TCase *cases = tcase_create("text_counts");
    tcase_add_test(cases, words_and_characters);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
