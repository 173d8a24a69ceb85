// SPDX-License-Identifier: Apache-2.0
#include "consumer/profile/habits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cells.h"
#include "stats/text_forms.h"

enum { PANE_VALUES = 50, EXPECTED = 20, FRESH_VALUES = 200, TEXTS = 400, STRETCHES = 24 };

static int learn_pairs(struct weir_habits *habits, const struct weir_string_counts *counts)
{
    if (counts->n < TEXTS)
        return 0;
    // Evenly from all, where there are more than are learnt from.
    size_t n = counts->n < WEIR_PAIRS_STRINGS ? counts->n : WEIR_PAIRS_STRINGS;
    const struct weir_string **strings = malloc(n * sizeof *strings);
    habits->pairs = malloc(sizeof *habits->pairs);
    int code = strings && habits->pairs ? 0 : WEIR_ENOMEM;
    for (size_t i = 0; !code && i < n; i++)
        strings[i] = &counts->items[(size_t)counts->n * i / n].string;
    if (!code)
        code = weir_pairs_learn(habits->pairs, strings, n);
    if (code) {
        free(habits->pairs);
        habits->pairs = NULL;
    }
    free(strings);
    return code == WEIR_EINVAL ? 0 : code;
}

static int learn_forms(struct weir_habits *habits, const struct weir_string_counts *counts)
{
    char pattern[WEIR_TEXT_FORMS_PATTERN];
    if (counts->overflowed ||
        !weir_text_forms_pattern(counts->items, counts->n, pattern, sizeof pattern))
        return 0;
    habits->forms = strdup(pattern);
    return habits->forms ? 0 : WEIR_ENOMEM;
}

int weir_profile_half_take(struct weir_profile_half *half, const struct weir_string_counts *counts)
{
    half->seen = malloc(counts->n ? counts->n : 1);
    if (!half->seen)
        return WEIR_ENOMEM;
    half->n = counts->n;
    half->values = counts->values;
    for (uint32_t i = 0; i < counts->n; i++)
        half->seen[i] = counts->items[i].count > 0;
    return 0;
}

void weir_profile_half_free(struct weir_profile_half *half)
{
    free(half->seen);
    *half = (struct weir_profile_half){0};
}

static double fresh_share(const struct weir_string_counts *counts,
                          const struct weir_profile_half *half)
{
    uint64_t fresh = 0, later = counts->values - half->values;
    if (counts->overflowed || !half->seen || later < FRESH_VALUES)
        return NAN;
    for (uint32_t i = 0; i < counts->n; i++)
        fresh += i < half->n && half->seen[i] ? 0 : counts->items[i].count;
    return (double)fresh / (double)later;
}

int weir_profile_habits_begin(struct weir_profile_field *field, double *sample, size_t n,
                              const struct weir_string_counts *counts,
                              const struct weir_profile_half *half)
{
    struct weir_habits *habits = weir_habits_create();
    if (!habits)
        return WEIR_ENOMEM;
    field->habits = habits;
    field->cells->habits = habits;
    if (sample)
        weir_habits_sample(habits, sample, n);
    if (field->cells->shape != WEIR_SHAPE_CATEGORICAL && field->cells->shape != WEIR_SHAPE_TEXT)
        return 0;
    habits->fresh = fresh_share(counts, half);
    if (learn_forms(habits, counts))
        return WEIR_ENOMEM;
    return learn_pairs(habits, counts);
}

static int is_constant(const struct weir_summary *pane)
{
    if (pane->shape == WEIR_SHAPE_NUMERIC)
        return pane->moments.n + pane->moments.outside == pane->values &&
               pane->moments.minimum == pane->moments.maximum;
    size_t named = pane->shape == WEIR_SHAPE_BOOLEAN ? 2 : pane->cells->n_categories;
    for (size_t i = 0; i < named; i++) {
        if (pane->cell[i] == pane->values)
            return 1;
    }
    return 0;
}

// Chi-square by its degrees of freedom of a pane's cells against all; cells that expect less than
// one are put together.
static double pane_spread(const struct weir_summary *all, const struct weir_summary *pane)
{
    double chi_square = 0, rest[2] = {0, 0};
    double times = (double)pane->values / (double)all->values;
    size_t n = 0;
    for (size_t i = 0; i < all->cells->n; i++) {
        double expected = times * (double)all->cell[i], off = (double)pane->cell[i] - expected;
        if (expected >= 1) {
            chi_square += off * off / expected;
            n++;
        } else {
            rest[0] += expected;
            rest[1] += (double)pane->cell[i];
        }
    }
    if (rest[0] >= 1) {
        chi_square += (rest[1] - rest[0]) * (rest[1] - rest[0]) / rest[0];
        n++;
    }
    return n > 1 ? chi_square / (double)(n - 1) : 1;
}

static double null_spread(const struct weir_summary *all, const struct weir_summary *pane)
{
    double share = (double)(all->null + all->missing) / (double)all->rows;
    double off = (double)(pane->null + pane->missing) - share * (double)pane->rows;
    return share > 0 && share < 1 ? off * off / ((double)pane->rows * share * (1 - share)) : 1;
}

// One of the habits' panes; the spreads are sums until the last.
static void look_at(struct weir_habits *habits, const struct weir_summary *all,
                    const struct weir_summary *pane, uint32_t *looked)
{
    habits->panes++;
    habits->constant_panes += (uint64_t)is_constant(pane);
    habits->spread += pane_spread(all, pane);
    habits->null_spread += null_spread(all, pane);
    for (size_t i = 0; i < habits->n_steady; i++) {
        double expected = (double)pane->values * (double)all->cell[i] / (double)all->values;
        looked[i] += expected >= EXPECTED;
        if (expected >= EXPECTED && !pane->cell[i])
            habits->steady[i] = 0;
    }
}

// Days and weeks, from the first on, of which at least half has records: those of a profile that
// has no more than a part of one say nothing.
static int add_spans(struct weir_profile *profile, size_t f, enum weir_habits_span span,
                     int64_t length, uint64_t *sum)
{
    struct weir_profile_field *field = &profile->fields[f];
    const struct weir_summary *all = &field->summary;
    int64_t open = INT64_MIN, covered = 0;
    int code = 0;
    for (size_t p = 0; p <= profile->n_panes && !code; p++) {
        const struct weir_profile_pane *pane = p < profile->n_panes ? &profile->panes[p] : NULL;
        int64_t start = pane ? pane->start / length - (pane->start % length < 0) : INT64_MAX;
        if (start != open && covered >= length / 2)
            code = weir_spread_add_part(&field->habits->spans[span], all->cell, sum, all->cells->n,
                                        all->shape == WEIR_SHAPE_NUMERIC);
        if (start != open) {
            memset(sum, 0, all->cells->n * sizeof *sum);
            covered = 0;
        }
        open = start;
        for (size_t i = 0; pane && i < all->cells->n; i++)
            sum[i] += pane->fields[f].cell[i];
        int64_t lasts;
        if (pane && !__builtin_sub_overflow(pane->end, pane->start, &lasts) && lasts <= length)
            covered += lasts;
    }
    return code;
}

static int learn_spans(struct weir_profile *profile, size_t f)
{
    static const int64_t day = 24 * (int64_t)3600000;
    uint64_t *sum = malloc((profile->fields[f].summary.cells->n + 1) * sizeof *sum);
    int code = sum ? add_spans(profile, f, WEIR_HABITS_DAY, day, sum) : WEIR_ENOMEM;
    if (!code)
        code = add_spans(profile, f, WEIR_HABITS_WEEK, 7 * day, sum);
    free(sum);
    return code;
}

int weir_profile_habits_show(struct weir_profile *profile)
{
    for (size_t f = 0; f < profile->n_fields; f++) {
        struct weir_habits *habits = profile->fields[f].habits;
        if (!habits || !profile->n_panes)
            continue;
        free(habits->stretches);
        habits->n_stretches = 0;
        habits->stretches = malloc(profile->n_panes * sizeof *habits->stretches);
        if (!habits->stretches)
            return WEIR_ENOMEM;
        for (size_t p = 0; p < profile->n_panes; p++) {
            const struct weir_profile_pane *pane = &profile->panes[p];
            habits->stretches[habits->n_stretches++] =
                (struct weir_habits_stretch){pane->start, pane->end, &pane->fields[f]};
        }
    }
    return 0;
}

int weir_profile_habits_finish(struct weir_profile *profile)
{
    for (size_t f = 0; f < profile->n_fields; f++) {
        struct weir_habits *habits = profile->fields[f].habits;
        const struct weir_summary *all = &profile->fields[f].summary;
        int64_t first = 0, last = 0;
        size_t n = all->cells->n_categories;
        habits->steady = malloc(n ? n : 1);
        uint32_t *looked = calloc(n ? n : 1, sizeof *looked);
        if (!habits->steady || !looked) {
            free(looked);
            return WEIR_ENOMEM;
        }
        memset(habits->steady, 1, n);
        habits->n_steady = n;
        habits->spread = habits->null_spread = 0;
        for (size_t p = 0; p < profile->n_panes; p++) {
            const struct weir_profile_pane *pane = &profile->panes[p];
            if (pane->fields[f].values < PANE_VALUES)
                continue;
            first = habits->panes ? first : pane->start;
            last = pane->end;
            look_at(habits, all, &pane->fields[f], looked);
        }
        for (size_t i = 0; i < n; i++)
            habits->steady[i] &= looked[i] >= STRETCHES;
        free(looked);
        habits->spread = habits->panes ? fmax(1, habits->spread / (double)habits->panes) : 1;
        habits->null_spread =
            habits->panes ? fmax(1, habits->null_spread / (double)habits->panes) : 1;
        // Times may lie so far apart that their distance is no int64.
        if (!habits->panes || __builtin_sub_overflow(last, first, &habits->span))
            habits->span = 0;
        if (learn_spans(profile, f))
            return WEIR_ENOMEM;
    }
    return weir_profile_habits_show(profile);
}
