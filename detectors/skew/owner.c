// SPDX-License-Identifier: Apache-2.0
// At the window's close: each part of the detector judges, one after the other.
#include <stdlib.h>

#include "detectors/skew/rows.h"

int skew_owner_create(void *instance, void **out, struct weir_error *error)
{
    struct skew_owner *owner = calloc(1, sizeof *owner);
    if (!owner)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for the detector");
    owner->instance = instance;
    *out = owner;
    return 0;
}

void skew_owner_destroy(void *owner)
{
    free(owner);
}

int skew_owner_window(void *state, const struct weir_window *window, struct weir_error *error)
{
    struct skew_owner *owner = state;
    int judged = skew_rows_window(owner->instance, window, error);
    if (judged < 0)
        return judged;
    if (!judged)
        window->undecided(window);
    return 0;
}

// Pairs have no past: what follows here is of other parts.
int skew_owner_save(const void *owner, struct weir_buffer *out)
{
    (void)owner, (void)out;
    return 0;
}

int skew_owner_restore(void *owner, uint32_t state_version, struct weir_reader *in,
                       struct weir_error *error)
{
    (void)owner, (void)state_version, (void)in, (void)error;
    return 0;
}
