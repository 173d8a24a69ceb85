// SPDX-License-Identifier: Apache-2.0
#include "consumer/log/log.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Standard error goes to a file from here on; each test has a process of its own.
static FILE *capture(void)
{
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
    return file;
}

static void read_back(FILE *file, char *out, size_t size)
{
    rewind(file);
    out[fread(out, 1, size - 1, file)] = 0;
}

START_TEST(test_logfmt)
{
    char text[2048];
    FILE *file = capture();
    errno = ENOENT;
    weir_log(WEIR_LOG_INFO, "source", "said \"%s\" [%d]\n\tback\\slash \xff", "hi", 3);
    weir_log(WEIR_LOG_DEBUG, "source", "not this");
    ck_assert_int_eq(errno, ENOENT);
    read_back(file, text, sizeof text);
    ck_assert_int_eq(strncmp(text, "time=20", 7), 0);
    const char *level = strstr(text, " level=info");
    ck_assert_ptr_nonnull(level);
    ck_assert_int_eq(level[-1], 'Z');
    ck_assert_str_eq(level, " level=info part=source msg=\"said \\\"hi\\\" [3]\\n\\u0009"
                            "back\\\\slash \xef\xbf\xbd\"\n");
    fclose(file);
}
END_TEST

START_TEST(test_json)
{
    char text[2048];
    setenv("WEIR_LOG_FORMAT", "json", 1);
    setenv("WEIR_LOG", "debug", 1);
    FILE *file = capture();
    weir_log(WEIR_LOG_DEBUG, "alert", "\"quoted\" \x01 %s", "\xe2\x82\xac");
    read_back(file, text, sizeof text);
    json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(line);
    ck_assert_str_eq(json_string_value(json_object_get(line, "level")), "debug");
    ck_assert_str_eq(json_string_value(json_object_get(line, "part")), "alert");
    ck_assert_str_eq(json_string_value(json_object_get(line, "msg")),
                     "\"quoted\" \x01 \xe2\x82\xac");
    json_decref(line);
    fclose(file);
}
END_TEST

static const struct {
    const char *text, *masked;
} masks[] = {
    {"nothing to hide", "nothing to hide"},
    {"sasl.password=hunter2 next", "sasl.password=*** next"},
    {"ssl.key.password: \"hunter2\", other", "ssl.key.password: \"***\", other"},
    {"Password = hunter2", "Password = ***"},
    {"basic.auth.user.info=me:hunter2;x", "basic.auth.user.info=***;x"},
    {"Authorization: Basic aGk6aG8= rest", "Authorization: *** rest"},
    {"GET http://me:hunter2@host:8081/x", "GET http://***@host:8081/x"},
    {"GET http://host:8081/a@b", "GET http://host:8081/a@b"},
    {"a password is wanted", "a password is wanted"},
    {"tokens=5", "tokens=5"},
    {"://", "://"},
    {"password=", "password=***"},
};

START_TEST(test_mask)
{
    char out[256];
    weir_log_mask(out, sizeof out, masks[_i].text);
    ck_assert_str_eq(out, masks[_i].masked);
    // never beyond the buffer, whatever its size
    for (size_t size = 1; size < 12; size++) {
        memset(out, 'x', sizeof out);
        weir_log_mask(out, size, masks[_i].text);
        ck_assert_uint_lt(strlen(out), size);
        ck_assert_int_eq(out[size], 'x');
    }
}
END_TEST

START_TEST(test_kafka)
{
    static const char *const expected[] = {"error",   "error", "error", "error",
                                           "warning", "info",  "info",  "debug"};
    char text[4096], word[32];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    FILE *file = capture();
    rd_kafka_conf_set_log_cb(conf, weir_log_kafka); // its type is right
    rd_kafka_conf_destroy(conf);
    weir_log_set_level(WEIR_LOG_DEBUG);
    for (int level = 0; level < 8; level++)
        weir_log_kafka(NULL, level, "FAIL", "connection to broker failed, sasl.password=hunter2");
    read_back(file, text, sizeof text);
    const char *at = text;
    for (int level = 0; level < 8; level++) {
        snprintf(word, sizeof word, " level=%s ", expected[level]);
        at = strstr(at, " level=");
        ck_assert_int_eq(strncmp(at, word, strlen(word)), 0);
        at++;
    }
    ck_assert_ptr_null(strstr(text, "hunter2"));
    ck_assert_ptr_nonnull(strstr(text, "msg=\"FAIL: connection to broker failed"));
    fclose(file);
}
END_TEST

enum { THREADS = 4, LINES = 200 };

static void *write_lines(void *context)
{
    char message[512];
    memset(message, 'a' + *(int *)context, sizeof message - 1);
    message[sizeof message - 1] = 0;
    for (int i = 0; i < LINES; i++)
        weir_log(WEIR_LOG_INFO, "thread", "%s", message);
    return NULL;
}

// Lines of several threads are whole.
START_TEST(test_threads)
{
    pthread_t threads[THREADS];
    int numbers[THREADS], lines = 0;
    char line[1024];
    FILE *file = capture();
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_lines, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    rewind(file);
    while (fgets(line, sizeof line, file)) {
        const char *message = strstr(line, "msg=\"");
        ck_assert_ptr_nonnull(message);
        message += 5;
        ck_assert_uint_eq(strspn(message, (char[]){message[0], 0}), 511);
        lines++;
    }
    ck_assert_int_eq(lines, THREADS * LINES);
    fclose(file);
}
END_TEST

START_TEST(test_long)
{
    char text[16384], *message = malloc(100001);
    memset(message, 'x', 100000);
    message[100000] = 0;
    FILE *file = capture();
    weir_log(WEIR_LOG_ERROR, "long", "%s", message);
    read_back(file, text, sizeof text);
    ck_assert_uint_lt(strlen(text), 4300);
    ck_assert_str_eq(text + strlen(text) - 2, "\"\n");
    free(message);
    fclose(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *log = tcase_create("log");
    tcase_add_test(log, test_logfmt);
    tcase_add_test(log, test_json);
    tcase_add_loop_test(log, test_mask, 0, sizeof masks / sizeof *masks);
    tcase_add_test(log, test_kafka);
    tcase_add_test(log, test_threads);
    tcase_add_test(log, test_long);
    suite_add_tcase(suite, log);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
