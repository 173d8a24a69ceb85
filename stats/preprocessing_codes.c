// SPDX-License-Identifier: Apache-2.0
// The same shares at other places: another clock, another first number, permuted codes, one-hot
// columns in another order.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/preprocessing.h"
#include "stats/summary.h"

enum { MOST = 64, SEEN = 50 };
// Distance (total variation, less what chance makes) that is worth explaining, what may be left of
// it, and by how much it must have come down.
static const double LEAST = 0.06, LEFT = 0.03, REDUCED = 4;
static const double LEAST_ROUND = 0.03; // an hour moves little
static const double APART = 4;          // standard errors
static const double AHEAD = 7;          // nats that the best shift is ahead of all others

// Shares of whole numbers, or of categories.
struct shares {
    double of[2][MOST];
    size_t n;
    double chance; // what it makes of the distance, in the mean
};

static double distance(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += fabs(a[i] - b[i]) / 2;
    return sum;
}

static double chance_of(const struct weir_unlike *field, const double *share, size_t n)
{
    double scale = 1 / fmax(field->n[0], 1) + 1 / fmax(field->n[1], 1), sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += sqrt(share[i] * (1 - share[i]) * scale * 2 / M_PI) / 2;
    return sum;
}

// By buckets: each whole number below 64 begins one, so that nothing is lost.
static int count_buckets(const struct weir_unlike *field, int first, size_t n, int whole,
                         struct shares *out)
{
    memset(out, 0, sizeof *out);
    out->n = n;
    for (int side = 0; side < 2; side++) {
        const struct weir_law *law = &field->law[side];
        for (size_t i = 0; i < law->n; i++) {
            double at = law->low[i] < 0 && law->high[i] > 0 ? 0 : law->low[i];
            double count = law->below[i + 1] - law->below[i], down = floor(at + 1e-9);
            if (down < first || down > first + (double)n - 1 || (whole && fabs(at - down) > 1e-6))
                return 0;
            out->of[side][(size_t)(down - first)] += count / law->total;
        }
    }
    out->chance = chance_of(field, out->of[0], n);
    return 1;
}

// ---- round a cycle

static double cyclic(const struct shares *shares, size_t shift)
{
    double sum = 0;
    for (size_t i = 0; i < shares->n; i++)
        sum += fabs(shares->of[0][i] - shares->of[1][(i + shift) % shares->n]) / 2;
    return sum;
}

// The log likelihood of serving where training's shares are so many steps on.
static double likelihood(const struct weir_unlike *field, const struct shares *shares, size_t shift)
{
    double sum = 0;
    for (size_t i = 0; i < shares->n; i++)
        sum += field->n[1] * shares->of[1][(i + shift) % shares->n] *
               log(fmax(shares->of[0][i], 0.5 / fmax(field->n[0], 1)));
    return sum;
}

// Hours beside each other are alike: which one it is takes more values than that it is another.
static int is_alone(const struct weir_unlike *field, const struct shares *shares, size_t best)
{
    double most = likelihood(field, shares, best);
    for (size_t k = 0; k < shares->n; k++)
        if (k != best && most - likelihood(field, shares, k) < AHEAD)
            return 0;
    return 1;
}

static int find_cycle(const struct weir_unlike *field, int first, size_t period, int whole,
                      struct weir_preprocessing *out)
{
    struct shares shares;
    size_t filled = 0, best = 0;
    if (!count_buckets(field, first, period, whole, &shares))
        return 0;
    for (size_t i = 0; i < period; i++)
        filled += shares.of[0][i] > 0;
    // A number below 24 is no hour.
    if (filled * 5 < period * 4 || !(shares.of[0][period - 1] > 0) || !(shares.of[0][0] > 0))
        return 0;
    for (size_t k = 1; k < period; k++)
        if (cyclic(&shares, k) < cyclic(&shares, best))
            best = k;
    double before = cyclic(&shares, 0) - shares.chance;
    double after = fmax(cyclic(&shares, best) - shares.chance, 0);
    if (!best || before < LEAST_ROUND || after > LEFT + shares.chance || after * REDUCED > before ||
        !is_alone(field, &shares, best))
        return 0;
    *out = (struct weir_preprocessing){.kind = WEIR_PREPROCESSING_CYCLE,
                                       .period = (int)period,
                                       .shift =
                                           best * 2 > period ? (int)best - (int)period : (int)best,
                                       .before = before,
                                       .after = after,
                                       .share = 1};
    return 1;
}

static int find_base(const struct weir_unlike *field, struct weir_preprocessing *out)
{
    struct shares shares;
    double low = field->side[0]->moments.minimum, now = field->side[1]->moments.minimum;
    if (!((low == 0 && now == 1) || (low == 1 && now == 0)) ||
        !count_buckets(field, 0, MOST, 1, &shares))
        return 0;
    int shift = (int)(now - low);
    const double *a = shares.of[0], *b = shares.of[1];
    double before = distance(a, b, MOST) - shares.chance;
    double after = shift > 0 ? distance(a, b + 1, MOST - 1) : distance(a + 1, b, MOST - 1);
    after = fmax(after - shares.chance, 0);
    if (before < LEAST || after > LEFT || after * REDUCED > before)
        return 0;
    *out = (struct weir_preprocessing){.kind = WEIR_PREPROCESSING_BASE,
                                       .shift = shift,
                                       .before = before,
                                       .after = after,
                                       .share = 1};
    return 1;
}

int weir_preprocessing_of_cycle(const struct weir_unlike *field, struct weir_preprocessing *out)
{
    if (!weir_unlike_has_numbers(field))
        return 0;
    int whole = field->type == WEIR_TYPE_LONG;
    return find_cycle(field, 0, 24, 0, out) || (whole && find_cycle(field, 1, 24, 1, out)) ||
           (whole && find_cycle(field, 0, 7, 1, out)) ||
           (whole && find_cycle(field, 1, 7, 1, out)) ||
           (whole && find_cycle(field, 1, 12, 1, out)) ||
           (whole && find_cycle(field, 0, 12, 1, out)) || find_base(field, out);
}

// ---- permuted codes

struct rank {
    double share;
    size_t at;
};

static int by_share(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    if (x->share != y->share)
        return x->share > y->share ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static void rank_shares(const double *share, size_t n, struct rank *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (struct rank){share[i], i};
    qsort(out, n, sizeof *out, by_share);
}

// Categories of cells of their own; the rest must be rare, for it cannot be permuted.
static int count_categories(const struct weir_unlike *field, struct shares *out)
{
    const struct weir_summary *const *side = field->side;
    size_t n = side[0]->cells ? side[0]->cells->n_categories : 0;
    if (!side[0]->cell || !side[1]->cell || side[0]->cells->n != side[1]->cells->n || n < 3 ||
        n > MOST)
        return 0;
    out->n = n;
    for (int k = 0; k < 2; k++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            out->of[k][i] = (double)side[k]->cell[i] / fmax((double)side[k]->values, 1);
            sum += out->of[k][i];
        }
        if (sum < 0.98)
            return 0;
    }
    out->chance = chance_of(field, out->of[0], n);
    return 1;
}

// Sorted shares of any two samples are alike where there are many that are nearly equal. So it
// counts only what stands apart from its neighbours in the order: most values, and three codes that
// moved.
static int are_apart(const struct weir_unlike *field, const struct rank *was, const struct rank *is,
                     size_t n)
{
    double scale = 1 / fmax(field->n[0], 1) + 1 / fmax(field->n[1], 1), sum = 0;
    size_t moved = 0;
    for (size_t i = 0; i < n; i++) {
        double least = APART * sqrt(was[i].share * (1 - was[i].share) * scale) + 0.005;
        int apart = (!i || was[i - 1].share - was[i].share > least) &&
                    (i + 1 == n || was[i].share - was[i + 1].share > least);
        if (!apart)
            continue;
        sum += was[i].share;
        moved += was[i].at != is[i].at;
    }
    return moved >= 3 && sum >= 0.6;
}

static void name_code(const struct weir_unlike *field, size_t i, char *out, size_t size)
{
    if (field->side[0]->shape == WEIR_SHAPE_NUMERIC)
        snprintf(out, size, "%zu", i);
    else
        weir_cells_name(field->side[0]->cells, i, out, size);
}

static void add_examples(const struct weir_unlike *field, const struct rank *was,
                         const struct rank *is, size_t n, struct weir_preprocessing *out)
{
    for (size_t i = 0; i < n && out->n_examples < WEIR_PREPROCESSING_EXAMPLES; i++) {
        double rare = fmin(was[i].share * field->n[0], is[i].share * field->n[1]);
        if (was[i].at == is[i].at || rare < SEEN)
            continue;
        struct weir_preprocessing_pair *pair = &out->examples[out->n_examples++];
        name_code(field, was[i].at, pair->training, sizeof pair->training);
        name_code(field, is[i].at, pair->serving, sizeof pair->serving);
        pair->share = is[i].share;
    }
}

int weir_preprocessing_of_codes(const struct weir_unlike *field, struct weir_preprocessing *out)
{
    struct shares shares;
    struct rank was[MOST], is[MOST];
    const struct weir_summary *const *side = field->side;
    if (side[0]->shape == WEIR_SHAPE_NUMERIC) {
        // Counts that grow are a permutation too, but for where they begin and end.
        if (field->type != WEIR_TYPE_LONG || !weir_unlike_has_numbers(field) ||
            side[0]->moments.minimum != side[1]->moments.minimum ||
            side[0]->moments.maximum != side[1]->moments.maximum ||
            side[0]->moments.maximum - side[0]->moments.minimum < 2 ||
            !count_buckets(field, 0, MOST, 1, &shares))
            return 0;
    } else if (side[0]->shape != WEIR_SHAPE_CATEGORICAL || side[1]->values < 100 ||
               !count_categories(field, &shares)) {
        return 0;
    }
    rank_shares(shares.of[0], shares.n, was);
    rank_shares(shares.of[1], shares.n, is);
    if (!are_apart(field, was, is, shares.n))
        return 0;
    double before = distance(shares.of[0], shares.of[1], shares.n) - shares.chance, after = 0;
    size_t moved = 0;
    for (size_t i = 0; i < shares.n; i++) {
        after += fabs(was[i].share - is[i].share) / 2;
        moved += was[i].at != is[i].at && was[i].share > 0.01;
    }
    after = fmax(after - shares.chance, 0);
    if (moved < 3 || before < 2 * LEAST || after > LEFT || after * REDUCED > before)
        return 0;
    *out = (struct weir_preprocessing){
        .kind = WEIR_PREPROCESSING_CODES, .before = before, .after = after, .share = 1};
    add_examples(field, was, is, shares.n, out);
    return 1;
}

// ---- one-hot columns

struct indicator {
    size_t field, group; // fields of one group are named alike
    double rate[2], error;
};

static size_t prefix_of(const char *name)
{
    size_t length = 0;
    for (size_t i = 0; name[i]; i++)
        if (strchr("_.=:/[", name[i]))
            length = i;
    return length;
}

static int is_indicator(const struct weir_unlike *field, struct indicator *out)
{
    for (int k = 0; k < 2; k++) {
        const struct weir_summary *one = field->side[k];
        double n = (double)one->values;
        if (n < 100)
            return 0;
        if (one->shape == WEIR_SHAPE_BOOLEAN && one->cell) {
            out->rate[k] = (double)one->cell[1] / n;
        } else if (one->shape == WEIR_SHAPE_NUMERIC && field->law[k].total > 0) {
            double zero = weir_unlike_share(field, k, -0.25, 0.25);
            double full = weir_unlike_share(field, k, 0.75, 1.25);
            if (one->moments.minimum < 0 || one->moments.maximum > 1 || zero + full < 1 - 1e-9)
                return 0;
            out->rate[k] = full;
        } else {
            return 0;
        }
    }
    double p =
        (out->rate[0] * field->n[0] + out->rate[1] * field->n[1]) / (field->n[0] + field->n[1]);
    out->error = 4 * sqrt(p * (1 - p) * (1 / field->n[0] + 1 / field->n[1])) + 0.005;
    return 1;
}

static int same_group(const struct weir_unlike *fields, size_t a, size_t b)
{
    size_t length = prefix_of(fields[a].name);
    return length && length == prefix_of(fields[b].name) &&
           !strncmp(fields[a].name, fields[b].name, length + 1);
}

static int by_rate_then(const void *a, const void *b)
{
    const struct indicator *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    if (x->rate[0] != y->rate[0])
        return x->rate[0] < y->rate[0] ? -1 : 1;
    return (x->field > y->field) - (x->field < y->field);
}

static int by_rate_now(const void *a, const void *b)
{
    const struct indicator *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    if (x->rate[1] != y->rate[1])
        return x->rate[1] < y->rate[1] ? -1 : 1;
    return (x->field > y->field) - (x->field < y->field);
}

// The `n` fields of a group whose rates moved: whether they are each other's.
static void match_group(const struct indicator *was, const struct indicator *is, size_t n,
                        size_t *of, struct weir_one_hot *out)
{
    double before = 0, after = 0;
    size_t others = 0;
    for (size_t i = 0; i < n; i++) {
        before = fmax(before, fabs(was[i].rate[1] - was[i].rate[0]));
        double off = fabs(was[i].rate[0] - is[i].rate[1]);
        if (off > fmax(was[i].error, is[i].error))
            return;
        after = fmax(after, off);
        others += was[i].field != is[i].field;
    }
    if (n < 2 || others < 2 || before < 0.05 || after * REDUCED > before)
        return;
    for (size_t i = 0; i < n; i++)
        of[is[i].field] = was[i].field;
    out->n += others;
    out->before = fmax(out->before, before);
    out->after = fmax(out->after, after);
}

// Those that moved, of groups of three fields or more.
static size_t collect(const struct weir_unlike *fields, size_t n, struct indicator *was)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        struct indicator one = {.field = i, .group = i};
        size_t alike = 0;
        if (!prefix_of(fields[i].name) || !is_indicator(&fields[i], &one))
            continue;
        for (size_t k = n; k-- > 0;) {
            if (!same_group(fields, i, k))
                continue;
            one.group = k;
            alike++;
        }
        if (alike >= 3 && fabs(one.rate[1] - one.rate[0]) > one.error)
            was[m++] = one;
    }
    return m;
}

int weir_one_hot_find(const struct weir_unlike *fields, size_t n, size_t *of,
                      struct weir_one_hot *out)
{
    struct indicator *was = malloc((2 * n + 1) * sizeof *was), *is = was + n;
    if (!was)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < n; i++)
        of[i] = i;
    memset(out, 0, sizeof *out);
    size_t m = collect(fields, n, was);
    memcpy(is, was, m * sizeof *is);
    qsort(was, m, sizeof *was, by_rate_then);
    qsort(is, m, sizeof *is, by_rate_now);
    for (size_t i = 0, k; i < m; i = k) {
        for (k = i; k < m && was[k].group == was[i].group; k++)
            ;
        match_group(was + i, is + i, k - i, of, out);
    }
    free(was);
    return 0;
}
