// SPDX-License-Identifier: Apache-2.0
// Where a byte of an option's text stands in the file, however the text is written there.
#include <check.h>
#include <string.h>

#include "consumer/config/config.h"
#include "consumer/config/fake_plugin.h"

static struct weir_plugins *plugins;
static struct weir_config *config;
static struct weir_problems problems;

static void setup(void)
{
    plugins = fake_plugins_create();
}

static void teardown(void)
{
    weir_config_free(config);
    weir_problems_free(&problems);
    weir_plugins_destroy(plugins);
    config = NULL;
}

// A file whose only detector ends in `rules`.
static void parse(const char *rules)
{
    char text[2000];
    snprintf(text, sizeof text,
             "version: 1\napp: a\nkafka: {bootstrap.servers: localhost:1}\n"
             "streams: {s: {topic: t, format: json, fields: {a: {type: double}}}}\n"
             "detectors:\n  d:\n    type: fake\n    stream: s\n    rules: %s",
             rules);
    int code = weir_config_parse(text, strlen(text), "/c.yaml", plugins, &config, &problems);
    if (code)
        weir_problems_print(&problems, "/c.yaml", stderr);
    ck_assert_int_eq(code, 0);
}

// Line 9 is that of `rules:`, whose value begins at column 12.
static void expect(size_t item, const char *needle, uint32_t line, uint32_t column)
{
    const struct weir_detector_entry *entry = &config->detectors[0];
    size_t k = 0;
    while (strcmp(entry->plugin->options[k].key, "rules"))
        k++;
    const char *text = entry->options[k].strings[item], *at = strstr(text, needle);
    ck_assert_ptr_nonnull(at);
    struct weir_mark mark = weir_config_place(config, entry, "rules", item, (size_t)(at - text));
    ck_assert_msg(mark.line == line && mark.column == column, "'%s' at %u:%u, not %u:%u", needle,
                  mark.line, mark.column, line, column);
}

START_TEST(plain)
{
    parse("[a > b, c <  dd]\n");
    expect(0, "a", 9, 13);
    expect(0, "> b", 9, 15);
    expect(1, "c", 9, 20);
    expect(1, "dd", 9, 25);
}
END_TEST

START_TEST(single)
{
    parse("a > b\n");
    expect(0, "b", 9, 16);
}
END_TEST

START_TEST(quotes)
{
    parse("[\"x == 'y'\", 'a == ''b'' and c', \"\\\"t\\\" + z\"]\n");
    expect(0, "'y'", 9, 19);
    expect(1, "c", 9, 41);
    expect(1, "'b'", 9, 31);
    expect(2, "z", 9, 54);
}
END_TEST

START_TEST(lists_and_folded_lines)
{
    parse("\n      - aa >\n          bb\n      - >-\n        cc >\n        dd\n      - |\n        "
          "ee >\n        "
          "ff\n      - \"gg >\n        hh\"\n");
    expect(0, "bb", 11, 11);
    expect(1, "cc", 13, 9);
    expect(1, "dd", 14, 9);
    expect(2, "ee", 16, 9);
    expect(2, "ff", 17, 9);
    expect(3, "hh", 19, 9);
}
END_TEST

START_TEST(columns_are_characters)
{
    parse("['\xc3\xa9 == \xc3\xa9\xc3\xa9 or x']\n");
    expect(0, "x", 9, 25);
}
END_TEST

START_TEST(what_was_put_in_has_no_place_of_its_own)
{
    parse("['a > ${WEIR_NO_SUCH:-b} + c']\n");
    expect(0, "c", 9, 13);
}
END_TEST

START_TEST(the_end_and_beyond)
{
    parse("['a > b']\n");
    const struct weir_detector_entry *entry = &config->detectors[0];
    ck_assert_uint_eq(weir_config_place(config, entry, "rules", 0, 5).column, 19);
    ck_assert_uint_eq(weir_config_place(config, entry, "rules", 0, 6).column, 13);
    ck_assert_uint_eq(weir_config_place(config, entry, "rules", 1, 0).line, entry->mark.line);
    ck_assert_uint_eq(weir_config_place(config, entry, "tests", 0, 0).line, entry->mark.line);
}
END_TEST

START_TEST(keys_of_fields)
{
    struct weir_problems problems;
    static const char text[] = "version: 1\napp: a\nstreams:\n  s:\n    fields:\n"
                               "      x: {type: double, sentinels: [-999, -1], precision: 2}\n"
                               "      y: {type: string, sentinels: none}\n"
                               "      v: {type: double, nan: true}\n"
                               "      z: {type: double}\n"
                               "detectors: {d: {type: fake, stream: s}}\n";
    ck_assert_int_eq(weir_config_parse(text, strlen(text), "/c.yaml", plugins, &config, &problems),
                     0);
    struct weir_mark mark = weir_config_field_place(config, 0, "x", "sentinels", 1, 1);
    ck_assert_uint_eq(mark.line, 6);
    ck_assert_uint_eq(mark.column, 44);
    mark = weir_config_field_place(config, 0, "y", "sentinels", 0, 0);
    ck_assert_uint_eq(mark.line, 7);
    ck_assert_uint_eq(mark.column, 36);
    ck_assert_uint_eq(weir_config_field_place(config, 0, "z", "range", 0, 0).line, 9);
    ck_assert_uint_eq(weir_config_field_place(config, 0, "w", "range", 0, 0).line, 4);
    const struct weir_stream *stream = &config->streams[0].info;
    ck_assert_uint_eq(weir_stream_more(stream, 0)->n_sentinels, 2);
    ck_assert_int_eq(weir_stream_more(stream, 0)->precision, 2);
    ck_assert_str_eq(weir_stream_more(stream, 1)->sentinels[0], "none");
    ck_assert_int_eq(weir_stream_more(stream, 1)->precision, -1);
    ck_assert_int_eq(weir_stream_more(stream, 2)->nan, 1);
    ck_assert_int_eq(weir_stream_more(stream, 2)->infinite, 0);
    ck_assert_int_eq(weir_stream_more(stream, 2)->precision, -1);
    ck_assert_ptr_null(weir_stream_more(stream, 3));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("place");
    TCase *tests = tcase_create("place");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, plain);
    tcase_add_test(tests, single);
    tcase_add_test(tests, quotes);
    tcase_add_test(tests, lists_and_folded_lines);
    tcase_add_test(tests, columns_are_characters);
    tcase_add_test(tests, keys_of_fields);
    tcase_add_test(tests, what_was_put_in_has_no_place_of_its_own);
    tcase_add_test(tests, the_end_and_beyond);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
