// SPDX-License-Identifier: Apache-2.0
// At a window's close: what is new in it, of all tasks, goes to those that judge.
#include <stdlib.h>
#include <string.h>

#include "detectors/operations/hosts.h"
#include "detectors/operations/operations.h"
#include "detectors/operations/same_input.h"
#include "detectors/operations/scores.h"
#include "detectors/operations/service.h"
#include "detectors/operations/traffic.h"
#include "detectors/operations/versions.h"

struct owner {
    const struct operations *operations;
    int64_t taken; // panes that start before it have been taken in
    struct operations_versions versions;
    struct operations_same_input same_input;
    struct operations_hosts hosts;
    struct operations_traffic traffic;
    struct operations_service service;
    struct operations_score_past scores[OPERATIONS_SCORES];
};

int operations_owner_create(void *instance, void **out, struct weir_error *error)
{
    struct owner *owner = calloc(1, sizeof *owner);
    if (!owner)
        return weir_error_set(error, WEIR_ENOMEM, "operations: no memory for an owner");
    owner->operations = instance;
    owner->taken = INT64_MIN;
    if (operations_service_init(&owner->service, instance)) {
        operations_owner_destroy(owner);
        return weir_error_set(error, WEIR_ENOMEM, "operations: no memory for an owner");
    }
    *out = owner;
    return 0;
}

static void clear(struct owner *owner)
{
    operations_versions_free(&owner->versions);
    memset(owner->scores, 0, sizeof owner->scores);
    memset(&owner->same_input, 0, sizeof owner->same_input);
    operations_hosts_free(&owner->hosts);
    operations_traffic_free(&owner->traffic);
    operations_service_free(&owner->service);
    owner->taken = INT64_MIN;
}

void operations_owner_destroy(void *state)
{
    struct owner *owner = state;
    if (!owner)
        return;
    clear(owner);
    free(owner);
}

// Hopping windows show each pane several times: it is new once.
static int read_extracts(const struct owner *owner, const struct weir_window *window,
                         struct operations_tally *tally)
{
    int code = 0;
    for (size_t i = 0; i < window->n_extracts && !code; i++) {
        struct weir_reader in =
            weir_reader_make(window->extracts[i].data, window->extracts[i].length);
        while (weir_reader_left(&in) && !code) {
            struct operations_tally old;
            int64_t start = operations_get_time(&in);
            if (in.failed)
                return WEIR_ECORRUPT;
            if (start >= owner->taken) {
                code = operations_tally_read(tally, &in);
                continue;
            }
            code = operations_tally_init(&old, &owner->operations->shape);
            if (!code)
                code = operations_tally_read(&old, &in);
            operations_tally_free(&old);
        }
    }
    return code;
}

int operations_owner_window(void *state, const struct weir_window *window, struct weir_error *error)
{
    struct owner *owner = state;
    const struct operations *operations = owner->operations;
    struct operations_tally tally;
    if (window->phase != WEIR_FINAL)
        return 0;
    int code = operations_tally_init(&tally, &operations->shape);
    if (!code)
        code = read_extracts(owner, window, &tally);
    owner->taken = window->end;
    struct operations_step step = {operations, window, &tally};
    if (!code && !tally.rows)
        window->undecided(window);
    if (!code)
        code = operations_versions_step(&owner->versions, &step);
    for (size_t i = 0; i < operations->n_scores && !code; i++)
        operations_score_step(&owner->scores[i], &step, i);
    if (!code && operations->shape.inputs)
        code = operations_same_input_step(&owner->same_input, &step);
    if (!code && window->complete == window->end) // else what is missing may yet come
        code = operations_traffic_step(&owner->traffic, &step);
    if (!code && operations->n_outcomes)
        code = operations_service_step(&owner->service, &step);
    if (!code && operations->host_by)
        code = operations_hosts_step(&owner->hosts, &step);
    operations_tally_free(&tally);
    return code ? weir_error_set(error, code,
                                 code == WEIR_ENOMEM
                                     ? "operations: no memory for a window"
                                     : "operations: what the tasks wrote of a window does not "
                                       "decode")
                : 0;
}

// ---- state

static const char *field_name(const struct operations *operations, size_t score)
{
    return operations->stream->fields[operations->scores[score]].name;
}

int operations_owner_save(const void *state, struct weir_buffer *out)
{
    const struct owner *owner = state;
    weir_put_long(out, owner->taken);
    operations_versions_save(&owner->versions, out);
    operations_same_input_save(&owner->same_input, out);
    operations_hosts_save(&owner->hosts, out);
    operations_traffic_save(&owner->traffic, out);
    operations_service_save(&owner->service, owner->operations, out);
    weir_put_long(out, (int64_t)owner->operations->n_scores);
    for (size_t i = 0; i < owner->operations->n_scores; i++) {
        weir_put_string(out, field_name(owner->operations, i));
        operations_score_save(&owner->scores[i], out);
    }
    operations_same_input_save_sum(&owner->same_input, out);
    return out->failed ? WEIR_ENOMEM : 0;
}

// What is known of a field that is no score any more is left behind.
static int restore_score(struct owner *owner, struct weir_reader *in)
{
    struct operations_score_past past = {0};
    char *name = weir_get_string_alloc(in, 4096);
    int code = name ? operations_score_restore(&past, in) : WEIR_ECORRUPT;
    for (size_t i = 0; i < owner->operations->n_scores && !code; i++) {
        if (!strcmp(field_name(owner->operations, i), name))
            owner->scores[i] = past;
    }
    free(name);
    return code;
}

static int restore(struct owner *owner, struct weir_reader *in)
{
    owner->taken = weir_get_long(in);
    int code = operations_versions_restore(&owner->versions, in);
    if (!code)
        code = operations_same_input_restore(&owner->same_input, in);
    if (!code)
        code = operations_hosts_restore(&owner->hosts, in);
    if (!code)
        code = operations_traffic_restore(&owner->traffic, owner->operations, in);
    if (!code)
        code = operations_service_restore(&owner->service, owner->operations, in);
    size_t n = code ? 0 : weir_get_count(in, OPERATIONS_SCORES);
    for (size_t i = 0; i < n && !code; i++)
        code = restore_score(owner, in);
    return code ? code : in->failed ? WEIR_ECORRUPT : 0;
}

int operations_owner_restore(void *state, uint32_t state_version, struct weir_reader *in,
                             struct weir_error *error)
{
    struct owner *owner = state;
    int code = restore(owner, in);
    if (!code && state_version >= 2)
        code = operations_same_input_restore_sum(&owner->same_input, in);
    if (code) {
        clear(owner);
        // Without memory for it the error is told all the same, and the owner is not used.
        (void)operations_service_init(&owner->service, owner->operations);
    }
    return code ? weir_error_set(error, code, "operations: its saved state does not decode") : 0;
}
