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
        return 0;
    char percent[32], count[32], before[32], sample[64];
    snprintf(
        verdict->text, sizeof verdict->text,
        "%s: %s of %s texts%s are by their letters unlike those of %s, where %s are: gibberish, "
        "another encoding, or another field's values; look at what fills it",
        judge->field->field->name, schema_share_text(share, percent),
        weir_count_text(judge->now->values, count),
        schema_sample_text(&seen->values, judge->now->values, sample), judge->schema->references[0],
        schema_share_text(pairs->beyond, before));
    verdict->severity = share >= CRITICAL ? WEIR_CRITICAL : WEIR_WARNING;
    verdict->share = share;
    verdict->count = (uint64_t)(share * (double)judge->now->values);
    verdict->statistic = (struct weir_statistic){
        "unlike_share", share, fmax(LEAST, FACTOR * pairs->beyond), p, pairs->beyond};
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
