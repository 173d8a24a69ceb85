// SPDX-License-Identifier: Apache-2.0
// Serving beside training by distribution: a profile against what windows have added up to. Skew
// is there all the time, so evidence is too: it is gathered over a stretch of `over` to twice
// `over`, and a window only has to be of the same kind.
//
// training.c keeps the stretch, training_judge.c finds what is unlike and what was done to it,
// training_report.c says so.
#ifndef WEIR_SKEW_TRAINING_H
#define WEIR_SKEW_TRAINING_H

#include "detectors/skew/skew.h"
#include "stats/cleanliness.h"
#include "stats/preprocessing.h"
#include "stats/reservoir.h"
#include "stats/segments.h"
#include "stats/spread.h"
#include "stats/window_span.h"

struct skew_training_field {
    int index;
    const struct weir_field *info;
    const struct weir_summary *then; // of the profile
    unsigned parts;
};

// What the configuration says.
struct skew_training_plan {
    struct skew_training_field *fields;
    size_t n_fields;
    const char *reference;
    double delta, critical, segment;
    double alpha; // chance of a false alarm in a window, over all fields, of each of SKEW_WAYS
    int64_t over; // ms
    uint64_t minimum;
    int redact;
    // Units are another detector's to tell: whose windows are so many times as long. 0: there is
    // none.
    double leave_units;
    unsigned n_by;    // of these slices are looked at
    uint64_t by_hash; // of the names of their fields
};

// Distributions, what is noise, kinds of records; and slices, where they are looked at.
enum { SKEW_WAYS = 3 };

// Asks for what it needs. `chance`: of each of SKEW_WAYS. WEIR_EINVAL: no reference knows any
// field.
int skew_training_plan_make(const struct weir_detector_config *config,
                            const struct weir_setup *setup, double chance,
                            struct skew_training_plan **plan, struct weir_error *error);
void skew_training_plan_free(struct skew_training_plan *plan);

// How far the stretch has come.
enum skew_stage {
    SKEW_EARLY,       // less than a day: only what has a name is told
    SKEW_PROVISIONAL, // less than `over`: only what is large
    SKEW_SETTLED
};

struct skew_training_stretch { // of one field
    struct weir_summary all, current;
    double dispersion, windows; // sum over windows of how they vary, and of how many
    struct weir_spread between; // stretches of `over`, each beside the one before it
    int named;                  // what was done to it had a name when it was last unlike
};

struct skew_segments; // training_segments.c
struct skew_slices;   // slices.h

struct skew_training {
    const struct skew_training_plan *plan;
    struct skew_training_stretch *fields;
    struct skew_segments *segments;
    struct skew_slices *slices; // NULL: `by:` names none
    int64_t began, generation;  // starts of the stretch and of its newer part; INT64_MIN: none
    int64_t last;               // end of the newest window in it
    uint32_t contrary;          // windows in a row that were not like the stretch
};

int skew_training_create(const struct skew_training_plan *plan, struct skew_training **training);
void skew_training_destroy(struct skew_training *training);
int skew_training_window(struct skew_training *training, const struct weir_window *window,
                         struct weir_error *error);
int skew_training_save(const struct skew_training *training, struct weir_buffer *out);
size_t skew_training_memory(const struct skew_training *training);
// `version` of the detector's state; from 2 on.
int skew_training_restore(struct skew_training *training, uint32_t version, struct weir_reader *in,
                          struct weir_error *error);

// ---- one window's judgement

enum skew_verdict_kind {
    SKEW_LIKE,
    SKEW_SCALED,    // by another span
    SKEW_WITH_SPAN, // unlike, as a mean or maximum is over another span
    SKEW_PREPROCESSED,
    SKEW_REORDERED, // one-hot
    SKEW_LEFT,      // in another unit, which another detector tells of
    SKEW_NOISY,
    SKEW_UNLIKE
};

struct skew_new_value {
    char text[48];
    double share;
};
enum { SKEW_NEW_VALUES = 4 };

struct skew_field_verdict {
    enum skew_verdict_kind kind;
    double effect, error, p_value; // of the distribution; error: a standard error of the effect
    int unlike;                    // significant, and large enough for the stage
    struct weir_preprocessing preprocessing;
    struct weir_cleanliness aspects[WEIR_CLEAN_ASPECTS];
    int dirtier, cleaner; // aspects that changed
    struct skew_new_value values[SKEW_NEW_VALUES];
    size_t n_values;
    double new_share;
    size_t other;   // one-hot: the field whose rate it has
    int agrees;     // the window by itself is as the stretch is
    int unsure;     // it had a name, or may get one, and is unlike
    int may_narrow; // as a mean over what may be another span
};

struct skew_segment { // records of a kind that training has none of
    char text[200];
    double share;
    size_t fields[WEIR_SEGMENT_CONDITIONS], n; // of the plan
};

struct skew_judgement {
    enum skew_stage stage;
    uint64_t rows, window_rows;
    const struct weir_window *window;
    struct weir_unlike *fields, *here; // the stretch; the window alone
    struct skew_field_verdict *verdicts;
    enum weir_span_part *parts;
    struct weir_span_change span;
    struct weir_one_hot one_hot;
    size_t *of;
    struct skew_segment segments[WEIR_SEGMENTS];
    size_t n_segments, sampled[2]; // rows that were looked at
    size_t n_open;                 // that are opened; a judgement is freed whole
};

int skew_training_judge(const struct skew_training *training, const struct weir_window *window,
                        struct skew_judgement *judgement); // WEIR_ENOMEM
void skew_judgement_free(const struct skew_training *training, struct skew_judgement *judgement);

// Kinds of records, by a sample of rows. WEIR_ENOMEM.
int skew_segments_create(struct skew_segments **segments);
void skew_segments_destroy(struct skew_segments *segments);
void skew_segments_forget(struct skew_segments *segments);
size_t skew_segments_memory(const struct skew_segments *segments);
// `turn`: the older part of the stretch goes.
int skew_segments_add(struct skew_segments *segments, const struct weir_window *window, int turn);
int skew_segments_save(const struct skew_segments *segments, struct weir_buffer *out);
int skew_segments_restore(struct skew_segments *segments, struct weir_reader *in);
// Fills the judgement's segments, when its verdicts are there.
int skew_segments_judge(const struct skew_training *training, struct skew_judgement *judgement);

// Emits what there is. Returns how many findings, and sets *contrary to how many more there would
// be if the window were not unlike the stretch.
int skew_training_report(const struct skew_training *training, struct skew_judgement *judgement,
                         int *contrary);

#endif
