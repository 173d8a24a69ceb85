// SPDX-License-Identifier: Apache-2.0
// The engine, free of Kafka, threads and clocks: the same code under `run` and `replay`.
//
//   edge task   (stream, partition): batches in; partials, control records and quarantine out
//   merger task (partition of the partials topic): those records in; alerts and windows out
//
// A task is used by one thread at a time. What goes out goes through one callback, in an order
// that depends on the input's order alone, never on batch sizes or interleaving of tasks.
#ifndef WEIR_TASK_H
#define WEIR_TASK_H

#include "consumer/config/config.h"
#include "consumer/profile/profile.h"
#include "stats/buffer.h"
#include "weir/detector.h"

// ---- outputs

enum weir_output {
    WEIR_OUTPUT_PARTIALS, // partition says which; edge tasks only
    WEIR_OUTPUT_ALERTS,   // merger tasks only; `alert` is set, value is encoded JSON
    WEIR_OUTPUT_QUARANTINE,
    WEIR_OUTPUT_CLEAN,
    WEIR_OUTPUT_WINDOWS, // a window's statistics as one JSON object
    WEIR_OUTPUT_REVIEW,
    WEIR_OUTPUT_FAULTS, // a rule that a record breaks as one JSON object; where asked for
    WEIR_OUTPUT_KINDS
};

struct weir_header {
    const char *name;
    struct weir_span value;
};

struct weir_alert; // consumer/alert/alert.h

// Bytes live until the callback returns.
struct weir_emission {
    enum weir_output output;
    int32_t partition; // -1: by key; of quarantine and clean records the source's
    int64_t timestamp; // ms; event time for alerts, the record's own for quarantine
    struct weir_span key, value;
    const struct weir_header *headers;
    size_t n_headers;
    const struct weir_alert *alert; // WEIR_OUTPUT_ALERTS only
    int64_t source_row;             // row of the batch under way that is copied, or -1
    int64_t decided_at;             // event time at which it was decided: orders a replay's outputs
};

struct weir_emitter {
    void *context;
    int (*emit)(void *context, const struct weir_emission *emission); // 0 or negative
};

// ---- the plan: what the configuration asks for, compiled; immutable and shared by all tasks

struct weir_plan;
struct weir_registry; // consumer/codec/registry.h

struct weir_plan_options {
    const struct weir_config *config;
    // Per stream of the configuration, what its source says of its fields (a registry's or
    // file's schema); NULL or n = 0 where it says nothing. Not kept.
    const struct weir_schema_fields *const *source_fields;
    uint32_t partials_partitions; // 8; a replay has 1
    // To check only: every fault is added here, and those of one detector do not keep the others
    // from being looked at. NULL: the first is the error, and warnings go to the log.
    struct weir_problems *problems;
    // What a registry or a topic would say of the fields is not known: names that are no known
    // field are passed over where it could know them.
    int tentative;
};

// Completes the streams (declared fields, then the references' profiles, then the source), makes
// the detectors' instances, and collects what they need. Errors point into the configuration.
int weir_plan_create(const struct weir_plan_options *options, struct weir_plan **plan,
                     struct weir_error *error);
void weir_plan_destroy(struct weir_plan *plan);
// Metrics say what of the budget of false alarms is allotted. WEIR_ENOMEM, or 0.
int weir_plan_tell_budget(const struct weir_plan *plan);
// Makes the plan for its faults and warnings alone, which are added to `problems`; knows what the
// configuration, its profiles and its schema files say of the fields, and what `registry` (may be
// NULL) says. WEIR_EINVAL where faults were added, WEIR_ENOMEM, or 0.
int weir_plan_check(const struct weir_config *config, struct weir_registry *registry,
                    struct weir_problems *problems);
const struct weir_stream *weir_plan_stream(const struct weir_plan *plan, size_t stream);
// Options for a builder of that stream (with unknown fields reported where they matter).
struct weir_builder_options weir_plan_builder(const struct weir_plan *plan, size_t stream);
uint64_t weir_plan_hash(const struct weir_plan *plan); // of all that shapes partials

// Bytes that a task holds. Walks all of it: ask a few times a second at most.
struct weir_task_memory {
    size_t windows;   // panes, rule counts, incidents
    size_t detectors; // their state, as they report it or else by what they save
};

// ---- edge tasks

struct weir_edge_task;

// `task` is the partition; `n_tasks` the number of partitions of the stream, which task 0
// publishes. Quarantine and clean records name `topic` (the batch's).
int weir_edge_task_create(const struct weir_plan *plan, size_t stream, int32_t task,
                          int32_t n_tasks, const struct weir_emitter *emitter,
                          struct weir_edge_task **edge, struct weir_error *error);
void weir_edge_task_destroy(struct weir_edge_task *edge);
// Looks at a batch. A failing detector is handled inside; an error means that the process must
// stop (memory, the emitter).
int weir_edge_task_observe(struct weir_edge_task *edge, const struct weir_batch *batch,
                           struct weir_error *error);
// Event time advances without records (another stream of a replay, or the clock of a live
// stream): the watermark becomes at least `time`.
int weir_edge_task_advance(struct weir_edge_task *edge, int64_t time, struct weir_error *error);
// Says to the mergers that this task has nothing for now, or again (idle partitions).
int weir_edge_task_idle(struct weir_edge_task *edge, int idle, struct weir_error *error);
// The input ends: every pane closes. Replay only.
int weir_edge_task_finish(struct weir_edge_task *edge, struct weir_error *error);
// Offsets from `first` to before `next` cannot be had any more: a critical weir.gap.
int weir_edge_task_gap(struct weir_edge_task *edge, int64_t first, int64_t next,
                       struct weir_error *error);
// Good records are handed on as WEIR_OUTPUT_CLEAN also where the stream has no gate.
void weir_edge_task_forward(struct weir_edge_task *edge);
// Every rule that a record breaks is handed out by itself as WEIR_OUTPUT_FAULTS (off), by record,
// then by detector and rule: {stream, topic, partition, offset, detector, rule, kind, fields}, and
// `value` where one field is concerned and its value could be read.
void weir_edge_task_faults(struct weir_edge_task *edge);
// Whether the gate has stopped the stream (beyond: stop) and if so, the first offset that was not
// looked at. Nothing may be offered to the task from there on; what came with it is not taken.
int weir_edge_task_stopped(const struct weir_edge_task *edge, int64_t *next);
int64_t weir_edge_task_newest(const struct weir_edge_task *edge); // newest event time, or INT64_MIN
// All state: panes, watermarks, detectors' edges. Restore only into a fresh task.
int weir_edge_task_save(const struct weir_edge_task *edge, struct weir_buffer *out);
int weir_edge_task_restore(struct weir_edge_task *edge, const void *data, size_t length,
                           struct weir_error *error);
// Output is thrown away while it is set (replay from a snapshot to the committed offset).
void weir_edge_task_suppress(struct weir_edge_task *edge, int suppress);
struct weir_task_memory weir_edge_task_memory(const struct weir_edge_task *edge);
// Bytes by which its windows may grow: slices that find no room are counted, as those beyond
// limits.slices are (INT64_MAX). What has been used of it is gone from what is left.
void weir_edge_task_room(struct weir_edge_task *edge, int64_t bytes);
int64_t weir_edge_task_room_left(const struct weir_edge_task *edge);

// ---- joined streams: a driver and a follower side by side (struct weir_plan_stream)

// Their places among the plan's streams: [first, first + n). Their edge tasks are made as any
// stream's, with the driver's partitions, and are shown the batches of both; they have no records
// of their own, and their time is that which both have reached.
size_t weir_plan_joined(const struct weir_plan *plan, size_t *first);
void weir_plan_joined_of(const struct weir_plan *plan, size_t stream, size_t *driver,
                         size_t *follower);
// The first `n` rows of a batch of the driver, or (`follows`) of the follower.
int weir_edge_task_join(struct weir_edge_task *edge, int follows, const struct weir_batch *batch,
                        uint32_t n, struct weir_error *error);
// How far a side's records have come, INT64_MIN: nowhere; and how far the other may be behind.
int64_t weir_edge_task_side(const struct weir_edge_task *edge, int follows, int64_t *within);
// A side has nothing more for now: the other is waited for no longer than `within`. To be called
// only where the side that lags is known to be read to its end.
int weir_edge_task_join_alone(struct weir_edge_task *edge, struct weir_error *error);

// ---- merger tasks

struct weir_merger;

int weir_merger_create(const struct weir_plan *plan, int32_t partition,
                       const struct weir_emitter *emitter, struct weir_merger **merger,
                       struct weir_error *error);
void weir_merger_destroy(struct weir_merger *merger);
// One record of the partials topic. Records that are not ours or do not decode: WEIR_ECORRUPT.
int weir_merger_accept(struct weir_merger *merger, struct weir_span key, struct weir_span value,
                       struct weir_error *error);
int weir_merger_save(const struct weir_merger *merger, struct weir_buffer *out);
int weir_merger_restore(struct weir_merger *merger, const void *data, size_t length,
                        struct weir_error *error);
void weir_merger_suppress(struct weir_merger *merger, int suppress);
// Whether every window's statistics are written to WEIR_OUTPUT_WINDOWS (off).
void weir_merger_windows(struct weir_merger *merger, int on);
// Whether the log is told of calibrations that are frozen or accepted (off).
void weir_merger_tells(struct weir_merger *merger, int on);
// What detectors calibrate on: each that does.
struct weir_calibrated {
    const char *detector;
    int disabled; // it failed too often
    struct weir_calibration calibration;
};
void weir_merger_calibrations(const struct weir_merger *merger,
                              void (*each)(void *context, const struct weir_calibrated *one),
                              void *context);
// A person accepted a stretch for a detector, which goes by it from its next window on. What that
// gives is reported to `each` (may be NULL). WEIR_EINVAL: it cannot, and is as it was.
int weir_merger_take_over(struct weir_merger *merger, const char *detector,
                          const struct weir_acceptance *acceptance,
                          void (*each)(void *context, int field,
                                       const struct weir_statistic *statistic),
                          void *context, struct weir_error *error);
// The same as a record of the partials topic, for a running app to read.
int weir_acceptance_write(const struct weir_plan *plan, const char *detector,
                          const struct weir_acceptance *acceptance, int32_t *partition,
                          struct weir_buffer *key, struct weir_buffer *value,
                          struct weir_error *error);
// Every window that ends at or before this time has been decided by this merger.
int64_t weir_merger_decided(const struct weir_merger *merger);
struct weir_task_memory weir_merger_memory(const struct weir_merger *merger);
void weir_merger_room(struct weir_merger *merger, int64_t bytes); // as weir_edge_task_room()
int64_t weir_merger_room_left(const struct weir_merger *merger);

#endif
