// SPDX-License-Identifier: Apache-2.0
// Against a registry of our own that answers as the test says, well or badly.
#include "consumer/codec/registry.h"

#include <check.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "consumer/codec/avro_decoder.h"
#include "consumer/codec/avro_encode.h"

#define RECORD(fields)                                                                             \
    "{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"R\\\",\\\"fields\\\":[" fields "]}"
#define FIELD(name, type) "{\\\"name\\\":\\\"" name "\\\",\\\"type\\\":\\\"" type "\\\"}"

struct answer {
    const char *path; // after the prefix
    unsigned status;
    const char *body;
};

static const struct answer answers[] = {
    {"/schemas/ids/1", 200, "{\"schema\":\"" RECORD(FIELD("x", "double")) "\"}"},
    {"/schemas/ids/2", 200,
     "{\"schemaType\":\"AVRO\",\"schema\":\"" RECORD(
         FIELD("n", "int") "," FIELD("x", "float")) "\"}"},
    {"/schemas/ids/3", 404, "{\"error_code\":40403,\"message\":\"Schema not found\"}"},
    {"/schemas/ids/4", 404, "<html>no such page</html>"},
    {"/schemas/ids/5", 200, "<html>please log in</html>"},
    {"/schemas/ids/6", 200, "{\"no\":\"schema\"}"},
    {"/schemas/ids/7", 200, "{\"schemaType\":\"PROTOBUF\",\"schema\":\"message R {}\"}"},
    {"/schemas/ids/8", 200, "{\"schema\":\"not json\"}"},
    {"/schemas/ids/9", 302, ""},
    {"/schemas/ids/10", 401, "{\"error_code\":401}"},
    {"/schemas/ids/11", 200,
     "{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"a.Main\\\",\\\"fields\\\":["
     "{\\\"name\\\":\\\"p\\\",\\\"type\\\":\\\"b.Part\\\"},"
     "{\\\"name\\\":\\\"q\\\",\\\"type\\\":[\\\"null\\\",\\\"b.Part\\\"]}]}\","
     "\"references\":[{\"name\":\"b.Part\",\"subject\":\"b/Part\",\"version\":3}]}"},
    {"/subjects/b%2FPart/versions/3", 200,
     "{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"Part\\\",\\\"namespace\\\":"
     "\\\"b\\\","
     "\\\"fields\\\":[{\\\"name\\\":\\\"t\\\",\\\"type\\\":\\\"Tiny\\\"}]}\","
     "\"references\":[{\"name\":\"b.Tiny\",\"subject\":\"tiny\",\"version\":1}]}"},
    {"/subjects/tiny/versions/1", 200,
     "{\"schema\":\"{\\\"type\\\":\\\"enum\\\",\\\"name\\\":\\\"b.Tiny\\\",\\\"symbols\\\":["
     "\\\"A\\\"]}\"}"},
    {"/schemas/ids/12", 200,
     "{\"schema\":\"\\\"Self\\\"\",\"references\":[{\"name\":\"Self\",\"subject\":\"self\","
     "\"version\":1}]}"},
    {"/subjects/self/versions/1", 200,
     "{\"schema\":\"\\\"Self\\\"\",\"references\":[{\"name\":\"Self\",\"subject\":\"self\","
     "\"version\":1}]}"},
    {"/schemas/ids/13", 200, "{\"schema\":\"{\\\"type\\\":\\\"record\\\"}\"}"},
    {"/subjects/payments-value/versions/latest", 200,
     "{\"subject\":\"payments-value\",\"version\":2,\"id\":77,\"schema\":\"\\\"long\\\"\"}"},
    {"/subjects/none-value/versions/latest", 404, "{\"error_code\":40401,\"message\":\"none\"}"},
    {"/subjects/alerts-value/versions", 200, "{\"id\":78}"},
    {"/subjects/old-value/versions", 409, "{\"error_code\":409,\"message\":\"incompatible\"}"},
};

// The registry: answers from the table, or badly while it is `broken`.
static struct MHD_Daemon *server;
static atomic_int requests, broken; // broken: 1 down, 2 nonsense, 3 no schemas yet
static int32_t grace;               // of the next client
static char url[128], huge[(17 << 20) + 1];
static pthread_mutex_t heard = PTHREAD_MUTEX_INITIALIZER; // over what clients sent last:
static char posted[512], authorization[128];

static void hear(char *kept, size_t size, const char *sent, size_t length)
{
    pthread_mutex_lock(&heard);
    snprintf(kept, size, "%.*s", (int)length, sent);
    pthread_mutex_unlock(&heard);
}

static void check_heard(const char *kept, const char *expected)
{
    pthread_mutex_lock(&heard);
    ck_assert_str_eq(kept, expected);
    pthread_mutex_unlock(&heard);
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *body)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Location", "file:///etc/hostname");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result serve(void *context, struct MHD_Connection *connection, const char *path,
                             const char *method, const char *version, const char *upload,
                             size_t *size, void **state)
{
    static int seen;
    (void)context, (void)version, (void)method;
    if (!*state) {
        *state = &seen;
        return MHD_YES;
    }
    if (*size) {
        hear(posted, sizeof posted, upload, *size);
        *size = 0;
        return MHD_YES;
    }
    const char *header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
    hear(authorization, sizeof authorization, header ? header : "", header ? strlen(header) : 0);
    requests++;
    if (broken == 1)
        return answer(connection, 503, "down");
    if (broken == 2)
        return answer(connection, 200, huge);
    if (broken == 3)
        return answer(connection, 404, "{\"error_code\":40403,\"message\":\"Schema not found\"}");
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        if (strncmp(path, "/prefix", 7) == 0 && strcmp(path + 7, answers[i].path) == 0)
            return answer(connection, answers[i].status, answers[i].body);
    }
    return answer(connection, 404, "<html/>");
}

// The path as it was sent: escapes must arrive.
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context, (void)connection;
    return strlen(text);
}

static void start(void)
{
    requests = broken = 0;
    grace = 0;
    server = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, serve, NULL,
                              MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_END);
    ck_assert_ptr_nonnull(server);
    unsigned port = MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT)->port;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/prefix/", port);
}

static void stop(void)
{
    if (server)
        MHD_stop_daemon(server);
    server = NULL;
}

static struct weir_registry *connect_to(void)
{
    struct weir_registry_property properties[] = {{"basic.auth.user.info", "me:secret"},
                                                  {"request.timeout.ms", "3000"}};
    struct weir_registry_options options = {
        .url = url, .properties = properties, .n_properties = 2, .grace_ms = grace};
    struct weir_registry *registry;
    struct weir_error error;
    ck_assert_int_eq(weir_registry_create(&options, &registry, &error), 0);
    return registry;
}

static void sleep_ms(int ms)
{
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&pause, NULL);
}

START_TEST(asks_once)
{
    struct weir_registry *registry = connect_to();
    struct weir_error error;
    const char *first, *again;
    ck_assert_int_eq(weir_registry_schema(registry, 1, &first, &error), 0);
    ck_assert_int_eq(weir_registry_schema(registry, 1, &again, &error), 0);
    ck_assert_ptr_eq(first, again);
    ck_assert_ptr_nonnull(strstr(first, "\"double\""));
    ck_assert_int_eq(requests, 1);
    check_heard(authorization, "Basic bWU6c2VjcmV0");
    weir_registry_destroy(registry);
}
END_TEST

static void *ask_in_thread(void *registry)
{
    struct weir_error error;
    const char *schema;
    return weir_registry_schema(registry, 1, &schema, &error) ? NULL : (void *)(uintptr_t)schema;
}

START_TEST(asks_once_for_many_threads)
{
    struct weir_registry *registry = connect_to();
    pthread_t threads[8];
    void *first = NULL, *schema;
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, ask_in_thread, registry);
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], &schema);
        ck_assert_ptr_nonnull(schema);
        ck_assert(!first || schema == first);
        first = schema;
    }
    ck_assert_int_eq(requests, 1);
    weir_registry_destroy(registry);
}
END_TEST

START_TEST(unknown_only_when_the_registry_says_so)
{
    static const int codes[] = {WEIR_ENOTFOUND, WEIR_EAGAIN, WEIR_EAGAIN, WEIR_EAGAIN, WEIR_EAGAIN,
                                WEIR_EAGAIN,    WEIR_EAGAIN, WEIR_EAGAIN, 0,           WEIR_EAGAIN};
    struct weir_registry *registry = connect_to();
    struct weir_error error;
    const char *schema = NULL;
    int id = 3 + _i;
    ck_assert_int_eq(weir_registry_schema(registry, id, &schema, &error), codes[_i]);
    if (codes[_i]) {
        ck_assert_ptr_null(schema);
        ck_assert_ptr_null(strstr(error.message, "secret"));
        ck_assert_int_eq(error.retriable, codes[_i] == WEIR_EAGAIN);
        int before = requests; // within the pause nobody is asked
        ck_assert_int_eq(weir_registry_schema(registry, id, &schema, &error), codes[_i]);
        ck_assert_int_eq(requests, before);
        ck_assert_uint_eq(weir_registry_errors(registry), codes[_i] == WEIR_EAGAIN);
    }
    weir_registry_destroy(registry);
}
END_TEST

START_TEST(comes_back_after_an_outage)
{
    struct weir_registry *registry = connect_to();
    struct weir_error error;
    const char *schema;
    broken = _i;
    ck_assert_int_eq(weir_registry_schema(registry, 1, &schema, &error), WEIR_EAGAIN);
    ck_assert_int_eq(weir_registry_schema(registry, 2, &schema, &error), WEIR_EAGAIN);
    ck_assert_int_eq(requests, 1); // down for one is down for all
    broken = 0;
    for (int i = 0; i < 100 && weir_registry_schema(registry, 1, &schema, &error); i++)
        sleep_ms(20);
    ck_assert_int_eq(weir_registry_schema(registry, 1, &schema, &error), 0);
    ck_assert_int_eq(weir_registry_schema(registry, 2, &schema, &error), 0);
    ck_assert_int_eq(requests, 3);
    weir_registry_destroy(registry);
}
END_TEST

// The code that asking for the id comes to, other than "wait".
static int ask_until_told(struct weir_registry *registry, int id)
{
    struct weir_error error;
    const char *schema;
    int code = WEIR_EAGAIN;
    for (int i = 0; i < 500 && code == WEIR_EAGAIN; i++) {
        code = weir_registry_schema(registry, id, &schema, &error);
        if (code == WEIR_EAGAIN)
            sleep_ms(10);
    }
    return code;
}

START_TEST(not_believed_when_it_has_just_come_back)
{
    struct weir_registry *registry = connect_to();
    struct weir_error error;
    const char *schema;
    broken = _i;
    ck_assert_int_eq(weir_registry_schema(registry, 1, &schema, &error), WEIR_EAGAIN);
    broken = 3;
    int before = requests;
    while (requests < before + 2) {
        ck_assert_int_eq(weir_registry_schema(registry, 1, &schema, &error), WEIR_EAGAIN);
        sleep_ms(10);
    }
    ck_assert_ptr_nonnull(strstr(error.message, "not found, but it has just come back"));
    ck_assert_int_eq(weir_registry_latest(registry, "payments-value", NULL, NULL, &error),
                     WEIR_EAGAIN);
    broken = 0;
    ck_assert_int_eq(ask_until_told(registry, 1), 0);
    ck_assert_int_eq(weir_registry_latest(registry, "payments-value", NULL, NULL, &error), 0);
    ck_assert_uint_eq(weir_registry_errors(registry), 1); // "there is none" is not a failure
    weir_registry_destroy(registry);
}
END_TEST

START_TEST(believed_after_a_grace)
{
    grace = 300;
    struct weir_registry *registry = connect_to();
    struct weir_error error;
    const char *schema;
    broken = 1;
    ck_assert_int_eq(weir_registry_schema(registry, 3, &schema, &error), WEIR_EAGAIN);
    broken = 0;
    ck_assert_int_eq(ask_until_told(registry, 3), WEIR_ENOTFOUND);
    ck_assert_int_eq(weir_registry_latest(registry, "none-value", NULL, NULL, &error),
                     WEIR_ENOTFOUND);
    weir_registry_destroy(registry);
}
END_TEST

START_TEST(nobody_there)
{
    struct weir_registry *registry = connect_to();
    struct weir_error error;
    const char *schema;
    stop();
    ck_assert_int_eq(weir_registry_schema(registry, 1, &schema, &error), WEIR_EAGAIN);
    ck_assert_int_eq(weir_registry_schema(registry, 1, &schema, &error), WEIR_EAGAIN);
    ck_assert_uint_eq(weir_registry_errors(registry), 1);
    weir_registry_destroy(registry);
}
END_TEST

START_TEST(puts_references_in)
{
    struct weir_registry *registry = connect_to();
    struct weir_schema_fields fields;
    struct weir_error error;
    const char *schema;
    ck_assert_int_eq(weir_registry_schema(registry, 11, &schema, &error), 0);
    ck_assert_int_eq(requests, 3);
    ck_assert_msg(!weir_schema_fields_read(schema, &fields, &error), "%s: %s", error.message,
                  schema);
    ck_assert_uint_eq(fields.n, 2);
    ck_assert_str_eq(fields.fields[0].name, "p.t");
    ck_assert_str_eq(fields.fields[1].name, "q.t");
    weir_schema_fields_free(&fields);
    weir_registry_destroy(registry);
}
END_TEST

START_TEST(subjects)
{
    struct weir_registry *registry = connect_to();
    struct weir_error error;
    const char *schema;
    int32_t id = 0;
    ck_assert_int_eq(weir_registry_latest(registry, "payments-value", &id, &schema, &error), 0);
    ck_assert_int_eq(id, 77);
    ck_assert_str_eq(schema, "\"long\"");
    ck_assert_int_eq(weir_registry_schema(registry, 77, &schema, &error), 0);
    ck_assert_int_eq(requests, 1); // known by now
    ck_assert_int_eq(weir_registry_latest(registry, "none-value", &id, &schema, &error),
                     WEIR_ENOTFOUND);
    ck_assert_int_eq(weir_registry_register(registry, "alerts-value", "\"long\"", &id, &error), 0);
    ck_assert_int_eq(id, 78);
    check_heard(posted, "{\"schema\":\"\\\"long\\\"\"}");
    ck_assert_int_eq(weir_registry_register(registry, "old-value", "\"int\"", &id, &error),
                     WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(error.message, "incompatible"));
    weir_registry_destroy(registry);
}
END_TEST

START_TEST(refuses_options)
{
    static const struct weir_registry_property properties[] = {{"basic.auth", "secret"},
                                                               {"request.timeout.ms", "soon"}};
    static const struct weir_registry_options cases[] = {{"ftp://host", NULL, 0, 0},
                                                         {"http://me:secret@host", NULL, 0, 0},
                                                         {"http://host/?a=b", NULL, 0, 0},
                                                         {"host:8081", NULL, 0, 0},
                                                         {"http://host", &properties[0], 1, 0},
                                                         {"http://host", &properties[1], 1, 0}};
    struct weir_registry *registry;
    struct weir_error error;
    ck_assert_int_eq(weir_registry_create(&cases[_i], &registry, &error), WEIR_EINVAL);
    ck_assert_ptr_null(strstr(error.message, "secret"));
}
END_TEST

// ---- records ----

static const struct weir_field fields[] = {{.name = "x", .type = WEIR_TYPE_DOUBLE},
                                           {.name = "n", .type = WEIR_TYPE_LONG}};
static const struct weir_stream stream = {
    .name = "t", .fields = fields, .n_fields = 2, .key = -1, .time = -1};

static int add(struct weir_avro_decoder *decoder, int32_t id, const void *datum, size_t length)
{
    static uint8_t bytes[16][64]; // as long as the batch
    static int next;
    struct weir_error error;
    uint8_t *at = bytes[next++ % 16];
    uint8_t head[5] = {0, 0, 0, 0, (uint8_t)id};
    memcpy(at, head, 5);
    memcpy(at + 5, datum, length);
    struct weir_record record = {.value = {at, 5 + length}};
    return weir_avro_decoder_add(decoder, &record, NULL, &error);
}

START_TEST(decodes_what_ids_say)
{
    struct weir_decoder_options options = {
        .format = WEIR_FORMAT_AVRO, .builder = {.stream = &stream}, .registry = connect_to()};
    struct weir_builder *builder;
    struct weir_avro_decoder *decoder;
    struct weir_error error;
    double x = 2.5;
    uint8_t second[5] = {0x0e};
    memcpy(second + 1, &(float){1.5f}, 4);
    ck_assert_int_eq(weir_builder_create(&options.builder, &builder, &error), 0);
    ck_assert_int_eq(weir_avro_decoder_create(&options, builder, &decoder, &error), 0);
    weir_builder_begin(builder, "topic", 0);
    ck_assert_int_eq(add(decoder, 1, &x, 8), 0);
    ck_assert_int_eq(add(decoder, 2, second, 5), 0);
    ck_assert_int_eq(add(decoder, 3, &x, 8), 0);
    ck_assert_int_eq(add(decoder, 7, &x, 8), WEIR_EAGAIN);
    ck_assert_int_eq(add(decoder, 13, &x, 8), 0);
    ck_assert_int_eq(add(decoder, 1, &x, 7), 0);
    ck_assert_int_eq(add(decoder, 1, "123456789", 9), 0);
    struct weir_record record = {.value = {(const uint8_t *)"{}", 2}};
    ck_assert_int_eq(weir_avro_decoder_add(decoder, &record, NULL, &error), 0);
    record.value.data = NULL;
    ck_assert_int_eq(weir_avro_decoder_add(decoder, &record, NULL, &error), 0);
    const struct weir_batch *batch = weir_builder_finish(builder);
    static const uint8_t faults[] = {
        WEIR_ROW_GOOD,        WEIR_ROW_GOOD,        WEIR_ROW_UNDECODABLE, WEIR_ROW_UNDECODABLE,
        WEIR_ROW_UNDECODABLE, WEIR_ROW_UNDECODABLE, WEIR_ROW_UNDECODABLE, WEIR_ROW_TOMBSTONE};
    ck_assert_uint_eq(batch->n_rows, 8);
    ck_assert_mem_eq(batch->fault, faults, 8);
    ck_assert_double_eq(batch->columns[0].values.f64[0], 2.5);
    ck_assert_double_eq(batch->columns[0].values.f64[1], 1.5);
    ck_assert_int_eq(batch->columns[1].values.i64[1], 7);
    ck_assert_int_eq(batch->columns[1].state[0], WEIR_STATE_MISSING);
    ck_assert_str_eq(batch->reason[2], "Avro: unknown schema id 3");
    ck_assert_ptr_nonnull(strstr(batch->reason[3], "schema 13"));
    ck_assert_ptr_nonnull(strstr(batch->reason[4], "too early"));
    ck_assert_ptr_nonnull(strstr(batch->reason[5], "left over"));
    weir_avro_decoder_destroy(decoder);
    weir_builder_destroy(builder);
    weir_registry_destroy(options.registry);
}
END_TEST

int main(void)
{
    memset(huge, 'x', sizeof huge - 1);
    Suite *suite = suite_create("registry");
    TCase *tests = tcase_create("registry");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, asks_once);
    tcase_add_test(tests, asks_once_for_many_threads);
    tcase_add_loop_test(tests, unknown_only_when_the_registry_says_so, 0, 10);
    tcase_add_loop_test(tests, comes_back_after_an_outage, 1, 3);
    tcase_add_loop_test(tests, not_believed_when_it_has_just_come_back, 1, 3);
    tcase_add_test(tests, believed_after_a_grace);
    tcase_add_test(tests, nobody_there);
    tcase_add_test(tests, puts_references_in);
    tcase_add_test(tests, subjects);
    tcase_add_loop_test(tests, refuses_options, 0, 6);
    tcase_add_test(tests, decodes_what_ids_say);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
