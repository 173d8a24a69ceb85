// SPDX-License-Identifier: Apache-2.0
// The life of an edge task: batches in, closed panes out, state.
#include "consumer/task/edge.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/http/metrics.h"

// ---- open panes

struct weir_pane *weir_open_pane(struct weir_open_panes *panes,
                                 const struct weir_pane_layout *layout, int64_t start, int64_t end,
                                 int *failed)
{
    size_t at = panes->n;
    while (at && panes->items[at - 1]->start >= start) {
        if (panes->items[at - 1]->start == start)
            return panes->items[at - 1];
        at--;
    }
    if (panes->n == panes->capacity) {
        size_t capacity = panes->capacity ? panes->capacity * 2 : 8;
        struct weir_pane **grown = realloc(panes->items, capacity * sizeof *grown);
        if (!grown) {
            *failed = WEIR_ENOMEM;
            return NULL;
        }
        panes->items = grown;
        panes->capacity = capacity;
    }
    struct weir_pane *pane;
    if (weir_pane_create(layout, start, end, &pane)) {
        *failed = WEIR_ENOMEM;
        return NULL;
    }
    pane->room = panes->room;
    memmove(&panes->items[at + 1], &panes->items[at], (panes->n - at) * sizeof *panes->items);
    panes->items[at] = pane;
    panes->n++;
    return pane;
}

void weir_open_panes_empty(struct weir_open_panes *panes)
{
    for (size_t i = 0; i < panes->n; i++)
        weir_pane_destroy(panes->items[i]);
    panes->n = 0;
}

void weir_open_panes_free(struct weir_open_panes *panes)
{
    weir_open_panes_empty(panes);
    free(panes->items);
    memset(panes, 0, sizeof *panes);
}

// ---- create, destroy

static int create_specs(struct weir_edge_task *task)
{
    task->n_specs = task->stream->n_specs;
    task->specs = calloc(task->n_specs + 1, sizeof *task->specs);
    if (!task->specs)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < task->n_specs; i++) {
        struct weir_edge_spec *spec = &task->specs[i];
        spec->plan = &task->stream->specs[i];
        spec->open.room = &task->room;
        for (size_t k = 0; k < WEIR_CLOCK_HELD; k++)
            spec->held[k].room = &task->room;
        spec->scratch = calloc(spec->plan->layout.n_slots + 1, sizeof *spec->scratch);
        if (!spec->scratch)
            return WEIR_ENOMEM;
        for (size_t k = 0; k < spec->plan->layout.n_slots; k++) {
            int code = weir_absorb_scratch_create(&spec->scratch[k]);
            if (code)
                return code;
        }
    }
    return 0;
}

static int create_detectors(struct weir_edge_task *task, struct weir_error *error)
{
    task->n_detectors = task->stream->n_detectors;
    task->detectors = calloc(task->n_detectors + 1, sizeof *task->detectors);
    if (!task->detectors)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < task->n_detectors; i++) {
        struct weir_edge_detector *detector = &task->detectors[i];
        detector->plan = &task->plan->detectors[task->stream->detectors[i]];
        detector->task = task;
        detector->rule_base = task->n_rules;
        detector->closed_to = INT64_MIN;
        task->n_rules += detector->plan->n_rules;
        weir_edge_detector_api(detector);
        const struct weir_plugin *plugin = detector->plan->plugin;
        if (plugin && plugin->edge_create) {
            int code = plugin->edge_create(detector->plan->instance, &detector->edge, error);
            if (code)
                return code;
        }
    }
    return 0;
}

static int create_arrays(struct weir_edge_task *task)
{
    task->before = calloc(WEIR_BATCH_ROWS + 1, sizeof *task->before);
    task->pane = calloc(WEIR_BATCH_ROWS, sizeof *task->pane);
    task->rule_pane = calloc(WEIR_BATCH_ROWS, sizeof *task->rule_pane);
    task->group = calloc(WEIR_BATCH_ROWS, sizeof *task->group);
    task->order = calloc(WEIR_BATCH_ROWS, sizeof *task->order);
    task->start = calloc(WEIR_BATCH_ROWS + 1, sizeof *task->start);
    task->slice = calloc(WEIR_BATCH_ROWS, sizeof *task->slice);
    task->rows = calloc(WEIR_BATCH_ROWS, sizeof *task->rows);
    return task->before && task->pane && task->rule_pane && task->group && task->order &&
                   task->start && task->slice && task->rows
               ? 0
               : WEIR_ENOMEM;
}

int weir_edge_task_create(const struct weir_plan *plan, size_t stream, int32_t number,
                          int32_t n_tasks, const struct weir_emitter *emitter,
                          struct weir_edge_task **edge, struct weir_error *error)
{
    struct weir_edge_task *task = calloc(1, sizeof *task);
    if (!task)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for a task");
    task->plan = plan;
    task->stream = &plan->streams[stream];
    task->stream_index = stream;
    task->task = number;
    task->n_tasks = n_tasks;
    task->emitter = *emitter;
    task->told = INT64_MIN;
    task->room = INT64_MAX;
    weir_clock_init(&task->clock, task->stream->config->max_jump);
    weir_buffer_init(&task->piece, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&task->record, WEIR_BUFFER_MAXIMUM);
    weir_edge_gate_init(task);
    struct weir_error inner = {0};
    int code = create_arrays(task);
    if (!code && task->stream->joined)
        code = weir_edge_join_create(task);
    if (!code)
        code = create_specs(task);
    if (!code)
        code = create_detectors(task, &inner);
    if (code) {
        weir_edge_task_destroy(task);
        return weir_error_set(error, code, "stream '%s': a task cannot be made: %s",
                              plan->streams[stream].info.name,
                              inner.message[0] ? inner.message : "no memory");
    }
    *edge = task;
    return 0;
}

void weir_edge_task_destroy(struct weir_edge_task *task)
{
    if (!task)
        return;
    weir_edge_gate_end(task);
    weir_edge_join_destroy(task);
    for (size_t i = 0; task->specs && i < task->n_specs; i++) {
        struct weir_edge_spec *spec = &task->specs[i];
        weir_open_panes_free(&spec->open);
        for (size_t k = 0; k < WEIR_CLOCK_HELD; k++)
            weir_open_panes_free(&spec->held[k]);
        for (size_t k = 0; spec->scratch && k < spec->plan->layout.n_slots; k++)
            weir_absorb_scratch_destroy(spec->scratch[k]);
        free(spec->scratch);
    }
    for (size_t i = 0; task->detectors && i < task->n_detectors; i++) {
        if (task->detectors[i].edge)
            task->detectors[i].plan->plugin->edge_destroy(task->detectors[i].edge);
    }
    for (size_t i = 0; i < task->n_tallies; i++)
        weir_tally_pane_destroy(task->tallies[i]);
    free(task->specs);
    free(task->detectors);
    free(task->tallies);
    free(task->before);
    free(task->pane);
    free(task->rule_pane);
    free(task->group);
    free(task->order);
    free(task->start);
    free(task->slice);
    free(task->rows);
    free(task->marks);
    free(task->faults);
    weir_buffer_free(&task->piece);
    weir_buffer_free(&task->record);
    free(task);
}

// ---- closing: what is told to the mergers

static int emit_partial(struct weir_edge_task *task, const struct weir_partial *partial,
                        int32_t partition)
{
    weir_buffer_reset(&task->record);
    int code = weir_partial_write(partial, &task->record);
    if (code || task->suppress)
        return code;
    struct weir_emission emission = {
        .output = WEIR_OUTPUT_PARTIALS,
        .partition = partition,
        .timestamp = partial->end,
        .key = {(const uint8_t *)partial->key, strlen(partial->key)},
        .value = {task->record.data, task->record.length},
        .decided_at = partial->end,
        .source_row = -1,
    };
    return task->emitter.emit(task->emitter.context, &emission);
}

struct pane_writer {
    struct weir_edge_task *task;
    struct weir_partial partial;
    int32_t partition;
};

static int put_piece(void *context, const struct weir_buffer *piece)
{
    struct pane_writer *writer = context;
    writer->partial.payload = (struct weir_span){piece->data, piece->length};
    writer->task->partials++;
    WEIR_COUNT(partials, 1);
    return emit_partial(writer->task, &writer->partial, writer->partition);
}

static int emit_pane(struct weir_edge_task *task, const struct weir_edge_spec *spec,
                     const struct weir_pane *pane)
{
    struct pane_writer writer = {
        task,
        {.type = WEIR_PARTIAL_PANE,
         .key = spec->plan->key,
         .task = task->task,
         .hash = spec->plan->hash,
         .start = pane->start,
         // Windows of records are decided when the newest time passes their last record.
         .end = spec->plan->window.records ? pane->last_time : pane->end,
         .sequence = spec->plan->window.records ? pane->start : 0},
        spec->plan->partition};
    return weir_pane_write(pane, WEIR_PARTIAL_BYTES, &task->piece, put_piece, &writer);
}

static int close_counted(struct weir_edge_task *task, struct weir_edge_spec *spec, int all)
{
    int64_t full = (int64_t)(spec->counted / (uint64_t)spec->plan->window.records);
    size_t n = 0;
    int code = 0;
    while (n < spec->open.n && (all || spec->open.items[n]->start < full) && !code)
        code = emit_pane(task, spec, spec->open.items[n++]);
    for (size_t i = 0; i < n; i++)
        weir_pane_destroy(spec->open.items[i]);
    if (n)
        memmove(spec->open.items, spec->open.items + n,
                (spec->open.n - n) * sizeof *spec->open.items);
    spec->open.n -= n;
    return code;
}

static int close_timed(struct weir_edge_task *task, struct weir_edge_spec *spec, int64_t newest)
{
    int64_t oldest = newest == INT64_MAX ? INT64_MAX : weir_edge_oldest(spec->plan, newest);
    size_t n = 0;
    int code = 0;
    while (n < spec->open.n && spec->open.items[n]->start < oldest && !code)
        code = emit_pane(task, spec, spec->open.items[n++]);
    for (size_t i = 0; i < n; i++)
        weir_pane_destroy(spec->open.items[i]);
    if (n)
        memmove(spec->open.items, spec->open.items + n,
                (spec->open.n - n) * sizeof *spec->open.items);
    spec->open.n -= n;
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

// All rule panes that start before `oldest`, in one record.
static int close_tallies(struct weir_edge_task *task, int64_t oldest)
{
    size_t n = 0;
    while (n < task->n_tallies && task->tallies[n]->start < oldest)
        n++;
    if (!n)
        return 0;
    weir_buffer_reset(&task->piece);
    weir_put_long(&task->piece, (int64_t)n);
    for (size_t i = 0; i < n; i++) {
        weir_put_long(&task->piece, task->tallies[i]->start);
        weir_tally_write(task->tallies[i], name_rule, task, &task->piece);
    }
    struct weir_partial partial = {
        .type = WEIR_PARTIAL_RULES,
        .key = task->stream->rules_key,
        .task = task->task,
        .hash = task->plan->hash,
        .start = task->tallies[0]->start,
        .end = task->tallies[n - 1]->start + WEIR_RULE_PANE,
        .payload = {task->piece.data, task->piece.length},
    };
    int code = task->piece.failed ? WEIR_ENOMEM
                                  : emit_partial(task, &partial, task->stream->rules_partition);
    task->partials++;
    WEIR_COUNT(partials, 1);
    for (size_t i = 0; i < n; i++)
        weir_tally_pane_destroy(task->tallies[i]);
    if (n)
        memmove(task->tallies, task->tallies + n, (task->n_tallies - n) * sizeof *task->tallies);
    task->n_tallies -= n;
    return code;
}

// The task's newest time, to every merger, behind all that it wrote before.
static int emit_control(struct weir_edge_task *task, int64_t newest)
{
    int code = 0;
    for (uint32_t p = 0; p < task->plan->partials_partitions && !code; p++) {
        struct weir_partial partial = {
            .type = WEIR_PARTIAL_CONTROL,
            .key = task->stream->info.name,
            .task = task->task,
            .hash = task->plan->hash,
            .end = newest,
            .sequence = (int64_t)task->partials,
            .tasks = task->task == 0 ? task->n_tasks : 0,
            .idle = task->idle,
        };
        code = emit_partial(task, &partial, (int32_t)p);
    }
    task->partials = 0;
    task->told = newest;
    return code;
}

// Closes what `newest` closes (INT64_MAX: all), and says so.
int weir_edge_close_panes(struct weir_edge_task *task, int64_t newest)
{
    int all = newest == INT64_MAX, code = task->failed;
    if (newest == INT64_MIN)
        return code;
    for (size_t d = 0; d + 1 < task->n_detectors && !code; d++) {
        struct weir_edge_detector *detector = &task->detectors[d];
        if (!detector->edge || !detector->plan->plugin->edge_close)
            continue;
        const struct weir_edge_spec *spec = &task->specs[detector->plan->spec];
        int64_t reached = newest;
        if (spec->plan->window.records && !all)
            reached = (int64_t)(spec->counted / (uint64_t)spec->plan->window.records);
        code = weir_edge_extract(task, d, reached);
    }
    for (size_t i = 0; i < task->n_specs && !code; i++)
        code = task->specs[i].plan->window.records ? close_counted(task, &task->specs[i], all)
                                                   : close_timed(task, &task->specs[i], newest);
    int64_t rules = all ? INT64_MAX : weir_pane_floor(newest, WEIR_RULE_PANE);
    if (!code)
        code = close_tallies(task, rules);
    int due = task->told == INT64_MIN || all || task->partials ||
              rules > weir_pane_floor(task->told, WEIR_RULE_PANE);
    return code || !due ? code : emit_control(task, newest);
}

// ---- calls

int weir_edge_end_call(struct weir_edge_task *task, int code, struct weir_error *error)
{
    task->whole = task->batch = NULL;
    task->n_marks = task->n_faults = 0;
    if (!code)
        code = task->failed;
    if (!code)
        return 0;
    task->failed = code;
    return weir_error_set(error, code, "stream '%s' task %d: %s", task->stream->info.name,
                          task->task,
                          code == WEIR_ENOMEM ? "no memory" : "its output could not be written");
}

int weir_edge_task_observe(struct weir_edge_task *task, const struct weir_batch *batch,
                           struct weir_error *error)
{
    if (!batch->n_rows || task->gate.stopped)
        return 0;
    task->whole = batch;
    WEIR_COUNT(records, batch->n_rows);
    WEIR_COUNT(undecodable, batch->n_undecodable);
    WEIR_COUNT(tombstones, batch->n_tombstones);
    int code = weir_edge_run(task);
    task->batch = NULL;
    // No record of this task ends the pane in which it is told why it stopped.
    if (task->gate.stopped)
        weir_clock_advance(
            &task->clock,
            weir_time_add(weir_pane_floor(task->clock.newest, WEIR_RULE_PANE), WEIR_RULE_PANE));
    if (!code)
        code = weir_edge_close_panes(task, task->clock.newest);
    return weir_edge_end_call(task, code, error);
}

int weir_edge_task_advance(struct weir_edge_task *task, int64_t time, struct weir_error *error)
{
    weir_clock_advance(&task->clock, time);
    return weir_edge_end_call(task, weir_edge_close_panes(task, task->clock.newest), error);
}

int weir_edge_task_idle(struct weir_edge_task *task, int idle, struct weir_error *error)
{
    task->idle = idle;
    return weir_edge_end_call(task, emit_control(task, task->clock.newest), error);
}

int weir_edge_task_finish(struct weir_edge_task *task, struct weir_error *error)
{
    const struct weir_clock was = task->clock;
    struct weir_clock_step step = weir_clock_end(&task->clock);
    int code = weir_edge_settle(task, &step, &was);
    // How far the records reached, whatever the batches: the last window is not complete.
    if (!code && task->clock.newest != INT64_MIN)
        code = emit_control(task, task->clock.newest);
    return weir_edge_end_call(task, code ? code : weir_edge_close_panes(task, INT64_MAX), error);
}

int weir_edge_task_gap(struct weir_edge_task *task, int64_t first, int64_t next,
                       struct weir_error *error)
{
    weir_edge_tally_at(task, WEIR_HOST_GAP, (uint64_t)(next - first), first, next - 1);
    return weir_edge_end_call(task, 0, error);
}

void weir_edge_task_forward(struct weir_edge_task *task)
{
    task->gate.forwards = 1;
}

int weir_edge_task_stopped(const struct weir_edge_task *task, int64_t *next)
{
    if (task->gate.stopped)
        *next = task->gate.next;
    return task->gate.stopped;
}

int64_t weir_edge_task_newest(const struct weir_edge_task *task)
{
    return task->clock.newest;
}

void weir_edge_task_suppress(struct weir_edge_task *task, int suppress)
{
    task->suppress = suppress;
}

void weir_edge_task_room(struct weir_edge_task *task, int64_t bytes)
{
    task->room = bytes;
}

int64_t weir_edge_task_room_left(const struct weir_edge_task *task)
{
    return task->room;
}

size_t weir_role_memory(const void *role, size_t (*memory)(const void *role),
                        int (*save)(const void *role, struct weir_buffer *out))
{
    struct weir_buffer bytes;
    if (memory || !save)
        return memory ? memory(role) : 0;
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    save(role, &bytes);
    size_t length = bytes.length;
    weir_buffer_free(&bytes);
    return 2 * length; // small numbers are shorter when they are written
}

static size_t panes_memory(const struct weir_open_panes *panes)
{
    size_t bytes = panes->capacity * sizeof *panes->items;
    for (size_t i = 0; i < panes->n; i++)
        bytes += weir_pane_memory(panes->items[i]);
    return bytes;
}

struct weir_task_memory weir_edge_task_memory(const struct weir_edge_task *task)
{
    struct weir_task_memory memory = {0};
    size_t bytes = sizeof *task + WEIR_BATCH_ROWS * 48 + task->piece.capacity +
                   task->record.capacity + task->marks_capacity * sizeof *task->marks +
                   task->faults_capacity * sizeof *task->faults;
    for (size_t i = 0; i < task->n_specs; i++) {
        const struct weir_edge_spec *spec = &task->specs[i];
        bytes += panes_memory(&spec->open);
        for (size_t k = 0; k < WEIR_CLOCK_HELD; k++)
            bytes += panes_memory(&spec->held[k]);
        for (size_t k = 0; k < spec->plan->layout.n_slots; k++)
            bytes += weir_absorb_scratch_memory(spec->scratch[k]);
    }
    for (size_t i = 0; i < task->n_tallies; i++)
        bytes += weir_tally_memory(task->tallies[i]);
    memory.windows = bytes;
    for (size_t i = 0; i < task->n_detectors; i++) {
        const struct weir_plugin *plugin = task->detectors[i].plan->plugin;
        if (plugin && task->detectors[i].edge)
            memory.detectors +=
                weir_role_memory(task->detectors[i].edge, plugin->edge_memory, plugin->edge_save);
    }
    return memory;
}
