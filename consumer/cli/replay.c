// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "consumer/alert/print.h"
#include "consumer/alert/report.h"
#include "consumer/cli/args.h"
#include "consumer/cli/terminal.h"
#include "consumer/codec/json_write.h"
#include "consumer/host/plugins.h"
#include "consumer/replay/replay.h"

struct options {
    const char *config, *report, *stats, *fail_on;
    struct weir_arg_list inputs, outputs;
    int64_t batch;
    int quiet;
};

static const struct weir_arg args[] = {
    {"config", 'c', WEIR_ARG_TEXT, offsetof(struct options, config), "FILE", "the configuration"},
    {"input", 'i', WEIR_ARG_LIST, offsetof(struct options, inputs), "STREAM=PATH",
     "a stream's records: CSV, JSON lines or an Avro container, also .gz; - is standard input"},
    {"output", 'o', WEIR_ARG_LIST, offsetof(struct options, outputs), "NAME=PATH",
     "write alerts, quarantine, faults or windows as JSON lines, clean like the input; - is "
     "standard output"},
    {"report", 0, WEIR_ARG_TEXT, offsetof(struct options, report), "OUT.html",
     "write a page with the incidents on a time line"},
    {"stats", 0, WEIR_ARG_TEXT, offsetof(struct options, stats), "OUT.json",
     "write records, seconds, memory and counts"},
    {"fail-on", 0, WEIR_ARG_TEXT, offsetof(struct options, fail_on), "SEVERITY",
     "exit with 3 when an alert of this severity or above was raised"},
    {"batch", 0, WEIR_ARG_INTEGER, offsetof(struct options, batch), "ROWS",
     "records a batch, 1 to 4096; the results do not depend on it"},
    {"quiet", 'q', WEIR_ARG_SWITCH, offsetof(struct options, quiet), NULL,
     "print neither alerts nor progress"},
    {.name = NULL}};

static const char *const output_names[WEIR_OUTPUT_KINDS] = {
    [WEIR_OUTPUT_ALERTS] = "alerts",
    [WEIR_OUTPUT_QUARANTINE] = "quarantine",
    [WEIR_OUTPUT_WINDOWS] = "windows",
    [WEIR_OUTPUT_FAULTS] = "faults",
};

struct session {
    const struct options *options;
    FILE *files[WEIR_OUTPUT_KINDS];
    struct weir_replay_clean clean[WEIR_ARG_LIST_MAXIMUM];
    size_t n_clean;
    struct weir_buffer line;
    struct weir_progress progress;
    struct weir_alert_style style;
    struct weir_report *report;
    int print; // alerts, for people, on standard output
    int worst; // severity raised, -1: none
    struct weir_replay_stats stats;
    double seconds;
    struct weir_error error;
};

// ---- outputs

static void put_span(struct weir_json_writer *json, const char *name, struct weir_span span)
{
    weir_json_key(json, name);
    weir_json_base64(json, span.data, span.length);
}

// The headers that weir adds are keys of their own; `headers` would hold the record's.
static void put_quarantine(struct weir_json_writer *json, const struct weir_emission *emission)
{
    static const char *const names[] = {"reason",    "detector", "rule",   "topic",
                                        "partition", "offset",   "reasons"};
    weir_json_open(json, '{');
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (size_t k = 0; k < emission->n_headers; k++) {
            const struct weir_header *header = &emission->headers[k];
            if (strcmp(header->name + strlen("weir_"), names[i]))
                continue;
            weir_json_key(json, names[i]);
            int raw = !strcmp(names[i], "partition") || !strcmp(names[i], "offset") ||
                      !strcmp(names[i], "reasons");
            if (raw)
                weir_json_raw(json, (const char *)header->value.data, header->value.length);
            else
                weir_json_string(json, (const char *)header->value.data, header->value.length);
        }
    }
    weir_json_put_long(json, "timestamp", emission->timestamp);
    put_span(json, "key", emission->key);
    put_span(json, "value", emission->value);
    weir_json_key(json, "headers");
    weir_json_open(json, '[');
    weir_json_close(json, ']');
    weir_json_close(json, '}');
}

static int write_line(struct session *session, const struct weir_emission *emission, FILE *out)
{
    struct weir_json_writer json = {&session->line, 0};
    weir_buffer_reset(&session->line);
    if (emission->output == WEIR_OUTPUT_QUARANTINE)
        put_quarantine(&json, emission);
    else
        weir_buffer_append(&session->line, emission->value.data, emission->value.length);
    weir_buffer_byte(&session->line, '\n');
    if (session->line.failed)
        return WEIR_ENOMEM;
    if (fwrite(session->line.data, 1, session->line.length, out) != session->line.length)
        return weir_error_set(&session->error, WEIR_EIO, "the output '%s' cannot be written: %s",
                              output_names[emission->output], strerror(errno));
    return 0;
}

static int on_emission(void *context, const struct weir_emission *emission)
{
    struct session *session = context;
    FILE *out = session->files[emission->output];
    int code = out ? write_line(session, emission, out) : 0;
    if (code || emission->output != WEIR_OUTPUT_ALERTS)
        return code;
    const struct weir_alert *alert = emission->alert;
    if (alert->status != WEIR_ALERT_RESOLVED && (int)alert->finding.severity > session->worst)
        session->worst = (int)alert->finding.severity;
    if (session->report)
        code = weir_report_add(session->report, alert);
    if (!code && session->print) {
        weir_progress_clear(&session->progress);
        weir_alert_print(alert, &session->style, stdout);
    }
    return code;
}

static void on_progress(void *context, double share, uint64_t records)
{
    struct session *session = context;
    weir_progress_update(&session->progress, share, records);
}

static int find_input(const struct weir_replay_input *inputs, size_t n, size_t stream)
{
    for (size_t i = 0; i < n; i++) {
        if (inputs[i].stream == stream)
            return 1;
    }
    return 0;
}

// The stream that `clean` without a name means: the only one with a gate and a file, or the only
// one with a file. Negative: it is not clear which.
static int only_stream(const struct weir_config *config, const struct weir_replay_input *inputs,
                       size_t n)
{
    int gated = -1, any = -1, n_gated = 0;
    for (size_t s = 0; s < config->n_streams; s++) {
        if (!find_input(inputs, n, s))
            continue;
        any = (int)s;
        if (config->streams[s].gate.topic) {
            gated = (int)s;
            n_gated++;
        }
    }
    return n_gated == 1 ? gated : n_gated == 0 && n == 1 ? any : -1;
}

static int add_clean(struct session *session, const struct weir_config *config,
                     const struct weir_replay_input *inputs, const char *name, const char *path)
{
    size_t n = session->options->inputs.n;
    int stream = *name ? -1 : only_stream(config, inputs, n);
    for (size_t s = 0; *name && s < config->n_streams; s++) {
        if (!strcmp(config->streams[s].info.name, name) && find_input(inputs, n, s))
            stream = (int)s;
    }
    if (stream < 0 && *name)
        return weir_cli_usage(&weir_command_replay, "--output clean:%s: no input is given for it",
                              name);
    if (stream < 0)
        return weir_cli_usage(&weir_command_replay,
                              "--output clean: of which stream? Say clean:STREAM=PATH");
    for (size_t i = 0; i < session->n_clean; i++) {
        if (session->clean[i].stream == (size_t)stream)
            return weir_cli_usage(&weir_command_replay, "--output clean:%s: given twice",
                                  config->streams[stream].info.name);
    }
    if (!strcmp(path, "-"))
        session->print = 0;
    session->clean[session->n_clean++] = (struct weir_replay_clean){(size_t)stream, path};
    return 0;
}

static int open_outputs(struct session *session, const struct weir_config *config,
                        const struct weir_replay_input *inputs)
{
    for (size_t i = 0; i < session->options->outputs.n; i++) {
        char name[64];
        const char *path;
        const char *text = session->options->outputs.items[i];
        if (weir_args_pair(text, name, sizeof name, &path))
            return weir_cli_usage(&weir_command_replay, "--output %s: say NAME=PATH", text);
        if (!strncmp(name, "clean", 5) && (!name[5] || name[5] == ':')) {
            int result = add_clean(session, config, inputs, name[5] ? name + 6 : "", path);
            if (result)
                return result;
            continue;
        }
        int at = -1;
        for (int k = 0; k < WEIR_OUTPUT_KINDS; k++) {
            if (output_names[k] && !strcmp(output_names[k], name))
                at = k;
        }
        if (at < 0)
            return weir_cli_usage(&weir_command_replay,
                                  "--output %s: there is no output '%s'; alerts, quarantine, "
                                  "faults, windows and clean there are",
                                  text, name);
        if (session->files[at])
            return weir_cli_usage(&weir_command_replay, "--output %s: given twice", name);
        session->files[at] = strcmp(path, "-") ? fopen(path, "w") : stdout;
        if (!session->files[at])
            return weir_cli_failed("%s: cannot be written: %s", path, strerror(errno));
        // Lines for programs on standard output leave no room for lines for people.
        if (session->files[at] == stdout)
            session->print = 0;
    }
    return 0;
}

static int close_outputs(struct session *session)
{
    int result = 0;
    for (int k = 0; k < WEIR_OUTPUT_KINDS; k++) {
        FILE *file = session->files[k];
        if (file && (file == stdout ? fflush(file) : fclose(file)))
            result = weir_cli_failed("the output '%s' cannot be written: %s", output_names[k],
                                     strerror(errno));
    }
    return result;
}

// ---- statistics

static uint64_t peak_memory(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss * 1024;
}

static int write_stats(const struct session *session, const char *path)
{
    struct weir_buffer out;
    struct weir_json_writer json = {&out, 0};
    const struct weir_replay_stats *stats = &session->stats;
    weir_buffer_init(&out, 1 << 16);
    weir_json_open(&json, '{');
    weir_json_put_count(&json, "records", stats->records);
    weir_json_put_count(&json, "bytes", stats->bytes);
    weir_json_put_double(&json, "seconds", session->seconds);
    weir_json_put_double(&json, "records_per_second",
                         session->seconds > 0 ? (double)stats->records / session->seconds : 0);
    weir_json_put_count(&json, "peak_rss_bytes", peak_memory());
    weir_json_put_count(&json, "alerts", stats->alerts);
    weir_json_put_count(&json, "late_records", stats->late);
    weir_json_put_count(&json, "invalid_records", stats->quarantined);
    weir_json_put_count(&json, "forwarded_records", stats->forwarded);
    weir_json_close(&json, '}');
    weir_buffer_byte(&out, '\n');
    FILE *file = strcmp(path, "-") ? fopen(path, "w") : stdout;
    int failed = out.failed || !file || fwrite(out.data, 1, out.length, file) != out.length;
    if (file && file != stdout && fclose(file))
        failed = 1;
    weir_buffer_free(&out);
    return failed ? weir_cli_failed("%s: cannot be written: %s", path, strerror(errno)) : 0;
}

// ---- inputs

static int find_inputs(const struct options *options, const struct weir_config *config,
                       struct weir_replay_input *inputs)
{
    for (size_t i = 0; i < options->inputs.n; i++) {
        char name[256];
        const char *text = options->inputs.items[i];
        if (weir_args_pair(text, name, sizeof name, &inputs[i].path))
            return weir_cli_usage(&weir_command_replay, "--input %s: say STREAM=PATH", text);
        size_t s = 0;
        while (s < config->n_streams && strcmp(config->streams[s].info.name, name))
            s++;
        if (s == config->n_streams)
            return weir_cli_usage(&weir_command_replay,
                                  "--input %s: the configuration has no stream '%s'", text, name);
        for (size_t k = 0; k < i; k++) {
            if (inputs[k].stream == s)
                return weir_cli_usage(&weir_command_replay, "--input %s: stream '%s' has a file",
                                      text, name);
        }
        inputs[i].stream = s;
    }
    return 0;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int severity_of(const char *name)
{
    for (int s = WEIR_INFO; s <= WEIR_CRITICAL; s++) {
        if (!strcmp(weir_severity_name((enum weir_severity)s), name))
            return s;
    }
    return -1;
}

static int write_report(const struct session *session, const struct weir_config *config)
{
    const struct weir_replay_stats *stats = &session->stats;
    struct weir_report_pair files[WEIR_ARG_LIST_MAXIMUM];
    char names[WEIR_ARG_LIST_MAXIMUM][128], counts[6][32];
    size_t n = session->options->inputs.n;
    for (size_t i = 0; i < n; i++) {
        const char *path = "";
        weir_args_pair(session->options->inputs.items[i], names[i], sizeof names[i], &path);
        files[i] = (struct weir_report_pair){names[i], path};
    }
    snprintf(counts[0], sizeof counts[0], "%" PRIu64, stats->records);
    snprintf(counts[1], sizeof counts[1], "%" PRIu64, stats->bytes);
    snprintf(counts[2], sizeof counts[2], "%.1f", session->seconds);
    snprintf(counts[3], sizeof counts[3], "%" PRIu64, stats->alerts);
    snprintf(counts[4], sizeof counts[4], "%" PRIu64, stats->quarantined);
    snprintf(counts[5], sizeof counts[5], "%" PRIu64, stats->late);
    const struct weir_report_pair pairs[] = {
        {"records", counts[0]},      {"bytes", counts[1]},           {"seconds", counts[2]},
        {"alert events", counts[3]}, {"invalid records", counts[4]}, {"late records", counts[5]}};
    struct weir_report_context context = {.app = config->app,
                                          .files = files,
                                          .n_files = n,
                                          .stats = pairs,
                                          .n_stats = sizeof pairs / sizeof *pairs};
    struct weir_error error;
    if (weir_report_write(session->report, &context, session->options->report, &error))
        return weir_cli_failed("%s", error.message);
    return 0;
}

static int finish(struct session *session, const struct weir_config *config)
{
    const struct options *options = session->options;
    int result = close_outputs(session);
    if (!result && options->stats)
        result = write_stats(session, options->stats);
    if (!result && session->report)
        result = write_report(session, config);
    if (!result && options->fail_on && session->worst >= severity_of(options->fail_on))
        result = WEIR_EXIT_ALERTS;
    return result;
}

static int replay(const struct options *options, const struct weir_config *config)
{
    struct weir_replay_input inputs[WEIR_ARG_LIST_MAXIMUM];
    struct session session = {.options = options,
                              .style = weir_alert_style_for(stdout),
                              .print = !options->quiet,
                              .worst = -1};
    struct weir_error error = {0};
    int result = find_inputs(options, config, inputs);
    if (!result)
        result = open_outputs(&session, config, inputs);
    if (result)
        return result;
    if (options->report && weir_report_create(&session.report))
        return weir_cli_failed("no memory for the report");
    weir_buffer_init(&session.line, WEIR_BUFFER_MAXIMUM);
    weir_progress_begin(&session.progress, "replaying", "records", options->quiet);
    struct weir_replay_options run = {
        .config = config,
        .inputs = inputs,
        .n_inputs = options->inputs.n,
        .clean = session.clean,
        .n_clean = session.n_clean,
        .batch = (uint32_t)options->batch,
        .windows = session.files[WEIR_OUTPUT_WINDOWS] != NULL,
        .faults = session.files[WEIR_OUTPUT_FAULTS] != NULL,
        .emit = on_emission,
        .progress = on_progress,
        .context = &session,
    };
    double started = now();
    int code = weir_replay(&run, &session.stats, &error);
    session.seconds = now() - started;
    weir_progress_clear(&session.progress);
    if (code)
        result =
            weir_cli_failed("%s", session.error.message[0] ? session.error.message : error.message);
    // What was decided before a failure is written all the same.
    int finished = finish(&session, config);
    result = result ? result : finished;
    if (!result && session.print)
        fprintf(stderr,
                "%" PRIu64 " records in %.1f s (%.0f a second), %" PRIu64 " alert events, %" PRIu64
                " invalid and %" PRIu64 " late records\n",
                session.stats.records, session.seconds,
                session.seconds > 0 ? (double)session.stats.records / session.seconds : 0,
                session.stats.alerts, session.stats.quarantined, session.stats.late);
    weir_report_destroy(session.report);
    weir_buffer_free(&session.line);
    return result;
}

static int run(int argc, char **argv)
{
    struct options options = {0};
    int first;
    int result = weir_args_parse(&weir_command_replay, argc, argv, &options, &first);
    if (result)
        return result;
    if (first < argc)
        return weir_cli_usage(&weir_command_replay, "'%s' is not asked for", argv[first]);
    if (!options.config)
        return weir_cli_usage(&weir_command_replay, "which configuration? Say -c FILE");
    if (!options.inputs.n)
        return weir_cli_usage(&weir_command_replay, "which records? Say -i STREAM=PATH");
    if (options.batch > WEIR_BATCH_ROWS)
        return weir_cli_usage(&weir_command_replay, "--batch takes 1 to %d", WEIR_BATCH_ROWS);
    if (options.fail_on && severity_of(options.fail_on) < 0)
        return weir_cli_usage(&weir_command_replay,
                              "--fail-on takes info, warning or critical, not '%s'",
                              options.fail_on);
    struct weir_plugins *plugins;
    struct weir_config *config = NULL;
    struct weir_problems problems = {0};
    struct weir_error error;
    if (weir_plugins_create(&plugins, &error))
        return weir_cli_failed("%s", error.message);
    int code = weir_config_load(options.config, plugins, &config, &problems);
    weir_problems_print(&problems, options.config, stderr);
    weir_problems_free(&problems);
    result = code ? WEIR_EXIT_USAGE : replay(&options, config);
    weir_config_free(config);
    weir_plugins_destroy(plugins);
    return result;
}

const struct weir_command weir_command_replay = {
    .name = "replay",
    .synopsis = "-c FILE -i STREAM=PATH ... [--output NAME=PATH ...]",
    .summary = "the same pipeline over files: which alerts would there have been?",
    .help = "Reads files instead of topics, as fast as it goes, in event-time order across\n"
            "streams. The same records and configuration give the same alerts, byte for byte.\n"
            "No broker and no registry are needed.\n\n"
            "The output faults has a line for each rule that each record breaks: where the record\n"
            "stands (offset: its row, from 0), detector, rule, kind, fields, and the value.\n"
            "The output clean has the records that the stream's gate lets through, or without one\n"
            "all good records, as they came: a CSV file with its header, JSON lines, an Avro file\n"
            "with its schema and codec. With several streams say clean:STREAM=PATH.",
    .args = args,
    .run = run,
};
