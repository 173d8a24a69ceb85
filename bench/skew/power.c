// SPDX-License-Identifier: Apache-2.0
// What is found of kinds of records that training never saw, by their share, their conditions and
// the rows that are looked at; and of noise, by its size. The first row of each is without any.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/skew/parts.h"
#include "stats/cleanliness.h"
#include "stats/draw_inside.h"
#include "stats/segments.h"
#include "stats/special.h"
#include "stats/unlike_inside.h"

// Of one alarm in 30 days, a window of an hour and one of three ways (detectors/skew/training.h).
static const double ALPHA = 1. / 720 / 3;

// ---- segments

enum { MOST_ROWS = 4096, MOST_COLUMNS = 20, CATEGORIES = 5, TRAINED = 4096 };
static double numbers[2][MOST_COLUMNS][MOST_ROWS];
static uint64_t categories[2][MOST_COLUMNS][MOST_ROWS];
static struct weir_contrast_column columns[MOST_COLUMNS];

// Every third column has numbers; the segment is of the lowest category of the first others.
static void draw_row(int side, size_t row, size_t n_columns)
{
    static const double share[CATEGORIES] = {.1, .4, .25, .15, .1};
    for (size_t c = 0; c < n_columns; c++) {
        if (c % 3 == 2)
            numbers[side][c][row] = draw_normal();
        else
            categories[side][c][row] = (uint64_t)draw_pick(share, CATEGORIES);
    }
}

static size_t column_of(int condition)
{
    static const size_t of[3] = {0, 1, 3};
    return of[condition];
}

static int is_in(int side, size_t row, int conditions)
{
    for (int k = 0; k < conditions; k++)
        if (categories[side][column_of(k)][row])
            return 0;
    return 1;
}

static void draw_rows(int side, size_t n, size_t n_columns, int conditions, double planted)
{
    for (size_t row = 0; row < n; row++) {
        do
            draw_row(side, row, n_columns);
        while (conditions && is_in(side, row, conditions));
        if (side && draw_uniform() < planted)
            for (int k = 0; k < conditions; k++)
                categories[side][column_of(k)][row] = 0;
    }
}

// 1 where the segment is found, 2 where another is.
static int find_segment(size_t rows, size_t n_columns, int conditions, double planted)
{
    struct weir_segments found;
    draw_rows(0, TRAINED, n_columns, conditions, 0);
    draw_rows(1, rows, n_columns, conditions, planted);
    for (size_t c = 0; c < n_columns; c++)
        for (int side = 0; side < 2; side++) {
            columns[c].number[side] = c % 3 == 2 ? numbers[side][c] : NULL;
            columns[c].category[side] = c % 3 == 2 ? NULL : categories[side][c];
        }
    struct weir_contrast_samples samples = {
        .columns = columns, .n_columns = n_columns, .rows = {TRAINED, rows}};
    unlike_must(weir_segments_find(&samples, .01, ALPHA, 1, &found));
    int right = 0, wrong = 0;
    for (size_t i = 0; i < found.n; i++) {
        const struct weir_segment *segment = &found.of[i];
        int in = 0;
        for (size_t k = 0; k < segment->n; k++)
            for (int c = 0; c < conditions; c++)
                in += segment->clauses[k].column == column_of(c);
        right |= conditions && in == conditions;
        wrong |= !conditions || in < conditions;
    }
    return right | wrong << 1;
}

static void segments(int runs)
{
    static const double shares[] = {0, .01, .015, .02, .03, .05, .1};
    static const size_t rows[] = {500, 2000, 4000};
    printf("| segment's share | conditions | columns | 500 rows | 2,000 rows | 4,000 rows | others "
           "|\n|---|---|---|---|---|---|---|\n");
    for (int conditions = 2; conditions <= 3; conditions++)
        for (size_t n = 6; n <= MOST_COLUMNS; n += 14)
            for (size_t s = 0; s < sizeof shares / sizeof *shares; s++) {
                int others = 0;
                if (shares[s] == 0 && conditions == 3)
                    continue;
                printf("| %g%% | %s | %zu |", 100 * shares[s],
                       shares[s] == 0    ? "none"
                       : conditions == 2 ? "two"
                                         : "three",
                       n);
                for (size_t r = 0; r < 3; r++) {
                    int right = 0;
                    for (int run = 0; run < runs; run++) {
                        int found =
                            find_segment(rows[r], n, shares[s] > 0 ? conditions : 0, shares[s]);
                        right += found & 1;
                        others += found >> 1;
                    }
                    printf(" %.0f%% |", 100. * right / runs);
                }
                printf(" %d of %d |\n", others, 3 * runs);
                fflush(stdout);
            }
}

// ---- noise

enum { REFERENCE = 20000, SERVED = 20000, FIELDS = 13 };
struct noise {
    const char *name;
    int kind; // 0: none
    double size;
};
static const struct noise noises[] = {
    {"none", 0, 0},
    {"spread by noise of 0.2 sd", 1, .2},
    {"spread by noise of 0.35 sd", 1, .35},
    {"spread by noise of 0.5 sd", 1, .5},
    {"spread by noise of 0.7 sd", 1, .7},
    {"spread by noise of 1 sd", 1, 1},
    {"nulls, 0.5%", 2, .005},
    {"nulls, 1%", 2, .01},
    {"nulls, 2%", 2, .02},
    {"nulls, 5%", 2, .05},
    {"outliers, 0.5%", 3, .005},
    {"outliers, 1%", 3, .01},
    {"outliers, 2%", 3, .02},
    {"rounded to 1 sd", 4, 1},
    {"rounded to 0.1 sd", 4, .1},
    {"NaN, 1%", 5, .01},
    {"NaN, 2%", 5, .02},
};

static double noisy(const struct noise *noise, double x)
{
    switch (noise->kind) {
    case 1:
        return x + noise->size * draw_normal();
    case 2:
        return draw_uniform() < noise->size ? NAN : x;
    case 3:
        return draw_uniform() < noise->size ? x + 8 + 10 * draw_uniform() : x;
    case 4:
        return noise->size * round(x / noise->size);
    default:
        return x;
    }
}

// 1: its own aspect changed; 2: another.
static int find_noise(const struct noise *noise, size_t rows)
{
    static const enum weir_cleanliness_aspect aspect[] = {
        WEIR_CLEAN_ASPECTS, WEIR_CLEAN_NOISE,      WEIR_CLEAN_NULL,
        WEIR_CLEAN_OUTLIER, WEIR_CLEAN_RESOLUTION, WEIR_CLEAN_INVALID};
    static double then[REFERENCE], now[SERVED];
    struct unlike_sample sample;
    struct weir_cleanliness out[WEIR_CLEAN_ASPECTS];
    for (size_t i = 0; i < REFERENCE; i++)
        then[i] = draw_normal();
    for (size_t i = 0; i < rows; i++)
        now[i] = noisy(noise, draw_normal());
    unlike_numbers(&sample, "x", WEIR_TYPE_DOUBLE, then, REFERENCE, now, rows);
    for (size_t i = 0; noise->kind == 5 && i < rows; i++)
        sample.side[1].nan += draw_uniform() < noise->size;
    weir_cleanliness_compare(
        &sample.field, weir_normal_upper_quantile(ALPHA / 2 / WEIR_CLEAN_ASPECTS / FIELDS), out);
    int right = 0, wrong = 0;
    for (int k = 0; k < WEIR_CLEAN_ASPECTS; k++) {
        int own = k == (int)aspect[noise->kind];
        right |= own && out[k].changed;
        // What is beyond nearly all of training may also be called wide, and the reverse.
        int akin = (noise->kind == 1 && k == WEIR_CLEAN_OUTLIER) ||
                   (noise->kind == 3 && k == WEIR_CLEAN_NOISE);
        wrong |= !own && !akin && out[k].changed;
    }
    unlike_free(&sample);
    return right | wrong << 1;
}

static void noise(int runs)
{
    static const size_t rows[] = {1000, 5000, 20000};
    printf("\n| serving has | 1,000 rows | 5,000 rows | 20,000 rows | another aspect |\n"
           "|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof noises / sizeof *noises; i++) {
        int others = 0;
        printf("| %s |", noises[i].name);
        for (size_t r = 0; r < 3; r++) {
            int right = 0;
            for (int run = 0; run < runs; run++) {
                int found = find_noise(&noises[i], rows[r]);
                right += found & 1;
                others += found >> 1;
            }
            if (noises[i].kind)
                printf(" %.0f%% |", 100. * right / runs);
            else
                printf(" - |");
        }
        printf(" %d of %d |\n", others, 3 * runs);
        fflush(stdout);
    }
}

int skew_power(int runs)
{
    segments(runs);
    noise(runs);
    return 0;
}
