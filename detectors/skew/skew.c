// SPDX-License-Identifier: Apache-2.0
// The plug-in: its options, and what the configuration makes of them.
#include "detectors/skew/skew.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "detectors/skew/slices.h"

static const struct weir_option options[] = {
    [SKEW_WITH] = {"with", WEIR_OPTION_STREAM, NULL, 0, 0, NULL, NULL,
                   "The stream with what the offline pipeline computed, which joins this one "
                   "(`join: {to: ..., within: ...}`): records of equal key and event time are "
                   "compared, field by field of the same name.",
                   WEIR_OPTION_RESETS_STATE},
    [SKEW_SUFFIX] = {"suffix", WEIR_OPTION_STRING, NULL, 0, 0, NULL, NULL,
                     "The offline side of field F is called F and this, as in `_offline`. Without "
                     "`with` it stands in the same record.",
                     WEIR_OPTION_RESETS_STATE},
    [SKEW_MISMATCH] = {"mismatch", WEIR_OPTION_SHARE, "1%", 0, 1, NULL, NULL,
                       "The share of pairs in which a field may differ.", 0},
    [SKEW_UNPAIRED] = {"unpaired", WEIR_OPTION_SHARE, "5%", 0, 1, NULL, NULL,
                       "The share of records, of either side, that may have no partner.", 0},
    [SKEW_MINIMUM] = {"minimum", WEIR_OPTION_INTEGER, "100", 10, 1e9, NULL, "pairs",
                      "A field of which a window has fewer pairs is not judged.", 0},
    [SKEW_TOLERANCE] = {"tolerance", WEIR_OPTION_STRINGS, NULL, 0, 0, NULL, NULL,
                        "How far numbers may be apart and still be equal: `1e-6` for all fields, "
                        "`amount: 0.01` or, of the larger one, `score: 1%` for one.",
                        WEIR_OPTION_RESETS_STATE},
    [SKEW_APART] = {"apart", WEIR_OPTION_DURATION, "0s", 0, 366 * 86400e3, NULL, NULL,
                    "How far the event times of a pair may be from each other; alerts come so much "
                    "later.",
                    WEIR_OPTION_RESETS_STATE},
    [SKEW_OPEN_ROWS] =
        {"open_rows", WEIR_OPTION_INTEGER, "200000", 1000, 1e8, NULL, "records",
         "So many records of a partition are kept until their time has come on "
         "both sides, 100 bytes and 16 a field each; beyond, only a part of the keys "
         "is looked at.",
         WEIR_OPTION_RESETS_STATE},
    [SKEW_ENTITIES] = {"entities", WEIR_OPTION_INTEGER, "1000", 0, 1e6, NULL, "entities",
                       "Of so many entities (by the role, else keys) of a partition the last 48 "
                       "offline values are kept, to know what is stale by how much; 0: none.",
                       WEIR_OPTION_RESETS_STATE},
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

static void destroy(void *made)
{
    struct skew_instance *instance = made;
    if (!instance)
        return;
    for (size_t i = 0; i < instance->n_pairs; i++) {
        free(instance->pairs[i].name);
        free(instance->pairs[i].unit);
    }
    free(instance->pairs);
    for (size_t by = 0; by < instance->n_by; by++)
        for (size_t i = 0; i < instance->n_by_fields[by]; i++)
            free(instance->by_names[by][i]);
    free(instance->served_name);
    free(instance->offline_name);
    skew_training_plan_free(instance->training);
    free(instance);
}

// Of each window, and of each of the ways in which chance may look like skew, an equal part of what
// the app's budget leaves to this detector. Windows of one stretch are alike, so that what is spent
// is less.
static double chance_of(const struct weir_detector_config *config, int by_rows)
{
    static const double HOUR = 3600e3, MONTH = 30 * 24 * 3600e3, MOST = 0.05;
    int joins = config->follower != NULL, profile = config->n_references > 0;
    double ways =
        by_rows * (1 + joins + (config->n_by > 0)) + profile * (SKEW_WAYS + (config->n_by > 0));
    double step = config->window_hop > 0 ? (double)config->window_hop : HOUR, rate = 1 / MONTH;
    if (config->size > offsetof(struct weir_detector_config, alarms_per) && config->alarms_per > 0)
        rate = config->alarms_at_most / (double)config->alarms_per;
    return fmin(rate * step, MOST) / fmax(ways, 1);
}

static int create(const struct weir_detector_config *config, const struct weir_setup *setup,
                  void **out, struct weir_error *error)
{
    const struct weir_option_value *values = config->options;
    int beside = values[SKEW_SUFFIX].set && *values[SKEW_SUFFIX].string;
    if (!beside && !config->follower && !config->n_references)
        return weir_error_set(error, WEIR_EINVAL,
                              "say what the served values are compared with: `with: STREAM`, "
                              "`suffix: _offline` where records have both side by side, or "
                              "`reference:` for the profile of the training data");
    struct skew_instance *instance = calloc(1, sizeof *instance);
    if (!instance)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for the detector");
    instance->mismatch = values[SKEW_MISMATCH].number;
    instance->unpaired = values[SKEW_UNPAIRED].number;
    instance->minimum = (uint64_t)values[SKEW_MINIMUM].integer;
    instance->apart = values[SKEW_APART].integer;
    instance->open_rows = (uint32_t)values[SKEW_OPEN_ROWS].integer;
    instance->entities = (uint32_t)values[SKEW_ENTITIES].integer;
    instance->chance = chance_of(config, beside || config->follower);
    instance->redact = config->redact;
    int code = 0;
    if (beside || config->follower)
        code = skew_find_fields(config, setup, instance, error);
    if (!code && config->n_references)
        code = skew_training_plan_make(config, setup, instance->chance, &instance->training, error);
    if (code) {
        destroy(instance);
        return code;
    }
    if (instance->joins)
        setup->hold_open(setup, instance->apart);
    *out = instance;
    return 0;
}

static const char *const kinds[] = {"skew.row",         "skew.distribution",  "skew.noise",
                                    "skew.window_span", "skew.preprocessing", NULL};

static size_t owner_memory_slice(const void *made)
{
    const struct skew_instance *instance = made;
    return instance->training && instance->training->n_by
               ? skew_slices_memory_each(instance->training)
               : 0;
}

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
    .state_version = 4,
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
    .edge_memory = skew_edge_memory,
    .edge_memory_most = skew_edge_memory_most,
    .owner_memory = skew_owner_memory,
    .owner_memory_slice = owner_memory_slice,
    .alarm_weight = 0.05,
};
