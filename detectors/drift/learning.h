// SPDX-License-Identifier: Apache-2.0
// Learning from a calibration's stretch, a part of it at each window's close: many fields over many
// windows are seconds of work, and a window is to be closed in milliseconds. How much a part is
// goes by numbers of fields and windows, never by a clock, so that a replay is the same to the
// byte. What is learnt is the same as at one go, and comes into force when all of it is there.
//
// First seasons are summed, then each field's windows are compared with what the same hours of its
// other days lead one to expect (learn.c), then each test is scored over all fields.
#ifndef WEIR_DRIFT_LEARNING_H
#define WEIR_DRIFT_LEARNING_H

#include "detectors/drift/drift.h"

struct drift_learning {
    int for_good;
    // What is being learnt: its calibration has as its stretch the first windows of the other's.
    // What it points to besides is the other's.
    struct drift_memory draft;
    uint64_t parts;                       // done
    size_t seasons, fields, tests, folds; // done
    int traced;                           // likewise
    const float *rows;                    // of the windows, as in the calibration; NULL: none
    // Of windows: how much of each one's bytes was read, its season, and those it is not to be
    // judged by, from own.of[first] on.
    size_t *read, *season, *first, *n_hour, *n_near;
    uint8_t *alone; // its season has windows of one day alone, and the stretch is growing
    struct drift_own_windows own;
    float *z;        // [basis][score][field][window]
    double *peak;    // [field][window]: of the charts
    float *signals;  // [window][field][signal]
    double *largest; // [window]
};

// Begins with the first `windows` of the stretch; what was being learnt is forgotten. WEIR_ENOMEM.
int drift_learning_begin(struct drift_memory *memory, size_t windows, int for_good);
void drift_learning_free(struct drift_calibration *calibration);
// Goes on by so many parts, or to the end; *ready: it has come there.
int drift_learning_go_on(struct drift_memory *memory, uint64_t parts, int *ready);
// Takes what was learnt, once it is ready.
int drift_learning_take(struct drift_memory *memory, const struct weir_window *window);

// One field (learn.c): fills its `usual` and z of each test, `ahead`, and charts with their peaks.
int drift_learn_field(struct drift_learning *learning, size_t field);
// One test over all fields: its tail, and raises `largest` by what it gives.
int drift_learn_test(struct drift_learning *learning, size_t test);

#endif
