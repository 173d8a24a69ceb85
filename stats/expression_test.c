// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/expression.h"

enum { A, B, I, J, S, T, F, TIME, TAGS, ODD, FIELDS };
static const struct weir_field fields[FIELDS] = {
    [A] = {.name = "a", .type = WEIR_TYPE_DOUBLE},
    [B] = {.name = "b", .type = WEIR_TYPE_DOUBLE},
    [I] = {.name = "i", .type = WEIR_TYPE_LONG},
    [J] = {.name = "nested.j", .type = WEIR_TYPE_LONG},
    [S] = {.name = "country", .type = WEIR_TYPE_STRING},
    [T] = {.name = "t", .type = WEIR_TYPE_STRING},
    [F] = {.name = "flag", .type = WEIR_TYPE_BOOLEAN},
    [TIME] = {.name = "at", .type = WEIR_TYPE_STRING},
    [TAGS] = {.name = "tags[]", .type = WEIR_TYPE_STRING, .is_list = 1},
    [ODD] = {.name = "an odd-name", .type = WEIR_TYPE_DOUBLE},
};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = FIELDS, .key = -1, .time = TIME};
static const struct weir_expression_scope scope = {.stream = &stream};

// ---- rows: numbers, and strings by dictionary code

enum { ROWS = 6 };
static const double column_a[ROWS] = {1.5, -2, 0, 1e308, 7, 0};
static const double column_b[ROWS] = {2, 0, 3, 1e308, -1, 0};
static const int64_t column_i[ROWS] = {1, INT64_MAX, -7, 0, 5, 0};
static const int64_t column_j[ROWS] = {2, 1, 3, 0, INT64_MIN, 0};
static const int64_t column_f[ROWS] = {1, 0, 1, 0, 1, 0};
static const uint32_t column_s[ROWS] = {0, 1, 2, 0, 3, 0};
static const uint32_t column_t[ROWS] = {1, 1, 0, 0, 2, 0};
// The last row has nulls; its country is missing.
static const uint8_t good[ROWS];
static const uint8_t nulls[ROWS] = {0, 0, 0, 0, 0, WEIR_STATE_NULL};
static const uint8_t missing[ROWS] = {0, 0, 0, 0, 0, WEIR_STATE_MISSING};
static const struct weir_string words[] = {
    {"JP", 2, 0}, {"de", 2, 0}, {" Japan ", 7, 0}, {"\xc3\xa9t\xc3\xa9", 5, 0}};
static const struct weir_string others[] = {
    {"2026-01-31T18:30:00Z", 20, 0}, {"12.5", 4, 0}, {"", 0, 0}};
static const int64_t times[ROWS] = {1769884200000, 0, -1, 1000, 2000, 0};
static const uint8_t faults[ROWS] = {0, 0, 0, 0, 0, WEIR_ROW_NO_TIME};

static struct weir_batch batch_of(struct weir_column *columns)
{
    struct weir_batch batch = {
        .stream = &stream, .n_rows = ROWS, .time = times, .fault = faults, .columns = columns};
    memset(columns, 0, FIELDS * sizeof *columns);
    for (int f = 0; f < FIELDS; f++) {
        columns[f].type = fields[f].type;
        columns[f].n = ROWS;
        columns[f].state = nulls;
        columns[f].n_null = 1;
    }
    columns[A].values.f64 = column_a;
    columns[B].values.f64 = column_b;
    columns[ODD].values.f64 = column_a;
    columns[I].values.i64 = column_i;
    columns[J].values.i64 = column_j;
    columns[F].values.i64 = column_f;
    columns[S].values.code = column_s;
    columns[S].state = missing;
    columns[S].n_null = 0;
    columns[S].n_missing = 1;
    columns[S].dictionary = words;
    columns[S].n_dictionary = 3; // the fourth is local to the batch
    columns[S].local = words + 3;
    columns[S].n_local = 1;
    columns[T].values.code = column_t;
    columns[T].dictionary = others;
    columns[T].n_dictionary = 3;
    columns[TIME].values.code = column_t;
    columns[TIME].dictionary = others;
    columns[TIME].n_dictionary = 3;
    columns[TIME].state = good;
    return batch;
}

static struct weir_expression *compile(const char *text)
{
    struct weir_expression_fault fault = {0};
    struct weir_expression *expression = NULL;
    int code = weir_expression_compile(text, strlen(text), &scope, &expression, &fault);
    ck_assert_msg(!code, "'%s', at %zu: %s", text, fault.offset, fault.message);
    return expression;
}

// The answers as text: 0 and 1, numbers, strings; "-" null, "!" by a fault.
static const char *answers(const char *text)
{
    static char out[2000];
    struct weir_column columns[FIELDS];
    struct weir_batch batch = batch_of(columns);
    struct weir_expression *expression = compile(text);
    const struct weir_expression *all[] = {expression};
    struct weir_evaluator *evaluator;
    struct weir_expression_result result;
    struct weir_error error;
    size_t at = 0;
    ck_assert_int_eq(weir_evaluator_create(all, 1, &evaluator, &error), 0);
    ck_assert_int_eq(weir_evaluator_run(evaluator, 0, &batch, &result), 0);
    uint64_t counted = 0;
    for (int i = 0; i < ROWS; i++) {
        uint8_t null = result.null ? result.null[i] : 0;
        counted += (null & WEIR_EXPRESSION_FAULT) != 0;
        if (null)
            at += (size_t)sprintf(out + at, "%c", null & WEIR_EXPRESSION_FAULT ? '!' : '-');
        else if (result.type == WEIR_EXPRESSION_BOOLEAN)
            at += (size_t)sprintf(out + at, "%d", result.values.boolean[i]);
        else if (result.type == WEIR_EXPRESSION_NUMBER)
            at += (size_t)sprintf(out + at, "%g", result.values.number[i]);
        else if (result.type == WEIR_EXPRESSION_STRING)
            at += (size_t)sprintf(out + at, "%.*s", (int)result.values.string[i].length,
                                  result.values.string[i].data);
        else
            at += (size_t)sprintf(out + at, "%lld", (long long)result.values.integer[i]);
        at += (size_t)sprintf(out + at, i + 1 < ROWS ? " " : "");
    }
    ck_assert_uint_eq(counted, result.faults);
    weir_evaluator_destroy(evaluator);
    weir_expression_free(expression);
    return out;
}

static const struct {
    const char *text, *answers;
} cases[] = {
    // arithmetic and its faults
    {"a + b", "3.5 -2 3 ! 6 -"},
    {"a - b * 2", "-2.5 -2 -6 ! 9 -"},
    {"a / b", "0.75 ! 0 1 -7 -"},
    {"a % b", "1.5 ! 0 0 0 -"},
    {"-a", "-1.5 2 -0 -1e+308 -7 -"},
    {"i + nested.j", "3 ! -4 0 -9223372036854775803 -"},
    {"i - nested.j", "-1 9223372036854775806 -10 0 ! -"},
    {"i * 2", "2 ! -14 0 10 -"},
    {"i % nested.j", "1 0 -1 ! 5 -"},
    {"i / 2", "0.5 4.61169e+18 -3.5 0 2.5 -"},
    {"-nested.j", "-2 -1 -3 0 ! -"},
    {"2 + 3 * 4 - (1 - 2)", "15 15 15 15 15 15"},
    {"a + i", "2.5 9.22337e+18 -7 1e+308 12 -"},
    {"10 % 4", "2 2 2 2 2 2"},
    {"100 * 5%", "5 5 5 5 5 5"},
    {"7 %4", "3 3 3 3 3 3"},
    {"1h30m - 90m", "0 0 0 0 0 0"},
    // comparisons
    {"a > b", "0 0 0 0 1 -"},
    {"i == 1", "1 0 0 0 0 -"},
    {"i == 9223372036854775807", "0 1 0 0 0 -"},
    {"i > 0.5", "1 1 0 0 1 -"},
    {"i == 5.0", "0 0 0 0 1 -"},
    {"i > -7.0 and -i == - -7", "0 0 0 0 0 -"},
    {"i between -7 and 1", "1 0 1 1 0 -"},
    {"a not between 0 and 2", "0 1 0 1 1 -"},
    {"i in (1, -7, 12)", "1 0 1 0 0 -"},
    {"i not in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)", "0 1 1 1 0 -"},
    {"a in (b, 7, 1.5)", "1 0 0 1 1 -"},
    {"i in (nested.j, 1)", "1 0 0 1 0 -"},
    {"flag == true", "1 0 1 0 1 -"},
    {"flag in (true, false)", "1 1 1 1 1 -"},
    {"`an odd-name` == a", "1 1 1 1 1 -"},
    // three-valued logic
    {"flag and a > 0", "1 0 0 0 1 -"},
    {"flag or true", "1 1 1 1 1 1"},
    {"flag and false", "0 0 0 0 0 0"},
    {"not flag", "0 1 0 1 0 -"},
    {"a is null or i > 0", "1 1 0 0 1 1"},
    {"flag implies i > 0", "1 1 0 1 1 -"},
    {"country is missing and flag", "0 0 0 0 0 -"},
    {"country is missing or flag", "1 0 1 0 1 1"},
    {"i > 0 && !flag || a < 0", "0 1 0 0 0 -"},
    {"(a > 0 and flag) is null", "0 0 0 0 0 1"},
    // strings: alone by dictionary, two by row
    {"country == 'JP'", "1 0 0 1 0 -"},
    {"country in ('JP', \"de\")", "1 1 0 1 0 -"},
    {"length(country)", "2 2 7 2 3 -"},
    {"lower(trim(country)) == 'japan'", "0 0 1 0 0 -"},
    {"upper(country)", "JP DE  JAPAN  JP \xc3\xa9T\xc3\xa9 -"},
    {"substring(country, 2, 2)", "P e Ja P t\xc3\xa9 -"},
    {"starts_with(country, 'J') or ends_with(country, 'e')", "1 1 0 1 0 -"},
    {"contains(country, 'ap')", "0 0 1 0 0 -"},
    {"matches(country, '^[A-Z]{2}$')", "1 0 0 1 0 -"},
    {"matches(country, '\xc3\xa9.\xc3\xa9')", "0 0 0 0 1 -"},
    {"country < 'a'", "1 0 1 1 0 -"},
    {"country == t", "0 0 0 0 0 -"},
    {"country is missing", "0 0 0 0 0 1"},
    {"country is null", "0 0 0 0 0 1"},
    {"t is missing", "0 0 0 0 0 0"},
    {"coalesce(country, 'none') == 'none'", "0 0 0 0 0 1"},
    {"coalesce(country, t)", "JP de  Japan  JP \xc3\xa9t\xc3\xa9 -"},
    {"number(t)", "12.5 12.5 - - - -"},
    {"(number(t) * a > 1) is null or a > 0", "1 0 1 1 1 1"},
    {"1 / (length(t) - 4) > 0", "! ! 1 1 0 -"},
    {"if(country == 'JP', a, b)", "1.5 0 3 1e+308 -1 -"},
    {"if(flag, 'x', country)", "x de x JP x -"},
    {"'it''s' == \"it's\" and 'a\\'b' == \"a'b\" and '\\d' == \"\\\\d\"", "1 1 1 1 1 1"},
    // functions
    {"abs(a)", "1.5 2 0 1e+308 7 -"},
    {"abs(nested.j)", "2 1 3 0 ! -"},
    {"floor(a) + ceil(a) + round(a)", "5 -6 0 ! 21 -"},
    {"round(a / 7, 2)", "0.21 -0.29 0 1.42857e+307 1 -"},
    {"sign(a)", "1 -1 0 1 1 -"},
    {"sqrt(a)", "1.22474 ! 0 1e+154 2.64575 -"},
    {"ln(a) is null", "0 1 1 0 0 1"},
    {"exp(b)", "7.38906 1 20.0855 ! 0.367879 -"},
    {"pow(a, b)", "2.25 1 0 ! 0.142857 -"},
    {"min(a, b, 1)", "1 -2 0 1 -1 -"},
    {"max(i, nested.j)", "2 9223372036854775807 3 0 5 -"},
    {"coalesce(a, 5)", "1.5 -2 0 1e+308 7 5"},
    {"is_nan(a) or not is_finite(a)", "0 0 0 0 0 -"},
    {"number(flag) + number('7')", "8 7 8 7 8 -"},
    // times: the event time, whatever its field holds
    {"at > '2026-01-01'", "1 0 0 0 0 -"},
    {"at - time('1970-01-01')", "1769884200000 0 -1 1000 2000 -"},
    {"hour(at)", "18 0 23 0 0 -"},
    {"weekday(at)", "6 4 3 4 4 -"},
    {"year(at) * 10000 + month(at) * 100 + day(at)", "20260131 19700101 19691231 19700101 "
                                                     "19700101 -"},
    {"at + 1h > event_time()", "1 1 1 1 1 -"},
    {"time(t) == at", "- - 0 0 - -"},
    {"minute(at) == 30 and second(at) == 0", "1 0 0 0 0 -"},
};

START_TEST(each_answers)
{
    ck_assert_str_eq(answers(cases[_i].text), cases[_i].answers);
}
END_TEST

static const struct {
    const char *text;
    size_t offset;
    const char *says; // part of it
} wrong[] = {
    {"", 0, "empty"},
    {"a >", 3, "missing at the end"},
    {"amuont > 1", 0, "no field 'amuont'"},
    {"contry == 'x'", 0, "did you mean 'country'"},
    {"a + country", 4, "a number is expected"},
    {"a and flag", 0, "a condition is expected"},
    {"country > 3", 8, "cannot be compared"},
    {"flag < true", 5, "no order"},
    {"a == null", 5, "is null"},
    {"a = 1", 2, "=="},
    {"1 < a < 3", 6, "do not chain"},
    {"abs(a, b)", 0, "1 argument"},
    {"foor(a)", 0, "did you mean 'floor'"},
    {"tags[] == 'x'", 0, "list"},
    {"matches(country, t)", 17, "text in quotes"},
    {"matches(country, '(')", 17, "parenthesis"},
    {"(a > 1", 6, "closing )"},
    {"a > 1)", 5, "operator"},
    {"a between 1", 11, "and"},
    {"a in ()", 6, "a value"},
    {"'abc", 0, "closing '"},
    {"10q > a", 0, "duration"},
    {"1.5h30m == 1.", 12, "digit"},
    {"at == 'yesterday'", 6, "no time"},
    {"at * 2", 3, "time - time"},
    {"round(a, 16)", 9, "0 to 15"},
    {"(a + 1) is missing", 8, "only a field"},
    {"1e999 > a", 0, "too large"},
    {"a # b", 2, "means nothing"},
    {"time(a)", 5, "a string"},
    {"min(country, 'a')", 0, "numbers or times"},
    {"1 / 0 > 1", 2, "divides by zero"},
    {"a % (2 - 2) > 1", 2, "divides by zero"},
    {"a > 1 and sqrt(-1) > 0", 10, "cannot be computed"},
    {"i < 9223372036854775807 + 1", 24, "cannot be computed"},
};

START_TEST(each_fault_has_its_place)
{
    struct weir_expression_fault fault = {0};
    struct weir_expression *expression = NULL;
    const char *text = wrong[_i].text;
    ck_assert_int_eq(weir_expression_compile(text, strlen(text), &scope, &expression, &fault),
                     WEIR_EINVAL);
    ck_assert_ptr_null(expression);
    ck_assert_msg(strstr(fault.message, wrong[_i].says), "'%s': %s", text, fault.message);
    ck_assert_msg(fault.offset == wrong[_i].offset, "'%s': at %zu", text, fault.offset);
}
END_TEST

START_TEST(constants_are_known)
{
    static const struct {
        const char *text;
        int always;
    } known[] = {{"1 < 2", 1},
                 {"a > 1 and 1 > 2", 0},
                 {"a > 1 or length('ab') == 2", 1},
                 {"null and true", 2},
                 {"a > 1 and number('x') > 0 and false", 0},
                 {"flag implies true", 1},
                 {"if(1 > 2, flag, false)", 0},
                 {"number('x') > 0", 2},
                 {"a > 1", -1}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct weir_expression *expression = compile(known[i].text);
        ck_assert_msg(weir_expression_always(expression) == known[i].always, "%s", known[i].text);
        weir_expression_free(expression);
    }
}
END_TEST

START_TEST(inputs_are_listed_once)
{
    struct weir_expression *expression = compile("b > a and country == 'x' and a > 1");
    const struct weir_expression_input *inputs;
    ck_assert_uint_eq(weir_expression_inputs(expression, &inputs), 3);
    ck_assert_int_eq(inputs[0].field, B);
    ck_assert_int_eq(inputs[1].field, A);
    ck_assert_int_eq(inputs[2].field, S);
    weir_expression_free(expression);
}
END_TEST

START_TEST(unknown_names_pass_where_fields_are_not_all_known)
{
    struct weir_expression_scope tentative = {.stream = &stream, .tentative = 1};
    struct weir_expression_fault fault;
    struct weir_expression *expression = NULL;
    const char *text = "later > 3 and lower(more) == 'x' and a + other > 1 and extra is missing";
    ck_assert_int_eq(weir_expression_compile(text, strlen(text), &tentative, &expression, &fault),
                     0);
    ck_assert_int_eq(weir_expression_always(expression), -1);
    weir_expression_free(expression);
    text = "later > 3 and country > 3";
    ck_assert_int_eq(weir_expression_compile(text, strlen(text), &tentative, &expression, &fault),
                     WEIR_EINVAL);
}
END_TEST

START_TEST(nesting_and_length_are_bounded)
{
    struct weir_expression_fault fault;
    struct weir_expression *expression = NULL;
    char *text = malloc(20000);
    const char *const parts[] = {"(", "-", "not ", "a+", "if(flag,1,", "a in(", "abs("};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        *text = 0;
        for (size_t at = 0; at < 7900; at += strlen(parts[i]))
            strcpy(text + at, parts[i]);
        ck_assert_int_eq(weir_expression_compile(text, strlen(text), &scope, &expression, &fault),
                         WEIR_EINVAL);
    }
    memset(text, ' ', 9000);
    ck_assert_int_eq(weir_expression_compile(text, 9000, &scope, &expression, &fault), WEIR_EINVAL);
    strcpy(text, "a > 0");
    for (int i = 0; i < 300; i++)
        strcat(text, " and a > 0");
    ck_assert_int_eq(weir_expression_compile(text, strlen(text), &scope, &expression, &fault), 0);
    weir_expression_free(expression);
    free(text);
}
END_TEST

START_TEST(rules_are_split)
{
    static const struct {
        const char *text, *name, *body, *when;
    } rules[] = {
        {"a > 1", "", "a > 1", ""},
        {" dates : a > 1", "dates ", " a > 1", ""},
        {"jp: a > 1 when country == ': when '", "jp", " a > 1 ", " country == ': when '"},
        {"`when` > 1 when flag", "", "`when` > 1 ", " flag"},
        {"range check: a", "range check", " a", ""},
        {"a when b: c", "", "a ", " b: c"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct weir_rule_text parts;
        const char *text = rules[i].text;
        weir_rule_text_split(text, strlen(text), &parts);
        ck_assert_uint_eq(parts.name_length, strlen(rules[i].name));
        ck_assert_int_eq(strncmp(text + parts.name, rules[i].name, parts.name_length), 0);
        ck_assert_uint_eq(parts.body_end - parts.body, strlen(rules[i].body));
        ck_assert_int_eq(strncmp(text + parts.body, rules[i].body, strlen(rules[i].body)), 0);
        ck_assert_str_eq(text + parts.when, rules[i].when);
    }
}
END_TEST

START_TEST(windows_have_aggregates)
{
    static const struct weir_expression_aggregate table[] = {
        {"rows", 0, 0, 0, "rows", ""},
        {"mean", 1, 0, 1, "mean(field)", ""},
        {"quantile", 1, 1, 1, "quantile(field, q)", ""},
        {NULL, 0, 0, 0, NULL, NULL}};
    struct weir_expression_scope window = {.stream = &stream, .aggregates = table};
    static const struct {
        const char *text, *says;
        size_t offset;
    } bad[] = {{"a > 1", "say which, as mean(a)", 0},
               {"mean(country) > 1", "wants a number", 5},
               {"mean(b + 1) > 1", "it is written mean(field)", 0},
               {"qantile > 1", "did you mean 'quantile'", 0},
               {"maen(a) > 1", "did you mean 'mean'", 0},
               {"quantile(a, 2) > 1", "between 0 and 1", 12},
               {"rows > at", "say which, as mean(at)", 7},
               {"quantile(a) > 1", "it is written", 0},
               {"reference(rows) > 1", "takes what a window knows", 0},
               {"abs(a) > 1", "say which, as mean(a)", 4},
               {"event_time() > 1", "no function", 0}};
    struct weir_expression_fault fault;
    struct weir_expression *expression;
    struct weir_expression_result result;
    struct weir_evaluator *evaluator;
    struct weir_error error;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *wrong_text = bad[i].text;
        ck_assert_int_eq(
            weir_expression_compile(wrong_text, strlen(wrong_text), &window, &expression, &fault),
            WEIR_EINVAL);
        ck_assert_msg(strstr(fault.message, bad[i].says) && fault.offset == bad[i].offset,
                      "'%s', at %zu: %s", wrong_text, fault.offset, fault.message);
    }
    const char *text =
        "mean(a) between 0.9 * reference(mean(a)) and quantile(a, 0.99) and rows > 5";
    ck_assert_msg(!weir_expression_compile(text, strlen(text), &window, &expression, &fault), "%s",
                  fault.message);
    const struct weir_expression_input *inputs;
    ck_assert_uint_eq(weir_expression_inputs(expression, &inputs), 4);
    ck_assert_int_eq(inputs[1].reference, 1);
    ck_assert(inputs[2].parameter > 0.98);
    ck_assert_int_eq(inputs[3].aggregate, 0);
    const struct weir_expression *all[] = {expression};
    ck_assert_int_eq(weir_evaluator_create(all, 1, &evaluator, &error), 0);
    ck_assert_int_eq(weir_evaluator_run_numbers(evaluator, 0, (double[]){5, 5, 9, 6}, &result), 0);
    ck_assert(result.values.boolean[0] == 1 && !result.null);
    ck_assert_int_eq(weir_evaluator_run_numbers(evaluator, 0, (double[]){5, NAN, 9, 6}, &result),
                     0);
    ck_assert(result.null && result.null[0]);
    weir_evaluator_destroy(evaluator);
    weir_expression_free(expression);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("expression");
    TCase *tests = tcase_create("expression");
    tcase_add_loop_test(tests, each_answers, 0, sizeof cases / sizeof *cases);
    tcase_add_loop_test(tests, each_fault_has_its_place, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(tests, constants_are_known);
    tcase_add_test(tests, inputs_are_listed_once);
    tcase_add_test(tests, unknown_names_pass_where_fields_are_not_all_known);
    tcase_add_test(tests, nesting_and_length_are_bounded);
    tcase_add_test(tests, rules_are_split);
    tcase_add_test(tests, windows_have_aggregates);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
