// SPDX-License-Identifier: Apache-2.0
#include "consumer/cli/run_status.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "consumer/http/metrics.h"

// The main loop comes round several times a second; a rebalance may take it for as long as a
// transaction's time-out.
enum { STUCK = 60000 };

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void weir_run_status_start(struct weir_run_status *status, const char *app, const char *instance)
{
    status->app = app;
    status->instance = instance;
    status->started = clock_ms(CLOCK_REALTIME);
    weir_run_status_beat(status);
}

void weir_run_status_beat(struct weir_run_status *status)
{
    atomic_store_explicit(&status->beat, clock_ms(CLOCK_MONOTONIC), memory_order_relaxed);
}

int weir_run_status_healthy(void *context, char *why, size_t size)
{
    struct weir_run_status *status = context;
    int64_t quiet =
        clock_ms(CLOCK_MONOTONIC) - atomic_load_explicit(&status->beat, memory_order_relaxed);
    uint64_t stopped = atomic_load_explicit(&weir_metrics.gates_stopped, memory_order_relaxed);
    if (quiet <= STUCK && !stopped)
        return 1;
    if (quiet <= STUCK)
        snprintf(why, size,
                 "%" PRIu64
                 " partitions are stopped by their gate: see the alert weir.circuit_open",
                 stopped);
    else
        snprintf(why, size, "the main loop has not come round for %" PRId64 " s", quiet / 1000);
    return 0;
}

void weir_run_status_page(void *context, struct weir_page *page)
{
    static const char *const about[] = {"What", "Value"};
    static const char *const counters[] = {"Counter", "Value", "Meaning"};
    const struct weir_run_status *status = context;
    weir_page_table(page, 2, about);
    weir_page_row(page);
    weir_page_text(page, "app");
    weir_page_text(page, status->app);
    weir_page_row(page);
    weir_page_text(page, "instance");
    weir_page_text(page, status->instance);
    weir_page_row(page);
    weir_page_text(page, "version");
    weir_page_text(page, WEIR_VERSION);
    weir_page_row(page);
    weir_page_text(page, "started");
    weir_page_time(page, status->started);
    weir_page_heading(page, "Counters");
    weir_page_table(page, 3, counters);
#define X(identifier, kind, name, help)                                                            \
    weir_page_row(page);                                                                           \
    weir_page_text(page, name);                                                                    \
    weir_page_number(                                                                              \
        page, (int64_t)atomic_load_explicit(&weir_metrics.identifier, memory_order_relaxed));      \
    weir_page_text(page, help);
    WEIR_METRICS(X)
#undef X
}
