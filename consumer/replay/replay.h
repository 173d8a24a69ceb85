// SPDX-License-Identifier: Apache-2.0
// The pipeline over files, as fast as it goes: each stream is one partition, streams are merged
// by their running newest time, and everything happens in one thread.
//
// Nothing that comes out depends on batch sizes: streams advance together in steps of a rule pane
// of event time, and alerts come out in the order in which they were decided.
#ifndef WEIR_REPLAY_H
#define WEIR_REPLAY_H

#include "consumer/alert/alert.h"
#include "consumer/task/task.h"

struct weir_replay_input {
    size_t stream; // of the configuration
    const char *path;
};

struct weir_replay_clean { // where a stream's good records go
    size_t stream;
    const char *path;
};

struct weir_replay_options {
    const struct weir_config *config;
    const struct weir_replay_input *inputs;
    size_t n_inputs;
    const struct weir_replay_clean *clean;
    size_t n_clean;
    uint32_t batch; // rows; 0: WEIR_BATCH_ROWS
    int windows;    // the windows output is wanted
    int faults;     // and that of faults
    // Everything that comes out, alerts in order. `emission` lives until the callback returns.
    int (*emit)(void *context, const struct weir_emission *emission);
    // The share of the input that is read (below 0: not known), and the records so far.
    void (*progress)(void *context, double share, uint64_t records);
    void *context;
};

struct weir_replay_stats {
    uint64_t records, bytes, alerts, quarantined, forwarded, late;
};

int weir_replay(const struct weir_replay_options *options, struct weir_replay_stats *stats,
                struct weir_error *error);

#endif
