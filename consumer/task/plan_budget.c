// SPDX-License-Identifier: Apache-2.0
// The app's budget of false alarms is spelled once; here is what a detector may spend of it.
#include "consumer/task/plan.h"

// Unless said: one in 30 days.
static const double AT_MOST = 1;
static const int64_t PER = 30 * 24 * (int64_t)3600000;

// Detectors that keep a budget say so by the references they take beyond profiles: they keep a
// memory of the stream. Each has an equal part.
static int keeps_budget(const struct weir_plugin *plugin)
{
    size_t needed = offsetof(struct weir_plugin, reference_kinds) + sizeof plugin->reference_kinds;
    return plugin && plugin->size >= needed && plugin->reference_kinds;
}

void weir_plan_set_budget(const struct weir_plan *plan, struct weir_plan_detector *detector)
{
    const struct weir_config *config = plan->config;
    size_t n = 0;
    for (size_t d = 0; d < config->n_detectors; d++)
        n += keeps_budget(config->detectors[d].plugin) != 0;
    double all = config->false_alarms.per ? config->false_alarms.at_most : AT_MOST;
    detector->config.alarms_at_most = all / (double)(n ? n : 1);
    detector->config.alarms_per = config->false_alarms.per ? config->false_alarms.per : PER;
}
