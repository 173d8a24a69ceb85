// SPDX-License-Identifier: Apache-2.0
// Categories that were always there and are not any more. A weekday vanishes every midnight, so
// "always" is eight days without a gap: in the reference, or in the windows before. Only windows
// and stretches that should have had many of a category say anything of it.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "detectors/schema/window.h"
#include "stats/habits.h"
#include "stats/hash.h"
#include "stats/value_text.h"

static const int64_t EIGHT_DAYS = (int64_t)8 * 24 * 3600 * 1000;
static const double EXPECTED = 100, GONE = 0.01, CRITICAL = 0.1;
enum { SEEN = 50, NAMED = 4 };

static int parts(const struct schema *schema, const struct schema_field *field,
                 const struct weir_summary *reference)
{
    if (!schema->n_references || !reference || reference->shape != WEIR_SHAPE_CATEGORICAL ||
        field->field->is_list || reference->cells->n_categories > SCHEMA_CATEGORIES)
        return -1;
    return WEIR_PART_CELLS;
}

static int was_always_there(const struct schema_judge *judge, size_t i)
{
    const struct schema_presence *presence =
        &judge->memory->presence[judge->field - judge->schema->fields];
    const struct weir_habits *habits = judge->field->reference->cells->habits;
    if (presence->absent >> i & 1 || presence->windows[i] < SCHEMA_LEARN)
        return 0;
    if (habits && habits->span >= EIGHT_DAYS && i < habits->n_steady && habits->steady[i] &&
        schema_has_stretches(judge))
        return 1;
    return schema_has_passed(judge, presence->since[i], EIGHT_DAYS);
}

static void name_one(const struct schema_judge *judge, struct schema_verdict *verdict, size_t i,
                     int first)
{
    const struct weir_summary *then = judge->field->reference;
    const struct weir_string *category = &then->cells->categories[i];
    size_t used = strlen(verdict->text);
    if (judge->schema->redact && then->cell[i] < SEEN)
        return;
    char share[32];
    schema_share_text((double)then->cell[i] / (double)then->values, share);
    snprintf(verdict->text + used, sizeof verdict->text - used, "%s\"%.*s\" (%s)",
             first ? "" : ", ", (int)(category->length < 40 ? category->length : 40),
             category->data, share);
}

// What is known by number is of no use where the reference has others by now.
static void fit(struct schema_presence *presence, const struct weir_cells *cells)
{
    uint64_t of = cells->n_categories;
    for (size_t i = 0; i < cells->n_categories; i++) {
        uint64_t both[2] = {of, cells->categories[i].hash};
        of = weir_hash(both, sizeof both);
    }
    if (presence->of != of)
        *presence = (struct schema_presence){.of = of};
}

static int judge_vanished(struct schema_judge *judge, struct schema_verdict *verdict)
{
    const struct weir_summary *now = judge->now, *then = judge->field->reference;
    struct schema_past *past = judge->past;
    size_t field = (size_t)(judge->field - judge->schema->fields);
    struct schema_presence *presence = judge->slice ? NULL : &judge->memory->presence[field];
    double lost = 0, least = INFINITY;
    int named = 0, found = 0;
    uint64_t absent = 0;
    if (!presence || now->values < judge->schema->minimum || !now->cell || !then->values ||
        now->cells->n_categories != then->cells->n_categories)
        return 0;
    char count[32];
    fit(presence, then->cells);
    snprintf(verdict->text, sizeof verdict->text,
             "%s: no longer among %s values: ", judge->field->field->name,
             weir_count_text(now->values, count));
    for (size_t i = 0; i < then->cells->n_categories; i++) {
        double share = (double)then->cell[i] / (double)then->values;
        double expected = share * (double)now->values;
        if (expected < EXPECTED)
            continue;
        if ((double)now->cell[i] > GONE * expected) {
            presence->since[i] = presence->windows[i] ? presence->since[i] : judge->window->start;
            presence->windows[i] += presence->windows[i] < UINT32_MAX;
            continue;
        }
        absent |= (uint64_t)1 << i;
        if (!was_always_there(judge, i))
            continue;
        found++;
        lost += share;
        least = fmin(least, expected);
        if (named < NAMED)
            name_one(judge, verdict, i, !named++);
    }
    // What vanished for good is the new normal in a day.
    past->gone = found ? past->gone + 1 : 0;
    if (!found || past->gone >= judge->adopt) {
        presence->absent |= absent;
        past->gone = 0;
        if (found)
            return 0;
    }
    if (!found)
        return 0;
    size_t used = strlen(verdict->text);
    snprintf(verdict->text + used, sizeof verdict->text - used,
             "%s that %s always had: a producer, market or product may have stopped sending",
             found > named ? " and more" : "", judge->schema->references[0]);
    verdict->severity = lost >= CRITICAL ? WEIR_CRITICAL : WEIR_WARNING;
    verdict->share = lost;
    verdict->statistic =
        (struct weir_statistic){"vanished_share", lost, NAN, exp(-fmin(least, 600)), 0};
    return 1;
}

const struct schema_window_check schema_check_vanished = {
    .rule = "vanished_categories",
    .kind = "schema.categories",
    .scope = SCHEMA_OF_FIELD,
    .yields = 1,
    .option = SCHEMA_OPTION_CATEGORIES,
    .parts = parts,
    .judge = judge_vanished,
};
