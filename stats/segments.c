// SPDX-License-Identifier: Apache-2.0
#include "stats/segments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/sort.h"
#include "weir/error.h"

enum {
    WORDS = WEIR_SEGMENT_ROWS / 64,
    VALUES = 15,
    PARTS = 8,
    ITEMS = WEIR_SEGMENT_COLUMNS * (2 * PARTS),
    PAIRS = 1024 // the most promising ones are extended by a third condition
};
// A condition that holds for nearly all says nothing.
static const double NEARLY_ALL = 0.95;

struct item { // one condition
    struct weir_contrast_clause clause;
    size_t rows[2];
    uint64_t *bits[2];
};

struct search {
    const struct weir_contrast_samples *samples;
    size_t n[2], words[2];
    struct item *items;
    size_t n_items;
    uint64_t *memory;
    double least; // rows of the current sample that a segment must have
};

// ---- conditions

static int is_null(const struct weir_contrast_column *column, int side, size_t row)
{
    return (column->absent[side] && column->absent[side][row]) ||
           (column->number[side] && isnan(column->number[side][row]));
}

static int holds(const struct weir_contrast_column *column,
                 const struct weir_contrast_clause *clause, int side, size_t row)
{
    int null = is_null(column, side, row);
    switch (clause->kind) {
    case WEIR_CONTRAST_NULL:
        return null;
    case WEIR_CONTRAST_IS:
        return !null && column->category[side][row] == clause->category;
    case WEIR_CONTRAST_ABOVE:
        return !null && column->number[side][row] > clause->number;
    case WEIR_CONTRAST_AT_MOST:
        return !null && column->number[side][row] <= clause->number;
    }
    return 0;
}

// Kept where both samples have such rows, and neither has nothing else.
static void add_item(struct search *search, struct weir_contrast_clause clause)
{
    const struct weir_contrast_column *column = &search->samples->columns[clause.column];
    if (search->n_items == ITEMS)
        return;
    struct item *item = &search->items[search->n_items];
    uint64_t *at = search->memory + search->n_items * 2 * WORDS;
    *item = (struct item){.clause = clause, .bits = {at, at + WORDS}};
    memset(at, 0, 2 * WORDS * sizeof *at);
    for (int side = 0; side < 2; side++) {
        for (size_t row = 0; row < search->n[side]; row++) {
            if (!holds(column, &clause, side, row))
                continue;
            item->bits[side][row / 64] |= (uint64_t)1 << row % 64;
            item->rows[side]++;
        }
    }
    if (item->rows[0] && (double)item->rows[1] >= search->least &&
        (double)item->rows[1] <= NEARLY_ALL * (double)search->n[1])
        search->n_items++;
}

static void add_numbers(struct search *search, size_t c, double *room)
{
    const struct weir_contrast_column *column = &search->samples->columns[c];
    size_t n = 0;
    for (size_t row = 0; row < search->n[0]; row++)
        if (!is_null(column, 0, row))
            room[n++] = column->number[0][row];
    weir_sort_doubles(room, n);
    for (size_t k = 1; n && k < PARTS; k++) {
        double cut = room[k * n / PARTS];
        if (k > 1 && cut == room[(k - 1) * n / PARTS])
            continue;
        add_item(search, (struct weir_contrast_clause){
                             .column = c, .kind = WEIR_CONTRAST_ABOVE, .number = cut});
        add_item(search, (struct weir_contrast_clause){
                             .column = c, .kind = WEIR_CONTRAST_AT_MOST, .number = cut});
    }
}

struct counted {
    uint64_t value;
    size_t rows;
};

static int by_value(const void *a, const void *b)
{
    uint64_t x = ((const struct counted *)a)->value, y = ((const struct counted *)b)->value;
    return (x > y) - (x < y);
}

static int by_rows(const void *a, const void *b)
{
    const struct counted *x = a, *y = b;
    if (x->rows != y->rows)
        return x->rows > y->rows ? -1 : 1;
    return by_value(a, b);
}

static void add_categories(struct search *search, size_t c, struct counted *room)
{
    const struct weir_contrast_column *column = &search->samples->columns[c];
    size_t n = 0, distinct = 0;
    for (size_t row = 0; row < search->n[1]; row++)
        if (!is_null(column, 1, row))
            room[n++] = (struct counted){column->category[1][row], 1};
    qsort(room, n, sizeof *room, by_value);
    for (size_t i = 0; i < n; i++) {
        if (distinct && room[distinct - 1].value == room[i].value)
            room[distinct - 1].rows++;
        else
            room[distinct++] = room[i];
    }
    qsort(room, distinct, sizeof *room, by_rows);
    for (size_t i = 0; i < distinct && i < VALUES; i++)
        add_item(search, (struct weir_contrast_clause){
                             .column = c, .kind = WEIR_CONTRAST_IS, .category = room[i].value});
}

// ---- conjunctions

static size_t count_both(const uint64_t *a, const uint64_t *b, size_t words)
{
    size_t sum = 0;
    for (size_t i = 0; i < words; i++)
        sum += (size_t)__builtin_popcountll(a[i] & b[i]);
    return sum;
}

static int same_side(const struct item *a, const struct item *b)
{
    // Of one column: an interval at most, and of categories nothing.
    return a->clause.column == b->clause.column &&
           (a->clause.kind == b->clause.kind || a->clause.kind == WEIR_CONTRAST_NULL ||
            b->clause.kind == WEIR_CONTRAST_NULL);
}

struct pair {
    size_t a, b;
    double lack; // standard errors that the reference has too few of it
};

static int by_lack(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->lack != y->lack)
        return x->lack > y->lack ? -1 : 1;
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    return (x->b > y->b) - (x->b < y->b);
}

// Forgets the rows of a segment, so that the next is another.
static void take(struct search *search, const size_t *items, size_t n, size_t rows,
                 struct weir_segments *out)
{
    struct weir_segment *segment = &out->of[out->n++];
    *segment =
        (struct weir_segment){.n = n, .rows = rows, .share = (double)rows / (double)search->n[1]};
    uint64_t gone[WORDS];
    memset(gone, 0xff, sizeof gone);
    for (size_t k = 0; k < n; k++) {
        segment->clauses[k] = search->items[items[k]].clause;
        for (size_t i = 0; i < search->words[1]; i++)
            gone[i] &= search->items[items[k]].bits[1][i];
    }
    for (size_t k = 0; k < search->n_items; k++)
        for (size_t i = 0; i < search->words[1]; i++)
            search->items[k].bits[1][i] &= ~gone[i];
}

// The largest pair that the reference has none of; others that it has few of go to `pairs`.
static size_t find_pair(const struct search *search, size_t best[2], struct pair *pairs,
                        size_t *n_pairs)
{
    size_t most = 0, kept = 0;
    double scale = (double)search->n[0] / (double)search->n[1];
    for (size_t a = 0; a < search->n_items; a++) {
        for (size_t b = a + 1; b < search->n_items; b++) {
            const struct item *x = &search->items[a], *y = &search->items[b];
            if (same_side(x, y))
                continue;
            size_t now = count_both(x->bits[1], y->bits[1], search->words[1]);
            if ((double)now < search->least)
                continue;
            size_t then = count_both(x->bits[0], y->bits[0], search->words[0]);
            double expected = (double)now * scale, lack = expected - (double)then;
            if (!then && now > most) {
                most = now;
                best[0] = a;
                best[1] = b;
            }
            // What is lacking must have room for a segment.
            if (!then || lack < search->least * scale / 2)
                continue;
            if (kept == PAIRS) { // by halves, so that it stays cheap
                qsort(pairs, kept, sizeof *pairs, by_lack);
                kept = PAIRS / 2;
            }
            pairs[kept++] = (struct pair){a, b, lack / sqrt(expected + (double)then)};
        }
    }
    *n_pairs = kept;
    return most;
}

static size_t find_triple(const struct search *search, const struct pair *pairs, size_t n_pairs,
                          size_t best[3])
{
    size_t most = 0;
    for (size_t k = 0; k < n_pairs; k++) {
        const struct item *x = &search->items[pairs[k].a], *y = &search->items[pairs[k].b];
        uint64_t both[2][WORDS];
        for (int side = 0; side < 2; side++)
            for (size_t i = 0; i < search->words[side]; i++)
                both[side][i] = x->bits[side][i] & y->bits[side][i];
        for (size_t c = 0; c < search->n_items; c++) {
            const struct item *z = &search->items[c];
            if (c == pairs[k].a || c == pairs[k].b || same_side(x, z) || same_side(y, z))
                continue;
            size_t now = count_both(both[1], z->bits[1], search->words[1]);
            if ((double)now < search->least || now <= most ||
                count_both(both[0], z->bits[0], search->words[0]))
                continue;
            most = now;
            best[0] = pairs[k].a;
            best[1] = pairs[k].b;
            best[2] = c;
        }
    }
    return most;
}

static void find_all(struct search *search, struct pair *pairs, struct weir_segments *out)
{
    while (out->n < WEIR_SEGMENTS) {
        size_t best[3] = {0, 0, 0}, n_pairs, rows = find_pair(search, best, pairs, &n_pairs);
        if (rows) {
            take(search, best, 2, rows, out);
            continue;
        }
        rows = find_triple(search, pairs, n_pairs, best);
        if (!rows)
            return;
        take(search, best, 3, rows, out);
    }
}

// How many rows all on one side are more than chance puts there, of so many conjunctions.
static double least_rows(const struct search *search, double share, double alpha, double dispersion,
                         size_t columns)
{
    double items = (double)columns * VALUES,
           looked = items * items * (1 + (double)PAIRS / items) / 2;
    double odds = log(((double)search->n[0] + (double)search->n[1]) / (double)search->n[1]);
    double chance = dispersion * (log(looked) - log(alpha)) / odds;
    return fmax(fmax(chance, share * (double)search->n[1]), 1);
}

int weir_segments_find(const struct weir_contrast_samples *samples, double share, double alpha,
                       double dispersion, struct weir_segments *out)
{
    struct search search = {.samples = samples};
    struct weir_segments found = {.n = 0};
    if (samples->n_columns > WEIR_SEGMENT_COLUMNS)
        return WEIR_EINVAL;
    for (int side = 0; side < 2; side++) {
        search.n[side] =
            samples->rows[side] < WEIR_SEGMENT_ROWS ? samples->rows[side] : WEIR_SEGMENT_ROWS;
        search.words[side] = (search.n[side] + 63) / 64;
        found.rows[side] = search.n[side];
    }
    if (!search.n[0] || !search.n[1] || !samples->n_columns) {
        *out = found;
        return 0;
    }
    search.least = least_rows(&search, share, alpha, fmax(dispersion, 1), samples->n_columns);
    search.items = malloc(ITEMS * sizeof *search.items);
    search.memory = malloc(ITEMS * 2 * WORDS * sizeof *search.memory);
    struct pair *pairs = malloc(PAIRS * sizeof *pairs);
    void *room = malloc(WEIR_SEGMENT_ROWS * sizeof(struct counted));
    int code = search.items && search.memory && pairs && room ? 0 : WEIR_ENOMEM;
    for (size_t c = 0; !code && c < samples->n_columns; c++) {
        add_item(&search, (struct weir_contrast_clause){.column = c, .kind = WEIR_CONTRAST_NULL});
        if (samples->columns[c].number[0])
            add_numbers(&search, c, room);
        else
            add_categories(&search, c, room);
    }
    if (!code) {
        find_all(&search, pairs, &found);
        *out = found;
    }
    free(search.items);
    free(search.memory);
    free(pairs);
    free(room);
    return code;
}
