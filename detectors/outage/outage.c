// SPDX-License-Identifier: Apache-2.0
#include "detectors/outage/outage.h"

#include <stdlib.h>
#include <string.h>

static const struct weir_option options[] = {
    {"depth", WEIR_OPTION_SHARE, "20%", 0.01, 1, NULL, NULL,
     "The smallest share of the usual records whose loss matters.", 0},
    {"records", WEIR_OPTION_INTEGER, "10", 1, 1e12, NULL, "records",
     "The smallest number of lost records that matters.", 0},
    {"learn_delay", WEIR_OPTION_DURATION, "2h", 0, 604800e3, NULL, NULL,
     "How long a window waits before it is learnt from, so that an outage stays out of its own "
     "baseline.",
     0},
    {"adopt", WEIR_OPTION_DURATION, "24h", 3600e3, 2592000e3, NULL, NULL,
     "How long a lower level lasts until it is taken for the new normal.", 0},
    {"false_alarms", WEIR_OPTION_NUMBER, NULL, 1e-6, 1000, NULL, "in 30 days",
     "False alarms to allow, over all slices; unless said its part of the app's `false_alarms`, "
     "to which this is added where it is given.",
     WEIR_OPTION_OWN_ALARMS},
    {0}};

// Where a host has no budget: allowed in 30 days.
static const double ALARMS = 0.3, MONTH = 30 * 86400e3;

// What share of the usual is assumed to be left.
static const double left_shares[] = {0.02, 0.5, 0.8};

static const char *const kinds[] = {"outage.silence", "outage.collapse", "outage.partial",
                                    "operations.silent", NULL};

// A stream, or a producer, that is silent is seen by an operations detector, too. The one whose
// windows are shorter says so, this one where they are alike (detectors/operations/operations.c).
static void look_at_peers(struct outage *outage, const struct weir_detector_config *config)
{
    for (size_t i = 0; i < config->n_peers; i++) {
        const struct weir_peer *peer = &config->peers[i];
        if (strcmp(peer->type, "operations"))
            continue;
        outage->has_operations = 1;
        outage->leave_stream |= peer->window_hop && peer->window_hop < config->window_hop;
    }
    outage->leave_producers = outage->leave_stream;
    for (unsigned k = 0; k < config->n_by; k++) {
        if (config->n_by_fields[k] == 1 &&
            config->stream->fields[config->by[k][0]].role == WEIR_ROLE_SOURCE)
            outage->producers = k + 1;
    }
}

static int create(const struct weir_detector_config *config, const struct weir_setup *setup,
                  void **instance, struct weir_error *error)
{
    if (config->window_records || config->window_hop <= 0)
        return weir_error_set(error, WEIR_EINVAL,
                              "%s: an outage shows in time: give the window a `size:` and not a "
                              "number of records",
                              config->name);
    if (!config->stream->n_fields)
        return weir_error_set(error, WEIR_EINVAL, "%s: the stream has no fields", config->name);
    struct outage *outage = calloc(1, sizeof *outage);
    if (!outage)
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory for it", config->name);
    const struct weir_option_value *values = config->options;
    outage->name = config->name;
    outage->stream = config->stream;
    outage->by = config->by;
    outage->n_by_fields = config->n_by_fields;
    outage->n_by = config->n_by;
    outage->rules.shares = left_shares;
    outage->rules.n_shares = sizeof left_shares / sizeof *left_shares;
    outage->rules.step = config->window_hop;
    outage->rules.depth = values[OUTAGE_OPTION_DEPTH].number;
    outage->rules.records = (double)values[OUTAGE_OPTION_RECORDS].integer;
    outage->rules.learn_delay = values[OUTAGE_OPTION_LEARN_DELAY].integer;
    outage->rules.adopt = values[OUTAGE_OPTION_ADOPT].integer;
    outage->rules.alarms = values[OUTAGE_OPTION_FALSE_ALARMS].set
                               ? values[OUTAGE_OPTION_FALSE_ALARMS].number
                               : weir_alarms_in(config, MONTH, ALARMS);
    look_at_peers(outage, config);
    // Slices are counted where something is asked of them.
    int code = 0;
    for (unsigned by = 0; by <= config->n_by && !code; by++) {
        int field = by && config->n_by_fields[by - 1] ? config->by[by - 1][0] : 0;
        code = setup->need(setup, by, field, 0, error);
    }
    if (code) {
        free(outage);
        return code;
    }
    *instance = outage;
    return 0;
}

WEIR_PLUGIN = {
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .size = sizeof(struct weir_plugin),
    .name = "outage",
    .version = WEIR_VERSION,
    .description = "Streams and slices that fall silent or lose a part of their records",
    .options = options,
    .kinds = kinds,
    .state_version = 1,
    .create = create,
    .destroy = free,
    .owner_create = outage_owner_create,
    .owner_destroy = outage_owner_destroy,
    .owner_window = outage_owner_window,
    .owner_save = outage_owner_save,
    .owner_memory = outage_owner_memory,
    .owner_memory_slice = outage_owner_memory_slice,
    .owner_restore = outage_owner_restore,
    .alarm_weight = 0.3,
};
