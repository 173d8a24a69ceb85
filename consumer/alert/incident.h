// SPDX-License-Identifier: Apache-2.0
// Inside of the alert manager, shared by alert.c (the life), track.c (what is kept), identity.c
// (hashes), event.c (what is told) and state.c (saving). Not for others.
#ifndef WEIR_ALERT_INCIDENT_H
#define WEIR_ALERT_INCIDENT_H

#include "consumer/alert/alert.h"
#include "consumer/alert/pack.h"

struct weir_hash128 {
    uint64_t high, low;
};

enum {
    WEIR_ALERTS_TRACKS = 100000,
    WEIR_ALERTS_TOLD = 16,
    WEIR_ALERTS_OFFSETS = 4096, // ranges kept of a window; those beyond are left out
    WEIR_ALERTS_INCIDENTS = 1000000,
    WEIR_ALERTS_RECENT = 1024, // ended incidents that a track remembers
    WEIR_ALERTS_LEVEL = 16     // times that an incident came back, as counted
};

// A window in which something was found; shared by the incidents whose last one it is.
struct weir_alert_window {
    size_t references;
    int64_t start, end;
    uint64_t records;
    struct weir_offset_range *offsets; // topics are allocated, one for a run of equal ones
    size_t n_offsets;
    size_t number; // while saving
};

// One incident, pending (no event yet) or open.
struct weir_incident {
    struct weir_hash128 key;         // what finds it again: the parts of its identity
    struct weir_hash128 fingerprint; // of the last finding while pending, then fixed
    uint8_t *bytes;                  // the last finding, packed
    size_t length;
    struct weir_alert_window *window;       // of the last finding
    enum weir_severity severity;            // of the last finding, capped
    enum weir_severity held, told_severity; // as events say it, and as the last one said it
    int64_t lower;                          // windows in a row that were less severe than `held`
    uint64_t now;                           // hash of kind and attribution, as last found
    uint64_t told[WEIR_ALERTS_TOLD]; // those that events have told of; beyond it all are news
    unsigned n_told;
    uint64_t occurrences;
    uint32_t sequence; // of the last event; 0: pending
    int64_t streak;    // pending: windows in a row with a finding; open: quiet ones
    int64_t opened_at, told_at;
    unsigned level; // times that it came back soon after its end
    int at_once;    // of weir's own: opens with its first window
    int found;      // in the current window
};

// An incident that ended.
struct weir_alert_recent {
    struct weir_hash128 key;
    int64_t at;     // its end
    unsigned level; // the incident's
};

struct weir_alert_track_state {
    struct weir_alert_track track;
    int orphan; // restored, but no more in the configuration: its texts are allocated
    int seen;   // `last_end` is known
    int64_t last_end;
    struct weir_incident **incidents; // ascending by key
    size_t n, capacity;
    struct weir_alert_recent *recent; // by their ends; NULL while nothing was found
    size_t n_recent;
};

// An event that end() will tell.
struct weir_alert_due {
    struct weir_incident *incident;
    struct weir_alert_track_state *track;
    enum weir_alert_status status;
    int64_t at;
};

struct weir_alerts {
    struct weir_alerts_options options;
    char *app;
    struct weir_alert_track_state *tracks;
    size_t n_tracks, capacity;
    size_t n_orphans;
    size_t count; // incidents, pending and open
    // the current window
    int current;  // track, -1: none
    int prepared; // the gap before this window is behind us
    int hold;     // the window was not judged: what is not found in it is not quiet
    int64_t start, end;
    uint64_t records;
    const struct weir_offset_range *offsets;
    size_t n_offsets;
    struct weir_alert_window *window; // NULL until something is found
    uint64_t dropped;                 // findings beyond the limit
    struct weir_alert_due *due;
    size_t n_due, due_capacity;
    struct weir_buffer scratch;
    struct weir_pack_view view;
};

// ---- identity.c: hashes, over length-prefixed texts in `scratch`. Lists count as sets.

// WEIR_ENOMEM. `key` holds what the finding's identity names; `fingerprint` is what the incident
// would have if it opened with this finding; `now` changes when there is something new to tell.
int weir_incident_identify(struct weir_buffer *scratch, const char *app,
                           const struct weir_alert_track *track, const struct weir_finding *finding,
                           struct weir_hash128 *key, struct weir_hash128 *fingerprint,
                           uint64_t *now);
struct weir_hash128 weir_incident_event_id(const struct weir_incident *incident, int64_t opened_at,
                                           uint32_t sequence);
void weir_hash128_text(struct weir_hash128 hash, char out[33]);

// ---- track.c

int weir_hash128_compare(struct weir_hash128 a, struct weir_hash128 b);
void weir_incident_free(struct weir_incident *incident);
void weir_alert_window_release(struct weir_alert_window *window);
// The place of `key`; `*here` says whether it is taken by it.
size_t weir_alert_track_locate(const struct weir_alert_track_state *track, struct weir_hash128 key,
                               int *here);
// Adds `incident` in key order; the caller keeps it on failure.
int weir_alert_track_add(struct weir_alert_track_state *track, struct weir_incident *incident);
void weir_alert_track_clear(struct weir_alert_track_state *track);

// ---- event.c

// Hands the event to the sink, and returns what that does.
int weir_alert_send(struct weir_alerts *alerts, const struct weir_alert_due *due);

// ---- recent.c: incidents that ended lately, a bounded number of each track

// Room for them; WEIR_ENOMEM.
int weir_alert_recent_reserve(struct weir_alert_track_state *track);
// The level of an incident that opens at `at`: 0, or one more than when it ended within the day
// before. Forgets it.
unsigned weir_alert_recent_take(struct weir_alert_track_state *track, struct weir_hash128 key,
                                int64_t at);
void weir_alert_recent_put(struct weir_alert_track_state *track, struct weir_alert_recent recent);
// So many quiet windows end an incident of this level: four times as many each time, up to a day.
int64_t weir_alert_patience(const struct weir_alert_track *track, unsigned level);

#endif
