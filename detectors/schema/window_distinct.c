// SPDX-License-Identifier: Apache-2.0
// How many distinct strings or ids a window has, against the windows before: an id that collapsed
// to a few, or a category that became an id. More records have more distinct ones, by how much is
// not known: between none more (a category) and as many more (an id). So both the distinct values
// and their share of all values must be beyond what they were.
#include <math.h>
#include <stdio.h>

#include "detectors/schema/window.h"
#include "stats/hll.h"
#include "stats/value_text.h"

static const double FACTOR = 3, ERROR = 0.02; // of the estimate
enum { LEAST = 20 };

static int parts(const struct schema *schema, const struct schema_field *field,
                 const struct weir_summary *reference)
{
    (void)schema;
    (void)reference;
    enum weir_role role = field->field->role;
    // How many of its values a count or a measure shows is a matter of its level.
    int is_id =
        field->field->type == WEIR_TYPE_LONG && (role == WEIR_ROLE_KEY || role == WEIR_ROLE_ENTITY);
    return is_id || field->field->type == WEIR_TYPE_STRING ? WEIR_PART_DISTINCT : -1;
}

static int judge_distinct(struct schema_judge *judge, struct schema_verdict *verdict)
{
    const struct weir_summary *now = judge->now;
    struct schema_track *track = &judge->past->tracks[SCHEMA_DISTINCT];
    struct schema_track *variety = &judge->past->tracks[SCHEMA_VARIETY];
    if (now->values < judge->schema->minimum)
        return 0;
    double distinct = fmax(1, weir_hll_estimate(now->distinct)), value = log(distinct);
    double low = exp((double)track->low), high = exp((double)track->high);
    double each = log(fmin(1, distinct / (double)now->values)), noise = ERROR + 1 / sqrt(distinct);
    double beyond = schema_beyond(judge, track, value, noise);
    // One that was learnt by an older release has no share yet.
    double share = variety->n < SCHEMA_LEARN ? beyond : schema_beyond(judge, variety, each, noise);
    int few = fmax(beyond, share) <= -log(FACTOR) && low >= LEAST;
    int many = fmin(beyond, share) >= log(FACTOR) && distinct >= LEAST;
    schema_track_learn(track, value, few || many, judge->adopt);
    schema_track_learn(variety, each, few || many, judge->adopt);
    if (!few && !many)
        return 0;
    char all[32], then[32], count[32];
    weir_count_text((uint64_t)(distinct + .5), all);
    weir_count_text((uint64_t)((few ? low : high) + .5), then);
    snprintf(
        verdict->text, sizeof verdict->text,
        "%s: about %s distinct values in %s records, where the windows before had at %s %s: %s",
        judge->field->field->name, all, weir_count_text(now->values, count), few ? "least" : "most",
        then,
        few ? "look for a source that is lost, or one value sent for many"
            : "look for an id or free text where a category was");
    verdict->count = now->values;
    verdict->statistic = (struct weir_statistic){
        "distinct", distinct, few ? low / FACTOR : high * FACTOR, NAN, few ? low : high};
    return 1;
}

const struct schema_window_check schema_check_distinct = {
    .rule = "distinct",
    .kind = "schema.distinct",
    .scope = SCHEMA_OF_FIELD,
    .yields = 1,
    .option = SCHEMA_OPTION_DISTINCT,
    .parts = parts,
    .judge = judge_distinct,
};
