// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/cli/args.h"
#include "consumer/generate/generate.h"
#include "consumer/generate/send.h"

#define TRAINING_WEEKS 2.0

struct arguments {
    struct weir_generate_options options;
    const char *paths[2]; // by stream
    struct weir_arg_list outputs;
    const char *incidents, *training, *bootstrap;
    const char *weeks_text, *rate_text, *seed_text, *partitions_text, *training_weeks_text;
    double training_weeks;
    int no_incidents;
};

static const struct weir_arg args[] = {
    {"output", 'o', WEIR_ARG_LIST, offsetof(struct arguments, outputs), "STREAM=PATH",
     "the stream transactions (payments) or labels (by several annotators, hours to days late), "
     "one JSON object a line; - is standard output"},
    {"bootstrap", 'b', WEIR_ARG_TEXT, offsetof(struct arguments, bootstrap), "HOST:PORT",
     "to a Kafka cluster, in time order; topics that do not exist are created"},
    {"topic-prefix", 0, WEIR_ARG_TEXT, offsetof(struct arguments, options.topic_prefix), "PREFIX",
     "topics are PREFIXfeatures and PREFIXlabels (payments.)"},
    {"partitions", 0, WEIR_ARG_TEXT, offsetof(struct arguments, partitions_text), "N",
     "of each topic (1)"},
    {"training", 0, WEIR_ARG_TEXT, offsetof(struct arguments, training), "PATH",
     "the clean payments of the time before, for a profile"},
    {"training-weeks", 0, WEIR_ARG_TEXT, offsetof(struct arguments, training_weeks_text), "N",
     "how much of them (2)"},
    {"weeks", 0, WEIR_ARG_TEXT, offsetof(struct arguments, weeks_text), "N",
     "how long the stream is (4)"},
    {"rate", 0, WEIR_ARG_TEXT, offsetof(struct arguments, rate_text), "N",
     "payments an hour, in the mean (240)"},
    {"seed", 0, WEIR_ARG_TEXT, offsetof(struct arguments, seed_text), "N",
     "another seed gives another stream (1)"},
    {"no-incidents", 0, WEIR_ARG_SWITCH, offsetof(struct arguments, no_incidents), NULL,
     "nothing goes wrong"},
    {"incidents", 0, WEIR_ARG_TEXT, offsetof(struct arguments, incidents), "PATH",
     "the script as JSON lines: name, kind of alert, field, slice, start, end, first record"},
    {.name = NULL}};

static int parse_number(const char *text, double *out)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value))
        return -1;
    *out = value;
    return 0;
}

static int parse_whole(const char *text, unsigned long long most, unsigned long long *out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end || errno || *text == '-' || value > most)
        return -1;
    *out = value;
    return 0;
}

static int parse_output(const char *text, struct arguments *arguments)
{
    static const char *const names[2] = {"transactions=", "labels="};
    for (int i = 0; i < 2; i++) {
        size_t length = strlen(names[i]);
        if (!strncmp(text, names[i], length) && text[length]) {
            arguments->paths[i] = text + length;
            return 0;
        }
    }
    return -1;
}

// The texts that were given, as numbers. Returns an exit code.
static int take_texts(struct arguments *arguments)
{
    const struct weir_command *self = &weir_command_generate;
    unsigned long long whole;
    for (size_t i = 0; i < arguments->outputs.n; i++) {
        if (parse_output(arguments->outputs.items[i], arguments))
            return weir_cli_usage(self, "--output takes transactions=PATH or labels=PATH, not '%s'",
                                  arguments->outputs.items[i]);
    }
    const struct {
        const char *name, *text;
        double *number;
    } numbers[] = {
        {"weeks", arguments->weeks_text, &arguments->options.weeks},
        {"rate", arguments->rate_text, &arguments->options.rate},
        {"training-weeks", arguments->training_weeks_text, &arguments->training_weeks},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i].text && parse_number(numbers[i].text, numbers[i].number))
            return weir_cli_usage(self, "--%s takes a number, not '%s'", numbers[i].name,
                                  numbers[i].text);
    }
    if (arguments->seed_text) {
        if (parse_whole(arguments->seed_text, UINT64_MAX, &whole))
            return weir_cli_usage(self, "--seed takes a whole number, not '%s'",
                                  arguments->seed_text);
        arguments->options.seed = whole;
    }
    if (arguments->partitions_text) {
        if (parse_whole(arguments->partitions_text, 10000, &whole) || whole == 0)
            return weir_cli_usage(self, "--partitions takes a number from 1 to 10000, not '%s'",
                                  arguments->partitions_text);
        arguments->options.partitions = (int)whole;
    }
    arguments->options.incidents = !arguments->no_incidents;
    return WEIR_EXIT_DONE;
}

static FILE *open_output(const char *path)
{
    return strcmp(path, "-") ? fopen(path, "w") : stdout;
}

// Flushes as well, so that a full disk is noticed. Returns an exit code.
static int close_output(FILE *file, const char *path)
{
    int failed = file ? ferror(file) != 0 : 0;
    if (file == stdout)
        failed = fflush(file) || failed;
    else if (file)
        failed = fclose(file) || failed;
    return failed ? weir_cli_failed("%s: %s", path, strerror(errno)) : WEIR_EXIT_DONE;
}

static int write_record(FILE *file, const struct weir_generate_record *record)
{
    return fwrite(record->value, 1, record->value_length, file) == record->value_length &&
                   putc('\n', file) != EOF
               ? 0
               : -1;
}

static int write_training(const struct arguments *arguments)
{
    struct weir_generate_options options =
        weir_generate_training(&arguments->options, arguments->training_weeks);
    struct weir_error error;
    struct weir_generate *generate = weir_generate_open(&options, &error);
    if (!generate)
        return weir_cli_failed("training: %s", error.message);
    FILE *file = open_output(arguments->training);
    if (!file) {
        weir_generate_close(generate);
        return weir_cli_failed("%s: %s", arguments->training, strerror(errno));
    }
    struct weir_generate_record record;
    int more, written = 0;
    while (!written && (more = weir_generate_next(generate, &record, &error)) == 1) {
        if (record.stream == WEIR_GENERATE_TRANSACTIONS)
            written = write_record(file, &record);
    }
    weir_generate_close(generate);
    int closed = close_output(file, arguments->training);
    if (closed || written)
        return WEIR_EXIT_FAILED;
    return more < 0 ? weir_cli_failed("%s", error.message) : WEIR_EXIT_DONE;
}

static int write_incidents(const struct weir_generate *generate, const char *path)
{
    FILE *file = open_output(path);
    if (!file)
        return weir_cli_failed("%s: %s", path, strerror(errno));
    size_t count;
    const struct weir_generate_incident *incidents = weir_generate_incidents(generate, &count);
    for (size_t i = 0; i < count; i++) {
        char text[2048];
        weir_generate_incident_json(&incidents[i], text, sizeof text);
        fprintf(file, "%s\n", text);
    }
    return close_output(file, path);
}

static int pump(struct weir_generate *generate, struct weir_generate_sender *sender, FILE *files[2],
                const struct arguments *arguments)
{
    struct weir_generate_record record;
    struct weir_error error;
    int more;
    while ((more = weir_generate_next(generate, &record, &error)) == 1) {
        FILE *file = files[record.stream];
        if (file && write_record(file, &record))
            return weir_cli_failed("%s: %s", arguments->paths[record.stream], strerror(errno));
        if (sender && weir_generate_sender_send(sender, &record, &error))
            return weir_cli_failed("%s", error.message);
    }
    if (more < 0 || (sender && weir_generate_sender_finish(sender, &error)))
        return weir_cli_failed("%s", error.message);
    return WEIR_EXIT_DONE;
}

static int write_streams(const struct arguments *arguments)
{
    FILE *files[2] = {NULL, NULL};
    struct weir_generate_sender *sender = NULL;
    struct weir_error error;
    int result = WEIR_EXIT_DONE;
    struct weir_generate *generate = weir_generate_open(&arguments->options, &error);
    if (!generate)
        return weir_cli_failed("%s", error.message);
    for (int i = 0; i < 2 && !result; i++) {
        if (arguments->paths[i] && !(files[i] = open_output(arguments->paths[i])))
            result = weir_cli_failed("%s: %s", arguments->paths[i], strerror(errno));
    }
    if (!result && arguments->bootstrap) {
        sender = weir_generate_sender_open(arguments->bootstrap, &arguments->options, &error);
        if (!sender)
            result = weir_cli_failed("%s", error.message);
    }
    if (!result)
        result = pump(generate, sender, files, arguments);
    for (int i = 0; i < 2; i++) {
        if (close_output(files[i], arguments->paths[i]))
            result = WEIR_EXIT_FAILED;
    }
    if (!result && arguments->incidents)
        result = write_incidents(generate, arguments->incidents);
    weir_generate_sender_close(sender);
    weir_generate_close(generate);
    return result;
}

static int run(int argc, char **argv)
{
    const struct weir_command *self = &weir_command_generate;
    struct arguments arguments = {.training_weeks = TRAINING_WEEKS};
    weir_generate_defaults(&arguments.options);
    int first, code = weir_args_parse(self, argc, argv, &arguments, &first);
    if (!code)
        code = take_texts(&arguments);
    if (code)
        return code;
    if (first < argc)
        return weir_cli_usage(self, "'%s' is one argument too many", argv[first]);
    int streams = arguments.paths[0] || arguments.paths[1] || arguments.bootstrap;
    if (!streams && !arguments.training && !arguments.incidents)
        return weir_cli_usage(self, "nothing to write: name --output, --training, --incidents "
                                    "or --bootstrap");
    struct weir_error error;
    struct weir_generate *checked = weir_generate_open(&arguments.options, &error);
    if (!checked)
        return weir_cli_usage(self, "%s", error.message);
    weir_generate_close(checked);
    if (arguments.training) {
        struct weir_generate_options options =
            weir_generate_training(&arguments.options, arguments.training_weeks);
        if (!(checked = weir_generate_open(&options, &error)))
            return weir_cli_usage(self, "--training-weeks: %s", error.message);
        weir_generate_close(checked);
        int result = write_training(&arguments);
        if (result)
            return result;
    }
    return streams || arguments.incidents ? write_streams(&arguments) : WEIR_EXIT_DONE;
}

const struct weir_command weir_command_generate = {
    .name = "generate",
    .synopsis = "--output STREAM=PATH ... | --bootstrap HOST:PORT [OPTION ...]",
    .summary = "write the demo's payments stream, to files or to a cluster",
    .help =
        "Writes card payments (features with a model's score and decision) and their labels, in\n"
        "JSON, from a seed: the same options give the same bytes. A script of incidents is\n"
        "played in it: weir's demo shows which of them are found.",
    .run = run,
    .args = args,
};
