// SPDX-License-Identifier: Apache-2.0
// False alarms and power of drift, on simulated months of hourly windows.
//
//   drift_alarms [--seeds N] [--days N] [--rows N] [--features stationary|seasonal] [--check]
//   drift_alarms --power [--calibrations N] [--trials N] [--rows N] [--features ...]
//
// 100 stationary features and 100 with a daily and weekly rhythm and a memory (AR(1), 0.9 an hour,
// 0.1 sd), a fifth of them categories. Cell counts are drawn from their multinomial, which is what
// a window of that many records gives. 30 days calibrate, the rest is counted. Beside it formulas
// that others decide by: at their own defaults, and with a threshold that has the same measured
// rate of false incidents.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/alarms/world.h"
#include "stats/alarm_budget.h"
#include "stats/sort.h"
#include "stats/special.h"

extern const struct weir_plugin weir_plugin;

// ---- formulas of others, against the training profile

enum peer { PEER_KS, PEER_PSI, PEER_JS, PEER_WASSERSTEIN, PEER_CHI, PEER_KS_P, PEERS };
static const char *const peer_names[] = {
    "KS D, largest field",           "PSI on 32 cells, largest field",
    "Jensen-Shannon, largest field", "Wasserstein / sd, largest field",
    "chi-square p, smallest field",  "KS p, smallest field"};

// One field, -> larger is more unlike. Wasserstein in normal scores of the reference's cells.
static void peers_of_field(size_t f, double *out)
{
    const struct weir_summary *now = &world.now[f], *then = &world.reference[f];
    size_t cells = now->cells->n;
    double n = (double)now->rows, m = (double)then->rows, below = 0, before = 0, chi = 0;
    double score = 0, last = -2.5 * 1.15;
    memset(out, 0, PEERS * sizeof *out);
    int used = 0;
    for (size_t i = 0; i < cells; i++) {
        double a = (double)now->cell[i], b = (double)then->cell[i], p = a / n, q = b / m;
        if (a + b <= 0)
            continue;
        used++;
        double x = (a + .5) / (n + .5 * (double)cells), y = (b + .5) / (m + .5 * (double)cells);
        out[PEER_PSI] += (x - y) * log(x / y);
        double middle = (p + q) / 2;
        out[PEER_JS] +=
            .5 * ((p > 0 ? p * log2(p / middle) : 0) + (q > 0 ? q * log2(q / middle) : 0));
        double gap = a * sqrt(m / n) - b * sqrt(n / m);
        chi += gap * gap / (a + b);
        if (now->shape != WEIR_SHAPE_NUMERIC)
            continue;
        double edge = i < CUTS ? now->cells->cuts[i] : 2.5 * 1.15 * 1.5;
        score += fabs(below - before) * (edge - last);
        last = edge;
        below += p;
        before += q;
        out[PEER_KS] = fmax(out[PEER_KS], fabs(below - before));
    }
    out[PEER_JS] = sqrt(fmax(out[PEER_JS], 0));
    out[PEER_WASSERSTEIN] = score;
    out[PEER_CHI] = -log(fmax(weir_chi_square_sf(chi, used > 1 ? used - 1 : 1), 1e-300));
    if (now->shape == WEIR_SHAPE_NUMERIC)
        out[PEER_KS_P] =
            -log(fmax(weir_kolmogorov_sf(out[PEER_KS] * sqrt(n * m / (n + m))), 1e-300));
}

static struct {
    double mean, square; // over the calibration, per field: for thresholds of mean + 3 sd
    uint64_t n;
} chunk[MOST];

static void peers_of_window(double *largest, int *three_sd, int learn)
{
    for (int k = 0; k < PEERS; k++)
        largest[k] = 0;
    *three_sd = 0;
    for (size_t f = world.first; f < world.first + world.n; f++) {
        double out[PEERS];
        peers_of_field(f, out);
        for (int k = 0; k < PEERS; k++)
            largest[k] = fmax(largest[k], out[k]);
        double js = out[PEER_JS];
        if (learn) {
            chunk[f].n++;
            chunk[f].mean += js;
            chunk[f].square += js * js;
        } else {
            double mean = chunk[f].mean / (double)chunk[f].n;
            double sd = sqrt(fmax(chunk[f].square / (double)chunk[f].n - mean * mean, 0));
            *three_sd |= js > mean + 3 * sd || js < mean - 3 * sd;
        }
    }
}

// ---- false alarms

static const struct weir_alarm_life life = {1, 3};

struct result {
    size_t incidents, windows_in_alarm, windows;
};

static void add_series(struct result *result, const double *series, size_t n, double threshold)
{
    size_t in_alarm;
    result->incidents += weir_alarm_incidents(series, n, threshold, life, &in_alarm);
    result->windows_in_alarm += in_alarm;
    result->windows += n;
}

static double months_of(const struct result *result)
{
    return (double)result->windows / MONTH;
}

static void print_result(const char *name, const struct result *result)
{
    printf("  %-44s %8.2f incidents a month  %6.2f%% of the time in alarm\n", name,
           (double)result->incidents / months_of(result),
           100 * (double)result->windows_in_alarm / (double)result->windows);
}

// Series of clean windows: 0 or 1, or the largest statistic.
enum { OMNIBUS, SLOW, EITHER, WAYS };
struct run {
    double *weir[WAYS], *floors[WAYS], *peers[PEERS], *three_sd;
    size_t n;
};

static struct run make_run(size_t n)
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

static void free_run(struct run *run)
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

// The state after 30 days.
static void calibrate(struct weir_buffer *saved, int with_peers)
{
    void *instance = make_instance(.2), *owner = make_owner(instance);
    double largest[PEERS];
    int three_sd;
    memset(chunk, 0, sizeof chunk);
    for (int64_t hour = 0; hour < MONTH; hour++) {
        draw_window(hour);
        judge(owner, hour);
        if (with_peers)
            peers_of_window(largest, &three_sd, 1);
    }
    weir_buffer_init(saved, WEIR_BUFFER_MAXIMUM);
    if (weir_plugin.owner_save(owner, saved))
        abort();
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
}

struct judges { // of one and the same windows
    void *instance, *owner;
};

static struct judges make_judges(double delta, const struct weir_buffer *saved)
{
    void *instance = make_instance(delta);
    return (struct judges){instance, restored(instance, saved)};
}

static void free_judges(struct judges *judges)
{
    weir_plugin.owner_destroy(judges->owner);
    weir_plugin.destroy(judges->instance);
}

// Appends the days after the calibration. `floors`, `with_peers`: those too.
static void run_clean(struct run *run, const struct weir_buffer *saved, int64_t days, int floors,
                      int with_peers)
{
    struct judges weir = make_judges(.01, saved), held = {0};
    double largest[PEERS];
    int three_sd;
    if (floors)
        held = make_judges(.2, saved);
    for (int64_t hour = 0; hour < days * HOURS; hour++, run->n++) {
        draw_window(MONTH + hour);
        note(run->weir, run->n, judge(weir.owner, MONTH + hour));
        if (floors)
            note(run->floors, run->n, judge(held.owner, MONTH + hour));
        if (!with_peers)
            continue;
        peers_of_window(largest, &three_sd, 0);
        for (int k = 0; k < PEERS; k++)
            run->peers[k][run->n] = largest[k];
        run->three_sd[run->n] = three_sd;
    }
    free_judges(&weir);
    if (floors)
        free_judges(&held);
}

static void print_peers(const struct run *run)
{
    struct result result = {0};
    add_series(&result, run->peers[PEER_KS_P], run->n, -log(.05));
    print_result("KS p < 0.05 in any field (one seed)", &result);
    result = (struct result){0};
    add_series(&result, run->peers[PEER_PSI], run->n, .2);
    print_result("PSI > 0.2 in any field", &result);
    result = (struct result){0};
    add_series(&result, run->peers[PEER_WASSERSTEIN], run->n, .1);
    print_result("Wasserstein / sd > 0.1 in any field", &result);
    result = (struct result){0};
    add_series(&result, run->three_sd, run->n, .5);
    print_result("JS beyond mean +- 3 sd of chunks, any field", &result);
}

static int unkept; // some calibration was too short for the budget

// Of significance alone.
static struct result false_alarms(int seeds, int64_t days, uint64_t rows, size_t first, int check)
{
    struct result weir[WAYS] = {{0}}, floors[WAYS] = {{0}};
    printf("%s, %llu records a window, %d x %lld days:\n",
           first ? "100 seasonal autocorrelated features" : "100 stationary features",
           (unsigned long long)rows, seeds, (long long)days);
    double spent = 0;
    uint64_t windows = 0;
    for (int seed = 1; seed <= seeds; seed++) {
        struct run run = make_run((size_t)(days * HOURS));
        struct weir_buffer saved;
        int with_peers = !check && rows == 1000 && seed == 1;
        make_world((uint64_t)seed, first, HALF, rows);
        calibrate(&saved, with_peers);
        provisional = 0; // until then they were
        double began = closing;
        uint64_t before = closed;
        run_clean(&run, &saved, days, !check, with_peers);
        weir_buffer_free(&saved);
        unkept |= provisional;
        spent += closing - began;
        windows += closed - before;
        for (int k = 0; k < WAYS; k++) {
            add_series(&weir[k], run.weir[k], run.n, .5);
            add_series(&floors[k], run.floors[k], run.n, .5);
        }
        if (with_peers)
            print_peers(&run);
        free_run(&run);
    }
    print_result("weir, significance alone, budget 1", &weir[EITHER]);
    print_result("  of which omnibus", &weir[OMNIBUS]);
    print_result("  slow drift", &weir[SLOW]);
    if (!check) {
        print_result("weir", &floors[EITHER]);
        print_result("  of which omnibus", &floors[OMNIBUS]);
        print_result("  slow drift", &floors[SLOW]);
    }
    printf("  a window of 100 fields: %.3f ms CPU\n", 1e3 * spent / (double)windows);
    fflush(stdout);
    return weir[EITHER];
}

// ---- power and delay, at the same measured rate of false incidents

enum { WITHIN = 24, RAMP_WITHIN = 240, LEAD_IN = 24, CALIBRATIONS = 32, TRIALS = 4096 };
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
        peers_of_window(largest, &three_sd, 0);
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

static void power(int calibrations, int trials, int64_t days, uint64_t rows, size_t first)
{
    static struct power power;
    power = (struct power){calibrations, trials, rows, first, .thresholds = {0}};
    struct run run = make_run((size_t)(calibrations * days * HOURS));
    for (int c = 0; c < calibrations; c++) {
        make_world((uint64_t)(c + 101), first, HALF, rows);
        calibrate(&power.saved[c], 0);
        run_clean(&run, &power.saved[c], days, 0, 1);
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
    for (int change = SHIFT; change < CHANGES; change++)
        power_of(&power, (enum change)change);
    for (int c = 0; c < calibrations; c++)
        weir_buffer_free(&power.saved[c]);
    free_run(&run);
}

// ---- the program

static const char *text_after(int argc, char **argv, const char *name)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (!strcmp(argv[i], name))
            return argv[i + 1];
    }
    return NULL;
}

static int64_t number_after(int argc, char **argv, const char *name, int64_t otherwise)
{
    const char *text = text_after(argc, argv, name);
    return text ? atoll(text) : otherwise;
}

static int has(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], name))
            return 1;
    }
    return 0;
}

// A rate so far above the budget that chance does not explain it.
static int is_over(const struct result *result)
{
    double months = months_of(result);
    // The threshold is itself an estimate: incidents a month are about geometric, with sd sqrt(2)
    // for k = 1.
    return (double)result->incidents > months + 4 * sqrt(2 * months) + 3 || unkept;
}

int main(int argc, char **argv)
{
    int check = has(argc, argv, "--check"), wants_power = has(argc, argv, "--power"), code = 0;
    int seeds = (int)number_after(argc, argv, "--seeds", 20);
    int calibrations = (int)number_after(argc, argv, "--calibrations", 5);
    int trials = (int)number_after(argc, argv, "--trials", 20);
    int64_t days = number_after(argc, argv, "--days", wants_power ? 90 : 360),
            only = number_after(argc, argv, "--rows", 0);
    const char *features = text_after(argc, argv, "--features");
    static const uint64_t sizes[] = {100, 1000, 10000, 100000};
    if (calibrations < 1 || calibrations > CALIBRATIONS || trials < 1 ||
        calibrations * trials > TRIALS || seeds < 1 || days < 1) {
        fprintf(stderr, "drift_alarms: at most %d calibrations, %d trials in all\n", CALIBRATIONS,
                TRIALS);
        return 2;
    }
    make_cells();
    for (size_t s = 0; s < 4; s++) {
        if (only ? (uint64_t)only != sizes[s] : check && sizes[s] != 1000)
            continue;
        for (size_t first = 0; first <= HALF; first += HALF) {
            if (features && strcmp(features, first ? "seasonal" : "stationary") != 0)
                continue;
            if (wants_power) {
                power(calibrations, trials, days, sizes[s], first);
                continue;
            }
            struct result weir = false_alarms(seeds, days, sizes[s], first, check);
            code |= check && is_over(&weir);
        }
    }
    if (code)
        fprintf(stderr, "drift_alarms: more false alarms than the budget explains\n");
    return code;
}
