// SPDX-License-Identifier: Apache-2.0
#include "stats/pairs.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/hash.h"
#include "weir/error.h"

enum { N = 4000 };
static struct weir_string strings[N];
static const struct weir_string *list[N];
static char texts[N][40];

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

// Names of a made-up language.
static void make_name(uint64_t *state, char *out, size_t size)
{
    static const char *const syllables[] = {"ka", "to",  "mi",   "ra",   "ne",  "so", "li",
                                            "da", "ven", "stra", "berg", "ton", "el"};
    size_t used = 0;
    *out = 0;
    for (uint64_t n = 3 + next(state) % 4; n; n--)
        used += (size_t)snprintf(out + used, size - used, "%s", syllables[next(state) % 13]);
}

static void make_names(uint64_t seed)
{
    for (size_t i = 0; i < N; i++) {
        make_name(&seed, texts[i], sizeof texts[i]);
        size_t length = strlen(texts[i]);
        strings[i] = (struct weir_string){texts[i], (uint32_t)length, weir_hash(texts[i], length)};
        list[i] = &strings[i];
    }
}

static void make_random(uint64_t seed)
{
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < 12; k++)
            texts[i][k] = (char)('a' + next(&seed) % 26);
        texts[i][12] = 0;
        strings[i] = (struct weir_string){texts[i], 12, weir_hash(texts[i], 12)};
        list[i] = &strings[i];
    }
}

static int judged(const struct weir_pairs *pairs)
{
    int bad = 0;
    for (size_t i = 0; i < N; i++)
        bad += weir_pairs_judge(pairs, strings[i].data, strings[i].length) == 1;
    return bad;
}

START_TEST(gibberish_is_told_from_names)
{
    struct weir_pairs pairs;
    make_names(1);
    ck_assert_int_eq(weir_pairs_learn(&pairs, list, N), 0);
    ck_assert_double_lt(pairs.beyond, 0.01);
    make_names(2); // others of the kind
    ck_assert_int_le(judged(&pairs), N / 200);
    make_random(3);
    ck_assert_int_ge(judged(&pairs), N * 9 / 10);
    ck_assert_int_eq(weir_pairs_judge(&pairs, "KATOMI", 6), 0);
    ck_assert_int_eq(weir_pairs_judge(&pairs, "xqz", 3), -1);
    ck_assert_int_eq(weir_pairs_judge(&pairs, "", 0), -1);
    ck_assert_int_eq(weir_pairs_judge(&pairs, "\xff\x80\x00\x01\x7f!#$%xq", 10), 1);
    ck_assert_int_eq(weir_pairs_length(7), 0);
    ck_assert_int_eq(weir_pairs_length(8), 1);
    ck_assert_int_eq(weir_pairs_length(1000), 3);
}
END_TEST

START_TEST(what_is_random_anyway_is_not_judged)
{
    struct weir_pairs pairs = {.beyond = 0.5};
    make_random(1);
    ck_assert_int_eq(weir_pairs_learn(&pairs, list, N), WEIR_EINVAL);
    make_names(1);
    ck_assert_int_eq(weir_pairs_learn(&pairs, list, 100), WEIR_EINVAL);
    ck_assert_int_eq(weir_pairs_learn(&pairs, list, 0), WEIR_EINVAL);
    ck_assert_double_eq(pairs.beyond, 0.5);
}
END_TEST

START_TEST(bytes)
{
    struct weir_pairs pairs, read;
    struct weir_buffer out;
    make_names(1);
    ck_assert_int_eq(weir_pairs_learn(&pairs, list, N), 0);
    weir_buffer_init(&out, 1 << 20);
    ck_assert_int_eq(weir_pairs_write(&pairs, &out), 0);
    struct weir_reader in = weir_reader_make(out.data, out.length);
    weir_pairs_read(&read, &in);
    ck_assert(!in.failed && !weir_reader_left(&in));
    ck_assert_mem_eq(read.cost, pairs.cost, sizeof read.cost);
    ck_assert_double_eq(read.limit[1], pairs.limit[1]);
    for (size_t n = 0; n < out.length; n += 7) {
        in = weir_reader_make(out.data, n);
        weir_pairs_read(&read, &in);
        ck_assert(in.failed);
    }
    weir_buffer_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pairs");
    TCase *tcase = tcase_create("pairs");
    tcase_add_test(tcase, gibberish_is_told_from_names);
    tcase_add_test(tcase, what_is_random_anyway_is_not_judged);
    tcase_add_test(tcase, bytes);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
