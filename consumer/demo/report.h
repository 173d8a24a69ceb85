// SPDX-License-Identifier: Apache-2.0
// What the demo says at its end: each incident of the script, found or not, by what, how soon.
#ifndef WEIR_DEMO_REPORT_H
#define WEIR_DEMO_REPORT_H

#include <stdio.h>

#include "consumer/alert/print.h"
#include "consumer/demo/score.h"

struct weir_plugins; // consumer/host/plugins.h

// One alert as a line: when, what became of it, the kind, and its sentence, which names the field
// or slice. Cut to the terminal.
void weir_demo_line(const struct weir_alert *alert, const struct weir_alert_style *style,
                    FILE *out);
// The table, and below it what was found and what was false, on `out`.
void weir_demo_report(const struct weir_demo_score *score,
                      const struct weir_generate_incident *incidents, size_t n,
                      const struct weir_plugins *plugins, FILE *out);
// "4 s", "2 min", "1.5 h", "3.2 days" into `out`.
void weir_demo_duration(int64_t ms, char *out, size_t size);

#endif
