// SPDX-License-Identifier: Apache-2.0
// The script of what goes wrong in the payments stream, and when.
#ifndef WEIR_GENERATE_INCIDENTS_H
#define WEIR_GENERATE_INCIDENTS_H

#include "consumer/generate/generate.h"

enum weir_incident_effect {
    WEIR_INCIDENT_AGE,      // an age of 100,000
    WEIR_INCIDENT_STRING,   // a number sent as a string
    WEIR_INCIDENT_GUESS,    // an annotator tosses a coin
    WEIR_INCIDENT_YEN,      // amounts in another unit
    WEIR_INCIDENT_NAN,      // a feature is NaN
    WEIR_INCIDENT_DOWN,     // nothing comes
    WEIR_INCIDENT_DRIFT,    // a feature's mean moves, little by little
    WEIR_INCIDENT_MISSING,  // a field is not sent
    WEIR_INCIDENT_OLD_MODEL // an old version answers
};

#define WEIR_INCIDENTS 9

struct weir_incident_script {
    enum weir_incident_effect effect;
    int day, hour; // after the stream's start
    double hours;  // how long; 0: to the end of the stream
    double share;  // of the records there that it touches
    const char *name, *sentence, *kind;
    const char *const *also;
    enum weir_generate_stream stream;
    const char *field, *slice_field, *slice;
    const char *const *moves; // NULL: no other fields
};

// WEIR_INCIDENTS of them, by start.
extern const struct weir_incident_script weir_incident_script[WEIR_INCIDENTS];

#endif
