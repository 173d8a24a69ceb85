// SPDX-License-Identifier: Apache-2.0
#include "bench/alarms/power.h"

#include <stdio.h>
#include <string.h>

#include "bench/alarms/clean.h"
#include "stats/sort.h"

extern const struct weir_plugin weir_plugin;

enum { WITHIN = 24, RAMP_WITHIN = 240, LEAD_IN = 24 };
static const double NEVER = 1e9;

struct power {
    int calibrations, trials; // trials of each calibration
    uint64_t rows;
    size_t first;
    struct weir_buffer saved[CALIBRATIONS];
    double thresholds[PEERS];
};

struct tally {
    double delays[PEERS + 1][TRIALS];
    int n, found[PEERS + 1], named, slow;
};

static void print_delays(const char *name, double *delays, int trials, int found)
{
    weir_sort_doubles(delays, (size_t)trials);
    double median = delays[trials / 2];
    printf("    %-36s found %5.1f%%", name, 100.0 * found / trials);
    if (median < NEVER)
        printf("  median delay %5.0f windows", median + 1);
    else
        printf("  median delay     -        ");
}

static void try_once(const struct power *power, enum change change, void *owner, int64_t start,
                     struct tally *tally)
{
    int64_t within = change == RAMP ? RAMP_WITHIN : WITHIN;
    double delay[PEERS + 1];
    for (int k = 0; k <= PEERS; k++)
        delay[k] = NEVER;
    world.change = NONE;
    for (int64_t i = -LEAD_IN; i < 0; i++) { // what it remembers is the world's
        draw_window(start + i);
        judge(owner, start + i);
    }
    world.change = change;
    for (int64_t i = 0; i < within; i++) {
        double largest[PEERS];
        int three_sd;
        world.since = (double)i;
        draw_window(start + i);
        if (delay[PEERS] >= NEVER) {
            struct verdict verdict = judge(owner, start + i);
            if (verdict.omnibus || verdict.slow) {
                delay[PEERS] = (double)i;
                tally->named += verdict.right;
                tally->slow += verdict.slow;
            }
        }
        peers_of_window(largest, &three_sd);
        for (int k = 0; k < PEERS; k++) {
            if (delay[k] >= NEVER && largest[k] > power->thresholds[k])
                delay[k] = (double)i;
        }
    }
    world.change = NONE;
    for (int k = 0; k <= PEERS; k++) {
        tally->delays[k][tally->n] = delay[k];
        tally->found[k] += delay[k] < NEVER;
    }
    tally->n++;
}

static void power_of(const struct power *power, enum change change)
{
    static struct tally tally;
    memset(&tally, 0, sizeof tally);
    for (int c = 0; c < power->calibrations; c++) {
        make_world((uint64_t)(c + 101), power->first, HALF, power->rows);
        void *instance = make_instance(.01);
        for (int trial = 0; trial < power->trials; trial++) {
            void *owner = restored(instance, &power->saved[c]);
            // Every hour of the week has its turn.
            try_once(power, change, owner, MONTH + 168 * (1 + trial) + 7 * trial, &tally);
            weir_plugin.owner_destroy(owner);
        }
        weir_plugin.destroy(instance);
    }
    printf("  %s, within %d windows\n", change_names[change],
           change == RAMP ? RAMP_WITHIN : WITHIN);
    print_delays("weir", tally.delays[PEERS], tally.n, tally.found[PEERS]);
    double found = tally.found[PEERS] ? tally.found[PEERS] : 1;
    printf("  field named %5.1f%%  as slow %5.1f%%\n", 100 * tally.named / found,
           100 * tally.slow / found);
    for (int k = 0; k < PEERS; k++) {
        print_delays(peer_names[k], tally.delays[k], tally.n, tally.found[k]);
        printf("\n");
    }
    fflush(stdout);
}

void power(int calibrations, int trials, int64_t days, uint64_t rows, size_t first,
           const char *only)
{
    static struct power power;
    power = (struct power){calibrations, trials, rows, first, .thresholds = {0}};
    struct run run = make_run((size_t)(calibrations * days * HOURS));
    for (int c = 0; c < calibrations; c++) {
        make_world((uint64_t)(c + 101), first, HALF, rows);
        calibrate(&power.saved[c], 1, 0);
        run_clean(&run, &power.saved[c], days, 0, days);
    }
    struct result weir = {0};
    add_series(&weir, run.weir[EITHER], run.n, .5);
    // Others' thresholds: as many incidents on the same clean windows.
    for (int k = 0; k < PEERS; k++) {
        struct weir_alarm_budget budget;
        weir_alarm_budget(run.peers[k], run.n, (double)weir.incidents + 1, (double)run.n, life,
                          &budget);
        power.thresholds[k] = budget.threshold;
    }
    printf("power in 1 of 100 %s features, %llu records a window, %.2f false incidents a month "
           "for all (%d x %lld days), effect floors off, %d calibrations x %d trials:\n",
           first ? "seasonal" : "stationary", (unsigned long long)rows,
           (double)weir.incidents / months_of(&weir), calibrations, (long long)days, calibrations,
           trials);
    for (int change = SHIFT; change < CHANGES; change++) {
        if (!only || strstr(change_names[change], only))
            power_of(&power, (enum change)change);
    }
    for (int c = 0; c < calibrations; c++)
        weir_buffer_free(&power.saved[c]);
    free_run(&run);
}
