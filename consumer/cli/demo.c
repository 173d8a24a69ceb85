// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/cli/args.h"
#include "consumer/demo/demo.h"
#include "consumer/log/log.h"

enum { PARTITIONS = 2 };

struct arguments {
    int64_t seed;
    const char *weeks;
    int keep, quiet;
};

static const struct weir_arg args[] = {
    {"keep", 'k', WEIR_ARG_SWITCH, offsetof(struct arguments, keep), NULL,
     "keep the broker and its topics until ctrl-C, and say where they are"},
    {"seed", 0, WEIR_ARG_INTEGER, offsetof(struct arguments, seed), "N",
     "another seed gives another stream (1)"},
    {"weeks", 0, WEIR_ARG_TEXT, offsetof(struct arguments, weeks), "N",
     "how long the stream is, up to 52 (4)"},
    {"quiet", 'q', WEIR_ARG_SWITCH, offsetof(struct arguments, quiet), NULL,
     "only the table of incidents"},
    {.name = NULL}};

static atomic_int stop_asked; // a handler runs on any thread

static void on_signal(int number)
{
    (void)number;
    stop_asked = 1;
}

static void catch_signals(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND; // the second one ends it at once
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int run(int argc, char **argv)
{
    struct arguments arguments = {.seed = 1};
    struct weir_demo_options options = {.stop = &stop_asked, .out = stdout};
    struct weir_error error;
    int first, code = weir_args_parse(&weir_command_demo, argc, argv, &arguments, &first);
    if (code)
        return code;
    if (first < argc)
        return weir_cli_usage(&weir_command_demo, "'%s' is too much", argv[first]);
    weir_generate_defaults(&options.generate);
    if (arguments.weeks) {
        char *end;
        options.generate.weeks = strtod(arguments.weeks, &end);
        // Short of two weeks nothing goes wrong, and there is nothing to see.
        if (end == arguments.weeks || *end || !(options.generate.weeks > 0) ||
            options.generate.weeks > 52)
            return weir_cli_usage(&weir_command_demo, "--weeks takes a number up to 52, not '%s'",
                                  arguments.weeks);
    }
    options.generate.seed = (uint64_t)arguments.seed;
    options.generate.partitions = PARTITIONS;
    options.keep = arguments.keep;
    options.quiet = arguments.quiet;
    if (!getenv("WEIR_LOG"))
        weir_log_set_level(WEIR_LOG_ERROR);
    catch_signals();
    code = weir_demo(&options, &error);
    if (!code)
        return WEIR_EXIT_DONE;
    weir_cli_failed("%s", error.message);
    if (error.fatal) {
        fflush(NULL);
        _exit(WEIR_EXIT_FAILED);
    }
    return WEIR_EXIT_FAILED;
}

const struct weir_command weir_command_demo = {
    .name = "demo",
    .synopsis = "[--keep]",
    .summary = "see it work: weeks of payments on a broker inside it",
    .help = "Plays weeks of card payments in some seconds, on a small Kafka broker inside this "
            "process:\nno cluster is needed. Things go wrong in the stream, by a script; the "
            "alerts are printed as\nthey come, and a table at the end says which incidents were "
            "found, as what and how soon.\n\nThe embedded broker keeps little and guarantees "
            "nothing, so the demo is not exactly once;\n`weir run` on a real cluster is. "
            "`weir generate` writes the same stream to files or to a cluster.",
    .run = run,
    .args = args,
};
