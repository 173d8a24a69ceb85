// SPDX-License-Identifier: Apache-2.0
// The parts of the outage detector: outage.c makes an instance, owner.c walks windows and reports.
#ifndef WEIR_OUTAGE_H
#define WEIR_OUTAGE_H

#include "stats/count_series.h"
#include "weir/detector.h"

enum {
    OUTAGE_OPTION_DEPTH,
    OUTAGE_OPTION_RECORDS,
    OUTAGE_OPTION_LEARN_DELAY,
    OUTAGE_OPTION_ADOPT,
    OUTAGE_OPTION_FALSE_ALARMS
};

struct outage {
    const char *name;
    const struct weir_stream *stream;
    const int *const *by;
    const size_t *n_by_fields;
    size_t n_by;
    struct weir_count_rules rules;
    int has_operations;  // such a detector has its eye on the same stream
    int leave_stream;    // it sees sooner that the stream is silent, and says so
    unsigned producers;  // which `by` is the producers', 0: none
    int leave_producers; // and so it does of these
};

int outage_owner_create(void *instance, void **owner, struct weir_error *error);
void outage_owner_destroy(void *owner);
int outage_owner_window(void *owner, const struct weir_window *window, struct weir_error *error);
size_t outage_owner_memory(const void *owner);
size_t outage_owner_memory_slice(const void *instance);
int outage_owner_save(const void *owner, struct weir_buffer *out);
int outage_owner_restore(void *owner, uint32_t state_version, struct weir_reader *in,
                         struct weir_error *error);

#endif
