// SPDX-License-Identifier: Apache-2.0
// Avro without memory: container files read and written, canonical forms, joined schemas, and the
// registry's client.
#include <check.h>
#include <microhttpd.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "consumer/codec/avro_container.h"
#include "consumer/codec/avro_decoder.h"
#include "consumer/codec/avro_encode.h"
#include "consumer/codec/avro_schema.h"
#include "consumer/codec/registry.h"
#include "tests/allocation/fail.h"

enum { OBJECTS = 40 };
static const char schema[] =
    "{\"type\":\"record\",\"name\":\"a.R\",\"aliases\":[\"Q\"],\"fields\":["
    "{\"name\":\"x\",\"type\":[\"null\",\"double\"],\"aliases\":[\"old\"]},"
    "{\"name\":\"s\",\"type\":\"string\"},"
    "{\"name\":\"l\",\"type\":{\"type\":\"array\",\"items\":\"long\"}},"
    "{\"name\":\"p\",\"type\":{\"type\":\"record\",\"name\":\"P\",\"fields\":["
    "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}}]}}]}";
static const struct weir_field fields[] = {{.name = "x", .type = WEIR_TYPE_DOUBLE},
                                           {.name = "s", .type = WEIR_TYPE_STRING},
                                           {.name = "p.e", .type = WEIR_TYPE_STRING}};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = 3, .key = -1, .time = -1};

static void put_datum(struct weir_buffer *out, int i)
{
    char text[32];
    snprintf(text, sizeof text, "string-%d", i);
    weir_avro_put_optional_double(out, i);
    weir_put_string(out, text);
    weir_avro_put_elements(out, 2);
    weir_put_long(out, i);
    weir_put_long(out, 1 << 20);
    weir_avro_put_end(out);
    weir_avro_put_branch(out, i % 2);
}

// ---- container files ----

static int write_some(void *context, const void *data, size_t length, struct weir_error *error)
{
    return weir_buffer_append(context, data, length)
               ? weir_error_set(error, WEIR_ENOMEM, "no memory for a file")
               : 0;
}

static int write_file(struct weir_avro_writer *writer, const struct weir_buffer *datum, int again,
                      struct weir_error *error)
{
    int code = 0;
    for (int i = 0; i < OBJECTS && !code; i++) {
        do
            code = weir_avro_writer_append(writer, datum->data, datum->length, error);
        while (code && again--);
    }
    if (!code && (code = weir_avro_writer_flush(writer, error)) && again-- > 0)
        code = weir_avro_writer_flush(writer, error);
    return code;
}

// After a failed append or flush the same one succeeds, and the file is whole.
static void check_writer(enum weir_avro_codec codec)
{
    static const struct weir_avro_metadata metadata[] = {{"key", "value"}};
    struct weir_fail fail = {0};
    struct weir_buffer datum, expected, out;
    struct weir_avro_writer_options options = {.schema = schema,
                                               .codec = codec,
                                               .block_bytes = 200,
                                               .metadata = metadata,
                                               .n_metadata = 1,
                                               .write = write_some,
                                               .context = &expected};
    struct weir_avro_writer *writer;
    struct weir_error error;
    weir_buffer_init(&datum, 1000);
    put_datum(&datum, 3);
    weir_buffer_init(&expected, 1 << 20);
    ck_assert_int_eq(weir_avro_writer_create(&options, &writer, &error), 0);
    ck_assert_int_eq(write_file(writer, &datum, 0, &error), 0);
    weir_avro_writer_destroy(writer);
    weir_buffer_init(&out, 1 << 20);
    ck_assert_int_eq(weir_buffer_reserve(&out, expected.length), 0); // the file's own room
    options.context = &out;
    while (weir_fail_next(&fail)) {
        weir_buffer_reset(&out);
        writer = NULL;
        weir_fail_on(&fail);
        int code = weir_avro_writer_create(&options, &writer, &error);
        if (weir_fail_off(&fail)) {
            ck_assert_int_eq(code, WEIR_ENOMEM);
            ck_assert_ptr_null(writer);
            continue;
        }
        weir_avro_writer_destroy(writer);
    }
    ck_assert_int_ge(fail.points, 4);
    for (fail = (struct weir_fail){0}; weir_fail_next(&fail);) {
        weir_buffer_reset(&out);
        ck_assert_int_eq(weir_avro_writer_create(&options, &writer, &error), 0);
        weir_fail_on(&fail);
        int code = write_file(writer, &datum, fail.rest ? 0 : 1, &error);
        weir_fail_off(&fail);
        ck_assert_int_eq(code, fail.failed && fail.rest ? WEIR_ENOMEM : 0);
        if (!code) {
            ck_assert_uint_eq(out.length, expected.length);
            ck_assert_mem_eq(out.data, expected.data, out.length);
        }
        weir_avro_writer_destroy(writer);
    }
    ck_assert_int_ge(fail.points, codec == WEIR_AVRO_DEFLATE ? 4 : 2);
    weir_buffer_free(&datum);
    weir_buffer_free(&expected);
    weir_buffer_free(&out);
}

START_TEST(writer)
{
    check_writer(_i ? WEIR_AVRO_DEFLATE : WEIR_AVRO_NULL);
}
END_TEST

struct source {
    const struct weir_buffer *bytes;
    size_t at;
};

static long read_some(void *context, void *data, size_t size, struct weir_error *error)
{
    struct source *source = context;
    size_t n = source->bytes->length - source->at;
    (void)error;
    n = n < size ? n : size;
    memcpy(data, source->bytes->data + source->at, n);
    source->at += n;
    return (long)n;
}

static void make_file(struct weir_buffer *file, const char *codec)
{
    static const uint8_t sync[16] = {1, 2, 3};
    struct weir_buffer block;
    weir_buffer_init(&block, 1 << 20);
    weir_buffer_init(file, 1 << 20);
    for (int i = 0; i < OBJECTS; i++)
        put_datum(&block, i);
    weir_buffer_append(file, "Obj\1", 4);
    weir_put_long(file, 2);
    weir_put_string(file, "avro.schema");
    weir_put_string(file, schema);
    weir_put_string(file, "avro.codec");
    weir_put_string(file, codec);
    weir_put_long(file, 0);
    weir_buffer_append(file, sync, 16);
    for (int i = 0; i < 3; i++) {
        uint8_t packed[8192];
        size_t length = sizeof packed - 4;
        weir_put_long(file, OBJECTS);
        if (!strcmp(codec, "snappy")) {
            ck_assert_int_eq(
                snappy_compress((char *)block.data, block.length, (char *)packed, &length), 0);
            uint32_t sum = (uint32_t)crc32_z(0, block.data, block.length);
            for (int k = 0; k < 4; k++)
                packed[length++] = (uint8_t)(sum >> (24 - 8 * k));
            weir_put_bytes(file, packed, length);
        } else {
            weir_put_bytes(file, block.data, block.length);
        }
        weir_buffer_append(file, sync, 16);
    }
    ck_assert(!file->failed);
    weir_buffer_free(&block);
}

// Rows that were given, and how many of them were whole.
static int read_rows(struct weir_avro_container *container, int *rows, int *good,
                     struct weir_error *error)
{
    struct weir_builder_options options = {.stream = &stream, .report_unknown = 1};
    const struct weir_batch *batch;
    int code = weir_avro_container_start(container, &options, error);
    *rows = *good = 0;
    while (!code && (code = weir_avro_container_next(container, 64, &batch, error)) == 1) {
        code = 0;
        *rows += (int)batch->n_rows;
        for (uint32_t i = 0; i < batch->n_rows; i++)
            *good += batch->fault[i] == WEIR_ROW_GOOD &&
                     batch->columns[0].values.f64[i] == (double)(batch->offset[i] % OBJECTS) &&
                     batch->columns[1].state[i] == WEIR_STATE_VALUE;
        if (!batch->n_rows)
            break;
        continue;
    }
    return code;
}

static void check_container(const char *codec, int streamed)
{
    struct weir_fail fail = {0};
    struct weir_buffer file;
    struct weir_error error;
    long opened = 0, in_rows = 0;
    make_file(&file, codec);
    while (weir_fail_next(&fail)) {
        struct weir_avro_container *container = NULL;
        struct source source = {&file, 0};
        struct weir_avro_input input = {&source, read_some};
        int rows = 0, good = 0;
        weir_fail_on(&fail);
        int code = streamed ? weir_avro_container_open(&input, "f", &container, &error)
                            : weir_avro_container_open_memory(file.data, file.length, "f",
                                                              &container, &error);
        int open_failed = code;
        if (!code)
            code = read_rows(container, &rows, &good, &error);
        weir_fail_off(&fail);
        ck_assert_int_eq(open_failed != 0, container == NULL);
        opened += open_failed != 0;
        in_rows += !open_failed && fail.failed;
        if (!fail.failed)
            ck_assert_int_eq(code, 0);
        // Either the file ended early with an error, or a row said that it had no memory.
        ck_assert_msg(code == WEIR_ENOMEM || (!code && rows == 3 * OBJECTS), "%d", code);
        ck_assert_int_le(good, rows);
        if (!fail.failed)
            ck_assert_int_eq(good, 3 * OBJECTS);
        weir_avro_container_close(container);
    }
    ck_assert_int_ge(opened, 8);
    ck_assert_int_ge(in_rows, 60);
    weir_buffer_free(&file);
}

START_TEST(container)
{
    check_container(_i & 1 ? "snappy" : "null", _i & 2);
}
END_TEST

// A start without memory leaves the container as it was.
START_TEST(container_starts_again)
{
    struct weir_fail fail = {0};
    struct weir_builder_options options = {.stream = &stream};
    struct weir_avro_container *one;
    struct weir_buffer file;
    struct weir_error error;
    int rows, good;
    make_file(&file, "null");
    while (weir_fail_next(&fail)) {
        ck_assert_int_eq(weir_avro_container_open_memory(file.data, file.length, "f", &one, &error),
                         0);
        weir_fail_on(&fail);
        int code = weir_avro_container_start(one, &options, &error);
        if (weir_fail_off(&fail)) {
            ck_assert_int_eq(code, WEIR_ENOMEM);
            ck_assert_int_eq(read_rows(one, &rows, &good, &error), 0);
            ck_assert_int_eq(good, 3 * OBJECTS);
        }
        weir_avro_container_close(one);
    }
    ck_assert_int_ge(fail.points, 50);
    weir_buffer_free(&file);
}
END_TEST

// ---- schemas ----

START_TEST(canonical_form)
{
    struct weir_fail fail = {0};
    struct weir_avro_schema *parsed;
    struct weir_error error;
    uint64_t expected, got;
    ck_assert_int_eq(weir_avro_schema_parse(schema, strlen(schema), &parsed, &error), 0);
    ck_assert_int_eq(weir_avro_schema_fingerprint(parsed, &expected), 0);
    while (weir_fail_next(&fail)) {
        got = 1;
        weir_fail_on(&fail);
        int code = weir_avro_fingerprint(schema, &got, &error);
        weir_fail_off(&fail);
        ck_assert_int_eq(code, fail.failed ? WEIR_ENOMEM : 0);
        ck_assert_uint_eq(got, fail.failed ? 1 : expected);
    }
    ck_assert_int_ge(fail.points, 50);
    weir_avro_schema_free(parsed);
}
END_TEST

START_TEST(joined)
{
    static const char *const references[] = {
        "{\"type\":\"enum\",\"name\":\"b.Tiny\",\"symbols\":[\"A\"]}",
        "{\"type\":\"record\",\"name\":\"b.Part\",\"fields\":["
        "{\"name\":\"t\",\"type\":[\"null\",\"Tiny\"]},"
        "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"Tiny\"}}]}"};
    static const char text[] =
        "{\"type\":\"record\",\"name\":\"a.Main\",\"fields\":[{\"name\":\"p\",\"type\":\"b.Part\"},"
        "{\"name\":\"q\",\"type\":{\"type\":\"array\",\"items\":\"b.Part\"}},"
        "{\"name\":\"r\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}}]}";
    struct weir_fail fail = {0};
    struct weir_error error;
    char *expected, *out;
    ck_assert_int_eq(weir_avro_schema_join(text, references, 2, &expected, &error), 0);
    while (weir_fail_next(&fail)) {
        out = NULL;
        weir_fail_on(&fail);
        int code = weir_avro_schema_join(text, references, 2, &out, &error);
        if (weir_fail_off(&fail)) {
            ck_assert_msg(code == WEIR_ENOMEM, "%ld: %d: %s", fail.nth, code,
                          code ? error.message : out);
            ck_assert_ptr_null(out);
            continue;
        }
        ck_assert_int_eq(code, 0);
        ck_assert_str_eq(out, expected);
        free(out);
    }
    ck_assert_int_ge(fail.points, 50);
    free(expected);
}
END_TEST

// ---- the registry ----

static struct MHD_Daemon *server;
static char url[64];

static enum MHD_Result serve(void *context, struct MHD_Connection *connection, const char *path,
                             const char *method, const char *version, const char *upload,
                             size_t *size, void **state)
{
    static const char simple[] = "{\"id\":7,\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":"
                                 "\\\"R\\\",\\\"fields\\\":[{\\\"name\\\":\\\"x\\\",\\\"type\\\":"
                                 "\\\"double\\\"}]}\"}";
    static const char referring[] =
        "{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"M\\\",\\\"fields\\\":["
        "{\\\"name\\\":\\\"r\\\",\\\"type\\\":\\\"R\\\"}]}\",\"references\":["
        "{\"name\":\"R\",\"subject\":\"r\",\"version\":1}]}";
    static int seen;
    (void)context, (void)method, (void)version, (void)upload;
    if (!*state || *size) {
        *state = &seen;
        *size = 0;
        return MHD_YES;
    }
    const char *body = strstr(path, "/ids/2") ? referring : simple;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return result;
}

static void start(void)
{
    server = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, serve, NULL,
                              MHD_OPTION_END);
    ck_assert_ptr_nonnull(server);
    snprintf(url, sizeof url, "http://127.0.0.1:%u",
             MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT)->port);
}

static void stop(void)
{
    MHD_stop_daemon(server);
}

static int create(struct weir_registry **registry, struct weir_error *error)
{
    static const struct weir_registry_property properties[] = {
        {"basic.auth.user.info", "me:secret"}, {"ssl.ca.location", "/nowhere"}};
    struct weir_registry_options options = {
        .url = url, .properties = properties, .n_properties = 2};
    return weir_registry_create(&options, registry, error);
}

static int ask(struct weir_registry *registry, int what, int32_t *id, const char **text,
               struct weir_error *error)
{
    return what == 0   ? weir_registry_schema(registry, 1, text, error)
           : what == 1 ? weir_registry_schema(registry, 2, text, error)
           : what == 2 ? weir_registry_latest(registry, "topic-value", id, text, error)
                       : weir_registry_register(registry, "topic-value", "\"long\"", id, error);
}

START_TEST(registry_is_created)
{
    struct weir_fail fail = {0};
    struct weir_error error;
    while (weir_fail_next(&fail)) {
        struct weir_registry *registry = NULL;
        weir_fail_on(&fail);
        int code = create(&registry, &error);
        weir_fail_off(&fail);
        ck_assert_int_eq(code, fail.failed ? WEIR_ENOMEM : 0);
        ck_assert_int_eq(registry != NULL, !fail.failed);
        weir_registry_destroy(registry);
    }
    ck_assert_int_ge(fail.points, 8);
}
END_TEST

// Never "there is no such schema", or "refused": those would be believed.
START_TEST(registry_is_asked)
{
    struct weir_fail fail = {0};
    struct weir_error error;
    long none = 0;
    while (weir_fail_next(&fail)) {
        struct weir_registry *registry;
        const char *text = NULL;
        int32_t id = -1;
        ck_assert_int_eq(create(&registry, &error), 0);
        weir_fail_on(&fail);
        int code = ask(registry, _i, &id, &text, &error);
        weir_fail_off(&fail);
        ck_assert_msg(!code || (fail.failed && (code == WEIR_ENOMEM || code == WEIR_EAGAIN)),
                      "%ld: %d: %s", fail.nth, code, error.message);
        none += code == WEIR_ENOMEM;
        ck_assert(!code || (!text && id == -1));
        ck_assert(code || _i == 3 || text);
        if (code && _i >= 2) // nothing is remembered of what failed
            ck_assert_int_eq(ask(registry, _i, &id, &text, &error), 0);
        weir_registry_destroy(registry);
    }
    ck_assert_int_ge(fail.points, 50);
    ck_assert_int_ge(none, 5);
}
END_TEST

// A record whose schema could not be had for want of memory is no bad record.
START_TEST(records_by_id)
{
    static const uint8_t bytes[13] = {0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f};
    struct weir_fail fail = {0};
    struct weir_record record = {.value = {bytes, sizeof bytes}};
    struct weir_decoder_options options = {.format = WEIR_FORMAT_AVRO,
                                           .builder = {.stream = &stream}};
    const char *text;
    struct weir_error error;
    ck_assert_int_eq(create(&options.registry, &error), 0);
    ck_assert_int_eq(weir_registry_schema(options.registry, 1, &text, &error), 0);
    while (weir_fail_next(&fail)) {
        struct weir_decoder *decoder;
        ck_assert_int_eq(weir_decoder_create(&options, &decoder, &error), 0);
        weir_decoder_begin(decoder, "t", 0);
        weir_fail_on(&fail);
        int code = weir_decoder_add(decoder, &record, NULL, &error);
        if (weir_fail_off(&fail)) {
            ck_assert_int_eq(code, WEIR_ENOMEM);
            ck_assert_uint_eq(weir_decoder_rows(decoder), 0);
            code = weir_decoder_add(decoder, &record, NULL, &error);
        }
        ck_assert_int_eq(code, 0);
        const struct weir_batch *batch = weir_decoder_finish(decoder);
        ck_assert_uint_eq(batch->n_rows, 1);
        ck_assert_uint_eq(batch->fault[0], WEIR_ROW_GOOD);
        ck_assert_double_eq(batch->columns[0].values.f64[0], 1);
        weir_decoder_destroy(decoder);
    }
    ck_assert_int_ge(fail.points, 15);
    weir_registry_destroy(options.registry);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("allocation/avro");
    TCase *files = tcase_create("files"), *registry = tcase_create("registry");
    weir_fail_libraries();
    tcase_add_loop_test(files, writer, 0, 2);
    tcase_add_loop_test(files, container, 0, 4);
    tcase_add_test(files, container_starts_again);
    tcase_add_test(files, canonical_form);
    tcase_add_test(files, joined);
    suite_add_tcase(suite, files);
    tcase_add_checked_fixture(registry, start, stop);
    tcase_add_test(registry, registry_is_created);
    tcase_add_loop_test(registry, registry_is_asked, 0, 4);
    tcase_add_test(registry, records_by_id);
    suite_add_tcase(suite, registry);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
