// SPDX-License-Identifier: Apache-2.0
// An edge task's state as bytes. Parts are found again by name, so that a changed configuration
// keeps the state of what did not change: a window spec by its key and hash, a detector by its
// name and the hash of the options that reset its state, a rule by its name.
#include <stdlib.h>
#include <string.h>

#include "consumer/log/log.h"
#include "consumer/task/edge.h"
#include "consumer/task/state.h"

// 2: the gate behind the rest. 3: more records can be held, and refused.
enum { EDGE_STATE_VERSION = 3, HELD_BEFORE = 2 };

// ---- saving

static int put_whole(void *context, const struct weir_buffer *piece)
{
    return weir_put_bytes(context, piece->data, piece->length);
}

int weir_state_put_pane(const struct weir_pane *pane, struct weir_buffer *out)
{
    struct weir_buffer piece;
    weir_buffer_init(&piece, WEIR_BUFFER_MAXIMUM);
    weir_put_long(out, pane->start);
    weir_put_long(out, pane->end);
    int code = weir_pane_write(pane, SIZE_MAX, &piece, put_whole, out);
    weir_buffer_free(&piece);
    return code;
}

static int put_panes(const struct weir_open_panes *panes, struct weir_buffer *out)
{
    int code = 0;
    weir_put_long(out, (int64_t)panes->n);
    for (size_t i = 0; i < panes->n && !code; i++)
        code = weir_state_put_pane(panes->items[i], out);
    return code;
}

static void name_rule(void *context, size_t rule, const char **detector, const char **name)
{
    const struct weir_edge_task *task = context;
    size_t d = task->n_detectors - 1;
    while (task->detectors[d].rule_base > rule)
        d--;
    *detector = task->detectors[d].plan->name;
    *name = task->detectors[d].plan->rules[rule - task->detectors[d].rule_base].rule.name;
}

int weir_state_put_role(const struct weir_plan_detector *detector, const void *role,
                        int (*save)(const void *role, struct weir_buffer *out),
                        struct weir_buffer *out)
{
    struct weir_buffer bytes;
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    int code = role && save ? save(role, &bytes) : 0;
    weir_put_string(out, detector->name);
    weir_put_fixed64(out, detector->state_hash);
    weir_put_long(out, detector->plugin ? detector->plugin->state_version : 0);
    weir_put_bytes(out, bytes.data, bytes.length);
    if (bytes.failed)
        code = WEIR_ENOMEM;
    weir_buffer_free(&bytes);
    return code;
}

int weir_edge_task_save(const struct weir_edge_task *task, struct weir_buffer *out)
{
    int code = 0;
    weir_put_long(out, EDGE_STATE_VERSION);
    weir_put_string(out, task->stream->info.name);
    weir_clock_save(&task->clock, out);
    for (unsigned k = 0; k < task->clock.n_held; k++)
        weir_put_long(out, task->held_offset[k]);
    weir_put_long(out, task->told);
    weir_put_long(out, task->idle);
    weir_put_long(out, (int64_t)task->partials);
    weir_put_long(out, (int64_t)task->n_specs);
    for (size_t i = 0; i < task->n_specs && !code; i++) {
        const struct weir_edge_spec *spec = &task->specs[i];
        weir_put_string(out, spec->plan->key);
        weir_put_fixed64(out, spec->plan->hash);
        weir_put_long(out, (int64_t)spec->counted);
        struct weir_buffer panes;
        weir_buffer_init(&panes, WEIR_BUFFER_MAXIMUM);
        code = put_panes(&spec->open, &panes);
        for (size_t k = 0; k < task->clock.n_held && !code; k++)
            code = put_panes(&spec->held[k], &panes);
        weir_put_bytes(out, panes.data, panes.length);
        if (panes.failed)
            code = WEIR_ENOMEM;
        weir_buffer_free(&panes);
    }
    weir_put_long(out, (int64_t)task->n_detectors);
    for (size_t i = 0; i < task->n_detectors && !code; i++) {
        const struct weir_edge_detector *detector = &task->detectors[i];
        const struct weir_plugin *plugin = detector->plan->plugin;
        code = weir_state_put_role(detector->plan, detector->edge,
                                   plugin ? plugin->edge_save : NULL, out);
        weir_put_long(out, detector->failures);
        weir_put_long(out, detector->backoff_until);
        weir_put_long(out, detector->closed_to);
        weir_put_long(out, detector->disabled);
    }
    weir_put_long(out, (int64_t)task->n_tallies);
    for (size_t i = 0; i < task->n_tallies && !code; i++) {
        weir_put_long(out, task->tallies[i]->start);
        code = weir_tally_write(task->tallies[i], name_rule, (void *)(uintptr_t)task, out);
    }
    if (!code)
        code = weir_edge_gate_save(task, out);
    if (!code && task->join)
        code = weir_edge_join_save(task, out);
    return code ? code : out->failed ? WEIR_ENOMEM : 0;
}

// ---- restoring

static int get_panes(struct weir_open_panes *panes, const struct weir_pane_layout *layout,
                     struct weir_reader *in)
{
    size_t n = weir_get_count(in, weir_reader_left(in));
    int code = 0;
    for (size_t i = 0; i < n && !code && !in->failed; i++) {
        int64_t start = weir_get_long(in), end = weir_get_long(in);
        size_t length;
        const uint8_t *bytes = weir_get_bytes(in, &length);
        if (in->failed)
            break;
        struct weir_pane *pane = weir_open_pane(panes, layout, start, end, &code);
        struct weir_reader piece = weir_reader_make(bytes, length);
        if (pane)
            code = weir_pane_read_merge(pane, &piece);
    }
    return code ? code : weir_reader_code(in);
}

// Panes of another configuration: what they had is left out, and so they are not to be judged.
static int get_mixed_panes(struct weir_open_panes *panes, const struct weir_plan_spec *spec,
                           struct weir_reader *in)
{
    size_t n = weir_get_count(in, weir_reader_left(in));
    int code = 0;
    for (size_t i = 0; i < n && !code; i++) {
        size_t length;
        int64_t start = weir_get_long(in), end = weir_get_long(in);
        weir_get_bytes(in, &length);
        if (in->failed || weir_pane_floor(start, spec->pane) != start ||
            end != weir_time_add(start, spec->pane))
            return WEIR_ECORRUPT;
        struct weir_pane *pane = weir_open_pane(panes, &spec->layout, start, end, &code);
        if (pane)
            pane->mixed = 1;
    }
    return code ? code : weir_reader_code(in);
}

static int get_spec(struct weir_edge_spec *spec, uint64_t hash, uint64_t counted, int n_held,
                    struct weir_reader *in)
{
    int same = spec->plan->hash == hash;
    // Windows of records begin anew with another configuration.
    if (!same && spec->plan->window.records)
        return 0;
    spec->counted = counted;
    int code = 0;
    for (int k = -1; k < n_held && !code; k++) {
        struct weir_open_panes *panes = k < 0 ? &spec->open : &spec->held[k];
        code = same ? get_panes(panes, &spec->plan->layout, in)
                    : get_mixed_panes(panes, spec->plan, in);
    }
    return code;
}

static int get_specs(struct weir_edge_task *task, int n_held, struct weir_reader *in)
{
    size_t n = weir_get_count(in, weir_reader_left(in));
    for (size_t i = 0; i < n && !in->failed; i++) {
        char key[256];
        size_t length;
        weir_get_string(in, key, sizeof key);
        uint64_t hash = weir_get_fixed64(in);
        uint64_t counted = weir_get_count(in, INT64_MAX);
        const uint8_t *bytes = weir_get_bytes(in, &length);
        struct weir_edge_spec *spec = NULL;
        for (size_t k = 0; k < task->n_specs && !in->failed; k++) {
            if (!strcmp(task->specs[k].plan->key, key))
                spec = &task->specs[k];
        }
        if (!spec)
            continue;
        struct weir_reader panes = weir_reader_make(bytes, length);
        int code = get_spec(spec, hash, counted, n_held, &panes);
        if (code)
            return code;
    }
    return weir_reader_code(in);
}

int weir_state_get_role(struct weir_reader *in, struct weir_state_role *role)
{
    weir_get_string(in, role->detector, sizeof role->detector);
    role->hash = weir_get_fixed64(in);
    role->version = (uint32_t)weir_get_count(in, UINT32_MAX);
    size_t length;
    const uint8_t *bytes = weir_get_bytes(in, &length);
    role->bytes = weir_reader_make(bytes, length);
    return weir_reader_code(in);
}

int weir_state_fits(const struct weir_state_role *role, const struct weir_plan_detector *detector)
{
    if (strcmp(role->detector, detector->name))
        return 0;
    if (role->hash == detector->state_hash)
        return 1;
    weir_log(WEIR_LOG_WARNING, "state",
             "%s: an option that resets its state has changed: it starts anew", detector->name);
    return 0;
}

static int get_detectors(struct weir_edge_task *task, struct weir_reader *in,
                         struct weir_error *error)
{
    size_t n = weir_get_count(in, weir_reader_left(in));
    for (size_t i = 0; i < n && !in->failed; i++) {
        struct weir_state_role role;
        int code = weir_state_get_role(in, &role);
        uint32_t failures = (uint32_t)weir_get_count(in, UINT32_MAX);
        int64_t backoff = weir_get_long(in), closed_to = weir_get_long(in);
        int disabled = weir_get_long(in) != 0;
        if (code || in->failed)
            return WEIR_ECORRUPT;
        for (size_t d = 0; d < task->n_detectors; d++) {
            struct weir_edge_detector *detector = &task->detectors[d];
            if (!weir_state_fits(&role, detector->plan))
                continue;
            detector->failures = failures;
            detector->backoff_until = backoff;
            detector->closed_to = closed_to;
            detector->disabled = disabled;
            if (detector->edge && weir_reader_left(&role.bytes))
                code = detector->plan->plugin->edge_restore(detector->edge, role.version,
                                                            &role.bytes, error);
            if (code)
                return code;
        }
    }
    return weir_reader_code(in);
}

static int64_t find_rule(void *context, const char *name, const char *rule)
{
    const struct weir_edge_task *task = context;
    for (size_t d = 0; d < task->n_detectors; d++) {
        const struct weir_plan_detector *detector = task->detectors[d].plan;
        for (size_t r = 0; r < detector->n_rules && !strcmp(detector->name, name); r++) {
            if (!strcmp(detector->rules[r].rule.name, rule))
                return (int64_t)(task->detectors[d].rule_base + r);
        }
    }
    return -1;
}

static int get_tallies(struct weir_edge_task *task, struct weir_reader *in)
{
    size_t n = weir_get_count(in, weir_reader_left(in));
    if (in->failed)
        return WEIR_ECORRUPT;
    task->tallies = calloc(n + 1, sizeof *task->tallies);
    if (!task->tallies)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        int64_t start = weir_get_long(in);
        if (in->failed)
            return WEIR_ECORRUPT;
        int code = weir_tally_pane_create(task->n_rules, start, &task->tallies[i]);
        if (code)
            return code;
        task->n_tallies++;
        code = weir_tally_read_merge(task->tallies[i], find_rule, task, in);
        if (code)
            return code;
    }
    return 0;
}

int weir_edge_task_restore(struct weir_edge_task *task, const void *data, size_t length,
                           struct weir_error *error)
{
    struct weir_reader in = weir_reader_make(data, length);
    struct weir_error inner = {0};
    char stream[256];
    int64_t version = weir_get_long(&in);
    if (!in.failed && (version < 1 || version > EDGE_STATE_VERSION))
        return weir_error_set(error, WEIR_EVERSION,
                              "state of version %lld, and this weir reads %d: run the version that "
                              "wrote it",
                              (long long)version, EDGE_STATE_VERSION);
    weir_get_string(&in, stream, sizeof stream);
    if (!in.failed && strcmp(stream, task->stream->info.name))
        return weir_error_set(error, WEIR_ECORRUPT, "state of stream '%s' offered to '%s'", stream,
                              task->stream->info.name);
    int clock_version = version < 3 ? 1 : 2;
    weir_clock_restore(&task->clock, clock_version, &in);
    for (unsigned k = 0; k < task->clock.n_held; k++)
        task->held_offset[k] = weir_get_long(&in);
    task->told = weir_get_long(&in);
    task->idle = weir_get_long(&in) != 0;
    task->partials = weir_get_count(&in, INT64_MAX);
    int code = in.failed
                   ? WEIR_ECORRUPT
                   : get_specs(task, version < 3 ? HELD_BEFORE : (int)task->clock.n_held, &in);
    if (!code)
        code = get_detectors(task, &in, &inner);
    if (!code)
        code = get_tallies(task, &in);
    if (!code && version >= 2)
        code = weir_edge_gate_restore(task, &in);
    if (!code && task->join)
        code = weir_edge_join_restore(task, clock_version, &in);
    if (!code && weir_reader_left(&in))
        code = WEIR_ECORRUPT;
    if (!code)
        return 0;
    return weir_error_set(
        error, code, "stream '%s' task %d: its state (%zu bytes) cannot be read%s%s",
        task->stream->info.name, task->task, length, inner.message[0] ? ": " : "", inner.message);
}
