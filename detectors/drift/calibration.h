// SPDX-License-Identifier: Apache-2.0
// What healthy serving varies by, and the threshold that keeps the budget of false alarms.
//
// An owner collects an ordered stretch of its own windows. Once it is long enough it freezes: each
// window of the stretch is compared with what the same hours of its other days lead one to expect,
// and the threshold comes from replaying incidents over them (stats/alarm_budget.h). From then on
// windows are judged by it: significance is calibrated, whatever rhythm or memory the fields have.
#ifndef WEIR_DRIFT_CALIBRATION_H
#define WEIR_DRIFT_CALIBRATION_H

#include "detectors/drift/ahead.h"
#include "detectors/drift/history.h"
#include "detectors/drift/season.h"
#include "detectors/drift/slow.h"
#include "stats/alarm_budget.h"
#include "stats/cell_score.h"

struct drift;
struct drift_memory;
struct weir_window;

enum {
    DRIFT_SEASON_BASES = 2,
    DRIFT_LEARN_LEAST = 24, // windows that could be judged
    DRIFT_TOLD_LEARNT = 1,
    DRIFT_TOLD_MORE = 2
};

// Why a field is not judged by its distribution: what the statistic calibration.unjudged says, for
// `weir check --calibrate`.
enum drift_unjudged {
    DRIFT_JUDGED,
    DRIFT_UNJUDGED_EMPTY,   // no values
    DRIFT_UNJUDGED_UNCUT,   // too few to cut cells from
    DRIFT_UNJUDGED_FEW,     // no window has `minimum`
    DRIFT_UNJUDGED_CONSTANT // all in one cell: any other value is told, but no shift has a size
};

struct drift_scored { // one field of one window
    double score;     // -ln p of the test that says most; 0: none does, or it is not judged
    enum weir_cell_score which;
    size_t basis;
    double of[WEIR_SCORES]; // each test's, of that basis
    double scale_ratio;     // ln of the variance ratio there
};

struct drift_calibration {
    int64_t wanted;         // ms of healthy serving; 0: nothing is calibrated
    int frozen, from_panes; // the stretch is that of a profile
    // What was learnt from, ms of health; 0: nothing was. Before the stretch is whole it is learnt
    // from what there is, and anew as it grows (collect.c).
    int64_t learnt;
    size_t learnt_from; // so many windows of the stretch
    // Whether what was learnt from has seasons: most of its windows have one of another day beside
    // them. Of fewer, as a few windows of so many records, each would be held against one other, or
    // none: there the whole stretch is the season.
    int has_days;
    int is_same;   // what was restored is of the same fields and references
    int64_t tried; // ms of health that it was tried with last
    int told;      // bits: it was learnt from, it is longer, and that is to be reported
    struct drift_learning *learning; // that is under way (learning.h); NULL: none
    int apart;                       // the window under way has a critical change
    int64_t apart_since;             // start of the first such in a row; INT64_MIN: there is none
    int64_t left_out;                // of the stretch for that, ms
    int64_t accepted;  // when a person accepted the stretch, ms since 1970; 0: nobody did
    uint64_t replaced; // hash of the profile's stretch in whose place that is; 0: of none
    struct drift_history stretch;
    // Windows of the stretch by what other references made of them: [window][basis][field][score],
    // without the first basis where that is the stretch itself. Only while collecting.
    float *rows;
    size_t n_rows, rows_capacity;
    // What they are compared with: first (if `usual_first`) the stretch, and the stretch moved by
    // what the last windows say, then each reference of the stream's own past windows.
    int usual_first;
    size_t *bases, n_bases; // number of the reference; 0 of the stretch
    // Once something was learnt.
    struct weir_usual *usual;        // [basis][field][score]
    struct weir_tail *tails;         // [basis][score]
    struct weir_alarm_budget budget; // of this detector's part of the app's
    double threshold, promised;      // for the whole of it
    size_t windows;                  // of the stretch that could be judged
    struct drift_counts *pooled;     // per field: of the stretch
    struct drift_season *seasons;    // of the stretch; NULL: nothing was learnt
    struct drift_usual usual_now;    // of the present season
    double *signals;                 // [field][signal] of the window under way; NAN: none
    struct drift_slow slow;
    size_t n_charts;               // of all fields
    struct drift_ahead *ahead;     // per field
    int64_t start;                 // of the window under way
    struct drift_counts *foreseen; // per field: as counts, for people
    uint8_t *held;                 // per field: it moved in the last window
    double *offset;                // per field: effect of the stretch against the profile
    double *room;                  // shares of a field's cells, and from room_cells on their scores
    size_t room_cells;
    struct drift_scored *scored;     // per field, of the window under way
    char name[128], ahead_name[160]; // of the stretch, and moved, for people
};

int drift_calibration_init(struct drift_memory *memory); // WEIR_ENOMEM
void drift_calibration_free(struct drift_memory *memory);
int drift_calibration_shape(struct drift_memory *memory, size_t field); // once it has cells
// After a window was judged: collects it, learns from what there is, and freezes where that was the
// last one wanted (collect.c).
int drift_calibration_add(struct drift_memory *memory, const struct weir_window *window);
// What the references that are past windows make of the present one, while it is collected.
int drift_calibration_add_row(struct drift_memory *memory);
// What one of them (a basis) makes of a field; NAN where it is not judged.
void drift_calibration_row(struct drift_memory *memory, size_t basis, size_t field,
                           const struct drift_counts *now, float row[WEIR_SCORES]);
// Of the rows of n windows (may be NULL) the first from which on each such reference had something
// to compare with, of those that ever had.
size_t drift_calibration_judged_from(const struct drift_memory *memory, const float *rows,
                                     size_t n);
// Learns from the collected stretch, at once; and for good.
int drift_calibration_learn(struct drift_memory *memory, const struct weir_window *window);
int drift_calibration_freeze(struct drift_memory *memory, const struct weir_window *window);
// Whether it is known what is usual at the hour of a window, as far as anything is.
int drift_calibration_knows(const struct drift_memory *memory, int64_t start);
// How large a change has to be, by its lower bound, while the stretch is not whole, or has few
// windows; 0: any.
double drift_calibration_least(const struct drift_memory *memory);
// Less than a week was learnt from: weekends, say, are not known yet.
int drift_calibration_is_early(const struct drift_memory *memory);
// Sums the stretch's windows of the season in which a window starts, into `usual_now`.
int drift_calibration_season(struct drift_memory *memory, int64_t start);
// From what holds for the whole budget: for its part the threshold is the higher. Once there is a
// stretch.
void drift_calibration_take_part(struct drift_memory *memory);
// Reports how far it is, and what it promises once frozen (calibration_report.c).
int drift_calibration_report(struct drift_memory *memory, const struct weir_window *window);
// Scores every field of the window into `scored`. Once frozen.
int drift_calibration_score(struct drift_memory *memory, const struct weir_window *window);
// It was learnt from so few windows that no tail is known.
int drift_calibration_is_few(const struct drift_calibration *calibration);
// -ln p of a statistic of a field with so many cells.
double drift_calibration_score_of(const struct drift_memory *memory, size_t basis, size_t field,
                                  enum weir_cell_score which, double value, size_t cells);
// What is expected of a field: in calibration->room, until the next call.
struct weir_expectation drift_calibration_expect(struct drift_memory *memory, size_t basis,
                                                 size_t field);
// Whether a basis is the stretch, as it is or moved.
int drift_is_season(const struct drift_calibration *calibration, size_t basis);
int64_t drift_calibration_span(const struct drift_memory *memory);        // ms of health
size_t drift_own_bases(const struct drift_calibration *calibration);      // of past windows
void drift_calibration_name_ahead(struct drift_calibration *calibration); // from `name`
// Scores and (unless NULL) signals. Of a window with few values, most of them null, say, only what
// they say of nulls.
void drift_calibration_look(const struct drift_memory *memory,
                            const struct weir_expectation *expected, const struct drift_counts *now,
                            double out[WEIR_SCORES], double signal[WEIR_SIGNALS], double *ratio);
int drift_calibration_is_judged(const struct drift_memory *memory, const struct drift_counts *now);
// How far learning has come; in bytes of its own.
int drift_learning_write(const struct drift_memory *memory, struct weir_buffer *out);
int drift_learning_read(struct drift_memory *memory, struct weir_reader *in, uint32_t version);
int drift_calibration_write(const struct drift_memory *memory, struct weir_buffer *out);
int drift_calibration_read(struct drift_memory *memory, struct weir_reader *in, const int *map,
                           size_t n_saved, int same_bases, uint32_t version);

#endif
