// SPDX-License-Identifier: Apache-2.0
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "stats/contrast_inside.h"

#define LEAST_LEAF 10      // rows of the half that learns
#define CHANCE 0.01        // of a split where nothing is to be told apart
#define ROUND_ENOUGH 0.985 // of the gain, for a number that is easier to read

static int by_cell(const void *a, const void *b)
{
    const struct weir_contrast_key *x = a, *y = b;
    return (x->cell > y->cell) - (x->cell < y->cell);
}

struct node {
    struct weir_contrast_work *w;
    size_t leaf;
    size_t n[2];
    size_t tried; // cuts, of all columns
};

static double impurity(const struct weir_contrast_work *w, const size_t n[2])
{
    double a = (double)n[0] / (double)w->total[0][0], b = (double)n[1] / (double)w->total[0][1];
    return a + b > 0 ? 2 * a * b / (a + b) : 0;
}

// What a cut with these rows on its one side gains; replaces `best` where that is more.
static int try_cut(struct node *node, const size_t in[2], struct weir_contrast_split *best)
{
    size_t out[2] = {node->n[0] - in[0], node->n[1] - in[1]};
    if (in[0] + in[1] < LEAST_LEAF || out[0] + out[1] < LEAST_LEAF)
        return 0;
    node->tried++;
    double gain = impurity(node->w, node->n) - impurity(node->w, in) - impurity(node->w, out);
    // Not by a rounding error: which of two equal cuts is taken must not depend on one.
    if (gain <= best->gain + 1e-12)
        return 0;
    double cross = (double)in[0] * (double)out[1] - (double)in[1] * (double)out[0];
    double all = (double)(node->n[0] + node->n[1]);
    double margins = (double)node->n[0] * (double)node->n[1] * (double)(in[0] + in[1]) *
                     (double)(out[0] + out[1]);
    best->gain = gain;
    best->chi_square = margins > 0 ? all * cross * cross / margins : 0;
    return 1;
}

// The node's values of one column, sorted; nulls are counted.
static size_t gather(const struct node *node, size_t column, size_t nulls[2])
{
    struct weir_contrast_work *w = node->w;
    size_t n = 0;
    nulls[0] = nulls[1] = 0;
    for (size_t i = 0; i < w->rows; i++) {
        if (w->judges[i] || w->leaf[i] != node->leaf)
            continue;
        size_t at = column * w->capacity + i;
        if (w->null[at])
            nulls[w->side[i]]++;
        else
            w->sorted[n++] = (struct weir_contrast_key){w->cell[at], w->side[i]};
    }
    qsort(w->sorted, n, sizeof *w->sorted, by_cell);
    return n;
}

static size_t count_at_most(const struct weir_contrast_key *sorted, size_t n, double x,
                            size_t in[2])
{
    size_t i = 0;
    in[0] = in[1] = 0;
    for (; i < n && weir_contrast_number(sorted[i].cell) <= x; i++)
        in[sorted[i].side]++;
    return i;
}

// A cut between two numbers: the roundest one between them, or near them if it is about as good.
static void read_easily(struct node *node, size_t n, double low, double high,
                        struct weir_contrast_split *split)
{
    const struct weir_contrast_key *sorted = node->w->sorted;
    double middle = low / 2 + high / 2;
    size_t present[2], tried = node->tried;
    count_at_most(sorted, n, INFINITY, present);
    split->clause.number = fmax(low, -DBL_MAX); // which always separates them
    for (int digits = 1; digits <= 17 && isfinite(middle); digits++) {
        char text[40];
        snprintf(text, sizeof text, "%.*g", digits, middle);
        double x = strtod(text, NULL);
        if (low <= x && x < high) {
            split->clause.number = x;
            break;
        }
        if (digits > 3)
            continue;
        size_t in[2];
        struct weir_contrast_split near = {.gain = ROUND_ENOUGH * split->gain};
        count_at_most(sorted, n, x, in);
        if (split->clause.kind == WEIR_CONTRAST_ABOVE)
            for (int side = 0; side < 2; side++)
                in[side] = present[side] - in[side];
        if (try_cut(node, in, &near)) {
            split->gain = near.gain;
            split->chi_square = near.chi_square;
            split->clause.number = x;
            break;
        }
    }
    node->tried = tried;
}

static void cut_numbers(struct node *node, size_t column, size_t n, const size_t nulls[2],
                        struct weir_contrast_split *best)
{
    const struct weir_contrast_key *sorted = node->w->sorted;
    size_t below[2] = {0, 0}, at = n;
    for (size_t i = 0; i + 1 < n; i++) {
        below[sorted[i].side]++;
        if (sorted[i].cell == sorted[i + 1].cell)
            continue;
        size_t above[2] = {node->n[0] - nulls[0] - below[0], node->n[1] - nulls[1] - below[1]};
        int kind = -1;
        if (try_cut(node, above, best))
            kind = WEIR_CONTRAST_ABOVE;
        if (nulls[0] + nulls[1] && try_cut(node, below, best))
            kind = WEIR_CONTRAST_AT_MOST;
        if (kind < 0)
            continue;
        best->clause =
            (struct weir_contrast_clause){.column = column, .kind = (enum weir_contrast_kind)kind};
        at = i;
    }
    if (at < n)
        read_easily(node, n, weir_contrast_number(sorted[at].cell),
                    weir_contrast_number(sorted[at + 1].cell), best);
}

static void cut_categories(struct node *node, size_t column, size_t n,
                           struct weir_contrast_split *best)
{
    const struct weir_contrast_key *sorted = node->w->sorted;
    for (size_t i = 0; i < n;) {
        uint64_t category = sorted[i].cell;
        size_t in[2] = {0, 0};
        for (; i < n && sorted[i].cell == category; i++)
            in[sorted[i].side]++;
        if (try_cut(node, in, best))
            best->clause = (struct weir_contrast_clause){
                .column = column, .kind = WEIR_CONTRAST_IS, .category = category};
    }
}

static struct weir_contrast_split best_of_column(struct node *node, size_t column)
{
    struct weir_contrast_split best = {.gain = 0};
    size_t nulls[2], n = gather(node, column, nulls);
    if (node->w->numeric[column])
        cut_numbers(node, column, n, nulls, &best);
    else
        cut_categories(node, column, n, &best);
    // `is null` is easier to read than the same records with a few numbers beside.
    struct weir_contrast_split by_null = {.gain = ROUND_ENOUGH * best.gain};
    if (!try_cut(node, nulls, &by_null))
        return best;
    by_null.clause = (struct weir_contrast_clause){.column = column, .kind = WEIR_CONTRAST_NULL};
    return by_null;
}

// Whether a leaf may hold rows whose value in a column is null.
static int may_be_null(const struct weir_contrast_work *w, size_t leaf, size_t column)
{
    const struct weir_contrast_rule *rule = &w->leaves[leaf].rule;
    for (size_t i = 0; i < rule->n; i++)
        if (rule->clauses[i].column == column &&
            (rule->clauses[i].kind == WEIR_CONTRAST_NULL) == rule->clauses[i].negated)
            return 0;
    return w->has_null[column];
}

// The two parts of a leaf: the one where the clause holds stays where it was.
static void part(struct weir_contrast_work *w, size_t leaf,
                 const struct weir_contrast_clause *clause)
{
    struct weir_contrast_leaf *yes = &w->leaves[leaf], *no = &w->leaves[w->n_leaves];
    struct weir_contrast_clause other = *clause;
    int numeric = clause->kind == WEIR_CONTRAST_ABOVE || clause->kind == WEIR_CONTRAST_AT_MOST;
    if (numeric && !may_be_null(w, leaf, clause->column))
        other.kind =
            clause->kind == WEIR_CONTRAST_ABOVE ? WEIR_CONTRAST_AT_MOST : WEIR_CONTRAST_ABOVE;
    else
        other.negated = 1;
    *no = (struct weir_contrast_leaf){.rule = yes->rule};
    yes->rule.clauses[yes->rule.n++] = *clause;
    no->rule.clauses[no->rule.n++] = other;
    for (size_t i = 0; i < w->rows; i++) {
        if (w->leaf[i] != leaf || weir_contrast_clause_holds(w, clause, i))
            continue;
        w->leaf[i] = (uint8_t)w->n_leaves;
        (w->judges[i] ? yes->judged : yes->learned)[w->side[i]]--;
        (w->judges[i] ? no->judged : no->learned)[w->side[i]]++;
    }
    w->n_leaves++;
}

size_t weir_contrast_grow(struct weir_contrast_work *w)
{
    size_t first = WEIR_CONTRAST_COLUMNS;
    w->n_leaves = 1;
    for (int side = 0; side < 2; side++) {
        w->leaves[0].learned[side] = w->total[0][side];
        w->leaves[0].judged[side] = w->total[1][side];
    }
    for (int depth = 0; depth < WEIR_CONTRAST_DEPTH; depth++)
        for (size_t leaf = 0, n = w->n_leaves; leaf < n; leaf++) {
            struct weir_contrast_leaf *at = &w->leaves[leaf];
            struct node node = {w, leaf, {at->learned[0], at->learned[1]}, 0};
            struct weir_contrast_split best = {.gain = 0};
            for (size_t c = 0; c < w->columns; c++) {
                struct weir_contrast_split split = best_of_column(&node, c);
                if (depth == 0)
                    w->root[c] = split;
                if (split.gain > best.gain + 1e-12)
                    best = split;
            }
            // The tail of chi-square with one degree is below exp(-x / 2); Bonferroni's cuts.
            if (best.gain <= 0 || best.chi_square < 2 * log((double)node.tried / CHANCE))
                continue;
            if (depth == 0)
                first = best.clause.column;
            part(w, leaf, &best.clause);
        }
    return first;
}
