// SPDX-License-Identifier: Apache-2.0
// Slow drift, that no single window shows: a CUSUM chart on each signal (stats/cell_signal.h) of
// each field, of what is left of it after the season. What it passes over in each window is half
// of the smallest change that matters; or as much as the calibration's mean may be off in any of
// all charts (with 95%), if that is more: all windows share its error, and a chart whose error is
// beyond its slack alarms sooner or later, whatever its threshold; or a quarter of a window's sd,
// by which a chart forgets. Deviations are scaled by what they come to over whole days, so that a
// field with a memory is not taken for one that drifts. Alarms keep the same budget as all else:
// the charts are replayed over the calibration, and their excursions are ranked with the other
// scores.
#ifndef WEIR_DRIFT_SLOW_H
#define WEIR_DRIFT_SLOW_H

#include "detectors/drift/explain.h"
#include "detectors/drift/trace.h"
#include "stats/alarm_budget.h"
#include "stats/cell_signal.h"
#include "stats/charts.h"

struct drift_memory;
struct drift_verdict;
struct weir_window;

struct drift_chart {
    // Learnt from the calibration; sd 0: there was too little to learn from. In units of the
    // signal: `sd` of windows as sums of days vary, `single` of one window, `slack`.
    double mean, sd, single, slack;
    struct weir_cusum sum;
    struct weir_ewma level, trend; // of the signal; of that, so that a ramp is not lagged behind
    int64_t up_since, down_since;  // start of the window in which each sum last left 0
    uint32_t up_windows, down_windows; // since then
};

struct drift_slow {
    struct drift_chart *charts; // [field][signal]; NULL: there is no season to take off
    struct weir_tail tail;      // of the peaks of a field's excursions,
    double rarity;              // and ln of the windows to one
    uint32_t *apart;            // per field: windows since one showed a change by itself
    uint8_t *open;              // per field: it drifted as of the last window
    // To explain by, all of it since DRIFT_STATE_TRACE.
    struct drift_trace trace;
    int64_t *suspected; // per field: since when it may drift; INT64_MIN: it does not seem to
    int64_t *jumped;    // per field: since when it was in an incident, that may be over; likewise
};

struct drift_creep { // a field that drifts
    size_t field;
    enum weir_signal signal;
    double now;               // by how much it is off by now, with sign; in units of the signal
    double error;             // its standard error
    double score;             // -ln p, comparable to others' scores
    int64_t since;            // ms: where its sum last left 0
    uint32_t windows;         // since then
    struct drift_onset onset; // where it could be dated (slow_explain.c)
};

int drift_slow_init(struct drift_memory *memory); // WEIR_ENOMEM
void drift_slow_free(struct drift_memory *memory);
// Learns the charts from the signals of the stretch ([window][field][signal]; NAN: none), and fills
// `peak` ([field][window]) with what they reach over it. WEIR_ENOMEM.
int drift_slow_learn(struct drift_memory *memory, const float *signals, double *peak);
// Raises `largest` (one a window) in a fifth of the stretch to the scores of what was reached, by
// the tail of the other four: the most extreme windows of a stretch are never beyond a tail that
// was fitted to them. DRIFT_SLOW_FOLDS: fits the tail to the whole. WEIR_ENOMEM.
enum { DRIFT_SLOW_FOLDS = 5 };
int drift_slow_score(struct drift_memory *memory, const double *peak, size_t fold, double *largest);
// Adds the window's signals (calibration->signals) to the charts, and fills `creeps` (room for one
// a field) with what drifts, first what began first. Those are taken out of `moved`, unless they
// jumped besides; fields left there are not added.
void drift_slow_judge(struct drift_memory *memory, const struct weir_window *window,
                      struct drift_verdict *moved, size_t *n_moved, struct drift_creep *creeps,
                      size_t *n_creeps);
// Windows after which a lasting shift of the level by `shift` is found, about; INFINITY: never.
double drift_slow_delay(const struct drift_memory *memory, size_t field, double shift);
// The change of one signal that matters.
double drift_slow_floor(double delta, int ordered, enum weir_signal signal);
struct drift_chart *drift_slow_chart(const struct drift_memory *memory, size_t field, int signal);

// What is kept to explain by (slow_trace.c). Whether a field is on the way to a finding: it is not
// learnt from meanwhile.
int drift_slow_suspects(const struct drift_memory *memory, size_t field);
void drift_slow_suspect(struct drift_memory *memory, const struct weir_window *window, size_t field,
                        int is_so);
void drift_slow_forget(struct drift_memory *memory); // all of it
// The stretch that was learnt from, as in drift_slow_learn().
void drift_slow_trace_stretch(struct drift_memory *memory, const float *signals);
void drift_slow_trace(struct drift_memory *memory, size_t field); // the window under way
// A window showed a change by itself; an incident of slow drift that began then is over; neither.
void drift_slow_jump(struct drift_memory *memory, const struct weir_window *window, size_t field);
void drift_slow_leave(struct drift_memory *memory, size_t field, int64_t since);
void drift_slow_land(struct drift_memory *memory, const struct weir_window *window, size_t field);

// What there is to say of what drifts (slow_explain.c): dates `creeps`, and fills `crept` (n) with
// them as verdicts. To be asked for in every window in which something drifts. WEIR_ENOMEM.
int drift_slow_explain(struct drift_memory *memory, const struct weir_window *window,
                       struct drift_room *room, struct drift_creep *creeps, size_t n,
                       struct drift_verdict *crept, struct drift_explanation *out);
// Emits the one finding of what drifts (slow_report.c), and of what moved with it: `moved` are the
// n of `crept`, and then n_moved.
void drift_slow_report(struct drift_memory *memory, const struct weir_window *window,
                       const struct drift_creep *creeps, size_t n,
                       const struct drift_verdict *moved, size_t n_moved,
                       const struct drift_explanation *explanation);
int drift_slow_write(const struct drift_memory *memory, struct weir_buffer *out);
int drift_slow_read(struct drift_memory *memory, struct weir_reader *in); // WEIR_ECORRUPT

#endif
