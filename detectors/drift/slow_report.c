// SPDX-License-Identifier: Apache-2.0
// Slow drift into words: how far by now, since when and how it came, and what else there is to say.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "detectors/drift/report.h"
#include "stats/summary.h"

enum { SHOWN = 32, NAMED = 4, TEXT = 120 };

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

// "up by 0.24 sd by now (median 0.167 -> about 0.19)"
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
                     struct drift_lines *lines)
{
    char since[32], change[TEXT];
    int64_t at = creep->onset.known ? creep->onset.at : creep->since;
    drift_time_text(at, since);
    change_text(memory, creep, change, sizeof change);
    drift_add_line(lines, "field", memory->drift->fields[creep->field].info->name);
    snprintf(lines->before[lines->n - 1], DRIFT_TEXT, "as usual at its hours until about %s UTC",
             since);
    snprintf(lines->after[lines->n - 1], DRIFT_TEXT, "%s; %u windows together, score %.3g", change,
             creep->windows, creep->score);
}

static void add_others(const struct drift_verdict *moved, size_t n, char *out, size_t size)
{
    size_t used = strlen(out);
    for (size_t i = 1; i < n && i <= NAMED && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%.60s", i == 1 ? "; also " : ", ",
                                 moved[i].field->info->name);
    if (n > NAMED + 1 && used < size)
        snprintf(out + used, size - used, " and %zu more", n - 1 - NAMED);
}

// "2026-03-01 04:00 UTC (between 02-27 ... and ...)"
static void since_text(const struct drift_creep *creep, char *out, size_t size)
{
    char at[32], first[32], last[32];
    const struct drift_onset *onset = &creep->onset;
    if (!onset->known) {
        snprintf(out, size, "about %s UTC", drift_time_text(creep->since, at));
        return;
    }
    drift_time_text(onset->at, at);
    drift_time_text(onset->first, first);
    drift_time_text(onset->last, last);
    if (onset->open)
        snprintf(out, size, "%s UTC or before", last);
    else
        snprintf(out, size, "about %s UTC (between %s and %s)", at, first, last);
}

static const char *how_it_came(const struct drift_onset *onset)
{
    return !onset->known                           ? "as it seems"
           : onset->unsure                         ? "at once or little by little"
           : onset->kind == WEIR_ONSET_SUDDEN      ? "at once"
           : onset->kind == WEIR_ONSET_INCREMENTAL ? "incrementally"
                                                   : "gradually";
}

static int is_step(const struct drift_onset *onset)
{
    return onset->known && onset->kind == WEIR_ONSET_SUDDEN && !onset->unsure;
}

// What it is, since when, and by what it is known.
static void say(struct drift_memory *memory, const struct drift_creep *lead, char *out, size_t size)
{
    char change[TEXT], since[128];
    change_text(memory, lead, change, sizeof change);
    since_text(lead, since, sizeof since);
    const char *stretch = strchr(memory->calibration.name, '(');
    snprintf(out, size,
             "%.100s %s: %s, %s since %s; %u windows together show it, against what is usual at "
             "their hours%s%s",
             memory->drift->fields[lead->field].info->name,
             is_step(&lead->onset) ? "took a small step that lasts" : "drifts slowly", change,
             how_it_came(&lead->onset), since, lead->windows, stretch ? " " : "",
             stretch ? stretch : "");
}

// What to do at its end, where there is room.
static void advise(const struct drift_creep *lead, char *text, size_t size)
{
    size_t used = strlen(text);
    int step = lead->onset.known && lead->onset.kind == WEIR_ONSET_SUDDEN;
    const char *what = step || lead->signal >= WEIR_SIGNAL_NULL
                           ? "; look for what was released or changed upstream then"
                           : "; see whether quality moved with it, and retrain if it did";
    if (used + strlen(what) < size)
        memcpy(text + used, what, strlen(what) + 1);
}

void drift_slow_report(struct drift_memory *memory, const struct weir_window *window,
                       const struct drift_creep *creeps, size_t n,
                       const struct drift_verdict *moved, size_t n_moved,
                       const struct drift_explanation *explanation)
{
    const struct weir_alarm_budget *budget = &memory->calibration.budget;
    const char *names[SHOWN];
    struct drift_lines lines = {.n = 0};
    char text[DRIFT_SUMMARY];
    size_t shown = n + n_moved < SHOWN ? n + n_moved : SHOWN;
    int critical = 0;
    for (size_t i = 0; i < shown; i++)
        names[i] = moved[i].field->info->name;
    for (size_t i = 0; i < n && i < SHOWN; i++)
        add_line(memory, &creeps[i], &lines);
    for (size_t i = 0; i < n; i++)
        critical |= is_critical(memory, &creeps[i]);
    say(memory, &creeps[0], text, sizeof text);
    add_others(moved, n + n_moved, text, sizeof text);
    drift_explain_report(explanation, window, moved, &lines, text, sizeof text);
    advise(&creeps[0], text, sizeof text);
    drift_add_line(&lines, "calibration", NULL);
    drift_calibration_line(memory, lines.before[lines.n - 1], lines.after[lines.n - 1], DRIFT_TEXT);
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
        .n_evidence = lines.n,
    };
    window->emit(window, &finding);
}
