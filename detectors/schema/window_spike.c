// SPDX-License-Identifier: Apache-2.0
// One value whose share jumped while the others kept theirs among themselves: a default that is
// filled in, a sensor that hangs. Not drift: that moves the others too.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/window.h"
#include "stats/cells.h"
#include "stats/habits.h"
#include "stats/hash.h"
#include "stats/special.h"
#include "stats/two_sample.h"
#include "stats/value_text.h"

// A value that is rare otherwise: its share, and the factor; one that is common: by how much.
static const double RARE = 0.005, FACTOR = 3, COMMON = 0.05, CRITICAL = 0.1;
// By how much the others may have moved (total variation less chance), and what must be left.
static const double MOVED = 0.1, LEFT = 0.05, HELD = 0.01, MIX = 0.02;
enum { SEVERAL = 3, SEEN = 50, CELLS = 4 };

static int parts(const struct schema *schema, const struct schema_field *field,
                 const struct weir_summary *reference)
{
    (void)schema;
    if (field->field->is_list || field->field->type == WEIR_TYPE_BOOLEAN)
        return -1;
    return reference && reference->cell ? WEIR_PART_CELLS : 0;
}

struct candidate {
    uint64_t bits;
    double share, n; // share at least
    double baseline;
    size_t cell; // in the reference's cells, SIZE_MAX: not known
    double p;
};

static double number_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static int is_number(const struct schema_judge *judge)
{
    enum weir_type type = judge->field->field->type;
    return type == WEIR_TYPE_LONG || type == WEIR_TYPE_DOUBLE;
}

// The largest share that the value had in the reference; fills its cell.
static double reference_share(const struct schema_judge *judge, struct candidate *one)
{
    const struct weir_summary *then = judge->field->reference;
    const struct weir_cells *cells = then->cells;
    double n = (double)then->values;
    if (is_number(judge)) {
        one->cell = weir_cells_find(cells, number_of(one->bits));
        double share = (double)then->cell[one->cell] / n;
        return cells->habits ? fmin(share, weir_habits_share(cells->habits, number_of(one->bits)))
                             : share;
    }
    double least = 1;
    for (size_t i = 0; i < cells->n_categories; i++) {
        double share = (double)then->cell[i] / n;
        least = fmin(least, share);
        if (cells->categories[i].hash == one->bits) {
            one->cell = i;
            return share;
        }
    }
    // Not among the most frequent: no more than the least of them, nor than all that share its
    // cell.
    one->cell = cells->n_categories + one->bits % WEIR_HASHED_CELLS;
    if (one->cell < cells->n)
        least = fmin(least, fmax((double)then->cell[one->cell], 1) / n);
    return cells->n_categories ? least : fmax(cells->unseen_share / n, 1 / n);
}

static int exceeds(const struct schema_judge *judge, struct candidate *one, double baseline)
{
    int rare = one->share >= RARE && one->share >= FACTOR * baseline;
    if (!rare && one->share - baseline < COMMON * (1 - baseline))
        return 0;
    const struct schema_told *seen = &judge->extract->fields[judge->field - judge->schema->fields];
    // As many independent values as the reference's variation from hour to hour lets them be.
    double n = (double)seen->values.sum;
    double part = schema_independent(judge->field->reference, schema_spread(judge->field), n) / n;
    one->p = schema_weights_chance(&seen->values, part, one->share, fmax(baseline, 1 / one->n));
    return one->p <= judge->p_value;
}

// Whether the other values kept their shares among themselves: those of its own cell, too.
static int others_stayed(const struct schema_judge *judge, const struct candidate *one)
{
    const struct weir_summary *then = judge->field->reference, *now = judge->now;
    double reference[WEIR_CELLS_CUTS], current[WEIR_CELLS_CUTS], left = 0, all = 0;
    size_t n = 0, held = 0;
    if (!now->cell || now->cells->n != then->cells->n || now->cells->n > WEIR_CELLS_CUTS)
        return 0;
    for (size_t i = 0; i < now->cells->n; i++) {
        all += (double)now->cell[i];
        reference[n] = (double)then->cell[i];
        current[n] = (double)now->cell[i];
        if (i == one->cell) {
            reference[n] = rint(fmax(0, reference[n] - one->baseline * (double)then->values));
            current[n] = rint(fmax(0, current[n] - one->share * (double)now->values));
        }
        held += reference[n] >= HELD * (double)then->values;
        left += current[n++];
    }
    int rare = one->baseline < RARE;
    // What never varied has no default; two categories trade shares by drifting, too.
    if (held < (rare ? 2 : CELLS))
        return 0;
    if (left < LEFT * all)
        return rare; // nothing is left to compare: a new value took all
    struct weir_cell_counts counts = {reference, current, n, 0};
    struct weir_cell_distances distances;
    return weir_cell_distances(&counts, &distances) == WEIR_TEST_OK &&
           distances.total_variation_debiased <= (rare ? MOVED : MOVED / 2);
}

// ---- what was usual in the windows before

static struct schema_usual *find_usual(const struct schema_judge *judge, uint64_t bits)
{
    struct schema_usual *usual = judge->memory->usual[judge->field - judge->schema->fields].values;
    for (size_t i = 0; i < SCHEMA_USUAL; i++) {
        if (usual[i].high > 0 && usual[i].bits == bits)
            return &usual[i];
    }
    return NULL;
}

static double past_share(const struct schema_judge *judge, const struct candidate *one)
{
    const struct schema_usual *usual = find_usual(judge, one->bits);
    double newcomer = exp((double)judge->past->tracks[SCHEMA_SPIKE].high);
    return usual ? fmax((double)usual->high, 0) : newcomer;
}

static void learn_value(const struct schema_judge *judge, uint64_t bits, double share)
{
    struct schema_usual *usual = judge->memory->usual[judge->field - judge->schema->fields].values;
    struct schema_usual *found = find_usual(judge, bits), *least = usual;
    for (size_t i = 0; i < SCHEMA_USUAL; i++)
        least = usual[i].high < least->high ? &usual[i] : least;
    if (found)
        found->high = fmaxf(found->high, (float)share);
    else if ((float)share > least->high)
        *least = (struct schema_usual){bits, (float)share};
}

static void learn(const struct schema_judge *judge, const struct schema_told *seen, int abnormal)
{
    double newcomer = 1e-4, n = (double)seen->values.sum;
    for (size_t i = 0; i < seen->n_common; i++) {
        if (!find_usual(judge, seen->common[i].bits))
            newcomer = fmax(newcomer, (double)seen->common[i].count / n);
    }
    struct schema_track *track = &judge->past->tracks[SCHEMA_SPIKE];
    uint32_t windows = track->n;
    schema_track_learn(track, log(newcomer), abnormal, judge->adopt);
    if (track->n == windows && abnormal)
        return;
    for (size_t i = 0; i < seen->n_common; i++)
        learn_value(judge, seen->common[i].bits, (double)seen->common[i].count / n);
}

// ---- words

static void name_of(const struct schema_judge *judge, const struct candidate *one, char *out,
                    size_t size)
{
    const struct weir_summary *then = judge->field->reference;
    int may = !judge->schema->redact || one->share * one->n >= SEEN;
    *out = 0;
    if (is_number(judge)) {
        if (may)
            snprintf(out, size, "%.10g", number_of(one->bits));
        return;
    }
    if (one->bits == weir_hash("", 0)) {
        snprintf(out, size, "\"\" (empty)");
        return;
    }
    for (size_t i = 0; then && may && i < then->cells->n_categories; i++) {
        const struct weir_string *category = &then->cells->categories[i];
        if (category->hash == one->bits && (!judge->schema->redact || then->cell[i] >= SEEN))
            snprintf(out, size, "\"%.*s\"", (int)(category->length < 40 ? category->length : 40),
                     category->data);
    }
}

static void fill(const struct schema_judge *judge, const struct candidate *one,
                 struct schema_verdict *verdict, const char *against)
{
    const struct schema_told *seen = &judge->extract->fields[judge->field - judge->schema->fields];
    char name[80], share[32], before[32], count[32], sample[64];
    double extra = (one->share - one->baseline) / (1 - fmin(one->baseline, 0.999));
    name_of(judge, one, name, sizeof name);
    snprintf(
        verdict->text, sizeof verdict->text,
        "%s: %s of %s values%s are %s; in %s %s%s were, and the other values keep their shares: "
        "look for a default that is filled in, or a source that hangs",
        judge->field->field->name, schema_share_text(one->share, share),
        weir_count_text(judge->now->values, count),
        schema_sample_text(&seen->values, judge->now->values, sample),
        *name ? name : "one and the same", against, one->baseline < RARE ? "at most " : "",
        schema_share_text(one->baseline, before));
    verdict->identity = WEIR_BY_FIELDS; // should it become all
    verdict->severity = extra >= CRITICAL ? WEIR_CRITICAL : WEIR_WARNING;
    verdict->share = extra;
    verdict->count = (uint64_t)(extra * (double)judge->now->values);
    verdict->statistic = (struct weir_statistic){
        "value_share", one->share, fmax(RARE, FACTOR * one->baseline), one->p, one->baseline};
}

static int consider(const struct schema_judge *judge, struct candidate *one, int has_past)
{
    const struct weir_summary *then = judge->field->reference;
    int known = then && then->cell && then->values;
    double before = has_past ? past_share(judge, one) : 0;
    if (known) {
        one->baseline = reference_share(judge, one);
        if (!exceeds(judge, one, one->baseline) || !others_stayed(judge, one))
            return 0;
        // What serving always had is no news, whatever training had; and mixes differ from
        // training.
        if (!has_past)
            return one->baseline < MIX;
        return exceeds(judge, one, fmax(before, one->baseline));
    }
    // Shares of common values come and go; whether the others stay cannot be told.
    one->baseline = before;
    return has_past && before < RARE && exceeds(judge, one, before);
}

static int judge_spike(struct schema_judge *judge, struct schema_verdict *verdict)
{
    const struct schema_told *seen = &judge->extract->fields[judge->field - judge->schema->fields];
    struct candidate best = {.share = 0};
    int found = 0;
    if (judge->slice || schema_weights_effective(&seen->values) < (double)judge->schema->minimum)
        return 0;
    int has_past = judge->past->tracks[SCHEMA_SPIKE].n >= SCHEMA_LEARN && schema_knows_a_day(judge);
    for (size_t i = 0; i < seen->n_common; i++) {
        struct candidate one = {.bits = seen->common[i].bits,
                                .n = schema_weights_effective(&seen->values),
                                .share = (double)seen->common[i].count / (double)seen->values.sum,
                                .cell = SIZE_MAX};
        if (!consider(judge, &one, has_past))
            continue;
        if (!found++ || one.share - one.baseline > best.share - best.baseline)
            best = one;
    }
    // Many values at once are a coarser precision, or another field.
    int abnormal = found && found <= SEVERAL;
    learn(judge, seen, abnormal);
    if (!abnormal)
        return 0;
    fill(judge, &best, verdict,
         judge->field->reference ? judge->schema->references[0] : "the windows before");
    return 1;
}

const struct schema_window_check schema_check_spike = {
    .rule = "default_spike",
    .kind = "schema.default_spike",
    .scope = SCHEMA_OF_FIELD,
    .yields = 1,
    .option = SCHEMA_OPTION_DEFAULT_SPIKE,
    .watch = SCHEMA_WATCH_VALUES,
    .parts = parts,
    .judge = judge_spike,
};
