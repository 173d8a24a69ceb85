// SPDX-License-Identifier: Apache-2.0
// Judging a window by a calibrated threshold. An incident needs a field that is beyond the
// threshold of the largest of all fields and tests, and a change that is large enough to matter.
// Which fields moved is told apart in two steps: 'confirmed' by stepping that threshold down
// (Westfall and Young, 1993; fields left / all fields), 'also moved' by the false discovery rate.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"
#include "stats/summary.h"

static const double DISCOVERIES = 0.05; // false ones among those that also moved
static const double LOWER_BOUND = 2.33;
static const double HOLDS = 0.5; // of the threshold

int drift_is_calibrated(const struct drift_memory *memory)
{
    return memory->calibration.learnt && isfinite(memory->calibration.budget.threshold);
}

// How much more than a sample's the field's usual variation is.
static double dispersion_of(const struct drift_memory *memory, size_t basis, size_t f, size_t cells)
{
    const struct weir_usual *usual =
        &memory->calibration.usual[(basis * memory->drift->n_fields + f) * WEIR_SCORES];
    int ordered = drift_memory_cells(memory, f)->shape == WEIR_SHAPE_NUMERIC;
    // Medians under no more than sampling: of Anderson-Darling's 0.77, of G / 2 half the degrees.
    double more = exp(usual[ordered ? WEIR_SCORE_LEVEL : WEIR_SCORE_SHAPE].median);
    more = (more - WEIR_USUAL_FLOOR) / (ordered ? 0.77 : fmax((double)cells - 1, 1) / 2);
    return fmax(more, 1);
}

// Whether it is the distribution that is unlike what is usual. Where it is nulls, or values never
// seen, the cells of a window with few values may be anything.
static int is_of_distribution(const struct drift_memory *memory, const struct drift_scored *scored,
                              const struct drift_counts *now)
{
    static const enum weir_cell_score local[] = {WEIR_SCORE_NULL, WEIR_SCORE_UNSEEN};
    double score = 0, least = HOLDS * memory->calibration.budget.threshold;
    for (int k = 0; k < WEIR_SCORES; k++)
        score = k == (int)local[0] || k == (int)local[1] ? score : fmax(score, scored->of[k]);
    return now->values >= memory->drift->minimum && score >= fmin(least, scored->score);
}

static void measure(struct drift_memory *memory, struct drift_room *room, size_t f,
                    struct drift_verdict *verdict)
{
    const struct drift_scored *scored = &memory->calibration.scored[f];
    const struct drift_counts *now = &memory->now[f];
    struct weir_expectation expected = drift_calibration_expect(memory, scored->basis, f);
    double n = 0;
    struct weir_cell_counts counts = {
        .reference = room->reference, .current = room->current, .ordered = expected.score != NULL};
    // Beyond the outermost cuts; and where there was nothing before.
    double low = 0, far = 0, fresh = 0;
    for (size_t i = 0; i < expected.n; i++) {
        n += (double)now->cell[i];
        if (!(expected.share[i] > 0)) {
            fresh += (double)now->cell[i];
            continue;
        }
        if (counts.ordered && (i == 0 || i + 1 == expected.n)) {
            low += expected.share[i];
            far += (double)now->cell[i];
        }
        room->reference[counts.n] = expected.share[i] * expected.worth;
        room->current[counts.n++] = (double)now->cell[i];
    }
    double threshold = memory->calibration.budget.threshold;
    double scale = scored->of[WEIR_SCORE_SCALE] > threshold ? fabs(scored->scale_ratio) : 0;
    verdict->effect = drift_effect(&counts, scale, &verdict->distances);
    verdict->dispersion = dispersion_of(memory, scored->basis, f, counts.n);
    double error = drift_effect_error(fmax(n, 1), fmax(expected.worth, 1), verdict->dispersion);
    verdict->low = verdict->effect - LOWER_BOUND * error;
    verdict->moved =
        verdict->effect >= memory->drift->delta && is_of_distribution(memory, scored, now);
    verdict->critical = verdict->moved && verdict->low >= memory->drift->critical;
    verdict->test = DRIFT_OMNIBUS;
    // What is local has floors of its own: shares of nulls, of unseen values, of tails.
    double unseen = counts.ordered ? 0 : fmax((double)now->unseen, fresh);
    double beyond = fresh > 0 ? scored->of[WEIR_SCORE_CUT] : 0;
    // Where most of it is in the outermost cells, as a constant's, they are no tail.
    if (low >= .5)
        low = far = 0;
    const struct {
        double score;
        enum drift_test test;
        double share, usual;
    } local[] = {
        {scored->of[WEIR_SCORE_NULL], DRIFT_NULL_RATE,
         now->rows ? (double)now->null / (double)now->rows : 0, expected.null_share},
        {fmax(scored->of[WEIR_SCORE_UNSEEN], beyond), DRIFT_UNSEEN,
         now->values ? unseen / (double)now->values : 0, expected.unseen_share},
        {fmax(scored->of[WEIR_SCORE_TAIL], beyond), DRIFT_TAIL,
         n > 0 && counts.ordered ? (far + fresh) / n : 0, low},
    };
    for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
        if (local[i].score <= threshold || (verdict->moved && i == 2) ||
            !drift_local(local[i].test, local[i].share, local[i].usual))
            continue;
        verdict->moved = 1;
        verdict->test = local[i].test;
        verdict->share = local[i].share;
        verdict->baseline = local[i].usual;
        verdict->critical |= local[i].share - local[i].usual >= DRIFT_CRITICAL_SHARE;
        break;
    }
}

struct ranked {
    double score;
    size_t field;
};

static int by_score(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->field > y->field) - (x->field < y->field);
}

// What was expected, as if so many records had been counted.
static void foresee(struct drift_memory *memory, size_t f)
{
    struct weir_expectation expected = drift_calibration_expect(memory, 1, f);
    struct drift_counts *counts = &memory->calibration.foreseen[f];
    drift_counts_reset(counts);
    for (size_t i = 0; i < expected.n; i++)
        counts->values += counts->cell[i] = (uint64_t)(expected.share[i] * expected.worth + .5);
    counts->unseen = (uint64_t)(expected.unseen_share * (double)counts->values + .5);
    counts->null = (uint64_t)((double)counts->values * expected.null_share /
                                  fmax(1 - expected.null_share, 1e-6) +
                              .5);
    counts->rows = counts->values + counts->null;
}

static void describe(struct drift_memory *memory, size_t f, struct drift_verdict *verdict)
{
    const struct drift_calibration *calibration = &memory->calibration;
    const struct drift_scored *scored = &calibration->scored[f];
    verdict->field = &memory->drift->fields[f];
    verdict->p_value = fmax(exp(-scored->score), 1e-300);
    verdict->score = scored->score;
    if (drift_is_season(calibration, scored->basis) && scored->basis) {
        foresee(memory, f);
        memory->hour[f] = drift_memory_over(memory, f, &calibration->foreseen[f]);
        verdict->then = &memory->hour[f];
        verdict->against = calibration->ahead_name;
    } else if (drift_is_season(calibration, scored->basis)) {
        memory->hour[f] = drift_memory_over(memory, f, &calibration->usual_now.hour[f]);
        verdict->then = &memory->hour[f];
        verdict->against = calibration->name;
    } else {
        size_t reference = calibration->bases[scored->basis];
        verdict->reference = reference;
        verdict->then = &memory->references[reference].then[f];
        verdict->against = memory->drift->references[reference];
    }
}

int drift_judge_calibrated(struct drift_memory *memory, const struct weir_window *window,
                           struct drift_room *room, struct drift_verdict *moved, size_t *n)
{
    const struct drift *drift = memory->drift;
    double threshold = memory->calibration.budget.threshold, all = (double)drift->n_fields;
    double tests = (double)(memory->calibration.n_bases * WEIR_SCORES);
    int opens = 0, code = drift_calibration_score(memory, window);
    size_t discovered = 0, confirmed = 0;
    *n = 0;
    struct ranked *ranked = malloc(drift->n_fields * sizeof *ranked);
    if (code || !ranked) {
        free(ranked);
        return code ? code : WEIR_ENOMEM;
    }
    for (size_t f = 0; f < drift->n_fields; f++)
        ranked[f] = (struct ranked){memory->calibration.scored[f].score, f};
    qsort(ranked, drift->n_fields, sizeof *ranked, by_score);
    while (confirmed < drift->n_fields &&
           ranked[confirmed].score > threshold + log((all - (double)confirmed) / all))
        confirmed++;
    for (size_t i = 0; i < drift->n_fields && ranked[i].score > 0; i++) {
        if (ranked[i].score - log(tests) >= -log(DISCOVERIES * (double)(i + 1) / all))
            discovered = i + 1;
    }
    uint8_t *held = memory->calibration.held;
    double least = drift_calibration_least(memory);
    for (size_t i = 0; i < drift->n_fields; i++) {
        size_t f = ranked[i].field;
        // What has opened an incident is in it for as long as it is half as clear: what the
        // windows before let expect fades, and the season alone may not be enough to open.
        int holds = held[f] && ranked[i].score > HOLDS * threshold;
        // Of too few values nothing is known: it may still be as it was.
        held[f] = held[f] && ranked[i].score <= 0 && !drift_has_enough(memory, f);
        if (!(i < confirmed || i < discovered || holds))
            continue;
        struct drift_verdict *verdict = &moved[*n];
        memset(verdict, 0, sizeof *verdict);
        code = drift_make_room(room, memory->now[f].n);
        if (code)
            break;
        measure(memory, room, f, verdict);
        if (!verdict->moved)
            continue;
        // What is too small to open one as yet is a part of one that others open.
        int is_small = least > 0 && !drift_is_plain(verdict) && verdict->low < least;
        describe(memory, f, verdict);
        verdict->now = drift_memory_now(memory, window, 0, f, 0);
        verdict->also = (i >= confirmed && !holds) || is_small;
        held[f] = verdict->now && !is_small && (ranked[i].score > threshold || holds);
        opens |= held[f];
        *n += verdict->now != NULL;
    }
    if (!opens)
        *n = 0;
    free(ranked);
    return code;
}
