// SPDX-License-Identifier: Apache-2.0
#include "stats/text_shape.h"

#include <stdio.h>
#include <string.h>

// Letters at a position are fixed where at least so many different strings have them there.
enum { SURE = 100, FEWEST = 20 };

static uint8_t class_of(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return WEIR_TEXT_DIGIT;
    if (byte >= 'a' && byte <= 'z')
        return WEIR_TEXT_LOWER;
    return byte >= 'A' && byte <= 'Z' ? WEIR_TEXT_UPPER : WEIR_TEXT_OTHER;
}

void weir_text_shape_add(struct weir_text_shape *shape, const struct weir_string *string)
{
    struct weir_text_shape one = {
        .n = 1,
        .all = weir_look_of_text(string->data, string->length, 0),
        .shortest_bytes = string->length,
        .longest_bytes = string->length,
    };
    for (uint32_t i = 0; i < string->length; i++) {
        uint8_t byte = (uint8_t)string->data[i];
        one.shortest += (byte & 0xc0) != 0x80;
        one.bytes[byte / 64] |= (uint64_t)1 << byte % 64;
        if (i < WEIR_TEXT_POSITIONS) {
            one.at[i].classes = class_of(byte);
            one.at[i].only = byte;
        }
    }
    one.longest = one.shortest;
    weir_text_shape_merge(shape, &one);
}

void weir_text_shape_merge(struct weir_text_shape *into, const struct weir_text_shape *from)
{
    if (!from->n)
        return;
    if (!into->n) {
        *into = *from;
        return;
    }
    into->n += from->n;
    into->all &= from->all;
    if (from->shortest < into->shortest)
        into->shortest = from->shortest;
    if (from->longest > into->longest)
        into->longest = from->longest;
    if (from->shortest_bytes < into->shortest_bytes)
        into->shortest_bytes = from->shortest_bytes;
    if (from->longest_bytes > into->longest_bytes)
        into->longest_bytes = from->longest_bytes;
    for (int i = 0; i < 4; i++)
        into->bytes[i] |= from->bytes[i];
    for (int i = 0; i < WEIR_TEXT_POSITIONS; i++) {
        into->at[i].classes |= from->at[i].classes;
        if (into->at[i].only != from->at[i].only)
            into->at[i].only = 0;
    }
}

// ---- the pattern

struct pattern {
    char *out;
    size_t size, length;
    int failed;
};

static void put(struct pattern *pattern, const char *text)
{
    size_t n = strlen(text);
    if (pattern->length + n >= pattern->size) {
        pattern->failed = 1;
        return;
    }
    memcpy(pattern->out + pattern->length, text, n + 1);
    pattern->length += n;
}

static void put_literal(struct pattern *pattern, uint8_t byte)
{
    char text[3] = {(char)byte, 0, 0};
    if (strchr("\\^$.[]|()?*+{}", byte)) {
        text[0] = '\\';
        text[1] = (char)byte;
    }
    put(pattern, text);
}

// The members of a set in brackets: classes, then single characters.
static void put_set(struct pattern *pattern, unsigned classes, const char *others)
{
    put(pattern, "[");
    if (classes & WEIR_TEXT_UPPER)
        put(pattern, "A-Z");
    if (classes & WEIR_TEXT_LOWER)
        put(pattern, "a-z");
    if (classes & WEIR_TEXT_DIGIT)
        put(pattern, "0-9");
    for (; *others; others++) {
        char text[3] = {'\\', *others, 0};
        put(pattern, text);
    }
    put(pattern, "]");
}

// Strings of one length, position by position. Positions that differ must be letters or digits.
static int fixed_pattern(const struct weir_text_shape *shape, struct pattern *pattern)
{
    size_t length = shape->longest_bytes;
    int says = 0; // something beside "so many of anything"
    if (shape->shortest_bytes != length || !length || length > WEIR_TEXT_POSITIONS)
        return 0;
    put(pattern, "^");
    for (size_t i = 0, run; i < length; i += run) {
        uint8_t classes = shape->at[i].classes, only = shape->at[i].only;
        run = 1;
        if (classes & WEIR_TEXT_OTHER && (!only || only < ' ' || only > '~'))
            return 0;
        if (only &&
            (classes == WEIR_TEXT_OTHER || (classes != WEIR_TEXT_DIGIT && shape->n >= SURE))) {
            put_literal(pattern, only);
            says = 1;
            continue;
        }
        while (i + run < length && shape->at[i + run].classes == classes &&
               !(shape->at[i + run].only && classes != WEIR_TEXT_DIGIT && shape->n >= SURE))
            run++;
        put_set(pattern, classes, "");
        char times[16];
        snprintf(times, sizeof times, "{%zu}", run);
        if (run > 1)
            put(pattern, times);
        says |= classes != (WEIR_TEXT_LOWER | WEIR_TEXT_UPPER);
    }
    put(pattern, "$");
    return says && !pattern->failed;
}

static int has_look(const struct weir_text_shape *shape, enum weir_look look)
{
    return (shape->all >> look & 1) != 0;
}

// Codes in one word, of any length: the characters that occur.
static int code_pattern(const struct weir_text_shape *shape, struct pattern *pattern)
{
    unsigned classes = 0;
    char others[12];
    size_t n = 0;
    if (!has_look(shape, WEIR_LOOK_CODE))
        return 0;
    for (unsigned byte = 0; byte < 256; byte++) {
        if (!(shape->bytes[byte / 64] >> byte % 64 & 1))
            continue;
        uint8_t class = class_of((uint8_t)byte);
        if (class != WEIR_TEXT_OTHER)
            classes |= class;
        else if (byte <= ' ' || byte > '~' || n + 1 == sizeof others)
            return 0;
        else
            others[n++] = (char)byte;
    }
    others[n] = 0;
    put(pattern, "^");
    put_set(pattern, classes, others);
    put(pattern, "+$");
    return !pattern->failed;
}

int weir_text_shape_format(const struct weir_text_shape *shape, char *out, size_t size)
{
    // Wider than the looks are: what looks like one matches.
    static const struct {
        enum weir_look look;
        const char *pattern;
    } known[] = {
        {WEIR_LOOK_EMAIL, "^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$"},
        {WEIR_LOOK_URL, "^(?:[A-Za-z][A-Za-z0-9+-]*://|www\\.)\\S"},
        {WEIR_LOOK_IP, "^[0-9a-fA-F.:]+$"},
        {WEIR_LOOK_DATETIME, "^[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}[T ][0-9]+:[0-9]"},
        {WEIR_LOOK_DATE, "^[0-9]{1,4}[-/.][0-9]{1,2}(?:[-/.][0-9]{1,4})?$"},
        {WEIR_LOOK_PHONE, "^[+(]?[-0-9 ().+/]+$"},
        {WEIR_LOOK_JSON, "^[\\[{]"},
        {WEIR_LOOK_NUMBER, "^[-+.0-9eE]+$"},
    };
    struct pattern pattern = {out, size, 0, 0};
    if (!size || shape->n < FEWEST)
        return 0;
    out[0] = 0;
    if (fixed_pattern(shape, &pattern))
        return 1;
    pattern = (struct pattern){out, size, 0, 0};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (has_look(shape, known[i].look)) {
            put(&pattern, known[i].pattern);
            return !pattern.failed;
        }
    }
    return 0;
}

int weir_text_shape_pattern(const struct weir_text_shape *shape, char *out, size_t size)
{
    struct pattern pattern = {out, size, 0, 0};
    if (weir_text_shape_format(shape, out, size))
        return 1;
    return size && shape->n >= FEWEST && code_pattern(shape, &pattern);
}

// ---- the wire

void weir_text_shape_write(const struct weir_text_shape *shape, struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)shape->n);
    if (!shape->n)
        return;
    weir_put_fixed64(out, shape->all);
    weir_put_long(out, (int64_t)shape->shortest);
    weir_put_long(out, (int64_t)shape->longest);
    weir_put_long(out, (int64_t)shape->shortest_bytes);
    weir_put_long(out, (int64_t)shape->longest_bytes);
    for (int i = 0; i < 4; i++)
        weir_put_fixed64(out, shape->bytes[i]);
    for (int i = 0; i < WEIR_TEXT_POSITIONS; i++)
        weir_put_long(out, shape->at[i].classes << 8 | shape->at[i].only);
}

void weir_text_shape_read_merge(struct weir_text_shape *shape, struct weir_reader *in)
{
    struct weir_text_shape from = {.n = weir_get_count(in, (size_t)1 << 53)};
    if (!from.n)
        return;
    from.all = weir_get_fixed64(in);
    from.shortest = weir_get_count(in, UINT32_MAX);
    from.longest = weir_get_count(in, UINT32_MAX);
    from.shortest_bytes = weir_get_count(in, UINT32_MAX);
    from.longest_bytes = weir_get_count(in, UINT32_MAX);
    for (int i = 0; i < 4; i++)
        from.bytes[i] = weir_get_fixed64(in);
    for (int i = 0; i < WEIR_TEXT_POSITIONS; i++) {
        size_t both = weir_get_count(in, 0xfff);
        from.at[i].classes = (uint8_t)(both >> 8);
        from.at[i].only = (uint8_t)both;
    }
    if (!in->failed)
        weir_text_shape_merge(shape, &from);
}
