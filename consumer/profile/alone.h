// SPDX-License-Identifier: Apache-2.0
// Fields that tell a time from another, or a record from all others, whatever their values are:
// what is said of all fields together is said without them.
#ifndef WEIR_PROFILE_ALONE_H
#define WEIR_PROFILE_ALONE_H

#include "consumer/profile/profile.h"

// By role and meaning; `clues` may be without any.
int weir_profile_tells_records(const char *name, enum weir_role role,
                               const struct weir_clues *clues);
// Whether a sample only grows with time: each stretch of `length` begins where the one before it
// has ended. WEIR_ENOMEM.
int weir_profile_only_grows(const double *sample, const int64_t *times, size_t n, int64_t length,
                            int *grows);

#endif
