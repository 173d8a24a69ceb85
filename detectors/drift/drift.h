// SPDX-License-Identifier: Apache-2.0
// The parts of the drift detector: drift.c makes an instance, judge.c compares one field with one
// reference, calibrated.c a window with what calibration.c learnt, owner.c walks a window, memory.c
// and memory_state.c keep what references are made of (history.c: past windows, cuts.c: cells of
// numbers that no profile knows), report.c puts it into words. collect.c collects a calibration,
// careful.c judges before there is one, learning.c and learn.c learn from it, accept.c takes
// another over, season.c says what is usual at an hour, slow.c charts what drifts too slowly for a
// window (trace.c keeps what they are fed, slow_explain.c explains it, slow_report.c puts it into
// words). named.c has statistics that `tests:` asks for by name, charted.c charts of them.
#ifndef WEIR_DRIFT_H
#define WEIR_DRIFT_H

#include "detectors/drift/calibration.h"
#include "detectors/drift/charted.h"
#include "detectors/drift/cuts.h"
#include "detectors/drift/explain.h"
#include "detectors/drift/history.h"
#include "stats/statistic.h"
#include "stats/two_sample.h"
#include "weir/detector.h"

enum drift_option {
    DRIFT_OPTION_DELTA,
    DRIFT_OPTION_CRITICAL,
    DRIFT_OPTION_MINIMUM,
    DRIFT_OPTION_ALPHA,
    DRIFT_OPTION_TESTS,
    DRIFT_OPTION_SAMPLE
};

// What is tested of a field. The first is the omnibus decision; those up to DRIFT_NULL_RATE are
// named tests of the distribution, for those who prefer one.
enum drift_test {
    DRIFT_OMNIBUS,
    DRIFT_KS,
    DRIFT_KUIPER,
    DRIFT_CRAMER_VON_MISES,
    DRIFT_ANDERSON_DARLING,
    DRIFT_BERK_JONES,
    DRIFT_CHI_SQUARE,
    DRIFT_G,
    DRIFT_NULL_RATE,
    DRIFT_UNSEEN,
    DRIFT_TAIL, // beyond the reference's .1 and 99.9% quantiles
    DRIFT_TESTS
};
const char *drift_test_name(enum drift_test test);
int drift_is_share(enum drift_test test); // of a share: nulls, unseen values, a tail
// "2026-01-31 18:00"; returns `out`.
const char *drift_time_text(int64_t time, char out[32]);
const char *drift_kind_of(enum weir_role role);   // the kind of a finding about such a field
enum { DRIFT_RULES = 32, DRIFT_RULE_NAME = 160 }; // statistics asked for by name

// 1: nothing; 2: without slow drift; 3: without charts by name; 4: without what is kept to explain;
// 5: what was learnt is whole; 6: nobody could accept a stretch; 7: without what is kept to explain
// slow drift; 8: nothing is being learnt; 9: an incident of slow drift was over when it closed.
enum {
    DRIFT_STATE_SLOW = 3,
    DRIFT_STATE_CHARTED = 4,
    DRIFT_STATE_EXPLAIN = 5,
    DRIFT_STATE_EARLY = 6,
    DRIFT_STATE_ACCEPTED = 7,
    DRIFT_STATE_TRACE = 8,
    DRIFT_STATE_LEARNING = 9,
    DRIFT_STATE_LEFT = 10,
    DRIFT_STATE_VERSION = 10
};

struct drift_field {
    int index;
    const struct weir_field *info;
    const struct weir_cells *cells; // that the edges count in; NULL: the owner fixes them
};

struct drift {
    const char *name;
    const struct weir_stream *stream;
    struct drift_field *fields; // those that a reference knows
    size_t n_fields;
    const char *const *references;
    const struct weir_reference_spec *specs;
    size_t n_references, n_by, n_by_given;
    int64_t window, hop;   // ms; 0: windows count records
    int keeps;             // some reference is made of the stream's own windows
    int64_t keep_span;     // of them so long,
    size_t keep_windows;   // or so many, whichever is more;
    int64_t keep_newest;   // and of so long what has room, for a person to accept
    size_t trace_steps;    // of what charts of slow drift are fed, to date it by
    int64_t calibrate;     // ms of healthy serving, 0: not
    int at_once;           // it is learnt from in one window
    double alarms_at_most; // false ones, in
    int64_t alarms_per;    // ms
    double alarms_share;   // of the app's budget; the stretch has to be long enough for that
    int64_t open_after, resolve_after;
    double delta, critical;
    uint64_t minimum;
    double alpha; // chance of a false alarm in a window
    // What is not calibrated is told only where it is plain: alpha takes windows for samples of the
    // reference, which they are not.
    int careful;
    const struct weir_stretch *exclude; // from the calibration
    size_t n_exclude;
    struct drift_panes *panes; // of calibration.profile; NULL: none
    unsigned tests, n_tests;
    struct weir_statistic_rule rules[DRIFT_RULES];
    char rule_names[DRIFT_RULES][DRIFT_RULE_NAME]; // that incidents and charts go by
    size_t n_rules;
    int charts;      // of the rules, how many are
    uint64_t wanted; // the rules' statistics; bits
    int redact;
    int leave_offset; // a `skew` detector of the stream tells of it
    int sample;       // windows come with some of their rows
};

// One field beside one reference. Nothing in it is NaN.
struct drift_verdict {
    const struct drift_field *field;
    const struct weir_summary *now, *then;
    size_t reference;
    const char *against; // for people; NULL: the reference's name
    double score;        // calibrated -ln p; 0: not calibrated
    int also;            // it moved with others, and is not confirmed by itself
    double dispersion;   // windows vary so many times as much as samples of one distribution do
    struct weir_cell_distances distances; // all zero where there are none
    double p_value;                       // of the test that decided, not corrected
    enum drift_test test;                 // which decided
    double effect;                        // as a shift in robust sd, after the bias
    double low;                           // its lower bound; calibrated verdicts
    double share, baseline;               // of the nulls, unseen values or tails; 0 for others
    int moved, critical;
};

// Working memory of an owner: counts of one field's cells.
struct drift_room {
    double *reference; // one allocation for all
    double *current, *share, *score;
    size_t n;
};

// `alpha`: of one test. `verdict` says whether the field moved: significant and large enough.
int drift_judge(const struct drift *drift, double alpha, struct drift_room *room,
                const struct weir_summary *now, const struct weir_summary *then,
                struct drift_verdict *verdict);

// The change of counts as a shift: debiased distances, and the ln of the variance ratio where that
// is significant (else 0).
double drift_effect(const struct weir_cell_counts *counts, double scale_ratio,
                    struct weir_cell_distances *distances);
// The same of a stretch against a profile; 0 where chance may explain it (`alpha`; 1: it is not
// asked).
double drift_offset(const struct weir_summary *profile, const struct drift_counts *stretch,
                    double alpha);
// Whether a share of nulls, unseen values or tails changed by enough to matter.
int drift_local(enum drift_test test, double share, double usual);
#define DRIFT_CRITICAL_SHARE 0.1
// The standard error of an effect between `n` and `m` values, that vary `dispersion` times as much
// as samples do.
double drift_effect_error(double n, double m, double dispersion);
// How large an effect is at least, at 99%.
double drift_surely(double effect, double n, double m, double dispersion);
int drift_make_room(struct drift_room *room, size_t n); // WEIR_ENOMEM

struct drift_memory;

// Rules that tell the window's records from a profile's (stats/contrast.h), the strongest first;
// shares, areas and numbers of rows are of rows that the rules have not seen.
enum { DRIFT_CONTRASTS = 3 };
struct drift_contrast {
    size_t n; // 0: nothing is to be said
    char text[DRIFT_CONTRASTS][144];
    const char *field[DRIFT_CONTRASTS]; // the first that each is about
    double then[DRIFT_CONTRASTS], now[DRIFT_CONTRASTS];
    double auc, low; // of all rules together; its lower bound
    size_t rows_then, rows_now;
    char with[160]; // fields that moved with the first rule's; empty: none
};

// Emits the one finding of a slice (0: the whole stream) from the fields that moved, strongest
// first. `slices` of them are evidence.
struct drift_slice {
    size_t slice;
    struct drift_verdict strongest;
    size_t n_moved;
};
void drift_report(const struct drift *drift, const struct weir_window *window, size_t slice,
                  const struct drift_verdict *moved, size_t n_moved, double alpha,
                  const struct drift_slice *slices, size_t n_slices,
                  const struct drift_contrast *contrast,        // of the whole stream; may be NULL
                  const struct drift_explanation *explanation); // likewise
// The same of a calibrated window, which is the whole stream.
void drift_report_calibrated(const struct drift_memory *memory, const struct weir_window *window,
                             const struct drift_verdict *moved, size_t n_moved,
                             const struct drift_explanation *explanation,
                             const struct drift_slice *slices, size_t n_slices,
                             const struct drift_contrast *contrast);
// Says which fields were unlike a profile all through the calibration, if any.
void drift_report_offset(const struct drift_memory *memory, const struct weir_window *window);
// Says that reference i has nothing to compare with, and why; of a slice, with so many records.
void drift_report_absent(const struct drift *drift, const struct weir_window *window, size_t i,
                         uint64_t records);

// What an owner remembers, and what it makes of it for the window under way.
struct drift_reference {
    int ready;                 // there is something to compare with
    size_t windows;            // that it is made of; of a slice: owner.c, is_incomplete()
    struct drift_counts *sum;  // per field
    struct weir_summary *then; // per field, over `sum`
    double *dispersion;        // per field: mean over windows, and of how many
    uint32_t *n_dispersion;
};
struct drift_memory {
    const struct drift *drift;
    struct drift_own *own;    // per field: of numbers that no profile knows
    struct drift_counts *now; // per field, of the whole stream
    struct drift_reference *references;
    struct drift_history history;
    struct drift_explain explain;
    int64_t began; // start of the first window with records; INT64_MIN: none yet
    struct drift_calibration calibration;
    struct weir_summary *hour; // per field, over the calibration's present hour
    // Room for what a slice has of fields with own cells.
    struct weir_summary *recounted[2];
    struct drift_counts *recount[2];
};
int drift_memory_init(struct drift_memory *memory, const struct drift *drift); // WEIR_ENOMEM
void drift_memory_free(struct drift_memory *memory);
// Before a window is judged: counts it, and makes its references.
int drift_memory_begin(struct drift_memory *memory, const struct weir_window *window);
// After it.
int drift_memory_end(struct drift_memory *memory, const struct weir_window *window);
// The field of a slice as it is to be judged: in cells that a reference has too. NULL: there are
// none yet. Lives until the next call with this `room` (0 or 1).
const struct weir_summary *drift_memory_now(struct drift_memory *memory,
                                            const struct weir_window *window, size_t slice,
                                            size_t field, int room);
// What reference i has of a field; NULL: nothing, or a slice.
const struct weir_summary *drift_memory_then(const struct drift_memory *memory,
                                             const struct weir_window *window, size_t i,
                                             size_t field);
double drift_memory_dispersion(const struct drift_memory *memory, size_t i, size_t field);
// Counts a summary in the field's cells.
void drift_memory_count(const struct drift_memory *memory, const struct weir_summary *summary,
                        size_t field, struct drift_counts *counts);
int drift_memory_write(const struct drift_memory *memory, struct weir_buffer *out);
int drift_memory_read(struct drift_memory *memory, struct weir_reader *in, uint32_t version);
int drift_memory_shape(struct drift_memory *memory, size_t field); // once it has other cells
// What reference i, of past windows, makes of a field's kept windows, that are counted anew: how
// much they vary, and their rows of the calibration.
void drift_memory_compare_again(struct drift_memory *memory, size_t i, size_t field,
                                const struct drift_counts *windows);
const struct weir_cells *drift_memory_cells(const struct drift_memory *memory, size_t field);
// A summary over counts: what is not in it is not known.
struct weir_summary drift_memory_over(const struct drift_memory *memory, size_t field,
                                      const struct drift_counts *counts);
int drift_is_calibrated(const struct drift_memory *memory);
// What references of past windows are as a window begins.
int drift_memory_past(struct drift_memory *memory, const struct weir_window *window);
// What is calibrated on, and another stretch of `history` in its place (accept.c).
void drift_calibration_tell(const struct drift_memory *memory, struct weir_calibration *out);
int drift_calibration_accept(struct drift_memory *memory, const struct weir_acceptance *acceptance,
                             const struct weir_window *window, struct weir_error *error);
// Critical by its lower bound, or of nulls or unseen values: more than a day or week does
// (careful.c).
int drift_is_plain(const struct drift_verdict *verdict);
// Before anything is known of how windows vary: what moved stays, first what is plain and came at
// once or was there in the last window; nothing stays without such a one.
void drift_keep_plain(struct drift_memory *memory, const struct weir_window *window,
                      struct drift_verdict *moved, size_t *n);
// Whether the window under way has enough values of a field to judge it by more than its nulls.
int drift_has_enough(const struct drift_memory *memory, size_t field);
// Fills `moved` (room for one a field) with what moved, strongest first. WEIR_ENOMEM.
int drift_judge_calibrated(struct drift_memory *memory, const struct weir_window *window,
                           struct drift_room *room, struct drift_verdict *moved, size_t *n);
// How much of a stretch of time is not to be calibrated on, ms.
int64_t drift_excluded(const struct drift *drift, int64_t from, int64_t to);
// Panes of a profile to calibrate on (panes.c): taken at create; made the stretch at an owner's
// first window, which is then judged by them.
int drift_panes_take(struct drift *drift, const struct weir_setup *setup, struct weir_error *error);
void drift_panes_free(struct drift_panes *panes); // may be NULL
int drift_panes_calibrate(struct drift_memory *memory, const struct weir_window *window);
int drift_panes_hash(struct drift_memory *memory, uint64_t *hash); // of their stretch; 0: none
// What tells the window's records from those of the profile that the finding is against, where that
// keeps rows. WEIR_ENOMEM.
int drift_find_contrast(const struct drift_memory *memory, const struct weir_window *window,
                        const struct drift_verdict *lead, struct drift_contrast *out);
int drift_is_past(const struct weir_reference_spec *spec);      // previous windows, the same hour
int drift_is_of_window(const struct weir_reference_spec *spec); // a slice or model

// Statistics by name (named.c): reads one item of `tests:`; judges a window and emits a finding a
// rule and slice. Once the memory has begun the window.
int drift_read_rule(struct drift *drift, const char *text, struct weir_error *error);
int drift_judge_named(struct drift_memory *memory, struct drift_charted *charted,
                      const struct weir_window *window);

int drift_owner_create(void *instance, void **owner, struct weir_error *error);
void drift_owner_destroy(void *owner);
int drift_owner_window(void *owner, const struct weir_window *window, struct weir_error *error);
int drift_owner_save(const void *owner, struct weir_buffer *out);
void drift_owner_calibration(const void *owner, struct weir_calibration *out);
int drift_owner_accept(void *owner, const struct weir_acceptance *acceptance,
                       const struct weir_window *window, struct weir_error *error);
int drift_owner_restore(void *owner, uint32_t state_version, struct weir_reader *in,
                        struct weir_error *error);

#endif
