// SPDX-License-Identifier: Apache-2.0
// The configuration's tables as documents: its JSON Schema, and the page of the manual.
#ifndef WEIR_CONFIG_DOCUMENT_H
#define WEIR_CONFIG_DOCUMENT_H

#include "consumer/host/plugins.h"
#include "stats/buffer.h"

// Both append UTF-8 text that ends in a line break. With `plugins` the options of the detectors
// among them are in; without (NULL) only what every detector takes. WEIR_ENOMEM, or 0.
int weir_config_schema(const struct weir_plugins *plugins, struct weir_buffer *out);
int weir_config_manual(const struct weir_plugins *plugins, struct weir_buffer *out);

#endif
