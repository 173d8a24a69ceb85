// SPDX-License-Identifier: Apache-2.0
// The rest of the sentence "FIELD: 12 of 3,000 records ...", where it needs few words.
#include <math.h>

#include "detectors/schema/record.h"

void schema_say_missing(const struct schema_said *said, struct schema_text *text)
{
    (void)said;
    schema_put(text, "lack the field");
}

void schema_say_null(const struct schema_said *said, struct schema_text *text)
{
    (void)said;
    schema_put(text, "have a null, which the field does not allow");
}

void schema_say_empty(const struct schema_said *said, struct schema_text *text)
{
    schema_put(text, "are empty where a %s is wanted", weir_type_name(said->field->field->type));
}

void schema_say_nan(const struct schema_said *said, struct schema_text *text)
{
    (void)said;
    schema_put(text, "have NaN or an infinity");
}

void schema_say_length(const struct schema_said *said, struct schema_text *text)
{
    const struct weir_field *field = said->field->field;
    const char *what = field->is_list                    ? "elements"
                       : field->type == WEIR_TYPE_STRING ? "characters"
                                                         : "bytes";
    long long low = field->shortest, high = field->longest;
    schema_put(text, "do not have ");
    if (field->longest == INT64_MAX)
        schema_put(text, "at least %lld %s", low, what);
    else if (low == high)
        schema_put(text, "%lld %s", low, what);
    else if (low <= 0)
        schema_put(text, "at most %lld %s", high, what);
    else
        schema_put(text, "%lld to %lld %s", low, high, what);
}

void schema_say_values(const struct schema_said *said, struct schema_text *text)
{
    enum { SHOWN = 6 };
    const struct weir_field *field = said->field->field;
    schema_put(text, "have a value that is none of ");
    for (size_t i = 0; i < field->n_values && i < SHOWN; i++)
        schema_put(text, "%s%s", i ? ", " : "", field->values[i]);
    if (field->n_values > SHOWN)
        schema_put(text, " or %zu more", field->n_values - SHOWN);
}

void schema_say_pattern(const struct schema_said *said, struct schema_text *text)
{
    schema_put(text, "do not match the pattern %s", said->field->field->pattern);
}

void schema_say_undecodable(const struct schema_said *said, struct schema_text *text)
{
    (void)said;
    schema_put(text, "cannot be decoded: the producer's format or schema is broken");
}

void schema_say_no_time(const struct schema_said *said, struct schema_text *text)
{
    const struct weir_stream *stream = said->schema->stream;
    schema_put(text, "have no usable event time in %s: the record's timestamp stands in",
               stream->fields[stream->time].name);
}
