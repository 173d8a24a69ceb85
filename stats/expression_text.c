// SPDX-License-Identifier: Apache-2.0
// Instructions over strings and times.
#include <stdlib.h>
#include <string.h>

#include "stats/expression_inside.h"
#include "stats/rfc3339.h"

// LONGEST: of a string that is written anew; a thousand of them are a bounded amount.
enum { BLOCK = 65536, LONGEST = 16384, DIGITS = 128 };

// ---- room for strings

struct text_block {
    struct text_block *next;
    size_t capacity;
    char data[];
};

char *expression_text_room(struct texts *texts, size_t n)
{
    struct text_block *block = texts->blocks;
    if (!block || block->capacity - texts->used < n) {
        size_t capacity = n > BLOCK ? n : BLOCK;
        block = malloc(sizeof *block + capacity);
        if (!block)
            return NULL;
        block->capacity = capacity;
        block->next = texts->blocks;
        texts->blocks = block;
        texts->used = 0;
    }
    char *room = block->data + texts->used;
    texts->used += n;
    return room;
}

void expression_texts_reset(struct texts *texts)
{
    // The first block stays for the next strings.
    while (texts->blocks && texts->blocks->next) {
        struct text_block *next = texts->blocks->next;
        free(texts->blocks);
        texts->blocks = next;
    }
    texts->used = 0;
}

void expression_texts_free(struct texts *texts)
{
    expression_texts_reset(texts);
    free(texts->blocks);
    texts->blocks = NULL;
}

// ---- comparisons

int expression_text_order(struct weir_text a, struct weir_text b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int same(struct weir_text a, struct weir_text b)
{
    return a.length == b.length && (!a.length || !memcmp(a.data, b.data, a.length));
}

#define TEXTS(name, expression)                                                                    \
    static unsigned name(const struct call *call)                                                  \
    {                                                                                              \
        const struct weir_text *a = call->a, *b = call->b;                                         \
        uint8_t *out = call->out;                                                                  \
        for (uint32_t i = 0; i < call->n; i++)                                                     \
            out[i] = (uint8_t)(expression);                                                        \
        return 0;                                                                                  \
    }

static int starts(struct weir_text a, struct weir_text b)
{
    return a.length >= b.length && (!b.length || !memcmp(a.data, b.data, b.length));
}

static int ends(struct weir_text a, struct weir_text b)
{
    return a.length >= b.length &&
           (!b.length || !memcmp(a.data + (a.length - b.length), b.data, b.length));
}

static int holds(struct weir_text a, struct weir_text b)
{
    return !b.length || (a.length && memmem(a.data, a.length, b.data, b.length) != NULL);
}

TEXTS(less, expression_text_order(a[i], b[i]) < 0)
TEXTS(less_equal, expression_text_order(a[i], b[i]) <= 0)
TEXTS(greater, expression_text_order(a[i], b[i]) > 0)
TEXTS(greater_equal, expression_text_order(a[i], b[i]) >= 0)
TEXTS(equal, same(a[i], b[i]))
TEXTS(unlike, !same(a[i], b[i]))
TEXTS(starts_with, starts(a[i], b[i]))
TEXTS(ends_with, ends(a[i], b[i]))
TEXTS(contains, holds(a[i], b[i]))

static unsigned in_texts(const struct call *call)
{
    const struct list *list = &call->frame->program->lists[call->code->extra];
    const struct weir_text *a = call->a;
    uint8_t *out = call->out;
    for (uint32_t i = 0; i < call->n; i++) {
        size_t low = 0, high = list->n;
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (expression_text_order(list->values[middle].text, a[i]) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        out[i] = low < list->n && same(list->values[low].text, a[i]);
    }
    return 0;
}

static unsigned matches(const struct call *call)
{
    const struct frame *frame = call->frame;
    const pcre2_code *pattern = frame->patterns[call->code->extra];
    const struct weir_text *a = call->a;
    uint8_t *out = call->out;
    unsigned any = 0;
    for (uint32_t i = 0; i < call->n; i++) {
        out[i] = 0;
        if (call->null[i])
            continue;
        int code = pcre2_match(pattern, (PCRE2_SPTR)(a[i].data ? a[i].data : ""), a[i].length, 0, 0,
                               frame->match, frame->limits);
        out[i] = code >= 0;
        if (code < 0 && code != PCRE2_ERROR_NOMATCH) { // not shown to be one or the other
            call->null[i] = WEIR_EXPRESSION_LIMIT;
            any = 1;
        }
    }
    return any;
}

// ---- strings from strings

static int is_inside(char c) // of a character, behind its first byte
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static unsigned length(const struct call *call)
{
    const struct weir_text *a = call->a;
    int64_t *out = call->out;
    for (uint32_t i = 0; i < call->n; i++) {
        out[i] = 0;
        for (size_t k = 0; k < a[i].length; k++)
            out[i] += !is_inside(a[i].data[k]);
    }
    return 0;
}

static unsigned change_case(const struct call *call, char from, char to)
{
    const struct weir_text *a = call->a;
    struct weir_text *out = call->out;
    unsigned any = 0;
    for (uint32_t i = 0; i < call->n; i++) {
        out[i] = (struct weir_text){0};
        if (call->null[i] || !a[i].length)
            continue;
        char *room =
            a[i].length <= LONGEST ? expression_text_room(call->frame->texts, a[i].length) : NULL;
        if (!room) {
            call->frame->out_of_memory |= a[i].length <= LONGEST;
            call->null[i] = WEIR_EXPRESSION_LIMIT;
            any = 1;
            continue;
        }
        for (size_t k = 0; k < a[i].length; k++) {
            char c = a[i].data[k];
            room[k] = (char)(c >= from && c <= to ? c ^ 0x20 : c);
        }
        out[i] = (struct weir_text){room, a[i].length};
    }
    return any;
}

static unsigned lower(const struct call *call)
{
    return change_case(call, 'A', 'Z');
}

static unsigned upper(const struct call *call)
{
    return change_case(call, 'a', 'z');
}

static int is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static unsigned trim(const struct call *call)
{
    const struct weir_text *a = call->a;
    struct weir_text *out = call->out;
    for (uint32_t i = 0; i < call->n; i++) {
        struct weir_text text = a[i];
        while (text.length && is_space(text.data[text.length - 1]))
            text.length--;
        while (text.length && is_space(*text.data)) {
            text.data++;
            text.length--;
        }
        out[i] = text;
    }
    return 0;
}

// Where character number `n` (from 0) begins, or the end.
static size_t find_character(struct weir_text text, size_t at, int64_t n)
{
    while (n > 0 && at < text.length) {
        at++;
        while (at < text.length && is_inside(text.data[at]))
            at++;
        n--;
    }
    return at;
}

static unsigned substring(const struct call *call)
{
    const struct weir_text *a = call->a;
    const int64_t *from = call->b, *n = call->c;
    struct weir_text *out = call->out;
    for (uint32_t i = 0; i < call->n; i++) {
        size_t start = find_character(a[i], 0, from[i] > 1 ? from[i] - 1 : 0);
        size_t end = find_character(a[i], start, n[i]);
        out[i] = (struct weir_text){a[i].data ? a[i].data + start : NULL, end - start};
    }
    return 0;
}

// ---- numbers and times from strings

// [+-]digits[.digits][e[+-]digits]
static int spells_number(const char *text, size_t n)
{
    size_t at = n && (*text == '+' || *text == '-'), whole, part = 0;
    for (whole = at; at < n && text[at] >= '0' && text[at] <= '9'; at++)
        ;
    whole = at - whole;
    if (at < n && text[at] == '.') {
        for (part = ++at; at < n && text[at] >= '0' && text[at] <= '9'; at++)
            ;
        part = at - part;
    }
    if (!whole && !part)
        return 0;
    if (at < n && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        at += at < n && (text[at] == '+' || text[at] == '-');
        if (at == n)
            return 0;
        while (at < n && text[at] >= '0' && text[at] <= '9')
            at++;
    }
    return at == n;
}

static unsigned number(const struct call *call)
{
    const struct weir_text *a = call->a;
    double *out = call->out;
    unsigned any = 0;
    for (uint32_t i = 0; i < call->n; i++) {
        char copy[DIGITS];
        uint8_t null = WEIR_STATE_NULL;
        out[i] = 0;
        if (a[i].length && a[i].length < sizeof copy && spells_number(a[i].data, a[i].length)) {
            memcpy(copy, a[i].data, a[i].length);
            copy[a[i].length] = 0;
            out[i] = strtod(copy, NULL);
            null = out[i] <= 0x1.fffffffffffffp1023 && out[i] >= -0x1.fffffffffffffp1023
                       ? 0
                       : WEIR_EXPRESSION_FAULT;
        }
        if (!call->null[i])
            call->null[i] = null;
        any |= call->null[i];
    }
    return any != 0;
}

static unsigned parse_time(const struct call *call)
{
    const struct weir_text *a = call->a;
    int64_t *out = call->out;
    unsigned any = 0;
    for (uint32_t i = 0; i < call->n; i++) {
        out[i] = 0;
        if (!call->null[i] && weir_time_parse(a[i].data ? a[i].data : "", a[i].length, &out[i]))
            call->null[i] = WEIR_STATE_NULL;
        any |= call->null[i];
    }
    return any != 0;
}

#define PART(name)                                                                                 \
    static unsigned name##_of(const struct call *call)                                             \
    {                                                                                              \
        const int64_t *a = call->a;                                                                \
        int64_t *out = call->out;                                                                  \
        struct weir_time_parts parts;                                                              \
        for (uint32_t i = 0; i < call->n; i++) {                                                   \
            weir_time_split(a[i], &parts);                                                         \
            out[i] = parts.name;                                                                   \
        }                                                                                          \
        return 0;                                                                                  \
    }

PART(year)
PART(month)
PART(day)
PART(weekday)
PART(hour)
PART(minute)
PART(second)

kernel *expression_text_kernel(enum op op, uint8_t type)
{
    static kernel *const texts[OPS] = {
        [OP_LT] = less,
        [OP_LE] = less_equal,
        [OP_GT] = greater,
        [OP_GE] = greater_equal,
        [OP_EQ] = equal,
        [OP_NE] = unlike,
        [OP_IN] = in_texts,
        [OP_LENGTH] = length,
        [OP_LOWER] = lower,
        [OP_UPPER] = upper,
        [OP_TRIM] = trim,
        [OP_SUBSTRING] = substring,
        [OP_STARTS_WITH] = starts_with,
        [OP_ENDS_WITH] = ends_with,
        [OP_CONTAINS] = contains,
        [OP_MATCHES] = matches,
        [OP_NUMBER] = number,
        [OP_TIME] = parse_time,
    };
    static kernel *const times[OPS] = {
        [OP_YEAR] = year_of,       [OP_MONTH] = month_of, [OP_DAY] = day_of,
        [OP_WEEKDAY] = weekday_of, [OP_HOUR] = hour_of,   [OP_MINUTE] = minute_of,
        [OP_SECOND] = second_of,
    };
    return type == WEIR_EXPRESSION_STRING ? texts[op] : times[op];
}
