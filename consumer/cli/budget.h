// SPDX-License-Identifier: Apache-2.0
// How the app's budget of false alarms is shared out, as `weir check` prints it.
#ifndef WEIR_CLI_BUDGET_H
#define WEIR_CLI_BUDGET_H

#include <jansson.h>

#include "consumer/config/config.h"

// To standard output; nothing where no detector keeps a budget.
void weir_budget_print(const struct weir_config *config);
// {"at_most", "per_days", "detectors": {NAME: {"share", "at_most"}}, "own": {NAME: {OPTION: N}}}.
// NULL without memory.
json_t *weir_budget_json(const struct weir_config *config);

#endif
