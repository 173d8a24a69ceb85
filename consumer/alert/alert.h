// SPDX-License-Identifier: Apache-2.0
// From findings to alert events with a life: open, updated, resolved. One manager a merger
// task; the only clock is the end of the windows that it is told of.
#ifndef WEIR_ALERT_H
#define WEIR_ALERT_H

#include "stats/buffer.h"
#include "weir/error.h"
#include "weir/finding.h"

enum weir_alert_status { WEIR_ALERT_OPEN, WEIR_ALERT_UPDATE, WEIR_ALERT_RESOLVED };

struct weir_offset_range {
    const char *topic;
    int32_t partition;
    int64_t first, last;
};

// One alert event (DESIGN: the alert event). Strings live until the sink returns.
struct weir_alert {
    char id[33], fingerprint[33]; // 128 bits in hexadecimal
    uint32_t sequence;            // of the event in its incident, from 1
    enum weir_alert_status status;
    const char *app, *detector, *detector_type, *stream, *runbook;
    struct weir_finding finding;      // the last one, its severity capped
    int64_t window_start, window_end; // the window of that finding, also when resolved
    uint64_t window_records;
    const struct weir_offset_range *offsets;
    size_t n_offsets;
    int64_t opened_at, updated_at, resolved_at; // resolved_at < 0: not resolved
    uint64_t occurrences; // records for record rules, else windows, that the incident has seen
};

typedef int (*weir_alert_sink)(void *context, const struct weir_alert *alert);

// Findings of one detector and window spec, judged together: what is not found again in a later
// window of its track becomes quieter.
struct weir_alert_track {
    const char *detector, *detector_type, *stream, *runbook; // outlive the manager
    int64_t open_after;    // consecutive windows with the finding; at least 1
    int64_t resolve_after; // quiet windows
    int64_t repeat;        // ms between updates that say nothing new
    int severity_cap;      // enum weir_severity, or -1
    int record_rules;      // occurrences count records, not windows
    int64_t step;          // ms from one window to the next; a window that is left out was quiet.
                           // 0: windows of records, where none can be left out
};

struct weir_alerts;

struct weir_alerts_options {
    const char *app;
    int redact;
    uint32_t limit; // incidents (open or pending) at a time; 0: 10,000. Beyond it: `weir.limit`
    weir_alert_sink sink;
    void *context;
};

int weir_alerts_create(const struct weir_alerts_options *options, struct weir_alerts **alerts,
                       struct weir_error *error);
void weir_alerts_destroy(struct weir_alerts *alerts);
// Returns the track's number. Tracks are added in the configuration's order, before all else.
int weir_alerts_track(struct weir_alerts *alerts, const struct weir_alert_track *track);

// One closed window of a track: begin, each finding, end. Events go to the sink at end(), by
// fingerprint. Windows of a track come in order. `offsets` live until end(). Of findings that
// are one incident the most severe is kept, the first of equals. WEIR_EINVAL: the finding has no
// rule, or a kind that is not in the list (consumer/alert/kinds.h); nothing is changed. A sink
// that fails ends end() with its code: the manager is then good for nothing but destroy().
void weir_alerts_begin(struct weir_alerts *alerts, int track, int64_t start, int64_t end,
                       uint64_t records, const struct weir_offset_range *offsets, size_t n_offsets);
int weir_alerts_find(struct weir_alerts *alerts, const struct weir_finding *finding);
// The current window could not be judged (too few records, say): incidents that are not found in
// it are neither found nor quiet.
void weir_alerts_hold(struct weir_alerts *alerts);
int weir_alerts_end(struct weir_alerts *alerts);

// Whether windows without findings matter to a track: it has incidents, pending or open, or some
// that were restored wait for any window.
int weir_alerts_waits(const struct weir_alerts *alerts, int track);
size_t weir_alerts_open(const struct weir_alerts *alerts);   // incidents that are open now
size_t weir_alerts_memory(const struct weir_alerts *alerts); // bytes held
// State, by detector and rule names, between windows. Restored into a fresh manager whose tracks
// are added: incidents of a track that is no more are resolved with the next window of any.
int weir_alerts_save(const struct weir_alerts *alerts, struct weir_buffer *out);
int weir_alerts_restore(struct weir_alerts *alerts, struct weir_reader *in,
                        struct weir_error *error);

// consumer/alert/encode.c: the event as one JSON object (no newline), keys in the schema's order,
// and as an Avro datum of schemas/alert.avsc. Non-finite numbers are null.
int weir_alert_json(const struct weir_alert *alert, struct weir_buffer *out);
int weir_alert_avro(const struct weir_alert *alert, struct weir_buffer *out);
extern const char weir_alert_schema[]; // schemas/alert.avsc

#endif
