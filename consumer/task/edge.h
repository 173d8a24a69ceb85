// SPDX-License-Identifier: Apache-2.0
// Inside an edge task: shared by edge.c (life, closing), edge_state.c, edge_absorb.c (records to
// summaries), edge_run.c (in which order), edge_detect.c (records to detectors and rules) and
// edge_gate.c (records to the quarantine and the clean topic).
#ifndef WEIR_TASK_EDGE_H
#define WEIR_TASK_EDGE_H

#include "consumer/task/partial.h"
#include "consumer/task/plan.h"
#include "consumer/window/circuit.h"
#include "consumer/window/clock.h"
#include "consumer/window/tally.h"

// Panes of one window spec, by start. Few are open at a time.
struct weir_open_panes {
    struct weir_pane **items;
    size_t n, capacity;
    int64_t *room; // of the panes to come; may be NULL
};

struct weir_edge_spec {
    const struct weir_plan_spec *plan;
    struct weir_open_panes open;
    struct weir_open_panes held[WEIR_CLOCK_HELD]; // of records that may be out of time
    struct weir_absorb_scratch **scratch;         // per slot
    uint64_t counted;                             // records so far, for windows that count them
};

struct weir_edge_detector {
    const struct weir_plan_detector *plan;
    struct weir_edge_task *task;
    struct weir_edge api;
    void *edge;       // NULL: no edge role
    size_t rule_base; // of its rules among the stream's
    uint32_t failures;
    int64_t backoff_until; // event time
    int64_t closed_to;     // its edge has closed all panes that start before
    int disabled;
};

struct weir_mark_row { // a bad row, of the whole batch
    uint32_t row;
    uint32_t detector, rule;
};

struct weir_edge_gate {
    int forwards; // good records are handed on
    int guarded;  // the stream has a gate, and so a circuit
    struct weir_circuit circuit;
    int stopped;  // beyond: stop, and it was beyond
    int64_t next; // then: the first offset that was not looked at
};

struct weir_edge_join { // of a joined stream; [1] is the follower's
    struct weir_clock clocks[2];
    int64_t reached; // time up to which both are there
    uint8_t *late;   // scratch: WEIR_BATCH_ROWS
};

struct weir_edge_task {
    struct weir_edge_join *join; // NULL: a stream of its own
    const struct weir_plan *plan;
    const struct weir_plan_stream *stream;
    size_t stream_index;
    int32_t task, n_tasks;
    struct weir_emitter emitter;
    int suppress, idle;
    int64_t room; // bytes by which its panes may grow
    struct weir_clock clock;
    int64_t held_offset[WEIR_CLOCK_HELD]; // of the records that the clock holds
    struct weir_edge_spec *specs;
    size_t n_specs;
    struct weir_edge_detector *detectors; // parallel to the stream's; the host's own is the last
    size_t n_detectors;
    struct weir_tally_pane **tallies; // open ones, by start
    size_t n_tallies;
    size_t n_rules;
    int64_t told;      // newest time that the mergers were told of
    uint64_t partials; // written since then
    struct weir_buffer piece, record;

    // The batch under way: arrays of WEIR_BATCH_ROWS.
    const struct weir_batch *whole;
    const struct weir_batch *batch; // the part of it that is looked at
    uint32_t first;                 // its first row in the whole
    int64_t *before;                // newest time before each row of the part, and after its last
    int64_t after;                  // that too
    int64_t *pane, *rule_pane;
    uint32_t *group, *order, *start, *slice, *rows;
    struct weir_mark_row *marks;
    size_t n_marks, marks_capacity;
    int tells_faults; // every broken rule is handed out by itself
    struct weir_mark_row *faults;
    size_t n_faults, faults_capacity;
    struct weir_edge_gate gate;
    int failed; // an emitter's or memory's code, kept until the call ends
};

// Rows [first, first + n) of a batch as a batch; `columns` and `unknown` have room for as many
// as the batch has.
void weir_batch_view(const struct weir_batch *batch, uint32_t first, uint32_t n,
                     struct weir_batch *view, struct weir_column *columns,
                     struct weir_unknown *unknown);

struct weir_pane *weir_open_pane(struct weir_open_panes *panes,
                                 const struct weir_pane_layout *layout, int64_t start, int64_t end,
                                 int *failed);
void weir_open_panes_empty(struct weir_open_panes *panes);
void weir_open_panes_free(struct weir_open_panes *panes);

// What a detector's role holds: its own word, or twice what it saves.
size_t weir_role_memory(const void *role, size_t (*memory)(const void *role),
                        int (*save)(const void *role, struct weir_buffer *out));

// Start of the oldest pane that is still open when `newest` is the newest time.
static inline int64_t weir_edge_oldest(const struct weir_plan_spec *spec, int64_t newest)
{
    return newest == INT64_MIN
               ? INT64_MIN
               : weir_pane_floor(weir_time_add(newest, -spec->window.lateness), spec->pane);
}

enum { WEIR_EDGE_REFUSED = WEIR_CLOCK_HELD }; // as `held`: of a row out of time

// edge_run.c: all rows of task->whole, until one fails or a gate stops.
int weir_edge_run(struct weir_edge_task *task);
// Does with held records what the clock, which `was` so before, made of them.
int weir_edge_settle(struct weir_edge_task *task, const struct weir_clock_step *step,
                     const struct weir_clock *was);

// edge_absorb.c: the rows of task->batch into the spec's panes (`held` < 0), or held ones, or none.
int weir_edge_absorb(struct weir_edge_task *task, struct weir_edge_spec *spec, int held);

// edge_detect.c: `held` as above. First the rule panes of the rows of task->batch, in which what
// is found out about them counts.
void weir_edge_rule_panes(struct weir_edge_task *task, int held);
int weir_edge_detect(struct weir_edge_task *task, int held);
// Counts `n` records of the batch under way against a rule; `rows` of the part, ascending.
void weir_edge_tally(struct weir_edge_task *task, size_t rule, const uint32_t *rows, size_t n);
void weir_edge_tally_host(struct weir_edge_task *task, enum weir_host_rule rule,
                          const uint32_t *rows, size_t n);
// weir.limit, saying which limit it was.
void weir_edge_tally_limit(struct weir_edge_task *task, const char *name, const uint32_t *rows,
                           size_t n);
// The same for something that has no row: at the newest time, with one offset.
void weir_edge_tally_at(struct weir_edge_task *task, enum weir_host_rule rule, uint64_t n,
                        int64_t offset, int64_t last);
// The same of one record, with a number: the extremes are told.
void weir_edge_tally_number(struct weir_edge_task *task, enum weir_host_rule rule, int64_t offset,
                            double number);
// The open pane of rule counts that starts at `start`; NULL without memory (task->failed).
struct weir_tally_pane *weir_edge_tally_pane(struct weir_edge_task *task, int64_t start);
// edge_detail.c: says `name` of rows that a rule, numbered flat, was flagged for; weir_edge.detail.
void weir_edge_detail_at(struct weir_edge_task *task, size_t rule, const char *name, size_t length,
                         const uint32_t *rows, const double *values, size_t n);
void weir_edge_detail(const struct weir_edge *api, unsigned rule, const char *name, size_t length,
                      const uint32_t *rows, const double *values, size_t n);
// An edge's last word on panes that are closed once the newest time is `newest`.
// Sets what a detector may call.
void weir_edge_detector_api(struct weir_edge_detector *detector);
int weir_edge_extract(struct weir_edge_task *task, size_t detector, int64_t newest);

// A detector's edge has failed; it is backed off from, in the end disabled.
void weir_edge_failed(struct weir_edge_task *task, size_t d, const struct weir_error *error);
int weir_edge_is_off(const struct weir_edge_task *task, const struct weir_edge_detector *detector);
// edge.c: closes what `newest` closes (INT64_MAX: all), and says so; ends a call into the task.
int weir_edge_close_panes(struct weir_edge_task *task, int64_t newest);
int weir_edge_end_call(struct weir_edge_task *task, int code, struct weir_error *error);

// edge_join.c
int weir_edge_join_create(struct weir_edge_task *task);
void weir_edge_join_destroy(struct weir_edge_task *task);
int weir_edge_join_save(const struct weir_edge_task *task, struct weir_buffer *out);
int weir_edge_join_restore(struct weir_edge_task *task, int clock_version, struct weir_reader *in);

// edge_faults.c: notes `n` rows of the part that break a rule of task->detectors[detector], where
// that is asked for; then hands out what was noted.
void weir_edge_fault_add(struct weir_edge_task *task, uint32_t detector, uint32_t rule,
                         const uint32_t *rows, size_t n);
int weir_edge_faults(struct weir_edge_task *task);

// edge_gate.c: decides about each row of task->batch, in order, and hands out what is to go out.
int weir_edge_gate(struct weir_edge_task *task);
int weir_mark_order(const void *a, const void *b); // by row, detector and rule; for qsort
void weir_edge_gate_init(struct weir_edge_task *task);
void weir_edge_gate_end(struct weir_edge_task *task);
// How many of the next `n` rows of the whole batch may be looked at in one go, so that a circuit
// that stops does so at the very record: at least 1.
size_t weir_edge_gate_room(const struct weir_edge_task *task, uint32_t row, size_t n);
uint64_t weir_edge_gate_hash(const struct weir_gate_config *config); // of what shapes its circuit
int weir_edge_gate_save(const struct weir_edge_task *task, struct weir_buffer *out);
int weir_edge_gate_restore(struct weir_edge_task *task, struct weir_reader *in);

#endif
