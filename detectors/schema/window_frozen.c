// SPDX-License-Identifier: Apache-2.0
// A field that varied and has one value now.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "detectors/schema/window.h"
#include "stats/habits.h"
#include "stats/hll.h"
#include "stats/value_text.h"

enum { ENOUGH = 50, STRETCHES = 24 }; // values of a window that is judged; of a reference
// A field that was constant in more of the windows than that may be so again.
static const double OFTEN = 0.01;
// ln of the distinct strings of each window before, from which on one value is no accident.
static const float MANY = 3;

static int is_text(const struct schema_field *field)
{
    return field->field->type == WEIR_TYPE_STRING || field->field->type == WEIR_TYPE_BYTES;
}

static int parts(const struct schema *schema, const struct schema_field *field,
                 const struct weir_summary *reference)
{
    (void)schema;
    (void)reference;
    return is_text(field) ? WEIR_PART_DISTINCT : WEIR_PART_MOMENTS;
}

static int is_constant(const struct schema_field *field, const struct weir_summary *now)
{
    if (is_text(field))
        return weir_hll_estimate(now->distinct) < 1.5;
    return !now->nan && !now->infinite_low && !now->infinite_high &&
           now->moments.minimum == now->moments.maximum;
}

// The largest share that one value can have had in the reference, by its cells.
static double largest_share(const struct weir_summary *then)
{
    uint64_t most = 0;
    for (size_t i = 0; then->cell && i < then->cells->n; i++)
        most = then->cell[i] > most ? then->cell[i] : most;
    return then->cell && then->values ? (double)most / (double)then->values : 1;
}

// The chance to see what was seen of a field that still varies: all values of the window one, if
// drawn from the reference one by one; or so many constant windows in a row, if they came as
// often as before.
static double chance(const struct schema_judge *judge)
{
    const struct schema_past *past = judge->past;
    double again = ((double)past->constant + 1) / ((double)past->windows + 2);
    double p = pow(again, (double)past->frozen + 1);
    // A slice may be less varied than the whole.
    for (size_t i = 0; i < judge->schema->n_references && !judge->slice; i++) {
        const struct weir_summary *then = schema_reference(judge, i);
        if (then && then->values)
            p = fmin(p,
                     pow(largest_share(then), schema_independent(then, schema_spread(judge->field),
                                                                 (double)judge->now->values - 1)));
    }
    // Nor did one value ever have more of the slice than the fullest cell.
    const struct schema_track *peak = &past->tracks[SCHEMA_PEAK];
    double n = (double)judge->now->values;
    if (judge->slice && peak->n >= SCHEMA_LEARN)
        p = fmin(p, pow(exp((double)peak->high),
                        schema_independent(judge->field->reference, schema_spread(judge->field),
                                           n - 1)));
    if (past->tracks[SCHEMA_DISTINCT].n >= SCHEMA_LEARN && past->tracks[SCHEMA_DISTINCT].low > MANY)
        p = 0;
    return p;
}

// Whether the reference's ordered stretches all varied.
static int always_varied(const struct schema_judge *judge)
{
    const struct weir_habits *habits =
        judge->field->reference ? judge->field->reference->cells->habits : NULL;
    return !judge->slice && habits && habits->panes >= STRETCHES && !habits->constant_panes &&
           judge->schema->window_hop && schema_has_stretches(judge);
}

static int judge_frozen(struct schema_judge *judge, struct schema_verdict *verdict)
{
    const struct weir_summary *now = judge->now;
    struct schema_past *past = judge->past;
    uint64_t enough = judge->schema->minimum < ENOUGH ? judge->schema->minimum : ENOUGH;
    if (now->values < enough)
        return 0;
    int constant = is_constant(judge->field, now);
    int varied = past->windows >= SCHEMA_LEARN && schema_knows_a_day(judge) &&
                 past->constant <= OFTEN * past->windows;
    int before = !past->constant && always_varied(judge);
    int odd = constant && (varied || before);
    double p = odd ? chance(judge) : 1;
    past->frozen = odd ? past->frozen + 1 : 0;
    // What was a spike in a window that it began in is all of the next.
    if (past->frozen <= 1)
        past->spiked = odd && past->tracks[SCHEMA_SPIKE].streak > 0;
    if (odd && past->frozen >= judge->adopt) { // so it is now
        past->windows = past->constant = past->frozen = 0;
        odd = 0;
    }
    if (judge->slice && now->cell && largest_share(now) > 0)
        schema_track_learn(&past->tracks[SCHEMA_PEAK], log(largest_share(now)), odd, judge->adopt);
    if (!odd) {
        past->windows += past->windows < UINT32_MAX;
        past->constant += constant;
    }
    if (!odd || p > judge->p_value)
        return 0;
    char count[32];
    snprintf(verdict->text, sizeof verdict->text,
             "%s: all %s records have one and the same value, and ", judge->field->field->name,
             weir_count_text(now->values, count));
    size_t used = strlen(verdict->text);
    if (varied)
        snprintf(verdict->text + used, sizeof verdict->text - used,
                 "in %s of the %u windows before it varied", past->constant ? "nearly all" : "each",
                 past->windows);
    else
        snprintf(verdict->text + used, sizeof verdict->text - used, "all through %s it varied",
                 judge->schema->references[0]);
    used = strlen(verdict->text);
    snprintf(verdict->text + used, sizeof verdict->text - used,
             ": look for a source or cache that hangs, or a constant that was deployed");
    if (past->spiked) {
        verdict->rule = schema_check_spike.rule;
        verdict->identity = WEIR_BY_FIELDS;
    }
    verdict->severity = WEIR_CRITICAL;
    verdict->share = (double)now->values / (double)now->rows;
    verdict->count = now->values;
    verdict->statistic =
        (struct weir_statistic){"constant_windows", past->frozen, 1, p, past->constant};
    return 1;
}

const struct schema_window_check schema_check_frozen = {
    .rule = "frozen",
    .kind = "schema.frozen",
    .scope = SCHEMA_OF_FIELD,
    .yields = 1,
    .option = SCHEMA_OPTION_FROZEN,
    .parts = parts,
    .judge = judge_frozen,
};
