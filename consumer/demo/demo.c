// SPDX-License-Identifier: Apache-2.0
#include "consumer/demo/demo.h"

#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "consumer/alert/follow.h"
#include "consumer/alert/print.h"
#include "consumer/cli/terminal.h"
#include "consumer/demo/broker.h"
#include "consumer/demo/feed.h"
#include "consumer/demo/folder.h"
#include "consumer/demo/report.h"
#include "consumer/host/plugins.h"
#include "consumer/http/metrics.h"
#include "consumer/runtime/runtime.h"

enum { INTERNAL_PARTITIONS = 8, QUIET_MS = 1500 };

struct demo {
    const struct weir_demo_options *options;
    struct weir_demo_broker *broker;
    struct weir_demo_folder folder;
    struct weir_plugins *plugins;
    struct weir_config *config;
    struct weir_generate *generate;
    struct weir_demo_score *score;
    struct weir_demo_feed *feed;
    struct weir_runtime *runtime;
    uint64_t profile_rows;
    // the member
    uint64_t transactions;
    int64_t quiet_since; // monotonic, ms
    // alerts
    pthread_t follower;
    atomic_int follower_stop;
    int following, follow_code;
    struct weir_error follow_error;
    uint64_t events, passed_over; // taken; read again, while the last ones are fetched
    pthread_mutex_t screen;
    int playing; // the bar has begun
    struct weir_progress progress;
    struct weir_alert_style style;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// ---- alerts, from their topic

static int on_event(void *context, const struct weir_alert_copy *event)
{
    struct demo *demo = context;
    if (demo->passed_over < demo->events && !demo->following) {
        demo->passed_over++;
        return 0;
    }
    demo->events++;
    int news = weir_demo_score_event(demo->score, &event->alert);
    if (news <= 0 || demo->options->quiet)
        return news < 0 ? news : 0;
    pthread_mutex_lock(&demo->screen);
    weir_progress_clear(&demo->progress);
    weir_demo_line(&event->alert, &demo->style, demo->options->out);
    int failed = fflush(demo->options->out);
    pthread_mutex_unlock(&demo->screen);
    return failed ? WEIR_EIO : 0;
}

static int follow(struct demo *demo, int until_end)
{
    uint64_t foreign = 0;
    struct weir_follow_options options = {
        .from_beginning = 1,
        .until_end = until_end,
        .stop = until_end ? NULL : &demo->follower_stop,
        .event = on_event,
        .context = demo,
    };
    return weir_alert_follow(demo->config, &options, &foreign, &demo->follow_error);
}

static void *run_follower(void *context)
{
    struct demo *demo = context;
    demo->follow_code = follow(demo, 0);
    return NULL;
}

static int start_follower(struct demo *demo, struct weir_error *error)
{
    demo->following = 1;
    if (pthread_create(&demo->follower, NULL, run_follower, demo)) {
        demo->following = 0;
        return weir_error_set(error, WEIR_EIO, "a thread cannot be started");
    }
    return 0;
}

// Ends the thread and, if `to_the_end`, takes the events that it had not come to.
static int end_follower(struct demo *demo, int to_the_end, struct weir_error *error)
{
    if (!demo->following)
        return 0;
    atomic_store(&demo->follower_stop, 1);
    pthread_join(demo->follower, NULL);
    demo->following = 0;
    if (!demo->follow_code && to_the_end)
        demo->follow_code = follow(demo, 1);
    if (demo->follow_code)
        weir_error_set(error, demo->follow_code, "alerts cannot be shown: %s",
                       *demo->follow_error.message ? demo->follow_error.message : "no output");
    return demo->follow_code;
}

// ---- the member

static void draw_progress(struct demo *demo, const struct weir_demo_feed_state *state)
{
    int64_t start = weir_generate_start(demo->generate), end = weir_generate_end(demo->generate);
    if (!atomic_load(&weir_metrics.records))
        return; // joining the group takes some seconds, which say nothing of the pace
    pthread_mutex_lock(&demo->screen);
    if (!demo->playing)
        weir_progress_begin(&demo->progress, "playing", "records", demo->options->quiet);
    demo->playing = 1;
    weir_progress_update(&demo->progress, (double)(state->time_ms - start) / (double)(end - start),
                         state->sent);
    pthread_mutex_unlock(&demo->screen);
}

// Everything is read, and for some time nothing has been committed: it is all done.
static int poll_demo(void *context)
{
    struct demo *demo = context;
    struct weir_demo_feed_state state;
    if (*demo->options->stop)
        return 1;
    weir_demo_feed_state(demo->feed, &state);
    draw_progress(demo, &state);
    if (state.ended && state.code)
        return 1;
    uint64_t transactions = atomic_load(&weir_metrics.transactions);
    if (transactions != demo->transactions || !weir_demo_feed_is_read(demo->feed)) {
        demo->transactions = transactions;
        demo->quiet_since = now_ms();
    }
    return now_ms() - demo->quiet_since >= QUIET_MS;
}

static int watch(struct demo *demo, struct weir_error *error)
{
    struct weir_runtime_options options = {.config = demo->config,
                                           .instance = "demo",
                                           .unverified = 1,
                                           .poll = poll_demo,
                                           .context = demo};
    const char *address = weir_demo_broker_address(demo->broker);
    int code = weir_runtime_create(&options, &demo->runtime, error);
    if (!code)
        code = start_follower(demo, error);
    if (!code) {
        demo->feed = weir_demo_feed_start(address, demo->generate, &demo->options->generate, error);
        code = demo->feed ? 0 : error->code;
    }
    if (code)
        return code;
    demo->quiet_since = now_ms();
    code = weir_runtime_run(demo->runtime, error);
    weir_progress_clear(&demo->progress);
    if (code) {
        error->fatal = 1;
        return code;
    }
    struct weir_demo_feed_state state;
    weir_demo_feed_state(demo->feed, &state);
    if (state.ended && state.code) {
        *error = state.error;
        return state.code;
    }
    if (*demo->options->stop)
        return weir_error_set(error, WEIR_EAGAIN, "stopped before its end");
    return end_follower(demo, 1, error);
}

// ---- before and after

static int make_topics(struct demo *demo, struct weir_error *error)
{
    const struct weir_config *config = demo->config;
    const char *const outputs[] = {config->alerts_topic, config->quarantine_topic,
                                   config->clean_topic, config->windows_topic,
                                   config->review_topic};
    static const char *const suffixes[] = {"partials", "state"};
    int code = 0;
    for (size_t s = 0; s < config->n_streams && !code; s++)
        code = weir_demo_broker_topic(demo->broker, config->streams[s].topic,
                                      demo->options->generate.partitions, error);
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs && !code; i++) {
        if (outputs[i])
            code = weir_demo_broker_topic(demo->broker, outputs[i], 1, error);
    }
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes && !code; i++) {
        char name[400];
        snprintf(name, sizeof name, "weir.%s.%s", config->app, suffixes[i]);
        code = weir_demo_broker_topic(demo->broker, name, INTERNAL_PARTITIONS, error);
    }
    return code;
}

static int prepare(struct demo *demo, struct weir_error *error)
{
    const struct weir_generate_options *options = &demo->options->generate;
    demo->generate = weir_generate_open(options, error);
    if (!demo->generate)
        return error->code;
    size_t n;
    const struct weir_generate_incident *incidents = weir_generate_incidents(demo->generate, &n);
    demo->score = weir_demo_score_make(incidents, n);
    if (!demo->score)
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    demo->broker = weir_demo_broker_start(error);
    if (!demo->broker)
        return error->code;
    int code = weir_plugins_create(&demo->plugins, error);
    if (!code)
        code = weir_demo_folder_make(&demo->folder, error);
    if (!code)
        code = weir_demo_folder_fill(&demo->folder, weir_demo_broker_address(demo->broker), options,
                                     demo->plugins, &demo->config, &demo->profile_rows, error);
    return code ? code : make_topics(demo, error);
}

static void introduce(const struct demo *demo)
{
    FILE *out = demo->options->out;
    size_t n;
    weir_generate_incidents(demo->generate, &n);
    fprintf(out,
            "%sweir demo%s: %g weeks of card payments, on a Kafka broker inside this process\n\n"
            "  topics    %s (transactions), %s (labels)\n"
            "  baseline  a profile of %llu clean transactions from the %g weeks before\n"
            "  script    %zu incident%s; the first week is quiet\n"
            "  broker    %s, in memory: not exactly once, as it is on a real cluster\n\n"
            "Alerts as they come, read back from %s:\n\n",
            weir_terminal_colour(out, WEIR_COLOUR_BOLD),
            weir_terminal_colour(out, WEIR_COLOUR_NONE), demo->options->generate.weeks,
            demo->config->streams[0].topic, demo->config->streams[1].topic,
            (unsigned long long)demo->profile_rows, WEIR_DEMO_TRAINING_WEEKS, n, n == 1 ? "" : "s",
            weir_demo_broker_address(demo->broker), demo->config->alerts_topic);
    fflush(out);
}

static void report(struct demo *demo, int64_t took)
{
    FILE *out = demo->options->out;
    struct weir_demo_feed_state state;
    size_t n;
    weir_demo_feed_state(demo->feed, &state);
    const struct weir_generate_incident *incidents = weir_generate_incidents(demo->generate, &n);
    weir_demo_report(demo->score, incidents, n, demo->plugins, out);
    fprintf(out, "%llu records in %.1f s.\n", (unsigned long long)state.sent, (double)took / 1000);
    fflush(out);
}

static void wait_kept(const struct demo *demo)
{
    FILE *out = demo->options->out;
    const char *address = weir_demo_broker_address(demo->broker);
    fprintf(out,
            "\nThe broker at %s stays until ctrl-C, with what it still holds (the newest 5 MB of\n"
            "each partition); the configuration is %s. Try:\n\n"
            "  kcat -b %s -t %s -C -e\n"
            "  weir alerts -c %s --open\n"
            "  weir show %s/profiles/payments.avro\n",
            address, demo->folder.config, address, demo->config->alerts_topic, demo->folder.config,
            demo->folder.path);
    fflush(out);
    while (!*demo->options->stop)
        usleep(100 * 1000);
}

static void clean_up(struct demo *demo)
{
    struct weir_error ignored;
    weir_demo_feed_stop(demo->feed);
    end_follower(demo, 0, &ignored);
    weir_runtime_destroy(demo->runtime);
    if (demo->config)
        weir_config_free(demo->config);
    weir_plugins_destroy(demo->plugins);
    weir_demo_broker_stop(demo->broker);
    weir_demo_score_free(demo->score);
    weir_generate_close(demo->generate);
    if (*demo->folder.path && !demo->options->keep)
        weir_demo_folder_remove(&demo->folder);
    pthread_mutex_destroy(&demo->screen);
}

int weir_demo(const struct weir_demo_options *options, struct weir_error *error)
{
    struct demo demo = {.options = options};
    int64_t started = now_ms();
    pthread_mutex_init(&demo.screen, NULL);
    demo.style = weir_alert_style_for(options->out);
    memset(error, 0, sizeof *error);
    int code = prepare(&demo, error);
    if (!code && !options->quiet)
        introduce(&demo);
    if (!code)
        code = watch(&demo, error);
    if (!code)
        report(&demo, now_ms() - started);
    if (!code && options->keep)
        wait_kept(&demo);
    if (!error->fatal)
        clean_up(&demo);
    return code;
}
