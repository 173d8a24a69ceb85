// SPDX-License-Identifier: Apache-2.0
// The skew detector's saved state: what serving was like, up to now.
#include <stdlib.h>

#include "detectors/skew/training.h"
#include "stats/buffer.h"
#include "stats/unlike_inside.h"

enum { VALUES = 200, HOUR = 3600000 };

static const struct weir_field infos[2] = {{.name = "amount", .type = WEIR_TYPE_DOUBLE},
                                           {.name = "country", .type = WEIR_TYPE_STRING}};
static const char *const words[] = {"US", "DE", "us"};
static struct unlike_sample samples[2];
static struct skew_training_field fields[2];
static struct skew_training_plan plan;

static const struct weir_summary *summary_of(const struct weir_window *window, size_t slice,
                                             int field)
{
    (void)window, (void)slice;
    return &samples[field].side[1];
}

static const struct weir_summary *reference_of(const struct weir_window *window, size_t i,
                                               int field)
{
    (void)window, (void)i;
    return &samples[field].side[0];
}

static void on_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    (void)window, (void)finding;
}

static void on_undecided(const struct weir_window *window)
{
    (void)window;
}

static void make(void)
{
    static double x[VALUES], y[VALUES];
    static uint32_t a[VALUES], b[VALUES];
    for (int i = 0; i < VALUES; i++) {
        x[i] = i;
        y[i] = 3 * i;
        a[i] = (uint32_t)(i % 2);
        b[i] = (uint32_t)(i % 3);
    }
    unlike_numbers(&samples[0], "amount", WEIR_TYPE_DOUBLE, x, VALUES, y, VALUES);
    unlike_words(&samples[1], "country", words, 3, a, VALUES, b, VALUES);
    for (int f = 0; f < 2; f++)
        fields[f] = (struct skew_training_field){f, &infos[f], &samples[f].side[0],
                                                 samples[f].side[0].parts};
    plan = (struct skew_training_plan){.fields = fields,
                                       .n_fields = 2,
                                       .reference = "training",
                                       .delta = 0.2,
                                       .critical = 0.5,
                                       .segment = 0.01,
                                       .alpha = 0.001,
                                       .over = 2 * HOUR,
                                       .minimum = 100,
                                       .n_by = 1};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct skew_training *training;
    struct weir_error error;
    struct weir_reader reader = weir_reader_make(data, size);
    if (!plan.n_fields)
        make();
    if (skew_training_create(&plan, &training))
        abort();
    if (!skew_training_restore(training, 4, &reader, &error)) {
        for (int hour = 0; hour < 4; hour++) {
            struct weir_window window = {.size = sizeof window,
                                         .start = 1760313600000 + hour * (int64_t)HOUR,
                                         .end = 1760313600000 + (hour + 1) * (int64_t)HOUR,
                                         .rows = VALUES,
                                         .phase = WEIR_FINAL,
                                         .summary = summary_of,
                                         .reference = reference_of,
                                         .emit = on_emit,
                                         .undecided = on_undecided};
            if (skew_training_window(training, &window, &error))
                break;
        }
        struct weir_buffer saved;
        weir_buffer_init(&saved, WEIR_BUFFER_MAXIMUM);
        if (skew_training_save(training, &saved))
            abort();
        weir_buffer_free(&saved);
    }
    skew_training_destroy(training);
    return 0;
}
