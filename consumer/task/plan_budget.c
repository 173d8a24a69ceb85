// SPDX-License-Identifier: Apache-2.0
// The app's budget of false alarms is spelled once; here is what a detector may spend of it. Its
// part is its weight among all that are configured and keep a budget: rates add up, whatever each
// does to keep its own.
#include <math.h>
#include <string.h>

#include "consumer/http/metrics.h"
#include "consumer/task/plan.h"

// Unless said: one in 30 days.
static const double AT_MOST = 1;
static const int64_t PER = 30 * 24 * (int64_t)3600000;

static double weight_of(const struct weir_plugin *plugin)
{
    size_t needed = offsetof(struct weir_plugin, alarm_weight) + sizeof plugin->alarm_weight;
    return plugin && plugin->size >= needed && plugin->alarm_weight > 0 ? plugin->alarm_weight : 0;
}

void weir_plan_set_budget(const struct weir_plan *plan, struct weir_plan_detector *detector)
{
    const struct weir_config *config = plan->config;
    double all = config->false_alarms.per ? config->false_alarms.at_most : AT_MOST, weights = 0;
    for (size_t d = 0; d < config->n_detectors; d++)
        weights += weight_of(config->detectors[d].plugin);
    double own = weight_of(detector->plugin);
    detector->config.alarms_at_most = weights > 0 ? all * own / weights : 0;
    detector->config.alarms_per = config->false_alarms.per ? config->false_alarms.per : PER;
}

int weir_plan_is_budgeted(const struct weir_plan *plan, const char *detector)
{
    for (size_t d = 0; d < plan->n_detectors; d++) {
        if (!strcmp(plan->detectors[d].name, detector))
            return weight_of(plan->detectors[d].plugin) > 0;
    }
    return 0;
}

void weir_plan_tell_budget(const struct weir_plan *plan)
{
    double allowed = 0;
    int64_t per = 0;
    for (size_t d = 0; d < plan->n_detectors; d++) {
        if (!(weight_of(plan->detectors[d].plugin) > 0))
            continue;
        allowed += plan->detectors[d].config.alarms_at_most;
        per = plan->detectors[d].config.alarms_per;
    }
    WEIR_GAUGE(budget_allowed, llround(1000 * allowed));
    WEIR_GAUGE(budget_period, per / 1000);
}
