// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/cli/cli.h"

static char folder[] = "/tmp/weir-generate-XXXXXX";

static int weir(const char *const *arguments)
{
    char *argv[16] = {(char *)(uintptr_t) "weir", (char *)(uintptr_t) "generate"};
    int argc = 2;
    for (; *arguments; arguments++)
        argv[argc++] = (char *)(uintptr_t)*arguments;
    return weir_cli_main(argc, argv);
}
#define WEIR(...) weir((const char *const[]){__VA_ARGS__, NULL})

// "PREFIX=" and a path in the test's folder, valid until the next call with that slot.
static const char *in_folder(int slot, const char *prefix, const char *name)
{
    static char text[4][128];
    snprintf(text[slot], sizeof text[slot], "%s%s/%s", prefix, folder, name);
    return text[slot];
}

static long lines_of(const char *name)
{
    FILE *file = fopen(in_folder(3, "", name), "r");
    ck_assert_msg(file != NULL, "%s was not written", name);
    long lines = 0;
    for (int c; (c = getc(file)) != EOF;)
        lines += c == '\n';
    fclose(file);
    unlink(in_folder(3, "", name));
    return lines;
}

START_TEST(files_are_written)
{
    ck_assert_int_eq(WEIR("--output", in_folder(0, "transactions=", "t"), "-o",
                          in_folder(1, "labels=", "l"), "--incidents", in_folder(2, "", "i"),
                          "--weeks", "1.5", "--rate=50", "--seed", "7"),
                     0);
    ck_assert_int_gt(lines_of("t"), 11000);
    ck_assert_int_gt(lines_of("l"), 1500);
    ck_assert_int_eq(lines_of("i"), 4);
    ck_assert_int_eq(WEIR("--training", in_folder(0, "", "c"), "--training-weeks", "1", "--rate=50",
                          "--no-incidents", "--incidents", in_folder(2, "", "i")),
                     0);
    ck_assert_int_gt(lines_of("c"), 7500);
    ck_assert_int_eq(lines_of("i"), 0);
}
END_TEST

START_TEST(wrong_arguments_are_told)
{
    ck_assert_int_eq(weir((const char *const[]){NULL}), WEIR_EXIT_USAGE);
    ck_assert_int_eq(WEIR("--output", "features=/tmp/x"), WEIR_EXIT_USAGE);
    ck_assert_int_eq(WEIR("--output", "labels="), WEIR_EXIT_USAGE);
    ck_assert_int_eq(WEIR("--output"), WEIR_EXIT_USAGE);
    ck_assert_int_eq(WEIR("--no-such", "--training", "/dev/null"), WEIR_EXIT_USAGE);
    ck_assert_int_eq(WEIR("--training", "/dev/null", "--rate", "fast"), WEIR_EXIT_USAGE);
    ck_assert_int_eq(WEIR("--training", "/dev/null", "--rate", "0"), WEIR_EXIT_USAGE);
    ck_assert_int_eq(WEIR("--training", "/dev/null", "--weeks", "nan"), WEIR_EXIT_USAGE);
    ck_assert_int_eq(WEIR("--training", "/dev/null", "--seed", "-1"), WEIR_EXIT_USAGE);
    ck_assert_int_eq(WEIR("--training", "/dev/null", "--partitions", "0"), WEIR_EXIT_USAGE);
    ck_assert_int_eq(WEIR("--training", "/dev/null", "--training-weeks", "-1"), WEIR_EXIT_USAGE);
    ck_assert_int_eq(WEIR("--training", "/dev/null", "more"), WEIR_EXIT_USAGE);
}
END_TEST

START_TEST(files_that_cannot_be_written_fail)
{
    ck_assert_int_eq(WEIR("--output", "labels=/no/such/folder/x"), WEIR_EXIT_FAILED);
    ck_assert_int_eq(WEIR("--output", "transactions=/dev/full", "--weeks", "0.01"),
                     WEIR_EXIT_FAILED);
    ck_assert_int_eq(WEIR("--training", "/dev/full", "--training-weeks", "0.01"), WEIR_EXIT_FAILED);
    ck_assert_int_eq(WEIR("--incidents", "/no/such/folder/x", "--weeks", "0.01"), WEIR_EXIT_FAILED);
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    Suite *suite = suite_create("generate command");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, files_are_written);
    tcase_add_test(tests, wrong_arguments_are_told);
    tcase_add_test(tests, files_that_cannot_be_written_fail);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    rmdir(folder);
    return failed != 0;
}
