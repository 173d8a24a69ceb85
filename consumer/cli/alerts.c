// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/follow.h"
#include "consumer/alert/print.h"
#include "consumer/cli/args.h"
#include "consumer/host/plugins.h"

struct options {
    const char *config, *severity;
    int json, from_beginning, until_end, open;
};

static const struct weir_arg args[] = {
    {"config", 'c', WEIR_ARG_TEXT, offsetof(struct options, config), "FILE",
     "the configuration (needed)"},
    {"json", 0, WEIR_ARG_SWITCH, offsetof(struct options, json), NULL,
     "print each event as a line of JSON"},
    {"from-beginning", 0, WEIR_ARG_SWITCH, offsetof(struct options, from_beginning), NULL,
     "also what is on the topic already"},
    {"until-end", 0, WEIR_ARG_SWITCH, offsetof(struct options, until_end), NULL,
     "all that is on the topic now, then stop"},
    {"open", 0, WEIR_ARG_SWITCH, offsetof(struct options, open), NULL,
     "the incidents that are open now, each by its last event, then stop"},
    {"severity", 0, WEIR_ARG_TEXT, offsetof(struct options, severity), "SEVERITY",
     "only of this severity or above: info, warning, critical"},
    {.name = NULL}};

enum { OPEN_MAXIMUM = 100000 };

struct printer {
    const struct options *options;
    enum weir_severity severity;
    struct weir_alert_style style;
    struct weir_alert_copy *open; // --open: the last event of each incident, by fingerprint
    size_t n_open, capacity;
};

static atomic_int stopped;

static void stop(int signal)
{
    (void)signal;
    stopped = 1;
}

static int print_json(const struct weir_alert_copy *event)
{
    struct weir_buffer line;
    weir_buffer_init(&line, WEIR_BUFFER_MAXIMUM);
    int code = weir_alert_copy_print(event, &line);
    weir_buffer_byte(&line, '\n');
    if (!code && fwrite(line.data, 1, line.length, stdout) != line.length)
        code = WEIR_EIO;
    weir_buffer_free(&line);
    return code;
}

static int print(struct printer *printer, const struct weir_alert_copy *event)
{
    if (event->alert.finding.severity < printer->severity)
        return 0;
    int code = printer->options->json ? print_json(event)
                                      : weir_alert_print(&event->alert, &printer->style, stdout);
    return code || fflush(stdout) ? WEIR_EIO : 0;
}

// The place of the fingerprint among the open incidents; `*here` says whether it is taken by it.
static size_t locate(const struct printer *printer, const char *fingerprint, int *here)
{
    size_t low = 0, high = printer->n_open;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(printer->open[middle].alert.fingerprint, fingerprint);
        if (!order) {
            *here = 1;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *here = 0;
    return low;
}

static int make_room(struct printer *printer, size_t at)
{
    if (printer->n_open == OPEN_MAXIMUM)
        return WEIR_ENOMEM;
    if (printer->n_open == printer->capacity) {
        size_t capacity = printer->capacity ? printer->capacity * 2 : 64;
        void *grown = realloc(printer->open, capacity * sizeof *printer->open);
        if (!grown)
            return WEIR_ENOMEM;
        printer->open = grown;
        printer->capacity = capacity;
    }
    memmove(printer->open + at + 1, printer->open + at,
            (printer->n_open - at) * sizeof *printer->open);
    memset(&printer->open[at], 0, sizeof *printer->open);
    printer->n_open++;
    return 0;
}

// Keeps what is open. A copy of the event by its JSON, which is one reference more.
static int keep(struct printer *printer, const struct weir_alert_copy *event)
{
    int here, code = 0;
    size_t at = locate(printer, event->alert.fingerprint, &here);
    if (here)
        weir_alert_copy_free(&printer->open[at]);
    if (event->alert.status == WEIR_ALERT_RESOLVED) {
        if (here)
            memmove(printer->open + at, printer->open + at + 1,
                    (--printer->n_open - at) * sizeof *printer->open);
        return 0;
    }
    if (!here)
        code = make_room(printer, at);
    return code ? code : weir_alert_copy_json(event->json, &printer->open[at], NULL);
}

static int on_event(void *context, const struct weir_alert_copy *event)
{
    struct printer *printer = context;
    return printer->options->open ? keep(printer, event) : print(printer, event);
}

static int by_opening(const void *a, const void *b)
{
    const struct weir_alert *x = &((const struct weir_alert_copy *)a)->alert;
    const struct weir_alert *y = &((const struct weir_alert_copy *)b)->alert;
    if (x->opened_at != y->opened_at)
        return x->opened_at < y->opened_at ? -1 : 1;
    return strcmp(x->fingerprint, y->fingerprint);
}

static int print_open(struct printer *printer)
{
    int code = 0;
    if (printer->n_open)
        qsort(printer->open, printer->n_open, sizeof *printer->open, by_opening);
    for (size_t i = 0; i < printer->n_open && !code; i++)
        code = print(printer, &printer->open[i]);
    return code;
}

static int follow(const struct options *options, const struct weir_config *config,
                  enum weir_severity severity)
{
    struct weir_error error = {0};
    struct printer printer = {.options = options, .severity = severity};
    uint64_t foreign = 0;
    struct weir_follow_options how = {
        .from_beginning = options->from_beginning || options->until_end || options->open,
        .until_end = options->until_end || options->open,
        .stop = &stopped,
        .event = on_event,
        .context = &printer,
    };
    printer.style = weir_alert_style_for(stdout);
    int code = weir_alert_follow(config, &how, &foreign, &error);
    if (!code && options->open && !stopped)
        code = print_open(&printer);
    for (size_t i = 0; i < printer.n_open; i++)
        weir_alert_copy_free(&printer.open[i]);
    free(printer.open);
    if (foreign)
        fprintf(stderr, "weir: %llu message%s on %s %s\n", (unsigned long long)foreign,
                foreign == 1 ? "" : "s", config->alerts_topic,
                foreign == 1 ? "is no alert event" : "are no alert events");
    if (!code)
        return WEIR_EXIT_DONE;
    return weir_cli_failed("%s", *error.message        ? error.message
                                 : code == WEIR_ENOMEM ? "out of memory: too much is open"
                                                       : "standard output cannot be written");
}

static int load_and_follow(const struct options *options, enum weir_severity severity)
{
    struct weir_plugins *plugins;
    struct weir_config *config = NULL;
    struct weir_problems problems = {0};
    struct weir_error error;
    int code;
    if (weir_plugins_create(&plugins, &error))
        return weir_cli_failed("%s", error.message);
    if (weir_config_load_with(options->config, plugins, WEIR_CONFIG_WITHOUT_PROFILES, &config,
                              &problems)) {
        weir_problems_print(&problems, options->config, stderr);
        code = WEIR_EXIT_USAGE;
    } else if (!config->alerts_topic) {
        code = weir_cli_failed("%s names no alerts topic (alerts: {topic: ...})", options->config);
    } else {
        code = follow(options, config, severity);
    }
    weir_config_free(config);
    weir_problems_free(&problems);
    weir_plugins_destroy(plugins);
    return code;
}

static int run(int argc, char **argv)
{
    struct options options = {0};
    int first, severity = WEIR_INFO;
    int code = weir_args_parse(&weir_command_alerts, argc, argv, &options, &first);
    if (code)
        return code;
    if (first < argc)
        return weir_cli_usage(&weir_command_alerts, "what is '%s'?", argv[first]);
    if (!options.config)
        return weir_cli_usage(&weir_command_alerts, "a configuration is needed: -c FILE");
    if (options.severity) {
        while (severity <= WEIR_CRITICAL &&
               strcmp(options.severity, weir_severity_name((enum weir_severity)severity)))
            severity++;
        if (severity > WEIR_CRITICAL)
            return weir_cli_usage(&weir_command_alerts,
                                  "--severity %s: it is info, warning or critical",
                                  options.severity);
    }
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return load_and_follow(&options, (enum weir_severity)severity);
}

const struct weir_command weir_command_alerts = {
    .name = "alerts",
    .synopsis = "-c FILE [OPTION ...]",
    .summary = "follow the alerts topic, for people",
    .help = "Prints a line for each event on the alerts topic of the configuration as it is\n"
            "committed, in local time, with colour at a terminal; Ctrl-C ends it.",
    .run = run,
    .args = args,
};
