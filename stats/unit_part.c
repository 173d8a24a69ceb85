// SPDX-License-Identifier: Apache-2.0
// Changes of a share of the values: mixtures of the reference and what a map makes of it.
#include <math.h>
#include <stdlib.h>

#include "stats/sort.h"
#include "stats/special.h"
#include "stats/unit_inside.h"

enum { TRIED = 6, GRID = 7, CURRENT_CUTS = 64, TAIL_CUTS = 24 };
// Cuts of the reference and of the current law; of the reference and those tried.
enum { BINS = UNIT_LEVELS + CURRENT_CUTS + 2 * TAIL_CUTS + TRIED * UNIT_LEVELS };
// Of 2 ln likelihood ratio: over the reference as it is (a chance of 1e-10 by chi-square, against a
// hundred entries, 1,000 fields and 10,000 windows a month), and over the best plain drift.
static const double THRESHOLD = 40, OVER_DRIFT = 0.7;
// The second part must stand apart from the first, and have so many values (more for a range,
// which leaves more to chance).
static const double SEPARATION = 0.45, FEWEST = 25, FEWEST_HINTED = 40, FEWEST_RANGE = 40,
                    FEWEST_HINTED_RANGE = 150;
// Logarithms make so much of a law that little of one would fit many things.
static const double CURVED_SEPARATION = 0.9, CURVED_SHARE = 0.05;
// What 2 ln likelihood ratio (chi-square, two degrees) a free place and spread may gain; the least
// p-value of the second part's counts; what is left of KS for wobble.
static const double FREE_GAIN = 7.4, FIT = 5e-3, WOBBLE = 0.04, CELL_WOBBLE = 0.05, OFF_PLACE = 0.1,
                    OFF_SPREAD = 0.1;
// 2 ln likelihood ratio for each value of the second part: the least, and from where on what was
// moved is so plain that the day's own wobble is let pass.
static const double SPEAKS = 0.3, PLAIN = 0.6, PLAINER = 2;
// Of 2 ln likelihood ratio: what explains as well but for so much is named, too.
// An exact factor is named before a range that explains it better by no more than EXACT.
static const double NEAR = 9, EXACT = 2;
static const double SMOOTHING = 0.5;

// Counts of the current values between cuts.
struct bins {
    double cut[BINS];
    size_t cuts; // one less than there are cells
    double count[BINS + 1];
    double doubt[BINS + 1]; // of `count`, by lumps at the cuts
    double n;
};

static void add_cut(struct bins *bins, double cut)
{
    if (isfinite(cut) && bins->cuts < BINS)
        bins->cut[bins->cuts++] = cut;
}

static void add_reference_cuts(struct bins *bins, const struct unit_reference *reference,
                               const struct weir_unit_map *map)
{
    for (size_t i = 0; i < reference->cuts; i++)
        add_cut(bins, weir_unit_apply(map, reference->cut[i]));
}

// Where the current values are, and closely where the reference has next to none.
static void add_current_cuts(struct bins *bins, const struct weir_law *current,
                             const struct unit_reference *reference)
{
    double low = weir_law_below(current, reference->cut[reference->cuts > 8 ? 4 : 1], NULL);
    double high = weir_law_below(current, reference->cut[reference->cuts - 2], NULL);
    for (int i = 1; i < CURRENT_CUTS; i++)
        add_cut(bins, weir_law_quantile(current, (double)i / CURRENT_CUTS));
    for (int i = 1; i <= TAIL_CUTS; i++) {
        double part = (double)i / (TAIL_CUTS + 1);
        add_cut(bins, weir_law_quantile(current, low * part));
        add_cut(bins, weir_law_quantile(current, high + (1 - high) * part));
    }
}

static void begin_bins(struct bins *bins)
{
    bins->cuts = 0;
}

// Cells between the cuts that were added, all empty.
static void finish_bins(struct bins *bins)
{
    size_t n = bins->cuts;
    weir_sort_doubles(bins->cut, n);
    bins->cuts = 0;
    for (size_t i = 0; i < n; i++)
        if (!bins->cuts || bins->cut[i] > bins->cut[bins->cuts - 1])
            bins->cut[bins->cuts++] = bins->cut[i];
    bins->n = 0;
    for (size_t i = 0; i <= bins->cuts; i++)
        bins->count[i] = bins->doubt[i] = 0;
}

// Adds `sign` times the law's counts, of what was `undo`ne if that is not NULL.
static void add_counts(struct bins *bins, const struct weir_law *law, double sign,
                       const struct weir_unit_map *undo)
{
    double before = 0, uncertain = 0;
    struct weir_unit_map inverse = undo ? weir_unit_inverse(undo) : UNIT_SAME;
    for (size_t i = 0; i <= bins->cuts; i++) {
        double doubt = 0, below = 1;
        if (i < bins->cuts)
            below = weir_law_mapped_below(law, &inverse, bins->cut[i], &doubt);
        bins->count[i] += sign * law->total * (below - before);
        bins->doubt[i] += law->total * (doubt + uncertain);
        before = below;
        uncertain = doubt;
    }
    bins->n += sign * law->total;
}

// Cells that tell both parts well: cuts of the reference, and what the map makes of them.
static void make_bins(struct bins *bins, const struct weir_unit_question *question,
                      const struct unit_reference *reference, const struct weir_unit_map *map)
{
    begin_bins(bins);
    add_reference_cuts(bins, reference, &UNIT_SAME);
    add_reference_cuts(bins, reference, map);
    finish_bins(bins);
    if (question)
        add_counts(bins, question->current, 1, NULL);
}

// The chance of each cell for the reference after `drift` and `map`. Values that the reference
// has none of keep a little.
static void chances(const struct bins *bins, const struct unit_reference *reference,
                    const struct unit_drift *drift, const struct weir_unit_map *map, double *out)
{
    double total = reference->law->total, cells = (double)bins->cuts + 1, before = 0;
    for (size_t i = 0; i <= bins->cuts; i++) {
        double below = i < bins->cuts ? unit_below(reference, drift, map, bins->cut[i], NULL) : 1;
        out[i] = (total * fmax(0, below - before) + SMOOTHING) / (total + SMOOTHING * cells);
        before = below;
    }
}

static double log_likelihood(const struct bins *bins, const double *chance)
{
    double sum = 0;
    for (size_t i = 0; i <= bins->cuts; i++)
        if (bins->count[i] > 0)
            sum += bins->count[i] * log(chance[i]);
    return sum;
}

// A model with a place and a spread to be found.
struct model {
    const struct unit_reference *reference;
    const struct bins *bins;
    const struct weir_unit_map *map; // NULL: a plain drift and nothing else
    const struct unit_drift *base;   // NULL: the drift to be found is of everything; else only
                                     // the second part's, on top of this
    double f[BINS + 1], g[BINS + 1];
    struct weir_mixture mixture;
};

// The log likelihood; leaves chances and share in the model.
static double evaluate(struct model *model, const struct unit_drift *drift)
{
    const struct unit_drift *first = model->base ? model->base : drift;
    struct unit_drift second = *first;
    if (model->base) {
        second.shift = drift->shift + drift->spread * first->shift;
        second.spread = drift->spread * first->spread;
    }
    chances(model->bins, model->reference, first, &UNIT_SAME, model->f);
    double sum = log_likelihood(model->bins, model->f);
    if (!model->map)
        return sum;
    chances(model->bins, model->reference, &second, model->map, model->g);
    weir_mixture_fit(model->bins->count, model->f, model->g, model->bins->cuts + 1,
                     &model->mixture);
    return sum + model->mixture.gain;
}

// Climbs from `drift` by steps that are halved where none helps. The model is left at the top.
static double climb(struct model *model, struct unit_drift *drift)
{
    double best = evaluate(model, drift), step = 0.32;
    for (int moves = 0; step > 0.012 && moves < 40; moves++) {
        const struct unit_drift around[4] = {{drift->shift + step, drift->spread},
                                             {drift->shift - step, drift->spread},
                                             {drift->shift, drift->spread * (1 + step)},
                                             {drift->shift, drift->spread / (1 + step)}};
        int better = -1;
        for (int i = 0; i < 4; i++) {
            double value = evaluate(model, &around[i]);
            if (value > best) {
                best = value;
                better = i;
            }
        }
        if (better < 0)
            step /= 2;
        else
            *drift = around[better];
    }
    evaluate(model, drift);
    return best;
}

struct candidate {
    const struct weir_unit_entry *entry;
    struct weir_unit_map map;
    double first;      // gain over the reference as it is, nats, in the cells that all share
    double gain;       // over a plain drift, nats
    double likelihood; // in the cells that all that were tried share
    double share, se, undone;
    struct unit_drift base;
    struct unit_drift open; // where the second part would be if it were free
    int fits;
};

struct search {
    const struct weir_unit_question *question;
    const struct unit_reference *reference;
    double threshold; // of 2 ln likelihood ratio
    struct bins bins; // that all entries share
    struct candidate tried[TRIED + 1];
    size_t n;
};

static double first_gain(const struct search *search, const struct weir_unit_map *map)
{
    struct model model = {.reference = search->reference, .bins = &search->bins, .map = map};
    evaluate(&model, &UNIT_STILL);
    return model.mixture.gain;
}

// A range's best factor, on a grid and then between its best three.
static void choose_factor(const struct search *search, struct candidate *candidate)
{
    const struct weir_unit_entry *entry = candidate->entry;
    candidate->first = first_gain(search, &candidate->map);
    if (entry->low == entry->high)
        return;
    double low = log(entry->low), high = log(entry->high);
    for (int round = 0; round < 2; round++) {
        double step = (high - low) / (GRID - 1), best = log(candidate->map.a);
        for (int i = 0; i < GRID; i++) {
            struct weir_unit_map map = entry->map;
            map.a = exp(low + step * i);
            double gain = first_gain(search, &map);
            if (gain > candidate->first) {
                candidate->first = gain;
                candidate->map = map;
                best = log(map.a);
            }
        }
        low = fmax(log(entry->low), best - step);
        high = fmin(log(entry->high), best + step);
    }
}

// Pearson's test where the second part is most of what is expected, cells put together until
// five are expected; 1 where there are too few of them.
static double fit_of_part(const struct model *model, double noise_factor, double lenience)
{
    const struct bins *bins = model->bins;
    double w = model->mixture.share, square = 0, expected = 0, seen = 0, doubt = 0;
    int groups = 0;
    for (size_t i = 0; i <= bins->cuts; i++) {
        double second = w * model->g[i], all = (1 - w) * model->f[i] + second;
        if (second < all / 2)
            continue;
        expected += bins->n * all;
        seen += bins->count[i];
        doubt += bins->doubt[i];
        if (expected < 5)
            continue;
        double wobble = lenience * CELL_WOBBLE * expected;
        square += (seen - expected) * (seen - expected) /
                  (expected * noise_factor + doubt * doubt / 4 + wobble * wobble);
        groups++;
        expected = seen = doubt = 0;
    }
    return groups > 1 ? weir_chi_square_sf(square, groups - 1) : 1;
}

static double distance_of(const struct model *model)
{
    const struct bins *bins = model->bins;
    double w = model->mixture.share, a = 0, b = 0, largest = 0;
    for (size_t i = 0; i < bins->cuts; i++) {
        a += bins->count[i] / bins->n;
        b += (1 - w) * model->f[i] + w * model->g[i];
        largest = fmax(largest, fabs(a - b) - bins->doubt[i] / bins->n);
    }
    return largest;
}

// The best that a drift does without a change of unit: of everything, or with a share that is
// spread more widely (a heavier tail).
static double plain_likelihood(const struct search *search, const struct bins *bins)
{
    struct model plain = {.reference = search->reference, .bins = bins};
    struct unit_drift base = UNIT_STILL;
    double best = climb(&plain, &base), step = 1.25;
    struct model tail = {
        .reference = search->reference, .bins = bins, .map = &UNIT_SAME, .base = &base};
    for (struct unit_drift wide = {0, step}; wide.spread < 5; wide.spread *= step)
        best = fmax(best, evaluate(&tail, &wide));
    return best;
}

static int is_large_enough(const struct candidate *candidate, double values)
{
    int range = candidate->entry->low != candidate->entry->high;
    int curved = candidate->map.form != WEIR_UNIT_LINEAR;
    if (curved && candidate->share < CURVED_SHARE)
        return 0;
    if (candidate->entry->scope == WEIR_UNIT_DECLARED)
        return values >= (range ? FEWEST_RANGE : FEWEST);
    return values >= (range ? FEWEST_HINTED_RANGE : FEWEST_HINTED);
}

// Whether no other place and spread of the second part explains the counts clearly better.
static int is_in_place(const struct search *search, const struct bins *bins,
                       struct candidate *candidate, double with, double noise, double lenience)
{
    struct model open = {.reference = search->reference,
                         .bins = bins,
                         .map = &candidate->map,
                         .base = &candidate->base};
    struct unit_drift *best = &candidate->open;
    *best = UNIT_STILL;
    double gain = climb(&open, best) - with;
    return 2 * gain < FREE_GAIN * noise || (fabs(best->shift) < lenience * OFF_PLACE &&
                                            fabs(log(best->spread)) < lenience * OFF_SPREAD);
}

static void judge(const struct search *search, struct candidate *candidate)
{
    const struct unit_reference *reference = search->reference;
    const struct weir_unit_question *question = search->question;
    struct bins bins;
    make_bins(&bins, question, reference, &candidate->map);
    struct model mixed = {.reference = reference, .bins = &bins, .map = &candidate->map};
    candidate->base = UNIT_STILL;
    double with = climb(&mixed, &candidate->base);
    candidate->share = mixed.mixture.share;
    candidate->se = mixed.mixture.se;
    candidate->undone = distance_of(&mixed);
    double values = candidate->share * bins.n;
    if (!is_large_enough(candidate, values))
        return;
    candidate->gain = with - plain_likelihood(search, &bins);
    double speaks = 2 * candidate->gain / values;
    double lenience = fmin(1, fmax(0, (speaks - PLAIN) / (PLAINER - PLAIN)));
    // The reference's own noise, of the whole and of the second part.
    double noise = 1 + bins.n / reference->law->total, part = 1 + values / reference->law->total;
    candidate->fits = speaks >= SPEAKS &&
                      2 * candidate->gain >= OVER_DRIFT * search->threshold * noise &&
                      candidate->undone <=
                          unit_noise(question->reference, question->current) + lenience * WOBBLE &&
                      fit_of_part(&mixed, part, lenience) >= FIT &&
                      is_in_place(search, &bins, candidate, with, part, lenience);
}

static int by_first(const void *a, const void *b)
{
    double x = ((const struct candidate *)a)->first, y = ((const struct candidate *)b)->first;
    return (x < y) - (x > y);
}

static int same_map(const struct weir_unit_entry *x, const struct weir_unit_entry *y)
{
    return x->map.form == y->map.form && x->low == y->low && x->high == y->high &&
           x->map.b == y->map.b;
}

// The most promising entries, each map once.
static void choose(struct search *search)
{
    const struct weir_unit_catalogue *catalogue = search->question->catalogue;
    double noise = 1 + search->question->current->total / search->reference->law->total;
    begin_bins(&search->bins);
    add_reference_cuts(&search->bins, search->reference, &UNIT_SAME);
    add_current_cuts(&search->bins, search->question->current, search->reference);
    finish_bins(&search->bins);
    add_counts(&search->bins, search->question->current, 1, NULL);
    for (size_t i = 0; i < catalogue->n; i++) {
        const struct weir_unit_entry *entry = &catalogue->entries[i];
        if (!unit_is_eligible(entry, 0) || (i && same_map(entry, entry - 1)) ||
            unit_separation(search->reference, &entry->map) <
                (entry->map.form == WEIR_UNIT_LINEAR ? SEPARATION : CURVED_SEPARATION))
            continue;
        struct candidate made = {.entry = entry, .map = entry->map};
        choose_factor(search, &made);
        if (2 * made.first < search->threshold * noise)
            continue;
        search->tried[search->n] = made;
        search->n += search->n < TRIED;
        qsort(search->tried, search->n < TRIED ? search->n : TRIED + 1, sizeof made, by_first);
    }
}

// Likelihoods of what fits, in cells that suit them all.
static const struct candidate *compare(struct search *search)
{
    const struct candidate *best = NULL;
    struct bins *bins = &search->bins;
    begin_bins(bins);
    add_reference_cuts(bins, search->reference, &UNIT_SAME);
    add_current_cuts(bins, search->question->current, search->reference);
    for (size_t i = 0; i < search->n; i++)
        if (search->tried[i].fits)
            add_reference_cuts(bins, search->reference, &search->tried[i].map);
    finish_bins(bins);
    add_counts(bins, search->question->current, 1, NULL);
    for (size_t i = 0; i < search->n; i++) {
        struct candidate *it = &search->tried[i];
        struct model model = {.reference = search->reference, .bins = bins, .map = &it->map};
        if (!it->fits)
            continue;
        it->likelihood = evaluate(&model, &it->base);
        if (!best || it->likelihood > best->likelihood)
            best = it;
    }
    return best;
}

// An exact factor that explains it as well comes before a range.
static const struct candidate *prefer_exact(const struct search *search,
                                            const struct candidate *best, double slack)
{
    const struct candidate *exact = NULL;
    if (best->entry->low == best->entry->high)
        return best;
    for (size_t i = 0; i < search->n; i++) {
        const struct candidate *it = &search->tried[i];
        if (it->fits && it->entry->low == it->entry->high &&
            2 * (best->likelihood - it->likelihood) < slack &&
            (!exact || it->likelihood > exact->likelihood))
            exact = it;
    }
    return exact ? exact : best;
}

// The factor with its 3 standard errors, by where the second part would rather be.
static void estimate_ratio(const struct search *search, const struct candidate *first,
                           struct weir_unit_change *change)
{
    const struct unit_shape *shape = &search->reference->shape;
    double values = first->share * search->question->current->total;
    change->ratio_low = change->ratio_high = first->map.a;
    if (first->map.form != WEIR_UNIT_LINEAR || first->map.b != 0 || !shape->logarithmic)
        return;
    double error = 3 * shape->sd * sqrt(1 / values + 1 / search->reference->law->total);
    double middle = first->map.a * exp(first->open.shift * shape->sd);
    change->ratio_low = middle * exp(-error);
    change->ratio_high = middle * exp(error);
}

static void add_match(struct weir_unit_change *change, const struct weir_unit_entry *entry)
{
    if (change->n_matches < WEIR_UNIT_MATCHES)
        change->matches[change->n_matches++] = entry;
}

static void take(const struct search *search, const struct candidate *best, double slack,
                 struct weir_unit_change *change)
{
    const struct weir_unit_catalogue *catalogue = search->question->catalogue;
    const struct candidate *first = prefer_exact(search, best, slack * EXACT / NEAR);
    change->finding = WEIR_UNIT_PART;
    change->map = first->map;
    change->share = first->share;
    change->share_se = first->se;
    change->gain = 2 * first->gain;
    change->undone = first->undone;
    estimate_ratio(search, first, change);
    for (const struct weir_unit_entry *entry = first->entry;
         entry < catalogue->entries + catalogue->n && same_map(entry, first->entry); entry++)
        add_match(change, entry);
    for (size_t i = 0; i < search->n; i++)
        if (&search->tried[i] != first && search->tried[i].fits &&
            2 * (best->likelihood - search->tried[i].likelihood) < slack)
            add_match(change, search->tried[i].entry);
}

void unit_diagnose_part(const struct weir_unit_question *question,
                        const struct unit_reference *reference, struct weir_unit_change *change)
{
    struct search search = {.question = question, .reference = reference};
    search.threshold = question->threshold > 0 ? question->threshold : THRESHOLD;
    choose(&search);
    for (size_t i = 0; i < search.n; i++)
        judge(&search, &search.tried[i]);
    const struct candidate *best = compare(&search);
    if (best)
        take(&search, best, NEAR * (1 + question->current->total / reference->law->total), change);
}

double weir_unit_share_of(const struct weir_unit_question *question,
                          const struct weir_unit_change *change, const struct weir_law *part)
{
    struct unit_reference reference;
    struct bins bins;
    if (!unit_reference_make(question->reference, &reference) || !(part->total > 0))
        return 0;
    make_bins(&bins, NULL, &reference, &change->map);
    add_counts(&bins, part, 1, NULL);
    struct model model = {.reference = &reference, .bins = &bins, .map = &change->map};
    evaluate(&model, &UNIT_STILL);
    return model.mixture.share;
}

double weir_unit_left_without(const struct weir_unit_question *question,
                              const struct weir_unit_change *change, const struct weir_law *parts,
                              size_t n)
{
    struct unit_reference reference;
    struct bins bins;
    if (!unit_reference_make(question->reference, &reference))
        return 0;
    make_bins(&bins, question, &reference, &change->map);
    for (size_t i = 0; i < n; i++) {
        add_counts(&bins, &parts[i], -1, NULL);
        add_counts(&bins, &parts[i], 1, &change->map);
    }
    for (size_t i = 0; i <= bins.cuts; i++)
        bins.count[i] = fmax(0, bins.count[i]);
    struct model plain = {.reference = &reference, .bins = &bins};
    struct model mixed = {.reference = &reference, .bins = &bins, .map = &change->map};
    struct unit_drift drift = UNIT_STILL, base = UNIT_STILL;
    double without = climb(&plain, &drift);
    return 2 * fmax(0, climb(&mixed, &base) - without);
}
