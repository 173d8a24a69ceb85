// SPDX-License-Identifier: Apache-2.0
#include "consumer/compare/rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/samples.h"
#include "stats/sort.h"

#define ALL_DISTINCT 0.99

struct names {
    const struct weir_table *table[2];
    size_t column[WEIR_CONTRAST_COLUMNS];
};

static const char *name_of(const void *state, size_t column)
{
    const struct names *names = state;
    return names->table[0]->columns[names->column[column]].name;
}

static const char *category_of(const void *state, size_t column, uint64_t category)
{
    const struct names *names = state;
    for (int side = 0; side < 2; side++) {
        const struct weir_table_column *from = &names->table[side]->columns[names->column[column]];
        if (from->type == WEIR_COMPARE_BOOLEAN)
            return category ? "true" : "false";
        for (size_t i = 0; i < from->n_texts; i++)
            if (from->texts[i].hash == category)
                return from->texts[i].text;
    }
    return NULL;
}

// Times and positions: they never fall, and take more values than a level that moved once or twice.
static int only_grows(const struct weir_table_column *column)
{
    double before = -INFINITY;
    size_t steps = 0;
    for (size_t i = 0; i < column->n; i++) {
        double x = column->number[i];
        if (isnan(x))
            continue;
        if (x < before)
            return 0;
        steps += x > before;
        before = x;
    }
    return steps > 10;
}

// 1, 0 or WEIR_ENOMEM.
static int are_ids(const struct weir_table_column *column)
{
    double *sorted = malloc((column->n + 1) * sizeof *sorted);
    size_t n = 0, distinct = 0;
    if (!sorted)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < column->n; i++) {
        double x = column->number[i];
        if (isnan(x))
            continue;
        if (x != floor(x)) {
            free(sorted);
            return 0;
        }
        sorted[n++] = x;
    }
    weir_sort_doubles(sorted, n);
    for (size_t i = 0; i < n; i++)
        distinct += i == 0 || sorted[i] != sorted[i - 1];
    free(sorted);
    return n > 0 && (double)distinct >= ALL_DISTINCT * (double)n;
}

// 1, 0 or WEIR_ENOMEM.
static int takes_part(const struct weir_table *a, const struct weir_table *b, size_t i)
{
    const struct weir_table_column *x = &a->columns[i], *y = &b->columns[i];
    if (x->is_list || x->tells_records || x->n != a->rows || y->n != b->rows)
        return 0;
    if (x->type == WEIR_COMPARE_CATEGORICAL || x->type == WEIR_COMPARE_BOOLEAN)
        return 1;
    if (x->type != WEIR_COMPARE_NUMERIC || (only_grows(x) && only_grows(y)))
        return 0;
    int ids = are_ids(x);
    if (ids == 1)
        ids = are_ids(y);
    return ids < 0 ? ids : !ids;
}

static int fill(const struct weir_table *a, const struct weir_table *b, struct names *names,
                struct weir_contrast_column *columns, size_t *n)
{
    for (size_t i = 0; i < a->n_columns && *n < WEIR_CONTRAST_COLUMNS; i++) {
        int part = takes_part(a, b, i);
        if (part < 0)
            return part;
        if (!part)
            continue;
        struct weir_contrast_column *to = &columns[*n];
        *to = (struct weir_contrast_column){{NULL, NULL}, {NULL, NULL}, {NULL, NULL}};
        for (int side = 0; side < 2; side++) {
            const struct weir_table_column *from = &names->table[side]->columns[i];
            if (from->type == WEIR_COMPARE_NUMERIC)
                to->number[side] = from->number;
            else
                to->category[side] = from->hash;
            to->absent[side] = from->absent;
        }
        names->column[(*n)++] = i;
    }
    return 0;
}

static int write_texts(const struct names *names, struct weir_compared_rules *out)
{
    struct weir_contrast_texts texts = {name_of, category_of, names};
    for (size_t k = 0; k < out->contrast.n_rules; k++) {
        struct weir_buffer text;
        size_t length;
        weir_buffer_init(&text, WEIR_BUFFER_MAXIMUM);
        weir_contrast_write(&out->contrast.rules[k], &texts, &text);
        weir_buffer_byte(&text, 0);
        int failed = text.failed;
        if (!failed)
            out->text[k] = (char *)weir_buffer_take(&text, &length);
        weir_buffer_free(&text);
        if (failed)
            return WEIR_ENOMEM;
    }
    for (size_t k = 0; k < out->contrast.n_with; k++)
        if (!(out->with[k] = strdup(name_of(names, out->contrast.with[k]))))
            return WEIR_ENOMEM;
    return 0;
}

int weir_compare_rules(const struct weir_table *reference, const struct weir_table *current,
                       struct weir_compared_rules *out)
{
    struct weir_contrast_column *columns = malloc(WEIR_CONTRAST_COLUMNS * sizeof *columns);
    struct names names = {.table = {reference, current}};
    size_t n = 0;
    memset(out, 0, sizeof *out);
    int code = columns ? fill(reference, current, &names, columns, &n) : WEIR_ENOMEM;
    if (!code) {
        struct weir_contrast_samples samples = {
            columns, n, {(size_t)reference->rows, (size_t)current->rows}, 1, 0.55};
        code = weir_contrast_find(&samples, &out->contrast);
    }
    if (!code)
        code = write_texts(&names, out);
    free(columns);
    if (code)
        weir_compared_rules_free(out);
    return code;
}

void weir_compared_rules_free(struct weir_compared_rules *rules)
{
    for (size_t k = 0; k < WEIR_CONTRAST_RULES; k++)
        free(rules->text[k]);
    for (size_t k = 0; k < WEIR_CONTRAST_WITH; k++)
        free(rules->with[k]);
    memset(rules, 0, sizeof *rules);
}
