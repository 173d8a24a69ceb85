// SPDX-License-Identifier: Apache-2.0
// The plug-in ABI. A module exports one constant, `weir_plugin`, and nothing else.
//
// A detector has an *instance* (its configuration; immutable once created) and two roles, each
// with its own state:
//
//   edge   one a task, beside the records: sees every batch, flags rows that break a rule, and
//          may hand on bytes of its own when a pane closes;
//   owner  one a (stream, window spec): sees merged summaries when a window closes, and emits
//          findings.
//
// A detector has no globals, never reads a clock and does no I/O: time is the event's. It
// links libc and libweir-stats only. All calls into one edge or owner come from one thread at a
// time; instances are shared between threads and therefore never written after create().
#ifndef WEIR_DETECTOR_H
#define WEIR_DETECTOR_H

#include "weir/batch.h"
#include "weir/error.h"
#include "weir/finding.h"
#include "weir/option.h"
#include "weir/summary.h"

// A module loads where the major is equal and the minor not above the host's. New callbacks
// and fields are added at the end of sized structs under a new minor.
#define WEIR_ABI_MAJOR 1
#define WEIR_ABI_MINOR 1

struct weir_buffer; // stats/buffer.h
struct weir_reader;
struct weir_reservoir; // stats/reservoir.h

enum weir_rule_flag {
    WEIR_RULE_QUARANTINE = 1, // a row that breaks the rule is a bad record
    // Since minor 1: no rule but the condition of the one that is declared next. The rows flagged
    // for it are those that the next rule is about; it has no findings itself.
    WEIR_RULE_CONDITION = 2,
    WEIR_RULE_SILENT = 4 // since minor 1: it is counted, but no alert says so
};

// A rule that single records break. Declared at create(), named by its index from then on.
struct weir_rule {
    const char *name; // stable within the detector and unlike every other: "range:amount"
    const char *kind;
    int field; // index in the stream, -1: none
    enum weir_severity severity;
    enum weir_action action;
    unsigned flags;
};

// What a detector is to compare with, besides its name. Since minor 1. All but profiles are made
// of the stream itself: the host hands on what the configuration says, the owner keeps what it
// needs in its state.
enum weir_reference_kind {
    WEIR_REFERENCE_PROFILE,   // summaries: weir_setup.reference, weir_window.reference
    WEIR_REFERENCE_PREVIOUS,  // the last `windows` windows
    WEIR_REFERENCE_SAME_HOUR, // the same hour of the week, over the last `span` ms
    WEIR_REFERENCE_FIXED,     // what the stream had in [from, to), event time
    WEIR_REFERENCE_MODEL,     // a model version: a slice of the same window
    WEIR_REFERENCE_SLICE      // a slice of the same window
};
struct weir_reference_spec {
    size_t size;
    enum weir_reference_kind kind;
    int64_t windows, span, from, to;
    unsigned by;               // of a slice or model: slices with this `by` are of its kind
    const char *const *values; // n_by_fields[by - 1] of them, as in weir_slice.values
};

// Where a complaint's other side stands. Since minor 1.
struct weir_complaint_place {
    const char *option;
    size_t item, offset, field; // as in struct weir_complaint
};

// Something wrong with the text of an option, or worth a warning. Since minor 1.
struct weir_complaint {
    size_t size;
    const char *option;  // its key in the table
    size_t item;         // which of a list of texts
    size_t offset;       // bytes into the text
    int warning;         // else a fault: create() fails
    const char *message; // without a name of the detector or option: the host adds them
    size_t field;        // 0; or 1 + a field of the stream: `option` is a key of that field
    // What it contradicts: the host adds where these stand.
    const struct weir_complaint_place *places;
    size_t n_places;
};

// A stretch of event time in a profile. Since minor 1.
struct weir_calibration_pane {
    size_t size;
    int64_t start, end; // event time, ms, end exclusive
    uint64_t rows;
};

// Host services during create(). `size` is the host's sizeof: check it before using a member
// that a later minor added.
struct weir_setup {
    size_t size;
    void *host;
    // Asks for summaries of `field` in each window of this detector, for the whole stream
    // (`by` is 0) or for the slices of by[`by` - 1]. `parts` of enum weir_part, or 0 for counts.
    // WEIR_PART_CELLS needs a reference that knows the field: otherwise WEIR_EINVAL.
    int (*need)(const struct weir_setup *setup, unsigned by, int field, unsigned parts,
                struct weir_error *error);
    // Declares a rule; the names are copied. Returns its index, or a negative code.
    int (*rule)(const struct weir_setup *setup, const struct weir_rule *rule,
                struct weir_error *error);
    // The field's summary in reference `i`; NULL where it has none.
    const struct weir_summary *(*reference)(const struct weir_setup *setup, size_t i, int field);
    // Since minor 1. Tells of faults in an option's text: the host says them with file, line and
    // column. As often as there are some; after faults create() returns WEIR_EINVAL.
    void (*complain)(const struct weir_setup *setup, const struct weir_complaint *complaint);
    // Since minor 1. The stream may have more fields than are known (`weir check` without its
    // registry): a name that is none is no fault yet. The instance sees no records then.
    int tentative;
    // Since minor 1. The cells in which WEIR_PART_CELLS counts the field: its reference's; without
    // a profile those of the declared or hashed values, for a detector with other references. NULL:
    // there are none (numbers without a profile), and cells cannot be needed.
    const struct weir_cells *(*cells)(const struct weir_setup *setup, int field);
    // Since minor 1. Asks for a bounded sample of whole rows in each window of this detector, with
    // the stream's fields: at most `rows` (and 1 MiB), or as many as another detector of the same
    // windows asks for, if these are more. Does nothing where it is NULL. WEIR_EINVAL: too many.
    int (*sample)(const struct weir_setup *setup, size_t rows, struct weir_error *error);
    // Since minor 1. The sample of rows that reference `i` keeps; NULL where it keeps none. Its
    // fields are the reference's: find them by name. Lives as long as the instance.
    const struct weir_reservoir *(*reference_sample)(const struct weir_setup *setup, size_t i);
    // Since minor 1. Of a detector with a follower: its panes close so many ms of event time later,
    // for a record's partner may bear a later time.
    void (*hold_open)(const struct weir_setup *setup, int64_t ms);
    // Since minor 1. The ordered panes of `calibration: {profile: PATH}`, where that is a profile
    // of this stream: a healthy stretch to calibrate on before there are any windows. How many
    // there are (0: none) ...
    size_t (*calibration_panes)(const struct weir_setup *setup);
    // ... when pane k was, and what it had of a field: counts, moments, and cells, which are those
    // of cells(). They come by time; stretches without records have none. NULL: the profile does
    // not know the field, or there are no such cells. All live as long as the instance.
    const struct weir_calibration_pane *(*calibration_pane)(const struct weir_setup *setup,
                                                            size_t k);
    const struct weir_summary *(*calibration_summary)(const struct weir_setup *setup, size_t k,
                                                      int field);
};

// A stretch of event time, ms; `to` is not in it. Since minor 1.
struct weir_stretch {
    int64_t from, to;
};

// A stream that joins the detector's own, and that an option of type WEIR_OPTION_STREAM names.
// Since minor 1.
struct weir_follower {
    size_t size;
    const struct weir_stream *stream;
    int64_t within; // ms: how far one stream may lag behind the other, and still be waited for
};

// Another detector of the same stream: where two would see the same, one can leave it to the other.
// Since minor 1.
struct weir_peer {
    size_t size;
    const char *name, *type;
    int64_t window_hop;           // ms; 0 where windows count records
    const char *const *const *by; // by[k] is a list of n_by_fields[k] names of fields
    const size_t *n_by_fields;
    size_t n_by;
    size_t n_references;
    const char *const *fields; // names, where its configuration gives some; NULL: it does not
    size_t n_fields;
};

// What the configuration says. Lives as long as the instance.
struct weir_detector_config {
    size_t size;
    const char *name; // of the detector in the configuration
    const struct weir_stream *stream;
    const int *fields; // indices that `fields:` names, or every field with the role feature,
    size_t n_fields;   // score or prediction where it is not given
    int fields_given;
    // by[k] is a list of n_by_fields[k] field indices: `by: [route, [route, country]]`
    const int *const *by;
    const size_t *n_by_fields;
    size_t n_by;
    size_t n_references;
    const char *const *references;           // names
    int64_t window_size, window_hop;         // ms; 0 where windows count records
    int64_t window_records;                  // 0 where windows are of time
    int severity;                            // cap given by `severity:`, or -1; the host applies it
    const struct weir_option_value *options; // in the order of the plug-in's table
    int redact;                              // values of single records must not be put into text
    // Since minor 1.
    const struct weir_reference_spec *reference_specs; // n_references
    size_t n_by_given; // so many of `by` the configuration asks for; the others serve references
    int64_t open_after, resolve_after; // windows: an incident's life
    int64_t calibration_last;          // ms of healthy serving to calibrate on; 0: none
    // The detector's part of the app's budget of false alarms: at most so many in so many ms.
    // alarms_per 0: there is none, or an option of its own (WEIR_OPTION_OWN_ALARMS) is given.
    double alarms_at_most;
    int64_t alarms_per;
    const struct weir_peer *peers; // in the order of the configuration
    size_t n_peers;
    const struct weir_follower *follower; // NULL: none
    // What not to calibrate on, by time; none overlap.
    const struct weir_stretch *calibration_exclude;
    size_t n_calibration_exclude;
    // Which share of the app's budget alarms_at_most is, in (0, 1]: what a stretch of healthy
    // serving must be long enough for is the whole, alarms_at_most / alarms_share.
    double alarms_share;
    // It is the calibration that is asked for: it is learnt in the window that completes it,
    // however long that takes.
    int calibration_at_once;
};

// The detector's part of the budget in so many ms, or `otherwise` where the host gives none. Since
// minor 1.
static inline double weir_alarms_in(const struct weir_detector_config *config, double ms,
                                    double otherwise)
{
    if (config->size < offsetof(struct weir_detector_config, alarms_per) + sizeof(int64_t) ||
        config->alarms_per <= 0)
        return otherwise;
    return config->alarms_at_most * ms / (double)config->alarms_per;
}

// Host services at the edge.
struct weir_edge {
    size_t size;
    void *host;
    // `n` ascending rows of the current batch break rule `rule`. Counting, sampling and
    // quarantine are the host's. Cheap: call it once a rule and batch.
    void (*flag)(const struct weir_edge *edge, unsigned rule, const uint32_t *rows, size_t n);
    // For each row of the current batch the start of its pane (ms) in this detector's window
    // spec, never one that is closed: a late row has the oldest open pane. Only in observe().
    const int64_t *pane;
    // Counts `n` units of something that a cap dropped: a metric and `weir.limit`. They count where
    // the batch ends; where rows lost something, say which with limit_rows.
    void (*limit)(const struct weir_edge *edge, const char *what, uint64_t n);
    // Since minor 1. Says more of rows that were flagged: each of the `n` ascending rows has
    // `name`, which is one of few ("below", the kind of a fault, the name of an unknown field;
    // bytes from 0 to 64, the rest is cut off). `values` has a finite number for each row, or is
    // NULL. Names are counted a rule and pane, and describe() is given the counts; a pane keeps the
    // first WEIR_RULE_DETAILS names. To be called in the order of rows where names are not a fixed
    // few.
    void (*detail)(const struct weir_edge *edge, unsigned rule, const char *name, size_t length,
                   const uint32_t *rows, const double *values, size_t n);
    // Since minor 1. As limit(): a cap left the `n` ascending rows of the current batch out of
    // something. Each counts at its own time, so that where batches end does not matter.
    void (*limit_rows)(const struct weir_edge *edge, const char *what, const uint32_t *rows,
                       size_t n);
    // Since minor 1. Of a detector with a follower the edge is shown the batches of both streams,
    // of one partition of each; `follows` is 1 for the follower's. They come in any order: what the
    // edge makes of them must not depend on it, nor on where batches end. What helps: `late` has 1
    // for each row that comes later than its own stream's lateness allows, and is not to be
    // joined; and up to before `complete`, event time, all other records of both streams are there.
    // A stream that is silent for longer than `within` is not waited for: what it says later about
    // times before `complete` is for the edge to leave out. When a pane closes, complete is at its
    // end or after it, by as much as hold_open() asked for. Only in observe().
    int follows;
    const uint8_t *late;
    int64_t complete;
    // Since minor 1. For each row of the current batch the newest event time (ms) that is believed
    // once it has been seen: a single record far ahead of the others does not move it. Only in
    // observe().
    const int64_t *reached;
};

// The newest event time that is believed once `row` has been seen; INT64_MAX where it is not known.
static inline int64_t weir_edge_reached(const struct weir_edge *edge, uint32_t row)
{
    if (edge->size < offsetof(struct weir_edge, reached) + sizeof edge->reached || !edge->reached ||
        edge->reached[row] == INT64_MIN)
        return INT64_MAX;
    return edge->reached[row];
}

// One slice of a window. `values` has one string for each field of by[`by` - 1].
struct weir_slice {
    unsigned by; // 0: the whole stream
    const struct weir_slice_value *values;
    size_t n_values;
    uint64_t rows;
    uint64_t rows_may_miss; // at most so many were lost to a cap on slices
};

enum weir_phase { WEIR_FINAL, WEIR_EARLY, WEIR_UPDATE };

// A closed window. Windows of one owner come in order, empty ones included, and the only
// clock is `end`.
struct weir_window {
    size_t size;
    void *host;
    int64_t start, end; // event time, ms, end exclusive
    uint64_t rows;
    uint64_t sequence; // 0, 1, ... since the owner's state began
    enum weir_phase phase;
    uint32_t tasks_expected, tasks_reporting; // coverage
    const struct weir_slice *slices; // slices[0] is the whole stream; the others ordered by `by`,
    size_t n_slices;                 // then by value. A slice stays listed while it is tracked.
    // Summary of `field` in slices[slice]; NULL where it was not asked for.
    const struct weir_summary *(*summary)(const struct weir_window *window, size_t slice,
                                          int field);
    // The field's summary in reference `i` for the whole stream; NULL where it has none.
    const struct weir_summary *(*reference)(const struct weir_window *window, size_t i, int field);
    // What the edges' close() calls wrote for the panes of this window, by pane, then task.
    const struct weir_span *extracts;
    size_t n_extracts;
    void (*emit)(const struct weir_window *window, const struct weir_finding *finding);
    // A statistic that was computed for `field` (-1: none) of slices[slice], alert or not: goes to
    // the `windows` output, so that thresholds can be tuned. Costs nothing where there is none.
    void (*report)(const struct weir_window *window, size_t slice, int field,
                   const struct weir_statistic *statistic);
    // The window cannot be judged (too few records, say): incidents that are not found in it
    // stay as they are, instead of coming nearer to being resolved.
    void (*undecided)(const struct weir_window *window);
    // Since minor 1. Records are all there up to this time: `end`, or before it in the last window
    // of an input that has ended, of which the rest has not come (yet).
    int64_t complete;
    // Since minor 1; NULL in a host that keeps none. The window's sample of rows, where setup's
    // sample() asked for it: NULL otherwise. Good until the call returns.
    const struct weir_reservoir *(*sample)(const struct weir_window *window);
    // As in setup.
    const struct weir_reservoir *(*reference_sample)(const struct weir_window *window, size_t i);
    // Since minor 1; 0 and NULL in a host that shows none. The panes that a window in time is made
    // of, `pane` ms each: one, or more where windows hop. pane_summary is `field`'s in pane i, the
    // oldest first, of the whole stream; NULL where it was not asked for.
    int64_t pane;
    size_t n_panes;
    const struct weir_summary *(*pane_summary)(const struct weir_window *window, size_t i,
                                               int field);
    // Since minor 1. What report() is given goes nowhere: there is no `windows` output.
    int unreported;
};

// A name that weir_edge.detail gave to rows. Minimum and maximum are of the rows' values, and so
// may be single records' own; NAN: there were none.
enum { WEIR_RULE_DETAILS = 32, WEIR_RULE_DETAIL_BYTES = 64 };
struct weir_rule_detail {
    const char *name; // NUL-terminated
    size_t length;
    uint64_t count;
    double minimum, maximum;
};

// What an owner holds to be usual, of what it learns from windows that it has seen. Since minor 1.
enum weir_calibration_origin {
    WEIR_CALIBRATION_NONE,    // nothing yet, or it calibrates nothing
    WEIR_CALIBRATION_STREAM,  // the first healthy stretch of the stream
    WEIR_CALIBRATION_PROFILE, // calibration.profile
    WEIR_CALIBRATION_ACCEPTED // a stretch that a person said is how the stream is now
};
struct weir_calibration {
    size_t size;
    enum weir_calibration_origin origin;
    int whole;                  // it changes no more; else it goes on being collected
    int64_t from, to;           // of its windows, event time, ms
    int64_t accepted;           // when that was, ms since 1970
    int64_t wanted;             // ms: how long it is to be
    int64_t kept_from, kept_to; // windows that may be accepted next; equal: there are none
};
// That a person accepted the windows between `from` and `to`, at a time.
struct weir_acceptance {
    size_t size;
    int64_t from, to; // event time, ms
    int64_t accepted; // ms since 1970
};

// How often a rule was broken in a pane.
struct weir_rule_count {
    size_t size;
    unsigned rule;
    uint64_t count, rows;              // of the rows that were looked at; of those for which its
                                       // condition held, where it has one
    const struct weir_sample *samples; // the first few, by partition and offset
    size_t n_samples;
    const struct weir_rule_detail *details; // since minor 1: the most frequent first, then by name
    size_t n_details;
};

struct weir_plugin {
    uint16_t abi_major, abi_minor;
    uint32_t size;    // sizeof(struct weir_plugin)
    const char *name; // the detector type
    const char *version;
    const char *description; // one line
    const struct weir_option *options;
    const char *const *kinds; // that it may report, ended by NULL
    uint32_t state_version;   // of what save() writes; restore() takes all up to it

    int (*create)(const struct weir_detector_config *config, const struct weir_setup *setup,
                  void **instance, struct weir_error *error);
    void (*destroy)(void *instance);

    // The edge role; all NULL without one. edge_close() writes what the owner needs of the pane
    // [start, end), once, when it closes: nothing written, nothing handed on.
    int (*edge_create)(void *instance, void **edge, struct weir_error *error);
    void (*edge_destroy)(void *edge);
    int (*edge_observe)(void *edge, const struct weir_batch *batch, const struct weir_edge *host,
                        struct weir_error *error);
    int (*edge_close)(void *edge, int64_t start, int64_t end, struct weir_buffer *out,
                      struct weir_error *error);
    int (*edge_save)(const void *edge, struct weir_buffer *out);
    int (*edge_restore)(void *edge, uint32_t state_version, struct weir_reader *in,
                        struct weir_error *error);

    // The owner role; all NULL without one.
    int (*owner_create)(void *instance, void **owner, struct weir_error *error);
    void (*owner_destroy)(void *owner);
    int (*owner_window)(void *owner, const struct weir_window *window, struct weir_error *error);
    int (*owner_save)(const void *owner, struct weir_buffer *out);
    int (*owner_restore)(void *owner, uint32_t state_version, struct weir_reader *in,
                         struct weir_error *error);

    // Words for a rule that single records broke: fills `finding`'s summary (written to
    // `text`), evidence, severity; also fields, of rules that are about several. NULL: the host
    // makes a plain sentence from the rule.
    int (*describe)(void *instance, const struct weir_rule_count *count,
                    struct weir_finding *finding, char *text, size_t text_size);

    // Since minor 1; read only where `size` reaches so far. Which kinds of references it takes
    // besides profiles, as bits 1 << enum weir_reference_kind: others are refused.
    unsigned reference_kinds;

    // Since minor 1. Bytes that a role holds now, by which the host keeps within limits.memory.
    // NULL: it goes by what the role saves.
    size_t (*edge_memory)(const void *edge);
    size_t (*owner_memory)(const void *owner);
    // Since minor 1. Bytes that an edge holds once all its own caps are reached, for `weir check`.
    // NULL: not known.
    size_t (*edge_memory_most)(const void *instance);
    // Since minor 1. Bytes that an owner comes to hold for each slice that it is shown, by which
    // the host admits slices. NULL: it keeps nothing of single slices.
    size_t (*owner_memory_slice)(const void *instance);
    // Since minor 1. What it weighs where the app's budget of false alarms is shared out among the
    // detectors that are configured; 0: it keeps none.
    double alarm_weight;
    // Since minor 1. Of `kinds`, those that are not found by chance, as with a rule: incidents of
    // these spend nothing of the budget. Ends with NULL; may be NULL.
    const char *const *certain_kinds;
    // Since minor 1; NULL of a type that learns nothing of the kind. What the owner goes by now;
    // `out` is zero but for its size.
    void (*owner_calibration)(const void *owner, struct weir_calibration *out);
    // Since minor 1. From the next window on the owner goes by that stretch of what it keeps, as a
    // person accepted it. `window` is none that closes: it has no records, stands where the next
    // one begins, and answers reference() and report() alone. WEIR_EINVAL, with a sentence that
    // ends no line, where it cannot go by that; the owner is then as it was.
    int (*owner_accept)(void *owner, const struct weir_acceptance *acceptance,
                        const struct weir_window *window, struct weir_error *error);
};

// What a module exports.
#define WEIR_PLUGIN                                                                                \
    __attribute__((visibility("default"))) extern const struct weir_plugin weir_plugin;            \
    const struct weir_plugin weir_plugin

#endif
