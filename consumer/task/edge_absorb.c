// SPDX-License-Identifier: Apache-2.0
// Records into summaries: group the rows by pane, then by slice, then a column at a time.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "consumer/http/metrics.h"
#include "consumer/task/edge.h"

enum { SKIP = UINT32_MAX, KEY_BYTES = 1024, VALUE_BYTES = 128 };

static int is_summarised(const struct weir_batch *batch, uint32_t row)
{
    return !batch->fault || batch->fault[row] == WEIR_ROW_GOOD ||
           batch->fault[row] == WEIR_ROW_NO_TIME;
}

// Numbers of the groups that rows belong to -> rows in order of their group, ascending within.
// start[g] .. start[g + 1] are the group's places in `order`.
static void gather(const uint32_t *group, uint32_t n, uint32_t n_groups, uint32_t *start,
                   uint32_t *order)
{
    memset(start, 0, (n_groups + 1) * sizeof *start);
    for (uint32_t i = 0; i < n; i++) {
        if (group[i] != SKIP)
            start[group[i] + 1]++;
    }
    for (uint32_t g = 0; g < n_groups; g++)
        start[g + 1] += start[g];
    for (uint32_t i = 0; i < n; i++) {
        if (group[i] != SKIP)
            order[start[group[i]]++] = i;
    }
    // Filling moved each start to the next one's place.
    for (uint32_t g = n_groups; g > 0; g--)
        start[g] = start[g - 1];
    start[0] = 0;
}

// ---- slices

static size_t put_varint(uint8_t *out, size_t value)
{
    struct weir_buffer buffer = {out, 0, 10, 10, 0};
    weir_put_long(&buffer, (int64_t)value);
    return buffer.length;
}

// One value of a slice's key, as people would write it; cut where it is absurdly long.
static size_t value_text(const struct weir_column *column, uint32_t row, char *out)
{
    static const char *const absent[] = {"", "(null)", "(missing)"};
    uint8_t state = column->state[row];
    int length = 0;
    if (state != WEIR_STATE_VALUE) {
        length = snprintf(out, VALUE_BYTES, "%s",
                          state <= WEIR_STATE_MISSING ? absent[state] : "(fault)");
        return (size_t)length;
    }
    switch (column->type) {
    case WEIR_TYPE_DOUBLE:
        length = snprintf(out, VALUE_BYTES, "%.17g", column->values.f64[row]);
        break;
    case WEIR_TYPE_LONG:
        length = snprintf(out, VALUE_BYTES, "%" PRId64, column->values.i64[row]);
        break;
    case WEIR_TYPE_BOOLEAN:
        length = snprintf(out, VALUE_BYTES, "%s", column->values.i64[row] ? "true" : "false");
        break;
    default: {
        const struct weir_string *text = weir_column_string(column, column->values.code[row]);
        size_t n = text->length < VALUE_BYTES ? text->length : VALUE_BYTES - 1;
        memcpy(out, text->data, n);
        return n;
    }
    }
    return (size_t)length;
}

static size_t make_key(const struct weir_batch *batch, const int *fields, size_t n_fields,
                       uint32_t row, uint8_t *key)
{
    size_t length = 0;
    char text[VALUE_BYTES];
    for (size_t k = 0; k < n_fields && length + VALUE_BYTES + 10 < KEY_BYTES; k++) {
        size_t n = value_text(&batch->columns[fields[k]], row, text);
        length += put_varint(key + length, n);
        memcpy(key + length, text, n);
        length += n;
    }
    return length;
}

// What identifies a row's values cheaply within one batch: codes of one dictionary, or bits.
static uint64_t quick_identity(const struct weir_batch *batch, const int *fields, size_t n_fields,
                               uint32_t row)
{
    uint64_t hash = 0x9e3779b97f4a7c15u;
    for (size_t k = 0; k < n_fields; k++) {
        const struct weir_column *column = &batch->columns[fields[k]];
        uint64_t bits = column->state[row] * 0xc2b2ae3d27d4eb4fu; // far from any usual value
        if (column->state[row] == WEIR_STATE_VALUE) {
            switch (column->type) {
            case WEIR_TYPE_DOUBLE:
                memcpy(&bits, &column->values.f64[row], sizeof bits);
                break;
            case WEIR_TYPE_LONG:
            case WEIR_TYPE_BOOLEAN:
                bits = (uint64_t)column->values.i64[row];
                break;
            default:
                bits = weir_column_string(column, column->values.code[row])->hash;
            }
        }
        hash = (hash ^ bits) * 0xff51afd7ed558ccdu;
        hash ^= hash >> 32;
    }
    return hash;
}

struct local_slices { // distinct slices of one batch: open addressing by quick identity
    uint64_t identity[2 * WEIR_BATCH_ROWS];
    uint32_t number[2 * WEIR_BATCH_ROWS]; // + 1; 0: free
    uint32_t example[WEIR_BATCH_ROWS];    // a row that has it
    uint32_t n;
};

static uint32_t local_slice(struct local_slices *slices, uint64_t identity, uint32_t row)
{
    uint32_t mask = 2 * WEIR_BATCH_ROWS - 1;
    uint32_t at = (uint32_t)identity & mask;
    while (slices->number[at]) {
        if (slices->identity[at] == identity)
            return slices->number[at] - 1;
        at = (at + 1) & mask;
    }
    slices->identity[at] = identity;
    slices->example[slices->n] = row;
    slices->number[at] = ++slices->n;
    return slices->n - 1;
}

static int absorb_fields(struct weir_edge_task *task, struct weir_edge_spec *spec,
                         struct weir_pane_slice *slice, const uint32_t *rows, size_t n)
{
    const struct weir_pane_layout *layout = &spec->plan->layout;
    size_t from = layout->first_slot[slice->by], to = layout->first_slot[slice->by + 1];
    for (size_t i = from; i < to; i++) {
        const struct weir_slot *slot = &layout->slots[i];
        int code =
            weir_summary_absorb(&slice->summaries[i - from], &task->batch->columns[slot->field],
                                rows, n, spec->scratch[i]);
        if (code)
            return code;
    }
    slice->rows += n;
    return 0;
}

// The rows of one pane, split by the slices of `by`.
static int absorb_slices(struct weir_edge_task *task, struct weir_edge_spec *spec,
                         struct weir_pane *pane, unsigned by, const uint32_t *rows, uint32_t n)
{
    static _Thread_local struct local_slices slices;
    const struct weir_batch *batch = task->batch;
    const int *fields = spec->plan->by_fields[by];
    size_t n_fields = spec->plan->n_by_names[by];
    uint32_t order[WEIR_BATCH_ROWS], start[WEIR_BATCH_ROWS + 1];
    memset(slices.number, 0, sizeof slices.number);
    slices.n = 0;
    for (uint32_t i = 0; i < n; i++)
        task->slice[i] =
            local_slice(&slices, quick_identity(batch, fields, n_fields, rows[i]), rows[i]);
    gather(task->slice, n, slices.n, start, order);
    for (uint32_t s = 0; s < slices.n; s++) {
        uint8_t key[KEY_BYTES];
        uint32_t count = start[s + 1] - start[s];
        size_t length = make_key(batch, fields, n_fields, slices.example[s], key);
        int64_t at = weir_pane_slice(pane, by, key, length, weir_pane_hash(by, key, length));
        if (at == -2)
            return WEIR_ENOMEM;
        if (at == -1) {
            pane->overflow[by] += count;
            WEIR_COUNT(slices_overflowed, count);
        }
        for (uint32_t i = 0; i < count; i++)
            task->rows[i] = rows[order[start[s] + i]];
        if (at == -1) {
            weir_edge_tally_limit(task,
                                  pane->n_by_slices[by] < spec->plan->layout.slice_limit
                                      ? "slices within limits.memory"
                                      : "slices",
                                  task->rows, count);
            continue;
        }
        int code = absorb_fields(task, spec, &pane->slices[at], task->rows, count);
        if (code)
            return code;
    }
    return 0;
}

static void cover(struct weir_pane *pane, const struct weir_batch *batch, const uint32_t *rows,
                  uint32_t n, int *failed)
{
    // Offsets rise within a batch.
    if (weir_pane_cover(pane, batch->topic, batch->partition, batch->offset[rows ? rows[0] : 0],
                        batch->offset[rows ? rows[n - 1] : n - 1]))
        *failed = WEIR_ENOMEM;
}

// `rows` NULL: all rows of the batch, which is the fast way.
static int absorb_pane(struct weir_edge_task *task, struct weir_edge_spec *spec,
                       struct weir_pane *pane, const uint32_t *rows, uint32_t n)
{
    int code = 0;
    pane->rows += n;
    cover(pane, task->batch, rows, n, &task->failed);
    for (uint32_t i = 0; i < n; i++) {
        int64_t time = task->batch->time[rows ? rows[i] : i];
        pane->first_time = time < pane->first_time ? time : pane->first_time;
        pane->last_time = time > pane->last_time ? time : pane->last_time;
    }
    if (!rows && task->batch->n_rows == n) {
        const struct weir_pane_layout *layout = &spec->plan->layout;
        for (size_t i = 0; i < layout->first_slot[1] && !code; i++)
            code = weir_summary_absorb(&pane->slices[0].summaries[i],
                                       &task->batch->columns[layout->slots[i].field], NULL, 0,
                                       spec->scratch[i]);
        pane->slices[0].rows += n;
    } else {
        code = absorb_fields(task, spec, &pane->slices[0], rows, n);
    }
    if (!code && pane->sample)
        code = weir_reservoir_add(pane->sample, task->batch, rows, n, 0);
    if (code || spec->plan->layout.n_by == 1)
        return code;
    uint32_t all[WEIR_BATCH_ROWS];
    for (uint32_t i = 0; !rows && i < n; i++)
        all[i] = i;
    for (unsigned by = 1; by < spec->plan->layout.n_by && !code; by++)
        code = absorb_slices(task, spec, pane, by, rows ? rows : all, n);
    return code;
}

// ---- windows that count records: row i is the (counted + i)-th

static int absorb_counted(struct weir_edge_task *task, struct weir_edge_spec *spec)
{
    const struct weir_batch *batch = task->batch;
    uint64_t size = (uint64_t)spec->plan->window.records;
    uint32_t row = 0, *rows = task->order;
    while (row < batch->n_rows) {
        int64_t window = (int64_t)(spec->counted / size);
        uint64_t left = size - spec->counted % size;
        struct weir_pane *pane =
            weir_open_pane(&spec->open, &spec->plan->layout, window, window, &task->failed);
        if (!pane)
            return task->failed;
        uint32_t n = 0;
        for (; row < batch->n_rows && n < left; row++) {
            if (is_summarised(batch, row))
                rows[n++] = row;
        }
        if (!n)
            continue;
        spec->counted += n;
        int code = absorb_pane(task, spec, pane, n == batch->n_rows ? NULL : rows, n);
        if (code)
            return code;
    }
    return task->failed;
}

// ---- windows of time

// One pane for the whole batch, and nothing in it that is late or faulty: the common case.
static int one_pane(const struct weir_edge_task *task, const struct weir_plan_spec *spec,
                    int64_t *start)
{
    const struct weir_batch *batch = task->batch;
    int64_t low = INT64_MAX, high = INT64_MIN;
    if (batch->n_undecodable || batch->n_tombstones)
        return 0;
    for (uint32_t i = 0; i < batch->n_rows; i++) {
        low = batch->time[i] < low ? batch->time[i] : low;
        high = batch->time[i] > high ? batch->time[i] : high;
    }
    *start = weir_pane_floor(low, spec->pane);
    return weir_pane_floor(high, spec->pane) == *start &&
           *start >= weir_edge_oldest(spec, task->after);
}

static int absorb_timed(struct weir_edge_task *task, struct weir_edge_spec *spec,
                        struct weir_open_panes *panes, int held)
{
    const struct weir_batch *batch = task->batch;
    const struct weir_plan_spec *plan = spec->plan;
    int64_t start;
    if (one_pane(task, plan, &start)) {
        struct weir_pane *pane = weir_open_pane(panes, &plan->layout, start,
                                                weir_time_add(start, plan->pane), &task->failed);
        return pane ? absorb_pane(task, spec, pane, NULL, batch->n_rows) : task->failed;
    }
    // Group by pane; neighbours are mostly in the same.
    int64_t *starts = task->pane;
    int64_t newest = INT64_MIN;
    uint32_t n_groups = 0, late = 0;
    for (uint32_t i = 0; i < batch->n_rows; i++) {
        task->group[i] = SKIP;
        if (!is_summarised(batch, i))
            continue;
        int64_t at = weir_pane_floor(batch->time[i], plan->pane);
        if (!held && at < weir_edge_oldest(plan, task->before[i])) {
            late++;
            continue;
        }
        uint32_t g = at > newest ? 0 : n_groups;
        while (g > 0 && starts[g - 1] != at)
            g--;
        if (!g) {
            starts[n_groups++] = at;
            g = n_groups;
            newest = at > newest ? at : newest;
        }
        task->group[i] = g - 1;
    }
    if (late && !task->join) // the streams' own tasks count them
        WEIR_COUNT(late, late);
    gather(task->group, batch->n_rows, n_groups, task->start, task->order);
    for (uint32_t g = 0; g < n_groups; g++) {
        struct weir_pane *pane = weir_open_pane(
            panes, &plan->layout, starts[g], weir_time_add(starts[g], plan->pane), &task->failed);
        if (!pane)
            return task->failed;
        int code = absorb_pane(task, spec, pane, &task->order[task->start[g]],
                               task->start[g + 1] - task->start[g]);
        if (code)
            return code;
    }
    return task->failed;
}

int weir_edge_absorb(struct weir_edge_task *task, struct weir_edge_spec *spec, int held)
{
    if (spec->plan->window.records)
        return absorb_counted(task, spec);
    if (held == WEIR_EDGE_REFUSED)
        return 0;
    return absorb_timed(task, spec, held >= 0 ? &spec->held[held] : &spec->open, held >= 0);
}
