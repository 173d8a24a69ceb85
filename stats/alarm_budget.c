// SPDX-License-Identifier: Apache-2.0
#include "stats/alarm_budget.h"

#include <math.h>
#include <stdlib.h>

#include "stats/sort.h"
#include "weir/error.h"

enum { REACH = 30 };
static const double LEAST_SPREAD = 0.3;
static const double NEARLY = .8;
// Of windows, that may open a false incident. Where a period has few of them, a budget as it is
// spelled would allow an alarm in every fourth, and one incident that never ends.
static const double MOST = 0.05;
static const double ASSURED = 2.302585092994046; // -ln .1: of ten stretches nine keep it

// Sorts what is a number to the front; returns how many.
static size_t sort_known(double *x, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isnan(x[i]))
            x[kept++] = x[i];
    }
    if (kept > 1)
        weir_sort_doubles(x, kept);
    return kept;
}

static double middle(const double *sorted, size_t n)
{
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

// The k-th smallest distance from the median, of what is sorted: from the middle outwards.
static double spread_of(const double *sorted, size_t n, double median)
{
    size_t above = 0, taken = 0;
    while (above < n && sorted[above] < median)
        above++;
    size_t below = above;
    double lower = 0, upper = 0;
    while (taken <= n / 2) {
        double down = below ? median - sorted[below - 1] : INFINITY;
        double up = above < n ? sorted[above] - median : INFINITY;
        double next = down <= up ? down : up;
        if (down <= up)
            below--;
        else
            above++;
        if (taken == (n - 1) / 2)
            lower = next;
        upper = next;
        taken++;
    }
    return (lower + upper) / 2;
}

void weir_usual_fit_sorted(struct weir_usual *usual, const double *ln, size_t n)
{
    *usual = (struct weir_usual){0, INFINITY};
    if (n < 2)
        return;
    usual->median = middle(ln, n);
    usual->spread = fmax(1.4826 * spread_of(ln, n, usual->median), LEAST_SPREAD);
}

void weir_usual_fit(struct weir_usual *usual, double *s, size_t n)
{
    n = sort_known(s, n);
    for (size_t i = 0; i < n; i++)
        s[i] = log(s[i] + WEIR_USUAL_FLOOR);
    weir_usual_fit_sorted(usual, s, n);
}

double weir_usual_z(const struct weir_usual *usual, double s)
{
    if (isinf(usual->spread))
        return NAN;
    return (log(s + WEIR_USUAL_FLOOR) - usual->median) / usual->spread;
}

// ---- tails

void weir_tail_fit(struct weir_tail *tail, double *z, size_t n)
{
    weir_tail_fit_sorted(tail, z, sort_known(z, n));
}

void weir_tail_fit_sorted(struct weir_tail *tail, const double *z, size_t n)
{
    *tail = (struct weir_tail){0};
    if (n < 2)
        return;
    size_t above = n;
    for (int k = 0; k < WEIR_TAIL_KNOTS; k++) {
        size_t reach = (size_t)((double)n / (double)(1u << k));
        if (k && reach < REACH)
            break;
        above = reach;
        tail->z[tail->n++] = z[n - above];
    }
    double last = tail->z[tail->n - 1], excess = 0;
    for (size_t i = n - above; i < n; i++)
        excess += z[i] - last;
    excess /= (double)above;
    tail->rate = excess > 1e-3 ? 1 / excess : 1e3;
}

double weir_tail_score(const struct weir_tail *tail, double z)
{
    int k = 0;
    if (isnan(z) || !tail->n || z <= tail->z[0])
        return 0;
    while (k + 1 < tail->n && z > tail->z[k + 1])
        k++;
    double within = z - tail->z[k];
    if (k + 1 == tail->n)
        return k * M_LN2 + within * tail->rate;
    double width = tail->z[k + 1] - tail->z[k];
    return (k + (width > 0 ? within / width : 0)) * M_LN2;
}

// ---- threshold

size_t weir_alarm_incidents(const double *score, size_t n, double threshold,
                            struct weir_alarm_life life, size_t *in_alarm)
{
    size_t incidents = 0, windows = 0;
    int64_t above = 0, quiet = 0;
    int open = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(score[i])) {
            windows += open;
            continue;
        }
        int is_above = score[i] > threshold;
        above = is_above ? above + 1 : 0;
        quiet = is_above ? 0 : quiet + 1;
        if (!open && above >= life.open_after) {
            open = 1;
            incidents++;
        } else if (open && quiet >= life.resolve_after) {
            open = 0;
        }
        windows += open;
    }
    if (in_alarm)
        *in_alarm = windows;
    return incidents;
}

void weir_alarm_budget(const double *score, size_t n, double a, double m,
                       struct weir_alarm_life life, struct weir_alarm_budget *budget)
{
    double *sorted = malloc((n + 1) * sizeof *sorted);
    size_t known = 0;
    double rate = fmin(a / m, MOST); // alarms a window
    *budget = (struct weir_alarm_budget){.threshold = INFINITY, .needed = 1 / rate - 1};
    double expected = rate * ((double)n + 1) + 1e-9; // alarms in as many windows
    int nearly = expected < 1 && expected >= NEARLY;
    budget->k = nearly ? 1 : (size_t)floor(expected);
    budget->kept = budget->k >= 1;
    budget->promised =
        nearly ? rate * m : (double)(budget->k ? budget->k : 1) * m / ((double)n + 1);
    for (size_t i = 0; i < n && sorted; i++)
        sorted[known++] = score[i];
    known = sorted ? sort_known(sorted, known) : 0;
    // With k - 1 incidents here, the next run over as many windows is expected to have k. From the
    // top down: low thresholds may have few incidents too, that never end.
    size_t allowed = budget->k ? budget->k - 1 : 0;
    while (known-- > 0) {
        if (weir_alarm_incidents(score, n, sorted[known], life, NULL) > allowed)
            break;
        budget->threshold = sorted[known];
    }
    if (nearly && isfinite(budget->threshold))
        budget->threshold -= log(expected);
    if (!budget->k && isfinite(budget->threshold))
        budget->threshold += log(fmax(ASSURED / rate / ((double)n + 1), 1));
    free(sorted);
}

double weir_alarm_part(double a, double m, double share)
{
    return fmin(share * a / m, MOST) / fmin(a / m, MOST);
}

// ---- bytes

int weir_tail_write(const struct weir_tail *tail, struct weir_buffer *out)
{
    weir_put_long(out, tail->n);
    for (int k = 0; k < tail->n; k++)
        weir_put_double(out, tail->z[k]);
    return weir_put_double(out, tail->rate);
}

int weir_tail_read(struct weir_tail *tail, struct weir_reader *in)
{
    struct weir_tail read = {.n = (int)weir_get_count(in, WEIR_TAIL_KNOTS)};
    for (int k = 0; k < read.n; k++) {
        read.z[k] = weir_get_double(in);
        if (!isfinite(read.z[k]) || (k && read.z[k] < read.z[k - 1]))
            return WEIR_ECORRUPT;
    }
    read.rate = weir_get_double(in);
    if (in->failed || !(read.rate >= 0 && read.rate < 1e9))
        return in->failed ? weir_reader_code(in) : WEIR_ECORRUPT;
    *tail = read;
    return 0;
}
