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
    unlike_must(!state);
    unlike_must(weir_absorb_scratch_create(&scratch));
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

// One side in given cells. Of numbers NAN counts as null.
static inline void unlike_side_numbers(struct weir_summary *side, const struct weir_cells *cells,
                                       const double *x, size_t n)
{
    struct weir_summary_spec spec = {WEIR_SHAPE_NUMERIC, UNLIKE_PARTS & ~WEIR_PART_TOP, cells, 0};
    double *values = malloc((n + 1) * sizeof *values);
    size_t kept = 0;
    unlike_must(!values || weir_summary_init(side, &spec));
    for (size_t i = 0; i < n; i++) {
        if (x[i] == x[i])
            values[kept++] = x[i];
    }
    struct weir_column column = {.type = WEIR_TYPE_DOUBLE, .n = (uint32_t)kept};
    column.values.f64 = values;
    unlike_absorb(side, &column);
    side->rows += n - kept;
    side->null += n - kept;
    free(values);
}

static inline struct weir_string *unlike_dictionary(const char *const *words, size_t n)
{
    struct weir_string *dictionary = calloc(n + 1, sizeof *dictionary);
    unlike_must(!dictionary);
    for (size_t w = 0; w < n; w++) {
        uint32_t length = (uint32_t)strlen(words[w]);
        dictionary[w] = (struct weir_string){words[w], length, weir_hash(words[w], length)};
    }
    return dictionary;
}

static inline void unlike_side_words(struct weir_summary *side, const struct weir_cells *cells,
                                     const char *const *words, size_t n_words,
                                     const uint32_t *codes, size_t n)
{
    struct weir_summary_spec spec = {
        WEIR_SHAPE_CATEGORICAL, WEIR_PART_CELLS | WEIR_PART_DISTINCT | WEIR_PART_TOP, cells, 0};
    struct weir_string *dictionary = unlike_dictionary(words, n_words);
    unlike_must(weir_summary_init(side, &spec));
    struct weir_column column = {.type = WEIR_TYPE_STRING,
                                 .n = (uint32_t)n,
                                 .dictionary = dictionary,
                                 .n_dictionary = (uint32_t)n_words};
    column.values.code = codes;
    unlike_absorb(side, &column);
    free(dictionary);
}

// Numbers; WEIR_TYPE_LONG where they are all whole.
static inline void unlike_numbers(struct unlike_sample *sample, const char *name,
                                  enum weir_type type, const double *training, size_t n,
                                  const double *serving, size_t m)
{
    unlike_must(weir_cells_build_numeric(training, n, &sample->cells, NULL));
    unlike_side_numbers(&sample->side[0], sample->cells, training, n);
    unlike_side_numbers(&sample->side[1], sample->cells, serving, m);
    unlike_open(sample, name, type);
}

// Strings, each a number of words[], as categories.
static inline void unlike_words(struct unlike_sample *sample, const char *name,
                                const char *const *words, size_t n_words, const uint32_t *training,
                                size_t n, const uint32_t *serving, size_t m)
{
    struct weir_string *dictionary = unlike_dictionary(words, n_words);
    struct weir_category *categories = calloc(n_words, sizeof *categories);
    size_t distinct = 0;
    unlike_must(!categories);
    for (size_t w = 0; w < n_words; w++) {
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
    unlike_side_words(&sample->side[0], sample->cells, words, n_words, training, n);
    unlike_side_words(&sample->side[1], sample->cells, words, n_words, serving, m);
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
