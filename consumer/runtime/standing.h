// SPDX-License-Identifier: Apache-2.0
// An app as it stands on its own topics, for a command that is no member of it: what its mergers
// last said that they know, and a word to them.
#ifndef WEIR_RUNTIME_STANDING_H
#define WEIR_RUNTIME_STANDING_H

#include "consumer/task/plan.h"

struct weir_standing;

// Finds the app's topics and makes its plan. WEIR_EIO with a sentence where there are none.
int weir_standing_open(const struct weir_config *config, struct weir_standing **standing,
                       struct weir_error *error);
void weir_standing_close(struct weir_standing *standing);
const struct weir_plan *weir_standing_plan(const struct weir_standing *standing);
int32_t weir_standing_partitions(const struct weir_standing *standing); // mergers that there may be
// Reads every merger's newest snapshot; gives up after `patience` ms. Mergers from before are gone.
int weir_standing_read(struct weir_standing *standing, int64_t patience, struct weir_error *error);
// A merger as its snapshot has it, and the first offset of the partials that it has not seen.
// NULL: there is no snapshot of it. The standing's own.
struct weir_merger *weir_standing_merger(const struct weir_standing *standing, int32_t partition,
                                         int64_t *offset);
// How many members run the app now.
int weir_standing_members(const struct weir_standing *standing, size_t *members,
                          struct weir_error *error);
// Adds a record to a partition of the partials, and says where it is.
int weir_standing_send(const struct weir_standing *standing, int32_t partition,
                       struct weir_span key, struct weir_span value, int64_t *offset,
                       struct weir_error *error);

#endif
