// SPDX-License-Identifier: Apache-2.0
#include "consumer/alert/read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/codec/json_write.h"

static const char *text_of(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

static int64_t long_of(const json_t *json, const char *key)
{
    return json_integer_value(json_object_get(json, key));
}

static double double_of(const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

// The position of a word among the first `n` names, or `otherwise`.
static int word(const char *text, const char *(*name)(unsigned), unsigned n, int otherwise)
{
    for (unsigned i = 0; text && i < n; i++) {
        if (!strcmp(text, name(i)))
            return (int)i;
    }
    return otherwise;
}

static const char *severity(unsigned i)
{
    return weir_severity_name((enum weir_severity)i);
}

static const char *action(unsigned i)
{
    return weir_action_name((enum weir_action)i);
}

static const char *status(unsigned i)
{
    static const char *const names[] = {"open", "update", "resolved"};
    return names[i];
}

// Room for every list of the event, in one piece.
struct lists {
    const char **fields;
    struct weir_slice_value *slice;
    struct weir_offset_range *offsets;
    struct weir_evidence *evidence;
};

static void *allot(void **at, size_t n, size_t size)
{
    void *given = *at;
    *at = (char *)*at + n * size;
    return given;
}

static int make_lists(const json_t *json, struct weir_alert_copy *copy, struct lists *lists)
{
    size_t fields = json_array_size(json_object_get(json, "fields"));
    size_t slice = json_object_size(json_object_get(json, "slice"));
    size_t offsets = json_array_size(json_object_get(json, "offsets"));
    size_t evidence = json_array_size(json_object_get(json, "evidence"));
    copy->memory =
        calloc(1, 1 + fields * sizeof *lists->fields + slice * sizeof *lists->slice +
                      offsets * sizeof *lists->offsets + evidence * sizeof *lists->evidence);
    void *at = copy->memory;
    if (!at)
        return WEIR_ENOMEM;
    lists->evidence = allot(&at, evidence, sizeof *lists->evidence);
    lists->offsets = allot(&at, offsets, sizeof *lists->offsets);
    lists->slice = allot(&at, slice, sizeof *lists->slice);
    lists->fields = allot(&at, fields, sizeof *lists->fields);
    return 0;
}

static void read_lists(json_t *json, struct lists *lists, struct weir_alert *alert)
{
    struct weir_finding *finding = &alert->finding;
    json_t *item;
    const char *key;
    size_t i;
    json_array_foreach(json_object_get(json, "fields"), i, item)
    {
        if (json_is_string(item))
            lists->fields[finding->n_fields++] = json_string_value(item);
    }
    json_object_foreach(json_object_get(json, "slice"), key, item)
    {
        lists->slice[finding->n_slice].field = key;
        lists->slice[finding->n_slice++].value = json_string_value(item);
    }
    json_array_foreach(json_object_get(json, "offsets"), i, item)
    {
        struct weir_offset_range *range = &lists->offsets[alert->n_offsets++];
        const char *topic = text_of(item, "topic");
        range->topic = topic ? topic : "";
        range->partition = (int32_t)long_of(item, "partition");
        range->first = long_of(item, "first");
        range->last = long_of(item, "last");
    }
    json_array_foreach(json_object_get(json, "evidence"), i, item)
    {
        struct weir_evidence *evidence = &lists->evidence[finding->n_evidence++];
        const char *type = text_of(item, "type");
        evidence->type = type ? type : "";
        evidence->field = text_of(item, "field");
        evidence->before = text_of(item, "before");
        evidence->after = text_of(item, "after");
        evidence->contribution = double_of(item, "contribution");
    }
    finding->fields = lists->fields;
    finding->slice = lists->slice;
    finding->evidence = lists->evidence;
    alert->offsets = lists->offsets;
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static void read_finding(const json_t *json, struct weir_finding *finding)
{
    const json_t *statistic = json_object_get(json, "statistic");
    finding->size = sizeof *finding;
    finding->rule = or_empty(text_of(json, "rule"));
    finding->kind = text_of(json, "kind");
    finding->severity = (enum weir_severity)word(text_of(json, "severity"), severity, 3, 0);
    finding->action = (enum weir_action)word(text_of(json, "action"), action,
                                             WEIR_ACTION_TUNE_WEIR + 1, WEIR_ACTION_NONE);
    finding->model_version = text_of(json, "model_version");
    finding->provisional = json_is_true(json_object_get(json, "provisional"));
    finding->share = double_of(json, "share");
    finding->statistic.name = text_of(statistic, "name");
    finding->statistic.value = double_of(statistic, "value");
    finding->statistic.threshold = double_of(statistic, "threshold");
    finding->statistic.p_value = double_of(statistic, "p_value");
    finding->statistic.baseline = double_of(statistic, "baseline");
    finding->summary = or_empty(text_of(json, "summary"));
}

static void read_life(const json_t *json, struct weir_alert *alert)
{
    const json_t *window = json_object_get(json, "window");
    const json_t *resolved = json_object_get(json, "resolved_at");
    snprintf(alert->id, sizeof alert->id, "%s", or_empty(text_of(json, "id")));
    snprintf(alert->fingerprint, sizeof alert->fingerprint, "%s",
             or_empty(text_of(json, "fingerprint")));
    alert->sequence = (uint32_t)long_of(json, "sequence");
    alert->app = or_empty(text_of(json, "app"));
    alert->detector = or_empty(text_of(json, "detector"));
    alert->detector_type = or_empty(text_of(json, "detector_type"));
    alert->stream = text_of(json, "stream");
    alert->runbook = text_of(json, "runbook");
    alert->window_start = long_of(window, "start");
    alert->window_end = long_of(window, "end");
    alert->window_records = (uint64_t)long_of(window, "records");
    alert->opened_at = long_of(json, "opened_at");
    alert->updated_at = long_of(json, "updated_at");
    alert->resolved_at = json_is_integer(resolved) ? json_integer_value(resolved) : -1;
    alert->occurrences = (uint64_t)long_of(json, "occurrences");
}

int weir_alert_copy_json(json_t *json, struct weir_alert_copy *copy, struct weir_error *error)
{
    struct weir_alert_copy made;
    struct lists lists;
    memset(&made, 0, sizeof made);
    int at = word(text_of(json, "status"), status, 3, -1);
    if (!json_is_object(json) || at < 0 || !text_of(json, "kind") || !text_of(json, "fingerprint"))
        return weir_error_set(error, WEIR_ECORRUPT,
                              "this is no alert event: it lacks fingerprint, status or kind");
    if (make_lists(json, &made, &lists))
        return weir_error_set(error, WEIR_ENOMEM, "out of memory for an alert event");
    made.json = json_incref(json);
    made.alert.status = (enum weir_alert_status)at;
    read_life(json, &made.alert);
    read_finding(json, &made.alert.finding);
    read_lists(json, &lists, &made.alert);
    *copy = made;
    return 0;
}

int weir_alert_from_json(const void *text, size_t length, struct weir_alert_copy *copy,
                         struct weir_error *error)
{
    json_error_t fault;
    json_t *json = json_loadb(text, length, 0, &fault);
    if (!json)
        return weir_error_set(error, WEIR_ECORRUPT, "this is no JSON: %s", fault.text);
    int code = weir_alert_copy_json(json, copy, error);
    json_decref(json);
    return code;
}

int weir_alert_from_avro(const char *schema, const void *datum, size_t length,
                         struct weir_alert_copy *copy, struct weir_error *error)
{
    json_error_t fault;
    json_t *parsed = json_loads(schema, JSON_DECODE_ANY, &fault);
    if (!parsed)
        return weir_error_set(error, WEIR_ECORRUPT, "the schema is no JSON: %s", fault.text);
    struct weir_reader reader = weir_reader_make(datum, length);
    json_t *json = weir_avro_to_json(parsed, &reader);
    json_decref(parsed);
    if (!json)
        return weir_error_set(error, WEIR_ECORRUPT, "the Avro datum does not fit its schema");
    int code = weir_alert_copy_json(json, copy, error);
    json_decref(json);
    return code;
}

static void print(struct weir_json_writer *out, const json_t *json)
{
    const char *key;
    json_t *item;
    size_t i;
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        weir_json_open(out, '{');
        json_object_foreach((json_t *)json, key, item)
        {
            weir_json_key(out, key);
            print(out, item);
        }
        weir_json_close(out, '}');
        break;
    case JSON_ARRAY:
        weir_json_open(out, '[');
        json_array_foreach(json, i, item) print(out, item);
        weir_json_close(out, ']');
        break;
    case JSON_STRING:
        weir_json_string(out, json_string_value(json), json_string_length(json));
        break;
    case JSON_INTEGER:
        weir_json_long(out, json_integer_value(json));
        break;
    case JSON_REAL:
        weir_json_double(out, json_real_value(json));
        break;
    case JSON_NULL:
        weir_json_null(out);
        break;
    default:
        weir_json_boolean(out, json_is_true(json));
    }
}

int weir_alert_copy_print(const struct weir_alert_copy *copy, struct weir_buffer *out)
{
    struct weir_json_writer writer = {out, 0};
    print(&writer, copy->json);
    return out->failed ? WEIR_ENOMEM : 0;
}

void weir_alert_copy_free(struct weir_alert_copy *copy)
{
    json_decref(copy->json);
    free(copy->memory);
    memset(copy, 0, sizeof *copy);
}
