// SPDX-License-Identifier: Apache-2.0
#include "consumer/config/config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/config/fake_plugin.h"
#include "consumer/config/load.h"

static struct weir_plugins *plugins;

static void setup(void)
{
    plugins = fake_plugins_create();
}

static void teardown(void)
{
    weir_plugins_destroy(plugins);
}

static struct weir_config *parse(const char *text)
{
    struct weir_config *config = NULL;
    struct weir_problems problems;
    int code = weir_config_parse_with(text, strlen(text), "test.yaml", plugins,
                                      WEIR_CONFIG_WITHOUT_PROFILES, &config, &problems);
    if (code)
        weir_problems_print(&problems, "test.yaml", stderr);
    ck_assert_int_eq(code, 0);
    weir_problems_free(&problems);
    return config;
}

static struct weir_config *load_example(const char *name)
{
    char path[4096];
    struct weir_config *config = NULL;
    struct weir_problems problems;
    const char *source = getenv("WEIR_SOURCE");
    snprintf(path, sizeof path, "%s/config/%s", source ? source : ".", name);
    if (weir_config_load_with(path, plugins, WEIR_CONFIG_WITHOUT_PROFILES, &config, &problems))
        weir_problems_print(&problems, path, stderr);
    ck_assert_ptr_nonnull(config);
    weir_problems_free(&problems);
    return config;
}

START_TEST(the_canonical_example_is_read)
{
    unsetenv("WEIR_INSTANCE");
    unsetenv("KAFKA");
    struct weir_config *config = load_example("payments.yaml");
    ck_assert_str_eq(config->app, "payments-fraud");
    ck_assert_str_eq(config->instance, "");
    ck_assert_int_eq(config->state_dir[0], '/');
    ck_assert_uint_eq(config->kafka.n, 1);
    ck_assert_str_eq(config->kafka.items[0].value, "localhost:9092");
    ck_assert_str_eq(config->consumer.items[0].name, "fetch.max.bytes");
    ck_assert_str_eq(config->registry_url, "http://localhost:8081");
    ck_assert_uint_eq(config->n_streams, 2);

    const struct weir_stream_config *stream = &config->streams[0];
    ck_assert_str_eq(stream->info.name, "transactions");
    ck_assert_str_eq(stream->topic, "payments.features");
    ck_assert_int_eq(stream->format, WEIR_FORMAT_AVRO);
    ck_assert_uint_eq(stream->info.n_fields, 9); // seven, the key and the time
    const struct weir_field *amount = &stream->info.fields[0];
    ck_assert_str_eq(amount->name, "amount");
    ck_assert_int_eq(amount->type, WEIR_TYPE_DOUBLE);
    ck_assert_int_eq(amount->declared, 1);
    ck_assert_str_eq(amount->unit, "USD");
    ck_assert_int_eq(amount->has_range, 1);
    ck_assert_double_eq(amount->high, 50000);
    ck_assert_int_eq(amount->nullable, -1); // as the schema has it
    ck_assert_uint_eq(stream->info.fields[1].n_values, 4);
    ck_assert_int_eq(stream->info.fields[4].role, WEIR_ROLE_MODEL_VERSION);
    ck_assert_str_eq(stream->info.fields[stream->info.key].name, "transaction_id");
    ck_assert_int_eq(stream->info.fields[stream->info.key].role, WEIR_ROLE_KEY);
    ck_assert_str_eq(stream->info.fields[stream->info.time].name, "event_time");
    ck_assert_int_eq(stream->join_to, -1);
    ck_assert_int_eq(stream->max_jump, 86400000);
    ck_assert_int_eq(stream->idle_timeout, 30000);

    ck_assert_int_eq(config->streams[1].join_to, 0);
    ck_assert_int_eq(config->streams[1].join_within, 7 * 86400000LL);
    ck_assert_int_eq(config->streams[1].info.fields[0].nullable, 0);
    ck_assert_int_eq(config->references[0].kind, WEIR_REFERENCE_PROFILE);
    ck_assert_ptr_nonnull(strstr(config->references[0].profile, "/config/profiles/payments.avro"));
    ck_assert_int_eq(config->calibration_last, 30 * 86400000LL);
    ck_assert_double_eq(config->false_alarms.at_most, 1);
    ck_assert_str_eq(config->alerts_topic, "payments.alerts");
    ck_assert_int_eq(config->redact, 1);
    ck_assert_str_eq(config->http_listen, "127.0.0.1:9464");
    ck_assert_int_eq(config->workers, 1);
    ck_assert_int_eq(config->commit_every, 500);
    ck_assert_int_eq(config->limit_memory, 2LL << 30);

    ck_assert_uint_eq(config->n_detectors, 4);
    const struct weir_detector_entry *drift = &config->detectors[1];
    ck_assert_str_eq(drift->name, "input_drift");
    ck_assert_str_eq(drift->plugin->name, "drift");
    ck_assert_int_eq(drift->stream, 0);
    ck_assert_int_eq(drift->references[0], 0);
    ck_assert_int_eq(drift->window.size, 3600000);
    ck_assert_int_eq(drift->window.hop, 3600000);
    ck_assert_int_eq(drift->window.lateness, 30000);
    ck_assert_int_eq(drift->open_after, -1);
    ck_assert_int_eq(drift->repeat, 3600000);
    ck_assert_int_eq(drift->severity, -1);
    ck_assert_ptr_null(drift->fields);
    const struct weir_detector_entry *outages = &config->detectors[3];
    ck_assert_int_eq(outages->window.size, 300000);
    ck_assert_uint_eq(outages->n_by, 1);
    ck_assert_int_eq(outages->by[0][0], 3);
    weir_config_free(config);
}
END_TEST

START_TEST(every_example_is_read)
{
    weir_config_free(load_example("demo.yaml"));
}
END_TEST

static const char replay_only[] =
    "version: 1\n"
    "app: check\n"
    "streams:\n"
    "  rows: {key: id, time: {field: at, unit: s}, fields: {x: , at: {type: int}}}\n"
    "detectors:\n"
    "  d: {type: fake, stream: rows}\n";

START_TEST(a_replay_needs_neither_kafka_nor_registry)
{
    struct weir_config *config = parse(replay_only);
    ck_assert_uint_eq(config->kafka.n, 0);
    ck_assert_ptr_null(config->registry_url);
    ck_assert_ptr_null(config->streams[0].topic);
    ck_assert_int_eq(config->streams[0].time_unit, WEIR_TIME_S);
    ck_assert_int_eq(config->streams[0].info.n_fields, 3);
    ck_assert_int_eq(config->streams[0].info.fields[1].type, WEIR_TYPE_LONG);
    ck_assert_int_eq(config->streams[0].info.fields[1].role, WEIR_ROLE_TIME);
    ck_assert_int_eq(config->streams[0].info.fields[0].role, WEIR_ROLE_FEATURE);
    ck_assert_str_eq(config->alerts_topic, "weir.check.alerts");
    ck_assert_str_eq(config->quarantine_topic, "weir.check.quarantine");
    weir_config_free(config);
}
END_TEST

START_TEST(every_optional_key_is_read)
{
    struct weir_config *config = parse(
        "version: 1\n"
        "app: all\n"
        "kafka: {bootstrap.servers: 'a:1', producer: {linger.ms: 5}}\n"
        "registry: {url: https://r, basic.auth.user.info: 'u:p'}\n"
        "streams:\n"
        "  s:\n"
        "    topic: t\n"
        "    format: json\n"
        "    key: $key\n"
        "    start: latest\n"
        "    on_gap: stop\n"
        "    idle_timeout: 10s\n"
        "    max_jump: 2h\n"
        "    closed: true\n"
        "    gate: {topic: good, quarantine_at_most: 2.5%, over: 1m, beyond: stop}\n"
        "    fields:\n"
        "      route: {type: string, role: slice, length: [1, 20], pattern: '^[a-z]+$'}\n"
        "      country: {type: string, nullable: true, optional: true}\n"
        "      tags.length: {type: long, length: 3}\n"
        "      'tags[]': {type: string}\n"
        "      x: {type: double, range: [-.inf, 5]}\n"
        "references:\n"
        "  prev: {previous: 24}\n"
        "  season: {same_hour: 4w}\n"
        "  fixed: {from: 2026-01-01T00:00:00Z, to: 2026-02-01T00:00:00+01:00}\n"
        "  champion: {model: v41}\n"
        "calibration: {profile: p.avro}\n"
        "alerts: {topic: a, format: avro, redact: false}\n"
        "quarantine: {topic: q}\n"
        "outputs: {review: {topic: r}, windows: {topic: w}, consensus: {topic: c}, exclusions: "
        "{topic: e}}\n"
        "defaults: {window: {size: 10m, hop: 5m, lateness: 1m}, for: 2, resolve_after: 5, repeat: "
        "2h, severity: warning}\n"
        "http: {listen: off}\n"
        "workers: 3\n"
        "commit: {every: 1s, snapshot_every: 1m}\n"
        "limits: {memory: 1GiB, slices: 5, categories: 500}\n"
        "detectors:\n"
        "  d:\n"
        "    type: fake\n"
        "    stream: s\n"
        "    reference: [prev, season, fixed, champion]\n"
        "    by: [route, [route, country]]\n"
        "    fields: [x, route]\n"
        "    window: {records: 5000}\n"
        "    for: 3\n"
        "    severity: critical\n"
        "    runbook: https://wiki/x\n"
        "    minimum: 50\n"
        "    effect: .5\n"
        "    share: 0.1\n"
        "    pause: 1h30m\n"
        "    bytes: 64KiB\n"
        "    strict: true\n"
        "    note: hello\n"
        "    tests: psi\n"
        "    weight: x\n"
        "    rules: one\n"
        "  e: {type: fake, stream: s, reference: prev, window: {lateness: 5s}}\n");
    const struct weir_stream_config *s = &config->streams[0];
    ck_assert_int_eq(s->key_is_kafka, 1);
    ck_assert_int_eq(s->info.key, -1);
    ck_assert_int_eq(s->start, WEIR_START_LATEST);
    ck_assert_int_eq(s->on_gap, WEIR_GAP_STOP);
    ck_assert_str_eq(s->gate.topic, "good");
    ck_assert_double_eq_tol(s->gate.quarantine_at_most, 0.025, 1e-12);
    ck_assert_int_eq(s->gate.beyond_stop, 1);
    ck_assert_int_eq(s->info.fields[0].longest, 20);
    ck_assert_int_eq(s->info.fields[1].nullable, 1);
    ck_assert_int_eq(s->info.fields[2].shortest, 3);
    ck_assert_int_eq(s->info.fields[3].is_list, 1);
    ck_assert(s->info.fields[4].low < -1e300);
    ck_assert_int_eq(config->references[1].same_hour, 28 * 86400000LL);
    ck_assert_int_eq(config->references[2].from, 1767225600000);
    ck_assert_int_eq(config->references[2].to, 1769900400000);
    ck_assert_str_eq(config->references[3].model, "v41");
    ck_assert_ptr_null(config->http_listen);
    ck_assert_str_eq(config->exclusions_topic, "e");
    ck_assert_int_eq(config->workers, 3);
    ck_assert_int_eq(config->limit_memory, 1 << 30);

    const struct weir_detector_entry *d = &config->detectors[0];
    ck_assert_uint_eq(d->n_references, 4);
    ck_assert_uint_eq(d->n_by, 2);
    ck_assert_int_eq(d->by[1][1], 1);
    ck_assert_str_eq(d->by_names[1][1], "country");
    ck_assert_int_eq(d->fields[0], 4);
    ck_assert_int_eq(d->window.records, 5000);
    ck_assert_int_eq(d->window.size, 0);
    ck_assert_int_eq(d->window.lateness, 60000);
    ck_assert_int_eq(d->open_after, 3);
    ck_assert_int_eq(d->resolve_after, 5);
    ck_assert_int_eq(d->severity, WEIR_CRITICAL);
    ck_assert_int_eq(d->options[0].integer, 50);
    ck_assert_double_eq(d->options[1].number, .5);
    ck_assert_double_eq(d->options[2].number, .1);
    ck_assert_int_eq(d->options[3].integer, 5400000);
    ck_assert_int_eq(d->options[4].integer, 65536);
    ck_assert_int_eq(d->options[5].integer, 1);
    ck_assert_str_eq(d->options[6].string, "hello");
    ck_assert_str_eq(d->options[7].string, "psi");
    ck_assert_int_eq(d->options[7].integer, 2);
    ck_assert_int_eq(d->options[8].integer, 4);
    ck_assert_uint_eq(d->options[9].n_strings, 1);

    const struct weir_detector_entry *e = &config->detectors[1];
    ck_assert_int_eq(e->window.size, 600000);
    ck_assert_int_eq(e->window.hop, 300000);
    ck_assert_int_eq(e->window.lateness, 5000);
    ck_assert_int_eq(e->severity, WEIR_WARNING);
    ck_assert_int_eq(e->options[6].set, 0);
    ck_assert_uint_eq(e->options[9].n_strings, 2);
    ck_assert_str_eq(e->options[9].strings[1], "b");
    weir_config_free(config);
}
END_TEST

START_TEST(undeclared_fields_wait_for_the_schema)
{
    struct weir_config *config =
        parse("version: 1\napp: a\nstreams: {s: {fields: {x: {type: double}}}}\n"
              "detectors: {d: {type: fake, stream: s, fields: [y, x], by: z, weight: v}}\n");
    const struct weir_detector_entry *d = &config->detectors[0];
    ck_assert_uint_eq(d->n_fields, 1);
    ck_assert_int_eq(d->fields[0], 0);
    ck_assert_str_eq(d->field_names[0], "y");
    ck_assert_int_eq(d->by[0][0], -1);
    ck_assert_str_eq(d->by_names[0][0], "z");
    ck_assert_int_eq(d->options[8].integer, -1);
    ck_assert_str_eq(d->options[8].string, "v");
    weir_config_free(config);
}
END_TEST

START_TEST(values_come_from_the_environment_and_files)
{
    char path[] = "/tmp/weir-secret-XXXXXX", text[400];
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "hunter2\n", 8), 8);
    close(fd);
    setenv("WEIR_TEST_APP", "from-env", 1);
    snprintf(text, sizeof text,
             "version: 1\napp: ${WEIR_TEST_APP}-${WEIR_TEST_NONE:-x}\n"
             "kafka: {bootstrap.servers: 'h:1', sasl.password: '${file:%s}', client.id: '$${x}'}\n"
             "streams: {s: {topic: t, format: json}}\ndetectors: {}\n",
             path);
    struct weir_config *config = parse(text);
    ck_assert_str_eq(config->app, "from-env-x");
    ck_assert_str_eq(config->kafka.items[1].value, "hunter2");
    ck_assert_str_eq(config->kafka.items[2].value, "${x}");
    weir_config_free(config);
    unlink(path);
}
END_TEST

START_TEST(the_hash_is_of_what_shapes_results)
{
    static const char head[] = "version: 1\napp: a\n";
    static const char body[] = "streams: {s: {fields: {x: {type: double}}}}\n"
                               "detectors: {d: {type: fake, stream: s}}\n";
    char text[4][400];
    uint64_t hashes[4];
    snprintf(text[0], sizeof text[0], "%s%s", head, body);
    snprintf(text[1], sizeof text[1], "# a comment\n%s%sworkers: 2\ninstance: i7\n", head, body);
    snprintf(text[2], sizeof text[2], "%s%sdefaults: {for: 2}\n", head, body);
    snprintf(text[3], sizeof text[3], "%s%slimits: {slices: 7}\n", head, body);
    for (int i = 0; i < 4; i++) {
        struct weir_config *config = parse(text[i]);
        hashes[i] = config->hash;
        weir_config_free(config);
    }
    ck_assert_uint_eq(hashes[0], hashes[1]);
    ck_assert_uint_ne(hashes[0], hashes[2]);
    ck_assert_uint_ne(hashes[0], hashes[3]);
    ck_assert_uint_ne(hashes[2], hashes[3]);
}
END_TEST

// Each allocation fails in turn: always an error that says so, never a leak or a crash.
START_TEST(running_out_of_memory_is_an_error)
{
    long n = 0;
    for (;; n++) {
        struct weir_config *config = NULL;
        struct weir_problems problems = {0};
        struct weir_pool *pool = weir_pool_create(64 << 20);
        pool->fail_after = n;
        int code = weir_config_parse_in(pool, replay_only, sizeof replay_only - 1, "t.yaml",
                                        plugins, 0, &config, &problems);
        if (!code) {
            weir_config_free(config);
            weir_problems_free(&problems);
            break;
        }
        ck_assert_uint_ge(problems.errors, 1);
        ck_assert_ptr_nonnull(strstr(problems.items[0].message, "memory"));
        weir_problems_free(&problems);
    }
    ck_assert_int_gt(n, 50);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *tests = tcase_create("config");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_canonical_example_is_read);
    tcase_add_test(tests, every_example_is_read);
    tcase_add_test(tests, a_replay_needs_neither_kafka_nor_registry);
    tcase_add_test(tests, every_optional_key_is_read);
    tcase_add_test(tests, undeclared_fields_wait_for_the_schema);
    tcase_add_test(tests, values_come_from_the_environment_and_files);
    tcase_add_test(tests, the_hash_is_of_what_shapes_results);
    tcase_add_test(tests, running_out_of_memory_is_an_error);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
