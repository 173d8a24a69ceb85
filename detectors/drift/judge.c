// SPDX-License-Identifier: Apache-2.0
// A field moved when chance does not explain the difference AND it is large enough to matter.
// Significance comes from exact tests that know both sample sizes; effects are brought to one
// scale, the shift in standard deviations of a normal variable that would give them.
#include <math.h>
#include <stdlib.h>

#include "detectors/drift/drift.h"
#include "stats/cell_score.h"
#include "stats/effect.h"
#include "stats/special.h"
#include "stats/summary.h"

// Local changes that global effects would veto: share and factor that each must reach.
static const double NULL_CHANGE = 0.01, NULL_FACTOR = 2, LOCAL_SHARE = 0.005, LOCAL_FACTOR = 5;
// From where on a local change is critical (lower confidence bound).
static const double CRITICAL_SHARE = DRIFT_CRITICAL_SHARE;
static const double LOWER_BOUND = 2.33; // standard errors below: 99%

// ---- significance

// Chance of at least, or at most, so many marked ones among those drawn.
static double upper_tail(double x, double drawn, double marked, double population)
{
    double p = weir_hypergeometric(x, population, marked, drawn).upper;
    return p >= 0 && p <= 1 ? p : 1;
}

static double two_sided(double x, double drawn, double marked, double population)
{
    struct weir_hypergeometric h = weir_hypergeometric(x, population, marked, drawn);
    double p = 2 * fmin(h.lower, h.upper);
    return p >= 0 && p <= 1 ? p : 1;
}

static void take(struct drift_verdict *verdict, enum drift_test test, double p)
{
    verdict->test = test;
    verdict->p_value = p;
    verdict->moved = 1;
}

static int wants(const struct drift *drift, enum drift_test test)
{
    return (drift->tests >> test & 1) != 0;
}

static double lower_bound(double share, double n)
{
    return share - LOWER_BOUND * sqrt(share * (1 - share) / n);
}

// ---- nulls, unseen values, tails

// So many independent values are worth `n` of windows that vary more than samples do.
static double worth(const struct drift_verdict *verdict, double n)
{
    return verdict->dispersion > 1 ? floor(n / verdict->dispersion + 0.5) : n;
}

static void judge_nulls(const struct drift *drift, double alpha, struct drift_verdict *verdict)
{
    const struct weir_summary *now = verdict->now, *then = verdict->then;
    double n = (double)now->rows, m = (double)then->rows;
    double nulls = (double)(now->null + now->missing),
           before = (double)(then->null + then->missing);
    if (!wants(drift, DRIFT_NULL_RATE) || now->rows < drift->minimum || !then->rows)
        return;
    double share = nulls / n, baseline = before / m;
    if (!drift_local(DRIFT_NULL_RATE, share, baseline))
        return;
    double x = worth(verdict, nulls), drawn = worth(verdict, n);
    double p = two_sided(x, drawn, x + worth(verdict, before), drawn + worth(verdict, m));
    if (p > alpha)
        return;
    take(verdict, DRIFT_NULL_RATE, p);
    verdict->share = share;
    verdict->baseline = baseline;
    verdict->critical = lower_bound(fabs(share - baseline), n) >= CRITICAL_SHARE;
}

// Values of kinds that the reference does not have: of strings those that are not among its values,
// of all categories those in cells that it has nothing in (a boolean that was always false).
static double unseen_of(const struct weir_summary *now, const struct weir_summary *then)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < then->cells->n; i++)
        sum += then->cell[i] ? 0 : now->cell[i];
    // What is not among the values is in some cell too.
    return (double)(then->cells->known && now->unseen > sum ? now->unseen : sum);
}

// What more of the reference would have brought of such (Good and Turing), but not less than one
// value in the reference's size.
static double unseen_expected(const struct weir_summary *then)
{
    double once = 0, n = (double)then->values;
    for (size_t i = 0; i < then->cells->n; i++)
        once += then->cell[i] == 1;
    return fmin(fmax(then->cells->unseen_share, (once + 1) / (n + 1)), 1);
}

static void judge_unseen(const struct drift *drift, double alpha, struct drift_verdict *verdict)
{
    const struct weir_summary *now = verdict->now, *then = verdict->then;
    if (!wants(drift, DRIFT_UNSEEN) || now->shape == WEIR_SHAPE_NUMERIC || !then->values)
        return;
    double n = (double)now->values, unseen = unseen_of(now, then), share = unseen / n;
    if (!(share >= LOCAL_SHARE))
        return;
    double expected = unseen_expected(then);
    if (share < LOCAL_FACTOR * expected)
        return;
    double p = weir_binomial_sf(worth(verdict, unseen), worth(verdict, n), expected);
    if (!(p <= alpha))
        return;
    take(verdict, DRIFT_UNSEEN, p);
    verdict->share = share;
    verdict->baseline = then->cells->unseen_share;
    verdict->critical = lower_bound(share, n) >= CRITICAL_SHARE;
}

// Cells beyond the outermost cuts (`outer`), and those where the reference has nothing at all.
static double tail_of(const struct weir_summary *summary, const struct weir_summary *reference,
                      int outer)
{
    size_t n = reference->cells->n;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        if ((outer && (i == 0 || i + 1 == n)) || !reference->cell[i])
            sum += (double)summary->cell[i];
    }
    return sum;
}

static void judge_tail(const struct drift *drift, double alpha, struct drift_verdict *verdict)
{
    const struct weir_summary *now = verdict->now, *then = verdict->then;
    if (!wants(drift, DRIFT_TAIL) || now->shape != WEIR_SHAPE_NUMERIC || then->cells->n < 2)
        return;
    double n = 0, m = 0;
    for (size_t i = 0; i < then->cells->n; i++) {
        n += (double)now->cell[i];
        m += (double)then->cell[i];
    }
    if (n < (double)drift->minimum || m < 1)
        return;
    // Where most of it is in the outermost cells, as a constant's, they are no tail.
    int outer = tail_of(then, then, 1) * 2 <= m;
    double far = tail_of(now, then, outer), before = tail_of(then, then, outer);
    double share = far / n, baseline = before / m;
    if (!drift_local(DRIFT_TAIL, share, baseline))
        return;
    double x = worth(verdict, far), drawn = worth(verdict, n);
    double p = upper_tail(x, drawn, x + worth(verdict, before), drawn + worth(verdict, m));
    if (p > alpha)
        return;
    take(verdict, DRIFT_TAIL, p);
    verdict->share = share;
    verdict->baseline = baseline;
    verdict->critical = lower_bound(share, n) >= CRITICAL_SHARE;
}

// ---- the distribution

int drift_make_room(struct drift_room *room, size_t n)
{
    if (n <= room->n)
        return 0;
    double *grown = realloc(room->reference, 4 * n * sizeof *grown);
    if (!grown)
        return WEIR_ENOMEM;
    room->reference = grown;
    room->current = grown + n;
    room->share = grown + 2 * n;
    room->score = grown + 3 * n;
    room->n = n;
    return 0;
}

// Cells in which the reference has values; the others are the tail's or the unseen values'.
static size_t fill(struct drift_room *room, const struct weir_summary *now,
                   const struct weir_summary *then, double dispersion)
{
    size_t n = 0;
    double by = dispersion > 1 ? 1 / dispersion : 1;
    for (size_t i = 0; i < then->cells->n; i++) {
        if (!then->cell[i])
            continue;
        room->reference[n] = (double)then->cell[i] * by;
        room->current[n++] = by < 1 ? floor((double)now->cell[i] * by + 0.5) : (double)now->cell[i];
    }
    return n;
}

double drift_effect(const struct weir_cell_counts *counts, double scale_ratio,
                    struct weir_cell_distances *distances)
{
    return weir_cell_distances(counts, distances) == WEIR_TEST_OK
               ? weir_effect_of_distances(distances, scale_ratio)
               : 0;
}

double drift_effect_error(double n, double m, double dispersion)
{
    return 1.25 * sqrt((1 / n + 1 / m) * dispersion);
}

double drift_surely(double effect, double n, double m, double dispersion)
{
    return effect - LOWER_BOUND * drift_effect_error(n, m, dispersion);
}

static int is_chance(const struct weir_cell_counts *counts, double alpha)
{
    struct weir_omnibus omnibus;
    if (alpha >= 1)
        return 0;
    weir_omnibus(counts, &omnibus);
    return omnibus.status != WEIR_TEST_OK || omnibus.p_value > alpha;
}

double drift_offset(const struct weir_summary *profile, const struct drift_counts *stretch,
                    double alpha)
{
    struct drift_room room = {0};
    struct weir_cell_distances distances;
    struct weir_summary now = {.cell = stretch->cell};
    double effect = 0;
    if (!drift_make_room(&room, profile->cells->n)) {
        struct weir_cell_counts counts = {.reference = room.reference,
                                          .current = room.current,
                                          .n = fill(&room, &now, profile, 1),
                                          .ordered = profile->shape == WEIR_SHAPE_NUMERIC};
        effect = drift_effect(&counts, 0, &distances);
        if (effect > 0 && is_chance(&counts, alpha))
            effect = 0;
    }
    free(room.reference);
    return effect;
}

int drift_local(enum drift_test test, double share, double usual)
{
    double high = fmax(share, usual), low = fmin(share, usual);
    if (test == DRIFT_NULL_RATE)
        return high - low >= NULL_CHANGE && high >= NULL_FACTOR * low;
    return share >= LOCAL_SHARE && share >= LOCAL_FACTOR * usual;
}

static double named_p(const struct drift *drift, const struct weir_cell_counts *counts,
                      enum drift_test *which)
{
    struct weir_cell_tests tests;
    double best = 1;
    if (!(drift->tests & ((1u << DRIFT_NULL_RATE) - 1) & ~(1u << DRIFT_OMNIBUS)))
        return 1; // none is asked for: half of a window's time
    if (weir_cell_tests(counts, &tests) != WEIR_TEST_OK)
        return 1;
    const struct weir_test *const by_test[] = {
        [DRIFT_KS] = &tests.ks,
        [DRIFT_KUIPER] = &tests.kuiper,
        [DRIFT_CRAMER_VON_MISES] = &tests.cramer_von_mises,
        [DRIFT_ANDERSON_DARLING] = &tests.anderson_darling,
        [DRIFT_BERK_JONES] = &tests.berk_jones,
        [DRIFT_CHI_SQUARE] = &tests.chi_square,
        [DRIFT_G] = &tests.g,
    };
    for (int test = DRIFT_KS; test <= DRIFT_G; test++) {
        const struct weir_test *result = by_test[test];
        if (wants(drift, (enum drift_test)test) && result->status == WEIR_TEST_OK &&
            result->p_value < best) {
            best = result->p_value;
            *which = (enum drift_test)test;
        }
    }
    return best;
}

// About what the omnibus will say of the variance ratio, at a small part of its cost.
static double quick_scale(const struct drift_room *room, const struct weir_cell_counts *counts,
                          double all)
{
    double mean = 0, square = 0, usual = 0, n = 0;
    if (!counts->ordered)
        return 0;
    for (size_t i = 0; i < counts->n; i++)
        room->share[i] = counts->reference[i] / all;
    weir_normal_scores(room->share, counts->n, room->score);
    for (size_t i = 0; i < counts->n; i++) {
        double z = room->score[i], x = counts->current[i];
        n += x;
        mean += x * z;
        square += x * z * z;
        usual += room->share[i] * z * z;
    }
    double variance = square / n - mean / n * (mean / n);
    return usual > 0 && variance > 0 ? log(variance / usual) : 0;
}

static void judge_distribution(const struct drift *drift, double alpha, struct drift_room *room,
                               struct drift_verdict *verdict)
{
    const struct weir_summary *now = verdict->now, *then = verdict->then;
    struct weir_cell_counts counts = {.reference = room->reference,
                                      .current = room->current,
                                      .n = fill(room, now, then, 1),
                                      .ordered = now->shape == WEIR_SHAPE_NUMERIC};
    double n = 0, m = 0;
    for (size_t i = 0; i < counts.n; i++) {
        n += room->current[i];
        m += room->reference[i];
    }
    if (n < (double)drift->minimum || m < 2 ||
        weir_cell_distances(&counts, &verdict->distances) != WEIR_TEST_OK)
        return;
    // Most fields have not changed by enough to matter, whatever a test would say.
    verdict->effect = weir_effect_of_distances(&verdict->distances, quick_scale(room, &counts, m));
    if (verdict->effect < 0.7 * drift->delta)
        return;
    // How large it is the counts say; whether chance explains it depends on what they are worth.
    if (verdict->dispersion > 1)
        fill(room, now, then, verdict->dispersion);
    struct weir_omnibus omnibus;
    enum drift_test which = DRIFT_OMNIBUS;
    double p = 1;
    weir_omnibus(&counts, &omnibus);
    if (wants(drift, DRIFT_OMNIBUS) && omnibus.status == WEIR_TEST_OK)
        p = omnibus.p_value;
    enum drift_test named = which;
    double q = named_p(drift, &counts, &named);
    if (q < p) {
        p = q;
        which = named;
    }
    const struct weir_test *scale = &omnibus.parts[WEIR_OMNIBUS_SCALE];
    int scaled =
        omnibus.status == WEIR_TEST_OK && scale->status == WEIR_TEST_OK && scale->p_value <= alpha;
    verdict->effect = weir_effect_of_distances(&verdict->distances, scaled ? scale->value : 0);
    if (p > alpha || verdict->effect < drift->delta)
        return;
    take(verdict, which, p);
    verdict->critical =
        drift_surely(verdict->effect, n, m, fmax(verdict->dispersion, 1)) >= drift->critical;
}

int drift_judge(const struct drift *drift, double alpha, struct drift_room *room,
                const struct weir_summary *now, const struct weir_summary *then,
                struct drift_verdict *verdict)
{
    verdict->now = now;
    verdict->then = then;
    verdict->p_value = 1;
    if (!now->cell || !then->cell || now->cells->n != then->cells->n ||
        (now->cells != then->cells && weir_cells_hash(now->cells) != weir_cells_hash(then->cells)))
        return 0;
    if (drift_make_room(room, then->cells->n))
        return WEIR_ENOMEM;
    // One reason a verdict: a share of nulls or unseen values, a tail, else the distribution.
    judge_nulls(drift, alpha, verdict);
    if (now->values < drift->minimum)
        return 0;
    if (!verdict->moved)
        judge_unseen(drift, alpha, verdict);
    struct drift_verdict shape = *verdict, tail = *verdict;
    shape.moved = shape.critical = tail.moved = tail.critical = 0;
    judge_distribution(drift, alpha, room, &shape);
    judge_tail(drift, alpha, &tail);
    tail.distances = verdict->distances = shape.distances;
    tail.effect = verdict->effect = shape.effect;
    // A tail is the reason where it is a good part of what changed (noise adds to the whole).
    if (tail.moved && 3 * (tail.share - tail.baseline) >= shape.distances.total_variation_debiased)
        shape = tail;
    else if (shape.moved)
        shape.share = shape.baseline = 0;
    if (shape.moved && (!verdict->moved || shape.critical > verdict->critical))
        *verdict = shape;
    return 0;
}
