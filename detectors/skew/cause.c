// SPDX-License-Identifier: Apache-2.0
#include "detectors/skew/cause.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/skew/cause_inside.h"
#include "detectors/skew/history.h"
#include "stats/unit_catalogue.h"

// Fewer pairs that differ say nothing of what they have in common.
enum { FEWEST = 5, KNOWN = 10 };

static const char *const names[SKEW_KINDS] = {
    "unexplained", "missing", "missing", "default", "default",   "encoding", "rounding",
    "scale",       "offset",  "zone",    "affine",  "logarithm", "stale",    "codes"};

const char *skew_kind_name(enum skew_kind kind)
{
    return names[kind];
}

// ---- one value on one side

static int is_tried(const struct skew_sample *sample, int offline)
{
    return sample->verdict == SKEW_DIFFERS || sample->verdict == SKEW_ROUNDED ||
           (sample->verdict == (offline ? SKEW_NOT_SERVED : SKEW_NOT_OFFLINE));
}

// The commonest value of a side among the samples; how many have it.
static size_t commonest(const struct skew_field_tally *field, int offline, struct skew_value *value)
{
    size_t most = 0;
    for (size_t i = 0; i < field->n_samples; i++) {
        const struct skew_sample *a = &field->samples[i];
        const struct skew_value *mine = offline ? &a->offline : &a->served;
        size_t n = 0;
        for (size_t k = 0; k < field->n_samples && is_tried(a, offline); k++) {
            const struct skew_sample *b = &field->samples[k];
            n += is_tried(b, offline) && skew_value_same(mine, offline ? &b->offline : &b->served);
        }
        if (n > most) {
            most = n;
            *value = *mine;
        }
    }
    return most;
}

// Values that the other side has where this one has `value`: up to 3, and whether it has none.
static size_t varied(const struct skew_field_tally *field, int offline,
                     const struct skew_value *value, int *has_none)
{
    struct skew_value seen[3];
    size_t n = 0;
    *has_none = 0;
    for (size_t i = 0; i < field->n_samples && n < 3; i++) {
        const struct skew_sample *sample = &field->samples[i];
        const struct skew_value *other = offline ? &sample->served : &sample->offline;
        if (!is_tried(sample, offline) ||
            !skew_value_same(value, offline ? &sample->offline : &sample->served))
            continue;
        size_t at = 0;
        while (at < n && !skew_value_same(&seen[at], other))
            at++;
        if (other->tag == SKEW_ABSENT)
            *has_none = 1;
        else if (at == n)
            seen[n++] = *other;
    }
    return n;
}

// What programs put where they have nothing.
static int looks_default(const struct skew_value *value)
{
    static const char *const words[] = {"",    "unknown", "none",    "n/a",   "na", "null",
                                        "nil", "missing", "default", "other", "-",  "undefined"};
    double number = skew_value_number(value);
    if (value->tag != SKEW_TEXT)
        return number == 0 || number == -1 || number == -999 || number == -9999 || number == 999;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct skew_value word = skew_value_text(words[i], strlen(words[i]), 0);
        if (word.folded == value->folded)
            return 1;
    }
    return 0;
}

static void try_default(const struct skew_field_tally *field, int offline, struct skew_cause *best)
{
    struct skew_value value;
    int has_none;
    size_t n = commonest(field, offline, &value);
    // What two values alone have in common is no default: the other is its opposite. Nor is any
    // value where the other side has none.
    if (n < FEWEST ||
        (varied(field, offline, &value, &has_none) < 3 && !(has_none && looks_default(&value))))
        return;
    struct skew_cause cause = {.kind = offline ? SKEW_DEFAULT_OFFLINE : SKEW_DEFAULT_SERVED,
                               .share = (double)n / field->n_samples,
                               .b = value.tag == SKEW_TEXT ? NAN : skew_value_number(&value)};
    skew_keep_better(best, &cause, 0);
}

// ---- a time ago

// What a lag explains by chance: half of all lags explain less of what they know.
static double usual_match(const size_t *matches, const size_t *known)
{
    double share[SKEW_LAGS];
    size_t n = 0;
    for (size_t lag = 0; lag < SKEW_LAGS; lag++) {
        if (known[lag] < KNOWN)
            continue;
        double one = (double)matches[lag] / (double)known[lag];
        size_t at = n++;
        for (; at && share[at - 1] > one; at--)
            share[at] = share[at - 1];
        share[at] = one;
    }
    return n ? share[(n - 1) / 2] : 1;
}

// A value that changed between two offline records is not known to have: what is old by the hour is
// then explained in part, but by no other age as much.
static int is_stale(const size_t *matches, const size_t *known, size_t at)
{
    double share = (double)matches[at] / (double)known[at], usual = usual_match(matches, known);
    return share >= .8 || (share >= .5 && share - usual >= .4 * (1 - usual));
}

static void try_stale(const struct skew_field_tally *field, struct skew_cause *best)
{
    size_t matches[SKEW_LAGS] = {0}, known[SKEW_LAGS] = {0}, differ = 0, at = 0;
    for (size_t i = 0; i < field->n_samples; i++) {
        const struct skew_sample *sample = &field->samples[i];
        if (sample->verdict < SKEW_DIFFERS)
            continue;
        differ++;
        for (size_t lag = 0; lag < SKEW_LAGS; lag++) {
            known[lag] += sample->known >> lag & 1;
            matches[lag] += sample->stale >> lag & 1;
        }
    }
    for (size_t lag = 0; lag < SKEW_LAGS; lag++)
        at = matches[lag] >= matches[at] ? lag : at; // of a step's length, all of it
    if (known[at] < KNOWN || (double)known[at] < .3 * (double)differ ||
        !is_stale(matches, known, at))
        return;
    struct skew_cause cause = {.kind = SKEW_STALE,
                               .share = (double)matches[at] / (double)known[at] * (double)differ /
                                        field->n_samples,
                               .lag = skew_lags[at]};
    skew_keep_better(best, &cause, 0);
}

// ---- one to one

static int is_code(const struct skew_sample *sample)
{
    return sample->verdict == SKEW_DIFFERS;
}

static void try_codes(const struct skew_field_tally *field, struct skew_cause *best)
{
    size_t n = 0, pairs = 0, faithful = 0;
    for (size_t i = 0; i < field->n_samples; i++) {
        const struct skew_sample *a = &field->samples[i];
        int first = 1, clash = 0;
        for (size_t k = 0; k < field->n_samples && is_code(a); k++) {
            const struct skew_sample *b = &field->samples[k];
            int served = skew_value_same(&a->served, &b->served);
            int offline = skew_value_same(&a->offline, &b->offline);
            if (!is_code(b))
                continue;
            clash |= served != offline;
            first &= !(k < i && served && offline);
        }
        n += (size_t)is_code(a);
        faithful += (size_t)(is_code(a) && !clash);
        pairs += (size_t)(is_code(a) && first);
    }
    double values = (double)field->verdicts[SKEW_DIFFERS] + (double)field->verdicts[SKEW_EQUAL];
    // Where some pairs are equal, two values that differ are just that.
    if (n < FEWEST || pairs < 2 || pairs * 3 > n || faithful < n * 95 / 100 ||
        (double)field->verdicts[SKEW_DIFFERS] < .8 * values)
        return;
    struct skew_cause cause = {.kind = SKEW_CODES, .share = (double)faithful / field->n_samples};
    skew_keep_better(best, &cause, 0);
}

// ---- what the pairs say by themselves

static const char *what_encoding(const struct skew_field_tally *field)
{
    size_t texts = 0, booleans = 0, numbers = 0, times = 0;
    for (size_t i = 0; i < field->n_samples; i++) {
        const struct skew_sample *sample = &field->samples[i];
        if (sample->verdict != SKEW_ENCODED)
            continue;
        uint32_t a = sample->served.tag, b = sample->offline.tag;
        booleans += a == SKEW_BOOLEAN || b == SKEW_BOOLEAN ||
                    skew_value_says(&sample->served) >= 0 || skew_value_says(&sample->offline) >= 0;
        times += a == SKEW_TEXT_TIME || b == SKEW_TEXT_TIME;
        numbers += a == SKEW_TEXT_NUMBER || b == SKEW_TEXT_NUMBER;
        texts += a == SKEW_TEXT && b == SKEW_TEXT;
    }
    if (texts >= booleans && texts >= numbers && texts >= times)
        return "but for case and spaces the texts are the same";
    if (times >= booleans && times >= numbers)
        return "the times are the same, written in another way";
    if (booleans >= numbers)
        return "true and false are the same, written in another way";
    return "the numbers are the same, and one side has them as text";
}

static int most_decimals(const struct skew_field_tally *field)
{
    int fewest[2] = {0, 0};
    for (size_t i = 0; i < field->n_samples; i++) {
        const struct skew_sample *sample = &field->samples[i];
        if (sample->verdict != SKEW_ROUNDED)
            continue;
        int served = skew_decimals(skew_value_number(&sample->served));
        int offline = skew_decimals(skew_value_number(&sample->offline));
        fewest[0] = served > fewest[0] ? served : fewest[0];
        fewest[1] = offline > fewest[1] ? offline : fewest[1];
    }
    return fewest[0] < fewest[1] ? fewest[0] : fewest[1];
}

// Small numbers of which rounding leaves no digit are told by the others.
static double round_away(const struct skew_field_tally *field, int decimals)
{
    size_t n = 0;
    double unit = .5000001 * pow(10, -decimals);
    for (size_t i = 0; i < field->n_samples && decimals <= 6; i++) {
        const struct skew_sample *sample = &field->samples[i];
        double served = skew_value_number(&sample->served);
        double offline = skew_value_number(&sample->offline);
        n += sample->verdict == SKEW_DIFFERS && fabs(served - offline) <= unit &&
             (skew_decimals(served) <= decimals || skew_decimals(offline) <= decimals);
    }
    return (double)n / field->n_samples;
}

static void try_verdicts(const struct skew_field_tally *field, struct skew_cause *best)
{
    static const struct {
        enum skew_verdict verdict;
        enum skew_kind kind;
    } told[] = {{SKEW_NOT_SERVED, SKEW_MISSING_SERVED},
                {SKEW_NOT_OFFLINE, SKEW_MISSING_OFFLINE},
                {SKEW_ENCODED, SKEW_ENCODING},
                {SKEW_ROUNDED, SKEW_ROUNDING}};
    double differ = (double)skew_field_differ(field);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        struct skew_cause cause = {.kind = told[i].kind,
                                   .share = (double)field->verdicts[told[i].verdict] / differ};
        if (cause.kind == SKEW_ENCODING)
            cause.detail = what_encoding(field);
        if (cause.kind == SKEW_ROUNDING && cause.share > 0) {
            cause.decimals = most_decimals(field);
            cause.share += round_away(field, cause.decimals);
            cause.share = cause.share < 1 ? cause.share : 1;
        }
        skew_keep_better(best, &cause, 0);
    }
}

// ---- which

void skew_keep_better(struct skew_cause *best, const struct skew_cause *cause, double lead)
{
    if (cause->share > best->share + lead + 1e-9)
        *best = *cause;
}

// The unit that a factor is known as.
static int name_unit(const struct skew_pair *pair, struct skew_cause *cause)
{
    struct weir_unit_catalogue catalogue;
    const struct weir_unit_entry *found = NULL;
    if (weir_unit_catalogue_make(pair->unit, pair->name, &catalogue))
        return WEIR_ENOMEM;
    for (size_t i = 0; i < catalogue.n; i++) {
        const struct weir_unit_entry *entry = &catalogue.entries[i];
        int fits = entry->map.form == WEIR_UNIT_LINEAR && entry->low == entry->high &&
                   fabs(entry->map.a - cause->a) <= 1e-4 * fabs(cause->a) &&
                   fabs(entry->map.b - cause->b) <= 1e-4 * (fabs(cause->b) + 1e-9);
        if (fits && (!found || entry->scope < found->scope) && entry->scope != WEIR_UNIT_GUESS)
            found = entry;
    }
    if (found)
        snprintf(cause->unit, sizeof cause->unit, "%s to %s", found->from, found->to);
    weir_unit_catalogue_free(&catalogue);
    return 0;
}

int skew_find_cause(const struct skew_pair *pair, const struct skew_field_tally *field,
                    struct skew_cause *cause)
{
    *cause = (struct skew_cause){.kind = SKEW_NO_CAUSE, .b = NAN};
    if (!skew_field_differ(field) || !field->n_samples)
        return 0;
    try_default(field, 0, cause);
    try_default(field, 1, cause);
    try_verdicts(field, cause);
    int code = skew_try_maps(field, cause);
    try_stale(field, cause);
    try_codes(field, cause);
    if (cause->share < .5)
        *cause = (struct skew_cause){.kind = SKEW_NO_CAUSE, .b = NAN};
    if (!code && (cause->kind == SKEW_SCALE || cause->kind == SKEW_AFFINE))
        code = name_unit(pair, cause);
    return code;
}
