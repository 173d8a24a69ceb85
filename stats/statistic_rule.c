// SPDX-License-Identifier: Apache-2.0
// How people write a statistic and from where on it is a change.
#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/statistic.h"

static const char *const charts[] = {NULL, "cusum", "ewma", "page_hinkley"};

// What may be said of a chart.
static const struct parameter {
    const char *name;
    enum weir_chart_kind chart; // NONE: of all
    size_t at;
    double least, most;
    int whole;
} parameters[] = {
    {"learn", WEIR_CHART_OF_NONE, offsetof(struct weir_chart_parameters, learn), 10, 5000, 1},
    {"slack", WEIR_CHART_OF_CUSUM, offsetof(struct weir_chart_parameters, slack), 1e-3, 10, 0},
    {"weight", WEIR_CHART_OF_EWMA, offsetof(struct weir_chart_parameters, weight), 1e-3, 1, 0},
    {"delta", WEIR_CHART_OF_PAGE_HINKLEY, offsetof(struct weir_chart_parameters, delta), 1e-6, 10,
     0},
    {"alpha", WEIR_CHART_OF_PAGE_HINKLEY, offsetof(struct weir_chart_parameters, alpha), 0.5, 1, 0},
    {"minimum", WEIR_CHART_OF_PAGE_HINKLEY, offsetof(struct weir_chart_parameters, minimum), 1, 1e6,
     1},
};
enum { PARAMETERS = sizeof parameters / sizeof *parameters };

const char *weir_chart_name(enum weir_chart_kind kind)
{
    return (unsigned)kind < WEIR_CHART_KINDS ? charts[kind] : NULL;
}

static const char *skip(const char *at)
{
    while (*at == ' ')
        at++;
    return at;
}

static const char *skip_name(const char *at)
{
    while (islower((unsigned char)*at) || isdigit((unsigned char)*at) || *at == '_')
        at++;
    return at;
}

static int is(const char *name, const char *end, const char *word)
{
    return strlen(word) == (size_t)(end - name) && !memcmp(name, word, (size_t)(end - name));
}

static int check_threshold(const char *text, const struct weir_statistic_rule *rule,
                           struct weir_error *error)
{
    const struct weir_statistic_info *info = weir_statistic_info(rule->statistic);
    if (rule->chart)
        return rule->threshold > 0
                   ? 0
                   : weir_error_set(error, WEIR_EINVAL,
                                    "'%s': a chart starts at 0: from some number above it on",
                                    text);
    if (rule->on_p && !info->has_p)
        return weir_error_set(error, WEIR_EINVAL, "'%s': %s has no p-value; write '%s > NUMBER'",
                              text, info->name, info->name);
    if (rule->on_p && !(rule->threshold > 0 && rule->threshold < 1))
        return weir_error_set(error, WEIR_EINVAL, "'%s': a p-value is between 0 and 1", text);
    if (!rule->on_p && info->direction == WEIR_CHANGE_P_ONLY)
        return weir_error_set(error, WEIR_EINVAL,
                              "'%s': what %s comes to depends on how many records there are; write "
                              "'%s p < NUMBER'",
                              text, info->name, info->name);
    if (!rule->on_p && info->direction == WEIR_CHANGE_RATIO && rule->threshold < 1)
        return weir_error_set(error, WEIR_EINVAL,
                              "'%s': %s is a ratio, looked at either way round: from 1 on", text,
                              info->name);
    return 0;
}

// Reads "[p] < x" or "> x" behind the name.
static int parse_threshold(const char *at, const char *text, struct weir_statistic_rule *rule,
                           struct weir_error *error)
{
    char *stop;
    rule->on_p = !rule->chart && at[0] == 'p' && (at[1] == ' ' || at[1] == '<');
    at = skip(at + rule->on_p);
    if (*at != (rule->on_p ? '<' : '>'))
        return weir_error_set(error, WEIR_EINVAL,
                              rule->chart
                                  ? "'%s': after the chart comes nothing, or '> NUMBER'"
                                  : "'%s': after the name comes nothing, '> NUMBER', or 'p < "
                                    "NUMBER'",
                              text);
    at = skip(at + 1);
    rule->threshold = strtod(at, &stop);
    if (stop == at || *skip(stop) || !isfinite(rule->threshold) || rule->threshold < 0)
        return weir_error_set(error, WEIR_EINVAL, "'%s': '%s' is not a number of at least 0", text,
                              at);
    rule->set = 1;
    return check_threshold(text, rule, error);
}

// ---- charts

static int bad_parameter(const char *text, const char *name, const char *end,
                         enum weir_chart_kind chart, struct weir_error *error)
{
    char known[80] = "";
    size_t used = 0;
    for (size_t i = 0; i < PARAMETERS; i++)
        if (!parameters[i].chart || parameters[i].chart == chart)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "",
                                     parameters[i].name);
    if (end == name)
        return weir_error_set(error, WEIR_EINVAL,
                              "'%s': %s takes one statistic and NAME=NUMBER of %s, as in "
                              "'%s(psi learn=100) > 5'",
                              text, charts[chart], known, charts[chart]);
    return weir_error_set(error, WEIR_EINVAL, "'%s': %s has no '%.*s'; it has %s", text,
                          charts[chart], (int)(end - name), name, known);
}

// One "name=number"; returns what is behind it, NULL with an error.
static const char *parse_parameter(const char *at, const char *text,
                                   struct weir_statistic_rule *rule, struct weir_error *error)
{
    const char *end = skip_name(at), *number = skip(end);
    const struct parameter *found = NULL;
    for (size_t i = 0; i < PARAMETERS; i++)
        if ((!parameters[i].chart || parameters[i].chart == rule->chart) &&
            is(at, end, parameters[i].name))
            found = &parameters[i];
    if (!found || *number != '=') {
        bad_parameter(text, at, found ? at : end, rule->chart, error);
        return NULL;
    }
    char *stop;
    number = skip(number + 1);
    double value = strtod(number, &stop);
    if (stop == number || !(value >= found->least && value <= found->most) ||
        (found->whole && value != floor(value))) {
        weir_error_set(error, WEIR_EINVAL, "'%s': %s is a %snumber from %g to %g", text,
                       found->name, found->whole ? "whole " : "", found->least, found->most);
        return NULL;
    }
    memcpy((char *)&rule->parameters + found->at, &value, sizeof value);
    return stop;
}

static enum weir_statistic_id parse_statistic(const char *name, const char *end, const char *text,
                                              struct weir_error *error)
{
    enum weir_statistic_id statistic = weir_statistic_find(name, (size_t)(end - name));
    if (statistic == WEIR_STATISTICS)
        weir_error_set(error, WEIR_EINVAL, "'%s': there is no statistic '%.*s'", text,
                       (int)(end - name), name);
    return statistic;
}

// What is in parentheses; returns what is behind them, NULL with an error.
static const char *parse_chart(const char *at, const char *text, struct weir_statistic_rule *rule,
                               struct weir_error *error)
{
    const char *name = skip(at), *end = skip_name(name);
    rule->statistic = parse_statistic(name, end, text, error);
    if (rule->statistic == WEIR_STATISTICS)
        return NULL;
    at = end + strspn(end, " ,");
    while (at && *at && *at != ')') {
        at = parse_parameter(at, text, rule, error);
        at = at ? at + strspn(at, " ,") : NULL;
    }
    if (at && !*at) {
        weir_error_set(error, WEIR_EINVAL, "'%s': its parenthesis is not closed", text);
        return NULL;
    }
    return at ? at + 1 : NULL;
}

int weir_statistic_rule_parse(const char *text, struct weir_statistic_rule *rule,
                              struct weir_error *error)
{
    const char *name = skip(text), *at = skip_name(name);
    struct weir_statistic_rule read = {0};
    for (int k = WEIR_CHART_OF_NONE + 1; k < WEIR_CHART_KINDS; k++)
        if (is(name, at, charts[k]))
            read.chart = (enum weir_chart_kind)k;
    if (read.chart) {
        if (*skip(at) != '(')
            return weir_error_set(error, WEIR_EINVAL,
                                  "'%s': %s charts a statistic: write '%s(psi) > NUMBER'", text,
                                  charts[read.chart], charts[read.chart]);
        at = parse_chart(skip(at) + 1, text, &read, error);
        if (!at)
            return WEIR_EINVAL;
    } else {
        read.statistic = parse_statistic(name, at, text, error);
        if (read.statistic == WEIR_STATISTICS)
            return WEIR_EINVAL;
    }
    at = skip(at);
    int code = *at ? parse_threshold(at, text, &read, error) : 0;
    if (!code)
        *rule = read;
    return code;
}

const char *weir_statistic_rule_name(const struct weir_statistic_rule *rule, char *out, size_t size)
{
    const char *statistic = weir_statistic_info(rule->statistic)->name;
    size_t used = 0;
    if (!rule->chart) {
        snprintf(out, size, "%s", statistic);
        return out;
    }
    used = (size_t)snprintf(out, size, "%s(%s", charts[rule->chart], statistic);
    for (size_t i = 0; i < PARAMETERS && used < size; i++) {
        double value;
        memcpy(&value, (const char *)&rule->parameters + parameters[i].at, sizeof value);
        if (value > 0)
            used += (size_t)snprintf(out + used, size - used, " %s=%g", parameters[i].name, value);
    }
    if (used < size)
        snprintf(out + used, size - used, ")");
    return out;
}
