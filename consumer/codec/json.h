// SPDX-License-Identifier: Apache-2.0
// JSON records to rows. One a (task, stream), one thread.
//
// Besides RFC 8259: the bare tokens NaN, Infinity and -Infinity are numbers (Python writes
// them), and a byte order mark is skipped. Of two equal keys the last wins. Values that no field
// asks for are checked too. What makes a record undecodable: anything that is not JSON, also
// within what is skipped; no UTF-8; more than 1,000 levels; a top level that is not an object;
// anything after it; nothing at all. A string with half a surrogate pair is
// WEIR_STATE_FAULT_UTF8, a number beyond its type WEIR_STATE_FAULT_OVERFLOW. Where a nested
// record is null or of another type, the fields below it are null or have that fault.
#ifndef WEIR_CODEC_JSON_H
#define WEIR_CODEC_JSON_H

#include "consumer/codec/decoder.h"

struct weir_json_decoder;

// Rows go to `builder`, which outlives the decoder.
int weir_json_decoder_create(const struct weir_builder_options *options,
                             struct weir_builder *builder, struct weir_json_decoder **decoder,
                             struct weir_error *error);
void weir_json_decoder_destroy(struct weir_json_decoder *decoder);
// Adds one row, also for a tombstone.
void weir_json_decoder_add(struct weir_json_decoder *decoder, const struct weir_record *record);

#endif
