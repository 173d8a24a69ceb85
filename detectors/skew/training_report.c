// SPDX-License-Identifier: Apache-2.0
// Verdicts into words: one incident a cause, whatever the number of fields.
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "detectors/skew/names.h"
#include "detectors/skew/slices.h"
#include "stats/summary.h"
#include "stats/value_text.h"

enum { FIELDS = 48, NAMED = 4, TEXT = 240, SUMMARY = 900 };
static const double MANY_NULLS = 0.1, BELOW = 2.33;

// A finding under way.
struct told {
    const struct skew_training_plan *plan;
    const struct skew_judgement *judgement;
    const struct skew_slices *slices;
    size_t first; // of the fields
    char summary[SUMMARY], after[FIELDS][TEXT], before[FIELDS][TEXT];
    struct weir_evidence evidence[FIELDS];
    const char *names[FIELDS];
    size_t n;        // fields; those beyond FIELDS are only counted
    size_t n_slices; // evidence behind the fields'
    int agrees, critical;
    double most; // of their effects
};

__attribute__((format(printf, 2, 3))) static void say(struct told *told, const char *format, ...)
{
    size_t used = strlen(told->summary);
    va_list args;
    va_start(args, format);
    vsnprintf(told->summary + used, SUMMARY - used, format, args);
    va_end(args);
}

static const char *name_of(const struct told *told, size_t f)
{
    return told->plan->fields[f].info->name;
}

static void describe(const struct weir_summary *summary, char *out, size_t size)
{
    char count[32];
    double nulls =
        summary->rows ? (double)(summary->null + summary->missing) / (double)summary->rows : 0;
    weir_count_text(summary->rows, count);
    double median = summary->shape == WEIR_SHAPE_NUMERIC ? weir_summary_quantile(summary, .5) : NAN;
    if (!isnan(median))
        snprintf(out, size, "%s records, median %.4g, 5 to 95%% %.4g to %.4g, null %.3g%%", count,
                 median, weir_summary_quantile(summary, .05), weir_summary_quantile(summary, .95),
                 100 * nulls);
    else
        snprintf(out, size, "%s records, null %.3g%%", count, 100 * nulls);
}

// `note` (may be empty) stands behind what the field is like in serving.
static void add_field(struct told *told, size_t f, const char *note)
{
    const struct skew_field_verdict *verdict = &told->judgement->verdicts[f];
    const struct weir_unlike *field = &told->judgement->fields[f];
    for (size_t i = 0; i < told->n && i < FIELDS; i++)
        if (told->names[i] == name_of(told, f))
            return;
    told->agrees |= verdict->agrees;
    told->most = fmax(told->most, verdict->effect);
    if (!told->n)
        told->first = f;
    if (told->n++ >= FIELDS)
        return;
    size_t at = told->n - 1;
    describe(field->side[0], told->before[at], TEXT);
    describe(field->side[1], told->after[at], TEXT);
    size_t used = strlen(told->after[at]);
    if (*note)
        snprintf(told->after[at] + used, TEXT - used, "; %s", note);
    told->names[at] = name_of(told, f);
    told->evidence[at] = (struct weir_evidence){.type = "field",
                                                .field = told->names[at],
                                                .before = told->before[at],
                                                .after = told->after[at],
                                                .contribution = NAN};
}

// "a", "a and b", "a, b, c and 3 more"
static void say_names(struct told *told)
{
    size_t known = told->n < FIELDS ? told->n : FIELDS, shown = known < NAMED ? known : NAMED;
    if (told->n == NAMED + 1)
        shown = known;
    for (size_t i = 0; i < shown; i++)
        say(told, "%s%.80s", !i ? "" : i + 1 == told->n ? " and " : ", ", told->names[i]);
    if (told->n > shown)
        say(told, " and %zu more", told->n - shown);
}

// Who sends it, where others send what training had.
static void say_slices(struct told *told)
{
    const struct skew_slice *blamed[SKEW_BLAMED];
    double share;
    size_t n =
        told->slices && told->n ? skew_slices_blamed(told->slices, told->first, blamed, &share) : 0;
    for (size_t i = 0; i < n; i++) {
        char text[300];
        skew_slice_text(blamed[i]->values, blamed[i]->n_values, text, sizeof text);
        say(told, "%s%.140s", !i ? ", only where " : " or ", text);
        if (told->n + i < FIELDS)
            told->evidence[told->n + i] =
                (struct weir_evidence){.type = "slice",
                                       .field = name_of(told, told->first),
                                       .slice = blamed[i]->values,
                                       .n_slice = blamed[i]->n_values,
                                       .contribution = 1 / (double)n};
        told->n_slices += told->n + i < FIELDS;
    }
    if (n)
        say(told, " (%.3g%% of them)", 100 * share);
}

static void say_records(struct told *told)
{
    char count[32];
    say(told, "%s records of serving", weir_count_text(told->judgement->rows, count));
    if (told->judgement->stage == SKEW_PROVISIONAL)
        say(told, " (more than a day of them)");
    say_slices(told);
}

// 1 where it was emitted; else the window is unlike what the stretch says.
static int emit(struct told *told, const char *rule, const char *kind, enum weir_action action,
                struct weir_statistic statistic, int provisional)
{
    const struct weir_window *window = told->judgement->window;
    size_t shown = told->n < FIELDS ? told->n : FIELDS;
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = rule,
        .kind = kind,
        .severity = told->critical ? WEIR_CRITICAL : WEIR_WARNING,
        .action = action,
        .identity = WEIR_BY_KIND,
        .fields = told->names,
        .n_fields = shown,
        .provisional = provisional,
        .share = NAN,
        .count = told->judgement->rows,
        .statistic = statistic,
        .summary = told->summary,
        .evidence = told->evidence,
        .n_evidence = shown + told->n_slices,
    };
    if (!told->agrees)
        return 0;
    window->emit(window, &finding);
    return 1;
}

static struct told begin(const struct skew_training *training,
                         const struct skew_judgement *judgement)
{
    return (struct told){
        .plan = training->plan, .judgement = judgement, .slices = training->slices};
}

// ---- another span

static void say_spans(struct told *told, const struct weir_span_change *span)
{
    char a[32], b[32];
    if (!span->n_pairs) {
        say(told, ": looks like another span of time, though no usual ones have that ratio");
        return;
    }
    weir_span_text(span->pairs[0].training, a, sizeof a);
    weir_span_text(span->pairs[0].serving, b, sizeof b);
    if (span->ratio > 1)
        say(told, ": looks like counts and sums over %.2g times", span->ratio);
    else
        say(told, ": looks like counts and sums over 1/%.2g of", 1 / span->ratio);
    say(told, " the span (%s in training%s, %s in serving%s", a,
        span->by_name == 1 ? ", as the names say" : "", b,
        span->by_name == 2 ? ", as the names say" : "");
    for (size_t i = 1; i < span->n_pairs && !span->by_name; i++) {
        weir_span_text(span->pairs[i].training, a, sizeof a);
        weir_span_text(span->pairs[i].serving, b, sizeof b);
        say(told, "%s%s against %s", i == 1 ? "; or " : ", ", a, b);
    }
    say(told, ")");
}

static int report_span(const struct skew_training *training, const struct skew_judgement *judgement)
{
    const struct weir_span_change *span = &judgement->span;
    struct told told = begin(training, judgement);
    for (size_t f = 0; f < training->plan->n_fields; f++) {
        char note[80];
        if (judgement->verdicts[f].kind != SKEW_SCALED)
            continue;
        snprintf(note, sizeof note, "mean %.3g times training's",
                 judgement->fields[f].mean[1] / judgement->fields[f].mean[0]);
        add_field(&told, f, note);
    }
    told.critical = 1;
    say_names(&told);
    say(&told,
        " are %s %.3g times what they were in %s (%.3g to %.3g), while the mean%s of %zu "
        "other field%s did not move",
        told.n == 2 ? "both" : "all", span->ratio, training->plan->reference, span->low, span->high,
        span->n_unmoved == 1 ? "" : "s", span->n_unmoved, span->n_unmoved == 1 ? "" : "s");
    say_spans(&told, span);
    say(&told, "; in ");
    say_records(&told);
    say(&told, ". Compute both sides over the same span, or retrain on serving's");
    return emit(&told, "window_span", "skew.window_span", WEIR_ACTION_FIX_PRODUCER,
                (struct weir_statistic){"ratio", span->ratio, NAN, NAN, 1}, 0);
}

// ---- preprocessing

static const char *rule_of(enum weir_preprocessing_kind kind)
{
    static const char *const rules[] = {
        [WEIR_PREPROCESSING_STANDARDISED] = "preprocessing:standardised",
        [WEIR_PREPROCESSING_ROBUST] = "preprocessing:robust_scaling",
        [WEIR_PREPROCESSING_MIN_MAX] = "preprocessing:min_max",
        [WEIR_PREPROCESSING_MIN_MAX_SIGNED] = "preprocessing:min_max_signed",
        [WEIR_PREPROCESSING_LOG] = "preprocessing:logarithm",
        [WEIR_PREPROCESSING_UNIT] = "preprocessing:unit",
        [WEIR_PREPROCESSING_CYCLE] = "preprocessing:cycle",
        [WEIR_PREPROCESSING_BASE] = "preprocessing:base",
        [WEIR_PREPROCESSING_CODES] = "preprocessing:codes",
        [WEIR_PREPROCESSING_CASE] = "preprocessing:case",
        [WEIR_PREPROCESSING_SPACE] = "preprocessing:space",
        [WEIR_PREPROCESSING_SEPARATOR] = "preprocessing:separator",
        [WEIR_PREPROCESSING_NUMBER] = "preprocessing:number",
        [WEIR_PREPROCESSING_SPELLING] = "preprocessing:spelling",
    };
    return rules[kind];
}

static int report_preprocessing(const struct skew_training *training,
                                const struct skew_judgement *judgement,
                                enum weir_preprocessing_kind kind, int *any)
{
    struct told told = begin(training, judgement);
    const struct weir_preprocessing *lead = NULL;
    char text[400];
    for (size_t f = 0; f < training->plan->n_fields; f++) {
        const struct skew_field_verdict *verdict = &judgement->verdicts[f];
        if (verdict->kind != SKEW_PREPROCESSED || verdict->preprocessing.kind != kind)
            continue;
        weir_preprocessing_text(&verdict->preprocessing, text, sizeof text);
        if (!lead) {
            lead = &verdict->preprocessing;
            say(&told, "%.80s %s", name_of(&told, f), text);
        }
        told.critical |= verdict->preprocessing.share >= .5;
        add_field(&told, f, text);
    }
    *any = lead != NULL;
    if (!lead)
        return 0;
    if (told.n > 1)
        say(&told, "; the same kind of difference in %zu more field%s", told.n - 1,
            told.n == 2 ? "" : "s");
    say(&told, " (");
    say_records(&told);
    say(&told,
        " against %s). Undone, the two are alike: prepare the field on both sides by the "
        "same code",
        training->plan->reference);
    return emit(&told, rule_of(kind), "skew.preprocessing", WEIR_ACTION_FIX_PRODUCER,
                (struct weir_statistic){"distance", lead->before, NAN, NAN, lead->after}, 0);
}

static int report_order(const struct skew_training *training,
                        const struct skew_judgement *judgement)
{
    struct told told = begin(training, judgement);
    size_t shown = 0;
    say(&told, "Columns of zeros and ones stand in another order than in %s",
        training->plan->reference);
    for (size_t f = 0; f < training->plan->n_fields; f++) {
        char note[160];
        if (judgement->verdicts[f].kind != SKEW_REORDERED)
            continue;
        snprintf(note, sizeof note, "it has the rate that %.80s had",
                 name_of(&told, judgement->verdicts[f].other));
        add_field(&told, f, note);
        if (shown++ < 3)
            say(&told, "%s%.80s has the rate that %.80s had", shown == 1 ? ": " : ", ",
                name_of(&told, f), name_of(&told, judgement->verdicts[f].other));
    }
    told.critical = 1;
    if (told.n > 3)
        say(&told, " and so on for %zu", told.n);
    say(&told, ", in ");
    say_records(&told);
    say(&told, ". Encode both sides by the same list of categories");
    return emit(&told, "preprocessing:one_hot", "skew.preprocessing", WEIR_ACTION_FIX_PRODUCER,
                (struct weir_statistic){"rate_difference", judgement->one_hot.before, NAN, NAN,
                                        judgement->one_hot.after},
                0);
}

// ---- new segments

// Kinds of records, of a sample. They are there, whatever one window has.
static void say_segments(struct told *told)
{
    const struct skew_judgement *judgement = told->judgement;
    char count[2][32];
    for (size_t i = 0; i < judgement->n_segments; i++) {
        const struct skew_segment *segment = &judgement->segments[i];
        say(told, "%s%s (%.3g%%)", told->n ? "; " : "", segment->text, 100 * segment->share);
        for (size_t k = 0; k < segment->n; k++)
            add_field(told, segment->fields[k], segment->text);
    }
    if (judgement->n_segments)
        say(told, " of a sample of %s records, none of %s of training",
            weir_count_text(judgement->sampled[1], count[1]),
            weir_count_text(judgement->sampled[0], count[0]));
    told->agrees |= judgement->n_segments > 0;
}

static int report_population(const struct skew_training *training,
                             const struct skew_judgement *judgement, int *any)
{
    struct told told = begin(training, judgement);
    double most = 0;
    say(&told, "Serving has records that training never saw: ");
    for (size_t f = 0; f < training->plan->n_fields; f++) {
        const struct skew_field_verdict *verdict = &judgement->verdicts[f];
        if (!verdict->n_values || verdict->kind == SKEW_PREPROCESSED)
            continue;
        say(&told, "%s%.80s has ", told.n ? "; " : "", name_of(&told, f));
        for (size_t i = 0; i < verdict->n_values; i++) {
            const struct skew_new_value *value = &verdict->values[i];
            say(&told, "%s'%s' (%.3g%%)", i ? ", " : "", value->text, 100 * value->share);
        }
        most = fmax(most, verdict->new_share);
        add_field(&told, f, "values that training never had");
    }
    say_segments(&told);
    for (size_t i = 0; i < judgement->n_segments; i++)
        most = fmax(most, judgement->segments[i].share);
    *any = told.n > 0;
    if (!told.n)
        return 0;
    told.critical = most >= 0.1;
    say(&told, " (");
    say_records(&told);
    say(&told,
        " against %s). The model has not learnt what to say of these: add such data to training, "
        "or find out who sends them",
        training->plan->reference);
    return emit(&told, "population", "skew.distribution", WEIR_ACTION_ADD_TRAINING_DATA,
                (struct weir_statistic){"share", most, training->plan->segment, NAN, 0},
                judgement->stage != SKEW_SETTLED);
}

// ---- noise

static void say_aspects(const struct skew_field_verdict *verdict, char *out, size_t size)
{
    size_t used = 0;
    *out = 0;
    for (int k = 0; k < WEIR_CLEAN_ASPECTS && used < size; k++) {
        char one[160];
        if (!verdict->aspects[k].changed)
            continue;
        weir_cleanliness_text((enum weir_cleanliness_aspect)k, &verdict->aspects[k], one,
                              sizeof one);
        used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", one);
    }
}

static int report_noise(const struct skew_training *training,
                        const struct skew_judgement *judgement, int *any)
{
    struct told told = begin(training, judgement);
    int dirtier = 0, cleaner = 0;
    double z = 0;
    char text[400];
    for (size_t f = 0; f < training->plan->n_fields; f++) {
        dirtier += judgement->verdicts[f].kind == SKEW_NOISY && judgement->verdicts[f].dirtier;
        cleaner += judgement->verdicts[f].kind == SKEW_NOISY && judgement->verdicts[f].cleaner;
    }
    *any = dirtier + cleaner > 0;
    if (!*any)
        return 0;
    say(&told, "Serving is %s than training was: ",
        !cleaner  ? "dirtier"
        : dirtier ? "dirtier in some and cleaner in other ways"
                  : "cleaner");
    for (size_t f = 0; f < training->plan->n_fields; f++) {
        const struct skew_field_verdict *verdict = &judgement->verdicts[f];
        const struct weir_cleanliness *nulls = &verdict->aspects[WEIR_CLEAN_NULL];
        if (verdict->kind != SKEW_NOISY)
            continue;
        say_aspects(verdict, text, sizeof text);
        if (told.n < 3)
            say(&told, "%s%.80s %s", told.n ? "; " : "", name_of(&told, f), text);
        for (int k = 0; k < WEIR_CLEAN_ASPECTS; k++)
            z = verdict->aspects[k].changed ? fmax(z, fabs(verdict->aspects[k].z)) : z;
        told.critical |= nulls->changed > 0 && nulls->after - nulls->before >= MANY_NULLS;
        add_field(&told, f, text);
    }
    if (told.n > 3)
        say(&told, "; and %zu more fields", told.n - 3);
    say(&told, " (");
    say_records(&told);
    say(&told, " against %s). %s", training->plan->reference,
        dirtier ? "Look for what fills these fields; a model that learnt on clean data is not "
                  "prepared for it"
                : "Training on what serving has may do better");
    return emit(&told, "noise", "skew.noise",
                dirtier ? WEIR_ACTION_INVESTIGATE_UPSTREAM : WEIR_ACTION_RETRAIN,
                (struct weir_statistic){"z", z, NAN, NAN, NAN}, judgement->stage != SKEW_SETTLED);
}

// ---- a difference without a name

static void say_change(const struct skew_judgement *judgement, size_t f, char *out, size_t size)
{
    const struct weir_summary *then = judgement->fields[f].side[0];
    const struct weir_summary *now = judgement->fields[f].side[1];
    if (then->shape == WEIR_SHAPE_NUMERIC) {
        snprintf(out, size, "median %.3g where training had %.3g", weir_summary_quantile(now, .5),
                 weir_summary_quantile(then, .5));
        return;
    }
    size_t best = 0;
    double most = -1;
    for (size_t i = 0; i < then->cells->n; i++) {
        double change = fabs((double)now->cell[i] / (double)now->values -
                             (double)then->cell[i] / (double)then->values);
        // Categories that are too rare to be named are no evidence that anybody can use.
        if (change > most && then->cell[i] >= 50) {
            most = change;
            best = i;
        }
    }
    char name[64];
    weir_cells_name(then->cells, best, name, sizeof name);
    snprintf(out, size, "%.3g%% %s where training had %.3g%%",
             100 * (double)now->cell[best] / (double)now->values, *name ? name : "(empty)",
             100 * (double)then->cell[best] / (double)then->values);
}

static int report_distribution(const struct skew_training *training,
                               const struct skew_judgement *judgement, int *any)
{
    struct told told = begin(training, judgement);
    size_t lead = training->plan->n_fields;
    double p = 1;
    for (size_t f = 0; f < training->plan->n_fields; f++) {
        const struct skew_field_verdict *verdict = &judgement->verdicts[f];
        if (verdict->kind != SKEW_UNLIKE)
            continue;
        if (lead == training->plan->n_fields || verdict->effect > judgement->verdicts[lead].effect)
            lead = f;
        p = fmin(p, verdict->p_value);
        told.critical |= verdict->effect - BELOW * verdict->error >= training->plan->critical;
    }
    *any = lead < training->plan->n_fields;
    if (!*any)
        return 0;
    char text[200], note[80];
    for (size_t k = 0; k <= training->plan->n_fields; k++) { // the lead first
        size_t f = k ? k - 1 : lead;
        const struct skew_field_verdict *verdict = &judgement->verdicts[f];
        if (verdict->kind != SKEW_UNLIKE || (k && f == lead))
            continue;
        snprintf(note, sizeof note, "as far as a shift by %.2g sd, p %.2g", verdict->effect,
                 verdict->p_value);
        add_field(&told, f, note);
    }
    say_change(judgement, lead, text, sizeof text);
    say(&told,
        "Serving is unlike training all the time: %.80s has %s (as far as a shift by %.2g sd)",
        name_of(&told, lead), text, judgement->verdicts[lead].effect);
    if (told.n > 1)
        say(&told, "; also ");
    size_t shown = told.n - 1 < NAMED ? told.n - 1 : NAMED;
    for (size_t i = 1; i <= shown; i++)
        say(&told, "%s%.80s", i == 1 ? "" : ", ", told.names[i]);
    if (told.n - 1 > shown)
        say(&told, " and %zu more", told.n - 1 - shown);
    say(&told, ", over ");
    say_records(&told);
    say(&told,
        " against %s. Look for what the two sides do differently; where serving is right, "
        "retrain on it",
        training->plan->reference);
    return emit(&told, "distribution", "skew.distribution", WEIR_ACTION_INVESTIGATE_UPSTREAM,
                (struct weir_statistic){"shift", told.most, training->plan->delta, p, 0},
                judgement->stage != SKEW_SETTLED);
}

int skew_training_report(const struct skew_training *training, struct skew_judgement *judgement,
                         int *contrary)
{
    int found = 0, there = 0, any = 0;
    if (judgement->span.ratio > 0 && !judgement->span.vague) {
        there++;
        found += report_span(training, judgement);
    }
    if (judgement->one_hot.n) {
        there++;
        found += report_order(training, judgement);
    }
    for (int kind = WEIR_PREPROCESSING_STANDARDISED; kind <= WEIR_PREPROCESSING_SPELLING; kind++) {
        found +=
            report_preprocessing(training, judgement, (enum weir_preprocessing_kind)kind, &any);
        there += any;
    }
    found += report_population(training, judgement, &any);
    there += any;
    found += report_noise(training, judgement, &any);
    there += any;
    found += report_distribution(training, judgement, &any);
    there += any;
    *contrary = there - found;
    if (training->slices)
        found += skew_slices_report(training->slices, judgement);
    return found;
}
