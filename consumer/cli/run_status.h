// SPDX-License-Identifier: Apache-2.0
// What `weir run` says of itself over HTTP: whether it is alive, and its counters for people.
#ifndef WEIR_CLI_RUN_STATUS_H
#define WEIR_CLI_RUN_STATUS_H

#include <stdatomic.h>
#include <stdint.h>

#include "consumer/http/server.h"

struct weir_run_status {
    const char *app, *instance; // outlive the server
    int64_t started;            // epoch ms
    _Atomic int64_t beat;       // monotonic ms at which the main loop last came round
};

void weir_run_status_start(struct weir_run_status *status, const char *app, const char *instance);
// The main loop is alive. Any thread.
void weir_run_status_beat(struct weir_run_status *status);
// Callbacks of struct weir_http_options; `context` is the status.
int weir_run_status_healthy(void *context, char *why, size_t size);
void weir_run_status_page(void *context, struct weir_page *page);

#endif
