// SPDX-License-Identifier: Apache-2.0
// Gathers clues over windows until a field can be judged.
#include <stdlib.h>

#include "detectors/semantics/semantics.h"

struct owner {
    const struct semantics *semantics;
    struct weir_clues *clues; // one a field, since it was last judged
};

int semantics_owner_create(void *instance, void **result, struct weir_error *error)
{
    struct owner *owner = calloc(1, sizeof *owner);
    if (owner) {
        owner->semantics = instance;
        owner->clues = semantics_clues_create(owner->semantics);
    }
    if (!owner || !owner->clues) {
        free(owner);
        return weir_error_set(error, WEIR_ENOMEM, "semantics: no memory");
    }
    *result = owner;
    return 0;
}

void semantics_owner_destroy(void *state)
{
    struct owner *owner = state;
    if (owner)
        semantics_clues_destroy(owner->semantics, owner->clues);
    free(owner);
}

int semantics_owner_window(void *state, const struct weir_window *window, struct weir_error *error)
{
    struct owner *owner = state;
    const struct semantics *semantics = owner->semantics;
    for (size_t i = 0; i < window->n_extracts; i++) {
        struct weir_reader in =
            weir_reader_make(window->extracts[i].data, window->extracts[i].length);
        // One extract holds the panes that closed together.
        while (weir_reader_left(&in)) {
            int code = semantics_clues_read_merge(semantics, owner->clues, &in);
            if (code)
                return weir_error_set(error, code, "semantics: an edge's clues do not decode");
        }
    }
    size_t judged = 0;
    for (size_t i = 0; i < semantics->n_fields; i++) {
        if (owner->clues[i].values < semantics->records)
            continue;
        judged++;
        semantics_judge(semantics, &semantics->fields[i], &owner->clues[i], window);
        weir_clues_reset(&owner->clues[i]);
    }
    if (judged < semantics->n_fields)
        window->undecided(window);
    return 0;
}

int semantics_owner_save(const void *state, struct weir_buffer *out)
{
    const struct owner *owner = state;
    return semantics_clues_write(owner->semantics, owner->clues, out);
}

int semantics_owner_restore(void *state, uint32_t state_version, struct weir_reader *in,
                            struct weir_error *error)
{
    struct owner *owner = state;
    (void)state_version;
    int code = semantics_clues_read_merge(owner->semantics, owner->clues, in);
    for (size_t i = 0; code && i < owner->semantics->n_fields; i++)
        weir_clues_reset(&owner->clues[i]);
    return code ? weir_error_set(error, code, "the saved clues do not decode") : 0;
}
