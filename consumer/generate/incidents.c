// SPDX-License-Identifier: Apache-2.0
#include "consumer/generate/incidents.h"

#include <stdio.h>

#define ALSO(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NOTHING_ELSE ((const char *const[]){NULL})

// The first week is quiet, so that baselines have something to learn from. Day 0 is a Monday.
const struct weir_incident_script weir_incident_script[WEIR_INCIDENTS] = {
    {.effect = WEIR_INCIDENT_AGE,
     .day = 7,
     .hour = 10,
     .hours = 2,
     .share = 0.05,
     .name = "age-100000",
     .sentence = "one in twenty customers is 100,000 years old",
     .kind = "schema.range",
     .also = ALSO("schema.sentinel", "schema.bounds", "schema.default_spike", "drift.feature"),
     .field = "age"},
    {.effect = WEIR_INCIDENT_STRING,
     .day = 8,
     .hour = 14,
     .hours = 2,
     .share = 1,
     .name = "number-as-string",
     .sentence = "route partner sends the balance as a string",
     .kind = "schema.type",
     .also = NOTHING_ELSE,
     .field = "balance",
     .slice_field = "route",
     .slice = "partner"},
    {.effect = WEIR_INCIDENT_GUESS,
     .day = 9,
     .share = 1,
     .name = "guessing-annotator",
     .sentence = "annotator ann-07 tosses a coin",
     .kind = "label.annotator",
     .also = ALSO("label.noise", "label.conflict"),
     .stream = WEIR_GENERATE_LABELS,
     .field = "label",
     .slice_field = "annotator",
     .slice = "ann-07"},
    {.effect = WEIR_INCIDENT_YEN,
     .day = 10,
     .hour = 8,
     .hours = 12,
     .share = 1,
     .name = "amounts-in-yen",
     .sentence = "route partner sends amounts in yen, 155 times too large",
     .kind = "schema.unit",
     .also = ALSO("schema.range", "schema.bounds", "drift.feature"),
     .field = "amount",
     .slice_field = "route",
     .slice = "partner"},
    {.effect = WEIR_INCIDENT_NAN,
     .day = 12,
     .hour = 3,
     .hours = 6,
     .share = 1,
     .name = "feature-nan",
     .sentence = "spend_ratio is NaN: zero divided by zero upstream",
     .kind = "schema.nan",
     .also = ALSO("schema.null_rate", "drift.feature"),
     .field = "spend_ratio"},
    {.effect = WEIR_INCIDENT_MISSING,
     .day = 13,
     .hour = 12,
     .hours = 6,
     .share = 1,
     .name = "field-missing",
     .sentence = "a release forgets tenure_days",
     .kind = "schema.missing",
     .also = ALSO("schema.null_rate", "drift.feature"),
     .field = "tenure_days"},
    {.effect = WEIR_INCIDENT_DOWN,
     .day = 15,
     .hour = 9,
     .hours = 6,
     .share = 1,
     .name = "route-down",
     .sentence = "route app is down on a Tuesday",
     .kind = "outage.silence",
     .also = ALSO("outage.collapse", "outage.partial", "operations.silent"),
     .slice_field = "route",
     .slice = "app"},
    {.effect = WEIR_INCIDENT_DRIFT,
     .day = 16,
     .share = 1,
     .name = "slow-drift",
     .sentence = "merchant_risk creeps upwards, a little every day",
     .kind = "drift.slow",
     .also = ALSO("drift.feature", "drift.multivariate", "drift.prediction"),
     .field = "merchant_risk",
     .moves = ALSO("score", "decision")},
    {.effect = WEIR_INCIDENT_OLD_MODEL,
     .day = 20,
     .hour = 18,
     .hours = 8,
     .share = 0.2,
     .name = "old-model",
     .sentence = "a fifth of the answers comes from model v41, which v42 had replaced",
     .kind = "operations.stale_model",
     .also = ALSO("operations.mixed_models"),
     .field = "model",
     .slice_field = "model",
     .slice = "v41"},
};

struct text {
    char *out;
    size_t size;
    int length; // as snprintf counts
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
    size_t at = (size_t)text->length < text->size ? (size_t)text->length : text->size;
    va_list args;
    va_start(args, format);
    int added = vsnprintf(text->out + at, text->size - at, format, args);
    va_end(args);
    text->length += added > 0 ? added : 0;
}

int weir_generate_incident_json(const struct weir_generate_incident *incident, char *out,
                                size_t size)
{
    struct text text = {out, size, 0};
    add(&text, "{\"name\":\"%s\",\"sentence\":\"%s\",\"kind\":\"%s\",\"also\":[", incident->name,
        incident->sentence, incident->kind);
    for (const char *const *also = incident->also; *also; also++)
        add(&text, "%s\"%s\"", also == incident->also ? "" : ",", *also);
    add(&text, "],\"stream\":\"%s\"",
        incident->stream == WEIR_GENERATE_LABELS ? "labels" : "transactions");
    if (incident->field)
        add(&text, ",\"field\":\"%s\"", incident->field);
    else
        add(&text, ",\"field\":null");
    if (incident->slice)
        add(&text, ",\"slice\":{\"%s\":\"%s\"}", incident->slice_field, incident->slice);
    else
        add(&text, ",\"slice\":null");
    add(&text, ",\"start\":%lld,\"end\":%lld,\"records\":%lld", (long long)incident->start_ms,
        (long long)incident->end_ms, (long long)incident->records);
    if (incident->first_row >= 0)
        add(&text, ",\"first_record\":{\"row\":%lld,\"time\":%lld,\"key\":\"%s\"}}",
            (long long)incident->first_row, (long long)incident->first_ms, incident->first_key);
    else
        add(&text, ",\"first_record\":null}");
    return text.length;
}
