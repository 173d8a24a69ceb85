// SPDX-License-Identifier: Apache-2.0
// Exact tests of counts: of a 2 x B table, of shares, of values that only one side has.
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "stats/samples.h"
#include "stats/special.h"

static struct weir_test untestable(enum weir_test_status status)
{
    return (struct weir_test){0, 1, status};
}

static struct weir_test result(double value, double p)
{
    if (!isfinite(value) || isnan(p))
        return untestable(WEIR_TEST_NOT_APPLICABLE);
    return (struct weir_test){value, p < 0 ? 0 : p > 1 ? 1 : p, WEIR_TEST_OK};
}

static int is_count(double x)
{
    return x >= 0 && x <= 0x1p53 && x == floor(x);
}

// The tail beyond x on the far side of the mode whose points are no more probable than `point`.
static double other_tail(double x, double population, double marked, double drawn, double point)
{
    double least = fmax(0, drawn + marked - population), most = fmin(marked, drawn);
    double mode = floor((drawn + 1) * (marked + 1) / (population + 2));
    int upper = x <= mode; // x is below: the other side is above
    double low = upper ? fmax(x + 1, mode) : least, high = upper ? most : fmin(x - 1, mode);
    if (low > high)
        return 0;
    double limit = point * (1 + 1e-7);
    // Points fall away from the mode: bisect for the first that is small enough.
    while (low < high) {
        double middle = floor(0.5 * (low + high));
        if (upper) {
            if (weir_hypergeometric_summed(middle, population, marked, drawn).point <= limit)
                high = middle;
            else
                low = middle + 1;
        } else {
            middle = ceil(0.5 * (low + high));
            if (weir_hypergeometric_summed(middle, population, marked, drawn).point <= limit)
                low = middle;
            else
                high = middle - 1;
        }
    }
    struct weir_hypergeometric h = weir_hypergeometric_summed(low, population, marked, drawn);
    if (h.point > limit)
        return 0;
    return upper ? h.upper : h.lower;
}

struct weir_test weir_fisher_exact(double a1, double a2, double b1, double b2)
{
    if (!(a1 >= 0) || !(a2 >= 0) || !(b1 >= 0) || !(b2 >= 0) || !(a1 + a2 + b1 + b2 <= 0x1p53) ||
        a1 != floor(a1) || a2 != floor(a2) || b1 != floor(b1) || b2 != floor(b2))
        return untestable(WEIR_TEST_BAD_INPUT);
    if (a1 + a2 <= 0)
        return untestable(WEIR_TEST_REFERENCE_EMPTY);
    if (b1 + b2 <= 0)
        return untestable(WEIR_TEST_CURRENT_EMPTY);
    if (a1 + b1 <= 0 || a2 + b2 <= 0)
        return untestable(WEIR_TEST_ONE_VALUE);
    double odds = a2 * b1 > 0 ? a1 / a2 * (b2 / b1) : DBL_MAX;
    double population = a1 + a2 + b1 + b2, marked = a1 + b1, drawn = a1 + a2;
    struct weir_hypergeometric h = weir_hypergeometric_summed(a1, population, marked, drawn);
    double mode = floor((drawn + 1) * (marked + 1) / (population + 2));
    double p = a1 <= mode ? h.lower : h.upper;
    return result(odds, p + other_tail(a1, population, marked, drawn, h.point));
}

struct weir_test weir_two_proportions_exact(double hits_a, double n_a, double hits_b, double n_b)
{
    if (!(n_a > 0))
        return untestable(WEIR_TEST_REFERENCE_EMPTY);
    if (!(n_b > 0))
        return untestable(WEIR_TEST_CURRENT_EMPTY);
    if (!is_count(hits_a) || !is_count(hits_b) || !is_count(n_a) || !is_count(n_b) ||
        !(hits_a <= n_a) || !(hits_b <= n_b))
        return untestable(WEIR_TEST_BAD_INPUT);
    struct weir_test exact = weir_fisher_exact(hits_a, n_a - hits_a, hits_b, n_b - hits_b);
    // None, or all, in both: no difference.
    return result(hits_b / n_b - hits_a / n_a, exact.status == WEIR_TEST_OK ? exact.p_value : 1);
}

struct weir_test weir_absence(double c, double n_a, double n_b, double categories)
{
    if (!(n_a > 0))
        return untestable(WEIR_TEST_REFERENCE_EMPTY);
    if (!(n_b > 0))
        return untestable(WEIR_TEST_CURRENT_EMPTY);
    if (!is_count(c) || !is_count(n_a) || !is_count(n_b) || !(c <= n_b) || !(categories >= 1))
        return untestable(WEIR_TEST_BAD_INPUT);
    double p = weir_hypergeometric_summed(0, n_a + n_b, c, n_a).lower;
    return result(c, p * categories);
}

struct weir_test weir_beyond_range(double k, double n_a, double n_b)
{
    if (!(n_a > 0))
        return untestable(WEIR_TEST_REFERENCE_EMPTY);
    if (!(n_b > 0))
        return untestable(WEIR_TEST_CURRENT_EMPTY);
    if (!is_count(k) || !is_count(n_a) || !is_count(n_b) || !(k <= n_b))
        return untestable(WEIR_TEST_BAD_INPUT);
    if (n_a < 2)
        return untestable(WEIR_TEST_TOO_FEW);
    if (k <= 0)
        return result(0, 1);
    // Sums P(X = k), P(X = k + 1), ...: beta-binomial with 2 and n_a - 1.
    double log_first = weir_ln_gamma(n_b + 1) - weir_ln_gamma(n_b - k + 1) + log(k + 1) +
                       weir_ln_gamma(n_b - k + n_a - 1) - weir_ln_gamma(n_a - 1) +
                       weir_ln_gamma(n_a + 1) - weir_ln_gamma(n_a + n_b + 1);
    double term = 1, sum = 1;
    for (double x = k; x < n_b && term > 1e-17 * sum; x++) {
        term *= (x + 2) / (x + 1) * ((n_b - x) / (n_a - 2 + n_b - x));
        sum += term;
    }
    return result(k / n_b, exp(log_first) * sum);
}

struct weir_test weir_unseen_share(double unseen, double n_b, double rate)
{
    if (!(n_b > 0))
        return untestable(WEIR_TEST_CURRENT_EMPTY);
    if (!is_count(unseen) || !is_count(n_b) || !(unseen <= n_b) || !(rate > 0) || !(rate <= 1))
        return untestable(WEIR_TEST_BAD_INPUT);
    return result(unseen / n_b, weir_binomial_sf(unseen, n_b, rate));
}

// ---- 2 x B

enum { MOST_COLUMNS = 64 };
#define MOST_TABLES 2000000.0

// All tables with the margins of the observed one, column by column.
struct tables {
    double column[MOST_COLUMNS], observed[MOST_COLUMNS], left_after[MOST_COLUMNS];
    double least[MOST_COLUMNS];        // the smallest x that the margins allow
    const double *point[MOST_COLUMNS]; // ln C(column, x), by x - least, and less that of the first
    size_t columns;
    double limit; // ln of the probability up to which tables count
    double top;   // the largest so far, in units of which are:
    double all, counted;
};

static void visit(struct tables *t, size_t at, double left, double log_p)
{
    if (at + 1 == t->columns) {
        log_p += t->point[at][(size_t)(left - t->least[at])];
        if (log_p > t->top) {
            t->all *= exp(t->top - log_p);
            t->counted *= exp(t->top - log_p);
            t->top = log_p;
        }
        double p = exp(log_p - t->top);
        t->all += p;
        t->counted += log_p <= t->limit ? p : 0;
        return;
    }
    double least = fmax(0, left - t->left_after[at]), most = fmin(left, t->column[at]);
    for (double x = least; x <= most; x++)
        visit(t, at + 1, left - x, log_p + t->point[at][(size_t)(x - t->least[at])]);
}

// Columns in ascending order, so that the last, which is not walked, is the widest.
static void add_column(struct tables *t, double a, double b)
{
    if (t->columns++ >= MOST_COLUMNS)
        return;
    size_t at = t->columns - 1;
    for (; at > 0 && t->column[at - 1] > a + b; at--) {
        t->column[at] = t->column[at - 1];
        t->observed[at] = t->observed[at - 1];
    }
    t->column[at] = a + b;
    t->observed[at] = a;
}

static enum weir_test_status prepare(const double *a, const double *b, size_t n, struct tables *t,
                                     double *n_a, double *n_b)
{
    *t = (struct tables){.columns = 0, .top = -HUGE_VAL};
    *n_a = *n_b = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_count(a[i]) || !is_count(b[i]))
            return WEIR_TEST_BAD_INPUT;
        *n_a += a[i];
        *n_b += b[i];
        if (a[i] + b[i] > 0)
            add_column(t, a[i], b[i]);
    }
    if (!(*n_a > 0))
        return WEIR_TEST_REFERENCE_EMPTY;
    if (!(*n_b > 0))
        return WEIR_TEST_CURRENT_EMPTY;
    if (t->columns < 2)
        return WEIR_TEST_ONE_VALUE;
    double tables = 1;
    for (size_t i = 0; i + 1 < t->columns && i < MOST_COLUMNS; i++)
        tables *= fmin(fmin(t->column[i], *n_a), *n_b) + 1;
    return t->columns > MOST_COLUMNS || !(tables <= MOST_TABLES) ? WEIR_TEST_TOO_MANY
                                                                 : WEIR_TEST_OK;
}

// The table of logarithms, which the caller frees; NULL: memory is out.
static double *fill_points(struct tables *t, double n_a, double n_b)
{
    double left = n_a + n_b, points = 0, most[MOST_COLUMNS];
    for (size_t i = 0; i < t->columns; i++) {
        t->least[i] = fmax(0, n_a - (n_a + n_b - t->column[i]));
        most[i] = fmin(t->column[i], n_a);
        points += most[i] - t->least[i] + 1;
    }
    double *room = malloc((size_t)points * sizeof *room), *next = room;
    for (size_t i = 0; i < t->columns && room; i++) {
        t->left_after[i] = left -= t->column[i];
        t->point[i] = next;
        *next++ = 0;
        // Step by step: large logarithms would cancel, and with them all digits.
        for (double x = t->least[i]; x < most[i]; x++, next++)
            *next = next[-1] + log((t->column[i] - x) / (x + 1));
        t->limit += t->point[i][(size_t)(t->observed[i] - t->least[i])];
    }
    return room;
}

struct weir_test weir_exact_table(const double *a, const double *b, size_t n)
{
    struct tables t;
    double n_a, n_b;
    enum weir_test_status status = prepare(a, b, n, &t, &n_a, &n_b);
    if (status != WEIR_TEST_OK)
        return untestable(status);
    double *room = fill_points(&t, n_a, n_b);
    if (!room)
        return untestable(WEIR_TEST_NO_MEMORY);
    double log_observed = t.limit;
    // Tables as probable as the observed one count, whatever rounding says.
    t.limit += 1e-7;
    visit(&t, 0, n_a, 0);
    free(room);
    return result(exp(log_observed - t.top) / t.all, t.counted / t.all);
}
