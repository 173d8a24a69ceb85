// SPDX-License-Identifier: Apache-2.0
#include "consumer/cli/calibrate.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "consumer/cli/cli.h"
#include "consumer/replay/replay.h"

enum { DETECTORS = 64 };

struct seen { // of one detector
    char name[200];
    double days, wanted, needed;
    int frozen, shifts;
};

struct calibration {
    struct seen detectors[DETECTORS];
    size_t n;
};

static double number(const json_t *statistic, const char *key)
{
    const json_t *value = json_object_get(statistic, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static struct seen *find(struct calibration *calibration, const char *name)
{
    for (size_t i = 0; i < calibration->n; i++) {
        if (!strcmp(calibration->detectors[i].name, name))
            return &calibration->detectors[i];
    }
    if (calibration->n == DETECTORS)
        return NULL;
    struct seen *seen = &calibration->detectors[calibration->n++];
    snprintf(seen->name, sizeof seen->name, "%s", name);
    return seen;
}

static void print_threshold(const struct seen *seen, const json_t *statistic)
{
    double k = number(statistic, "threshold"), promised = number(statistic, "baseline");
    printf("%s\n", seen->name);
    printf("  calibrated on %.4g days; the budget needs %.4g\n", seen->days, seen->needed);
    printf("  threshold %.4g (-ln p of the largest field and test of a window)\n",
           number(statistic, "value"));
    if (k >= 1)
        printf("  keeps the budget: about %.3g false incidents in its period are expected\n",
               promised);
    else
        printf(
            "  too short for the budget: the highest score of these days would give about %.3g "
            "false incidents in its period;\n  the threshold is put above that by what such scores "
            "usually need, and alerts are marked provisional\n",
            promised);
}

static const char *shift_text(double shift, char out[32])
{
    if (isfinite(shift))
        snprintf(out, 32, "%.2g sd", shift);
    else
        snprintf(out, 32, "over 3 sd");
    return out;
}

static void print_shift(struct seen *seen, const char *field, const json_t *statistic)
{
    char half[32], most[32], soon[32];
    double windows = number(statistic, "baseline");
    if (!seen->shifts++)
        printf("  %-28s %-16s %-16s %s\n", "smallest shift caught in", "half of windows",
               "9 in 10 windows", "a shift by delta is found after");
    if (isfinite(windows))
        snprintf(soon, sizeof soon, "%.0f window%s", ceil(windows), windows > 1 ? "s" : "");
    else
        snprintf(soon, sizeof soon, "hardly ever");
    printf("  %-28s %-16s %-16s %s\n", field, shift_text(number(statistic, "value"), half),
           shift_text(number(statistic, "threshold"), most), soon);
}

static void take(struct calibration *calibration, const json_t *statistic)
{
    const char *name = json_string_value(json_object_get(statistic, "name"));
    const char *detector = json_string_value(json_object_get(statistic, "detector"));
    const char *field = json_string_value(json_object_get(statistic, "field"));
    struct seen *seen =
        name && detector && !strncmp(name, "calibration.", 12) ? find(calibration, detector) : NULL;
    if (!seen)
        return;
    if (!strcmp(name, "calibration.days")) {
        seen->days = number(statistic, "value");
        seen->wanted = number(statistic, "threshold");
        seen->needed = number(statistic, "baseline");
    } else if (!strcmp(name, "calibration.threshold")) {
        seen->frozen = 1;
        print_threshold(seen, statistic);
    } else if (!strcmp(name, "calibration.shift") && field) {
        print_shift(seen, field, statistic);
    }
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

static int print_unfinished(const struct calibration *calibration)
{
    int unfinished = calibration->n == 0;
    if (!calibration->n)
        printf("nothing is calibrated: say `calibration: {last: 30d}`, and have a drift detector "
               "that compares with a profile, a stretch, or earlier windows\n");
    for (size_t i = 0; i < calibration->n; i++) {
        const struct seen *seen = &calibration->detectors[i];
        if (seen->frozen)
            continue;
        unfinished = 1;
        printf("%s\n  not calibrated: there are %.3g of %.3g days (calibration.last); the budget "
               "needs %.3g. Until then alerts are marked provisional\n",
               seen->name, seen->days, seen->wanted, seen->needed);
    }
    return unfinished ? WEIR_EXIT_FAILED : WEIR_EXIT_DONE;
}

int weir_calibrate(const struct weir_config *config, const struct weir_arg_list *list)
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
    if (weir_replay(&options, &stats, &error))
        return weir_cli_failed("%s", error.message);
    return print_unfinished(&calibration);
}
