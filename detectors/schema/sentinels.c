// SPDX-License-Identifier: Apache-2.0
// Which values of a field stand for one that is not there. The usual ones are looked for only
// where they lie apart from everything that the reference has: a sentinel that is told of is one.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/schema.h"
#include "stats/cells.h"
#include "stats/sentinels.h"
#include "stats/summary.h"

enum { MOST = 200, TEXT_LENGTH = 40, CODE_LENGTH = 3, DATES = 20, DECADE = 10 };

// ---- numbers

static int compare_numbers(const void *a, const void *b)
{
    double x = ((const struct schema_sentinel *)a)->number,
           y = ((const struct schema_sentinel *)b)->number;
    return (x > y) - (x < y);
}

int schema_sentinel_number(const struct schema_field *field, double value)
{
    for (size_t i = 0; i < field->n_sentinels; i++) {
        if (field->sentinels[i].number == value)
            return (int)i;
    }
    return -1;
}

static int is_number(const struct weir_field *field)
{
    return field->type == WEIR_TYPE_LONG || field->type == WEIR_TYPE_DOUBLE;
}

static void add(struct schema_field *field, const char *text, double number, int is_found,
                int is_date)
{
    if (is_number(field->field) && schema_sentinel_number(field, number) >= 0)
        return;
    field->sentinels[field->n_sentinels++] =
        (struct schema_sentinel){text, strlen(text), number, is_found, is_date};
}

static void find_numbers(struct schema_field *field)
{
    struct weir_extent extent = weir_extent_of(field->reference, 0, 0);
    for (size_t i = 0; i < weir_n_usual_sentinels; i++) {
        double number = strtod(weir_usual_sentinels[i].text, NULL);
        if (weir_sentinel_is_apart(&extent, number, weir_usual_sentinels[i].certain))
            add(field, weir_usual_sentinels[i].text, number, 1, 0);
    }
}

// The gap between sentinels that holds what is usual: a look at its ends settles most values.
static void find_gap(struct schema_field *field)
{
    const struct weir_summary *reference = field->reference;
    double usual = 0.5;
    if (reference && reference->values)
        usual = weir_summary_quantile(reference, .5);
    else if (field->field->has_range)
        usual = fmin(fmax(usual, field->field->low), field->field->high);
    field->sentinel_low = -INFINITY;
    field->sentinel_high = INFINITY;
    for (size_t i = 0; i < field->n_sentinels; i++) {
        double number = field->sentinels[i].number;
        if (number <= usual)
            field->sentinel_low = number;
        else if (number < field->sentinel_high)
            field->sentinel_high = number;
    }
}

// ---- texts

// Nobody writes these and means them.
static const char *const words[] = {"N/A",    "n/a",       "#N/A", "null",    "NULL",  "Null",
                                    "(null)", "undefined", "nil",  "nan",     "NaN",   "NAN",
                                    "None",   "\\N",       "<NA>", "#VALUE!", "#REF!", "NaT"};
// Categories that a field may have as well: only beside a full list of those that it has.
static const char *const names[] = {
    "NA",      "na",      "none", "NONE", "unknown", "Unknown", "UNKNOWN",     "missing",
    "Missing", "MISSING", "-",    "--",   "?",       "TBD",     "unspecified", "not available"};
static const char *const dates[] = {"0000-00-00", "0001-01-01", "1899-12-30", "1899-12-31",
                                    "1900-01-01", "1970-01-01", "9999-12-31"};

// Short ones are codes where there are codes as short: NA is Namibia.
static int is_code(const struct weir_cells *cells, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; length <= CODE_LENGTH && i < cells->n_categories; i++) {
        if (cells->categories[i].length == length)
            return 1;
    }
    return 0;
}

static int year_of(const struct weir_string *string)
{
    int year = 0;
    for (uint32_t i = 0; i < 4; i++) {
        if (string->length < 10 || string->data[i] < '0' || string->data[i] > '9')
            return -1;
        year = 10 * year + (string->data[i] - '0');
    }
    return string->data[4] == '-' ? year : -1;
}

// Whether the field has dates, none of them within ten years of this one.
static int is_apart_date(const struct weir_cells *cells, const char *date)
{
    struct weir_string string = {date, (uint32_t)strlen(date), 0};
    int year = year_of(&string);
    for (size_t i = 0; i < cells->n_categories; i++) {
        int other = year_of(&cells->categories[i]);
        if (other < 0 || abs(other - year) <= DECADE)
            return 0;
    }
    return cells->n_categories >= DATES;
}

static void find_texts(struct schema_field *field)
{
    const struct weir_summary *reference = field->reference;
    const struct weir_cells *cells = reference->cells;
    int listed = cells->known && cells->shape == WEIR_SHAPE_CATEGORICAL;
    if (!listed && !(weir_moments_mean(&reference->moments, cells) <= TEXT_LENGTH))
        return; // sentences, which may be any
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        add(field, words[i], 0, 1, 0);
    for (size_t i = 0; listed && i < sizeof names / sizeof *names; i++) {
        if (!is_code(cells, names[i]))
            add(field, names[i], 0, 1, 0);
    }
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        if (is_apart_date(cells, dates[i]))
            add(field, dates[i], 0, 1, 1);
    }
}

// ---- both

static int declared_number(struct schema_make *make, const struct schema_field *field, size_t item,
                           double *number)
{
    const char *text = field->more->sentinels[item];
    char *end;
    *number = strtod(text, &end);
    int whole = field->field->type != WEIR_TYPE_LONG || *number == floor(*number);
    if (end != text && !*end && !isnan(*number) && whole)
        return 1;
    schema_complain(make, 1, field->index, "sentinels", item, 0,
                    "%.60s is no %s, and so never a value: it breaks the rule type", text,
                    weir_type_name(field->field->type));
    return 0;
}

static int can_be_found(const struct schema_make *make, const struct schema_field *field)
{
    const struct weir_summary *reference = field->reference;
    if (!make->config->options[SCHEMA_OPTION_SENTINELS].integer || !reference ||
        reference->values < SCHEMA_KNOWN_VALUES || !reference->cells)
        return 0;
    if (is_number(field->field))
        return reference->shape == WEIR_SHAPE_NUMERIC && reference->moments.n > 0;
    return field->field->type == WEIR_TYPE_STRING &&
           (reference->shape == WEIR_SHAPE_CATEGORICAL || reference->shape == WEIR_SHAPE_TEXT);
}

int schema_sentinels_create(struct schema_make *make, struct schema_field *field,
                            struct weir_error *error)
{
    size_t declared = field->more ? field->more->n_sentinels : 0;
    int number = is_number(field->field), found = can_be_found(make, field);
    if (field->index == make->schema->stream->time || (!declared && !found))
        return 0;
    if (declared > MOST) {
        schema_complain(make, 0, field->index, "sentinels", MOST, 0, "over %d sentinels", MOST);
        return 0;
    }
    field->sentinels = calloc(declared + weir_n_usual_sentinels + sizeof words / sizeof *words +
                                  sizeof names / sizeof *names + sizeof dates / sizeof *dates,
                              sizeof *field->sentinels);
    if (!field->sentinels)
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory for its rules",
                              make->config->name);
    for (size_t i = 0; i < declared; i++) {
        double value = 0;
        if (field->field->type == WEIR_TYPE_BOOLEAN)
            schema_complain(make, 1, field->index, "sentinels", i, 0,
                            "a boolean is true or false, and never %.60s",
                            field->more->sentinels[i]);
        else if (!number || declared_number(make, field, i, &value))
            add(field, field->more->sentinels[i], value, 0, 0);
    }
    if (found && number)
        find_numbers(field);
    else if (found)
        find_texts(field);
    if (number)
        qsort(field->sentinels, field->n_sentinels, sizeof *field->sentinels, compare_numbers);
    field->sentinel_names = calloc(field->n_sentinels + 1, sizeof *field->sentinel_names);
    if (!field->sentinel_names)
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory for its rules",
                              make->config->name);
    for (size_t i = 0; i < field->n_sentinels; i++)
        field->sentinel_names[i] = field->sentinels[i].text;
    find_gap(field);
    return 0;
}
