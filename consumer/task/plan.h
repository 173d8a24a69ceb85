// SPDX-License-Identifier: Apache-2.0
// The compiled configuration, as the tasks see it: which streams have which window specs, which
// summaries these keep, and which detectors look at them. Immutable once made.
#ifndef WEIR_TASK_PLAN_H
#define WEIR_TASK_PLAN_H

#include "consumer/task/task.h"
#include "consumer/window/pane.h"

enum { WEIR_RULE_PANE = 10000 }; // ms: record rules are counted in panes of this length

// Failure modes that the host itself reports, as rules of a detector called "weir".
enum weir_host_rule {
    WEIR_HOST_UNDECODABLE, // where no detector of the stream looks for it
    WEIR_HOST_JUMP,
    WEIR_HOST_LIMIT,
    WEIR_HOST_GAP,
    WEIR_HOST_CIRCUIT,
    WEIR_HOST_LEAP,
    WEIR_HOST_FAILED, // + the detector's position among the stream's
};

struct weir_plan_rule {
    struct weir_rule rule; // strings owned
};

struct weir_plan_detector {
    const struct weir_detector_entry *entry;
    const struct weir_plugin *plugin; // the host's own rules: NULL
    const char *name, *type;
    struct weir_detector_config config;
    struct weir_plan_rule *rules;
    size_t n_rules;
    void *instance;
    size_t stream, spec; // spec: index in the stream's
    unsigned *by;        // config.by[k] is the layout's by[k + 1] of its spec
    uint64_t state_hash; // type, state version and the options that reset state
    int window_track_given;
    const struct weir_profile **references; // parallel to config.references; NULL: no profile
    const struct weir_profile *calibration; // of this stream; NULL: none
    struct weir_cells **made; // per field of the stream, where there is no profile; may be NULL
};

struct weir_plan_spec {
    struct weir_window_spec window;
    struct weir_pane_layout layout;
    char ***by_names; // owned, behind layout.by_names
    size_t *n_by_names;
    int **by_fields; // by_fields[by][k]: field index
    struct weir_slot *slots;
    size_t *first_slot;
    struct weir_reservoir_spec sample; // behind layout.sample
    int64_t pane;                      // ms: length of a pane; 0 where windows count records
    int64_t panes_a_window;
    char key[200];     // of its partials: "stream|size:hop:lateness:records"
    uint64_t hash;     // of all that shapes its partials
    int32_t partition; // of the partials topic
    size_t *detectors; // positions in the plan, in the configuration's order
    size_t n_detectors;
};

struct weir_plan_stream {
    const struct weir_stream_config *config;
    struct weir_stream info; // with every field that is known
    struct weir_field *fields;
    enum weir_time_unit time_unit;
    int report_unknown;
    int tentative; // it may have fields that are not known here
    struct weir_plan_spec *specs;
    size_t n_specs;
    size_t *detectors; // positions in the plan; the host's own is the last
    size_t n_detectors;
    char rules_key[160]; // of its rule counts: "stream|rules"
    int32_t rules_partition;
    // Two streams side by side, "driver+follower": no topic of its own. Behind those of the
    // configuration; `config`, `info` but for the name, and fields are the driver's.
    int joined;
    size_t driver, follower;
    int64_t within, hold_open; // ms
};

struct weir_plan {
    const struct weir_config *config;
    struct weir_plan_stream *streams;
    size_t n_streams; // those of the configuration, then the joined ones
    struct weir_plan_detector *detectors;
    size_t n_detectors;
    struct weir_profile **profiles;   // per reference of the configuration; NULL: no profile
    struct weir_profile *calibration; // NULL: none
    struct weir_calibration_pane *calibration_panes; // its panes
    uint32_t partials_partitions;
    uint64_t hash;
    void *arena;
    struct weir_problems *problems; // of a check; NULL while it is made to run
    int tentative;
};

// consumer/task/plan_resolve.c: fills detector->config.
int weir_plan_configure(struct weir_plan *plan, struct weir_plan_detector *detector,
                        struct weir_error *error);
// consumer/task/plan_reference.c: its references, and the slices that some of them are.
int weir_plan_resolve_references(struct weir_plan *plan, struct weir_plan_detector *detector,
                                 struct weir_error *error);
// The profile of reference `i`, and what that has of a field of the stream; NULL: nothing.
const struct weir_profile *weir_plan_reference(const struct weir_plan_detector *detector, size_t i);
const struct weir_summary *weir_plan_reference_summary(const struct weir_plan_detector *detector,
                                                       size_t i, int field);
// consumer/task/plan_join.c: where an option names a follower, the detector looks at the joined
// stream, which is added where it is new.
int weir_plan_join_detector(struct weir_plan *plan, struct weir_plan_detector *detector,
                            struct weir_error *error);
int weir_plan_set_follower(struct weir_plan *plan, struct weir_plan_detector *detector,
                           struct weir_error *error);
// consumer/task/plan_calibration.c: the profile that `calibration:` names, and what detectors may
// ask of it.
int weir_plan_load_calibration(struct weir_plan *plan, struct weir_error *error);
// Sets detector->calibration, once its references are known: its cells must be theirs.
int weir_plan_set_calibration(struct weir_plan *plan, struct weir_plan_detector *detector,
                              struct weir_error *error);
const struct weir_summary *weir_plan_calibration_summary(const struct weir_plan_detector *detector,
                                                         size_t pane, int field);
// consumer/task/plan_budget.c: its part of the app's budget of false alarms.
void weir_plan_set_budget(const struct weir_plan *plan, struct weir_plan_detector *detector);
// An incident of that kind was opened: metrics count it where it spends what the detector keeps.
void weir_plan_spend(const struct weir_plan *plan, const char *detector, const char *kind);
// consumer/task/plan_specs.c
struct weir_plan_spec *weir_plan_spec_for(struct weir_plan *plan, struct weir_plan_stream *stream,
                                          const struct weir_window_spec *window);
// The layout's number for a list of slice fields; it is added where it is new.
int weir_plan_add_by(struct weir_plan *plan, struct weir_plan_spec *spec,
                     const struct weir_stream *stream, const int *fields, size_t n, unsigned *out);
// Once every detector has asked: where each `by` has its slots, and the spec's hash.
void weir_plan_finish_spec(struct weir_plan *plan, struct weir_plan_spec *spec);
// consumer/task/plan_setup.c
int weir_plan_create_detector(struct weir_plan *plan, struct weir_plan_detector *detector,
                              struct weir_error *error);
// The host's own rules of a stream.
int weir_plan_create_host(struct weir_plan *plan, size_t stream,
                          struct weir_plan_detector *detector, struct weir_error *error);
int weir_plan_no_memory(struct weir_error *error);
// A fault of the configuration, said where it stands: WEIR_EINVAL. During a check it is added to
// the problems.
__attribute__((format(printf, 4, 5))) int weir_plan_fault(struct weir_plan *plan,
                                                          struct weir_mark mark,
                                                          struct weir_error *error,
                                                          const char *format, ...);

// consumer/task/streams.c: completes one stream's fields.
int weir_plan_complete_stream(struct weir_plan *plan, size_t stream,
                              const struct weir_schema_fields *source, struct weir_error *error);
// Memory that lives as long as the plan; NULL without memory.
void *weir_plan_alloc(struct weir_plan *plan, size_t size);
char *weir_plan_string(struct weir_plan *plan, const char *text);

// Which summaries a spec keeps for (by, field) with these cells; NULL: none.
const struct weir_slot *weir_plan_slot(const struct weir_plan_spec *spec, unsigned by, int field,
                                       const struct weir_cells *cells, size_t *position);
// The field's cells, from the first of the detector's references that knows it; NULL: none does.
// Where none of its references is a profile: cells of the declared values, or hashed ones.
const struct weir_cells *weir_plan_cells(const struct weir_plan_detector *detector, int field);
// Bytes that the owners of a spec come to hold for one more slice.
size_t weir_plan_owners_slice(const struct weir_plan *plan, const struct weir_plan_spec *spec);
int weir_plan_field(const struct weir_stream *stream, const char *name); // -1: none
int32_t weir_plan_partition(const struct weir_plan *plan, const char *key);

#endif
