// SPDX-License-Identifier: Apache-2.0
// A writer's schema compiled against a stream: a flat program that walks a datum's bytes once
// and writes the builder's columns. Columns bind by the field's name, or by an alias that the
// writer's schema gives it, by dotted path through records and maps ("device.os", "scores.a").
// `x.length` is the number of an array's or map's elements, `x[]` its elements, `x[].price` a
// field of each. A datum that is no record has the single field `value`.
//
// int and float widen as Avro's resolution does, bytes and strings stand for each other, enums
// are strings, decimals doubles, dates epoch milliseconds. A timestamp in other units than
// milliseconds is an integer as it stands, but for the stream's time field where the builder's
// unit is WEIR_TIME_AUTO: that becomes milliseconds. A null record nulls all below it.
#ifndef WEIR_CODEC_AVRO_PLAN_H
#define WEIR_CODEC_AVRO_PLAN_H

#include "consumer/codec/avro_schema.h"
#include "consumer/codec/builder.h"

enum {
    WEIR_AVRO_REASON = 256,       // bytes of a reason
    WEIR_AVRO_MAX_DEPTH = 512,    // of a datum (recursive schemas)
    WEIR_AVRO_MAX_EMPTY = 1 << 16 // list elements that take no bytes, a datum
};

struct weir_avro_plan;

// The schema and the builder outlive the plan; `options` is what the builder was made with.
// WEIR_EINVAL: the plan would be too large.
int weir_avro_plan_create(const struct weir_avro_schema *schema, struct weir_builder *builder,
                          const struct weir_builder_options *options, struct weir_avro_plan **plan,
                          struct weir_error *error);
void weir_avro_plan_destroy(struct weir_avro_plan *plan);

// Decodes the datum at the front of `data` into the builder's current row `row`; `used` takes
// its length. WEIR_ECORRUPT: the bytes are no such datum, `reason` (WEIR_AVRO_REASON bytes)
// says why; the row is then half written and the caller undoes it. Never allocates for itself.
int weir_avro_plan_run(const struct weir_avro_plan *plan, uint32_t row, const uint8_t *data,
                       size_t length, size_t *used, char *reason);

#endif
