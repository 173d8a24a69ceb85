// SPDX-License-Identifier: Apache-2.0
// Every rule that every record breaks, one by one: for people who go over a file, and for figures
// of what rules find. Alerts count the same faults; the quarantine has the records.
#include <stdlib.h>
#include <string.h>

#include "consumer/codec/json_write.h"
#include "consumer/task/edge.h"

void weir_edge_task_faults(struct weir_edge_task *task)
{
    task->tells_faults = 1;
}

void weir_edge_fault_add(struct weir_edge_task *task, uint32_t detector, uint32_t rule,
                         const uint32_t *rows, size_t n)
{
    const struct weir_rule *broken = &task->detectors[detector].plan->rules[rule].rule;
    if (!task->tells_faults || task->suppress || broken->flags & WEIR_RULE_CONDITION)
        return;
    if (task->n_faults + n > task->faults_capacity) {
        size_t capacity = (task->n_faults + n) * 2;
        struct weir_mark_row *grown = realloc(task->faults, capacity * sizeof *grown);
        if (!grown) {
            task->failed = WEIR_ENOMEM;
            return;
        }
        task->faults = grown;
        task->faults_capacity = capacity;
    }
    for (size_t i = 0; i < n; i++)
        task->faults[task->n_faults++] =
            (struct weir_mark_row){task->first + rows[i], detector, rule};
}

// A value that could be read; one that could not is in the record alone.
static void put_value(struct weir_json_writer *json, const struct weir_column *column, uint32_t row)
{
    if (column->offsets || column->state[row] > WEIR_STATE_NULL)
        return;
    weir_json_key(json, "value");
    if (column->state[row] == WEIR_STATE_NULL) {
        weir_json_null(json);
    } else if (column->type == WEIR_TYPE_DOUBLE) {
        weir_json_double(json, column->values.f64[row]);
    } else if (column->type == WEIR_TYPE_LONG) {
        weir_json_long(json, column->values.i64[row]);
    } else if (column->type == WEIR_TYPE_BOOLEAN) {
        weir_json_boolean(json, column->values.i64[row] != 0);
    } else {
        const struct weir_string *text = weir_column_string(column, column->values.code[row]);
        weir_json_string(json, text->data, text->length);
    }
}

// A rule over several fields: only its detector knows which.
static void put_described(struct weir_json_writer *json, const struct weir_plan_detector *detector,
                          uint32_t rule)
{
    char text[1024] = "";
    struct weir_finding finding = {.size = sizeof finding};
    struct weir_rule_count count = {.size = sizeof count, .rule = rule, .count = 1, .rows = 1};
    if (!detector->plugin || !detector->plugin->describe ||
        detector->plugin->describe(detector->instance, &count, &finding, text, sizeof text))
        return;
    for (size_t i = 0; i < finding.n_fields; i++)
        weir_json_text(json, finding.fields[i]);
}

static void write_fault(struct weir_edge_task *task, const struct weir_mark_row *fault)
{
    const struct weir_batch *batch = task->whole;
    const struct weir_plan_detector *detector = task->detectors[fault->detector].plan;
    const struct weir_rule *rule = &detector->rules[fault->rule].rule;
    struct weir_json_writer json = {&task->piece, 0};
    weir_buffer_reset(&task->piece);
    weir_json_open(&json, '{');
    weir_json_put_text(&json, "stream", batch->stream->name);
    weir_json_put_text(&json, "topic", batch->topic);
    weir_json_put_long(&json, "partition", batch->partition);
    weir_json_put_long(&json, "offset", batch->offset[fault->row]);
    weir_json_put_text(&json, "detector", detector->name);
    weir_json_put_text(&json, "rule", rule->name);
    weir_json_put_text(&json, "kind", rule->kind);
    weir_json_key(&json, "fields");
    weir_json_open(&json, '[');
    if (rule->field >= 0)
        weir_json_text(&json, batch->stream->fields[rule->field].name);
    else
        put_described(&json, detector, fault->rule);
    weir_json_close(&json, ']');
    if (rule->field >= 0)
        put_value(&json, &batch->columns[rule->field], fault->row);
    if (batch->reason && batch->reason[fault->row])
        weir_json_put_text(&json, "reason", batch->reason[fault->row]);
    weir_json_close(&json, '}');
}

int weir_edge_faults(struct weir_edge_task *task)
{
    int code = 0;
    if (task->n_faults > 1)
        qsort(task->faults, task->n_faults, sizeof *task->faults, weir_mark_order);
    for (size_t i = 0; i < task->n_faults && !code; i++) {
        uint32_t row = task->faults[i].row;
        write_fault(task, &task->faults[i]);
        struct weir_emission emission = {
            .output = WEIR_OUTPUT_FAULTS,
            .partition = task->whole->partition,
            .timestamp = task->whole->timestamp[row],
            .value = {task->piece.data, task->piece.length},
            .decided_at = task->whole->time[row],
            .source_row = row,
        };
        code =
            task->piece.failed ? WEIR_ENOMEM : task->emitter.emit(task->emitter.context, &emission);
    }
    task->n_faults = 0;
    return code;
}
