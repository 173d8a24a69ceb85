// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/contrast_inside.h"

#define NORMAL_95 1.959963984540054
#define STANDARD_ERRORS 3.0 // of a rule's difference
#define SAME_RECORDS 0.95   // of two rules: then one is left out
#define SURROGATE 0.7       // correlation of two splits

static int by_score(const void *a, const void *b)
{
    const struct weir_contrast_leaf *x = a, *y = b;
    // Shares of the current rows among the leaf's, cross-multiplied: no rounding.
    double left = (double)x->learned[1] * (double)y->learned[0];
    double right = (double)y->learned[1] * (double)x->learned[0];
    return (left > right) - (left < right);
}

// Placement values of leaves in the order of their scores, `more` rows added to each; the
// variance of the area by what they vary on either side.
static double area(const struct weir_contrast_leaf *leaves, size_t n, double more, double *variance)
{
    double total[2] = {0, 0}, below = 0, above = 0, sum[2] = {0, 0}, squares[2] = {0, 0};
    for (size_t i = 0; i < n; i++)
        for (int side = 0; side < 2; side++)
            total[side] += (double)leaves[i].judged[side] + more;
    above = total[1];
    for (size_t i = 0; i < n; i++) {
        double a = (double)leaves[i].judged[0] + more, b = (double)leaves[i].judged[1] + more;
        above -= b;
        double of_b = (below + a / 2) / total[0], of_a = (above + b / 2) / total[1];
        below += a;
        sum[0] += a * of_a;
        sum[1] += b * of_b;
        squares[0] += a * of_a * of_a;
        squares[1] += b * of_b * of_b;
    }
    double auc = sum[1] / total[1];
    *variance = 0;
    for (int side = 0; side < 2; side++) {
        double mean = sum[side] / total[side];
        *variance += fmax(squares[side] / total[side] - mean * mean, 0) / (total[side] - 1);
    }
    return auc;
}

static void judge(struct weir_contrast_work *w, struct weir_contrast *out)
{
    struct weir_contrast_leaf leaves[WEIR_CONTRAST_LEAVES];
    memcpy(leaves, w->leaves, sizeof leaves);
    qsort(leaves, w->n_leaves, sizeof *leaves, by_score);
    double variance;
    out->auc = area(leaves, w->n_leaves, 0, &variance);
    // Half a row more in each leaf: where all rows are told apart the error is not nothing.
    area(leaves, w->n_leaves, 0.5, &variance);
    out->low = fmax(0, out->auc - NORMAL_95 * sqrt(variance));
    out->high = fmin(1, out->auc + NORMAL_95 * sqrt(variance));
}

static int rule_holds(const struct weir_contrast_work *w, const struct weir_contrast_rule *rule,
                      size_t row, size_t without)
{
    for (size_t i = 0; i < rule->n; i++)
        if (i != without && !weir_contrast_clause_holds(w, &rule->clauses[i], row))
            return 0;
    return 1;
}

// Difference of the shares that a rule holds for, in rows of one half: whole numbers, so that
// what is equal is equal.
static double difference(const struct weir_contrast_work *w, const struct weir_contrast_rule *rule,
                         int half, size_t without, size_t count[2])
{
    count[0] = count[1] = 0;
    for (size_t i = 0; i < w->rows; i++)
        if (w->judges[i] == half && rule_holds(w, rule, i, without))
            count[w->side[i]]++;
    return (double)count[1] * (double)w->total[half][0] -
           (double)count[0] * (double)w->total[half][1];
}

// Leaves out the clauses that do not add to the difference, as seen by the half that learns.
static void shorten(const struct weir_contrast_work *w, struct weir_contrast_rule *rule)
{
    size_t count[2];
    double now = fabs(difference(w, rule, 0, rule->n, count));
    for (;;) {
        size_t best = rule->n;
        double most = now;
        for (size_t i = 0; i < rule->n && rule->n > 1; i++) {
            double without = fabs(difference(w, rule, 0, i, count));
            if (without >= most) {
                most = without;
                best = i;
            }
        }
        if (best == rule->n)
            return;
        now = most;
        rule->n--;
        memmove(&rule->clauses[best], &rule->clauses[best + 1],
                (rule->n - best) * sizeof *rule->clauses);
    }
}

struct ranked {
    struct weir_contrast_rule rule;
    double difference, ratio;
    size_t leaf;
};

static int by_difference(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    double left = fabs(x->difference), right = fabs(y->difference);
    if (left != right)
        return left < right ? 1 : -1;
    // Of a rule and its opposite the one that reads as more: 31% against 2%, not 69 against 98.
    if (x->ratio != y->ratio)
        return x->ratio < y->ratio ? 1 : -1;
    return (x->leaf > y->leaf) - (x->leaf < y->leaf);
}

static void measure(const struct weir_contrast_work *w, struct ranked *r)
{
    struct weir_contrast_rule *rule = &r->rule;
    double share[2];
    r->difference = difference(w, rule, 1, rule->n, rule->count);
    for (int side = 0; side < 2; side++) {
        double n = (double)w->total[1][side];
        rule->share[side] = (double)rule->count[side] / n;
        share[side] = ((double)rule->count[side] + 0.5) / (n + 1);
        rule->error[side] = sqrt(share[side] * (1 - share[side]) / n);
    }
    r->ratio = fmax(share[0], share[1]) / fmin(share[0], share[1]);
}

static int is_said(const struct weir_contrast_work *w, const struct weir_contrast *out,
                   const uint8_t *mask)
{
    for (size_t k = 0; k < out->n_rules; k++) {
        const uint8_t *other = w->masks + k * w->capacity;
        size_t same = 0;
        for (size_t i = 0; i < w->rows; i++)
            same += mask[i] == other[i];
        double share = (double)same / (double)w->rows;
        if (share >= SAME_RECORDS || share <= 1 - SAME_RECORDS)
            return 1;
    }
    return 0;
}

static void make_rules(struct weir_contrast_work *w, struct weir_contrast *out)
{
    struct ranked ranked[WEIR_CONTRAST_LEAVES];
    for (size_t i = 0; i < w->n_leaves; i++) {
        ranked[i] = (struct ranked){.rule = w->leaves[i].rule, .leaf = i};
        shorten(w, &ranked[i].rule);
        measure(w, &ranked[i]);
    }
    qsort(ranked, w->n_leaves, sizeof *ranked, by_difference);
    for (size_t k = 0; k < w->n_leaves && out->n_rules < WEIR_CONTRAST_RULES; k++) {
        const struct weir_contrast_rule *rule = &ranked[k].rule;
        double apart = fabs(rule->share[1] - rule->share[0]);
        if (apart < STANDARD_ERRORS * hypot(rule->error[0], rule->error[1]))
            continue;
        uint8_t *mask = w->masks + out->n_rules * w->capacity;
        for (size_t i = 0; i < w->rows; i++)
            mask[i] = (uint8_t)rule_holds(w, rule, i, rule->n);
        if (!is_said(w, out, mask))
            out->rules[out->n_rules++] = *rule;
    }
}

// Phi of two clauses over the rows that learn.
static double correlation(const struct weir_contrast_work *w, const struct weir_contrast_clause *a,
                          const struct weir_contrast_clause *b)
{
    double n = 0, x = 0, y = 0, both = 0;
    for (size_t i = 0; i < w->rows; i++) {
        if (w->judges[i])
            continue;
        int of_a = weir_contrast_clause_holds(w, a, i), of_b = weir_contrast_clause_holds(w, b, i);
        n++;
        x += of_a;
        y += of_b;
        both += of_a && of_b;
    }
    double margins = x * (n - x) * y * (n - y);
    return margins > 0 ? fabs(n * both - x * y) / sqrt(margins) : 0;
}

static void find_surrogates(const struct weir_contrast_work *w, size_t first,
                            struct weir_contrast *out)
{
    double found[WEIR_CONTRAST_WITH];
    for (size_t c = 0; c < w->columns; c++) {
        if (c == first || w->root[c].gain <= 0)
            continue;
        double r = correlation(w, &w->root[first].clause, &w->root[c].clause);
        if (r < SURROGATE)
            continue;
        size_t at = out->n_with < WEIR_CONTRAST_WITH ? out->n_with++ : WEIR_CONTRAST_WITH;
        for (; at > 0 && found[at - 1] < r; at--)
            if (at < WEIR_CONTRAST_WITH) {
                found[at] = found[at - 1];
                out->with[at] = out->with[at - 1];
            }
        if (at < WEIR_CONTRAST_WITH) {
            found[at] = r;
            out->with[at] = c;
        }
    }
}

static void explain(struct weir_contrast_work *w, double floor, struct weir_contrast *out)
{
    for (int side = 0; side < 2; side++) {
        out->learned[side] = w->total[0][side];
        out->judged[side] = w->total[1][side];
    }
    size_t first = weir_contrast_grow(w);
    judge(w, out);
    if (first == WEIR_CONTRAST_COLUMNS || !(out->low > fmax(floor, 0.5)))
        return;
    make_rules(w, out);
    if (out->n_rules)
        find_surrogates(w, first, out);
}

int weir_contrast_find(const struct weir_contrast_samples *samples, struct weir_contrast *out)
{
    struct weir_contrast found = {.status = WEIR_TEST_OK, .auc = 0.5, .low = 0, .high = 1};
    if (samples->n_columns > WEIR_CONTRAST_COLUMNS)
        return WEIR_EINVAL;
    for (size_t c = 0; c < samples->n_columns; c++) {
        const struct weir_contrast_column *column = &samples->columns[c];
        int numbers = column->number[0] && column->number[1];
        int categories = column->category[0] && column->category[1];
        if (numbers == categories)
            return WEIR_EINVAL;
    }
    if (samples->rows[0] < WEIR_CONTRAST_LEAST || samples->rows[1] < WEIR_CONTRAST_LEAST)
        found.status = WEIR_TEST_TOO_FEW;
    else if (!samples->n_columns)
        found.status = WEIR_TEST_NO_ROWS;
    int code = 0;
    if (found.status == WEIR_TEST_OK) {
        struct weir_contrast_work *w = malloc(sizeof *w);
        if (!w)
            return WEIR_ENOMEM;
        code = weir_contrast_open(samples, w);
        if (!code)
            explain(w, samples->floor, &found);
        weir_contrast_close(w);
        free(w);
    }
    if (!code)
        *out = found;
    return code;
}
