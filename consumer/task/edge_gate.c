// SPDX-License-Identifier: Apache-2.0
// What becomes of each record: bad ones go to the quarantine; where the stream has a gate, good
// ones go on to the clean topic, and a circuit bounds what the gate may hold back.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "consumer/codec/json_write.h"
#include "consumer/http/metrics.h"
#include "consumer/task/edge.h"

// ---- the circuit

static const struct weir_gate_config *settings_of(const struct weir_edge_task *task)
{
    return &task->stream->config->gate;
}

uint64_t weir_edge_gate_hash(const struct weir_gate_config *config)
{
    struct {
        double at_most;
        int64_t over, at_least, stop, resume;
    } shape = {config->quarantine_at_most, config->over, config->at_least, config->beyond_stop,
               config->resume};
    return XXH3_64bits(&shape, sizeof shape);
}

void weir_edge_gate_init(struct weir_edge_task *task)
{
    const struct weir_gate_config *config = settings_of(task);
    if (!config->topic || task->stream->joined)
        return;
    task->gate.forwards = task->gate.guarded = 1;
    weir_circuit_init(&task->gate.circuit, config->quarantine_at_most, config->over,
                      (uint64_t)config->at_least);
}

static void gauge(const struct weir_edge_task *task, int one)
{
    if (task->gate.circuit.open)
        WEIR_COUNT(circuits_open, one);
    if (task->gate.stopped)
        WEIR_COUNT(gates_stopped, one);
}

void weir_edge_gate_end(struct weir_edge_task *task)
{
    gauge(task, -1);
}

size_t weir_edge_gate_room(const struct weir_edge_task *task, uint32_t row, size_t n)
{
    const struct weir_circuit *circuit = &task->gate.circuit;
    if (!task->gate.guarded || !settings_of(task)->beyond_stop || task->suppress)
        return n;
    if (circuit->open)
        return 1;
    uint64_t slack = weir_circuit_slack(circuit);
    int64_t until = weir_circuit_until(circuit);
    const int64_t *time = task->whole->time + row;
    size_t room = 0;
    if (task->clock.newest < until) {
        while (room < n && room < slack && time[room] < until)
            room++;
    }
    return room ? room : 1;
}

// Counts row `i` of the part; returns whether the circuit is open for it.
static int count_row(struct weir_edge_task *task, uint32_t i, int bad)
{
    struct weir_circuit *circuit = &task->gate.circuit;
    const struct weir_batch *batch = task->batch;
    int before = circuit->open;
    int64_t now = batch->time[i] > task->before[i] ? batch->time[i] : task->before[i];
    // What is held, or confirmed, is known of the last row alone, which then is the only one.
    if (i + 1 == batch->n_rows)
        now = task->after;
    int open = weir_circuit_count(circuit, now, bad);
    if (open != before)
        WEIR_COUNT(circuits_open, open - before);
    return open;
}

// ---- quarantine

int weir_mark_order(const void *a, const void *b)
{
    const struct weir_mark_row *x = a, *y = b;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    if (x->detector != y->detector)
        return x->detector < y->detector ? -1 : 1;
    return (x->rule > y->rule) - (x->rule < y->rule);
}

static const struct weir_rule *rule_of(const struct weir_edge_task *task,
                                       const struct weir_mark_row *row)
{
    return &task->detectors[row->detector].plan->rules[row->rule].rule;
}

static struct weir_span text_span(const char *text)
{
    return (struct weir_span){(const uint8_t *)text, strlen(text)};
}

static void write_reasons(struct weir_edge_task *task, const struct weir_mark_row *marks, size_t n)
{
    struct weir_json_writer json = {&task->piece, 0};
    weir_buffer_reset(&task->piece);
    weir_json_open(&json, '[');
    for (size_t i = 0; i < n; i++) {
        weir_json_open(&json, '{');
        weir_json_put_text(&json, "reason", rule_of(task, &marks[i])->kind);
        weir_json_put_text(&json, "detector", task->detectors[marks[i].detector].plan->name);
        weir_json_put_text(&json, "rule", rule_of(task, &marks[i])->name);
        weir_json_close(&json, '}');
    }
    weir_json_close(&json, ']');
}

// One record, with all the reasons against it.
static int emit_quarantine(struct weir_edge_task *task, const struct weir_mark_row *marks, size_t n)
{
    const struct weir_batch *batch = task->whole;
    uint32_t row = marks[0].row;
    const struct weir_rule *rule = rule_of(task, &marks[0]);
    char reason[300], partition[16], offset[24];
    if (batch->reason && batch->reason[row])
        snprintf(reason, sizeof reason, "%s: %s", rule->kind, batch->reason[row]);
    else
        snprintf(reason, sizeof reason, "%s", rule->kind);
    snprintf(partition, sizeof partition, "%d", batch->partition);
    snprintf(offset, sizeof offset, "%" PRId64, batch->offset[row]);
    write_reasons(task, marks, n);
    if (task->piece.failed)
        return WEIR_ENOMEM;
    struct weir_header headers[] = {
        {"weir_reason", text_span(reason)},
        {"weir_detector", text_span(task->detectors[marks[0].detector].plan->name)},
        {"weir_rule", text_span(rule->name)},
        {"weir_topic", text_span(batch->topic)},
        {"weir_partition", text_span(partition)},
        {"weir_offset", text_span(offset)},
        {"weir_reasons", {task->piece.data, task->piece.length}},
    };
    struct weir_emission emission = {
        .output = WEIR_OUTPUT_QUARANTINE,
        .partition = batch->partition,
        .timestamp = batch->timestamp[row],
        .key = batch->key[row],
        .value = batch->value[row],
        .headers = headers,
        .n_headers = sizeof headers / sizeof *headers,
        .decided_at = batch->time[row],
        .source_row = row,
    };
    return task->emitter.emit(task->emitter.context, &emission);
}

// The marks of one row, from `at`; the host's word on bytes that do not decode is redundant beside
// a detector's.
static int hold_back(struct weir_edge_task *task, size_t at, size_t end)
{
    if (end - at > 1 && task->marks[end - 1].detector == task->n_detectors - 1)
        end--;
    return task->suppress ? 0 : emit_quarantine(task, &task->marks[at], end - at);
}

// ---- forwarding

static int forward(struct weir_edge_task *task, uint32_t row)
{
    const struct weir_batch *batch = task->whole;
    struct weir_emission emission = {
        .output = WEIR_OUTPUT_CLEAN,
        .partition = batch->partition,
        .timestamp = batch->timestamp[row],
        .key = batch->key[row],
        .value = batch->value[row],
        .decided_at = batch->time[row],
        .source_row = row,
    };
    return task->suppress ? 0 : task->emitter.emit(task->emitter.context, &emission);
}

struct counts {
    uint64_t forwarded, quarantined, passed;
};

static void tell_counts(const struct weir_edge_task *task, const struct counts *counts)
{
    if (task->suppress)
        return;
    if (counts->forwarded)
        WEIR_COUNT(forwarded, counts->forwarded);
    if (counts->quarantined)
        WEIR_COUNT(quarantined, counts->quarantined);
    if (counts->passed)
        WEIR_COUNT(gate_passed, counts->passed);
}

static void stop(struct weir_edge_task *task, uint32_t row)
{
    task->gate.stopped = 1;
    task->gate.next = task->whole->offset[task->first + row] + 1;
    WEIR_COUNT(gates_stopped, 1);
}

static int decide(struct weir_edge_task *task, struct counts *counts)
{
    uint32_t n_open = 0;
    size_t mark = 0;
    int code = 0;
    for (uint32_t i = 0; i < task->batch->n_rows && !code && !task->gate.stopped; i++) {
        uint32_t row = task->first + i;
        size_t at = mark;
        while (mark < task->n_marks && task->marks[mark].row == row)
            mark++;
        int bad = mark > at;
        int open = task->gate.guarded && count_row(task, i, bad);
        if (open) {
            task->rows[n_open++] = i;
            // What was committed under other settings is behind us, whatever these would have said.
            if (settings_of(task)->beyond_stop && !task->suppress)
                stop(task, i);
        }
        if (bad && (!open || task->gate.stopped)) {
            code = hold_back(task, at, mark);
            counts->quarantined++;
        } else {
            code = forward(task, row);
            counts->forwarded++;
            counts->passed += bad;
        }
    }
    if (n_open && !code)
        weir_edge_tally_host(task, WEIR_HOST_CIRCUIT, task->rows, n_open);
    return code;
}

// Without a clean topic only bad rows matter.
static int copy_bad(struct weir_edge_task *task, struct counts *counts)
{
    int code = 0;
    for (size_t at = 0, end; at < task->n_marks && !code; at = end) {
        end = at + 1;
        while (end < task->n_marks && task->marks[end].row == task->marks[at].row)
            end++;
        code = hold_back(task, at, end);
        counts->quarantined++;
    }
    return code;
}

int weir_edge_gate(struct weir_edge_task *task)
{
    struct counts counts = {0, 0, 0};
    if (task->n_marks > 1)
        qsort(task->marks, task->n_marks, sizeof *task->marks, weir_mark_order);
    int code = task->gate.forwards ? decide(task, &counts) : copy_bad(task, &counts);
    tell_counts(task, &counts);
    task->n_marks = 0;
    return code ? code : task->failed;
}

// ---- state

int weir_edge_gate_save(const struct weir_edge_task *task, struct weir_buffer *out)
{
    weir_put_long(out, task->gate.guarded);
    if (!task->gate.guarded)
        return out->failed ? WEIR_ENOMEM : 0;
    weir_put_fixed64(out, weir_edge_gate_hash(settings_of(task)));
    weir_put_long(out, task->gate.stopped);
    weir_put_long(out, task->gate.next);
    return weir_circuit_save(&task->gate.circuit, out) ? WEIR_ENOMEM : 0;
}

int weir_edge_gate_restore(struct weir_edge_task *task, struct weir_reader *in)
{
    if (!weir_get_long(in))
        return in->failed ? WEIR_ECORRUPT : 0;
    struct weir_circuit circuit = task->gate.circuit;
    uint64_t hash = weir_get_fixed64(in);
    int stopped = weir_get_long(in) != 0;
    int64_t next = weir_get_long(in);
    if (!task->gate.guarded)
        weir_circuit_init(&circuit, 1, 1, 1);
    weir_circuit_restore(&circuit, in);
    if (in->failed)
        return WEIR_ECORRUPT;
    // Other settings begin anew; so a stopped stream goes on.
    if (!task->gate.guarded || hash != weir_edge_gate_hash(settings_of(task)))
        return 0;
    task->gate.circuit = circuit;
    task->gate.stopped = stopped;
    task->gate.next = next;
    gauge(task, 1);
    return 0;
}
