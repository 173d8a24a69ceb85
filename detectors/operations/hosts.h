// SPDX-License-Identifier: Apache-2.0
// One host whose scores are unlike its peers', on traffic that is like theirs.
#ifndef WEIR_OPERATIONS_HOSTS_H
#define WEIR_OPERATIONS_HOSTS_H

#include "detectors/operations/operations.h"

enum { OPERATIONS_HOSTS_KEPT = 4096 };

struct operations_host {
    uint64_t hash;  // of its name
    double effect;  // how unlike its peers it has been, mean of its past windows
    double windows; // at most a hundred count
    int64_t last;   // end of the last window that it was in
};

struct operations_hosts {
    struct operations_host *list; // by hash
    size_t n;
};

// What create() must ask for, and which slices are hosts' (operations->host_by).
int operations_hosts_need(struct operations *operations, const struct weir_detector_config *config,
                          const struct weir_setup *setup, struct weir_error *error);

void operations_hosts_free(struct operations_hosts *hosts);
// Looks at the window's slices and emits what there is to say. WEIR_ENOMEM.
int operations_hosts_step(struct operations_hosts *hosts, const struct operations_step *step);
void operations_hosts_save(const struct operations_hosts *hosts, struct weir_buffer *out);
int operations_hosts_restore(struct operations_hosts *hosts, struct weir_reader *in);

#endif
