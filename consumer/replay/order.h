// SPDX-License-Identifier: Apache-2.0
// Holds alert events back until no earlier one can come, and gives them out by the event time at
// which they were decided, then fingerprint and sequence.
#ifndef WEIR_REPLAY_ORDER_H
#define WEIR_REPLAY_ORDER_H

#include "consumer/task/task.h"

struct weir_held_alert;

struct weir_alert_order {
    struct weir_held_alert *items;
    size_t n, capacity;
    int (*emit)(void *context, const struct weir_emission *emission);
    void *context;
};

int weir_alert_order_add(struct weir_alert_order *order, const struct weir_emission *emission);
// Gives out all that were decided at or before `decided`.
int weir_alert_order_release(struct weir_alert_order *order, int64_t decided);
void weir_alert_order_free(struct weir_alert_order *order);

#endif
