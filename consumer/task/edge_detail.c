// SPDX-License-Identifier: Apache-2.0
// What detectors say of the rows that they flag, counted beside the rule's own count.
#include "consumer/task/edge.h"

void weir_edge_detail_at(struct weir_edge_task *task, size_t rule, const char *name, size_t length,
                         const uint32_t *rows, const double *values, size_t n)
{
    for (size_t i = 0; i < n;) {
        int64_t start = task->rule_pane[rows[i]];
        size_t end = i + 1;
        while (end < n && task->rule_pane[rows[end]] == start)
            end++;
        struct weir_tally_pane *pane = weir_edge_tally_pane(task, start);
        struct weir_tally *tally = pane ? weir_tally_at(pane, rule) : NULL;
        if (!tally || weir_tally_add_detail(tally, name, length, end - i,
                                            values ? values + i : NULL, WEIR_RULE_DETAILS)) {
            task->failed = WEIR_ENOMEM;
            return;
        }
        i = end;
    }
}

void weir_edge_detail(const struct weir_edge *api, unsigned rule, const char *name, size_t length,
                      const uint32_t *rows, const double *values, size_t n)
{
    const struct weir_edge_detector *detector = api->host;
    struct weir_edge_task *task = detector->task;
    const struct weir_plan_rule *rules = detector->plan->rules;
    // Nobody reads the details of a rule that raises no alert.
    if (rule >= detector->plan->n_rules || !n || rows[n - 1] >= task->batch->n_rows ||
        rules[rule].rule.flags & WEIR_RULE_SILENT)
        return;
    weir_edge_detail_at(task, detector->rule_base + rule, name, length, rows, values, n);
}
