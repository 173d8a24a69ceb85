// SPDX-License-Identifier: Apache-2.0
// The plug-in: its options, and what the configuration makes of them.
#include "detectors/operations/hosts.h"
#include "detectors/operations/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct weir_option options[] = {
    [OPERATIONS_OPTION_VERSIONS] = {"versions", WEIR_OPTION_STRINGS, NULL, 0, 0, NULL, NULL,
                                    "Model versions from oldest to newest; learnt from first "
                                    "sight unless said.",
                                    0},
    [OPERATIONS_OPTION_ROLLOUT] = {"rollout", WEIR_OPTION_DURATION, "1h", 1000, 366 * 86400e3, NULL,
                                   NULL, "How long two model versions may answer side by side.", 0},
    [OPERATIONS_OPTION_CANARY] = {"canary", WEIR_OPTION_SHARE, "0%", 0, 0.5, NULL, NULL,
                                  "A version with no more than this share of predictions may "
                                  "answer for as long as it likes.",
                                  0},
    [OPERATIONS_OPTION_INPUTS] = {"inputs", WEIR_OPTION_INTEGER, "512", 0, OPERATIONS_INPUTS, NULL,
                                  "inputs",
                                  "So many different inputs are remembered within a window, to "
                                  "see whether the same one is scored alike; 0: none.",
                                  0},
    [OPERATIONS_OPTION_TOLERANCE] = {"tolerance", WEIR_OPTION_NUMBER, "0.0001", 0, 1e6, NULL, NULL,
                                     "How far scores of the same input and model version may be "
                                     "apart.",
                                     0},
    [OPERATIONS_OPTION_HOST_RECORDS] = {"host_records", WEIR_OPTION_INTEGER, "100", 20, 1e9, NULL,
                                        "records",
                                        "A host with fewer scores in a window is not compared "
                                        "with its peers.",
                                        0},
    [OPERATIONS_OPTION_HOST_EFFECT] = {"host_effect", WEIR_OPTION_SHARE, "15%", 0.01, 1, NULL, NULL,
                                       "How unlike its peers' a host's scores must be: the share "
                                       "of them that would have to change.",
                                       0},
    [OPERATIONS_OPTION_LATENCY] = {"latency_at_most", WEIR_OPTION_NUMBER, NULL, 0, 1e15, NULL,
                                   "the field's unit",
                                   "What a latency may be; without it latencies are not judged.",
                                   0},
    [OPERATIONS_OPTION_LATENCY_SHARE] = {"latency_share", WEIR_OPTION_SHARE, "99%", 0.5, 0.99999,
                                         NULL, NULL, "The share of requests that must keep to it.",
                                         0},
    [OPERATIONS_OPTION_ERRORS_AT_MOST] = {"errors_at_most", WEIR_OPTION_SHARE, NULL, 1e-5, 0.5,
                                          NULL, NULL,
                                          "The share of requests that may fail; without it more "
                                          "than usual is too many.",
                                          0},
    [OPERATIONS_OPTION_ERRORS] = {"errors", WEIR_OPTION_STRINGS, NULL, 0, 0, NULL, NULL,
                                  "Values of a status that are failures, as 503, 5xx, 500-599 or "
                                  "words; unless said 5xx, words for errors and timeouts.",
                                  0},
    [OPERATIONS_OPTION_DEPENDENCIES] = {"dependencies", WEIR_OPTION_STRINGS, NULL, 0, 0, NULL, NULL,
                                        "Fields that tell of what the service depends on: its "
                                        "status, with the role status, or else its name.",
                                        0},
    [OPERATIONS_OPTION_BURN_RATE] = {"burn_rate", WEIR_OPTION_NUMBER, "14.4", 1.5, 1000, NULL,
                                     "times",
                                     "How many times too fast a budget of late or failed requests "
                                     "burns when it is critical.",
                                     0},
    [OPERATIONS_OPTION_BURN_LONG] = {"burn_long", WEIR_OPTION_DURATION, "1h", 60e3, 7 * 86400e3,
                                     NULL, NULL, "Over how long it must have burnt so.", 0},
    [OPERATIONS_OPTION_BURN_SHORT] = {"burn_short", WEIR_OPTION_DURATION, "5m", 10e3, 86400e3, NULL,
                                      NULL, "Over how short a time it must still burn so.", 0},
    [OPERATIONS_OPTION_FALSE_ALARMS] = {"false_alarms", WEIR_OPTION_NUMBER, NULL, 1e-6, 1000, NULL,
                                        "in 30 days",
                                        "False alarms to allow, of all parts that judge by "
                                        "statistics; unless said its part of the app's "
                                        "`false_alarms`, to which this is added where it is given.",
                                        WEIR_OPTION_OWN_ALARMS},
    [OPERATIONS_OPTIONS] = {.key = NULL}};

static int find_role(const struct weir_stream *stream, enum weir_role role)
{
    for (size_t i = 0; i < stream->n_fields; i++) {
        if (stream->fields[i].role == role && !stream->fields[i].is_list)
            return (int)i;
    }
    return -1;
}

static int declare_rules(struct operations *operations, const struct weir_setup *setup, size_t i,
                         struct weir_error *error)
{
    const struct weir_field *field = &operations->stream->fields[operations->scores[i]];
    char name[300];
    snprintf(name, sizeof name, "nan:%.250s", field->name);
    struct weir_rule rule = {name,          "operations.score_invalid",       operations->scores[i],
                             WEIR_CRITICAL, WEIR_ACTION_INVESTIGATE_UPSTREAM, 0};
    operations->nan_rule[i] = setup->rule(setup, &rule, error);
    operations->range_rule[i] = -1;
    if (operations->nan_rule[i] < 0)
        return operations->nan_rule[i];
    if (!field->has_range)
        return 0;
    snprintf(name, sizeof name, "range:%.250s", field->name);
    operations->range_rule[i] = setup->rule(setup, &rule, error);
    return operations->range_rule[i] < 0 ? operations->range_rule[i] : 0;
}

static int find_scores(struct operations *operations, const struct weir_setup *setup,
                       struct weir_error *error)
{
    const struct weir_stream *stream = operations->stream;
    int code = 0;
    for (size_t i = 0; i < stream->n_fields && !code; i++) {
        if (stream->fields[i].role != WEIR_ROLE_SCORE || stream->fields[i].is_list ||
            operations->n_scores == OPERATIONS_SCORES)
            continue;
        operations->scores[operations->n_scores] = (int)i;
        code = declare_rules(operations, setup, operations->n_scores++, error);
    }
    return code;
}

// What an outage detector sees as soon as this one would is left to it, so that there are not two
// incidents of one silence. It leaves what it would see later (detectors/outage/outage.c).
static void leave_to_peers(struct operations *operations, const struct weir_detector_config *config)
{
    for (size_t i = 0; i < config->n_peers; i++) {
        const struct weir_peer *peer = &config->peers[i];
        if (strcmp(peer->type, "outage") || !peer->window_hop ||
            peer->window_hop > config->window_hop)
            continue;
        operations->leave_stream = 1;
        for (size_t k = 0; k < peer->n_by && operations->source >= 0; k++)
            operations->leave_producers |=
                peer->n_by_fields[k] == 1 &&
                !strcmp(peer->by[k][0], config->stream->fields[operations->source].name);
    }
}

static int has_peer_for(const struct weir_detector_config *config, size_t by)
{
    for (size_t i = 0; i < config->n_peers; i++) {
        const struct weir_peer *peer = &config->peers[i];
        for (size_t k = 0; k < peer->n_by && !strcmp(peer->type, "outage"); k++) {
            size_t same = 0;
            for (size_t f = 0; f < config->n_by_fields[by]; f++) {
                const char *name = config->stream->fields[config->by[by][f]].name;
                for (size_t g = 0; g < peer->n_by_fields[k]; g++)
                    same += !strcmp(peer->by[k][g], name);
            }
            if (same == config->n_by_fields[by] && same == peer->n_by_fields[k])
                return 1;
        }
    }
    return 0;
}

// Slices that may fall silent. Hosts and model versions come and go, and producers are counted
// anyway; windows that overlap have no counts of their own.
static int find_slices(struct operations *operations, const struct weir_detector_config *config,
                       const struct weir_setup *setup, struct weir_error *error)
{
    int code = 0;
    for (size_t k = 0; k < config->n_by && !code; k++) {
        int follow = config->n_by_fields[k] > 0 && config->window_size == config->window_hop &&
                     operations->n_slices < OPERATIONS_SLICES && !has_peer_for(config, k);
        for (size_t f = 0; f < config->n_by_fields[k]; f++) {
            int field = config->by[k][f];
            follow &= field != operations->host && field != operations->version &&
                      !(config->n_by_fields[k] == 1 && field == operations->source);
        }
        if (!follow)
            continue;
        operations->slices[operations->n_slices] = (unsigned)k + 1;
        operations->slice_fields[operations->n_slices] = config->by[k];
        operations->n_slice_fields[operations->n_slices++] = config->n_by_fields[k];
        code = setup->need(setup, (unsigned)k + 1, config->by[k][0], 0, error);
    }
    return code;
}

static int is_input(const struct weir_stream *stream, size_t field)
{
    enum weir_role role = stream->fields[field].role;
    return (role == WEIR_ROLE_FEATURE || role == WEIR_ROLE_SLICE || role == WEIR_ROLE_ENTITY) &&
           (int)field != stream->key && (int)field != stream->time;
}

// What the model sees: the fields that `fields:` names, or all that may be its input.
static int find_inputs(struct operations *operations, const struct weir_detector_config *config)
{
    const struct weir_stream *stream = config->stream;
    operations->inputs = calloc(stream->n_fields + config->n_fields + 1, sizeof(int));
    if (!operations->inputs)
        return WEIR_ENOMEM;
    for (size_t i = 0; config->fields_given && i < config->n_fields; i++) {
        if (is_input(stream, (size_t)config->fields[i]))
            operations->inputs[operations->n_inputs++] = config->fields[i];
    }
    for (size_t i = 0; !config->fields_given && i < stream->n_fields; i++) {
        if (is_input(stream, i))
            operations->inputs[operations->n_inputs++] = (int)i;
    }
    return 0;
}

// Traffic, the same input, hosts, and latencies and errors each have an equal part of what may be
// false; those that there is nothing for have none.
static double alarms_of(const struct operations *operations,
                        const struct weir_detector_config *config)
{
    static const double MONTH = 30 * 86400e3, ALARMS = 0.3; // where a host has no budget
    const struct weir_option_value *values = config->options;
    const struct weir_option_value *own = &values[OPERATIONS_OPTION_FALSE_ALARMS];
    int hosts = 0, parts = 1;
    for (size_t k = 0; k < config->n_by && operations->host >= 0; k++)
        hosts |= config->n_by_fields[k] == 1 && config->by[k][0] == operations->host;
    int service = values[OPERATIONS_OPTION_DEPENDENCIES].set ||
                  find_role(config->stream, WEIR_ROLE_STATUS) >= 0 ||
                  (values[OPERATIONS_OPTION_LATENCY].set &&
                   find_role(config->stream, WEIR_ROLE_LATENCY) >= 0);
    parts += service + (hosts && operations->n_scores) +
             (operations->n_scores && operations->n_inputs &&
              values[OPERATIONS_OPTION_INPUTS].integer > 0);
    return (own->set ? own->number : weir_alarms_in(config, MONTH, ALARMS)) / parts;
}

static void destroy(void *instance)
{
    struct operations *operations = instance;
    if (!operations)
        return;
    free(operations->inputs);
    free(operations);
}

static int create(const struct weir_detector_config *config, const struct weir_setup *setup,
                  void **instance, struct weir_error *error)
{
    if (config->window_records || config->window_hop <= 0)
        return weir_error_set(error, WEIR_EINVAL,
                              "%s: what goes wrong in operations shows in time: give the window a "
                              "`size:` and not a number of records",
                              config->name);
    struct operations *operations = calloc(1, sizeof *operations);
    if (!operations)
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory for it", config->name);
    const struct weir_option_value *values = config->options;
    operations->name = config->name;
    operations->stream = config->stream;
    operations->version = find_role(config->stream, WEIR_ROLE_MODEL_VERSION);
    operations->host = find_role(config->stream, WEIR_ROLE_HOST);
    operations->source = find_role(config->stream, WEIR_ROLE_SOURCE);
    leave_to_peers(operations, config);
    if (values[OPERATIONS_OPTION_VERSIONS].set) {
        operations->versions = values[OPERATIONS_OPTION_VERSIONS].strings;
        operations->n_versions = values[OPERATIONS_OPTION_VERSIONS].n_strings;
    }
    operations->rollout = values[OPERATIONS_OPTION_ROLLOUT].integer;
    operations->canary = values[OPERATIONS_OPTION_CANARY].number;
    operations->step = config->window_hop;
    operations->host_records = (double)values[OPERATIONS_OPTION_HOST_RECORDS].integer;
    operations->host_effect = values[OPERATIONS_OPTION_HOST_EFFECT].number;
    operations->tolerance = values[OPERATIONS_OPTION_TOLERANCE].number;
    int code = find_scores(operations, setup, error);
    if (!code && find_inputs(operations, config))
        code = weir_error_set(error, WEIR_ENOMEM, "%s: no memory for it", config->name);
    operations->alarms = alarms_of(operations, config);
    if (!code)
        code = find_slices(operations, config, setup, error);
    if (!code)
        code = operations_service_create(operations, config, setup, error);
    if (!code)
        code = operations_hosts_need(operations, config, setup, error);
    if (code) {
        destroy(operations);
        return code;
    }
    operations->shape.n_scores = operations->n_scores;
    operations->shape.n_outcomes = operations->n_outcomes;
    operations->shape.n_upstreams = operations->n_upstreams;
    operations->shape.pairs = operations->version >= 0 && operations->host >= 0;
    if (operations->n_scores && operations->n_inputs)
        operations->shape.inputs = (uint32_t)values[OPERATIONS_OPTION_INPUTS].integer;
    *instance = operations;
    return 0;
}

// Words for scores that are no scores.
static int describe(void *instance, const struct weir_rule_count *count,
                    struct weir_finding *finding, char *text, size_t size)
{
    const struct operations *operations = instance;
    for (size_t i = 0; i < operations->n_scores; i++) {
        const struct weir_field *field = &operations->stream->fields[operations->scores[i]];
        unsigned long long n = count->count, rows = count->rows;
        if ((int)count->rule == operations->nan_rule[i])
            snprintf(text, size,
                     "%.100s is NaN or infinite in %llu of %llu predictions: nobody can decide on "
                     "them; look at the model's inputs and at its last release",
                     field->name, n, rows);
        else if ((int)count->rule == operations->range_rule[i])
            snprintf(text, size,
                     "%.100s lies outside %g to %g in %llu of %llu predictions: has the model's "
                     "last layer or a calibration step been lost?",
                     field->name, field->low, field->high, n, rows);
    }
    if (count->count * 100 < count->rows)
        finding->severity = WEIR_WARNING;
    return 0;
}

static const char *const kinds[] = {
    "operations.stale_model",    "operations.mixed_models", "operations.score_invalid",
    "operations.nondeterminism", "operations.host_outlier", "operations.silent",
    "operations.throughput",     "operations.latency",      "operations.errors",
    "operations.dependency",     "outage.silence",          NULL};
static const char *const certain_kinds[] = {"operations.stale_model", "operations.mixed_models",
                                            "operations.score_invalid", NULL};

WEIR_PLUGIN = {
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .size = sizeof(struct weir_plugin),
    .name = "operations",
    .version = WEIR_VERSION,
    .description =
        "Silent streams, partitions and producers, stale or mixed model versions, scores "
        "that are no scores or differ for the same input, hosts unlike their peers",
    .options = options,
    .kinds = kinds,
    .state_version = 2,
    .create = create,
    .destroy = destroy,
    .edge_create = operations_edge_create,
    .edge_destroy = operations_edge_destroy,
    .edge_observe = operations_edge_observe,
    .edge_close = operations_edge_close,
    .edge_save = operations_edge_save,
    .edge_restore = operations_edge_restore,
    .owner_create = operations_owner_create,
    .owner_destroy = operations_owner_destroy,
    .owner_window = operations_owner_window,
    .owner_save = operations_owner_save,
    .owner_restore = operations_owner_restore,
    .describe = describe,
    .alarm_weight = 0.05,
    .certain_kinds = certain_kinds,
};
