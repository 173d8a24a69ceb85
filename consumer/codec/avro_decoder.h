// SPDX-License-Identifier: Apache-2.0
// Avro records to rows: finds the writer's schema of each record, keeps a plan for each schema
// that it met, and lets the plan write the builder's columns. One a (task, stream), one thread.
#ifndef WEIR_CODEC_AVRO_DECODER_H
#define WEIR_CODEC_AVRO_DECODER_H

#include "consumer/codec/decoder.h"

struct weir_avro_decoder;

// Uses `options->format` (one of the three of Avro), `builder`, `registry` and `schema`; rows go
// to `builder`, which outlives the decoder. WEIR_EINVAL: no registry, or a schema that is none.
int weir_avro_decoder_create(const struct weir_decoder_options *options,
                             struct weir_builder *builder, struct weir_avro_decoder **decoder,
                             struct weir_error *error);
void weir_avro_decoder_destroy(struct weir_avro_decoder *decoder);

// As weir_decoder_add(): starts the row itself, also for a tombstone. `consumed` is not set
// where the row turns out undecodable.
int weir_avro_decoder_add(struct weir_avro_decoder *decoder, const struct weir_record *record,
                          size_t *consumed, struct weir_error *error);

#endif
