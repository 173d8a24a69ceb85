// SPDX-License-Identifier: Apache-2.0
// What the writing and the reading of a profile share.
#ifndef WEIR_PROFILE_STORE_H
#define WEIR_PROFILE_STORE_H

#include "consumer/profile/profile.h"

// The hash of a profile's datum as its container's header says it.
void weir_profile_hash_text(const void *data, size_t length, char out[17]);

#endif
