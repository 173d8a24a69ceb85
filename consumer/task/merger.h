// SPDX-License-Identifier: Apache-2.0
// Inside a merger task: merger.c (its life), merger_accept.c (partials come in), merger_close.c
// (watermarks, closing in order), merger_slices.c (those that are tracked), merger_judge.c
// (owners, rule counts, alerts), merger_words.c (what the host says), merger_windows.c
// (statistics), merger_calibration.c (what is usual), merger_state.c (bytes).
#ifndef WEIR_TASK_MERGER_H
#define WEIR_TASK_MERGER_H

#include "consumer/alert/alert.h"
#include "consumer/task/edge.h"

// A slice that is tracked through windows in which it has no records.
struct weir_tracked {
    unsigned by; // of the layout
    uint8_t *key;
    size_t length;
    uint64_t hash; // weir_pane_hash()
    int64_t seen;  // start of the last pane that had it
};

struct weir_owner {
    const struct weir_plan_detector *plan;
    void *owner; // NULL: no owner role
    int track;
    int32_t *slot;           // [by of the detector][field]: slot in the layout, -1: none
    uint32_t failures, skip; // windows to leave out after a failure
    int disabled;
    struct weir_calibration told; // as the log has it
};

struct weir_counted { // a window of records, of one task
    int32_t task;
    struct weir_pane *pane;
};

// One (stream, window spec) that this merger owns.
struct weir_merge_key {
    const struct weir_plan_spec *plan;
    size_t stream;
    struct weir_open_panes pending; // by start
    struct weir_counted *counted;   // by last time, task, number
    size_t n_counted;
    int started;
    int64_t next;                 // start of the next pane to close
    uint64_t sequence;            // of windows
    int64_t quiet;                // empty panes closed since the last that had records
    struct weir_pane **recent;    // the last panes_a_window, oldest first; NULL: empty
    struct weir_tracked *tracked; // by `by`, then value
    size_t n_tracked, tracked_capacity;
    struct weir_owner *owners;
    size_t n_owners;
    struct weir_summary *nothing; // per slot: what a slice without records has
    size_t slice_bytes;           // that owners come to hold for one more slice
    int host_track;
};

// The rule counts of one stream.
struct weir_rules_key {
    size_t stream;
    int owned;
    struct weir_tally_pane **pending; // by start
    size_t n_pending;
    int started, closed; // a pane was closed: earlier ones do not come back
    int64_t next;
    size_t n_rules;
    size_t *rule_base; // per detector of the stream
    int *tracks;
};

struct weir_merge_task { // what is known of one edge task
    int known, idle;
    int64_t newest;
    int64_t reached; // `newest`, before the input ended
};

struct weir_merge_stream {
    struct weir_merge_task *tasks;
    size_t n_known;   // length of `tasks`
    int32_t expected; // 0: not known yet
    int64_t watermark;
};

struct weir_merger {
    const struct weir_plan *plan;
    int32_t partition;
    struct weir_emitter emitter;
    int suppress, windows, tells;
    int64_t room; // bytes by which its windows may grow
    struct weir_merge_stream *streams;
    struct weir_merge_key *keys;
    size_t n_keys;
    struct weir_rules_key *rules; // per stream
    struct weir_alerts *alerts;
    size_t open_told; // incidents, as the gauge has them
    struct weir_buffer json;
    int failed;

    // The window under way.
    struct weir_merge_key *key;
    struct weir_owner *owner;
    struct weir_pane *window; // merged
    const struct weir_slice *slices;
    const int64_t *positions; // of slices in the pane, -1: it has no records
    struct weir_reported *reported;
    size_t n_reported;
};

// A statistic that a detector reported, for the `windows` output.
struct weir_reported {
    const char *detector;
    size_t slice;
    int field;
    struct weir_statistic statistic;
    char name[64];
};

// merger_close.c: the newest time that every expected task has reached; and everything that a
// stream's watermark closes.
int64_t weir_merger_watermark(const struct weir_merge_stream *stream);
int weir_merger_close_stream(struct weir_merger *merger, size_t stream);

// merger_slices.c: the slice is seen in the pane that starts at `start`; 0: the limit is reached.
int weir_merger_track(struct weir_merger *merger, struct weir_merge_key *key, unsigned by,
                      const uint8_t *bytes, size_t length, uint64_t hash, int64_t start);
// Takes in the window's slices; returns how many rows belong to slices that found no room. The
// largest come first, so that what finds room does not depend on the order of arrival.
uint64_t weir_merger_track_window(struct weir_merger *merger, struct weir_merge_key *key,
                                  const struct weir_pane *window, int64_t start);

int weir_merger_judge(struct weir_merger *merger, struct weir_merge_key *key,
                      struct weir_pane *window, int64_t start, int64_t end);
int weir_merger_judge_rules(struct weir_merger *merger, struct weir_rules_key *rules,
                            const struct weir_tally_pane *pane, int64_t start);
int weir_merger_window_json(struct weir_merger *merger, const struct weir_merge_key *key,
                            const struct weir_pane *window, int64_t start, int64_t end);
struct weir_tally_pane *weir_merger_tally(struct weir_rules_key *rules, int64_t start, int *failed);
int weir_merger_add_counted(struct weir_merge_key *key, int32_t task, struct weir_pane *pane);
int64_t weir_merger_find_rule(void *context, const char *detector, const char *rule);

// merger_calibration.c: says a change of what an owner calibrates on; `quietly`: takes note of it.
void weir_merger_tell_calibration(const struct weir_merger *merger, struct weir_owner *owner,
                                  int quietly);
int weir_merger_accept_calibration(struct weir_merger *merger, const struct weir_partial *partial,
                                   struct weir_error *error);

struct weir_rule_names { // context of weir_merger_find_rule()
    const struct weir_plan *plan;
    const struct weir_rules_key *rules;
};

// merger_words.c: the sentence about a broken rule of which no detector says one; `partitions`:
// in how many it was broken.
void weir_merger_words(const struct weir_merger *merger, const struct weir_plan_detector *detector,
                       const struct weir_rule *rule, const struct weir_rule_count *count,
                       size_t partitions, char *text, size_t size);

#endif
