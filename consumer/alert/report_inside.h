// SPDX-License-Identifier: Apache-2.0
// Inside of the report: what report.c collects and report_page.c prints. Not for others.
#ifndef WEIR_ALERT_REPORT_INSIDE_H
#define WEIR_ALERT_REPORT_INSIDE_H

#include "consumer/alert/pack.h"
#include "consumer/alert/report.h"

struct weir_report_incident {
    char fingerprint[33], id[33];
    enum weir_severity severity; // the gravest that it had
    enum weir_alert_status status;
    int64_t opened_at, updated_at, window_start, window_end;
    uint64_t records, occurrences;
    uint32_t events;
    char *detector, *stream, *runbook; // the last two may be NULL
    char *offsets;                     // for people
    uint8_t *bytes;                    // the last finding, packed
    size_t length;
};

struct weir_report_count {
    char *detector, *kind;
    uint64_t by_severity[3];
};

struct weir_report {
    struct weir_report_incident *incidents;
    size_t n, capacity;
    struct weir_report_count *counts;
    size_t n_counts;
    uint64_t total, by_severity[3], open, events, uncounted;
    int64_t first, last;
};

#endif
