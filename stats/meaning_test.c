// SPDX-License-Identifier: Apache-2.0
#include "stats/meaning.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/hash.h"

enum { ROWS = 2000 };
static const int64_t NOW = 1772400000000; // 2026-03-01

static uint64_t state = 88172645463325252u;

static uint64_t random64(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1du;
}

static int64_t times[ROWS];
static uint8_t states[ROWS];

static void add_longs(struct weir_clues *clues, const int64_t *values, size_t n)
{
    struct weir_column column = {
        .type = WEIR_TYPE_LONG, .n = (uint32_t)n, .state = states, .values.i64 = values};
    ck_assert_int_eq(weir_clues_add(clues, &column, times, NULL, n), 0);
}

static void add_texts(struct weir_clues *clues, char texts[][40], size_t n)
{
    static struct weir_string strings[ROWS];
    static uint32_t codes[ROWS];
    for (size_t i = 0; i < n; i++) {
        uint32_t length = (uint32_t)strlen(texts[i]);
        strings[i] = (struct weir_string){texts[i], length, weir_hash(texts[i], length)};
        codes[i] = (uint32_t)i;
    }
    struct weir_column column = {.type = WEIR_TYPE_STRING,
                                 .n = (uint32_t)n,
                                 .state = states,
                                 .values.code = codes,
                                 .local = strings,
                                 .n_local = (uint32_t)n};
    ck_assert_int_eq(weir_clues_add(clues, &column, times, NULL, n), 0);
}

static struct weir_clues clues;
static int64_t longs[ROWS];
static char texts[ROWS][40];

static void setup(void)
{
    ck_assert_int_eq(weir_clues_init(&clues), 0);
    for (int i = 0; i < ROWS; i++)
        times[i] = NOW + i * 1000;
}

static void teardown(void)
{
    weir_clues_free(&clues);
}

static enum weir_meaning infer(const char *name)
{
    struct weir_inference inference;
    weir_meaning_infer(name, &clues, &inference);
    ck_assert(inference.confidence >= 0 && inference.confidence <= 1);
    return inference.meaning;
}

START_TEST(test_user_ids_are_no_times)
{
    for (int i = 0; i < ROWS; i++)
        longs[i] = (int64_t)(random64() >> 1);
    add_longs(&clues, longs, ROWS);
    ck_assert_int_eq(infer("ts"), WEIR_MEANING_RANDOM_ID);
    struct weir_meaning_clue why[WEIR_MEANING_CLUES];
    ck_assert_uint_gt(weir_meaning_clues(NULL, &clues, WEIR_MEANING_TIMESTAMP_MS, 0, why), 0);
    ck_assert_str_eq(why[0].text, "0% of the values are times as ms");
    ck_assert(why[0].weight < -5);
}
END_TEST

START_TEST(test_times)
{
    for (int i = 0; i < ROWS; i++)
        longs[i] = times[i] - (int64_t)(random64() % 5000);
    add_longs(&clues, longs, ROWS);
    ck_assert_int_eq(infer(NULL), WEIR_MEANING_TIMESTAMP_MS);
    weir_clues_reset(&clues);
    for (int i = 0; i < ROWS; i++)
        longs[i] /= 1000;
    add_longs(&clues, longs, ROWS);
    ck_assert_int_eq(infer("user_id"), WEIR_MEANING_TIMESTAMP_S);
}
END_TEST

START_TEST(test_texts)
{
    for (int i = 0; i < ROWS; i++)
        snprintf(texts[i], sizeof *texts, "user%d@mail.example.com", i);
    add_texts(&clues, texts, ROWS);
    ck_assert_int_eq(infer("contact"), WEIR_MEANING_EMAIL);
    weir_clues_reset(&clues);
    for (int i = 0; i < ROWS; i++)
        snprintf(texts[i], sizeof *texts, "%s", i % 3 ? "ios" : "android");
    add_texts(&clues, texts, ROWS);
    ck_assert_int_eq(infer(NULL), WEIR_MEANING_CATEGORY);
}
END_TEST

START_TEST(test_too_few)
{
    for (int i = 0; i < 19; i++)
        longs[i] = i;
    add_longs(&clues, longs, 19);
    ck_assert_int_eq(infer("id"), WEIR_MEANING_UNKNOWN);
}
END_TEST

// Halves merged, and written and read, are the whole, but for the pair at the seam.
START_TEST(test_merge_and_wire)
{
    struct weir_clues left, right, back;
    struct weir_buffer out, again;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&again, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_clues_init(&left) | weir_clues_init(&right) | weir_clues_init(&back), 0);
    for (int i = 0; i < 1000; i++)
        longs[i] = (int64_t)(random64() % 100000) - 500;
    add_longs(&clues, longs, 1000);
    add_longs(&left, longs, 400);
    add_longs(&right, longs + 400, 600);
    ck_assert_int_eq(weir_clues_merge(&left, &right), 0);
    ck_assert_uint_eq(left.pairs, clues.pairs - 1);
    left.pairs = clues.pairs, left.rose = clues.rose, left.fell = clues.fell;
    ck_assert_int_eq(weir_clues_write(&clues, &out), 0);
    ck_assert_int_eq(weir_clues_write(&left, &again), 0);
    ck_assert_uint_eq(out.length, again.length);
    ck_assert_mem_eq(out.data, again.data, out.length);

    struct weir_reader in = weir_reader_make(out.data, out.length);
    ck_assert_int_eq(weir_clues_read_merge(&back, &in), 0);
    ck_assert_uint_eq(weir_reader_left(&in), 0);
    ck_assert(back.minimum == clues.minimum && back.maximum == clues.maximum);
    for (size_t length = 0; length < out.length; length++) {
        in = weir_reader_make(out.data, length);
        ck_assert_int_ne(weir_clues_read_merge(&back, &in), 0);
    }
    weir_clues_free(&left);
    weir_clues_free(&right);
    weir_clues_free(&back);
    weir_buffer_free(&out);
    weir_buffer_free(&again);
}
END_TEST

START_TEST(test_annotations)
{
    uint64_t id = weir_meaning_of_annotation("user_id");
    ck_assert(id >> WEIR_MEANING_RANDOM_ID & 1 && id >> WEIR_MEANING_UUID & 1);
    ck_assert(!(id >> WEIR_MEANING_TIMESTAMP_MS & 1));
    ck_assert(weir_meaning_of_annotation("createdAt") >> WEIR_MEANING_TIMESTAMP_US & 1);
    ck_assert_uint_eq(weir_meaning_of_annotation("country_code"),
                      (uint64_t)1 << WEIR_MEANING_COUNTRY);
    ck_assert(weir_meaning_of_annotation("country") >> WEIR_MEANING_TEXT & 1);
    ck_assert_uint_eq(weir_meaning_of_annotation("email"), (uint64_t)1 << WEIR_MEANING_EMAIL);
    ck_assert_uint_eq(weir_meaning_of_annotation("flux capacitance"), 0);
    ck_assert_uint_eq(weir_meaning_of_annotation(""), 0);
    for (int m = 1; m < WEIR_MEANINGS; m++)
        ck_assert(weir_meaning_of_annotation(weir_meaning_name((enum weir_meaning)m)) >> m & 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("meaning");
    TCase *tests = tcase_create("meaning");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_user_ids_are_no_times);
    tcase_add_test(tests, test_times);
    tcase_add_test(tests, test_texts);
    tcase_add_test(tests, test_too_few);
    tcase_add_test(tests, test_merge_and_wire);
    tcase_add_test(tests, test_annotations);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
