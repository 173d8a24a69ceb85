// SPDX-License-Identifier: Apache-2.0
// The stretch is tried on a copy of the app's state, as its last snapshots have it, by the code
// that the app itself runs. Accepting adds a record for each detector to the partials, which the
// app reads in the order of all others, and waits until a snapshot shows what became of it.
#include "consumer/cli/accept.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "consumer/alert/text.h"
#include "consumer/cli/calibration.h"
#include "consumer/cli/cli.h"
#include "consumer/runtime/standing.h"
#include "consumer/task/partial.h"

enum { LEAST_MS = 60000, PAUSE_MS = 500 };

struct candidate { // one detector that calibrates
    const char *name;
    int32_t partition;
    struct weir_calibration before, after; // what it goes by; what it would
    struct weir_acceptance acceptance;
    struct weir_error refusal; // code 0: it can go by that
    int64_t offset;            // of the record that says so
    int is_there, taken;       // a snapshot has seen it; and goes by it
};

struct standing {
    const struct weir_accept_options *options;
    struct weir_standing *app;
    struct weir_calibrations calibrations;
    struct candidate all[WEIR_CALIBRATION_DETECTORS];
    size_t n;
    int32_t partition; // under way
};

// ---- what there is

static void on_calibrated(void *context, const struct weir_calibrated *one)
{
    struct standing *standing = context;
    const char *only = standing->options->detector;
    if (standing->n == WEIR_CALIBRATION_DETECTORS || (only && strcmp(only, one->detector) != 0) ||
        one->calibration.wanted <= 0)
        return;
    standing->all[standing->n++] = (struct candidate){
        .name = one->detector, .partition = standing->partition, .before = one->calibration};
}

static const struct weir_stream *stream_of(const struct standing *standing, const char *detector)
{
    const struct weir_plan *plan = weir_standing_plan(standing->app);
    for (size_t d = 0; d < plan->n_detectors; d++) {
        if (!strcmp(plan->detectors[d].name, detector))
            return plan->detectors[d].config.stream;
    }
    return NULL;
}

struct reporting {
    struct standing *standing;
    const char *detector;
};

static void on_report(void *context, int field, const struct weir_statistic *statistic)
{
    struct reporting *to = context;
    const struct weir_stream *stream = stream_of(to->standing, to->detector);
    const char *name = stream && field >= 0 && (size_t)field < stream->n_fields
                           ? stream->fields[field].name
                           : NULL;
    weir_calibration_take(&to->standing->calibrations, to->detector, name, statistic);
}

static void on_after(void *context, const struct weir_calibrated *one)
{
    struct candidate *candidate = context;
    if (!strcmp(candidate->name, one->detector))
        candidate->after = one->calibration;
}

// As much as a calibration is to have, up to the newest window.
static void choose(const struct weir_accept_options *options, struct candidate *candidate)
{
    const struct weir_calibration *of = &candidate->before;
    struct weir_acceptance *acceptance = &candidate->acceptance;
    acceptance->size = sizeof *acceptance;
    acceptance->accepted = (int64_t)time(NULL) * 1000;
    acceptance->to = options->to ? options->to : of->kept_to;
    acceptance->from = options->from ? options->from : acceptance->to - of->wanted;
    if (!options->from && acceptance->from < of->kept_from)
        acceptance->from = of->kept_from;
}

static void try_one(struct standing *standing, struct candidate *candidate)
{
    int64_t offset;
    struct weir_merger *merger = weir_standing_merger(standing->app, candidate->partition, &offset);
    struct reporting to = {standing, candidate->name};
    choose(standing->options, candidate);
    candidate->refusal.code = weir_merger_take_over(merger, candidate->name, &candidate->acceptance,
                                                    on_report, &to, &candidate->refusal);
    weir_merger_calibrations(merger, on_after, candidate);
    struct weir_calibration_seen *seen =
        weir_calibration_find(&standing->calibrations, candidate->name);
    if (seen && candidate->after.whole) // but for a day that has no records
        seen->wanted = fmin(seen->wanted, seen->days);
}

static int look(struct standing *standing, struct weir_error *error)
{
    int64_t offset;
    int states = 0;
    int code = weir_standing_read(standing->app, LEAST_MS + standing->options->timeout, error);
    for (int32_t p = 0; p < weir_standing_partitions(standing->app) && !code; p++) {
        struct weir_merger *merger = weir_standing_merger(standing->app, p, &offset);
        standing->partition = p;
        states += merger != NULL;
        if (merger)
            weir_merger_calibrations(merger, on_calibrated, standing);
    }
    if (code)
        return code;
    if (!states)
        return weir_error_set(error, WEIR_EIO,
                              "the app has no state yet: it has written no snapshot so far, or "
                              "never ran");
    if (!standing->n && standing->options->detector)
        return weir_error_set(error, WEIR_EINVAL,
                              "--detector %s: there is none of that name that calibrates",
                              standing->options->detector);
    if (!standing->n)
        return weir_error_set(error, WEIR_EINVAL,
                              "nothing is calibrated: have a drift detector that compares with a "
                              "profile, a stretch, or earlier windows, and no `calibration: none`");
    for (size_t i = 0; i < standing->n; i++)
        try_one(standing, &standing->all[i]);
    return standing->calibrations.failed ? weir_error_set(error, WEIR_ENOMEM, "out of memory") : 0;
}

// ---- for people

// Without the milliseconds.
static const char *time_text(int64_t at, char out[WEIR_TEXT_TIME])
{
    strcpy(weir_text_time(at, out) + strlen("2026-01-31T12:00:00"), "Z");
    return out;
}

static const char *origin_text(enum weir_calibration_origin origin)
{
    static const char *const names[] = {"none", "automatic", "profile", "accepted"};
    return origin <= WEIR_CALIBRATION_ACCEPTED ? names[origin] : "none";
}

static void print_before(const struct weir_calibration *of)
{
    char from[WEIR_TEXT_TIME], to[WEIR_TEXT_TIME], at[WEIR_TEXT_TIME];
    if (of->origin == WEIR_CALIBRATION_NONE)
        printf("  in force: none\n");
    else if (of->origin == WEIR_CALIBRATION_ACCEPTED)
        printf("  in force: %s to %s, accepted %s%s\n", time_text(of->from, from),
               time_text(of->to, to), time_text(of->accepted, at),
               of->whole ? "" : ", not whole yet");
    else
        printf("  in force: %s to %s, %s%s\n", time_text(of->from, from), time_text(of->to, to),
               origin_text(of->origin), of->whole ? "" : ", not whole yet");
    if (of->kept_from < of->kept_to)
        printf("  kept, and could be accepted: %s to %s\n", time_text(of->kept_from, from),
               time_text(of->kept_to, to));
}

static void print_all(const struct standing *standing)
{
    char from[WEIR_TEXT_TIME], to[WEIR_TEXT_TIME];
    for (size_t i = 0; i < standing->n; i++) {
        const struct candidate *one = &standing->all[i];
        printf("%s\n", one->name);
        print_before(&one->before);
        time_text(one->acceptance.from, from);
        time_text(one->acceptance.to, to);
        if (one->refusal.code) {
            printf("  %s to %s cannot be accepted: %s\n", from, to, one->refusal.message);
            continue;
        }
        printf("  %s to %s would give:\n", from, to);
        for (size_t k = 0; k < standing->calibrations.n; k++) {
            if (!strcmp(standing->calibrations.detectors[k].name, one->name))
                weir_calibration_print(&standing->calibrations.detectors[k]);
        }
        if (!one->after.whole)
            printf(
                "  it is where a new calibration begins, and goes on growing until it is whole\n");
    }
}

// ---- for programs

static json_t *time_json(int64_t at)
{
    char text[WEIR_TEXT_TIME];
    return json_string(time_text(at, text));
}

static json_t *stretch_json(int64_t from, int64_t to)
{
    return json_pack("{s:o, s:o}", "from", time_json(from), "to", time_json(to));
}

static json_t *candidate_json(const struct standing *standing, const struct candidate *one)
{
    const struct weir_calibration *of = &one->before;
    json_t *out = json_object();
    json_t *force = of->origin ? stretch_json(of->from, of->to) : json_null();
    if (of->origin) {
        json_object_set_new(force, "origin", json_string(origin_text(of->origin)));
        json_object_set_new(force, "whole", json_boolean(of->whole));
        json_object_set_new(force, "accepted",
                            of->accepted ? time_json(of->accepted) : json_null());
    }
    json_object_set_new(out, "in_force", force);
    json_object_set_new(out, "kept",
                        of->kept_from < of->kept_to ? stretch_json(of->kept_from, of->kept_to)
                                                    : json_null());
    json_object_set_new(out, "stretch", stretch_json(one->acceptance.from, one->acceptance.to));
    json_object_set_new(out, "refused",
                        one->refusal.code ? json_string(one->refusal.message) : json_null());
    for (size_t k = 0; k < standing->calibrations.n && !one->refusal.code; k++) {
        if (!strcmp(standing->calibrations.detectors[k].name, one->name))
            json_object_set_new(out, "gives",
                                weir_calibration_json(&standing->calibrations.detectors[k]));
    }
    json_object_set_new(out, "accepted", json_boolean(one->taken));
    return out;
}

static void print_json(const struct standing *standing)
{
    json_t *detectors = json_object(), *out = json_pack("{s:o}", "detectors", detectors);
    for (size_t i = 0; i < standing->n; i++)
        json_object_set_new(detectors, standing->all[i].name,
                            candidate_json(standing, &standing->all[i]));
    json_dumpf(out, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6) | JSON_PRESERVE_ORDER);
    printf("\n");
    json_decref(out);
}

// ---- accepting

static int send_all(struct standing *standing, const struct weir_config *config,
                    struct weir_error *error)
{
    size_t members = 0;
    int code = weir_standing_members(standing->app, &members, error);
    if (!code && !members)
        code = weir_error_set(error, WEIR_EIO,
                              "the app is not running: group weir.%s has no members. Start it "
                              "(weir run), and accept then",
                              config->app);
    for (size_t i = 0; i < standing->n && !code; i++) {
        struct candidate *one = &standing->all[i];
        struct weir_buffer key, value;
        int32_t partition;
        weir_buffer_init(&key, WEIR_PARTIAL_BYTES);
        weir_buffer_init(&value, WEIR_PARTIAL_BYTES);
        code = weir_acceptance_write(weir_standing_plan(standing->app), one->name, &one->acceptance,
                                     &partition, &key, &value, error);
        if (!code)
            code = weir_standing_send(
                standing->app, partition, (struct weir_span){key.data, key.length},
                (struct weir_span){value.data, value.length}, &one->offset, error);
        weir_buffer_free(&key);
        weir_buffer_free(&value);
    }
    return code;
}

static void on_taken(void *context, const struct weir_calibrated *one)
{
    struct candidate *candidate = context;
    const struct weir_calibration *of = &one->calibration;
    if (!strcmp(candidate->name, one->detector))
        candidate->taken = of->origin == WEIR_CALIBRATION_ACCEPTED &&
                           of->accepted == candidate->acceptance.accepted;
}

static int all_there(struct standing *standing)
{
    int there = 1;
    for (size_t i = 0; i < standing->n; i++) {
        struct candidate *one = &standing->all[i];
        int64_t next;
        struct weir_merger *merger = weir_standing_merger(standing->app, one->partition, &next);
        one->is_there |= merger && next > one->offset;
        if (merger && one->is_there)
            weir_merger_calibrations(merger, on_taken, one);
        there &= one->is_there;
    }
    return there;
}

static int64_t seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec;
}

// Until the app's snapshots are behind the records.
static int wait_for_app(struct standing *standing, int64_t every, struct weir_error *error)
{
    int64_t until = seconds() + (2 * every + LEAST_MS + standing->options->timeout) / 1000;
    int there = 0, code = 0;
    while (!there && !code && seconds() < until) {
        usleep(PAUSE_MS * 1000);
        code = weir_standing_read(standing->app, LEAST_MS + standing->options->timeout, error);
        there = !code && all_there(standing);
    }
    return code ? code
           : there
               ? 0
               : weir_error_set(error, WEIR_EIO,
                                "it is published, and the app has not said yet that it read it: "
                                "see its log, and `weir check --calibrate` again later");
}

static int accept_all(struct standing *standing, const struct weir_config *config,
                      struct weir_error *error)
{
    int quiet = standing->options->json, code;
    for (size_t i = 0; i < standing->n; i++) {
        if (standing->all[i].refusal.code)
            return weir_error_set(error, WEIR_EINVAL,
                                  "nothing is accepted: %s cannot go by it: %.300s%s",
                                  standing->all[i].name, standing->all[i].refusal.message,
                                  standing->n > 1 ? " (--detector accepts for one alone)" : "");
    }
    code = send_all(standing, config, error);
    if (code)
        return code;
    if (!quiet) {
        printf("published; the app takes it over, and its next snapshot shows it (within %lld s)\n",
               (long long)(config->snapshot_every / 1000 + 1));
        fflush(stdout);
    }
    code = wait_for_app(standing, config->snapshot_every, error);
    for (size_t i = 0; i < standing->n && !code; i++) {
        const struct candidate *one = &standing->all[i];
        char from[WEIR_TEXT_TIME], to[WEIR_TEXT_TIME];
        if (!one->taken)
            return weir_error_set(error, WEIR_EIO,
                                  "%s did not take it over: the app's log says why", one->name);
        if (!quiet)
            printf("%s: calibration of %s to %s accepted\n", one->name,
                   time_text(one->acceptance.from, from), time_text(one->acceptance.to, to));
    }
    return code;
}

int weir_calibrate_standing(const struct weir_config *config,
                            const struct weir_accept_options *options)
{
    struct standing *standing = calloc(1, sizeof *standing);
    struct weir_error error = {0};
    if (!standing)
        return weir_cli_failed("out of memory");
    standing->options = options;
    int code = weir_standing_open(config, &standing->app, &error);
    int refused = 0;
    if (!code)
        code = look(standing, &error);
    for (size_t i = 0; i < standing->n && !code; i++)
        refused |= standing->all[i].refusal.code;
    int shown = !code && !options->json;
    if (shown)
        print_all(standing);
    int looked = !code;
    if (!code && options->accept)
        code = accept_all(standing, config, &error);
    if (looked && options->json)
        print_json(standing);
    int status = code      ? weir_cli_failed("%s", error.message)
                 : refused ? WEIR_EXIT_FAILED
                           : WEIR_EXIT_DONE;
    if (fflush(stdout) && !status)
        status = weir_cli_failed("standard output cannot be written");
    weir_calibrations_free(&standing->calibrations);
    weir_standing_close(standing->app);
    free(standing);
    return status;
}
