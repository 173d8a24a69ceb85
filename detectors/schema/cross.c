// SPDX-License-Identifier: Apache-2.0
#include "detectors/schema/cross.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/record.h"

enum { NAME = 200, SHOWN = 160, CRITICAL = 10 };

void schema_cross_destroy(struct schema_cross *cross)
{
    for (size_t i = 0; i < cross->n; i++) {
        struct schema_cross_rule *rule = &cross->rules[i];
        weir_expression_free(rule->holds);
        weir_expression_free(rule->when);
        free(rule->holds_text);
        free(rule->when_text);
        free(rule->fields);
    }
    free(cross->rules);
    *cross = (struct schema_cross){0};
}

// One text of the list.
struct reading {
    struct schema_make *make;
    struct weir_error *error;
    size_t item;
    const char *text;
};

static void complain(struct reading *reading, size_t offset, int warning, const char *message)
{
    schema_complain(reading->make, warning, -1, "rules", reading->item, offset, "%s", message);
}

static int out_of_memory(struct weir_error *error)
{
    return weir_error_set(error, WEIR_ENOMEM, "schema: no memory for its rules");
}

// Without the space around it.
static char *copy_part(const char *text, size_t from, size_t to)
{
    while (from < to && strchr(" \t\r\n", text[from]))
        from++;
    while (to > from && strchr(" \t\r\n", text[to - 1]))
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
                                          .tentative = reading->make->setup->tentative};
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
        complain(reading, from + strspn(reading->text + from, " \t\r\n"), 0, message);
    }
    *out = made;
    return 0;
}

// What needs no record to be known is not what was meant.
static void look_for_constants(struct reading *reading, const struct weir_rule_text *parts,
                               const struct schema_cross_rule *rule)
{
    static const char *const holds[] = {"it is always false: every record breaks it",
                                        "it is always true: no record can break it",
                                        "it is always null: no record can break it"};
    static const char *const when[] = {"its condition is always false: it looks at no record",
                                       "its condition is always true: leave it out",
                                       "its condition is always null: it looks at no record"};
    int known = rule->holds ? weir_expression_always(rule->holds) : -1;
    if (known >= 0)
        complain(reading, parts->body + strspn(reading->text + parts->body, " \t\r\n"), 1,
                 holds[known]);
    known = rule->when ? weir_expression_always(rule->when) : -1;
    if (known >= 0)
        complain(reading, parts->when + strspn(reading->text + parts->when, " \t\r\n"), 1,
                 when[known]);
}

static int add_fields(const struct weir_expression *expression, const struct weir_stream *stream,
                      struct schema_cross_rule *rule)
{
    const struct weir_expression_input *inputs;
    size_t n = weir_expression_inputs(expression, &inputs);
    const char **grown = realloc(rule->fields, (rule->n_fields + n + 1) * sizeof *grown);
    if (!grown)
        return WEIR_ENOMEM;
    rule->fields = grown;
    for (size_t i = 0; i < n; i++) {
        const char *name = stream->fields[inputs[i].field].name;
        size_t at = 0;
        while (at < rule->n_fields && rule->fields[at] != name)
            at++;
        if (at == rule->n_fields)
            rule->fields[rule->n_fields++] = name;
    }
    return 0;
}

static struct weir_rule rule_of(const char *full, unsigned flags, enum weir_severity severity)
{
    return (struct weir_rule){.name = full,
                              .kind = "schema.rule",
                              .field = -1,
                              .severity = severity,
                              .action = WEIR_ACTION_INVESTIGATE_UPSTREAM,
                              .flags = flags};
}

// One that belongs to a rule, and is neither quarantined nor silenced.
static int declare_beside(struct reading *reading, const char *name, const char *suffix,
                          unsigned flags, int *number)
{
    const struct weir_setup *setup = reading->make->setup;
    char full[NAME + 40];
    snprintf(full, sizeof full, "rule:%.*s%s", NAME, name, suffix);
    struct weir_rule rule = rule_of(full, flags, WEIR_INFO);
    *number = setup->rule(setup, &rule, reading->error);
    return *number < 0 ? *number : 0;
}

static int is_taken(const struct schema_cross *cross, char *const *names, const char *name)
{
    for (size_t i = 0; i < cross->n; i++) {
        if (!strncmp(names[i], name, NAME))
            return 1;
    }
    return 0;
}

// The condition stands right before its rule: that is how the host knows them.
static int declare_all(struct reading *reading, const char *name, struct schema_cross_rule *rule)
{
    char full[NAME + 40];
    int code = 0;
    rule->condition = -1;
    if (rule->when)
        code = declare_beside(reading, name, ":when", WEIR_RULE_CONDITION, &rule->condition);
    snprintf(full, sizeof full, "rule:%.*s", NAME, name);
    struct weir_rule main = rule_of(full, 0, WEIR_WARNING);
    if (!code)
        code = schema_declare(reading->make, &main, (struct schema_rule){0}, &rule->broken,
                              reading->error);
    if (!code)
        code = declare_beside(reading, name, ":undefined", 0, &rule->undefined);
    return code;
}

static int read_rule(struct reading *reading, const struct schema_cross *cross, char **names,
                     struct schema_cross_rule *rule)
{
    const char *text = reading->text;
    struct weir_rule_text parts;
    weir_rule_text_split(text, strlen(text), &parts);
    int code = compile(reading, parts.body, parts.body_end, &rule->holds);
    if (!code && parts.when < strlen(text))
        code = compile(reading, parts.when, strlen(text), &rule->when);
    else if (!code && parts.body_end < parts.when)
        complain(reading, parts.body_end, 0, "a condition is missing behind when");
    if (code)
        return code;
    rule->holds_text = copy_part(text, parts.body, parts.body_end);
    rule->when_text = rule->when ? copy_part(text, parts.when, strlen(text)) : NULL;
    // Without a name it goes by its text.
    names[cross->n] = parts.name_length
                          ? copy_part(text, parts.name, parts.name + parts.name_length)
                          : copy_part(text, 0, strlen(text));
    if (!rule->holds_text || (rule->when && !rule->when_text) || !names[cross->n])
        return out_of_memory(reading->error);
    if (is_taken(cross, names, names[cross->n]))
        complain(reading, parts.name, 0, "another rule has this name: `name: condition` gives one");
    if (reading->make->faults)
        return 0;
    look_for_constants(reading, &parts, rule);
    if (add_fields(rule->holds, reading->make->config->stream, rule) ||
        (rule->when && add_fields(rule->when, reading->make->config->stream, rule)))
        return out_of_memory(reading->error);
    return declare_all(reading, names[cross->n], rule);
}

int schema_cross_create(struct schema_make *make, struct weir_error *error)
{
    struct schema_cross *cross = &make->schema->cross;
    const struct weir_option_value *option = &make->config->options[SCHEMA_OPTION_RULES];
    size_t n = option->set ? option->n_strings : 0;
    struct reading reading = {.make = make, .error = error};
    char **names = calloc(n + 1, sizeof *names);
    int code = names ? 0 : out_of_memory(error);
    if (n && !code) {
        cross->rules = calloc(n, sizeof *cross->rules);
        code = cross->rules ? 0 : out_of_memory(error);
    }
    for (size_t i = 0; i < n && !code; i++) {
        reading.item = i;
        reading.text = option->strings[i];
        // It counts before it is whole, so that it is freed.
        code = read_rule(&reading, cross, names, &cross->rules[i]);
        cross->n++;
    }
    for (size_t i = 0; names && i < n; i++)
        free(names[i]);
    free(names);
    return code;
}

// ---- at the edge

int schema_cross_start(const struct schema_cross *cross, struct weir_evaluator **evaluator,
                       struct weir_error *error)
{
    const struct weir_expression **all = calloc(2 * cross->n + 1, sizeof *all);
    *evaluator = NULL;
    if (!all)
        return out_of_memory(error);
    for (size_t i = 0; i < cross->n; i++) {
        all[2 * i] = cross->rules[i].holds;
        // One that is never run stands for the condition that there is not.
        all[2 * i + 1] = cross->rules[i].when ? cross->rules[i].when : cross->rules[i].holds;
    }
    int code = cross->n ? weir_evaluator_create(all, 2 * cross->n, evaluator, error) : 0;
    free(all);
    return code;
}

static int is_record(const struct weir_batch *batch, uint32_t row)
{
    return !batch->fault ||
           (batch->fault[row] != WEIR_ROW_UNDECODABLE && batch->fault[row] != WEIR_ROW_TOMBSTONE);
}

// What is known of each row of a batch, for one rule.
struct pass {
    uint8_t held[WEIR_BATCH_ROWS];      // it is a record, and the rule's condition holds
    uint8_t undefined[WEIR_BATCH_ROWS]; // something could not be computed; only where `faults`
    uint64_t faults;
    const struct weir_edge *host;
    uint32_t *found;
};

static void note_faults(struct pass *pass, const struct weir_expression_result *result, uint32_t n)
{
    for (uint32_t i = 0; result->limited && i < n; i++) {
        if (result->null[i] & WEIR_EXPRESSION_LIMIT)
            pass->host->limit_rows(pass->host, "schema.expression", &i, 1);
    }
    if (!result->faults)
        return;
    if (!pass->faults)
        memset(pass->undefined, 0, n);
    pass->faults += result->faults;
    for (uint32_t i = 0; i < n; i++)
        pass->undefined[i] |= pass->held[i] && result->null[i] & WEIR_EXPRESSION_FAULT;
}

static void flag(const struct pass *pass, int rule, const uint8_t *rows, uint32_t n_rows)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < n_rows; i++) {
        pass->found[n] = i;
        n += rows[i];
    }
    if (n)
        pass->host->flag(pass->host, (unsigned)rule, pass->found, n);
}

// Keeps in `held` the rows for which the condition holds.
static int find_held(struct weir_evaluator *evaluator, size_t which,
                     const struct schema_cross_rule *rule, const struct weir_batch *batch,
                     struct pass *pass)
{
    struct weir_expression_result result;
    for (uint32_t i = 0; i < batch->n_rows; i++)
        pass->held[i] = (uint8_t)is_record(batch, i);
    if (!rule->when)
        return 0;
    int code = weir_evaluator_run(evaluator, which, batch, &result);
    if (code)
        return code;
    note_faults(pass, &result, batch->n_rows);
    for (uint32_t i = 0; i < batch->n_rows; i++)
        pass->held[i] &= result.values.boolean[i] && !(result.null && result.null[i]);
    flag(pass, rule->condition, pass->held, batch->n_rows);
    return 0;
}

static int observe(struct weir_evaluator *evaluator, size_t number,
                   const struct schema_cross_rule *rule, const struct weir_batch *batch,
                   struct pass *pass)
{
    struct weir_expression_result result;
    pass->faults = 0;
    int code = find_held(evaluator, 2 * number + 1, rule, batch, pass);
    if (!code)
        code = weir_evaluator_run(evaluator, 2 * number, batch, &result);
    if (code)
        return code;
    note_faults(pass, &result, batch->n_rows);
    for (uint32_t i = 0; i < batch->n_rows; i++)
        pass->held[i] &= !result.values.boolean[i] && !(result.null && result.null[i]);
    flag(pass, rule->broken, pass->held, batch->n_rows);
    if (pass->faults)
        flag(pass, rule->undefined, pass->undefined, batch->n_rows);
    return 0;
}

int schema_cross_observe(const struct schema_cross *cross, struct weir_evaluator *evaluator,
                         const struct weir_batch *batch, const struct weir_edge *host,
                         uint32_t *found)
{
    struct pass pass;
    int code = 0;
    pass.host = host;
    pass.found = found;
    for (size_t i = 0; i < cross->n && !code; i++)
        code = observe(evaluator, i, &cross->rules[i], batch, &pass);
    return code;
}

// ---- words

int schema_cross_say(const struct schema_cross *cross, const struct weir_rule_count *count,
                     double critical_share, struct weir_finding *finding, char *text, size_t size)
{
    const struct schema_cross_rule *rule = NULL;
    struct schema_text out = {text, size, 0};
    for (size_t i = 0; i < cross->n && !rule; i++) {
        const struct schema_cross_rule *at = &cross->rules[i];
        if ((unsigned)at->broken == count->rule || (unsigned)at->undefined == count->rule)
            rule = at;
    }
    if (!rule)
        return 0;
    double share = count->rows ? (double)count->count / (double)count->rows : NAN;
    int broken = (unsigned)rule->broken == count->rule;
    int all = count->count == count->rows && count->rows > 1;
    schema_put(&out, all ? "All " : "");
    schema_put_count(&out, count->count);
    if (!all) {
        schema_put(&out, " of ");
        schema_put_count(&out, count->rows);
    }
    schema_put(&out, " records");
    if (broken && rule->when_text)
        schema_put(&out, " with `%.*s`", SHOWN, rule->when_text);
    if (broken)
        schema_put(&out, " break the rule `%.*s`", SHOWN, rule->holds_text);
    else
        schema_put(&out,
                   " cannot be judged by the rule `%.*s%s%.*s`: it divides by zero or overflows "
                   "there. Say in it what should hold then",
                   SHOWN, rule->holds_text, rule->when_text ? " when " : "", SHOWN,
                   rule->when_text ? rule->when_text : "");
    finding->summary = text;
    finding->fields = rule->fields;
    finding->n_fields = rule->n_fields;
    finding->count = count->count;
    finding->share = share;
    finding->severity = !broken                                               ? WEIR_INFO
                        : count->count >= CRITICAL && share >= critical_share ? WEIR_CRITICAL
                                                                              : WEIR_WARNING;
    finding->action = broken ? WEIR_ACTION_INVESTIGATE_UPSTREAM : WEIR_ACTION_TUNE_WEIR;
    finding->statistic = (struct weir_statistic){"share", share, NAN, NAN, NAN};
    return 1;
}
