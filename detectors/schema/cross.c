// SPDX-License-Identifier: Apache-2.0
#include "detectors/schema/cross.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/record.h"

enum { NAME = SCHEMA_CONDITION_NAME, SHOWN = 160, CRITICAL = 10 };

void schema_cross_destroy(struct schema_cross *cross)
{
    schema_conditions_free(&cross->conditions);
    free(cross->rules);
    *cross = (struct schema_cross){0};
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
static int declare_beside(struct schema_make *make, const char *name, const char *suffix,
                          unsigned flags, int *number, struct weir_error *error)
{
    char full[NAME + 40];
    snprintf(full, sizeof full, "rule:%.*s%s", NAME, name, suffix);
    struct weir_rule rule = rule_of(full, flags, WEIR_INFO);
    *number = make->setup->rule(make->setup, &rule, error);
    return *number < 0 ? *number : 0;
}

// The condition stands right before its rule: that is how the host knows them.
static int declare(struct schema_make *make, const struct schema_condition *condition,
                   struct schema_cross_rule *rule, struct weir_error *error)
{
    const char *name = condition->name;
    char full[NAME + 40];
    int code = 0;
    rule->condition = -1;
    if (condition->when)
        code = declare_beside(make, name, ":when", WEIR_RULE_CONDITION, &rule->condition, error);
    snprintf(full, sizeof full, "rule:%.*s", NAME, name);
    struct weir_rule main = rule_of(full, 0, WEIR_WARNING);
    if (!code)
        code = schema_declare(make, &main, (struct schema_rule){0}, &rule->broken, error);
    if (!code)
        code = declare_beside(make, name, ":undefined", 0, &rule->undefined, error);
    return code;
}

int schema_cross_create(struct schema_make *make, struct weir_error *error)
{
    static const struct schema_condition_option option = {SCHEMA_OPTION_RULES, "rules", "record",
                                                          NULL};
    struct schema_cross *cross = &make->schema->cross;
    int code = schema_conditions_read(&cross->conditions, make, &option, error);
    if (code || make->faults)
        return code;
    cross->rules = calloc(cross->conditions.n + 1, sizeof *cross->rules);
    if (!cross->rules)
        return weir_error_set(error, WEIR_ENOMEM, "schema: no memory for its rules");
    for (size_t i = 0; i < cross->conditions.n && !code; i++)
        code = declare(make, &cross->conditions.items[i], &cross->rules[i], error);
    return code ? code
                : schema_contradictions(make, &cross->conditions, &option, cross->rules, error);
}

// ---- at the edge

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
            pass->host->limit_rows(pass->host, "an expression took too many steps", &i, 1);
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

// Keeps in `held` the rows for which the condition holds; without one (`rule` is -1) all.
static int find_held(struct weir_evaluator *evaluator, size_t which, int rule,
                     const struct weir_batch *batch, struct pass *pass)
{
    struct weir_expression_result result;
    for (uint32_t i = 0; i < batch->n_rows; i++)
        pass->held[i] = (uint8_t)is_record(batch, i);
    if (rule < 0)
        return 0;
    int code = weir_evaluator_run(evaluator, which, batch, &result);
    if (code)
        return code;
    note_faults(pass, &result, batch->n_rows);
    for (uint32_t i = 0; i < batch->n_rows; i++)
        pass->held[i] &= result.values.boolean[i] && !(result.null && result.null[i]);
    flag(pass, rule, pass->held, batch->n_rows);
    return 0;
}

static int observe(struct weir_evaluator *evaluator, size_t number,
                   const struct schema_cross_rule *rule, const struct weir_batch *batch,
                   struct pass *pass)
{
    struct weir_expression_result result;
    pass->faults = 0;
    int code = find_held(evaluator, 2 * number + 1, rule->condition, batch, pass);
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
    for (size_t i = 0; i < cross->conditions.n && !code; i++)
        code = observe(evaluator, i, &cross->rules[i], batch, &pass);
    return code;
}

// ---- words

// A fault may be in any of them: those of the condition first, as they are written.
static void put_fields(struct schema_text *out, const struct schema_condition *rule)
{
    enum { NAMED = 4 };
    size_t n = rule->n_fields < NAMED ? rule->n_fields : NAMED;
    for (size_t i = 0; i < n; i++)
        schema_put(out, "%s%.60s",
                   i == 0                   ? ""
                   : i + 1 < rule->n_fields ? ", "
                                            : " or ",
                   rule->fields[i]);
    if (rule->n_fields > n)
        schema_put(out, " or the others");
    if (!n)
        schema_put(out, "its fields");
}

int schema_cross_say(const struct schema_cross *cross, const struct weir_rule_count *count,
                     double critical_share, struct weir_finding *finding, char *text, size_t size)
{
    struct schema_text out = {text, size, 0};
    size_t i = 0;
    while (i < cross->conditions.n && (unsigned)cross->rules[i].broken != count->rule &&
           (unsigned)cross->rules[i].undefined != count->rule)
        i++;
    if (i == cross->conditions.n)
        return 0;
    const struct schema_condition *rule = &cross->conditions.items[i];
    double share = count->rows ? (double)count->count / (double)count->rows : NAN;
    int broken = (unsigned)cross->rules[i].broken == count->rule;
    schema_put_records(&out, "All ", count->count, count->rows);
    if (broken && rule->when_text)
        schema_put(&out, "with `%.*s` ", SHOWN, rule->when_text);
    if (broken) {
        schema_put(&out, "%s the rule `%.*s`; look at what fills ",
                   count->count == 1 ? "breaks" : "break", SHOWN, rule->holds_text);
        put_fields(&out, rule);
    } else
        schema_put(&out,
                   "cannot be judged by the rule `%.*s%s%.*s`: it divides by zero or overflows "
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
