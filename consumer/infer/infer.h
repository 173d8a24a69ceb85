// SPDX-License-Identifier: Apache-2.0
// A contract learnt from a profile, as a configuration with comments that a person goes over:
// types, ranges with head-room, values where there are few, patterns of formatted strings, what
// may be null or absent. The data that the profile was made of breaks none of it.
#ifndef WEIR_INFER_INFER_H
#define WEIR_INFER_INFER_H

#include "consumer/profile/profile.h"

struct weir_infer_options {
    const char *topic;   // NULL: the stream's name
    const char *format;  // as in the configuration; NULL: "json"
    const char *profile; // the profile's path, as the configuration will name it
};

// Appends YAML to `out`. WEIR_ENOMEM.
int weir_infer_contract(const struct weir_profile *profile,
                        const struct weir_infer_options *options, struct weir_buffer *out,
                        struct weir_error *error);

#endif
