// SPDX-License-Identifier: Apache-2.0
#include "consumer/demo/score.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/print.h"

#define HOUR_MS INT64_C(3600000)

// How long after its end an incident may still be named: a window has to close, and labels come
// up to days late and are looked at by the day.
enum { GRACE_HOURS = 3, LABELS_GRACE_HOURS = 72 };

struct told { // of one alert, when it was last told of
    char fingerprint[33];
    char kind[48];
    enum weir_severity severity;
};

struct weir_demo_score {
    const struct weir_generate_incident *incidents;
    size_t n;
    struct weir_demo_found *found;
    size_t alerts, provisional, n_wrong;
    struct weir_demo_wrong wrong[WEIR_DEMO_WRONG];
    struct told *told; // open alerts
    size_t n_told, capacity;
};

struct weir_demo_score *weir_demo_score_make(const struct weir_generate_incident *incidents,
                                             size_t n)
{
    struct weir_demo_score *made = calloc(1, sizeof *made);
    if (!made || !(made->found = calloc(n + 1, sizeof *made->found))) {
        free(made);
        return NULL;
    }
    made->incidents = incidents;
    made->n = n;
    return made;
}

void weir_demo_score_free(struct weir_demo_score *score)
{
    if (!score)
        return;
    free(score->found);
    free(score->told);
    free(score);
}

static int has_kind(const struct weir_generate_incident *incident, const char *kind)
{
    if (!strcmp(incident->kind, kind))
        return 1;
    for (const char *const *also = incident->also; *also; also++) {
        if (!strcmp(*also, kind))
            return 1;
    }
    return 0;
}

static int has_field(const struct weir_finding *finding, const char *field)
{
    for (size_t i = 0; i < finding->n_fields; i++) {
        if (!strcmp(finding->fields[i], field))
            return 1;
    }
    return 0;
}

// The incident's own field, or one that follows from it.
static int has_moved(const struct weir_generate_incident *incident,
                     const struct weir_finding *finding)
{
    if (incident->field && has_field(finding, incident->field))
        return 1;
    for (const char *const *moved = incident->moves; moved && *moved; moved++) {
        if (has_field(finding, *moved))
            return 1;
    }
    return 0;
}

static int has_slice(const struct weir_finding *finding, const char *field, const char *value)
{
    for (size_t i = 0; i < finding->n_slice; i++) {
        const struct weir_slice_value *slice = &finding->slice[i];
        if (!strcmp(slice->field, field) && slice->value && !strcmp(slice->value, value))
            return 1;
    }
    return 0;
}

int weir_demo_names(const struct weir_generate_incident *incident, const struct weir_alert *alert)
{
    static const char *const streams[] = {"transactions", "labels"};
    const struct weir_finding *finding = &alert->finding;
    int64_t grace =
        (incident->stream == WEIR_GENERATE_LABELS ? LABELS_GRACE_HOURS : GRACE_HOURS) * HOUR_MS;
    if (!alert->stream || strcmp(alert->stream, streams[incident->stream]))
        return 0;
    if (!has_kind(incident, finding->kind))
        return 0;
    if (finding->n_fields && !has_moved(incident, finding))
        return 0;
    if (finding->n_slice &&
        (!incident->slice_field || !has_slice(finding, incident->slice_field, incident->slice)))
        return 0;
    return alert->opened_at >= incident->start_ms && alert->opened_at <= incident->end_ms + grace;
}

static void keep_wrong(struct weir_demo_score *score, const struct weir_alert *alert)
{
    if (score->n_wrong < WEIR_DEMO_WRONG) {
        struct weir_demo_wrong *wrong = &score->wrong[score->n_wrong];
        struct weir_buffer where;
        weir_buffer_init(&where, WEIR_BUFFER_MAXIMUM);
        weir_alert_where(alert, &where);
        wrong->opened_at = alert->opened_at;
        snprintf(wrong->kind, sizeof wrong->kind, "%s", alert->finding.kind);
        size_t length = where.length < sizeof wrong->where ? where.length : sizeof wrong->where - 1;
        if (!where.failed && length)
            memcpy(wrong->where, where.data, length);
        weir_buffer_free(&where);
    }
    score->n_wrong++;
}

static void judge(struct weir_demo_score *score, const struct weir_alert *alert)
{
    int named = 0;
    score->alerts++;
    score->provisional += alert->finding.provisional != 0;
    for (size_t i = 0; i < score->n; i++) {
        struct weir_demo_found *found = &score->found[i];
        if (!weir_demo_names(&score->incidents[i], alert))
            continue;
        named = 1;
        found->right |= !strcmp(score->incidents[i].kind, alert->finding.kind);
        if (!found->alerts || alert->opened_at < found->opened_at) {
            found->opened_at = alert->opened_at;
            snprintf(found->kind, sizeof found->kind, "%s", alert->finding.kind);
        }
        found->alerts++;
    }
    if (!named)
        keep_wrong(score, alert);
}

static struct told *find_told(struct weir_demo_score *score, const char *fingerprint)
{
    for (size_t i = 0; i < score->n_told; i++) {
        if (!strcmp(score->told[i].fingerprint, fingerprint))
            return &score->told[i];
    }
    return NULL;
}

static struct told *add_told(struct weir_demo_score *score, const char *fingerprint)
{
    if (score->n_told == score->capacity) {
        size_t capacity = score->capacity ? score->capacity * 2 : 64;
        void *grown = realloc(score->told, capacity * sizeof *score->told);
        if (!grown)
            return NULL;
        score->told = grown;
        score->capacity = capacity;
    }
    struct told *told = &score->told[score->n_told++];
    memset(told, 0, sizeof *told);
    snprintf(told->fingerprint, sizeof told->fingerprint, "%s", fingerprint);
    return told;
}

int weir_demo_score_event(struct weir_demo_score *score, const struct weir_alert *alert)
{
    struct told *told = find_told(score, alert->fingerprint);
    if (alert->status == WEIR_ALERT_RESOLVED) {
        if (told)
            *told = score->told[--score->n_told];
        return 1;
    }
    if (alert->status == WEIR_ALERT_OPEN)
        judge(score, alert);
    int news = !told || alert->status == WEIR_ALERT_OPEN ||
               told->severity != alert->finding.severity ||
               strncmp(told->kind, alert->finding.kind, sizeof told->kind - 1) != 0;
    if (!told && !(told = add_told(score, alert->fingerprint)))
        return WEIR_ENOMEM;
    told->severity = alert->finding.severity;
    snprintf(told->kind, sizeof told->kind, "%s", alert->finding.kind);
    return news;
}

struct weir_demo_found weir_demo_score_of(const struct weir_demo_score *score, size_t incident)
{
    return score->found[incident];
}

size_t weir_demo_score_alerts(const struct weir_demo_score *score)
{
    return score->alerts;
}

size_t weir_demo_score_provisional(const struct weir_demo_score *score)
{
    return score->provisional;
}

size_t weir_demo_score_false(const struct weir_demo_score *score,
                             const struct weir_demo_wrong **wrong)
{
    *wrong = score->wrong;
    return score->n_wrong;
}
