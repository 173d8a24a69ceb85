// SPDX-License-Identifier: Apache-2.0
// What a calibration promises, as statistics of its window: how much of the stretch there is, the
// threshold, and for each field the smallest shift that the threshold will catch and how soon.
// That is found by shifting windows of the stretch themselves, so the variation is the real one.
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"
#include "stats/special.h"

enum { SAMPLE = 30 }; // windows of the stretch that are shifted

static const double DAY = 24 * 3600e3,
                    SHIFTS[] = {.05, .1, .15, .2, .25, .3, .35, .4, .5, .6, .8, 1, 1.5, 2, 3};
static const double SELDOM = 1e-3; // of windows: that is as good as never
enum { N_SHIFTS = sizeof SHIFTS / sizeof *SHIFTS };

static void report(const struct weir_window *window, int field, const char *name, double value,
                   double threshold, double baseline)
{
    struct weir_statistic statistic = {name, value, threshold, NAN, baseline};
    if (window->report)
        window->report(window, 0, field, &statistic);
}

// ---- shifting a window's counts

// As if each value had moved by `shift` standard deviations: through the normal score.
static void shift_ordered(const double *share, const uint64_t *from, size_t n, double shift,
                          double *moved)
{
    double edge[1025];
    double below = 0;
    size_t top = 0; // nothing moves to where nothing was: what is above has no place in a shift
    memset(moved, 0, n * sizeof *moved);
    edge[0] = -4;
    for (size_t i = 0; i < n; i++) {
        below += share[i];
        top = share[i] > 0 ? i : top;
        double z = below >= 1 ? 4 : below <= 0 ? -4 : weir_normal_quantile(below);
        edge[i + 1] = i + 1 == n ? 4 : fmin(fmax(z, -4), 4);
    }
    for (size_t i = 0, j = 0; i < n; i++) {
        double low = edge[i] + shift, high = edge[i + 1] + shift;
        for (j = j > 0 && edge[j] > low ? 0 : j; j + 1 < n && edge[j + 1] <= low; j++)
            ;
        double width = high - low, left = (double)from[i];
        for (size_t k = j; k + 1 < n && width > 0 && edge[k] < high; k++) {
            double part = fmin(edge[k + 1], high) - fmax(edge[k], low);
            double mass = part > 0 ? (double)from[i] * part / width : 0;
            mass = fmin(mass, left);
            moved[k] += mass;
            left -= mass;
        }
        moved[width > 0 ? top : i] += left;
    }
}

// Categories: as much of all others goes to the largest as such a shift moves (total variation).
static void shift_categories(const double *share, const uint64_t *from, size_t n, double shift,
                             double *moved)
{
    double all = 0;
    size_t largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = share[i] > share[largest] ? i : largest;
    double part = (2 * weir_normal_cdf(shift / 2) - 1) / fmax(1 - share[largest], 0.05);
    part = fmin(part, 1);
    for (size_t i = 0; i < n; i++) {
        moved[i] = (double)from[i] * (1 - part);
        all += (double)from[i];
    }
    moved[largest] += part * all;
}

static double score_of(const struct drift_memory *memory, size_t field,
                       const struct weir_expectation *expected, const struct drift_counts *now)
{
    struct weir_cell_observation observation = drift_counts_seen(now);
    double out[WEIR_SCORES], ratio, best = 0;
    weir_cell_scores(expected, &observation, out, &ratio);
    for (int k = 0; k < WEIR_SCORES; k++)
        best = fmax(best, drift_calibration_score_of(memory, 0, field, (enum weir_cell_score)k,
                                                     out[k], expected->n));
    return best;
}

struct trial {
    struct drift_counts *now, *shifted; // per field; of one
    double *moved;
    unsigned *found; // [field][shift]
    unsigned *tried; // [field]
};

static void try_field(struct drift_memory *memory, struct trial *trial, size_t f)
{
    const struct drift_counts *now = &trial->now[f];
    struct drift_counts shifted = *now;
    if (!now->n || now->n > 1024 || now->values < memory->drift->minimum)
        return;
    struct weir_expectation expected = drift_calibration_expect(memory, 0, f);
    trial->tried[f]++;
    for (int s = 0; s < N_SHIFTS; s++) {
        if (expected.score)
            shift_ordered(expected.share, now->cell, now->n, SHIFTS[s], trial->moved);
        else
            shift_categories(expected.share, now->cell, now->n, SHIFTS[s], trial->moved);
        shifted.cell = trial->shifted->cell;
        for (size_t i = 0; i < now->n; i++)
            shifted.cell[i] = (uint64_t)(trial->moved[i] + .5);
        trial->found[f * N_SHIFTS + (size_t)s] +=
            score_of(memory, f, &expected, &shifted) > memory->calibration.budget.threshold;
    }
}

static int try_windows(struct drift_memory *memory, struct trial *trial)
{
    const struct drift *drift = memory->drift;
    const struct drift_history *stretch = &memory->calibration.stretch;
    size_t all = memory->calibration.learnt_from, n = all < SAMPLE ? all : SAMPLE;
    int code = 0;
    for (size_t i = 0; i < n && !code; i++) {
        // Not a multiple of a day apart, or it would be one and the same hour.
        const struct drift_entry *entry = &stretch->items[(i * 2 + 1) * all / (2 * n)];
        drift_counts_reset_all(trial->now, drift->n_fields);
        code = drift_entry_add(entry, trial->now, drift->n_fields);
        if (!code)
            code = drift_calibration_season(memory, entry->start);
        for (size_t f = 0; f < drift->n_fields && !code; f++)
            try_field(memory, trial, f);
    }
    return code;
}

// ---- why a field is not judged

struct had {               // in the stretch
    size_t judged;         // windows with enough values
    uint64_t most;         // values in one window
    uint64_t fullest, all; // values in the cell that has most, and in all
};

static int look_back(const struct drift_memory *memory, struct drift_counts *now, struct had *had)
{
    const struct drift *drift = memory->drift;
    const struct drift_calibration *calibration = &memory->calibration;
    int code = 0;
    for (size_t e = 0; e < calibration->learnt_from && e < calibration->stretch.n && !code; e++) {
        drift_counts_reset_all(now, drift->n_fields);
        code = drift_entry_add(&calibration->stretch.items[e], now, drift->n_fields);
        for (size_t f = 0; f < drift->n_fields; f++) {
            had[f].judged += now[f].values >= drift->minimum;
            had[f].most = now[f].values > had[f].most ? now[f].values : had[f].most;
        }
    }
    for (size_t f = 0; f < drift->n_fields; f++) {
        const struct drift_counts *pooled = &calibration->pooled[f];
        for (size_t i = 0; i < pooled->n; i++) {
            had[f].all += pooled->cell[i];
            had[f].fullest = pooled->cell[i] > had[f].fullest ? pooled->cell[i] : had[f].fullest;
        }
    }
    return code;
}

static enum drift_unjudged why(const struct drift_memory *memory, size_t f, const struct had *had,
                               unsigned tried)
{
    const struct weir_ddsketch *first = memory->own[f].first;
    if (!drift_memory_cells(memory, f))
        return first && weir_ddsketch_count(first) ? DRIFT_UNJUDGED_UNCUT : DRIFT_UNJUDGED_EMPTY;
    if (!had->most)
        return DRIFT_UNJUDGED_EMPTY;
    if (!had->judged || !tried)
        return DRIFT_UNJUDGED_FEW;
    return had->fullest == had->all ? DRIFT_UNJUDGED_CONSTANT : DRIFT_JUDGED;
}

// ---- what is reported

// The share of windows in which a shift is caught, between those that were tried.
static double caught(const unsigned *found, unsigned tried, double shift)
{
    int s = 0;
    if (!(shift > SHIFTS[0]))
        return (double)found[0] / tried * fmax(shift, 0) / SHIFTS[0];
    while (s + 1 < N_SHIFTS && SHIFTS[s + 1] < shift)
        s++;
    if (s + 1 == N_SHIFTS)
        return (double)found[s] / tried;
    double part = (shift - SHIFTS[s]) / (SHIFTS[s + 1] - SHIFTS[s]);
    return ((1 - part) * found[s] + part * found[s + 1]) / tried;
}

// Windows after which a lasting shift is found in half of all cases: by one of them, or by charts.
static double median_delay(const struct drift_memory *memory, size_t f, const unsigned *found,
                           unsigned tried, double shift)
{
    double p = caught(found, tried, shift);
    double windows = p >= .5 ? 1 : p > SELDOM ? ceil(log(.5) / log1p(-p)) : INFINITY;
    return fmin(windows, drift_slow_delay(memory, f, shift));
}

static double smallest(const unsigned *found, unsigned tried, double power)
{
    for (int s = 0; s < N_SHIFTS; s++) {
        if (found[s] >= power * tried)
            return SHIFTS[s];
    }
    return INFINITY;
}

static void report_fields(const struct drift_memory *memory, const struct weir_window *window,
                          const struct trial *trial, const struct had *had)
{
    const struct drift *drift = memory->drift;
    for (size_t f = 0; f < drift->n_fields; f++) {
        const unsigned *found = &trial->found[f * N_SHIFTS];
        enum drift_unjudged reason = why(memory, f, &had[f], trial->tried[f]);
        int s = 0;
        // Also of one that is judged: it may not have been when less was learnt.
        report(window, drift->fields[f].index, "calibration.unjudged", reason,
               (double)drift->minimum, (double)had[f].most);
        if (reason)
            continue;
        while (s + 1 < N_SHIFTS && SHIFTS[s] < drift->delta)
            s++;
        double windows = found[s] ? (double)trial->tried[f] / found[s] : INFINITY;
        windows = fmin(windows, drift_slow_delay(memory, f, SHIFTS[s]));
        report(window, drift->fields[f].index, "calibration.shift",
               smallest(found, trial->tried[f], .5), smallest(found, trial->tried[f], .9), windows);
        report(window, drift->fields[f].index, "calibration.delay",
               median_delay(memory, f, found, trial->tried[f], drift->delta),
               median_delay(memory, f, found, trial->tried[f], 1.5 * drift->delta),
               median_delay(memory, f, found, trial->tried[f], 2 * drift->delta));
        report(window, drift->fields[f].index, "calibration.slow",
               drift_slow_delay(memory, f, drift->delta),
               drift_slow_delay(memory, f, 1.5 * drift->delta),
               drift_slow_delay(memory, f, 2 * drift->delta));
    }
}

static int report_shifts(struct drift_memory *memory, const struct weir_window *window)
{
    const struct drift *drift = memory->drift;
    size_t n = drift->n_fields, most = 1;
    struct drift_counts shifted = {0};
    for (size_t f = 0; f < n; f++)
        most = memory->now[f].n > most ? memory->now[f].n : most;
    struct trial trial = {.now = drift_counts_make_all(memory->now, n),
                          .shifted = &shifted,
                          .moved = calloc(most, sizeof *trial.moved),
                          .found = calloc(n * N_SHIFTS, sizeof *trial.found),
                          .tried = calloc(n, sizeof *trial.tried)};
    struct had *had = calloc(n, sizeof *had);
    int code = trial.now && trial.moved && trial.found && trial.tried && had
                   ? drift_counts_init(&shifted, most)
                   : WEIR_ENOMEM;
    if (!code)
        code = try_windows(memory, &trial);
    if (!code)
        code = look_back(memory, trial.now, had);
    if (!code)
        report_fields(memory, window, &trial, had);
    free(had);
    drift_counts_free(&shifted);
    drift_counts_free_all(trial.now, n);
    free(trial.moved);
    free(trial.found);
    free(trial.tried);
    return code;
}

static int is_heard(const struct weir_window *window)
{
    return window->report &&
           !(window->size > offsetof(struct weir_window, unreported) && window->unreported);
}

// A calibration is told of while it is collected, and in full whenever it was learnt from.
int drift_calibration_report(struct drift_memory *memory, const struct weir_window *window)
{
    const struct drift_calibration *calibration = &memory->calibration;
    const struct drift *drift = memory->drift;
    const struct drift_history *stretch = &calibration->stretch;
    if (!stretch->n)
        return 0;
    double there = (double)drift_calibration_span(memory) / DAY;
    double whole = drift->alarms_at_most / drift->alarms_share;
    double needed = (double)drift->alarms_per / fmax(whole, 1e-6) / DAY;
    report(window, -1, "calibration.days", there, (double)calibration->wanted / DAY, needed);
    int learnt = calibration->told & DRIFT_TOLD_LEARNT;
    memory->calibration.told = 0;
    if (!learnt)
        return 0;
    report(window, -1, "calibration.threshold", calibration->budget.threshold,
           calibration->frozen ? (double)calibration->budget.k : 0, calibration->budget.promised);
    report(window, -1, "calibration.budget", drift->alarms_at_most, (double)drift->alarms_per / DAY,
           drift->delta);
    return is_heard(window) && calibration->usual_first ? report_shifts(memory, window) : 0;
}
