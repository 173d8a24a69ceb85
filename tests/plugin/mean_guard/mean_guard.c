// SPDX-License-Identifier: Apache-2.0
// Alerts when the mean of a field leaves the bounds that the user states.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "stats/summary.h"
#include "weir/detector.h"

// ---- options: one row each, and nothing else says what there is

enum { FIELD, LOW, HIGH, MINIMUM };

static const struct weir_option options[] = {
    [FIELD] = {"field", WEIR_OPTION_FIELD, NULL, 0, 0, NULL, NULL, "the field to guard",
               WEIR_OPTION_REQUIRED},
    [LOW] = {"low", WEIR_OPTION_NUMBER, NULL, 0, 0, NULL, NULL, "the least mean",
             WEIR_OPTION_REQUIRED},
    [HIGH] = {"high", WEIR_OPTION_NUMBER, NULL, 0, 0, NULL, NULL, "the greatest mean",
              WEIR_OPTION_REQUIRED},
    [MINIMUM] = {"minimum", WEIR_OPTION_INTEGER, "30", 1, 1e9, NULL, "values",
                 "a window with fewer values is not judged", 0},
    {.key = NULL}};

// ---- the instance: what the configuration says; never written after create()

struct guard {
    const char *name; // of the field; the configuration outlives the instance
    int field;
    double low, high;
    uint64_t minimum;
};

static int create(const struct weir_detector_config *config, const struct weir_setup *setup,
                  void **instance, struct weir_error *error)
{
    int field = (int)config->options[FIELD].integer;
    double low = config->options[LOW].number, high = config->options[HIGH].number;
    if (!(low <= high))
        return weir_error_set(error, WEIR_EINVAL, "low (%g) is above high (%g)", low, high);
    // Only what is asked for here is computed.
    int code = setup->need(setup, 0, field, WEIR_PART_MOMENTS, error);
    if (code)
        return code;
    struct guard *guard = malloc(sizeof *guard);
    if (!guard)
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    guard->name = config->stream->fields[field].name;
    guard->field = field;
    guard->low = low;
    guard->high = high;
    guard->minimum = (uint64_t)config->options[MINIMUM].integer;
    *instance = guard;
    return 0;
}

static void destroy(void *instance)
{
    free(instance);
}

// ---- the owner: its state is the last mean that was within bounds

struct owner {
    const struct guard *guard;
    double last; // NAN: none yet
};

static int owner_create(void *instance, void **owner, struct weir_error *error)
{
    struct owner *made = malloc(sizeof *made);
    if (!made)
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    made->guard = instance;
    made->last = NAN;
    *owner = made;
    return 0;
}

static void owner_destroy(void *owner)
{
    free(owner);
}

static void emit(const struct owner *owner, const struct weir_window *window, double mean,
                 uint64_t n)
{
    const struct guard *guard = owner->guard;
    char summary[256], before[64] = "", after[64];
    snprintf(after, sizeof after, "mean %g", mean);
    if (!isnan(owner->last))
        snprintf(before, sizeof before, "mean %g", owner->last);
    snprintf(summary, sizeof summary, "the mean of %s is %g, outside %g to %g", guard->name, mean,
             guard->low, guard->high);
    struct weir_evidence evidence = {.type = "field",
                                     .field = guard->name,
                                     .before = *before ? before : NULL,
                                     .after = after,
                                     .contribution = 1};
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = "mean",
        .kind = "schema.bounds",
        .severity = WEIR_WARNING,
        .action = WEIR_ACTION_INVESTIGATE_UPSTREAM,
        .fields = &guard->name,
        .n_fields = 1,
        .share = NAN,
        .count = n,
        .statistic = {.name = "mean",
                      .value = mean,
                      .threshold = mean < guard->low ? guard->low : guard->high,
                      .p_value = NAN,
                      .baseline = owner->last},
        .summary = summary,
        .evidence = &evidence,
        .n_evidence = 1,
    };
    window->emit(window, &finding);
}

static int owner_window(void *state, const struct weir_window *window, struct weir_error *error)
{
    struct owner *owner = state;
    const struct weir_summary *summary = window->summary(window, 0, owner->guard->field);
    (void)error;
    if (!summary || summary->moments.n < owner->guard->minimum)
        return 0;
    double mean = weir_moments_mean(&summary->moments, summary->cells);
    if (mean < owner->guard->low || mean > owner->guard->high)
        emit(owner, window, mean, summary->moments.n);
    else
        owner->last = mean;
    return 0;
}

static int owner_save(const void *state, struct weir_buffer *out)
{
    return weir_put_double(out, ((const struct owner *)state)->last);
}

static int owner_restore(void *state, uint32_t version, struct weir_reader *in,
                         struct weir_error *error)
{
    (void)version;
    double last = weir_get_double(in);
    if (in->failed)
        return weir_error_set(error, WEIR_ECORRUPT, "the state of mean_guard is truncated");
    ((struct owner *)state)->last = last;
    return 0;
}

// ---- what the module exports

static const char *const kinds[] = {"schema.bounds", NULL};

WEIR_PLUGIN = {
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .size = sizeof(struct weir_plugin),
    .name = "mean_guard",
    .version = "1.0.0",
    .description = "the mean of a field stays within bounds",
    .options = options,
    .kinds = kinds,
    .state_version = 1,
    .create = create,
    .destroy = destroy,
    .owner_create = owner_create,
    .owner_destroy = owner_destroy,
    .owner_window = owner_window,
    .owner_save = owner_save,
    .owner_restore = owner_restore,
};
