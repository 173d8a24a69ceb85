// SPDX-License-Identifier: Apache-2.0
// The plug-in: its options, and what the configuration makes of them.
#include "detectors/skew/skew.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/skew/tally.h"
#include "detectors/skew/training.h"

static const struct weir_option options[] = {
    [SKEW_SUFFIX] = {"suffix", WEIR_OPTION_STRING, NULL, 0, 0, NULL, NULL,
                     "Records have both values side by side: what the offline pipeline computed "
                     "for field F stands in the field named F and this, as in `_offline`.",
                     WEIR_OPTION_RESETS_STATE},
    [SKEW_MISMATCH] = {"mismatch", WEIR_OPTION_SHARE, "1%", 0, 1, NULL, NULL,
                       "The share of pairs in which a field may differ.", 0},
    [SKEW_MINIMUM] = {"minimum", WEIR_OPTION_INTEGER, "100", 10, 1e9, NULL, "pairs",
                      "A field of which a window has fewer pairs is not judged.", 0},
    [SKEW_DELTA] = {"delta", WEIR_OPTION_NUMBER, "0.2", 0.01, 10, NULL,
                    "robust standard deviations",
                    "Against a profile: the smallest difference worth an alert, as a shift.", 0},
    [SKEW_CRITICAL] = {"critical", WEIR_OPTION_NUMBER, "0.5", 0.01, 10, NULL,
                       "robust standard deviations",
                       "The difference that is critical, and the least that is told before "
                       "serving was looked at for as long as `over`.",
                       0},
    [SKEW_OVER] = {"over", WEIR_OPTION_DURATION, "7d", 60000, 90 * 86400e3, NULL, "of event time",
                   "So long serving is added up (at least; at most twice as long) to be compared "
                   "with a profile: a whole number of what it repeats, days or weeks.",
                   WEIR_OPTION_RESETS_STATE},
    [SKEW_SEGMENT] = {"segment", WEIR_OPTION_SHARE, "1%", 0.0001, 1, NULL, NULL,
                      "The share of serving from which on records of a kind that the profile has "
                      "none of are told.",
                      0},
    [SKEW_OPTIONS] = {NULL, 0, NULL, 0, 0, NULL, NULL, NULL, 0}};

static int find_field(const struct weir_stream *stream, const char *name)
{
    for (size_t i = 0; i < stream->n_fields; i++) {
        if (!strcmp(stream->fields[i].name, name))
            return (int)i;
    }
    return -1;
}

static int add_pair(struct skew_instance *instance, const struct weir_stream *stream, int served,
                    int offline)
{
    char *name = strdup(stream->fields[served].name);
    if (!name)
        return WEIR_ENOMEM;
    instance->pairs[instance->n_pairs++] = (struct skew_pair){served, offline, name};
    return 0;
}

static int ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name), end = strlen(suffix);
    return length > end && !strcmp(name + length - end, suffix);
}

// Fields of one record: F and F_offline.
static int pair_beside(const struct weir_detector_config *config, struct skew_instance *instance,
                       struct weir_error *error)
{
    const char *suffix = config->options[SKEW_SUFFIX].string;
    const struct weir_stream *stream = config->stream;
    for (size_t i = 0; i < config->n_fields; i++) {
        char name[512];
        int served = config->fields[i];
        const struct weir_field *field = &stream->fields[served];
        if (!config->fields_given && ends_with(field->name, suffix))
            continue;
        snprintf(name, sizeof name, "%s%s", field->name, suffix);
        int offline = find_field(stream, name);
        if (offline < 0 && config->fields_given)
            return weir_error_set(error, WEIR_EINVAL,
                                  "stream %s has no field %s to compare %s with", stream->name,
                                  name, field->name);
        if (offline < 0 || field->is_list || stream->fields[offline].is_list)
            continue;
        if (add_pair(instance, stream, served, offline))
            return weir_error_set(error, WEIR_ENOMEM, "no memory for the fields");
    }
    if (!instance->n_pairs || instance->n_pairs > SKEW_FIELDS)
        return weir_error_set(error, WEIR_EINVAL,
                              "stream %s has %zu pairs of fields F and F%s; from 1 to %d can be "
                              "compared",
                              stream->name, instance->n_pairs, suffix, SKEW_FIELDS);
    return 0;
}

static void destroy(void *made)
{
    struct skew_instance *instance = made;
    if (!instance)
        return;
    for (size_t i = 0; i < instance->n_pairs; i++)
        free(instance->pairs[i].name);
    free(instance->pairs);
    skew_training_plan_free(instance->training);
    free(instance);
}

static int create(const struct weir_detector_config *config, const struct weir_setup *setup,
                  void **out, struct weir_error *error)
{
    const struct weir_option_value *values = config->options;
    int beside = values[SKEW_SUFFIX].set && *values[SKEW_SUFFIX].string;
    if (!beside && !config->n_references)
        return weir_error_set(error, WEIR_EINVAL,
                              "say what the served values are compared with: `suffix: _offline` "
                              "where records have both side by side, `reference:` for the profile "
                              "of the training data");
    struct skew_instance *instance = calloc(1, sizeof *instance);
    if (instance)
        instance->pairs = calloc(config->n_fields + 1, sizeof *instance->pairs);
    if (!instance || !instance->pairs) {
        free(instance);
        return weir_error_set(error, WEIR_ENOMEM, "no memory for the detector");
    }
    instance->mismatch = values[SKEW_MISMATCH].number;
    instance->minimum = (uint64_t)values[SKEW_MINIMUM].integer;
    instance->redact = config->redact;
    int code = beside ? pair_beside(config, instance, error) : 0;
    if (!code && config->n_references)
        code = skew_training_plan_make(config, setup, &instance->training, error);
    if (code) {
        destroy(instance);
        return code;
    }
    *out = instance;
    return 0;
}

static const char *const kinds[] = {"skew.row",         "skew.distribution",  "skew.noise",
                                    "skew.window_span", "skew.preprocessing", NULL};

WEIR_PLUGIN = {
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .size = sizeof(struct weir_plugin),
    .name = "skew",
    .version = "0.1.0",
    .description = "serving unlike training: by distribution against a profile, and row by row "
                   "against what the offline pipeline computed",
    .options = options,
    .kinds = kinds,
    .state_version = 2,
    .create = create,
    .destroy = destroy,
    .edge_create = skew_edge_create,
    .edge_destroy = skew_edge_destroy,
    .edge_observe = skew_edge_observe,
    .edge_close = skew_edge_close,
    .edge_save = skew_edge_save,
    .edge_restore = skew_edge_restore,
    .owner_create = skew_owner_create,
    .owner_destroy = skew_owner_destroy,
    .owner_window = skew_owner_window,
    .owner_save = skew_owner_save,
    .owner_restore = skew_owner_restore,
};
