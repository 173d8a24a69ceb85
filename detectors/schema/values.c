// SPDX-License-Identifier: Apache-2.0
// The allowed values of a field, as a set: looked up by hash.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/schema.h"
#include "stats/hash.h"

struct place {
    uint64_t key;   // a number's bits, a string's hash
    uint32_t value; // 1 + its place among the field's values, 0: free
};

struct schema_values {
    const struct weir_field *field;
    unsigned shift; // 64 less the bits of a place's index
    struct place places[];
};

static uint64_t bits_of(double value)
{
    uint64_t bits;
    value += 0.0; // no negative zero
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static const struct place *find(const struct schema_values *values, uint64_t key)
{
    // Fibonacci hashing: doubles have their entropy in the middle.
    size_t mask = ((size_t)1 << (64 - values->shift)) - 1;
    size_t at = (size_t)((key * 0x9e3779b97f4a7c15) >> values->shift);
    while (values->places[at].value && values->places[at].key != key)
        at = (at + 1) & mask;
    return &values->places[at];
}

int schema_values_have_number(const struct schema_values *values, double value)
{
    return find(values, bits_of(value))->value != 0;
}

int schema_values_have_text(const struct schema_values *values, const struct weir_string *string)
{
    const struct place *place = find(values, string->hash);
    if (!place->value)
        return 0;
    const char *text = values->field->values[place->value - 1];
    return strlen(text) == string->length && !memcmp(text, string->data, string->length);
}

static int number_of(const struct weir_field *of, const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    if (of->type == WEIR_TYPE_BOOLEAN && (!strcmp(text, "true") || !strcmp(text, "false"))) {
        *value = *text == 't';
        return 1;
    }
    return end != text && !*end && !isnan(*value);
}

int schema_values_create(struct schema_make *make, struct schema_field *field,
                         struct weir_error *error)
{
    const struct weir_field *of = field->field;
    int text = of->type == WEIR_TYPE_STRING || of->type == WEIR_TYPE_BYTES;
    unsigned bits = 3;
    while ((size_t)1 << bits < 2 * of->n_values)
        bits++;
    struct schema_values *values =
        calloc(1, sizeof *values + ((size_t)1 << bits) * sizeof values->places[0]);
    if (!values)
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory for its rules",
                              make->config->name);
    field->values = values;
    values->field = of;
    values->shift = 64 - bits;
    for (size_t i = 0; i < of->n_values; i++) {
        double number = 0;
        if (!text && !number_of(of, of->values[i], &number))
            schema_complain(make, 0, field->index, "values", i, 0, "%.60s is no %s", of->values[i],
                            weir_type_name(of->type));
        uint64_t key = text ? weir_hash(of->values[i], strlen(of->values[i])) : bits_of(number);
        struct place *place = (struct place *)find(values, key);
        if (!place->value)
            *place = (struct place){key, (uint32_t)i + 1};
    }
    return 0;
}
