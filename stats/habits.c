// SPDX-License-Identifier: Apache-2.0
#include "stats/habits.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/sort.h"
#include "stats/text_forms.h"
#include "weir/summary.h"

enum { VERSION = 5, LEAST = 4, STEADY = 1 << 16 };

struct weir_habits *weir_habits_create(void)
{
    struct weir_habits *habits = calloc(1, sizeof *habits);
    if (habits) {
        habits->rest = 1;
        habits->fresh = NAN;
        habits->spread = habits->null_spread = 1;
    }
    return habits;
}

void weir_habits_free(struct weir_habits *habits)
{
    if (!habits)
        return;
    free(habits->steady);
    free(habits->pairs);
    free(habits->forms);
    free(habits->stretches);
    weir_depends_free(habits->by, habits->n_by);
    free(habits);
}

// Keeps the most frequent, highest first; what falls off bounds the rest.
static void keep(struct weir_habits *habits, double value, double share, double *rest)
{
    size_t at = habits->n_values;
    while (at && habits->values[at - 1].share < share)
        at--;
    if (at == WEIR_HABITS_VALUES) {
        *rest = fmax(*rest, share);
        return;
    }
    size_t last = habits->n_values < WEIR_HABITS_VALUES ? habits->n_values++ : habits->n_values - 1;
    if (last == WEIR_HABITS_VALUES - 1 && habits->values[last].share > 0)
        *rest = fmax(*rest, habits->values[last].share);
    memmove(&habits->values[at + 1], &habits->values[at], (last - at) * sizeof habits->values[0]);
    habits->values[at].value = value;
    habits->values[at].share = share;
}

void weir_habits_sample(struct weir_habits *habits, double *sample, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (isfinite(sample[i]))
            sample[kept++] = sample[i] + 0.0;
    }
    memset(habits->values, 0, sizeof habits->values);
    habits->n_values = 0;
    habits->rest = 1;
    if (!kept)
        return;
    weir_sort_doubles(sample, kept);
    // What the sample has fewer than LEAST of may be three times as frequent, and little more.
    double all = (double)kept, rest = fmin(1, 3 * LEAST / all);
    for (size_t i = 0, end; i < kept; i = end) {
        for (end = i; end < kept && sample[end] == sample[i]; end++) {
        }
        if (end - i >= LEAST)
            keep(habits, sample[i], (double)(end - i) / all, &rest);
    }
    habits->rest = rest;
}

double weir_habits_share(const struct weir_habits *habits, double value)
{
    for (size_t i = 0; i < habits->n_values; i++) {
        if (habits->values[i].value == value)
            return fmax(habits->values[i].share, 0);
    }
    return habits->rest;
}

// ---- bytes

int weir_habits_write(const struct weir_habits *habits, struct weir_buffer *out)
{
    weir_put_long(out, VERSION);
    weir_put_long(out, (int64_t)habits->n_values);
    for (size_t i = 0; i < habits->n_values; i++) {
        weir_put_double(out, habits->values[i].value);
        weir_put_double(out, habits->values[i].share);
    }
    weir_put_double(out, habits->rest);
    weir_put_long(out, (int64_t)habits->panes);
    weir_put_long(out, (int64_t)habits->constant_panes);
    weir_put_long(out, habits->span);
    weir_put_double(out, habits->spread);
    weir_put_double(out, habits->null_spread);
    weir_put_long(out, !isnan(habits->fresh));
    if (!isnan(habits->fresh))
        weir_put_double(out, habits->fresh);
    weir_put_bytes(out, habits->steady, habits->n_steady);
    weir_put_long(out, habits->pairs != NULL);
    if (habits->pairs)
        weir_pairs_write(habits->pairs, out);
    weir_depends_write(habits->by, habits->n_by, out);
    weir_put_string(out, habits->forms ? habits->forms : "");
    for (int k = 0; k < WEIR_HABITS_SPANS; k++)
        weir_spread_write(&habits->spans[k], out);
    return out->failed ? WEIR_ENOMEM : 0;
}

static double get_share(struct weir_reader *in)
{
    double share = weir_get_double(in);
    in->failed |= !(share >= 0 && share <= 1);
    return share;
}

static int read_steady(struct weir_habits *habits, struct weir_reader *in)
{
    size_t length;
    const uint8_t *steady = weir_get_bytes(in, &length);
    if (in->failed || length > STEADY)
        return WEIR_ECORRUPT;
    habits->steady = malloc(length ? length : 1);
    if (!habits->steady)
        return WEIR_ENOMEM;
    if (length)
        memcpy(habits->steady, steady, length);
    habits->n_steady = length;
    return 0;
}

static int read_pairs(struct weir_habits *habits, struct weir_reader *in)
{
    habits->pairs = calloc(1, sizeof *habits->pairs);
    if (!habits->pairs)
        return WEIR_ENOMEM;
    weir_pairs_read(habits->pairs, in);
    return 0;
}

// Without a pattern the text is empty.
static int read_forms(struct weir_habits *habits, struct weir_reader *in)
{
    char *forms = weir_get_string_alloc(in, WEIR_TEXT_FORMS_PATTERN);
    if (!forms)
        return weir_reader_code(in);
    if (*forms)
        habits->forms = forms;
    else
        free(forms);
    return 0;
}

static int read_into(struct weir_habits *habits, struct weir_reader *in)
{
    int64_t version = weir_get_long(in);
    in->failed |= version < 1 || version > VERSION;
    habits->n_values = weir_get_count(in, WEIR_HABITS_VALUES);
    for (size_t i = 0; i < habits->n_values && !in->failed; i++) {
        habits->values[i].value = weir_get_double(in);
        habits->values[i].share = get_share(in);
    }
    habits->rest = get_share(in);
    habits->panes = weir_get_count(in, (size_t)1 << 60);
    habits->constant_panes = weir_get_count(in, habits->panes);
    habits->span = (int64_t)weir_get_count(in, INT64_MAX);
    if (version > 1) {
        habits->spread = weir_get_double(in);
        habits->null_spread = weir_get_double(in);
    }
    in->failed |= !(habits->spread >= 1 && habits->spread <= DBL_MAX);
    in->failed |= !(habits->null_spread >= 1 && habits->null_spread <= DBL_MAX);
    if (weir_get_count(in, 1))
        habits->fresh = get_share(in);
    int code = read_steady(habits, in);
    if (!code && weir_get_count(in, 1))
        code = read_pairs(habits, in);
    if (!code && version > 2)
        code = weir_depends_read(in, &habits->by, &habits->n_by);
    if (!code && version > 3)
        code = read_forms(habits, in);
    for (int k = 0; !code && version > 4 && k < WEIR_HABITS_SPANS; k++)
        code = weir_spread_read(&habits->spans[k], in);
    return code ? code : in->failed ? WEIR_ECORRUPT : 0;
}

int weir_habits_read(struct weir_reader *in, struct weir_habits **out)
{
    struct weir_habits *habits = weir_habits_create();
    if (!habits)
        return WEIR_ENOMEM;
    int code = read_into(habits, in);
    if (code)
        weir_habits_free(habits);
    else
        *out = habits;
    return code;
}
