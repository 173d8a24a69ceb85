// SPDX-License-Identifier: Apache-2.0
// What each detector is told of the app's budget of false alarms, and metrics of it.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/config/budget.h"
#include "consumer/http/metrics.h"
#include "consumer/task/plan.h"

static struct weir_budget_part part_of(const struct weir_plan *plan,
                                       const struct weir_plan_detector *detector)
{
    if (!detector->entry)
        return (struct weir_budget_part){0};
    return weir_budget_part(plan->config, (size_t)(detector->entry - plan->config->detectors));
}

void weir_plan_set_budget(const struct weir_plan *plan, struct weir_plan_detector *detector)
{
    struct weir_budget_part part = part_of(plan, detector);
    if (!(part.share > 0))
        return;
    detector->config.alarms_at_most = part.at_most;
    detector->config.alarms_per = weir_budget(plan->config).per;
    detector->config.alarms_share = part.share;
}

void weir_plan_spend(const struct weir_plan *plan, const char *detector, const char *kind)
{
    for (size_t d = 0; d < plan->n_detectors; d++) {
        const struct weir_plan_detector *one = &plan->detectors[d];
        if (strcmp(one->name, detector))
            continue;
        struct weir_budget_part part = part_of(plan, one);
        if ((part.share > 0 || part.own) && weir_budget_spends(one->plugin, kind)) {
            WEIR_COUNT(budget_incidents, part.share > 0);
            weir_metrics_spend(one->name);
        }
        return;
    }
}

int weir_plan_tell_budget(const struct weir_plan *plan)
{
    struct weir_metrics_budget *parts = calloc(plan->n_detectors + 1, sizeof *parts);
    struct weir_rate budget = weir_budget(plan->config);
    double allowed = 0;
    size_t n = 0;
    if (!parts)
        return WEIR_ENOMEM;
    for (size_t d = 0; d < plan->n_detectors; d++) {
        struct weir_budget_part part = part_of(plan, &plan->detectors[d]);
        if (!(part.share > 0) && !part.own)
            continue;
        parts[n++] =
            (struct weir_metrics_budget){plan->detectors[d].name, part.own ? NAN : part.at_most};
        allowed += part.at_most;
    }
    int code = weir_metrics_set_budget(parts, n);
    free(parts);
    WEIR_GAUGE(budget_allowed, llround(1000 * allowed));
    WEIR_GAUGE(budget_period, budget.per / 1000);
    return code;
}
