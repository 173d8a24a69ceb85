// SPDX-License-Identifier: Apache-2.0
#include <librdkafka/rdkafka.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/cli/args.h"
#include "consumer/cli/run_status.h"
#include "consumer/host/plugins.h"
#include "consumer/http/server.h"
#include "consumer/log/log.h"
#include "consumer/runtime/instance.h"
#include "consumer/runtime/runtime.h"

#define DEFAULT_LISTEN "127.0.0.1:9464"

enum { LARGE_BLOCK = 1 << 20 }; // bytes

struct options {
    const char *config;
};

static const struct weir_arg args[] = {
    {"config", 'c', WEIR_ARG_TEXT, offsetof(struct options, config), "FILE", "the configuration"},
    {.name = NULL}};

static atomic_int stop_asked, reload_asked; // a handler runs on any thread

static void on_signal(int number)
{
    if (number == SIGHUP)
        reload_asked = 1;
    else
        stop_asked = 1;
}

// One configuration with what runs it. Plug-ins outlive all of them.
struct generation {
    struct weir_config *config;
    struct weir_runtime *runtime;
};

struct daemon {
    const char *path;
    struct weir_plugins *plugins;
    struct weir_instance instance;
    struct weir_run_status status;
    struct generation next; // takes over when the running one has stopped
};

static void end_generation(struct generation *generation)
{
    weir_runtime_destroy(generation->runtime);
    if (generation->config)
        weir_config_free(generation->config);
    memset(generation, 0, sizeof *generation);
}

static int poll_signals(void *context);

static int make_runtime(struct daemon *daemon, struct generation *generation,
                        struct weir_error *error)
{
    struct weir_runtime_options options = {
        .config = generation->config,
        .instance = daemon->instance.name,
        .poll = poll_signals,
        .context = daemon,
    };
    return weir_runtime_create(&options, &generation->runtime, error);
}

static void log_problems(const struct weir_problems *problems, const char *path)
{
    for (size_t i = 0; i < problems->n; i++) {
        const struct weir_problem *problem = &problems->items[i];
        weir_log(problem->warning ? WEIR_LOG_WARNING : WEIR_LOG_ERROR, "config", "%s:%u:%u: %s",
                 path, problem->mark.line, problem->mark.column, problem->message);
    }
}

// Reads and tries the new configuration beside the running one. 1 if it can take over.
static int reload(struct daemon *daemon)
{
    struct generation made = {0};
    struct weir_problems problems = {0};
    struct weir_error error;
    int code = weir_config_load(daemon->path, daemon->plugins, &made.config, &problems);
    log_problems(&problems, daemon->path);
    weir_problems_free(&problems);
    if (!code && (code = make_runtime(daemon, &made, &error)))
        weir_log(WEIR_LOG_ERROR, "config", "%s", error.message);
    if (code) {
        weir_log(WEIR_LOG_ERROR, "config", "the new configuration is refused; the old one goes on");
        made.runtime = NULL;
        end_generation(&made);
        return 0;
    }
    weir_log(WEIR_LOG_INFO, "config", "the new configuration takes over");
    daemon->next = made;
    return 1;
}

static int poll_signals(void *context)
{
    struct daemon *daemon = context;
    weir_run_status_beat(&daemon->status);
    if (stop_asked)
        return 1;
    if (!reload_asked)
        return 0;
    reload_asked = 0;
    return reload(daemon);
}

static void catch_signals(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

// Runs this and every following generation. Does not return when the process cannot go on:
// threads are in calls that may take long, and what is not committed is done again.
static void run_generations(struct daemon *daemon, struct generation *generation)
{
    struct weir_error error;
    for (;;) {
        weir_log(WEIR_LOG_INFO, "run", "weir %s, librdkafka %s: app %s, instance %s", WEIR_VERSION,
                 rd_kafka_version_str(), generation->config->app, daemon->instance.name);
        if (weir_runtime_run(generation->runtime, &error)) {
            weir_cli_failed("%s", error.message);
            fflush(NULL);
            _exit(WEIR_EXIT_FAILED);
        }
        end_generation(generation);
        if (!daemon->next.runtime)
            return;
        *generation = daemon->next;
        memset(&daemon->next, 0, sizeof daemon->next);
    }
}

static int serve(struct daemon *daemon, struct generation *generation)
{
    struct weir_error error = {0};
    struct weir_http *http = NULL;
    const struct weir_config *config = generation->config;
    if (weir_instance_take(config->state_dir, config->app, config->instance, &daemon->instance,
                           &error))
        return weir_cli_failed("%s", error.message);
    char *app = strdup(config->app); // the page outlives a configuration
    if (!app)
        return weir_cli_failed("no memory");
    weir_run_status_start(&daemon->status, app, daemon->instance.name);
    struct weir_http_options options = {.listen = config->http_listen,
                                        .healthy = weir_run_status_healthy,
                                        .status = weir_run_status_page,
                                        .context = &daemon->status};
    int code = config->http_listen ? weir_http_start(&options, &http, &error) : 0;
    if (code && !strcmp(config->http_listen, DEFAULT_LISTEN)) {
        // Nobody asked for that port: a second member on the same machine takes another.
        weir_log(WEIR_LOG_WARNING, "http",
                 "%s: another port is taken; `http: {listen: ...}` "
                 "chooses one",
                 error.message);
        options.listen = "127.0.0.1:0";
        code = weir_http_start(&options, &http, &error);
    }
    if (http)
        weir_log(WEIR_LOG_INFO, "http", "metrics and health on port %d", weir_http_port(http));
    if (!code)
        code = make_runtime(daemon, generation, &error);
    if (!code)
        run_generations(daemon, generation);
    if (http)
        weir_http_stop(http);
    free(app);
    end_generation(generation);
    weir_instance_release(&daemon->instance);
    if (!code)
        weir_log(WEIR_LOG_INFO, "run", "stopped");
    return code ? weir_cli_failed("%s", error.message) : WEIR_EXIT_DONE;
}

static int run(int argc, char **argv)
{
    struct options options = {0};
    struct daemon daemon = {.instance.lock = -1};
    struct generation generation = {0};
    struct weir_problems problems = {0};
    struct weir_error error;
    int first, code = weir_args_parse(&weir_command_run, argc, argv, &options, &first);
    if (code)
        return code;
    if (!options.config || first < argc)
        return weir_cli_usage(&weir_command_run, "one configuration is needed: -c FILE");
    daemon.path = options.config;
    // Snapshots and units are large and short-lived. By itself the allocator would come to keep
    // them on the heap, where what lies between them holds their place.
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    catch_signals();
    if (weir_plugins_create(&daemon.plugins, &error))
        return weir_cli_failed("%s", error.message);
    code = weir_config_load(options.config, daemon.plugins, &generation.config, &problems);
    weir_problems_print(&problems, options.config, stderr);
    weir_problems_free(&problems);
    code = code ? WEIR_EXIT_USAGE : serve(&daemon, &generation);
    weir_plugins_destroy(daemon.plugins);
    return code;
}

const struct weir_command weir_command_run = {
    .name = "run",
    .synopsis = "-c FILE",
    .summary = "watch the topics of a configuration",
    .help =
        "Reads the streams, raises alerts, and goes on until SIGTERM or Ctrl-C. Members of one\n"
        "app share its partitions: start as many as are needed. SIGHUP reads the configuration\n"
        "again; one that is wrong is refused, and the old one goes on.\n\n"
        "Whatever happens to it, consumers that read committed records see alerts and copies\n"
        "once: start it again and it goes on where its last commit was. Logs go to standard\n"
        "error (WEIR_LOG=debug for more).",
    .args = args,
    .run = run,
};
