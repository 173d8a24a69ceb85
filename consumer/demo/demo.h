// SPDX-License-Identifier: Apache-2.0
// The whole of weir on a broker inside this process: topics, a stream with incidents, the member
// that watches it, and its alerts read back from their topic.
#ifndef WEIR_DEMO_H
#define WEIR_DEMO_H

#include <stdatomic.h>
#include <stdio.h>

#include "consumer/generate/generate.h"

struct weir_demo_options {
    struct weir_generate_options generate;
    int keep, quiet; // the broker goes on until `stop`; only the table is printed
    const atomic_int *stop;
    FILE *out;
};

// Plays it and prints. WEIR_EAGAIN: it was stopped before its end. Where `error` is fatal the
// process should end at once: threads are left behind.
int weir_demo(const struct weir_demo_options *options, struct weir_error *error);

#endif
