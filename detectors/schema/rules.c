// SPDX-License-Identifier: Apache-2.0
// Which rules a stream's fields give, with what they need compiled once.
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/record.h"
#include "stats/hash.h"
#include "stats/nearest.h"

void schema_rules_destroy(struct schema *schema)
{
    for (size_t i = 0; i < schema->n_fields; i++) {
        pcre2_code_free(schema->fields[i].pattern);
        free(schema->fields[i].values);
        free(schema->fields[i].words);
        free(schema->fields[i].sentinels);
        free(schema->fields[i].sentinel_names);
    }
    pcre2_match_context_free(schema->limits);
    pcre2_match_context_free(schema->long_limits);
    free(schema->fields);
    free(schema->rules);
}

static int out_of_memory(const struct weir_detector_config *config, struct weir_error *error)
{
    return weir_error_set(error, WEIR_ENOMEM, "%s: no memory for its rules", config->name);
}

void schema_complain(struct schema_make *make, int warning, int field, const char *key, size_t item,
                     size_t offset, const char *format, ...)
{
    char message[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    struct weir_complaint complaint = {.size = sizeof complaint,
                                       .option = key,
                                       .item = item,
                                       .offset = offset,
                                       .warning = warning,
                                       .message = message,
                                       .field = field < 0 ? 0 : (size_t)field + 1};
    make->faults += !warning;
    make->setup->complain(make->setup, &complaint);
}

// ---- alert, quarantine or both

static const struct {
    int option;
    const char *key;
    unsigned flags;
} routes[] = {
    {SCHEMA_OPTION_ONLY_ALERT, "only_alert", 0},
    {SCHEMA_OPTION_ONLY_QUARANTINE, "only_quarantine", WEIR_RULE_QUARANTINE | WEIR_RULE_SILENT}};

// "range" names every rule of that check, "range:amount" one.
static int names_rule(const char *text, const char *rule)
{
    size_t length = strlen(text);
    return strncmp(text, rule, length) == 0 && (!rule[length] || rule[length] == ':');
}

static unsigned route(struct schema_make *make, const char *name)
{
    const struct weir_option_value *options = make->config->options;
    unsigned flags = options[SCHEMA_OPTION_QUARANTINE].integer ? WEIR_RULE_QUARANTINE : 0;
    size_t base = 0;
    int found = -1;
    for (int r = 0; r < 2; r++) {
        const struct weir_option_value *option = &options[routes[r].option];
        for (size_t i = 0; i < option->n_strings; i++) {
            if (!names_rule(option->strings[i], name))
                continue;
            make->routed[base + i] = 1;
            if (found >= 0 && found != r)
                schema_complain(make, 0, -1, routes[r].key, i, 0,
                                "%s is in %s too: leave it out of both for an alert and the "
                                "quarantine",
                                option->strings[i], routes[found].key);
            flags = routes[r].flags;
            found = r;
        }
        base += option->n_strings;
    }
    return flags;
}

// Names that are no rule's. A check that no field has asked for is none of them.
static void check_routes(struct schema_make *make)
{
    size_t base = 0;
    for (int r = 0; r < 2; r++) {
        const struct weir_option_value *option = &make->config->options[routes[r].option];
        for (size_t i = 0; i < option->n_strings; i++) {
            const char *text = option->strings[i];
            struct weir_nearest nearest = {0};
            int known = make->routed[base + i];
            for (int check = 0; check < SCHEMA_CHECKS; check++) {
                const char *name = schema_record_checks[check].name;
                weir_nearest_offer(&nearest, text, name);
                // Of which fields there are not all are known.
                known |= !strcmp(text, name) || (make->setup->tentative && names_rule(name, text));
            }
            for (size_t k = 0; k < make->n_names; k++)
                weir_nearest_offer(&nearest, text, make->names[k]);
            if (!known)
                schema_complain(make, 0, -1, routes[r].key, i, 0, "there is no rule %.60s%s%.80s%s",
                                text, nearest.best ? "; did you mean " : "",
                                nearest.best ? nearest.best : ": see `weir detectors schema`",
                                nearest.best ? "?" : "");
        }
        base += option->n_strings;
    }
}

int schema_declare(struct schema_make *make, const struct weir_rule *rule, struct schema_rule what,
                   int *number, struct weir_error *error)
{
    struct schema *schema = make->schema;
    struct weir_rule declared = *rule;
    unsigned way = route(make, rule->name);
    declared.flags |= what.is_mild && !(way & WEIR_RULE_SILENT) ? 0 : way;
    int index = make->setup->rule(make->setup, &declared, error);
    if (index < 0)
        return index;
    size_t n = (size_t)index < schema->n_rules ? schema->n_rules : (size_t)index + 1;
    struct schema_rule *grown = realloc(schema->rules, n * sizeof *grown);
    if (grown)
        schema->rules = grown;
    char **names = realloc(make->names, (make->n_names + 1) * sizeof *names);
    if (names)
        make->names = names;
    char *name = strdup(rule->name);
    if (!grown || !names || !name) {
        free(name);
        return out_of_memory(make->config, error);
    }
    make->names[make->n_names++] = name;
    // Rules come in the host's order; others' (expressions) may have taken numbers between.
    memset(grown + schema->n_rules, 0, (n - schema->n_rules) * sizeof *grown);
    grown[index] = what;
    grown[index].flags = declared.flags;
    schema->n_rules = n;
    *number = index;
    return 0;
}

static int declare(struct schema_make *make, enum schema_check check,
                   const struct schema_field *field, int *number, struct weir_error *error)
{
    char name[512];
    const struct schema_record_check *row = &schema_record_checks[check];
    snprintf(name, sizeof name, "%s%s%s", row->name, field ? ":" : "",
             field ? field->field->name : "");
    struct weir_rule rule = {
        .name = name,
        .kind = row->kind,
        .field = field ? field->index : -1,
        .severity = row->severity,
        .action = row->action,
    };
    struct schema_rule what = {.check = check,
                               .field = field,
                               .is_mild = check == SCHEMA_FLOAT && !make->schema->float_is_error};
    return schema_declare(make, &rule, what, number, error);
}

// ---- one field

// Whether all of a field's rules have the same done to their records.
static int same_way(const struct schema *schema, const struct schema_field *field)
{
    int sentinel = field->rule[SCHEMA_SENTINEL], same = sentinel >= 0;
    for (int check = 0; check < SCHEMA_FIELD_CHECKS && same; check++)
        same = field->rule[check] < 0 || schema->rules[field->rule[check]].is_mild ||
               schema->rules[field->rule[check]].flags == schema->rules[sentinel].flags;
    return same;
}

// Most values are neither NaN nor out of range nor sentinels: one look at them tells.
static void find_calm(struct schema_field *field)
{
    const struct weir_field *of = field->field;
    static const double most = 0x1.fffffffffffffp1023;
    field->calm_low = field->rule[SCHEMA_RANGE] >= 0 ? fmax(of->low, -most) : -most;
    field->calm_high = field->rule[SCHEMA_RANGE] >= 0 ? fmin(of->high, most) : most;
    if (field->n_sentinels) {
        field->calm_low = fmax(field->calm_low, nextafter(field->sentinel_low, INFINITY));
        field->calm_high = fmin(field->calm_high, nextafter(field->sentinel_high, -INFINITY));
    }
}

static int create_field(struct schema_make *make, struct schema_field *field,
                        struct weir_error *error)
{
    int code = schema_sentinels_create(make, field, error);
    if (!code)
        code = schema_words_create(make, field, error);
    for (int check = 0; check < SCHEMA_FIELD_CHECKS; check++) {
        field->rule[check] = -1;
        if (!code && schema_record_checks[check].applies(make->schema, field))
            code = declare(make, (enum schema_check)check, field, &field->rule[check], error);
    }
    if (!code && field->rule[SCHEMA_PATTERN] >= 0)
        schema_pattern_create(make, field);
    if (!code && field->rule[SCHEMA_VALUES] >= 0)
        code = schema_values_create(make, field, error);
    if (!code) {
        field->sentinel_explains = same_way(make->schema, field);
        find_calm(field);
        schema_check_field(make, field);
    }
    return code;
}

// The first reference that knows a field.
static const struct weir_summary *known(const struct weir_detector_config *config,
                                        const struct weir_setup *setup, int field)
{
    for (size_t i = 0; i < config->n_references; i++) {
        const struct weir_summary *summary = setup->reference(setup, i, field);
        if (summary && summary->values && summary->cells)
            return summary;
    }
    return NULL;
}

// Without `fields:` every field is looked at, whatever its role: a key or a label of the wrong
// type is as bad as a feature.
static int choose_fields(struct schema *schema, const struct weir_detector_config *config,
                         const struct weir_setup *setup, struct weir_error *error)
{
    size_t n = config->fields_given ? config->n_fields : config->stream->n_fields;
    schema->fields = calloc(n ? n : 1, sizeof *schema->fields);
    if (!schema->fields)
        return out_of_memory(config, error);
    for (size_t i = 0; i < n; i++) {
        struct schema_field *field = &schema->fields[i];
        field->index = config->fields_given ? config->fields[i] : (int)i;
        field->field = &config->stream->fields[field->index];
        field->more = weir_stream_more(config->stream, field->index);
        field->reference = known(config, setup, field->index);
        field->name_hash = weir_hash(field->field->name, strlen(field->field->name));
    }
    schema->n_fields = n;
    return 0;
}

static int create_rules(struct schema_make *make, struct weir_error *error)
{
    struct schema *schema = make->schema;
    int code = 0;
    for (size_t i = 0; i < schema->n_fields && !code; i++)
        code = create_field(make, &schema->fields[i], error);
    for (int check = SCHEMA_FIELD_CHECKS; check < SCHEMA_CHECKS; check++) {
        schema->rule[check] = -1;
        if (!code && schema_record_checks[check].applies(schema, NULL))
            code = declare(make, (enum schema_check)check, NULL, &schema->rule[check], error);
    }
    if (!code)
        code = schema_cross_create(make, error);
    if (!code)
        code = schema_depends_create(make, error);
    if (!code)
        code = schema_bounds_create(make, error);
    if (!code)
        code = schema_evolution_create(make, error);
    if (!code)
        check_routes(make);
    if (!code && make->faults)
        code = weir_error_set(error, WEIR_EINVAL, "%s: its rules have faults", make->config->name);
    return code;
}

int schema_rules_create(struct schema *schema, const struct weir_detector_config *config,
                        const struct weir_setup *setup, struct weir_error *error)
{
    const struct weir_option_value *options = config->options;
    struct schema_make make = {.schema = schema, .config = config, .setup = setup};
    int code = choose_fields(schema, config, setup, error);
    make.routed = calloc(options[SCHEMA_OPTION_ONLY_ALERT].n_strings +
                             options[SCHEMA_OPTION_ONLY_QUARANTINE].n_strings + 1,
                         1);
    if (!code && (schema_limits_create(schema) || !make.routed))
        code = out_of_memory(config, error);
    if (!code)
        code = create_rules(&make, error);
    for (size_t i = 0; i < make.n_names; i++)
        free(make.names[i]);
    free(make.names);
    free(make.routed);
    return code;
}
