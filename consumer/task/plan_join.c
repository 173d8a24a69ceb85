// SPDX-License-Identifier: Apache-2.0
// Joined streams: a driver and a follower, for detectors that look at both side by side.
#include <stdio.h>
#include <string.h>

#include "consumer/task/plan.h"

size_t weir_plan_joined(const struct weir_plan *plan, size_t *first)
{
    *first = plan->config->n_streams;
    return plan->n_streams - plan->config->n_streams;
}

void weir_plan_joined_of(const struct weir_plan *plan, size_t stream, size_t *driver,
                         size_t *follower)
{
    *driver = plan->streams[stream].driver;
    *follower = plan->streams[stream].follower;
}

// The option that names a follower; -1: there is none, or it is not given.
static int follower_option(const struct weir_detector_entry *entry)
{
    const struct weir_option *table = entry->plugin->options;
    for (int i = 0; table && table[i].key; i++) {
        if (table[i].type == WEIR_OPTION_STREAM)
            return entry->options[i].set ? i : -1;
    }
    return -1;
}

static int find_stream(const struct weir_config *config, const char *name)
{
    for (size_t i = 0; i < config->n_streams; i++) {
        if (!strcmp(config->streams[i].info.name, name))
            return (int)i;
    }
    return -1;
}

static int add_joined(struct weir_plan *plan, size_t driver, size_t follower, size_t *out,
                      struct weir_error *error)
{
    const struct weir_config *config = plan->config;
    for (size_t i = config->n_streams; i < plan->n_streams; i++) {
        *out = i;
        if (plan->streams[i].driver == driver && plan->streams[i].follower == follower)
            return 0;
    }
    // Room for all was made at the start, so that streams stay where they are.
    struct weir_plan_stream *stream = &plan->streams[plan->n_streams];
    const struct weir_plan_stream *of = &plan->streams[driver];
    char name[200];
    snprintf(name, sizeof name, "%.90s+%.90s", of->info.name, plan->streams[follower].info.name);
    *stream =
        (struct weir_plan_stream){.config = of->config,
                                  .info = of->info,
                                  .fields = of->fields,
                                  .time_unit = of->time_unit,
                                  .tentative = of->tentative | plan->streams[follower].tentative,
                                  .joined = 1,
                                  .driver = driver,
                                  .follower = follower,
                                  .within = config->streams[follower].join_within};
    stream->info.name = weir_plan_string(plan, name);
    stream->specs = weir_plan_alloc(plan, (config->n_detectors + 1) * sizeof *stream->specs);
    stream->detectors =
        weir_plan_alloc(plan, (config->n_detectors + 1) * sizeof *stream->detectors);
    if (!stream->info.name || !stream->specs || !stream->detectors)
        return weir_plan_no_memory(error);
    snprintf(stream->rules_key, sizeof stream->rules_key, "%.140s|rules", name);
    stream->rules_partition = weir_plan_partition(plan, stream->rules_key);
    *out = plan->n_streams++;
    return 0;
}

int weir_plan_join_detector(struct weir_plan *plan, struct weir_plan_detector *detector,
                            struct weir_error *error)
{
    const struct weir_config *config = plan->config;
    const struct weir_detector_entry *entry = detector->entry;
    int option = follower_option(entry);
    if (option < 0)
        return 0;
    const char *key = entry->plugin->options[option].key, *name = entry->options[option].string;
    const char *driver = config->streams[detector->stream].info.name;
    struct weir_mark mark = weir_config_place(config, entry, key, 0, 0);
    int follower = find_stream(config, name);
    if (follower < 0)
        return weir_plan_fault(plan, mark, error, "detectors.%s.%s: there is no stream '%.60s'",
                               entry->name, key, name);
    if (config->streams[follower].join_to != (int)detector->stream)
        return weir_plan_fault(plan, mark, error,
                               "detectors.%s.%s: the stream %s does not join %s: give it `join: "
                               "{to: %s, within: 1h}`",
                               entry->name, key, name, driver, driver);
    if (entry->window.records)
        return weir_plan_fault(plan, mark, error,
                               "detectors.%s.%s: two streams are looked at in windows of time; "
                               "this detector's count records",
                               entry->name, key);
    return add_joined(plan, detector->stream, (size_t)follower, &detector->stream, error);
}

int weir_plan_set_follower(struct weir_plan *plan, struct weir_plan_detector *detector,
                           struct weir_error *error)
{
    const struct weir_plan_stream *stream = &plan->streams[detector->stream];
    if (!stream->joined)
        return 0;
    struct weir_follower *follower = weir_plan_alloc(plan, sizeof *follower);
    if (!follower)
        return weir_plan_no_memory(error);
    *follower = (struct weir_follower){sizeof *follower, &plan->streams[stream->follower].info,
                                       stream->within};
    detector->config.follower = follower;
    return 0;
}
