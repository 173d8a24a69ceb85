// SPDX-License-Identifier: Apache-2.0
// The share of nulls and missing values: against the reference, and against the windows before.
// Fields that allow neither have a rule for each record already.
#include <math.h>
#include <stdio.h>

#include "detectors/schema/window.h"
#include "stats/habits.h"
#include "stats/samples.h"
#include "stats/special.h"
#include "stats/value_text.h"

// The factor by which rates must differ, and the change that is critical.
static const double FACTOR = 2, CRITICAL_CHANGE = 0.2;
// Of the values that there were, the share that is lost, which matters whatever the rate was.
static const double LOST = 0.05;

static int parts(const struct schema *schema, const struct schema_field *field,
                 const struct weir_summary *reference)
{
    (void)schema;
    (void)reference;
    return field->field->nullable || field->field->optional ? 0 : -1;
}

static double nulls(const struct weir_summary *summary)
{
    return (double)(summary->null + summary->missing);
}

static int is_change(const struct schema *schema, double share, double baseline)
{
    double high = fmax(share, baseline), low = fmin(share, baseline);
    // So many more nulls, or, where half are null anyway, so many fewer values.
    return high - low >= schema->null_rate_change &&
           (high >= FACTOR * low || (share > baseline && 1 - low >= FACTOR * (1 - high)));
}

static void fill(const struct schema_judge *judge, struct schema_verdict *verdict, double share,
                 double baseline, double p)
{
    verdict->severity = fabs(share - baseline) >= CRITICAL_CHANGE ? WEIR_CRITICAL : WEIR_WARNING;
    verdict->share = share;
    verdict->count = judge->now->null + judge->now->missing;
    verdict->statistic =
        (struct weir_statistic){"null_rate", share, judge->schema->null_rate_change, p, baseline};
}

static void put_text(const struct schema_judge *judge, struct schema_verdict *verdict,
                     const char *against)
{
    char rows[32], percent[32];
    snprintf(verdict->text, sizeof verdict->text,
             "%s: %s of %s records are null or lack the field, against %s: look for %s",
             judge->field->field->name, schema_share_text(verdict->share, percent),
             weir_count_text(judge->now->rows, rows), against,
             verdict->share > verdict->statistic.baseline
                 ? "a join, lookup or client upstream that fails"
                 : "a default that is filled in where nulls were");
}

// A slice may differ from the whole and always have done so: what counts there is that its nulls
// are more than all of the reference's would be.
static int against_reference(const struct schema_judge *judge, struct schema_verdict *verdict)
{
    const struct weir_summary *now = judge->now;
    double share = nulls(now) / (double)now->rows;
    for (size_t i = 0; i < judge->schema->n_references; i++) {
        const struct weir_summary *then = schema_reference(judge, i);
        if (!then || !then->rows)
            continue;
        double baseline = nulls(then) / (double)then->rows;
        double n = (double)(judge->slice ? judge->all->rows : now->rows);
        const struct weir_habits *habits = then->cells ? then->cells->habits : NULL;
        double spread = habits ? habits->null_spread : 1;
        double part = schema_independent(then, spread, n) / n;
        double hits = part * nulls(now), of = part * n, rows = (double)then->rows / spread;
        double p = weir_two_proportions(baseline * rows, rows, hits, of).p_value;
        // The approximation is poor where few are expected.
        double chance = fmax(baseline, 1 / rows);
        p = fmax(p, hits > baseline * of ? weir_binomial_sf(floor(hits), floor(of), fmin(1, chance))
                                         : weir_binomial_cdf(ceil(hits), ceil(of), baseline));
        if (!is_change(judge->schema, share, baseline) || !(p <= judge->p_value) ||
            (judge->slice && nulls(now) / n <= FACTOR * baseline))
            continue;
        char against[96], percent[32];
        snprintf(against, sizeof against, "%s in %.60s", schema_share_text(baseline, percent),
                 judge->schema->references[i]);
        fill(judge, verdict, share, baseline, p);
        put_text(judge, verdict, against);
        return 1;
    }
    return 0;
}

static int against_past(const struct schema_judge *judge, struct schema_verdict *verdict)
{
    const struct weir_summary *now = judge->now;
    struct schema_track *track = &judge->past->tracks[SCHEMA_NULLS];
    double n = (double)now->rows, share = nulls(now) / n;
    double value = log((nulls(now) + 0.5) / (n + 1));
    double beyond = schema_beyond(judge, track, value, 1 / sqrt(nulls(now) + 1));
    double extreme = exp((double)(beyond > 0 ? track->high : track->low));
    extreme = extreme > 1 ? 1 : extreme;
    // Rates of a few nulls are not told apart from none.
    double p = beyond > 0   ? weir_binomial_sf(nulls(now), n, extreme)
               : beyond < 0 ? weir_binomial_cdf(nulls(now), n, extreme)
                            : 1;
    int abnormal = is_change(judge->schema, share, extreme) && p <= judge->p_value;
    char against[96], low[32], high[32];
    snprintf(against, sizeof against, "%s to %s in the windows before",
             schema_share_text(exp((double)track->low), low),
             schema_share_text(exp((double)track->high), high));
    schema_track_learn(track, value, abnormal, judge->adopt);
    if (!abnormal)
        return 0;
    fill(judge, verdict, share, extreme, p);
    put_text(judge, verdict, against);
    return 1;
}

// A rate that is too high by less than one window shows: over as many windows as it takes.
static int against_run(const struct schema_judge *judge, struct schema_verdict *verdict)
{
    const struct weir_summary *now = judge->now;
    double known = NAN, part = 1, n = (double)now->rows;
    const char *where = "the windows before";
    for (size_t i = 0; i < judge->schema->n_references; i++) {
        const struct weir_summary *then = schema_reference(judge, i);
        if (!then || !then->rows)
            continue;
        const struct weir_habits *habits = then->cells ? then->cells->habits : NULL;
        double spread = habits ? habits->null_spread : 1, rows = (double)then->rows / spread;
        double rate = nulls(then) / (double)then->rows;
        rate += 3 * sqrt((rate * (1 - rate) + 1 / rows) / rows);
        if (isnan(known) || rate > known)
            where = judge->schema->references[i];
        known = isnan(known) ? rate : fmax(known, rate);
        part = fmin(part, schema_independent(then, spread, n) / n);
    }
    struct weir_rate_run *run = &judge->memory->runs[judge->field - judge->schema->fields].nulls;
    double usual = weir_rate_usual(run, known);
    double least = fmin(usual + LOST * (1 - usual),
                        fmax(FACTOR * usual, usual + judge->schema->null_rate_change));
    struct weir_rate_rules rules = {.known = known,
                                    .rises = {least, least + 3 * (least - usual)},
                                    .threshold = schema_long_threshold(1),
                                    .part = part,
                                    .adopt = judge->adopt};
    const struct weir_rate_sum *sum =
        weir_rate_step(run, &rules, nulls(now), n, judge->window->start);
    if (!sum || sum->hits < least * sum->of || (isnan(known) && !schema_knows_a_day(judge)))
        return 0;
    double share = sum->hits / sum->of;
    part = weir_rate_part(run, part);
    char rows[32], percent[32], before[32], since[64];
    fill(judge, verdict, share, usual, exp(-sum->score));
    verdict->count = (uint64_t)(sum->hits / part);
    snprintf(verdict->text, sizeof verdict->text,
             "%s: %s of %s records %s are null or lack the field, against at most %s in %s%s: look "
             "for a join, lookup or client upstream that fails for some records",
             judge->field->field->name, schema_share_text(share, percent),
             weir_count_text((uint64_t)(sum->of / part), rows), schema_since_text(sum, since),
             schema_share_text(usual, before), where,
             sum->windows > 1 ? ", which no single window was enough to tell" : "");
    return 1;
}

static int judge_nulls(struct schema_judge *judge, struct schema_verdict *verdict)
{
    if (judge->now->rows < judge->schema->minimum)
        return 0;
    // The past learns whatever the reference says.
    struct schema_verdict other = *verdict;
    int past = against_past(judge, &other), found = against_reference(judge, verdict) || past;
    if (past && verdict->statistic.name == NULL)
        *verdict = other;
    if (judge->slice)
        return found;
    if (!found)
        return against_run(judge, verdict);
    weir_rate_skip(&judge->memory->runs[judge->field - judge->schema->fields].nulls, judge->adopt,
                   nulls(judge->now), (double)judge->now->rows);
    return 1;
}

const struct schema_window_check schema_check_null_rate = {
    .rule = "null_rate",
    .kind = "schema.null_rate",
    .scope = SCHEMA_OF_FIELD,
    .option = SCHEMA_OPTION_NULL_RATE,
    .parts = parts,
    .judge = judge_nulls,
};
