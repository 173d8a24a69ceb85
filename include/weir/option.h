// SPDX-License-Identifier: Apache-2.0
// The options of a detector, one row each. The row drives parsing, `weir check`,
// `weir detectors`, the JSON Schema and the manual page, so an option cannot exist without
// its type, range, default and help.
#ifndef WEIR_OPTION_H
#define WEIR_OPTION_H

#include <stddef.h>
#include <stdint.h>

enum weir_option_type {
    WEIR_OPTION_BOOLEAN,  // integer: 0 or 1
    WEIR_OPTION_INTEGER,  // integer, in [low, high]
    WEIR_OPTION_NUMBER,   // number, in [low, high]
    WEIR_OPTION_SHARE,    // number in [low, high]; written 0.05 or 5%
    WEIR_OPTION_DURATION, // integer, milliseconds; written 500ms, 30s, 5m, 1h, 7d, 4w
    WEIR_OPTION_SIZE,     // integer, bytes; written 64KiB, 2GiB
    WEIR_OPTION_STRING,   // text
    WEIR_OPTION_CHOICE,   // text, one of `choices`
    WEIR_OPTION_FIELD,    // integer: index of a field of the detector's stream
    WEIR_OPTION_STRINGS,  // a list of texts; a single text is a list of one
    // Since minor 1. Text: a stream that joins the detector's own (`join: {to: ...}`). Its records
    // are shown to the edge too: weir_detector_config.follower. At most one in a table.
    WEIR_OPTION_STREAM
};

enum weir_option_flag {
    WEIR_OPTION_RESETS_STATE = 1, // changing it starts the detector's state anew
    WEIR_OPTION_REQUIRED = 2,
    // Since minor 1. Where it is given, the detector keeps this rate or chance of false alarms
    // and has no part in the app's budget (weir_detector_config.alarms_at_most).
    WEIR_OPTION_OWN_ALARMS = 4
};

struct weir_option {
    const char *key; // NULL ends a table
    enum weir_option_type type;
    const char *fallback; // the default, as it would be written in YAML; NULL: unset
    double low, high;     // inclusive, of numbers, in the value's unit; both 0: unbounded
    const char *choices;  // "a|b|c", for WEIR_OPTION_CHOICE
    const char *unit;     // for people; may be NULL
    const char *help;     // one sentence
    unsigned flags;
};

struct weir_option_value {
    int set; // given or defaulted; 0 only where there is no default
    int64_t integer;
    double number;
    const char *string;
    const char *const *strings;
    size_t n_strings;
};

#endif
