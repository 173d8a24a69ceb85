// SPDX-License-Identifier: Apache-2.0
// What can be wrong with one string: asked once a distinct string.
#include <string.h>

#include "detectors/schema/schema.h"

static int64_t characters(const struct weir_string *string, enum weir_type type)
{
    int64_t n = string->length;
    for (uint32_t i = 0; i < string->length && type == WEIR_TYPE_STRING; i++)
        n -= ((unsigned char)string->data[i] & 0xc0) == 0x80;
    return n;
}

static int is_allowed(const struct schema_field *field, const struct weir_string *string)
{
    size_t low = 0, high = field->field->n_values;
    while (low < high) {
        size_t middle = low + (high - low) / 2, length = field->lengths[middle];
        size_t common = length < string->length ? length : string->length;
        int order = common ? memcmp(string->data, field->texts[middle], common) : 0;
        if (!order && length == string->length)
            return 1;
        if (order < 0 || (!order && string->length < length))
            high = middle;
        else
            low = middle + 1;
    }
    return 0;
}

// A pattern that runs into its limit has not been shown to be broken.
static int matches(const struct schema *schema, const struct schema_field *field,
                   const struct weir_string *string, pcre2_match_data *match, uint64_t *limited)
{
    uint32_t flags = field->field->type == WEIR_TYPE_STRING ? PCRE2_NO_UTF_CHECK : 0;
    int code = pcre2_match(field->pattern, (PCRE2_SPTR)string->data, string->length, 0, flags,
                           match, schema->limits);
    if (code >= 0)
        return 1;
    if (code == PCRE2_ERROR_NOMATCH)
        return 0;
    ++*limited;
    return 1;
}

unsigned schema_text_faults(const struct schema *schema, const struct schema_field *field,
                            const struct weir_string *string, pcre2_match_data *match,
                            uint64_t *limited)
{
    const struct weir_field *of = field->field;
    unsigned faults = 0;
    if (field->rule[SCHEMA_EMPTY] >= 0 && !string->length)
        faults |= 1u << SCHEMA_EMPTY;
    if (field->rule[SCHEMA_LENGTH] >= 0 && !of->is_list) {
        int64_t length = characters(string, of->type);
        if (length < of->shortest || length > of->longest)
            faults |= 1u << SCHEMA_LENGTH;
    }
    if (field->rule[SCHEMA_VALUES] >= 0 && !is_allowed(field, string))
        faults |= 1u << SCHEMA_VALUES;
    if (field->rule[SCHEMA_PATTERN] >= 0 && !matches(schema, field, string, match, limited))
        faults |= 1u << SCHEMA_PATTERN;
    return faults;
}
