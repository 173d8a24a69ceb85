// SPDX-License-Identifier: Apache-2.0
// Inputs that a task looks at side by side (struct weir_beside). What such a task says follows from
// how far each side was read, so that a replay of both to their committed offsets says it again,
// in whatever order they come.
#ifndef WEIR_RUNTIME_BESIDE_H
#define WEIR_RUNTIME_BESIDE_H

#include "consumer/runtime/inside.h"

// Whether the input is not to be read now: another side is not as far as its committed offset yet,
// or lags in event time and has more to read.
int weir_beside_waits(const struct weir_input *input);
// An input went live: those of whose sides all are, are live too.
void weir_beside_live(struct weir_owned *owned);
// A batch that the input's own task has looked at.
int weir_beside_show(struct weir_input *input, const struct weir_batch *batch,
                     struct weir_error *error);
// The input became idle or is so no longer.
int weir_beside_idle(struct weir_input *input, struct weir_error *error);
// Sides that are at their end are waited for only so long, by event time. 1: it had an effect.
int weir_beside_alone(struct weir_owned *owned, struct weir_error *error);

#endif
