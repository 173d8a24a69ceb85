// SPDX-License-Identifier: Apache-2.0
// Which alerts name which incidents of the script, and which name none.
#ifndef WEIR_DEMO_SCORE_H
#define WEIR_DEMO_SCORE_H

#include "consumer/alert/alert.h"
#include "consumer/generate/generate.h"

struct weir_demo_score;

struct weir_demo_found {
    size_t alerts;     // alerts that name it
    char kind[48];     // of the first of them, "" where there is none
    int64_t opened_at; // of the first of them, event time
    int right;         // one of them is of the very kind that the script wants
};

enum { WEIR_DEMO_WRONG = 12 }; // alerts that name nothing, of which the text is kept

struct weir_demo_wrong {
    int64_t opened_at;
    char kind[48], where[120];
};

// NULL: memory is out. `incidents` outlives it, and may be filled on (first_ms) meanwhile.
struct weir_demo_score *weir_demo_score_make(const struct weir_generate_incident *incidents,
                                             size_t n);
// Takes an event. Returns 1 where it says something new to people: an alert that opens, turns to
// another kind or severity, or is over; 0 where it only repeats; or WEIR_ENOMEM.
int weir_demo_score_event(struct weir_demo_score *score, const struct weir_alert *alert);
// Whether `alert`, as it opened, names the incident: same stream, one of its kinds, its field
// and slice where the alert has any, and opened between its start and its end or a while after.
int weir_demo_names(const struct weir_generate_incident *incident, const struct weir_alert *alert);
struct weir_demo_found weir_demo_score_of(const struct weir_demo_score *score, size_t incident);
size_t weir_demo_score_alerts(const struct weir_demo_score *score);      // that opened
size_t weir_demo_score_provisional(const struct weir_demo_score *score); // of them
// Of them, how many name nothing; the first WEIR_DEMO_WRONG are in `wrong`.
size_t weir_demo_score_false(const struct weir_demo_score *score,
                             const struct weir_demo_wrong **wrong);
void weir_demo_score_free(struct weir_demo_score *score); // NULL is fine

#endif
