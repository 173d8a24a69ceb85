// SPDX-License-Identifier: Apache-2.0
// Saving and restoring the alert manager. Incidents find their track by names, so that a changed
// configuration keeps what it can.
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/incident.h"

// 2: what ended lately. Version 1 is read as if nothing had.
enum { STATE_VERSION = 2, WITHOUT_RECENT = 1 };

// Times and counts beyond it are garbage; within it, sums cannot overflow.
static const int64_t FAR = (int64_t)1 << 60;

// ---- saving

static void put_window(struct weir_buffer *out, const struct weir_alert_window *window)
{
    const char *topic = NULL;
    weir_put_long(out, window->start);
    weir_put_long(out, window->end);
    weir_put_fixed64(out, window->records);
    weir_put_long(out, (int64_t)window->n_offsets);
    for (size_t i = 0; i < window->n_offsets; i++) {
        const struct weir_offset_range *range = &window->offsets[i];
        weir_pack_text(out, range->topic == topic ? NULL : range->topic, WEIR_PACK_NAME);
        topic = range->topic;
        weir_put_long(out, range->partition);
        weir_put_long(out, range->first);
        weir_put_long(out, range->last);
    }
}

static void put_hash(struct weir_buffer *out, struct weir_hash128 hash)
{
    weir_put_fixed64(out, hash.high);
    weir_put_fixed64(out, hash.low);
}

static void put_incident(struct weir_buffer *out, const struct weir_incident *incident)
{
    put_hash(out, incident->key);
    put_hash(out, incident->fingerprint);
    weir_put_bytes(out, incident->bytes, incident->length);
    weir_put_long(out, (int64_t)incident->window->number);
    weir_put_fixed64(out, incident->now);
    weir_put_long(out, incident->n_told);
    for (unsigned i = 0; i < incident->n_told; i++)
        weir_put_fixed64(out, incident->told[i]);
    weir_put_long(out, incident->held);
    weir_put_long(out, incident->told_severity);
    weir_put_long(out, incident->lower);
    weir_put_fixed64(out, incident->occurrences);
    weir_put_long(out, incident->sequence);
    weir_put_long(out, incident->streak);
    weir_put_long(out, incident->opened_at);
    weir_put_long(out, incident->told_at);
    weir_put_long(out, incident->at_once);
    weir_put_long(out, incident->level);
}

static void put_track(struct weir_buffer *out, const struct weir_alert_track_state *track)
{
    size_t windows = 0;
    weir_pack_text(out, track->track.detector, WEIR_PACK_NAME);
    weir_pack_text(out, track->track.detector_type, WEIR_PACK_NAME);
    weir_pack_text(out, track->track.stream, WEIR_PACK_NAME);
    weir_pack_text(out, track->track.runbook, WEIR_PACK_SUMMARY);
    weir_put_long(out, track->track.record_rules != 0);
    weir_put_long(out, track->seen);
    weir_put_long(out, track->last_end);
    // Windows are shared: numbered in the order of the incidents, each written once.
    for (size_t i = 0; i < track->n; i++)
        track->incidents[i]->window->number = SIZE_MAX;
    for (size_t i = 0; i < track->n; i++) {
        if (track->incidents[i]->window->number == SIZE_MAX)
            track->incidents[i]->window->number = windows++;
    }
    weir_put_long(out, (int64_t)windows);
    for (size_t i = 0, next = 0; i < track->n; i++) {
        if (track->incidents[i]->window->number == next) {
            put_window(out, track->incidents[i]->window);
            next++;
        }
    }
    weir_put_long(out, (int64_t)track->n);
    for (size_t i = 0; i < track->n; i++)
        put_incident(out, track->incidents[i]);
    weir_put_long(out, (int64_t)track->n_recent);
    for (size_t i = 0; i < track->n_recent; i++) {
        put_hash(out, track->recent[i].key);
        weir_put_long(out, track->recent[i].at);
        weir_put_long(out, track->recent[i].level);
    }
}

int weir_alerts_save(const struct weir_alerts *alerts, struct weir_buffer *out)
{
    if (alerts->current >= 0)
        return WEIR_EINVAL;
    size_t n = 0;
    for (size_t t = 0; t < alerts->n_tracks; t++)
        n += !alerts->tracks[t].orphan || alerts->tracks[t].n;
    weir_put_long(out, STATE_VERSION);
    weir_put_long(out, (int64_t)n);
    for (size_t t = 0; t < alerts->n_tracks; t++) {
        if (!alerts->tracks[t].orphan || alerts->tracks[t].n)
            put_track(out, &alerts->tracks[t]);
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

// ---- restoring

static int64_t get_time(struct weir_reader *in)
{
    int64_t value = weir_get_long(in);
    if (value > FAR || value < -FAR) {
        in->failed = 1;
        return 0;
    }
    return value;
}

static void get_offsets(struct weir_reader *in, struct weir_alert_window *window, size_t n)
{
    const char *topic = NULL;
    for (size_t i = 0; i < n && !in->failed; i++) {
        struct weir_offset_range *range = &window->offsets[i];
        const char *name = weir_pack_get_text(in, WEIR_PACK_NAME);
        int64_t partition = weir_get_long(in);
        range->first = weir_get_long(in);
        range->last = weir_get_long(in);
        if (in->failed || partition < INT32_MIN || partition > INT32_MAX || (!name && !topic)) {
            in->failed = 1;
            return;
        }
        range->partition = (int32_t)partition;
        if (name)
            topic = strdup(name);
        range->topic = topic;
        if (!topic)
            in->failed = WEIR_ENOMEM;
        else
            window->n_offsets++;
    }
}

// A window with one reference, the caller's; NULL with the reader failed.
static struct weir_alert_window *get_window(struct weir_reader *in)
{
    struct weir_alert_window *window = calloc(1, sizeof *window);
    if (!window) {
        in->failed = WEIR_ENOMEM;
        return NULL;
    }
    window->references = 1;
    window->start = get_time(in);
    window->end = get_time(in);
    window->records = weir_get_fixed64(in);
    size_t n = weir_get_count(in, WEIR_ALERTS_OFFSETS);
    window->offsets = calloc(n ? n : 1, sizeof *window->offsets);
    if (window->offsets)
        get_offsets(in, window, n);
    else if (!in->failed)
        in->failed = WEIR_ENOMEM;
    if (in->failed) {
        weir_alert_window_release(window);
        return NULL;
    }
    return window;
}

static struct weir_hash128 get_hash(struct weir_reader *in)
{
    struct weir_hash128 hash;
    hash.high = weir_get_fixed64(in);
    hash.low = weir_get_fixed64(in);
    return hash;
}

static void get_finding(struct weir_reader *in, struct weir_incident *incident,
                        struct weir_pack_view *view)
{
    size_t length;
    const uint8_t *bytes = weir_get_bytes(in, &length);
    struct weir_reader inner = weir_reader_make(bytes, length);
    if (in->failed || weir_pack_read(&inner, view) || weir_reader_left(&inner)) {
        in->failed = 1;
        return;
    }
    incident->bytes = malloc(length);
    if (!incident->bytes) {
        in->failed = WEIR_ENOMEM;
        return;
    }
    memcpy(incident->bytes, bytes, length);
    incident->length = length;
    incident->severity = view->finding.severity;
}

static struct weir_incident *get_incident(struct weir_reader *in, struct weir_pack_view *view,
                                          struct weir_alert_window **windows, size_t n_windows,
                                          int version)
{
    struct weir_incident *incident = calloc(1, sizeof *incident);
    if (!incident) {
        in->failed = WEIR_ENOMEM;
        return NULL;
    }
    incident->key = get_hash(in);
    incident->fingerprint = get_hash(in);
    get_finding(in, incident, view);
    size_t window = weir_get_count(in, n_windows ? n_windows - 1 : 0);
    incident->now = weir_get_fixed64(in);
    incident->n_told = (unsigned)weir_get_count(in, WEIR_ALERTS_TOLD);
    for (unsigned i = 0; i < incident->n_told; i++)
        incident->told[i] = weir_get_fixed64(in);
    incident->held = (enum weir_severity)weir_get_count(in, WEIR_CRITICAL);
    incident->told_severity = (enum weir_severity)weir_get_count(in, WEIR_CRITICAL);
    incident->lower = (int64_t)weir_get_count(in, (size_t)FAR);
    incident->occurrences = weir_get_fixed64(in);
    incident->sequence = (uint32_t)weir_get_count(in, UINT32_MAX - 1);
    incident->streak = (int64_t)weir_get_count(in, (size_t)FAR);
    incident->opened_at = get_time(in);
    incident->told_at = get_time(in);
    incident->at_once = weir_get_count(in, 1) != 0;
    if (version != WITHOUT_RECENT)
        incident->level = (unsigned)weir_get_count(in, WEIR_ALERTS_LEVEL + 1);
    if (!in->failed && !n_windows)
        in->failed = 1;
    if (in->failed) {
        weir_incident_free(incident);
        return NULL;
    }
    incident->window = windows[window];
    incident->window->references++;
    return incident;
}

static void get_incidents(struct weir_alerts *alerts, struct weir_reader *in,
                          struct weir_alert_track_state *track, struct weir_alert_window **windows,
                          size_t n_windows, int version)
{
    size_t n = weir_get_count(in, WEIR_ALERTS_INCIDENTS);
    for (size_t i = 0; i < n && !in->failed; i++) {
        struct weir_incident *incident =
            get_incident(in, &alerts->view, windows, n_windows, version);
        if (!incident)
            return;
        // Nobody will find again what only an unknown detector was about to say.
        if (track->orphan && !incident->sequence) {
            weir_incident_free(incident);
            continue;
        }
        int full = alerts->count == WEIR_ALERTS_INCIDENTS;
        if (full || weir_alert_track_add(track, incident)) {
            weir_incident_free(incident);
            in->failed = full ? 1 : WEIR_ENOMEM;
            return;
        }
        alerts->count++;
    }
}

static void get_recent(struct weir_reader *in, struct weir_alert_track_state *track)
{
    size_t n = weir_get_count(in, WEIR_ALERTS_RECENT);
    if (n && weir_alert_recent_reserve(track)) {
        in->failed = WEIR_ENOMEM;
        return;
    }
    for (size_t i = 0; i < n && !in->failed; i++) {
        struct weir_alert_recent recent = {.key = get_hash(in)};
        recent.at = get_time(in);
        recent.level = (unsigned)weir_get_count(in, WEIR_ALERTS_LEVEL);
        if (!in->failed)
            weir_alert_recent_put(track, recent);
    }
}

static int same(const char *a, const char *b)
{
    return !strcmp(a ? a : "", b ? b : "");
}

// The track that was saved under these names, or a new one that only waits for its end. `used`
// says which tracks have had theirs.
static struct weir_alert_track_state *
place(struct weir_alerts *alerts, const struct weir_alert_track *saved, const uint8_t *used)
{
    for (size_t t = 0; t < alerts->n_tracks; t++) {
        const struct weir_alert_track_state *state = &alerts->tracks[t];
        if (!state->orphan && !used[t] && same(state->track.detector, saved->detector) &&
            same(state->track.detector_type, saved->detector_type) &&
            same(state->track.stream, saved->stream) &&
            !state->track.record_rules == !saved->record_rules)
            return &alerts->tracks[t];
    }
    struct weir_alert_track copy = *saved;
    copy.detector = strdup(saved->detector ? saved->detector : "");
    copy.detector_type = strdup(saved->detector_type ? saved->detector_type : "");
    copy.stream = saved->stream ? strdup(saved->stream) : NULL;
    copy.runbook = saved->runbook ? strdup(saved->runbook) : NULL;
    int t = copy.detector && copy.detector_type && !copy.stream == !saved->stream &&
                    !copy.runbook == !saved->runbook
                ? weir_alerts_track(alerts, &copy)
                : -1;
    if (t < 0) {
        free((char *)copy.detector);
        free((char *)copy.detector_type);
        free((char *)copy.stream);
        free((char *)copy.runbook);
        return NULL;
    }
    alerts->tracks[t].orphan = 1;
    alerts->n_orphans++;
    return &alerts->tracks[t];
}

static void get_track(struct weir_alerts *alerts, struct weir_reader *in, uint8_t *used,
                      int version)
{
    struct weir_alert_track saved = {.severity_cap = -1};
    saved.detector = weir_pack_get_text(in, WEIR_PACK_NAME);
    saved.detector_type = weir_pack_get_text(in, WEIR_PACK_NAME);
    saved.stream = weir_pack_get_text(in, WEIR_PACK_NAME);
    saved.runbook = weir_pack_get_text(in, WEIR_PACK_SUMMARY);
    saved.record_rules = weir_get_count(in, 1) != 0;
    int seen = weir_get_count(in, 1) != 0;
    int64_t last_end = get_time(in);
    size_t n_windows = weir_get_count(in, weir_reader_left(in)), made = 0;
    struct weir_alert_track_state *track = in->failed ? NULL : place(alerts, &saved, used);
    struct weir_alert_window **windows = calloc(n_windows ? n_windows : 1, sizeof *windows);
    if (!track || !windows) {
        if (!in->failed)
            in->failed = WEIR_ENOMEM;
        free(windows);
        return;
    }
    if (!track->orphan)
        used[track - alerts->tracks] = 1;
    track->seen = seen;
    track->last_end = last_end;
    for (; made < n_windows && !in->failed; made++) {
        windows[made] = get_window(in);
        if (!windows[made])
            break;
    }
    if (!in->failed)
        get_incidents(alerts, in, track, windows, n_windows, version);
    if (!in->failed && version != WITHOUT_RECENT)
        get_recent(in, track);
    for (size_t i = 0; i < made; i++)
        weir_alert_window_release(windows[i]);
    free(windows);
}

static void undo(struct weir_alerts *alerts, size_t n_tracks)
{
    for (size_t t = 0; t < alerts->n_tracks; t++) {
        struct weir_alert_track_state *state = &alerts->tracks[t];
        struct weir_alert_track track = state->track;
        weir_alert_track_clear(state);
        state->track = track;
    }
    alerts->n_tracks = n_tracks;
    alerts->n_orphans = 0;
    alerts->count = 0;
}

int weir_alerts_restore(struct weir_alerts *alerts, struct weir_reader *in,
                        struct weir_error *error)
{
    size_t n_tracks = alerts->n_tracks;
    if (alerts->count || alerts->n_orphans || alerts->current >= 0)
        return weir_error_set(error, WEIR_EINVAL, "alert state goes only into a fresh manager");
    int64_t version = weir_get_long(in);
    if (!in->failed && version != STATE_VERSION && version != WITHOUT_RECENT)
        return weir_error_set(error, WEIR_EVERSION,
                              "alert state is of version %lld, and this weir reads %d",
                              (long long)version, STATE_VERSION);
    uint8_t *used = calloc(n_tracks + 1, 1);
    if (!used)
        return weir_error_set(error, WEIR_ENOMEM, "out of memory while restoring alerts");
    size_t n = weir_get_count(in, WEIR_ALERTS_TRACKS);
    for (size_t t = 0; t < n && !in->failed; t++)
        get_track(alerts, in, used, (int)version);
    free(used);
    if (in->failed) {
        int code = weir_reader_code(in);
        undo(alerts, n_tracks);
        return weir_error_set(error, code,
                              code == WEIR_ENOMEM ? "out of memory while restoring alerts"
                                                  : "alert state is truncated or corrupt");
    }
    return 0;
}
