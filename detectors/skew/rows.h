// SPDX-License-Identifier: Apache-2.0
// Row by row: what a window's pairs come to.
#ifndef WEIR_SKEW_ROWS_H
#define WEIR_SKEW_ROWS_H

#include "detectors/skew/skew.h"
#include "detectors/skew/tally.h"

// Adds the window's tallies up, and tells of the fields that surely differ too often, and of a side
// whose records have no partner. 1: judged; 0: there were too few pairs; negative: an error.
int skew_rows_window(const struct skew_instance *instance, const struct weir_window *window,
                     struct weir_error *error);

// rows_report.c: `fields` are the places of those that differ too often, the worst first.
// WEIR_ENOMEM, or 0.
int skew_rows_report(const struct skew_instance *instance, const struct skew_tally *tally,
                     const size_t *fields, size_t n, const struct weir_window *window);
void skew_rows_report_lonely(const struct skew_instance *instance, const struct skew_tally *tally,
                             int offline, const struct weir_window *window);

#endif
