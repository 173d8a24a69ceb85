// SPDX-License-Identifier: Apache-2.0
// The plug-in: its options, and what the configuration makes of them.
#include "detectors/label_noise/label_noise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct weir_option options[] = {
    [NOISE_ITEM] = {"item", WEIR_OPTION_FIELD, NULL, 0, 0, NULL, NULL,
                    "The field that says which item a label is of; the stream's key unless said.",
                    WEIR_OPTION_RESETS_STATE},
    [NOISE_LABEL] = {"label", WEIR_OPTION_FIELD, NULL, 0, 0, NULL, NULL,
                     "The field with the label; the one with the role label unless said.",
                     WEIR_OPTION_RESETS_STATE},
    [NOISE_ANNOTATOR] = {"annotator", WEIR_OPTION_FIELD, NULL, 0, 0, NULL, NULL,
                         "The field that says who gave it; the one with the role annotator, or "
                         "source, unless said.",
                         WEIR_OPTION_RESETS_STATE},
    [NOISE_LABELS_PER_ITEM] = {"labels_per_item", WEIR_OPTION_INTEGER, "3", 2, NOISE_ITEM_LABELS,
                               NULL, "labels",
                               "An item is judged once it has so many labels of different "
                               "annotators.",
                               0},
    [NOISE_OPEN_FOR] = {"open_for", WEIR_OPTION_DURATION, "7d", 1000, 366 * 86400e3, NULL, NULL,
                        "How long after its first label an item takes more; with fewer labels it "
                        "is judged then.",
                        0},
    [NOISE_OPEN_ITEMS] = {"open_items", WEIR_OPTION_INTEGER, "100000", 100, 1e7, NULL, "items",
                          "So many items of one partition are kept open, about 100 bytes each; "
                          "the oldest make room.",
                          WEIR_OPTION_RESETS_STATE},
    [NOISE_MAX_ANNOTATORS] = {"max_annotators", WEIR_OPTION_INTEGER, "1000", 2, NOISE_ANNOTATORS,
                              NULL, NULL,
                              "So many annotators are told apart; labels of others are not "
                              "looked at.",
                              WEIR_OPTION_RESETS_STATE},
    [NOISE_MINIMUM] = {"minimum", WEIR_OPTION_INTEGER, "30", 5, 1e6, NULL, "labels",
                       "An annotator with fewer judged labels is not compared with the others.", 0},
    [NOISE_EFFECT] = {"effect", WEIR_OPTION_SHARE, "10%", 0.001, 1, NULL, NULL,
                      "How far below the others' an annotator's agreement must surely lie.", 0},
    [NOISE_P_VALUE] = {"p_value", WEIR_OPTION_NUMBER, NULL, 1e-12, 0.1, NULL, "chance a window",
                       "How unlikely such a low agreement must be for one of the others, all "
                       "annotators of a window taken together; unless said what its part of the "
                       "app's `false_alarms` leaves to a window, 0.0001 at most.",
                       WEIR_OPTION_OWN_ALARMS},
    [NOISE_CONFLICTS] = {"conflicts", WEIR_OPTION_SHARE, "1%", 0, 1, NULL, NULL,
                         "The share of labels that contradict an earlier one of the same "
                         "annotator on the same item, beyond which they are reported.",
                         0},
    [NOISE_KAPPA_DROP] = {"kappa_drop", WEIR_OPTION_NUMBER, "0.1", 0.01, 1, NULL, NULL,
                          "How far the overall agreement (kappa) must fall below its past.", 0},
    [NOISE_MEMORY] = {"memory", WEIR_OPTION_DURATION, "7d", 60e3, 366 * 86400e3, NULL, NULL,
                      "After so long the past counts half.", 0},
    [NOISE_GOLD] = {"gold", WEIR_OPTION_STRINGS, NULL, 0, 0, NULL, NULL,
                    "Annotators whose labels are taken as true: the others are judged by them.",
                    WEIR_OPTION_RESETS_STATE},
    [NOISE_OPTIONS] = {NULL, 0, NULL, 0, 0, NULL, NULL, NULL, 0}};

static int find_role(const struct weir_stream *stream, enum weir_role role)
{
    for (size_t i = 0; i < stream->n_fields; i++) {
        if (stream->fields[i].role == role)
            return (int)i;
    }
    return -1;
}

static int option_field(const struct weir_option_value *value)
{
    return value->set && value->integer >= 0 ? (int)value->integer : -1;
}

static int find_fields(const struct weir_detector_config *config, struct noise_instance *instance,
                       struct weir_error *error)
{
    const struct weir_option_value *values = config->options;
    const struct weir_stream *stream = config->stream;
    int item = option_field(&values[NOISE_ITEM]), label = option_field(&values[NOISE_LABEL]);
    int annotator = option_field(&values[NOISE_ANNOTATOR]);
    instance->item = item >= 0 ? item : stream->key;
    instance->label = label >= 0 ? label : find_role(stream, WEIR_ROLE_LABEL);
    if (annotator < 0)
        annotator = find_role(stream, WEIR_ROLE_ANNOTATOR);
    instance->annotator = annotator >= 0 ? annotator : find_role(stream, WEIR_ROLE_SOURCE);
    if (instance->label < 0)
        return weir_error_set(error, WEIR_EINVAL,
                              "label_noise: the stream %s has no field with the role label: "
                              "declare one, or name it with `label:`",
                              stream->name);
    if (instance->annotator < 0)
        return weir_error_set(error, WEIR_EINVAL,
                              "label_noise: the stream %s has no field with the role annotator or "
                              "source: declare one, or name it with `annotator:`",
                              stream->name);
    const int used[] = {instance->item, instance->label, instance->annotator};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++) {
        if (used[i] >= 0 && stream->fields[used[i]].is_list)
            return weir_error_set(error, WEIR_EINVAL,
                                  "label_noise: the field %s is a list; items, labels and "
                                  "annotators are single values",
                                  stream->fields[used[i]].name);
    }
    instance->annotator_field = strdup(stream->fields[instance->annotator].name);
    return instance->annotator_field ? 0
                                     : weir_error_set(error, WEIR_ENOMEM, "no memory for names");
}

static int copy_gold(const struct weir_option_value *value, struct noise_instance *instance)
{
    if (!value->set || !value->n_strings)
        return 0;
    instance->gold = calloc(value->n_strings, sizeof *instance->gold);
    if (!instance->gold)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < value->n_strings; i++) {
        if (!(instance->gold[i] = strdup(value->strings[i])))
            return WEIR_ENOMEM;
        instance->n_gold++;
    }
    return 0;
}

static void destroy(void *made)
{
    struct noise_instance *instance = made;
    if (!instance)
        return;
    for (size_t i = 0; i < instance->n_gold; i++)
        free(instance->gold[i]);
    free(instance->gold);
    free(instance->annotator_field);
    free(instance);
}

// What the app's budget leaves to each of three judgements of a window: annotators, contradictions,
// agreement.
static double p_value_of(const struct weir_detector_config *config, double hop)
{
    static const double MOST = 1e-4;
    const struct weir_option_value *own = &config->options[NOISE_P_VALUE];
    return own->set ? own->number : fmin(weir_alarms_in(config, hop, 3 * MOST) / 3, MOST);
}

static int create(const struct weir_detector_config *config, const struct weir_setup *setup,
                  void **out, struct weir_error *error)
{
    const struct weir_option_value *values = config->options;
    struct noise_instance *instance = calloc(1, sizeof *instance);
    (void)setup;
    if (!instance)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for the detector");
    instance->labels_per_item = (uint32_t)values[NOISE_LABELS_PER_ITEM].integer;
    instance->open_for = values[NOISE_OPEN_FOR].integer;
    instance->open_items = (uint32_t)values[NOISE_OPEN_ITEMS].integer;
    instance->max_annotators = (uint32_t)values[NOISE_MAX_ANNOTATORS].integer;
    instance->minimum = (double)values[NOISE_MINIMUM].integer;
    instance->effect = values[NOISE_EFFECT].number;
    instance->conflicts = values[NOISE_CONFLICTS].number;
    instance->kappa_drop = values[NOISE_KAPPA_DROP].number;
    instance->memory = values[NOISE_MEMORY].integer;
    // Windows that count records have no hop in time: each counts as an hour of the past.
    instance->hop = config->window_hop > 0 ? config->window_hop : 3600000;
    instance->p_value = p_value_of(config, (double)instance->hop);
    int code = find_fields(config, instance, error);
    if (!code && copy_gold(&values[NOISE_GOLD], instance))
        code = weir_error_set(error, WEIR_ENOMEM, "no memory for the gold annotators");
    if (code) {
        destroy(instance);
        return code;
    }
    *out = instance;
    return 0;
}

static const char *const kinds[] = {"label.annotator", "label.conflict", "label.noise", NULL};

WEIR_PLUGIN = {
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .size = sizeof(struct weir_plugin),
    .name = "label_noise",
    .version = "0.1.0",
    .description = "wrong, conflicting or careless labels: annotators far below their peers, "
                   "contradicting labels, falling agreement",
    .options = options,
    .kinds = kinds,
    .state_version = 1,
    .create = create,
    .destroy = destroy,
    .edge_create = noise_edge_create,
    .edge_destroy = noise_edge_destroy,
    .edge_observe = noise_edge_observe,
    .edge_close = noise_edge_close,
    .edge_save = noise_edge_save,
    .edge_restore = noise_edge_restore,
    .owner_create = noise_owner_create,
    .owner_destroy = noise_owner_destroy,
    .owner_window = noise_owner_window,
    .owner_save = noise_owner_save,
    .owner_restore = noise_owner_restore,
    .edge_memory = noise_edge_memory,
    .edge_memory_most = noise_edge_memory_most,
    .alarm_weight = 0.05,
};
