// SPDX-License-Identifier: Apache-2.0
#include "consumer/infer/joint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/rfc3339.h"
#include "stats/sort.h"

enum { DECIMALS = 4 };

static int is_too_fine(double value, int decimals)
{
    double scaled = value * pow(10, decimals);
    return fabs(scaled - nearbyint(scaled)) > fabs(scaled) * 1e-12;
}

static int has_value(const struct weir_rows_column *column, size_t row)
{
    return column->state[row] == WEIR_STATE_VALUE;
}

int weir_joint_precision(const struct weir_rows *rows, const char *field)
{
    const struct weir_rows_column *column = weir_rows_find(rows, field);
    size_t n = 0, exact[DECIMALS + 1] = {0};
    int most = 0;
    if (!column || column->is_list || column->type != WEIR_TYPE_DOUBLE)
        return -1;
    for (size_t i = 0; i < column->n; i++) {
        if (!has_value(column, i) || !isfinite(column->number[i]))
            continue;
        int decimals = 0;
        while (decimals <= DECIMALS && is_too_fine(column->number[i], decimals))
            decimals++;
        if (decimals > DECIMALS)
            return -1;
        most = decimals > most ? decimals : most;
        exact[decimals]++;
        n++;
    }
    return n >= WEIR_JOINT_ROWS && most && exact[most] >= n / 10 ? most : -1;
}

int weir_joint_is_unique(const struct weir_rows *rows, const char *field)
{
    const struct weir_rows_column *column = weir_rows_find(rows, field);
    if (!column || column->is_list || !column->code || rows->n < WEIR_JOINT_ROWS)
        return 0;
    uint64_t *codes = malloc(rows->n * sizeof *codes);
    int unique = codes != NULL;
    for (size_t i = 0; i < rows->n && unique; i++) {
        unique = has_value(column, i);
        codes[i] = column->code[i];
    }
    if (unique)
        weir_sort_hashes(codes, rows->n);
    for (size_t i = 1; i < rows->n && unique; i++)
        unique = codes[i] != codes[i - 1];
    free(codes);
    return unique;
}

// 0: it is none.
static int time_at(const struct weir_rows_column *column, size_t row, int64_t *time)
{
    if (column->type == WEIR_TYPE_LONG) {
        *time = (int64_t)column->code[row];
        return 1;
    }
    return column->type == WEIR_TYPE_STRING && column->text[row].length == column->length[row] &&
           !weir_time_parse((const char *)column->text[row].data, column->text[row].length, time);
}

int weir_joint_is_ordered(const struct weir_rows *rows, const char *early, const char *late)
{
    const struct weir_rows_column *a = weir_rows_find(rows, early), *b = weir_rows_find(rows, late);
    size_t n = 0, after = 0;
    if (!a || !b || a->is_list || b->is_list || a->type != b->type)
        return 0;
    for (size_t i = 0; i < rows->n; i++) {
        int64_t from, to;
        if (!has_value(a, i) || !has_value(b, i))
            continue;
        if (!time_at(a, i, &from) || !time_at(b, i, &to) || to < from)
            return 0;
        n++;
        after += to > from;
    }
    return n >= WEIR_JOINT_ROWS && after >= n / 10;
}
