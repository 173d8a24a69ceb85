// SPDX-License-Identifier: Apache-2.0
// A merger's state as bytes; parts are found again by name, as an edge task's are.
#include <stdlib.h>
#include <string.h>

#include "consumer/task/merger.h"
#include "consumer/task/state.h"

enum { MERGER_STATE_VERSION = 1, TASKS = 1 << 16 };

// ---- saving

static void name_rule(void *context, size_t rule, const char **detector, const char **name)
{
    const struct weir_rule_names *names = context;
    const struct weir_plan_stream *stream = &names->plan->streams[names->rules->stream];
    size_t d = stream->n_detectors - 1;
    while (names->rules->rule_base[d] > rule)
        d--;
    const struct weir_plan_detector *detector_plan = &names->plan->detectors[stream->detectors[d]];
    *detector = detector_plan->name;
    *name = detector_plan->rules[rule - names->rules->rule_base[d]].rule.name;
}

static int put_key_body(const struct weir_merge_key *key, struct weir_buffer *out)
{
    int code = 0;
    weir_put_long(out, key->started);
    weir_put_long(out, key->next);
    weir_put_long(out, (int64_t)key->sequence);
    weir_put_long(out, key->quiet);
    weir_put_long(out, (int64_t)key->pending.n);
    for (size_t i = 0; i < key->pending.n && !code; i++)
        code = weir_state_put_pane(key->pending.items[i], out);
    weir_put_long(out, (int64_t)key->n_counted);
    for (size_t i = 0; i < key->n_counted && !code; i++) {
        weir_put_long(out, key->counted[i].task);
        code = weir_state_put_pane(key->counted[i].pane, out);
    }
    weir_put_long(out, key->plan->panes_a_window);
    for (int64_t i = 0; i < key->plan->panes_a_window && !code; i++) {
        weir_put_long(out, key->recent[i] != NULL);
        code = key->recent[i] ? weir_state_put_pane(key->recent[i], out) : 0;
    }
    weir_put_long(out, (int64_t)key->n_tracked);
    for (size_t i = 0; i < key->n_tracked; i++) {
        weir_put_long(out, key->tracked[i].by);
        weir_put_bytes(out, key->tracked[i].key, key->tracked[i].length);
        weir_put_long(out, key->tracked[i].seen);
    }
    return code ? code : out->failed ? WEIR_ENOMEM : 0;
}

static int put_key(const struct weir_merge_key *key, struct weir_buffer *out)
{
    struct weir_buffer body;
    weir_buffer_init(&body, WEIR_BUFFER_MAXIMUM);
    int code = put_key_body(key, &body);
    weir_put_string(out, key->plan->key);
    weir_put_fixed64(out, key->plan->hash);
    weir_put_bytes(out, body.data, body.length);
    weir_buffer_free(&body);
    weir_put_long(out, (int64_t)key->n_owners);
    for (size_t i = 0; i < key->n_owners && !code; i++) {
        const struct weir_owner *owner = &key->owners[i];
        code = weir_state_put_role(owner->plan, owner->owner, owner->plan->plugin->owner_save, out);
        weir_put_long(out, owner->failures);
        weir_put_long(out, owner->skip);
        weir_put_long(out, owner->disabled);
    }
    return code;
}

static int put_stream(const struct weir_merger *merger, size_t s, struct weir_buffer *out)
{
    const struct weir_merge_stream *stream = &merger->streams[s];
    const struct weir_rules_key *rules = &merger->rules[s];
    struct weir_rule_names names = {merger->plan, rules};
    int code = 0;
    weir_put_string(out, merger->plan->streams[s].info.name);
    weir_put_long(out, stream->expected);
    weir_put_long(out, stream->watermark);
    weir_put_long(out, (int64_t)stream->n_known);
    for (size_t t = 0; t < stream->n_known; t++) {
        weir_put_long(out, stream->tasks[t].known);
        weir_put_long(out, stream->tasks[t].idle);
        weir_put_long(out, stream->tasks[t].newest);
    }
    weir_put_long(out, rules->started);
    weir_put_long(out, rules->closed);
    weir_put_long(out, rules->next);
    weir_put_long(out, (int64_t)rules->n_pending);
    for (size_t i = 0; i < rules->n_pending && !code; i++) {
        weir_put_long(out, rules->pending[i]->start);
        code = weir_tally_write(rules->pending[i], name_rule, &names, out);
    }
    return code;
}

int weir_merger_save(const struct weir_merger *merger, struct weir_buffer *out)
{
    int code = 0;
    weir_put_long(out, MERGER_STATE_VERSION);
    weir_put_long(out, (int64_t)merger->plan->n_streams);
    for (size_t s = 0; s < merger->plan->n_streams && !code; s++)
        code = put_stream(merger, s, out);
    weir_put_long(out, (int64_t)merger->n_keys);
    for (size_t i = 0; i < merger->n_keys && !code; i++)
        code = put_key(&merger->keys[i], out);
    if (!code)
        code = weir_alerts_save(merger->alerts, out);
    return code ? code : out->failed ? WEIR_ENOMEM : 0;
}

// ---- restoring

static int get_pane(const struct weir_pane_layout *layout, struct weir_reader *in,
                    struct weir_pane **out)
{
    size_t length;
    int64_t start = weir_get_long(in), end = weir_get_long(in);
    const uint8_t *bytes = weir_get_bytes(in, &length);
    if (in->failed)
        return WEIR_ECORRUPT;
    struct weir_pane *pane;
    int code = weir_pane_create(layout, start, end, &pane);
    if (code)
        return code;
    struct weir_reader piece = weir_reader_make(bytes, length);
    code = weir_pane_read_merge(pane, &piece);
    if (code) {
        weir_pane_destroy(pane);
        return code;
    }
    *out = pane;
    return 0;
}

// A pane of another configuration: what it had does not fit any more, and so it is not to be
// judged.
static int get_mixed_pane(const struct weir_pane_layout *layout, struct weir_reader *in,
                          struct weir_pane **out)
{
    size_t length;
    int64_t start = weir_get_long(in), end = weir_get_long(in);
    weir_get_bytes(in, &length);
    int code = in->failed ? WEIR_ECORRUPT : weir_pane_create(layout, start, end, out);
    if (!code)
        (*out)->mixed = 1;
    return code;
}

static int get_pending(struct weir_merge_key *key, int same, struct weir_reader *in)
{
    int code = 0;
    size_t n = weir_get_count(in, weir_reader_left(in));
    for (size_t i = 0; i < n && !code && !in->failed; i++) {
        struct weir_pane *from;
        code = same ? get_pane(&key->plan->layout, in, &from)
                    : get_mixed_pane(&key->plan->layout, in, &from);
        if (code)
            return code;
        struct weir_pane *into =
            weir_open_pane(&key->pending, &key->plan->layout, from->start, from->end, &code);
        if (into)
            code = weir_pane_merge(into, from);
        weir_pane_destroy(from);
    }
    n = weir_get_count(in, weir_reader_left(in));
    for (size_t i = 0; i < n && !code && !in->failed; i++) {
        int32_t task = (int32_t)weir_get_count(in, TASKS);
        struct weir_pane *pane;
        code = get_pane(&key->plan->layout, in, &pane);
        if (!code && weir_merger_add_counted(key, task, pane)) {
            weir_pane_destroy(pane);
            code = WEIR_ENOMEM;
        }
    }
    return code ? code : weir_reader_code(in);
}

static int get_tracked(struct weir_merger *merger, struct weir_merge_key *key,
                       struct weir_reader *in)
{
    size_t n = weir_get_count(in, weir_reader_left(in));
    for (size_t i = 0; i < n && !in->failed; i++) {
        size_t length;
        struct weir_span values[WEIR_SLICE_FIELDS];
        unsigned by = (unsigned)weir_get_count(in, key->plan->layout.n_by - 1);
        const uint8_t *bytes = weir_get_bytes(in, &length);
        int64_t seen = weir_get_long(in);
        if (in->failed || weir_pane_key_values(bytes, length, values, WEIR_SLICE_FIELDS) !=
                              key->plan->n_by_names[by])
            return WEIR_ECORRUPT;
        weir_merger_track(merger, key, by, bytes, length, weir_pane_hash(by, bytes, length), seen);
    }
    return in->failed ? weir_reader_code(in) : merger->failed;
}

// Panes close by their starts: one that is not where a pane starts, or lies behind the next, would
// wait for ever.
static int check_order(const struct weir_merge_key *key)
{
    int64_t pane = key->plan->pane;
    if (key->plan->window.records)
        return key->pending.n || key->started ? WEIR_ECORRUPT : 0;
    if (key->n_counted || (key->pending.n && !key->started) ||
        (key->next != INT64_MAX && weir_pane_floor(key->next, pane) != key->next))
        return WEIR_ECORRUPT;
    for (size_t i = 0; i < key->pending.n; i++) {
        int64_t start = key->pending.items[i]->start;
        if (start < key->next || weir_pane_floor(start, pane) != start)
            return WEIR_ECORRUPT;
    }
    return 0;
}

// `same`: it was written under this very configuration. Else its windows go on, but those that
// have begun are not judged.
static int get_key_body(struct weir_merger *merger, struct weir_merge_key *key, int same,
                        struct weir_reader *in)
{
    key->started = weir_get_long(in) != 0;
    key->next = weir_get_long(in);
    key->sequence = weir_get_count(in, INT64_MAX);
    key->quiet = (int64_t)weir_get_count(in, INT64_MAX);
    int code = get_pending(key, same, in);
    if (!code)
        code = check_order(key);
    int64_t n = weir_get_long(in);
    if (!code && n != key->plan->panes_a_window)
        code = WEIR_ECORRUPT;
    for (int64_t i = 0; i < n && !code && !in->failed; i++) {
        weir_pane_destroy(key->recent[i]);
        key->recent[i] = NULL;
        if (weir_get_long(in))
            code = same ? get_pane(&key->plan->layout, in, &key->recent[i])
                        : get_mixed_pane(&key->plan->layout, in, &key->recent[i]);
    }
    if (!code && same)
        code = get_tracked(merger, key, in);
    return code ? code : weir_reader_code(in);
}

static int get_key(struct weir_merger *merger, struct weir_reader *in, struct weir_error *error)
{
    char name[256];
    size_t length;
    weir_get_string(in, name, sizeof name);
    uint64_t hash = weir_get_fixed64(in);
    const uint8_t *bytes = weir_get_bytes(in, &length);
    struct weir_merge_key *key = NULL;
    for (size_t i = 0; i < merger->n_keys && !in->failed; i++) {
        if (!strcmp(merger->keys[i].plan->key, name))
            key = &merger->keys[i];
    }
    int code = 0;
    // What a changed spec had summarised does not fit any more; its detectors' own state does.
    if (key && (key->plan->hash == hash || !key->plan->window.records)) {
        struct weir_reader body = weir_reader_make(bytes, length);
        code = get_key_body(merger, key, key->plan->hash == hash, &body);
    }
    size_t n = weir_get_count(in, weir_reader_left(in));
    for (size_t i = 0; i < n && !code && !in->failed; i++) {
        struct weir_state_role role;
        code = weir_state_get_role(in, &role);
        uint32_t failures = (uint32_t)weir_get_count(in, UINT32_MAX);
        uint32_t skip = (uint32_t)weir_get_count(in, UINT32_MAX);
        int disabled = weir_get_long(in) != 0;
        for (size_t k = 0; key && k < key->n_owners && !code && !in->failed; k++) {
            struct weir_owner *owner = &key->owners[k];
            if (!weir_state_fits(&role, owner->plan))
                continue;
            owner->failures = failures;
            owner->skip = skip;
            owner->disabled = disabled;
            if (owner->owner && weir_reader_left(&role.bytes))
                code = owner->plan->plugin->owner_restore(owner->owner, role.version, &role.bytes,
                                                          error);
            if (!code)
                weir_merger_tell_calibration(merger, owner, 1);
        }
    }
    return code ? code : weir_reader_code(in);
}

static int get_stream(struct weir_merger *merger, struct weir_reader *in)
{
    char name[256];
    struct weir_merge_stream unknown_stream = {0}, *stream = &unknown_stream;
    struct weir_rules_key unknown_rules = {0}, *rules = &unknown_rules;
    weir_get_string(in, name, sizeof name);
    for (size_t s = 0; s < merger->plan->n_streams && !in->failed; s++) {
        if (!strcmp(merger->plan->streams[s].info.name, name)) {
            stream = &merger->streams[s];
            rules = &merger->rules[s];
        }
    }
    stream->expected = (int32_t)weir_get_count(in, TASKS);
    stream->watermark = weir_get_long(in);
    size_t n = weir_get_count(in, TASKS);
    if (in->failed || n > weir_reader_left(in))
        return WEIR_ECORRUPT;
    free(stream->tasks);
    stream->tasks = calloc(n + 1, sizeof *stream->tasks);
    if (!stream->tasks)
        return WEIR_ENOMEM;
    stream->n_known = n;
    for (size_t t = 0; t < n; t++) {
        stream->tasks[t].known = weir_get_long(in) != 0;
        stream->tasks[t].idle = weir_get_long(in) != 0;
        stream->tasks[t].newest = weir_get_long(in);
        stream->tasks[t].reached =
            stream->tasks[t].newest == INT64_MAX ? 0 : stream->tasks[t].newest;
    }
    free(unknown_stream.tasks);
    rules->started = weir_get_long(in) != 0;
    rules->closed = weir_get_long(in) != 0;
    rules->next = weir_get_long(in);
    struct weir_rule_names names = {merger->plan, rules};
    n = weir_get_count(in, weir_reader_left(in));
    int code = in->failed ? WEIR_ECORRUPT : 0;
    for (size_t i = 0; i < n && !code && !in->failed; i++) {
        struct weir_tally_pane *pane = weir_merger_tally(rules, weir_get_long(in), &code);
        if (pane)
            code = weir_tally_read_merge(pane, weir_merger_find_rule, &names, in);
    }
    for (size_t i = 0; i < unknown_rules.n_pending; i++)
        weir_tally_pane_destroy(unknown_rules.pending[i]);
    free(unknown_rules.pending);
    return code ? code : weir_reader_code(in);
}

int weir_merger_restore(struct weir_merger *merger, const void *data, size_t length,
                        struct weir_error *error)
{
    struct weir_reader in = weir_reader_make(data, length);
    struct weir_error inner = {0};
    int64_t version = weir_get_long(&in);
    if (!in.failed && version != MERGER_STATE_VERSION)
        return weir_error_set(error, WEIR_EVERSION,
                              "state of version %lld, and this weir reads %d: run the version that "
                              "wrote it",
                              (long long)version, MERGER_STATE_VERSION);
    size_t n = weir_get_count(&in, weir_reader_left(&in));
    int code = in.failed ? WEIR_ECORRUPT : 0;
    for (size_t i = 0; i < n && !code; i++)
        code = get_stream(merger, &in);
    n = weir_get_count(&in, weir_reader_left(&in));
    for (size_t i = 0; i < n && !code; i++)
        code = get_key(merger, &in, &inner);
    if (!code && in.failed)
        code = WEIR_ECORRUPT;
    if (!code)
        code = weir_alerts_restore(merger->alerts, &in, &inner);
    if (!code && weir_reader_left(&in))
        code = WEIR_ECORRUPT;
    if (!code)
        return 0;
    return weir_error_set(error, code, "merger %d: its state (%zu bytes) cannot be read%s%s",
                          merger->partition, length, inner.message[0] ? ": " : "", inner.message);
}
