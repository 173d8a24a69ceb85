// SPDX-License-Identifier: Apache-2.0
// Writer schemas that come with new ids: what is found of them, and what is said.
#include "consumer/codec/writer.h"
#include "detectors/schema/record_harness.h"

enum { ID, AMOUNT, LEVEL, AT, OS, FIELDS };
static const struct weir_field fields[FIELDS] = {
    [ID] = {.name = "id", .type = WEIR_TYPE_STRING, .role = WEIR_ROLE_KEY},
    [AMOUNT] = {.name = "amount", .type = WEIR_TYPE_DOUBLE},
    [LEVEL] = {.name = "level", .type = WEIR_TYPE_STRING, .optional = 1},
    [AT] = {.name = "at", .type = WEIR_TYPE_LONG, .role = WEIR_ROLE_TIME},
    [OS] = {.name = "device.os", .type = WEIR_TYPE_STRING, .optional = 1, .nullable = 1},
};
// Below a map, a union of records, a record within itself; of a datum that is no record.
static const struct weir_field deep[] = {{.name = "scores.a", .type = WEIR_TYPE_DOUBLE},
                                         {.name = "either.x", .type = WEIR_TYPE_LONG},
                                         {.name = "n.next.next.v", .type = WEIR_TYPE_LONG},
                                         {.name = "tags[]", .type = WEIR_TYPE_LONG, .is_list = 1},
                                         {.name = "tags.length", .type = WEIR_TYPE_LONG}};
static const struct weir_stream deep_stream = {
    .name = "deep", .fields = deep, .n_fields = 5, .key = -1, .time = -1};
static const struct weir_field one[] = {{.name = "value", .type = WEIR_TYPE_LONG}};
static const struct weir_stream plain = {
    .name = "plain", .fields = one, .n_fields = 1, .key = -1, .time = -1};
static const struct weir_stream stream = {
    .name = "orders", .fields = fields, .n_fields = FIELDS, .key = ID, .time = AT};

static struct weir_option_value options[64];
static struct weir_writer *writers[8];
static int n_writers;

#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define DEFAULT(name, type, value) "{\"name\":\"" name "\",\"type\":" type ",\"default\":" value "}"
#define LEVELS(symbols) "{\"type\":\"enum\",\"name\":\"L\",\"symbols\":[" symbols "]}"
#define MILLIS "{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}"
#define DEVICE                                                                                     \
    "[\"null\",{\"type\":\"record\",\"name\":\"D\",\"fields\":[" FIELD("os", "\"string\"") "]}]"
#define RECORD(list) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" list "]}"
#define FIRST                                                                                      \
    RECORD(FIELD("id", "\"string\"") "," FIELD("amount", "\"double\"") "," DEFAULT(                \
        "level", LEVELS("\"LOW\",\"HIGH\""),                                                       \
        "\"LOW\"") "," FIELD("at", MILLIS) "," FIELD("device", DEVICE))

static uint8_t writer(int32_t id, const char *text)
{
    struct weir_avro_schema *schema;
    ck_assert_msg(!weir_avro_schema_parse(text, strlen(text), &schema, &error), "%s",
                  error.message);
    ck_assert_int_eq(weir_writer_make(id, schema, &writers[n_writers]), 0);
    weir_avro_schema_free(schema);
    return (uint8_t)n_writers++;
}

static void setup(void)
{
    memset(options, 0, sizeof options);
    options[SCHEMA_OPTION_EVOLUTION].integer = 1;
    start(&stream, options);
}

static void teardown(void)
{
    stop();
    while (n_writers)
        weir_writer_free(writers[--n_writers]);
}

// A batch of records written with these schemas; what was said of them.
static const char *see(const uint8_t *places, size_t n)
{
    static const char line[] = "{\"id\":\"a\",\"amount\":1,\"at\":5}";
    weir_builder_writers(builder, (const struct weir_writer *const *)writers);
    weir_builder_begin(builder, "topic", 0);
    for (size_t i = 0; i < n; i++) {
        struct weir_record record = {.offset = next_offset++,
                                     .value = {(const uint8_t *)line, strlen(line)}};
        weir_json_decoder_add(json, &record);
        weir_builder_writer(builder, places[i]);
    }
    *flagged = *said = 0;
    ck_assert_int_eq(
        weir_plugin.edge_observe(edge, weir_builder_finish(builder), &edge_host, &error), 0);
    return said;
}
#define SEE(...) see((const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})

START_TEST(each_change_is_found_once)
{
    uint8_t first = writer(3, FIRST);
    uint8_t gone = writer(
        4, RECORD(FIELD("id", "\"string\"") "," FIELD("at", MILLIS) "," FIELD("device", DEVICE)));
    uint8_t changed =
        writer(5, RECORD(FIELD("id", "\"string\"") "," FIELD("amount", "\"string\"") "," DEFAULT(
                      "level", LEVELS("\"HIGH\",\"NEW\""), "\"NEW\"") "," FIELD("at", "\"long\"")));
    ck_assert_str_eq(SEE(first, first, WEIR_WRITER_NONE, first), "");
    ck_assert_str_eq(flagged, "");
    ck_assert_str_eq(SEE(first, gone, gone, first, gone),
                     "evolution removed amount=1(4);evolution removed level=1(4);"
                     "evolution before=1(3);");
    ck_assert_str_eq(flagged, "evolution=1;");
    ck_assert_str_eq(SEE(gone, first), "");
    // After 4, which lacked them, amount and level are new.
    ck_assert_str_eq(SEE(changed),
                     "evolution type at: timestamp-millis -> long=0(5);"
                     "evolution removed device.os=0(5);"
                     "evolution type amount: double -> string=0(5);evolution before=0(4);");
}
END_TEST

START_TEST(types_nulls_defaults_and_symbols)
{
    uint8_t first = writer(3, FIRST);
    uint8_t second = writer(
        9,
        RECORD(FIELD("id", "\"string\"") "," FIELD("amount", "[\"null\",\"double\"]") "," DEFAULT(
            "level", LEVELS("\"HIGH\",\"NEW\""),
            "\"NEW\"") "," FIELD("at", MILLIS) "," FIELD("device", DEVICE)));
    SEE(first);
    ck_assert_str_eq(SEE(second), "evolution null amount=0(9);"
                                  "evolution default level: \"LOW\" -> \"NEW\"=0(9);"
                                  "evolution symbol level: LOW=0(9);evolution before=0(3);");
}
END_TEST

START_TEST(what_is_compatible_is_not_told)
{
    uint8_t first = writer(3, RECORD(FIELD("id", "\"string\"") "," FIELD(
                                  "amount", "\"int\"") "," FIELD("at", MILLIS)));
    uint8_t wider =
        writer(4, RECORD(FIELD("more", "\"string\"") "," FIELD("amount", "\"double\"") "," FIELD(
                      "at", MILLIS) "," FIELD("id", "\"string\"")));
    uint8_t renamed =
        writer(5, RECORD(FIELD("key", "\"string\"") ",{\"name\":\"sum\",\"type\":\"double\","
                                                    "\"aliases\":[\"total\",\"amount\"]}," FIELD(
                                                        "at", MILLIS)));
    uint8_t older = writer(2, RECORD(FIELD("amount", "\"float\"") "," FIELD("at", MILLIS)));
    ck_assert_str_eq(SEE(first, wider), "");
    ck_assert_str_eq(SEE(renamed), "evolution removed id=0(5);evolution before=0(4);");
    ck_assert_str_eq(SEE(older), ""); // compared with the contract alone: the key is no feature
}
END_TEST

START_TEST(a_first_schema_has_to_fit_the_contract)
{
    uint8_t first = writer(3, RECORD(FIELD("id", "\"string\"") "," FIELD(
                                  "at", "\"string\"") "," FIELD("device", "\"boolean\"")));
    ck_assert_str_eq(SEE(first), "evolution removed amount=0(3);");
    struct weir_rule_detail detail = {"removed amount", 14, 1, 3, 3};
    ck_assert_str_eq(sentence("evolution", 1, &detail, 1),
                     "Records come with writer schema 3, which the contract does not fit: amount "
                     "is not in it. Roll the producer back, or change the contract and the model "
                     "with it");
}
END_TEST

START_TEST(what_may_be_there_is_not_gone)
{
    uint8_t first = writer(
        3,
        RECORD(FIELD("scores", "{\"type\":\"map\",\"values\":\"double\"}") "," FIELD(
            "either",
            "[{\"type\":\"record\",\"name\":\"A\",\"fields\":[" FIELD(
                "x",
                "\"int\"") "]},{\"type\":\"record\",\"name\":\"B\","
                           "\"fields\":[" FIELD(
                               "y",
                               "\"int\"") "]}]") "," FIELD("n",
                                                           "{\"type\":\"record\",\"name\":\"N\","
                                                           "\"fields\":[" FIELD("v", "\"int\"") "," FIELD(
                                                               "next",
                                                               "[\"null\",\"N\"]") "]}") "," FIELD("tags",
                                                                                                   "{\"type\":\"array\",\"items\":\"int\"}")));
    uint8_t number = writer(4, "\"long\"");
    stop();
    start(&deep_stream, options);
    ck_assert_str_eq(SEE(first), "");
    stop();
    start(&plain, options);
    ck_assert_str_eq(SEE(number), "");
}
END_TEST

START_TEST(it_says_what_changed)
{
    static const struct weir_rule_detail details[] = {
        {"before", 6, 2, 3, 3},
        {"default level: \"LOW\" -> \"NEW\"", 0, 2, 7, 7},
        {"null amount", 0, 2, 7, 7},
        {"symbol level: LOW", 0, 2, 7, 7},
        {"type amount: double -> string", 0, 2, 7, 7},
        {"removed device.os", 0, 1, 8, 8}};
    struct weir_rule_count counted = {.size = sizeof counted,
                                      .rule = (unsigned)rule_named("evolution"),
                                      .count = 2,
                                      .rows = 100,
                                      .details = details,
                                      .n_details = 6};
    struct weir_finding finding = {.size = sizeof finding};
    char text[480];
    ck_assert_int_eq(weir_plugin.describe(instance, &counted, &finding, text, sizeof text), 0);
    ck_assert_str_eq(text,
                     "Records come with writer schema 7 to 8, after 3: the default of level is "
                     "\"NEW\", was \"LOW\"; amount may be null; level can no longer be LOW; amount "
                     "is string, was double; and 1 changes more. Roll the producer back, or change "
                     "the contract and the model with it");
    ck_assert_int_eq(finding.severity, WEIR_CRITICAL);
    ck_assert_uint_eq(finding.n_fields, 1);
}
END_TEST

START_TEST(what_was_met_is_state)
{
    uint8_t first = writer(3, FIRST);
    uint8_t second = writer(4, RECORD(FIELD("id", "\"string\"") "," FIELD("at", MILLIS)));
    uint8_t third = writer(6, RECORD(FIELD("id", "\"string\"") "," FIELD(
                                  "amount", "\"double\"") "," FIELD("at", MILLIS)));
    SEE(first, third);
    restart();
    ck_assert_str_eq(SEE(first, third), "");
    ck_assert_str_eq(SEE(second), "evolution removed amount=0(4);"); // older than the newest
    struct weir_buffer out;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_plugin.edge_save(edge, &out), 0);
    for (size_t cut = 0; cut < out.length; cut++) {
        struct weir_reader in = weir_reader_make(out.data, cut);
        ck_assert_int_eq(weir_plugin.edge_restore(edge, weir_plugin.state_version, &in, &error),
                         WEIR_ECORRUPT);
    }
    for (size_t at = 0; at < out.length; at++) {
        struct weir_reader in = weir_reader_make(out.data, out.length);
        out.data[at] ^= 0x55;
        weir_plugin.edge_restore(edge, weir_plugin.state_version, &in, &error);
        SEE(first, second, third);
        out.data[at] ^= 0x55;
    }
    weir_buffer_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schema_evolution");
    TCase *tests = tcase_create("evolution");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, each_change_is_found_once);
    tcase_add_test(tests, types_nulls_defaults_and_symbols);
    tcase_add_test(tests, what_is_compatible_is_not_told);
    tcase_add_test(tests, a_first_schema_has_to_fit_the_contract);
    tcase_add_test(tests, what_may_be_there_is_not_gone);
    tcase_add_test(tests, it_says_what_changed);
    tcase_add_test(tests, what_was_met_is_state);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
