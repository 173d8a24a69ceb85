// SPDX-License-Identifier: Apache-2.0
// The drift detector's saved state: what it remembers of past windows.
#include <stdlib.h>

#include "stats/buffer.h"
#include "stats/cells_build.h"
#include "stats/summary.h"
#include "weir/detector.h"

extern const struct weir_plugin weir_plugin;

enum { HOUR = 3600000 };

static const struct weir_field fields[] = {{.name = "amount", .type = WEIR_TYPE_DOUBLE},
                                           {.name = "known", .type = WEIR_TYPE_DOUBLE}};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = 2, .key = -1, .time = -1};
static struct weir_cells *cells;
static struct weir_summary summaries[2];

static int need(const struct weir_setup *setup, unsigned by, int field, unsigned parts,
                struct weir_error *error)
{
    (void)setup, (void)by, (void)field, (void)parts, (void)error;
    return 0;
}

static const struct weir_cells *cells_of(const struct weir_setup *setup, int field)
{
    (void)setup;
    return field == 1 ? cells : NULL;
}

static const struct weir_summary *reference(const struct weir_setup *setup, size_t i, int field)
{
    (void)setup, (void)i, (void)field;
    return NULL;
}

static const struct weir_summary *summary(const struct weir_window *window, size_t slice, int field)
{
    (void)window, (void)slice;
    return &summaries[field];
}

static void emit(const struct weir_window *window, const struct weir_finding *finding)
{
    (void)window, (void)finding;
}

static void *make(void)
{
    static const char *const tests[] = {"auto", "cusum(psi learn=10)", "ewma(ks learn=10) > 2",
                                        "page_hinkley(null_rate learn=10)"},
                             *const names[] = {"prev", "season", "fixed"};
    static const struct weir_reference_spec specs[] = {
        {.size = sizeof *specs, .kind = WEIR_REFERENCE_PREVIOUS, .windows = 3},
        {.size = sizeof *specs, .kind = WEIR_REFERENCE_SAME_HOUR, .span = 336 * (int64_t)HOUR},
        {.size = sizeof *specs, .kind = WEIR_REFERENCE_FIXED, .from = 0, .to = 10 * HOUR}};
    static struct weir_option_value values[64];
    static const int all[] = {0, 1};
    double x[64];
    size_t i = 0;
    for (int k = 0; k < 64; k++)
        x[k] = k;
    if (weir_cells_build_numeric(x, 64, &cells, NULL))
        abort();
    for (int f = 0; f < 2; f++) {
        struct weir_summary_spec spec = {.shape = WEIR_SHAPE_NUMERIC,
                                         .parts = WEIR_PART_MOMENTS | WEIR_PART_QUANTILES |
                                                  (f ? WEIR_PART_CELLS : 0u),
                                         .cells = f ? cells : NULL};
        if (weir_summary_init(&summaries[f], &spec))
            abort();
    }
    for (const struct weir_option *option = weir_plugin.options; option->key; option++, i++)
        values[i] = (struct weir_option_value){
            .set = 1, .integer = 10, .number = .2, .strings = tests, .n_strings = 4};
    struct weir_detector_config config = {.size = sizeof config,
                                          .name = "fuzz",
                                          .stream = &stream,
                                          .fields = all,
                                          .n_fields = 2,
                                          .n_references = 3,
                                          .references = names,
                                          .reference_specs = specs,
                                          .window_size = HOUR,
                                          .window_hop = HOUR,
                                          .open_after = 1,
                                          .resolve_after = 3,
                                          .calibration_last = 5 * HOUR,
                                          .alarms_at_most = 1,
                                          .alarms_per = 5 * HOUR,
                                          .options = values};
    struct weir_setup setup = {
        .size = sizeof setup, .need = need, .reference = reference, .cells = cells_of};
    void *instance;
    if (weir_plugin.create(&config, &setup, &instance, NULL))
        abort();
    return instance;
}

// Times as a host hands them on.
static int64_t bound(int64_t time)
{
    const int64_t far = (int64_t)1 << 59;
    return time > far ? far : time < -far ? -far : time;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void *instance;
    struct weir_error error;
    void *owner;
    if (!instance)
        instance = make();
    if (weir_plugin.owner_create(instance, &owner, &error))
        return 0;
    struct weir_reader in = weir_reader_make(data, size);
    if (!weir_plugin.owner_restore(owner, weir_plugin.state_version, &in, &error)) {
        struct weir_slice slice = {.rows = 100};
        struct weir_window window = {.size = sizeof window,
                                     .start = 340 * (int64_t)HOUR,
                                     .end = 341 * (int64_t)HOUR,
                                     .rows = 100,
                                     .slices = &slice,
                                     .n_slices = 1,
                                     .summary = summary,
                                     .emit = emit};
        weir_plugin.owner_window(owner, &window, &error);
        // Whatever windows it keeps may be accepted.
        struct weir_calibration kept = {.size = sizeof kept};
        weir_plugin.owner_calibration(owner, &kept);
        struct weir_acceptance acceptance = {sizeof acceptance, bound(kept.kept_from),
                                             bound(kept.kept_to), 1};
        weir_plugin.owner_accept(owner, &acceptance, &window, &error);
        weir_plugin.owner_window(owner, &window, &error);
    }
    weir_plugin.owner_destroy(owner);
    return 0;
}
