// SPDX-License-Identifier: Apache-2.0
// What the files of this detector share: operations.c makes an instance, edge.c counts beside the
// records, owner.c walks windows and hands what is new in them to those that judge.
#ifndef WEIR_OPERATIONS_H
#define WEIR_OPERATIONS_H

#include "detectors/operations/burn.h"
#include "detectors/operations/outcome.h"
#include "detectors/operations/tally.h"
#include "weir/detector.h"

enum operations_option {
    OPERATIONS_OPTION_VERSIONS,
    OPERATIONS_OPTION_ROLLOUT,
    OPERATIONS_OPTION_CANARY,
    OPERATIONS_OPTION_INPUTS,
    OPERATIONS_OPTION_TOLERANCE,
    OPERATIONS_OPTION_HOST_RECORDS,
    OPERATIONS_OPTION_HOST_EFFECT,
    OPERATIONS_OPTION_LATENCY,
    OPERATIONS_OPTION_LATENCY_SHARE,
    OPERATIONS_OPTION_ERRORS_AT_MOST,
    OPERATIONS_OPTION_ERRORS,
    OPERATIONS_OPTION_DEPENDENCIES,
    OPERATIONS_OPTION_BURN_RATE,
    OPERATIONS_OPTION_BURN_LONG,
    OPERATIONS_OPTION_BURN_SHORT,
    OPERATIONS_OPTION_FALSE_ALARMS,
    OPERATIONS_OPTIONS
};

enum { OPERATIONS_COMPARED = 32, OPERATIONS_SLICES = 8 };

// A field with the role latency or status.
struct operations_objective {
    int field, is_latency;
    int is_dependency; // the status of something that the service depends on
    struct operations_failures failures;
    struct operations_burn_rules rules;
};

struct operations {
    const char *name; // of the detector; lives as long as the instance
    const struct weir_stream *stream;
    int version, host, source; // fields, -1: none
    int *inputs;               // fields that the model sees
    size_t n_inputs;
    double tolerance;                   // between scores of the same input
    struct operations_shape shape;      // of tallies
    int64_t step;                       // from window to window, ms
    double alarms;                      // allowed in 30 days, of each part
    int leave_stream, leave_producers;  // what they lose is an outage detector's to tell
    unsigned slices[OPERATIONS_SLICES]; // of by, 1 + index: those that may fall silent
    const int *slice_fields[OPERATIONS_SLICES];
    size_t n_slice_fields[OPERATIONS_SLICES], n_slices;
    unsigned host_by;                  // of slices that are hosts, 0: none
    int compared[OPERATIONS_COMPARED]; // inputs by which hosts' traffic is compared
    size_t n_compared;
    double host_records, host_effect;
    int scores[OPERATIONS_SCORES]; // fields
    size_t n_scores;
    int nan_rule[OPERATIONS_SCORES], range_rule[OPERATIONS_SCORES]; // -1: none
    const char *const *versions;                                    // from oldest to newest
    size_t n_versions;                                              // 0: learnt from first sight
    int64_t rollout;                                                // ms
    double canary;
    struct operations_objective outcomes[OPERATIONS_OUTCOMES]; // latencies, then statuses
    size_t n_outcomes;
    int first_latency, first_status; // of `outcomes`, -1: none. A service's own status comes first
    double latency_at_most;
    int upstreams[OPERATIONS_UPSTREAMS]; // fields with names of dependencies
    size_t n_upstreams;
    struct operations_burn_rules upstream_rules;
};

// edge.c
int operations_edge_create(void *instance, void **edge, struct weir_error *error);
void operations_edge_destroy(void *edge);
int operations_edge_observe(void *edge, const struct weir_batch *batch,
                            const struct weir_edge *host, struct weir_error *error);
int operations_edge_close(void *edge, int64_t start, int64_t end, struct weir_buffer *out,
                          struct weir_error *error);
int operations_edge_save(const void *edge, struct weir_buffer *out);
int operations_edge_restore(void *edge, uint32_t state_version, struct weir_reader *in,
                            struct weir_error *error);

// owner.c
int operations_owner_create(void *instance, void **owner, struct weir_error *error);
void operations_owner_destroy(void *owner);
int operations_owner_window(void *owner, const struct weir_window *window,
                            struct weir_error *error);
int operations_owner_save(const void *owner, struct weir_buffer *out);
int operations_owner_restore(void *owner, uint32_t state_version, struct weir_reader *in,
                             struct weir_error *error);

// What is new in a window: the panes that no window before has had, of all tasks.
struct operations_step {
    const struct operations *operations;
    const struct weir_window *window;
    const struct operations_tally *tally;
};

#endif
