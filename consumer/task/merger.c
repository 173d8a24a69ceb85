// SPDX-License-Identifier: Apache-2.0
// The life of a merger, and what it tells.
#include "consumer/task/merger.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/alert/headers.h"
#include "consumer/http/metrics.h"
#include "consumer/log/log.h"

// ---- create, destroy

static int sink(void *context, const struct weir_alert *alert)
{
    struct weir_merger *merger = context;
    struct weir_alert_headers headers;
    if (merger->suppress)
        return 0;
    weir_buffer_reset(&merger->json);
    int code = weir_alert_json(alert, &merger->json);
    if (code)
        return code;
    weir_alert_headers(alert, &headers);
    struct weir_emission emission = {
        .output = WEIR_OUTPUT_ALERTS,
        .partition = -1,
        .timestamp = alert->updated_at,
        .key = {(const uint8_t *)alert->fingerprint, strlen(alert->fingerprint)},
        .value = {merger->json.data, merger->json.length},
        .headers = headers.headers,
        .n_headers = WEIR_ALERT_HEADERS,
        .alert = alert,
        .source_row = -1,
        .decided_at = alert->updated_at,
    };
    WEIR_COUNT(alerts, 1);
    if (alert->status == WEIR_ALERT_OPEN)
        weir_plan_spend(merger->plan, alert->detector, alert->finding.kind);
    return merger->emitter.emit(merger->emitter.context, &emission);
}

static int64_t given(int64_t value, int64_t otherwise)
{
    return value >= 0 ? value : otherwise;
}

static int add_track(struct weir_merger *merger, const struct weir_plan_detector *detector,
                     int64_t step, int record_rules)
{
    const struct weir_detector_entry *entry = detector->entry;
    struct weir_alert_track track = {
        .detector = detector->name,
        .detector_type = detector->type,
        .stream = merger->plan->streams[detector->stream].info.name,
        .runbook = entry ? entry->runbook : NULL,
        .open_after = given(entry ? entry->open_after : -1, 1),
        .resolve_after = given(entry ? entry->resolve_after : -1, record_rules ? 30 : 3),
        .repeat = entry ? entry->repeat : 3600000,
        .severity_cap = entry ? entry->severity : -1,
        .record_rules = record_rules,
        .step = step,
    };
    return weir_alerts_track(merger->alerts, &track);
}

static int create_owner(struct weir_merger *merger, struct weir_merge_key *key,
                        struct weir_owner *owner, const struct weir_plan_detector *detector,
                        struct weir_error *error)
{
    size_t n_fields = detector->config.stream->n_fields;
    owner->plan = detector;
    owner->track = add_track(merger, detector, key->plan->window.records ? 0 : key->plan->pane, 0);
    owner->slot = calloc((detector->config.n_by + 1) * n_fields + 1, sizeof *owner->slot);
    if (owner->track < 0 || !owner->slot)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for a detector");
    for (size_t by = 0; by <= detector->config.n_by; by++) {
        for (size_t f = 0; f < n_fields; f++) {
            size_t position;
            const struct weir_slot *slot =
                weir_plan_slot(key->plan, by ? detector->by[by - 1] : 0, (int)f,
                               weir_plan_cells(detector, (int)f), &position);
            owner->slot[by * n_fields + f] = slot ? (int32_t)position : -1;
        }
    }
    if (!detector->plugin->owner_create)
        return 0;
    return detector->plugin->owner_create(detector->instance, &owner->owner, error);
}

static int create_key(struct weir_merger *merger, size_t stream, const struct weir_plan_spec *spec,
                      struct weir_error *error)
{
    struct weir_merge_key *key = &merger->keys[merger->n_keys++];
    key->plan = spec;
    key->stream = stream;
    key->pending.room = &merger->room;
    key->recent = calloc((size_t)spec->panes_a_window + 1, sizeof *key->recent);
    key->nothing = calloc(spec->layout.n_slots + 1, sizeof *key->nothing);
    key->owners = calloc(spec->n_detectors + 1, sizeof *key->owners);
    if (!key->recent || !key->nothing || !key->owners)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for a window");
    for (size_t i = 0; i < spec->layout.n_slots; i++) {
        if (weir_summary_init(&key->nothing[i], &spec->slots[i].spec))
            return weir_error_set(error, WEIR_ENOMEM, "no memory for a window");
    }
    key->slice_bytes = 2 * sizeof *key->tracked + weir_plan_owners_slice(merger->plan, spec);
    for (size_t i = 0; i < spec->n_detectors; i++) {
        const struct weir_plan_detector *detector = &merger->plan->detectors[spec->detectors[i]];
        key->n_owners++;
        int code = create_owner(merger, key, &key->owners[i], detector, error);
        if (code)
            return code;
    }
    const struct weir_plan_stream *of = &merger->plan->streams[stream];
    const struct weir_plan_detector *host =
        &merger->plan->detectors[of->detectors[of->n_detectors - 1]];
    key->host_track = add_track(merger, host, spec->window.records ? 0 : spec->pane, 0);
    return key->host_track < 0 ? weir_error_set(error, WEIR_ENOMEM, "no memory for a window") : 0;
}

static int create_rules(struct weir_merger *merger, size_t stream, struct weir_error *error)
{
    const struct weir_plan_stream *plan = &merger->plan->streams[stream];
    struct weir_rules_key *rules = &merger->rules[stream];
    rules->stream = stream;
    rules->owned = plan->rules_partition == merger->partition;
    rules->rule_base = calloc(plan->n_detectors + 1, sizeof *rules->rule_base);
    rules->tracks = calloc(plan->n_detectors + 1, sizeof *rules->tracks);
    if (!rules->rule_base || !rules->tracks)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for a stream's rules");
    for (size_t i = 0; i < plan->n_detectors; i++) {
        const struct weir_plan_detector *detector = &merger->plan->detectors[plan->detectors[i]];
        rules->rule_base[i] = rules->n_rules;
        rules->n_rules += detector->n_rules;
        rules->tracks[i] = rules->owned ? add_track(merger, detector, WEIR_RULE_PANE, 1) : -1;
        if (rules->owned && rules->tracks[i] < 0)
            return weir_error_set(error, WEIR_ENOMEM, "no memory for a stream's rules");
    }
    return 0;
}

static int create_parts(struct weir_merger *merger, struct weir_error *error)
{
    const struct weir_plan *plan = merger->plan;
    size_t n_specs = 0;
    for (size_t s = 0; s < plan->n_streams; s++)
        n_specs += plan->streams[s].n_specs;
    merger->streams = calloc(plan->n_streams + 1, sizeof *merger->streams);
    merger->rules = calloc(plan->n_streams + 1, sizeof *merger->rules);
    merger->keys = calloc(n_specs + 1, sizeof *merger->keys);
    if (!merger->streams || !merger->rules || !merger->keys)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for a merger");
    struct weir_alerts_options options = {
        .app = plan->config->app, .redact = plan->config->redact, .sink = sink, .context = merger};
    int code = weir_alerts_create(&options, &merger->alerts, error);
    for (size_t s = 0; s < plan->n_streams && !code; s++) {
        merger->streams[s].watermark = INT64_MIN;
        code = create_rules(merger, s, error);
        for (size_t k = 0; k < plan->streams[s].n_specs && !code; k++) {
            if (plan->streams[s].specs[k].partition == merger->partition)
                code = create_key(merger, s, &plan->streams[s].specs[k], error);
        }
    }
    return code;
}

int weir_merger_create(const struct weir_plan *plan, int32_t partition,
                       const struct weir_emitter *emitter, struct weir_merger **out,
                       struct weir_error *error)
{
    struct weir_merger *merger = calloc(1, sizeof *merger);
    if (!merger)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for a merger");
    merger->plan = plan;
    merger->partition = partition;
    merger->emitter = *emitter;
    merger->room = INT64_MAX;
    weir_buffer_init(&merger->json, WEIR_BUFFER_MAXIMUM);
    int code = create_parts(merger, error);
    if (code) {
        weir_merger_destroy(merger);
        return code;
    }
    *out = merger;
    return 0;
}

static void destroy_key(struct weir_merge_key *key)
{
    weir_open_panes_free(&key->pending);
    for (size_t i = 0; i < key->n_counted; i++)
        weir_pane_destroy(key->counted[i].pane);
    for (int64_t i = 0; key->recent && i < key->plan->panes_a_window; i++)
        weir_pane_destroy(key->recent[i]);
    for (size_t i = 0; i < key->n_tracked; i++)
        free(key->tracked[i].key);
    for (size_t i = 0; key->nothing && i < key->plan->layout.n_slots; i++)
        weir_summary_free(&key->nothing[i]);
    for (size_t i = 0; i < key->n_owners; i++) {
        if (key->owners[i].owner)
            key->owners[i].plan->plugin->owner_destroy(key->owners[i].owner);
        free(key->owners[i].slot);
    }
    free(key->counted);
    free(key->recent);
    free(key->tracked);
    free(key->nothing);
    free(key->owners);
}

void weir_merger_destroy(struct weir_merger *merger)
{
    if (!merger)
        return;
    WEIR_COUNT(incidents, -(uint64_t)merger->open_told);
    for (size_t i = 0; i < merger->n_keys; i++)
        destroy_key(&merger->keys[i]);
    for (size_t s = 0; s < merger->plan->n_streams; s++) {
        struct weir_rules_key *rules = merger->rules ? &merger->rules[s] : NULL;
        for (size_t i = 0; rules && i < rules->n_pending; i++)
            weir_tally_pane_destroy(rules->pending[i]);
        if (rules) {
            free(rules->pending);
            free(rules->rule_base);
            free(rules->tracks);
        }
        if (merger->streams)
            free(merger->streams[s].tasks);
    }
    free(merger->streams);
    free(merger->rules);
    free(merger->keys);
    free(merger->reported);
    weir_alerts_destroy(merger->alerts);
    weir_buffer_free(&merger->json);
    free(merger);
}

void weir_merger_suppress(struct weir_merger *merger, int suppress)
{
    merger->suppress = suppress;
}

void weir_merger_tells(struct weir_merger *merger, int on)
{
    merger->tells = on;
}

void weir_merger_windows(struct weir_merger *merger, int on)
{
    merger->windows = on;
}

// A stream that has not begun cannot have decided anything: it holds the others' alerts back
// only until it ends.
int64_t weir_merger_decided(const struct weir_merger *merger)
{
    int64_t low = INT64_MAX;
    for (size_t s = 0; s < merger->plan->n_streams; s++) {
        const struct weir_merge_stream *stream = &merger->streams[s];
        if (stream->watermark == INT64_MAX)
            continue;
        int64_t at = stream->watermark == INT64_MIN
                         ? INT64_MIN
                         : weir_pane_floor(stream->watermark, WEIR_RULE_PANE);
        low = at < low ? at : low;
        for (size_t i = 0; i < merger->n_keys; i++) {
            const struct weir_merge_key *key = &merger->keys[i];
            if (key->stream == s && !key->plan->window.records && key->started && key->next < low)
                low = key->next;
        }
    }
    return low;
}

void weir_merger_room(struct weir_merger *merger, int64_t bytes)
{
    merger->room = bytes;
}

int64_t weir_merger_room_left(const struct weir_merger *merger)
{
    return merger->room;
}

static size_t key_memory(const struct weir_merge_key *key)
{
    size_t bytes = key->tracked_capacity * sizeof *key->tracked +
                   key->n_counted * sizeof *key->counted +
                   key->pending.capacity * sizeof *key->pending.items;
    for (size_t i = 0; i < key->pending.n; i++)
        bytes += weir_pane_memory(key->pending.items[i]);
    for (size_t i = 0; i < key->n_counted; i++)
        bytes += weir_pane_memory(key->counted[i].pane);
    for (int64_t i = 0; i < key->plan->panes_a_window; i++)
        bytes += sizeof *key->recent + (key->recent[i] ? weir_pane_memory(key->recent[i]) : 0);
    for (size_t i = 0; i < key->n_tracked; i++)
        bytes += key->tracked[i].length;
    for (size_t i = 0; i < key->plan->layout.n_slots; i++)
        bytes += weir_summary_memory(&key->nothing[i]);
    return bytes;
}

struct weir_task_memory weir_merger_memory(const struct weir_merger *merger)
{
    struct weir_task_memory memory = {.windows = sizeof *merger + merger->json.capacity +
                                                 weir_alerts_memory(merger->alerts)};
    for (size_t i = 0; i < merger->n_keys; i++) {
        const struct weir_merge_key *key = &merger->keys[i];
        memory.windows += key_memory(key);
        for (size_t k = 0; k < key->n_owners; k++) {
            const struct weir_plugin *plugin = key->owners[k].plan->plugin;
            if (key->owners[k].owner)
                memory.detectors += weir_role_memory(key->owners[k].owner, plugin->owner_memory,
                                                     plugin->owner_save);
        }
    }
    for (size_t s = 0; s < merger->plan->n_streams; s++) {
        const struct weir_rules_key *rules = &merger->rules[s];
        for (size_t i = 0; i < rules->n_pending; i++)
            memory.windows += weir_tally_memory(rules->pending[i]);
        memory.windows += merger->streams[s].n_known * sizeof *merger->streams[s].tasks;
    }
    return memory;
}
