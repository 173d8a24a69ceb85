// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "consumer/cli/accept.h"
#include "consumer/cli/args.h"
#include "consumer/cli/budget.h"
#include "consumer/cli/calibrate.h"
#include "consumer/cli/terminal.h"
#include "consumer/config/connect.h"
#include "consumer/config/document.h"
#include "consumer/source/fields.h"
#include "consumer/task/task.h"
#include "stats/aggregate.h"

struct options {
    int connect, schema, manual, expressions, calibrate, accept, json;
    int64_t timeout, from, to;
    const char *detector;
    struct weir_arg_list inputs;
};

static const struct weir_arg args[] = {
    {"connect", 0, WEIR_ARG_SWITCH, offsetof(struct options, connect), NULL,
     "also ask the brokers and the schema registry"},
    {"timeout", 0, WEIR_ARG_DURATION, offsetof(struct options, timeout), "DURATION",
     "how long to wait for each answer (10s)"},
    {"schema", 0, WEIR_ARG_SWITCH, offsetof(struct options, schema), NULL,
     "print the JSON Schema of configurations, and stop"},
    {"manual", 0, WEIR_ARG_SWITCH, offsetof(struct options, manual), NULL,
     "print the manual page of configurations, and stop"},
    {"expressions", 0, WEIR_ARG_SWITCH, offsetof(struct options, expressions), NULL,
     "print the functions of the expression language, and stop"},
    {"calibrate", 0, WEIR_ARG_SWITCH, offsetof(struct options, calibrate), NULL,
     "print the thresholds that the false-alarm budget gives: on the inputs, or on a stretch of "
     "what the app that runs has seen"},
    {"from", 0, WEIR_ARG_TIME, offsetof(struct options, from), "TIME",
     "with --calibrate and no input: the stretch begins at this event time"},
    {"to", 0, WEIR_ARG_TIME, offsetof(struct options, to), "TIME",
     "and ends before this one (its newest window)"},
    {"detector", 0, WEIR_ARG_TEXT, offsetof(struct options, detector), "NAME",
     "of this detector alone"},
    {"accept", 0, WEIR_ARG_SWITCH, offsetof(struct options, accept), NULL,
     "the app that runs is to go by that stretch from now on"},
    {"json", 0, WEIR_ARG_SWITCH, offsetof(struct options, json), NULL,
     "print the summary, or with --calibrate what that gives, as one JSON object"},
    {"input", 'i', WEIR_ARG_LIST, offsetof(struct options, inputs), "STREAM=PATH",
     "with --calibrate: a file with a healthy stretch of a stream, in order"},
    {.name = NULL}};

// `file:line:column: error: message`, with the word coloured at a terminal.
static void print_problems(const struct weir_problems *problems, const char *path)
{
    if (!weir_terminal_has_colour(stderr)) {
        weir_problems_print(problems, path, stderr);
        return;
    }
    for (size_t i = 0; i < problems->n; i++) {
        const struct weir_problem *problem = &problems->items[i];
        fprintf(
            stderr, "%s:%u:%u: %s%s%s: %s\n", path, problem->mark.line, problem->mark.column,
            weir_terminal_colour(stderr, problem->warning ? WEIR_COLOUR_YELLOW : WEIR_COLOUR_RED),
            problem->warning ? "warning" : "error", weir_terminal_colour(stderr, WEIR_COLOUR_NONE),
            problem->message);
    }
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void print_summary(const struct weir_config *config, const char *path)
{
    size_t s = config->n_streams, d = config->n_detectors, r = config->n_references;
    printf("%s: good: %zu stream%s, %zu detector%s, %zu reference%s\n", path, s, plural(s), d,
           plural(d), r, plural(r));
    weir_budget_print(config);
}

static int print_summary_json(const struct weir_config *config, const char *path)
{
    json_t *out = json_pack(
        "{s:s, s:I, s:I, s:I, s:o}", "file", path, "streams", (json_int_t)config->n_streams,
        "detectors", (json_int_t)config->n_detectors, "references",
        (json_int_t)config->n_references, "false_alarms", weir_budget_json(config));
    int failed = !out || json_dumpf(out, stdout,
                                    JSON_INDENT(2) | JSON_REAL_PRECISION(6) | JSON_PRESERVE_ORDER);
    json_decref(out);
    printf("\n");
    return failed || fflush(stdout) ? weir_cli_failed("standard output cannot be written")
                                    : WEIR_EXIT_DONE;
}

static void print_row(const char *form, const char *help)
{
    printf("| `%s` | %s |\n", form, help);
}

static int print_functions(void)
{
    printf("| function | |\n|---|---|\n");
    for (size_t i = 0; i < weir_expression_functions(); i++) {
        struct weir_expression_function function = weir_expression_function(i);
        print_row(function.form, function.help);
    }
    printf("\n| of a window | |\n|---|---|\n");
    for (size_t i = 0; i < WEIR_AGGREGATES; i++)
        print_row(weir_aggregates[i].form, weir_aggregates[i].help);
    return fflush(stdout) ? weir_cli_failed("standard output cannot be written") : WEIR_EXIT_DONE;
}

static int print_document(const struct options *options, const struct weir_plugins *plugins)
{
    struct weir_buffer out;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    int failed =
        options->schema ? weir_config_schema(plugins, &out) : weir_config_manual(plugins, &out);
    if (!failed)
        failed = fwrite(out.data, 1, out.length, stdout) != out.length || fflush(stdout);
    weir_buffer_free(&out);
    return failed ? weir_cli_failed("standard output cannot be written") : WEIR_EXIT_DONE;
}

static int connect_to(const struct weir_config *config, int64_t timeout)
{
    struct weir_connect_line *lines = NULL;
    size_t n = 0, failed = 0;
    int code = weir_config_connect(config, timeout, &lines, &n);
    for (size_t i = 0; i < n; i++) {
        printf("%s%-6s%s %s\n",
               weir_terminal_colour(stdout, lines[i].failed ? WEIR_COLOUR_RED : WEIR_COLOUR_GREEN),
               lines[i].failed ? "failed" : "ok", weir_terminal_colour(stdout, WEIR_COLOUR_NONE),
               lines[i].text);
        failed += (size_t)lines[i].failed;
    }
    free(lines);
    if (code)
        return weir_cli_failed("out of memory");
    return failed ? WEIR_EXIT_FAILED : WEIR_EXIT_DONE;
}

// What the detectors say of their options, knowing the fields.
static int check_plan(const struct weir_config *config, int connect, struct weir_problems *problems)
{
    struct weir_registry *registry = NULL;
    struct weir_error error;
    // A registry that cannot be asked is among the checks of --connect.
    if (connect && weir_source_registry(config, &registry, &error))
        registry = NULL;
    int code = weir_plan_check(config, registry, problems);
    weir_registry_destroy(registry);
    return code;
}

static int check_file(const char *path, const struct options *options, struct weir_plugins *plugins)
{
    struct weir_config *config = NULL;
    struct weir_problems problems;
    int code = weir_config_load(path, plugins, &config, &problems);
    if (!code)
        code = check_plan(config, options->connect, &problems);
    print_problems(&problems, path);
    size_t errors = problems.errors;
    weir_problems_free(&problems);
    if (code) {
        fprintf(stderr, "%s: %zu error%s\n", path, errors, plural(errors));
        weir_config_free(config);
        return WEIR_EXIT_USAGE;
    }
    if (!options->json)
        print_summary(config, path);
    code = options->connect                       ? connect_to(config, options->timeout)
           : options->json && !options->calibrate ? print_summary_json(config, path)
                                                  : WEIR_EXIT_DONE;
    struct weir_accept_options standing = {.from = options->from,
                                           .to = options->to,
                                           .detector = options->detector,
                                           .accept = options->accept,
                                           .json = options->json,
                                           .timeout = options->timeout};
    config->calibration_at_once = options->calibrate;
    if (!code && options->calibrate)
        code = options->inputs.n ? weir_calibrate(config, &options->inputs, options->json)
                                 : weir_calibrate_standing(config, &standing);
    weir_config_free(config);
    return code;
}

static int run(int argc, char **argv)
{
    struct options options = {.timeout = 10000};
    struct weir_error error = {0};
    struct weir_plugins *plugins = NULL;
    int first, code = weir_args_parse(&weir_command_check, argc, argv, &options, &first);
    if (code)
        return code;
    int standing = options.from || options.to || options.detector || options.accept;
    if ((options.inputs.n || standing) && !options.calibrate)
        return weir_cli_usage(&weir_command_check,
                              "--input, --from, --to, --detector and --accept are for --calibrate");
    if (options.inputs.n && standing)
        return weir_cli_usage(&weir_command_check,
                              "--from, --to, --detector and --accept are of what the app that runs "
                              "has seen, and not of --input");
    if (options.from && options.to && options.from >= options.to)
        return weir_cli_usage(&weir_command_check, "--from is not before --to");
    if (options.json && options.connect)
        return weir_cli_usage(&weir_command_check, "--json does not go with --connect");
    if (options.expressions)
        return print_functions();
    int document = options.schema || options.manual;
    if (!document && argc - first != 1)
        return weir_cli_usage(&weir_command_check, "which FILE?");
    if (weir_plugins_create(&plugins, &error))
        return weir_cli_failed("%s", error.message);
    code =
        document ? print_document(&options, plugins) : check_file(argv[first], &options, plugins);
    weir_plugins_destroy(plugins);
    return code;
}

const struct weir_command weir_command_check = {
    .name = "check",
    .synopsis = "FILE [--connect] [--json] [--calibrate (-i STREAM=PATH ... |\n"
                "           [--from TIME] [--to TIME] [--detector NAME] [--accept])]\n"
                "       weir check --schema | --manual | --expressions",
    .summary = "validate a configuration",
    .help =
        "Reads a configuration and prints everything that is wrong with it, each with file,\n"
        "line, column and what to do, or what would run and how the budget of false alarms is\n"
        "shared out among the detectors. With --connect it asks\n"
        "the brokers and the registry as well: whether the topics exist and may be read and\n"
        "written, and whether the registry's schemas have the declared fields.\n"
        "With --calibrate it reads a healthy stretch of each stream and prints what would be\n"
        "promised: the threshold, the rate of false incidents, the days that the budget needs\n"
        "and that there are, and for each field the smallest shift that will be caught and\n"
        "after how many windows; of a shorter stretch, the rate that it can keep.\n"
        "Without inputs it asks the app that runs: which calibration is in force, and what\n"
        "another stretch of what it has seen would give, unless said its newest as long as\n"
        "calibration.last. With --accept the app goes by that stretch from its next window\n"
        "on: what to do once a change is known to last. A stretch that is shorter, and goes on\n"
        "to now, is where a new calibration begins.\n"
        "Exit codes: 0 good, 2 the configuration is wrong, 1 a check with --connect failed or\n"
        "the stretch is too short to calibrate on, or was not taken over.",
    .run = run,
    .args = args,
};
