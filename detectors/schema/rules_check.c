// SPDX-License-Identifier: Apache-2.0
// Rules of a field that contradict each other, and rules that the reference breaks: said before
// the first record does.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/record.h"
#include "stats/cells.h"
#include "stats/summary.h"

static int is_number(const struct weir_field *field)
{
    return field->type == WEIR_TYPE_LONG || field->type == WEIR_TYPE_DOUBLE;
}

static int is_text(const struct weir_field *field)
{
    return field->type == WEIR_TYPE_STRING || field->type == WEIR_TYPE_BYTES;
}

// ---- one against another

static int too_fine(double value, int precision)
{
    double scaled = value * pow(10, precision);
    return fabs(scaled - nearbyint(scaled)) > fabs(scaled) * 1e-12;
}

// A word for the rule that a value breaks, NULL: none.
static const char *number_breaks(const struct schema_field *field, double value)
{
    const struct weir_field *of = field->field;
    if (of->has_range && (value < of->low || value > of->high))
        return "range";
    if (of->type == WEIR_TYPE_LONG && value != floor(value))
        return "type";
    if (field->more && field->more->precision >= 0 && too_fine(value, field->more->precision))
        return "precision";
    return NULL;
}

static const char *text_breaks(const struct schema *schema, const struct schema_field *field,
                               const char *value, pcre2_match_data *match)
{
    const struct weir_string string = {value, (uint32_t)strlen(value), 0};
    uint64_t limited = 0;
    if (field->rule[SCHEMA_LENGTH] >= 0 &&
        schema_text_length(schema, field, &string, match, &limited))
        return "length";
    if (field->pattern && schema_text_pattern(schema, field, &string, match, &limited))
        return "pattern";
    return NULL;
}

static const char *value_breaks(const struct schema *schema, const struct schema_field *field,
                                const char *value, pcre2_match_data *match)
{
    if (is_text(field->field))
        return text_breaks(schema, field, value, match);
    return is_number(field->field) ? number_breaks(field, strtod(value, NULL)) : NULL;
}

static void check_values(struct schema_make *make, const struct schema_field *field,
                         pcre2_match_data *match)
{
    const struct weir_field *of = field->field;
    const char *rule = NULL;
    size_t broken = 0;
    for (size_t i = 0; i < of->n_values; i++)
        broken += value_breaks(make->schema, field, of->values[i], match) != NULL;
    for (size_t i = 0; i < of->n_values && broken < of->n_values; i++) {
        rule = value_breaks(make->schema, field, of->values[i], match);
        if (rule)
            schema_complain(make, 1, field->index, "values", i, 0,
                            "%.60s is listed, and breaks the field's %s: no record may have it",
                            of->values[i], rule);
    }
    if (broken && broken == of->n_values)
        schema_complain(make, 0, field->index, "values", 0, 0,
                        "each of the values breaks the field's %s: no record could be good",
                        value_breaks(make->schema, field, of->values[0], match));
}

static void check_numbers(struct schema_make *make, const struct schema_field *field)
{
    const struct weir_field *of = field->field;
    if (of->type == WEIR_TYPE_LONG && of->has_range && ceil(of->low) > floor(of->high))
        schema_complain(make, 0, field->index, "range", 0, 0,
                        "no whole number lies in it: no record could be good");
    if (of->type == WEIR_TYPE_LONG && field->more && field->more->precision >= 0)
        schema_complain(make, 1, field->index, "precision", 0, 0,
                        "a long has no decimals: the rule is never broken");
}

// Whether the rules say what is legal at all, and allow this.
static int is_listed(const struct weir_field *of, const char *value)
{
    for (size_t i = 0; i < of->n_values; i++) {
        if (is_number(of) ? strtod(of->values[i], NULL) == strtod(value, NULL)
                          : !strcmp(of->values[i], value))
            return 1;
    }
    return 0;
}

static void check_sentinels(struct schema_make *make, const struct schema_field *field,
                            pcre2_match_data *match)
{
    const struct weir_field *of = field->field;
    size_t n = field->more ? field->more->n_sentinels : 0;
    for (size_t i = 0; i < n && (is_number(of) || is_text(of)); i++) {
        const char *value = field->more->sentinels[i];
        if (is_number(of) && schema_sentinel_number(field, strtod(value, NULL)) < 0)
            continue; // that it is no number has been said
        const char *within = of->n_values ? is_listed(of, value) ? "values" : NULL
                             : of->has_range && is_number(of) ? "range"
                             : field->pattern                 ? "pattern"
                                                              : NULL;
        if (within && !value_breaks(make->schema, field, value, match))
            schema_complain(make, 1, field->index, "sentinels", i, 0,
                            "%.60s is legal by the field's %s too: each record with it is reported "
                            "as a sentinel",
                            value, within);
    }
}

// ---- against the reference

// The share of the reference's values outside the range; 0: none is.
static double share_outside(const struct weir_summary *reference, double low, double high)
{
    const struct weir_moments *moments = &reference->moments;
    double outside = 0, n = 0;
    if (!moments->n || (moments->minimum >= low && moments->maximum <= high))
        return 0;
    for (size_t i = 0; reference->cell && i < reference->cells->n; i++) {
        const struct weir_cells *cells = reference->cells;
        double from = i ? cells->cuts[i - 1] : moments->minimum;
        double to = i + 1 < cells->n ? cells->cuts[i] : moments->maximum;
        from = weir_cells_is_atom(cells, i) ? to : from;
        double share = to < low || (from >= high && to > high) ? 1
                       : from < low || to > high               ? 0.5
                                                               : 0;
        outside += share * (double)reference->cell[i];
        n += (double)reference->cell[i];
    }
    return n > 0 ? fmax(outside, 1) / n : 1 / (double)reference->values;
}

static double share_unlisted(const struct schema_field *field)
{
    const struct weir_summary *reference = field->reference;
    double listed = 0;
    if (reference->shape != WEIR_SHAPE_CATEGORICAL || !reference->cell || !reference->values)
        return 0;
    for (size_t i = 0; i < reference->cells->n_categories; i++) {
        if (schema_values_have_text(field->values, &reference->cells->categories[i]))
            listed += (double)reference->cell[i];
    }
    return 1 - listed / (double)reference->values;
}

static void say_share(struct schema_make *make, const struct schema_field *field, const char *key,
                      double share, const char *what)
{
    if (share > 0)
        schema_complain(make, 1, field->index, key, 0, 0,
                        "%s%.2g%% of %s %s: records like these will be reported",
                        share < 1e-4 ? "under " : "about ", fmax(100 * share, 0.01),
                        make->schema->references[0], what);
}

static void check_reference(struct schema_make *make, const struct schema_field *field)
{
    const struct weir_field *of = field->field;
    const struct weir_summary *reference = field->reference;
    double rows = (double)reference->rows;
    if (!reference->rows || !of->declared)
        return;
    if (field->rule[SCHEMA_NULL] >= 0)
        say_share(make, field, "nullable", (double)reference->null / rows,
                  "is null, and null is not allowed");
    if (field->rule[SCHEMA_MISSING] >= 0)
        say_share(make, field, "optional", (double)reference->missing / rows,
                  "lacks the field, and it is not optional");
    if (field->rule[SCHEMA_NAN] >= 0 && !(field->more && field->more->nan))
        say_share(make, field, "nan", (double)reference->nan / rows,
                  "is NaN, and that is not allowed");
    if (of->has_range && is_number(of) && reference->shape == WEIR_SHAPE_NUMERIC)
        say_share(make, field, "range", share_outside(reference, of->low, of->high),
                  "is outside the range");
    if (field->values && is_text(of))
        say_share(make, field, "values", share_unlisted(field), "is none of the values");
}

void schema_check_field(struct schema_make *make, const struct schema_field *field)
{
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    if (!match)
        return; // the records' own pass will say so
    check_numbers(make, field);
    check_values(make, field, match);
    check_sentinels(make, field, match);
    if (field->reference)
        check_reference(make, field);
    pcre2_match_data_free(match);
}
