// SPDX-License-Identifier: Apache-2.0
// Slow drift into words: how far by now, since when, and how much of it one window would show.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "detectors/drift/report.h"
#include "stats/summary.h"

enum { SHOWN = 32, NAMED = 4, TEXT = 240 };

struct lines {
    struct weir_evidence items[SHOWN + 1];
    char before[SHOWN + 1][TEXT], after[SHOWN + 1][TEXT];
};

static const double LOWER_BOUND = 2.33;

static double median_of(const struct drift_memory *memory, size_t f, const double *share, size_t n)
{
    const struct weir_cells *cells = drift_memory_cells(memory, f);
    struct weir_summary summary = {.shape = cells->shape, .parts = WEIR_PART_CELLS, .cells = cells};
    uint64_t count[1024];
    if (n > sizeof count / sizeof *count || n != cells->n)
        return NAN;
    for (size_t i = 0; i < n; i++)
        summary.values += count[i] = (uint64_t)(share[i] * 1e6 + .5);
    summary.rows = summary.values;
    summary.cell = count;
    return weir_summary_quantile(&summary, .5);
}

// "up by 0.24 sd by now, a median of 0.167 being about 0.19"
static void level_text(struct drift_memory *memory, const struct drift_creep *creep,
                       const struct weir_expectation *expected, char *out, size_t size)
{
    double signal[WEIR_SIGNALS] = {[WEIR_SIGNAL_LEVEL] = creep->now}, moved[1024];
    double before = median_of(memory, creep->field, expected->share, expected->n), after = NAN;
    if (!isnan(before)) {
        weir_cells_moved(expected->share, expected->n, 1, signal, moved);
        after = median_of(memory, creep->field, moved, expected->n);
    }
    int used = snprintf(out, size, "%s by %.2g sd by now", creep->now > 0 ? "up" : "down",
                        fabs(creep->now));
    if (isfinite(after) && (size_t)used < size)
        snprintf(out + used, size - (size_t)used, " (median %.3g -> about %.3g)", before, after);
}

static void share_text(const char *what, double usual, double angle, char *out, size_t size)
{
    snprintf(out, size, "%.60s: %.3g%% -> about %.3g%% by now", what, 100 * usual,
             100 * weir_angle_share(weir_share_angle(usual) + angle));
}

static double end_share(const struct weir_expectation *expected, int high)
{
    double share = 0;
    for (size_t k = 0; k < expected->n && share < .05; k++)
        share += expected->share[high ? expected->n - 1 - k : k];
    return share;
}

static void category_text(struct drift_memory *memory, const struct drift_creep *creep,
                          const struct weir_expectation *expected, char *out, size_t size)
{
    const struct drift_counts *pooled = &memory->calibration.pooled[creep->field];
    const struct weir_cells *cells = drift_memory_cells(memory, creep->field);
    size_t i = (size_t)creep->signal;
    char name[64] = "one value", what[100];
    // A value that few records have is their own.
    if (cells->shape == WEIR_SHAPE_BOOLEAN || !memory->drift->redact || pooled->cell[i] >= 50)
        weir_cells_name(cells, i, name, sizeof name);
    snprintf(what, sizeof what, "%s", *name ? name : "(empty)");
    share_text(what, expected->share[i], creep->now, out, size);
}

static void change_text(struct drift_memory *memory, const struct drift_creep *creep, char *out,
                        size_t size)
{
    struct weir_expectation expected = drift_calibration_expect(memory, 0, creep->field);
    if (creep->signal == WEIR_SIGNAL_NULL)
        share_text("nulls", expected.null_share, creep->now, out, size);
    else if (creep->signal == WEIR_SIGNAL_UNSEEN)
        share_text("values never seen", expected.unseen_share, creep->now, out, size);
    else if (!expected.score)
        category_text(memory, creep, &expected, out, size);
    else if (creep->signal == WEIR_SIGNAL_LEVEL)
        level_text(memory, creep, &expected, out, size);
    else if (creep->signal == WEIR_SIGNAL_SCALE)
        snprintf(out, size, "its spread is %.3g times the usual by now", exp(creep->now));
    else
        share_text(creep->signal == WEIR_SIGNAL_LOW ? "values among the usually lowest"
                                                    : "values among the usually highest",
                   end_share(&expected, creep->signal == WEIR_SIGNAL_HIGH), creep->now, out, size);
}

static int is_critical(const struct drift_memory *memory, const struct drift_creep *creep)
{
    const struct drift *drift = memory->drift;
    int ordered = drift_memory_cells(memory, creep->field)->shape == WEIR_SHAPE_NUMERIC;
    double floor = drift_slow_floor(drift->critical, ordered, creep->signal);
    return creep->signal < WEIR_SIGNAL_NULL &&
           fabs(creep->now) - LOWER_BOUND * creep->error >= floor;
}

static void add_line(struct drift_memory *memory, const struct drift_creep *creep,
                     struct lines *lines, size_t i)
{
    char since[32], change[TEXT / 2];
    drift_time_text(creep->since, since);
    change_text(memory, creep, change, sizeof change);
    lines->items[i] = (struct weir_evidence){
        .type = "field",
        .field = memory->drift->fields[creep->field].info->name,
        .before = lines->before[i],
        .after = lines->after[i],
        .contribution = NAN,
    };
    snprintf(lines->before[i], TEXT, "as usual at its hours until %s UTC", since);
    snprintf(lines->after[i], TEXT, "%s; %u windows together, score %.3g", change, creep->windows,
             creep->score);
}

static void add_others(const struct drift *drift, const struct drift_creep *creeps, size_t n,
                       const struct drift_verdict *moved, size_t n_moved, char *out, size_t size)
{
    size_t used = 0, all = n + n_moved;
    for (size_t i = 1; i < all && i <= NAMED && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%.60s", i == 1 ? "; also " : ", ",
                                 i < n ? drift->fields[creeps[i].field].info->name
                                       : moved[i - n].field->info->name);
    if (all > NAMED + 1 && used < size)
        snprintf(out + used, size - used, " and %zu more", all - 1 - NAMED);
}

void drift_slow_report(struct drift_memory *memory, const struct weir_window *window,
                       const struct drift_creep *creeps, size_t n,
                       const struct drift_verdict *moved, size_t n_moved)
{
    const struct drift *drift = memory->drift;
    const struct weir_alarm_budget *budget = &memory->calibration.budget;
    const char *names[SHOWN];
    struct lines lines;
    char change[TEXT / 2], since[32], text[720];
    const char *stretch = strchr(memory->calibration.name, '(');
    size_t shown = n < SHOWN ? n : SHOWN, n_lines = shown;
    int critical = 0;
    for (size_t i = 0; i < shown; i++) {
        names[i] = drift->fields[creeps[i].field].info->name;
        add_line(memory, &creeps[i], &lines, i);
    }
    for (size_t i = 0; i < n_moved && shown < SHOWN; i++)
        names[shown++] = moved[i].field->info->name;
    for (size_t i = 0; i < n; i++)
        critical |= is_critical(memory, &creeps[i]);
    change_text(memory, &creeps[0], change, sizeof change);
    size_t used = (size_t)snprintf(
        text, sizeof text,
        "%.100s drifts slowly: %s, since about %s UTC; %u windows together show it, against what "
        "is usual at their hours%s%s",
        names[0], change, drift_time_text(creeps[0].since, since), creeps[0].windows,
        stretch ? " " : "", stretch ? stretch : "");
    add_others(drift, creeps, n, moved, n_moved, text + used,
               used < sizeof text ? sizeof text - used : 0);
    lines.items[n_lines] = (struct weir_evidence){.type = "calibration",
                                                  .before = lines.before[n_lines],
                                                  .after = lines.after[n_lines],
                                                  .contribution = NAN};
    drift_calibration_line(memory, lines.before[n_lines], lines.after[n_lines], TEXT);
    n_lines++;
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = "slow",
        .kind = "drift.slow",
        .severity = critical ? WEIR_CRITICAL : WEIR_WARNING,
        .action = creeps[0].signal >= WEIR_SIGNAL_NULL ? WEIR_ACTION_INVESTIGATE_UPSTREAM
                                                       : WEIR_ACTION_RETRAIN,
        .identity = WEIR_BY_SLICE | WEIR_BY_MODEL_VERSION,
        .fields = names,
        .n_fields = shown,
        .provisional = !budget->kept,
        .share = NAN,
        .count = memory->now[creeps[0].field].values,
        .statistic = {"cusum", creeps[0].score, budget->threshold,
                      fmax(exp(-creeps[0].score), 1e-300), NAN},
        .summary = text,
        .evidence = lines.items,
        .n_evidence = n_lines,
    };
    window->emit(window, &finding);
}
