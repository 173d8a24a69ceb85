// SPDX-License-Identifier: Apache-2.0
#include "consumer/profile/count.h"

#include <stdlib.h>
#include <string.h>

#include "weir/error.h"

void weir_string_counts_free(struct weir_string_counts *counts)
{
    free(counts->items);
    free(counts->slots);
    free(counts->of_code);
    weir_arena_free(&counts->texts);
    memset(counts, 0, sizeof *counts);
}

static int grow(struct weir_string_counts *counts)
{
    uint32_t room = counts->room ? 2 * counts->room : 64, n_slots = 4 * room;
    struct weir_category *items = realloc(counts->items, room * sizeof *items);
    if (items)
        counts->items = items;
    uint32_t *slots = calloc(n_slots, sizeof *slots);
    if (!items || !slots) {
        free(slots);
        return WEIR_ENOMEM;
    }
    for (uint32_t i = 0; i < counts->n; i++) {
        uint32_t slot = (uint32_t)items[i].string.hash & (n_slots - 1);
        while (slots[slot])
            slot = (slot + 1) & (n_slots - 1);
        slots[slot] = i + 1;
    }
    free(counts->slots);
    counts->slots = slots;
    counts->n_slots = n_slots;
    counts->room = room;
    return 0;
}

static int is_same(const struct weir_string *a, const struct weir_string *b)
{
    return a->hash == b->hash && a->length == b->length &&
           (!a->length || !memcmp(a->data, b->data, a->length));
}

// *item: 1 + its number, or 0 beyond the cap.
static int item_of(struct weir_string_counts *counts, const struct weir_string *string,
                   uint32_t *item)
{
    if (counts->n == counts->room && counts->n < WEIR_COUNT_DISTINCT && grow(counts))
        return WEIR_ENOMEM;
    uint32_t slot = (uint32_t)string->hash & (counts->n_slots - 1);
    for (; counts->slots[slot]; slot = (slot + 1) & (counts->n_slots - 1)) {
        *item = counts->slots[slot];
        if (is_same(&counts->items[*item - 1].string, string))
            return 0;
    }
    *item = 0;
    if (counts->n == WEIR_COUNT_DISTINCT || counts->bytes + string->length > WEIR_COUNT_BYTES) {
        counts->overflowed = 1;
        return 0;
    }
    char *text = weir_arena_take(&counts->texts, string->length ? string->length : 1);
    if (!text)
        return WEIR_ENOMEM;
    if (string->length)
        memcpy(text, string->data, string->length);
    counts->bytes += string->length;
    counts->items[counts->n] = (struct weir_category){{text, string->length, string->hash}, 0};
    counts->slots[slot] = ++counts->n;
    *item = counts->n;
    return 0;
}

static int refresh_codes(struct weir_string_counts *counts, const struct weir_column *column)
{
    if (counts->generation != column->generation || column->n_dictionary < counts->n_codes)
        counts->n_codes = 0;
    counts->generation = column->generation;
    if (column->n_dictionary == counts->n_codes)
        return 0;
    uint32_t *of_code = realloc(counts->of_code, column->n_dictionary * sizeof *of_code);
    if (!of_code)
        return WEIR_ENOMEM;
    counts->of_code = of_code;
    for (; counts->n_codes < column->n_dictionary; counts->n_codes++) {
        const struct weir_string *string = &column->dictionary[counts->n_codes];
        if (item_of(counts, string, &of_code[counts->n_codes]))
            return WEIR_ENOMEM;
        weir_text_shape_add(&counts->shape, string);
    }
    return 0;
}

static int add_one(struct weir_string_counts *counts, const struct weir_column *column, uint32_t i)
{
    if (column->state[i] != WEIR_STATE_VALUE)
        return 0;
    uint32_t code = column->values.code[i], item;
    const struct weir_string *string = weir_column_string(column, code);
    if (code < column->n_dictionary)
        item = counts->of_code[code];
    else if (item_of(counts, string, &item))
        return WEIR_ENOMEM;
    else
        weir_text_shape_add(&counts->shape, string);
    if (item)
        counts->items[item - 1].count++;
    counts->values++;
    counts->length += string->length;
    counts->length_squares += (double)string->length * string->length;
    return 0;
}

int weir_string_counts_add(struct weir_string_counts *counts, const struct weir_column *column,
                           const uint32_t *rows, size_t n)
{
    int code = refresh_codes(counts, column);
    if (!rows) {
        for (uint32_t i = 0; !code && i < column->n; i++)
            code = add_one(counts, column, i);
        return code;
    }
    for (size_t r = 0; !code && r < n; r++) {
        uint32_t first = column->offsets ? column->offsets[rows[r]] : rows[r];
        uint32_t end = column->offsets ? column->offsets[rows[r] + 1] : rows[r] + 1;
        for (uint32_t i = first; !code && i < end; i++)
            code = add_one(counts, column, i);
    }
    return code;
}
