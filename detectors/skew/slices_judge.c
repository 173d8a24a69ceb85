// SPDX-License-Identifier: Apache-2.0
// Which slices are unlike training: each beside the rows of the same slice in the profile's sample,
// for slices are unlike each other by nature.
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/skew/names.h"
#include "detectors/skew/slices.h"
#include "stats/cells.h"
#include "stats/effect.h"
#include "stats/hash.h"
#include "stats/special.h"
#include "stats/summary.h"
#include "stats/value_text.h"

enum { LEAST = 500, SAMPLED = 50, HEALED = 3, FIELDS = 16, TOLD = 5, TEXT = 240, SUMMARY = 900 };
static const double BELOW = 2.33, GROWN = 1.05, ERRORS = 2, POINTS = 0.02, FACTOR = 2;
static const double MOST = 0.8; // of the records: what is confined to more is confined to nothing

// ---- training's rows of a slice

// Whether row `row` has the values of the slice.
static int is_of(const struct skew_slice *slice, const struct weir_rows_column *const *columns,
                 size_t row)
{
    char text[64];
    for (size_t k = 0; k < slice->n_values; k++) {
        const struct weir_rows_column *column = columns[k];
        const char *value = slice->values[k].value;
        if (column->state[row] || !value) {
            if (!value != (column->state[row] != 0))
                return 0;
            continue;
        }
        if (column->text) {
            if (column->code[row] != weir_hash(value, strlen(value)))
                return 0;
            continue;
        }
        if (column->type == WEIR_TYPE_BOOLEAN)
            snprintf(text, sizeof text, "%s", column->number[row] != 0 ? "true" : "false");
        else if (column->type == WEIR_TYPE_LONG)
            snprintf(text, sizeof text, "%lld", (long long)column->code[row]);
        else
            return 0;
        if (strcmp(text, value) != 0)
            return 0;
    }
    return 1;
}

static void count_value(const struct weir_summary *then, const struct weir_rows_column *column,
                        size_t row, struct skew_slice_part *part)
{
    int unseen;
    part->rows++;
    if (column->state[row]) {
        part->null++;
        return;
    }
    if (then->shape == WEIR_SHAPE_NUMERIC) {
        if (column->number && isfinite(column->number[row]))
            part->cell[weir_cells_find(then->cells, column->number[row] + 0.0)]++;
    } else if (then->shape == WEIR_SHAPE_BOOLEAN) {
        part->cell[column->number && column->number[row] != 0]++;
    } else if (column->text) {
        struct weir_string string = {(const char *)column->text[row].data, column->length[row],
                                     column->code[row]};
        // Texts that were cut off are no category that is listed.
        if (column->text[row].length < column->length[row])
            string.length = (uint32_t)column->text[row].length;
        part->cell[weir_cells_find_string(then->cells, &string, &unseen)]++;
    }
}

// `fields`: the columns of the plan's fields, NULL where the sample has none.
static void count_training(const struct skew_slices *slices, struct skew_slice *slice,
                           const struct weir_rows *rows,
                           const struct weir_rows_column *const *fields)
{
    const struct weir_rows_column *columns[8];
    slice->is_known = 1;
    for (size_t k = 0; k < slice->n_values; k++) {
        columns[k] = weir_rows_find(rows, slice->values[k].field);
        if (!columns[k] || columns[k]->is_list)
            return;
    }
    for (size_t row = 0; row < rows->n; row++) {
        if (!is_of(slice, columns, row))
            continue;
        for (size_t f = 0; f < slices->plan->n_fields; f++)
            if (fields[f])
                count_value(slices->plan->fields[f].then, fields[f], row, &slice->parts[f]);
    }
}

static const struct weir_reservoir *reference_of(const struct weir_window *window)
{
    return window->size > offsetof(struct weir_window, reference_sample) && window->reference_sample
               ? window->reference_sample(window, 0)
               : NULL;
}

static int is_awaited(const struct skew_slice *slice)
{
    return !slice->is_known && slice->rows[0] >= LEAST;
}

static int count_all_training(struct skew_slices *slices, const struct weir_reservoir *sample)
{
    const struct skew_training_plan *plan = slices->plan;
    size_t unknown = 0;
    struct weir_rows rows;
    for (size_t i = 0; i < slices->n; i++)
        unknown += is_awaited(slices->of[i]);
    if (!unknown)
        return 0;
    const struct weir_rows_column **fields = calloc(plan->n_fields + 1, sizeof *fields);
    int code = fields ? weir_rows_make(sample, &rows) : WEIR_ENOMEM;
    if (code) {
        free(fields);
        return code;
    }
    for (size_t f = 0; f < plan->n_fields; f++) {
        const struct weir_rows_column *column = weir_rows_find(&rows, plan->fields[f].info->name);
        fields[f] = column && !column->is_list ? column : NULL;
    }
    for (size_t i = 0; i < slices->n; i++)
        if (is_awaited(slices->of[i]))
            count_training(slices, slices->of[i], &rows, fields);
    weir_rows_free(&rows);
    free(fields);
    return 0;
}

// ---- one field of one slice

struct question {
    const struct weir_unlike *whole;
    enum skew_stage stage;
    double delta, critical, alpha, sampled; // sampled: training's rows for one of the sample's
};

// The share of serving beside training's, and how sure: NAN unless it is unlike.
static double higher(double a, double n, double b, double m, double dispersion, double z_least)
{
    double p = a / n, q = b / m, worth = m / dispersion;
    double pooled = (a + q * worth + 0.5) / (n + worth + 1);
    double error = sqrt(pooled * (1 - pooled) * (1 / n + 1 / worth));
    return fabs(q - p) >= POINTS && fmax(p, q) >= FACTOR * fmin(p, q) &&
                   fabs(q - p) >= z_least * error
               ? q
               : NAN;
}

static void judge_shares(const struct question *question, struct skew_slice_part *part)
{
    double z = weir_normal_upper_quantile(question->alpha / 4), n = (double)part->rows,
           by = question->whole->dispersion;
    double m = (double)part->now[0].rows;
    double nulls = higher((double)part->null, n, (double)part->now[0].null, m, by, z);
    double unseen = question->whole->side[0]->cells->unseen_share < 0.2 * POINTS
                        ? higher(0, n, (double)part->now[0].unseen, m, by, z)
                        : NAN;
    if (question->stage == SKEW_EARLY)
        return;
    part->null_share[0] = (double)part->null / n;
    part->null_share[1] = nulls;
    part->unseen_share = unseen;
    part->unlike |= !isnan(nulls) || !isnan(unseen);
}

static int judge_cells(const struct question *question, struct skew_slice_part *part)
{
    const struct weir_summary *then = question->whole->side[0];
    size_t n_cells = then->cells->n, used = 0;
    double *counts = malloc(4 * (n_cells + 1) * sizeof *counts), n = 0, m = 0;
    double by = question->whole->dispersion;
    // Of the sample only what all of training shares is as uncertain as serving's stretch.
    double less = 1 + (by - 1) / fmax(question->sampled, 1);
    if (!counts)
        return WEIR_ENOMEM;
    double *a = counts, *b = a + n_cells + 1, *c = b + n_cells + 1, *d = c + n_cells + 1;
    for (size_t i = 0; i < n_cells; i++) {
        if (!then->cell[i])
            continue;
        a[used] = (double)part->cell[i];
        b[used] = (double)part->now[0].cell[i];
        n += a[used];
        m += b[used];
        c[used] = a[used] / less;
        d[used] = by > 1 ? floor(b[used] / by + 0.5) : b[used];
        used++;
    }
    int ordered = then->shape == WEIR_SHAPE_NUMERIC;
    struct weir_cell_counts real = {a, b, used, ordered}, worth = {c, d, used, ordered};
    struct weir_omnibus omnibus;
    struct weir_cell_distances distances;
    if (n >= SAMPLED && m >= LEAST && weir_omnibus(&worth, &omnibus) == WEIR_TEST_OK &&
        weir_cell_distances(&real, &distances) == WEIR_TEST_OK) {
        const struct weir_test *scale = &omnibus.parts[WEIR_OMNIBUS_SCALE];
        int scaled = scale->status == WEIR_TEST_OK && scale->p_value <= question->alpha;
        part->effect = weir_effect_of_distances(&distances, scaled ? scale->value : 0);
        part->error = 1.25 * sqrt(less / n + by / m);
        part->p_value = omnibus.p_value;
        double least = part->effect - BELOW * part->error;
        int large = question->stage == SKEW_SETTLED
                        ? part->effect >= question->delta && least >= question->delta / 2
                    : question->stage == SKEW_PROVISIONAL ? least >= question->critical
                                                          : 0;
        part->unlike = part->p_value <= question->alpha / 2 && large;
    }
    free(counts);
    return 0;
}

// Whether the window's part of the slice is not clearly like training: skew is there all the time.
static int agrees(const struct skew_slice_part *part, const struct weir_summary *then,
                  const struct weir_summary *now)
{
    struct weir_summary sides[2] = {
        {.shape = then->shape, .cells = then->cells, .cell = part->cell},
        {.shape = then->shape, .cells = then->cells, .cell = part->now[0].cell}};
    struct weir_unlike both = {.side = {&sides[0], &sides[1]}, .dispersion = 1};
    double error, way;
    if (!now || !now->cell || now->cells->n != then->cells->n || !now->values ||
        !isnan(part->null_share[1]) || !isnan(part->unseen_share))
        return 1;
    way = weir_unlike_way(&both, now, &error);
    return way + ERRORS * error >= 0.5;
}

// ---- all slices

static size_t slice_of_window(const struct weir_window *window, const struct skew_slice *slice)
{
    for (size_t s = 1; s < window->n_slices; s++) {
        const struct weir_slice *from = &window->slices[s];
        int same = from->by == slice->by && from->n_values == slice->n_values;
        for (size_t k = 0; same && k < slice->n_values; k++)
            same =
                !from->values[k].value == !slice->values[k].value &&
                (!slice->values[k].value || !strcmp(from->values[k].value, slice->values[k].value));
        if (same)
            return s;
    }
    return 0;
}

static int judge_slice(const struct skew_slices *slices, const struct skew_judgement *judgement,
                       struct skew_slice *slice, double sampled, size_t n_looked)
{
    const struct skew_training_plan *plan = slices->plan;
    const struct weir_window *window = judgement->window;
    int code = 0, was_found = slice->found;
    size_t s = was_found ? slice_of_window(window, slice) : 0;
    slice->judged = slice->rows[0];
    slice->found = 0;
    for (size_t f = 0; f < plan->n_fields && !code; f++) {
        struct skew_slice_part *part = &slice->parts[f];
        struct question question = {&judgement->fields[f],
                                    judgement->stage,
                                    plan->delta,
                                    plan->critical,
                                    plan->alpha / (double)plan->n_fields / (double)n_looked,
                                    sampled};
        part->unlike = 0;
        part->null_share[1] = part->unseen_share = NAN;
        part->agrees = 1;
        part->judged = part->rows >= SAMPLED && part->now[0].rows >= LEAST;
        if (!part->judged)
            continue;
        code = judge_cells(&question, part);
        judge_shares(&question, part);
        slice->found |= part->unlike;
        if (part->unlike && s)
            part->agrees = agrees(part, plan->fields[f].then,
                                  window->summary(window, s, plan->fields[f].index));
    }
    return code;
}

// What was put right is not held against a slice for as long as the stretch is.
static void heal(const struct skew_slices *slices, struct skew_slice *slice)
{
    int any = 0;
    for (size_t f = 0; f < slices->plan->n_fields; f++)
        any |= slice->parts[f].unlike && slice->parts[f].agrees;
    slice->contrary = slice->found && !any ? slice->contrary + 1 : 0;
    if (slice->contrary < HEALED)
        return;
    slice->rows[0] = slice->rows[1] = slice->judged = 0;
    slice->found = slice->contrary = 0;
    for (size_t f = 0; f < slices->plan->n_fields; f++) {
        struct skew_slice_part *part = &slice->parts[f];
        size_t n = slices->plan->fields[f].then->cells->n;
        for (int k = 0; k < 2; k++) {
            part->now[k].rows = part->now[k].null = part->now[k].unseen = 0;
            memset(part->now[k].cell, 0, n * sizeof *part->now[k].cell);
        }
        part->unlike = 0;
    }
}

int skew_slices_judge(struct skew_slices *slices, const struct skew_judgement *judgement)
{
    const struct weir_reservoir *sample = reference_of(judgement->window);
    int code = sample ? count_all_training(slices, sample) : 0;
    if (code || !sample)
        return code;
    double sampled =
        (double)weir_reservoir_seen(sample) / fmax((double)weir_reservoir_rows(sample), 1);
    for (size_t i = 0; i < slices->n && !code; i++) {
        struct skew_slice *slice = slices->of[i];
        // Nearly the same rows were looked at, and had nothing.
        if (!slice->is_known || slice->rows[0] < LEAST ||
            (!slice->found && (double)slice->rows[0] < GROWN * (double)slice->judged))
            continue;
        code = judge_slice(slices, judgement, slice, sampled, slices->n);
        heal(slices, slice);
    }
    return code;
}

// ---- who sends it

// Of one `by`: the unlike slices of a field, the largest first, where others are as in training.
static size_t blamed_of(const struct skew_slices *slices, size_t f, unsigned by,
                        const struct skew_slice *blamed[SKEW_BLAMED], double *share)
{
    double unlike = 0, alike = 0;
    size_t n = 0, all = 0;
    for (size_t i = 0; i < slices->n; i++) {
        const struct skew_slice *slice = slices->of[i];
        if (slice->by != by || !slice->parts[f].judged)
            continue;
        if (!slice->parts[f].unlike) {
            alike += (double)slice->rows[0];
            continue;
        }
        unlike += (double)slice->rows[0];
        if (all++ >= SKEW_BLAMED)
            continue;
        size_t at = n++;
        for (; at && blamed[at - 1]->rows[0] < slice->rows[0]; at--)
            blamed[at] = blamed[at - 1];
        blamed[at] = slice;
    }
    *share = unlike / fmax(unlike + alike, 1);
    return n && all <= SKEW_BLAMED && alike > 0 && *share <= MOST ? n : 0;
}

size_t skew_slices_blamed(const struct skew_slices *slices, size_t f,
                          const struct skew_slice *blamed[SKEW_BLAMED], double *share)
{
    const struct skew_slice *found[SKEW_BLAMED];
    double least = 2, of;
    size_t best = 0;
    for (unsigned by = 1; by <= slices->plan->n_by; by++) {
        size_t n = blamed_of(slices, f, by, found, &of);
        if (!n || of >= least)
            continue;
        least = of;
        best = n;
        memcpy(blamed, found, sizeof found);
    }
    *share = least;
    return best;
}

// ---- findings of single slices

struct told {
    const struct skew_judgement *judgement;
    const struct skew_training_plan *plan;
    char summary[SUMMARY], after[FIELDS][TEXT], before[FIELDS][TEXT];
    struct weir_evidence evidence[FIELDS];
    const char *names[FIELDS];
    size_t n, first; // fields, and which is told first
    int critical;
    double most, p_value;
};

static void middle_of(const struct weir_cells *cells, const uint64_t *count, char *out, size_t size)
{
    uint64_t sum = 0, half = 0;
    size_t i = 0, most = 0;
    for (size_t k = 0; k < cells->n; k++) {
        sum += count[k];
        most = count[k] > count[most] ? k : most;
    }
    for (; i + 1 < cells->n && half + count[i] < (sum + 1) / 2; i++)
        half += count[i];
    char name[120];
    int number = cells->shape == WEIR_SHAPE_NUMERIC;
    weir_cells_name(cells, number ? i : most, name, sizeof name);
    snprintf(out, size, number ? "median %.80s" : "most often %.80s", name);
}

// What is unlike, in words: "as far as a shift by 0.8 sd", "12% null".
static void say_part(const struct skew_slice_part *part, char *out, size_t size)
{
    if (!isnan(part->null_share[1]))
        snprintf(out, size, "%.3g%% null where training had %.2g%%", 100 * part->null_share[1],
                 100 * part->null_share[0]);
    else if (!isnan(part->unseen_share))
        snprintf(out, size, "%.3g%% values that training never had", 100 * part->unseen_share);
    else
        snprintf(out, size, "unlike as a shift by %.2g sd would make it", part->effect);
}

static void add_field(struct told *told, const struct skew_slice *slice, size_t f)
{
    const struct skew_slice_part *part = &slice->parts[f];
    const struct weir_cells *cells = told->plan->fields[f].then->cells;
    size_t at = told->n++;
    char what[120], middle[2][100], count[2][32];
    told->most = fmax(told->most, part->effect);
    told->p_value = fmin(told->p_value, part->p_value);
    told->critical |= part->effect - BELOW * part->error >= told->plan->critical;
    if (!at)
        told->first = f;
    if (at >= FIELDS)
        return;
    say_part(part, what, sizeof what);
    middle_of(cells, part->cell, middle[0], sizeof middle[0]);
    middle_of(cells, part->now[0].cell, middle[1], sizeof middle[1]);
    snprintf(told->before[at], TEXT, "%s records of a sample, %s",
             weir_count_text(part->rows, count[0]), middle[0]);
    snprintf(told->after[at], TEXT, "%s records, %s; %s",
             weir_count_text(part->now[0].rows, count[1]), middle[1], what);
    told->names[at] = told->plan->fields[f].info->name;
    told->evidence[at] = (struct weir_evidence){.type = "field",
                                                .field = told->names[at],
                                                .slice = slice->values,
                                                .n_slice = slice->n_values,
                                                .before = told->before[at],
                                                .after = told->after[at],
                                                .contribution = NAN};
}

// What is not told of the whole stream; and by which `by` it is told.
static int is_own(const struct skew_slices *slices, const struct skew_judgement *judgement,
                  const struct skew_slice *slice, size_t f)
{
    const struct skew_field_verdict *verdict = &judgement->verdicts[f];
    const struct skew_slice_part *part = &slice->parts[f];
    if (!part->unlike || !part->agrees || verdict->kind != SKEW_LIKE || verdict->n_values ||
        verdict->unsure)
        return 0;
    // Of several the one whose worst slice is the surest.
    double best = -1;
    unsigned by = slice->by;
    for (size_t i = 0; i < slices->n; i++) {
        const struct skew_slice_part *other = &slices->of[i]->parts[f];
        double z = other->unlike ? other->effect / fmax(other->error, 1e-9) : -1;
        if (z > best) {
            best = z;
            by = slices->of[i]->by;
        }
    }
    return by == slice->by;
}

static void emit(struct told *told, const struct skew_slice *slice)
{
    const struct skew_judgement *judgement = told->judgement;
    char where[300], what[120], count[32];
    size_t used;
    skew_slice_text(slice->values, slice->n_values, where, sizeof where);
    say_part(&slice->parts[told->first], what, sizeof what);
    double share = (double)slice->rows[0] / fmax((double)judgement->rows, 1);
    snprintf(told->summary, SUMMARY,
             "Serving is unlike training where %s (%.3g%% of its records), and as in training on "
             "the whole: %.80s is %s",
             where, 100 * share, told->names[0], what);
    used = strlen(told->summary);
    if (told->n > 1)
        snprintf(told->summary + used, SUMMARY - used, "; %zu more field%s too", told->n - 1,
                 told->n == 2 ? "" : "s");
    used = strlen(told->summary);
    snprintf(
        told->summary + used, SUMMARY - used,
        " (%s of these records against those of the same kind in a sample of %s). Look at what "
        "sends them, and what it does differently",
        weir_count_text(slice->rows[0], count), told->plan->reference);
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = "slice",
        .kind = "skew.distribution",
        .severity = told->critical ? WEIR_CRITICAL : WEIR_WARNING,
        .action = WEIR_ACTION_INVESTIGATE_UPSTREAM,
        .identity = WEIR_BY_KIND | WEIR_BY_SLICE,
        .fields = told->names,
        .n_fields = told->n < FIELDS ? told->n : FIELDS,
        .slice = slice->values,
        .n_slice = slice->n_values,
        .provisional = judgement->stage != SKEW_SETTLED,
        .share = share,
        .count = slice->rows[0],
        .statistic = {"shift", told->most, told->plan->delta, told->p_value, 0},
        .summary = told->summary,
        .evidence = told->evidence,
        .n_evidence = told->n < FIELDS ? told->n : FIELDS,
    };
    judgement->window->emit(judgement->window, &finding);
}

int skew_slices_report(struct skew_slices *slices, const struct skew_judgement *judgement)
{
    int found = 0;
    for (size_t i = 0; i < slices->n && found < TOLD; i++) {
        const struct skew_slice *slice = slices->of[i];
        struct told told = {.judgement = judgement, .plan = slices->plan, .p_value = 1};
        for (size_t f = 0; slice->found && f < slices->plan->n_fields; f++)
            if (is_own(slices, judgement, slice, f))
                add_field(&told, slice, f);
        if (!told.n)
            continue;
        emit(&told, slice);
        found++;
    }
    return found;
}
