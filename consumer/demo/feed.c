// SPDX-License-Identifier: Apache-2.0
#include "consumer/demo/feed.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "consumer/generate/send.h"
#include "consumer/http/metrics.h"

// Records and partials on their way: far below the 5 MB that a partition keeps, and so few that
// alerts of different detectors come nearly in the order of event time.
enum { AHEAD = 2000, PARTIALS_AHEAD = 150, PAUSE_US = 1000 };

struct weir_demo_feed {
    struct weir_generate *generate;
    struct weir_generate_sender *sender;
    pthread_t thread;
    uint64_t read_before; // records that this process had read when it began
    atomic_int stop;
    pthread_mutex_t lock;
    struct weir_demo_feed_state state;
};

static uint64_t records_read(const struct weir_demo_feed *feed)
{
    return atomic_load(&weir_metrics.records) - feed->read_before;
}

static uint64_t partials_waiting(void)
{
    uint64_t read = atomic_load(&weir_metrics.partials_read);
    uint64_t written = atomic_load(&weir_metrics.partials_written);
    return written > read ? written - read : 0;
}

static void wait_for_readers(struct weir_demo_feed *feed, uint64_t sent)
{
    while (!atomic_load(&feed->stop) &&
           (sent - records_read(feed) >= AHEAD || partials_waiting() >= PARTIALS_AHEAD))
        usleep(PAUSE_US);
}

static void *run(void *context)
{
    struct weir_demo_feed *feed = context;
    struct weir_generate_record record;
    struct weir_error error = {0};
    uint64_t sent = 0;
    int code = 0;
    while (!code && !atomic_load(&feed->stop)) {
        wait_for_readers(feed, sent);
        int more = weir_generate_next(feed->generate, &record, &error);
        if (more != 1) {
            code = more;
            break;
        }
        code = weir_generate_sender_send(feed->sender, &record, &error);
        pthread_mutex_lock(&feed->lock);
        feed->state.sent = ++sent;
        feed->state.time_ms = record.timestamp_ms;
        pthread_mutex_unlock(&feed->lock);
    }
    if (!code && !atomic_load(&feed->stop))
        code = weir_generate_sender_finish(feed->sender, &error);
    pthread_mutex_lock(&feed->lock);
    feed->state.ended = 1;
    feed->state.code = code;
    feed->state.error = error;
    pthread_mutex_unlock(&feed->lock);
    return NULL;
}

struct weir_demo_feed *weir_demo_feed_start(const char *bootstrap, struct weir_generate *generate,
                                            const struct weir_generate_options *options,
                                            struct weir_error *error)
{
    struct weir_demo_feed *made = calloc(1, sizeof *made);
    if (!made) {
        weir_error_set(error, WEIR_ENOMEM, "out of memory");
        return NULL;
    }
    made->generate = generate;
    made->read_before = atomic_load(&weir_metrics.records);
    made->state.time_ms = weir_generate_start(generate);
    made->sender = weir_generate_sender_open(bootstrap, options, error);
    if (!made->sender) {
        free(made);
        return NULL;
    }
    pthread_mutex_init(&made->lock, NULL);
    if (pthread_create(&made->thread, NULL, run, made)) {
        weir_error_set(error, WEIR_EIO, "a thread cannot be started");
        weir_generate_sender_close(made->sender);
        pthread_mutex_destroy(&made->lock);
        free(made);
        return NULL;
    }
    return made;
}

void weir_demo_feed_state(struct weir_demo_feed *feed, struct weir_demo_feed_state *state)
{
    pthread_mutex_lock(&feed->lock);
    *state = feed->state;
    pthread_mutex_unlock(&feed->lock);
}

int weir_demo_feed_is_read(struct weir_demo_feed *feed)
{
    struct weir_demo_feed_state state;
    weir_demo_feed_state(feed, &state);
    return state.ended && !state.code && records_read(feed) >= state.sent && !partials_waiting();
}

void weir_demo_feed_stop(struct weir_demo_feed *feed)
{
    if (!feed)
        return;
    atomic_store(&feed->stop, 1);
    pthread_join(feed->thread, NULL);
    weir_generate_sender_close(feed->sender);
    pthread_mutex_destroy(&feed->lock);
    free(feed);
}
