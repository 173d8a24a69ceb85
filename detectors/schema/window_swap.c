// SPDX-License-Identifier: Apache-2.0
// Two fields that stand in each other's place: rows in which either value would be odd where it is
// and at home in the other field; or, where rows do not show it, all of them together.
#include <math.h>
#include <stdio.h>

#include "detectors/schema/window.h"
#include "stats/special.h"
#include "stats/value_text.h"

static const double LEAST = 0.005, FACTOR = 5, CRITICAL = 0.1, TOGETHER = 0.3;
enum { ROWS = 5 };

static int parts(const struct schema *schema, const struct schema_field *field,
                 const struct weir_summary *reference)
{
    (void)schema;
    return field->n_pairs || (reference && reference->cell && !field->field->is_list)
               ? WEIR_PART_CELLS
               : -1;
}

// Where one field alone went astray, its values may by chance meet odd ones of the other: of the
// values that speak for a swap on either side a good part must do so together.
static double alone(const struct schema_judge *judge, const struct schema_pair *pair, int side)
{
    const struct schema_field *field = &judge->schema->fields[side ? pair->b : pair->a];
    const struct weir_summary *now = judge->window->summary(judge->window, 0, field->index);
    double odd = 0;
    if (!now || !now->values || !now->cell || now->cells->n != field->reference->cells->n)
        return 1;
    if (!pair->odds[side])
        return (double)now->unseen / (double)now->values;
    for (size_t i = 0; i < now->cells->n; i++)
        odd += pair->odds[side][i] >= SCHEMA_SWAP_ONE ? (double)now->cell[i] : 0;
    return odd / (double)now->values - pair->clean[side];
}

static int is_swapped(const struct schema_judge *judge, size_t p, double *share, double *chance)
{
    const struct schema_extract *extract = judge->extract;
    struct schema_track *track = &judge->memory->swaps[p];
    double n = floor(schema_weights_effective(&extract->sampled));
    *share = (double)extract->swapped[p] / (double)extract->sampled.sum;
    double swapped = floor(*share * n + 1e-9); // of so many equally weighted rows
    // As often as before, or, before that is known, as chance allows at the very most.
    double before = track->n >= SCHEMA_LEARN && schema_knows_a_day(judge) ? exp((double)track->high)
                                                                          : exp(-SCHEMA_SWAP_BOTH);
    *chance = schema_weights_chance(&extract->sampled, 1, *share, before);
    int found = swapped >= ROWS && *share >= LEAST && *share >= FACTOR * before &&
                *chance <= judge->p_value &&
                *share >= TOGETHER * fmax(alone(judge, &judge->schema->pairs[p], 0),
                                          alone(judge, &judge->schema->pairs[p], 1));
    schema_track_learn(track, log((swapped + 0.5) / (n + 1)), found, judge->adopt);
    return found;
}

static void fill(const struct schema_judge *judge, struct schema_verdict *verdict,
                 const struct schema_field *other, double share, double chance)
{
    verdict->other = other->field;
    verdict->action = WEIR_ACTION_FIX_PRODUCER;
    verdict->severity = share >= CRITICAL ? WEIR_CRITICAL : WEIR_WARNING;
    verdict->share = share;
    verdict->count = (uint64_t)(share * (double)judge->window->rows);
    verdict->statistic = (struct weir_statistic){"swapped_share", share, LEAST, chance, NAN};
}

// No record shows it by itself, and all of them together do.
static int judge_whole(const struct schema_judge *judge, struct schema_verdict *verdict)
{
    struct schema_exchange found;
    if (!schema_exchanged(judge, &found))
        return 0;
    const char *a = judge->field->field->name, *b = found.other->field->name;
    char percent[32], count[32];
    snprintf(
        verdict->text, sizeof verdict->text,
        "%s and %s look swapped in about %s of %s records: together the values of %s are those "
        "that %s has in %s, and the other way round, though hardly one shows it by itself: look "
        "at what was deployed upstream",
        a, b, schema_share_text(found.share, percent), weir_count_text(judge->window->rows, count),
        a, b, judge->schema->references[0]);
    fill(judge, verdict, found.other, found.share, exp(-found.gain));
    return 1;
}

static int judge_swap(struct schema_judge *judge, struct schema_verdict *verdict)
{
    const struct schema *schema = judge->schema;
    double most = 0, least_chance = 1;
    const struct schema_pair *best = NULL;
    if (judge->slice)
        return 0;
    int enough = schema_weights_effective(&judge->extract->sampled) >= (double)schema->minimum;
    for (size_t p = 0; enough && p < schema->n_pairs; p++) {
        double share, chance;
        if (schema->pairs[p].a != judge->field - schema->fields ||
            !is_swapped(judge, p, &share, &chance) || share <= most)
            continue;
        most = share;
        least_chance = chance;
        best = &schema->pairs[p];
    }
    if (!best)
        return judge_whole(judge, verdict);
    const struct schema_field *other = &schema->fields[best->b];
    const char *a = judge->field->field->name, *b = other->field->name;
    char percent[32], count[32], sample[64];
    snprintf(
        verdict->text, sizeof verdict->text,
        "%s and %s are swapped in about %s of %s records%s: %s has values that look like %s in "
        "%s, and the other way round: look at what was deployed upstream",
        a, b, schema_share_text(most, percent), weir_count_text(judge->window->rows, count),
        schema_sample_text(&judge->extract->sampled, judge->extract->rows, sample), a, b,
        schema->references[0]);
    fill(judge, verdict, other, most, least_chance);
    return 1;
}

const struct schema_window_check schema_check_swap = {
    .rule = "swapped",
    .kind = "schema.swapped",
    .scope = SCHEMA_OF_FIELD,
    .option = SCHEMA_OPTION_SWAPPED,
    .parts = parts,
    .judge = judge_swap,
};
