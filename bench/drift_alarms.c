// SPDX-License-Identifier: Apache-2.0
// False alarms and power of drift, on simulated months of hourly windows.
//
//   drift_alarms [--seeds N] [--days N] [--rows N] [--power] [--check]
//
// 100 stationary features and 100 with a daily and weekly rhythm and a memory (AR(1), 0.9 an hour,
// 0.1 sd), a fifth of them categories. Cell counts are drawn from their multinomial, which is what
// a window of that many records gives. 30 days calibrate, the rest is counted. Beside it formulas
// that others decide by: at their own defaults, and with a threshold that has the same measured
// rate of false incidents.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stats/alarm_budget.h"
#include "stats/buffer.h"
#include "stats/cells_build.h"
#include "stats/special.h"
#include "stats/summary.h"
#include "weir/detector.h"

extern const struct weir_plugin weir_plugin;

enum { HALF = 100, MOST = 2 * HALF, CUTS = 35, CELLS = 36, KINDS = 8, HOURS = 24, MONTH = 720 };
static const int64_t HOUR = 3600000;

static double clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// ---- chance

static uint64_t state;

static double uniform(void)
{
    state += 0x9e3779b97f4a7c15u;
    uint64_t z = state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return ((double)((z ^ z >> 31) >> 11) + .5) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

static uint64_t binomial(uint64_t n, double p)
{
    double mean = (double)n * p;
    if (n == 0 || p <= 0)
        return 0;
    if (p >= 1)
        return n;
    if (p > .5)
        return n - binomial(n, 1 - p);
    if (mean > 40) { // by the normal limit, continuity corrected
        double x = floor(mean + sqrt(mean * (1 - p)) * normal() + .5);
        return x < 0 ? 0 : x > (double)n ? n : (uint64_t)x;
    }
    double q = exp((double)n * log1p(-p)), u = uniform(), odds = p / (1 - p);
    uint64_t k = 0;
    for (; u > q && k < n; k++) {
        u -= q;
        q *= odds * (double)(n - k) / (double)(k + 1);
    }
    return k;
}

// ---- the world

struct feature {
    int category;
    double day, week, phase, memory; // amplitudes in sd; of the level now
    double base[KINDS];              // of categories
};

enum change { NONE, SHIFT, SMALL_SHIFT, SCALE, TAIL, MIXTURE, CATEGORY, RAMP, CHANGES };
static const char *const change_names[] = {"none",
                                           "mean shift 0.4 sd",
                                           "mean shift 0.25 sd",
                                           "scale x 1.25",
                                           "tail: 2% at 4 sd",
                                           "mixture: 1% at 8 sd",
                                           "category +6 points",
                                           "ramp to 0.6 sd in 10 days"};

struct world {
    struct feature features[MOST];
    size_t first, n;
    struct weir_cells *cells[2];
    struct weir_summary reference[MOST], now[MOST];
    uint64_t rows;
    enum change change;
    double since; // hours of the change
};
static struct world world;

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
static size_t victim(enum change change)
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

static void draw_window(int64_t hour)
{
    double share[CELLS];
    size_t hit = victim(world.change);
    for (size_t f = world.first; f < world.first + world.n; f++) {
        struct feature *feature = &world.features[f];
        double level = is_seasonal(f) ? level_of(feature, hour) : 0, width = 1;
        if (is_seasonal(f)) {
            feature->memory = .9 * feature->memory + .1 * sqrt(1 - .81) * normal();
            level += feature->memory;
        }
        int changed = world.change && f == hit && world.since >= 0;
        if (changed && (world.change == SHIFT || world.change == SMALL_SHIFT))
            level += world.change == SHIFT ? .4 : .25;
        if (changed && world.change == RAMP)
            level += .6 * fmin(world.since / 240, 1);
        if (changed && world.change == SCALE)
            width = 1.25;
        shares_of(f, level, width, share);
        if (changed)
            add_change(share, level);
        struct weir_summary *now = &world.now[f];
        memset(now->cell, 0, now->cells->n * sizeof *now->cell);
        draw(world.rows, share, feature->category ? KINDS : CELLS, now->cell);
        now->rows = now->values = world.rows;
    }
}

static void make_world(uint64_t seed, size_t first, size_t n, uint64_t rows)
{
    double share[CELLS];
    state = seed * 1000003;
    world.first = first;
    world.n = n;
    world.rows = rows;
    world.change = NONE;
    for (size_t f = 0; f < MOST; f++) {
        struct feature *feature = &world.features[f];
        *feature = (struct feature){.category = f % 5 == 4, .phase = uniform()};
        if (is_seasonal(f)) {
            feature->day = .1 + .5 * uniform();
            feature->week = .3 * normal();
        }
        for (int k = 0; k < KINDS; k++)
            feature->base[k] = .2 + uniform();
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

static void make_cells(void)
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
static int emitted, provisional, right;

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
    emitted++;
    provisional |= finding->provisional;
    right |= finding->n_fields &&
             !strcmp(finding->fields[0], field_names[victim(world.change) - world.first]);
}

static void *make_instance(double delta, double minimum)
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
            values[i].integer = (int64_t)minimum;
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

static double closing; // seconds spent in the detector
static uint64_t closed;

static int judge(void *owner, int64_t hour)
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
    emitted = right = 0;
    double began = clock_now();
    if (weir_plugin.owner_window(owner, &window, &error)) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    closing += clock_now() - began;
    closed++;
    return emitted > 0;
}

static void *make_owner(void *instance)
{
    void *owner;
    if (weir_plugin.owner_create(instance, &owner, NULL))
        abort();
    return owner;
}

// ---- formulas of others, against the training profile

enum peer { PEER_KS, PEER_PSI, PEER_JS, PEER_WASSERSTEIN, PEER_CHI, PEER_KS_P, PEERS };
static const char *const peer_names[] = {
    "KS D, largest field",           "PSI on 32 cells, largest field",
    "Jensen-Shannon, largest field", "Wasserstein / sd, largest field",
    "chi-square p, smallest field",  "KS p, smallest field"};

// One field, -> larger is more unlike. Wasserstein in normal scores of the reference's cells.
static void peers_of_field(size_t f, double *out)
{
    const struct weir_summary *now = &world.now[f], *then = &world.reference[f];
    size_t cells = now->cells->n;
    double n = (double)now->rows, m = (double)then->rows, below = 0, before = 0, chi = 0;
    double score = 0, last = -2.5 * 1.15;
    memset(out, 0, PEERS * sizeof *out);
    int used = 0;
    for (size_t i = 0; i < cells; i++) {
        double a = (double)now->cell[i], b = (double)then->cell[i], p = a / n, q = b / m;
        if (a + b <= 0)
            continue;
        used++;
        double x = (a + .5) / (n + .5 * (double)cells), y = (b + .5) / (m + .5 * (double)cells);
        out[PEER_PSI] += (x - y) * log(x / y);
        double middle = (p + q) / 2;
        out[PEER_JS] +=
            .5 * ((p > 0 ? p * log2(p / middle) : 0) + (q > 0 ? q * log2(q / middle) : 0));
        double gap = a * sqrt(m / n) - b * sqrt(n / m);
        chi += gap * gap / (a + b);
        if (now->shape != WEIR_SHAPE_NUMERIC)
            continue;
        double edge = i < CUTS ? now->cells->cuts[i] : 2.5 * 1.15 * 1.5;
        score += fabs(below - before) * (edge - last);
        last = edge;
        below += p;
        before += q;
        out[PEER_KS] = fmax(out[PEER_KS], fabs(below - before));
    }
    out[PEER_JS] = sqrt(fmax(out[PEER_JS], 0));
    out[PEER_WASSERSTEIN] = score;
    out[PEER_CHI] = -log(fmax(weir_chi_square_sf(chi, used > 1 ? used - 1 : 1), 1e-300));
    if (now->shape == WEIR_SHAPE_NUMERIC)
        out[PEER_KS_P] =
            -log(fmax(weir_kolmogorov_sf(out[PEER_KS] * sqrt(n * m / (n + m))), 1e-300));
}

static struct {
    double mean, square; // over the calibration, per field: for thresholds of mean + 3 sd
    uint64_t n;
} chunk[MOST];

static void peers_of_window(double *largest, int *three_sd, int learn)
{
    for (int k = 0; k < PEERS; k++)
        largest[k] = 0;
    *three_sd = 0;
    for (size_t f = world.first; f < world.first + world.n; f++) {
        double out[PEERS];
        peers_of_field(f, out);
        for (int k = 0; k < PEERS; k++)
            largest[k] = fmax(largest[k], out[k]);
        double js = out[PEER_JS];
        if (learn) {
            chunk[f].n++;
            chunk[f].mean += js;
            chunk[f].square += js * js;
        } else {
            double mean = chunk[f].mean / (double)chunk[f].n;
            double sd = sqrt(fmax(chunk[f].square / (double)chunk[f].n - mean * mean, 0));
            *three_sd |= js > mean + 3 * sd || js < mean - 3 * sd;
        }
    }
}

// ---- false alarms

static const struct weir_alarm_life life = {1, 3};

struct result {
    size_t incidents, windows_in_alarm, windows;
};

static void add_series(struct result *result, const double *series, size_t n, double threshold)
{
    size_t in_alarm;
    result->incidents += weir_alarm_incidents(series, n, threshold, life, &in_alarm);
    result->windows_in_alarm += in_alarm;
    result->windows += n;
}

static void print_result(const char *name, const struct result *result)
{
    double months = (double)result->windows / MONTH;
    printf("  %-44s %8.2f incidents a month  %6.2f%% of the time in alarm\n", name,
           (double)result->incidents / months,
           100 * (double)result->windows_in_alarm / (double)result->windows);
}

struct run {
    double *weir;         // 0 or 1 a window
    double *peers[PEERS]; // the largest statistic
    double *three_sd;     // 0 or 1
    size_t n;
};

static void *restored(void *instance, const struct weir_buffer *saved)
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

// The state after 30 days. Floors do not matter to it; high ones make the way there shorter.
static void calibrate(struct weir_buffer *saved, int with_peers)
{
    void *instance = make_instance(1, 50), *owner = make_owner(instance);
    double largest[PEERS];
    int three_sd;
    memset(chunk, 0, sizeof chunk);
    for (int64_t hour = 0; hour < MONTH; hour++) {
        draw_window(hour);
        judge(owner, hour);
        if (with_peers)
            peers_of_window(largest, &three_sd, 1);
    }
    weir_buffer_init(saved, WEIR_BUFFER_MAXIMUM);
    if (weir_plugin.owner_save(owner, saved))
        abort();
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
}

static void run_clean(struct run *run, void *owner, int64_t days, int with_peers)
{
    double largest[PEERS];
    int three_sd;
    provisional = 0;
    closing = 0;
    closed = 0;
    for (int64_t hour = 0; hour < days * HOURS; hour++) {
        draw_window(MONTH + hour);
        run->weir[hour] = judge(owner, MONTH + hour);
        if (!with_peers)
            continue;
        peers_of_window(largest, &three_sd, 0);
        for (int k = 0; k < PEERS; k++)
            run->peers[k][hour] = largest[k];
        run->three_sd[hour] = three_sd;
    }
    run->n = (size_t)(days * HOURS);
}

static struct run make_run(int64_t days)
{
    size_t n = (size_t)(days * HOURS);
    struct run run = {.weir = calloc(n, sizeof(double)), .three_sd = calloc(n, sizeof(double))};
    for (int k = 0; k < PEERS; k++)
        run.peers[k] = calloc(n, sizeof(double));
    return run;
}

static void free_run(struct run *run)
{
    free(run->weir);
    free(run->three_sd);
    for (int k = 0; k < PEERS; k++)
        free(run->peers[k]);
}

static void false_alarms(int seeds, int64_t days, uint64_t rows, size_t first, int with_peers,
                         double delta, struct result *weir)
{
    struct run run = make_run(days);
    struct result ks = {0}, psi = {0}, wasserstein = {0}, three = {0};
    double spent = 0;
    uint64_t windows = 0;
    for (int seed = 1; seed <= seeds; seed++) {
        make_world((uint64_t)seed, first, HALF, rows);
        struct weir_buffer saved;
        calibrate(&saved, with_peers && seed == 1);
        void *instance = make_instance(delta, 50), *owner = restored(instance, &saved);
        run_clean(&run, owner, days, with_peers && seed == 1);
        weir_buffer_free(&saved);
        add_series(weir, run.weir, run.n, .5);
        if (with_peers && seed == 1) {
            add_series(&ks, run.peers[PEER_KS_P], run.n, -log(.05));
            add_series(&psi, run.peers[PEER_PSI], run.n, .2);
            add_series(&wasserstein, run.peers[PEER_WASSERSTEIN], run.n, .1);
            add_series(&three, run.three_sd, run.n, .5);
        }
        spent += closing;
        windows += closed;
        weir_plugin.owner_destroy(owner);
        weir_plugin.destroy(instance);
    }
    printf("%s, %llu records a window, %d x %lld days%s:\n",
           first ? "100 seasonal autocorrelated features" : "100 stationary features",
           (unsigned long long)rows, seeds, (long long)days,
           delta < .1 ? ", significance alone" : "");
    print_result("weir, calibrated on 30 days, budget 1", weir);
    if (with_peers) {
        print_result("KS p < 0.05 in any field (one seed)", &ks);
        print_result("PSI > 0.2 in any field", &psi);
        print_result("Wasserstein / sd > 0.1 in any field", &wasserstein);
        print_result("JS beyond mean +- 3 sd of chunks, any field", &three);
    }
    printf("  closing a window of 100 fields: %.3f ms\n", 1e3 * spent / (double)windows);
    fflush(stdout);
    free_run(&run);
}

// ---- power and delay, at the same measured rate of false incidents

enum { TRIALS = 40, WITHIN = 24, RAMP_WITHIN = 240 };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_delays(const char *name, double *delays, int trials, int found, int named)
{
    qsort(delays, (size_t)trials, sizeof *delays, by_value);
    double median = delays[trials / 2];
    printf("    %-36s found %5.1f%%", name, 100.0 * found / trials);
    if (median < 1e8)
        printf("  median delay %5.0f windows", median + 1);
    else
        printf("  median delay     -        ");
    if (named >= 0)
        printf("  field named %5.1f%%", 100.0 * named / (found ? found : 1));
    printf("\n");
}

static void power_of(enum change change, void *instance, const struct weir_buffer *saved,
                     const double *thresholds, size_t first, uint64_t rows)
{
    double delays[PEERS + 1][TRIALS];
    int found[PEERS + 1] = {0}, named = 0;
    (void)rows;
    (void)first;
    for (int trial = 0; trial < TRIALS; trial++) {
        int64_t start = MONTH + 168 * (1 + trial) + 7 * trial;
        int64_t within = change == RAMP ? RAMP_WITHIN : WITHIN;
        void *owner = restored(instance, saved);
        for (int k = 0; k <= PEERS; k++)
            delays[k][trial] = 1e9;
        world.change = NONE;
        for (int i = 0; i < 24; i++) // levels forget the last trial
            draw_window(start - 24 + i);
        world.change = change;
        for (int64_t i = 0; i < within; i++) {
            double largest[PEERS];
            int three_sd;
            world.since = (double)i;
            draw_window(start + i);
            if (delays[PEERS][trial] > 1e8 && judge(owner, start + i)) {
                delays[PEERS][trial] = (double)i;
                found[PEERS]++;
                named += right;
            }
            peers_of_window(largest, &three_sd, 0);
            for (int k = 0; k < PEERS; k++) {
                if (delays[k][trial] > 1e8 && largest[k] > thresholds[k]) {
                    delays[k][trial] = (double)i;
                    found[k]++;
                }
            }
        }
        weir_plugin.owner_destroy(owner);
    }
    printf("  %s, within %d windows\n", change_names[change],
           change == RAMP ? RAMP_WITHIN : WITHIN);
    print_delays("weir", delays[PEERS], TRIALS, found[PEERS], named);
    for (int k = 0; k < PEERS; k++)
        print_delays(peer_names[k], delays[k], TRIALS, found[k], -1);
    fflush(stdout);
}

static void power(uint64_t rows, size_t first)
{
    int64_t days = 180;
    struct run run = make_run(days);
    struct weir_buffer saved;
    double thresholds[PEERS];
    make_world(7, first, HALF, rows);
    calibrate(&saved, 1);
    void *instance = make_instance(.01, 50), *owner = restored(instance, &saved);
    run_clean(&run, owner, days, 1);
    struct result weir = {0};
    add_series(&weir, run.weir, run.n, .5);
    double rate = (double)weir.incidents / ((double)run.n / MONTH);
    // Others' thresholds: as many incidents on the same clean windows.
    for (int k = 0; k < PEERS; k++) {
        struct weir_alarm_budget budget;
        weir_alarm_budget(run.peers[k], run.n, (double)weir.incidents + 1, (double)run.n, life,
                          &budget);
        thresholds[k] = budget.threshold;
    }
    printf("power in 1 of 100 %s features, %llu records a window, %.2f false incidents a month for "
           "all, effect floors off, %d trials:\n",
           first ? "seasonal" : "stationary", (unsigned long long)rows, rate, TRIALS);
    for (int change = SHIFT; change < CHANGES; change++)
        power_of((enum change)change, instance, &saved, thresholds, first, rows);
    weir_plugin.owner_destroy(owner);
    weir_plugin.destroy(instance);
    weir_buffer_free(&saved);
    free_run(&run);
}

// ---- the program

static int64_t number_after(int argc, char **argv, const char *name, int64_t otherwise)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (!strcmp(argv[i], name))
            return atoll(argv[i + 1]);
    }
    return otherwise;
}

static int has(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], name))
            return 1;
    }
    return 0;
}

// A rate so far above the budget that chance does not explain it.
static int is_over(const struct result *result)
{
    double months = (double)result->windows / MONTH;
    // The threshold is itself an estimate: incidents a month are about geometric, with sd sqrt(2)
    // for k = 1.
    return (double)result->incidents > months + 4 * sqrt(2 * months) + 3 || provisional;
}

int main(int argc, char **argv)
{
    int check = has(argc, argv, "--check"), code = 0;
    int seeds = (int)number_after(argc, argv, "--seeds", 20);
    int64_t days = number_after(argc, argv, "--days", 360),
            only = number_after(argc, argv, "--rows", 0);
    static const uint64_t sizes[] = {100, 1000, 10000, 100000};
    make_cells();
    for (size_t s = 0; s < 4; s++) {
        if (only ? (uint64_t)only != sizes[s] : check && sizes[s] != 1000)
            continue;
        if (has(argc, argv, "--power")) {
            power(sizes[s], 0);
            power(sizes[s], HALF);
            continue;
        }
        for (size_t first = 0; first <= HALF; first += HALF) {
            for (int floors = 0; floors < (check ? 1 : 2); floors++) {
                struct result weir = {0};
                false_alarms(seeds, days, sizes[s], first, sizes[s] == 1000 && floors,
                             floors ? .2 : .01, &weir);
                code |= check && is_over(&weir);
            }
        }
    }
    if (code)
        fprintf(stderr, "drift_alarms: more false alarms than the budget explains\n");
    return code;
}
