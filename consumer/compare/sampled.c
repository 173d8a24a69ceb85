// SPDX-License-Identifier: Apache-2.0
#include "consumer/compare/sampled.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/compare/summaries.h"
#include "consumer/compare/together.h"
#include "consumer/profile/alone.h"

#define NORMAL_95 1.959963984540054
#define MOST_CHANCE 0.5 // of a word to be taken for known

enum { GROWING_PANES = 3 };

void weir_comparison_put(struct weir_field_comparison *field, enum weir_statistic_id statistic,
                         struct weir_test test, double bound)
{
    const char *name = weir_statistic_info(statistic)->name;
    for (size_t i = 0; i < field->n; i++) {
        struct weir_comparison *c = &field->statistics[i];
        if (strcmp(c->name, name) != 0)
            continue;
        c->value = c->p_value = c->bound = NAN;
        c->reason = test.status == WEIR_TEST_OK ? NULL : weir_test_status_text(test.status);
        if (test.status != WEIR_TEST_OK)
            continue;
        c->value = test.value;
        c->bound = bound;
        if (weir_statistic_info(statistic)->has_p)
            c->p_value = test.p_value;
    }
}

// ---- texts

struct unknown {
    const struct weir_words *known;
    double words, unknown;
};

static void look_up(void *context, uint64_t word)
{
    struct unknown *u = context;
    u->words++;
    u->unknown += !weir_words_know(u->known, word);
}

// Of a text that was cut, without its last word, which may not be whole.
static size_t whole_words(const struct weir_span *text, uint32_t length)
{
    size_t n = text->length;
    while (n < length && n && text->data[n - 1] > ' ')
        n--;
    return n;
}

// The share of words in `texts` that the reference never has, and its error: texts are drawn, not
// words.
static struct weir_test out_of_vocabulary(const struct weir_words *known,
                                          const struct weir_rows_column *texts, double *bound)
{
    struct weir_text_counts counts = {0};
    double words = 0, unknown = 0, chance = weir_words_chance(known);
    double uu = 0, uw = 0, ww = 0, n = 0;
    for (size_t i = 0; i < texts->n; i++) {
        struct unknown u = {known, 0, 0};
        if (texts->state[i] != WEIR_STATE_VALUE)
            continue;
        weir_text_counts_add(&counts, (const char *)texts->text[i].data,
                             whole_words(&texts->text[i], texts->length[i]), look_up, &u);
        words += u.words;
        unknown += u.unknown;
        uu += u.unknown * u.unknown;
        uw += u.unknown * u.words;
        ww += u.words * u.words;
        n++;
    }
    if (!known->counts.tokens)
        return (struct weir_test){0, 1, WEIR_TEST_REFERENCE_EMPTY};
    if (!(words > 0))
        return (struct weir_test){0, 1, WEIR_TEST_CURRENT_EMPTY};
    if (chance > MOST_CHANCE)
        return (struct weir_test){0, 1, WEIR_TEST_TOO_MANY};
    double share = unknown / words;
    double error = sqrt(fmax(0, uu - 2 * share * uw + share * share * ww)) / words;
    // None in so many words: fewer than 3 in as many, at 95%.
    *bound = fmax(NORMAL_95 * error, 3 / words) / (1 - chance);
    return (struct weir_test){fmin(1, share / (1 - chance)), 1, WEIR_TEST_OK};
}

static struct weir_test distance_of(double distance)
{
    return distance < 0 ? (struct weir_test){0, 1, WEIR_TEST_NOT_APPLICABLE}
                        : (struct weir_test){distance, 1, WEIR_TEST_OK};
}

static void compare_texts(const struct weir_words *a, const struct weir_words *b,
                          const struct weir_rows_column *texts, struct weir_field_comparison *out)
{
    double bound = NAN;
    if (a && b) {
        weir_comparison_put(out, WEIR_STATISTIC_CHARACTER_CLASSES,
                            distance_of(weir_text_class_distance(&a->counts, &b->counts)), NAN);
        weir_comparison_put(out, WEIR_STATISTIC_TOKEN_DISTRIBUTION,
                            distance_of(weir_text_token_distance(&a->counts, &b->counts)), NAN);
    }
    if (a && texts && texts->text) {
        struct weir_test test = out_of_vocabulary(a, texts, &bound);
        weir_comparison_put(out, WEIR_STATISTIC_OUT_OF_VOCABULARY, test, bound);
    }
}

// ---- vectors

static int compare_vectors(const struct weir_table_column *a, const struct weir_table_column *b,
                           struct weir_field_comparison *out)
{
    struct weir_test tests[WEIR_STATISTICS];
    double bounds[WEIR_VECTOR_STATISTICS];
    for (unsigned i = 0; i < WEIR_STATISTICS; i++)
        tests[i] = (struct weir_test){0, 1, WEIR_TEST_NOT_APPLICABLE};
    int code = weir_compare_vectors(a, b, tests);
    if (!code)
        code = weir_compare_vector_bounds(a, b, bounds);
    for (unsigned i = 0; i < WEIR_VECTOR_STATISTICS && !code; i++)
        weir_comparison_put(out, WEIR_STATISTIC_MEAN_SHIFT + i,
                            tests[WEIR_STATISTIC_MEAN_SHIFT + i], bounds[i]);
    return code;
}

// ---- rows

// Each pane begins where the one before it has ended: a time, or a position.
static int only_grows(const struct weir_profile *profile, size_t f)
{
    size_t n = 0;
    double before = -INFINITY;
    for (size_t p = 0; p < profile->n_panes; p++) {
        const struct weir_moments *moments = &profile->panes[p].fields[f].moments;
        if (!(moments->n + moments->outside))
            continue;
        if (moments->minimum < before)
            return 0;
        before = moments->maximum;
        n++;
    }
    return n >= GROWING_PANES;
}

// Fields that tell one time from another, or one record from all others, whatever their values.
static int tells_records(const struct weir_profile *profile, size_t f)
{
    const struct weir_profile_field *field = &profile->fields[f];
    return weir_profile_tells_records(field->name, field->role, &field->clues) ||
           (field->summary.shape == WEIR_SHAPE_NUMERIC && only_grows(profile, f));
}

static int make_table(const struct weir_profile *reference, const struct weir_comparison_set *set,
                      const uint8_t *alone, const struct weir_rows *rows, struct weir_table *out)
{
    *out = (struct weir_table){.rows = rows->n};
    out->columns = calloc(set->n + 1, sizeof *out->columns);
    int code = out->columns ? 0 : WEIR_ENOMEM;
    for (size_t i = 0; i < set->n && !code; i++) {
        const struct weir_rows_column *from = weir_rows_find(rows, reference->fields[i].name);
        // One of another type has no values for this one.
        if (from && from->type != reference->fields[i].type)
            from = NULL;
        out->n_columns = i + 1;
        code = weir_table_column_of(from, rows->n, set->fields[i].type, &out->columns[i]);
        out->columns[i].name = reference->fields[i].name;
        out->columns[i].tells_records = alone[i];
    }
    return code;
}

static int compare_tables(const struct weir_table *a, const struct weir_table *b,
                          struct weir_comparison_set *set)
{
    int code = weir_compare_multivariate(a, b, set->multivariate);
    for (size_t i = 0; i < set->n && !code; i++) {
        if (set->fields[i].type == WEIR_COMPARE_VECTOR)
            code = compare_vectors(&a->columns[i], &b->columns[i], &set->fields[i].comparison);
    }
    return code ? code : weir_compare_rules(a, b, &set->rules);
}

// `x` and `y` are the sampled rows; NULL: there are none.
static int compare_together(const struct weir_profile *reference,
                            const struct weir_sampled_side *current, const uint8_t *alone,
                            const struct weir_table *x, const struct weir_table *y,
                            struct weir_comparison_set *set)
{
    const struct weir_together_side sides[2] = {
        {reference->frames, reference->n_frames, reference, NULL, alone, x},
        {current->frames, current->n_frames, current->profile, current->summaries, NULL, y}};
    return weir_compare_together(sides, set);
}

static int compare_rows(const struct weir_profile *reference,
                        const struct weir_sampled_side *current, const uint8_t *alone,
                        const struct weir_rows *b, struct weir_comparison_set *set)
{
    struct weir_rows a;
    struct weir_table x, y;
    int code = weir_rows_make(reference->sample, &a);
    if (code)
        return code;
    code = make_table(reference, set, alone, &a, &x);
    if (!code) {
        code = make_table(reference, set, alone, b, &y);
        if (!code)
            code = compare_tables(&x, &y, set);
        if (!code)
            code = compare_together(reference, current, alone, &x, &y, set);
        weir_table_free(&y);
    }
    weir_table_free(&x);
    weir_rows_free(&a);
    return code;
}

int weir_compare_sampled(const struct weir_profile *reference,
                         const struct weir_sampled_side *current, struct weir_comparison_set *set)
{
    struct weir_rows rows = {0};
    uint8_t *alone = calloc(set->n + 1, 1);
    int code = !alone ? WEIR_ENOMEM : current->sample ? weir_rows_make(current->sample, &rows) : 0;
    if (code) {
        free(alone);
        return code;
    }
    for (size_t i = 0; i < set->n; i++) {
        const struct weir_profile_field *field = &reference->fields[i];
        alone[i] = tells_records(reference, i) != 0;
        if (set->fields[i].type == WEIR_COMPARE_TEXT)
            compare_texts(field->words, current->words[i], weir_rows_find(&rows, field->name),
                          &set->fields[i].comparison);
    }
    if (current->sample && reference->sample)
        code = compare_rows(reference, current, alone, &rows, set);
    else
        code = compare_together(reference, current, alone, NULL, NULL, set);
    weir_rows_free(&rows);
    free(alone);
    return code;
}
