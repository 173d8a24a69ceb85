// SPDX-License-Identifier: Apache-2.0
// Patterns: compiled, bounded, and tried on strings that make the usual bad ones explode.
#include <ctype.h>
#include <string.h>

#include "detectors/schema/record.h"

// What no pattern may need more of, so that none can stall the stream: some 30 us a string. Long
// ones may need more without being bad.
enum {
    MATCH_LIMIT = 10000,
    LONG_MATCH_LIMIT = 100000,
    LONG = 2000, // bytes
    DEPTH_LIMIT = 1000,
    HEAP_LIMIT_KIB = 1024
};

static pcre2_match_context *limits_of(uint32_t steps)
{
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    if (limits) {
        pcre2_set_match_limit(limits, steps);
        pcre2_set_depth_limit(limits, DEPTH_LIMIT);
        pcre2_set_heap_limit(limits, HEAP_LIMIT_KIB);
    }
    return limits;
}

int schema_limits_create(struct schema *schema)
{
    schema->limits = limits_of(MATCH_LIMIT);
    schema->long_limits = limits_of(LONG_MATCH_LIMIT);
    return schema->limits && schema->long_limits ? 0 : WEIR_ENOMEM;
}

int schema_pattern_match(const struct schema *schema, const struct schema_field *field,
                         const char *data, size_t length, pcre2_match_data *match)
{
    uint32_t flags = field->field->type == WEIR_TYPE_STRING ? PCRE2_NO_UTF_CHECK : 0;
    int code = pcre2_match(field->pattern, (PCRE2_SPTR)data, length, 0, flags, match,
                           length > LONG ? schema->long_limits : schema->limits);
    return code >= 0 ? 1 : code == PCRE2_ERROR_NOMATCH ? 0 : -1;
}

// ---- what explodes

enum { TIMES = 48, MANY = 900, UNITS = 64, TRY = 2048 };

struct tries {
    char units[UNITS][3]; // what is repeated
    size_t n;
    char literals[64], prefix[32];
};

static void add_unit(struct tries *tries, char a, char b)
{
    for (size_t i = 0; i < tries->n; i++) {
        if (tries->units[i][0] == a && tries->units[i][1] == b)
            return;
    }
    if (tries->n < UNITS)
        memcpy(tries->units[tries->n++], (char[]){a, b, 0}, 3);
}

// The pattern's own characters, as if each stood for itself; some stand for more than one.
static void read_pattern(const char *pattern, struct tries *tries)
{
    size_t literals = 0, prefix = 0, at = *pattern == '^';
    static const char usual[] = "aA0 _-.";
    while (prefix + 1 < sizeof tries->prefix && pattern[at] &&
           !strchr("\\[](){}*+?.|$^", pattern[at]))
        tries->prefix[prefix++] = pattern[at++];
    // What is repeated is no prefix.
    if (prefix && pattern[at] && strchr("*+?{", pattern[at]))
        prefix--;
    tries->prefix[prefix] = 0;
    for (size_t i = 0; pattern[i]; i++) {
        unsigned char c = (unsigned char)pattern[i], next = (unsigned char)pattern[i + 1];
        if (c >= 0x80 || !isprint(c) || strchr("\\[](){}*+?|$^", c))
            continue;
        if (literals + 1 < sizeof tries->literals && !memchr(tries->literals, c, literals))
            tries->literals[literals++] = (char)c;
        add_unit(tries, (char)c, 0);
        if (next < 0x80 && isalnum(next) && isalnum(c))
            add_unit(tries, (char)c, (char)next);
    }
    tries->literals[literals] = 0;
    for (const char *c = usual; *c; c++)
        add_unit(tries, *c, 0);
}

// The unit over and over, then what fits nowhere, then all that the pattern may ask for: without
// it a look at the end would settle the matter.
static size_t put(char *out, const struct tries *tries, const char *unit, size_t times, int prefix)
{
    size_t length = 0, width = strlen(unit);
    for (const char *c = tries->prefix; *c && prefix; c++)
        out[length++] = *c;
    for (size_t i = 0; i < times && length + width + sizeof tries->literals < TRY; i++) {
        for (const char *c = unit; *c; c++)
            out[length++] = *c;
    }
    out[length++] = '\x01';
    for (const char *c = tries->literals; *c; c++)
        out[length++] = *c;
    return length;
}

static void try_to_explode(struct schema_make *make, const struct schema_field *field)
{
    struct tries tries = {.n = 0};
    char text[TRY];
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    read_pattern(field->field->pattern, &tries);
    for (size_t i = 0; match && i < 4 * tries.n; i++) {
        const char *unit = tries.units[i / 4];
        size_t times = i & 1 ? MANY : TIMES, length = put(text, &tries, unit, times, i >> 1 & 1);
        if (schema_pattern_match(make->schema, field, text, length, match) >= 0)
            continue;
        schema_complain(
            make, 1, field->index, "pattern", 0, 0,
            "it takes over 10,000 steps on strings such as \"%.31s%s%s%s...\" (%zu times "
            "\"%s\") that do not match: those will count as matched. Do not repeat "
            "what is repeated within, as in (a+)+",
            i >> 1 & 1 ? tries.prefix : "", unit, unit, unit, times, unit);
        break;
    }
    pcre2_match_data_free(match);
}

void schema_pattern_create(struct schema_make *make, struct schema_field *field)
{
    const char *text = field->field->pattern;
    uint32_t flags = field->field->type == WEIR_TYPE_STRING ? PCRE2_UTF : 0;
    int code;
    PCRE2_SIZE at;
    field->pattern = pcre2_compile((PCRE2_SPTR)text, strlen(text), flags, &code, &at, NULL);
    if (!field->pattern) {
        PCRE2_UCHAR message[200];
        pcre2_get_error_message(code, message, sizeof message);
        schema_complain(make, 0, field->index, "pattern", 0, at, "at character %zu: %s", (size_t)at,
                        (char *)message);
        return;
    }
    // Without JIT (another architecture, no executable memory) it is interpreted.
    pcre2_jit_compile(field->pattern, PCRE2_JIT_COMPLETE);
    try_to_explode(make, field);
}
