// SPDX-License-Identifier: Apache-2.0
// Texts that read like none of the reference's.
#include <math.h>
#include <stdio.h>

#include "detectors/schema/window.h"
#include "stats/habits.h"
#include "stats/special.h"
#include "stats/value_text.h"

static const double LEAST = 0.005, FACTOR = 5, CRITICAL = 0.1;
enum { DISTINCT = 5, TEXTS = 100 };

static int parts(const struct schema *schema, const struct schema_field *field,
                 const struct weir_summary *reference)
{
    (void)schema;
    const struct weir_habits *habits = reference ? reference->cells->habits : NULL;
    return habits && habits->pairs && !field->field->is_list && !field->field->n_values ? 0 : -1;
}

// Over how many windows: the share of `n` texts, and the words for which.
static void fill(const struct schema_judge *judge, struct schema_verdict *verdict, double share,
                 double n, double p, const char *which)
{
    const struct weir_pairs *pairs = judge->field->reference->cells->habits->pairs;
    char percent[32], count[32], before[32];
    snprintf(
        verdict->text, sizeof verdict->text,
        "%s: %s of %s texts%s are by their letters unlike those of %s, where %s are: gibberish, "
        "another encoding, or another field's values; look at what fills it",
        judge->field->field->name, schema_share_text(share, percent),
        weir_count_text((uint64_t)n, count), which, judge->schema->references[0],
        schema_share_text(pairs->beyond, before));
    verdict->severity = share >= CRITICAL ? WEIR_CRITICAL : WEIR_WARNING;
    verdict->share = share;
    verdict->count = (uint64_t)(share * n);
    verdict->statistic = (struct weir_statistic){
        "unlike_share", share, fmax(LEAST, FACTOR * pairs->beyond), p, pairs->beyond};
}

// A few odd texts in each of many windows: different ones in each of them. What the reference would
// have of them is an upper bound; a past without any says that it is less.
static int judge_long(const struct schema_judge *judge, const struct schema_told *seen,
                      struct schema_verdict *verdict)
{
    const struct weir_pairs *pairs = judge->field->reference->cells->habits->pairs;
    struct weir_rate_run *run = &judge->memory->runs[judge->field - judge->schema->fields].texts;
    double n = schema_weights_effective(&seen->texts);
    double hits = fmin((double)seen->low / (double)seen->texts.sum * n, (double)seen->n_unlike);
    int has_past = run->n >= WEIR_RATE_LEARN && schema_knows_a_day(judge);
    double known = fmax(pairs->beyond, 1e-4) / (has_past ? 4 : 1);
    double least = fmax(LEAST, FACTOR * weir_rate_usual(run, known));
    struct weir_rate_rules rules = {.known = known,
                                    .rises = {least, 4 * least},
                                    .threshold = schema_long_threshold(1),
                                    .part = 1,
                                    .adopt = judge->adopt};
    const struct weir_rate_sum *sum = weir_rate_step(run, &rules, hits, n, judge->window->start);
    if (!sum || sum->hits < least * sum->of)
        return 0;
    char since[64], which[66];
    snprintf(which, sizeof which, " %s", schema_since_text(sum, since));
    fill(judge, verdict, sum->hits / sum->of, sum->of, exp(-sum->score), which);
    return 1;
}

static int judge_text(struct schema_judge *judge, struct schema_verdict *verdict)
{
    const struct schema_told *seen = &judge->extract->fields[judge->field - judge->schema->fields];
    const struct weir_pairs *pairs = judge->field->reference->cells->habits->pairs;
    if (judge->slice || schema_weights_effective(&seen->texts) < TEXTS)
        return 0;
    double share = (double)seen->low / (double)seen->texts.sum;
    double p = schema_weights_chance(&seen->texts, 1, share, pairs->beyond);
    // One odd name that comes often is an odd name.
    if (share < LEAST || share < FACTOR * pairs->beyond || p > judge->p_value ||
        seen->n_unlike < DISTINCT)
        return judge_long(judge, seen, verdict);
    char sample[64];
    fill(judge, verdict, share, (double)judge->now->values, p,
         schema_sample_text(&seen->values, judge->now->values, sample));
    return 1;
}

const struct schema_window_check schema_check_text = {
    .rule = "gibberish",
    .kind = "schema.gibberish",
    .scope = SCHEMA_OF_FIELD,
    .yields = 1,
    .option = SCHEMA_OPTION_GIBBERISH,
    .watch = SCHEMA_WATCH_TEXT,
    .parts = parts,
    .judge = judge_text,
};
