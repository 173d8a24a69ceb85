// SPDX-License-Identifier: Apache-2.0
#include "consumer/cli/budget.h"

#include <stdio.h>
#include <string.h>

#include "consumer/config/budget.h"

static const double DAY = 86400e3;

static double own_number(const struct weir_budget_part *part)
{
    return part->own->type == WEIR_OPTION_NUMBER || part->own->type == WEIR_OPTION_SHARE
               ? part->own_value->number
               : (double)part->own_value->integer;
}

static void print_own(const struct weir_config *config)
{
    for (size_t d = 0; d < config->n_detectors; d++) {
        struct weir_budget_part part = weir_budget_part(config, d);
        if (part.own)
            printf("  added to it: %s, which keeps to its own `%s: %.6g`%s%s%s\n",
                   config->detectors[d].name, part.own->key, own_number(&part),
                   part.own->unit ? " (" : "", part.own->unit ? part.own->unit : "",
                   part.own->unit ? ")" : "");
    }
}

void weir_budget_print(const struct weir_config *config)
{
    struct weir_rate budget = weir_budget(config);
    int width = 0, shared = 0, own = 0;
    for (size_t d = 0; d < config->n_detectors; d++) {
        struct weir_budget_part part = weir_budget_part(config, d);
        int length = part.share > 0 ? (int)strlen(config->detectors[d].name) : 0;
        width = length > width ? length : width;
        shared += part.share > 0;
        own += part.own != NULL;
    }
    if (!shared && !own)
        return;
    printf("false alarms: at most %.6g in %.6g days%s\n", budget.at_most, (double)budget.per / DAY,
           shared ? ", of which" : ", which no detector has a part of");
    for (size_t d = 0; d < config->n_detectors; d++) {
        struct weir_budget_part part = weir_budget_part(config, d);
        if (part.share > 0)
            printf("  %-*s %.3g (%.3g%%)\n", width, config->detectors[d].name, part.at_most,
                   100 * part.share);
    }
    print_own(config);
}

json_t *weir_budget_json(const struct weir_config *config)
{
    struct weir_rate budget = weir_budget(config);
    json_t *detectors = json_object(), *own = json_object();
    json_t *out = json_pack("{s:f, s:f, s:o, s:o}", "at_most", budget.at_most, "per_days",
                            (double)budget.per / DAY, "detectors", detectors, "own", own);
    for (size_t d = 0; d < config->n_detectors && out; d++) {
        struct weir_budget_part part = weir_budget_part(config, d);
        const char *name = config->detectors[d].name;
        if (part.share > 0)
            json_object_set_new(
                detectors, name,
                json_pack("{s:f, s:f}", "share", part.share, "at_most", part.at_most));
        if (part.own)
            json_object_set_new(own, name, json_pack("{s:f}", part.own->key, own_number(&part)));
    }
    return out;
}
