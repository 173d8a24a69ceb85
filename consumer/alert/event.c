// SPDX-License-Identifier: Apache-2.0
// The event that tells of an incident: its last finding, with what came before it in words.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "consumer/alert/incident.h"
#include "stats/rfc3339.h"

// "2 h 43 min": the two largest units are enough for a person.
static void print_span(int64_t ms, char *out, size_t size)
{
    static const struct {
        const char *name;
        int64_t length;
    } units[] = {{"d", 86400000}, {"h", 3600000}, {"min", 60000}, {"s", 1000}};
    size_t u = 0, n = sizeof units / sizeof *units;
    while (u + 1 < n && ms < units[u].length)
        u++;
    int64_t whole = ms / units[u].length;
    int64_t rest = u + 1 < n ? ms % units[u].length / units[u + 1].length : 0;
    if (rest)
        snprintf(out, size, "%" PRId64 " %s %" PRId64 " %s", whole, units[u].name, rest,
                 units[u + 1].name);
    else
        snprintf(out, size, "%" PRId64 " %s", whole, units[u].name);
}

// Later events say how much there has been: a finding only speaks of its own window.
static void put_history(const struct weir_incident *incident, const struct weir_alert_due *due,
                        const char *summary, char *out, size_t size)
{
    const char *unit = due->track->track.record_rules ? "record" : "window";
    const char *plural = incident->occurrences == 1 ? "" : "s";
    char span[64];
    print_span(due->at - incident->opened_at, span, sizeof span);
    if (due->status == WEIR_ALERT_RESOLVED)
        snprintf(out, size, "Over after %s and %" PRIu64 " %s%s. Last: %s", span,
                 incident->occurrences, unit, plural, summary ? summary : "");
    else
        snprintf(out, size, "%s (%" PRIu64 " %s%s in %s)", summary ? summary : "",
                 incident->occurrences, unit, plural, span);
}

// Of rules that records break: since when, and where to look first. Rows of files without a time
// have no date.
static void put_first(const struct weir_alert *alert, char *out, size_t size)
{
    static const int64_t year_2000 = 946684800000;
    const struct weir_finding *finding = &alert->finding;
    const struct weir_sample *first = NULL;
    char since[64] = "";
    for (size_t i = 0; i < finding->n_evidence && !first; i++)
        first = finding->evidence[i].n_samples ? &finding->evidence[i].samples[0] : NULL;
    if (alert->window_start >= year_2000) {
        struct weir_time_parts parts;
        weir_time_split(alert->window_start, &parts);
        snprintf(since, sizeof since, "since %04d-%02d-%02d %02d:%02d:%02dZ%s", (int)parts.year,
                 (int)parts.month, (int)parts.day, (int)parts.hour, (int)parts.minute,
                 (int)parts.second, first ? ", " : "");
    }
    const char *summary = finding->summary ? finding->summary : "";
    if (first)
        snprintf(out, size, "%s (%sfirst: %.200s[%d]@%" PRId64 ")", summary, since,
                 first->topic ? first->topic : "", (int)first->partition, first->offset);
    else if (*since)
        snprintf(out, size, "%s (%s)", summary, since);
    else
        snprintf(out, size, "%s", summary);
}

int weir_alert_send(struct weir_alerts *alerts, const struct weir_alert_due *due)
{
    char text[WEIR_PACK_SUMMARY + 256];
    const struct weir_incident *incident = due->incident;
    const struct weir_alert_track *track = &due->track->track;
    struct weir_reader reader = weir_reader_make(incident->bytes, incident->length);
    int code = weir_pack_read(&reader, &alerts->view);
    if (code)
        return code;
    struct weir_alert alert = {
        .sequence = incident->sequence,
        .status = due->status,
        .app = alerts->app,
        .detector = track->detector,
        .detector_type = track->detector_type,
        .stream = track->stream,
        .runbook = track->runbook,
        .finding = alerts->view.finding,
        .window_start = incident->window->start,
        .window_end = incident->window->end,
        .window_records = incident->window->records,
        .offsets = incident->window->offsets,
        .n_offsets = incident->window->n_offsets,
        .opened_at = incident->opened_at,
        .updated_at = due->at,
        .resolved_at = due->status == WEIR_ALERT_RESOLVED ? due->at : -1,
        .occurrences = incident->occurrences,
    };
    alert.finding.severity = incident->held;
    if (due->status != WEIR_ALERT_OPEN) {
        put_history(incident, due, alert.finding.summary, text, sizeof text);
        alert.finding.summary = text;
    } else if (track->record_rules) {
        put_first(&alert, text, sizeof text);
        alert.finding.summary = text;
    }
    weir_hash128_text(incident->fingerprint, alert.fingerprint);
    weir_hash128_text(weir_incident_event_id(incident, incident->opened_at, incident->sequence),
                      alert.id);
    return alerts->options.sink(alerts->options.context, &alert);
}
