// SPDX-License-Identifier: Apache-2.0
// What a writer's schema says of its fields, as batches hand it on (weir/batch.h).
#ifndef WEIR_CODEC_WRITER_H
#define WEIR_CODEC_WRITER_H

#include "consumer/codec/avro_schema.h"
#include "weir/batch.h"

// Copies all that it keeps: the schema may go. Records within records are dotted paths, elements of
// arrays `tags[]`. Maps, unions of several types and a record within itself are one field of type
// WEIR_TYPE_UNKNOWN, whatever is below them. WEIR_EINVAL: too large or too deep. WEIR_ENOMEM.
int weir_writer_make(int32_t id, const struct weir_avro_schema *schema,
                     struct weir_writer **writer);
void weir_writer_free(struct weir_writer *writer);

#endif
