// SPDX-License-Identifier: Apache-2.0
// What a label and its answers are taken for, and that parts, merged, are the whole.
#include "consumer/profile/answers.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/profile/merge.h"

enum { ROWS = 1200 };

static char path[64];
static const char *const texts[] = {"fraud", "good", "weird"};
static const char *const good_first[] = {"good", "fraud"};

enum what { NOTHING, STRINGS, BOOLEANS, NUMBERS, WHOLE, SHARE, REAL, ELSE, MANY };

static void set_up(void)
{
    snprintf(path, sizeof path, "/tmp/weir-answers-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void tear_down(void)
{
    unlink(path);
}

static enum weir_type type_of(enum what what)
{
    return what == BOOLEANS                                   ? WEIR_TYPE_BOOLEAN
           : what == WHOLE                                    ? WEIR_TYPE_LONG
           : what == NUMBERS || what == SHARE || what == REAL ? WEIR_TYPE_DOUBLE
                                                              : WEIR_TYPE_STRING;
}

static void print_value(FILE *file, enum what what, int class, int i)
{
    switch (what) {
    case NOTHING:
        break;
    case STRINGS:
        fprintf(file, ",%s", texts[class]);
        break;
    case BOOLEANS:
        fprintf(file, ",%s", class ? "true" : "false");
        break;
    case NUMBERS:
    case WHOLE:
        fprintf(file, ",%d", class);
        break;
    case SHARE:
        fprintf(file, ",%.3f", (class + i % 97 / 97.) / 2);
        break;
    case REAL:
        fprintf(file, ",%.3f", class * 10 + i % 97 / 97.);
        break;
    case ELSE:
        fprintf(file, ",%s", class ? "deny" : "allow");
        break;
    case MANY:
        fprintf(file, ",class %d", i);
        break;
    }
}

// Every tenth answer is wrong, some labels are not there.
static void write_rows(const enum what what[3], int first, int end, int classes)
{
    FILE *file = fopen(path, "w");
    fputs("at", file);
    for (int k = 0; k < 3; k++)
        if (what[k])
            fprintf(file, ",%c", "lps"[k]);
    fputc('\n', file);
    for (int i = first; i < end; i++) {
        int label = i % classes, answer = i % 10 ? label : (label + 1) % classes;
        fprintf(file, "%lld", 1700000000000 + i * 1000LL);
        if (i % 11)
            print_value(file, what[0], label, i);
        else
            fputc(',', file);
        if (what[1])
            print_value(file, what[1], answer, i);
        if (what[2])
            print_value(file, what[2], answer, i);
        fputc('\n', file);
    }
    fclose(file);
}

static struct weir_profile *make(const enum what what[3], int first, int end, int classes,
                                 int declared, const struct weir_profile *like)
{
    static const enum weir_role roles[] = {WEIR_ROLE_LABEL, WEIR_ROLE_PREDICTION, WEIR_ROLE_SCORE};
    static const char *const names[] = {"l", "p", "s"};
    struct weir_field fields[4] = {{.name = "at", .type = WEIR_TYPE_LONG, .role = WEIR_ROLE_TIME}};
    struct weir_stream stream = {
        .name = "s", .fields = fields, .n_fields = 1, .key = -1, .time = 0};
    for (int k = 0; k < 3; k++)
        if (what[k])
            fields[stream.n_fields++] = (struct weir_field){
                .name = names[k], .type = type_of(what[k]), .role = roles[k], .nullable = 1};
    if (declared) {
        fields[1].values = good_first;
        fields[1].n_values = 2;
    }
    struct weir_profile_options options = {
        .stream = &stream, .format = WEIR_FORMAT_CSV, .like = like, .rows = 100};
    struct weir_profile *profile;
    struct weir_error error;
    write_rows(what, first, end, classes);
    ck_assert_msg(!weir_profile_make(path, &options, &profile, &error), "%s", error.message);
    return profile;
}

static const struct {
    enum what what[3];
    int classes, declared;
    const char *list, *positive; // classes, in order; NULL: numbers
    int predicted, scored;
    double accuracy; // about; 0: none
} kinds[] = {
    {{STRINGS, STRINGS, SHARE}, 2, 0, "fraud good", "good", 1, 1, .9},
    {{STRINGS, STRINGS, SHARE}, 2, 1, "good fraud", "fraud", 1, 1, .9},
    {{STRINGS, STRINGS, NOTHING}, 3, 0, "fraud good weird", NULL, 1, 0, .9},
    {{BOOLEANS, NOTHING, SHARE}, 2, 0, "false true", "true", 1, 1, .9}, // above .5
    {{BOOLEANS, WHOLE, SHARE}, 2, 0, "false true", "true", 1, 1, .9},
    {{WHOLE, SHARE, NOTHING}, 2, 0, "0 1", "1", 1, 1, .9},
    {{WHOLE, NOTHING, REAL}, 2, 0, "0 1", "1", 0, 1, 0}, // no probability
    {{WHOLE, NUMBERS, NOTHING}, 3, 0, "0 1 2", NULL, 1, 0, .9},
    {{STRINGS, ELSE, SHARE}, 2, 0, "fraud good", "good", 1, 1, .9},
    {{REAL, REAL, NOTHING}, 3, 0, NULL, NULL, 0, 0, 0},
    {{REAL, NOTHING, REAL}, 3, 0, NULL, NULL, 0, 0, 0},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

START_TEST(they_are_what_they_look_like)
{
    struct weir_profile *profile =
        make(kinds[_i].what, 0, ROWS, kinds[_i].classes, kinds[_i].declared, NULL);
    const struct weir_quality *counts = profile->quality.counts;
    struct weir_quality_metric metrics[WEIR_QUALITY_METRICS];
    ck_assert_ptr_nonnull(counts);
    ck_assert_str_eq(profile->quality.label, "l");
    const struct weir_quality_spec *spec = &counts->spec;
    ck_assert_uint_eq(weir_quality_records(counts), ROWS - (ROWS + 10) / 11);
    weir_quality_measure(counts, metrics);
    if (!kinds[_i].list) {
        ck_assert_int_eq(spec->task, WEIR_QUALITY_NUMBERS);
        ck_assert_double_eq_tol(metrics[WEIR_QUALITY_MAE].value, 1.33, .1);
    } else {
        char list[128] = "";
        for (size_t i = 0; i < spec->n_classes; i++)
            snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? " " : "",
                     spec->classes[i]);
        ck_assert_str_eq(list, kinds[_i].list);
        ck_assert_int_eq(!spec->predicted, !kinds[_i].predicted);
        ck_assert_int_eq(!spec->scored, !kinds[_i].scored);
        if (kinds[_i].positive)
            ck_assert_str_eq(spec->classes[spec->positive], kinds[_i].positive);
        if (kinds[_i].accuracy > 0)
            ck_assert_double_eq_tol(metrics[WEIR_QUALITY_ACCURACY].value, kinds[_i].accuracy, .01);
    }
    weir_profile_free(profile);
}
END_TEST

START_TEST(what_cannot_be_told_is_left_out)
{
    static const enum what odd[][3] = {{STRINGS, NOTHING, NOTHING}, {NOTHING, STRINGS, SHARE},
                                       {MANY, STRINGS, NOTHING},    {STRINGS, ELSE, NOTHING},
                                       {REAL, STRINGS, NOTHING},    {STRINGS, REAL, NOTHING}};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct weir_profile *profile = make(odd[i], 0, ROWS, 2, 0, NULL);
        ck_assert_msg(!profile->quality.counts, "%zu", i);
        weir_profile_free(profile);
    }
}
END_TEST

START_TEST(parts_are_the_whole)
{
    const enum what *what = kinds[_i].what;
    int classes = kinds[_i].classes, declared = kinds[_i].declared;
    struct weir_profile *a = make(what, 0, 500, classes, declared, NULL);
    struct weir_profile *b = make(what, 500, ROWS, classes, 0, a), *merged;
    struct weir_profile *whole = make(what, 0, ROWS, classes, declared, a);
    const struct weir_profile *const parts[] = {b, a};
    static const char *const names[] = {"b", "a"};
    struct weir_buffer x, y;
    struct weir_error error;
    ck_assert_msg(!weir_profile_merge(parts, names, 2, &merged, &error), "%s", error.message);
    weir_buffer_init(&x, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&y, WEIR_BUFFER_MAXIMUM);
    weir_profile_quality_write(&merged->quality, &x);
    weir_profile_quality_write(&whole->quality, &y);
    ck_assert_uint_eq(x.length, y.length);
    ck_assert_mem_eq(x.data, y.data, x.length);
    weir_buffer_free(&x);
    weir_buffer_free(&y);
    weir_profile_free(merged);
    weir_profile_free(whole);
    weir_profile_free(a);
    weir_profile_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("answers");
    TCase *cases = tcase_create("answers");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, they_are_what_they_look_like, 0, KINDS);
    tcase_add_test(cases, what_cannot_be_told_is_left_out);
    tcase_add_loop_test(cases, parts_are_the_whole, 0, KINDS);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
