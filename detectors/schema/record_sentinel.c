// SPDX-License-Identifier: Apache-2.0
// Values that stand for one that is not there: a model takes them for values.
#include <math.h>
#include <string.h>

#include "detectors/schema/record.h"
#include "stats/cells.h"

static uint32_t found_double(const struct schema_pass *pass)
{
    const struct schema_field *field = pass->field;
    const double *values = pass->column->values.f64;
    double low = field->sentinel_low, high = field->sentinel_high;
    uint32_t bad = 0, n = 0;
    for (uint32_t i = pass->first; i < pass->column->n; i++)
        bad += (values[i] <= low) | (values[i] >= high);
    for (uint32_t i = pass->first; bad && i < pass->column->n; i++) {
        if (!(values[i] <= low || values[i] >= high) || pass->column->state[i] != WEIR_STATE_VALUE)
            continue;
        int which = schema_sentinel_number(field, values[i]);
        pass->edge->found[n] = i;
        pass->edge->kinds[n] = (uint8_t)which;
        n += which >= 0;
    }
    return n;
}

static uint32_t found_long(const struct schema_pass *pass)
{
    const struct schema_field *field = pass->field;
    const int64_t *values = pass->column->values.i64;
    double least = ceil(field->sentinel_low), most = floor(field->sentinel_high);
    // What no integer reaches is no end.
    int64_t low = least > -0x1p63 && least < 0x1p63 ? (int64_t)least : INT64_MIN;
    int64_t high = most > -0x1p63 && most < 0x1p63 ? (int64_t)most : INT64_MAX;
    uint32_t bad = 0, n = 0;
    for (uint32_t i = pass->first; i < pass->column->n; i++)
        bad += (values[i] <= low) | (values[i] >= high);
    for (uint32_t i = pass->first; bad && i < pass->column->n; i++) {
        if ((values[i] > low && values[i] < high) || pass->column->state[i] != WEIR_STATE_VALUE)
            continue;
        int which = schema_sentinel_number(field, (double)values[i]);
        pass->edge->found[n] = i;
        pass->edge->kinds[n] = (uint8_t)which;
        n += which >= 0;
    }
    return n;
}

int schema_observe_sentinels(struct schema_pass *pass)
{
    const struct schema_field *field = pass->field;
    enum weir_type type = pass->column->type;
    if (type != WEIR_TYPE_DOUBLE && type != WEIR_TYPE_LONG)
        return 0; // strings are judged once each
    uint32_t n = type == WEIR_TYPE_DOUBLE ? found_double(pass) : found_long(pass);
    if (n)
        schema_flag_kinds(pass, SCHEMA_SENTINEL, n, field->sentinel_names, field->n_sentinels, 0);
    return 0;
}

static int is_it(const struct schema_sentinel *sentinel, const char *data, size_t length)
{
    if (length < sentinel->length || memcmp(data, sentinel->text, sentinel->length) != 0)
        return 0;
    return length == sentinel->length ||
           (sentinel->is_date && (data[sentinel->length] == 'T' || data[sentinel->length] == ' '));
}

static const struct schema_sentinel *sentinel_of(const struct schema_field *field, const char *data,
                                                 size_t length)
{
    for (size_t i = 0; i < field->n_sentinels; i++) {
        if (is_it(&field->sentinels[i], data, length))
            return &field->sentinels[i];
    }
    return NULL;
}

// Where not all values of the reference are known, those that are frequent are.
static int is_new(const struct weir_cells *cells, const struct weir_string *string)
{
    int unseen;
    size_t cell = weir_cells_find_string(cells, string, &unseen);
    return cells->known ? unseen : cell >= cells->n_categories;
}

int schema_text_sentinel(const struct schema *schema, const struct schema_field *field,
                         const struct weir_string *string, pcre2_match_data *match,
                         uint64_t *limited)
{
    const struct schema_sentinel *sentinel = sentinel_of(field, string->data, string->length);
    (void)schema;
    (void)match;
    (void)limited;
    return sentinel && (!sentinel->is_found || is_new(field->reference->cells, string));
}

void schema_say_sentinel(const struct schema_said *said, struct schema_text *text)
{
    enum { SHOWN = 4 };
    const struct schema_field *field = said->field;
    const struct weir_rule_count *count = said->count;
    int is_text = field->field->type == WEIR_TYPE_STRING || field->field->type == WEIR_TYPE_BYTES;
    const char *quote = is_text ? "\"" : "";
    int found = 0, declared = 0;
    schema_put(text, "have ");
    for (size_t i = 0; i < count->n_details && i < SHOWN; i++) {
        const struct weir_rule_detail *detail = &count->details[i];
        const struct schema_sentinel *sentinel = sentinel_of(field, detail->name, detail->length);
        found |= sentinel && sentinel->is_found;
        declared |= sentinel && !sentinel->is_found;
        schema_put(text, "%s%s%s%s", i ? ", " : "", quote, detail->name, quote);
        if (count->n_details == 1)
            break;
        schema_put(text, " (");
        schema_put_count(text, detail->count);
        schema_put(text, ")");
    }
    schema_put(text, count->n_details ? " in place of a value" : "a sentinel in place of a value");
    if (found && !declared)
        schema_put(text, ", which %s never had", said->schema->references[0]);
}
