// SPDX-License-Identifier: Apache-2.0
// A thread that writes the generated stream to the broker, at the pace at which this process
// reads it: the embedded broker forgets what lies too long.
#ifndef WEIR_DEMO_FEED_H
#define WEIR_DEMO_FEED_H

#include "consumer/generate/generate.h"

struct weir_demo_feed;

struct weir_demo_feed_state {
    uint64_t sent;   // records
    int64_t time_ms; // of the last one
    int ended;       // all are sent and acknowledged, or it failed
    int code;        // why it failed, and the sentence:
    struct weir_error error;
};

// `generate` outlives it, and is not touched by others until it has ended. `options` is read here
// only. NULL with `error` filled on failure.
struct weir_demo_feed *weir_demo_feed_start(const char *bootstrap, struct weir_generate *generate,
                                            const struct weir_generate_options *options,
                                            struct weir_error *error);
void weir_demo_feed_state(struct weir_demo_feed *feed, struct weir_demo_feed_state *state);
// Whether all that was sent has been read, by workers and mergers. Nothing says that it is
// committed.
int weir_demo_feed_is_read(struct weir_demo_feed *feed);
void weir_demo_feed_stop(struct weir_demo_feed *feed); // ends it where it is; NULL is fine

#endif
