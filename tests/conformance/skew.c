// SPDX-License-Identifier: Apache-2.0
// What skew's parts say of what skew_test.py draws. Lines of input, lines of output:
//
//   bound DIFFER PAIRS ALLOWED TESTS CHANCE            -> 1 where the lower bound is above
//   cause N {V X Y}...       V: 0 differs, 1 not served, 2 not offline -> KIND SHARE A B
//   compare ABSOLUTE RELATIVE X Y                      -> VERDICT of two doubles (- has no value)
//   span N {MEAN SD}..6 NT NS {SCALE}...               -> see span()
//   segments ROWS0 ROWS1 COLUMNS CATEGORIES SHARE ALPHA CODES...   -> segments found
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/skew/cause.h"
#include "detectors/skew/rows.h"
#include "stats/segments.h"
#include "stats/unlike_inside.h"
#include "stats/window_span.h"

static double number(void)
{
    char word[64];
    if (scanf("%63s", word) != 1)
        exit(2);
    return !strcmp(word, "-") ? NAN : strtod(word, NULL);
}

static struct skew_value value_of(double x)
{
    struct skew_value value = {.tag = isnan(x) ? SKEW_ABSENT : SKEW_DOUBLE};
    if (!isnan(x))
        memcpy(&value.bits, &x, sizeof x);
    return value;
}

static void bound(void)
{
    double differ = number(), pairs = number(), allowed = number(), tests = number();
    double chance = number();
    printf("%d\n", skew_rows_is_over(differ, pairs, allowed, tests, chance));
}

static void compare(void)
{
    struct skew_tolerance tolerance = {.absolute = number()};
    tolerance.relative = number();
    struct skew_value x = value_of(number()), y = value_of(number());
    printf("%d\n", (int)skew_compare(&x, &y, &tolerance));
}

static void cause(void)
{
    static const struct skew_pair pair = {.name = "x"};
    struct skew_tally tally;
    struct skew_cause found;
    int n = (int)number();
    unlike_must(skew_tally_init(&tally, 1));
    for (int i = 0; i < n; i++) {
        struct skew_value served = value_of(number()), offline = value_of(number());
        enum skew_verdict verdict = skew_compare(&served, &offline, &pair.tolerance);
        tally.fields[0].verdicts[verdict]++;
        struct skew_sample sample = {.order = (uint64_t)i + 1,
                                     .served = served,
                                     .offline = offline,
                                     .verdict = verdict,
                                     .offset = i};
        if (verdict > SKEW_UNKNOWN)
            unlike_must(skew_tally_sample(&tally.fields[0], &sample));
    }
    unlike_must(skew_find_cause(&pair, &tally.fields[0], &found));
    printf("%s %.17g %.17g %.17g\n", skew_kind_name(found.kind), found.share, found.a, found.b);
    skew_tally_free(&tally);
}

// Two samples of each field -> ratio low high, then for each field the part that it is.
static void span(void)
{
    enum { MOST = 8 };
    static struct unlike_sample samples[MOST];
    static struct weir_unlike fields[MOST];
    enum weir_span_part parts[MOST];
    struct weir_span_change change;
    size_t n = (size_t)number();
    char names[MOST][16];
    for (size_t f = 0; f < n; f++) {
        size_t sizes[2] = {(size_t)number(), (size_t)number()};
        double *x = malloc((sizes[0] + sizes[1] + 1) * sizeof *x);
        for (size_t i = 0; x && i < sizes[0] + sizes[1]; i++)
            x[i] = number();
        unlike_must(!x);
        snprintf(names[f], sizeof names[f], "f%zu", f);
        unlike_numbers(&samples[f], names[f], WEIR_TYPE_DOUBLE, x, sizes[0], x + sizes[0],
                       sizes[1]);
        fields[f] = samples[f].field;
        free(x);
    }
    unlike_must(weir_window_span_find(fields, n, parts, &change));
    printf("%.17g %.17g %.17g", change.ratio, change.low, change.high);
    for (size_t f = 0; f < n; f++) {
        printf(" %d", (int)parts[f]);
        unlike_free(&samples[f]);
    }
    printf("\n");
}

static void segments(void)
{
    enum { MOST = 8 };
    size_t rows[2] = {(size_t)number(), (size_t)number()}, n = (size_t)number();
    double share = number(), alpha = number();
    struct weir_contrast_column columns[MOST];
    struct weir_segments found;
    memset(columns, 0, sizeof columns);
    for (int side = 0; side < 2; side++)
        for (size_t c = 0; c < n; c++) {
            uint64_t *codes = malloc((rows[side] + 1) * sizeof *codes);
            unlike_must(!codes);
            for (size_t i = 0; i < rows[side]; i++)
                codes[i] = (uint64_t)number();
            columns[c].category[side] = codes;
        }
    struct weir_contrast_samples samples = {
        .columns = columns, .n_columns = n, .rows = {rows[0], rows[1]}};
    unlike_must(weir_segments_find(&samples, share, alpha, 1, &found));
    printf("%zu", found.n);
    for (size_t i = 0; i < found.n; i++) {
        printf(" %zu %zu", found.of[i].rows, found.of[i].n);
        for (size_t k = 0; k < found.of[i].n; k++)
            printf(" %zu %d %llu", found.of[i].clauses[k].column, (int)found.of[i].clauses[k].kind,
                   (unsigned long long)found.of[i].clauses[k].category);
    }
    printf("\n");
    for (int side = 0; side < 2; side++)
        for (size_t c = 0; c < n; c++)
            free((uint64_t *)columns[c].category[side]);
}

int main(void)
{
    char what[32];
    while (scanf("%31s", what) == 1) {
        if (!strcmp(what, "bound"))
            bound();
        else if (!strcmp(what, "compare"))
            compare();
        else if (!strcmp(what, "cause"))
            cause();
        else if (!strcmp(what, "span"))
            span();
        else if (!strcmp(what, "segments"))
            segments();
        else
            return 2;
    }
    return 0;
}
