// SPDX-License-Identifier: Apache-2.0
// Reads the alerts topic of a configuration: committed events only, every partition, no group.
#ifndef WEIR_ALERT_FOLLOW_H
#define WEIR_ALERT_FOLLOW_H

#include <stdatomic.h>

#include "consumer/alert/read.h"
#include "consumer/config/config.h"

struct weir_follow_options {
    int from_beginning;     // else only what comes from now on
    int until_end;          // stop where the topic ends now
    const atomic_int *stop; // set from a signal handler, or another thread; may be NULL
    int64_t timeout;        // ms to wait for the brokers, 0: 10 s
    // One event. What it returns ends following, unless it is 0.
    int (*event)(void *context, const struct weir_alert_copy *event);
    // The topic's end was reached (for the first time); may be NULL.
    int (*end)(void *context);
    void *context;
};

// 0: stopped, or at the end; else the callback's code, or an error: WEIR_EIO when the brokers or
// the topic cannot be reached. Messages that are no alert events are passed over and counted
// into `*foreign`. Properties are named in messages, their values never.
int weir_alert_follow(const struct weir_config *config, const struct weir_follow_options *options,
                      uint64_t *foreign, struct weir_error *error);

#endif
