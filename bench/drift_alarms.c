// SPDX-License-Identifier: Apache-2.0
// False alarms and power of drift, on simulated months of hourly windows.
//
//   drift_alarms [--seeds N] [--from N] [--days N] [--rows N] [--features stationary|seasonal]
//                [--check]
//   drift_alarms --power [--calibrations N] [--trials N] [--rows N] [--features ...]
//                [--change WORD]
//
// 100 stationary features and 100 with a daily and weekly rhythm and a memory (AR(1), 0.9 an hour,
// 0.1 sd), a fifth of them categories. Cell counts are drawn from their multinomial, which is what
// a window of that many records gives. 30 days calibrate, the rest is counted. Beside it formulas
// that others decide by: at their own defaults, and with a threshold that has the same measured
// rate of false incidents. A year of all takes an hour: each seed is printed as it is done.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/alarms/clean.h"
#include "bench/alarms/power.h"
#include "bench/arguments.h"

enum { SIZES = 4, HALVES = 2, PEER_DAYS = 56, QUARTERS = 4 };
static const uint64_t sizes[SIZES] = {100, 1000, 10000, 100000};

struct options {
    int check, power, seeds, from, calibrations, trials;
    int64_t days, rows;
    const char *features, *change;
};

// ---- false alarms

struct tally { // of one size and half of the features, over seeds
    struct result weir[WAYS], floors[WAYS], quarter[QUARTERS];
    double spent;
    uint64_t windows;
    int seeds, unkept; // some calibration was too short for the budget
};

static void add_run(struct tally *tally, const struct run *run)
{
    for (int k = 0; k < WAYS; k++) {
        add_series(&tally->weir[k], run->weir[k], run->n, .5);
        add_series(&tally->floors[k], run->floors[k], run->n, .5);
    }
    for (size_t q = 0; q < QUARTERS; q++) {
        size_t first = q * run->n / QUARTERS, end = (q + 1) * run->n / QUARTERS;
        add_series(&tally->quarter[q], run->weir[EITHER] + first, end - first, .5);
    }
}

static const char *name_of(size_t half)
{
    return half ? "seasonal" : "stationary";
}

static double share_of(const struct result *result)
{
    return 100 * (double)result->windows_in_alarm / (double)result->windows;
}

static void print_seed(const struct tally *before, const struct tally *after, int seed)
{
    const struct result *a = after->weir, *b = before->weir;
    printf(", seed %d: %zu incidents (%zu slow) in %.1f months, with floors %zu (%zu slow); so far "
           "%.2f a month, %.2f%%, with floors %.2f, %.2f%%\n",
           seed, a[EITHER].incidents - b[EITHER].incidents, a[SLOW].incidents - b[SLOW].incidents,
           months_of(&a[EITHER]) - months_of(&b[EITHER]),
           after->floors[EITHER].incidents - before->floors[EITHER].incidents,
           after->floors[SLOW].incidents - before->floors[SLOW].incidents,
           (double)a[EITHER].incidents / months_of(&a[EITHER]), share_of(&a[EITHER]),
           (double)after->floors[EITHER].incidents / months_of(&a[EITHER]),
           share_of(&after->floors[EITHER]));
    fflush(stdout);
}

static void run_seed(const struct options *options, int seed, uint64_t rows, size_t half,
                     struct tally *tally)
{
    struct tally before = *tally;
    struct run run = make_run((size_t)(options->days * HOURS));
    struct weir_buffer saved[JUDGES];
    int judges = options->check ? 1 : JUDGES; // without floors only
    int with_peers = !options->check && rows == 1000 && seed == 1;
    make_world((uint64_t)seed, half * HALF, HALF, rows);
    calibrate(saved, judges, with_peers);
    provisional = 0; // until then they were
    double began = closing;
    uint64_t judged = closed;
    run_clean(&run, saved, options->days, judges > FLOORS, with_peers ? PEER_DAYS : 0);
    for (int k = 0; k < judges; k++)
        weir_buffer_free(&saved[k]);
    tally->unkept |= provisional;
    tally->spent += closing - began;
    tally->windows += closed - judged;
    tally->seeds++;
    add_run(tally, &run);
    if (!options->check) {
        printf("%llu records, %s", (unsigned long long)rows, name_of(half));
        print_seed(&before, tally, seed);
    }
    if (with_peers)
        print_peers(&run);
    free_run(&run);
}

static void print_tally(const struct options *options, const struct tally *tally, uint64_t rows,
                        size_t half)
{
    printf("100 %s features, %llu records a window, %d x %lld days:\n", name_of(half),
           (unsigned long long)rows, tally->seeds, (long long)options->days);
    print_result("weir, significance alone, budget 1", &tally->weir[EITHER]);
    print_result("  of which omnibus", &tally->weir[OMNIBUS]);
    print_result("  slow drift", &tally->weir[SLOW]);
    if (!options->check) {
        print_result("weir", &tally->floors[EITHER]);
        print_result("  of which omnibus", &tally->floors[OMNIBUS]);
        print_result("  slow drift", &tally->floors[SLOW]);
        printf("  incidents a month by quarter of the time:");
        for (size_t q = 0; q < QUARTERS; q++)
            printf(" %.2f", (double)tally->quarter[q].incidents / months_of(&tally->quarter[q]));
        printf("\n");
    }
    printf("  a window of 100 fields: %.3f ms CPU\n", 1e3 * tally->spent / (double)tally->windows);
}

// A rate so far above the budget that chance does not explain it.
static int is_over(const struct tally *tally)
{
    double months = months_of(&tally->weir[EITHER]);
    // The threshold is itself an estimate: incidents a month are about geometric, with sd sqrt(2)
    // for k = 1.
    return (double)tally->weir[EITHER].incidents > months + 4 * sqrt(2 * months) + 3 ||
           tally->unkept;
}

static int wants(const struct options *options, size_t size, size_t half)
{
    return (options->rows ? (uint64_t)options->rows == sizes[size]
                          : !options->check || sizes[size] == 1000) &&
           (!options->features || !strcmp(options->features, name_of(half)));
}

static int false_alarms(const struct options *options)
{
    static struct tally tallies[SIZES][HALVES];
    int over = 0;
    for (int seed = options->from; seed < options->from + options->seeds; seed++) {
        for (size_t s = 0; s < SIZES; s++) {
            for (size_t half = 0; half < HALVES; half++) {
                if (wants(options, s, half))
                    run_seed(options, seed, sizes[s], half, &tallies[s][half]);
            }
        }
    }
    for (size_t s = 0; s < SIZES; s++) {
        for (size_t half = 0; half < HALVES; half++) {
            if (!tallies[s][half].seeds)
                continue;
            print_tally(options, &tallies[s][half], sizes[s], half);
            over |= options->check && is_over(&tallies[s][half]);
        }
    }
    if (over)
        fprintf(stderr, "drift_alarms: more false alarms than the budget explains\n");
    return over;
}

// ---- the program

int main(int argc, char **argv)
{
    int wants_power = arguments_have(argc, argv, "--power");
    struct options options = {
        .check = arguments_have(argc, argv, "--check"),
        .power = wants_power,
        .seeds = (int)arguments_number(argc, argv, "--seeds", 20),
        .from = (int)arguments_number(argc, argv, "--from", 1),
        .calibrations = (int)arguments_number(argc, argv, "--calibrations", 5),
        .trials = (int)arguments_number(argc, argv, "--trials", 20),
        .days = arguments_number(argc, argv, "--days", wants_power ? 90 : 360),
        .rows = arguments_number(argc, argv, "--rows", 0),
        .features = arguments_text(argc, argv, "--features"),
        .change = arguments_text(argc, argv, "--change"),
    };
    if (options.calibrations < 1 || options.calibrations > CALIBRATIONS || options.trials < 1 ||
        options.calibrations * options.trials > TRIALS || options.seeds < 1 || options.days < 1 ||
        options.from < 1) {
        fprintf(stderr, "drift_alarms: at most %d calibrations, %d trials in all\n", CALIBRATIONS,
                TRIALS);
        return 2;
    }
    make_cells();
    if (!options.power)
        return false_alarms(&options);
    for (size_t s = 0; s < SIZES; s++) {
        for (size_t half = 0; half < HALVES; half++) {
            if (wants(&options, s, half))
                power(options.calibrations, options.trials, options.days, sizes[s], half * HALF,
                      options.change);
        }
    }
    return 0;
}
