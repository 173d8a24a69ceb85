// SPDX-License-Identifier: Apache-2.0
#include "stats/window_span.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "weir/error.h"

// Standard errors about a ratio of means, and what else days and growth make of it (ln); the least
// ratio (ln) and z that is a change; what is none.
static const double ERRORS = 3.5, WOBBLE = 0.03, LEAST = 0.2, SURE = 6, STILL = 0.06;
// A pair of spans must explain the ratio so closely; that of two fields alone so closely beside a
// third of its interval, which must be this narrow.
static const double NEAR = 0.05, CLOSE = 0.015, NARROW = 0.08, NARROW_SHARE = 0.06;

struct ratio {
    double ln, error; // half of the interval
    int scaled;       // it may be an aggregate over another span
};

// ---- one field

// What is larger over a longer span is so at every quantile, give or take chance.
static int is_larger_all_over(const struct weir_unlike *field, int more, int less)
{
    double slack = weir_unlike_noise(field);
    for (int i = 1; i < 20; i++) {
        double doubt = 0, x = weir_law_quantile(&field->law[less], i / 20.0);
        double a = weir_law_below(&field->law[less], x, &doubt);
        double b = weir_law_below(&field->law[more], x, &doubt);
        if (b > a + slack + doubt)
            return 0;
    }
    return 1;
}

static struct ratio ratio_of(const struct weir_unlike *field)
{
    struct ratio out = {NAN, 0, 0};
    const struct weir_summary *a = field->side[0], *b = field->side[1];
    if (!weir_unlike_has_numbers(field) || a->moments.minimum < 0 || b->moments.minimum < 0 ||
        !(field->mean[0] > 0) || !(field->mean[1] > 0))
        return out;
    double square = 0;
    for (int k = 0; k < 2; k++) {
        double cv = field->sd[k] / field->mean[k];
        square += cv * cv / field->n[k];
    }
    double se = sqrt(square), relative = log(field->sd[1] / field->sd[0]);
    out.ln = log(field->mean[1] / field->mean[0]);
    out.error = ERRORS * se + WOBBLE;
    if (out.error > 0.5 || fabs(out.ln) < LEAST || fabs(out.ln) < SURE * se)
        return out;
    // Events come independently at the least (sd by the root of the span), or in proportion to
    // whom they belong (sd as the mean).
    double part = relative / out.ln;
    int more = out.ln > 0 ? WEIR_SERVING : WEIR_TRAINING;
    out.scaled = part > 0.35 && part < 1.15 && is_larger_all_over(field, more, !more);
    return out;
}

// ---- the common ratio

struct end {
    double at;
    int opens;
};

static int by_end(const void *a, const void *b)
{
    const struct end *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return y->opens - x->opens;
}

// Where most intervals overlap: [*low, *high]. The number of them.
static size_t overlap(const struct ratio *ratios, size_t n, struct end *ends, double *low,
                      double *high)
{
    size_t m = 0, open = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        if (!ratios[i].scaled)
            continue;
        ends[m++] = (struct end){ratios[i].ln - ratios[i].error, 1};
        ends[m++] = (struct end){ratios[i].ln + ratios[i].error, 0};
    }
    qsort(ends, m, sizeof *ends, by_end);
    for (size_t i = 0; i < m; i++) {
        if (!ends[i].opens) {
            open--;
            continue;
        }
        if (++open > most) {
            most = open;
            *low = ends[i].at;
            *high = i + 1 < m ? ends[i + 1].at : ends[i].at;
        }
    }
    return most;
}

static void sort_out(const struct weir_unlike *fields, const struct ratio *ratios, size_t n,
                     enum weir_span_part *parts, struct weir_span_change *change)
{
    double sum = 0, weight = 0;
    for (size_t i = 0; i < n; i++) {
        const struct ratio *ratio = &ratios[i];
        parts[i] = WEIR_SPAN_NONE;
        if (ratio->scaled && ratio->ln - ratio->error <= change->high &&
            ratio->ln + ratio->error >= change->low) {
            double w = 1 / (ratio->error * ratio->error);
            parts[i] = WEIR_SPAN_SCALED;
            sum += w * ratio->ln;
            weight += w;
            change->n_scaled++;
        } else if (isfinite(ratio->ln) && fabs(ratio->ln) <= STILL + ratio->error) {
            parts[i] = WEIR_SPAN_UNMOVED;
            change->n_unmoved++;
        } else if (isfinite(ratio->ln)) {
            parts[i] = WEIR_SPAN_OTHER;
            change->n_other++;
        } else if (weir_unlike_has_numbers(&fields[i])) {
            // Of either sign: a shift in standard deviations.
            double shift = fabs(fields[i].mean[1] - fields[i].mean[0]) / fields[i].sd[0];
            int still = shift < 0.1 + ERRORS * sqrt(1 / fields[i].n[0] + 1 / fields[i].n[1]);
            parts[i] = still ? WEIR_SPAN_UNMOVED : WEIR_SPAN_OTHER;
            *(still ? &change->n_unmoved : &change->n_other) += 1;
        }
    }
    change->ratio = exp(sum / weight);
    change->error = 1 / sqrt(weight);
}

// ---- spans that people use

// The likeliest first.
static const double HOURS[] = {24 * 30, 24 * 7,   24, 24 * 90, 24 * 14,  24 * 10, 24 * 60, 24 * 28,
                               1,       24 * 365, 12, 6,       24 * 180, 48,      72};
// The commonest pairs, the likeliest first.
static const struct weir_span_pair USUAL[] = {
    {24 * 7, 24 * 30},
    {24 * 10, 24 * 30},
    {24 * 30, 24 * 90},
    {24, 24 * 7},
    {24 * 7, 24 * 28},
    {24 * 7, 24 * 14},
    {24 * 14, 24 * 28},
    {24 * 30, 24 * 60},
    {24, 24 * 30},
    {1, 24},
    {24 * 14, 24 * 30},
    {24, 24 * 10},
    {24 * 30, 24 * 365},
    {24 * 7, 24 * 90},
    {24 * 30, 24 * 180},
    {24 * 90, 24 * 365},
    {12, 24},
    {6, 24},
    {24, 48},
    {1, 24 * 7},
};
enum { N_HOURS = sizeof HOURS / sizeof *HOURS, N_USUAL = sizeof USUAL / sizeof *USUAL };

double weir_span_of_name(const char *name)
{
    static const struct {
        const char *unit;
        double hours;
    } units[] = {{"hours", 1}, {"hour", 1},     {"hrs", 1},     {"hr", 1},      {"h", 1},
                 {"days", 24}, {"day", 24},     {"d", 24},      {"weeks", 168}, {"week", 168},
                 {"w", 168},   {"months", 720}, {"month", 720}, {"mo", 720}};
    for (const char *at = name; *at; at++) {
        if (!isdigit((unsigned char)*at) || (at > name && isalnum((unsigned char)at[-1])))
            continue;
        char *rest;
        double count = strtod(at, &rest);
        while (*rest == '_' || *rest == '-' || *rest == ' ')
            rest++;
        size_t length = 0;
        while (isalpha((unsigned char)rest[length]))
            length++;
        for (size_t k = 0; length && count >= 1 && k < sizeof units / sizeof *units; k++)
            if (strlen(units[k].unit) == length && !strncasecmp(rest, units[k].unit, length))
                return count * units[k].hours;
        at += strspn(at, "0123456789") - 1;
    }
    return 0;
}

void weir_span_text(double hours, char *out, size_t size)
{
    double days = hours / 24;
    if (hours >= 24 && fabs(days - round(days)) < 1e-6)
        snprintf(out, size, "%.0f day%s", days, days < 1.5 ? "" : "s");
    else
        snprintf(out, size, "%.3g hour%s", hours, hours == 1 ? "" : "s");
}

static int explains(const struct weir_span_change *change, double ratio)
{
    double off = fabs(log(ratio / change->ratio));
    return off <= NEAR && ratio >= change->low * exp(-WOBBLE) &&
           ratio <= change->high * exp(WOBBLE);
}

static void offer(struct weir_span_change *change, struct weir_span_pair pair)
{
    for (size_t k = 0; k < change->n_pairs; k++)
        if (change->pairs[k].training == pair.training && change->pairs[k].serving == pair.serving)
            return;
    if (change->n_pairs < WEIR_SPAN_PAIRS)
        change->pairs[change->n_pairs++] = pair;
}

// The span that half of the scaled fields are named after: training's, or serving's.
static void ask_names(const struct weir_unlike *fields, const enum weir_span_part *parts, size_t n,
                      struct weir_span_change *change)
{
    double span = 0;
    size_t votes = 0;
    for (size_t i = 0; i < n; i++) {
        double hours = parts[i] == WEIR_SPAN_SCALED ? weir_span_of_name(fields[i].name) : 0;
        if (!(hours > 0))
            continue;
        if (votes == 0)
            span = hours;
        votes += hours == span ? 1 : (size_t)-1;
    }
    if (2 * votes < change->n_scaled || !(span > 0))
        return;
    for (size_t k = 0; k < 2 * N_HOURS && !change->by_name; k++) {
        double other = HOURS[k % N_HOURS];
        struct weir_span_pair pair = {span, other};
        if (k >= N_HOURS)
            pair = (struct weir_span_pair){other, span};
        if (!explains(change, pair.serving / pair.training))
            continue;
        offer(change, pair);
        change->by_name = k < N_HOURS ? 1 : 2;
    }
}

// A ratio that is not known well fits too many spans; large ones lie farther apart.
static int is_narrow(const struct weir_span_change *change)
{
    return change->error <= fmax(NARROW, NARROW_SHARE * fabs(log(change->ratio)));
}

static void name_spans(const struct weir_unlike *fields, const enum weir_span_part *parts, size_t n,
                       struct weir_span_change *change)
{
    ask_names(fields, parts, n, change);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t k = 0; k < N_USUAL; k++) {
            struct weir_span_pair pair = USUAL[k];
            if (change->ratio < 1)
                pair = (struct weir_span_pair){pair.serving, pair.training};
            double off = fabs(log(pair.serving / pair.training / change->ratio));
            // The nearest first: 7 to 30 days is 4.29, 7 to 28 is 4.
            if (explains(change, pair.serving / pair.training) && (pass || off < WOBBLE / 2))
                offer(change, pair);
        }
    }
}

// Amounts alone that are all multiplied by a round factor are in another unit.
static int may_be_a_unit(const struct weir_unlike *fields, const enum weir_span_part *parts,
                         size_t n, double ratio)
{
    static const double factors[] = {10, 60, 100, 1000, 3600, 1e6};
    for (size_t i = 0; i < n; i++)
        if (parts[i] == WEIR_SPAN_SCALED && fields[i].type == WEIR_TYPE_LONG)
            return 0;
    for (size_t k = 0; k < sizeof factors / sizeof *factors; k++)
        if (fabs(fabs(log(ratio)) - log(factors[k])) < 0.02)
            return 1;
    return 0;
}

// Two may agree by chance, unless the ratio is that of usual spans; where as much moved otherwise,
// or all moved alike, a span is not the story.
static int is_story(const struct weir_unlike *fields, const enum weir_span_part *parts, size_t n,
                    const struct weir_span_change *change)
{
    const struct weir_span_pair *pair = &change->pairs[0];
    double off =
        change->n_pairs ? fabs(log(pair->serving / pair->training / change->ratio)) : INFINITY;
    int agree = change->n_scaled >= 3 || !is_narrow(change) || off < CLOSE + change->error / 3;
    return agree && change->n_unmoved > 0 &&
           change->n_scaled + change->n_unmoved > 2 * change->n_other &&
           !may_be_a_unit(fields, parts, n, change->ratio);
}

int weir_window_span_find(const struct weir_unlike *fields, size_t n, enum weir_span_part *parts,
                          struct weir_span_change *change)
{
    struct weir_span_change made = {0};
    struct ratio *ratios = malloc((n + 1) * sizeof *ratios);
    struct end *ends = malloc((2 * n + 1) * sizeof *ends);
    int code = ratios && ends ? 0 : WEIR_ENOMEM;
    if (!code) {
        memset(change, 0, sizeof *change);
        for (size_t i = 0; i < n; i++) {
            ratios[i] = ratio_of(&fields[i]);
            parts[i] = WEIR_SPAN_NONE;
        }
        if (overlap(ratios, n, ends, &made.low, &made.high) >= 2) {
            sort_out(fields, ratios, n, parts, &made);
            made.low = exp(made.low);
            made.high = exp(made.high);
            if (is_narrow(&made))
                name_spans(fields, parts, n, &made);
            if (is_story(fields, parts, n, &made))
                *change = made;
            change->vague = change->ratio > 0 && !is_narrow(change);
        }
    }
    for (size_t i = 0; !code && !(change->ratio > 0) && i < n; i++)
        parts[i] = WEIR_SPAN_NONE;
    free(ratios);
    free(ends);
    return code;
}
