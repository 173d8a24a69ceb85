// SPDX-License-Identifier: Apache-2.0
#include "consumer/alert/alert.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/incident.h"
#include "consumer/alert/kinds.h"
#include "consumer/http/metrics.h"

enum { DEFAULT_LIMIT = 10000 };

int weir_alerts_create(const struct weir_alerts_options *options, struct weir_alerts **alerts,
                       struct weir_error *error)
{
    struct weir_alerts *made = calloc(1, sizeof *made);
    char *app = strdup(options->app ? options->app : "");
    if (!made || !app) {
        free(made);
        free(app);
        return weir_error_set(error, WEIR_ENOMEM, "out of memory for the alert manager");
    }
    made->options = *options;
    made->app = app;
    if (!made->options.limit)
        made->options.limit = DEFAULT_LIMIT;
    if (made->options.limit > WEIR_ALERTS_INCIDENTS)
        made->options.limit = WEIR_ALERTS_INCIDENTS;
    made->current = -1;
    weir_buffer_init(&made->scratch, WEIR_BUFFER_MAXIMUM);
    *alerts = made;
    return 0;
}

void weir_alerts_destroy(struct weir_alerts *alerts)
{
    if (!alerts)
        return;
    // Incidents on their way out are in no track any more.
    for (size_t i = 0; i < alerts->n_due; i++) {
        if (alerts->due[i].status == WEIR_ALERT_RESOLVED)
            weir_incident_free(alerts->due[i].incident);
    }
    for (size_t i = 0; i < alerts->n_tracks; i++)
        weir_alert_track_clear(&alerts->tracks[i]);
    weir_alert_window_release(alerts->window);
    weir_buffer_free(&alerts->scratch);
    free(alerts->due);
    free(alerts->tracks);
    free(alerts->app);
    free(alerts);
}

int weir_alerts_track(struct weir_alerts *alerts, const struct weir_alert_track *track)
{
    if (alerts->n_tracks == WEIR_ALERTS_TRACKS)
        return WEIR_ENOMEM;
    if (alerts->n_tracks == alerts->capacity) {
        size_t capacity = alerts->capacity ? alerts->capacity * 2 : 8;
        void *grown = realloc(alerts->tracks, capacity * sizeof *alerts->tracks);
        if (!grown)
            return WEIR_ENOMEM;
        alerts->tracks = grown;
        alerts->capacity = capacity;
    }
    struct weir_alert_track_state *state = &alerts->tracks[alerts->n_tracks];
    memset(state, 0, sizeof *state);
    state->track = *track;
    if (state->track.open_after < 1)
        state->track.open_after = 1;
    if (state->track.resolve_after < 1)
        state->track.resolve_after = 1;
    return (int)alerts->n_tracks++;
}

// Takes the event's place now, so that nothing can fail between a change and its telling.
static int reserve_due(struct weir_alerts *alerts, size_t more)
{
    size_t need = alerts->n_due + more;
    if (need <= alerts->due_capacity)
        return 0;
    void *grown = realloc(alerts->due, need * 2 * sizeof *alerts->due);
    if (!grown)
        return WEIR_ENOMEM;
    alerts->due = grown;
    alerts->due_capacity = need * 2;
    return 0;
}

// Kinds and attributions that come and go are news once: at the edge of significance they would
// otherwise flicker from window to window.
static int is_told(const struct weir_incident *incident)
{
    for (unsigned i = 0; i < incident->n_told; i++) {
        if (incident->told[i] == incident->now)
            return 1;
    }
    return 0;
}

static void tell(struct weir_alerts *alerts, struct weir_alert_track_state *track,
                 struct weir_incident *incident, enum weir_alert_status status, int64_t at)
{
    struct weir_alert_due *due = &alerts->due[alerts->n_due++];
    due->incident = incident;
    due->track = track;
    due->status = status;
    due->at = at;
    incident->sequence++;
    incident->told_severity = incident->held;
    if (!is_told(incident) && incident->n_told < WEIR_ALERTS_TOLD)
        incident->told[incident->n_told++] = incident->now;
    incident->told_at = at;
    if (status == WEIR_ALERT_OPEN) {
        incident->opened_at = at;
        incident->level = weir_alert_recent_take(track, incident->key, at);
    }
    if (status == WEIR_ALERT_RESOLVED)
        weir_alert_recent_put(track,
                              (struct weir_alert_recent){incident->key, at, incident->level});
}

static int64_t patience(const struct weir_alert_track_state *track,
                        const struct weir_incident *incident)
{
    return weir_alert_patience(&track->track, incident->level);
}

// Windows that were left out were quiet ones: incidents that end within them do so before the
// window that comes now.
static void pass_gap(struct weir_alerts *alerts, struct weir_alert_track_state *track, int64_t end)
{
    int64_t step = track->track.step;
    if (!track->seen || step <= 0 || end <= track->last_end || end - track->last_end <= step)
        return;
    int64_t missed = (end - track->last_end - 1) / step;
    size_t kept = 0;
    for (size_t i = 0; i < track->n; i++) {
        struct weir_incident *incident = track->incidents[i];
        if (!incident->sequence) {
            weir_incident_free(incident);
            alerts->count--;
        } else if (missed >= patience(track, incident) - incident->streak) {
            int64_t needed = patience(track, incident) - incident->streak;
            tell(alerts, track, incident, WEIR_ALERT_RESOLVED, track->last_end + needed * step);
            alerts->count--;
        } else {
            incident->streak += missed;
            track->incidents[kept++] = incident;
        }
    }
    track->n = kept;
}

void weir_alerts_begin(struct weir_alerts *alerts, int track, int64_t start, int64_t end,
                       uint64_t records, const struct weir_offset_range *offsets, size_t n_offsets)
{
    alerts->current = track;
    alerts->start = start;
    alerts->end = end;
    alerts->records = records;
    alerts->offsets = offsets;
    alerts->n_offsets = n_offsets;
    alerts->dropped = 0;
    alerts->prepared = 0;
    alerts->hold = 0;
}

void weir_alerts_hold(struct weir_alerts *alerts)
{
    alerts->hold = 1;
}

static int prepare(struct weir_alerts *alerts)
{
    if (alerts->prepared)
        return 0;
    int code = reserve_due(alerts, alerts->count);
    if (code)
        return code;
    pass_gap(alerts, &alerts->tracks[alerts->current], alerts->end);
    alerts->prepared = 1;
    return 0;
}

static int enter(struct weir_alerts *alerts, struct weir_alert_track_state *track,
                 struct weir_hash128 key, int own, struct weir_incident **incident)
{
    int here;
    size_t at = weir_alert_track_locate(track, key, &here);
    if (here) {
        *incident = track->incidents[at];
        return 0;
    }
    if (!own && alerts->count >= alerts->options.limit) {
        alerts->dropped++;
        WEIR_COUNT(limits, 1);
        *incident = NULL;
        return 0;
    }
    struct weir_incident *made = calloc(1, sizeof *made);
    if (!made)
        return WEIR_ENOMEM;
    made->key = key;
    made->at_once = own;
    int code = weir_alert_track_add(track, made);
    if (code) {
        weir_incident_free(made);
        return code;
    }
    alerts->count++;
    *incident = made;
    return 0;
}

// Undoes enter() for an incident that there is nothing of yet.
static void take_back(struct weir_alerts *alerts, struct weir_alert_track_state *track,
                      struct weir_hash128 key)
{
    int here;
    size_t at = weir_alert_track_locate(track, key, &here);
    weir_incident_free(track->incidents[at]);
    memmove(&track->incidents[at], &track->incidents[at + 1],
            (--track->n - at) * sizeof *track->incidents);
    alerts->count--;
}

// The current window, kept; made with the first finding.
static struct weir_alert_window *keep_window(struct weir_alerts *alerts)
{
    if (alerts->window)
        return alerts->window;
    struct weir_alert_window *window = calloc(1, sizeof *window);
    if (!window)
        return NULL;
    size_t n = alerts->n_offsets < WEIR_ALERTS_OFFSETS ? alerts->n_offsets : WEIR_ALERTS_OFFSETS;
    window->references = 1; // the manager's own, until end()
    window->start = alerts->start;
    window->end = alerts->end;
    window->records = alerts->records;
    window->offsets = calloc(n ? n : 1, sizeof *window->offsets);
    for (size_t i = 0; window->offsets && i < n; i++) {
        struct weir_offset_range range = alerts->offsets[i];
        const char *last = i ? window->offsets[i - 1].topic : NULL;
        char name[WEIR_PACK_NAME];
        snprintf(name, sizeof name, "%s", range.topic ? range.topic : "");
        range.topic = last && !strcmp(last, name) ? last : strdup(name);
        if (!range.topic)
            break;
        window->offsets[i] = range;
        window->n_offsets++;
    }
    if (!window->offsets || window->n_offsets < n) {
        weir_alert_window_release(window);
        return NULL;
    }
    alerts->window = window;
    return window;
}

// Makes `finding` the incident's last one.
static int keep_finding(struct weir_alerts *alerts, struct weir_incident *incident,
                        const struct weir_finding *finding)
{
    struct weir_alert_window *window = keep_window(alerts);
    weir_buffer_reset(&alerts->scratch);
    if (!window || weir_pack_finding(&alerts->scratch, finding, alerts->options.redact))
        return WEIR_ENOMEM;
    uint8_t *bytes = realloc(incident->bytes, alerts->scratch.length);
    if (!bytes)
        return WEIR_ENOMEM;
    memcpy(bytes, alerts->scratch.data, alerts->scratch.length);
    incident->bytes = bytes;
    incident->length = alerts->scratch.length;
    window->references++;
    weir_alert_window_release(incident->window);
    incident->window = window;
    return 0;
}

static int find(struct weir_alerts *alerts, const struct weir_finding *finding, int own)
{
    struct weir_alert_track_state *track = &alerts->tracks[alerts->current];
    struct weir_finding capped = *finding;
    struct weir_hash128 key, fingerprint;
    struct weir_incident *incident;
    uint64_t now;
    int cap = track->track.severity_cap;
    if (cap >= 0 && !own && (int)capped.severity > cap)
        capped.severity = (enum weir_severity)cap;
    int code = prepare(alerts);
    if (!code)
        code = weir_incident_identify(&alerts->scratch, alerts->app, &track->track, &capped, &key,
                                      &fingerprint, &now);
    if (!code)
        code = enter(alerts, track, key, own, &incident);
    if (code || !incident)
        return code;
    if (!incident->found || capped.severity > incident->severity) {
        code = keep_finding(alerts, incident, &capped);
        if (code && !incident->bytes)
            take_back(alerts, track, key);
        if (code)
            return code;
        incident->severity = capped.severity;
        incident->now = now;
        if (!incident->sequence)
            incident->fingerprint = fingerprint;
    }
    if (track->track.record_rules)
        incident->occurrences += capped.count ? capped.count : 1;
    else if (!incident->found)
        incident->occurrences++;
    incident->found = 1;
    return 0;
}

int weir_alerts_find(struct weir_alerts *alerts, const struct weir_finding *finding)
{
    if (alerts->current < 0 || !finding->rule || !finding->kind || !weir_kind_find(finding->kind) ||
        (unsigned)finding->severity > WEIR_CRITICAL ||
        (unsigned)finding->action > WEIR_ACTION_TUNE_WEIR || finding->identity > WEIR_BY_ALL)
        return WEIR_EINVAL;
    return find(alerts, finding, 0);
}

// Says of the current track that findings went unheard.
static int find_limit(struct weir_alerts *alerts)
{
    char summary[256];
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = "weir.incidents",
        .kind = "weir.limit",
        .severity = WEIR_WARNING,
        .action = WEIR_ACTION_TUNE_WEIR,
        .share = NAN,
        .count = alerts->dropped,
        .statistic = {.name = "incidents",
                      .value = (double)alerts->count,
                      .threshold = alerts->options.limit,
                      .p_value = NAN,
                      .baseline = NAN},
        .summary = summary,
    };
    snprintf(summary, sizeof summary,
             "%" PRIu64 " finding%s could not be followed: %" PRIu32
             " incidents at a time is the limit",
             alerts->dropped, alerts->dropped == 1 ? "" : "s", alerts->options.limit);
    return find(alerts, &finding, 1);
}

// Severity rises at once, and falls when it was lower for as many windows as resolve it.
static void hold_severity(struct weir_incident *incident, int64_t windows)
{
    if (incident->severity < incident->held && incident->sequence && ++incident->lower < windows)
        return;
    incident->held = incident->severity;
    incident->lower = 0;
}

// One step in an incident's life, at the end of a window. Returns whether it stays.
static int step(struct weir_alerts *alerts, struct weir_alert_track_state *track,
                struct weir_incident *incident)
{
    int64_t at = alerts->end, repeat = track->track.repeat;
    int found = incident->found;
    incident->found = 0;
    if (!found && alerts->hold)
        return 1;
    if (found)
        hold_severity(incident, track->track.resolve_after);
    if (!incident->sequence) {
        if (!found)
            return 0;
        if (++incident->streak >= track->track.open_after || incident->at_once) {
            incident->streak = 0;
            tell(alerts, track, incident, WEIR_ALERT_OPEN, at);
        }
        return 1;
    }
    if (found) {
        incident->streak = 0;
        if (incident->held != incident->told_severity || !is_told(incident) ||
            (repeat >= 0 && at - incident->told_at >= repeat))
            tell(alerts, track, incident, WEIR_ALERT_UPDATE, at);
        return 1;
    }
    if (++incident->streak < patience(track, incident))
        return 1;
    tell(alerts, track, incident, WEIR_ALERT_RESOLVED, at);
    return 0;
}

static void step_all(struct weir_alerts *alerts, struct weir_alert_track_state *track)
{
    size_t kept = 0;
    for (size_t i = 0; i < track->n; i++) {
        struct weir_incident *incident = track->incidents[i];
        if (step(alerts, track, incident)) {
            track->incidents[kept++] = incident;
            continue;
        }
        alerts->count--;
        if (!incident->sequence) // it never opened, so no event holds it
            weir_incident_free(incident);
    }
    track->n = kept;
}

// What was restored for a detector that is configured no more.
static void resolve_orphans(struct weir_alerts *alerts)
{
    for (size_t t = 0; t < alerts->n_tracks; t++) {
        struct weir_alert_track_state *track = &alerts->tracks[t];
        if (!track->orphan)
            continue;
        for (size_t i = 0; i < track->n; i++)
            tell(alerts, track, track->incidents[i], WEIR_ALERT_RESOLVED, alerts->end);
        alerts->count -= track->n;
        track->n = 0;
    }
}

// By fingerprint; of one incident that ended in a gap and its successor, the end comes first.
static int compare_due(const void *a, const void *b)
{
    const struct weir_alert_due *x = a, *y = b;
    int order = weir_hash128_compare(x->incident->fingerprint, y->incident->fingerprint);
    if (order)
        return order;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (int)y->status - (int)x->status;
}

int weir_alerts_end(struct weir_alerts *alerts)
{
    if (alerts->current < 0)
        return WEIR_EINVAL;
    struct weir_alert_track_state *track = &alerts->tracks[alerts->current];
    int code = alerts->dropped ? find_limit(alerts) : prepare(alerts);
    // An incident has at most one event here, and one that ended in a gap.
    if (!code)
        code = reserve_due(alerts, alerts->count + track->n);
    if (code)
        return code;
    step_all(alerts, track);
    if (alerts->n_orphans) {
        resolve_orphans(alerts);
        alerts->n_orphans = 0;
    }
    if (alerts->n_due)
        qsort(alerts->due, alerts->n_due, sizeof *alerts->due, compare_due);
    for (size_t i = 0; i < alerts->n_due && !code; i++)
        code = weir_alert_send(alerts, &alerts->due[i]);
    for (size_t i = 0; i < alerts->n_due; i++) {
        if (alerts->due[i].status == WEIR_ALERT_RESOLVED)
            weir_incident_free(alerts->due[i].incident);
    }
    alerts->n_due = 0;
    track->seen = 1;
    track->last_end = alerts->end;
    alerts->current = -1;
    weir_alert_window_release(alerts->window);
    alerts->window = NULL;
    return code;
}

int weir_alerts_waits(const struct weir_alerts *alerts, int track)
{
    return alerts->n_orphans || alerts->tracks[track].n;
}

size_t weir_alerts_open(const struct weir_alerts *alerts)
{
    size_t open = 0;
    for (size_t t = 0; t < alerts->n_tracks; t++) {
        for (size_t i = 0; i < alerts->tracks[t].n; i++)
            open += alerts->tracks[t].incidents[i]->sequence != 0;
    }
    return open;
}

size_t weir_alerts_memory(const struct weir_alerts *alerts)
{
    size_t bytes = sizeof *alerts + alerts->capacity * sizeof *alerts->tracks +
                   alerts->scratch.capacity + alerts->due_capacity * sizeof *alerts->due;
    for (size_t t = 0; t < alerts->n_tracks; t++) {
        const struct weir_alert_track_state *track = &alerts->tracks[t];
        bytes += track->capacity * sizeof *track->incidents;
        for (size_t i = 0; i < track->n; i++) {
            const struct weir_alert_window *window = track->incidents[i]->window;
            bytes += sizeof *track->incidents[i] + track->incidents[i]->length;
            bytes +=
                (sizeof *window + window->n_offsets * sizeof *window->offsets) / window->references;
        }
    }
    return bytes;
}
