// SPDX-License-Identifier: Apache-2.0
// The alert event as JSON and as an Avro datum: the same fields in the same order.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/alert.h"
#include "consumer/alert/headers.h"
#include "consumer/alert/text.h"
#include "consumer/codec/json_write.h"
#include "consumer/codec/utf8.h"

const char *weir_alert_status_name(enum weir_alert_status status)
{
    static const char *const names[] = {"open", "update", "resolved"};
    return (unsigned)status < 3 ? names[status] : "open";
}

// A slice is a map: of a field that stands in it twice the first counts.
static int repeats(const struct weir_slice_value *slice, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (!strcmp(slice[k].field, slice[i].field))
            return 1;
    }
    return 0;
}

static const char *slice_text(const struct weir_slice_value *value)
{
    return value->value ? value->value : "null";
}

static int64_t clamp(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

// ---- JSON

static void json_slice(struct weir_json_writer *json, const struct weir_slice_value *slice,
                       size_t n)
{
    weir_json_key(json, "slice");
    weir_json_open(json, '{');
    for (size_t i = 0; i < n; i++) {
        if (!repeats(slice, i))
            weir_json_put_text(json, slice[i].field, slice_text(&slice[i]));
    }
    weir_json_close(json, '}');
}

static void json_statistic(struct weir_json_writer *json, const struct weir_statistic *statistic)
{
    weir_json_key(json, "statistic");
    if (!statistic->name) {
        weir_json_null(json);
        return;
    }
    weir_json_open(json, '{');
    weir_json_put_text(json, "name", statistic->name);
    weir_json_put_double(json, "value", statistic->value);
    weir_json_put_double(json, "threshold", statistic->threshold);
    weir_json_put_double(json, "p_value", statistic->p_value);
    weir_json_put_double(json, "baseline", statistic->baseline);
    weir_json_close(json, '}');
}

static void json_evidence(struct weir_json_writer *json, const struct weir_evidence *evidence)
{
    weir_json_open(json, '{');
    weir_json_put_text(json, "type", evidence->type);
    weir_json_put_text(json, "field", evidence->field);
    json_slice(json, evidence->slice, evidence->n_slice);
    weir_json_put_text(json, "before", evidence->before);
    weir_json_put_text(json, "after", evidence->after);
    weir_json_put_double(json, "contribution", evidence->contribution);
    weir_json_key(json, "samples");
    weir_json_open(json, '[');
    for (size_t i = 0; i < evidence->n_samples; i++) {
        const struct weir_sample *sample = &evidence->samples[i];
        weir_json_open(json, '{');
        weir_json_put_text(json, "topic", sample->topic);
        weir_json_put_long(json, "partition", sample->partition);
        weir_json_put_long(json, "offset", sample->offset);
        weir_json_put_text(json, "value", sample->value);
        weir_json_close(json, '}');
    }
    weir_json_close(json, ']');
    weir_json_close(json, '}');
}

static void json_where(struct weir_json_writer *json, const struct weir_alert *alert)
{
    const struct weir_finding *finding = &alert->finding;
    weir_json_put_text(json, "kind", finding->kind);
    weir_json_put_text(json, "app", alert->app);
    weir_json_put_text(json, "detector", alert->detector);
    weir_json_put_text(json, "detector_type", alert->detector_type);
    weir_json_put_text(json, "rule", finding->rule);
    weir_json_put_text(json, "stream", alert->stream);
    weir_json_key(json, "fields");
    weir_json_open(json, '[');
    for (size_t i = 0; i < finding->n_fields; i++)
        weir_json_text(json, finding->fields[i]);
    weir_json_close(json, ']');
    json_slice(json, finding->slice, finding->n_slice);
    weir_json_put_text(json, "model_version", finding->model_version);
}

static void json_window(struct weir_json_writer *json, const struct weir_alert *alert)
{
    weir_json_key(json, "window");
    weir_json_open(json, '{');
    weir_json_put_long(json, "start", alert->window_start);
    weir_json_put_long(json, "end", alert->window_end);
    weir_json_put_long(json, "records", clamp(alert->window_records));
    weir_json_close(json, '}');
}

static void json_offsets(struct weir_json_writer *json, const struct weir_alert *alert)
{
    weir_json_key(json, "offsets");
    weir_json_open(json, '[');
    for (size_t i = 0; i < alert->n_offsets; i++) {
        weir_json_open(json, '{');
        weir_json_put_text(json, "topic", alert->offsets[i].topic);
        weir_json_put_long(json, "partition", alert->offsets[i].partition);
        weir_json_put_long(json, "first", alert->offsets[i].first);
        weir_json_put_long(json, "last", alert->offsets[i].last);
        weir_json_close(json, '}');
    }
    weir_json_close(json, ']');
}

int weir_alert_json(const struct weir_alert *alert, struct weir_buffer *out)
{
    const struct weir_finding *finding = &alert->finding;
    struct weir_json_writer writer = {out, 0}, *json = &writer;
    weir_json_open(json, '{');
    weir_json_put_text(json, "id", alert->id);
    weir_json_put_text(json, "fingerprint", alert->fingerprint);
    weir_json_put_long(json, "sequence", alert->sequence);
    weir_json_put_text(json, "status", weir_alert_status_name(alert->status));
    weir_json_put_text(json, "severity", weir_severity_name(finding->severity));
    json_where(json, alert);
    weir_json_key(json, "provisional");
    weir_json_boolean(json, finding->provisional);
    weir_json_put_double(json, "share", finding->share);
    json_window(json, alert);
    json_statistic(json, &finding->statistic);
    weir_json_put_text(json, "summary", finding->summary);
    weir_json_key(json, "evidence");
    weir_json_open(json, '[');
    for (size_t i = 0; i < finding->n_evidence; i++)
        json_evidence(json, &finding->evidence[i]);
    weir_json_close(json, ']');
    json_offsets(json, alert);
    weir_json_put_long(json, "opened_at", alert->opened_at);
    weir_json_put_long(json, "updated_at", alert->updated_at);
    weir_json_key(json, "resolved_at");
    if (alert->status != WEIR_ALERT_RESOLVED)
        weir_json_null(json);
    else
        weir_json_long(json, alert->resolved_at);
    weir_json_put_long(json, "occurrences", clamp(alert->occurrences));
    weir_json_put_text(json, "action", weir_action_name(finding->action));
    weir_json_put_text(json, "runbook", alert->runbook);
    weir_json_close(json, '}');
    return out->failed ? WEIR_ENOMEM : 0;
}

// ---- Avro

// Avro's strings must be UTF-8, as JSON's: what is not becomes U+FFFD in both.
static void avro_text(struct weir_buffer *out, const char *text)
{
    size_t length = strlen(text);
    if (weir_utf8_valid(text, length)) {
        weir_put_bytes(out, text, length);
        return;
    }
    size_t size = length * 3 + 4;
    char *clean = malloc(size);
    if (!clean) {
        out->failed = 1;
        return;
    }
    weir_put_bytes(out, clean, weir_text_clean(clean, size, text));
    free(clean);
}

static void avro_nullable(struct weir_buffer *out, const char *text)
{
    weir_put_long(out, text != NULL);
    if (text)
        avro_text(out, text);
}

static void avro_double(struct weir_buffer *out, double value)
{
    weir_put_long(out, isfinite(value));
    if (isfinite(value))
        weir_put_double(out, value);
}

static void avro_slice(struct weir_buffer *out, const struct weir_slice_value *slice, size_t n)
{
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++)
        distinct += !repeats(slice, i);
    if (distinct)
        weir_put_long(out, (int64_t)distinct);
    for (size_t i = 0; i < n; i++) {
        if (repeats(slice, i))
            continue;
        avro_text(out, slice[i].field);
        avro_text(out, slice_text(&slice[i]));
    }
    weir_put_long(out, 0);
}

// The block's count of an array that has something; its end is a 0 in any case.
static void avro_block(struct weir_buffer *out, size_t n)
{
    if (n)
        weir_put_long(out, (int64_t)n);
}

static void avro_evidence(struct weir_buffer *out, const struct weir_evidence *evidence)
{
    avro_text(out, evidence->type);
    avro_nullable(out, evidence->field);
    avro_slice(out, evidence->slice, evidence->n_slice);
    avro_nullable(out, evidence->before);
    avro_nullable(out, evidence->after);
    avro_double(out, evidence->contribution);
    avro_block(out, evidence->n_samples);
    for (size_t i = 0; i < evidence->n_samples; i++) {
        avro_nullable(out, evidence->samples[i].topic);
        weir_put_long(out, evidence->samples[i].partition);
        weir_put_long(out, evidence->samples[i].offset);
        avro_nullable(out, evidence->samples[i].value);
    }
    weir_put_long(out, 0);
}

static void avro_where(struct weir_buffer *out, const struct weir_alert *alert)
{
    const struct weir_finding *finding = &alert->finding;
    avro_text(out, finding->kind);
    avro_text(out, alert->app);
    avro_text(out, alert->detector);
    avro_text(out, alert->detector_type);
    avro_text(out, finding->rule);
    avro_nullable(out, alert->stream);
    avro_block(out, finding->n_fields);
    for (size_t i = 0; i < finding->n_fields; i++)
        avro_text(out, finding->fields[i]);
    weir_put_long(out, 0);
    avro_slice(out, finding->slice, finding->n_slice);
    avro_nullable(out, finding->model_version);
}

static void avro_statistic(struct weir_buffer *out, const struct weir_statistic *statistic)
{
    weir_put_long(out, statistic->name != NULL);
    if (!statistic->name)
        return;
    avro_text(out, statistic->name);
    avro_double(out, statistic->value);
    avro_double(out, statistic->threshold);
    avro_double(out, statistic->p_value);
    avro_double(out, statistic->baseline);
}

static void avro_offsets(struct weir_buffer *out, const struct weir_alert *alert)
{
    avro_block(out, alert->n_offsets);
    for (size_t i = 0; i < alert->n_offsets; i++) {
        avro_text(out, alert->offsets[i].topic);
        weir_put_long(out, alert->offsets[i].partition);
        weir_put_long(out, alert->offsets[i].first);
        weir_put_long(out, alert->offsets[i].last);
    }
    weir_put_long(out, 0);
}

int weir_alert_avro(const struct weir_alert *alert, struct weir_buffer *out)
{
    const struct weir_finding *finding = &alert->finding;
    weir_put_string(out, alert->id);
    weir_put_string(out, alert->fingerprint);
    weir_put_long(out, alert->sequence);
    weir_put_long(out, alert->status);
    weir_put_long(out, finding->severity);
    avro_where(out, alert);
    weir_buffer_byte(out, finding->provisional != 0);
    avro_double(out, finding->share);
    weir_put_long(out, alert->window_start);
    weir_put_long(out, alert->window_end);
    weir_put_long(out, clamp(alert->window_records));
    avro_statistic(out, &finding->statistic);
    avro_text(out, finding->summary);
    avro_block(out, finding->n_evidence);
    for (size_t i = 0; i < finding->n_evidence; i++)
        avro_evidence(out, &finding->evidence[i]);
    weir_put_long(out, 0);
    avro_offsets(out, alert);
    weir_put_long(out, alert->opened_at);
    weir_put_long(out, alert->updated_at);
    weir_put_long(out, alert->status == WEIR_ALERT_RESOLVED);
    if (alert->status == WEIR_ALERT_RESOLVED)
        weir_put_long(out, alert->resolved_at);
    weir_put_long(out, clamp(alert->occurrences));
    weir_put_long(out, finding->action);
    avro_nullable(out, alert->runbook);
    return out->failed ? WEIR_ENOMEM : 0;
}
