// SPDX-License-Identifier: Apache-2.0
// What the configuration says of latencies, statuses and dependencies.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "detectors/operations/service.h"

static const double MONTH = 30 * 86400e3, MOST_CHANCE = 1e-6, JUDGEMENTS = 100;

static struct operations_burn_rules rules_of(const struct operations *operations,
                                             const struct weir_option_value *values, double allowed)
{
    struct operations_burn_rules rules = {.allowed = allowed,
                                          .rate = values[OPERATIONS_OPTION_BURN_RATE].number};
    // Windows, fields and names together are as many judgements.
    rules.chance = operations->alarms * (double)operations->step / MONTH / JUDGEMENTS;
    rules.chance = fmin(rules.chance, MOST_CHANCE);
    operations_burn_windows(&rules, values[OPERATIONS_OPTION_BURN_LONG].integer,
                            values[OPERATIONS_OPTION_BURN_SHORT].integer, operations->step,
                            !isnan(allowed));
    return rules;
}

static int field_named(const struct weir_stream *stream, const char *name)
{
    for (size_t i = 0; i < stream->n_fields; i++) {
        if (!strcmp(stream->fields[i].name, name))
            return (int)i;
    }
    return -1;
}

__attribute__((format(printf, 5, 6))) static void complain(const struct weir_setup *setup,
                                                           int warning, const char *option,
                                                           size_t item, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (setup->size <= offsetof(struct weir_setup, complain) || !setup->complain)
        return;
    struct weir_complaint complaint = {.size = sizeof complaint,
                                       .option = option,
                                       .item = item,
                                       .warning = warning,
                                       .message = text};
    setup->complain(setup, &complaint);
}

static int add_outcome(struct operations *operations, const struct weir_option_value *values,
                       int field, int is_dependency)
{
    const struct weir_field *of = &operations->stream->fields[field];
    int is_latency = of->role == WEIR_ROLE_LATENCY;
    const struct weir_option_value *at_most = &values[OPERATIONS_OPTION_ERRORS_AT_MOST];
    const struct weir_option_value *errors = &values[OPERATIONS_OPTION_ERRORS];
    double allowed = is_latency     ? 1 - values[OPERATIONS_OPTION_LATENCY_SHARE].number
                     : at_most->set ? at_most->number
                                    : NAN;
    if (operations->n_outcomes == OPERATIONS_OUTCOMES)
        return 0;
    int *first = is_latency ? &operations->first_latency : &operations->first_status;
    if (*first < 0)
        *first = (int)operations->n_outcomes;
    operations->outcomes[operations->n_outcomes++] = (struct operations_objective){
        .field = field,
        .is_latency = is_latency,
        .is_dependency = is_dependency,
        .failures = {errors->set ? errors->strings : NULL, errors->set ? errors->n_strings : 0,
                     operations_failure_truth(of->name)},
        .rules = rules_of(operations, values, allowed)};
    return 1;
}

// Names of dependencies are fields of their own; statuses of them are told apart from the others.
static int find_dependencies(struct operations *operations, const struct weir_setup *setup,
                             const struct weir_option_value *values, int *statuses, size_t *n)
{
    const struct weir_option_value *names = &values[OPERATIONS_OPTION_DEPENDENCIES];
    int code = 0;
    for (size_t i = 0; names->set && i < names->n_strings; i++) {
        int field = field_named(operations->stream, names->strings[i]);
        if (field < 0 || operations->stream->fields[field].is_list) {
            complain(setup, setup->tentative, "dependencies", i,
                     "stream '%.80s' has no field '%.80s'", operations->stream->name,
                     names->strings[i]);
            code = setup->tentative ? code : WEIR_EINVAL;
        } else if (operations->stream->fields[field].role == WEIR_ROLE_STATUS) {
            if (*n < OPERATIONS_OUTCOMES)
                statuses[(*n)++] = field;
        } else if (operations->n_upstreams == OPERATIONS_UPSTREAMS) {
            complain(setup, 0, "dependencies", i, "at most %d fields with names",
                     OPERATIONS_UPSTREAMS);
            code = WEIR_EINVAL;
        } else {
            operations->upstreams[operations->n_upstreams++] = field;
        }
    }
    return code;
}

static int check_errors(const struct weir_setup *setup, const struct weir_option_value *values)
{
    const struct weir_option_value *errors = &values[OPERATIONS_OPTION_ERRORS];
    int code = 0;
    for (size_t i = 0; errors->set && i < errors->n_strings; i++) {
        if (operations_failure_valid(errors->strings[i]))
            continue;
        complain(setup, 0, "errors", i,
                 "'%.60s' is no value of a status: 503, 5xx, 500-599 or a word of up to 63 letters",
                 errors->strings[i]);
        code = WEIR_EINVAL;
    }
    return code;
}

static int is_among(int field, const int *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i] == field)
            return 1;
    }
    return 0;
}

int operations_service_create(struct operations *operations,
                              const struct weir_detector_config *config,
                              const struct weir_setup *setup, struct weir_error *error)
{
    const struct weir_stream *stream = operations->stream;
    const struct weir_option_value *values = config->options;
    int dependencies[OPERATIONS_OUTCOMES];
    size_t n = 0;
    int64_t lasting = values[OPERATIONS_OPTION_BURN_LONG].integer;
    int64_t brief = values[OPERATIONS_OPTION_BURN_SHORT].integer;
    operations->first_latency = operations->first_status = -1;
    operations->latency_at_most = values[OPERATIONS_OPTION_LATENCY].number;
    operations->upstream_rules = rules_of(operations, values, NAN);
    if (lasting < brief || lasting / brief > 100)
        return weir_error_set(error, WEIR_EINVAL,
                              "%s: burn_long must be one to a hundred times burn_short",
                              config->name);
    int bad_names = find_dependencies(operations, setup, values, dependencies, &n);
    if (check_errors(setup, values) || bad_names)
        return weir_error_set(error, WEIR_EINVAL, "%s: its options are wrong", config->name);
    for (size_t i = 0; i < stream->n_fields && values[OPERATIONS_OPTION_LATENCY].set; i++) {
        if (stream->fields[i].role == WEIR_ROLE_LATENCY && !stream->fields[i].is_list &&
            add_outcome(operations, values, (int)i, 0)) {
            int code = setup->need(setup, 0, (int)i, WEIR_PART_QUANTILES, error);
            if (code)
                return code;
        }
    }
    for (int is_dependency = 0; is_dependency < 2; is_dependency++) {
        for (size_t i = 0; i < stream->n_fields; i++) {
            if (stream->fields[i].role == WEIR_ROLE_STATUS && !stream->fields[i].is_list &&
                is_among((int)i, dependencies, n) == is_dependency)
                add_outcome(operations, values, (int)i, is_dependency);
        }
    }
    return 0;
}
