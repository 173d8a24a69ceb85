// SPDX-License-Identifier: Apache-2.0
// Records of the partials topic: panes, rule counts and tasks' newest times come in.
#include <stdlib.h>
#include <string.h>

#include "consumer/http/metrics.h"
#include "consumer/log/log.h"
#include "consumer/task/merger.h"

enum { TASKS = 1 << 16 }; // a stream has not more

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
    pane->room = key->pending.room;
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
        int64_t start = weir_get_long(&in);
        if (!weir_partial_is_time(start)) // of what was counted before there was any time
            start = start < 0 ? -WEIR_PARTIAL_FAR : WEIR_PARTIAL_FAR;
        start = weir_pane_floor(start, WEIR_RULE_PANE);
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
    if (!code)
        code = weir_reader_code(&in);
    if (code == WEIR_ENOMEM)
        return weir_error_set(error, code, "no memory for rule counts of %s", partial->key);
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
    // A partition that was just added may speak before task 0 has heard of it.
    if (stream->expected && partial->task >= stream->expected)
        stream->expected = partial->task + 1;
    struct weir_merge_task *task = &stream->tasks[partial->task];
    if (!task->known || partial->end > task->newest)
        task->newest = partial->end;
    if (task->newest != INT64_MAX)
        task->reached = task->newest;
    task->known = 1;
    task->idle = partial->idle;
    stream->watermark = weir_merger_watermark(stream);
    int code = weir_merger_close_stream(merger, s);
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
    case WEIR_PARTIAL_ACCEPTED:
        return weir_merger_accept_calibration(merger, &partial, error);
    default:
        return accept_control(merger, &partial, error);
    }
}
