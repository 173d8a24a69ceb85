// SPDX-License-Identifier: Apache-2.0
#include "consumer/cli/calibrate.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "consumer/cli/budget.h"
#include "consumer/cli/calibration.h"
#include "consumer/cli/cli.h"
#include "consumer/replay/replay.h"

static double number(const json_t *statistic, const char *key)
{
    const json_t *value = json_object_get(statistic, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void take(struct weir_calibrations *calibrations, const json_t *statistic)
{
    const char *detector = json_string_value(json_object_get(statistic, "detector"));
    const char *field = json_string_value(json_object_get(statistic, "field"));
    struct weir_statistic of = {json_string_value(json_object_get(statistic, "name")),
                                number(statistic, "value"), number(statistic, "threshold"), NAN,
                                number(statistic, "baseline")};
    if (of.name && detector)
        weir_calibration_take(calibrations, detector, field, &of);
}

static void print_json(const struct weir_calibrations *calibration,
                       const struct weir_config *config)
{
    json_t *detectors = json_object(), *out = json_pack("{s:o}", "detectors", detectors);
    json_object_set_new(out, "false_alarms", weir_budget_json(config));
    for (size_t i = 0; i < calibration->n; i++)
        json_object_set_new(detectors, calibration->detectors[i].name,
                            weir_calibration_json(&calibration->detectors[i]));
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
static int print_all(const struct weir_calibrations *calibration, const struct weir_config *config,
                     int json)
{
    int unfinished = calibration->n == 0;
    for (size_t i = 0; i < calibration->n; i++)
        unfinished |= !weir_calibration_is_whole(&calibration->detectors[i]);
    if (json)
        print_json(calibration, config);
    else if (!calibration->n)
        printf("nothing is calibrated: have a drift detector with windows of time that compares "
               "with a profile, a stretch, or earlier windows, and no `calibration: none`\n");
    for (size_t i = 0; i < calibration->n && !json; i++) {
        printf("%s\n", calibration->detectors[i].name);
        weir_calibration_print(&calibration->detectors[i]);
    }
    return fflush(stdout) ? weir_cli_failed("standard output cannot be written")
           : unfinished   ? WEIR_EXIT_FAILED
                          : WEIR_EXIT_DONE;
}

int weir_calibrate(const struct weir_config *config, const struct weir_arg_list *list, int json)
{
    struct weir_replay_input inputs[WEIR_ARG_LIST_MAXIMUM];
    struct weir_calibrations calibration = {.n = 0};
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
    weir_calibrations_free(&calibration);
    return status;
}
