// SPDX-License-Identifier: Apache-2.0
// A profile in another one's cells, so that what the two have counted can be compared, and added
// up, to the last one.
#ifndef WEIR_PROFILE_LIKE_H
#define WEIR_PROFILE_LIKE_H

#include "consumer/profile/count.h"
#include "consumer/profile/profile.h"

// A copy of the cells that `like` has for a field; WEIR_ENOTFOUND: it has none of that name and
// type.
int weir_profile_like_cells(const struct weir_profile *like, const char *name, enum weir_type type,
                            struct weir_cells **cells, struct weir_error *error);
// Remembers the strings that were counted and that the field's cells do not know. WEIR_ENOMEM.
int weir_profile_also_take(struct weir_profile_field *field,
                           const struct weir_string_counts *counts);
void weir_profile_also_write(const struct weir_profile_also *also, struct weir_buffer *out);
// WEIR_ECORRUPT, WEIR_ENOMEM; what it has read is the caller's to free either way.
int weir_profile_also_read(struct weir_reader *in, struct weir_profile_also *also);

#endif
