// SPDX-License-Identifier: Apache-2.0
#include "consumer/cli/calibrate.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/cli/budget.h"
#include "consumer/cli/cli.h"
#include "consumer/replay/replay.h"

enum { DETECTORS = 64, DELAYS = 3 };

struct field {
    char name[128];
    double half, most;     // smallest shift caught in half, in nine of ten windows
    double delay[DELAYS];  // windows until 1, 1.5, 2 times delta is found, in half of all cases
    double slowly[DELAYS]; // and by the charts alone
};

struct seen { // of one detector
    char name[200];
    double days, wanted, needed;
    int learnt;
    double threshold, k, promised, allowed, period, delta;
    struct field *fields;
    size_t n_fields;
};

struct calibration {
    struct seen detectors[DETECTORS];
    size_t n;
    int failed; // no memory
};

static double number(const json_t *statistic, const char *key)
{
    const json_t *value = json_object_get(statistic, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void numbers(const json_t *statistic, double out[DELAYS])
{
    out[0] = number(statistic, "value");
    out[1] = number(statistic, "threshold");
    out[2] = number(statistic, "baseline");
}

// ---- taking

static struct seen *find(struct calibration *calibration, const char *name)
{
    for (size_t i = 0; i < calibration->n; i++) {
        if (!strcmp(calibration->detectors[i].name, name))
            return &calibration->detectors[i];
    }
    if (calibration->n == DETECTORS)
        return NULL;
    struct seen *seen = &calibration->detectors[calibration->n++];
    *seen = (struct seen){.delta = NAN};
    snprintf(seen->name, sizeof seen->name, "%s", name);
    return seen;
}

static struct field *find_field(struct calibration *calibration, struct seen *seen,
                                const char *name)
{
    for (size_t i = 0; i < seen->n_fields; i++) {
        if (!strcmp(seen->fields[i].name, name))
            return &seen->fields[i];
    }
    struct field *grown = realloc(seen->fields, (seen->n_fields + 1) * sizeof *grown);
    if (!grown) {
        calibration->failed = 1;
        return NULL;
    }
    seen->fields = grown;
    grown[seen->n_fields] = (struct field){.half = NAN};
    snprintf(grown[seen->n_fields].name, sizeof grown->name, "%s", name);
    return &grown[seen->n_fields++];
}

static void take_field(struct field *field, const char *name, const json_t *statistic)
{
    if (!strcmp(name, "calibration.shift")) {
        field->half = number(statistic, "value");
        field->most = number(statistic, "threshold");
    } else if (!strcmp(name, "calibration.delay")) {
        numbers(statistic, field->delay);
    } else if (!strcmp(name, "calibration.slow")) {
        numbers(statistic, field->slowly);
    }
}

// What is said last holds: a stretch that grows is learnt from several times.
static void take(struct calibration *calibration, const json_t *statistic)
{
    const char *name = json_string_value(json_object_get(statistic, "name"));
    const char *detector = json_string_value(json_object_get(statistic, "detector"));
    const char *of = json_string_value(json_object_get(statistic, "field"));
    struct seen *seen =
        name && detector && !strncmp(name, "calibration.", 12) ? find(calibration, detector) : NULL;
    struct field *field = seen && of ? find_field(calibration, seen, of) : NULL;
    if (!seen)
        return;
    if (field)
        take_field(field, name, statistic);
    if (!strcmp(name, "calibration.days")) {
        seen->days = number(statistic, "value");
        seen->wanted = number(statistic, "threshold");
        seen->needed = number(statistic, "baseline");
    } else if (!strcmp(name, "calibration.threshold")) {
        seen->learnt = 1;
        seen->threshold = number(statistic, "value");
        seen->k = number(statistic, "threshold");
        seen->promised = number(statistic, "baseline");
    } else if (!strcmp(name, "calibration.budget")) {
        seen->allowed = number(statistic, "value");
        seen->period = number(statistic, "threshold");
        seen->delta = number(statistic, "baseline");
    }
}

static int is_whole(const struct seen *seen)
{
    return seen->learnt && seen->days >= seen->wanted;
}

// ---- for people

static const char *shift_text(double shift, char out[32])
{
    if (isfinite(shift))
        snprintf(out, 32, "%.2g sd", shift);
    else
        snprintf(out, 32, "over 3 sd");
    return out;
}

static void windows_text(const double delay[DELAYS], char out[80])
{
    size_t used = 0;
    for (int i = 0; i < DELAYS; i++)
        used +=
            (size_t)(isfinite(delay[i])
                         ? snprintf(out + used, 80 - used, "%s%.0f", i ? " / " : "", ceil(delay[i]))
                         : snprintf(out + used, 80 - used, "%s-", i ? " / " : ""));
}

static void print_fields(const struct seen *seen)
{
    char half[32], most[32], soon[80], slowly[80];
    if (!seen->n_fields)
        return;
    printf("  the smallest shift that is caught at once, in half and in nine of ten windows; and "
           "after how many\n  windows a lasting shift by 1 / 1.5 / 2 times delta (%.2g sd) is "
           "found in half of all cases: in all,\n  and by the charts of slow drift alone (-: "
           "hardly ever)\n",
           seen->delta);
    printf("  %-24s %-16s %-16s %-16s %s\n", "", "half of windows", "9 in 10 windows",
           "found after", "slow drift after");
    for (size_t i = 0; i < seen->n_fields; i++) {
        const struct field *field = &seen->fields[i];
        windows_text(field->delay, soon);
        windows_text(field->slowly, slowly);
        printf("  %-24s %-16s %-16s %-16s %s\n", field->name, shift_text(field->half, half),
               shift_text(field->most, most), soon, slowly);
    }
}

static void print_detector(const struct seen *seen)
{
    printf("%s\n", seen->name);
    if (!is_whole(seen))
        printf("  not calibrated: there are %.3g of %.3g days (calibration.last); the budget "
               "needs %.3g. Until then alerts are marked provisional\n",
               seen->days, seen->wanted, seen->needed);
    else
        printf("  calibrated on %.4g days; the budget needs %.4g\n", seen->days, seen->needed);
    if (!seen->learnt)
        return;
    printf("  budget: %.3g false incident%s in %.3g days\n", seen->allowed,
           seen->allowed == 1 ? "" : "s", seen->period);
    printf("  threshold %.4g (-ln p of the largest field and test of a window)\n", seen->threshold);
    if (seen->k >= 1)
        printf("  keeps the budget: about %.3g false incidents in its period are expected\n",
               seen->promised);
    else
        printf("  %s for the budget: the rate that these days can keep is %.3g false incidents in "
               "its period;\n  the threshold is put above their highest score by what such scores "
               "usually need, and alerts are marked provisional\n",
               seen->days < seen->needed ? "too short" : "not whole, and too early",
               seen->promised);
    print_fields(seen);
}

// ---- for programs

static json_t *real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *reals(const double values[DELAYS])
{
    return json_pack("{s:o, s:o, s:o}", "1", real(values[0]), "1.5", real(values[1]), "2",
                     real(values[2]));
}

static json_t *detector_json(const struct seen *seen)
{
    json_t *out =
        json_pack("{s:b, s:o, s:o, s:o}", "calibrated", is_whole(seen), "days", real(seen->days),
                  "days_wanted", real(seen->wanted), "days_needed", real(seen->needed));
    if (!seen->learnt)
        return out;
    json_object_set_new(out, "threshold", real(seen->threshold));
    json_object_set_new(out, "keeps_budget", json_boolean(seen->k >= 1));
    json_object_set_new(out, "false_incidents", real(seen->promised));
    json_object_set_new(out, "allowed", real(seen->allowed));
    json_object_set_new(out, "period_days", real(seen->period));
    json_object_set_new(out, "delta", real(seen->delta));
    json_t *fields = json_object();
    for (size_t i = 0; i < seen->n_fields; i++) {
        const struct field *field = &seen->fields[i];
        json_object_set_new(fields, field->name,
                            json_pack("{s:o, s:o, s:o, s:o}", "smallest_shift", real(field->half),
                                      "smallest_shift_9_in_10", real(field->most),
                                      "windows_by_delta", reals(field->delay),
                                      "windows_by_delta_slow", reals(field->slowly)));
    }
    json_object_set_new(out, "fields", fields);
    return out;
}

static void print_json(const struct calibration *calibration, const struct weir_config *config)
{
    json_t *detectors = json_object(), *out = json_pack("{s:o}", "detectors", detectors);
    json_object_set_new(out, "false_alarms", weir_budget_json(config));
    for (size_t i = 0; i < calibration->n; i++)
        json_object_set_new(detectors, calibration->detectors[i].name,
                            detector_json(&calibration->detectors[i]));
    json_dumpf(out, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6) | JSON_PRESERVE_ORDER);
    printf("\n");
    json_decref(out);
}

static int on_emission(void *context, const struct weir_emission *emission)
{
    if (emission->output != WEIR_OUTPUT_WINDOWS)
        return 0;
    json_t *window =
        json_loadb((const char *)emission->value.data, emission->value.length, 0, NULL);
    const json_t *statistics = json_object_get(window, "statistics"), *statistic;
    size_t i;
    json_array_foreach(statistics, i, statistic) take(context, statistic);
    json_decref(window);
    return 0;
}

// An exit code: whether all that was read for calibrates whole.
static int print_all(const struct calibration *calibration, const struct weir_config *config,
                     int json)
{
    int unfinished = calibration->n == 0;
    for (size_t i = 0; i < calibration->n; i++)
        unfinished |= !is_whole(&calibration->detectors[i]);
    if (json)
        print_json(calibration, config);
    else if (!calibration->n)
        printf("nothing is calibrated: have a drift detector with windows of time that compares "
               "with a profile, a stretch, or earlier windows, and no `calibration: none`\n");
    for (size_t i = 0; i < calibration->n && !json; i++)
        print_detector(&calibration->detectors[i]);
    return fflush(stdout) ? weir_cli_failed("standard output cannot be written")
           : unfinished   ? WEIR_EXIT_FAILED
                          : WEIR_EXIT_DONE;
}

int weir_calibrate(const struct weir_config *config, const struct weir_arg_list *list, int json)
{
    struct weir_replay_input inputs[WEIR_ARG_LIST_MAXIMUM];
    struct calibration calibration = {.n = 0};
    struct weir_replay_stats stats;
    struct weir_error error = {0};
    for (size_t i = 0; i < list->n; i++) {
        char name[256];
        size_t s = 0;
        if (weir_args_pair(list->items[i], name, sizeof name, &inputs[i].path))
            return weir_cli_usage(&weir_command_check, "--input %s: say STREAM=PATH",
                                  list->items[i]);
        while (s < config->n_streams && strcmp(config->streams[s].info.name, name))
            s++;
        if (s == config->n_streams)
            return weir_cli_usage(&weir_command_check,
                                  "--input %s: the configuration has no stream '%s'",
                                  list->items[i], name);
        inputs[i].stream = s;
    }
    struct weir_replay_options options = {.config = config,
                                          .inputs = inputs,
                                          .n_inputs = list->n,
                                          .windows = 1,
                                          .emit = on_emission,
                                          .context = &calibration};
    int code = weir_replay(&options, &stats, &error);
    if (!code && calibration.failed)
        code = weir_error_set(&error, WEIR_ENOMEM, "out of memory");
    int status =
        code ? weir_cli_failed("%s", error.message) : print_all(&calibration, config, json);
    for (size_t i = 0; i < calibration.n; i++)
        free(calibration.detectors[i].fields);
    return status;
}
