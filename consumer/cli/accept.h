// SPDX-License-Identifier: Apache-2.0
// `weir check --calibrate` of a running app: what it goes by, what another stretch of what it has
// seen would give, and, with --accept, that it is to go by that.
#ifndef WEIR_CLI_ACCEPT_H
#define WEIR_CLI_ACCEPT_H

#include <stdint.h>

#include "consumer/config/config.h"

struct weir_accept_options {
    int64_t from, to;     // event time, ms; 0: as early or as late as makes a whole one
    const char *detector; // NULL: all that calibrate
    int accept, json;
    int64_t timeout; // ms: for each answer
};

// An exit code.
int weir_calibrate_standing(const struct weir_config *config,
                            const struct weir_accept_options *options);

#endif
