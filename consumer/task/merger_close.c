// SPDX-License-Identifier: Apache-2.0
// Windows in order: a pane closes when every expected task has passed its end.
#include <stdlib.h>
#include <string.h>

#include "consumer/http/metrics.h"
#include "consumer/log/log.h"
#include "consumer/task/merger.h"

enum { EMPTY_PANES = 10000 }; // judged behind the last that has records

// The newest time that every expected task has reached. Tasks that have not spoken hold it back,
// idle ones do not; where all are idle it stays.
int64_t weir_merger_watermark(const struct weir_merge_stream *stream)
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
    // One of another configuration has no records here, and so no first.
    int64_t first = pane->first_time <= pane->last_time ? pane->first_time : pane->last_time;
    int code = weir_merger_judge(merger, key, pane, first, weir_time_add(pane->last_time, 1));
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
int weir_merger_close_stream(struct weir_merger *merger, size_t stream)
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
