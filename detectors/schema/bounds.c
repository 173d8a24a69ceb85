// SPDX-License-Identifier: Apache-2.0
#include "detectors/schema/bounds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/record.h"
#include "detectors/schema/window.h"
#include "stats/aggregate.h"
#include "stats/hash.h"

enum {
    SHOWN = 160,   // bytes of a rule's text
    INPUTS = 3,    // numbers that a sentence tells
    REPORTED = 20, // findings of a rule on slices in a window
    EVIDENCE = 6   // of a finding
};
// Slices that may have lost more than this share of their rows to a cap are not judged.
static const double MAY_MISS = 0.02;

// ---- create()

static const struct schema_condition_option option = {SCHEMA_OPTION_WINDOW_RULES, "window_rules",
                                                      "window", weir_aggregates};

static size_t inputs_of(const struct weir_expression *expression,
                        const struct weir_expression_input **inputs)
{
    *inputs = NULL;
    return expression ? weir_expression_inputs(expression, inputs) : 0;
}

static int need(struct schema_make *make, size_t item, const struct weir_expression *expression,
                struct weir_error *error)
{
    const struct weir_detector_config *config = make->config;
    const struct weir_expression_input *inputs;
    size_t n = inputs_of(expression, &inputs);
    int code = 0;
    for (size_t i = 0; i < n && !code; i++) {
        unsigned parts = weir_aggregate_parts((enum weir_aggregate)inputs[i].aggregate);
        if (inputs[i].reference && !config->n_references)
            schema_complain(make, 0, -1, option.key, item, 0,
                            "reference() is of the detector's `reference:`, and it has none");
        for (unsigned by = 0;
             by <= config->n_by && !code && !inputs[i].reference && inputs[i].field >= 0; by++)
            code = make->setup->need(make->setup, by, inputs[i].field, parts, error);
    }
    return code;
}

int schema_bounds_create(struct schema_make *make, struct weir_error *error)
{
    struct schema_conditions *conditions = &make->schema->bounds.conditions;
    int code = schema_conditions_read(conditions, make, &option, error);
    for (size_t i = 0; i < conditions->n && !code && !make->faults; i++) {
        code = need(make, i, conditions->items[i].holds, error);
        if (!code)
            code = need(make, i, conditions->items[i].when, error);
    }
    if (!code && !make->faults)
        code = schema_contradictions(make, conditions, &option, NULL, error);
    return code;
}

void schema_bounds_destroy(struct schema_bounds *bounds)
{
    schema_conditions_free(&bounds->conditions);
}

// ---- the owner

int schema_bounds_start(const struct schema *schema, struct schema_bounds_judge *judge,
                        struct weir_error *error)
{
    const struct schema_conditions *conditions = &schema->bounds.conditions;
    const struct weir_expression_input *inputs;
    size_t most = 1;
    *judge = (struct schema_bounds_judge){0};
    for (size_t i = 0; i < 2 * conditions->n; i++) {
        const struct schema_condition *rule = &conditions->items[i / 2];
        size_t n = inputs_of(i % 2 ? rule->when : rule->holds, &inputs);
        most = n > most ? n : most;
    }
    judge->inputs = calloc(most, sizeof *judge->inputs);
    if (!judge->inputs)
        return weir_error_set(error, WEIR_ENOMEM, "schema: no memory for its rules");
    return schema_conditions_start(conditions, &judge->evaluator, error);
}

void schema_bounds_stop(struct schema_bounds_judge *judge)
{
    weir_evaluator_destroy(judge->evaluator);
    free(judge->inputs);
}

// ---- judging

struct judge {
    const struct schema *schema;
    const struct schema_bounds_judge *tools;
    const struct weir_window *window;
    const struct schema_condition *rule;
    size_t number, slice, reported;
    size_t n_slices; // that are judged
    int said;        // of the whole stream
};

// `reference` is set to the one that the number is of.
static const struct weir_summary *
summary_of(const struct judge *judge, const struct weir_expression_input *input, size_t *reference)
{
    const struct weir_window *window = judge->window;
    if (!input->reference)
        return window->summary(window, judge->slice, input->field);
    for (*reference = 0; *reference < judge->schema->n_references; ++*reference) {
        const struct weir_summary *found = window->reference(window, *reference, input->field);
        if (found)
            return found;
    }
    return NULL;
}

static double value_of(const struct judge *judge, const struct weir_expression_input *input)
{
    size_t reference;
    if (input->field < 0)
        return (double)judge->window->slices[judge->slice].rows;
    const struct weir_summary *summary = summary_of(judge, input, &reference);
    return summary ? weir_aggregate_value((enum weir_aggregate)input->aggregate, summary,
                                          input->parameter)
                   : NAN;
}

enum answer { HOLDS, BROKEN, UNKNOWN, UNDEFINED };

static enum answer ask(const struct judge *judge, size_t which,
                       const struct weir_expression *expression)
{
    struct weir_expression_result result;
    const struct weir_expression_input *inputs;
    size_t n = inputs_of(expression, &inputs);
    for (size_t i = 0; i < n; i++)
        judge->tools->inputs[i] = value_of(judge, &inputs[i]);
    if (weir_evaluator_run_numbers(judge->tools->evaluator, which, judge->tools->inputs, &result))
        return UNKNOWN;
    if (result.null && result.null[0])
        return result.faults ? UNDEFINED : UNKNOWN;
    return result.values.boolean[0] ? HOLDS : BROKEN;
}

// Whether the rule reads nothing but `rows`: then few of them are no reason not to look. Whether it
// holds or not by totals, which a slice, or part of a window, has less of.
static void look_at_inputs(const struct schema_condition *rule, int *only_rows, int *totals)
{
    const struct weir_expression_input *inputs;
    *only_rows = 1;
    *totals = 0;
    for (int k = 0; k < 2; k++) {
        size_t n = inputs_of(k ? rule->when : rule->holds, &inputs);
        for (size_t i = 0; i < n; i++) {
            enum weir_aggregate aggregate = (enum weir_aggregate)inputs[i].aggregate;
            *only_rows &= aggregate == WEIR_AGGREGATE_ROWS;
            *totals |= !k && !inputs[i].reference && weir_aggregate_is_total(aggregate);
        }
    }
}

// ---- saying

static void put_number(struct schema_text *out, const struct judge *judge,
                       const struct weir_expression_input *input, double value)
{
    enum weir_aggregate aggregate = (enum weir_aggregate)input->aggregate;
    size_t reference;
    char text[32];
    const struct weir_summary *summary =
        input->field < 0 ? NULL : summary_of(judge, input, &reference);
    if (isnan(value))
        schema_put(out, "not known");
    else if (judge->schema->redact && summary &&
             weir_aggregate_is_private(aggregate, summary, input->parameter))
        schema_put(out, "one record's, not shown");
    else if (weir_aggregate_is_rate(aggregate))
        schema_put(out, "%s", schema_share_text(value, text));
    else if (weir_aggregate_is_total(aggregate) && aggregate != WEIR_AGGREGATE_SUM)
        schema_put_count(out, (uint64_t)(value + 0.5));
    else
        schema_put(out, "%.6g", value);
}

static void put_input(struct schema_text *out, const struct judge *judge,
                      const struct weir_expression_input *input)
{
    const char *field = input->field < 0 ? "" : judge->schema->stream->fields[input->field].name;
    size_t reference = 0;
    char form[160];
    weir_aggregate_print((enum weir_aggregate)input->aggregate, field, input->parameter, form,
                         sizeof form);
    schema_put(out, "%s", form);
    if (input->reference && summary_of(judge, input, &reference))
        schema_put(out, " in %.60s", judge->schema->references[reference]);
    else if (input->reference)
        schema_put(out, " in the reference");
    schema_put(out, " is ");
    put_number(out, judge, input, value_of(judge, input));
}

static void put_sentence(struct schema_text *out, const struct judge *judge, enum answer answer)
{
    const struct weir_slice *slice = &judge->window->slices[judge->slice];
    const struct schema_condition *rule = judge->rule;
    const struct weir_expression_input *inputs;
    size_t n = inputs_of(rule->holds, &inputs);
    for (size_t i = 0; i < slice->n_values; i++)
        schema_put(out, "%s%.40s %.40s%s", i ? ", " : "In ", slice->values[i].field,
                   slice->values[i].value ? slice->values[i].value : "null",
                   i + 1 < slice->n_values ? "" : ": ");
    int rows_told = 0;
    for (size_t i = 0; i < n && i < INPUTS; i++) {
        schema_put(out, i ? ", " : "");
        put_input(out, judge, &inputs[i]);
        rows_told |= inputs[i].field < 0;
    }
    schema_put(out, n > INPUTS ? ", and more" : "");
    if (!rows_told) {
        schema_put(out, " over ");
        schema_put_count(out, slice->rows);
        schema_put(out, " records");
    }
    schema_put(out,
               answer == BROKEN ? ": that breaks the rule `%.*s%s%.*s`"
                                : ": the rule `%.*s%s%.*s` cannot be judged, it "
                                  "divides by zero or overflows. Say in it what should hold "
                                  "then",
               SHOWN, rule->holds_text, rule->when_text ? " when " : "", SHOWN,
               rule->when_text ? rule->when_text : "");
    if (answer == BROKEN && rule->n_fields)
        schema_put(out, ". Look at what fills %.80s", rule->fields[0]);
    else if (answer == BROKEN)
        schema_put(out, ". Look at its producers");
}

// The slices that break it like the whole.
static size_t find_slices(const struct judge *judge, struct weir_evidence *evidence)
{
    size_t n = 0;
    struct judge of = *judge;
    for (of.slice = 1; of.slice < judge->n_slices && n < EVIDENCE; of.slice++) {
        const struct weir_slice *slice = &judge->window->slices[of.slice];
        if (slice->rows < judge->schema->minimum ||
            (judge->rule->when && ask(&of, 2 * of.number + 1, of.rule->when) != HOLDS) ||
            ask(&of, 2 * of.number, of.rule->holds) != BROKEN)
            continue;
        evidence[n++] =
            (struct weir_evidence){.type = "slice",
                                   .field = judge->rule->n_fields ? judge->rule->fields[0] : NULL,
                                   .slice = slice->values,
                                   .n_slice = slice->n_values,
                                   .contribution = NAN};
    }
    return n;
}

static struct weir_statistic statistic_of(const struct judge *judge)
{
    const struct weir_expression_input *inputs;
    size_t n = inputs_of(judge->rule->holds, &inputs), reference;
    struct weir_statistic statistic = {NULL, NAN, NAN, NAN, NAN};
    for (size_t i = 0; i < n; i++) {
        const struct weir_summary *summary =
            inputs[i].field < 0 ? NULL : summary_of(judge, &inputs[i], &reference);
        enum weir_aggregate aggregate = (enum weir_aggregate)inputs[i].aggregate;
        if (judge->schema->redact && summary &&
            weir_aggregate_is_private(aggregate, summary, inputs[i].parameter))
            continue;
        double value = value_of(judge, &inputs[i]);
        if (!inputs[i].reference && !statistic.name) {
            statistic.name = weir_aggregates[aggregate].name;
            statistic.value = value;
        } else if (inputs[i].reference && isnan(statistic.baseline)) {
            statistic.baseline = value;
        }
    }
    return statistic;
}

static void say(const struct judge *judge, enum answer answer)
{
    const struct weir_slice *slice = &judge->window->slices[judge->slice];
    const struct schema_condition *rule = judge->rule;
    struct weir_evidence evidence[EVIDENCE];
    char text[900], name[SCHEMA_CONDITION_NAME + 40];
    struct schema_text out = {text, sizeof text, 0};
    *text = 0;
    put_sentence(&out, judge, answer);
    snprintf(name, sizeof name, "window:%.*s%s", SCHEMA_CONDITION_NAME, rule->name,
             answer == BROKEN ? "" : ":undefined");
    size_t n = answer == BROKEN && !judge->slice ? find_slices(judge, evidence) : 0;
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = name,
        .kind = "schema.bounds",
        .severity = answer == BROKEN ? WEIR_WARNING : WEIR_INFO,
        .action = answer == BROKEN ? WEIR_ACTION_INVESTIGATE_UPSTREAM : WEIR_ACTION_TUNE_WEIR,
        .fields = rule->fields,
        .n_fields = rule->n_fields,
        .slice = slice->values,
        .n_slice = slice->n_values,
        .share = NAN,
        .count = slice->rows,
        .statistic = statistic_of(judge),
        .summary = text,
        .evidence = evidence,
        .n_evidence = n,
    };
    judge->window->emit(judge->window, &finding);
}

static void judge_slice(struct judge *judge, int only_rows)
{
    const struct weir_slice *slice = &judge->window->slices[judge->slice];
    enum answer answer = HOLDS;
    if ((double)slice->rows_may_miss > MAY_MISS * (double)slice->rows ||
        (slice->rows < judge->schema->minimum && (judge->slice || !only_rows)))
        return;
    if (judge->rule->when)
        answer = ask(judge, 2 * judge->number + 1, judge->rule->when);
    if (answer == HOLDS)
        answer = ask(judge, 2 * judge->number, judge->rule->holds);
    else if (answer != UNDEFINED)
        return;
    if (answer == HOLDS || answer == UNKNOWN)
        return;
    // What the whole stream breaks is said once.
    if (judge->slice && (judge->said || judge->reported++ >= REPORTED))
        return;
    judge->said |= !judge->slice;
    say(judge, answer);
}

// The first window may have begun before the records did.
static int is_whole(const struct weir_window *window)
{
    return window->sequence > 0 && window->complete >= window->end;
}

void schema_bounds_window(const struct schema *schema, const struct schema_bounds_judge *tools,
                          const struct weir_window *window)
{
    const struct schema_conditions *conditions = &schema->bounds.conditions;
    for (size_t i = 0; i < conditions->n; i++) {
        struct judge judge = {.schema = schema,
                              .tools = tools,
                              .window = window,
                              .rule = &conditions->items[i],
                              .number = i};
        int only_rows, totals;
        look_at_inputs(judge.rule, &only_rows, &totals);
        judge.n_slices = totals ? 1 : window->n_slices;
        if (totals && !is_whole(window)) {
            window->undecided(window);
            continue;
        }
        for (; judge.slice < judge.n_slices; judge.slice++)
            judge_slice(&judge, only_rows);
    }
}
