// SPDX-License-Identifier: Apache-2.0
// Counters and gauges. One table, from which they are declared, printed and documented: none can
// exist without its help. Process-wide, atomic, relaxed: increment once a batch, not a record.
#ifndef WEIR_METRICS_H
#define WEIR_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "stats/buffer.h"

// X(identifier, kind, exported name, help)
#define WEIR_METRICS(X)                                                                            \
    X(records, counter, "weir_records_total", "Records read.")                                     \
    X(bytes, counter, "weir_bytes_total", "Bytes of record values read.")                          \
    X(undecodable, counter, "weir_undecodable_records_total", "Records that did not decode.")      \
    X(tombstones, counter, "weir_tombstones_total", "Records with a null value, passed over.")     \
    X(late, counter, "weir_late_records_total",                                                    \
      "Records that came after their window had closed, counted once a window spec.")              \
    X(held_late, counter, "weir_unconfirmed_jump_records_total",                                   \
      "Records far ahead in time that no later record confirmed.")                                 \
    X(quarantined, counter, "weir_quarantined_records_total", "Records copied to quarantine.")     \
    X(forwarded, counter, "weir_forwarded_records_total",                                          \
      "Records that gates forwarded to their clean topics.")                                       \
    X(gate_passed, counter, "weir_gate_passed_bad_records_total",                                  \
      "Bad records among them, that passed while a circuit was open.")                             \
    X(circuits_open, gauge, "weir_gate_circuits_open",                                             \
      "Partitions whose gate has an open circuit: too much would be held back.")                   \
    X(gates_stopped, gauge, "weir_gate_partitions_stopped",                                        \
      "Partitions that their gate has stopped (beyond: stop).")                                    \
    X(quarantine_pointers, counter, "weir_quarantine_pointers_total",                              \
      "Quarantined records too large to copy, replaced by a pointer.")                             \
    X(slices_overflowed, counter, "weir_slice_overflow_records_total",                             \
      "Records whose slice was not tracked because a limit was reached.")                          \
    X(partials, counter, "weir_partials_total", "Partial summaries handed to mergers.")            \
    X(partials_written, counter, "weir_partials_written_total",                                    \
      "Records handed to the topic of partials: summaries and watermarks.")                        \
    X(partials_read, counter, "weir_partials_read_total",                                          \
      "Records read from the topic of partials.")                                                  \
    X(partials_late, counter, "weir_late_partials_total",                                          \
      "Partials of a window that had closed already.")                                             \
    X(partials_refused, counter, "weir_refused_partials_total",                                    \
      "Records of the partials topic that do not decode, passed over.")                            \
    X(windows, counter, "weir_windows_closed_total", "Windows closed.")                            \
    X(windows_incomplete, counter, "weir_incomplete_windows_total",                                \
      "Windows not judged because configurations were mixed.")                                     \
    X(findings, counter, "weir_findings_total", "Findings of detectors.")                          \
    X(alerts, counter, "weir_alert_events_total", "Alert events written.")                         \
    X(budget_incidents, counter, "weir_budget_incidents_total",                                    \
      "Incidents that detectors opened which share false_alarms, and not by a rule: at most so "   \
      "much was spent of it.")                                                                     \
    X(budget_allowed, gauge, "weir_budget_allowed_thousandths",                                    \
      "False alarms that these detectors are allowed in the period of false_alarms, times 1000.")  \
    X(budget_period, gauge, "weir_budget_period_seconds", "The period of false_alarms.")           \
    X(detector_failures, counter, "weir_detector_failures_total",                                  \
      "Calls of a detector that failed.")                                                          \
    X(calibrations_frozen, counter, "weir_calibrations_frozen_total",                              \
      "Calibrations that became whole, and hold until another is accepted.")                       \
    X(calibrations_accepted, counter, "weir_calibrations_accepted_total",                          \
      "Calibrations that a person accepted, and detectors took over.")                             \
    X(calibrations_refused, counter, "weir_calibrations_refused_total",                            \
      "Calibrations that a person accepted, and detectors could not take over.")                   \
    X(duplicates_dropped, counter, "weir_refetched_records_total",                                 \
      "Records fetched again below the expected offset, and dropped.")                             \
    X(transactions, counter, "weir_transactions_total", "Transactions committed.")                 \
    X(aborts, counter, "weir_aborted_transactions_total", "Transactions aborted and tried again.") \
    X(snapshots, counter, "weir_snapshots_total", "State snapshots written.")                      \
    X(registry_errors, counter, "weir_registry_errors_total", "Failed requests to the registry.")  \
    X(limits, counter, "weir_limit_drops_total", "Things that a stated limit dropped.")            \
    X(parks, counter, "weir_partition_parks_total",                                                \
      "Times that a partition was not read for a while, so that memory stays within its limit.")   \
    X(parked, gauge, "weir_parked_partitions",                                                     \
      "Partitions that are not read now, so that memory stays within its limit.")                  \
    X(memory_limit, gauge, "weir_memory_limit_bytes", "limits.memory.")                            \
    X(memory_ahead, gauge, "weir_memory_ahead_bytes",                                              \
      "Memory of records that were fetched and not yet looked at.")                                \
    X(memory_batches, gauge, "weir_memory_batches_bytes",                                          \
      "Memory of batches and of the dictionaries of their strings.")                               \
    X(memory_windows, gauge, "weir_memory_windows_bytes",                                          \
      "Memory of open windows beside the records.")                                                \
    X(memory_mergers, gauge, "weir_memory_mergers_bytes",                                          \
      "Memory of merged windows and of incidents.")                                                \
    X(memory_detectors, gauge, "weir_memory_detectors_bytes", "Memory of the detectors' state.")   \
    X(memory_output, gauge, "weir_memory_output_bytes",                                            \
      "Memory of output that waits to be committed, or is being sent.")                            \
    X(memory_restores, gauge, "weir_memory_restores_bytes",                                        \
      "Memory of snapshots that are being read.")                                                  \
    X(tasks, gauge, "weir_tasks", "Tasks that this member owns.")                                  \
    X(incidents, gauge, "weir_open_incidents", "Incidents open now.")

struct weir_metrics {
#define X(identifier, kind, name, help) _Atomic uint64_t identifier;
    WEIR_METRICS(X)
#undef X
};
extern struct weir_metrics weir_metrics;

#define WEIR_COUNT(identifier, amount)                                                             \
    atomic_fetch_add_explicit(&weir_metrics.identifier, (uint64_t)(amount), memory_order_relaxed)
#define WEIR_GAUGE(identifier, value)                                                              \
    atomic_store_explicit(&weir_metrics.identifier, (uint64_t)(value), memory_order_relaxed)

// Detectors that keep false alarms within bounds, with a label each. `allowed`: of the app's budget
// in its period; NAN: none of it, the detector has a rate of its own.
struct weir_metrics_budget {
    const char *detector; // copied
    double allowed;
};
// From now on there are these; what one that stays has spent is kept. Any thread. WEIR_ENOMEM:
// nothing has changed.
int weir_metrics_set_budget(const struct weir_metrics_budget *budget, size_t n);
void weir_metrics_spend(const char *detector); // it opened an incident; any thread

// The Prometheus text exposition.
int weir_metrics_print(struct weir_buffer *out);

#endif
