// SPDX-License-Identifier: Apache-2.0
// A model's metrics, for a program in another language to hold them against its own. From standard
// input, until it ends: a kind ('c' classes, 's' scores in a cell a value, 'q' scores in cells of
// quantiles, 'n' numbers), the number of records and that of classes (int64), then labels and
// answers (doubles); to standard output a line of JSON each: name: [value, low, high, bound].
// Records are counted in two parts that are merged and go through bytes.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cells_build.h"
#include "stats/quality.h"
#include "stats/sort.h"
#include "stats/summary.h"

static char names[WEIR_QUALITY_MOST_CLASSES][8];
static const char *classes[WEIR_QUALITY_MOST_CLASSES];

static void print_number(double x)
{
    if (isnan(x))
        fputs("null", stdout);
    else
        printf("%.17g", x);
}

static void print(const struct weir_quality *quality)
{
    struct weir_quality_metric metrics[WEIR_QUALITY_METRICS];
    const char *before = "{";
    weir_quality_measure(quality, metrics);
    for (int i = 0; i < WEIR_QUALITY_METRICS; i++) {
        const struct weir_quality_metric *m = &metrics[i];
        if (!m->name)
            continue;
        printf("%s\"%s\": [", before, m->name);
        const double numbers[] = {m->value, m->low, m->high, m->bound};
        for (int k = 0; k < 4; k++) {
            fputs(k ? ", " : "", stdout);
            print_number(numbers[k]);
        }
        putchar(']');
        before = ", ";
    }
    puts("}");
}

static size_t distinct(double *x, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!kept || x[i] != x[kept - 1])
            x[kept++] = x[i];
    return kept;
}

static void add(struct weir_quality *quality, char kind, double label, double answer)
{
    if (kind == 'n')
        weir_quality_add_number(quality, label, answer);
    else if (kind == 'c')
        weir_quality_add_class(quality, (size_t)label, (size_t)answer);
    else
        weir_quality_add_score(quality, label > 0, answer);
}

static void check(int failed, const char *what)
{
    if (!failed)
        return;
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void measure(char kind, const double *labels, const double *answers, size_t n, size_t k)
{
    double *sorted = malloc((n + 1) * sizeof *sorted), *cuts = malloc((n + 256) * sizeof *cuts);
    struct weir_cells *cells = NULL;
    struct weir_quality_spec spec = {.classes = classes,
                                     .n_classes = k,
                                     .predicted = kind == 'c',
                                     .positive = k == 2 ? 1 : -1,
                                     .scored = kind == 's' || kind == 'q',
                                     .cuts = cuts};
    if (kind == 'n') {
        check(weir_cells_build_numeric(labels, n, &cells, NULL) != 0, "cells");
        spec = (struct weir_quality_spec){
            .task = WEIR_QUALITY_NUMBERS, .centre = cells->centre, .scale = cells->scale};
    } else if (kind != 'c') {
        if (n)
            memcpy(sorted, answers, n * sizeof *sorted);
        weir_sort_doubles(sorted, n);
        spec.n_cuts = kind == 'q' ? weir_quality_cuts(sorted, n, cuts) : distinct(sorted, n);
        if (kind == 's' && n)
            memcpy(cuts, sorted, spec.n_cuts * sizeof *cuts);
    }
    struct weir_quality *part[2], *read;
    for (int i = 0; i < 2; i++)
        check(weir_quality_create(&spec, &part[i]) != 0, "create");
    for (size_t i = 0; i < n; i++)
        add(part[i * 7 % 3 == 0], kind, labels[i], answers[i]);
    check(weir_quality_merge(part[1], part[0]) != 0, "merge");
    struct weir_buffer bytes;
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    weir_quality_write(part[1], &bytes);
    struct weir_reader in = weir_reader_make(bytes.data, bytes.length);
    check(weir_quality_read(&in, &read) || weir_reader_left(&in), "read");
    print(read);
    weir_buffer_free(&bytes);
    weir_quality_destroy(read);
    weir_quality_destroy(part[0]);
    weir_quality_destroy(part[1]);
    if (cells)
        weir_cells_free(cells);
    free(sorted);
    free(cuts);
}

int main(void)
{
    char kind;
    int64_t size[2];
    for (size_t i = 0; i < WEIR_QUALITY_MOST_CLASSES; i++) {
        snprintf(names[i], sizeof names[i], "%zu", i);
        classes[i] = names[i];
    }
    while (fread(&kind, 1, 1, stdin) == 1) {
        check(fread(size, sizeof *size, 2, stdin) != 2 || size[0] < 0 || size[0] > 1 << 24 ||
                  size[1] < 0 || size[1] > WEIR_QUALITY_MOST_CLASSES,
              "sizes");
        size_t n = (size_t)size[0];
        double *values = malloc((2 * n + 1) * sizeof *values);
        check(!values || fread(values, sizeof *values, 2 * n, stdin) != 2 * n, "values");
        measure(kind, values, values + n, n, (size_t)size[1]);
        free(values);
    }
    return 0;
}
