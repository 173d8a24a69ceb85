// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "consumer/cli/args.h"
#include "consumer/cli/terminal.h"
#include "consumer/config/config.h"
#include "consumer/host/plugins.h"
#include "consumer/profile/lost.h"
#include "consumer/profile/maker.h"
#include "consumer/profile/merge.h"
#include "consumer/source/fields.h"
#include "consumer/source/file.h"
#include "consumer/source/range.h"

struct options {
    const char *config, *stream, *input, *output;
    int64_t pane, from, to; // from, to: epoch ms
    int64_t rows;
    int merge;
    const char *like;
    struct weir_profile *reference; // what `like` names
    int quiet;
};

static const struct weir_arg args[] = {
    {"config", 'c', WEIR_ARG_TEXT, offsetof(struct options, config), "FILE", "the configuration"},
    {"stream", 's', WEIR_ARG_TEXT, offsetof(struct options, stream), "STREAM",
     "the stream of the configuration that the data is of"},
    {"input", 'i', WEIR_ARG_TEXT, offsetof(struct options, input), "PATH",
     "CSV, JSON lines or an Avro container, also gzipped; - is standard input"},
    {"from", 0, WEIR_ARG_TIME, offsetof(struct options, from), "TIME",
     "instead of a file, the stream's topic from this time of its records on"},
    {"to", 0, WEIR_ARG_TIME, offsetof(struct options, to), "TIME",
     "up to, but not at, this time (what there is now)"},
    {"output", 'o', WEIR_ARG_TEXT, offsetof(struct options, output), "PROFILE",
     "the profile to write"},
    {"pane", 0, WEIR_ARG_DURATION, offsetof(struct options, pane), "DURATION",
     "the length of the ordered stretches that are kept (1h)"},
    {"like", 0, WEIR_ARG_TEXT, offsetof(struct options, like), "PROFILE",
     "count in the cells of this profile, so that both can be compared exactly and merged"},
    {"merge", 0, WEIR_ARG_SWITCH, offsetof(struct options, merge), NULL,
     "add up the profiles that are named, which are of parts of the data, to one of the whole"},
    {"rows", 0, WEIR_ARG_INTEGER, offsetof(struct options, rows), "N",
     "rows to keep as they are, at random, at most 10000; 0: none (5000)"},
    {"quiet", 'q', WEIR_ARG_SWITCH, offsetof(struct options, quiet), NULL, "no progress bar"},
    {.name = NULL}};

static const struct weir_stream_config *find_stream(const struct weir_config *config,
                                                    const char *name)
{
    for (size_t i = 0; i < config->n_streams; i++) {
        if (!strcmp(config->streams[i].info.name, name))
            return &config->streams[i];
    }
    return NULL;
}

// The stream's fields: those declared, then those that only the file knows; types that nobody
// declared are the file's. `fields` has room for both. Sets the unit of the event time.
static void complete(const struct weir_stream_config *config,
                     const struct weir_schema_fields *source, struct weir_field *fields,
                     struct weir_stream *stream, enum weir_time_unit *unit)
{
    *stream = config->info;
    *unit = config->time_unit;
    size_t n = stream->n_fields;
    if (n)
        memcpy(fields, config->info.fields, n * sizeof *fields);
    for (size_t s = 0; s < source->n; s++) {
        size_t i = 0;
        while (i < n && strcmp(fields[i].name, source->fields[s].name))
            i++;
        if (i == n && source->fields[s].type != WEIR_TYPE_UNKNOWN)
            fields[n++] = source->fields[s];
        else if (i < n && fields[i].type == WEIR_TYPE_UNKNOWN)
            fields[i].type = source->fields[s].type;
        if ((int)i == stream->time && *unit == WEIR_TIME_AUTO)
            *unit = source->units[s];
    }
    // Declared without a type, and the file has none: nothing but `missing` will be counted.
    for (size_t i = 0; i < n; i++) {
        if (fields[i].type == WEIR_TYPE_UNKNOWN)
            fields[i].type = WEIR_TYPE_STRING;
    }
    stream->fields = fields;
    stream->n_fields = n;
}

static void show_progress(void *context, double share)
{
    weir_progress_update(context, share, (uint64_t)(share * 100));
}

static int save(const struct options *options, const struct weir_profile *profile,
                struct weir_error *error)
{
    int code = weir_profile_save(profile, options->output, error);
    if (!code && !options->quiet)
        fprintf(stderr, "%s: %llu rows, %zu fields, %zu panes\n", options->output,
                (unsigned long long)profile->rows, profile->n_fields, profile->n_panes);
    return code;
}

// ---- a file

static int make_of_file(const struct options *options, const struct weir_stream_config *config,
                        struct weir_progress *progress, struct weir_profile **profile,
                        struct weir_error *error)
{
    struct weir_file *file = NULL;
    const struct weir_schema_fields none = {0}, *source = &none;
    int code = 0;
    // What is read once only says nothing of its fields beforehand: they must be declared.
    if (strcmp(options->input, "-")) {
        code = weir_file_open(options->input, config->format, &file, error);
        if (!code && !(source = weir_file_fields(file, error)))
            code = WEIR_EIO;
    }
    struct weir_field *fields =
        code ? NULL : calloc(config->info.n_fields + source->n + 1, sizeof *fields);
    if (!code && !fields)
        code = weir_error_set(error, WEIR_ENOMEM, "out of memory");
    if (!code) {
        struct weir_stream stream;
        struct weir_profile_options how = {.stream = &stream,
                                           .format = config->format,
                                           .pane = options->pane,
                                           .rows = options->rows ? options->rows : -1,
                                           .like = options->reference,
                                           .progress = show_progress,
                                           .progress_context = progress};
        complete(config, source, fields, &stream, &how.time_unit);
        code = weir_profile_make(options->input, &how, profile, error);
    }
    free(fields);
    weir_file_close(file);
    return code;
}

// ---- a stretch of the topic

enum { PATIENCE = 30000 }; // ms that a registry is waited for

struct pass {
    struct weir_profile_maker *maker;
    int (*take)(struct weir_profile_maker *maker, const struct weir_batch *batch,
                struct weir_error *error);
    struct weir_progress *progress;
    double from;      // share that is done already
    uint64_t offsets; // in the range
};

static int take_batch(void *context, const struct weir_batch *batch, uint64_t read,
                      struct weir_error *error)
{
    struct pass *pass = context;
    show_progress(pass->progress, pass->from + 0.5 * (double)read / (double)pass->offsets);
    return pass->take(pass->maker, batch, error);
}

static int make_of_range(struct weir_range *range, const struct weir_stream *stream,
                         const struct options *options, struct weir_progress *progress,
                         struct weir_profile **profile, struct weir_error *error)
{
    struct pass pass = {.take = weir_profile_maker_first,
                        .progress = progress,
                        .offsets = weir_range_offsets(range)};
    if (!pass.offsets)
        return weir_error_set(error, WEIR_ENOTFOUND,
                              "stream '%s': the topic has no records in that time", stream->name);
    struct weir_profile_options how = {.pane = options->pane,
                                       .rows = options->rows ? options->rows : -1,
                                       .like = options->reference};
    int code = weir_profile_maker_create(stream, &how, &pass.maker, error);
    if (code)
        return code;
    code = weir_range_pass(range, take_batch, &pass, error);
    if (!code)
        code = weir_profile_maker_turn(pass.maker, error);
    pass.take = weir_profile_maker_second;
    pass.from = .5;
    if (!code)
        code = weir_range_pass(range, take_batch, &pass, error);
    if (!code)
        code = weir_profile_maker_finish(pass.maker, profile, error);
    weir_profile_maker_destroy(pass.maker);
    return code;
}

static int make_of_topic(const struct options *options, const struct weir_config *config,
                         const struct weir_stream_config *stream_config,
                         struct weir_progress *progress, struct weir_profile **profile,
                         struct weir_error *error)
{
    struct weir_registry *registry = NULL;
    struct weir_schema_fields source = {0};
    struct weir_range *range = NULL;
    struct weir_field *fields = NULL;
    int code = weir_source_registry(config, &registry, error);
    if (!code)
        code = weir_source_fields(stream_config, registry, PATIENCE, &source, error);
    if (!code && !(fields = calloc(stream_config->info.n_fields + source.n + 1, sizeof *fields)))
        code = weir_error_set(error, WEIR_ENOMEM, "out of memory");
    if (!code) {
        struct weir_stream stream;
        struct weir_builder_options builder = {.stream = &stream};
        complete(stream_config, &source, fields, &stream, &builder.time_unit);
        code = weir_range_open(config, stream_config, &builder, registry, options->from,
                               options->to ? options->to : INT64_MAX, &range, error);
        if (!code)
            code = make_of_range(range, &stream, options, progress, profile, error);
        weir_range_close(range);
    }
    free(fields);
    weir_schema_fields_free(&source);
    weir_registry_destroy(registry);
    return code;
}

static int make(struct options *options, const struct weir_config *config,
                const struct weir_stream_config *stream)
{
    struct weir_error error = {0};
    struct weir_progress progress;
    struct weir_profile *profile = NULL;
    if (options->like && weir_profile_load(options->like, &options->reference, &error))
        return weir_cli_failed("%s", error.message);
    weir_progress_begin(&progress, "profiling", "%", options->quiet);
    int code = options->input ? make_of_file(options, stream, &progress, &profile, &error)
                              : make_of_topic(options, config, stream, &progress, &profile, &error);
    weir_progress_clear(&progress);
    if (!code)
        code = save(options, profile, &error);
    weir_profile_free(profile);
    weir_profile_free(options->reference);
    return code ? weir_cli_failed("%s", error.message) : WEIR_EXIT_DONE;
}

// ---- profiles of parts

static int merge(const struct options *options, char **paths, size_t n)
{
    struct weir_error error = {0};
    struct weir_profile **parts = calloc(n + 1, sizeof *parts), *whole = NULL;
    int code = parts ? 0 : weir_error_set(&error, WEIR_ENOMEM, "out of memory");
    for (size_t i = 0; i < n && !code; i++)
        code = weir_profile_load(paths[i], &parts[i], &error);
    if (!code)
        code = weir_profile_merge((const struct weir_profile *const *)parts,
                                  (const char *const *)paths, n, &whole, &error);
    for (int part = 0; !code && part < WEIR_PROFILE_PARTS_LOST; part++) {
        char text[512];
        if (weir_profile_lost((const struct weir_profile *const *)parts, (const char *const *)paths,
                              n, whole, part, text, sizeof text))
            fprintf(stderr, "weir: %s\n", text);
    }
    if (!code)
        code = save(options, whole, &error);
    weir_profile_free(whole);
    for (size_t i = 0; parts && i < n; i++)
        weir_profile_free(parts[i]);
    free(parts);
    return code ? weir_cli_failed("%s", error.message) : WEIR_EXIT_DONE;
}

static int run(int argc, char **argv)
{
    struct options options = {.rows = WEIR_PROFILE_ROWS};
    struct weir_error error = {0};
    struct weir_problems problems = {0};
    struct weir_plugins *plugins = NULL;
    struct weir_config *config = NULL;
    int first, code = weir_args_parse(&weir_command_profile, argc, argv, &options, &first);
    if (code)
        return code;
    if (options.merge) {
        if (!options.output || first == argc || options.config || options.stream || options.input ||
            options.from || options.like)
            return weir_cli_usage(&weir_command_profile,
                                  "--merge needs profiles and -o PROFILE, and nothing else");
        return merge(&options, argv + first, (size_t)(argc - first));
    }
    if (!options.config || !options.stream || !options.output)
        return weir_cli_usage(&weir_command_profile, "-c, -s and -o are needed");
    if (!options.input == !options.from || (options.input && options.to))
        return weir_cli_usage(&weir_command_profile,
                              "say where the data is: -i PATH, or --from TIME [--to TIME] of the "
                              "stream's topic");
    if (options.rows > WEIR_RESERVOIR_ROWS_MOST)
        return weir_cli_usage(&weir_command_profile, "--rows is at most %d",
                              WEIR_RESERVOIR_ROWS_MOST);
    if (first < argc)
        return weir_cli_usage(&weir_command_profile, "'%s' is too much", argv[first]);
    if (weir_plugins_create(&plugins, &error))
        return weir_cli_failed("%s", error.message);
    int bad = weir_config_load_with(options.config, plugins, WEIR_CONFIG_WITHOUT_PROFILES, &config,
                                    &problems);
    weir_problems_print(&problems, options.config, stderr);
    weir_problems_free(&problems);
    if (bad) {
        code = WEIR_EXIT_USAGE;
    } else {
        const struct weir_stream_config *stream = find_stream(config, options.stream);
        code = stream ? make(&options, config, stream)
                      : weir_cli_usage(&weir_command_profile, "%s has no stream '%s'",
                                       options.config, options.stream);
        weir_config_free(config);
    }
    weir_plugins_destroy(plugins);
    return code;
}

const struct weir_command weir_command_profile = {
    .name = "profile",
    .synopsis = "-c FILE -s STREAM (-i PATH | --from TIME [--to TIME]) -o PROFILE\n"
                "       weir profile --merge PROFILE ... -o PROFILE",
    .summary = "summarise training data into a baseline",
    .help =
        "Reads a file, or a stretch of a topic, twice and writes what detectors need to compare "
        "against it: each\n"
        "field's cells, counts, moments, quantiles and categories, and the same by stretches\n"
        "of event time; and --rows of the rows as they are (strings up to 256 bytes), from which\n"
        "it is known what goes together. So a profile is as confidential as its data, unless it\n"
        "is made with --rows 0. Its size does not depend on the number of rows. `weir show`\n"
        "prints it; any Avro library reads it. Of standard input only the fields that the\n"
        "configuration declares are known.\n"
        "\n"
        "Many files, or many machines: make a profile of the first, those of the others --like "
        "it,\n"
        "and --merge them all, in any order; the outcome can be merged again. What a profile of "
        "an\n"
        "older weir does not have is left out of the outcome, which is said.",
    .run = run,
    .args = args,
};
