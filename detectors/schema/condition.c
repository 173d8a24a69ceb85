// SPDX-License-Identifier: Apache-2.0
#include "detectors/schema/condition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/schema.h"

static const char SPACE[] = " \t\r\n";

void schema_conditions_free(struct schema_conditions *conditions)
{
    for (size_t i = 0; i < conditions->n; i++) {
        struct schema_condition *condition = &conditions->items[i];
        weir_expression_free(condition->holds);
        weir_expression_free(condition->when);
        free(condition->name);
        free(condition->holds_text);
        free(condition->when_text);
        free(condition->fields);
    }
    free(conditions->items);
    *conditions = (struct schema_conditions){0};
}

// One text of the list.
struct reading {
    const struct schema_condition_option *option;
    struct schema_make *make;
    struct weir_error *error;
    size_t item;
    const char *text;
};

static void complain(struct reading *reading, size_t offset, int warning, const char *message)
{
    schema_complain(reading->make, warning, -1, reading->option->key, reading->item, offset, "%s",
                    message);
}

static int out_of_memory(struct weir_error *error)
{
    return weir_error_set(error, WEIR_ENOMEM, "schema: no memory for its rules");
}

static size_t skip_space(const char *text, size_t at)
{
    return at + strspn(text + at, SPACE);
}

// Without the space around it.
static char *copy_part(const char *text, size_t from, size_t to)
{
    while (from < to && strchr(SPACE, text[from]))
        from++;
    while (to > from && strchr(SPACE, text[to - 1]))
        to--;
    char *copy = strndup(text + from, to - from);
    for (char *c = copy; c && *c; c++)
        *c = (unsigned char)*c < 32 ? ' ' : *c;
    return copy;
}

// A condition of the text from `from` to before `to`. Without one on a fault.
static int compile(struct reading *reading, size_t from, size_t to, struct weir_expression **out)
{
    struct weir_expression_scope scope = {.stream = reading->make->config->stream,
                                          .tentative = reading->make->setup->tentative,
                                          .aggregates = reading->option->aggregates};
    struct weir_expression_fault fault;
    struct weir_expression *made = NULL;
    int code = weir_expression_compile(reading->text + from, to - from, &scope, &made, &fault);
    if (code == WEIR_ENOMEM)
        return out_of_memory(reading->error);
    if (code) {
        complain(reading, from + fault.offset, 0, fault.message);
        return 0;
    }
    enum weir_expression_type type = weir_expression_type(made);
    if (type != WEIR_EXPRESSION_BOOLEAN && type != WEIR_EXPRESSION_NULL) {
        char message[120];
        snprintf(message, sizeof message, "a rule is a condition, and this is %s",
                 weir_expression_type_name(type));
        complain(reading, skip_space(reading->text, from), 0, message);
    }
    *out = made;
    return 0;
}

// What needs no record to be known is not what was meant.
static void look_for_constants(struct reading *reading, const struct weir_rule_text *parts,
                               const struct schema_condition *rule)
{
    static const char *const holds[] = {"it is always false: every %s breaks it",
                                        "it is always true: no %s can break it",
                                        "it is always null: no %s can break it"};
    static const char *const when[] = {"its condition is always false: it looks at no %s",
                                       "its condition is always true: leave it out",
                                       "its condition is always null: it looks at no %s"};
    char message[120];
    int known = rule->holds ? weir_expression_always(rule->holds) : -1;
    if (known >= 0) {
        snprintf(message, sizeof message, holds[known], reading->option->of);
        // A record is bad that breaks it, a window is not.
        int none_good = !known && parts->body_end == parts->when && !reading->option->aggregates;
        complain(reading, skip_space(reading->text, parts->body), !none_good, message);
    }
    known = rule->when ? weir_expression_always(rule->when) : -1;
    if (known >= 0) {
        snprintf(message, sizeof message, when[known], reading->option->of);
        complain(reading, skip_space(reading->text, parts->when), 1, message);
    }
}

static int add_fields(const struct weir_expression *expression, const struct weir_stream *stream,
                      struct schema_condition *rule)
{
    const struct weir_expression_input *inputs;
    size_t n = weir_expression_inputs(expression, &inputs);
    const char **grown = realloc(rule->fields, (rule->n_fields + n + 1) * sizeof *grown);
    if (!grown)
        return WEIR_ENOMEM;
    rule->fields = grown;
    for (size_t i = 0; i < n; i++) {
        const char *name = inputs[i].field < 0 ? NULL : stream->fields[inputs[i].field].name;
        size_t at = 0;
        while (name && at < rule->n_fields && rule->fields[at] != name)
            at++;
        if (name && at == rule->n_fields)
            rule->fields[rule->n_fields++] = name;
    }
    return 0;
}

static int is_taken(const struct schema_conditions *conditions, const char *name)
{
    for (size_t i = 0; i < conditions->n; i++) {
        const char *other = conditions->items[i].name;
        if (other && !strncmp(other, name, SCHEMA_CONDITION_NAME))
            return 1;
    }
    return 0;
}

static int read_texts(struct reading *reading, const struct weir_rule_text *parts,
                      struct schema_condition *rule)
{
    const char *text = reading->text;
    rule->holds_at = skip_space(text, parts->body);
    rule->when_at = skip_space(text, parts->when);
    rule->holds_text = copy_part(text, parts->body, parts->body_end);
    rule->when_text = rule->when ? copy_part(text, parts->when, strlen(text)) : NULL;
    // Without a name it goes by its text.
    rule->name = parts->name_length ? copy_part(text, parts->name, parts->name + parts->name_length)
                                    : copy_part(text, 0, strlen(text));
    if (!rule->holds_text || (rule->when && !rule->when_text) || !rule->name)
        return out_of_memory(reading->error);
    return 0;
}

// `before`: those that were read so far.
static int read_one(struct reading *reading, const struct schema_conditions *before,
                    struct schema_condition *rule)
{
    const char *text = reading->text;
    const struct weir_stream *stream = reading->make->config->stream;
    struct weir_rule_text parts;
    weir_rule_text_split(text, strlen(text), &parts);
    int code = compile(reading, parts.body, parts.body_end, &rule->holds);
    if (!code && parts.when < strlen(text))
        code = compile(reading, parts.when, strlen(text), &rule->when);
    else if (!code && parts.body_end < parts.when)
        complain(reading, parts.body_end, 0, "a condition is missing behind when");
    if (!code)
        code = read_texts(reading, &parts, rule);
    if (code)
        return code;
    if (is_taken(before, rule->name))
        complain(reading, parts.name, 0, "another rule has this name: `name: condition` gives one");
    look_for_constants(reading, &parts, rule);
    if ((rule->holds && add_fields(rule->holds, stream, rule)) ||
        (rule->when && add_fields(rule->when, stream, rule)))
        return out_of_memory(reading->error);
    return 0;
}

int schema_conditions_read(struct schema_conditions *conditions, struct schema_make *make,
                           const struct schema_condition_option *option, struct weir_error *error)
{
    const struct weir_option_value *value = &make->config->options[option->option];
    struct reading reading = {.option = option, .make = make, .error = error};
    size_t n = value->set ? value->n_strings : 0;
    conditions->items = n ? calloc(n, sizeof *conditions->items) : NULL;
    int code = n && !conditions->items ? out_of_memory(error) : 0;
    for (size_t i = 0; i < n && !code; i++) {
        reading.item = i;
        reading.text = value->strings[i];
        code = read_one(&reading, conditions, &conditions->items[i]);
        conditions->n++; // also one that is not whole, so that it is freed
    }
    return code;
}

int schema_conditions_start(const struct schema_conditions *conditions,
                            struct weir_evaluator **evaluator, struct weir_error *error)
{
    const struct weir_expression **all = calloc(2 * conditions->n + 1, sizeof *all);
    *evaluator = NULL;
    if (!all)
        return out_of_memory(error);
    for (size_t i = 0; i < conditions->n; i++) {
        const struct schema_condition *rule = &conditions->items[i];
        all[2 * i] = rule->holds;
        all[2 * i + 1] = rule->when ? rule->when : rule->holds;
    }
    int code = conditions->n ? weir_evaluator_create(all, 2 * conditions->n, evaluator, error) : 0;
    free(all);
    return code;
}
