// SPDX-License-Identifier: Apache-2.0
// A sentence for someone who has just been woken up.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "detectors/schema/schema.h"

enum { CRITICAL_RECORDS = 10, VALUES_SHOWN = 6 };

const char *schema_count_text(uint64_t count, char *text)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count), at = 0;
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = 0;
    return text;
}

static void put(char *text, size_t size, const char *format, const char *a, const char *b)
{
    size_t used = strlen(text);
    if (used < size)
        snprintf(text + used, size - used, format, a, b);
}

static void put_range(char *text, size_t size, const struct weir_field *field)
{
    char low[32], high[32];
    snprintf(low, sizeof low, "%.15g", field->low);
    snprintf(high, sizeof high, "%.15g", field->high);
    if (isinf(field->low))
        put(text, size, "above %s%s", high, "");
    else if (isinf(field->high))
        put(text, size, "below %s%s", low, "");
    else
        put(text, size, "outside %s to %s", low, high);
    if (field->unit)
        put(text, size, " %s%s", field->unit, "");
}

static void put_length(char *text, size_t size, const struct weir_field *field)
{
    char low[32], high[32];
    const char *what = field->is_list                    ? "elements"
                       : field->type == WEIR_TYPE_STRING ? "characters"
                                                         : "bytes";
    snprintf(low, sizeof low, "%lld", (long long)field->shortest);
    snprintf(high, sizeof high, "%lld", (long long)field->longest);
    if (field->longest == INT64_MAX)
        put(text, size, "at least %s %s", low, what);
    else if (field->shortest == field->longest)
        put(text, size, "%s %s", low, what);
    else if (field->shortest <= 0)
        put(text, size, "at most %s %s", high, what);
    else {
        put(text, size, "%s to %s ", low, high);
        put(text, size, "%s%s", what, "");
    }
}

static void put_values(char *text, size_t size, const struct weir_field *field)
{
    char more[32];
    for (size_t i = 0; i < field->n_values && i < VALUES_SHOWN; i++)
        put(text, size, "%s%s", i ? ", " : "", field->values[i]);
    if (field->n_values > VALUES_SHOWN) {
        snprintf(more, sizeof more, "%zu", field->n_values - VALUES_SHOWN);
        put(text, size, " or %s%s more", more, "");
    }
}

static void put_field_fault(char *text, size_t size, enum schema_check check,
                            const struct weir_field *field)
{
    switch (check) {
    case SCHEMA_TYPE:
        put(text, size, "have a value that is not of the type %s%s", weir_type_name(field->type),
            "");
        break;
    case SCHEMA_MISSING:
        put(text, size, "lack the field%s%s", "", "");
        break;
    case SCHEMA_NULL:
        put(text, size, "have a null, which the field does not allow%s%s", "", "");
        break;
    case SCHEMA_NAN:
        put(text, size, "have NaN or an infinity%s%s", "", "");
        break;
    case SCHEMA_RANGE:
        put(text, size, "have a value %s%s", "", "");
        put_range(text, size, field);
        break;
    case SCHEMA_LENGTH:
        put(text, size, "do not have %s%s", "", "");
        put_length(text, size, field);
        break;
    case SCHEMA_VALUES:
        put(text, size, "have a value that is none of %s%s", "", "");
        put_values(text, size, field);
        break;
    case SCHEMA_PATTERN:
        put(text, size, "do not match the pattern %s%s", field->pattern, "");
        break;
    default:
        put(text, size, "are empty where a %s is wanted%s", weir_type_name(field->type), "");
    }
}

static void put_record_fault(char *text, size_t size, enum schema_check check,
                             const struct weir_stream *stream)
{
    if (check == SCHEMA_UNDECODABLE)
        put(text, size, "cannot be decoded: the producer's format or schema is broken%s%s", "", "");
    else if (check == SCHEMA_UNKNOWN_FIELD)
        put(text, size, "have fields that the stream does not know%s%s", "", "");
    else
        put(text, size, "have no usable event time in %s: the record's timestamp stands in%s",
            stream->fields[stream->time].name, "");
}

int schema_describe(void *instance, const struct weir_rule_count *count,
                    struct weir_finding *finding, char *text, size_t size)
{
    const struct schema *schema = instance;
    char bad[32], all[32];
    if (count->rule >= schema->n_rules || !size)
        return WEIR_EINVAL;
    const struct schema_rule *rule = &schema->rules[count->rule];
    double share = count->rows ? (double)count->count / (double)count->rows : NAN;
    *text = 0;
    if (rule->field)
        put(text, size, "%s: %s", rule->field->field->name, "");
    schema_count_text(count->count, bad);
    if (count->count == count->rows && count->rows > 1)
        put(text, size, "all %s records %s", bad, "");
    else
        put(text, size, "%s of %s records ", bad, schema_count_text(count->rows, all));
    if (rule->field)
        put_field_fault(text, size, rule->check, rule->field->field);
    else
        put_record_fault(text, size, rule->check, schema->stream);
    finding->summary = text;
    finding->count = count->count;
    finding->share = share;
    finding->severity = count->count >= CRITICAL_RECORDS && share >= schema->critical_share
                            ? WEIR_CRITICAL
                            : WEIR_WARNING;
    finding->statistic = (struct weir_statistic){"share", share, 0, NAN, NAN};
    return 0;
}
