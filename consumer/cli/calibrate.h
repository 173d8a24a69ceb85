// SPDX-License-Identifier: Apache-2.0
// `weir check --calibrate`: what the false-alarm budget gives on a stretch of data.
#ifndef WEIR_CLI_CALIBRATE_H
#define WEIR_CLI_CALIBRATE_H

#include "consumer/cli/args.h"
#include "consumer/config/config.h"

// Replays the inputs ("STREAM=PATH") without alerts and prints what each detector that keeps a
// budget has calibrated, for people or as one JSON object. An exit code.
int weir_calibrate(const struct weir_config *config, const struct weir_arg_list *inputs, int json);

#endif
