// SPDX-License-Identifier: Apache-2.0
#include "consumer/compare/together.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/compare/correlations.h"
#include "consumer/compare/matrix.h"
#include "consumer/compare/summaries.h"
#include "stats/summary.h"

enum { MMD = 0, CORRELATIONS = WEIR_MULTIVARIATE - 1, LEAST_ROWS = 20, SPREAD_ROWS = 1000 };
#define FEATURE_ERROR 2e-6 // of a distance, by the steps of the features

static const char *name_of(const struct weir_together_side *side, size_t place)
{
    return side->profile->fields[place].name;
}

// The frame of single fields, which comes first; NULL: there is none.
static const struct weir_profile_frame *fields_of(const struct weir_together_side *side)
{
    return side->n_frames && !side->frames[0].is_vector ? &side->frames[0] : NULL;
}

// As weir_frame_same(), of profiles whose fields may be in another order.
static int same(const struct weir_together_side *sides, const struct weir_profile_frame *a,
                const struct weir_profile_frame *b)
{
    if (a->is_vector != b->is_vector || a->n != b->n || !weir_embedding_same(a->means, b->means))
        return 0;
    for (size_t j = 0; j < (a->is_vector ? 1 : a->n); j++)
        if (strcmp(name_of(&sides[0], a->field[j]), name_of(&sides[1], b->field[j])) != 0)
            return 0;
    return !memcmp(a->centre, b->centre, a->n * sizeof *a->centre) &&
           !memcmp(a->scale, b->scale, a->n * sizeof *a->scale);
}

// Whether it takes part: a field of the reference that tells no record from the others.
static int takes_part(const struct weir_together_side *reference, size_t place)
{
    return !reference->alone[place];
}

// ---- correlations

// Of a side's field j how far the cut has turned it.
static double turned(const struct weir_together_side *side, const struct weir_profile_frame *frame,
                     size_t j)
{
    if (!frame->cut[j])
        return 0;
    size_t place = frame->field[j];
    const struct weir_summary *summary =
        side->summaries ? &side->summaries[place] : &side->profile->fields[place].summary;
    double variance = weir_moments_variance(&summary->moments, summary->cells);
    double all = summary->moments.outside || summary->infinite_low + summary->infinite_high
                     ? 0
                     : variance / (frame->scale[j] * frame->scale[j]);
    return weir_correlations_turned(weir_co_moments_variance(frame->products, j), all);
}

static int64_t find(const struct weir_together_side *side, const struct weir_profile_frame *frame,
                    const char *name)
{
    for (size_t j = 0; j < frame->n; j++)
        if (!strcmp(name_of(side, frame->field[j]), name))
            return (int64_t)j;
    return -1;
}

// The fields that both have, with their samples; returns how many.
static size_t common(const struct weir_together_side *sides, struct weir_correlated *out)
{
    const struct weir_profile_frame *a = fields_of(&sides[0]), *b = fields_of(&sides[1]);
    size_t n = 0;
    for (size_t j = 0; j < a->n; j++) {
        int64_t other = find(&sides[1], b, name_of(&sides[0], a->field[j]));
        size_t column = a->field[j]; // of the tables
        if (other < 0 || !takes_part(&sides[0], column))
            continue;
        struct weir_correlated *field = &out[n++];
        *field = (struct weir_correlated){{j, (size_t)other}, {0}, {NULL, NULL}};
        for (int s = 0; s < 2; s++) {
            const struct weir_table *sample = sides[s].sample;
            field->turned[s] = turned(&sides[s], s ? b : a, field->in[s]);
            if (sample && sample->columns[column].number &&
                sample->columns[column].n == sample->rows)
                field->z[s] = sample->columns[column].number;
        }
    }
    return n;
}

// Samples hold values as they were: cut like the sums, or one of them would outweigh all others.
static int cut_samples(const struct weir_together_side *sides, struct weir_correlations *c,
                       double **memory)
{
    const struct weir_profile_frame *frame = fields_of(&sides[0]);
    size_t all = c->n * (c->rows[0] + c->rows[1]);
    double *at = *memory = malloc((all + 1) * sizeof *at);
    if (!at)
        return WEIR_ENOMEM;
    for (size_t j = 0; j < c->n; j++)
        for (int s = 0; s < 2; s++) {
            const double *from = c->fields[j].z[s];
            int cut = 0;
            if (!from)
                continue;
            for (size_t i = 0; i < c->rows[s]; i++)
                at[i] = weir_frame_value(frame, c->fields[j].in[0], from[i], &cut);
            c->fields[j].z[s] = at;
            at += c->rows[s];
        }
    return 0;
}

static int compare_correlations(const struct weir_together_side *sides,
                                struct weir_comparison_set *set)
{
    const struct weir_profile_frame *a = fields_of(&sides[0]), *b = fields_of(&sides[1]);
    struct weir_correlated fields[WEIR_CO_MOMENTS_MOST];
    double *memory = NULL;
    if (!a || !b || !a->products || !b->products)
        return 0;
    struct weir_correlations c = {{a->products, b->products}, fields, 0, {0, 0}};
    for (int s = 0; s < 2; s++)
        c.rows[s] = sides[s].sample ? (size_t)sides[s].sample->rows : 0;
    c.n = common(sides, fields);
    if (c.n < 2)
        return 0;
    int code = cut_samples(sides, &c, &memory);
    if (!code)
        weir_compare_correlations(&c, &set->multivariate[CORRELATIONS]);
    free(memory);
    return code;
}

// ---- embeddings

// The reference's sampled rows in the frame's terms, number by number; *rows 0: there are none.
static float *sampled(const struct weir_together_side *side, const struct weir_profile_frame *frame,
                      size_t *rows)
{
    *rows = 0;
    const struct weir_table *sample = side->sample;
    size_t most = sample->rows < SPREAD_ROWS ? (size_t)sample->rows : SPREAD_ROWS, taken = 0;
    float *z = malloc((frame->n * most + 1) * sizeof *z);
    for (size_t r = 0; z && r < most; r++) {
        const struct weir_table_column *column = &sample->columns[frame->field[0]];
        size_t from = r;
        int cut = 0, good = 1;
        if (frame->is_vector) {
            from = r ? column->ends[r - 1] : 0;
            good = column->ends[r] - from == frame->n;
        }
        for (size_t j = 0; j < frame->n && good; j++) {
            if (!frame->is_vector)
                column = &sample->columns[frame->field[j]];
            double x = column->number[frame->is_vector ? from + j : from];
            double value = weir_frame_value(frame, j, x, &cut);
            good = !frame->is_vector || isfinite(x);
            z[j * most + taken] = isnan(value) ? 0 : (float)value;
        }
        taken += (size_t)good;
    }
    *rows = taken;
    // Numbers stand `most` apart.
    for (size_t j = 1; z && taken < most && j < frame->n; j++)
        memmove(z + j * taken, z + j * most, taken * sizeof *z);
    return z;
}

// Columns that the frame needs are numbers, as many as there are rows.
static int has_columns(const struct weir_together_side *side,
                       const struct weir_profile_frame *frame)
{
    for (size_t j = 0; j < (frame->is_vector ? 1 : frame->n); j++) {
        const struct weir_table_column *column = &side->sample->columns[frame->field[j]];
        if (!column->number ||
            (frame->is_vector ? column->n_ends : column->n) != side->sample->rows)
            return 0;
    }
    return 1;
}

static int distance(const struct weir_together_side *reference, const struct weir_profile_frame *a,
                    const struct weir_profile_frame *b, struct weir_test *out)
{
    struct weir_embedding_spread spread;
    size_t rows = 0;
    int has_rows = reference->sample && has_columns(reference, a);
    float *z = has_rows ? sampled(reference, a, &rows) : NULL;
    int code = has_rows && !z ? WEIR_ENOMEM : 0;
    int known = !code && z && rows >= LEAST_ROWS;
    if (known)
        code = weir_embedding_spread(a->means, z, rows, rows, &spread);
    if (!code)
        *out = weir_embedding_distance(a->means, b->means, known ? &spread : NULL);
    free(z);
    return code;
}

static int compare_fields(const struct weir_together_side *sides, struct weir_comparison_set *set)
{
    const struct weir_profile_frame *a = fields_of(&sides[0]), *b = fields_of(&sides[1]);
    struct weir_test test;
    if (!a || !b || a->n < 2 || !same(sides, a, b))
        return 0;
    for (size_t j = 0; j < a->n; j++)
        if (!takes_part(&sides[0], a->field[j]))
            return 0;
    int code = distance(&sides[0], a, b, &test);
    if (!code && test.status == WEIR_TEST_OK)
        set->multivariate[MMD] = (struct weir_comparison){"mmd", test.value, test.p_value,  NAN,
                                                          NAN,   NAN,        FEATURE_ERROR, NULL};
    return code;
}

static int compare_vectors(const struct weir_together_side *sides,
                           const struct weir_profile_frame *a, struct weir_comparison_set *set)
{
    for (size_t f = 0; f < sides[1].n_frames; f++) {
        const struct weir_profile_frame *b = &sides[1].frames[f];
        struct weir_test test;
        if (!same(sides, a, b))
            continue;
        int code = distance(&sides[0], a, b, &test);
        if (!code && test.status == WEIR_TEST_OK)
            weir_comparison_put(&set->fields[a->field[0]].comparison, WEIR_STATISTIC_VECTOR_MMD,
                                test, FEATURE_ERROR);
        return code;
    }
    return 0;
}

int weir_compare_together(const struct weir_together_side sides[2], struct weir_comparison_set *set)
{
    int code = compare_correlations(sides, set);
    if (!code)
        code = compare_fields(sides, set);
    for (size_t f = 0; f < sides[0].n_frames && !code; f++)
        if (sides[0].frames[f].is_vector)
            code = compare_vectors(sides, &sides[0].frames[f], set);
    return code;
}
