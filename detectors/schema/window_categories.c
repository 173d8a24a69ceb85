// SPDX-License-Identifier: Apache-2.0
// Categories that the reference never had.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "detectors/schema/window.h"
#include "stats/habits.h"
#include "stats/special.h"
#include "stats/top.h"
#include "stats/value_text.h"

static const double LEAST = 0.005, FACTOR = 5, CRITICAL = 0.1;
enum { SEEN = 50, NAMED = 4 };

static int parts(const struct schema *schema, const struct schema_field *field,
                 const struct weir_summary *reference)
{
    // Declared values are a rule for each record; identifiers are new by nature.
    if (!schema->n_references || !reference || reference->shape != WEIR_SHAPE_CATEGORICAL ||
        !reference->cells->known || field->field->n_values || field->field->role == WEIR_ROLE_KEY ||
        field->field->role == WEIR_ROLE_ENTITY)
        return -1;
    int listed = reference->cells->n_categories == reference->cells->n_known;
    return WEIR_PART_CELLS | (listed ? WEIR_PART_TOP : 0);
}

// The new ones by name, where they are seen too often to be one record's.
static void name_them(const struct schema_judge *judge, struct schema_verdict *verdict)
{
    const struct weir_top_entry *top[NAMED];
    if (!judge->now->top)
        return;
    size_t n = weir_top_sorted(judge->now->top, top, NAMED), used = strlen(verdict->text);
    int named = 0;
    for (size_t i = 0; i < n; i++) {
        if (judge->schema->redact && top[i]->count < SEEN)
            continue;
        char name[64], count[32];
        snprintf(name, sizeof name, "%.*s", (int)(top[i]->length < 40 ? top[i]->length : 40),
                 top[i]->data);
        weir_count_text(top[i]->count, count);
        snprintf(verdict->text + used, sizeof verdict->text - used, "%s\"%s\" (%s)",
                 named++ ? ", " : ", such as ", name, count);
        used = strlen(verdict->text);
    }
}

static int judge_new(struct schema_judge *judge, struct schema_verdict *verdict)
{
    const struct weir_summary *now = judge->now;
    const struct weir_cells *cells = now->cells;
    if (now->values < judge->schema->minimum || !cells)
        return 0;
    double n = (double)(judge->slice ? judge->all->values : now->values);
    double unseen = (double)now->unseen, share = unseen / (double)now->values;
    // What more of the reference would have brought, or what its second half did bring.
    const struct weir_habits *habits = cells->habits;
    double fresh = habits && !isnan(habits->fresh) ? habits->fresh : 0;
    double usual = fmax(cells->unseen_share, fresh), expected = fmax(usual, 1e-4);
    double part = schema_independent(judge->field->reference, schema_spread(judge->field), n) / n;
    double p = weir_binomial_sf(floor(unseen * part), floor(n * part), expected);
    if (share < LEAST || share < FACTOR * expected || unseen / n < FACTOR * usual ||
        p > judge->p_value)
        return 0;
    char percent[32], count[32];
    snprintf(verdict->text, sizeof verdict->text,
             "%s: %s of %s records have a value that %s never had", judge->field->field->name,
             schema_share_text(share, percent), weir_count_text(now->values, count),
             judge->schema->references[0]);
    name_them(judge, verdict);
    size_t used = strlen(verdict->text);
    snprintf(verdict->text + used, sizeof verdict->text - used,
             ": a new market, product or spelling, or another field's values. The model does "
             "not know them: look at what sends them");
    verdict->severity = share >= CRITICAL ? WEIR_CRITICAL : WEIR_WARNING;
    verdict->share = share;
    verdict->count = now->unseen;
    verdict->statistic = (struct weir_statistic){
        "unseen_share", share, fmax(LEAST, FACTOR * expected), p, cells->unseen_share};
    return 1;
}

const struct schema_window_check schema_check_new = {
    .rule = "new_categories",
    .kind = "schema.categories",
    .scope = SCHEMA_OF_FIELD,
    .yields = 1,
    .option = SCHEMA_OPTION_CATEGORIES,
    .parts = parts,
    .judge = judge_new,
};
