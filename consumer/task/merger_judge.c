// SPDX-License-Identifier: Apache-2.0
// A closed window goes to its owners, a closed rule pane becomes findings; both end in alerts.
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/http/metrics.h"
#include "consumer/log/log.h"
#include "consumer/task/merger.h"
#include "stats/value_text.h"

enum { FAILURES = 5, OFFSETS = 64 };

// ---- the window as an owner sees it

struct view {
    struct weir_window api;
    struct weir_merger *merger;
    struct weir_slice *slices;
    unsigned *layout_by; // per slice
    int64_t *positions;  // per slice: in the pane, -1: no records
    struct weir_slice_value *values;
    char *text;
    struct weir_span *extracts;
};

static const struct view *view_of(const struct weir_window *window)
{
    return (const struct view *)window->host;
}

static const struct weir_summary *window_summary(const struct weir_window *window, size_t slice,
                                                 int field)
{
    const struct view *view = view_of(window);
    const struct weir_owner *owner = view->merger->owner;
    const struct weir_stream *stream = owner->plan->config.stream;
    if (slice >= window->n_slices || field < 0 || (size_t)field >= stream->n_fields)
        return NULL;
    int32_t slot = owner->slot[window->slices[slice].by * stream->n_fields + (size_t)field];
    if (slot < 0)
        return NULL;
    const struct weir_pane_layout *layout = &view->merger->key->plan->layout;
    if (view->positions[slice] < 0)
        return &view->merger->key->nothing[slot];
    return &view->merger->window->slices[view->positions[slice]]
                .summaries[(size_t)slot - layout->first_slot[view->layout_by[slice]]];
}

static const struct weir_summary *window_pane(const struct weir_window *window, size_t i, int field)
{
    const struct view *view = view_of(window);
    const struct weir_owner *owner = view->merger->owner;
    const struct weir_merge_key *key = view->merger->key;
    const struct weir_stream *stream = owner->plan->config.stream;
    if (i >= window->n_panes || field < 0 || (size_t)field >= stream->n_fields)
        return NULL;
    int32_t slot = owner->slot[field];
    const struct weir_pane *pane = window->n_panes == 1 ? view->merger->window : key->recent[i];
    if (slot < 0)
        return NULL;
    return pane ? &pane->slices[0].summaries[slot] : &key->nothing[slot];
}

static const struct weir_summary *window_reference(const struct weir_window *window, size_t i,
                                                   int field)
{
    return weir_plan_reference_summary(view_of(window)->merger->owner->plan, i, field);
}

static const struct weir_reservoir *window_sample(const struct weir_window *window)
{
    return view_of(window)->merger->window->sample;
}

static const struct weir_reservoir *window_reference_sample(const struct weir_window *window,
                                                            size_t i)
{
    const struct weir_profile *profile =
        weir_plan_reference(view_of(window)->merger->owner->plan, i);
    return profile ? profile->sample : NULL;
}

static void find(struct weir_merger *merger, const char *detector,
                 const struct weir_finding *finding)
{
    WEIR_COUNT(findings, 1);
    int code = weir_alerts_find(merger->alerts, finding);
    if (code == WEIR_ENOMEM)
        merger->failed = code;
    else if (code)
        weir_log(WEIR_LOG_ERROR, "detector", "%s: its finding of rule '%s', kind '%s' is refused",
                 detector, finding->rule ? finding->rule : "?",
                 finding->kind ? finding->kind : "?");
}

static void window_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    struct weir_merger *merger = view_of(window)->merger;
    find(merger, merger->owner->plan->name, finding);
}

static void window_report(const struct weir_window *window, size_t slice, int field,
                          const struct weir_statistic *statistic)
{
    struct weir_merger *merger = view_of(window)->merger;
    if (!merger->windows || slice)
        return;
    struct weir_reported *grown =
        realloc(merger->reported, (merger->n_reported + 1) * sizeof *grown);
    if (!grown) {
        merger->failed = WEIR_ENOMEM;
        return;
    }
    merger->reported = grown;
    struct weir_reported *one = &grown[merger->n_reported++];
    one->detector = merger->owner->plan->name;
    one->slice = slice;
    one->field = field;
    one->statistic = *statistic;
    snprintf(one->name, sizeof one->name, "%s", statistic->name ? statistic->name : "");
}

static void window_undecided(const struct weir_window *window)
{
    weir_alerts_hold(view_of(window)->merger->alerts);
}

static int view_slices(struct view *view, const struct weir_merge_key *key,
                       const struct weir_owner *owner, const struct weir_pane *window,
                       uint64_t refused)
{
    const struct weir_plan_detector *detector = owner->plan;
    size_t n = 1, text = 1, n_values = 1;
    for (size_t i = 0; i < key->n_tracked; i++) {
        text += key->tracked[i].length + WEIR_SLICE_FIELDS;
        n_values += key->plan->n_by_names[key->tracked[i].by];
    }
    view->slices = calloc(key->n_tracked + 1, sizeof *view->slices);
    view->layout_by = calloc(key->n_tracked + 1, sizeof *view->layout_by);
    view->positions = calloc(key->n_tracked + 1, sizeof *view->positions);
    view->values = calloc(n_values, sizeof *view->values);
    view->text = malloc(text);
    if (!view->slices || !view->layout_by || !view->positions || !view->values || !view->text)
        return WEIR_ENOMEM;
    view->slices[0].rows = window->rows;
    char *out = view->text;
    struct weir_slice_value *value = view->values;
    for (size_t by = 0; by < detector->config.n_by; by++) {
        unsigned of = detector->by[by];
        for (size_t i = 0; i < key->n_tracked; i++) {
            const struct weir_tracked *tracked = &key->tracked[i];
            if (tracked->by != of)
                continue;
            struct weir_slice *slice = &view->slices[n];
            struct weir_span parts[WEIR_SLICE_FIELDS];
            size_t n_parts =
                weir_pane_key_values(tracked->key, tracked->length, parts, WEIR_SLICE_FIELDS);
            slice->by = (unsigned)by + 1;
            slice->values = value;
            slice->n_values = n_parts;
            slice->rows_may_miss = window->overflow[of] + refused;
            for (size_t k = 0; k < n_parts; k++) {
                value->field = key->plan->by_names[of][k];
                value->value = out;
                if (parts[k].length)
                    memcpy(out, parts[k].data, parts[k].length);
                out[parts[k].length] = 0;
                out += parts[k].length + 1;
                value++;
            }
            view->layout_by[n] = of;
            view->positions[n] =
                weir_pane_find(window, of, tracked->key, tracked->length, tracked->hash);
            if (view->positions[n] >= 0)
                slice->rows = window->slices[view->positions[n]].rows;
            n++;
        }
    }
    view->api.slices = view->slices;
    view->api.n_slices = n;
    return 0;
}

// By pane, then task: hopping windows ask their panes, not the sum.
static int view_extracts(struct view *view, const struct weir_merge_key *key,
                         const struct weir_pane *window, const char *detector)
{
    size_t n = 0, capacity = window->n_extracts;
    for (int64_t p = 0; p < key->plan->panes_a_window; p++)
        capacity += key->recent[p] ? key->recent[p]->n_extracts : 0;
    view->extracts = calloc(capacity + 1, sizeof *view->extracts);
    if (!view->extracts)
        return WEIR_ENOMEM;
    int hopping = key->plan->panes_a_window > 1;
    for (int64_t p = 0; p < (hopping ? key->plan->panes_a_window : 1); p++) {
        const struct weir_pane *pane = hopping ? key->recent[p] : window;
        for (size_t i = 0; pane && i < pane->n_extracts; i++) {
            if (!strcmp(pane->extracts[i].detector, detector))
                view->extracts[n++] =
                    (struct weir_span){pane->extracts[i].data, pane->extracts[i].length};
        }
    }
    view->api.extracts = view->extracts;
    view->api.n_extracts = n;
    return 0;
}

static void view_free(struct view *view)
{
    free(view->slices);
    free(view->layout_by);
    free(view->positions);
    free(view->values);
    free(view->text);
    free(view->extracts);
}

// ---- alerts of a window

static size_t offsets_of(const struct weir_pane *window, struct weir_offset_range *offsets)
{
    size_t n = window->n_ranges < OFFSETS ? window->n_ranges : OFFSETS;
    for (size_t i = 0; i < n; i++)
        offsets[i] =
            (struct weir_offset_range){window->ranges[i].topic, window->ranges[i].partition,
                                       window->ranges[i].first, window->ranges[i].last};
    return n;
}

static void host_finding(struct weir_merger *merger, const char *rule, const char *kind,
                         enum weir_severity severity, const char *summary)
{
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = rule,
        .kind = kind,
        .severity = severity,
        .action = WEIR_ACTION_TUNE_WEIR,
        .share = NAN,
        .statistic = {NULL, NAN, NAN, NAN, NAN},
        .summary = summary,
    };
    find(merger, "weir", &finding);
}

static void owner_failed(struct weir_owner *owner, const struct weir_merge_key *key,
                         const struct weir_error *error)
{
    uint32_t shift = owner->failures < 16 ? owner->failures : 16;
    owner->failures++;
    owner->skip = 1u << shift;
    owner->disabled = owner->failures >= FAILURES;
    WEIR_COUNT(detector_failures, 1);
    weir_log(WEIR_LOG_ERROR, "detector", "%s: failed on a window of %s: %s; %s", owner->plan->name,
             key->plan->key, error->message,
             owner->disabled ? "it is disabled now" : "it is tried again later");
}

static int judge_owner(struct weir_merger *merger, struct weir_merge_key *key,
                       struct weir_owner *owner, struct view *view, uint64_t refused)
{
    struct weir_error error = {0};
    struct weir_offset_range offsets[OFFSETS];
    struct weir_pane *window = merger->window;
    int code = view_slices(view, key, owner, window, refused);
    if (!code)
        code = view_extracts(view, key, window, owner->plan->name);
    if (code)
        return code;
    weir_alerts_begin(merger->alerts, owner->track, view->api.start, view->api.end, window->rows,
                      offsets, offsets_of(window, offsets));
    merger->owner = owner;
    code = owner->plan->plugin->owner_window(owner->owner, &view->api, &error);
    if (code)
        owner_failed(owner, key, &error);
    else
        owner->failures = 0;
    code = weir_alerts_end(merger->alerts);
    return code ? code : merger->failed;
}

// What the host itself has to say about a window.
static int judge_host(struct weir_merger *merger, struct weir_merge_key *key, int64_t start,
                      int64_t end, uint64_t refused)
{
    const struct weir_pane *window = merger->window;
    struct weir_offset_range offsets[OFFSETS];
    char rule[256], text[400], count[40];
    weir_alerts_begin(merger->alerts, key->host_track, start, end, window->rows, offsets,
                      offsets_of(window, offsets));
    int no_room = key->n_tracked < (size_t)merger->plan->config->limit_slices;
    if (refused && !no_room) {
        snprintf(rule, sizeof rule, "slices:%s", key->plan->key);
        snprintf(text, sizeof text,
                 "%s of slices beyond limits.slices (%" PRId64
                 ") %s only counted for the whole stream: raise it, or slice by less",
                 weir_records_text(refused, count), merger->plan->config->limit_slices,
                 refused == 1 ? "is" : "are");
        host_finding(merger, rule, "weir.limit", WEIR_WARNING, text);
    }
    if (window->cramped || (refused && no_room)) {
        WEIR_COUNT(limits, 1);
        snprintf(rule, sizeof rule, "memory:%s", key->plan->key);
        snprintf(text, sizeof text,
                 "limits.memory (%" PRId64
                 " MiB) had no room for all slices of a window; their records are only counted "
                 "for the whole stream: raise it, slice by less, or add members",
                 merger->plan->config->limit_memory >> 20);
        host_finding(merger, rule, "weir.limit", WEIR_WARNING, text);
    }
    if (window->mixed) {
        snprintf(rule, sizeof rule, "mixed:%s", key->plan->key);
        host_finding(merger, rule, "weir.incomplete", WEIR_INFO,
                     "A window was summarised under two configurations, and is not judged");
    }
    for (size_t i = 0; i < key->n_owners; i++) {
        const struct weir_owner *owner = &key->owners[i];
        if (!owner->failures)
            continue;
        snprintf(rule, sizeof rule, "owner_failed:%.100s", owner->plan->name);
        snprintf(text, sizeof text, "Detector '%.100s' failed %u times in a row on windows%s",
                 owner->plan->name, owner->failures,
                 owner->disabled ? " and is disabled: it starts anew under another name" : "");
        host_finding(merger, rule, "weir.detector_failed", WEIR_CRITICAL, text);
    }
    return weir_alerts_end(merger->alerts);
}

// Up to when a window's records are all there.
static int64_t complete(const struct weir_merge_stream *stream, int64_t start, int64_t end)
{
    int64_t reached = start;
    if (stream->watermark != INT64_MAX)
        return end;
    for (size_t t = 0; t < stream->n_known; t++) {
        const struct weir_merge_task *task = &stream->tasks[t];
        reached = task->known && task->reached > reached ? task->reached : reached;
    }
    return reached < end ? weir_time_add(reached, 1) : end;
}

int weir_merger_judge(struct weir_merger *merger, struct weir_merge_key *key,
                      struct weir_pane *window, int64_t start, int64_t end)
{
    struct weir_merge_stream *stream = &merger->streams[key->stream];
    int code = 0;
    uint64_t refused = weir_merger_track_window(merger, key, window, start);
    merger->key = key;
    merger->window = window;
    merger->n_reported = 0;
    WEIR_COUNT(windows, 1);
    if (window->mixed)
        WEIR_COUNT(windows_incomplete, 1);
    for (size_t i = 0; i < key->n_owners && !code && !window->mixed; i++) {
        struct weir_owner *owner = &key->owners[i];
        if (!owner->owner || owner->disabled || (owner->skip && owner->skip--))
            continue;
        struct view view = {
            .api = {.size = sizeof view.api,
                    .start = start,
                    .end = end,
                    .rows = window->rows,
                    .sequence = key->sequence,
                    .phase = WEIR_FINAL,
                    .tasks_expected = (uint32_t)stream->expected,
                    .summary = window_summary,
                    .reference = window_reference,
                    .emit = window_emit,
                    .report = window_report,
                    .unreported = !merger->windows,
                    .undecided = window_undecided,
                    .complete = complete(stream, start, end),
                    .sample = window_sample,
                    .reference_sample = window_reference_sample,
                    .pane = key->plan->pane,
                    .n_panes = (size_t)(key->plan->pane > 0 ? key->plan->panes_a_window : 0),
                    .pane_summary = window_pane},
            .merger = merger,
        };
        view.api.host = &view;
        for (size_t t = 0; t < stream->n_known; t++)
            view.api.tasks_reporting += stream->tasks[t].known && !stream->tasks[t].idle;
        code = judge_owner(merger, key, owner, &view, refused);
        view_free(&view);
        weir_merger_tell_calibration(merger, owner, !merger->tells);
    }
    if (!code)
        code = judge_host(merger, key, start, end, refused);
    if (!code)
        code = merger->failed;
    key->sequence++;
    if (!code && merger->windows && !merger->suppress)
        code = weir_merger_window_json(merger, key, window, start, end);
    return code;
}

// ---- rule panes

// Whether the rule is about those rows only for which the rule before it was flagged.
static int has_condition(const struct weir_plan_detector *detector, size_t rule)
{
    return rule > 0 && detector->rules[rule - 1].rule.flags & WEIR_RULE_CONDITION;
}

static int more_often(const struct weir_rule_detail *x, const struct weir_rule_detail *y)
{
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return strcmp(x->name, y->name);
}

// The most frequent of a tally's details, into `out`, which has room for WEIR_RULE_DETAILS.
static size_t pick_details(const struct weir_tally *tally, struct weir_rule_detail *out)
{
    size_t n = 0;
    for (size_t i = 0; i < tally->n_details; i++) {
        const struct weir_tally_detail *from = &tally->details[i];
        struct weir_rule_detail detail = {from->name, strlen(from->name), from->count,
                                          from->minimum, from->maximum};
        size_t at = n;
        while (at && more_often(&detail, &out[at - 1]) < 0)
            at--;
        if (at == WEIR_RULE_DETAILS)
            continue;
        n += n < WEIR_RULE_DETAILS;
        memmove(&out[at + 1], &out[at], (n - 1 - at) * sizeof *out);
        out[at] = detail;
    }
    return n;
}

static void find_rule(struct weir_merger *merger, const struct weir_plan_detector *detector,
                      unsigned number, const struct weir_tally *tally, uint64_t rows)
{
    const struct weir_rule *rule = &detector->rules[number].rule;
    const struct weir_stream_config *stream = merger->plan->streams[detector->stream].config;
    struct weir_sample samples[WEIR_TALLY_SAMPLES];
    char text[480] = "";
    for (uint32_t i = 0; i < tally->n_samples; i++)
        samples[i] = (struct weir_sample){stream->topic, tally->samples[i].partition,
                                          tally->samples[i].offset, NULL};
    // A pane's rows are those of the tasks; things without a row can outnumber them.
    rows = rows > tally->count ? rows : tally->count;
    struct weir_rule_detail details[WEIR_RULE_DETAILS];
    struct weir_rule_count count = {
        sizeof count, number,           tally->count, rows,
        samples,      tally->n_samples, details,      pick_details(tally, details)};
    const char *field = rule->field >= 0 ? detector->config.stream->fields[rule->field].name : NULL;
    struct weir_evidence evidence = {.type = "samples",
                                     .field = field,
                                     .contribution = NAN,
                                     .samples = samples,
                                     .n_samples = tally->n_samples};
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = rule->name,
        .kind = rule->kind,
        .severity = rule->severity,
        .action = rule->action,
        .fields = field ? &field : NULL,
        .n_fields = field != NULL,
        .share = (double)tally->count / (double)rows,
        .count = tally->count,
        .statistic = {NULL, NAN, NAN, NAN, NAN},
        .evidence = &evidence,
        .n_evidence = 1,
    };
    if (!detector->plugin || !detector->plugin->describe ||
        detector->plugin->describe(detector->instance, &count, &finding, text, sizeof text) ||
        !*text)
        weir_merger_words(merger, detector, rule, &count, tally->n_ranges, text, sizeof text);
    finding.summary = text;
    find(merger, detector->name, &finding);
}

int weir_merger_judge_rules(struct weir_merger *merger, struct weir_rules_key *rules,
                            const struct weir_tally_pane *pane, int64_t start)
{
    const struct weir_plan_stream *stream = &merger->plan->streams[rules->stream];
    const struct weir_tally *tallies = pane ? pane->rules : NULL;
    int code = 0;
    for (size_t i = 0; i < stream->n_detectors && !code; i++) {
        const struct weir_plan_detector *detector = &merger->plan->detectors[stream->detectors[i]];
        struct weir_offset_range offsets[OFFSETS];
        size_t n_offsets = 0;
        for (size_t r = 0; tallies && r < detector->n_rules; r++) {
            const struct weir_tally *tally = &tallies[rules->rule_base[i] + r];
            int is_condition = detector->rules[r].rule.flags & WEIR_RULE_CONDITION;
            for (size_t k = 0; k < tally->n_ranges && !is_condition; k++) {
                size_t at = 0;
                while (at < n_offsets && offsets[at].partition != tally->ranges[k].partition)
                    at++;
                if (at == OFFSETS)
                    continue;
                struct weir_offset_range *range = &offsets[at];
                if (at == n_offsets) {
                    *range = (struct weir_offset_range){
                        stream->config->topic, tally->ranges[k].partition, INT64_MAX, INT64_MIN};
                    n_offsets++;
                }
                range->first =
                    tally->ranges[k].first < range->first ? tally->ranges[k].first : range->first;
                range->last =
                    tally->ranges[k].last > range->last ? tally->ranges[k].last : range->last;
            }
        }
        weir_alerts_begin(merger->alerts, rules->tracks[i], start, start + WEIR_RULE_PANE,
                          pane ? pane->rows : 0, offsets, n_offsets);
        for (size_t r = 0; tallies && r < detector->n_rules; r++) {
            const struct weir_tally *tally = &tallies[rules->rule_base[i] + r];
            if (tally->count &&
                !(detector->rules[r].rule.flags & (WEIR_RULE_CONDITION | WEIR_RULE_SILENT)))
                find_rule(merger, detector, (unsigned)r, tally,
                          has_condition(detector, r) ? tally[-1].count : pane->rows);
        }
        code = weir_alerts_end(merger->alerts);
    }
    return code ? code : merger->failed;
}
