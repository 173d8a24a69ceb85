// SPDX-License-Identifier: Apache-2.0
// Verdicts into words: one sentence, and a line of evidence for each field, cell and slice.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "detectors/drift/report.h"
#include "stats/summary.h"
#include "stats/value_text.h"

enum {
    FIELDS = DRIFT_FIELDS,
    CELLS = DRIFT_CELLS,
    SLICES = DRIFT_SLICE_LINES,
    NAMED = 4, // fields named after `also`
    SEEN = 50, // a category that came so often is no value of a single record
    TEXT = DRIFT_TEXT
};

const char *drift_kind_of(enum weir_role role)
{
    return role == WEIR_ROLE_SCORE        ? "drift.score"
           : role == WEIR_ROLE_PREDICTION ? "drift.prediction"
                                          : "drift.feature";
}

static double cell_share(const struct weir_summary *summary, size_t i)
{
    return summary->values ? (double)summary->cell[i] / (double)summary->values : 0;
}

static int may_be_named(const struct drift *drift, const struct weir_summary *then, size_t i)
{
    if (then->shape == WEIR_SHAPE_NUMERIC || then->shape == WEIR_SHAPE_BOOLEAN)
        return 1;
    return i >= then->cells->n_categories || !drift->redact || then->cell[i] >= SEEN;
}

// The cell whose share changed most, leaving out those of `done`.
static size_t largest_change(const struct drift *drift, const struct drift_verdict *verdict,
                             const size_t *done, size_t n_done)
{
    size_t best = verdict->then->cells->n;
    double most = 0;
    for (size_t i = 0; i < verdict->then->cells->n; i++) {
        int taken = !may_be_named(drift, verdict->then, i);
        for (size_t k = 0; k < n_done; k++)
            taken |= done[k] == i;
        double change = fabs(cell_share(verdict->now, i) - cell_share(verdict->then, i));
        if (!taken && change > most) {
            most = change;
            best = i;
        }
    }
    return best;
}

// ---- one field

// Of both by cells where one has nothing else: else the sketch and the cells would differ.
static double quantile_of(const struct drift_verdict *verdict, int now, double q)
{
    struct weir_summary one = now ? *verdict->now : *verdict->then;
    if (!verdict->then->quantiles && one.cell) {
        one.quantiles = NULL;
        one.parts &= ~(unsigned)(WEIR_PART_QUANTILES | WEIR_PART_MOMENTS);
    }
    double value = weir_summary_quantile(&one, q);
    // Cells are cut a little beside whole numbers.
    return verdict->field->info->type == WEIR_TYPE_LONG ? round(value) : value;
}

// What moved, as "median 41 -> 63" or "JP 12% -> 31%".
static void change_text(const struct drift *drift, const struct drift_verdict *verdict, char *out,
                        size_t size)
{
    const struct weir_summary *then = verdict->then;
    if (then->shape == WEIR_SHAPE_NUMERIC) {
        double before = quantile_of(verdict, 0, .5), after = quantile_of(verdict, 1, .5);
        double spread_before = quantile_of(verdict, 0, .95) - quantile_of(verdict, 0, .05);
        double spread_after = quantile_of(verdict, 1, .95) - quantile_of(verdict, 1, .05);
        int known = !isnan(before) && !isnan(after);
        if (known && fabs(after - before) * 20 >= spread_before && after != before)
            snprintf(out, size, "median %.3g -> %.3g", before, after);
        else if (known && fabs(spread_after - spread_before) * 20 >= spread_before &&
                 spread_after != spread_before)
            snprintf(out, size, "5 to 95%% range %.3g -> %.3g wide, median still %.3g",
                     spread_before, spread_after, after);
        else if (known)
            snprintf(out, size, "another shape, median still %.3g", after);
        // A median beyond the outermost cut is not known: then as shares of cells.
        if (known)
            return;
    }
    char name[64];
    size_t i = largest_change(drift, verdict, NULL, 0);
    if (i == then->cells->n) {
        snprintf(out, size, "other shares");
        return;
    }
    weir_cells_name(then->cells, i, name, sizeof name);
    snprintf(out, size, "%s %.3g%% -> %.3g%%", *name ? name : "(empty)", 100 * cell_share(then, i),
             100 * cell_share(verdict->now, i));
}

static void sentence(const struct drift *drift, const struct drift_verdict *verdict,
                     const struct weir_summary *profile, char *out, size_t size)
{
    const char *name = verdict->field->info->name,
               *reference =
                   verdict->against ? verdict->against : drift->references[verdict->reference];
    char change[TEXT], word[TEXT / 2], count[32];
    enum drift_how how;
    weir_count_text(verdict->test == DRIFT_NULL_RATE ? verdict->now->rows : verdict->now->values,
                    count);
    switch (verdict->test) {
    case DRIFT_NULL_RATE:
        snprintf(out, size, "%s: %.3g%% of %s records are null or lack it, %.3g%% in %s", name,
                 100 * verdict->share, count, 100 * verdict->baseline, reference);
        return;
    case DRIFT_UNSEEN:
        if (verdict->against)
            snprintf(out, size,
                     "%s: %.3g%% of %s records have values never seen before, %.2g%% in %s", name,
                     100 * verdict->share, count, 100 * verdict->baseline, reference);
        else
            snprintf(out, size, "%s: %.3g%% of %s records have values that %s never had", name,
                     100 * verdict->share, count, reference);
        return;
    case DRIFT_TAIL:
        snprintf(out, size,
                 "%s: %.3g%% of %s records are beyond nearly all of %s, where %.2g%% are", name,
                 100 * verdict->share, count, reference, 100 * verdict->baseline);
        return;
    default:
        change_text(drift, verdict, change, sizeof change);
        how = drift_how_changed(verdict, profile, word, sizeof word);
        // Medians and shares say it where they moved, and spreads.
        if (how == DRIFT_HOW_MEAN || how == DRIFT_HOW_SHARES || how == DRIFT_HOW_SCALE)
            *word = 0;
        snprintf(out, size,
                 "%s moved: %s%s%s (as far as a shift by %.2g sd), %s records against %s", name,
                 change, *word ? "; " : "", word, verdict->effect, count, reference);
    }
}

static void describe(const struct weir_summary *summary, char *out, size_t size)
{
    double nulls =
        summary->rows ? (double)(summary->null + summary->missing) / (double)summary->rows : 0;
    double median = weir_summary_quantile(summary, .5);
    char count[32];
    weir_count_text(summary->rows, count);
    if (summary->shape == WEIR_SHAPE_NUMERIC && !isnan(median))
        snprintf(out, size, "%s records, median %.4g, 5 to 95%% %.4g to %.4g, null %.3g%%", count,
                 median, weir_summary_quantile(summary, .05), weir_summary_quantile(summary, .95),
                 100 * nulls);
    else
        snprintf(out, size, "%s records, null %.3g%%", count, 100 * nulls);
}

struct weir_evidence *drift_add_line(struct drift_lines *lines, const char *type, const char *field)
{
    struct weir_evidence *line = &lines->items[lines->n];
    *line = (struct weir_evidence){.type = type,
                                   .field = field,
                                   .before = lines->before[lines->n],
                                   .after = lines->after[lines->n],
                                   .contribution = NAN};
    lines->n++;
    return line;
}

static void add_field(struct drift_lines *lines, const struct drift_verdict *verdict,
                      const struct weir_summary *profile, double all)
{
    struct weir_evidence *line = drift_add_line(lines, "field", verdict->field->info->name);
    char *after = lines->after[lines->n - 1];
    describe(verdict->then, lines->before[lines->n - 1], TEXT);
    drift_how_changed(verdict, profile, after, TEXT / 2);
    size_t used = strlen(after);
    used += (size_t)snprintf(after + used, TEXT - used, "; ");
    describe(verdict->now, after + used, TEXT - used);
    used = strlen(after);
    const struct weir_cell_distances *d = &verdict->distances;
    if (d->cells)
        snprintf(after + used, TEXT - used, "; PSI %.3g, KS %.3g, JS %.3g; by %s, p %.2g", d->psi,
                 d->ks, d->jensen_shannon, drift_test_name(verdict->test), verdict->p_value);
    if (verdict->score > 0) {
        used = strlen(after);
        snprintf(after + used, TEXT - used, "; %s, score %.3g",
                 verdict->also ? "also moved" : "confirmed", verdict->score);
    }
    if (all > 0)
        line->contribution = verdict->effect / all;
}

static void add_cells(struct drift_lines *lines, const struct drift *drift,
                      const struct drift_verdict *verdict)
{
    size_t done[CELLS];
    for (size_t n = 0; n < CELLS; n++) {
        char name[64];
        done[n] = largest_change(drift, verdict, done, n);
        if (done[n] == verdict->then->cells->n)
            return;
        weir_cells_name(verdict->then->cells, done[n], name, sizeof name);
        drift_add_line(lines, "cell", verdict->field->info->name);
        snprintf(lines->before[lines->n - 1], TEXT, "%s: %.3g%%", *name ? name : "(empty)",
                 100 * cell_share(verdict->then, done[n]));
        snprintf(lines->after[lines->n - 1], TEXT, "%s: %.3g%%", *name ? name : "(empty)",
                 100 * cell_share(verdict->now, done[n]));
    }
}

static void add_slice(struct drift_lines *lines, const struct drift *drift,
                      const struct weir_window *window, const struct drift_slice *slice)
{
    const struct weir_slice *which = &window->slices[slice->slice];
    struct weir_evidence *line = drift_add_line(lines, "slice", slice->strongest.field->info->name);
    line->slice = which->values;
    line->n_slice = which->n_values;
    describe(slice->strongest.then, lines->before[lines->n - 1], TEXT);
    sentence(drift, &slice->strongest, NULL, lines->after[lines->n - 1], TEXT);
}

static void add_others(char *out, size_t size, const struct drift_verdict *moved, size_t n)
{
    size_t used = strlen(out), shown = n - 1 < NAMED ? n - 1 : NAMED;
    for (size_t i = 1; i <= shown && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i == 1 ? "; also " : ", ",
                                 moved[i].field->info->name);
    if (n - 1 > shown && used < size)
        snprintf(out + used, size - used, " and %zu more", n - 1 - shown);
}

static int any_critical(const struct drift_verdict *moved, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (moved[i].critical)
            return 1;
    }
    return 0;
}

static enum weir_action action_of(const struct drift_verdict *lead)
{
    return drift_is_share(lead->test) ? WEIR_ACTION_INVESTIGATE_UPSTREAM : WEIR_ACTION_RETRAIN;
}

// "2026-01-31 18:00"
const char *drift_time_text(int64_t time, char out[32])
{
    time_t seconds = (time_t)(time / 1000);
    struct tm parts;
    if (!gmtime_r(&seconds, &parts) || !strftime(out, 32, "%Y-%m-%d %H:%M", &parts))
        snprintf(out, 32, "%lld", (long long)time);
    return out;
}

const char *drift_percent(double share, char out[16])
{
    snprintf(out, 16, share > 0 && share < 0.01 ? "%.1f%%" : "%.0f%%", 100 * share);
    return out;
}

static void add_rules(struct drift_lines *lines, const struct drift_contrast *contrast)
{
    char now[16], then[16];
    for (size_t k = 0; k < contrast->n; k++) {
        drift_add_line(lines, "rule", contrast->field[k]);
        snprintf(lines->before[lines->n - 1], TEXT,
                 "%s of %zu sampled records of the reference; held-out AUC %.2f, at least %.2f",
                 drift_percent(contrast->then[k], then), contrast->rows_then, contrast->auc,
                 contrast->low);
        snprintf(lines->after[lines->n - 1], TEXT, "%s of %zu new ones: %s",
                 drift_percent(contrast->now[k], now), contrast->rows_now, contrast->text[k]);
    }
    if (*contrast->with) {
        drift_add_line(lines, "moved_with", contrast->field[0]);
        snprintf(lines->before[lines->n - 1], TEXT, "%s", contrast->text[0]);
        snprintf(lines->after[lines->n - 1], TEXT, "%s", contrast->with);
    }
}

// The first rule to the sentence, where it has room.
static void say_rule(const struct drift_contrast *contrast, char *text, size_t size)
{
    size_t used = strlen(text);
    char rule[300], now[16], then[16];
    int n = snprintf(rule, sizeof rule,
                     "; what tells them apart: %s (%s of the new records, %s of the old)",
                     contrast->text[0], drift_percent(contrast->now[0], now),
                     drift_percent(contrast->then[0], then));
    if (n > 0 && (size_t)n < sizeof rule && used + (size_t)n < size)
        memcpy(text + used, rule, (size_t)n + 1);
}

// Of the whole stream, with sketches; NULL where there is none.
static const struct weir_summary *profile_of(const struct drift *drift,
                                             const struct weir_window *window,
                                             const struct drift_verdict *verdict)
{
    for (size_t i = 0; i < drift->n_references; i++) {
        if (!drift->specs || drift->specs[i].kind == WEIR_REFERENCE_PROFILE)
            return window->reference(window, i, verdict->field->index);
    }
    return NULL;
}

void drift_calibration_line(const struct drift_memory *memory, char *before, char *after,
                            size_t size)
{
    struct weir_calibration of = {.size = sizeof of};
    char from[32], to[32], at[32];
    drift_calibration_tell(memory, &of);
    double days = (double)drift_calibration_span(memory) / (24 * 3600e3);
    double wanted = (double)of.wanted / (24 * 3600e3);
    snprintf(before, size, "%s to %s UTC, %.3g days", drift_time_text(of.from, from),
             drift_time_text(of.to, to), days);
    int used = 0;
    if (of.origin == WEIR_CALIBRATION_ACCEPTED)
        used = snprintf(after, size, "accepted %s UTC", drift_time_text(of.accepted, at));
    else
        used = snprintf(after, size, "%s",
                        of.origin == WEIR_CALIBRATION_PROFILE ? "of the calibration's profile"
                                                              : "automatic");
    if (!of.whole && used > 0 && (size_t)used < size)
        snprintf(after + used, size - (size_t)used, ", and not whole: %.3g days are wanted",
                 wanted);
}

// `threshold`: of the statistic, which is -ln p. `provisional`: it is not calibrated. `memory`:
// NULL, or whose calibration was judged by.
static void emit(const struct drift *drift, const struct weir_window *window, size_t slice,
                 const struct drift_verdict *moved, size_t n_moved, double threshold,
                 int provisional, const struct drift_explanation *explanation,
                 const struct drift_slice *slices, size_t n_slices,
                 const struct drift_contrast *contrast, const struct drift_memory *memory)
{
    const struct drift_verdict *lead = &moved[0];
    const struct weir_slice *where = &window->slices[slice];
    const char *names[FIELDS];
    struct drift_lines lines = {.n = 0};
    size_t shown = n_moved < FIELDS ? n_moved : FIELDS;
    double all = 0;
    for (size_t i = 0; i < n_moved; i++)
        all += moved[i].effect;
    for (size_t i = 0; i < shown; i++) {
        names[i] = moved[i].field->info->name;
        add_field(&lines, &moved[i], profile_of(drift, window, &moved[i]), all);
        if (!i && contrast)
            add_rules(&lines, contrast); // an event has not room for everything
    }
    add_cells(&lines, drift, lead);
    for (size_t i = 0; i < n_slices && i < SLICES; i++)
        add_slice(&lines, drift, window, &slices[i]);
    char text[DRIFT_SUMMARY];
    size_t used = 0;
    for (size_t i = 0; i < where->n_values && used < sizeof text / 2; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %.60s", i ? ", " : "In ",
                                 where->values[i].field,
                                 where->values[i].value ? where->values[i].value : "null");
    if (used > sizeof text / 2)
        used = sizeof text / 2;
    if (used)
        used += (size_t)snprintf(text + used, sizeof text - used, ": ");
    sentence(drift, lead, profile_of(drift, window, lead), text + used, sizeof text - used);
    add_others(text, sizeof text, moved, n_moved);
    if (explanation)
        drift_explain_report(explanation, window, moved, &lines, text, sizeof text);
    if (contrast && contrast->n)
        say_rule(contrast, text, sizeof text);
    if (memory) {
        drift_add_line(&lines, "calibration", NULL);
        drift_calibration_line(memory, lines.before[lines.n - 1], lines.after[lines.n - 1], TEXT);
    }
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = "omnibus",
        .kind = explanation && explanation->again.times ? "drift.recurring"
                                                        : drift_kind_of(lead->field->info->role),
        .severity = any_critical(moved, n_moved) ? WEIR_CRITICAL : WEIR_WARNING,
        .action = action_of(lead),
        // Which fields lead may change while it is one and the same incident.
        .identity = WEIR_BY_SLICE | WEIR_BY_MODEL_VERSION,
        .fields = names,
        .n_fields = shown,
        .slice = where->values,
        .n_slice = where->n_values,
        .provisional = provisional,
        .share = lead->share > 0 ? lead->share : NAN,
        .count = lead->now->values,
        .statistic = {drift_test_name(lead->test),
                      lead->score > 0 ? lead->score : -log(fmax(lead->p_value, 1e-304)), threshold,
                      lead->p_value, NAN},
        .summary = text,
        .evidence = lines.items,
        .n_evidence = lines.n,
    };
    window->emit(window, &finding);
}

void drift_report(const struct drift *drift, const struct weir_window *window, size_t slice,
                  const struct drift_verdict *moved, size_t n_moved, double alpha,
                  const struct drift_slice *slices, size_t n_slices,
                  const struct drift_contrast *contrast,
                  const struct drift_explanation *explanation)
{
    emit(drift, window, slice, moved, n_moved, -log(alpha), 1, explanation, slices, n_slices,
         contrast, NULL);
}

void drift_report_calibrated(const struct drift_memory *memory, const struct weir_window *window,
                             const struct drift_verdict *moved, size_t n_moved,
                             const struct drift_explanation *explanation,
                             const struct drift_slice *slices, size_t n_slices,
                             const struct drift_contrast *contrast)
{
    const struct weir_alarm_budget *budget = &memory->calibration.budget;
    emit(memory->drift, window, 0, moved, n_moved, budget->threshold, !budget->kept, explanation,
         slices, n_slices, contrast, memory);
}

void drift_report_offset(const struct drift_memory *memory, const struct weir_window *window)
{
    const struct drift *drift = memory->drift;
    const char *names[FIELDS];
    size_t n = 0;
    double most = 0;
    for (size_t f = 0; f < drift->n_fields; f++) {
        double offset = memory->calibration.offset[f];
        if (!(offset >= drift->delta))
            continue;
        if (n < FIELDS)
            names[n] = drift->fields[f].info->name;
        n++;
        most = fmax(most, offset);
    }
    if (!n)
        return;
    char text[640];
    size_t shown = n < FIELDS ? n : FIELDS;
    size_t used = (size_t)snprintf(text, sizeof text, "All through the calibration ");
    for (size_t i = 0; i < shown && used < sizeof text / 2; i++)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%.100s", i ? ", " : "", names[i]);
    if (n > shown)
        used += (size_t)snprintf(text + used, sizeof text - used, " and %zu more", n - shown);
    snprintf(text + used, sizeof text - used,
             " %s unlike the profile (by up to %.2g sd): drift is judged against the calibration; "
             "if serving should be like training, look for what the two do differently",
             n == 1 ? "was" : "were", most);
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = "offset",
        .kind = "skew.distribution",
        .severity = WEIR_WARNING,
        .action = WEIR_ACTION_INVESTIGATE_UPSTREAM,
        .identity = WEIR_BY_KIND,
        .fields = names,
        .n_fields = shown,
        .share = NAN,
        .statistic = {"shift", most, drift->delta, NAN, NAN},
        .summary = text,
    };
    window->emit(window, &finding);
}

void drift_report_absent(const struct drift *drift, const struct weir_window *window, size_t i,
                         uint64_t records)
{
    const struct weir_reference_spec *spec = &drift->specs[i];
    const char *others = spec->kind == WEIR_REFERENCE_MODEL ? "model versions" : "slices";
    char text[400], rule[200];
    snprintf(rule, sizeof rule, "reference:%.150s", drift->references[i]);
    if (spec->kind == WEIR_REFERENCE_FIXED)
        snprintf(text, sizeof text,
                 "Reference %.100s is empty: no whole window of records lay between its from and "
                 "to, so nothing is compared with it; move it to where the stream has records",
                 drift->references[i]);
    else if (records < drift->minimum)
        snprintf(text, sizeof text,
                 "Reference %.100s has fewer than %llu records in this window (%llu), so the other "
                 "%s are not compared with it; let windows be longer, or `minimum` be less",
                 drift->references[i], (unsigned long long)drift->minimum,
                 (unsigned long long)records, others);
    else
        snprintf(text, sizeof text,
                 "Reference %.100s has %llu records in this window, and in others too few: the "
                 "other %s are compared with it only where it has %llu; let windows be longer, or "
                 "`minimum` be less",
                 drift->references[i], (unsigned long long)records, others,
                 (unsigned long long)drift->minimum);
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = rule,
        .kind = "weir.incomplete",
        .severity = WEIR_INFO,
        .action = WEIR_ACTION_TUNE_WEIR,
        .share = NAN,
        .statistic = {NULL, NAN, NAN, NAN, NAN},
        .summary = text,
    };
    window->emit(window, &finding);
}
