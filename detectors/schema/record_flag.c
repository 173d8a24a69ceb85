// SPDX-License-Identifier: Apache-2.0
// What a check has found, to the host: as rows, with what is said of them.
#include <string.h>

#include "detectors/schema/record.h"
#include "detectors/schema/watch.h"

int schema_has_record(const struct weir_batch *batch, uint32_t row)
{
    return batch->fault[row] != WEIR_ROW_UNDECODABLE && batch->fault[row] != WEIR_ROW_TOMBSTONE;
}

// Elements to their rows: both ascending, each row once, with what belongs to its first element.
static uint32_t to_rows(const struct schema_pass *pass, uint32_t n)
{
    struct schema_edge *edge = pass->edge;
    const uint32_t *offsets = pass->column->offsets;
    uint32_t row = 0, kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t element = edge->found[i];
        while (offsets[row + 1] <= element)
            row++;
        if (kept && edge->found[kept - 1] == row)
            continue;
        edge->kinds[kept] = edge->kinds[i];
        edge->values[kept] = edge->values[i];
        edge->elements[kept] = element;
        edge->found[kept++] = row;
    }
    return kept;
}

void schema_limit(const struct schema_pass *pass, const char *what, uint32_t n)
{
    if (n && pass->column && pass->column->offsets)
        n = to_rows(pass, n);
    if (n)
        pass->host->limit_rows(pass->host, what, pass->edge->found, n);
}

uint32_t schema_flag(const struct schema_pass *pass, enum schema_check check, uint32_t n)
{
    struct schema_edge *edge = pass->edge;
    int rule = pass->field ? pass->field->rule[check] : edge->schema->rule[check];
    if (!n || rule < 0)
        return 0;
    if (pass->column && pass->column->offsets)
        n = to_rows(pass, n);
    else
        memcpy(edge->elements, edge->found, n * sizeof *edge->found);
    pass->host->flag(pass->host, (unsigned)rule, edge->found, n);
    if (pass->field)
        schema_watch_broken(edge->watch, (size_t)(pass->field - edge->schema->fields), pass->host,
                            edge->found, n);
    else if (check == SCHEMA_DUPLICATE && edge->schema->key >= 0)
        schema_watch_broken(edge->watch, (size_t)edge->schema->key, pass->host, edge->found, n);
    return n;
}

void schema_flag_kinds(const struct schema_pass *pass, enum schema_check check, uint32_t n,
                       const char *const *names, size_t n_names, int has_values)
{
    struct schema_edge *edge = pass->edge;
    int rule = pass->field ? pass->field->rule[check] : edge->schema->rule[check];
    n = schema_flag(pass, check, n);
    for (size_t kind = 0; kind < n_names && n; kind++) {
        uint32_t m = 0;
        for (uint32_t i = 0; i < n; i++) {
            edge->part[m] = edge->found[i];
            edge->part_values[m] = edge->values[i];
            m += edge->kinds[i] == kind;
        }
        if (m)
            pass->host->detail(pass->host, (unsigned)rule, names[kind], strlen(names[kind]),
                               edge->part, has_values ? edge->part_values : NULL, m);
    }
}
