// SPDX-License-Identifier: Apache-2.0
// The name of this member among those of its app. It must be the same after a restart (so that
// an open transaction of the last run is ended at once and not by its time-out) and unlike every
// other member's that runs (they would fence each other). Where the configuration gives none, a
// file in the state folder keeps a random one, and a lock on it says that it is taken.
#ifndef WEIR_RUNTIME_INSTANCE_H
#define WEIR_RUNTIME_INSTANCE_H

#include "weir/error.h"

enum { WEIR_INSTANCE_LIMIT = 1000 }; // members that share a state folder

struct weir_instance {
    char name[64];
    int lock; // file descriptor, -1: none
};

// Makes the state folder where it is absent. `given` is the configured instance, or "". A given
// one is locked too: a second member of that name with the same folder is refused.
int weir_instance_take(const char *state_dir, const char *app, const char *given,
                       struct weir_instance *instance, struct weir_error *error);
void weir_instance_release(struct weir_instance *instance);

#endif
