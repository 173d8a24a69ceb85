// SPDX-License-Identifier: Apache-2.0
#include "stats/presets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/sort.h"
#include "stats/special.h"
#include "weir/error.h"

enum {
    EVIDENTLY_FEW_VALUES = 20, // fewer different numbers are categories when binned
    EVIDENTLY_CATEGORIES = 5,  // and when the test is chosen
    EVIDENTLY_SMALL = 1000,
    TFDV_BUCKETS = 10
};
static const double EVIDENTLY_LEAST_SHARE = 1e-4;

static const char *const names[] = {"evidently", "nannyml", "tfdv"};

const char *weir_preset_name(enum weir_preset preset)
{
    return (unsigned)preset < WEIR_PRESETS ? names[preset] : NULL;
}

enum weir_preset weir_preset_find(const char *name)
{
    unsigned i = 0;
    while (i < WEIR_PRESETS && strcmp(names[i], name) != 0)
        i++;
    return (enum weir_preset)i;
}

struct list {
    struct weir_preset_value *out;
    size_t n;
};

static struct weir_preset_value *add(struct list *list, const char *name, double value, int on_p,
                                     double threshold)
{
    struct weir_preset_value *v = &list->out[list->n++];
    *v = (struct weir_preset_value){name, value, on_p, threshold, NAN, 0, 0, WEIR_TEST_OK};
    if (!isfinite(value)) {
        v->value = 0;
        v->status = WEIR_TEST_NOT_APPLICABLE;
        return v;
    }
    v->drift = on_p ? value < threshold : value >= threshold;
    return v;
}

static void add_test(struct list *list, const char *name, struct weir_test test, int on_p,
                     double threshold)
{
    struct weir_preset_value *v =
        add(list, name, on_p ? test.p_value : test.value, on_p, threshold);
    if (test.status != WEIR_TEST_OK) {
        v->value = 0;
        v->drift = 0;
        v->status = test.status;
    }
}

// ---- shares, and distances between them

struct shares {
    double *p, *q; // of reference and current; one allocation
    size_t n, room;
};

static int make_shares(struct shares *s, size_t room)
{
    *s = (struct shares){.room = room};
    s->p = calloc(2 * room + 1, sizeof *s->p);
    s->q = s->p ? s->p + room : NULL;
    return s->p ? 0 : WEIR_ENOMEM;
}

static double entropy(double p, double q)
{
    return p > 0 ? p * log(p / q) : 0;
}

// Divergence in nats of shares that are brought to one.
static double divergence(const struct shares *s)
{
    double sum_p = 0, sum_q = 0, sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        sum_p += s->p[i];
        sum_q += s->q[i];
    }
    for (size_t i = 0; i < s->n; i++) {
        double p = s->p[i] / sum_p, q = s->q[i] / sum_q, half = 0.5 * (p + q);
        sum += 0.5 * (entropy(p, half) + entropy(q, half));
    }
    return fmax(sum, 0);
}

static double affinity(const struct shares *s)
{
    double sum = 0;
    for (size_t i = 0; i < s->n; i++)
        sum += sqrt(s->p[i] * s->q[i]);
    return fmin(sum, 1);
}

static double largest(const struct shares *s)
{
    double most = 0;
    for (size_t i = 0; i < s->n; i++)
        most = fmax(most, fabs(s->p[i] - s->q[i]));
    return most;
}

static void fill_zeros(double *share, size_t n)
{
    double least = 1, in_place;
    for (size_t i = 0; i < n; i++)
        if (share[i] > 0)
            least = fmin(least, share[i]);
    in_place = least <= EVIDENTLY_LEAST_SHARE ? least / 1e6 : EVIDENTLY_LEAST_SHARE;
    for (size_t i = 0; i < n; i++)
        if (!(share[i] > 0))
            share[i] = in_place;
}

static void ratios(struct shares *s, double *psi, double *kl)
{
    double sum_p = 0, sum_q = 0;
    fill_zeros(s->p, s->n);
    fill_zeros(s->q, s->n);
    *psi = *kl = 0;
    for (size_t i = 0; i < s->n; i++) {
        sum_p += s->p[i];
        sum_q += s->q[i];
        *psi += (s->p[i] - s->q[i]) * log(s->p[i] / s->q[i]);
    }
    for (size_t i = 0; i < s->n; i++)
        *kl += s->p[i] / sum_p * log(s->p[i] / sum_p / (s->q[i] / sum_q));
}

// ---- bins of numbers

// Edges as NumPy makes them for data from `low` to `high`: `bins` of equal width.
static double edge(double low, double high, double bins, double i)
{
    return i >= bins ? high : low + i * ((high - low) / bins);
}

// How many values of `x` are in each bin, the last one closed; as shares of n.
static void histogram(const double *x, size_t n, double low, double high, size_t bins, double *out)
{
    size_t at = 0;
    while (at < n && x[at] < low)
        at++;
    for (size_t i = 0; i < bins; i++) {
        double end = edge(low, high, (double)bins, (double)i + 1);
        size_t from = at;
        while (at < n && (x[at] < end || (i + 1 == bins && x[at] <= end)))
            at++;
        out[i] = (double)(at - from) / (double)n;
    }
}

static double bins_of(double low, double high, double width)
{
    double bins = width > 0 ? ceil((high - low) / width) : 1;
    return bins >= 1 && bins < 1e6 ? bins : 1;
}

static void widen(double *low, double *high)
{
    if (*low < *high)
        return;
    *low -= 0.5;
    *high += 0.5;
}

static double sturges(double low, double high, double n)
{
    return bins_of(low, high, (high - low) / (log2(n) + 1));
}

static double doane(const double *x, size_t n)
{
    double mean = 0, squares = 0, cubes = 0, size = (double)n;
    if (n <= 2)
        return 1;
    for (size_t i = 0; i < n; i++)
        mean += x[i] / size;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean) / size;
    double sigma = sqrt(squares);
    if (!(sigma > 0))
        return 1;
    for (size_t i = 0; i < n; i++)
        cubes += pow((x[i] - mean) / sigma, 3) / size;
    double unit = sqrt(6 * (size - 2) / ((size + 1) * (size + 3)));
    double range = x[n - 1] - x[0];
    return bins_of(x[0], x[n - 1], range / (1 + log2(size) + log2(1 + fabs(cubes) / unit)));
}

static size_t distinct(const double *x, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += i == 0 || x[i] > x[i - 1];
    return count;
}

// The different values of both, each with its shares.
static void by_value(const struct weir_samples *w, struct shares *s)
{
    for (size_t i = 0, j = 0; i < w->n_a || j < w->n_b; s->n++) {
        double x = j >= w->n_b || (i < w->n_a && w->a[i] <= w->b[j]) ? w->a[i] : w->b[j];
        size_t from_a = i, from_b = j;
        while (i < w->n_a && w->a[i] <= x)
            i++;
        while (j < w->n_b && w->b[j] <= x)
            j++;
        s->p[s->n] = (double)(i - from_a) / (double)w->n_a;
        s->q[s->n] = (double)(j - from_b) / (double)w->n_b;
    }
}

// ---- Evidently

static double goodness_of_fit(const struct shares *s, double n)
{
    double sum = 0, values = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (!(s->p[i] > 0)) // an expectation of none, and some: infinitely unlikely
            return 0;
        double gap = (s->q[i] - s->p[i]) * n;
        sum += gap * gap / (s->p[i] * n);
        values++;
    }
    return values > 1 ? weir_chi_square_sf(sum, values - 1) : 1;
}

static double two_shares(double p, double n, double q, double m)
{
    double pooled = (p * n + q * m) / (n + m);
    if (!(pooled > 0) || !(pooled < 1))
        return 1;
    return 2 * weir_normal_sf(fabs(p - q) / sqrt(pooled * (1 - pooled) * (1 / n + 1 / m)));
}

static void decide(struct list *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        list->out[i].decides = !strcmp(list->out[i].name, name);
}

// On shares of values, for categories and numbers of which there are few different ones.
static void add_value_tests(struct list *list, const struct shares *s, double n, double m)
{
    add(list, "chi_square", goodness_of_fit(s, m), 1, 0.05);
    if (s->n <= 2)
        add(list, "z", two_shares(s->p[0], n, s->q[0], m), 1, 0.05);
}

static int evidently_numbers(const struct weir_samples *w, struct list *list)
{
    double low = fmin(w->a[0], w->b[0]), high = fmax(w->a[w->n_a - 1], w->b[w->n_b - 1]);
    double n = (double)w->n_a, m = (double)w->n_b, mean = 0, squares = 0, psi, kl;
    struct shares values, bins;
    if (make_shares(&values, w->n_a + w->n_b))
        return WEIR_ENOMEM;
    if (make_shares(&bins, 4096)) {
        free(values.p);
        return WEIR_ENOMEM;
    }
    by_value(w, &values);
    double different = (double)values.n;
    // Hellinger's bins are Sturges' for the different values.
    widen(&low, &high);
    bins.n = (size_t)fmin(sturges(low, high, different), 4096);
    histogram(w->a, w->n_a, low, high, bins.n, bins.p);
    histogram(w->b, w->n_b, low, high, bins.n, bins.q);
    double hellinger = sqrt(1 - affinity(&bins));
    struct shares *of = &values;
    if (distinct(w->a, w->n_a) > EVIDENTLY_FEW_VALUES) {
        of = &bins;
        bins.n = (size_t)fmin(sturges(low, high, n + m), 4096);
        histogram(w->a, w->n_a, low, high, bins.n, bins.p);
        histogram(w->b, w->n_b, low, high, bins.n, bins.q);
    }
    for (size_t i = 0; i < w->n_a; i++)
        mean += w->a[i] / n;
    for (size_t i = 0; i < w->n_a; i++)
        squares += (w->a[i] - mean) * (w->a[i] - mean) / n;
    struct weir_test exact = weir_samples_ks_exact(w);
    if (w->n_a > 10000 || w->n_b > 10000 || exact.status != WEIR_TEST_OK)
        exact = weir_samples_ks(w);
    add_test(list, "ks", exact, 1, 0.05);
    add_test(list, "anderson_darling", weir_samples_anderson_darling(w), 1, 0.1);
    struct weir_test wasserstein = weir_samples_wasserstein(w);
    wasserstein.value /= fmax(sqrt(squares), 0.001);
    add_test(list, "wasserstein", wasserstein, 0, 0.1);
    add_test(list, "energy", weir_samples_energy(w), 0, 0.1);
    add(list, "jensen_shannon", sqrt(divergence(of)), 0, 0.1);
    add(list, "hellinger", hellinger, 0, 0.1);
    if (different <= EVIDENTLY_CATEGORIES)
        add_value_tests(list, &values, n, m);
    ratios(of, &psi, &kl);
    add(list, "psi", psi, 0, 0.1);
    add(list, "kl", kl, 0, 0.1);
    int few = different <= EVIDENTLY_CATEGORIES, small = w->n_a <= EVIDENTLY_SMALL;
    decide(list, small ? (few ? (different > 2 ? "chi_square" : "z") : "ks")
                       : (few ? "jensen_shannon" : "wasserstein"));
    free(values.p);
    free(bins.p);
    return 0;
}

static void evidently_categories(struct shares *s, double n, double m, struct list *list)
{
    double psi, kl;
    add(list, "jensen_shannon", sqrt(divergence(s)), 0, 0.1);
    add(list, "hellinger", sqrt(1 - affinity(s)), 0, 0.1);
    add_value_tests(list, s, n, m);
    ratios(s, &psi, &kl);
    add(list, "psi", psi, 0, 0.1);
    add(list, "kl", kl, 0, 0.1);
    decide(list, n > EVIDENTLY_SMALL ? "jensen_shannon" : s->n > 2 ? "chi_square" : "z");
}

// ---- NannyML

static int nannyml_numbers(const struct weir_samples *w, struct list *list)
{
    double low = w->a[0], high = w->a[w->n_a - 1], inside = 0;
    struct shares s;
    size_t bins = (size_t)doane(w->a, w->n_a);
    if (make_shares(&s, bins + 1))
        return WEIR_ENOMEM;
    widen(&low, &high);
    s.n = bins;
    histogram(w->a, w->n_a, low, high, bins, s.p);
    histogram(w->b, w->n_b, low, high, bins, s.q);
    for (size_t i = 0; i < bins; i++)
        inside += s.q[i];
    if (inside < 1) { // what is beyond the reference is one more bin
        s.q[s.n] = 1 - inside;
        s.p[s.n++] = 0;
    }
    add(list, "jensen_shannon", sqrt(divergence(&s) / log(2)), 0, NAN);
    double squares = 0;
    for (size_t i = 0; i < s.n; i++)
        squares += (sqrt(s.p[i]) - sqrt(s.q[i])) * (sqrt(s.p[i]) - sqrt(s.q[i]));
    add(list, "hellinger", sqrt(squares / 2), 0, NAN);
    add_test(list, "ks", weir_samples_ks(w), 0, NAN);
    add_test(list, "wasserstein", weir_samples_wasserstein(w), 0, NAN);
    decide(list, "jensen_shannon");
    free(s.p);
    return 0;
}

// chi2_contingency: with Yates' correction for two values.
static double contingency(const struct shares *s, double n, double m)
{
    double sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        double a = s->p[i] * n, b = s->q[i] * m, expected = (a + b) / (n + m) * n;
        double gap = fabs(a - expected);
        if (s->n == 2)
            gap -= fmin(0.5, gap);
        sum += gap * gap / expected + gap * gap / ((a + b) - expected);
    }
    return s->n > 1 ? weir_chi_square_sf(sum, (double)s->n - 1) : 1;
}

static void nannyml_categories(struct shares *s, double n, double m, struct list *list)
{
    double left = 0, squares = 0;
    add(list, "chi_square", contingency(s, n, m), 1, 0.05);
    add(list, "l_infinity", largest(s), 0, NAN);
    // Values that the reference does not have are one together.
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        left += s->p[i] > 0 ? 0 : s->q[i];
        if (!(s->p[i] > 0))
            continue;
        s->p[kept] = s->p[i];
        s->q[kept++] = s->q[i];
    }
    s->n = kept;
    if (left > 0) {
        s->p[s->n] = 0;
        s->q[s->n++] = left;
    }
    for (size_t i = 0; i < s->n; i++)
        squares += (sqrt(s->p[i]) - sqrt(s->q[i])) * (sqrt(s->p[i]) - sqrt(s->q[i]));
    add(list, "jensen_shannon", sqrt(divergence(s) / log(2)), 0, NAN);
    add(list, "hellinger", sqrt(squares / 2), 0, NAN);
    decide(list, "jensen_shannon");
}

// ---- TFDV

// A value on an edge is in the bucket below it, as with TFDV's quantiles.
static void buckets(const double *x, size_t n, double low, double high, double *out)
{
    size_t at = 0;
    for (int i = 0; i < TFDV_BUCKETS; i++) {
        double end = edge(low, high, TFDV_BUCKETS, (double)i + 1);
        size_t from = at;
        while (at < n && x[at] <= end)
            at++;
        out[i] = (double)(at - from) / (double)n;
    }
}

// Two histograms of ten bins over their own ranges, brought to the edges of both: within a bin
// values are taken as evenly spread. One value alone is a point of its own.
static double tfdv_divergence(const struct weir_samples *w)
{
    enum { EDGES = 2 * (TFDV_BUCKETS + 1) };
    double edges[EDGES], share[2][TFDV_BUCKETS], low[2], high[2], sum = 0;
    const double *const x[2] = {w->a, w->b};
    const size_t n[2] = {w->n_a, w->n_b};
    size_t n_edges = 0;
    for (int side = 0; side < 2; side++) {
        low[side] = x[side][0];
        high[side] = x[side][n[side] - 1];
        if (!(low[side] < high[side])) // a point is in no bin of the other
            return low[0] == low[1] && high[0] == high[1] ? 0 : 1;
        buckets(x[side], n[side], low[side], high[side], share[side]);
        for (int i = 0; i <= TFDV_BUCKETS; i++)
            edges[n_edges++] = edge(low[side], high[side], TFDV_BUCKETS, i);
    }
    weir_sort_doubles(edges, n_edges);
    for (size_t k = 0; k + 1 < n_edges; k++) {
        double middle = 0.5 * edges[k] + 0.5 * edges[k + 1], part[2] = {0, 0};
        for (int side = 0; side < 2; side++)
            for (int i = 0; i < TFDV_BUCKETS; i++) {
                double from = edge(low[side], high[side], TFDV_BUCKETS, i);
                double to = edge(low[side], high[side], TFDV_BUCKETS, i + 1);
                if (middle > from && middle < to)
                    part[side] = share[side][i] * (edges[k + 1] - edges[k]) / (to - from);
            }
        double half = 0.5 * (part[0] + part[1]);
        sum += 0.5 * (entropy(part[0], half) + entropy(part[1], half));
    }
    return fmin(fmax(sum / log(2), 0), 1);
}

// ---- what is called

static enum weir_test_status check(double n_a, double n_b)
{
    return !(n_a > 0)   ? WEIR_TEST_REFERENCE_EMPTY
           : !(n_b > 0) ? WEIR_TEST_CURRENT_EMPTY
                        : WEIR_TEST_OK;
}

int weir_preset_numbers(enum weir_preset preset, const struct weir_samples *s,
                        struct weir_preset_value out[WEIR_PRESET_VALUES], size_t *n)
{
    struct list list = {out, 0};
    int code = 0;
    if (check((double)s->n_a, (double)s->n_b) != WEIR_TEST_OK)
        add(&list, "jensen_shannon", 0, 0, NAN)->status = check((double)s->n_a, (double)s->n_b);
    else if (preset == WEIR_PRESET_EVIDENTLY)
        code = evidently_numbers(s, &list);
    else if (preset == WEIR_PRESET_NANNYML)
        code = nannyml_numbers(s, &list);
    else
        add(&list, "jensen_shannon", tfdv_divergence(s), 0, 0.01)->decides = 1;
    *n = list.n;
    return code;
}

int weir_preset_categories(enum weir_preset preset, const double *a, const double *b,
                           size_t categories, struct weir_preset_value out[WEIR_PRESET_VALUES],
                           size_t *n)
{
    struct list list = {out, 0};
    struct shares s;
    double n_a = 0, n_b = 0;
    if (make_shares(&s, categories + 1))
        return WEIR_ENOMEM;
    for (size_t i = 0; i < categories; i++) {
        n_a += a[i];
        n_b += b[i];
    }
    enum weir_test_status status = check(n_a, n_b);
    for (size_t i = 0; i < categories && status == WEIR_TEST_OK; i++) {
        if (a[i] + b[i] <= 0)
            continue;
        s.p[s.n] = a[i] / n_a;
        s.q[s.n++] = b[i] / n_b;
    }
    if (status != WEIR_TEST_OK)
        add(&list, "jensen_shannon", 0, 0, NAN)->status = status;
    else if (preset == WEIR_PRESET_EVIDENTLY)
        evidently_categories(&s, n_a, n_b, &list);
    else if (preset == WEIR_PRESET_NANNYML)
        nannyml_categories(&s, n_a, n_b, &list);
    else
        add(&list, "l_infinity", largest(&s), 0, 0.01)->decides = 1;
    free(s.p);
    *n = list.n;
    return 0;
}
