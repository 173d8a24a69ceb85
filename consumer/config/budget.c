// SPDX-License-Identifier: Apache-2.0
#include "consumer/config/budget.h"

#include <string.h>

// Unless said: one in 30 days.
static const double AT_MOST = 1;
static const int64_t PER = 30 * 24 * (int64_t)3600000;

struct weir_rate weir_budget(const struct weir_config *config)
{
    return config->false_alarms.per ? config->false_alarms : (struct weir_rate){AT_MOST, PER};
}

static double weight_of(const struct weir_plugin *plugin)
{
    size_t needed = offsetof(struct weir_plugin, alarm_weight) + sizeof plugin->alarm_weight;
    return plugin && plugin->size >= needed && plugin->alarm_weight > 0 ? plugin->alarm_weight : 0;
}

// The position of the option that is given and keeps a rate of its own; -1: there is none.
static int own_option(const struct weir_detector_entry *entry)
{
    const struct weir_option *table = entry->plugin ? entry->plugin->options : NULL;
    for (int i = 0; table && entry->options && table[i].key; i++) {
        if (table[i].flags & WEIR_OPTION_OWN_ALARMS && entry->options[i].set)
            return i;
    }
    return -1;
}

struct weir_budget_part weir_budget_part(const struct weir_config *config, size_t d)
{
    const struct weir_detector_entry *entry = &config->detectors[d];
    struct weir_budget_part part = {0};
    double weights = 0, own_weight = weight_of(entry->plugin);
    int own = own_option(entry);
    if (!(own_weight > 0))
        return part;
    if (own >= 0) {
        part.own = &entry->plugin->options[own];
        part.own_value = &entry->options[own];
        return part;
    }
    for (size_t k = 0; k < config->n_detectors; k++) {
        if (own_option(&config->detectors[k]) < 0)
            weights += weight_of(config->detectors[k].plugin);
    }
    part.share = own_weight / weights;
    part.at_most = weir_budget(config).at_most * part.share;
    return part;
}

int weir_budget_spends(const struct weir_plugin *plugin, const char *kind)
{
    size_t needed = offsetof(struct weir_plugin, certain_kinds) + sizeof plugin->certain_kinds;
    if (!(weight_of(plugin) > 0))
        return 0;
    const char *const *certain = plugin->size >= needed ? plugin->certain_kinds : NULL;
    for (; certain && *certain; certain++) {
        if (!strcmp(*certain, kind))
            return 0;
    }
    return 1;
}
