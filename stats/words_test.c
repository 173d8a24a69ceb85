// SPDX-License-Identifier: Apache-2.0
#include "stats/words.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_numbers(struct weir_words *words, int first, int n)
{
    char text[64];
    for (int i = first; i < first + n; i++) {
        int length = snprintf(text, sizeof text, "Word%d, and w%dx", i, i);
        weir_words_add(words, text, (size_t)length);
    }
}

static void take(void *context, uint64_t hash)
{
    *(uint64_t *)context = hash;
}

static uint64_t hash_of(const char *word)
{
    struct weir_text_counts counts = {0};
    uint64_t hash = 0;
    weir_text_counts_add(&counts, word, strlen(word), take, &hash);
    return hash;
}

START_TEST(it_knows_what_it_has_seen)
{
    struct weir_words *words = calloc(1, sizeof *words);
    char text[64];
    int wrong = 0;
    add_numbers(words, 0, 10000);
    ck_assert_uint_eq(words->counts.texts, 10000);
    ck_assert_uint_eq(words->counts.tokens, 30000);
    for (int i = 0; i < 10000; i++) {
        snprintf(text, sizeof text, "word%d", i);
        ck_assert_int_eq(weir_words_know(words, hash_of(text)), 1);
        snprintf(text, sizeof text, "never%d", i);
        wrong += weir_words_know(words, hash_of(text));
    }
    // 20,001 distinct words: chance says so many, within five standard deviations.
    double chance = weir_words_chance(words);
    ck_assert_double_eq_tol(chance, .0086, .0008);
    ck_assert_double_eq_tol(wrong, 1e4 * chance, 5 * 10);
    free(words);
}
END_TEST

START_TEST(parts_add_up_in_any_order)
{
    struct weir_words *parts = calloc(6, sizeof *parts);
    struct weir_words *whole = &parts[3], *up = &parts[4], *read = &parts[5];
    struct weir_buffer bytes;
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    add_numbers(whole, 0, 900);
    for (int i = 0; i < 3; i++)
        add_numbers(&parts[i], 300 * i, 300);
    for (int i = 2; i >= 0; i--) {
        weir_words_merge(up, &parts[i]);
        weir_buffer_reset(&bytes);
        weir_words_write(&parts[i], &bytes);
        struct weir_reader in = weir_reader_make(bytes.data, bytes.length);
        weir_words_read_merge(read, &in);
        ck_assert_int_eq(in.failed, 0);
        ck_assert_uint_eq(weir_reader_left(&in), 0);
    }
    ck_assert_mem_eq(whole, up, sizeof *up);
    ck_assert_mem_eq(whole, read, sizeof *read);
    for (size_t n = 0; n < bytes.length; n += 1 + n / 20) {
        struct weir_reader in = weir_reader_make(bytes.data, n);
        memset(read, 0, sizeof *read);
        weir_words_read_merge(read, &in);
        ck_assert_int_ne(in.failed, 0);
    }
    weir_buffer_free(&bytes);
    free(parts);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("words");
    TCase *cases = tcase_create("words");
    tcase_add_test(cases, it_knows_what_it_has_seen);
    tcase_add_test(cases, parts_add_up_in_any_order);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
