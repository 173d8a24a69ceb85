// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/decoder.h"

#include <check.h>
#include <stdlib.h>

#include "stats/buffer.h"

static const struct weir_field fields[] = {
    {.name = "a", .type = WEIR_TYPE_LONG},
    {.name = "s", .type = WEIR_TYPE_STRING},
};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = 2, .key = -1, .time = -1};
static const char *const columns[] = {"s", "a"};
static struct weir_buffer datum;

static const struct weir_batch *decode(struct weir_decoder *decoder, struct weir_span value,
                                       size_t *consumed)
{
    struct weir_record good = {7, 8, {NULL, 0}, value}, tombstone = {9, 10, {NULL, 0}, {NULL, 0}},
                       bad = {11, 12, {NULL, 0}, {(const uint8_t *)"\"{", 2}};
    struct weir_error error;
    weir_decoder_begin(decoder, "topic", 2);
    ck_assert_int_eq(weir_decoder_add(decoder, &good, consumed, &error), 0);
    ck_assert_int_eq(weir_decoder_add(decoder, &tombstone, NULL, &error), 0);
    ck_assert_int_eq(weir_decoder_add(decoder, &bad, NULL, &error), 0);
    ck_assert_uint_eq(weir_decoder_rows(decoder), 3);
    return weir_decoder_finish(decoder);
}

static void check_format(enum weir_format format, const char *schema, struct weir_span value)
{
    struct weir_decoder_options options = {.format = format,
                                           .builder = {.stream = &stream},
                                           .schema = schema,
                                           .csv_columns = columns,
                                           .n_csv_columns = 2};
    struct weir_decoder *decoder = NULL;
    struct weir_error error;
    size_t consumed = 0;
    int code = weir_decoder_create(&options, &decoder, &error);
    ck_assert_msg(code == 0, "%s", error.message);
    const struct weir_batch *batch = decode(decoder, value, &consumed);
    ck_assert_uint_eq(consumed, value.length);
    ck_assert_int_eq(batch->partition, 2);
    ck_assert_int_eq(batch->offset[1], 9);
    ck_assert_int_eq(batch->timestamp[2], 12);
    ck_assert_uint_eq(batch->fault[0], WEIR_ROW_GOOD);
    ck_assert_uint_eq(batch->fault[1], WEIR_ROW_TOMBSTONE);
    ck_assert_uint_eq(batch->fault[2], WEIR_ROW_UNDECODABLE);
    ck_assert_ptr_nonnull(batch->reason[2]);
    ck_assert_int_eq(batch->columns[0].values.i64[0], 42);
    const struct weir_column *text = &batch->columns[1];
    ck_assert_uint_eq(text->state[0], WEIR_STATE_VALUE);
    ck_assert_mem_eq(weir_column_string(text, text->values.code[0])->data, "x", 1);
    weir_decoder_destroy(decoder);
}

START_TEST(each_format)
{
    static const char json[] = "{\"a\":42,\"s\":\"x\"}", csv[] = "x,42";
    check_format(WEIR_FORMAT_JSON, NULL,
                 (struct weir_span){(const uint8_t *)json, sizeof json - 1});
    check_format(WEIR_FORMAT_CSV, NULL, (struct weir_span){(const uint8_t *)csv, sizeof csv - 1});
    weir_buffer_init(&datum, 100);
    weir_put_long(&datum, 42);
    weir_put_string(&datum, "x");
    check_format(WEIR_FORMAT_AVRO_PLAIN,
                 "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":"
                 "\"long\"},{\"name\":\"s\",\"type\":\"string\"}]}",
                 (struct weir_span){datum.data, datum.length});
    weir_buffer_free(&datum);
}
END_TEST

START_TEST(what_cannot_be_created)
{
    struct weir_decoder_options options = {.format = WEIR_FORMAT_CSV,
                                           .builder = {.stream = &stream}};
    struct weir_decoder *decoder = NULL;
    struct weir_error error;
    ck_assert_int_eq(weir_decoder_create(&options, &decoder, &error), WEIR_EINVAL);
    options.format = WEIR_FORMAT_AVRO; // without a registry
    ck_assert_int_eq(weir_decoder_create(&options, &decoder, &error), WEIR_EINVAL);
    options.format = WEIR_FORMAT_AVRO_PLAIN;
    options.schema = "{nonsense";
    ck_assert_int_eq(weir_decoder_create(&options, &decoder, &error), WEIR_EINVAL);
    ck_assert_ptr_null(decoder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decoder");
    TCase *tcase = tcase_create("decoder");
    tcase_add_test(tcase, each_format);
    tcase_add_test(tcase, what_cannot_be_created);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
