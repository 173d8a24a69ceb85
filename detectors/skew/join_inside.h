// SPDX-License-Identifier: Apache-2.0
// What a restored join is made of: rows whose values are in place (skew_join_room).
#ifndef WEIR_SKEW_JOIN_INSIDE_H
#define WEIR_SKEW_JOIN_INSIDE_H

#include "detectors/skew/join.h"

void skew_join_put_waiting(struct skew_join *join, const struct skew_row *row);
int skew_join_put_pending(struct skew_join *join, const struct skew_row *row); // WEIR_ENOMEM

#endif
