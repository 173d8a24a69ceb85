// SPDX-License-Identifier: Apache-2.0
// What is gathered of serving, and what the configuration says of it.
#include "detectors/skew/slices.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "stats/hash.h"
#include "stats/summary.h"

static const int64_t FAR = INT64_MAX / 4;
enum { SHORT = 8, LONG = 200, EXPECTED = 2 }; // values: of windows, stretches, cells
enum { ROWS = 2000, HEALED = 3, FIELDS = 1 << 16, NAME = 1024 };

// ---- the plan

static unsigned parts_of(const struct weir_summary *then)
{
    return then->shape == WEIR_SHAPE_NUMERIC
               ? WEIR_PART_CELLS | WEIR_PART_MOMENTS | WEIR_PART_QUANTILES | WEIR_PART_DISTINCT
           : then->shape == WEIR_SHAPE_BOOLEAN
               ? (unsigned)WEIR_PART_CELLS
               : WEIR_PART_CELLS | WEIR_PART_MOMENTS | WEIR_PART_QUANTILES | WEIR_PART_TOP;
}

static int add_fields(struct skew_training_plan *plan, const struct weir_detector_config *config,
                      const struct weir_setup *setup, struct weir_error *error)
{
    for (size_t i = 0; i < config->n_fields; i++) {
        int field = config->fields[i];
        const struct weir_summary *then = setup->reference(setup, 0, field);
        if (!then || !then->cell || !then->values) {
            if (config->fields_given)
                return weir_error_set(error, WEIR_EINVAL,
                                      "the profile %s has no values of the field %s",
                                      plan->reference, config->stream->fields[field].name);
            continue;
        }
        unsigned parts = parts_of(then);
        int code = setup->need(setup, 0, field, parts, error);
        if (code)
            return code;
        plan->fields[plan->n_fields++] =
            (struct skew_training_field){field, &config->stream->fields[field], then, parts};
    }
    if (plan->n_fields || setup->tentative)
        return 0;
    return weir_error_set(error, WEIR_EINVAL,
                          "the profile %s knows none of its fields: is it of this stream?",
                          plan->reference);
}

// Of each slice counts in the profile's cells, where the profile has rows to compare them with.
static int add_slices(struct skew_training_plan *plan, const struct weir_detector_config *config,
                      const struct weir_setup *setup, struct weir_error *error)
{
    int has_rows = setup->size > offsetof(struct weir_setup, reference_sample) &&
                   setup->reference_sample && setup->reference_sample(setup, 0);
    if (!config->n_by || config->follower)
        return 0;
    if (!has_rows && !setup->tentative)
        return weir_error_set(error, WEIR_EINVAL,
                              "`by:` needs a profile that keeps a sample of rows, to compare each "
                              "slice with its own: make the profile %s again",
                              plan->reference);
    plan->n_by = (unsigned)config->n_by;
    for (size_t by = 0; by < config->n_by; by++)
        for (size_t i = 0; i < config->n_by_fields[by]; i++) {
            const char *name = config->stream->fields[config->by[by][i]].name;
            plan->by_hash = plan->by_hash * 31 + by + weir_hash(name, strlen(name));
        }
    for (unsigned by = 1; by <= plan->n_by; by++)
        for (size_t f = 0; f < plan->n_fields; f++) {
            int code = setup->need(setup, by, plan->fields[f].index, WEIR_PART_CELLS, error);
            if (code)
                return code;
        }
    return 0;
}

// Another detector that looks at units beside a profile, if it has this stream: its windows by
// these.
static double leave_units(const struct weir_detector_config *config)
{
    double longest = 0;
    for (size_t i = 0; i < config->n_peers; i++) {
        const struct weir_peer *peer = &config->peers[i];
        if (strcmp(peer->type, "schema") != 0 ||
            (peer->size > offsetof(struct weir_peer, n_references) && !peer->n_references))
            continue;
        double times = config->window_hop > 0 && peer->window_hop > 0
                           ? (double)peer->window_hop / (double)config->window_hop
                           : 1;
        longest = fmax(longest, times);
    }
    return longest;
}

int skew_training_plan_make(const struct weir_detector_config *config,
                            const struct weir_setup *setup, double chance,
                            struct skew_training_plan **out, struct weir_error *error)
{
    const struct weir_option_value *values = config->options;
    if (config->n_references != 1)
        return weir_error_set(error, WEIR_EINVAL,
                              "name one profile as `reference:`, that of the training data");
    struct skew_training_plan *plan = calloc(1, sizeof *plan);
    if (plan)
        plan->fields = calloc(config->n_fields + 1, sizeof *plan->fields);
    if (!plan || !plan->fields) {
        free(plan);
        return weir_error_set(error, WEIR_ENOMEM, "no memory for the detector");
    }
    plan->reference = config->references[0];
    plan->delta = values[SKEW_DELTA].number;
    plan->critical = fmax(values[SKEW_CRITICAL].number, plan->delta);
    plan->segment = values[SKEW_SEGMENT].number;
    plan->over = values[SKEW_OVER].integer;
    plan->minimum = (uint64_t)values[SKEW_MINIMUM].integer;
    plan->alpha = chance;
    plan->redact = config->redact;
    plan->leave_units = leave_units(config);
    int code = add_fields(plan, config, setup, error);
    if (!code)
        code = add_slices(plan, config, setup, error);
    if (!code && setup->size > offsetof(struct weir_setup, sample) && setup->sample)
        code = setup->sample(setup, ROWS, error);
    if (code) {
        skew_training_plan_free(plan);
        return code;
    }
    *out = plan;
    return 0;
}

void skew_training_plan_free(struct skew_training_plan *plan)
{
    if (!plan)
        return;
    free(plan->fields);
    free(plan);
}

// ---- the stretch

int skew_training_create(const struct skew_training_plan *plan, struct skew_training **out)
{
    struct skew_training *training = calloc(1, sizeof *training);
    if (!training)
        return WEIR_ENOMEM;
    training->plan = plan;
    training->began = training->generation = training->last = INT64_MIN;
    training->fields = calloc(plan->n_fields + 1, sizeof *training->fields);
    int code = training->fields ? skew_segments_create(&training->segments) : WEIR_ENOMEM;
    if (!code && plan->n_by)
        code = skew_slices_create(plan, &training->slices);
    for (size_t f = 0; !code && f < plan->n_fields; f++) {
        const struct weir_summary *then = plan->fields[f].then;
        struct weir_summary_spec spec = {then->shape, plan->fields[f].parts, then->cells, 0};
        code = weir_summary_init(&training->fields[f].all, &spec);
        if (!code)
            code = weir_summary_init(&training->fields[f].current, &spec);
    }
    if (code) {
        skew_training_destroy(training);
        return code;
    }
    *out = training;
    return 0;
}

void skew_training_destroy(struct skew_training *training)
{
    if (!training)
        return;
    for (size_t f = 0; training->fields && f < training->plan->n_fields; f++) {
        weir_summary_free(&training->fields[f].all);
        weir_summary_free(&training->fields[f].current);
    }
    free(training->fields);
    skew_segments_destroy(training->segments);
    skew_slices_destroy(training->slices);
    free(training);
}

static void forget(struct skew_training *training, int64_t start)
{
    for (size_t f = 0; f < training->plan->n_fields; f++) {
        struct skew_training_stretch *stretch = &training->fields[f];
        weir_summary_reset(&stretch->all);
        weir_summary_reset(&stretch->current);
        stretch->dispersion = stretch->windows = 0;
        stretch->named = 0;
    }
    skew_segments_forget(training->segments);
    if (training->slices)
        skew_slices_forget(training->slices);
    training->began = training->generation = start;
    training->contrary = 0;
}

// How much more a window differs from the stretch before it than a sample would.
static void add_dispersion(struct skew_training_stretch *stretch, const struct weir_summary *now)
{
    uint64_t n = 0, m = 0;
    for (size_t i = 0; i < now->cells->n; i++) {
        n += stretch->all.cell[i];
        m += now->cell[i];
    }
    double ratio = n < LONG || m < SHORT ? NAN
                                         : weir_spread_between(stretch->all.cell, now->cell,
                                                               now->cells->n, EXPECTED, NULL);
    if (isnan(ratio))
        return;
    stretch->dispersion += ratio;
    stretch->windows++;
}

static int add_window(struct skew_training *training, const struct weir_window *window)
{
    const struct skew_training_plan *plan = training->plan;
    // The older part goes when the newer one is long enough to stand alone.
    int turn = window->start - training->generation >= plan->over;
    for (size_t f = 0; f < plan->n_fields; f++) {
        struct skew_training_stretch *stretch = &training->fields[f];
        const struct weir_summary *now = window->summary(window, 0, plan->fields[f].index);
        if (turn) {
            // The older part, which is about to go, beside the newer one. The first has none.
            if (training->generation > training->began &&
                weir_spread_add_part(&stretch->between, stretch->all.cell, stretch->current.cell,
                                     stretch->all.cells->n,
                                     stretch->all.shape == WEIR_SHAPE_NUMERIC))
                return WEIR_ENOMEM;
            struct weir_summary swap = stretch->all;
            stretch->all = stretch->current;
            stretch->current = swap;
            weir_summary_reset(&stretch->current);
        }
        if (!now || !now->cell || now->cells->n != stretch->all.cells->n)
            continue;
        add_dispersion(stretch, now);
        int code = weir_summary_merge(&stretch->all, now);
        if (!code)
            code = weir_summary_merge(&stretch->current, now);
        if (code)
            return code;
    }
    if (turn) {
        training->began = training->generation;
        training->generation = window->start;
    }
    training->last = window->end;
    int code = skew_segments_add(training->segments, window, turn);
    return code || !training->slices ? code : skew_slices_add(training->slices, window, turn);
}

// Whether any field lost its name though it is unlike.
static int remember_names(struct skew_training *training, const struct skew_judgement *judgement)
{
    int unsure = 0;
    for (size_t f = 0; f < training->plan->n_fields; f++) {
        enum skew_verdict_kind kind = judgement->verdicts[f].kind;
        unsure |= judgement->verdicts[f].unsure && training->fields[f].named;
        if (!judgement->verdicts[f].unsure)
            training->fields[f].named = kind == SKEW_SCALED || kind == SKEW_WITH_SPAN ||
                                        kind == SKEW_PREPROCESSED || kind == SKEW_REORDERED ||
                                        kind == SKEW_LEFT;
    }
    return unsure;
}

int skew_training_window(struct skew_training *training, const struct weir_window *window,
                         struct weir_error *error)
{
    struct skew_judgement judgement;
    int contrary = 0;
    if (window->phase != WEIR_FINAL || !window->rows)
        return 0;
    if (training->began == INT64_MIN)
        training->began = training->generation = window->start;
    int code = add_window(training, window);
    if (!code)
        code = skew_training_judge(training, window, &judgement);
    if (code)
        return weir_error_set(error, code, "a window cannot be added to what serving was like");
    int found = skew_training_report(training, &judgement, &contrary);
    // What had a name a moment ago is not called anything else while it is unlike.
    if (remember_names(training, &judgement) && window->undecided)
        window->undecided(window);
    skew_judgement_free(training, &judgement);
    // What was put right is not to be held against serving for as long as the stretch is.
    training->contrary = contrary && !found ? training->contrary + 1 : 0;
    if (training->contrary >= HEALED)
        forget(training, window->end);
    return 0;
}

size_t skew_training_memory(const struct skew_training *training)
{
    size_t bytes = sizeof *training + skew_segments_memory(training->segments);
    for (size_t f = 0; f < training->plan->n_fields; f++)
        bytes += weir_summary_memory(&training->fields[f].all) +
                 weir_summary_memory(&training->fields[f].current) + sizeof *training->fields;
    return bytes + (training->slices ? skew_slices_memory(training->slices) : 0);
}

// ---- state

int skew_training_save(const struct skew_training *training, struct weir_buffer *out)
{
    const struct skew_training_plan *plan = training->plan;
    weir_put_long(out, training->began);
    weir_put_long(out, training->generation);
    weir_put_long(out, training->last);
    weir_put_long(out, training->contrary);
    weir_put_long(out, (int64_t)plan->n_fields);
    for (size_t f = 0; f < plan->n_fields; f++) {
        const struct skew_training_stretch *stretch = &training->fields[f];
        struct weir_buffer bytes;
        weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
        weir_put_string(out, plan->fields[f].info->name);
        weir_put_fixed64(out, weir_cells_hash(stretch->all.cells));
        weir_put_double(out, stretch->dispersion);
        weir_put_double(out, stretch->windows);
        weir_spread_write(&stretch->between, out);
        weir_put_long(out, stretch->named);
        int code = weir_summary_write(&stretch->all, &bytes);
        if (!code)
            code = weir_summary_write(&stretch->current, &bytes);
        if (!code)
            code = weir_put_bytes(out, bytes.data, bytes.length);
        weir_buffer_free(&bytes);
        if (code)
            return code;
    }
    int code = skew_segments_save(training->segments, out);
    weir_put_long(out, training->slices != NULL);
    if (!code && training->slices)
        code = skew_slices_save(training->slices, out);
    return code ? code : out->failed ? WEIR_ENOMEM : 0;
}

static size_t find_field(const struct skew_training_plan *plan, const char *name)
{
    size_t f = 0;
    while (f < plan->n_fields && strcmp(plan->fields[f].info->name, name))
        f++;
    return f;
}

// A field that is no longer looked at, or has another profile, starts anew.
static int restore_field(struct skew_training *training, uint32_t version, struct weir_reader *in)
{
    char name[NAME];
    size_t length;
    weir_get_string(in, name, sizeof name);
    uint64_t hash = weir_get_fixed64(in);
    double dispersion = weir_get_double(in), windows = weir_get_double(in);
    struct weir_spread between = {.n = 0};
    if (version >= 4 && weir_spread_read(&between, in))
        return WEIR_ECORRUPT;
    int named = weir_get_count(in, 1) == 1;
    const uint8_t *bytes = weir_get_bytes(in, &length);
    size_t f = in->failed ? training->plan->n_fields : find_field(training->plan, name);
    if (f == training->plan->n_fields)
        return weir_reader_code(in);
    struct skew_training_stretch *stretch = &training->fields[f];
    if (hash != weir_cells_hash(stretch->all.cells))
        return 0;
    if (!(dispersion >= 0 && windows >= 0) || !isfinite(dispersion) || !isfinite(windows))
        return WEIR_ECORRUPT;
    struct weir_reader reader = weir_reader_make(bytes, length);
    int code = weir_summary_read_merge(&stretch->all, &reader);
    if (!code)
        code = weir_summary_read_merge(&stretch->current, &reader);
    stretch->dispersion = dispersion;
    stretch->windows = windows;
    stretch->between = between;
    stretch->named = named;
    return code ? code : weir_reader_code(&reader);
}

// Slices that are not looked at any more are passed over.
static int restore_slices(struct skew_training *training, struct weir_reader *in)
{
    size_t length;
    if (!weir_get_count(in, 1))
        return weir_reader_code(in);
    if (training->slices)
        return skew_slices_restore(training->slices, in);
    weir_get_bytes(in, &length);
    return weir_reader_code(in);
}

int skew_training_restore(struct skew_training *training, uint32_t version, struct weir_reader *in,
                          struct weir_error *error)
{
    int64_t began = weir_get_long(in), generation = weir_get_long(in), last = weir_get_long(in);
    uint32_t contrary = (uint32_t)weir_get_count(in, HEALED);
    size_t n = weir_get_count(in, FIELDS);
    int code = weir_reader_code(in);
    for (size_t i = 0; i < n && !code; i++)
        code = restore_field(training, version, in);
    if (!code && version >= 3)
        code = skew_segments_restore(training->segments, in);
    if (!code && version >= 4)
        code = restore_slices(training, in);
    // An absurd time would overflow where it is subtracted.
    if (!code && began != INT64_MIN &&
        !(-FAR < began && began <= generation && generation <= last && last < FAR))
        code = WEIR_ECORRUPT;
    if (code)
        return weir_error_set(error, code, "what serving was like does not decode");
    training->began = began;
    training->generation = generation;
    training->last = last;
    training->contrary = contrary;
    return 0;
}
