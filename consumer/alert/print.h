// SPDX-License-Identifier: Apache-2.0
// Alert events for people: one line each, the same in every command.
//
//     2026-01-31 18:30:00  OPEN      critical  schema.range  transactions/contract amount  ...
#ifndef WEIR_ALERT_PRINT_H
#define WEIR_ALERT_PRINT_H

#include <stdio.h>

#include "consumer/alert/alert.h"

struct weir_alert_style {
    int colour; // escape sequences may be used
    int width;  // columns to stay within; 0: any
    int utc;    // event times in UTC; else in local time
};

// For that file: colour and width only at a terminal (NO_COLOR and TERM=dumb say no colour).
struct weir_alert_style weir_alert_style_for(FILE *out);
// Appends the line, without its newline. Control characters in names and texts never get through.
int weir_alert_line(const struct weir_alert *alert, const struct weir_alert_style *style,
                    struct weir_buffer *out);
// Prints the line and a newline.
int weir_alert_print(const struct weir_alert *alert, const struct weir_alert_style *style,
                     FILE *out);
// "amount, country route=north model v41": fields, slice and model version, as in the line.
void weir_alert_where(const struct weir_alert *alert, struct weir_buffer *out);

#endif
