// SPDX-License-Identifier: Apache-2.0
// For tests and benchmarks: both sides of a field from values in memory, as a profile and a window
// would hold them. Any failure ends the program.
#ifndef WEIR_STATS_UNLIKE_INSIDE_H
#define WEIR_STATS_UNLIKE_INSIDE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cells_build.h"
#include "stats/hash.h"
#include "stats/summary.h"
#include "stats/unlike.h"

enum {
    UNLIKE_PARTS = WEIR_PART_MOMENTS | WEIR_PART_CELLS | WEIR_PART_QUANTILES | WEIR_PART_DISTINCT |
                   WEIR_PART_TOP
};

struct unlike_sample {
    struct weir_unlike field;
    struct weir_cells *cells;
    struct weir_summary side[2];
};

static inline void unlike_must(int code)
{
    if (code) {
        fprintf(stderr, "a sample cannot be made (%d)\n", code);
        abort();
    }
}

static inline void unlike_absorb(struct weir_summary *summary, struct weir_column *column)
{
    struct weir_absorb_scratch *scratch;
    uint8_t *state = calloc(column->n + 1u, 1);
    unlike_must(!state || weir_absorb_scratch_create(&scratch));
    column->state = state;
    unlike_must(weir_summary_absorb(summary, column, NULL, column->n, scratch));
    weir_absorb_scratch_destroy(scratch);
    free(state);
}

static inline void unlike_open(struct unlike_sample *sample, const char *name, enum weir_type type)
{
    sample->field = (struct weir_unlike){.name = name, .type = type};
    unlike_must(weir_unlike_open(&sample->field, &sample->side[0], &sample->side[1]));
}

// Numbers; WEIR_TYPE_LONG where they are all whole. NAN counts as null.
static inline void unlike_numbers(struct unlike_sample *sample, const char *name,
                                  enum weir_type type, const double *training, size_t n,
                                  const double *serving, size_t m)
{
    const double *x[2] = {training, serving};
    size_t counts[2] = {n, m};
    unlike_must(weir_cells_build_numeric(training, n, &sample->cells, NULL));
    for (int k = 0; k < 2; k++) {
        struct weir_summary_spec spec = {WEIR_SHAPE_NUMERIC, UNLIKE_PARTS & ~WEIR_PART_TOP,
                                         sample->cells, 0};
        unlike_must(weir_summary_init(&sample->side[k], &spec));
        double *values = malloc((counts[k] + 1) * sizeof *values);
        unlike_must(!values);
        size_t kept = 0;
        for (size_t i = 0; i < counts[k]; i++) {
            if (x[k][i] == x[k][i])
                values[kept++] = x[k][i];
        }
        struct weir_column column = {.type = WEIR_TYPE_DOUBLE, .n = (uint32_t)kept};
        column.values.f64 = values;
        unlike_absorb(&sample->side[k], &column);
        sample->side[k].rows += counts[k] - kept;
        sample->side[k].null += counts[k] - kept;
        free(values);
    }
    unlike_open(sample, name, type);
}

// Strings, each a number of words[], as categories.
static inline void unlike_words(struct unlike_sample *sample, const char *name,
                                const char *const *words, size_t n_words, const uint32_t *training,
                                size_t n, const uint32_t *serving, size_t m)
{
    struct weir_string *dictionary = calloc(n_words, sizeof *dictionary);
    struct weir_category *categories = calloc(n_words, sizeof *categories);
    size_t distinct = 0;
    unlike_must(!dictionary || !categories);
    for (size_t w = 0; w < n_words; w++) {
        uint32_t length = (uint32_t)strlen(words[w]);
        dictionary[w] = (struct weir_string){words[w], length, weir_hash(words[w], length)};
        uint64_t count = 0;
        for (size_t i = 0; i < n; i++)
            count += training[i] == w;
        if (count)
            categories[distinct++] = (struct weir_category){dictionary[w], count};
    }
    struct weir_category_counts counts = {.shape = WEIR_SHAPE_CATEGORICAL,
                                          .categories = categories,
                                          .n = distinct,
                                          .complete = 1,
                                          .length_scale = 1};
    unlike_must(weir_cells_build_categories(&counts, &sample->cells, NULL));
    const uint32_t *codes[2] = {training, serving};
    size_t sizes[2] = {n, m};
    for (int k = 0; k < 2; k++) {
        struct weir_summary_spec spec = {WEIR_SHAPE_CATEGORICAL,
                                         WEIR_PART_CELLS | WEIR_PART_DISTINCT | WEIR_PART_TOP,
                                         sample->cells, 0};
        unlike_must(weir_summary_init(&sample->side[k], &spec));
        struct weir_column column = {.type = WEIR_TYPE_STRING,
                                     .n = (uint32_t)sizes[k],
                                     .dictionary = dictionary,
                                     .n_dictionary = (uint32_t)n_words};
        column.values.code = codes[k];
        unlike_absorb(&sample->side[k], &column);
    }
    free(dictionary);
    free(categories);
    unlike_open(sample, name, WEIR_TYPE_STRING);
}

static inline void unlike_free(struct unlike_sample *sample)
{
    weir_unlike_close(&sample->field);
    weir_summary_free(&sample->side[0]);
    weir_summary_free(&sample->side[1]);
    weir_cells_free(sample->cells);
}

#endif
