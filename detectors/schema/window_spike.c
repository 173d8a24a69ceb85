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
// Over many windows: what makes a value a suspect, in nats; as many values might have been one.
static const double SUSPECT = 3, VALUES = 1e4, NEAR = 0.3;
enum { SOON = 24 }; // windows: what takes longer to show of a common value is drift

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
    // What never varied has no default; a few categories trade shares by drifting, too.
    int category = !is_number(judge) && one->cell < then->cells->n_categories;
    if (held < (rare && !category ? 2 : CELLS))
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
        *least = (struct schema_usual){.bits = bits, .high = (float)share};
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

// `since`: of which windows, where it is not the one at hand; `n`: of so many values.
static void fill(const struct schema_judge *judge, const struct candidate *one,
                 struct schema_verdict *verdict, const char *against, const char *since, double n)
{
    const struct schema_told *seen = &judge->extract->fields[judge->field - judge->schema->fields];
    char name[80], share[32], before[32], count[32], sample[64];
    double extra = (one->share - one->baseline) / (1 - fmin(one->baseline, 0.999));
    name_of(judge, one, name, sizeof name);
    snprintf(verdict->text, sizeof verdict->text,
             "%s: %s of %s values%s%s%s are %s; in %s %s%s were, and the other values keep their "
             "shares: "
             "look for a default that is filled in, or a source that hangs",
             judge->field->field->name, schema_share_text(one->share, share),
             weir_count_text((uint64_t)n, count),
             since ? "" : schema_sample_text(&seen->values, judge->now->values, sample),
             since ? " " : "", since ? since : "", *name ? name : "one and the same", against,
             one->baseline < RARE ? "at most " : "", schema_share_text(one->baseline, before));
    verdict->identity = WEIR_BY_FIELDS; // should it become all
    verdict->severity = extra >= CRITICAL ? WEIR_CRITICAL : WEIR_WARNING;
    verdict->share = extra;
    verdict->count = (uint64_t)(extra * n);
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

// ---- over many windows

static double seen_share(const struct schema_told *seen, uint64_t bits)
{
    for (size_t i = 0; i < seen->n_common; i++) {
        if (seen->common[i].bits == bits)
            return (double)seen->common[i].count / (double)seen->values.sum;
    }
    return 0;
}

static void set_rises(double usual, double rises[WEIR_RATE_RISES])
{
    double common = usual + COMMON * (1 - usual);
    rises[0] = fmin(common, fmax(RARE, FACTOR * usual));
    rises[1] = usual + 4 * (rises[0] - usual);
}

// What was usual in the windows before goes on being learnt, also where a value is suspect.
static void learn_runs(const struct schema_judge *judge, const struct schema_told *seen, double n)
{
    struct schema_usual *usual = judge->memory->usual[judge->field - judge->schema->fields].values;
    for (size_t i = 0; i < SCHEMA_USUAL; i++) {
        struct weir_rate_rules rules = {
            .known = NAN, .threshold = INFINITY, .part = 1, .adopt = judge->adopt};
        if (!(usual[i].high > 0))
            continue;
        set_rises(weir_rate_usual(&usual[i].run, NAN), rules.rises);
        weir_rate_step(&usual[i].run, &rules, seen_share(seen, usual[i].bits) * n, n,
                       judge->window->start);
    }
}

// The share that the value may have had until now.
static double long_baseline(const struct schema_judge *judge, struct candidate *one)
{
    const struct schema_usual *usual = find_usual(judge, one->bits);
    double share = reference_share(judge, one), n = (double)judge->field->reference->values;
    share += (3 + 2 * sqrt(share * n)) / n; // its upper bound
    double before = usual ? weir_rate_usual(&usual->run, NAN) : NAN;
    return fmax(share, before); // of a number and NAN the number
}

// Of numbers, the shares that those near the value have, in the reference and now: where all of
// them rise it is a drift.
static void see_near(const struct schema_judge *judge, size_t cell, double share, double baseline,
                     double *now, double *then)
{
    const struct weir_summary *is = judge->now, *was = judge->field->reference;
    *now = -share * (double)is->values;
    *then = -baseline * (double)was->values;
    for (size_t i = cell < 2 ? 0 : cell - 2; i < is->cells->n && i <= cell + 2; i++) {
        *now += (double)is->cell[i];
        *then += (double)was->cell[i];
    }
    *now = fmax(*now, 0) / (double)is->values;
    *then = fmax(*then, 1) / (double)was->values;
}

// Adds the window to what is known of a value. Its best score.
static double follow(const struct schema_judge *judge, struct schema_suspect *suspect,
                     const struct schema_told *seen, double n, double part)
{
    struct candidate one = {.bits = suspect->bits, .cell = SIZE_MAX};
    double usual = one.baseline = long_baseline(judge, &one), rises[WEIR_RATE_RISES], best = 0;
    double share = seen_share(seen, suspect->bits), hits = share * n, near, before;
    set_rises(usual, rises);
    if (is_number(judge)) {
        see_near(judge, one.cell, share, one.baseline, &near, &before);
        suspect->near += n * near;
        suspect->near_before += n * before;
    }
    for (int i = 0; i < WEIR_RATE_RISES; i++)
        best = fmax(best, weir_rate_add(&suspect->sums[i], usual, rises[i], part * hits, part * n,
                                        judge->window->start, 1.3 * schema_long_threshold(VALUES)));
    suspect->doubt = best > SUSPECT ? suspect->doubt + 1 : 0;
    return best;
}

static double score_of(const struct schema_suspect *suspect)
{
    return fmax(suspect->sums[0].score, suspect->sums[1].score);
}

// New suspects among the values that came often, in place of those that are the least so.
static void suspect_more(const struct schema_judge *judge, struct schema_suspect *suspects,
                         const struct schema_told *seen, double n, double part)
{
    for (size_t i = 0; i < seen->n_common; i++) {
        struct schema_suspect made = {.bits = seen->common[i].bits}, *least = suspects;
        int there = 0;
        for (int k = 0; k < SCHEMA_SUSPECTS; k++) {
            there |= score_of(&suspects[k]) > 0 && suspects[k].bits == made.bits;
            least = score_of(&suspects[k]) < score_of(least) ? &suspects[k] : least;
        }
        if (!there && follow(judge, &made, seen, n, part) > fmax(SUSPECT, score_of(least)))
            *least = made;
    }
}

static int is_spike(const struct schema_judge *judge, struct schema_suspect *suspect,
                    const struct schema_told *seen, struct candidate *one,
                    const struct weir_rate_sum **sum)
{
    double rises[WEIR_RATE_RISES];
    *sum = &suspect->sums[suspect->sums[1].score > suspect->sums[0].score];
    *one = (struct candidate){.bits = suspect->bits, .n = (*sum)->of, .cell = SIZE_MAX};
    one->baseline = long_baseline(judge, one);
    set_rises(one->baseline, rises);
    struct candidate now = *one;
    now.share = seen_share(seen, suspect->bits);
    one->share = (*sum)->hits / (*sum)->of;
    one->p = exp(-(*sum)->score);
    int found =
        (*sum)->score >= schema_long_threshold(VALUES) && one->share >= rises[0] &&
        suspect->doubt < judge->adopt &&
        (one->baseline < MIX || suspect->told || (*sum)->windows <= SOON) &&
        suspect->near <= suspect->near_before * (1 + NEAR * (one->share / one->baseline - 1)) &&
        (suspect->told || others_stayed(judge, &now));
    suspect->told = found ? suspect->told + 1 : 0;
    return found;
}

// Values that come a little too often in many windows.
static int judge_long(const struct schema_judge *judge, const struct schema_told *seen,
                      struct schema_verdict *verdict)
{
    const struct weir_summary *then = judge->field->reference, *is = judge->now;
    if (!then || !then->cell || !then->values || !is->cell || is->cells->n != then->cells->n)
        return 0;
    struct schema_suspect *suspects =
        judge->memory->runs[judge->field - judge->schema->fields].suspects;
    double n = schema_weights_effective(&seen->values);
    double part = schema_independent(judge->field->reference, schema_spread(judge->field), n) / n;
    const struct weir_rate_sum *sum, *best_sum = NULL;
    struct candidate one, best = {.share = 0};
    int found = 0;
    for (int k = 0; k < SCHEMA_SUSPECTS; k++) {
        if (score_of(&suspects[k]) > 0 && follow(judge, &suspects[k], seen, n, part) <= 0)
            suspects[k] = (struct schema_suspect){.bits = 0};
    }
    suspect_more(judge, suspects, seen, n, part);
    for (int k = 0; k < SCHEMA_SUSPECTS; k++) {
        if (!is_spike(judge, &suspects[k], seen, &one, &sum))
            continue;
        if (!found++ || one.share - one.baseline > best.share - best.baseline) {
            best = one;
            best_sum = sum;
        }
    }
    if (!found || found > SEVERAL)
        return 0;
    char since[64];
    fill(judge, &best, verdict, judge->schema->references[0], schema_since_text(best_sum, since),
         best_sum->of / part);
    return 1;
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
    if (!abnormal) {
        learn_runs(judge, seen, schema_weights_effective(&seen->values));
        return judge_long(judge, seen, verdict);
    }
    fill(judge, &best, verdict,
         judge->field->reference ? judge->schema->references[0] : "the windows before", NULL,
         (double)judge->now->values);
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
