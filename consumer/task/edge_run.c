// SPDX-License-Identifier: Apache-2.0
// Records through an edge task: in runs as far as the clock finds them ordinary, one by one where
// one is far ahead and has to be held, refused or confirmed.
#include <stdlib.h>

#include "consumer/http/metrics.h"
#include "consumer/task/edge.h"

static int process(struct weir_edge_task *task, int held)
{
    int code = 0;
    weir_edge_rule_panes(task, held);
    for (size_t i = 0; i < task->n_specs && !code; i++)
        code = weir_edge_absorb(task, &task->specs[i], held);
    if (!code)
        code = weir_edge_detect(task, held);
    if (!code)
        code = weir_edge_faults(task);
    return code ? code : weir_edge_gate(task);
}

// What stays held moves up, behind what stays before it.
static void move_held(struct weir_edge_task *task, unsigned from, unsigned to)
{
    task->held_offset[to] = task->held_offset[from];
    for (size_t i = 0; i < task->n_specs && from != to; i++) {
        struct weir_open_panes *held = task->specs[i].held, empty = held[to];
        held[to] = held[from];
        held[from] = empty;
    }
}

static int count_held(struct weir_edge_task *task, unsigned k)
{
    for (size_t i = 0; i < task->n_specs; i++) {
        struct weir_edge_spec *spec = &task->specs[i];
        for (size_t p = 0; p < spec->held[k].n; p++) {
            const struct weir_pane *from = spec->held[k].items[p];
            struct weir_pane *into = weir_open_pane(&spec->open, &spec->plan->layout, from->start,
                                                    from->end, &task->failed);
            if (!into || weir_pane_merge(into, from))
                return WEIR_ENOMEM;
        }
    }
    return 0;
}

static void tell_ahead(struct weir_edge_task *task, int64_t offset, int64_t time, int64_t newest)
{
    WEIR_COUNT(held_late, 1);
    weir_edge_tally_number(task, WEIR_HOST_JUMP, offset, (double)time - (double)newest);
}

// `was`: the clock before the step.
int weir_edge_settle(struct weir_edge_task *task, const struct weir_clock_step *step,
                     const struct weir_clock *was)
{
    unsigned kept = 0;
    int64_t leapt_at = INT64_MAX;
    for (unsigned k = 0; k < was->n_held; k++) {
        int confirmed = step->confirm >> k & 1, denied = step->deny >> k & 1;
        if (!confirmed && !denied) {
            move_held(task, k, kept++);
            continue;
        }
        if (confirmed && count_held(task, k))
            return WEIR_ENOMEM;
        if (confirmed && task->held_offset[k] < leapt_at)
            leapt_at = task->held_offset[k];
        for (size_t i = 0; i < task->n_specs; i++)
            weir_open_panes_empty(&task->specs[i].held[k]);
        if (denied)
            tell_ahead(task, task->held_offset[k], was->held[k], was->newest);
    }
    if (step->leap && leapt_at != INT64_MAX)
        weir_edge_tally_number(task, WEIR_HOST_LEAP, leapt_at, (double)step->leap);
    return task->failed;
}

static int run_part(struct weir_edge_task *task, uint32_t first, uint32_t n, int held)
{
    struct weir_batch view;
    struct weir_error error;
    const struct weir_batch *whole = task->whole;
    task->first = first;
    if (n == whole->n_rows) {
        task->batch = whole;
        return process(task, held);
    }
    struct weir_column *columns = malloc((whole->stream->n_fields + 1) * sizeof *columns);
    struct weir_unknown *unknown = malloc((whole->n_unknown + 1) * sizeof *unknown);
    int code = columns && unknown ? 0 : weir_error_set(&error, WEIR_ENOMEM, "no memory");
    if (!code) {
        weir_batch_view(whole, first, n, &view, columns, unknown);
        task->batch = &view;
        code = process(task, held);
    }
    task->batch = NULL;
    free(columns);
    free(unknown);
    return code;
}

// A row that is not ordinary: it is held or refused, or decides about held ones.
static int run_step(struct weir_edge_task *task, uint32_t row)
{
    const struct weir_clock was = task->clock;
    int64_t time = task->whole->time[row], offset = task->whole->offset[row];
    struct weir_clock_step step = weir_clock_step(&task->clock, time, task->whole->timestamp[row]);
    int code = weir_edge_settle(task, &step, &was);
    if (code)
        return code;
    unsigned last = (task->clock.n_held + WEIR_CLOCK_HELD - 1) % WEIR_CLOCK_HELD;
    int held = step.refuse ? WEIR_EDGE_REFUSED : step.hold ? (int)last : -1;
    if (step.hold)
        task->held_offset[last] = offset;
    if (step.refuse)
        tell_ahead(task, offset, time, was.newest);
    task->before[0] = was.newest;
    task->after = held >= 0 ? was.newest : task->clock.newest;
    task->before[1] = task->after;
    return run_part(task, row, 1, held);
}

int weir_edge_run(struct weir_edge_task *task)
{
    const struct weir_batch *batch = task->whole;
    for (uint32_t row = 0; row < batch->n_rows && !task->failed && !task->gate.stopped;) {
        size_t room = weir_edge_gate_room(task, row, batch->n_rows - row);
        size_t n = weir_clock_run(&task->clock, batch->time + row, batch->timestamp + row, room,
                                  task->before);
        int code;
        if (n) {
            task->after = task->before[n] = task->clock.newest;
            code = run_part(task, row, (uint32_t)n, -1);
            row += (uint32_t)n;
        } else {
            code = run_step(task, row++);
        }
        if (code)
            return code;
    }
    return task->failed;
}
