// SPDX-License-Identifier: Apache-2.0
#include "consumer/compare/set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/compare/correlations.h"

static int compare_tables(const struct weir_table *a, const struct weir_table *b,
                          enum weir_preset preset, struct weir_comparison_set *set)
{
    set->fields = calloc(a->n_columns + 1, sizeof *set->fields);
    int code = set->fields ? 0 : WEIR_ENOMEM;
    set->rows_reference = a->rows;
    set->rows_current = b->rows;
    for (size_t i = 0; i < a->n_columns && !code; i++) {
        set->n = i + 1;
        set->fields[i].type = a->columns[i].type;
        set->fields[i].name = strdup(a->columns[i].name);
        code = set->fields[i].name ? weir_compare_field(&a->columns[i], &b->columns[i], preset,
                                                        &set->fields[i].comparison)
                                   : WEIR_ENOMEM;
    }
    if (!code)
        code = weir_compare_multivariate(a, b, set->multivariate);
    // Of every row, where there are rows enough to say anything.
    struct weir_comparison *change = &set->multivariate[WEIR_MULTIVARIATE - 1];
    if (!code && !change->reason)
        code = weir_compare_table_correlations(a, b, change);
    for (int i = 0; i < WEIR_MULTIVARIATE; i++)
        set->multivariate[i].bound = NAN; // a value of these rows is not an estimate of another
    if (!code)
        code = weir_compare_note_tables(a, b, &set->notes);
    return code ? code : weir_compare_rules(a, b, &set->rules);
}

static int compare_files(const char *reference, const char *current, enum weir_preset preset,
                         struct weir_comparison_set *set, struct weir_error *error)
{
    struct weir_table a, b;
    int code = weir_table_load_pair(reference, current, &a, &b, error);
    if (code)
        return code;
    code = compare_tables(&a, &b, preset, set);
    if (code)
        weir_error_set(error, code, "memory is out");
    weir_table_free(&b);
    weir_table_free(&a);
    return code;
}

int weir_compare_paths(const char *reference, const char *current, enum weir_preset preset,
                       struct weir_comparison_set *set, struct weir_error *error)
{
    memset(set, 0, sizeof *set);
    int profiles = weir_compare_is_profile(reference) || weir_compare_is_profile(current);
    if (profiles && preset != WEIR_PRESETS)
        return weir_error_set(error, WEIR_EINVAL,
                              "the definitions of %s need rows: give two files of data",
                              weir_preset_name(preset));
    int code = profiles ? weir_compare_profiles(reference, current, set, error)
                        : compare_files(reference, current, preset, set, error);
    if (code)
        weir_comparison_set_free(set);
    return code;
}

void weir_comparison_set_free(struct weir_comparison_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        free(set->fields[i].name);
    free(set->fields);
    weir_compared_notes_free(&set->notes);
    weir_compared_rules_free(&set->rules);
    weir_compared_quality_free(&set->quality);
    memset(set, 0, sizeof *set);
}
