// SPDX-License-Identifier: Apache-2.0
// Whether one record was served well: its latency, its status, and what it depended on.
#ifndef WEIR_OPERATIONS_OUTCOME_H
#define WEIR_OPERATIONS_OUTCOME_H

#include "weir/batch.h"

enum operations_outcome_value { OPERATIONS_NO_OUTCOME, OPERATIONS_GOOD, OPERATIONS_BAD };

// What a status means: the values that are failures, of `errors:`, or what is usual.
struct operations_failures {
    const char *const *texts;
    size_t n;
    int truth; // of a boolean field, the value that is a failure
};

// One of `errors:`: "503", "5xx", "500-599" or a word. 0 where a number looks wrong.
int operations_failure_valid(const char *text);
int operations_failure_number(const struct operations_failures *failures, double value);
int operations_failure_text(const struct operations_failures *failures, const char *text,
                            size_t length);
// Whether a boolean field of that name says that something failed, and not that it went well.
int operations_failure_truth(const char *name);

// Of a status; `memo` has a byte for each code of the column's dictionary, 0 where it is not known.
enum operations_outcome_value operations_status_outcome(const struct operations_failures *failures,
                                                        const struct weir_column *column,
                                                        uint32_t row, uint8_t *memo);
// Of a latency that may be `at_most`.
enum operations_outcome_value
operations_latency_outcome(double at_most, const struct weir_column *column, uint32_t row);

#endif
