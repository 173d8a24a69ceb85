// SPDX-License-Identifier: Apache-2.0
// Decimal numbers in text: exact, without the locale.
#ifndef WEIR_CODEC_NUMBER_H
#define WEIR_CODEC_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum weir_number_kind {
    WEIR_NUMBER_NONE,     // not a number
    WEIR_NUMBER_INTEGER,  // no point, no exponent, and fits: `integer` and `real` are set
    WEIR_NUMBER_BIG,      // the same, but beyond int64: `real` is the nearest double
    WEIR_NUMBER_REAL,     // with a point or an exponent: `real`
    WEIR_NUMBER_OVERFLOW, // beyond the doubles: 1e999; `real` is an infinity
};

struct weir_number {
    int64_t integer;
    double real; // the nearest double, -0.0 for "-0"
};

// All of the text must be the number. `strict`: JSON's grammar; else also "+1", "01", ".5", "5.".
enum weir_number_kind weir_number_parse(const char *text, size_t length, int strict,
                                        struct weir_number *number);

// The nearest double of a text that weir_number_parse() has found to be a number (without a
// leading '+'). Not 0: it is beyond the doubles, or so small that it is 0.
int weir_number_exact(const char *text, size_t length, double *value);

#ifdef __cplusplus
}
#endif

#endif
