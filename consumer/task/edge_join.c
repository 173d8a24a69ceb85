// SPDX-License-Identifier: Apache-2.0
// The task of a joined stream: it is shown the batches of both of its sides, in any order. Its time
// is that which both have reached, so that what it says follows from how far each side was read,
// and from nothing else.
#include <stdlib.h>
#include <string.h>

#include "consumer/task/edge.h"

int weir_edge_join_create(struct weir_edge_task *task)
{
    const struct weir_config *config = task->plan->config;
    const struct weir_plan_stream *stream = task->stream;
    task->join = calloc(1, sizeof *task->join);
    if (!task->join)
        return WEIR_ENOMEM;
    weir_clock_init(&task->join->clocks[0], config->streams[stream->driver].max_jump);
    weir_clock_init(&task->join->clocks[1], config->streams[stream->follower].max_jump);
    task->join->reached = INT64_MIN;
    task->join->late = calloc(WEIR_BATCH_ROWS, 1);
    return task->join->late ? 0 : WEIR_ENOMEM;
}

void weir_edge_join_destroy(struct weir_edge_task *task)
{
    if (!task->join)
        return;
    free(task->join->late);
    free(task->join);
}

// ---- time

// Writes the newest time of its side before each row; rows that are far ahead of their side, and
// that it does not believe yet, get INT64_MAX: they are out of time.
static void run_clock(struct weir_clock *clock, const struct weir_batch *batch, int64_t *before)
{
    const int64_t *times = batch->time, *written = batch->timestamp;
    uint32_t n = batch->n_rows;
    for (uint32_t row = 0; row < n;) {
        size_t ordinary = weir_clock_run(clock, times + row, written + row, n - row, before + row);
        row += (uint32_t)ordinary;
        if (ordinary || row == n)
            continue;
        int64_t newest = clock->newest;
        struct weir_clock_step step = weir_clock_step(clock, times[row], written[row]);
        // Of the first records of all none is ahead of anything.
        int off = step.refuse || (step.hold && newest != INT64_MIN);
        before[row] = off ? INT64_MAX : newest;
        row++;
    }
}

static void reach(struct weir_edge_task *task, int64_t time)
{
    struct weir_edge_join *join = task->join;
    if (time <= join->reached)
        return;
    join->reached = time;
    task->clock.newest = weir_time_add(time, -task->stream->hold_open);
}

static int64_t complete_to(const struct weir_edge_task *task, const struct weir_plan_spec *spec)
{
    int64_t reached = task->join->reached;
    return reached == INT64_MIN ? reached : weir_time_add(reached, -spec->window.lateness);
}

// ---- rows

static int open_panes(struct weir_edge_task *task, struct weir_edge_spec *spec)
{
    const struct weir_batch *batch = task->batch;
    const struct weir_plan_spec *plan = spec->plan;
    int64_t oldest = weir_edge_oldest(plan, task->clock.newest);
    for (uint32_t i = 0; i < batch->n_rows;) {
        int64_t start = weir_pane_floor(batch->time[i], plan->pane);
        const uint8_t *late = task->join->late;
        uint32_t end = i + 1;
        while (end < batch->n_rows && late[end] == late[i] &&
               weir_pane_floor(batch->time[end], plan->pane) == start)
            end++;
        if (start >= oldest && !late[i]) {
            struct weir_pane *pane = weir_open_pane(
                &spec->open, &plan->layout, start, weir_time_add(start, plan->pane), &task->failed);
            if (!pane || weir_pane_cover(pane, batch->topic, batch->partition, batch->offset[i],
                                         batch->offset[end - 1]))
                return WEIR_ENOMEM;
        }
        i = end;
    }
    return 0;
}

static void find_late(struct weir_edge_task *task, const struct weir_plan_spec *spec,
                      const int64_t *before)
{
    const struct weir_batch *batch = task->batch;
    for (uint32_t i = 0; i < batch->n_rows; i++)
        task->join->late[i] = before[i] == INT64_MAX ||
                              (before[i] != INT64_MIN &&
                               batch->time[i] < weir_time_add(before[i], -spec->window.lateness));
}

// `before`: the time that was reached before these rows.
static void observe(struct weir_edge_task *task, size_t d, int follows, int64_t before)
{
    struct weir_edge_detector *detector = &task->detectors[d];
    const struct weir_plan_spec *spec = task->specs[detector->plan->spec].plan;
    const struct weir_plugin *plugin = detector->plan->plugin;
    if (!plugin || weir_edge_is_off(task, detector))
        return;
    int64_t oldest = weir_edge_oldest(spec, before);
    for (uint32_t i = 0; i < task->batch->n_rows; i++) {
        int64_t at = weir_pane_floor(task->batch->time[i], spec->pane);
        task->pane[i] = at < oldest ? oldest : at;
    }
    struct weir_error error = {0};
    detector->api.pane = task->pane;
    detector->api.follows = follows;
    detector->api.late = task->join->late;
    detector->api.complete = complete_to(task, spec);
    if (plugin->edge_observe(detector->edge, task->batch, &detector->api, &error))
        weir_edge_failed(task, d, &error);
    else
        detector->failures = 0;
}

static int join_rows(struct weir_edge_task *task, int follows)
{
    const struct weir_batch *batch = task->batch;
    struct weir_clock *clocks = task->join->clocks;
    int64_t joined = task->clock.newest;
    int64_t own[WEIR_BATCH_ROWS];
    run_clock(&clocks[follows], batch, own);
    // A row is late by its own side, wherever the other is; and where the pane is closed.
    for (uint32_t i = 0; i < batch->n_rows; i++)
        task->before[i] = own[i] > joined ? own[i] : joined;
    task->after = clocks[follows].newest > joined ? clocks[follows].newest : joined;
    weir_edge_rule_panes(task, -1);
    int code = task->failed;
    for (size_t i = 0; i < task->n_specs && !code; i++) {
        find_late(task, task->specs[i].plan, own);
        // Summaries are of the driver's records alone.
        code = open_panes(task, &task->specs[i]);
        if (!code && !follows)
            code = weir_edge_absorb(task, &task->specs[i], -1);
    }
    int64_t low = clocks[0].newest < clocks[1].newest ? clocks[0].newest : clocks[1].newest;
    reach(task, low);
    for (size_t d = 0; d + 1 < task->n_detectors && !code && !task->failed; d++) {
        find_late(task, task->specs[task->detectors[d].plan->spec].plan, own);
        observe(task, d, follows, joined);
    }
    return code ? code : task->failed;
}

int weir_edge_task_join(struct weir_edge_task *task, int follows, const struct weir_batch *batch,
                        uint32_t n, struct weir_error *error)
{
    struct weir_batch view;
    struct weir_column *columns = NULL;
    struct weir_unknown *unknown = NULL;
    int code = 0;
    if (!n)
        return 0;
    task->batch = batch;
    if (n < batch->n_rows) {
        columns = malloc((batch->stream->n_fields + 1) * sizeof *columns);
        unknown = malloc((batch->n_unknown + 1) * sizeof *unknown);
        if (!columns || !unknown)
            code = WEIR_ENOMEM;
        else
            weir_batch_view(batch, 0, n, &view, columns, unknown);
        task->batch = &view;
    }
    task->first = 0;
    if (!code)
        code = join_rows(task, follows);
    task->batch = NULL;
    free(columns);
    free(unknown);
    if (!code)
        code = weir_edge_close_panes(task, task->clock.newest);
    return weir_edge_end_call(task, code, error);
}

int64_t weir_edge_task_side(const struct weir_edge_task *task, int follows, int64_t *within)
{
    *within = task->stream->within;
    return task->join->clocks[follows].newest;
}

int weir_edge_task_join_alone(struct weir_edge_task *task, struct weir_error *error)
{
    const struct weir_clock *clocks = task->join->clocks;
    int64_t newest = clocks[0].newest > clocks[1].newest ? clocks[0].newest : clocks[1].newest;
    if (newest == INT64_MIN)
        return 0;
    // In steps, so that it is not told with every record.
    int64_t time = weir_pane_floor(weir_time_add(newest, -task->stream->within), WEIR_RULE_PANE);
    if (time <= task->join->reached)
        return 0;
    reach(task, time);
    return weir_edge_end_call(task, weir_edge_close_panes(task, task->clock.newest), error);
}

// ---- state, behind the rest of the task's

int weir_edge_join_save(const struct weir_edge_task *task, struct weir_buffer *out)
{
    weir_clock_save(&task->join->clocks[0], out);
    weir_clock_save(&task->join->clocks[1], out);
    weir_put_long(out, task->join->reached);
    return out->failed ? WEIR_ENOMEM : 0;
}

int weir_edge_join_restore(struct weir_edge_task *task, int clock_version, struct weir_reader *in)
{
    weir_clock_restore(&task->join->clocks[0], clock_version, in);
    weir_clock_restore(&task->join->clocks[1], clock_version, in);
    task->join->reached = weir_get_long(in);
    return weir_reader_code(in);
}
