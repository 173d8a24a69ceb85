// SPDX-License-Identifier: Apache-2.0
// Record checks beyond types and bounds: where their records go, decimals, words nearly right,
// event times, repeated keys.
#include "detectors/schema/record_harness.h"

enum { ID, AMOUNT, COUNTRY, TIME, FIELDS };
static const char *const countries[] = {"US", "DE", "JPN", "sweden"};
static const struct weir_field fields[FIELDS] = {
    [ID] = {.name = "id", .type = WEIR_TYPE_STRING, .optional = 1, .nullable = 1},
    [AMOUNT] = {.name = "amount", .type = WEIR_TYPE_DOUBLE, .optional = 1, .nullable = 1},
    [COUNTRY] = {.name = "country",
                 .type = WEIR_TYPE_STRING,
                 .optional = 1,
                 .values = countries,
                 .n_values = 4},
    [TIME] = {.name = "time", .type = WEIR_TYPE_LONG, .role = WEIR_ROLE_TIME},
};
static const struct weir_field_more cents = {.precision = 2};
static const struct weir_field_more *const more[FIELDS] = {[AMOUNT] = &cents};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = FIELDS, .key = ID, .time = TIME, .more = more};
static const struct weir_stream no_key = {
    .name = "s", .fields = fields, .n_fields = FIELDS, .key = -1, .time = TIME};

static struct weir_option_value options[64];

static void clear(void)
{
    memset(options, 0, sizeof options);
}

static unsigned flags_of(const char *name)
{
    return rules.flags[rule_named(name)];
}

static void set_strings(int option, const char *const *texts, size_t n)
{
    options[option] = (struct weir_option_value){.set = 1, .strings = texts, .n_strings = n};
}

START_TEST(each_rule_has_its_way)
{
    set_strings(SCHEMA_OPTION_ONLY_ALERT, (const char *const[]){"type", "null:country"}, 2);
    set_strings(SCHEMA_OPTION_ONLY_QUARANTINE, (const char *const[]){"values:country", "pattern"},
                2);
    start(&no_key, options);
    ck_assert_str_eq(complained, "");
    ck_assert_uint_eq(flags_of("type:amount"), 0);
    ck_assert_uint_eq(flags_of("type:id"), 0);
    ck_assert_uint_eq(flags_of("values:country"), WEIR_RULE_QUARANTINE | WEIR_RULE_SILENT);
    ck_assert_uint_eq(flags_of("nan:amount"), WEIR_RULE_QUARANTINE);
    stop();
}
END_TEST

START_TEST(what_names_no_rule_is_refused)
{
    set_strings(SCHEMA_OPTION_ONLY_ALERT, (const char *const[]){"tpye", "type:amuont", "type"}, 3);
    set_strings(SCHEMA_OPTION_ONLY_QUARANTINE, (const char *const[]){"type:amount", "zebra"}, 2);
    ck_assert_int_eq(create(&stream, options, 0), WEIR_EINVAL);
    ck_assert_str_eq(
        complained, "error only_quarantine[0]@0: type:amount is in only_alert too: leave it out of "
                    "both for an alert and the quarantine\n"
                    "error only_alert[0]@0: there is no rule tpye; did you mean type?\n"
                    "error only_alert[1]@0: there is no rule type:amuont; did you mean "
                    "type:amount?\n"
                    "error only_quarantine[1]@0: there is no rule zebra: see `weir detectors "
                    "schema`\n");
}
END_TEST

START_TEST(decimals)
{
    start(&stream, options);
    ck_assert_str_eq(OBSERVE("{\"amount\":1.25,\"time\":5}", "{\"amount\":0.07,\"time\":5}",
                             "{\"amount\":-1234567.89,\"time\":5}", "{\"amount\":null,\"time\":5}",
                             "{\"amount\":1e300,\"time\":5}", "{\"amount\":1.10,\"time\":5}",
                             "{\"amount\":NaN,\"time\":5}", "{\"amount\":-Infinity,\"time\":5}",
                             "{\"amount\":0.30000000000000004,\"time\":5}",
                             "{\"amount\":90071992547409.93,\"time\":5}",
                             "{\"amount\":0.10000000149011612,\"time\":5}", // 0.1f
                             "{\"amount\":12345.669921875,\"time\":5}"),    // 12345.67f
                     "nan:amount=6,7;");
    ck_assert_str_eq(OBSERVE("{\"amount\":1.255,\"time\":5}", "{\"amount\":0.001,\"time\":5}",
                             "{\"amount\":1,\"time\":5}", "{\"amount\":1e-300,\"time\":5}",
                             "{\"amount\":-123456.789,\"time\":5}",
                             "{\"amount\":0.125,\"time\":5}"),
                     "precision:amount=0,1,3,4,5;");
    ck_assert_str_eq(sentence("precision:amount", 12, NULL, 0),
                     "amount: 12 of 10,240 records have more than 2 decimals; look upstream for "
                     "rounding that was lost, or another unit");
    stop();
}
END_TEST

// A column is looked at some values at a time, and what is left over one by one.
START_TEST(an_odd_value_at_any_place)
{
    static const char *const odd[] = {"NaN", "Infinity", "-Infinity"};
    enum { MOST = 11 };
    start(&stream, options);
    for (int n = 1; n <= MOST; n++) {
        for (int at = -1; at < n; at++) {
            char text[MOST][48], expected[32] = "";
            const char *lines[MOST + 1] = {0};
            for (int i = 0; i < n; i++) {
                snprintf(text[i], sizeof text[i], "{\"amount\":%s,\"time\":5}",
                         i == at ? odd[(n + at) % 3] : "0.25");
                lines[i] = text[i];
            }
            if (at >= 0)
                snprintf(expected, sizeof expected, "nan:amount=%d;", at);
            ck_assert_str_eq(observe(lines, NULL), expected);
        }
    }
    stop();
}
END_TEST

START_TEST(words_nearly_right)
{
    start(&stream, options);
    struct weir_rule_detail details[] = {{"us", 2, 312, NAN, NAN},
                                         {"Swedn", 5, 60, NAN, NAN},
                                         {"UK", 2, 49, NAN, NAN},
                                         {"zzz", 3, 1, NAN, NAN}};
    ck_assert_str_eq(
        sentence("values:country", 422, details, 4),
        "country: 422 of 10,240 records have a value that is none of US, DE, JPN, "
        "sweden: \"us\" (312; US is meant?), \"Swedn\" (60; sweden is meant?), \"UK\" "
        "(49); if they are right, add them, and see that the model knows them; else look upstream");
    stop();
    // Without leave to show what a single record may have.
    options[SCHEMA_OPTION_QUARANTINE].set = 1;
    ck_assert_int_eq(create(&stream, options, 1), 0);
    ck_assert_str_eq(
        sentence("values:country", 422, details, 4),
        "country: 422 of 10,240 records have a value that is none of US, DE, JPN, "
        "sweden: \"us\" (312; US is meant?), \"Swedn\" (60; sweden is meant?); if they are right, "
        "add them, and see that the model knows them; else look upstream");
    ck_assert_str_eq(sentence("values:country", 50, details + 2, 2),
                     "country: 50 of 10,240 records have a value that is none of US, DE, JPN, "
                     "sweden; if they are right, add them, and see that the model knows them; else "
                     "look upstream");
    details[2] = (struct weir_rule_detail){"SWEDEN", 6, 49, NAN, NAN};
    ck_assert_str_eq(sentence("values:country", 50, details + 2, 2),
                     "country: 50 of 10,240 records have a value that is none of US, DE, JPN, "
                     "sweden: some are all but sweden; if they are right, add them, and see that "
                     "the model knows them; else look upstream");
    weir_plugin.destroy(instance);
}
END_TEST

START_TEST(times_against_the_timestamp)
{
    options[SCHEMA_OPTION_FUTURE].integer = 300000;
    options[SCHEMA_OPTION_TOO_LATE].integer = 3600000;
    start(&stream, options);
    static const char *const lines[] = {"{\"time\":1000000000000}", "{\"time\":1000000300000}",
                                        "{\"time\":1000000300001}", "{\"time\":999996400000}",
                                        "{\"time\":999996399999}",  "{\"time\":null}",
                                        "{\"time\":5000000000000}", "",
                                        "{\"time\":5000000000000}", NULL};
    int64_t at = 1000000000000;
    const int64_t timestamps[] = {at, at, at, at, at, at, at, at, -1};
    ck_assert_str_eq(observe(lines, timestamps), "time=5;time:future=2,6;time:too_late=4;");
    ck_assert_str_eq(sentence("time:future", 3, NULL, 0),
                     "3 of 10,240 records have an event time more than 5 min ahead of their Kafka "
                     "timestamp: a clock or a unit is wrong");
    ck_assert_str_eq(sentence("time:too_late", 3, NULL, 0),
                     "3 of 10,240 records came more than 1 h after their event time; look at what "
                     "holds them back: a queue, a retry, a backfill");
    stop();
}
END_TEST

START_TEST(order_within_a_partition)
{
    options[SCHEMA_OPTION_OUT_OF_ORDER].integer = 1000;
    start(&stream, options);
    ck_assert_str_eq(OBSERVE("{\"time\":10000}", "{\"time\":9000}", "{\"time\":8999}"),
                     "time:out_of_order=2;");
    restart();
    ck_assert_str_eq(OBSERVE("{\"time\":8999}", "{\"time\":20000}", "{\"time\":\"x\"}"),
                     "time=2;time:out_of_order=0;");
    stop();
}
END_TEST

// The future, by mistake, does not make all others late.
START_TEST(a_time_ahead_of_its_timestamp_orders_nothing)
{
    options[SCHEMA_OPTION_OUT_OF_ORDER].integer = 1000;
    start(&stream, options);
    static const char *const lines[] = {"{\"time\":10000}", "{\"time\":90000000000}",
                                        "{\"time\":10001}", NULL};
    ck_assert_str_eq(observe(lines, (const int64_t[]){10000, 10000, 10001}), "");
    stop();
}
END_TEST

#define AT(id, time) "{\"id\":\"" id "\",\"time\":" #time "}"

START_TEST(keys_that_come_again)
{
    options[SCHEMA_OPTION_DUPLICATES].integer = 60000;
    options[SCHEMA_OPTION_DUPLICATE_KEYS].integer = 1000;
    start(&stream, options);
    ck_assert_str_eq(OBSERVE(AT("a", 1000), AT("b", 2000), AT("a", 61000), "{\"time\":5}", "",
                             "{\"id\":null,\"time\":5}", "{\"time\":5}", AT("b", 62001)),
                     "duplicate=2;");
    ck_assert_str_eq(OBSERVE(AT("a", 121000)), "duplicate=0;"); // the last time counts
    restart();
    ck_assert_str_eq(OBSERVE(AT("b", 122001), AT("a", 181001), AT("c", 181001), AT("c", 122000)),
                     "duplicate=0,3;");
    ck_assert_str_eq(sentence("duplicate", 312, NULL, 0),
                     "312 of 10,240 records repeat the id of one in the last 1 min: they were sent "
                     "twice; look for retries without idempotence, or a replay");
    stop();
}
END_TEST

// Whatever the batches, restores and limits.
START_TEST(the_same_keys_are_seen_in_any_batch)
{
    static char lines[600][64];
    char all[2][4096] = {"", ""};
    options[SCHEMA_OPTION_DUPLICATES].integer = 10000;
    options[SCHEMA_OPTION_DUPLICATE_KEYS].integer = 100;
    for (int run = 0; run < 2; run++) {
        uint32_t random = 7;
        start(&stream, options);
        for (int i = 0; i < 600; i++) {
            random = random * 1664525 + 1013904223;
            int late = (random >> 20) % 7 == 0 ? 3000 : 0;
            snprintf(lines[i], sizeof lines[i], "{\"id\":\"k%u\",\"time\":%d}", random >> 24,
                     100000 + i * 40 - late);
        }
        for (int i = 0; i < 600;) {
            int n = run ? 1 + i % 13 : 600;
            const char *batch[601] = {0};
            for (int k = 0; k < n && i + k < 600; k++)
                batch[k] = lines[i + k];
            observe(batch, NULL);
            for (char *row = strpbrk(flagged, "=,"); row; row = strpbrk(row + 1, "=,"))
                snprintf(all[run] + strlen(all[run]), sizeof all[run] - strlen(all[run]), "%d ",
                         i + atoi(row + 1));
            i += n;
            if (run)
                restart();
        }
        ck_assert_uint_gt(limited, 0);
        stop();
    }
    ck_assert_uint_gt(strlen(all[0]), 100);
    ck_assert_str_eq(all[0], all[1]);
}
END_TEST

START_TEST(state_that_is_cut_or_garbage_is_refused)
{
    options[SCHEMA_OPTION_DUPLICATES].integer = 60000;
    options[SCHEMA_OPTION_DUPLICATE_KEYS].integer = 1000;
    start(&stream, options);
    OBSERVE(AT("a", 1000), AT("b", 2000), AT("c", 2000));
    struct weir_buffer out;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_plugin.edge_save(edge, &out), 0);
    for (size_t n = 0; n < out.length; n++) {
        struct weir_reader in = weir_reader_make(out.data, n);
        ck_assert_int_eq(weir_plugin.edge_restore(edge, weir_plugin.state_version, &in, &error),
                         WEIR_ECORRUPT);
    }
    uint32_t random = 1;
    for (int i = 0; i < 20000; i++) {
        random = random * 1664525 + 1013904223;
        uint8_t kept = out.data[random % out.length];
        out.data[random % out.length] = (uint8_t)(random >> 24);
        struct weir_reader in = weir_reader_make(out.data, out.length);
        if (!weir_plugin.edge_restore(edge, weir_plugin.state_version, &in, &error))
            OBSERVE(AT("a", 3000), AT("d", 253402300799999));
        out.data[random % out.length] = kept;
    }
    // What earlier versions wrote: nothing.
    struct weir_reader in = weir_reader_make(NULL, 0);
    ck_assert_int_eq(weir_plugin.edge_restore(edge, 2, &in, &error), 0);
    weir_buffer_free(&out);
    stop();
}
END_TEST

// ---- integers written as floats

static const struct weir_field whole_fields[] = {
    {.name = "n", .type = WEIR_TYPE_LONG, .optional = 1, .nullable = 1},
    {.name = "x", .type = WEIR_TYPE_DOUBLE, .optional = 1},
    {.name = "t[]", .type = WEIR_TYPE_LONG, .is_list = 1},
    {.name = "time", .type = WEIR_TYPE_LONG, .role = WEIR_ROLE_TIME, .optional = 1},
};
static const struct weir_stream whole = {
    .name = "s", .fields = whole_fields, .n_fields = 4, .key = -1, .time = 3};

static void plain_ones(int n, int64_t time)
{
    char line[64];
    const char *lines[251] = {0};
    snprintf(line, sizeof line, "{\"n\":3,\"x\":1.0,\"t\":[2.0],\"time\":%lld}", (long long)time);
    for (int i = 0; i < 250; i++)
        lines[i] = line;
    for (int i = 0; i < n; i += 250)
        ck_assert_str_eq(observe(lines, NULL), "");
}

static const char *one_at(const char *n, int64_t time)
{
    char line[64];
    snprintf(line, sizeof line, "{\"n\":%s,\"time\":%lld}", n, (long long)time);
    return OBSERVE(line);
}

static void look_for_floats(const char *how)
{
    options[SCHEMA_OPTION_INTEGER_FLOATS] = (struct weir_option_value){.set = 1, .string = how};
    start(&whole, options);
}

START_TEST(integers_that_become_floats)
{
    look_for_floats("alert");
    ck_assert_uint_eq(flags_of("float:n"), 0);
    ck_assert_uint_eq(flags_of("type:n"), WEIR_RULE_QUARANTINE);
    plain_ones(1000, 86400000);
    ck_assert_str_eq(OBSERVE("{\"n\":3}", "{\"n\":3.0}", "{\"n\":-4e2}", "{\"n\":3.5}",
                             "{\"n\":null}", "{\"n\":3.0,\"n\":", "{\"n\":0.0}"),
                     "undecodable=5;time=0,1,2,3,4,6;type:n=3;float:n=1,2,6;");
    ck_assert_str_eq(sentence("float:n", 1024, NULL, 0),
                     "n: 1,024 of 10,240 records have an integer written as a float (3.0), as it "
                     "never was before: weir reads it, stricter readers do not; look at the "
                     "producer's last release: a column with a null becomes one of floats in "
                     "pandas");
    stop();
}
END_TEST

START_TEST(integers_as_floats_are_told_for_a_day)
{
    int64_t day = 86400000;
    look_for_floats("alert");
    plain_ones(750, day);
    restart();
    plain_ones(250, day);
    ck_assert_str_eq(one_at("5.0", 2 * day), "float:n=0;");
    ck_assert_str_eq(one_at("5.0", 3 * day - 1), "float:n=0;");
    restart();
    ck_assert_str_eq(one_at("5.0", 3 * day), ""); // it has become usual
    ck_assert_str_eq(one_at("5.0", 4 * day), "");
    ck_assert_str_eq(one_at("5.0", 5 * day + 1), "float:n=0;"); // after more than a day without
    stop();
}
END_TEST

START_TEST(integers_that_were_floats_before)
{
    look_for_floats("alert");
    plain_ones(750, 1);
    ck_assert_str_eq(one_at("5.0", 1), "");
    plain_ones(2000, 1);
    ck_assert_str_eq(one_at("5.0", 1), "");
    stop();
    look_for_floats("error");
    ck_assert_uint_eq(flags_of("float:n"), WEIR_RULE_QUARANTINE);
    ck_assert_str_eq(one_at("5.0", 1), "float:n=0;");
    ck_assert_str_eq(sentence("float:n", 10, NULL, 0),
                     "n: 10 of 10,240 records have an integer written as a float (3.0); look at "
                     "the producer's last release: a column with a null becomes one of floats in "
                     "pandas");
    stop();
    look_for_floats("false");
    ck_assert_str_eq(one_at("5.0", 1), "");
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("record");
    TCase *tcase = tcase_create("record");
    tcase_add_checked_fixture(tcase, clear, NULL);
    tcase_add_test(tcase, each_rule_has_its_way);
    tcase_add_test(tcase, what_names_no_rule_is_refused);
    tcase_add_test(tcase, decimals);
    tcase_add_test(tcase, an_odd_value_at_any_place);
    tcase_add_test(tcase, words_nearly_right);
    tcase_add_test(tcase, times_against_the_timestamp);
    tcase_add_test(tcase, order_within_a_partition);
    tcase_add_test(tcase, a_time_ahead_of_its_timestamp_orders_nothing);
    tcase_add_test(tcase, keys_that_come_again);
    tcase_add_test(tcase, the_same_keys_are_seen_in_any_batch);
    tcase_add_test(tcase, state_that_is_cut_or_garbage_is_refused);
    tcase_add_test(tcase, integers_that_become_floats);
    tcase_add_test(tcase, integers_as_floats_are_told_for_a_day);
    tcase_add_test(tcase, integers_that_were_floats_before);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
