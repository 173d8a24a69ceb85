// SPDX-License-Identifier: Apache-2.0
// The app's budget of false alarms is spelled once. Each detector that judges by chance has a part
// of it, by its weight among those that are configured: rates add up, whatever each does to keep
// its own. One that is given a rate of its own has none, and comes on top.
#ifndef WEIR_CONFIG_BUDGET_H
#define WEIR_CONFIG_BUDGET_H

#include "consumer/config/config.h"

struct weir_budget_part {
    double share;   // of the app's budget, those of all detectors have the sum 1; 0: none
    double at_most; // false alarms in the budget's period
    // What it keeps instead: the option that is given, and its value. NULL: none.
    const struct weir_option *own;
    const struct weir_option_value *own_value;
};

// What `false_alarms:` says, or one in 30 days.
struct weir_rate weir_budget(const struct weir_config *config);
// The part of the configuration's detector `d`; all 0 for one that goes by rules alone.
struct weir_budget_part weir_budget_part(const struct weir_config *config, size_t d);
// Whether what the detector says of that kind is found by chance, and so spends what it keeps.
int weir_budget_spends(const struct weir_plugin *plugin, const char *kind);

#endif
