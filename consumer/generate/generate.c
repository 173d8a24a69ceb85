// SPDX-License-Identifier: Apache-2.0
#include "consumer/generate/generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "consumer/generate/incidents.h"
#include "consumer/generate/random.h"

#define HOUR_MS 3600000.0
#define WEEK_MS (168 * HOUR_MS)
#define LONGEST_WAY_MS 20000 // from event to sending
#define ANNOTATORS 12
#define LABELS_EACH 3

enum purpose { ARRIVALS, TRANSACTION, LABEL, IDENTITY, INCIDENT };

// A label that is still to come.
struct label {
    int64_t at_ms;
    uint64_t number; // of its transaction
    int annotator;
    int fraud;
};

struct transaction {
    uint64_t number;
    int64_t sent_ms, event_ms;
    const char *route, *device, *country, *currency, *model, *decision;
    double amount, balance, spend_ratio, merchant_risk, score;
    int age, tenure_days;
    int balance_is_text, tenure_is_missing; // faults of form, not of value
    int fraud;
};

struct weir_generate {
    struct weir_generate_options options;
    uint64_t seed; // of this stretch of time
    int64_t start_ms, end_ms;
    double mean; // of the rhythm, so that `rate` is the mean rate
    struct weir_random arrivals;
    double next_ms; // of the next transaction
    uint64_t number;
    int64_t rows[2];
    char topics[2][256];
    struct label *heap; // the earliest first
    size_t labels, capacity;
    struct weir_generate_incident incidents[WEIR_INCIDENTS];
    const struct weir_incident_script *scripts[WEIR_INCIDENTS];
    size_t incident_count;
    char key[24];
    char value[640];
};

static const double by_hour[24] = {0.45, 0.32, 0.25, 0.22, 0.22, 0.30, 0.50, 0.80,
                                   1.05, 1.20, 1.30, 1.40, 1.50, 1.42, 1.30, 1.25,
                                   1.28, 1.40, 1.60, 1.70, 1.60, 1.35, 1.00, 0.68};
static const double by_day[7] = {1.00, 0.98, 1.00, 1.03, 1.15, 1.10, 0.74}; // Monday first

// Relative rate at a time, smooth between hours.
static double rhythm(double ms)
{
    double hours = ms / HOUR_MS;
    double day = floor(hours / 24);
    double hour = hours - day * 24;
    int at = (int)hour;
    double part = hour - at;
    int weekday = (int)(((int64_t)day % 7 + 7 + 3) % 7); // 1970-01-01 was a Thursday
    return by_day[weekday] * (by_hour[at] * (1 - part) + by_hour[(at + 1) % 24] * part);
}

static double mean_rhythm(void)
{
    double hours = 0, days = 0;
    for (int i = 0; i < 24; i++)
        hours += by_hour[i] / 24;
    for (int i = 0; i < 7; i++)
        days += by_day[i] / 7;
    return hours * days;
}

void weir_generate_defaults(struct weir_generate_options *options)
{
    memset(options, 0, sizeof *options);
    options->seed = 1;
    options->start_ms = WEIR_GENERATE_START_MS;
    options->weeks = 4;
    options->rate = 240;
    options->partitions = 1;
    options->incidents = 1;
    options->topic_prefix = "payments.";
}

static int64_t rollout_of(const struct weir_generate_options *options)
{
    return options->rollout_ms ? options->rollout_ms : options->start_ms + (int64_t)(58 * HOUR_MS);
}

struct weir_generate_options weir_generate_training(const struct weir_generate_options *options,
                                                    double weeks)
{
    struct weir_generate_options training = *options;
    training.rollout_ms = rollout_of(options);
    training.weeks = weeks;
    training.start_ms = options->start_ms - (int64_t)(weeks * WEEK_MS);
    training.incidents = 0;
    return training;
}

static void plan_incidents(struct weir_generate *generate)
{
    for (size_t i = 0; generate->options.incidents && i < WEIR_INCIDENTS; i++) {
        const struct weir_incident_script *script = &weir_incident_script[i];
        int64_t start = generate->start_ms + (int64_t)((script->day * 24 + script->hour) * HOUR_MS);
        int64_t end =
            script->hours > 0 ? start + (int64_t)(script->hours * HOUR_MS) : generate->end_ms;
        if (start >= generate->end_ms)
            continue;
        generate->scripts[generate->incident_count] = script;
        generate->incidents[generate->incident_count++] = (struct weir_generate_incident){
            .name = script->name,
            .sentence = script->sentence,
            .kind = script->kind,
            .also = script->also,
            .moves = script->moves,
            .stream = script->stream,
            .field = script->field,
            .slice_field = script->slice_field,
            .slice = script->slice,
            .start_ms = start,
            .end_ms = end < generate->end_ms ? end : generate->end_ms,
            .first_row = -1,
            .first_ms = -1,
        };
    }
}

static int check_options(const struct weir_generate_options *options, struct weir_error *error)
{
    if (!(options->weeks > 0 && options->weeks <= 520))
        return weir_error_set(error, WEIR_EINVAL, "weeks must be above 0 and at most 520");
    if (!(options->rate > 0 && options->rate <= 1e8))
        return weir_error_set(error, WEIR_EINVAL, "rate must be above 0 and at most 1e8 an hour");
    if (options->partitions < 1 || options->partitions > 10000)
        return weir_error_set(error, WEIR_EINVAL, "partitions must be from 1 to 10000");
    if (options->start_ms < 0 || options->start_ms > INT64_C(4102444800000))
        return weir_error_set(error, WEIR_EINVAL, "the start must lie between 1970 and 2100");
    if (!options->topic_prefix || strlen(options->topic_prefix) > 200)
        return weir_error_set(error, WEIR_EINVAL, "the topic prefix has more than 200 characters");
    return 0;
}

struct weir_generate *weir_generate_open(const struct weir_generate_options *options,
                                         struct weir_error *error)
{
    if (check_options(options, error))
        return NULL;
    struct weir_generate *generate = calloc(1, sizeof *generate);
    if (!generate) {
        weir_error_set(error, WEIR_ENOMEM, "out of memory");
        return NULL;
    }
    generate->options = *options;
    generate->options.rollout_ms = rollout_of(options);
    generate->options.topic_prefix = NULL;
    generate->start_ms = options->start_ms;
    generate->end_ms = options->start_ms + (int64_t)(options->weeks * WEEK_MS);
    generate->seed = weir_random_mix(options->seed ^ weir_random_mix((uint64_t)options->start_ms));
    generate->arrivals = weir_random_make(generate->seed, ARRIVALS, 0);
    generate->mean = mean_rhythm();
    // No event time may lie before the start, however long it was under way.
    generate->next_ms = (double)generate->start_ms + LONGEST_WAY_MS;
    snprintf(generate->topics[0], sizeof generate->topics[0], "%sfeatures", options->topic_prefix);
    snprintf(generate->topics[1], sizeof generate->topics[1], "%slabels", options->topic_prefix);
    plan_incidents(generate);
    return generate;
}

void weir_generate_close(struct weir_generate *generate)
{
    if (!generate)
        return;
    free(generate->heap);
    free(generate);
}

const struct weir_generate_incident *weir_generate_incidents(const struct weir_generate *generate,
                                                             size_t *count)
{
    *count = generate->incident_count;
    return generate->incidents;
}

int64_t weir_generate_start(const struct weir_generate *generate)
{
    return generate->start_ms;
}

int64_t weir_generate_end(const struct weir_generate *generate)
{
    return generate->end_ms;
}

static uint64_t identity(const struct weir_generate *generate, uint64_t number)
{
    return weir_random_make(generate->seed, IDENTITY, number).state;
}

static void format_key(const struct weir_generate *generate, uint64_t number, char *out,
                       size_t size)
{
    snprintf(out, size, "t-%016llx", (unsigned long long)identity(generate, number));
}

// RFC 3339 in UTC with milliseconds.
static void format_time(int64_t ms, char *out, size_t size)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    char text[32];
    gmtime_r(&seconds, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out, size, "%s.%03uZ", text, (unsigned)(ms % 1000) % 1000);
}

static int earlier(const struct label *a, const struct label *b)
{
    if (a->at_ms != b->at_ms)
        return a->at_ms < b->at_ms;
    return a->number != b->number ? a->number < b->number : a->annotator < b->annotator;
}

static int push_label(struct weir_generate *generate, const struct label *label)
{
    if (generate->labels == generate->capacity) {
        size_t capacity = generate->capacity ? 2 * generate->capacity : 1024;
        struct label *heap = realloc(generate->heap, capacity * sizeof *heap);
        if (!heap)
            return WEIR_ENOMEM;
        generate->heap = heap;
        generate->capacity = capacity;
    }
    size_t at = generate->labels++;
    while (at > 0 && earlier(label, &generate->heap[(at - 1) / 2])) {
        generate->heap[at] = generate->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    generate->heap[at] = *label;
    return 0;
}

static struct label pop_label(struct weir_generate *generate)
{
    struct label *heap = generate->heap, first = heap[0], last = heap[--generate->labels];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= generate->labels)
            break;
        if (child + 1 < generate->labels && earlier(&heap[child + 1], &heap[child]))
            child++;
        if (!earlier(&heap[child], &last))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return first;
}

static const char *pick(struct weir_random *random, const char *const names[],
                        const double shares[], int count)
{
    double left = weir_random_unit(random);
    for (int i = 0; i < count - 1; i++) {
        if ((left -= shares[i]) < 0)
            return names[i];
    }
    return names[count - 1];
}

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

static double clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static void draw_place(struct weir_random *random, struct transaction *t)
{
    static const char *const routes[] = {"checkout", "app", "partner", "invoice"};
    static const double route_shares[] = {0.40, 0.30, 0.20, 0.10};
    static const char *const countries[] = {"US", "DE", "FR", "JP"};
    static const double country_shares[] = {0.45, 0.25, 0.18, 0.12};
    static const char *const devices[] = {"web", "ios", "android"};
    static const double web_shares[] = {0.70, 0.18, 0.12}, app_shares[] = {0, 0.55, 0.45};
    t->route = pick(random, routes, route_shares, 4);
    t->device = pick(random, devices, strcmp(t->route, "app") ? web_shares : app_shares, 3);
    t->country = pick(random, countries, country_shares, 4);
    t->currency = !strcmp(t->country, "US") ? "USD" : !strcmp(t->country, "JP") ? "JPY" : "EUR";
}

// How far the slow drift has come, from 0 to 1.
static double drifted(const struct weir_generate *generate, int64_t ms)
{
    for (size_t i = 0; i < generate->incident_count; i++) {
        const struct weir_generate_incident *incident = &generate->incidents[i];
        if (generate->scripts[i]->effect != WEIR_INCIDENT_DRIFT || ms < incident->start_ms)
            continue;
        return clamp((double)(ms - incident->start_ms) / (12 * 24 * HOUR_MS), 0, 1);
    }
    return 0;
}

static void draw_transaction(const struct weir_generate *generate, struct transaction *t)
{
    struct weir_random random = weir_random_make(generate->seed, TRANSACTION, t->number);
    t->event_ms =
        t->sent_ms - (int64_t)clamp(1200 * weir_random_exponential(&random), 20, LONGEST_WAY_MS);
    draw_place(&random, t);
    int invoice = !strcmp(t->route, "invoice");
    double size = (invoice ? 5.4 : 3.6) + 0.9 * weir_random_normal(&random);
    t->amount = clamp(exp(size), 0.5, 45000);
    t->age = (int)clamp(41 + 13 * weir_random_normal(&random), 18, 95);
    t->tenure_days = (int)clamp(700 * weir_random_exponential(&random), 0, 6000);
    t->balance = exp(7.2 + 1.1 * weir_random_normal(&random));
    t->spend_ratio = exp(0.55 * weir_random_normal(&random) - 0.15);
    t->merchant_risk =
        logistic(-1.6 + 0.8 * weir_random_normal(&random) + 1.2 * drifted(generate, t->event_ms));
    t->score = logistic(-4.0 + 4 * t->merchant_risk + 0.5 * log(t->spend_ratio) +
                        0.25 * (size - (invoice ? 5.4 : 3.6)) - 0.0004 * t->tenure_days +
                        0.6 * weir_random_normal(&random));
    t->decision = t->score > 0.3 ? "decline" : t->score > 0.12 ? "review" : "approve";
    t->model = t->sent_ms < generate->options.rollout_ms ? "v41" : "v42";
    t->fraud = weir_random_unit(&random) < t->score;
}

static int concerns(const struct weir_generate_incident *incident, const struct transaction *t)
{
    if (incident->slice_field && !strcmp(incident->slice_field, "route"))
        return !strcmp(incident->slice, t->route);
    return 1;
}

static void apply(enum weir_incident_effect effect, struct transaction *t)
{
    switch (effect) {
    case WEIR_INCIDENT_AGE:
        t->age = 100000;
        break;
    case WEIR_INCIDENT_STRING:
        t->balance_is_text = 1;
        break;
    case WEIR_INCIDENT_YEN:
        t->amount *= 155;
        break;
    case WEIR_INCIDENT_NAN:
        t->spend_ratio = (double)NAN;
        break;
    case WEIR_INCIDENT_MISSING:
        t->tenure_is_missing = 1;
        break;
    case WEIR_INCIDENT_OLD_MODEL:
        t->model = "v41";
        break;
    case WEIR_INCIDENT_DOWN:  // the caller leaves it out
    case WEIR_INCIDENT_DRIFT: // drawn so from the beginning
    case WEIR_INCIDENT_GUESS: // of labels
        break;
    }
}

static void touch(struct weir_generate *generate, size_t i, uint64_t number, int64_t event_ms)
{
    struct weir_generate_incident *incident = &generate->incidents[i];
    if (incident->records++ > 0)
        return;
    incident->first_row = generate->rows[incident->stream];
    incident->first_ms = event_ms;
    format_key(generate, number, incident->first_key, sizeof incident->first_key);
}

// Plays the incidents on `t`. Returns whether it is sent at all.
static int play(struct weir_generate *generate, struct transaction *t)
{
    int sent = 1;
    for (size_t i = 0; i < generate->incident_count; i++) {
        const struct weir_generate_incident *incident = &generate->incidents[i];
        const struct weir_incident_script *script = generate->scripts[i];
        if (incident->stream != WEIR_GENERATE_TRANSACTIONS || t->event_ms < incident->start_ms ||
            t->event_ms >= incident->end_ms || !concerns(incident, t))
            continue;
        struct weir_random random =
            weir_random_make(generate->seed, INCIDENT + (uint64_t)script->effect, t->number);
        if (weir_random_unit(&random) >= script->share)
            continue;
        apply(script->effect, t);
        sent = sent && script->effect != WEIR_INCIDENT_DOWN;
        touch(generate, i, t->number, t->event_ms);
    }
    return sent;
}

// Three of the annotators look at what was not simply approved, and at one in twenty others.
static int plan_labels(struct weir_generate *generate, const struct transaction *t)
{
    struct weir_random random = weir_random_make(generate->seed, LABEL, t->number);
    if (weir_random_unit(&random) >= 0.05 && !strcmp(t->decision, "approve"))
        return 0;
    int first = weir_random_below(&random, ANNOTATORS);
    int step = 1 + 2 * weir_random_below(&random, 2); // 1 or 3: three different ones
    for (int i = 0; i < LABELS_EACH; i++) {
        struct label label = {.number = t->number};
        label.annotator = (first + i * step) % ANNOTATORS;
        // Each has a care of their own, 92 to 98 in a hundred.
        double care = 0.92 + 0.06 * (label.annotator * 5 % ANNOTATORS) / (ANNOTATORS - 1);
        label.fraud = weir_random_unit(&random) < care ? t->fraud : !t->fraud;
        double hours = clamp(8 * exp(0.8 * weir_random_normal(&random)), 0.2, 120);
        label.at_ms = t->event_ms + (int64_t)(hours * HOUR_MS);
        if (push_label(generate, &label))
            return WEIR_ENOMEM;
    }
    return 0;
}

static void format_transaction(struct weir_generate *generate, const struct transaction *t)
{
    char at[40], balance[48], spend_ratio[32] = "NaN", tenure[40] = "";
    format_time(t->event_ms, at, sizeof at);
    snprintf(balance, sizeof balance, t->balance_is_text ? "\"%.2f\"" : "%.2f", t->balance);
    if (!isnan(t->spend_ratio))
        snprintf(spend_ratio, sizeof spend_ratio, "%.3f", t->spend_ratio);
    if (!t->tenure_is_missing)
        snprintf(tenure, sizeof tenure, "\"tenure_days\":%d,", t->tenure_days);
    snprintf(generate->value, sizeof generate->value,
             "{\"transaction_id\":\"%s\",\"event_time\":\"%s\",\"amount\":%.2f,"
             "\"currency\":\"%s\",\"country\":\"%s\",\"age\":%d,\"device\":\"%s\","
             "\"route\":\"%s\",\"merchant_risk\":%.4f,\"balance\":%s,\"spend_ratio\":%s,%s"
             "\"model\":\"%s\",\"score\":%.4f,\"decision\":\"%s\"}",
             generate->key, at, t->amount, t->currency, t->country, t->age, t->device, t->route,
             t->merchant_risk, balance, spend_ratio, tenure, t->model, t->score, t->decision);
}

static void emit(struct weir_generate *generate, enum weir_generate_stream stream, uint64_t number,
                 int64_t timestamp_ms, struct weir_generate_record *record)
{
    *record = (struct weir_generate_record){
        .stream = stream,
        .stream_name = stream == WEIR_GENERATE_LABELS ? "labels" : "transactions",
        .topic = generate->topics[stream],
        .partition = (int)(identity(generate, number) % (uint64_t)generate->options.partitions),
        .key = generate->key,
        .key_length = strlen(generate->key),
        .value = generate->value,
        .value_length = strlen(generate->value),
        .timestamp_ms = timestamp_ms,
        .row = generate->rows[stream]++,
    };
}

static void next_label(struct weir_generate *generate, struct weir_generate_record *record)
{
    struct label label = pop_label(generate);
    char at[40], name[16];
    snprintf(name, sizeof name, "ann-%02d", label.annotator + 1);
    for (size_t i = 0; i < generate->incident_count; i++) {
        const struct weir_generate_incident *incident = &generate->incidents[i];
        if (generate->scripts[i]->effect != WEIR_INCIDENT_GUESS ||
            label.at_ms < incident->start_ms || label.at_ms >= incident->end_ms ||
            strcmp(incident->slice, name))
            continue;
        struct weir_random random =
            weir_random_make(generate->seed, INCIDENT + WEIR_INCIDENT_GUESS, label.number);
        label.fraud = weir_random_unit(&random) < 0.5;
        touch(generate, i, label.number, label.at_ms);
    }
    format_key(generate, label.number, generate->key, sizeof generate->key);
    format_time(label.at_ms, at, sizeof at);
    snprintf(generate->value, sizeof generate->value,
             "{\"transaction_id\":\"%s\",\"label\":\"%s\",\"annotator\":\"%s\","
             "\"labelled_at\":\"%s\"}",
             generate->key, label.fraud ? "fraud" : "legit", name, at);
    emit(generate, WEIR_GENERATE_LABELS, label.number, label.at_ms, record);
}

int weir_generate_next(struct weir_generate *generate, struct weir_generate_record *record,
                       struct weir_error *error)
{
    for (;;) {
        int label_is_next =
            generate->labels > 0 && (double)generate->heap[0].at_ms < generate->next_ms;
        if (label_is_next && generate->heap[0].at_ms < generate->end_ms) {
            next_label(generate, record);
            return 1;
        }
        if (label_is_next || generate->next_ms >= (double)generate->end_ms)
            return 0;
        struct transaction t = {.number = generate->number++,
                                .sent_ms = (int64_t)generate->next_ms};
        double rate = generate->options.rate * rhythm(generate->next_ms) / generate->mean;
        generate->next_ms += HOUR_MS / rate * weir_random_exponential(&generate->arrivals);
        draw_transaction(generate, &t);
        if (!play(generate, &t))
            continue;
        if (plan_labels(generate, &t))
            return weir_error_set(error, WEIR_ENOMEM, "out of memory for labels to come");
        format_key(generate, t.number, generate->key, sizeof generate->key);
        format_transaction(generate, &t);
        emit(generate, WEIR_GENERATE_TRANSACTIONS, t.number, t.sent_ms, record);
        return 1;
    }
}
