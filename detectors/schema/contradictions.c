// SPDX-License-Identifier: Apache-2.0
// Says which of the user's rules contradict each other or the fields' own, and which are for
// nothing: before the first record.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/record.h"
#include "stats/rule_logic.h"

// What of a field's rules each piece is, and where it is said.
static const struct {
    enum schema_check check;
    const char *key;
} pieces[WEIR_LOGIC_PIECES] = {
    [WEIR_LOGIC_RANGE] = {SCHEMA_RANGE, "range"},
    [WEIR_LOGIC_VALUES] = {SCHEMA_VALUES, "values"},
    [WEIR_LOGIC_LENGTH] = {SCHEMA_LENGTH, "length"},
    [WEIR_LOGIC_PATTERN] = {SCHEMA_PATTERN, "pattern"},
    [WEIR_LOGIC_NULL] = {SCHEMA_NULL, "nullable"},
    [WEIR_LOGIC_NAN] = {SCHEMA_NAN, "nan"},
};

struct judging {
    struct schema_make *make;
    const struct schema_conditions *conditions;
    const struct schema_condition_option *option;
    pcre2_match_data *match;
};

// ---- what the fields' rules are

static const struct schema_field *find_field(const struct schema *schema, int index)
{
    for (size_t i = 0; i < schema->n_fields; i++) {
        if (schema->fields[i].index == index)
            return &schema->fields[i];
    }
    return NULL;
}

static void read_field(const struct schema *schema, const struct schema_field *field,
                       struct weir_logic_field *out)
{
    out->nan = field->more && field->more->nan;
    out->infinite = field->more && field->more->infinite;
    for (int piece = 0; piece < WEIR_LOGIC_PIECES; piece++) {
        int rule = field->rule[pieces[piece].check];
        if (rule < 0)
            continue;
        out->pieces |= 1u << piece;
        out->routes[piece] = schema->rules[rule].flags;
    }
    // A field that may be absent may have no value.
    if (field->rule[SCHEMA_MISSING] < 0 || field->rule[SCHEMA_TYPE] < 0)
        out->pieces &= ~(1u << WEIR_LOGIC_NULL);
}

static int legal(void *context, int field, enum weir_logic_piece piece, struct weir_text text)
{
    const struct judging *judging = context;
    const struct schema *schema = judging->make->schema;
    const struct schema_field *of = find_field(schema, field);
    const struct weir_string string = {text.data, (uint32_t)text.length, 0};
    uint64_t limits = 0;
    if (!of)
        return 1;
    if (piece == WEIR_LOGIC_LENGTH)
        return !schema_text_length(schema, of, &string, judging->match, &limits);
    return !of->pattern || !schema_text_pattern(schema, of, &string, judging->match, &limits) ||
           limits;
}

// ---- words

enum { SHOWN = 60, NAMED = 3 };

// That a field has a value goes without saying, where there is more to say.
static void leave_out_the_obvious(struct weir_logic_finding *finding)
{
    size_t n = finding->n_parts < WEIR_LOGIC_PARTS ? finding->n_parts : WEIR_LOGIC_PARTS, kept = 0;
    for (size_t i = 0; i < n; i++) {
        const struct weir_logic_part *part = &finding->parts[i];
        int obvious = part->rule == WEIR_LOGIC_NO_RULE &&
                      (part->piece == WEIR_LOGIC_NULL || part->piece == WEIR_LOGIC_NAN);
        if (!obvious || finding->kind == WEIR_LOGIC_NEVER_FAILS)
            finding->parts[kept++] = *part;
    }
    finding->n_parts -= n - kept;
}

static void put_part(struct schema_text *out, const struct judging *judging,
                     const struct weir_logic_part *part)
{
    if (part->rule != WEIR_LOGIC_NO_RULE) {
        const struct schema_condition *rule = &judging->conditions->items[part->rule];
        schema_put(out, "`%.*s%s%.*s`", SHOWN, rule->holds_text, rule->when_text ? " when " : "",
                   SHOWN, rule->when_text ? rule->when_text : "");
        return;
    }
    const char *field = judging->make->config->stream->fields[part->field].name;
    if (part->piece == WEIR_LOGIC_NULL)
        schema_put(out, "`nullable: false` of %.60s", field);
    else if (part->piece == WEIR_LOGIC_NAN)
        schema_put(out, "`nan: false` of %.60s", field);
    else
        schema_put(out, "the %s of %.60s", pieces[part->piece].key, field);
}

static const char *verb(const struct weir_logic_finding *finding)
{
    const struct weir_logic_part *first = &finding->parts[0];
    int many = finding->n_parts > 1 ||
               (first->rule == WEIR_LOGIC_NO_RULE && first->piece == WEIR_LOGIC_VALUES);
    return many ? "are kept" : "is kept";
}

static void put_parts(struct schema_text *out, const struct judging *judging,
                      const struct weir_logic_finding *finding)
{
    size_t n = finding->n_parts < NAMED ? finding->n_parts : NAMED;
    for (size_t i = 0; i < n; i++) {
        schema_put(out, i == 0 ? "" : i + 1 < finding->n_parts ? ", " : " and ");
        put_part(out, judging, &finding->parts[i]);
    }
    if (finding->n_parts > n)
        schema_put(out, " and %zu more", finding->n_parts - n);
}

static void put_fails(struct schema_text *out, const struct judging *judging,
                      const struct weir_logic_finding *finding)
{
    if (!finding->n_parts) {
        schema_put(out, "it never fails, whatever a %s says: leave it out", judging->option->of);
        return;
    }
    schema_put(out, "it never fails where ");
    put_parts(out, judging, finding);
    schema_put(out, " %s: leave it out", verb(finding));
}

static void put_holds(struct schema_text *out, const struct judging *judging,
                      const struct weir_logic_finding *finding)
{
    schema_put(out, "its condition never holds");
    if (finding->n_parts) {
        schema_put(out, " where ");
        put_parts(out, judging, finding);
        schema_put(out, " %s", verb(finding));
    }
    schema_put(out, ": the rule is for nothing");
}

static void put_none(struct schema_text *out, const struct judging *judging,
                     const struct weir_logic_finding *finding)
{
    const struct weir_stream *stream = judging->make->config->stream;
    schema_put(out, "no %s ", judging->option->of);
    if (finding->kind == WEIR_LOGIC_NONE_UNDER)
        schema_put(out, "for which %s hold ",
                   finding->n_parts ? "the conditions" : "its condition");
    if (finding->field >= 0)
        schema_put(out, "with a value of %.60s ", stream->fields[finding->field].name);
    else if (finding->kind == WEIR_LOGIC_NO_VALUE && !judging->option->aggregates)
        schema_put(out, "for which it can be computed ");
    schema_put(out, "can keep it");
    if (finding->n_parts) {
        schema_put(out, " and ");
        put_parts(out, judging, finding);
    }
    if (finding->kind != WEIR_LOGIC_NONE_UNDER && !judging->option->aggregates)
        schema_put(out, ": none could be good");
}

static size_t find_places(const struct judging *judging, const struct weir_logic_finding *finding,
                          struct weir_complaint_place *places)
{
    size_t n = finding->n_parts < WEIR_LOGIC_PARTS ? finding->n_parts : WEIR_LOGIC_PARTS;
    for (size_t i = 0; i < n; i++) {
        const struct weir_logic_part *part = &finding->parts[i];
        places[i] = (struct weir_complaint_place){0};
        if (part->rule != WEIR_LOGIC_NO_RULE) {
            places[i].option = judging->option->key;
            places[i].item = part->rule;
            places[i].offset = judging->conditions->items[part->rule].holds_at;
        } else {
            places[i].option = pieces[part->piece].key;
            places[i].field = (size_t)part->field + 1;
        }
    }
    return n;
}

// What no record at all can meet is an error; what only some, or no window, can, a warning.
static int is_warning(const struct judging *judging, const struct weir_logic_finding *finding)
{
    int none = finding->kind == WEIR_LOGIC_NO_RECORD ||
               (finding->kind == WEIR_LOGIC_NO_VALUE && finding->field >= 0);
    return !none || judging->option->aggregates;
}

static void report(void *context, const struct weir_logic_finding *found)
{
    const struct judging *judging = context;
    struct weir_logic_finding shown = *found;
    const struct weir_logic_finding *finding = &shown;
    const struct schema_condition *rule = &judging->conditions->items[finding->rule];
    struct weir_complaint_place places[WEIR_LOGIC_PARTS];
    char message[320];
    struct schema_text out = {message, sizeof message, 0};
    int is_condition = finding->kind == WEIR_LOGIC_NEVER_HOLDS;
    leave_out_the_obvious(&shown);
    if (finding->kind == WEIR_LOGIC_NEVER_FAILS)
        put_fails(&out, judging, finding);
    else if (is_condition)
        put_holds(&out, judging, finding);
    else
        put_none(&out, judging, finding);
    struct weir_complaint complaint = {.size = sizeof complaint,
                                       .option = judging->option->key,
                                       .item = finding->rule,
                                       .offset = is_condition ? rule->when_at : rule->holds_at,
                                       .warning = is_warning(judging, finding),
                                       .message = message,
                                       .places = places,
                                       .n_places = find_places(judging, finding, places)};
    judging->make->faults += !complaint.warning;
    judging->make->setup->complain(judging->make->setup, &complaint);
}

// ----

int schema_contradictions(struct schema_make *make, const struct schema_conditions *conditions,
                          const struct schema_condition_option *option,
                          const struct schema_cross_rule *routes, struct weir_error *error)
{
    const struct schema *schema = make->schema;
    struct judging judging = {make, conditions, option, pcre2_match_data_create(1, NULL)};
    struct weir_logic_field *fields = calloc(schema->stream->n_fields + 1, sizeof *fields);
    struct weir_logic_rule *rules = calloc(conditions->n + 1, sizeof *rules);
    int code = fields && rules && judging.match ? 0 : WEIR_ENOMEM;
    for (size_t i = 0; i < schema->n_fields && !code; i++)
        read_field(schema, &schema->fields[i], &fields[schema->fields[i].index]);
    for (size_t i = 0; i < conditions->n && !code; i++)
        rules[i] = (struct weir_logic_rule){conditions->items[i].holds, conditions->items[i].when,
                                            routes ? schema->rules[routes[i].broken].flags : 0};
    struct weir_logic logic = {schema->stream, fields, rules, conditions->n, legal, &judging};
    if (!code)
        code = weir_logic_check(&logic, report, &judging);
    pcre2_match_data_free(judging.match);
    free(fields);
    free(rules);
    return code ? weir_error_set(error, WEIR_ENOMEM, "schema: no memory for its rules") : 0;
}
