// SPDX-License-Identifier: Apache-2.0
// Sets of values: unions of intervals, texts that are listed or left out.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/rule_logic_inside.h"

void *logic_room(struct logic_arena *arena, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (size > arena->size - arena->used)
        return NULL;
    void *room = arena->data + arena->used;
    arena->used += size;
    return room;
}

int logic_set_is_empty(const struct logic_set *set)
{
    return !set->null && !set->nan && !set->n && !set->except;
}

// ---- intervals

static int is_void(const struct logic_interval *interval)
{
    return interval->low > interval->high ||
           (!(interval->low < interval->high) && (interval->low_open || interval->high_open));
}

// Whole numbers lie between whole numbers, both included.
static void tighten(struct logic_interval *interval)
{
    long double low = ceill(interval->low), high = floorl(interval->high);
    if (interval->low_open && !(low > interval->low))
        low += 1;
    if (interval->high_open && !(high < interval->high))
        high -= 1;
    *interval = (struct logic_interval){low, high, 0, 0};
}

static struct logic_interval overlap(const struct logic_interval *a, const struct logic_interval *b)
{
    struct logic_interval both = *a;
    if (b->low > a->low) {
        both.low = b->low;
        both.low_open = b->low_open;
    } else if (!(b->low < a->low)) {
        both.low_open |= b->low_open;
    }
    if (b->high < a->high) {
        both.high = b->high;
        both.high_open = b->high_open;
    } else if (!(b->high > a->high)) {
        both.high_open |= b->high_open;
    }
    return both;
}

static int ends_first(const struct logic_interval *a, const struct logic_interval *b)
{
    return a->high < b->high || (!(a->high > b->high) && a->high_open >= b->high_open);
}

static struct logic_set and_numbers(struct logic_arena *arena, const struct logic_set *a,
                                    const struct logic_set *b)
{
    struct logic_set both = *a;
    struct logic_interval *out = logic_room(arena, ((size_t)a->n + b->n + 1) * sizeof *out);
    if (!out)
        return *a;
    both.intervals = out;
    both.n = 0;
    for (uint32_t i = 0, k = 0; i < a->n && k < b->n;) {
        out[both.n] = overlap(&a->intervals[i], &b->intervals[k]);
        if (a->whole)
            tighten(&out[both.n]);
        both.n += !is_void(&out[both.n]);
        if (ends_first(&a->intervals[i], &b->intervals[k]))
            i++;
        else
            k++;
    }
    return both;
}

static struct logic_set not_numbers(struct logic_arena *arena, const struct logic_set *set)
{
    struct logic_set rest = *set;
    struct logic_interval *out = logic_room(arena, ((size_t)set->n + 1) * sizeof *out);
    rest.n = 0;
    rest.nan = !set->nan;
    if (!out) { // all of them
        static const struct logic_interval all = {-INFINITY, INFINITY, 0, 0};
        rest.n = 1;
        rest.intervals = &all;
        return rest;
    }
    rest.intervals = out;
    struct logic_interval gap = {-INFINITY, INFINITY, 0, 0};
    for (uint32_t i = 0; i < set->n; i++) {
        gap.high = set->intervals[i].low;
        gap.high_open = !set->intervals[i].low_open;
        out[rest.n] = gap;
        rest.n += !is_void(&gap);
        gap = (struct logic_interval){set->intervals[i].high, INFINITY,
                                      !set->intervals[i].high_open, 0};
    }
    out[rest.n] = gap;
    rest.n += !is_void(&gap);
    return rest;
}

struct logic_set logic_set_between(struct logic_arena *arena, struct logic_interval interval)
{
    struct logic_interval *room = logic_room(arena, sizeof *room);
    if (room)
        *room = interval;
    return (struct logic_set){.n = room && !is_void(&interval), .intervals = room};
}

static int compare_points(const void *a, const void *b)
{
    long double x = ((const struct logic_interval *)a)->low;
    long double y = ((const struct logic_interval *)b)->low;
    return (x > y) - (x < y);
}

void logic_sort_points(struct logic_interval *points, uint32_t *n)
{
    uint32_t kept = 0;
    if (*n)
        qsort(points, *n, sizeof *points, compare_points);
    for (uint32_t i = 0; i < *n; i++) {
        if (!kept || compare_points(&points[kept - 1], &points[i]))
            points[kept++] = points[i];
    }
    *n = kept;
}

// ---- texts

static int compare_texts(const void *a, const void *b)
{
    return expression_text_order(*(const struct weir_text *)a, *(const struct weir_text *)b);
}

void logic_sort_texts(struct weir_text *texts, uint32_t *n)
{
    uint32_t kept = 0;
    if (*n)
        qsort(texts, *n, sizeof *texts, compare_texts);
    for (uint32_t i = 0; i < *n; i++) {
        if (!kept || compare_texts(&texts[kept - 1], &texts[i]))
            texts[kept++] = texts[i];
    }
    *n = kept;
}

// Both listed: what is in both; one left out: those of the other that are not in it; both left
// out: left out are those of either.
static struct logic_set and_texts(struct logic_arena *arena, const struct logic_set *a,
                                  const struct logic_set *b)
{
    struct logic_set both = *a;
    struct weir_text *out = logic_room(arena, ((size_t)a->n + b->n + 1) * sizeof *out);
    if (!out)
        return *a;
    both.texts = out;
    both.n = 0;
    both.except = a->except && b->except;
    for (uint32_t i = 0, k = 0; i < a->n || k < b->n;) {
        int order = i == a->n   ? 1
                    : k == b->n ? -1
                                : expression_text_order(a->texts[i], b->texts[k]);
        int in_a = (order <= 0) != a->except, in_b = (order >= 0) != b->except;
        if ((in_a && in_b) != both.except)
            out[both.n++] = order <= 0 ? a->texts[i] : b->texts[k];
        i += order <= 0;
        k += order >= 0;
    }
    return both;
}

// ---- both kinds

struct logic_set logic_set_and(struct logic_arena *arena, const struct logic_set *a,
                               const struct logic_set *b)
{
    struct logic_set both = a->is_text ? and_texts(arena, a, b) : and_numbers(arena, a, b);
    both.null = a->null && b->null;
    both.nan = a->nan && b->nan;
    return both;
}

struct logic_set logic_set_not(struct logic_arena *arena, const struct logic_set *set)
{
    struct logic_set rest = *set;
    if (!set->is_text)
        return not_numbers(arena, set);
    rest.except = !set->except;
    return rest;
}
