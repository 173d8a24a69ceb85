// SPDX-License-Identifier: Apache-2.0
// One HTML page about a replay's incidents, complete in itself: a timeline, every incident with
// its evidence, counts, and what was run. Bounded: beyond WEIR_REPORT_INCIDENTS it counts.
#ifndef WEIR_ALERT_REPORT_H
#define WEIR_ALERT_REPORT_H

#include "consumer/alert/alert.h"

enum {
    WEIR_REPORT_INCIDENTS = 1000, // shown in full: the first ones
    WEIR_REPORT_ROWS = 60,        // of the timeline: the gravest, then the earliest
    WEIR_REPORT_COUNTED = 500     // rows of the table of counts
};

struct weir_report_pair {
    const char *name, *value;
};

// What the page says beside the incidents; all may be NULL or 0.
struct weir_report_context {
    const char *app;
    const char *config;                   // the text of the configuration, without secrets
    const struct weir_report_pair *files; // stream and path
    size_t n_files;
    const struct weir_report_pair *stats; // "records", "1,000,000"
    size_t n_stats;
};

struct weir_report;

int weir_report_create(struct weir_report **report);
void weir_report_destroy(struct weir_report *report);
// Takes in an event, in the order of telling. WEIR_ENOMEM.
int weir_report_add(struct weir_report *report, const struct weir_alert *alert);
size_t weir_report_incidents(const struct weir_report *report);
// Appends the page.
int weir_report_print(const struct weir_report *report, const struct weir_report_context *context,
                      struct weir_buffer *out);
// Writes it to a file, beside it first and then renamed.
int weir_report_write(const struct weir_report *report, const struct weir_report_context *context,
                      const char *path, struct weir_error *error);

#endif
