// SPDX-License-Identifier: Apache-2.0
// What detectors say of their calibration: gathered from the statistics that they report, and put
// into words, or JSON.
#ifndef WEIR_CLI_CALIBRATION_H
#define WEIR_CLI_CALIBRATION_H

#include <jansson.h>

#include "weir/finding.h"

enum { WEIR_CALIBRATION_DETECTORS = 64, WEIR_CALIBRATION_DELAYS = 3 };

// Why a field is not judged by its distribution; detectors say it by these numbers.
enum weir_calibration_unjudged {
    WEIR_CALIBRATION_JUDGED,
    WEIR_CALIBRATION_EMPTY,
    WEIR_CALIBRATION_UNCUT,
    WEIR_CALIBRATION_FEW,
    WEIR_CALIBRATION_CONSTANT
};

struct weir_calibration_field {
    char name[128];
    enum weir_calibration_unjudged unjudged;
    double minimum, values; // unjudged: needed in a window, and the most there were in one
    double half, most;      // smallest shift caught in half, in nine of ten windows
    // Windows until 1, 1.5, 2 times delta is found, in half of all cases; by the charts alone.
    double delay[WEIR_CALIBRATION_DELAYS], slowly[WEIR_CALIBRATION_DELAYS];
};

struct weir_calibration_seen { // of one detector
    char name[200];
    double days, wanted, needed;
    int learnt;
    double threshold, k, promised, allowed, period, delta;
    struct weir_calibration_field *fields;
    size_t n_fields;
};

struct weir_calibrations {
    struct weir_calibration_seen detectors[WEIR_CALIBRATION_DETECTORS];
    size_t n;
    int failed; // no memory
};

// The detector's, added where it is new; NULL: there are too many.
struct weir_calibration_seen *weir_calibration_find(struct weir_calibrations *calibrations,
                                                    const char *detector);
// Takes in a statistic; `field` may be NULL. Others than those of a calibration are passed over;
// what is said last holds: a stretch that grows is learnt from several times.
void weir_calibration_take(struct weir_calibrations *calibrations, const char *detector,
                           const char *field, const struct weir_statistic *statistic);
void weir_calibrations_free(struct weir_calibrations *calibrations);
// Whether all of the days that are wanted are there, and were learnt from.
int weir_calibration_is_whole(const struct weir_calibration_seen *seen);
void weir_calibration_print(const struct weir_calibration_seen *seen); // but for its name
json_t *weir_calibration_json(const struct weir_calibration_seen *seen);

#endif
