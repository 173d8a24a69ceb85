// SPDX-License-Identifier: Apache-2.0
#include "bench/alarms/clean.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

extern const struct weir_plugin weir_plugin;

const struct weir_alarm_life life = {1, 3};

void add_series(struct result *result, const double *series, size_t n, double threshold)
{
    size_t in_alarm;
    result->incidents += weir_alarm_incidents(series, n, threshold, life, &in_alarm);
    result->windows_in_alarm += in_alarm;
    result->windows += n;
}

double months_of(const struct result *result)
{
    return (double)result->windows / MONTH;
}

void print_result(const char *name, const struct result *result)
{
    printf("  %-44s %8.2f incidents a month  %6.2f%% of the time in alarm\n", name,
           (double)result->incidents / months_of(result),
           100 * (double)result->windows_in_alarm / (double)result->windows);
}

struct run make_run(size_t n)
{
    struct run run = {.three_sd = calloc(n, sizeof(double))};
    for (int k = 0; k < WAYS; k++) {
        run.weir[k] = calloc(n, sizeof(double));
        run.floors[k] = calloc(n, sizeof(double));
    }
    for (int k = 0; k < PEERS; k++)
        run.peers[k] = calloc(n, sizeof(double));
    return run;
}

void free_run(struct run *run)
{
    for (int k = 0; k < WAYS; k++) {
        free(run->weir[k]);
        free(run->floors[k]);
    }
    for (int k = 0; k < PEERS; k++)
        free(run->peers[k]);
    free(run->three_sd);
}

static void note(double *const series[WAYS], size_t at, struct verdict verdict)
{
    series[OMNIBUS][at] = verdict.omnibus;
    series[SLOW][at] = verdict.slow;
    series[EITHER][at] = verdict.omnibus || verdict.slow;
}

static const double deltas[JUDGES] = {[NO_FLOORS] = .01, [FLOORS] = .2};

struct judges { // of one and the same windows
    void *instance, *owner;
};

static void free_judges(struct judges *judges)
{
    weir_plugin.owner_destroy(judges->owner);
    weir_plugin.destroy(judges->instance);
}

void calibrate(struct weir_buffer saved[JUDGES], int judges, int with_peers)
{
    struct judges weir[JUDGES];
    for (int k = 0; k < judges; k++) {
        weir[k].instance = make_instance(deltas[k]);
        weir[k].owner = make_owner(weir[k].instance);
    }
    peers_forget();
    for (int64_t hour = 0; hour < MONTH; hour++) {
        draw_window(hour);
        for (int k = 0; k < judges; k++)
            judge(weir[k].owner, hour);
        if (with_peers)
            peers_learn();
    }
    for (int k = 0; k < judges; k++) {
        weir_buffer_init(&saved[k], WEIR_BUFFER_MAXIMUM);
        if (weir_plugin.owner_save(weir[k].owner, &saved[k]))
            abort();
        free_judges(&weir[k]);
    }
}

static struct judges make_judges(int judge, const struct weir_buffer saved[JUDGES])
{
    void *instance = make_instance(deltas[judge]);
    return (struct judges){instance, restored(instance, &saved[judge])};
}

void run_clean(struct run *run, const struct weir_buffer saved[JUDGES], int64_t days, int floors,
               int64_t peer_days)
{
    struct judges weir = make_judges(NO_FLOORS, saved), held = {0};
    double largest[PEERS];
    int three_sd;
    if (floors)
        held = make_judges(FLOORS, saved);
    for (int64_t hour = 0; hour < days * HOURS; hour++, run->n++) {
        draw_window(MONTH + hour);
        note(run->weir, run->n, judge(weir.owner, MONTH + hour));
        if (floors)
            note(run->floors, run->n, judge(held.owner, MONTH + hour));
        if (hour >= peer_days * HOURS)
            continue;
        peers_of_window(largest, &three_sd);
        for (int k = 0; k < PEERS; k++)
            run->peers[k][run->n_peers] = largest[k];
        run->three_sd[run->n_peers++] = three_sd;
    }
    free_judges(&weir);
    if (floors)
        free_judges(&held);
}

void print_peers(const struct run *run)
{
    struct result result = {0};
    add_series(&result, run->peers[PEER_KS_P], run->n_peers, -log(.05));
    print_result("KS p < 0.05 in any field (one seed)", &result);
    result = (struct result){0};
    add_series(&result, run->peers[PEER_PSI], run->n_peers, .2);
    print_result("PSI > 0.2 in any field", &result);
    result = (struct result){0};
    add_series(&result, run->peers[PEER_WASSERSTEIN], run->n_peers, .1);
    print_result("Wasserstein / sd > 0.1 in any field", &result);
    result = (struct result){0};
    add_series(&result, run->three_sd, run->n_peers, .5);
    print_result("JS beyond mean +- 3 sd of chunks, any field", &result);
}
