// SPDX-License-Identifier: Apache-2.0
// What the files that put a finding into words share.
#ifndef WEIR_DRIFT_REPORT_H
#define WEIR_DRIFT_REPORT_H

#include "detectors/drift/drift.h"

enum {
    DRIFT_FIELDS = 48, // shown as evidence
    DRIFT_CELLS = 3,
    DRIFT_SLICE_LINES = 5,
    DRIFT_EXPLAIN_LINES = 4 + DRIFT_CARRIERS,
    DRIFT_LINES =
        DRIFT_FIELDS + DRIFT_CELLS + DRIFT_SLICE_LINES + DRIFT_EXPLAIN_LINES + DRIFT_CONTRASTS + 2,
    DRIFT_TEXT = 280,
    DRIFT_SUMMARY = 960
};

struct drift_lines {
    struct weir_evidence items[DRIFT_LINES];
    char before[DRIFT_LINES][DRIFT_TEXT];
    char after[DRIFT_LINES][DRIFT_TEXT];
    size_t n;
};
struct weir_evidence *drift_add_line(struct drift_lines *lines, const char *type,
                                     const char *field);
// What was judged by: from when to when, and who said so.
void drift_calibration_line(const struct drift_memory *memory, char *before, char *after,
                            size_t size);
// "31%", "0.4%"; returns `out`.
const char *drift_percent(double share, char out[16]);
// Lines, and an end to the sentence, for what an explanation says of fields that moved.
void drift_explain_report(const struct drift_explanation *explanation,
                          const struct weir_window *window, const struct drift_verdict *moved,
                          struct drift_lines *lines, char *text, size_t size);

#endif
