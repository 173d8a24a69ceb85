// SPDX-License-Identifier: Apache-2.0
// What closing a window of many fields costs in the plug-ins themselves, as the owner calls them:
// drift before and after it is calibrated, with and without statistics by name, and skew by
// distribution. Windows of an hour, two weeks of calibration, a daily rhythm and a memory in every
// field; milliseconds of processor time a window, and bytes of state. While it learns is from the
// third day on, until the calibration is in force, some windows after the stretch is whole.
//
//     build/bench/close [FIELDS] [ROWS]
#include <dlfcn.h>
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stats/cells_build.h"
#include "stats/sort.h"
#include "stats/summary.h"
#include "weir/detector.h"
#include "weir/option.h"

enum {
    POOL = 1 << 16,
    REFERENCE = 20000,
    DAYS = 14,
    EARLY = 48, // windows before anything is learnt
    JUDGED = 48,
    LEARNING = 4096, // windows, at most
    OPTIONS = 64
};
static const int64_t HOUR = 3600000;

static size_t n_fields = 1000, n_rows = 1000;
static double pool[POOL];
static struct weir_field *fields;
static struct weir_cells **cells;
static struct weir_summary *reference, *summaries;
static double *memory; // of each field, its last deviation
static struct weir_absorb_scratch *scratch;
static unsigned found, asked; // findings; parts of summaries
static int calibrated;        // for good
static uint64_t state = 88172645463325252;

static void *must(void *made)
{
    if (!made)
        exit(1);
    return made;
}

static void check(int code)
{
    if (code)
        exit(1);
}

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static double normal(void)
{
    double u = ((double)(draw() >> 11) + 0.5) * 0x1p-53, v = (double)(draw() >> 11) * 0x1p-53;
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static void absorb(struct weir_summary *into, size_t n, double shift)
{
    static double x[WEIR_BATCH_ROWS];
    static const uint8_t states[WEIR_BATCH_ROWS];
    for (size_t done = 0; done < n;) {
        size_t rows = n - done < WEIR_BATCH_ROWS ? n - done : WEIR_BATCH_ROWS, at = draw() % POOL;
        for (size_t i = 0; i < rows; i++)
            x[i] = 100 + 20 * (pool[(at + i * 7) % POOL] + shift);
        struct weir_column column = {
            .type = WEIR_TYPE_DOUBLE, .n = (uint32_t)rows, .state = states};
        column.values.f64 = x;
        check(weir_summary_absorb(into, &column, NULL, 0, scratch));
        done += rows;
    }
}

static void make_fields(void)
{
    double *x = must(malloc(REFERENCE * sizeof *x));
    for (size_t i = 0; i < POOL; i++)
        pool[i] = normal();
    fields = must(calloc(n_fields, sizeof *fields));
    cells = must(calloc(n_fields, sizeof *cells));
    reference = must(calloc(n_fields, sizeof *reference));
    summaries = must(calloc(n_fields, sizeof *summaries));
    memory = must(calloc(n_fields, sizeof *memory));
    check(weir_absorb_scratch_create(&scratch));
    for (size_t f = 0; f < n_fields; f++) {
        char name[32];
        snprintf(name, sizeof name, "field_%04zu", f);
        fields[f] = (struct weir_field){.name = must(strdup(name)), .type = WEIR_TYPE_DOUBLE};
        for (size_t i = 0; i < REFERENCE; i++)
            x[i] = 100 + 20 * pool[draw() % POOL];
        check(weir_cells_build_numeric(x, REFERENCE, &cells[f], NULL));
        struct weir_summary_spec spec = {.shape = WEIR_SHAPE_NUMERIC,
                                         .parts = WEIR_PART_CELLS | WEIR_PART_MOMENTS |
                                                  WEIR_PART_QUANTILES,
                                         .cells = cells[f]};
        check(weir_summary_init(&reference[f], &spec));
        absorb(&reference[f], REFERENCE, 0);
    }
    free(x);
}

// Of windows, with what the plug-in asked for.
static void make_summaries(void)
{
    for (size_t f = 0; f < n_fields; f++) {
        struct weir_summary_spec spec = {
            .shape = WEIR_SHAPE_NUMERIC, .parts = asked, .cells = cells[f]};
        weir_summary_free(&summaries[f]);
        check(weir_summary_init(&summaries[f], &spec));
    }
}

static void fill(int64_t hour)
{
    for (size_t f = 0; f < n_fields; f++) {
        memory[f] = 0.8 * memory[f] + 0.6 * 0.05 * normal();
        weir_summary_reset(&summaries[f]);
        absorb(&summaries[f], n_rows,
               memory[f] + 0.3 * sin(((double)hour / 24 + (double)f / 100) * 6.283185307179586));
    }
}

// ---- what a host gives

static int on_need(const struct weir_setup *setup, unsigned by, int field, unsigned parts,
                   struct weir_error *error)
{
    (void)setup, (void)by, (void)field, (void)error;
    asked |= parts;
    return 0;
}

static const struct weir_summary *on_setup_reference(const struct weir_setup *setup, size_t i,
                                                     int field)
{
    (void)setup, (void)i;
    return &reference[field];
}

static const struct weir_cells *on_cells(const struct weir_setup *setup, int field)
{
    (void)setup;
    return cells[field];
}

static const struct weir_summary *on_reference(const struct weir_window *window, size_t i,
                                               int field)
{
    (void)window, (void)i;
    return &reference[field];
}

static const struct weir_summary *on_summary(const struct weir_window *window, size_t slice,
                                             int field)
{
    (void)window, (void)slice;
    return &summaries[field];
}

static void on_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    (void)window;
    if (getenv("SAY"))
        puts(finding->summary);
    found++;
}

static void on_report(const struct weir_window *window, size_t slice, int field,
                      const struct weir_statistic *statistic)
{
    (void)window, (void)slice, (void)field;
    calibrated |= !strcmp(statistic->name, "calibration.threshold") && statistic->threshold > 0;
}

static void on_undecided(const struct weir_window *window)
{
    (void)window;
}

// ---- options as their table has them

static double duration(const char *text)
{
    char *unit;
    double x = strtod(text, &unit);
    switch (*unit) {
    case 'd':
        return x * 24 * (double)HOUR;
    case 'h':
        return x * (double)HOUR;
    case 'm':
        return x * 60000;
    case '%':
        return x / 100;
    case 's':
        return x * 1000;
    default:
        return x;
    }
}

static void defaults(const struct weir_plugin *plugin, const char *const *tests, size_t n_tests,
                     struct weir_option_value values[OPTIONS])
{
    memset(values, 0, OPTIONS * sizeof *values);
    for (size_t i = 0; plugin->options[i].key && i < OPTIONS; i++) {
        const struct weir_option *option = &plugin->options[i];
        if (option->type == WEIR_OPTION_STRINGS && !strcmp(option->key, "tests")) {
            values[i].strings = tests;
            values[i].n_strings = n_tests;
            values[i].set = 1;
        } else if (option->fallback) {
            values[i].set = 1;
            values[i].number = duration(option->fallback);
            values[i].integer = (int64_t)values[i].number;
            values[i].string = option->fallback;
        }
    }
}

static const struct weir_plugin *load(const char *program, const char *name)
{
    char path[4096], *folder = must(strdup(program));
    snprintf(path, sizeof path, "%s/../detectors/%s.so", dirname(folder), name);
    free(folder);
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct weir_plugin *plugin = module ? dlsym(module, "weir_plugin") : NULL;
    if (!plugin) {
        fprintf(stderr, "%s: %s\n", path, dlerror());
        exit(1);
    }
    return plugin;
}

struct measured {
    double least, median, most;       // ms a window,
    double learning_median, learning; // while it learns: median and most
    size_t windows;                   // of learning after the stretch was whole
    size_t state, summary;            // bytes of a snapshot; of a field's summary
};

static struct measured measure(const struct weir_plugin *plugin, int days, const char *const *tests,
                               size_t n_tests)
{
    static const char *const names[] = {"training"};
    static const struct weir_reference_spec specs[] = {
        {.size = sizeof *specs, .kind = WEIR_REFERENCE_PROFILE}};
    struct weir_option_value values[OPTIONS];
    defaults(plugin, tests, n_tests, values);
    int *all = must(calloc(n_fields, sizeof *all));
    for (size_t f = 0; f < n_fields; f++)
        all[f] = (int)f;
    struct weir_stream stream = {
        .name = "s", .fields = fields, .n_fields = n_fields, .key = -1, .time = -1};
    struct weir_detector_config config = {.size = sizeof config,
                                          .name = plugin->name,
                                          .stream = &stream,
                                          .fields = all,
                                          .n_fields = n_fields,
                                          .n_references = 1,
                                          .references = names,
                                          .reference_specs = specs,
                                          .window_size = HOUR,
                                          .window_hop = HOUR,
                                          .open_after = 1,
                                          .resolve_after = 3,
                                          .calibration_last = days * 24 * HOUR,
                                          .alarms_at_most = 1,
                                          .alarms_per = 14 * 24 * HOUR,
                                          .severity = -1,
                                          .options = values};
    struct weir_setup setup = {
        .size = sizeof setup, .need = on_need, .reference = on_setup_reference, .cells = on_cells};
    struct weir_error error = {0};
    void *instance, *owner;
    asked = 0;
    if (plugin->create(&config, &setup, &instance, &error) ||
        plugin->owner_create(instance, &owner, &error)) {
        fprintf(stderr, "%s: %s\n", plugin->name, error.message);
        exit(1);
    }
    make_summaries();
    struct measured out = {0};
    static double took[JUDGED], learning[LEARNING];
    size_t judged = 0, learnt = 0;
    found = 0;
    calibrated = days == 0;
    for (int64_t hour = 0; judged < JUDGED; hour++) {
        int learns = !calibrated;
        fill(hour);
        struct weir_slice slice = {.rows = n_rows};
        struct weir_window window = {.size = sizeof window,
                                     .start = hour * HOUR,
                                     .end = (hour + 1) * HOUR,
                                     .rows = n_rows,
                                     .sequence = (uint64_t)hour,
                                     .phase = WEIR_FINAL,
                                     .tasks_expected = 1,
                                     .tasks_reporting = 1,
                                     .slices = &slice,
                                     .n_slices = 1,
                                     .summary = on_summary,
                                     .reference = on_reference,
                                     .emit = on_emit,
                                     .report = on_report,
                                     .undecided = on_undecided,
                                     .complete = (hour + 1) * HOUR,
                                     .unreported = 1};
        double start = cpu();
        if (plugin->owner_window(owner, &window, &error)) {
            fprintf(stderr, "%s: %s\n", plugin->name, error.message);
            exit(1);
        }
        double spent = cpu() - start;
        if (!learns)
            took[judged++] = spent;
        else if (hour >= EARLY && learnt < LEARNING)
            learning[learnt++] = spent;
        out.windows += learns && hour >= days * 24;
    }
    struct weir_buffer bytes;
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    check(plugin->owner_save(owner, &bytes));
    out.state = bytes.length;
    out.summary = weir_summary_memory(&summaries[0]);
    weir_buffer_free(&bytes);
    plugin->owner_destroy(owner);
    plugin->destroy(instance);
    free(all);
    weir_sort_doubles(took, JUDGED);
    out.least = took[0];
    out.median = took[JUDGED / 2];
    out.most = took[JUDGED - 1];
    weir_sort_doubles(learning, learnt);
    out.learning_median = learnt ? learning[learnt / 2] : 0;
    out.learning = learnt ? learning[learnt - 1] : 0;
    return out;
}

static void show(const char *what, const struct measured *m)
{
    printf("%-28s %8.1f %8.1f %8.1f %12.0f %12zu   %u\n", what, m->least, m->median, m->most,
           (double)m->state / (double)n_fields, m->summary, found);
    if (m->learning > 0)
        printf("%-28s %8s %8.1f %8.1f   in force %zu windows after the last\n", "  while it learns",
               "", m->learning_median, m->learning, m->windows);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const char *const automatic[] = {"auto"}, *const peers[] = {"psi > 0.25", "ks > 0.2"},
                             *const charts[] = {"cusum(psi)", "ewma(ks)"};
    n_fields = argc > 1 ? (size_t)atol(argv[1]) : n_fields;
    n_rows = argc > 2 ? (size_t)atol(argv[2]) : n_rows;
    if (!n_fields || !n_rows)
        return 2;
    make_fields();
    const struct weir_plugin *drift = load(argv[0], "drift"), *skew = load(argv[0], "skew");
    printf("%zu fields, %zu rows a window; milliseconds to close one, bytes a field\n", n_fields,
           n_rows);
    printf("%-28s %8s %8s %8s %12s %12s   findings\n", "", "least", "median", "most", "state",
           "summary");
    struct measured m = measure(drift, 0, automatic, 1);
    show("drift, not calibrated", &m);
    m = measure(drift, DAYS, automatic, 1);
    show("drift, calibrated", &m);
    m = measure(drift, 0, peers, 2);
    show("drift, psi and ks by name", &m);
    m = measure(drift, 0, charts, 2);
    show("drift, two charts by name", &m);
    m = measure(skew, 0, automatic, 1);
    show("skew, by distribution", &m);
    return 0;
}
