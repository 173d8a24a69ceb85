// SPDX-License-Identifier: Apache-2.0
#include "bench/alarms/world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stats/cells_build.h"
#include "stats/draw_inside.h"
#include "stats/special.h"

extern const struct weir_plugin weir_plugin;

static const int64_t HOUR = 3600000;

static double clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// ---- chance

// Few are expected: by going up from none.
static uint64_t few(uint64_t n, double p)
{
    double q = exp((double)n * log1p(-p)), u = draw_uniform(), odds = p / (1 - p);
    uint64_t k = 0;
    for (; u > q && k < n; k++) {
        u -= q;
        q *= odds * (double)(n - k) / (double)(k + 1);
    }
    return k;
}

static double ln_ways(double n, double k)
{
    int sign;
    return -lgamma_r(k + 1, &sign) - lgamma_r(n - k + 1, &sign);
}

// Exactly, by transformed rejection (Hoermann, 1993: BTRS), for n p >= 10, p <= .5.
static uint64_t many(double n, double p)
{
    double sd = sqrt(n * p * (1 - p)), b = 1.15 + 2.53 * sd, a = -.0873 + .0248 * b + .01 * p;
    double ratio = (2.83 + 5.1 / b) * sd, quick = .92 - 4.2 / b;
    for (;;) {
        double u = draw_uniform() - .5, v = draw_uniform(), s = .5 - fabs(u);
        double k = floor((2 * a / s + b) * u + n * p + .5), mode = floor((n + 1) * p);
        if (k < 0 || k > n)
            continue;
        if (s >= .07 && v <= quick)
            return (uint64_t)k;
        double likely = ln_ways(n, k) - ln_ways(n, mode) + (k - mode) * log(p / (1 - p));
        if (log(v * ratio / (a / (s * s) + b)) <= likely)
            return (uint64_t)k;
    }
}

static uint64_t binomial(uint64_t n, double p)
{
    if (n == 0 || p <= 0)
        return 0;
    if (p >= 1)
        return n;
    if (p > .5)
        return n - binomial(n, 1 - p);
    return (double)n * p < 10 ? few(n, p) : many((double)n, p);
}

// ---- the world

const char *const change_names[] = {"none",
                                    "mean shift 0.4 sd",
                                    "mean shift 0.25 sd",
                                    "scale x 1.25",
                                    "tail: 2% at 4 sd",
                                    "mixture: 1% at 8 sd",
                                    "category +6 points",
                                    "ramp to 0.6 sd in 10 days"};

struct world world;

static int is_seasonal(size_t f)
{
    return f >= HALF;
}

static double level_of(const struct feature *feature, int64_t hour)
{
    double day = sin(6.283185307179586 * ((double)(hour % 24) / 24 + feature->phase));
    int weekend = (hour / 24 + 3) % 7 >= 5;
    return feature->day * day + feature->week * weekend;
}

static void shares_of(size_t f, double level, double width, double *share)
{
    const struct feature *feature = &world.features[f];
    if (feature->category) {
        double sum = 0;
        for (int k = 0; k < KINDS; k++)
            sum += share[k] = feature->base[k] * exp(k & 1 ? level / 2 : -level / 2);
        for (int k = 0; k < KINDS; k++)
            share[k] /= sum;
        return;
    }
    double below = 0;
    for (int i = 0; i < CELLS; i++) {
        double above =
            i < CUTS ? .5 * erfc(-(world.cells[0]->cuts[i] - level) / width * M_SQRT1_2) : 1;
        share[i] = above - below;
        below = above;
    }
}

// The change hits the first numeric feature of those looked at, or the first category.
size_t victim(enum change change)
{
    size_t f = world.first;
    while (world.features[f].category != (change == CATEGORY))
        f++;
    return f;
}

static void add_change(double *share, double level)
{
    double other[CELLS], part = world.change == TAIL ? .02 : .01;
    if (world.change == CATEGORY) {
        for (int k = 0; k < KINDS; k++)
            share[k] *= 1 - .06;
        share[1] += .06;
        return;
    }
    if (world.change != TAIL && world.change != MIXTURE)
        return;
    shares_of(victim(NONE), level + (world.change == TAIL ? 4 : 8), .5, other);
    for (int i = 0; i < CELLS; i++)
        share[i] = (1 - part) * share[i] + part * other[i];
}

static void draw(uint64_t rows, const double *share, int n, uint64_t *cell)
{
    double left = 1;
    for (int i = 0; i < n; i++) {
        double p = left > 1e-15 ? share[i] / left : 1;
        cell[i] = i + 1 == n ? rows : binomial(rows, p < 1 ? p : 1);
        rows -= cell[i];
        left -= share[i];
    }
}

void draw_window(int64_t hour)
{
    double share[CELLS];
    size_t hit = victim(world.change);
    for (size_t f = world.first; f < world.first + world.n; f++) {
        struct feature *feature = &world.features[f];
        double level = is_seasonal(f) ? level_of(feature, hour) : 0, width = 1;
        if (is_seasonal(f)) {
            feature->memory = .9 * feature->memory + .1 * sqrt(1 - .81) * draw_normal();
            level += feature->memory;
        }
        int changed = world.change && f == hit && world.since >= 0;
        const double *now_share = share;
        if (changed && (world.change == SHIFT || world.change == SMALL_SHIFT))
            level += world.size > 0 ? world.size : world.change == SHIFT ? .4 : .25;
        if (changed && world.change == RAMP)
            level += .6 * fmin(world.since / 240, 1);
        if (changed && world.change == SCALE)
            width = 1.25;
        if (level == 0 && width == 1 && !changed) {
            now_share = world.flat[f];
        } else {
            shares_of(f, level, width, share);
            if (changed)
                add_change(share, level);
        }
        struct weir_summary *now = &world.now[f];
        memset(now->cell, 0, now->cells->n * sizeof *now->cell);
        draw(world.rows, now_share, feature->category ? KINDS : CELLS, now->cell);
        now->rows = now->values = world.rows;
    }
}

void make_world(uint64_t seed, size_t first, size_t n, uint64_t rows)
{
    double share[CELLS];
    draw_state = seed * 1000003;
    world.first = first;
    world.n = n;
    world.rows = rows;
    world.change = NONE;
    world.size = 0;
    for (size_t f = 0; f < MOST; f++) {
        struct feature *feature = &world.features[f];
        *feature = (struct feature){.category = f % 5 == 4, .phase = draw_uniform()};
        if (is_seasonal(f)) {
            feature->day = .1 + .5 * draw_uniform();
            feature->week = .3 * draw_normal();
        }
        for (int k = 0; k < KINDS; k++)
            feature->base[k] = .2 + draw_uniform();
        shares_of(f, 0, 1, world.flat[f]);
        struct weir_summary *reference = &world.reference[f];
        memset(reference->cell, 0, reference->cells->n * sizeof *reference->cell);
        reference->rows = reference->values = 0;
        for (int64_t hour = 0; hour < 168; hour++) { // a shuffled file of a week
            shares_of(f, is_seasonal(f) ? level_of(feature, hour) : 0, 1, share);
            int cells = feature->category ? KINDS : CELLS;
            uint64_t cell[CELLS];
            draw(600, share, cells, cell);
            for (int i = 0; i < cells; i++)
                reference->cell[i] += cell[i];
            reference->rows = reference->values += 600;
        }
    }
}

void make_cells(void)
{
    enum { N = 20000 };
    static double x[N];
    struct weir_category categories[KINDS];
    static char names[KINDS][2];
    for (int i = 0; i < N; i++)
        x[i] = 1.15 * weir_normal_quantile((i + .5) / N);
    for (int k = 0; k < KINDS; k++) {
        names[k][0] = (char)('a' + k);
        categories[k] = (struct weir_category){{names[k], 1, 0}, (uint64_t)(KINDS - k)};
    }
    struct weir_category_counts counts = {
        .shape = WEIR_SHAPE_CATEGORICAL, .categories = categories, .n = KINDS, .complete = 1};
    if (weir_cells_build_numeric(x, N, &world.cells[0], NULL) ||
        weir_cells_build_categories(&counts, &world.cells[1], NULL) || world.cells[0]->n != CELLS)
        abort();
    for (size_t f = 0; f < MOST; f++) {
        const struct weir_cells *cells = world.cells[f % 5 == 4];
        struct weir_summary_spec spec = {
            .shape = cells->shape, .parts = WEIR_PART_CELLS, .cells = cells};
        if (weir_summary_init(&world.reference[f], &spec) ||
            weir_summary_init(&world.now[f], &spec))
            abort();
    }
}

// ---- the host of the detector

static struct weir_field fields[MOST];
static char field_names[MOST][16];
static struct weir_stream stream = {.name = "s", .fields = fields, .key = -1, .time = -1};
static struct verdict *verdict; // of the window under way
int provisional;

static int on_need(const struct weir_setup *setup, unsigned by, int field, unsigned parts,
                   struct weir_error *error)
{
    (void)setup, (void)by, (void)field, (void)parts, (void)error;
    return 0;
}

static const struct weir_cells *on_cells(const struct weir_setup *setup, int field)
{
    (void)setup;
    return world.cells[((size_t)field + world.first) % 5 == 4];
}

static const struct weir_summary *setup_reference(const struct weir_setup *setup, size_t i,
                                                  int field)
{
    (void)setup, (void)i;
    return &world.reference[(size_t)field + world.first];
}

static const struct weir_summary *on_summary(const struct weir_window *window, size_t slice,
                                             int field)
{
    (void)window, (void)slice;
    return &world.now[(size_t)field + world.first];
}

static const struct weir_summary *on_reference(const struct weir_window *window, size_t i,
                                               int field)
{
    (void)window, (void)i;
    return &world.reference[(size_t)field + world.first];
}

static void on_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    (void)window;
    if (!finding->kind || strncmp(finding->kind, "drift.", 6) != 0)
        return;
    int slow = !strcmp(finding->kind, "drift.slow");
    verdict->omnibus |= !slow;
    verdict->slow |= slow;
    provisional |= finding->provisional;
    verdict->right |= finding->n_fields &&
                      !strcmp(finding->fields[0], field_names[victim(world.change) - world.first]);
}

void *make_instance(double delta)
{
    static const char *const auto_tests[] = {"auto"}, *const names[] = {"training"};
    static const struct weir_reference_spec spec = {.size = sizeof spec,
                                                    .kind = WEIR_REFERENCE_PROFILE};
    static int all[MOST];
    struct weir_option_value values[64] = {{0}};
    size_t i = 0;
    for (const struct weir_option *option = weir_plugin.options; option->key; option++, i++) {
        if (!option->fallback)
            continue;
        values[i].set = 1;
        values[i].number = atof(option->fallback);
        values[i].integer = atoll(option->fallback);
        values[i].string = option->fallback;
        values[i].strings = auto_tests;
        values[i].n_strings = option->type == WEIR_OPTION_STRINGS;
        if (!strcmp(option->key, "delta"))
            values[i].number = delta;
        if (!strcmp(option->key, "minimum"))
            values[i].integer = 50;
    }
    for (size_t f = 0; f < world.n; f++) {
        snprintf(field_names[f], sizeof field_names[f], "f%zu", f + world.first);
        fields[f] = (struct weir_field){.name = field_names[f],
                                        .type = (f + world.first) % 5 == 4 ? WEIR_TYPE_STRING
                                                                           : WEIR_TYPE_DOUBLE};
        all[f] = (int)f;
    }
    stream.n_fields = world.n;
    struct weir_detector_config config = {.size = sizeof config,
                                          .name = "drift",
                                          .stream = &stream,
                                          .fields = all,
                                          .n_fields = world.n,
                                          .n_references = 1,
                                          .references = names,
                                          .reference_specs = &spec,
                                          .window_size = HOUR,
                                          .window_hop = HOUR,
                                          .severity = -1,
                                          .options = values,
                                          .open_after = 1,
                                          .resolve_after = 3,
                                          .calibration_last = MONTH * HOUR,
                                          .alarms_at_most = 1,
                                          .alarms_per = MONTH * HOUR};
    struct weir_setup setup = {
        .size = sizeof setup, .need = on_need, .reference = setup_reference, .cells = on_cells};
    struct weir_error error = {0};
    void *instance;
    if (weir_plugin.create(&config, &setup, &instance, &error)) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    return instance;
}

double closing;
uint64_t closed;

struct verdict judge(void *owner, int64_t hour)
{
    struct weir_slice slice = {.rows = world.rows};
    struct weir_window window = {.size = sizeof window,
                                 .start = hour * HOUR,
                                 .end = (hour + 1) * HOUR,
                                 .rows = world.rows,
                                 .slices = &slice,
                                 .n_slices = 1,
                                 .summary = on_summary,
                                 .reference = on_reference,
                                 .emit = on_emit};
    struct weir_error error = {0};
    struct verdict result = {0};
    verdict = &result;
    double began = clock_now();
    if (weir_plugin.owner_window(owner, &window, &error)) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    closing += clock_now() - began;
    closed++;
    return result;
}

void *make_owner(void *instance)
{
    void *owner;
    if (weir_plugin.owner_create(instance, &owner, NULL))
        abort();
    return owner;
}

void *restored(void *instance, const struct weir_buffer *saved)
{
    void *owner = make_owner(instance);
    struct weir_reader in = weir_reader_make(saved->data, saved->length);
    struct weir_error error = {0};
    if (weir_plugin.owner_restore(owner, weir_plugin.state_version, &in, &error)) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    return owner;
}
