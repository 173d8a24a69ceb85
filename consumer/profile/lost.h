// SPDX-License-Identifier: Apache-2.0
// What profiles have that the one that they were merged to has not, and why.
#ifndef WEIR_PROFILE_LOST_H
#define WEIR_PROFILE_LOST_H

#include "consumer/profile/profile.h"

enum { WEIR_PROFILE_PARTS_LOST = 6 };

// A sentence on part `part` (below WEIR_PROFILE_PARTS_LOST); 0: it is not lost.
int weir_profile_lost(const struct weir_profile *const *profiles, const char *const *names,
                      size_t n, const struct weir_profile *merged, int part, char *out,
                      size_t size);

#endif
