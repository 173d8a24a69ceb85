// SPDX-License-Identifier: Apache-2.0
#include "consumer/window/tally.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const rules[] = {"type:a", "range:a", "unknown_field"};
enum { RULES = 3 };

static void namer(void *context, size_t rule, const char **detector, const char **name)
{
    (void)context;
    *detector = "contract";
    *name = rules[rule];
}

static int64_t finder(void *context, const char *detector, const char *name)
{
    size_t hidden = *(size_t *)context; // a rule that is gone
    ck_assert_str_eq(detector, "contract");
    for (size_t i = 0; i < RULES; i++) {
        if (i != hidden && strcmp(rules[i], name) == 0)
            return (int64_t)i;
    }
    return -1;
}

static struct weir_tally_pane *make(void)
{
    struct weir_tally_pane *pane = NULL;
    ck_assert_int_eq(weir_tally_pane_create(RULES, 0, &pane), 0);
    return pane;
}

static void add(struct weir_tally_pane *pane, size_t rule, int64_t offset, const char *detail,
                const double *value)
{
    struct weir_tally *tally = weir_tally_at(pane, rule);
    pane->rows++;
    ck_assert_int_eq(weir_tally_add(tally, 0, &offset, 1, 1, offset), 0);
    ck_assert_int_eq(weir_tally_add_detail(tally, detail, strlen(detail), 1, value, 4), 0);
}

static const char *text_of(const struct weir_tally *tally)
{
    static char text[1024];
    int at = snprintf(text, sizeof text, "%d:", (int)tally->count);
    for (size_t i = 0; i < tally->n_details; i++) {
        const struct weir_tally_detail *detail = &tally->details[i];
        at += snprintf(text + at, sizeof text - (size_t)at, " %s=%d", detail->name,
                       (int)detail->count);
        if (!isnan(detail->minimum))
            at += snprintf(text + at, sizeof text - (size_t)at, "[%g,%g]", detail->minimum,
                           detail->maximum);
    }
    return text;
}

static struct weir_tally_pane *filled(void)
{
    struct weir_tally_pane *pane = make();
    add(pane, 0, 1, "string", NULL);
    add(pane, 0, 2, "date", NULL);
    add(pane, 0, 3, "string", NULL);
    add(pane, 1, 4, "below", &(double){-5});
    add(pane, 1, 5, "below", &(double){-999});
    add(pane, 1, 6, "above", &(double){1e300});
    return pane;
}

START_TEST(details_are_counted_by_name)
{
    struct weir_tally_pane *pane = filled();
    ck_assert_str_eq(text_of(&pane->rules[0]), "3: date=1 string=2");
    ck_assert_str_eq(text_of(&pane->rules[1]), "3: above=1[1e+300,1e+300] below=2[-999,-5]");
    weir_tally_pane_destroy(pane);
}
END_TEST

START_TEST(names_are_few_short_and_clean)
{
    struct weir_tally_pane *pane = make();
    char name[200];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    memcpy(name + 63, "\xc3\xa9", 2); // cut within a character
    add(pane, 2, 0, name, NULL);
    add(pane, 2, 1, "a\nb\x7f", NULL);
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "n%d", i);
        add(pane, 2, i, name, NULL);
    }
    const struct weir_tally *tally = &pane->rules[2];
    ck_assert_uint_eq(tally->n_details, 4);
    ck_assert_str_eq(tally->details[0].name, "a.b.");
    ck_assert_str_eq(tally->details[1].name, "n0");
    ck_assert_uint_eq(strlen(tally->details[3].name), 63);
    weir_tally_pane_destroy(pane);
}
END_TEST

START_TEST(bytes_come_back_and_merge)
{
    struct weir_tally_pane *pane = filled(), *twice = make();
    struct weir_buffer out;
    size_t none = RULES;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_tally_write(pane, namer, NULL, &out), 0);
    for (int i = 0; i < 2; i++) {
        struct weir_reader in = weir_reader_make(out.data, out.length);
        ck_assert_int_eq(weir_tally_read_merge(twice, finder, &none, &in), 0);
        ck_assert_uint_eq(weir_reader_left(&in), 0);
    }
    ck_assert_str_eq(text_of(&twice->rules[0]), "6: date=2 string=4");
    ck_assert_str_eq(text_of(&twice->rules[1]), "6: above=2[1e+300,1e+300] below=4[-999,-5]");
    ck_assert_int_eq(weir_tally_merge(&twice->rules[1], &pane->rules[0]), 0);
    ck_assert_str_eq(text_of(&twice->rules[1]),
                     "9: above=2[1e+300,1e+300] below=4[-999,-5] date=1 string=2");
    // A rule that is gone takes its details along.
    struct weir_tally_pane *less = make();
    size_t first = 0;
    struct weir_reader in = weir_reader_make(out.data, out.length);
    ck_assert_int_eq(weir_tally_read_merge(less, finder, &first, &in), 0);
    ck_assert_uint_eq(weir_reader_left(&in), 0);
    ck_assert_uint_eq(less->rules[0].count, 0);
    ck_assert_uint_eq(less->rules[1].n_details, 2);
    weir_tally_pane_destroy(less);
    // However little is left.
    for (size_t n = 0; n < out.length; n++) {
        struct weir_tally_pane *cut = make();
        in = weir_reader_make(out.data, n);
        ck_assert_int_eq(weir_tally_read_merge(cut, finder, &none, &in), WEIR_ECORRUPT);
        weir_tally_pane_destroy(cut);
    }
    weir_buffer_free(&out);
    weir_tally_pane_destroy(pane);
    weir_tally_pane_destroy(twice);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tally");
    TCase *tcase = tcase_create("tally");
    tcase_add_test(tcase, details_are_counted_by_name);
    tcase_add_test(tcase, names_are_few_short_and_clean);
    tcase_add_test(tcase, bytes_come_back_and_merge);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
