// SPDX-License-Identifier: Apache-2.0
// The checks of single records, a row each, and when they mean anything.
#include "detectors/schema/record.h"

static int is_text(const struct weir_field *field)
{
    return field->type == WEIR_TYPE_STRING || field->type == WEIR_TYPE_BYTES;
}

// An event time has a rule of its own.
static int is_time(const struct schema *schema, const struct schema_field *field)
{
    return field->index == schema->stream->time;
}

static int has_type(const struct schema *schema, const struct schema_field *field)
{
    return !is_time(schema, field);
}

static int is_required(const struct schema *schema, const struct schema_field *field)
{
    return !field->field->optional && !field->field->is_list && !is_time(schema, field);
}

static int is_not_nullable(const struct schema *schema, const struct schema_field *field)
{
    return !field->field->nullable && !is_time(schema, field);
}

static int is_double(const struct schema *schema, const struct schema_field *field)
{
    (void)schema;
    return field->field->type == WEIR_TYPE_DOUBLE;
}

static int is_finite(const struct schema *schema, const struct schema_field *field)
{
    return is_double(schema, field) && !(field->more && field->more->nan && field->more->infinite);
}

static int has_range(const struct schema *schema, const struct schema_field *field)
{
    (void)schema;
    return field->field->has_range && !is_text(field->field);
}

static int has_length(const struct schema *schema, const struct schema_field *field)
{
    (void)schema;
    return field->field->has_length && (is_text(field->field) || field->field->is_list);
}

static int has_values(const struct schema *schema, const struct schema_field *field)
{
    (void)schema;
    return field->field->n_values != 0;
}

static int has_words(const struct schema *schema, const struct schema_field *field)
{
    (void)schema;
    return field->n_words > 0;
}

static int has_pattern(const struct schema *schema, const struct schema_field *field)
{
    (void)schema;
    return field->field->pattern && is_text(field->field);
}

// Of other types an empty cell is no value.
static int can_be_empty(const struct schema *schema, const struct schema_field *field)
{
    const struct weir_summary *reference = field->reference;
    if (!is_text(field->field) || schema->empty == SCHEMA_EMPTY_FAULT)
        return 1;
    return schema->empty == SCHEMA_EMPTY_AUTO && reference &&
           reference->values >= SCHEMA_KNOWN_VALUES && !reference->empty;
}

static int has_sentinels(const struct schema *schema, const struct schema_field *field)
{
    (void)schema;
    return field->n_sentinels > 0;
}

static int always(const struct schema *schema, const struct schema_field *field)
{
    (void)schema;
    (void)field;
    return 1;
}

static int has_time(const struct schema *schema, const struct schema_field *field)
{
    (void)field;
    return schema->stream->time >= 0;
}

static int has_precision(const struct schema *schema, const struct schema_field *field)
{
    return is_double(schema, field) && field->more && field->more->precision >= 0;
}

// Lists' elements are not told apart.
static int has_floats(const struct schema *schema, const struct schema_field *field)
{
    return schema->floats && field->field->type == WEIR_TYPE_LONG && !field->field->is_list;
}

static int has_future(const struct schema *schema, const struct schema_field *field)
{
    return has_time(schema, field) && schema->future > 0;
}

static int has_late(const struct schema *schema, const struct schema_field *field)
{
    return has_time(schema, field) && schema->too_late > 0;
}

static int has_order(const struct schema *schema, const struct schema_field *field)
{
    (void)field;
    return schema->out_of_order > 0;
}

static int has_duplicates(const struct schema *schema, const struct schema_field *field)
{
    (void)field;
    return schema->duplicates > 0;
}

#define UPSTREAM WEIR_ACTION_INVESTIGATE_UPSTREAM, WEIR_WARNING
#define PRODUCER WEIR_ACTION_FIX_PRODUCER, WEIR_WARNING
#define RELEASE "look at the producer's last release"
#define UP_FAILS "look for a join, lookup or client upstream that fails"

const struct schema_record_check schema_record_checks[SCHEMA_CHECKS] = {
    [SCHEMA_NULL] = {"null", "schema.null", UPSTREAM, is_not_nullable, schema_observe_null, NULL,
                     schema_say_null, UP_FAILS},
    [SCHEMA_MISSING] = {"missing", "schema.missing", PRODUCER, is_required, schema_observe_missing,
                        NULL, schema_say_missing, RELEASE},
    [SCHEMA_TYPE] = {"type", "schema.type", PRODUCER, has_type, schema_observe_type, NULL,
                     schema_say_type, RELEASE},
    [SCHEMA_FLOAT] = {"float", "schema.type", PRODUCER, has_floats, schema_observe_float, NULL,
                      schema_say_float,
                      "look at the producer's last release: a column with a null becomes one of "
                      "floats in pandas"},
    [SCHEMA_EMPTY] = {"empty", "schema.empty", UPSTREAM, can_be_empty, schema_observe_empty,
                      schema_text_empty, schema_say_empty, UP_FAILS},
    [SCHEMA_SENTINEL] = {"sentinel", "schema.sentinel", UPSTREAM, has_sentinels,
                         schema_observe_sentinels, schema_text_sentinel, schema_say_sentinel,
                         "look for a default that is filled in upstream"},
    [SCHEMA_NAN] = {"nan", "schema.nan", UPSTREAM, is_finite, schema_observe_nan, NULL,
                    schema_say_nan, "look for a division by zero or a failed computation upstream"},
    [SCHEMA_RANGE] = {"range", "schema.range", UPSTREAM, has_range, schema_observe_range, NULL,
                      schema_say_range,
                      "look upstream for another unit, a default or a fault; if they are right, "
                      "widen the range"},
    [SCHEMA_PRECISION] = {"precision", "schema.precision", UPSTREAM, has_precision,
                          schema_observe_precision, NULL, schema_say_precision,
                          "look upstream for rounding that was lost, or another unit"},
    [SCHEMA_LENGTH] = {"length", "schema.length", UPSTREAM, has_length, schema_observe_length,
                       schema_text_length, schema_say_length,
                       "look upstream for another source, or text that is cut"},
    [SCHEMA_VALUES] =
        {"values", "schema.values", UPSTREAM, has_values, schema_observe_values, schema_text_values,
         schema_say_values,
         "if they are right, add them, and see that the model knows them; else look upstream"},
    [SCHEMA_MISSPELLED] = {"misspelled", "schema.values", UPSTREAM, has_words, NULL,
                           schema_text_misspelled, schema_say_misspelled,
                           "look at where they are typed or read in"},
    [SCHEMA_PATTERN] = {"pattern", "schema.pattern", UPSTREAM, has_pattern, NULL,
                        schema_text_pattern, schema_say_pattern,
                        "look upstream for another source or format"},
    [SCHEMA_UNDECODABLE] = {"undecodable", "schema.undecodable", PRODUCER, always,
                            schema_observe_undecodable, NULL, schema_say_undecodable,
                            "look at its last release"},
    [SCHEMA_TIME] = {"time", "schema.time", PRODUCER, has_time, schema_observe_no_time, NULL,
                     schema_say_no_time, RELEASE},
    [SCHEMA_FUTURE] = {"time:future", "schema.time", PRODUCER, has_future, schema_observe_future,
                       NULL, schema_say_future, NULL},
    [SCHEMA_ORDER] =
        {"time:out_of_order", "schema.time", UPSTREAM, has_order, schema_observe_order, NULL,
         schema_say_order,
         "look for a producer that sends again, or several that write to one partition"},
    [SCHEMA_LATE] = {"time:too_late", "schema.time", UPSTREAM, has_late, schema_observe_late, NULL,
                     schema_say_late, "look at what holds them back: a queue, a retry, a backfill"},
    // Whether a stream is closed the codec knows: it lists unknown fields only where asked.
    [SCHEMA_UNKNOWN_FIELD] = {"unknown_field", "schema.unknown_field", PRODUCER, always,
                              schema_observe_unknown, NULL, schema_say_unknown, RELEASE},
    [SCHEMA_DUPLICATE] = {"duplicate", "schema.duplicate", PRODUCER, has_duplicates,
                          schema_observe_duplicates, NULL, schema_say_duplicates,
                          "look for retries without idempotence, or a replay"},
};
