// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/alert/report_inside.h"

enum { OFFSETS_SHOWN = 8, PAGE_BYTES = 64 << 20 };

int weir_report_create(struct weir_report **report)
{
    struct weir_report *made = calloc(1, sizeof *made);
    if (!made)
        return WEIR_ENOMEM;
    made->first = INT64_MAX;
    made->last = INT64_MIN;
    *report = made;
    return 0;
}

static void free_incident(struct weir_report_incident *incident)
{
    free(incident->detector);
    free(incident->stream);
    free(incident->runbook);
    free(incident->offsets);
    free(incident->bytes);
}

void weir_report_destroy(struct weir_report *report)
{
    if (!report)
        return;
    for (size_t i = 0; i < report->n; i++)
        free_incident(&report->incidents[i]);
    for (size_t i = 0; i < report->n_counts; i++) {
        free(report->counts[i].detector);
        free(report->counts[i].kind);
    }
    free(report->incidents);
    free(report->counts);
    free(report);
}

// The incident that an event goes on with: the last one of its fingerprint.
static struct weir_report_incident *locate(struct weir_report *report, const char *fingerprint)
{
    for (size_t i = report->n; i-- > 0;) {
        if (!strcmp(report->incidents[i].fingerprint, fingerprint))
            return &report->incidents[i];
    }
    return NULL;
}

static int count(struct weir_report *report, const struct weir_alert *alert)
{
    const char *kind = alert->finding.kind;
    struct weir_report_count *row = NULL;
    for (size_t i = 0; i < report->n_counts && !row; i++) {
        if (!strcmp(report->counts[i].detector, alert->detector) &&
            !strcmp(report->counts[i].kind, kind))
            row = &report->counts[i];
    }
    if (!row && report->n_counts == WEIR_REPORT_COUNTED) {
        report->uncounted++;
        return 0;
    }
    if (!row) {
        void *grown = realloc(report->counts, (report->n_counts + 1) * sizeof *report->counts);
        if (!grown)
            return WEIR_ENOMEM;
        report->counts = grown;
        row = &report->counts[report->n_counts];
        memset(row, 0, sizeof *row);
        row->detector = strdup(alert->detector);
        row->kind = strdup(kind);
        if (!row->detector || !row->kind) {
            free(row->detector);
            free(row->kind);
            return WEIR_ENOMEM;
        }
        report->n_counts++;
    }
    row->by_severity[alert->finding.severity]++;
    return 0;
}

static char *print_offsets(const struct weir_alert *alert)
{
    struct weir_buffer text;
    size_t length;
    weir_buffer_init(&text, WEIR_BUFFER_MAXIMUM);
    for (size_t i = 0; i < alert->n_offsets && i < OFFSETS_SHOWN; i++)
        weir_buffer_printf(&text, "%s%s [%d] %" PRId64 " to %" PRId64, i ? ", " : "",
                           alert->offsets[i].topic, (int)alert->offsets[i].partition,
                           alert->offsets[i].first, alert->offsets[i].last);
    if (alert->n_offsets > OFFSETS_SHOWN)
        weir_buffer_printf(&text, " and %zu more", alert->n_offsets - OFFSETS_SHOWN);
    weir_buffer_byte(&text, 0);
    if (text.failed)
        weir_buffer_free(&text);
    return (char *)weir_buffer_take(&text, &length);
}

// Everything that the event says anew. The incident is as it was on failure.
static int refresh(struct weir_report_incident *incident, const struct weir_alert *alert)
{
    struct weir_buffer packed;
    weir_buffer_init(&packed, WEIR_BUFFER_MAXIMUM);
    char *offsets = print_offsets(alert);
    if (weir_pack_finding(&packed, &alert->finding, 0) || !offsets) {
        weir_buffer_free(&packed);
        free(offsets);
        return WEIR_ENOMEM;
    }
    free(incident->bytes);
    free(incident->offsets);
    incident->bytes = weir_buffer_take(&packed, &incident->length);
    incident->offsets = offsets;
    incident->status = alert->status;
    incident->updated_at = alert->updated_at;
    incident->window_start = alert->window_start;
    incident->window_end = alert->window_end;
    incident->records = alert->window_records;
    incident->occurrences = alert->occurrences;
    incident->events++;
    if (alert->finding.severity > incident->severity)
        incident->severity = alert->finding.severity;
    return 0;
}

static int open_incident(struct weir_report *report, const struct weir_alert *alert)
{
    if (report->n == report->capacity) {
        size_t capacity = report->capacity ? report->capacity * 2 : 64;
        void *grown = realloc(report->incidents, capacity * sizeof *report->incidents);
        if (!grown)
            return WEIR_ENOMEM;
        report->incidents = grown;
        report->capacity = capacity;
    }
    struct weir_report_incident *incident = &report->incidents[report->n];
    memset(incident, 0, sizeof *incident);
    memcpy(incident->fingerprint, alert->fingerprint, sizeof incident->fingerprint);
    memcpy(incident->id, alert->id, sizeof incident->id);
    incident->opened_at = alert->opened_at;
    incident->detector = strdup(alert->detector);
    incident->stream = alert->stream ? strdup(alert->stream) : NULL;
    incident->runbook = alert->runbook ? strdup(alert->runbook) : NULL;
    if (!incident->detector || !incident->stream != !alert->stream ||
        !incident->runbook != !alert->runbook || refresh(incident, alert)) {
        free_incident(incident);
        return WEIR_ENOMEM;
    }
    report->n++;
    return 0;
}

int weir_report_add(struct weir_report *report, const struct weir_alert *alert)
{
    int code = 0;
    report->events++;
    if (alert->opened_at < report->first)
        report->first = alert->opened_at;
    if (alert->updated_at > report->last)
        report->last = alert->updated_at;
    if (alert->status == WEIR_ALERT_OPEN) {
        report->total++;
        report->open++;
        report->by_severity[alert->finding.severity]++;
        code = count(report, alert);
        if (!code && report->n < WEIR_REPORT_INCIDENTS)
            code = open_incident(report, alert);
        return code;
    }
    if (alert->status == WEIR_ALERT_RESOLVED && report->open)
        report->open--;
    struct weir_report_incident *incident = locate(report, alert->fingerprint);
    return incident && incident->opened_at == alert->opened_at ? refresh(incident, alert) : 0;
}

size_t weir_report_incidents(const struct weir_report *report)
{
    return (size_t)report->total;
}

int weir_report_write(const struct weir_report *report, const struct weir_report_context *context,
                      const char *path, struct weir_error *error)
{
    char beside[4096];
    struct weir_buffer page;
    if (snprintf(beside, sizeof beside, "%s.%ld.tmp", path, (long)getpid()) >= (int)sizeof beside)
        return weir_error_set(error, WEIR_EINVAL, "the path of the report is too long");
    weir_buffer_init(&page, PAGE_BYTES);
    if (weir_report_print(report, context, &page)) {
        weir_buffer_free(&page);
        return weir_error_set(error, WEIR_ENOMEM, "out of memory for the report");
    }
    FILE *file = fopen(beside, "wb");
    int failed = !file || fwrite(page.data, 1, page.length, file) != page.length;
    int why = errno;
    if (file && fclose(file) && !failed) {
        failed = 1;
        why = errno;
    }
    weir_buffer_free(&page);
    if (!failed && rename(beside, path)) {
        failed = 1;
        why = errno;
    }
    if (!failed)
        return 0;
    if (file)
        unlink(beside);
    return weir_error_set(error, WEIR_EIO, "the report %s cannot be written: %s", path,
                          strerror(why));
}
