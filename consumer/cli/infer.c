// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "consumer/cli/args.h"
#include "consumer/cli/terminal.h"
#include "consumer/infer/infer.h"

struct options {
    const char *topic, *format, *output;
};

static const struct weir_arg args[] = {
    {"topic", 't', WEIR_ARG_TEXT, offsetof(struct options, topic), "TOPIC",
     "the stream's topic (the stream's name)"},
    {"format", 'f', WEIR_ARG_TEXT, offsetof(struct options, format), "FORMAT",
     "of the topic's records: avro, json, csv ... (json)"},
    {"output", 'o', WEIR_ARG_TEXT, offsetof(struct options, output), "FILE",
     "the configuration to write (standard output)"},
    {.name = NULL}};

static int write_out(const struct weir_buffer *yaml, const char *path)
{
    FILE *file = path ? fopen(path, "w") : stdout;
    if (!file)
        return weir_cli_failed("'%s' cannot be written: %m", path);
    int failed = fwrite(yaml->data, 1, yaml->length, file) != yaml->length;
    failed |= (path ? fclose(file) : fflush(file)) != 0;
    return failed ? weir_cli_failed("'%s' cannot be written: %m", path ? path : "standard output")
                  : WEIR_EXIT_DONE;
}

static int infer(const char *path, const struct options *options)
{
    struct weir_error error = {0};
    struct weir_profile *profile;
    if (weir_profile_load(path, &profile, &error))
        return weir_cli_failed("%s", error.message);
    // Paths in a configuration start at its own folder, which may become another.
    char *whole = realpath(path, NULL);
    struct weir_infer_options how = {
        .topic = options->topic, .format = options->format, .profile = whole ? whole : path};
    struct weir_buffer yaml;
    weir_buffer_init(&yaml, WEIR_BUFFER_MAXIMUM);
    int code = weir_infer_contract(profile, &how, &yaml, &error);
    code = code ? weir_cli_failed("%s", error.message) : write_out(&yaml, options->output);
    weir_buffer_free(&yaml);
    free(whole);
    weir_profile_free(profile);
    return code;
}

static int run(int argc, char **argv)
{
    static const char *const formats[] = {"avro", "avro_single_object", "avro_plain", "json",
                                          "csv"};
    struct options options = {0};
    int first, code = weir_args_parse(&weir_command_infer, argc, argv, &options, &first);
    if (code)
        return code;
    if (argc - first != 1)
        return weir_cli_usage(&weir_command_infer, "which PROFILE?");
    size_t known = 0, n = sizeof formats / sizeof *formats;
    while (options.format && known < n && strcmp(options.format, formats[known]))
        known++;
    if (known == n)
        return weir_cli_usage(&weir_command_infer, "'%s' is no format", options.format);
    return infer(argv[first], &options);
}

const struct weir_command weir_command_infer = {
    .name = "infer",
    .synopsis = "PROFILE [-t TOPIC] [-f FORMAT] [-o FILE]",
    .summary = "learn a contract from a profile",
    .help =
        "Writes a configuration, with comments, of a stream's fields as the profile knows them "
        "and\n"
        "of a detector that holds records to them: types, ranges with head-room, values where\n"
        "there are few, patterns of formatted strings, what may be null or absent, which fields "
        "say\n"
        "what others are. The data that the profile was made of breaks none of its rules. Go over\n"
        "it, then paste what you need.",
    .run = run,
    .args = args,
};
