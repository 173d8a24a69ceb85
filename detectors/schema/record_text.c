// SPDX-License-Identifier: Apache-2.0
// Columns of strings. What can be wrong with one is asked once a distinct string, and remembered
// by its code.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/record.h"

// Whose strings are told of.
enum { NAMED = 1 << SCHEMA_VALUES | 1 << SCHEMA_SENTINEL | 1 << SCHEMA_MISSPELLED };

enum { LIMITED = 1 << 15 }; // a check of the string ran into a limit
_Static_assert(SCHEMA_FIELD_CHECKS < 16, "faults of a string are 16 bits");

static int64_t characters(const struct weir_string *string, enum weir_type type)
{
    int64_t n = string->length;
    for (uint32_t i = 0; i < string->length && type == WEIR_TYPE_STRING; i++)
        n -= ((unsigned char)string->data[i] & 0xc0) == 0x80;
    return n;
}

int schema_text_empty(const struct schema *schema, const struct schema_field *field,
                      const struct weir_string *string, pcre2_match_data *match, uint64_t *limited)
{
    (void)schema;
    (void)field;
    (void)match;
    (void)limited;
    return !string->length;
}

int schema_text_length(const struct schema *schema, const struct schema_field *field,
                       const struct weir_string *string, pcre2_match_data *match, uint64_t *limited)
{
    const struct weir_field *of = field->field;
    (void)schema;
    (void)match;
    (void)limited;
    if (of->is_list)
        return 0; // of a list it is the number of elements
    int64_t length = characters(string, of->type);
    return length < of->shortest || length > of->longest;
}

int schema_text_values(const struct schema *schema, const struct schema_field *field,
                       const struct weir_string *string, pcre2_match_data *match, uint64_t *limited)
{
    (void)schema;
    (void)match;
    (void)limited;
    return !schema_values_have_text(field->values, string);
}

// A pattern that runs into its limit has not been shown to be broken.
int schema_text_pattern(const struct schema *schema, const struct schema_field *field,
                        const struct weir_string *string, pcre2_match_data *match,
                        uint64_t *limited)
{
    int matches = schema_pattern_match(schema, field, string->data, string->length, match);
    *limited += matches < 0;
    return matches == 0;
}

static unsigned faults_of(const struct schema_pass *pass, const struct weir_string *string)
{
    const struct schema *schema = pass->edge->schema;
    uint64_t limited = 0;
    unsigned faults = 0;
    for (int check = 0; check < SCHEMA_FIELD_CHECKS; check++) {
        const struct schema_record_check *row = &schema_record_checks[check];
        if (row->text && pass->field->rule[check] >= 0 &&
            row->text(schema, pass->field, string, pass->edge->match, &limited))
            faults |= 1u << check;
    }
    if (faults & 1u << SCHEMA_SENTINEL && pass->field->sentinel_explains)
        faults = 1u << SCHEMA_SENTINEL;
    return limited ? faults | LIMITED : faults;
}

static int grow(uint16_t **bits, uint32_t *capacity, uint32_t needed)
{
    if (needed <= *capacity)
        return 0;
    uint32_t larger = needed + needed / 2 + 64;
    uint16_t *grown = realloc(*bits, larger * sizeof *grown);
    if (!grown)
        return WEIR_ENOMEM;
    *bits = grown;
    *capacity = larger;
    return 0;
}

// Looks at the strings that are new; `*any` has all faults there are among them.
static int judge(const struct schema_pass *pass, unsigned *any)
{
    const struct weir_column *column = pass->column;
    struct schema_memo *memo = pass->memo;
    if (memo->generation != column->generation || column->n_dictionary < memo->n) {
        memo->n = 0;
        memo->any = 0;
        memo->generation = column->generation;
    }
    if (grow(&memo->faults, &memo->capacity, column->n_dictionary) ||
        grow(&memo->local, &memo->local_capacity, column->n_local))
        return WEIR_ENOMEM;
    for (; memo->n < column->n_dictionary; memo->n++) {
        unsigned faults = faults_of(pass, &column->dictionary[memo->n]);
        memo->faults[memo->n] = (uint16_t)faults;
        memo->any |= faults;
    }
    *any = memo->any;
    // By row: a view of a few rows has the local strings of its whole batch.
    for (uint32_t i = pass->first; column->n_local && i < column->n; i++) {
        uint32_t code = column->values.code[i];
        if (code < column->n_dictionary || column->state[i] != WEIR_STATE_VALUE)
            continue;
        code -= column->n_dictionary;
        unsigned faults = faults_of(pass, &column->local[code]);
        memo->local[code] = (uint16_t)faults;
        *any |= faults;
    }
    return 0;
}

// Says of each row which string it has: in the order of rows, equal neighbours together.
static void detail_strings(const struct schema_pass *pass, enum schema_check check, uint32_t n)
{
    const struct schema_edge *edge = pass->edge;
    const struct weir_column *column = pass->column;
    unsigned rule = (unsigned)pass->field->rule[check];
    for (uint32_t i = 0; i < n;) {
        uint32_t code = column->values.code[edge->elements[i]], end = i + 1;
        while (end < n && column->values.code[edge->elements[end]] == code)
            end++;
        const struct weir_string *string = weir_column_string(column, code);
        pass->host->detail(pass->host, rule, string->data, string->length, edge->found + i, NULL,
                           end - i);
        i = end;
    }
}

// Elements whose string has one of the bits.
static uint32_t find(const struct schema_pass *pass, unsigned bit)
{
    const struct weir_column *column = pass->column;
    const struct schema_memo *memo = pass->memo;
    const uint32_t *codes = column->values.code;
    uint32_t n = 0;
    for (uint32_t i = pass->first; i < column->n; i++) {
        if (column->state[i] != WEIR_STATE_VALUE)
            continue;
        uint32_t code = codes[i];
        unsigned faults = code < column->n_dictionary ? memo->faults[code]
                                                      : memo->local[code - column->n_dictionary];
        if (faults & bit)
            pass->edge->found[n++] = i;
    }
    return n;
}

int schema_observe_texts(struct schema_pass *pass)
{
    unsigned any = 0;
    if (judge(pass, &any))
        return WEIR_ENOMEM;
    if (any & LIMITED) {
        char what[80];
        snprintf(what, sizeof what, "pattern of %.36s took too many steps",
                 pass->field->field->name);
        schema_limit(pass, what, find(pass, LIMITED));
    }
    for (int check = 0; check < SCHEMA_FIELD_CHECKS; check++) {
        unsigned bit = 1u << check;
        uint32_t n = any & bit ? find(pass, bit) : 0;
        n = schema_flag(pass, (enum schema_check)check, n);
        if (n && (1u << check & NAMED))
            detail_strings(pass, (enum schema_check)check, n);
    }
    return 0;
}
