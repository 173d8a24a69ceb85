// SPDX-License-Identifier: Apache-2.0
// The part of `check --connect` that asks the schema registry. Internal to this folder.
#ifndef WEIR_CONFIG_CONNECT_REGISTRY_H
#define WEIR_CONFIG_CONNECT_REGISTRY_H

#include "consumer/config/config.h"

void weir_connect_say(void *context, int failed, const char *text);
// For each stream of the format avro: its subject's newest schema against the declared fields.
// Says a line each through weir_connect_say().
void weir_connect_registry(const struct weir_config *config, int64_t timeout, void *context);

#endif
