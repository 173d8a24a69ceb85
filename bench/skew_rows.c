// SPDX-License-Identifier: Apache-2.0
// Served against offline, row by row: what a pair costs, and which planted causes are found and
// rightly named.
//
//   skew_rows              ns of CPU a pair: 1,000,000 pairs of 10 fields
//   skew_rows --causes     the table of docs/evidence.md: 20 windows of 2,000 pairs a cell
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "detectors/skew/cause.h"
#include "stats/hash.h"

extern const struct weir_plugin weir_plugin;

enum { FIELDS = 10, ENTITIES = 100, HOURS = 40, FROM = 20, SEEDS = 20 };
static const int64_t HOUR = 3600000, START = 1772400000000;

static uint64_t seed;
static double uniform(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 11) / 9007199254740992.0;
}

static double normal(void)
{
    return sqrt(-2 * log(1 - uniform())) * cos(6.283185307179586 * uniform());
}

// ---- the host's part

static struct weir_field fields[FIELDS + 1];
static struct weir_stream streams[2];
static char names[FIELDS][16];
static int indices[FIELDS];

static void on_hold(const struct weir_setup *setup, int64_t ms)
{
    (void)setup, (void)ms;
}

static void on_limit(const struct weir_edge *edge, const char *what, uint64_t n)
{
    (void)edge;
    fprintf(stderr, "a limit on %s left out %" PRIu64 "\n", what, n);
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

static char told[600];
static void on_emit(const struct weir_window *window, const struct weir_finding *finding)
{
    (void)window;
    if (!strcmp(finding->rule, "rows"))
        snprintf(told, sizeof told, "%s", finding->evidence[0].after);
}

static void *make(enum weir_type type, size_t n_fields)
{
    static struct weir_option_value values[SKEW_OPTIONS];
    for (size_t i = 0; i < n_fields; i++) {
        snprintf(names[i], sizeof names[i], "f%d", (int)i);
        fields[i + 1] = (struct weir_field){.name = names[i], .type = type};
        indices[i] = (int)i + 1;
    }
    fields[0] = (struct weir_field){.name = "key", .type = WEIR_TYPE_LONG};
    streams[0] = (struct weir_stream){"served+offline", fields, n_fields + 1, 0, 0, -1, NULL};
    streams[1] = (struct weir_stream){"offline", fields, n_fields + 1, 0, 0, -1, NULL};
    struct weir_follower follower = {sizeof follower, &streams[1], HOUR};
    values[SKEW_MISMATCH] = (struct weir_option_value){.set = 1, .number = .01};
    values[SKEW_UNPAIRED] = (struct weir_option_value){.set = 1, .number = .05};
    values[SKEW_MINIMUM] = (struct weir_option_value){.set = 1, .integer = 100};
    values[SKEW_OPEN_ROWS] = (struct weir_option_value){.set = 1, .integer = 200000};
    values[SKEW_ENTITIES] = (struct weir_option_value){.set = 1, .integer = 1000};
    struct weir_detector_config config = {.size = sizeof config,
                                          .stream = &streams[0],
                                          .fields = indices,
                                          .n_fields = n_fields,
                                          .redact = 1,
                                          .options = values,
                                          .follower = &follower};
    struct weir_setup setup = {.size = sizeof setup, .hold_open = on_hold};
    struct weir_error error;
    void *instance;
    if (weir_plugin.create(&config, &setup, &instance, &error)) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    return instance;
}

// ---- batches

struct side {
    int64_t time[WEIR_BATCH_ROWS], offset[WEIR_BATCH_ROWS], key[WEIR_BATCH_ROWS];
    double number[FIELDS][WEIR_BATCH_ROWS]; // NaN: null
    int64_t whole[WEIR_BATCH_ROWS];
    char text[WEIR_BATCH_ROWS][24];
    uint8_t state[FIELDS][WEIR_BATCH_ROWS];
};
static struct side sides[2];

static void show(void *edge, int follows, enum weir_type type, size_t n_fields, uint32_t n,
                 int64_t complete)
{
    static int64_t pane[WEIR_BATCH_ROWS];
    static uint8_t late[WEIR_BATCH_ROWS], fault[WEIR_BATCH_ROWS], good[WEIR_BATCH_ROWS];
    static struct weir_string strings[WEIR_BATCH_ROWS];
    static uint32_t codes[WEIR_BATCH_ROWS];
    struct weir_column columns[FIELDS + 1] = {
        {.type = WEIR_TYPE_LONG, .n = n, .state = good, .values.i64 = sides[follows].key}};
    struct side *side = &sides[follows];
    for (size_t f = 0; f < n_fields; f++) {
        struct weir_column *column = &columns[f + 1];
        *column = (struct weir_column){.type = type, .n = n, .state = side->state[f]};
        for (uint32_t i = 0; i < n && f < n_fields; i++)
            side->state[f][i] = type == WEIR_TYPE_DOUBLE && isnan(side->number[f][i])
                                    ? WEIR_STATE_NULL
                                    : WEIR_STATE_VALUE;
        if (type == WEIR_TYPE_DOUBLE)
            column->values.f64 = side->number[f];
        else if (type == WEIR_TYPE_LONG)
            column->values.i64 = side->whole;
        else
            column->values.code = codes;
        column->local = strings;
        column->n_local = n;
    }
    for (uint32_t i = 0; i < n; i++) {
        size_t length = strlen(side->text[i]);
        strings[i] =
            (struct weir_string){side->text[i], (uint32_t)length, weir_hash(side->text[i], length)};
        codes[i] = i;
        pane[i] = side->time[i] < START + FROM * HOUR ? START : START + FROM * HOUR;
    }
    struct weir_batch batch = {.stream = &streams[follows],
                               .topic = follows ? "offline" : "served",
                               .n_rows = n,
                               .time = side->time,
                               .offset = side->offset,
                               .fault = fault,
                               .columns = columns};
    struct weir_edge host = {.size = sizeof host,
                             .pane = pane,
                             .late = late,
                             .limit = on_limit,
                             .follows = follows,
                             .complete = complete};
    struct weir_error error;
    if (weir_plugin.edge_observe(edge, &batch, &host, &error)) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
}

// ---- what a pair costs

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double time_pairs(size_t pairs, double wrong)
{
    struct weir_error error;
    void *instance = make(WEIR_TYPE_DOUBLE, FIELDS), *edge;
    double spent = 0;
    if (weir_plugin.edge_create(instance, &edge, &error))
        exit(1);
    seed = 7;
    for (size_t at = 0; at < pairs; at += WEIR_BATCH_ROWS) {
        for (uint32_t i = 0; i < WEIR_BATCH_ROWS; i++) {
            sides[0].time[i] = sides[1].time[i] = START + (int64_t)(at + i) * 10;
            sides[0].offset[i] = sides[1].offset[i] = (int64_t)(at + i);
            sides[0].key[i] = sides[1].key[i] = (int64_t)((at + i) % 100000);
            for (size_t f = 0; f < FIELDS; f++) {
                sides[1].number[f][i] = uniform();
                sides[0].number[f][i] =
                    sides[1].number[f][i] + (wrong > 0 && uniform() < wrong ? 1 : 0);
            }
        }
        double from = seconds();
        show(edge, 0, WEIR_TYPE_DOUBLE, FIELDS, WEIR_BATCH_ROWS, sides[0].time[0]);
        show(edge, 1, WEIR_TYPE_DOUBLE, FIELDS, WEIR_BATCH_ROWS,
             sides[0].time[WEIR_BATCH_ROWS - 1]);
        spent += seconds() - from;
    }
    weir_plugin.edge_destroy(edge);
    weir_plugin.destroy(instance);
    return spent / (double)pairs * 1e9;
}

// ---- which causes are found

struct plan {
    const char *name;
    enum weir_type type;
    const char *kinds; // that it may be called; NULL: it must not be called anything
};

static const struct plan plans[] = {{"missing when served", WEIR_TYPE_DOUBLE, "missing"},
                                    {"0 for what is missing", WEIR_TYPE_DOUBLE, "default"},
                                    {"rounded to 2 decimals", WEIR_TYPE_DOUBLE, "rounding"},
                                    {"float32", WEIR_TYPE_DOUBLE, "rounding"},
                                    {"x 100", WEIR_TYPE_DOUBLE, "scale"},
                                    {"/ 1000, to 3 decimals", WEIR_TYPE_DOUBLE, "scale"},
                                    {"other sign", WEIR_TYPE_DOUBLE, "scale"},
                                    {"standardised", WEIR_TYPE_DOUBLE, "affine"},
                                    {"ln(1 + x)", WEIR_TYPE_DOUBLE, "logarithm"},
                                    {"stale by 6 hours", WEIR_TYPE_DOUBLE, "stale"},
                                    {"stale, and changes seldom", WEIR_TYPE_DOUBLE, "stale"},
                                    {"times 2 hours on", WEIR_TYPE_LONG, "zone"},
                                    {"lower case", WEIR_TYPE_STRING, "encoding"},
                                    {"false: 1% noise", WEIR_TYPE_DOUBLE, NULL},
                                    {"false: another's value", WEIR_TYPE_DOUBLE, NULL},
                                    {"false: another category", WEIR_TYPE_STRING, NULL}};
enum { PLANS = sizeof plans / sizeof *plans };

// The served value of x, that of 6 hours before and another's.
static double change(size_t plan, double x, double before, double another)
{
    switch (plan) {
    case 0:
        return NAN;
    case 1:
        return 0;
    case 2:
        return round(x * 100) / 100;
    case 3:
        return (float)x;
    case 4:
        return x * 100;
    case 5:
        return round(x) / 1000;
    case 6:
        return -x;
    case 7:
        return (x - 33) / 41;
    case 8:
        return log1p(x);
    case 9:
    case 10:
        return before;
    case 13:
        return x * (1 + .01 * normal());
    default:
        return another;
    }
}

static void plant_text(size_t plan, uint32_t i, int wrong)
{
    static const char *const words[] = {"Berlin", "Paris", "Oslo", "Rome"};
    const char *word = words[(int)(uniform() * 4)];
    strcpy(sides[1].text[i], word);
    strcpy(sides[0].text[i], wrong && plan == PLANS - 1 ? words[(int)(uniform() * 4)] : word);
    if (wrong && plan != PLANS - 1)
        sides[0].text[i][0] = (char)(sides[0].text[i][0] | 0x20);
}

static void plant(void *edge, size_t plan, double share)
{
    static double values[HOURS][ENTITIES];
    for (int hour = 0; hour < HOURS; hour++) {
        for (uint32_t i = 0; i < ENTITIES; i++) {
            int keep = plan == 10 && hour && uniform() < .9;
            values[hour][i] =
                keep ? values[hour - 1][i] : exp(3 + normal()) * (plan == 5 ? 1e3 : 1);
            double x = values[hour][i], before = hour >= 6 ? values[hour - 6][i] : x;
            int wrong = uniform() < share;
            sides[0].time[i] = sides[1].time[i] = START + hour * HOUR + i;
            sides[0].offset[i] = sides[1].offset[i] = hour * ENTITIES + (int64_t)i;
            sides[0].key[i] = sides[1].key[i] = i;
            sides[1].number[0][i] = x;
            sides[0].number[0][i] = wrong ? change(plan, x, before, exp(3 + normal())) : x;
            sides[1].whole[i] = START + (int64_t)(uniform() * 1e9);
            sides[0].whole[i] = sides[1].whole[i] + (wrong ? 2 * HOUR : 0);
            plant_text(plan, i, wrong);
        }
        for (int side = 0; side < 2; side++)
            show(edge, side, plans[plan].type, 1, ENTITIES,
                 side ? START + hour * HOUR + ENTITIES : START + hour * HOUR);
    }
}

// 1: found, 2: and called what it is.
static int try_plan(size_t plan, double share)
{
    struct weir_error error;
    struct weir_buffer out;
    void *instance = make(plans[plan].type, 1), *edge, *owner;
    if (weir_plugin.edge_create(instance, &edge, &error) ||
        weir_plugin.owner_create(instance, &owner, &error))
        exit(1);
    plant(edge, plan, share);
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    weir_plugin.edge_close(edge, START, START + FROM * HOUR, &out, &error);
    weir_buffer_reset(&out);
    weir_plugin.edge_close(edge, START + FROM * HOUR, START + HOURS * HOUR, &out, &error);
    struct weir_span extract = {out.data, out.length};
    struct weir_window window = {.size = sizeof window,
                                 .start = START + FROM * HOUR,
                                 .end = START + HOURS * HOUR,
                                 .extracts = &extract,
                                 .n_extracts = 1,
                                 .emit = on_emit,
                                 .report = on_report,
                                 .undecided = on_undecided};
    *told = 0;
    if (weir_plugin.owner_window(owner, &window, &error)) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    weir_buffer_free(&out);
    weir_plugin.owner_destroy(owner);
    weir_plugin.edge_destroy(edge);
    weir_plugin.destroy(instance);
    const char *kind = plans[plan].kinds ? plans[plan].kinds : "unexplained";
    return !*told ? 0 : strncmp(told, kind, strlen(kind)) ? 1 : 2;
}

static void print_causes(void)
{
    static const double shares[] = {0, .015, .03, .1, .5, 1};
    enum { SHARES = sizeof shares / sizeof *shares };
    printf("| planted | none | 1.5%% | 3%% | 10%% | 50%% | all |\n|---|---|---|---|---|---|---|\n");
    for (size_t plan = 0; plan < PLANS; plan++) {
        printf("| %s |", plans[plan].name);
        for (size_t s = 0; s < SHARES; s++) {
            int found = 0, named = 0;
            for (uint64_t k = 0; k < SEEDS; k++) {
                seed = 1000 * k + plan + 1;
                int how = try_plan(plan, shares[s]);
                found += how > 0;
                named += how == 2;
            }
            if (found)
                printf(" %d, %d |", found, named);
            else
                printf(" 0 |");
        }
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "--causes")) {
        print_causes();
        return 0;
    }
    printf("1,000,000 pairs of %d fields: %.0f ns a pair where all are equal, %.0f ns where one in "
           "ten values differs\n",
           FIELDS, time_pairs(1000000, 0), time_pairs(1000000, .1));
    return 0;
}
