// SPDX-License-Identifier: Apache-2.0
#include "consumer/generate/generate.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/generate/incidents.h"

static struct weir_generate_options options_of(double weeks, double rate)
{
    struct weir_generate_options options;
    weir_generate_defaults(&options);
    options.weeks = weeks;
    options.rate = rate;
    return options;
}

static struct weir_generate *opened(const struct weir_generate_options *options)
{
    struct weir_error error = {0};
    struct weir_generate *generate = weir_generate_open(options, &error);
    ck_assert_msg(generate != NULL, "%s", error.message);
    return generate;
}

// FNV-1a over every record.
static uint64_t digest(const struct weir_generate_options *options)
{
    struct weir_generate *generate = opened(options);
    struct weir_generate_record record;
    uint64_t hash = 14695981039346656037u;
    while (weir_generate_next(generate, &record, NULL) == 1) {
        for (size_t i = 0; i <= record.value_length; i++)
            hash = (hash ^ (unsigned char)record.value[i]) * 1099511628211u;
    }
    weir_generate_close(generate);
    return hash;
}

static json_t *parse(const struct weir_generate_record *record)
{
    // Jansson has no NaN; the value's place is what is looked at here.
    char text[1024];
    ck_assert_uint_lt(record->value_length, sizeof text);
    memcpy(text, record->value, record->value_length + 1);
    char *nan = strstr(text, ":NaN");
    if (nan)
        memcpy(nan, ":-1 ", 4);
    json_error_t error;
    json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(value != NULL, "%s in %s", error.text, record->value);
    return value;
}

START_TEST(the_same_seed_gives_the_same_bytes)
{
    struct weir_generate_options options = options_of(1, 30), other = options;
    other.seed = 2;
    ck_assert_uint_eq(digest(&options), digest(&options));
    ck_assert_uint_ne(digest(&options), digest(&other));
}
END_TEST

START_TEST(records_come_in_time_order_and_parse)
{
    struct weir_generate_options options = options_of(4, 30);
    options.partitions = 4;
    struct weir_generate *generate = opened(&options);
    struct weir_generate_record record;
    int64_t last = 0, rows[2] = {0, 0}, by_partition[4] = {0};
    while (weir_generate_next(generate, &record, NULL) == 1) {
        ck_assert_int_ge(record.timestamp_ms, last);
        ck_assert_int_lt(record.timestamp_ms, weir_generate_end(generate));
        ck_assert_int_eq(record.row, rows[record.stream]);
        last = record.timestamp_ms;
        rows[record.stream]++;
        by_partition[record.partition]++;
        json_t *value = parse(&record);
        ck_assert_str_eq(json_string_value(json_object_get(value, "transaction_id")), record.key);
        ck_assert_uint_eq(strlen(record.value), record.value_length);
        json_decref(value);
    }
    // 4 x 168 x 30 transactions, less an outage; of some of them three labels.
    ck_assert_int_gt(rows[0], 19000);
    ck_assert_int_lt(rows[0], 21200);
    ck_assert_int_gt(rows[1], rows[0] / 10);
    ck_assert_int_lt(rows[1], rows[0]);
    for (int i = 0; i < 4; i++)
        ck_assert_int_gt(by_partition[i], (rows[0] + rows[1]) / 5);
    weir_generate_close(generate);
}
END_TEST

START_TEST(a_key_keeps_its_partition_and_has_three_annotators)
{
    struct weir_generate_options options = options_of(1, 20);
    options.partitions = 7;
    struct weir_generate *generate = opened(&options);
    struct weir_generate_record record;
    json_t *partitions = json_object(), *labellers = json_object();
    while (weir_generate_next(generate, &record, NULL) == 1) {
        json_t *known = json_object_get(partitions, record.key);
        if (known)
            ck_assert_int_eq(json_integer_value(known), record.partition);
        else
            json_object_set_new(partitions, record.key, json_integer(record.partition));
        if (record.stream != WEIR_GENERATE_LABELS)
            continue;
        ck_assert(known != NULL); // the transaction came first
        json_t *value = parse(&record);
        json_t *names = json_object_get(labellers, record.key);
        if (!names) {
            names = json_object();
            json_object_set_new(labellers, record.key, names);
        }
        const char *name = json_string_value(json_object_get(value, "annotator"));
        ck_assert(json_object_get(names, name) == NULL);
        json_object_set_new(names, name, json_true());
        json_decref(value);
    }
    const char *key;
    json_t *names;
    size_t three = 0;
    json_object_foreach(labellers, key, names)
    {
        ck_assert_uint_le(json_object_size(names), 3);
        three += json_object_size(names) == 3;
    }
    ck_assert_uint_gt(three, json_object_size(labellers) / 2);
    json_decref(partitions);
    json_decref(labellers);
    weir_generate_close(generate);
}
END_TEST

// What the fault of each incident looks like in a record; for an outage, that it was sent.
static int shows(enum weir_incident_effect effect, const json_t *value)
{
    const char *model = json_string_value(json_object_get(value, "model"));
    const char *route = json_string_value(json_object_get(value, "route"));
    switch (effect) {
    case WEIR_INCIDENT_AGE:
        return json_integer_value(json_object_get(value, "age")) == 100000;
    case WEIR_INCIDENT_STRING:
        return json_is_string(json_object_get(value, "balance"));
    case WEIR_INCIDENT_NAN:
        return json_number_value(json_object_get(value, "spend_ratio")) < 0;
    case WEIR_INCIDENT_MISSING:
        return json_object_get(value, "tenure_days") == NULL;
    case WEIR_INCIDENT_OLD_MODEL:
        return !strcmp(model, "v41");
    case WEIR_INCIDENT_DOWN:
        return !strcmp(route, "app");
    default:
        return 0;
    }
}

START_TEST(each_fault_shows_in_its_time_only)
{
    struct weir_generate_options options = options_of(4, 60);
    struct weir_generate *generate = opened(&options);
    size_t count;
    const struct weir_generate_incident *incidents = weir_generate_incidents(generate, &count);
    ck_assert_uint_eq(count, WEIR_INCIDENTS);
    struct weir_generate_record record;
    int64_t inside[WEIR_INCIDENTS] = {0};
    while (weir_generate_next(generate, &record, NULL) == 1) {
        if (record.stream != WEIR_GENERATE_TRANSACTIONS)
            continue;
        json_t *value = parse(&record);
        for (size_t i = 0; i < count; i++) {
            enum weir_incident_effect effect = weir_incident_script[i].effect;
            int64_t at = record.timestamp_ms;
            int within = at >= incidents[i].start_ms && at < incidents[i].end_ms + 20000;
            if (!shows(effect, value))
                continue;
            if (within)
                inside[i]++;
            else if (effect == WEIR_INCIDENT_OLD_MODEL)
                ck_assert_int_lt(at, WEIR_GENERATE_START_MS + 58 * 3600000LL);
            else
                ck_assert(effect == WEIR_INCIDENT_DOWN);
        }
        json_decref(value);
    }
    for (size_t i = 0; i < count; i++) {
        enum weir_incident_effect effect = weir_incident_script[i].effect;
        if (effect == WEIR_INCIDENT_DOWN)
            ck_assert_int_le(inside[i], 5); // sent late, of just before and after
        else if (effect != WEIR_INCIDENT_GUESS && effect != WEIR_INCIDENT_DRIFT &&
                 effect != WEIR_INCIDENT_YEN)
            ck_assert_int_eq(inside[i], incidents[i].records);
        ck_assert_int_gt(incidents[i].records, 0);
        ck_assert_int_ge(incidents[i].first_row, 0);
        ck_assert_int_ge(incidents[i].first_ms, incidents[i].start_ms);
        ck_assert_uint_eq(strlen(incidents[i].first_key), 18);
    }
    weir_generate_close(generate);
}
END_TEST

// Mean of a transactions field (or of its natural logarithm) from `from` on, on one route.
static double mean_of(struct weir_generate_options options, const char *field, int64_t from,
                      int64_t to, const char *route)
{
    struct weir_generate *generate = opened(&options);
    struct weir_generate_record record;
    double sum = 0, rows = 0;
    while (weir_generate_next(generate, &record, NULL) == 1) {
        if (record.stream != WEIR_GENERATE_TRANSACTIONS || record.timestamp_ms < from ||
            record.timestamp_ms >= to)
            continue;
        json_t *value = parse(&record);
        if (!route || !strcmp(route, json_string_value(json_object_get(value, "route")))) {
            sum += json_number_value(json_object_get(value, field));
            rows++;
        }
        json_decref(value);
    }
    weir_generate_close(generate);
    ck_assert(rows > 100);
    return sum / rows;
}

START_TEST(yen_and_drift_move_what_they_should)
{
    const int64_t hour = 3600000, day = 24 * hour, start = WEIR_GENERATE_START_MS;
    struct weir_generate_options with = options_of(4, 60), without = with;
    without.incidents = 0;
    double yen = mean_of(with, "amount", start + 10 * day + 9 * hour, start + 10 * day + 19 * hour,
                         "partner");
    double dollars = mean_of(without, "amount", start + 10 * day + 9 * hour,
                             start + 10 * day + 19 * hour, "partner");
    ck_assert_double_eq_tol(yen / dollars, 155, 0.1);
    double before = mean_of(with, "merchant_risk", start + 14 * day, start + 16 * day, NULL);
    double middle = mean_of(with, "merchant_risk", start + 21 * day, start + 23 * day, NULL);
    double after = mean_of(with, "merchant_risk", start + 26 * day, start + 28 * day, NULL);
    double clean = mean_of(without, "merchant_risk", start + 26 * day, start + 28 * day, NULL);
    ck_assert_double_gt(middle, before + 0.04);
    ck_assert_double_gt(after, middle + 0.04);
    ck_assert_double_eq_tol(clean, before, 0.01);
}
END_TEST

START_TEST(training_is_the_time_before_without_incidents)
{
    struct weir_generate_options options = options_of(1, 30);
    struct weir_generate_options training = weir_generate_training(&options, 2);
    struct weir_generate *generate = opened(&training);
    ck_assert_int_eq(weir_generate_end(generate), WEIR_GENERATE_START_MS);
    size_t count;
    weir_generate_incidents(generate, &count);
    ck_assert_uint_eq(count, 0);
    struct weir_generate_record record;
    while (weir_generate_next(generate, &record, NULL) == 1) {
        if (record.stream == WEIR_GENERATE_TRANSACTIONS)
            ck_assert(strstr(record.value, "\"model\":\"v41\"") != NULL);
    }
    weir_generate_close(generate);
}
END_TEST

START_TEST(the_script_prints_as_json)
{
    struct weir_generate_options options = options_of(2, 120);
    struct weir_generate *generate = opened(&options);
    struct weir_generate_record record;
    char text[1024], small[8];
    for (int played = 0; played < 2; played++) {
        size_t count;
        const struct weir_generate_incident *incidents = weir_generate_incidents(generate, &count);
        ck_assert_uint_gt(count, 3);
        ck_assert_uint_lt(count, WEIR_INCIDENTS);
        for (size_t i = 0; i < count; i++) {
            int length = weir_generate_incident_json(&incidents[i], text, sizeof text);
            ck_assert_int_lt(length, (int)sizeof text);
            ck_assert_int_eq(weir_generate_incident_json(&incidents[i], small, sizeof small),
                             length);
            json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
            ck_assert_msg(value != NULL, "%s", text);
            ck_assert(json_is_object(json_object_get(value, "first_record")) == played);
            json_decref(value);
        }
        while (weir_generate_next(generate, &record, NULL) == 1)
            continue;
    }
    weir_generate_close(generate);
}
END_TEST

START_TEST(options_out_of_range_are_refused)
{
    struct weir_generate_options good = options_of(1, 1), bad;
    struct weir_error error;
#define REFUSED(field, value)                                                                      \
    do {                                                                                           \
        bad = good;                                                                                \
        bad.field = value;                                                                         \
        ck_assert(weir_generate_open(&bad, &error) == NULL);                                       \
        ck_assert_int_eq(error.code, WEIR_EINVAL);                                                 \
    } while (0)
    REFUSED(weeks, 0);
    REFUSED(weeks, (double)NAN);
    REFUSED(rate, -1);
    REFUSED(rate, (double)INFINITY);
    REFUSED(partitions, 0);
    REFUSED(start_ms, -1);
    REFUSED(topic_prefix, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("generate");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, the_same_seed_gives_the_same_bytes);
    tcase_add_test(tests, records_come_in_time_order_and_parse);
    tcase_add_test(tests, a_key_keeps_its_partition_and_has_three_annotators);
    tcase_add_test(tests, each_fault_shows_in_its_time_only);
    tcase_add_test(tests, yen_and_drift_move_what_they_should);
    tcase_add_test(tests, training_is_the_time_before_without_incidents);
    tcase_add_test(tests, the_script_prints_as_json);
    tcase_add_test(tests, options_out_of_range_are_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
