// SPDX-License-Identifier: Apache-2.0
#include "consumer/cli/args.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct options {
    int quiet;
    const char *config;
    struct weir_arg_list inputs;
    int64_t n, pause, from;
};

static const struct weir_arg args[] = {
    {"config", 'c', WEIR_ARG_TEXT, offsetof(struct options, config), "FILE", "the configuration"},
    {"input", 'i', WEIR_ARG_LIST, offsetof(struct options, inputs), "NAME=PATH", "an input"},
    {"quiet", 'q', WEIR_ARG_SWITCH, offsetof(struct options, quiet), NULL, "say nothing"},
    {"n", 0, WEIR_ARG_INTEGER, offsetof(struct options, n), "N", "how many"},
    {"pause", 0, WEIR_ARG_DURATION, offsetof(struct options, pause), "DURATION", "how long"},
    {"from", 0, WEIR_ARG_TIME, offsetof(struct options, from), "TIME", "since when"},
    {.name = NULL}};

static const struct weir_command command = {
    .name = "test", .synopsis = "[OPTION ...]", .summary = "", .help = "", .args = args};

static int parse(struct options *options, int *first, int *n, char **argv)
{
    for (*n = 0; argv[*n];)
        (*n)++;
    memset(options, 0, sizeof *options);
    return weir_args_parse(&command, *n, argv, options, first);
}

START_TEST(options_and_operands_are_told_apart)
{
    struct options options;
    int first, n;
    char *argv[] = {"test",  "a",     "-c", "f.yaml",  "--input", "x=1",    "b",
                    "-iy=2", "--n=5", "-q", "--pause", "1m",      "--from", "1970-01-01T00:00:01Z",
                    NULL};
    ck_assert_int_eq(parse(&options, &first, &n, argv), 0);
    ck_assert_str_eq(options.config, "f.yaml");
    ck_assert_uint_eq(options.inputs.n, 2);
    ck_assert_str_eq(options.inputs.items[1], "y=2");
    ck_assert_int_eq(options.quiet, 1);
    ck_assert_int_eq(options.n, 5);
    ck_assert_int_eq(options.pause, 60000);
    ck_assert_int_eq(options.from, 1000);
    ck_assert_int_eq(n - first, 2);
    ck_assert_str_eq(argv[first], "a");
    ck_assert_str_eq(argv[first + 1], "b");
}
END_TEST

START_TEST(faults_are_usage_errors)
{
    char *wrong[][3] = {{"test", "--config", NULL}, {"test", "--confik", NULL},
                        {"test", "--n=-1", NULL},   {"test", "--n=x", NULL},
                        {"test", "-z", NULL},       {"test", "--pause=5", NULL}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct options options;
        int first, n;
        ck_assert_int_eq(parse(&options, &first, &n, wrong[i]), WEIR_EXIT_USAGE);
    }
}
END_TEST

START_TEST(pairs_are_split)
{
    char name[4];
    const char *path;
    ck_assert_int_eq(weir_args_pair("abc=d=e", name, sizeof name, &path), 0);
    ck_assert_str_eq(name, "abc");
    ck_assert_str_eq(path, "d=e");
    ck_assert_int_eq(weir_args_pair("abcd=e", name, sizeof name, &path), -1);
    ck_assert_int_eq(weir_args_pair("=e", name, sizeof name, &path), -1);
    ck_assert_int_eq(weir_args_pair("abc", name, sizeof name, &path), -1);
    ck_assert_int_eq(weir_args_pair("abc=", name, sizeof name, &path), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("args");
    TCase *tests = tcase_create("args");
    tcase_add_test(tests, options_and_operands_are_told_apart);
    tcase_add_test(tests, faults_are_usage_errors);
    tcase_add_test(tests, pairs_are_split);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
