// SPDX-License-Identifier: Apache-2.0
// Values that stand for none: declared, or found because the reference has nothing like them; and
// what of a field's rules contradicts itself or the reference.
#include "detectors/schema/record_harness.h"
#include "stats/cells_build.h"
#include "stats/hash.h"
#include "stats/summary.h"

enum { VALUE, WORD, FIELDS, ROWS = 4000 };
static struct weir_field fields[FIELDS];
static struct weir_field_more number_more, word_more;
static const struct weir_field_more *const more[FIELDS] = {&number_more, &word_more};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = FIELDS, .key = -1, .time = -1, .more = more};
static struct weir_option_value options[64];
static struct weir_summary summaries[FIELDS];
static struct weir_cells *cells[FIELDS];

static void setup(void)
{
    memset(options, 0, sizeof options);
    memset(references_of, 0, sizeof references_of);
    options[SCHEMA_OPTION_SENTINELS].integer = 1;
    fields[VALUE] = (struct weir_field){
        .name = "value", .type = WEIR_TYPE_DOUBLE, .declared = 1, .nullable = 1, .optional = 1};
    fields[WORD] = (struct weir_field){
        .name = "word", .type = WEIR_TYPE_STRING, .declared = 1, .nullable = 1, .optional = 1};
    number_more = word_more = (struct weir_field_more){.precision = -1};
}

static void teardown(void)
{
    for (int i = 0; i < FIELDS; i++) {
        if (cells[i])
            weir_summary_free(&summaries[i]);
        weir_cells_free(cells[i]);
        cells[i] = NULL;
    }
}

static void absorb(int field, enum weir_shape shape, const struct weir_column *column)
{
    struct weir_summary_spec spec = {.shape = shape,
                                     .parts = WEIR_PART_MOMENTS | WEIR_PART_CELLS |
                                              WEIR_PART_QUANTILES | WEIR_PART_DISTINCT,
                                     .cells = cells[field]};
    struct weir_absorb_scratch *scratch;
    ck_assert_int_eq(weir_summary_init(&summaries[field], &spec), 0);
    ck_assert_int_eq(weir_absorb_scratch_create(&scratch), 0);
    ck_assert_int_eq(weir_summary_absorb(&summaries[field], column, NULL, 0, scratch), 0);
    weir_absorb_scratch_destroy(scratch);
    references_of[field] = &summaries[field];
}

// A reference with what `at` gives for 0 to 1.
static void numbers(double (*at)(double))
{
    static double x[ROWS];
    static uint8_t state[ROWS];
    for (int i = 0; i < ROWS; i++)
        x[i] = at((i + 0.5) / ROWS);
    struct weir_column column = {.type = WEIR_TYPE_DOUBLE, .n = ROWS, .state = state};
    double *sorted = malloc(sizeof x);
    memcpy(sorted, x, sizeof x);
    ck_assert_int_eq(weir_cells_build_numeric(sorted, ROWS, &cells[VALUE], &error), 0);
    free(sorted);
    column.values.f64 = x;
    absorb(VALUE, WEIR_SHAPE_NUMERIC, &column);
}

static void words(const char *const *texts, size_t n)
{
    static struct weir_string strings[ROWS];
    static struct weir_category counts[ROWS];
    static uint32_t codes[ROWS];
    static uint8_t state[ROWS];
    for (size_t i = 0; i < n; i++) {
        strings[i] = (struct weir_string){texts[i], (uint32_t)strlen(texts[i]),
                                          weir_hash(texts[i], strlen(texts[i]))};
        counts[i] = (struct weir_category){strings[i], ROWS / n};
    }
    for (size_t i = 0; i < ROWS; i++)
        codes[i] = (uint32_t)(i % n);
    struct weir_category_counts of = {
        .shape = WEIR_SHAPE_CATEGORICAL, .categories = counts, .n = n, .complete = 1};
    ck_assert_int_eq(weir_cells_build_categories(&of, &cells[WORD], &error), 0);
    struct weir_column column = {.type = WEIR_TYPE_STRING, .n = ROWS, .state = state};
    column.values.code = codes;
    column.dictionary = strings;
    column.n_dictionary = (uint32_t)n;
    absorb(WORD, WEIR_SHAPE_CATEGORICAL, &column);
}

static double ages(double u)
{
    return floor(18 + 72 * u * u);
}
static double codes(double u)
{
    return floor(1 + 5 * u);
}
static double children(double u)
{
    return floor(6 * u * u);
}
static double prices(double u) // heavy above
{
    return round(100 * exp(3 + 1.5 * log(u / (1 - u)))) / 100;
}
static double temperatures(double u)
{
    return round(10 * (3.2 + 30 * u)) / 10;
}
static double seconds(double u)
{
    return floor(1.7e9 + 1e7 * u);
}
static double signed_ones(double u)
{
    return 200 * u - 100;
}

// Which of the usual ones are found beside such values, as "-1 -999 0".
static const char *found(double (*at)(double))
{
    static const char *const tries[] = {"-1",  "-99",  "-999",       "0",          "99",
                                        "999", "9999", "2147483647", "-2147483648"};
    static char out[256];
    *out = 0;
    numbers(at);
    start(&stream, options);
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        char line[64];
        snprintf(line, sizeof line, "{\"value\":%s}", tries[i]);
        OBSERVE(line);
        if (*flagged)
            snprintf(out + strlen(out), sizeof out - strlen(out), " %s", tries[i]);
    }
    stop();
    teardown();
    return out;
}

START_TEST(what_lies_apart_is_found)
{
    ck_assert_str_eq(found(ages), " -1 -99 -999 0 999 9999 2147483647 -2147483648");
    ck_assert_str_eq(found(codes), " -1 -99 -999 99 999 9999 2147483647 -2147483648");
    ck_assert_str_eq(found(children), " -1 -99 -999 99 999 9999 2147483647 -2147483648");
    ck_assert_str_eq(found(prices), " -99 -999 2147483647 -2147483648");
    ck_assert_str_eq(found(temperatures), " -99 -999 99 999 9999 2147483647 -2147483648");
    ck_assert_str_eq(found(seconds), " -1 -99 -999 0 99 999 9999 2147483647 -2147483648");
    ck_assert_str_eq(found(signed_ones), " -999 999 9999 2147483647 -2147483648");
    options[SCHEMA_OPTION_SENTINELS].integer = 0;
    ck_assert_str_eq(found(ages), "");
}
END_TEST

START_TEST(numbers_that_are_declared)
{
    static const char *const sentinels[] = {"-1", "5", "-999"};
    number_more.sentinels = sentinels;
    number_more.n_sentinels = 3;
    start(&stream, options);
    ck_assert_str_eq(OBSERVE("{\"value\":-1}", "{\"value\":0}", "{\"value\":5}", "{\"value\":null}",
                             "{\"value\":-999}", "{\"value\":-998}", "{\"value\":NaN}", "{}", ""),
                     "sentinel:value=0,2,4;nan:value=6;");
    ck_assert_str_eq(said, "sentinel:value -999=4;sentinel:value -1=0;sentinel:value 5=2;");
    struct weir_rule_detail details[] = {{"-999", 4, 312, NAN, NAN}, {"-1", 2, 60, NAN, NAN}};
    ck_assert_str_eq(sentence("sentinel:value", 372, details, 2),
                     "value: 372 of 10,240 records have -999 (312), -1 (60) in place of a value; "
                     "look for a default that is filled in upstream");
    stop();
    fields[VALUE].type = WEIR_TYPE_LONG;
    start(&stream, options);
    ck_assert_str_eq(OBSERVE("{\"value\":-1}", "{\"value\":0}", "{\"value\":5}", "{\"value\":null}",
                             "{\"value\":-999}", "{\"value\":9223372036854775807}"),
                     "sentinel:value=0,2,4;");
    stop();
}
END_TEST

// One thing that is wrong is told once; but not where the rules' records go different ways.
START_TEST(a_sentinel_out_of_range)
{
    fields[VALUE].has_range = 1;
    fields[VALUE].low = 0;
    fields[VALUE].high = 120;
    numbers(ages);
    start(&stream, options);
    ck_assert_str_eq(OBSERVE("{\"value\":-999}", "{\"value\":-998}", "{\"value\":999}"),
                     "sentinel:value=0,2;range:value=1;");
    struct weir_rule_detail detail = {"-999", 4, 12, NAN, NAN};
    ck_assert_str_eq(sentence("sentinel:value", 12, &detail, 1),
                     "value: 12 of 10,240 records have -999 in place of a value, which training "
                     "never had; look for a default that is filled in upstream");
    stop();
    static const char *const routed[] = {"sentinel"};
    options[SCHEMA_OPTION_ONLY_ALERT] =
        (struct weir_option_value){.set = 1, .strings = routed, .n_strings = 1};
    start(&stream, options);
    ck_assert_str_eq(OBSERVE("{\"value\":-999}", "{\"value\":-998}", "{\"value\":999}"),
                     "sentinel:value=0,2;range:value=0,1,2;");
    stop();
}
END_TEST

START_TEST(words_that_stand_for_none)
{
    static const char *const colours[] = {"red", "green", "blue", "none"};
    words(colours, 4);
    start(&stream, options);
    ck_assert_str_eq(OBSERVE("{\"word\":\"N/A\"}", "{\"word\":\"none\"}", "{\"word\":\"NULL\"}",
                             "{\"word\":\"unknown\"}", "{\"word\":\"purple\"}",
                             "{\"word\":\"1970-01-01\"}", "{\"word\":\"null and void\"}",
                             "{\"word\":\"-\"}", "{\"word\":\"\"}"),
                     "sentinel:word=0,2,3,7;");
    ck_assert_str_eq(said, "sentinel:word N/A=0;sentinel:word NULL=2;sentinel:word unknown=3;"
                           "sentinel:word -=7;");
    struct weir_rule_detail detail = {"N/A", 3, 12, NAN, NAN};
    ck_assert_str_eq(sentence("sentinel:word", 12, &detail, 1),
                     "word: 12 of 10,240 records have \"N/A\" in place of a value, which training "
                     "never had; look for a default that is filled in upstream");
    stop();
    teardown();
    static const char *const codes_of_two[] = {"US", "DE", "JP", "FR"};
    words(codes_of_two, 4);
    start(&stream, options);
    ck_assert_str_eq(OBSERVE("{\"word\":\"NA\"}", "{\"word\":\"N/A\"}"), "sentinel:word=1;");
    stop();
}
END_TEST

START_TEST(dates_that_stand_for_none)
{
    static char text[40][12];
    const char *days[40];
    for (int i = 0; i < 40; i++) {
        snprintf(text[i], sizeof text[i], "2024-03-%02d", i % 28 + 1);
        snprintf(text[i] + 5, 7, "%02d-%02d", 1 + i / 28, i % 28 + 1);
        days[i] = text[i];
    }
    words(days, 40);
    start(&stream, options);
    ck_assert_str_eq(OBSERVE("{\"word\":\"1970-01-01\"}", "{\"word\":\"1970-01-01T00:00:00Z\"}",
                             "{\"word\":\"1970-01-012\"}", "{\"word\":\"2024-05-01\"}",
                             "{\"word\":\"9999-12-31 23:59:59\"}", "{\"word\":\"1970-01-02\"}"),
                     "sentinel:word=0,1,4;");
    stop();
    teardown();
    snprintf(text[7], sizeof text[7], "1975-05-05"); // a birthday: 1970 may be one too
    words(days, 40);
    start(&stream, options);
    ck_assert_str_eq(OBSERVE("{\"word\":\"1970-01-01\"}"), "");
    stop();
}
END_TEST

START_TEST(texts_that_are_declared)
{
    static const char *const sentinels[] = {"x", ""};
    word_more.sentinels = sentinels;
    word_more.n_sentinels = 2;
    start(&stream, options);
    ck_assert_str_eq(OBSERVE("{\"word\":\"x\"}", "{\"word\":\"xx\"}", "{\"word\":\"\"}",
                             "{\"word\":null}", "{\"word\":\"N/A\"}"),
                     "sentinel:word=0,2;");
    stop();
}
END_TEST

START_TEST(empty_strings_where_there_were_none)
{
    static const char *const full[] = {"a", "b"}, *const some[] = {"a", ""};
    options[SCHEMA_OPTION_EMPTY].string = "auto";
    start(&stream, options);
    ck_assert_str_eq(OBSERVE("{\"word\":\"\"}"), "");
    stop();
    words(full, 2);
    start(&stream, options);
    ck_assert_str_eq(OBSERVE("{\"word\":\"\"}"), "empty:word=0;");
    stop();
    options[SCHEMA_OPTION_EMPTY].string = "false";
    start(&stream, options);
    ck_assert_str_eq(OBSERVE("{\"word\":\"\"}"), "");
    stop();
    teardown();
    words(some, 2);
    options[SCHEMA_OPTION_EMPTY].string = "auto";
    start(&stream, options);
    ck_assert_str_eq(OBSERVE("{\"word\":\"\"}"), "");
    stop();
    options[SCHEMA_OPTION_EMPTY].string = "true";
    start(&stream, options);
    ck_assert_str_eq(OBSERVE("{\"word\":\"\"}"), "empty:word=0;");
    stop();
}
END_TEST

START_TEST(nan_and_infinities_that_are_legal)
{
    static const char *const lines[] = {"{\"value\":NaN}", "{\"value\":Infinity}",
                                        "{\"value\":-Infinity}", "{\"value\":1}", NULL};
    static const char *const expected[] = {"nan:value=0,1,2;", "nan:value=1,2;", "nan:value=0;",
                                           ""};
    for (int i = 0; i < 4; i++) {
        number_more.nan = i & 1;
        number_more.infinite = i >> 1;
        start(&stream, options);
        ck_assert_str_eq(observe(lines, NULL), expected[i]);
        if (i < 3)
            ck_assert_ptr_nonnull(
                strstr(sentence("nan:value", 3, NULL, 0), i == 0   ? "have NaN or an infinity; look"
                                                          : i == 1 ? "have an infinity; look"
                                                                   : "have NaN; look"));
        stop();
    }
}
END_TEST

START_TEST(words_that_are_misspelled)
{
    static const char *const cities[] = {"Birmingham", "boaz", "Gadsden", "US", "route-41"};
    options[SCHEMA_OPTION_MISSPELLED].integer = 1;
    words(cities, 5);
    start(&stream, options);
    ck_assert_str_eq(OBSERVE("{\"word\":\"Birmingham\"}", "{\"word\":\"birminghxm\"}",
                             "{\"word\":\"Birmngam\"}", "{\"word\":\"bxz\"}", "{\"word\":\"boa\"}",
                             "{\"word\":\"baoz\"}", "{\"word\":\"us\"}", "{\"word\":\" US\"}",
                             "{\"word\":\"UK\"}", "{\"word\":\"route-42\"}",
                             "{\"word\":\"rout-41\"}", "{\"word\":\"Paris\"}",
                             "{\"word\":\"Gadsden \"}", "{\"word\":\"\"}"),
                     "misspelled:word=1,5,6,7,10,12;");
    struct weir_rule_detail details[] = {{"birminghxm", 10, 60, NAN, NAN},
                                         {"baoz", 4, 2, NAN, NAN}};
    ck_assert_str_eq(sentence("misspelled:word", 62, details, 2),
                     "word: 62 of 10,240 records have a value that training never had and that is "
                     "nearly a frequent one: \"birminghxm\" for Birmingham (60), \"baoz\" for boaz "
                     "(2); look at where they are typed or read in");
    stop();
    ck_assert_int_eq(create(&stream, options, 1), 0);
    ck_assert_str_eq(sentence("misspelled:word", 62, details, 2),
                     "word: 62 of 10,240 records have a value that training never had and that is "
                     "nearly a frequent one: \"birminghxm\" for Birmingham (60), boaz (2); look at "
                     "where they are typed or read in");
    weir_plugin.destroy(instance);
    teardown();
    // Two that are meant, a letter apart: who knows of a third?
    static const char *const towns[] = {"Newton", "Newtown", "Boston"};
    words(towns, 3);
    start(&stream, options);
    ck_assert_str_eq(OBSERVE("{\"word\":\"Bosten\"}"), "");
    stop();
}
END_TEST

// ---- contradictions

static const char *complaints(int code)
{
    options[SCHEMA_OPTION_QUARANTINE] = (struct weir_option_value){.set = 1, .integer = 1};
    ck_assert_int_eq(create(&stream, options, 0), code);
    if (!code)
        weir_plugin.destroy(instance);
    return complained;
}

START_TEST(numbers_against_each_other)
{
    static const char *const values[] = {"5", "15", "10.255"};
    static const char *const sentinels[] = {"-1", "N/A", "15", "20"};
    fields[VALUE].has_range = 1;
    fields[VALUE].low = 10;
    fields[VALUE].high = 20;
    fields[VALUE].values = values;
    fields[VALUE].n_values = 3;
    number_more = (struct weir_field_more){2, sentinels, 4, 0, 0};
    ck_assert_str_eq(
        complaints(0),
        "warning value.sentinels[1]@0: N/A is no double, and so never a value: it breaks the rule "
        "type\n"
        "warning value.values[0]@0: 5 is listed, and breaks the field's range: no record may have "
        "it\n"
        "warning value.values[2]@0: 10.255 is listed, and breaks the field's precision: no record "
        "may have it\n"
        "warning value.sentinels[2]@0: 15 is legal by the field's values too: each record with it "
        "is reported as a sentinel\n");
    fields[VALUE].values = NULL;
    fields[VALUE].n_values = 0;
    fields[VALUE].type = WEIR_TYPE_LONG;
    fields[VALUE].low = 10.2;
    fields[VALUE].high = 10.8;
    number_more.n_sentinels = 0;
    ck_assert_str_eq(
        complaints(WEIR_EINVAL),
        "error value.range[0]@0: no whole number lies in it: no record could be good\n"
        "warning value.precision[0]@0: a long has no decimals: the rule is never broken\n");
}
END_TEST

START_TEST(texts_against_each_other)
{
    const char *values[] = {"US", "Germany"};
    static const char *const sentinels[] = {"XX", "n/a"};
    fields[WORD].pattern = "^[A-Z]+$";
    fields[WORD].has_length = 1;
    fields[WORD].shortest = fields[WORD].longest = 2;
    word_more.sentinels = sentinels;
    word_more.n_sentinels = 2;
    ck_assert_str_eq(complaints(0),
                     "warning word.sentinels[0]@0: XX is legal by the field's pattern too: each "
                     "record with it is reported as a sentinel\n");
    fields[WORD].values = values;
    fields[WORD].n_values = 2;
    ck_assert_str_eq(complaints(0),
                     "warning word.values[1]@0: Germany is listed, and breaks the field's length: "
                     "no record may have it\n");
    values[0] = "us";
    ck_assert_str_eq(complaints(WEIR_EINVAL),
                     "error word.values[0]@0: each of the values breaks the field's pattern: no "
                     "record could be good\n");
}
END_TEST

START_TEST(rules_against_the_reference)
{
    static const char *const colours[] = {"red", "green", "blue", "none"};
    static const char *const values[] = {"red", "blue"};
    numbers(ages);
    words(colours, 4);
    ck_assert_str_eq(complaints(0), "");
    fields[VALUE].has_range = 1;
    fields[VALUE].low = 18;
    fields[VALUE].high = 36;
    fields[VALUE].nullable = fields[WORD].optional = 0;
    fields[WORD].values = values;
    fields[WORD].n_values = 2;
    summaries[VALUE].null = 400;
    summaries[VALUE].rows += 400;
    summaries[VALUE].nan = 1;
    ck_assert_str_eq(complaints(0),
                     "warning value.nullable[0]@0: about 9.1% of training is null, and null is not "
                     "allowed: records like these will be reported\n"
                     "warning value.nan[0]@0: about 0.023% of training is NaN, and that is not "
                     "allowed: records like these will be reported\n"
                     "warning value.range[0]@0: about 48% of training is outside the range: "
                     "records like these will be reported\n"
                     "warning word.values[0]@0: about 50% of training is none of the values: "
                     "records like these will be reported\n");
}
END_TEST

// Which patterns explode, as "1 3 ".
START_TEST(patterns_that_explode_are_told)
{
    static const char *const patterns[] = {"^(a+)+$",
                                           "^[A-Z]{2}[0-9]{6}$",
                                           "(x+x+)+y",
                                           "^id-([0-9]+)*z",
                                           "^[^@]+@[^@]+\\.[a-z]+$",
                                           "^(\\w+\\s?)*$",
                                           "^(([a-z])+.)+[A-Z]([a-z])+$",
                                           "^tx-[0-9a-f-]+$",
                                           "(ab|a|b)*c$",
                                           "^.*$"};
    char exploding[64] = "";
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        fields[WORD].pattern = patterns[i];
        if (*complaints(0))
            snprintf(exploding + strlen(exploding), sizeof exploding - strlen(exploding), "%zu ",
                     i);
    }
    ck_assert_str_eq(exploding, "0 2 3 5 6 8 ");
    fields[WORD].pattern = patterns[3];
    ck_assert_str_eq(complaints(0),
                     "warning word.pattern[0]@0: it takes over 10,000 steps on strings such as "
                     "\"id-000...\" (48 times \"0\") that do not match: those will count as "
                     "matched. Do not repeat what is repeated within, as in (a+)+\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sentinels");
    TCase *tcase = tcase_create("sentinels");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, what_lies_apart_is_found);
    tcase_add_test(tcase, numbers_that_are_declared);
    tcase_add_test(tcase, a_sentinel_out_of_range);
    tcase_add_test(tcase, words_that_stand_for_none);
    tcase_add_test(tcase, dates_that_stand_for_none);
    tcase_add_test(tcase, texts_that_are_declared);
    tcase_add_test(tcase, words_that_are_misspelled);
    tcase_add_test(tcase, empty_strings_where_there_were_none);
    tcase_add_test(tcase, nan_and_infinities_that_are_legal);
    tcase_add_test(tcase, numbers_against_each_other);
    tcase_add_test(tcase, texts_against_each_other);
    tcase_add_test(tcase, rules_against_the_reference);
    tcase_add_test(tcase, patterns_that_explode_are_told);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
