// SPDX-License-Identifier: Apache-2.0
// Partials in, windows in order out: a pane closes when every expected task has passed its end.
#include "consumer/task/merger.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/alert/headers.h"
#include "consumer/http/metrics.h"
#include "consumer/log/log.h"

enum {
    TASKS = 1 << 16,    // a stream has not more
    EMPTY_PANES = 10000 // judged behind the last that has records
};

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
    key->recent = calloc((size_t)spec->panes_a_window + 1, sizeof *key->recent);
    key->nothing = calloc(spec->layout.n_slots + 1, sizeof *key->nothing);
    key->owners = calloc(spec->n_detectors + 1, sizeof *key->owners);
    if (!key->recent || !key->nothing || !key->owners)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for a window");
    for (size_t i = 0; i < spec->layout.n_slots; i++) {
        if (weir_summary_init(&key->nothing[i], &spec->slots[i].spec))
            return weir_error_set(error, WEIR_ENOMEM, "no memory for a window");
    }
    for (size_t i = 0; i < spec->n_detectors; i++) {
        key->n_owners++;
        int code = create_owner(merger, key, &key->owners[i],
                                &merger->plan->detectors[spec->detectors[i]], error);
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

// ---- closing

// The newest time that every expected task has reached. Tasks that have not spoken hold it back,
// idle ones do not; where all are idle it stays.
static int64_t watermark(const struct weir_merge_stream *stream)
{
    int64_t low = INT64_MAX;
    int heard = 0;
    if (!stream->expected || stream->n_known < (size_t)stream->expected)
        return stream->watermark;
    for (int32_t t = 0; t < stream->expected; t++) {
        const struct weir_merge_task *task = &stream->tasks[t];
        if (!task->known)
            return stream->watermark;
        if (task->idle)
            continue;
        heard = 1;
        low = task->newest < low ? task->newest : low;
    }
    return heard && low > stream->watermark ? low : stream->watermark;
}

// When the next window of a key closes; INT64_MAX: nothing to close.
static int64_t next_time(const struct weir_merge_key *key, int64_t newest)
{
    const struct weir_plan_spec *spec = key->plan;
    if (spec->window.records) {
        int64_t at = key->n_counted ? key->counted[0].pane->last_time : INT64_MAX;
        return at < newest ? at : INT64_MAX;
    }
    if (!key->started || (newest == INT64_MAX && !key->pending.n))
        return INT64_MAX;
    int64_t end = weir_time_add(key->next, spec->pane);
    return weir_time_add(end, spec->window.lateness) <= newest ? end : INT64_MAX;
}

// Quiet panes matter only while an incident of the stream's rules waits.
static int rules_wait(const struct weir_merger *merger, const struct weir_rules_key *rules)
{
    size_t n = merger->plan->streams[rules->stream].n_detectors;
    for (size_t i = 0; i < n; i++) {
        if (weir_alerts_waits(merger->alerts, rules->tracks[i]))
            return 1;
    }
    return 0;
}

static void pass_quiet(struct weir_rules_key *rules, int64_t newest)
{
    size_t n = 0;
    while (n < rules->n_pending && !rules->pending[n]->rules &&
           weir_time_add(rules->pending[n]->start, WEIR_RULE_PANE) <= newest) {
        rules->next = weir_time_add(rules->pending[n]->start, WEIR_RULE_PANE);
        weir_tally_pane_destroy(rules->pending[n++]);
    }
    rules->n_pending -= n;
    if (n)
        memmove(rules->pending, rules->pending + n, rules->n_pending * sizeof *rules->pending);
}

static int64_t next_rules(struct weir_merger *merger, struct weir_rules_key *rules, int64_t newest)
{
    if (!rules->owned || !rules->started)
        return INT64_MAX;
    int wait = rules_wait(merger, rules);
    if (!wait)
        pass_quiet(rules, newest);
    int64_t start = rules->n_pending ? rules->pending[0]->start : INT64_MAX;
    if (wait && newest != INT64_MAX && rules->next < start)
        start = rules->next;
    int64_t end = weir_time_add(start, WEIR_RULE_PANE);
    return end <= newest && start != INT64_MAX ? end : INT64_MAX;
}

static void shift(struct weir_open_panes *panes)
{
    memmove(panes->items, panes->items + 1, (panes->n - 1) * sizeof *panes->items);
    panes->n--;
}

// Tumbling windows are their pane; hopping ones add up the last few.
static int judge_recent(struct weir_merger *merger, struct weir_merge_key *key, int64_t end)
{
    const struct weir_plan_spec *spec = key->plan;
    struct weir_pane *window;
    int64_t n = spec->panes_a_window, start = end - spec->window.size;
    if (n == 1)
        return weir_merger_judge(merger, key, key->recent[0], start, end);
    int code = weir_pane_create(&spec->layout, start, end, &window);
    if (code)
        return code;
    for (int64_t i = 0; i < n && !code; i++)
        code = key->recent[i] ? weir_pane_merge(window, key->recent[i]) : 0;
    if (!code)
        code = weir_merger_judge(merger, key, window, start, end);
    weir_pane_destroy(window);
    return code;
}

// Empty panes are judged only so far behind the last that has records, in however many steps the
// watermark comes; further ones say nothing new and are passed over.
static int is_passed_over(const struct weir_merge_key *key)
{
    int64_t limit = key->plan->panes_a_window;
    limit = limit > EMPTY_PANES ? limit : EMPTY_PANES;
    return key->quiet >= limit && !(key->pending.n && key->pending.items[0]->start == key->next);
}

static void pass_over(const struct weir_merger *merger, struct weir_merge_key *key)
{
    int64_t newest = merger->streams[key->stream].watermark, to = INT64_MAX;
    if (newest != INT64_MAX)
        to = weir_pane_floor(weir_time_add(newest, -key->plan->window.lateness), key->plan->pane);
    if (key->pending.n && key->pending.items[0]->start < to)
        to = key->pending.items[0]->start;
    key->next = to;
}

static int close_pane(struct weir_merger *merger, struct weir_merge_key *key)
{
    const struct weir_plan_spec *spec = key->plan;
    struct weir_pane *pane = NULL;
    int64_t n = spec->panes_a_window, end = weir_time_add(key->next, spec->pane);
    if (is_passed_over(key)) {
        pass_over(merger, key);
        return 0;
    }
    if (key->pending.n && key->pending.items[0]->start == key->next) {
        pane = key->pending.items[0];
        shift(&key->pending);
    } else if (weir_pane_create(&spec->layout, key->next, end, &pane)) {
        return WEIR_ENOMEM;
    }
    key->quiet = pane->rows || pane->mixed ? 0 : key->quiet + 1;
    weir_pane_destroy(key->recent[0]);
    memmove(key->recent, key->recent + 1, ((size_t)n - 1) * sizeof *key->recent);
    key->recent[n - 1] = pane;
    // A window ends at multiples of its hop.
    int code = 0;
    if (end % spec->window.hop == 0 || spec->pane == spec->window.hop)
        code = judge_recent(merger, key, end);
    key->next = end;
    return code;
}

static int close_counted(struct weir_merger *merger, struct weir_merge_key *key)
{
    struct weir_pane *pane = key->counted[0].pane;
    int code =
        weir_merger_judge(merger, key, pane, pane->first_time, weir_time_add(pane->last_time, 1));
    weir_pane_destroy(pane);
    key->n_counted--;
    memmove(key->counted, key->counted + 1, key->n_counted * sizeof *key->counted);
    return code;
}

static int close_rules(struct weir_merger *merger, struct weir_rules_key *rules, int64_t end)
{
    int64_t start = end - WEIR_RULE_PANE;
    struct weir_tally_pane *pane = NULL;
    if (rules->n_pending && rules->pending[0]->start == start) {
        pane = rules->pending[0];
        rules->n_pending--;
        memmove(rules->pending, rules->pending + 1, rules->n_pending * sizeof *rules->pending);
    }
    int code = weir_merger_judge_rules(merger, rules, pane, start);
    weir_tally_pane_destroy(pane);
    rules->next = end;
    rules->closed = 1;
    return code;
}

// Everything of a stream that its watermark closes, in the order of time, whatever the steps in
// which the watermark came.
static int close_stream(struct weir_merger *merger, size_t stream)
{
    int64_t newest = merger->streams[stream].watermark;
    for (;;) {
        struct weir_rules_key *rules = &merger->rules[stream];
        struct weir_merge_key *first = NULL;
        int64_t at = next_rules(merger, rules, newest);
        for (size_t i = 0; i < merger->n_keys; i++) {
            if (merger->keys[i].stream != stream)
                continue;
            int64_t time = next_time(&merger->keys[i], newest);
            if (time < at) {
                at = time;
                first = &merger->keys[i];
            }
        }
        if (at == INT64_MAX)
            break;
        int code = !first                        ? close_rules(merger, rules, at)
                   : first->plan->window.records ? close_counted(merger, first)
                                                 : close_pane(merger, first);
        if (code)
            return code;
    }
    struct weir_rules_key *rules = &merger->rules[stream];
    // While nothing is open, quiet panes are passed over without a word.
    int64_t floor = newest == INT64_MIN || newest == INT64_MAX
                        ? rules->next
                        : weir_pane_floor(newest, WEIR_RULE_PANE);
    if (rules->started && floor > rules->next) {
        rules->next = floor;
        rules->closed = 1;
    }
    return 0;
}

// ---- partials

static struct weir_merge_key *find_key(struct weir_merger *merger, const char *name)
{
    for (size_t i = 0; i < merger->n_keys; i++) {
        if (!strcmp(merger->keys[i].plan->key, name))
            return &merger->keys[i];
    }
    return NULL;
}

int weir_merger_add_counted(struct weir_merge_key *key, int32_t task, struct weir_pane *pane)
{
    struct weir_counted *grown = realloc(key->counted, (key->n_counted + 1) * sizeof *grown);
    if (!grown)
        return WEIR_ENOMEM;
    key->counted = grown;
    size_t at = key->n_counted;
    while (at && (grown[at - 1].pane->last_time > pane->last_time ||
                  (grown[at - 1].pane->last_time == pane->last_time &&
                   (grown[at - 1].task > task ||
                    (grown[at - 1].task == task && grown[at - 1].pane->start > pane->start)))))
        at--;
    memmove(&grown[at + 1], &grown[at], (key->n_counted - at) * sizeof *grown);
    grown[at] = (struct weir_counted){task, pane};
    key->n_counted++;
    return 0;
}

static struct weir_pane *counted_pane(struct weir_merge_key *key,
                                      const struct weir_partial *partial, int *failed)
{
    for (size_t i = 0; i < key->n_counted; i++) {
        if (key->counted[i].task == partial->task &&
            key->counted[i].pane->start == partial->sequence)
            return key->counted[i].pane;
    }
    struct weir_pane *pane;
    if (weir_pane_create(&key->plan->layout, partial->sequence, partial->sequence, &pane)) {
        *failed = WEIR_ENOMEM;
        return NULL;
    }
    pane->last_time = partial->end;
    *failed = weir_merger_add_counted(key, partial->task, pane);
    if (*failed) {
        weir_pane_destroy(pane);
        return NULL;
    }
    return pane;
}

static int accept_pane(struct weir_merger *merger, const struct weir_partial *partial,
                       struct weir_error *error)
{
    struct weir_merge_key *key = find_key(merger, partial->key);
    int failed = 0;
    if (!key)
        return 0; // of a window spec that the configuration no longer has
    int64_t length = key->plan->pane;
    if (!key->plan->window.records) {
        if (key->started && key->sequence && partial->start < key->next) {
            WEIR_COUNT(partials_late, 1);
            return 0;
        }
        if (weir_pane_floor(partial->start, length) != partial->start)
            return weir_error_set(error, WEIR_ECORRUPT,
                                  "a partial of %s starts at %lld, within a "
                                  "pane",
                                  partial->key, (long long)partial->start);
    }
    struct weir_pane *pane = key->plan->window.records
                                 ? counted_pane(key, partial, &failed)
                                 : weir_open_pane(&key->pending, &key->plan->layout, partial->start,
                                                  weir_time_add(partial->start, length), &failed);
    if (!pane)
        return weir_error_set(error, failed, "no memory for a window");
    if (!key->started && !key->plan->window.records) {
        key->started = 1;
        key->next = partial->start;
    } else if (!key->plan->window.records && key->sequence == 0 && partial->start < key->next) {
        key->next = partial->start;
    }
    if (partial->hash != key->plan->hash) {
        pane->mixed = 1;
        return 0;
    }
    struct weir_reader in = weir_reader_make(partial->payload.data, partial->payload.length);
    int code = weir_pane_read_merge(pane, &in);
    return code ? weir_error_set(error, code, "a partial of %s, task %d, pane %lld does not decode",
                                 partial->key, partial->task, (long long)partial->start)
                : 0;
}

struct weir_tally_pane *weir_merger_tally(struct weir_rules_key *rules, int64_t start, int *failed)
{
    size_t at = rules->n_pending;
    while (at && rules->pending[at - 1]->start >= start) {
        if (rules->pending[at - 1]->start == start)
            return rules->pending[at - 1];
        at--;
    }
    struct weir_tally_pane *pane = NULL;
    struct weir_tally_pane **grown =
        realloc(rules->pending, (rules->n_pending + 1) * sizeof *grown);
    if (grown)
        rules->pending = grown;
    if (!grown || weir_tally_pane_create(rules->n_rules, start, &pane)) {
        *failed = WEIR_ENOMEM;
        return NULL;
    }
    memmove(&grown[at + 1], &grown[at], (rules->n_pending - at) * sizeof *grown);
    grown[at] = pane;
    rules->n_pending++;
    return pane;
}

int64_t weir_merger_find_rule(void *context, const char *detector, const char *rule)
{
    const struct weir_rule_names *names = context;
    const struct weir_plan_stream *stream = &names->plan->streams[names->rules->stream];
    for (size_t i = 0; names->rules->rule_base && i < stream->n_detectors; i++) {
        const struct weir_plan_detector *of = &names->plan->detectors[stream->detectors[i]];
        for (size_t r = 0; r < of->n_rules && !strcmp(of->name, detector); r++) {
            if (!strcmp(of->rules[r].rule.name, rule))
                return (int64_t)(names->rules->rule_base[i] + r);
        }
    }
    return -1;
}

static int accept_rules(struct weir_merger *merger, const struct weir_partial *partial,
                        struct weir_error *error)
{
    struct weir_rules_key *rules = NULL;
    for (size_t s = 0; s < merger->plan->n_streams; s++) {
        if (!strcmp(merger->plan->streams[s].rules_key, partial->key))
            rules = &merger->rules[s];
    }
    if (!rules || !rules->owned)
        return 0;
    struct weir_rule_names names = {merger->plan, rules};
    struct weir_reader in = weir_reader_make(partial->payload.data, partial->payload.length);
    size_t n = weir_get_count(&in, weir_reader_left(&in));
    int code = 0;
    for (size_t i = 0; i < n && !code && !in.failed; i++) {
        int64_t start = weir_pane_floor(weir_get_long(&in), WEIR_RULE_PANE);
        // A rule count is never lost: what comes late counts in the pane that is open.
        if (rules->closed && start < rules->next)
            start = rules->next;
        struct weir_tally_pane *pane = weir_merger_tally(rules, start, &code);
        if (!rules->started || start < rules->next) {
            rules->started = 1;
            rules->next = start;
        }
        if (pane)
            code = weir_tally_read_merge(pane, weir_merger_find_rule, &names, &in);
    }
    if (in.failed)
        code = WEIR_ECORRUPT;
    return code ? weir_error_set(error, code, "rule counts of %s, task %d do not decode",
                                 partial->key, partial->task)
                : 0;
}

// The gauge is the sum over all mergers of the process.
static void tell_open(struct weir_merger *merger, size_t open)
{
    WEIR_COUNT(incidents, open - merger->open_told);
    merger->open_told = open;
}

static int accept_control(struct weir_merger *merger, const struct weir_partial *partial,
                          struct weir_error *error)
{
    size_t s = 0;
    while (s < merger->plan->n_streams && strcmp(merger->plan->streams[s].info.name, partial->key))
        s++;
    if (s == merger->plan->n_streams)
        return 0;
    if (partial->task >= TASKS || partial->tasks > TASKS)
        return weir_error_set(error, WEIR_ECORRUPT, "a control record of %s names task %d",
                              partial->key, partial->task);
    struct weir_merge_stream *stream = &merger->streams[s];
    size_t need = (size_t)(partial->tasks > partial->task ? partial->tasks : partial->task + 1);
    if (need > stream->n_known) {
        struct weir_merge_task *grown = realloc(stream->tasks, need * sizeof *grown);
        if (!grown)
            return weir_error_set(error, WEIR_ENOMEM, "no memory for a stream's tasks");
        memset(grown + stream->n_known, 0, (need - stream->n_known) * sizeof *grown);
        stream->tasks = grown;
        stream->n_known = need;
    }
    // Partitions are only ever added.
    if (partial->tasks > stream->expected)
        stream->expected = partial->tasks;
    struct weir_merge_task *task = &stream->tasks[partial->task];
    if (!task->known || partial->end > task->newest)
        task->newest = partial->end;
    task->known = 1;
    task->idle = partial->idle;
    stream->watermark = watermark(stream);
    int code = close_stream(merger, s);
    tell_open(merger, weir_alerts_open(merger->alerts));
    return code ? weir_error_set(error, code, "windows of stream '%s' could not be judged: %s",
                                 partial->key, code == WEIR_ENOMEM ? "no memory" : "output failed")
                : 0;
}

int weir_merger_accept(struct weir_merger *merger, struct weir_span key, struct weir_span value,
                       struct weir_error *error)
{
    struct weir_partial partial;
    char name[256];
    (void)key; // the same name stands in the value, under its checksum
    int code = weir_partial_read(value.data, value.length, name, &partial, error);
    if (code)
        return code;
    switch (partial.type) {
    case WEIR_PARTIAL_PANE:
        return accept_pane(merger, &partial, error);
    case WEIR_PARTIAL_RULES:
        return accept_rules(merger, &partial, error);
    default:
        return accept_control(merger, &partial, error);
    }
}

void weir_merger_suppress(struct weir_merger *merger, int suppress)
{
    merger->suppress = suppress;
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

size_t weir_merger_memory(const struct weir_merger *merger)
{
    size_t bytes = sizeof *merger + weir_alerts_memory(merger->alerts);
    for (size_t i = 0; i < merger->n_keys; i++) {
        const struct weir_merge_key *key = &merger->keys[i];
        for (size_t k = 0; k < key->pending.n; k++)
            bytes += weir_pane_memory(key->pending.items[k]);
        for (int64_t k = 0; k < key->plan->panes_a_window; k++)
            bytes += key->recent[k] ? weir_pane_memory(key->recent[k]) : 0;
        bytes += key->tracked_capacity * sizeof *key->tracked;
    }
    return bytes;
}
