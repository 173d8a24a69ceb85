// SPDX-License-Identifier: Apache-2.0
// Codecs without memory: creating fails and leaves nothing, a row for which there is none is told
// apart, and afterwards all goes on as if nothing had been.
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "consumer/codec/decoder.h"
#include "consumer/codec/dictionary.h"
#include "stats/buffer.h"
#include "tests/allocation/fail.h"

enum { D, L, B, S, OS, NTAGS, TAGS, N, ROWS = 3, ROW_TEXT = 4096, LONG = 70000 };
static const struct weir_field fields[N] = {
    [D] = {.name = "d", .type = WEIR_TYPE_DOUBLE},
    [L] = {.name = "l", .type = WEIR_TYPE_LONG},
    [B] = {.name = "b", .type = WEIR_TYPE_BOOLEAN},
    [S] = {.name = "s", .type = WEIR_TYPE_STRING},
    [OS] = {.name = "device.os", .type = WEIR_TYPE_STRING},
    [NTAGS] = {.name = "tags.length", .type = WEIR_TYPE_LONG},
    [TAGS] = {.name = "tags[]", .type = WEIR_TYPE_STRING, .is_list = 1},
};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = N, .key = -1, .time = -1};
static const char schema[] =
    "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"x.y\",\"fields\":["
    "{\"name\":\"d\",\"type\":[\"null\",\"double\"],\"default\":null,\"aliases\":[\"dd\"]},"
    "{\"name\":\"l\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}},"
    "{\"name\":\"b\",\"type\":\"boolean\",\"weir.unit\":\"s\"},{\"name\":\"s\",\"type\":\"string\"}"
    ","
    "{\"name\":\"device\",\"type\":{\"type\":\"record\",\"name\":\"Device\",\"fields\":["
    "{\"name\":\"os\",\"type\":{\"type\":\"enum\",\"name\":\"Os\",\"symbols\":[\"a\",\"bc\"]}}]}},"
    "{\"name\":\"tags\",\"type\":{\"type\":\"array\",\"items\":\"string\"}},"
    "{\"name\":\"more\",\"type\":{\"type\":\"map\",\"values\":[\"int\",\"x.y.Device\"]}}]}";
static const uint8_t datum[] = {2, 0, 0, 0,   0, 0,   0, 0xf8, 0x3f, 14,  1, 4, 'h', 'i',
                                2, 4, 2, 'x', 2, 'y', 0, 2,    2,    'k', 0, 6, 0};
static char *long_json; // with escapes, a string of 70,000 bytes and 3,000 elements
static char *long_csv;

struct format {
    enum weir_format format;
    const uint8_t *values[ROWS];
    size_t lengths[ROWS];
    long points; // at least so many allocations in creating
};

static struct weir_decoder *create(const struct format *format, struct weir_fail *fail, int *code)
{
    static const char *const columns[] = {"d", "l", "b", "s", "unknown"};
    struct weir_decoder_options options = {.format = format->format,
                                           .builder = {.stream = &stream, .report_unknown = 1},
                                           .schema = schema,
                                           .csv_columns = columns,
                                           .n_csv_columns = 5};
    struct weir_decoder *const untouched = (struct weir_decoder *)&options, *decoder = untouched;
    struct weir_error error = {0};
    if (fail)
        weir_fail_on(fail);
    *code = weir_decoder_create(&options, &decoder, &error);
    if (fail)
        weir_fail_off(fail);
    if (!*code)
        return decoder;
    ck_assert_ptr_eq(decoder, untouched);
    ck_assert_int_eq(error.code, *code);
    ck_assert_msg(*error.message, "no sentence");
    return NULL;
}

static void put_value(const struct weir_column *column, uint32_t i, struct weir_buffer *out)
{
    weir_buffer_printf(out, "%d:", column->state[i]);
    if (column->state[i] != WEIR_STATE_VALUE)
        return;
    if (column->type == WEIR_TYPE_STRING) {
        const struct weir_string *string = weir_column_string(column, column->values.code[i]);
        weir_buffer_printf(out, "%u,%016" PRIx64 ";", string->length, string->hash);
        ck_assert_uint_eq(string->hash, XXH3_64bits(string->data, string->length));
    } else {
        weir_buffer_printf(out, "%" PRIx64 ";", (uint64_t)column->values.i64[i]);
    }
}

// All that a row says, as text.
static char *row_text(const struct weir_batch *batch, uint32_t row)
{
    struct weir_buffer out;
    size_t length;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    weir_buffer_printf(&out, "%d ", batch->fault[row]);
    for (size_t f = 0; f < N; f++) {
        const struct weir_column *column = &batch->columns[f];
        if (!column->offsets)
            put_value(column, row, &out);
        for (uint32_t i = column->offsets ? column->offsets[row] : 0;
             column->offsets && i < column->offsets[row + 1]; i++)
            put_value(column, i, &out);
    }
    weir_buffer_byte(&out, 0);
    ck_assert(!out.failed);
    return (char *)weir_buffer_take(&out, &length);
}

static const struct weir_batch *decode(struct weir_decoder *decoder, const struct format *format,
                                       struct weir_fail *fail)
{
    struct weir_error error;
    int codes = 0;
    if (fail)
        weir_fail_on(fail);
    weir_decoder_begin(decoder, "topic", 0);
    for (int i = 0; i < ROWS; i++) {
        struct weir_record record = {.offset = i, .value = {format->values[i], format->lengths[i]}};
        codes |= weir_decoder_add(decoder, &record, NULL, &error);
    }
    const struct weir_batch *batch = weir_decoder_finish(decoder);
    if (fail)
        weir_fail_off(fail);
    ck_assert_int_eq(codes, 0);
    ck_assert_uint_eq(batch->n_rows, ROWS);
    return batch;
}

// Each row is what it is with memory, or says that there was none.
static uint32_t check_rows(const struct weir_batch *batch, char *const *expected)
{
    uint32_t lost = 0;
    for (uint32_t row = 0; row < ROWS; row++) {
        char *text = row_text(batch, row);
        if (strcmp(text, expected[row]) != 0) {
            ck_assert_int_eq(batch->fault[row], WEIR_ROW_UNDECODABLE);
            ck_assert_ptr_nonnull(batch->reason);
            ck_assert_msg(strstr(batch->reason[row], "memory is out") ||
                              !strcmp(batch->reason[row], "does not decode"),
                          "%s", batch->reason[row]);
            lost++;
        }
        free(text);
    }
    return lost;
}

static void check_format(const struct format *format)
{
    struct weir_fail fail = {0};
    char *expected[ROWS];
    int code;
    while (weir_fail_next(&fail)) {
        struct weir_decoder *decoder = create(format, &fail, &code);
        ck_assert_int_eq(code, fail.failed ? WEIR_ENOMEM : 0);
        weir_decoder_destroy(decoder);
    }
    ck_assert_int_ge(fail.points, format->points);
    struct weir_decoder *decoder = create(format, NULL, &code);
    const struct weir_batch *batch = decode(decoder, format, NULL);
    for (uint32_t row = 0; row < ROWS; row++)
        expected[row] = row_text(batch, row);
    weir_decoder_destroy(decoder);
    long lost = 0;
    for (fail = (struct weir_fail){0}; weir_fail_next(&fail);) {
        decoder = create(format, NULL, &code);
        uint32_t without = check_rows(decode(decoder, format, &fail), expected);
        ck_assert_msg(fail.failed || !without, "a row is lost without need");
        lost += without;
        ck_assert_uint_eq(check_rows(decode(decoder, format, NULL), expected), 0);
        weir_decoder_destroy(decoder);
    }
    ck_assert_int_ge(fail.points, 4);
    ck_assert_int_ge(lost, 1);
    for (int row = 0; row < ROWS; row++)
        free(expected[row]);
}

#define BYTES(text) ((const uint8_t *)(text))

START_TEST(json)
{
    static const char first[] =
        "{\"d\":1.5,\"l\":7,\"b\":true,\"s\":\"caf\\u00e9\",\"z\":{\"y\":1},"
        "\"device\":{\"os\":\"\\n\",\"ram\":3},\"tags\":[\"a\",\"b\\t\"]}";
    struct format format = {WEIR_FORMAT_JSON,
                            {BYTES(first), BYTES(long_json), BYTES("{\"s\":\"x\"}")},
                            {sizeof first - 1, strlen(long_json), 9},
                            20};
    check_format(&format);
}
END_TEST

START_TEST(csv)
{
    static const char first[] = "1.5,7,true,\"a\"\"b\",x";
    struct format format = {WEIR_FORMAT_CSV,
                            {BYTES(first), BYTES(long_csv), BYTES(",,,x,")},
                            {sizeof first - 1, strlen(long_csv), 5},
                            20};
    check_format(&format);
}
END_TEST

START_TEST(avro)
{
    struct format format = {WEIR_FORMAT_AVRO_PLAIN,
                            {datum, datum, datum},
                            {sizeof datum, sizeof datum, sizeof datum},
                            60};
    check_format(&format);
}
END_TEST

START_TEST(fields_of_a_schema)
{
    struct weir_fail fail = {0};
    while (weir_fail_next(&fail)) {
        struct weir_schema_fields read = {.n = 77};
        struct weir_error error;
        weir_fail_on(&fail);
        int code = weir_schema_fields_read(schema, &read, &error);
        if (weir_fail_off(&fail)) {
            ck_assert_msg(code == WEIR_ENOMEM, "%ld%s: %d: %s", fail.nth, fail.rest ? "..." : "",
                          code, code ? error.message : "");
            ck_assert_uint_eq(read.n, 77);
            continue;
        }
        ck_assert_int_eq(code, 0);
        ck_assert_uint_eq(read.n, 8);
        weir_schema_fields_free(&read);
    }
    ck_assert_int_ge(fail.points, 60);
}
END_TEST

START_TEST(dictionary)
{
    struct weir_fail fail = {0};
    char text[16];
    while (weir_fail_next(&fail)) {
        struct weir_dictionary dictionary;
        uint32_t kept = 0, wrong = 0;
        weir_dictionary_init(&dictionary, 1000, 1 << 20);
        for (int round = 0; round < 2; round++) { // the second time with memory
            if (!round)
                weir_fail_on(&fail);
            for (int i = 0; i < 300; i++) {
                size_t length = (size_t)snprintf(text, sizeof text, "%d", i);
                uint64_t hash = XXH3_64bits(text, length);
                uint32_t code = weir_dictionary_find(&dictionary, text, length, hash);
                if (code != WEIR_DICTIONARY_NONE)
                    continue;
                code = weir_dictionary_insert(&dictionary, text, length, hash);
                wrong += code != WEIR_DICTIONARY_NONE && code != kept;
                wrong += weir_dictionary_find(&dictionary, text, length, hash) != code;
                kept += code != WEIR_DICTIONARY_NONE;
            }
            if (!round)
                ck_assert_int_eq(weir_fail_off(&fail), kept < 300);
        }
        ck_assert_uint_eq(wrong, 0);
        ck_assert_uint_eq(kept, 300);
        weir_dictionary_free(&dictionary);
    }
    ck_assert_int_ge(fail.points, 10);
}
END_TEST

static void make_long(void)
{
    struct weir_buffer text;
    size_t length;
    weir_buffer_init(&text, WEIR_BUFFER_MAXIMUM);
    weir_buffer_printf(&text, "{\"tags\":[\"\"");
    for (int i = 0; i < 3000; i++)
        weir_buffer_printf(&text, ",\"%d\\n\"", i);
    weir_buffer_printf(&text, "],\"s\":\"%0*d\\t\",\"unknown\":\"%0*d\"}", LONG, 1, LONG, 2);
    weir_buffer_byte(&text, 0);
    ck_assert(!text.failed);
    long_json = (char *)weir_buffer_take(&text, &length);
    weir_buffer_init(&text, WEIR_BUFFER_MAXIMUM);
    weir_buffer_printf(&text, "1,2,0,\"\"\"%0*d\",", LONG, 1);
    weir_buffer_byte(&text, 0);
    ck_assert(!text.failed);
    long_csv = (char *)weir_buffer_take(&text, &length);
}

static void free_long(void)
{
    free(long_json);
    free(long_csv);
}

int main(void)
{
    Suite *suite = suite_create("allocation/codec");
    TCase *tests = tcase_create("all");
    weir_fail_libraries();
    tcase_add_checked_fixture(tests, make_long, free_long);
    tcase_add_test(tests, json);
    tcase_add_test(tests, csv);
    tcase_add_test(tests, avro);
    tcase_add_test(tests, fields_of_a_schema);
    tcase_add_test(tests, dictionary);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
