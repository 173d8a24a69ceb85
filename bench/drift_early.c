// SPDX-License-Identifier: Apache-2.0
// Drift's first weeks, before there is a whole calibration: false alarms and what is found.
//
//   drift_early [--seeds N] [--rows N] [--features stationary|seasonal] [--clean]
//
// The world of bench/alarms: 100 features, hourly windows. Clean: 37 days from nothing, incidents
// and time in alarm by stage. Found: a shift in one feature that begins at a given age of the
// detector and lasts a day; the share found in that day, and the median delay.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/alarms/world.h"
#include "bench/arguments.h"
#include "stats/alarm_budget.h"
#include "stats/sort.h"

extern const struct weir_plugin weir_plugin;

enum { STAGES = 5, DAYS = 37, AGES = 6, SIZES = 4, MOST_TRIALS = 64 };
static const int stage_ends[STAGES] = {2, 7, 14, 30, 37}; // days
static const char *const stage_names[STAGES] = {"first two days", "to a week", "to two weeks",
                                                "to 30 days", "the week after"};
static const double sizes[SIZES] = {.4, .6, 1, 2};
static const int ages[AGES] = {6, 36, 80, 10 * 24 + 5, 20 * 24 + 5, 32 * 24 + 5}; // hours

static struct {
    size_t incidents, in_alarm, windows;
} clean[STAGES];

static void run_clean(uint64_t seed, size_t first, uint64_t rows)
{
    static double alarm[DAYS * HOURS];
    make_world(seed, first, HALF, rows);
    void *instance = make_instance(.2), *owner = make_owner(instance);
    for (int64_t hour = 0; hour < DAYS * HOURS; hour++) {
        draw_window(hour);
        struct verdict verdict = judge(owner, hour);
        alarm[hour] = verdict.omnibus || verdict.slow;
    }
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
    for (int s = 0, from = 0; s < STAGES; from = stage_ends[s++] * HOURS) {
        size_t in_alarm, n = (size_t)(stage_ends[s] * HOURS - from);
        clean[s].incidents +=
            weir_alarm_incidents(alarm + from, n, .5, (struct weir_alarm_life){1, 3}, &in_alarm);
        clean[s].in_alarm += in_alarm;
        clean[s].windows += n;
    }
}

static struct tally {
    double delays[MOST_TRIALS];
    int n, found;
} tallies[AGES][SIZES];

static void try_once(const struct weir_buffer *saved, void *instance, int age, double size,
                     struct tally *tally)
{
    void *owner = restored(instance, saved);
    double delay = 1e9;
    for (int64_t i = 0; i < HOURS; i++) {
        world.change = SHIFT;
        world.size = size;
        world.since = (double)i;
        draw_window(age + i);
        struct verdict verdict = judge(owner, age + i);
        if ((verdict.omnibus || verdict.slow) && verdict.right) {
            delay = (double)(i + 1);
            break;
        }
    }
    world.change = NONE;
    world.size = 0;
    weir_plugin.owner_destroy(owner);
    tally->found += delay < 1e9;
    tally->delays[tally->n++] = delay;
}

static void run_found(uint64_t seed, size_t first, uint64_t rows)
{
    make_world(seed, first, HALF, rows);
    void *instance = make_instance(.2), *owner = make_owner(instance);
    for (int64_t hour = 0, a = 0; a < AGES; hour++) {
        if (hour == ages[a]) {
            struct weir_buffer saved;
            weir_buffer_init(&saved, WEIR_BUFFER_MAXIMUM);
            if (weir_plugin.owner_save(owner, &saved))
                abort();
            for (int k = 0; k < SIZES; k++)
                try_once(&saved, instance, ages[a], sizes[k], &tallies[a][k]);
            weir_buffer_free(&saved);
            a++;
        }
        draw_window(hour);
        judge(owner, hour);
    }
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
}

static void print(int seeds, size_t first, uint64_t rows, int only_clean)
{
    printf("%s, %llu records a window, %d seeds\n", first ? "seasonal" : "stationary",
           (unsigned long long)rows, seeds);
    for (int s = 0; s < STAGES; s++)
        printf("  %-16s %6.2f incidents in 30 days  %6.2f%% of the time in alarm\n", stage_names[s],
               (double)clean[s].incidents * MONTH / (double)clean[s].windows,
               100 * (double)clean[s].in_alarm / (double)clean[s].windows);
    for (int a = 0; a < AGES && !only_clean; a++) {
        printf("  at hour %-4d", ages[a]);
        for (int k = 0; k < SIZES; k++) {
            struct tally *tally = &tallies[a][k];
            weir_sort_doubles(tally->delays, (size_t)tally->n);
            double median = tally->delays[tally->n / 2];
            printf("  %g sd: %3.0f%%", sizes[k], 100.0 * tally->found / tally->n);
            printf(median < 1e9 ? " (%.0f)" : " (-)", median);
        }
        printf("\n");
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int seeds = (int)arguments_number(argc, argv, "--seeds", 10);
    uint64_t rows = (uint64_t)arguments_number(argc, argv, "--rows", 1000);
    int only_clean = arguments_have(argc, argv, "--clean");
    if (seeds < 1 || seeds > MOST_TRIALS || rows < 1) {
        fprintf(stderr, "drift_early: 1 to %d seeds\n", MOST_TRIALS);
        return 2;
    }
    make_cells();
    for (size_t first = 0; first <= HALF; first += HALF) {
        if (arguments_have(argc, argv, first ? "stationary" : "seasonal"))
            continue;
        memset(clean, 0, sizeof clean);
        memset(tallies, 0, sizeof tallies);
        for (int seed = 1; seed <= seeds; seed++) {
            run_clean((uint64_t)seed, first, rows);
            if (!only_clean)
                run_found((uint64_t)seed + 100, first, rows);
        }
        print(seeds, first, rows, only_clean);
    }
    return 0;
}
