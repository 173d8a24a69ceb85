// SPDX-License-Identifier: Apache-2.0
// What a stream's source says of its fields before the first record comes.
#ifndef WEIR_SOURCE_FIELDS_H
#define WEIR_SOURCE_FIELDS_H

#include "consumer/codec/registry.h"
#include "consumer/config/config.h"

// The newest schema of the topic in the registry (waited for up to `patience` ms while it does
// not answer), or the schema file. n is 0 where there is none. Freed with
// weir_schema_fields_free().
int weir_source_fields(const struct weir_stream_config *stream, struct weir_registry *registry,
                       int64_t patience, struct weir_schema_fields *fields,
                       struct weir_error *error);

// The registry of the configuration; *registry is NULL where there is none.
int weir_source_registry(const struct weir_config *config, struct weir_registry **registry,
                         struct weir_error *error);

// The text of a schema file, to be freed; NULL with an error.
char *weir_schema_text(const char *path, struct weir_error *error);

#endif
