// SPDX-License-Identifier: Apache-2.0
// `weir alerts` on the embedded broker.
#include <check.h>
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/alert/alert.h"
#include "consumer/cli/cli.h"

static rd_kafka_t *producer;
static rd_kafka_mock_cluster_t *cluster;
static char folder[] = "/tmp/weir-alerts-XXXXXX", config[64], output[64], errors[64];
static char out[65536], err[65536]; // what the command printed

static void write_config(const char *bootstrap)
{
    FILE *file = fopen(config, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file,
            "version: 1\napp: test\nkafka: {bootstrap.servers: \"%s\"}\n"
            "streams: {transactions: {topic: in, format: json, fields: {a: {type: double}}}}\n"
            "alerts: {topic: alerts}\n",
            bootstrap);
    fclose(file);
}

static void send_text(const char *key, const char *value)
{
    ck_assert_int_eq(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC("alerts"),
                                       RD_KAFKA_V_KEY((void *)key, strlen(key)),
                                       RD_KAFKA_V_VALUE((void *)value, strlen(value)),
                                       RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void send_alert(const char *fingerprint, enum weir_alert_status status,
                       enum weir_severity severity, int64_t at)
{
    struct weir_buffer json;
    struct weir_alert alert = {
        .id = "01",
        .sequence = 1,
        .status = status,
        .app = "test",
        .detector = "contract",
        .detector_type = "schema",
        .stream = "transactions",
        .finding = {.rule = "range:a",
                    .kind = "schema.range",
                    .severity = severity,
                    .share = .1,
                    .summary = "a is \"out\" of\nrange \x1b[31m"},
        .opened_at = at,
        .updated_at = at,
        .resolved_at = status == WEIR_ALERT_RESOLVED ? at : -1,
    };
    snprintf(alert.fingerprint, sizeof alert.fingerprint, "%s", fingerprint);
    weir_buffer_init(&json, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_alert_json(&alert, &json), 0);
    weir_buffer_byte(&json, 0);
    send_text(fingerprint, (const char *)json.data);
    weir_buffer_free(&json);
}

static void setup(void)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(config, sizeof config, "%s/weir.yaml", folder);
    snprintf(output, sizeof output, "%s/out", folder);
    snprintf(errors, sizeof errors, "%s/err", folder);
    setenv("TZ", "UTC", 1);
    setenv("WEIR_LOG", "error", 1);
    rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", why, sizeof why);
    rd_kafka_conf_set(conf, "log_level", "3", why, sizeof why);
    rd_kafka_conf_set(conf, "linger.ms", "0", why, sizeof why);
    producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    ck_assert_ptr_nonnull(producer);
    cluster = rd_kafka_handle_mock_cluster(producer);
    ck_assert_int_eq(rd_kafka_mock_topic_create(cluster, "alerts", 2, 1), 0);
    write_config(rd_kafka_mock_cluster_bootstraps(cluster));
    send_alert("aa", WEIR_ALERT_OPEN, WEIR_WARNING, 1767229200000);
    send_text("dd", "this is no alert");
    send_alert("bb", WEIR_ALERT_OPEN, WEIR_CRITICAL, 1767229200000);
    ck_assert_int_eq(rd_kafka_flush(producer, 10000), 0);
    send_alert("aa", WEIR_ALERT_RESOLVED, WEIR_WARNING, 1767232800000);
    send_alert("cc", WEIR_ALERT_OPEN, WEIR_INFO, 1767232800000);
    ck_assert_int_eq(rd_kafka_flush(producer, 10000), 0);
}

static void teardown(void)
{
    rd_kafka_destroy(producer);
    unlink(config);
    unlink(output);
    unlink(errors);
    rmdir(folder);
}

static void read_file(const char *path, char text[65536])
{
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    size_t length = fread(text, 1, 65535, file);
    ck_assert_uint_lt(length, 65535);
    text[length] = 0;
    fclose(file);
}

// What is written to `stream` goes into the file at `path`. Returns the stream's own file.
static int redirect(int stream, const char *path)
{
    int own = dup(stream), file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    ck_assert_int_ge(file, 0);
    dup2(file, stream);
    close(file);
    return own;
}

static void restore(int stream, int own)
{
    dup2(own, stream);
    close(own);
}

static int alerts(const char *one, const char *two)
{
    char *argv[] = {"weir",      "alerts", "-c", config, one ? (char *)one : "--until-end",
                    (char *)two, NULL};
    int argc = two ? 6 : 5;
    fflush(stdout);
    int own_out = redirect(1, output), own_err = redirect(2, errors);
    int code = weir_cli_main(argc, argv);
    fflush(stdout);
    restore(1, own_out);
    restore(2, own_err);
    read_file(output, out);
    read_file(errors, err);
    return code;
}

static int lines(const char *text)
{
    int n = 0;
    for (; (text = strchr(text, '\n')); text++)
        n++;
    return n;
}

START_TEST(test_lines)
{
    ck_assert_int_eq(alerts(NULL, NULL), WEIR_EXIT_DONE);
    ck_assert_int_eq(lines(out), 4);
    ck_assert_ptr_nonnull(strstr(out, "2026-01-01 01:00:00  OPEN      warning   schema.range      "
                                      "  transactions/contract  a is \"out\" of range  [31m\n"));
    ck_assert_ptr_nonnull(strstr(out, "2026-01-01 02:00:00  RESOLVED  warning "));
    ck_assert_ptr_null(strchr(out, '\x1b'));
    ck_assert_str_eq(err, "weir: 1 message on alerts is no alert event\n");
}
END_TEST

START_TEST(test_severity)
{
    ck_assert_int_eq(alerts("--until-end", "--severity=critical"), WEIR_EXIT_DONE);
    ck_assert_int_eq(lines(out), 1);
    ck_assert_int_eq(alerts("--until-end", "--severity=grave"), WEIR_EXIT_USAGE);
    ck_assert_ptr_nonnull(strstr(err, "--severity grave"));
}
END_TEST

START_TEST(test_json)
{
    ck_assert_int_eq(alerts("--until-end", "--json"), WEIR_EXIT_DONE);
    ck_assert_int_eq(lines(out), 4);
    ck_assert_ptr_nonnull(strstr(out, "\"provisional\":false,\"share\":0.1,\"window\":{"));
    ck_assert_ptr_nonnull(strstr(out, "a is \\\"out\\\" of\\nrange \\u001b[31m"));
}
END_TEST

START_TEST(test_open)
{
    ck_assert_int_eq(alerts("--open", NULL), WEIR_EXIT_DONE);
    ck_assert_int_eq(lines(out), 2);
    ck_assert_ptr_nonnull(strstr(out, "01:00:00  OPEN      critical"));
    ck_assert_ptr_nonnull(strstr(out, "02:00:00  OPEN      info"));
}
END_TEST

START_TEST(test_faults)
{
    write_config("127.0.0.1:1");
    char *argv[] = {"weir", "alerts"};
    ck_assert_int_eq(weir_cli_main(2, argv), WEIR_EXIT_USAGE);
    FILE *file = fopen(config, "w");
    fputs("version: 1\nnonsense: 2\n", file);
    fclose(file);
    ck_assert_int_eq(alerts(NULL, NULL), WEIR_EXIT_USAGE);
    ck_assert_ptr_nonnull(strstr(err, "weir.yaml:2:1: error:"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("alerts");
    TCase *command = tcase_create("alerts");
    tcase_add_checked_fixture(command, setup, teardown);
    tcase_add_test(command, test_lines);
    tcase_add_test(command, test_severity);
    tcase_add_test(command, test_json);
    tcase_add_test(command, test_open);
    tcase_add_test(command, test_faults);
    suite_add_tcase(suite, command);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
