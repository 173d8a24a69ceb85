// SPDX-License-Identifier: Apache-2.0
// Statistics that `tests:` asks for by name, each with a threshold of its own: a rule each, as
// other programs have them. What the user set decides; neither the false-alarm budget nor the
// floors of the omnibus decision have a part in it.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"
#include "stats/summary.h"
#include "stats/summary_statistics.h"

enum { SHOWN = 10, TEXT = 200, SLICES_REPORTED = 20 };
static const double MAY_MISS = 0.02; // of a slice's rows, to a cap

struct hit {
    const struct drift_field *field;
    size_t reference;
    const struct weir_summary *now, *then;
    double value, p_value, before; // `before`: the reference's own rate, or NAN
    double excess;                 // how far beyond the threshold, for ranking
    int critical;
};

// What crossed one rule's threshold in one slice, the strongest first.
struct hits {
    struct hit items[SHOWN];
    size_t n; // all, of which the first SHOWN are kept
};

static double threshold_of(const struct weir_statistic_rule *rule, double alpha)
{
    return rule->set    ? rule->threshold
           : rule->on_p ? alpha
                        : weir_statistic_info(rule->statistic)->floor;
}

static void add_hit(struct hits *hits, const struct hit *hit)
{
    size_t kept = hits->n < SHOWN ? hits->n : SHOWN, at = kept;
    while (at > 0 && hits->items[at - 1].excess < hit->excess)
        at--;
    if (at < SHOWN) {
        size_t moved = (kept < SHOWN ? kept : SHOWN - 1) - at;
        memmove(&hits->items[at + 1], &hits->items[at], moved * sizeof *hits->items);
        hits->items[at] = *hit;
    }
    hits->n++;
}

static void judge_rule(const struct drift *drift, const struct weir_statistic_rule *rule,
                       double alpha, const struct weir_statistic_result *result, struct hit *hit,
                       struct hits *hits)
{
    double threshold = threshold_of(rule, alpha);
    double size = weir_statistic_size(rule->statistic, result->test.value, result->reference);
    hit->value = result->test.value;
    hit->p_value = result->test.p_value;
    hit->before = result->reference;
    if (rule->on_p ? !(hit->p_value < threshold) : !(size > threshold))
        return;
    hit->excess = rule->on_p ? -log(fmax(hit->p_value, 1e-304)) : size / fmax(threshold, 1e-9);
    hit->critical = !rule->on_p && hit->excess >= drift->critical / drift->delta;
    add_hit(hits, hit);
}

// Rules on one window by itself, in any slice.
static void judge_rules(const struct drift *drift, const struct weir_window *window, size_t slice,
                        double alpha, const struct weir_statistic_result *out,
                        const struct hit *about, struct hits *hits)
{
    for (size_t r = 0; r < drift->n_rules; r++) {
        const struct weir_statistic_rule *rule = &drift->rules[r];
        const struct weir_statistic_result *result = &out[rule->statistic];
        if (rule->chart || result->test.status != WEIR_TEST_OK)
            continue; // it says nothing of this field, or not in this window
        struct hit hit = *about;
        judge_rule(drift, rule, alpha, result, &hit, &hits[r]);
        if (window->report) {
            struct weir_statistic statistic = {
                weir_statistic_info(rule->statistic)->name, hit.value, threshold_of(rule, alpha),
                weir_statistic_info(rule->statistic)->has_p ? hit.p_value : NAN, hit.before};
            window->report(window, slice, hit.field->index, &statistic);
        }
    }
}

static int chart_rules(struct drift_charted *charted, const struct weir_window *window, size_t f,
                       size_t reference, const struct weir_statistic_result *out)
{
    const struct drift *drift = charted->drift;
    int code = 0;
    for (size_t r = 0; r < drift->n_rules && !code; r++) {
        const struct weir_statistic_result *result = &out[drift->rules[r].statistic];
        if (drift->rules[r].chart && result->test.status == WEIR_TEST_OK)
            code = drift_charted_add(charted, window, r, f, reference, result);
    }
    return code;
}

static int judge_field(struct drift_memory *memory, struct drift_charted *charted,
                       const struct weir_window *window, size_t slice, size_t f, double alpha,
                       struct hits *hits)
{
    const struct drift *drift = memory->drift;
    const struct weir_summary *now = drift_memory_now(memory, window, slice, f, 0);
    struct weir_statistic_result out[WEIR_STATISTICS];
    for (size_t i = 0; now && i < drift->n_references; i++) {
        const struct weir_summary *then = drift_memory_then(memory, window, i, f);
        if (!then || !now->cell || !then->cell || now->cells->n != then->cells->n ||
            now->rows < drift->minimum)
            continue;
        int code = weir_summary_statistics(then, now, 1, drift->wanted, out, NULL);
        if (code)
            return code;
        struct hit about = {.field = &drift->fields[f], .reference = i, .now = now, .then = then};
        judge_rules(drift, window, slice, alpha, out, &about, hits);
        if (!slice && drift->charts)
            code = chart_rules(charted, window, f, i, out);
        if (code)
            return code;
    }
    return 0;
}

// ---- words

static void describe(const struct weir_summary *summary, char *out, size_t size)
{
    double median = summary->shape == WEIR_SHAPE_NUMERIC ? weir_summary_quantile(summary, .5) : NAN;
    if (isnan(median))
        snprintf(out, size, "%llu records", (unsigned long long)summary->rows);
    else
        snprintf(out, size, "%llu records, median %.4g, 5 to 95%% %.4g to %.4g",
                 (unsigned long long)summary->rows, median, weir_summary_quantile(summary, .05),
                 weir_summary_quantile(summary, .95));
}

static void value_text(const struct weir_statistic_rule *rule, const struct hit *hit,
                       const char *reference, char *out, size_t size)
{
    const char *name = weir_statistic_info(rule->statistic)->name;
    if (rule->on_p)
        snprintf(out, size, "%s has p %.2g (value %.4g) against %.60s", name, hit->p_value,
                 hit->value, reference);
    else if (isnan(hit->before))
        snprintf(out, size, "%s is %.4g against %.60s", name, hit->value, reference);
    else
        snprintf(out, size, "%s is %.4g, in %.60s %.4g", name, hit->value, reference, hit->before);
}

static void sentence(const struct drift *drift, const struct weir_slice *where,
                     const struct weir_statistic_rule *rule, const struct hits *hits,
                     double threshold, char *out, size_t size)
{
    const struct weir_statistic_info *info = weir_statistic_info(rule->statistic);
    const struct hit *lead = &hits->items[0];
    char value[TEXT];
    size_t used = 0;
    for (size_t i = 0; i < where->n_values && used < size / 2; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s %.60s", i ? ", " : "In ",
                                 where->values[i].field,
                                 where->values[i].value ? where->values[i].value : "null");
    if (used > size / 2)
        used = size / 2;
    value_text(rule, lead, drift->references[lead->reference], value, sizeof value);
    const char *allows = rule->on_p                            ? "no less than"
                         : info->direction == WEIR_CHANGE_RATE ? "a difference of"
                                                               : "up to";
    used +=
        (size_t)snprintf(out + used, size - used, "%s%s: %s, %llu records; `tests:` allows %s %.3g",
                         used ? ": " : "", lead->field->info->name, value,
                         (unsigned long long)lead->now->rows, allows, threshold);
    for (size_t i = 1; i < hits->n && i < 4 && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i == 1 ? "; also " : ", ",
                                 hits->items[i].field->info->name);
    if (hits->n > 4 && used < size)
        snprintf(out + used, size - used, " and %zu more", hits->n - 4);
}

static void report(const struct drift *drift, const struct weir_window *window, size_t slice,
                   const struct weir_statistic_rule *rule, const struct hits *hits, double alpha)
{
    const struct weir_statistic_info *info = weir_statistic_info(rule->statistic);
    const struct hit *lead = &hits->items[0];
    char text[640], before[SHOWN][TEXT], after[SHOWN][TEXT];
    const char *names[SHOWN];
    struct weir_evidence lines[SHOWN];
    size_t shown = hits->n < SHOWN ? hits->n : SHOWN;
    double threshold = threshold_of(rule, alpha);
    int critical = 0;
    for (size_t i = 0; i < shown; i++) {
        const struct hit *hit = &hits->items[i];
        names[i] = hit->field->info->name;
        describe(hit->then, before[i], TEXT);
        describe(hit->now, after[i], TEXT);
        size_t used = strlen(after[i]);
        snprintf(after[i] + used, TEXT - used, "; %s %.4g", info->name, hit->value);
        lines[i] = (struct weir_evidence){.type = "field",
                                          .field = names[i],
                                          .before = before[i],
                                          .after = after[i],
                                          .contribution = NAN};
        critical |= hit->critical;
    }
    sentence(drift, &window->slices[slice], rule, hits, threshold, text, sizeof text);
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = info->name,
        .kind = drift_kind_of(lead->field->info->role),
        .severity = critical ? WEIR_CRITICAL : WEIR_WARNING,
        .action = info->direction == WEIR_CHANGE_RATE ? WEIR_ACTION_INVESTIGATE_UPSTREAM
                                                      : WEIR_ACTION_RETRAIN,
        .identity = WEIR_BY_SLICE | WEIR_BY_MODEL_VERSION,
        .fields = names,
        .n_fields = shown,
        .slice = window->slices[slice].values,
        .n_slice = window->slices[slice].n_values,
        .share = NAN,
        .count = lead->now->values,
        .statistic = {info->name, lead->value, threshold, info->has_p ? lead->p_value : NAN,
                      lead->before},
        .summary = text,
        .evidence = lines,
        .n_evidence = shown,
    };
    window->emit(window, &finding);
}

// ---- a window

static int is_judged(const struct drift *drift, const struct weir_slice *slice)
{
    return slice->by <= drift->n_by_given && slice->rows >= drift->minimum &&
           (double)slice->rows_may_miss <= MAY_MISS * (double)slice->rows;
}

int drift_judge_named(struct drift_memory *memory, struct drift_charted *charted,
                      const struct weir_window *window)
{
    const struct drift *drift = memory->drift;
    struct hits *hits = calloc(drift->n_rules, sizeof *hits);
    unsigned told[DRIFT_RULES] = {0}; // by the whole stream, or in so many slices
    double alpha = drift->alpha /
                   ((double)drift->n_fields * (double)drift->n_rules * (double)drift->n_references);
    int code = hits ? 0 : WEIR_ENOMEM;
    drift_charted_begin(charted, window);
    for (size_t s = 0; s < window->n_slices && !code; s++) {
        if (s && (!is_judged(drift, &window->slices[s]) || (size_t)drift->charts == drift->n_rules))
            continue;
        memset(hits, 0, drift->n_rules * sizeof *hits);
        for (size_t f = 0; f < drift->n_fields && !code; f++)
            code = judge_field(memory, charted, window, s, f,
                               alpha / (s ? (double)window->n_slices : 1), hits);
        for (size_t r = 0; r < drift->n_rules && !code; r++) {
            if (!hits[r].n || told[r] >= SLICES_REPORTED)
                continue;
            report(drift, window, s, &drift->rules[r], &hits[r], alpha);
            told[r] = s ? told[r] + 1 : SLICES_REPORTED; // what all do is not said of each slice
        }
    }
    free(hits);
    if (!code)
        drift_charted_report(charted, window);
    return code;
}

int drift_read_rule(struct drift *drift, const char *text, struct weir_error *error)
{
    struct weir_statistic_rule rule;
    struct weir_error why;
    if (weir_statistic_rule_parse(text, &rule, &why))
        return weir_error_set(error, WEIR_EINVAL, "%s: tests: %s; see docs/statistics.md",
                              drift->name, why.message);
    const struct weir_statistic_info *info = weir_statistic_info(rule.statistic);
    if (info->window == WEIR_NEEDS_ROWS)
        return weir_error_set(error, WEIR_EINVAL,
                              "%s: tests: %s needs the rows of both sides, which windows do not "
                              "keep; `weir compare` has it",
                              drift->name, info->name);
    if (!rule.chart && !rule.set && !(info->floor > 0) && !info->has_p)
        return weir_error_set(error, WEIR_EINVAL,
                              "%s: tests: %s is in the field's own unit: say from where on, as in "
                              "'%s > 10'",
                              drift->name, info->name, info->name);
    if (!rule.chart && !rule.set)
        rule.on_p = !(info->floor > 0);
    if (drift->n_rules == DRIFT_RULES)
        return weir_error_set(error, WEIR_EINVAL, "%s: tests: more than %d statistics by name",
                              drift->name, DRIFT_RULES);
    char *spelt = drift->rule_names[drift->n_rules];
    weir_statistic_rule_name(&rule, spelt, DRIFT_RULE_NAME);
    for (size_t i = 0; i < drift->n_rules && rule.chart; i++)
        if (!strcmp(drift->rule_names[i], spelt))
            return weir_error_set(error, WEIR_EINVAL, "%s: tests: '%s' is there twice", drift->name,
                                  spelt);
    drift->charts += rule.chart != WEIR_CHART_OF_NONE;
    drift->rules[drift->n_rules++] = rule;
    drift->wanted |= (uint64_t)1 << rule.statistic;
    return 0;
}
