// SPDX-License-Identifier: Apache-2.0
// The rest of the sentence "FIELD: 12 of 3,000 records ...", where it needs few words.
#include <string.h>

#include "detectors/schema/record.h"
#include "stats/nearest.h"

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
    const struct weir_field_more *more = said->field->more;
    schema_put(text, more && more->nan        ? "have an infinity"
                     : more && more->infinite ? "have NaN"
                                              : "have NaN or an infinity");
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

// The allowed value that was probably meant; NULL: none is near. Codes of two letters are all
// near each other, and only differ in case where one was meant.
static const char *meant(const struct weir_field *field, const char *text)
{
    struct weir_nearest nearest = {0};
    for (size_t i = 0; i < field->n_values; i++)
        weir_nearest_offer(&nearest, text, field->values[i]);
    unsigned limit = strlen(text) <= 2 ? 0 : 2;
    return nearest.best && nearest.distance <= limit ? nearest.best : NULL;
}

// A value may be a single record's own unless many have it.
static void say_offending(const struct schema_said *said, struct schema_text *text)
{
    enum { SHOWN = 3, MANY = 50 };
    const struct weir_rule_count *count = said->count;
    const struct weir_field *field = said->field->field;
    size_t shown = 0;
    for (size_t i = 0; i < count->n_details && shown < SHOWN; i++) {
        const struct weir_rule_detail *detail = &count->details[i];
        if (said->schema->redact && detail->count < MANY)
            break; // and so are those behind it
        const char *best = meant(field, detail->name);
        schema_put(text, "%s\"%s\" (", shown++ ? ", " : ": ", detail->name);
        schema_put_count(text, detail->count);
        if (best)
            schema_put(text, "; %s is meant?", best);
        schema_put(text, ")");
    }
    const char *best = !shown && count->n_details ? meant(field, count->details[0].name) : NULL;
    if (best)
        schema_put(text, ": some are all but %s", best);
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
    say_offending(said, text);
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
