// SPDX-License-Identifier: Apache-2.0
// What only the cluster and the registry can tell about a configuration. Reads, creates nothing.
#ifndef WEIR_CONFIG_CONNECT_H
#define WEIR_CONFIG_CONNECT_H

#include "consumer/config/config.h"

struct weir_connect_line {
    int failed;
    char text[500]; // what was looked at, and where it failed what to do
};

// Fills `lines` (to be freed with free()), one a check, in a fixed order. `timeout` in ms, for
// each answer. WEIR_ENOMEM, or 0 whatever the checks say.
int weir_config_connect(const struct weir_config *config, int64_t timeout,
                        struct weir_connect_line **lines, size_t *n);

#endif
