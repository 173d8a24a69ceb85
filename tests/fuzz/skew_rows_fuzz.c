// SPDX-License-Identifier: Apache-2.0
// What the skew detector keeps of two streams: an edge's saved state, which goes on with records,
// and what edges write for a window. The first byte says which.
#include <stdlib.h>

#include "detectors/skew/skew.h"
#include "detectors/skew/tally.h"

extern const struct weir_plugin weir_plugin;

static const struct weir_field fields[] = {
    {.name = "id", .type = WEIR_TYPE_LONG, .role = WEIR_ROLE_KEY},
    {.name = "amount", .type = WEIR_TYPE_DOUBLE},
    {.name = "n", .type = WEIR_TYPE_LONG}};
static const struct weir_stream served = {
    .name = "served+offline", .fields = fields, .n_fields = 3, .key = 0, .time = -1};
static const struct weir_stream offline = {
    .name = "offline", .fields = fields, .n_fields = 3, .key = 0, .time = -1};

static void on_hold(const struct weir_setup *setup, int64_t ms)
{
    (void)setup, (void)ms;
}

static void *make(void)
{
    static const int judged[] = {1, 2};
    static const struct weir_option_value values[SKEW_OPTIONS] = {
        [SKEW_MISMATCH] = {.set = 1, .number = .01},  [SKEW_UNPAIRED] = {.set = 1, .number = .05},
        [SKEW_MINIMUM] = {.set = 1, .integer = 10},   [SKEW_APART] = {.set = 1, .integer = 5},
        [SKEW_OPEN_ROWS] = {.set = 1, .integer = 64}, [SKEW_ENTITIES] = {.set = 1, .integer = 16}};
    static const struct weir_follower follower = {sizeof follower, &offline, 1000};
    struct weir_detector_config config = {.stream = &served,
                                          .fields = judged,
                                          .n_fields = 2,
                                          .redact = 1,
                                          .options = values,
                                          .follower = &follower};
    struct weir_setup setup = {.size = sizeof setup, .hold_open = on_hold};
    struct weir_error error;
    void *instance;
    if (weir_plugin.create(&config, &setup, &instance, &error))
        abort();
    return instance;
}

static void on_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    (void)window;
    if (!finding->kind || !finding->summary || !*finding->summary)
        abort();
}

static void on_report(const struct weir_window *window, size_t slice, int field,
                      const struct weir_statistic *statistic)
{
    (void)window, (void)slice, (void)field, (void)statistic;
}

static void on_undecided(const struct weir_window *window)
{
    (void)window;
}

static void on_limit(const struct weir_edge *edge, const char *what, uint64_t n)
{
    (void)edge, (void)what, (void)n;
}

static void show(void *edge, int follows)
{
    enum { ROWS = 40 };
    static int64_t numbers[ROWS], pane[ROWS];
    static double amounts[ROWS];
    static const uint8_t none[ROWS];
    for (int i = 0; i < ROWS; i++) {
        numbers[i] = i * 3;
        amounts[i] = i * .5;
    }
    struct weir_column columns[] = {
        {.type = WEIR_TYPE_LONG, .n = ROWS, .state = none, .values.i64 = numbers},
        {.type = WEIR_TYPE_DOUBLE, .n = ROWS, .state = none, .values.f64 = amounts},
        {.type = WEIR_TYPE_LONG, .n = ROWS, .state = none, .values.i64 = numbers}};
    struct weir_batch batch = {.stream = follows ? &offline : &served,
                               .topic = "t",
                               .n_rows = ROWS,
                               .time = numbers,
                               .offset = numbers,
                               .fault = none,
                               .columns = columns};
    struct weir_edge host = {.size = sizeof host,
                             .pane = pane,
                             .late = none,
                             .limit = on_limit,
                             .follows = follows,
                             .complete = follows ? 100 : 0};
    struct weir_error error;
    weir_plugin.edge_observe(edge, &batch, &host, &error);
}

static void take_edge(void *instance, struct weir_reader *in)
{
    struct weir_error error;
    struct weir_buffer out;
    void *edge;
    if (weir_plugin.edge_create(instance, &edge, &error))
        abort();
    weir_buffer_init(&out, 1 << 24);
    if (!weir_plugin.edge_restore(edge, weir_plugin.state_version, in, &error)) {
        weir_plugin.edge_save(edge, &out);
        show(edge, 0);
        show(edge, 1);
        weir_plugin.edge_close(edge, 0, 3600000, &out, &error);
        weir_plugin.edge_save(edge, &out);
    }
    weir_buffer_free(&out);
    weir_plugin.edge_destroy(edge);
}

static void take_owner(void *instance, struct weir_reader *in)
{
    struct weir_error error;
    void *owner;
    if (weir_plugin.owner_create(instance, &owner, &error))
        abort();
    struct weir_span span = {in->at, weir_reader_left(in)};
    struct weir_window window = {.size = sizeof window,
                                 .end = 3600000,
                                 .extracts = &span,
                                 .n_extracts = 1,
                                 .emit = on_emit,
                                 .report = on_report,
                                 .undecided = on_undecided};
    weir_plugin.owner_window(owner, &window, &error);
    weir_plugin.owner_destroy(owner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct weir_reader in = weir_reader_make(data + 1, size - 1);
    void *instance = make();
    if (data[0] % 2 == 0)
        take_edge(instance, &in);
    else
        take_owner(instance, &in);
    weir_plugin.destroy(instance);
    return 0;
}
