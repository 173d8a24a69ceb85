// SPDX-License-Identifier: Apache-2.0
// At the window's close: each part of the detector judges, one after the other.
#include <stdlib.h>

#include "detectors/skew/rows.h"
#include "detectors/skew/training.h"

int skew_owner_create(void *instance, void **out, struct weir_error *error)
{
    struct skew_owner *owner = calloc(1, sizeof *owner);
    if (!owner)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for the detector");
    owner->instance = instance;
    if (owner->instance->training &&
        skew_training_create(owner->instance->training, &owner->training)) {
        free(owner);
        return weir_error_set(error, WEIR_ENOMEM, "no memory for what serving is like");
    }
    *out = owner;
    return 0;
}

void skew_owner_destroy(void *state)
{
    struct skew_owner *owner = state;
    if (!owner)
        return;
    skew_training_destroy(owner->training);
    free(owner);
}

int skew_owner_window(void *state, const struct weir_window *window, struct weir_error *error)
{
    struct skew_owner *owner = state;
    int judged = 0, code = 0;
    if (owner->instance->n_pairs)
        judged = skew_rows_window(owner->instance, window, error);
    if (judged < 0)
        return judged;
    if (owner->training)
        code = skew_training_window(owner->training, window, error);
    if (!judged && (!owner->training || !window->rows))
        window->undecided(window);
    return code;
}

size_t skew_owner_memory(const void *state)
{
    const struct skew_owner *owner = state;
    return sizeof *owner + (owner->training ? skew_training_memory(owner->training) : 0);
}

// Pairs have no past: what follows here is of other parts.
int skew_owner_save(const void *state, struct weir_buffer *out)
{
    const struct skew_owner *owner = state;
    weir_put_long(out, owner->training != NULL);
    return owner->training ? skew_training_save(owner->training, out)
                           : (out->failed ? WEIR_ENOMEM : 0);
}

// Version 1 wrote nothing.
int skew_owner_restore(void *state, uint32_t state_version, struct weir_reader *in,
                       struct weir_error *error)
{
    struct skew_owner *owner = state;
    if (state_version < 2)
        return 0;
    int has_training = weir_get_count(in, 1) == 1;
    if (in->failed)
        return weir_error_set(error, WEIR_ECORRUPT, "the saved state of skew does not decode");
    return has_training && owner->training
               ? skew_training_restore(owner->training, state_version, in, error)
               : 0;
}
