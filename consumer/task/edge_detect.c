// SPDX-License-Identifier: Apache-2.0
// Records to detectors' edges: rules that they flag are counted in short panes, bad records are
// marked for the gate, a detector that fails is backed off and then disabled.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/http/metrics.h"
#include "consumer/log/log.h"
#include "consumer/task/edge.h"

enum { FAILURES = 5, BACKOFF = 10000 }; // ms of event time, doubled with each failure

void weir_batch_view(const struct weir_batch *batch, uint32_t first, uint32_t n,
                     struct weir_batch *view, struct weir_column *columns,
                     struct weir_unknown *unknown)
{
    *view = *batch;
    view->n_rows = n;
    view->time += first;
    view->offset += first;
    view->timestamp += first;
    view->fault = batch->fault ? batch->fault + first : NULL;
    view->reason = batch->reason ? batch->reason + first : NULL;
    view->key += first;
    view->value += first;
    view->writer = batch->writer ? batch->writer + first : NULL;
    view->n_undecodable = view->n_tombstones = view->n_no_time = 0;
    for (uint32_t i = 0; i < n && view->fault; i++) {
        view->n_undecodable += view->fault[i] == WEIR_ROW_UNDECODABLE;
        view->n_tombstones += view->fault[i] == WEIR_ROW_TOMBSTONE;
        view->n_no_time += view->fault[i] == WEIR_ROW_NO_TIME;
    }
    for (size_t f = 0; f < batch->stream->n_fields; f++) {
        struct weir_column *column = &columns[f];
        *column = batch->columns[f];
        uint32_t from = 0; // of its elements
        if (column->offsets) {
            // Elements stay where they are; rows find theirs by the offsets.
            column->offsets += first;
            from = column->offsets[0];
            column->n = column->offsets[n];
        } else {
            column->state += first;
            column->n = n;
            if (column->type == WEIR_TYPE_DOUBLE)
                column->values.f64 += first;
            else if (column->type == WEIR_TYPE_LONG || column->type == WEIR_TYPE_BOOLEAN)
                column->values.i64 += first;
            else
                column->values.code += first;
        }
        if (!(column->n_null | column->n_missing | column->n_fault))
            continue;
        column->n_null = column->n_missing = column->n_fault = 0;
        for (uint32_t i = from; i < column->n; i++) {
            column->n_null += column->state[i] == WEIR_STATE_NULL;
            column->n_missing += column->state[i] == WEIR_STATE_MISSING;
            column->n_fault += column->state[i] >= WEIR_STATE_FAULT;
        }
    }
    view->columns = columns;
    view->floats_from += first;
    while (view->n_floats && view->floats->row < view->floats_from) {
        view->floats++;
        view->n_floats--;
    }
    while (view->n_floats && view->floats[view->n_floats - 1].row - view->floats_from >= n)
        view->n_floats--;
    view->unknown = unknown;
    view->n_unknown = 0;
    for (uint32_t i = 0; i < batch->n_unknown; i++) {
        uint32_t row = batch->unknown[i].row;
        if (row >= first && row - first < n) {
            unknown[view->n_unknown] = batch->unknown[i];
            unknown[view->n_unknown++].row = row - first;
        }
    }
}

// ---- tallies

struct weir_tally_pane *weir_edge_tally_pane(struct weir_edge_task *task, int64_t start)
{
    size_t at = task->n_tallies;
    while (at && task->tallies[at - 1]->start >= start) {
        if (task->tallies[at - 1]->start == start)
            return task->tallies[at - 1];
        at--;
    }
    struct weir_tally_pane **grown =
        realloc(task->tallies, (task->n_tallies + 1) * sizeof *task->tallies);
    if (grown)
        task->tallies = grown;
    struct weir_tally_pane *pane = NULL;
    if (!grown || weir_tally_pane_create(task->n_rules, start, &pane)) {
        task->failed = WEIR_ENOMEM;
        return NULL;
    }
    memmove(&grown[at + 1], &grown[at], (task->n_tallies - at) * sizeof *grown);
    grown[at] = pane;
    task->n_tallies++;
    return pane;
}

void weir_edge_tally(struct weir_edge_task *task, size_t rule, const uint32_t *rows, size_t n)
{
    const struct weir_batch *batch = task->batch;
    for (size_t i = 0; i < n;) {
        int64_t start = task->rule_pane[rows[i]];
        size_t end = i + 1;
        while (end < n && task->rule_pane[rows[end]] == start)
            end++;
        int64_t offsets[WEIR_TALLY_SAMPLES];
        size_t n_offsets = 0;
        for (; n_offsets < WEIR_TALLY_SAMPLES && i + n_offsets < end; n_offsets++)
            offsets[n_offsets] = batch->offset[rows[i + n_offsets]];
        struct weir_tally_pane *pane = weir_edge_tally_pane(task, start);
        struct weir_tally *tally = pane ? weir_tally_at(pane, rule) : NULL;
        if (!tally || weir_tally_add(tally, batch->partition, offsets, n_offsets, end - i,
                                     batch->offset[rows[end - 1]])) {
            task->failed = WEIR_ENOMEM;
            return;
        }
        i = end;
    }
}

static size_t host_rule(const struct weir_edge_task *task, size_t rule)
{
    return task->detectors[task->n_detectors - 1].rule_base + rule;
}

static void tally_host(struct weir_edge_task *task, size_t rule, uint64_t n, int64_t offset,
                       int64_t last)
{
    int64_t newest = task->clock.newest == INT64_MIN ? 0 : task->clock.newest;
    struct weir_tally_pane *pane =
        weir_edge_tally_pane(task, weir_pane_floor(newest, WEIR_RULE_PANE));
    struct weir_tally *tally = pane ? weir_tally_at(pane, host_rule(task, rule)) : NULL;
    if (!tally || weir_tally_add(tally, task->task, &offset, 1, n, last))
        task->failed = WEIR_ENOMEM;
}

void weir_edge_tally_host(struct weir_edge_task *task, enum weir_host_rule rule,
                          const uint32_t *rows, size_t n)
{
    weir_edge_tally(task, host_rule(task, (size_t)rule), rows, n);
}

void weir_edge_tally_at(struct weir_edge_task *task, enum weir_host_rule rule, uint64_t n,
                        int64_t offset, int64_t last)
{
    tally_host(task, (size_t)rule, n, offset, last);
}

void weir_edge_tally_number(struct weir_edge_task *task, enum weir_host_rule rule, int64_t offset,
                            double number)
{
    tally_host(task, (size_t)rule, 1, offset, offset);
    if (task->failed)
        return;
    struct weir_tally_pane *pane =
        weir_edge_tally_pane(task, weir_pane_floor(task->clock.newest, WEIR_RULE_PANE));
    struct weir_tally *tally = pane ? weir_tally_at(pane, host_rule(task, rule)) : NULL;
    if (!tally || weir_tally_add_detail(tally, "ms", 2, 1, &number, 1))
        task->failed = WEIR_ENOMEM;
}

// Rule panes close without lateness; a record of a closed one counts in the oldest open one, so
// that none is lost. Held records count now, whatever their time says.
void weir_edge_rule_panes(struct weir_edge_task *task, int held)
{
    const struct weir_batch *batch = task->batch;
    int64_t near = 0, near_before = 0;
    for (uint32_t i = 0; i < batch->n_rows; i++) {
        // A row that is out of time counts when it was read.
        int out_of_time = task->before[i] == INT64_MAX;
        int64_t before = out_of_time ? task->after : task->before[i];
        int64_t oldest = before == INT64_MIN
                             ? INT64_MIN
                             : weir_pane_floor_near(before, WEIR_RULE_PANE, &near_before);
        int64_t at = weir_pane_floor_near(batch->time[i], WEIR_RULE_PANE, &near);
        int is_own = held < 0 && !out_of_time && at >= oldest;
        task->rule_pane[i] = is_own || oldest == INT64_MIN ? at : oldest;
    }
    for (uint32_t i = 0; i < batch->n_rows;) {
        uint32_t end = i + 1;
        while (end < batch->n_rows && task->rule_pane[end] == task->rule_pane[i])
            end++;
        struct weir_tally_pane *pane = weir_edge_tally_pane(task, task->rule_pane[i]);
        if (!pane)
            return;
        pane->rows += end - i;
        i = end;
    }
}

// ---- what detectors call

static struct weir_edge_detector *detector_of(const struct weir_edge *api)
{
    return (struct weir_edge_detector *)api->host;
}

static void mark(struct weir_edge_task *task, uint32_t detector, uint32_t rule,
                 const uint32_t *rows, size_t n)
{
    if (task->n_marks + n > task->marks_capacity) {
        size_t capacity = (task->n_marks + n) * 2;
        struct weir_mark_row *grown = realloc(task->marks, capacity * sizeof *grown);
        if (!grown) {
            task->failed = WEIR_ENOMEM;
            return;
        }
        task->marks = grown;
        task->marks_capacity = capacity;
    }
    for (size_t i = 0; i < n; i++)
        task->marks[task->n_marks++] =
            (struct weir_mark_row){task->first + rows[i], detector, rule};
}

// `task->batch` may be a view within the part at hand: rows are counted from its first.
static void edge_flag(const struct weir_edge *api, unsigned rule, const uint32_t *rows, size_t n)
{
    struct weir_edge_detector *detector = detector_of(api);
    struct weir_edge_task *task = detector->task;
    if (rule >= detector->plan->n_rules || !n || rows[n - 1] >= task->batch->n_rows)
        return;
    weir_edge_tally(task, detector->rule_base + rule, rows, n);
    weir_edge_fault_add(task, (uint32_t)(detector - task->detectors), rule, rows, n);
    if (detector->plan->rules[rule].rule.flags & WEIR_RULE_QUARANTINE)
        mark(task, (uint32_t)(detector - task->detectors), rule, rows, n);
}

static void edge_limit(const struct weir_edge *api, const char *what, uint64_t n)
{
    struct weir_edge_detector *detector = detector_of(api);
    struct weir_edge_task *task = detector->task;
    WEIR_COUNT(limits, n);
    weir_log(WEIR_LOG_DEBUG, "detector", "%s: a limit on %s dropped %" PRIu64, detector->plan->name,
             what, n);
    if (task->batch && task->batch->n_rows) {
        int64_t last = task->batch->offset[task->batch->n_rows - 1];
        weir_edge_tally_at(task, WEIR_HOST_LIMIT, n, last, last);
    }
}

void weir_edge_tally_limit(struct weir_edge_task *task, const char *name, const uint32_t *rows,
                           size_t n)
{
    size_t rule = host_rule(task, WEIR_HOST_LIMIT);
    weir_edge_tally(task, rule, rows, n);
    weir_edge_detail_at(task, rule, name, strlen(name), rows, NULL, n);
}

static void edge_limit_rows(const struct weir_edge *api, const char *what, const uint32_t *rows,
                            size_t n)
{
    struct weir_edge_detector *detector = detector_of(api);
    struct weir_edge_task *task = detector->task;
    if (!n || rows[n - 1] >= task->batch->n_rows)
        return;
    WEIR_COUNT(limits, n);
    weir_log(WEIR_LOG_DEBUG, "detector", "%s: a limit on %s left out %zu records",
             detector->plan->name, what, n);
    char name[WEIR_RULE_DETAIL_BYTES + 1];
    snprintf(name, sizeof name, "%s: %s", detector->plan->name, what);
    weir_edge_tally_limit(task, name, rows, n);
}

void weir_edge_failed(struct weir_edge_task *task, size_t d, const struct weir_error *error)
{
    struct weir_edge_detector *detector = &task->detectors[d];
    int64_t offset = task->batch && task->batch->n_rows ? task->batch->offset[0] : 0;
    uint32_t shift = detector->failures < 16 ? detector->failures : 16;
    WEIR_COUNT(detector_failures, 1);
    detector->failures++;
    detector->disabled = detector->failures >= FAILURES;
    // The first record of all is held: the clock does not stand yet.
    int64_t now = task->clock.newest;
    if (now == INT64_MIN && task->batch && task->batch->n_rows)
        now = task->batch->time[0];
    detector->backoff_until = weir_time_add(now, (int64_t)BACKOFF << shift);
    weir_log(WEIR_LOG_ERROR, "detector", "%s: failed at %s[%d]@%" PRId64 ": %s; %s",
             detector->plan->name, task->stream->info.name, task->task, offset, error->message,
             detector->disabled ? "it is disabled now" : "it is tried again later");
    tally_host(task, WEIR_HOST_FAILED + d, 1, offset, offset);
}

// ---- one detector, one part of a batch

// Where a pane of the detector's spec closes within the part: its edge is to see the rows before
// first, and to close, so that nothing hangs on where a batch ends.
static uint32_t next_cut(const struct weir_edge_task *task, const struct weir_plan_spec *spec,
                         uint32_t from)
{
    if (spec->window.records) {
        for (uint32_t i = from + 1; i < task->batch->n_rows; i++) {
            if (task->pane[i] != task->pane[from])
                return i;
        }
        return task->batch->n_rows;
    }
    int64_t oldest = weir_edge_oldest(spec, task->before[from]);
    if (weir_edge_oldest(spec, task->after) == oldest)
        return task->batch->n_rows;
    for (uint32_t i = from + 1; i < task->batch->n_rows; i++) {
        if (weir_edge_oldest(spec, task->before[i]) != oldest)
            return i;
    }
    return task->batch->n_rows;
}

static void assign_panes(struct weir_edge_task *task, const struct weir_edge_spec *spec, int held)
{
    const struct weir_batch *batch = task->batch;
    const struct weir_plan_spec *plan = spec->plan;
    if (plan->window.records) {
        // The summaries have counted these rows already.
        uint64_t at = spec->counted;
        for (uint32_t i = batch->n_rows; i-- > 0;) {
            int counts = !batch->fault || batch->fault[i] == WEIR_ROW_GOOD ||
                         batch->fault[i] == WEIR_ROW_NO_TIME;
            at -= counts && at > 0;
            task->pane[i] = (int64_t)(at / (uint64_t)plan->window.records);
        }
        return;
    }
    int64_t near = 0, near_before = 0;
    for (uint32_t i = 0; i < batch->n_rows; i++) {
        int64_t oldest =
            task->before[i] == INT64_MIN
                ? INT64_MIN
                : weir_pane_floor_near(weir_time_add(task->before[i], -plan->window.lateness),
                                       plan->pane, &near_before);
        int64_t at = weir_pane_floor_near(batch->time[i], plan->pane, &near);
        task->pane[i] = (held >= 0 && oldest != INT64_MIN) || at < oldest ? oldest : at;
    }
}

int weir_edge_is_off(const struct weir_edge_task *task, const struct weir_edge_detector *detector)
{
    return !detector->edge || detector->disabled ||
           (detector->failures && task->clock.newest < detector->backoff_until);
}

static int observe_part(struct weir_edge_task *task, size_t d, uint32_t from, uint32_t to)
{
    struct weir_edge_detector *detector = &task->detectors[d];
    const struct weir_batch *part = task->batch;
    struct weir_error error = {0};
    struct weir_batch view;
    struct weir_column *columns = NULL;
    int code;
    detector->api.pane = task->pane + from;
    detector->api.reached = task->before + 1 + from;
    if (from == 0 && to == part->n_rows) {
        code = detector->plan->plugin->edge_observe(detector->edge, part, &detector->api, &error);
    } else {
        struct weir_unknown *unknown = malloc((part->n_unknown + 1) * sizeof *unknown);
        columns = malloc((part->stream->n_fields + 1) * sizeof *columns);
        if (!unknown || !columns) {
            free(unknown);
            free(columns);
            return task->failed = WEIR_ENOMEM;
        }
        weir_batch_view(part, from, to - from, &view, columns, unknown);
        task->batch = &view;
        task->first += from;
        task->rule_pane += from;
        code = detector->plan->plugin->edge_observe(detector->edge, &view, &detector->api, &error);
        task->rule_pane -= from;
        task->first -= from;
        task->batch = part;
        free(unknown);
        free(columns);
    }
    if (code)
        weir_edge_failed(task, d, &error);
    else
        detector->failures = 0;
    return code;
}

int weir_edge_extract(struct weir_edge_task *task, size_t d, int64_t newest)
{
    struct weir_edge_detector *detector = &task->detectors[d];
    struct weir_edge_spec *spec = &task->specs[detector->plan->spec];
    const struct weir_plugin *plugin = detector->plan->plugin;
    int64_t oldest = spec->plan->window.records ? newest : weir_edge_oldest(spec->plan, newest);
    for (size_t i = 0; i < spec->open.n; i++) {
        struct weir_pane *pane = spec->open.items[i];
        if (pane->start < detector->closed_to || pane->start >= oldest)
            continue;
        struct weir_error error = {0};
        weir_buffer_reset(&task->piece);
        int code = plugin->edge_close(detector->edge, pane->start, pane->end, &task->piece, &error);
        if (code) {
            weir_edge_failed(task, d, &error);
            continue;
        }
        // What the detector wrote is all there, even where it did not look whether it was.
        if (task->piece.failed ||
            (task->piece.length && weir_pane_extract(pane, detector->plan->name, task->task,
                                                     task->piece.data, task->piece.length)))
            return task->failed = WEIR_ENOMEM;
    }
    if (oldest > detector->closed_to)
        detector->closed_to = oldest;
    return 0;
}

static int detect(struct weir_edge_task *task, size_t d, int held)
{
    struct weir_edge_detector *detector = &task->detectors[d];
    const struct weir_plugin *plugin = detector->plan->plugin;
    if (!plugin || weir_edge_is_off(task, detector))
        return 0;
    const struct weir_edge_spec *spec = &task->specs[detector->plan->spec];
    assign_panes(task, spec, held);
    if (!plugin->edge_close)
        return observe_part(task, d, 0, task->batch->n_rows), task->failed;
    int by_records = spec->plan->window.records > 0;
    for (uint32_t from = 0; from < task->batch->n_rows;) {
        int64_t reached = by_records ? task->pane[from] : task->before[from];
        int code = weir_edge_extract(task, d, reached);
        if (code)
            return code;
        uint32_t to = next_cut(task, spec->plan, from);
        if (observe_part(task, d, from, to))
            break;
        from = to;
    }
    return task->failed;
}

static void detect_undecodable(struct weir_edge_task *task)
{
    const struct weir_batch *batch = task->batch;
    if (!batch->n_undecodable)
        return;
    uint32_t n = 0;
    for (uint32_t i = 0; i < batch->n_rows; i++) {
        if (batch->fault[i] == WEIR_ROW_UNDECODABLE)
            task->rows[n++] = i;
    }
    size_t host = task->n_detectors - 1;
    int looked_for = 0;
    for (size_t d = 0; d < host; d++) {
        for (size_t r = 0; r < task->detectors[d].plan->n_rules; r++)
            looked_for |=
                !strcmp(task->detectors[d].plan->rules[r].rule.kind, "schema.undecodable");
    }
    if (!looked_for) {
        weir_edge_tally(task, host_rule(task, WEIR_HOST_UNDECODABLE), task->rows, n);
        weir_edge_fault_add(task, (uint32_t)host, WEIR_HOST_UNDECODABLE, task->rows, n);
    }
    // Bytes that do not decode are always kept, whoever looks for them.
    mark(task, (uint32_t)host, WEIR_HOST_UNDECODABLE, task->rows, n);
}

int weir_edge_detect(struct weir_edge_task *task, int held)
{
    for (size_t d = 0; d + 1 < task->n_detectors && !task->failed; d++)
        detect(task, d, held);
    if (!task->failed)
        detect_undecodable(task);
    return task->failed;
}

void weir_edge_detector_api(struct weir_edge_detector *detector)
{
    detector->api = (struct weir_edge){
        .size = sizeof detector->api,
        .host = detector,
        .flag = edge_flag,
        .limit = edge_limit,
        .detail = weir_edge_detail,
        .limit_rows = edge_limit_rows,
    };
}
