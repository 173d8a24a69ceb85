// SPDX-License-Identifier: Apache-2.0
// The parts of the drift detector: drift.c makes an instance, judge.c compares one field with one
// reference, owner.c walks a window, report.c puts it into words.
#ifndef WEIR_DRIFT_H
#define WEIR_DRIFT_H

#include "stats/two_sample.h"
#include "weir/detector.h"

enum drift_option {
    DRIFT_OPTION_DELTA,
    DRIFT_OPTION_CRITICAL,
    DRIFT_OPTION_MINIMUM,
    DRIFT_OPTION_ALPHA,
    DRIFT_OPTION_TESTS
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

struct drift_field {
    int index;
    const struct weir_field *info;
};

struct drift {
    const char *name;
    struct drift_field *fields; // those that a reference knows
    size_t n_fields;
    const char *const *references;
    size_t n_references, n_by;
    double delta, critical;
    uint64_t minimum;
    double alpha; // chance of a false alarm in a window
    unsigned tests, n_tests;
    int redact;
};

// One field beside one reference. Nothing in it is NaN.
struct drift_verdict {
    const struct drift_field *field;
    const struct weir_summary *now, *then;
    size_t reference;
    struct weir_cell_distances distances; // all zero where there are none
    double p_value;                       // of the test that decided, not corrected
    enum drift_test test;                 // which decided
    double effect;                        // as a shift in robust sd, after the bias
    double share, baseline;               // of the nulls, unseen values or tails; 0 for others
    int moved, critical;
};

// Working memory of an owner: counts of one field's cells.
struct drift_room {
    double *reference, *current;
    size_t n;
};

// `alpha`: of one test. `verdict` says whether the field moved: significant and large enough.
int drift_judge(const struct drift *drift, double alpha, struct drift_room *room,
                const struct weir_summary *now, const struct weir_summary *then,
                struct drift_verdict *verdict);

// Emits the one finding of a slice (0: the whole stream) from the fields that moved, strongest
// first. `slices` of them are evidence.
struct drift_slice {
    size_t slice;
    struct drift_verdict strongest;
    size_t n_moved;
};
void drift_report(const struct drift *drift, const struct weir_window *window, size_t slice,
                  const struct drift_verdict *moved, size_t n_moved, double alpha,
                  const struct drift_slice *slices, size_t n_slices);

int drift_owner_create(void *instance, void **owner, struct weir_error *error);
void drift_owner_destroy(void *owner);
int drift_owner_window(void *owner, const struct weir_window *window, struct weir_error *error);
int drift_owner_save(const void *owner, struct weir_buffer *out);
int drift_owner_restore(void *owner, uint32_t state_version, struct weir_reader *in,
                        struct weir_error *error);

#endif
