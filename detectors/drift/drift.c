// SPDX-License-Identifier: Apache-2.0
#include "detectors/drift/drift.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct weir_option options[] = {
    {"delta", WEIR_OPTION_NUMBER, "0.2", 0.01, 10, NULL, "robust standard deviations",
     "The smallest change worth an alert, as a shift; other effects are held to what such a shift "
     "gives.",
     0},
    {"critical", WEIR_OPTION_NUMBER, "0.5", 0.01, 10, NULL, "robust standard deviations",
     "The change that is critical once its lower confidence bound reaches it.", 0},
    {"minimum", WEIR_OPTION_INTEGER, "200", 10, 1e12, NULL, "records",
     "Windows and slices with fewer values of a field are not judged.", 0},
    {"alpha", WEIR_OPTION_NUMBER, NULL, 1e-12, 0.5, NULL, "chance a window",
     "Chance of a false alarm in a window, over all fields and tests; unless given, its part of "
     "the app's `false_alarms`.",
     0},
    {"tests", WEIR_OPTION_STRINGS, "auto", 0, 0, NULL, NULL,
     "What is tested: auto (omnibus, null_rate, unseen, tail), or any of these, ks, kuiper, "
     "cramer_von_mises, anderson_darling, berk_jones, chi_square, g; also any statistic of "
     "docs/statistics.md with a threshold of its own, as in 'psi > 0.2' or 'ks p < 0.01', or a "
     "chart "
     "of one over windows, as in 'cusum(psi) > 5', 'ewma(ks)' or 'page_hinkley(null_rate)'.",
     0},
    {"sample", WEIR_OPTION_INTEGER, "1000", 0, 10000, NULL, "records",
     "Records of each window that are kept, at random, to say in a rule what tells them from those "
     "of a profile; 0: none.",
     0},
    {0}};

static const char *const kinds[] = {
    "drift.feature",   "drift.score",       "drift.prediction", "drift.slow",
    "drift.recurring", "skew.distribution", "weir.incomplete",  NULL};

// Without a length of window in time, as if it were an hour.
static const double HOUR = 3600e3, MONTH = 30 * 24 * 3600e3;

const char *drift_test_name(enum drift_test test)
{
    static const char *const names[] = {
        "omnibus",          "ks",         "kuiper",     "cramer_von_mises",
        "anderson_darling", "berk_jones", "chi_square", "g",
        "null_rate",        "unseen",     "tail"};
    return names[test];
}

int drift_is_share(enum drift_test test)
{
    return test == DRIFT_NULL_RATE || test == DRIFT_UNSEEN || test == DRIFT_TAIL;
}

static int read_tests(struct drift *drift, const struct weir_option_value *value,
                      struct weir_error *error)
{
    for (size_t i = 0; i < value->n_strings; i++) {
        const char *name = value->strings[i];
        unsigned test = 0;
        while (test < DRIFT_TESTS && strcmp(name, drift_test_name(test)))
            test++;
        if (test < DRIFT_TESTS)
            drift->tests |= 1u << test;
        else if (!strcmp(name, "auto"))
            drift->tests |=
                1u << DRIFT_OMNIBUS | 1u << DRIFT_NULL_RATE | 1u << DRIFT_UNSEEN | 1u << DRIFT_TAIL;
        else if (drift_read_rule(drift, name, error))
            return WEIR_EINVAL;
    }
    drift->n_tests = (unsigned)__builtin_popcount(drift->tests);
    return drift->n_tests + drift->n_rules
               ? 0
               : weir_error_set(error, WEIR_EINVAL, "%s: tests: the list is empty", drift->name);
}

// Where numbers have no profile the owner cuts cells from the first values it sees.
static const struct weir_cells *cells_of(const struct weir_detector_config *config,
                                         const struct weir_setup *setup, int field)
{
    if (setup->size > offsetof(struct weir_setup, cells) && setup->cells)
        return setup->cells(setup, field);
    for (size_t i = 0; i < config->n_references; i++) {
        const struct weir_summary *summary = setup->reference(setup, i, field);
        if (summary && summary->cell)
            return summary->cells;
    }
    return NULL;
}

static int is_number(const struct weir_field *field)
{
    return field->type == WEIR_TYPE_LONG || field->type == WEIR_TYPE_DOUBLE;
}

static int add_fields(struct drift *drift, const struct weir_detector_config *config,
                      const struct weir_setup *setup, struct weir_error *error)
{
    int without_profile = 0;
    for (size_t i = 0; i < config->n_references; i++)
        without_profile |= drift->specs && drift->specs[i].kind != WEIR_REFERENCE_PROFILE;
    drift->fields = calloc(config->n_fields ? config->n_fields : 1, sizeof *drift->fields);
    if (!drift->fields)
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory for it", config->name);
    for (size_t i = 0; i < config->n_fields; i++) {
        int field = config->fields[i];
        const struct weir_field *info = &config->stream->fields[field];
        const struct weir_cells *cells = cells_of(config, setup, field);
        if (!cells && !(without_profile && is_number(info))) {
            if (config->fields_given)
                return weir_error_set(error, WEIR_EINVAL, "%s: no reference knows the field '%s'",
                                      config->name, info->name);
            continue;
        }
        for (unsigned by = 0; by <= config->n_by; by++) {
            int code = setup->need(
                setup, by, field,
                (cells ? WEIR_PART_CELLS : 0) | WEIR_PART_MOMENTS | WEIR_PART_QUANTILES, error);
            if (code)
                return code;
        }
        drift->fields[drift->n_fields++] = (struct drift_field){field, info, cells};
    }
    if (!drift->n_fields)
        return weir_error_set(error, WEIR_EINVAL,
                              "%s: none of its references knows any of its fields: is the profile "
                              "of this stream?",
                              config->name);
    return 0;
}

int drift_is_past(const struct weir_reference_spec *spec)
{
    return spec->kind == WEIR_REFERENCE_PREVIOUS || spec->kind == WEIR_REFERENCE_SAME_HOUR;
}

int drift_is_of_window(const struct weir_reference_spec *spec)
{
    return spec->kind == WEIR_REFERENCE_MODEL || spec->kind == WEIR_REFERENCE_SLICE;
}

// What is kept of past windows, and how much of it. To explain slow drift 14 KiB a field over 30
// days of hours, 8 MiB in all (of more than 582 fields it is less time); and of slices, while some
// field may drift, as much as of what they usually have: 8 MiB at most.
static void plan_memory(struct drift *drift)
{
    drift->trace_steps = drift_trace_steps(drift->n_fields);
    for (size_t i = 0; i < drift->n_references; i++) {
        const struct weir_reference_spec *spec = &drift->specs[i];
        if (spec->kind == WEIR_REFERENCE_PREVIOUS) {
            size_t windows = (size_t)spec->windows;
            drift->keep_windows = windows > drift->keep_windows ? windows : drift->keep_windows;
            drift->keeps = 1;
        } else if (spec->kind == WEIR_REFERENCE_SAME_HOUR) {
            drift->keep_span = spec->span > drift->keep_span ? spec->span : drift->keep_span;
            drift->keeps = 1;
        }
    }
    if (drift->calibrate <= 0)
        return;
    // A stretch that a person accepts, and what its own windows are compared with.
    int64_t windows = (int64_t)drift->keep_windows * drift->hop;
    drift->keep_newest =
        drift->calibrate + (drift->keep_span > windows ? drift->keep_span : windows);
    drift->keeps = 1;
}

static void destroy(void *instance)
{
    struct drift *drift = instance;
    if (drift) {
        free(drift->fields);
        drift_panes_free(drift->panes);
    }
    free(drift);
}

// Rows of windows, where a profile keeps some to hold beside them.
static int ask_for_rows(struct drift *drift, const struct weir_detector_config *config,
                        const struct weir_setup *setup, struct weir_error *error)
{
    if (setup->size <= offsetof(struct weir_setup, reference_sample) || !setup->sample ||
        !setup->reference_sample)
        return 0;
    int64_t rows = config->options[DRIFT_OPTION_SAMPLE].integer;
    for (size_t i = 0; i < config->n_references && rows > 0 && !drift->sample; i++)
        drift->sample = setup->reference_sample(setup, i) != NULL;
    return drift->sample ? setup->sample(setup, (size_t)rows, error) : 0;
}

static int has_skew(const struct weir_detector_config *config)
{
    for (size_t i = 0; i < config->n_peers; i++)
        if (!strcmp(config->peers[i].type, "skew") &&
            (config->peers[i].size <= offsetof(struct weir_peer, n_references) ||
             config->peers[i].n_references))
            return 1;
    return 0;
}

static int create(const struct weir_detector_config *config, const struct weir_setup *setup,
                  void **instance, struct weir_error *error)
{
    if (!config->n_references)
        return weir_error_set(error, WEIR_EINVAL, "%s: drift needs a `reference:` to compare with",
                              config->name);
    struct drift *drift = calloc(1, sizeof *drift);
    if (!drift)
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory for it", config->name);
    const struct weir_option_value *values = config->options;
    drift->name = config->name;
    drift->references = config->references;
    drift->n_references = config->n_references;
    drift->n_by = drift->n_by_given = config->n_by;
    if (config->size > offsetof(struct weir_detector_config, n_by_given)) {
        drift->specs = config->reference_specs;
        drift->n_by_given = config->n_by_given;
        drift->calibrate = config->calibration_last;
        drift->alarms_at_most = config->alarms_at_most;
        drift->alarms_per = config->alarms_per;
        drift->open_after = config->open_after;
        drift->resolve_after = config->resolve_after;
        drift->leave_offset = has_skew(config);
    }
    if (config->size > offsetof(struct weir_detector_config, n_calibration_exclude)) {
        drift->exclude = config->calibration_exclude;
        drift->n_exclude = config->n_calibration_exclude;
    }
    drift->alarms_share = 1;
    if (config->size > offsetof(struct weir_detector_config, alarms_share) &&
        config->alarms_share > 0)
        drift->alarms_share = config->alarms_share;
    if (config->size > offsetof(struct weir_detector_config, calibration_at_once))
        drift->at_once = config->calibration_at_once;
    drift->window = config->window_size;
    drift->hop = config->window_hop;
    drift->redact = config->redact;
    drift->stream = config->stream;
    drift->delta = values[DRIFT_OPTION_DELTA].number;
    drift->critical = fmax(values[DRIFT_OPTION_CRITICAL].number, drift->delta);
    drift->minimum = (uint64_t)values[DRIFT_OPTION_MINIMUM].integer;
    double step = config->window_hop > 0 ? (double)config->window_hop : HOUR;
    drift->alpha = values[DRIFT_OPTION_ALPHA].set
                       ? values[DRIFT_OPTION_ALPHA].number
                       : fmin(weir_alarms_in(config, step, step / MONTH), 0.05);
    int is_by_alpha = values[DRIFT_OPTION_ALPHA].set;
    int code = read_tests(drift, &values[DRIFT_OPTION_TESTS], error);
    // Whoever asks for a test by name is given that one, at its own threshold.
    if (!(drift->tests >> DRIFT_OMNIBUS & 1))
        drift->calibrate = 0;
    if (!code)
        code = add_fields(drift, config, setup, error);
    if (!code)
        code = drift_panes_take(drift, setup, error);
    if (!code)
        code = ask_for_rows(drift, config, setup, error);
    if (!code && drift->specs)
        plan_memory(drift);
    drift->careful = drift->specs && drift->calibrate > 0 && drift->window > 0 && !is_by_alpha;
    if (code) {
        destroy(drift);
        return code;
    }
    *instance = drift;
    return 0;
}

WEIR_PLUGIN = {
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .size = sizeof(struct weir_plugin),
    .name = "drift",
    .version = WEIR_VERSION,
    .description = "Fields whose values are no longer distributed as in the reference",
    .options = options,
    .kinds = kinds,
    .state_version = DRIFT_STATE_VERSION,
    .create = create,
    .destroy = destroy,
    .owner_create = drift_owner_create,
    .owner_destroy = drift_owner_destroy,
    .owner_window = drift_owner_window,
    .owner_save = drift_owner_save,
    .owner_restore = drift_owner_restore,
    .owner_calibration = drift_owner_calibration,
    .owner_accept = drift_owner_accept,
    .reference_kinds = 1u << WEIR_REFERENCE_PREVIOUS | 1u << WEIR_REFERENCE_SAME_HOUR |
                       1u << WEIR_REFERENCE_FIXED | 1u << WEIR_REFERENCE_MODEL |
                       1u << WEIR_REFERENCE_SLICE,
    .alarm_weight = 0.4, // windows .3, slow drift .1
};
