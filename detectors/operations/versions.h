// SPDX-License-Identifier: Apache-2.0
// Which model version is in charge, and which others answer beside it.
//
// A version that answers is active until so many records of others have followed its last answer
// that, by its share, it would have come again. One that is active alone is in charge from then
// on; a newer one that becomes so has taken over. While a roll-out lasts (from the newer one's
// first answer for `rollout`) nothing is said, whichever version it ends with.
#ifndef WEIR_OPERATIONS_VERSIONS_H
#define WEIR_OPERATIONS_VERSIONS_H

#include "detectors/operations/operations.h"

enum { OPERATIONS_VERSIONS_KEPT = 256 };

struct operations_version {
    char *name;
    int64_t first, last; // answers
    int active;
    int64_t since;     // first answer of the present activity
    uint64_t own, all; // records since then, of its own and in all, to its last window
    uint64_t others;   // records of others in the windows since its last one
    uint64_t now;      // of its own in the present window
};

struct operations_versions {
    struct operations_version *list; // by name
    size_t n;
    char *current;       // in charge; NULL: none yet
    int64_t took_over;   // the last answer of another before it
    int64_t rolled_from; // the first answer of its roll-out
};

void operations_versions_free(struct operations_versions *versions);
// Takes in a step and emits what there is to say. WEIR_ENOMEM.
int operations_versions_step(struct operations_versions *versions,
                             const struct operations_step *step);
void operations_versions_save(const struct operations_versions *versions, struct weir_buffer *out);
int operations_versions_restore(struct operations_versions *versions, struct weir_reader *in);

#endif
