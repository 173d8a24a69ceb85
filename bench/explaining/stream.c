// SPDX-License-Identifier: Apache-2.0
#include "bench/explaining/stream.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cells_build.h"
#include "stats/draw_inside.h"
#include "stats/hash.h"
#include "stats/reservoir.h"
#include "stats/summary.h"

extern const struct weir_plugin weir_plugin;

enum { PROFILE = 24000, MOST = 24000, SLICES = 1 + COUNTRIES + 1 + ROUTES, PANES = 4, WAYS = 24 };
static const int64_t HOUR = 3600000;

struct stream stream;
static char names[FIELDS][16];
static struct weir_field fields[FIELDS];
static struct weir_stream described = {.name = "s", .fields = fields, .key = -1, .time = -1};
static struct weir_cells *cells[FIELDS];
static struct weir_summary profile[FIELDS], window[SLICES][FIELDS], pane[PANES][SLICES][FIELDS];
static struct weir_absorb_scratch *scratch[FIELDS];
static struct weir_reservoir_field kept_fields[FIELDS];
static struct weir_reservoir_spec kept_spec = {kept_fields, FIELDS, 2000, 8 << 20};
static struct weir_reservoir_spec now_spec = {kept_fields, FIELDS, 1000, 8 << 20};
static struct weir_reservoir *kept, *now_rows;
static struct weir_string texts[2][COUNTRIES + 1];
static int64_t row;

void stream_seed(uint64_t seed)
{
    draw_state = seed * 1000003;
}

// ---- records

static int is_hit(size_t f, double time)
{
    switch (stream.cause) {
    case UPSTREAM:
        return f < 40;
    case CHAIN:
        return f == 1 || (f == 2 && time >= stream.begins + 3);
    case FIRST:
        return f == 1 || f == 2;
    default:
        return f == 1;
    }
}

// How much of the change a record of that time has: all of it, none, or a part.
static double part_of(double time)
{
    double takes = stream.takes > 0 ? stream.takes : WAYS;
    double since = time - stream.begins, t = fmin(fmax(since, 0) / takes, 1);
    switch (stream.cause) {
    case STEADY:
    case IN_SLICE:
    case CREEPING:
    case FIRST:
        return t;
    case AGAIN:
        return since >= 0 && fmod(since, 2.5 * takes) < takes;
    case STAIRCASE:
        return ceil(4 * t) / 4;
    case GRADUAL:
        return draw_uniform() < t;
    case EPISODES:
    case OTHERS:
        return since >= 0 && fmod(since, 48) < 6;
    default:
        return since >= 0;
    }
}

static double number(size_t f, double time, int country, uint8_t *null)
{
    double level = stream.rhythm * sin(6.283185307179586 * (time / 24 + (double)f / 7));
    double late = stream.cause == FIRST && f == 2 ? stream.later : 0;
    double z = draw_normal(), part = is_hit(f, time) ? part_of(time - late) : 0;
    level += f == 2 && country == 1 ? 1.5 : 0; // Japan is another country to begin with
    *null = draw_uniform() < 0.005;
    if (part > 0) {
        switch (stream.cause) {
        case SCALE:
            z *= stream.size;
            break;
        case TAIL:
            z = draw_uniform() < stream.size ? 5 + .3 * draw_normal() : z;
            break;
        case SPIKE:
            z = draw_uniform() < stream.size ? -level : z;
            break;
        case NULLS:
            *null |= draw_uniform() < stream.size;
            break;
        case ONE_SLICE:
        case IN_SLICE:
            z += country == 1 ? part * stream.size : 0;
            break;
        case OTHERS: // other directions and sizes, and a scale
            level +=
                (const double[]){1, -1, 0}[(int)((time - stream.begins) / 48) % 3] * stream.size;
            z *= (int)((time - stream.begins) / 48) % 3 == 2 ? 1 + stream.size : 1;
            break;
        case SHIFT:
        case UPSTREAM:
        case CHAIN:
        case STEADY:
        case STAIRCASE:
        case GRADUAL:
        case FIRST:
        case AGAIN:
        case EPISODES:
            z += part * stream.size;
            break;
        default:
            break;
        }
    }
    double x = f % 3 == 0 ? exp(3 + .8 * (z + level)) : 100 + 20 * (z + level);
    return part > 0 && stream.cause == UNIT ? x * stream.size : x;
}

static int country_of(double time)
{
    double u = draw_uniform();
    if (part_of(time) > 0) {
        if (stream.cause == NEW && draw_uniform() < stream.size)
            return COUNTRIES;
        if ((stream.cause == MIX || stream.cause == SHARES) && draw_uniform() < stream.size)
            return 1;
        if (stream.cause == CREEPING && draw_uniform() < stream.size * part_of(time))
            return 1;
    }
    return u < .45 ? 0 : u < .7 ? 1 : u < .9 ? 2 : 3;
}

struct rows {
    double number[NUMBERS][MOST];
    uint8_t null[NUMBERS][MOST], good[MOST];
    uint32_t country[MOST], route[MOST], of[COUNTRIES + 1 + ROUTES][MOST],
        n_of[COUNTRIES + 1 + ROUTES];
    int64_t offset[MOST];
    struct weir_column columns[FIELDS];
};
static struct rows rows;

static void draw(uint32_t n, double from, double span)
{
    memset(rows.n_of, 0, sizeof rows.n_of);
    uint32_t nulls[NUMBERS] = {0};
    for (uint32_t i = 0; i < n; i++) {
        double time = from + span * draw_uniform();
        rows.country[i] = (uint32_t)country_of(time);
        rows.route[i] = (uint32_t)(draw_uniform() * ROUTES);
        rows.of[rows.country[i]][rows.n_of[rows.country[i]]++] = i;
        uint32_t route = COUNTRIES + 1 + rows.route[i];
        rows.of[route][rows.n_of[route]++] = i;
        rows.offset[i] = row++;
        for (size_t f = 0; f < stream.fields; f++) {
            uint8_t null;
            rows.number[f][i] = number(f, time, (int)rows.country[i], &null);
            rows.null[f][i] = null ? WEIR_STATE_NULL : WEIR_STATE_VALUE;
            nulls[f] += null;
        }
    }
    for (size_t f = 0; f < FIELDS; f++) {
        struct weir_column *column = &rows.columns[f];
        *column = (struct weir_column){.type = fields[f].type, .n = n, .state = rows.good};
        if (f < NUMBERS) {
            column->state = rows.null[f];
            column->n_null = nulls[f];
            column->values.f64 = rows.number[f];
        } else {
            column->values.code = f == COUNTRY ? rows.country : rows.route;
            column->dictionary = texts[f == ROUTE];
            column->n_dictionary = f == COUNTRY ? COUNTRIES + 1 : ROUTES;
        }
    }
}

static void must(int code)
{
    if (code) {
        fprintf(stderr, "explain: error %d\n", code);
        exit(1);
    }
}

static void absorb(struct weir_summary into[FIELDS], const uint32_t *which, size_t n)
{
    for (size_t f = 0; f < FIELDS; f++) {
        if (f < stream.fields || f >= NUMBERS)
            must(weir_summary_absorb(&into[f], &rows.columns[f], which, n, scratch[f]));
    }
}

static void keep(struct weir_reservoir *into, uint32_t n)
{
    struct weir_batch batch = {.n_rows = n, .offset = rows.offset, .columns = rows.columns};
    must(weir_reservoir_add(into, &batch, NULL, n, 0));
}

// ---- the profile

static struct weir_summary made(size_t f)
{
    struct weir_summary summary;
    struct weir_summary_spec spec = {.shape = cells[f]->shape,
                                     .parts =
                                         WEIR_PART_CELLS | WEIR_PART_MOMENTS | WEIR_PART_QUANTILES,
                                     .cells = cells[f]};
    must(weir_summary_init(&summary, &spec));
    return summary;
}

static void make_categories(size_t f, const char *const *text, size_t n)
{
    struct weir_category categories[COUNTRIES];
    for (size_t k = 0; k < n + (f == COUNTRY); k++)
        texts[f == ROUTE][k] = (struct weir_string){text[k], (uint32_t)strlen(text[k]),
                                                    weir_hash(text[k], strlen(text[k]))};
    for (size_t k = 0; k < n; k++)
        categories[k] = (struct weir_category){texts[f == ROUTE][k], 10000};
    struct weir_category_counts counts = {
        .shape = WEIR_SHAPE_CATEGORICAL, .categories = categories, .n = n, .complete = 1};
    must(weir_cells_build_categories(&counts, &cells[f], NULL));
}

static const char *const countries[] = {"US", "JP", "DE", "FR", "XX"};
static const char *const routes[] = {"web", "app", "api"};

void stream_open(void)
{
    struct stream as_is = stream;
    stream.cause = NOTHING;
    stream.fields = NUMBERS;
    described.n_fields = FIELDS;
    for (size_t f = 0; f < FIELDS; f++) {
        snprintf(names[f], sizeof names[f],
                 f == COUNTRY ? "country"
                 : f == ROUTE ? "route"
                              : "f%zu",
                 f);
        fields[f] = (struct weir_field){.name = names[f],
                                        .type = f < NUMBERS ? WEIR_TYPE_DOUBLE : WEIR_TYPE_STRING};
        kept_fields[f] = (struct weir_reservoir_field){names[f], fields[f].type, 0, (int)f};
        must(weir_absorb_scratch_create(&scratch[f]));
    }
    make_categories(COUNTRY, countries, COUNTRIES);
    make_categories(ROUTE, routes, ROUTES);
    draw(PROFILE, 0, 14 * 24);
    for (size_t f = 0; f < NUMBERS; f++)
        must(weir_cells_build_numeric(rows.number[f], PROFILE, &cells[f], NULL));
    for (size_t f = 0; f < FIELDS; f++) {
        profile[f] = made(f);
        for (size_t s = 0; s < SLICES; s++) {
            window[s][f] = made(f);
            for (size_t p = 0; p < PANES; p++)
                pane[p][s][f] = made(f);
        }
    }
    must(weir_reservoir_create(&kept_spec, &kept));
    absorb(profile, NULL, PROFILE);
    keep(kept, PROFILE);
    stream = as_is;
}

void stream_close(void)
{
    for (size_t f = 0; f < FIELDS; f++) {
        weir_summary_free(&profile[f]);
        for (size_t s = 0; s < SLICES; s++) {
            weir_summary_free(&window[s][f]);
            for (size_t p = 0; p < PANES; p++)
                weir_summary_free(&pane[p][s][f]);
        }
        weir_cells_free(cells[f]);
        weir_absorb_scratch_destroy(scratch[f]);
    }
    weir_reservoir_destroy(kept);
    weir_reservoir_destroy(now_rows);
    kept = now_rows = NULL;
}

// ---- the host

static struct said *said;

static int on_need(const struct weir_setup *setup, unsigned by, int field, unsigned parts,
                   struct weir_error *error)
{
    (void)setup, (void)by, (void)field, (void)parts, (void)error;
    return 0;
}

static const struct weir_cells *on_cells(const struct weir_setup *setup, int field)
{
    (void)setup;
    return cells[field];
}

static const struct weir_summary *setup_reference(const struct weir_setup *setup, size_t i,
                                                  int field)
{
    (void)setup, (void)i;
    return &profile[field];
}

static int setup_sample(const struct weir_setup *setup, size_t n, struct weir_error *error)
{
    (void)setup, (void)n, (void)error;
    return 0;
}

static const struct weir_reservoir *setup_reference_sample(const struct weir_setup *setup, size_t i)
{
    (void)setup, (void)i;
    return kept;
}

static const struct weir_summary *on_summary(const struct weir_window *at, size_t slice, int field)
{
    (void)at;
    return &window[slice][field];
}

static const struct weir_summary *on_pane(const struct weir_window *at, size_t i, int field)
{
    (void)at;
    return &pane[i][0][field];
}

static const struct weir_summary *on_reference(const struct weir_window *at, size_t i, int field)
{
    (void)at, (void)i;
    return &profile[field];
}

static const struct weir_reservoir *on_sample(const struct weir_window *at)
{
    (void)at;
    return now_rows;
}

static const struct weir_reservoir *on_reference_sample(const struct weir_window *at, size_t i)
{
    (void)at, (void)i;
    return kept;
}

static void copy(char *out, size_t size, const char *before, const char *after)
{
    if (!*out)
        snprintf(out, size, "%s | %s", before, after);
}

static void on_emit(const struct weir_window *at, const struct weir_finding *finding)
{
    (void)at;
    if (strncmp(finding->kind, "drift.", 6) != 0 || finding->n_slice)
        return;
    if (!said->n || strcmp(finding->kind, "drift.slow") != 0) {
        snprintf(said->kind, sizeof said->kind, "%s", finding->kind);
        snprintf(said->field, sizeof said->field, "%s", finding->fields[0]);
        snprintf(said->summary, sizeof said->summary, "%s", finding->summary);
    }
    said->n++;
    for (size_t i = 0; i < finding->n_evidence; i++) {
        const struct weir_evidence *line = &finding->evidence[i];
        if (!strcmp(line->type, "field")) {
            if (!said->lines++)
                snprintf(said->how, sizeof said->how, "%s", line->after);
        } else if (!strcmp(line->type, "onset")) {
            copy(said->onset, sizeof said->onset, line->before, line->after);
        } else if (!strcmp(line->type, "order")) {
            copy(said->order, sizeof said->order, line->before, line->after);
        } else if (!strcmp(line->type, "recurring")) {
            copy(said->again, sizeof said->again, line->before, line->after);
        } else if (!strcmp(line->type, "rule")) {
            copy(said->rule, sizeof said->rule, "", line->after);
        } else if (!strcmp(line->type, "carrier") && !*said->carrier) {
            copy(said->carrier, sizeof said->carrier, line->before, line->after);
            snprintf(said->slice, sizeof said->slice, "%s",
                     line->n_slice ? line->slice[0].value : "");
        }
    }
}

void *stream_instance(int hop, int calibrated)
{
    static const char *const tests[] = {"auto"}, *const references[] = {"training"};
    static const struct weir_reference_spec spec = {.size = sizeof spec,
                                                    .kind = WEIR_REFERENCE_PROFILE};
    static const int country[] = {COUNTRY}, route[] = {ROUTE};
    static const int *const by[] = {country, route};
    static const size_t n_by_fields[] = {1, 1};
    static int all[FIELDS];
    struct weir_option_value values[64] = {{0}};
    size_t i = 0, n = 0;
    for (const struct weir_option *option = weir_plugin.options; option->key; option++, i++) {
        values[i] = (struct weir_option_value){.set = option->fallback != NULL,
                                               .strings = tests,
                                               .n_strings = option->type == WEIR_OPTION_STRINGS};
        values[i].number = option->fallback ? atof(option->fallback) : 0;
        values[i].integer = option->fallback ? atoll(option->fallback) : 0;
    }
    for (int f = 0; f < FIELDS; f++) {
        if (f < (int)stream.fields || f >= NUMBERS)
            all[n++] = f;
    }
    struct weir_detector_config config = {.size = sizeof config,
                                          .name = "drift",
                                          .stream = &described,
                                          .fields = all,
                                          .n_fields = n,
                                          .by = by,
                                          .n_by_fields = n_by_fields,
                                          .n_by = 2,
                                          .n_by_given = 2,
                                          .n_references = 1,
                                          .references = references,
                                          .reference_specs = &spec,
                                          .window_size = HOUR,
                                          .window_hop = hop ? HOUR / PANES : HOUR,
                                          .severity = -1,
                                          .options = values,
                                          .open_after = 1,
                                          .resolve_after = 3,
                                          .calibration_last = calibrated ? 30 * 24 * HOUR : 0,
                                          .alarms_at_most = 1,
                                          .alarms_per = 30 * 24 * HOUR};
    struct weir_setup setup = {.size = sizeof setup,
                               .need = on_need,
                               .reference = setup_reference,
                               .cells = on_cells,
                               .sample = setup_sample,
                               .reference_sample = setup_reference_sample};
    struct weir_error error = {0};
    void *instance;
    if (weir_plugin.create(&config, &setup, &instance, &error)) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    return instance;
}

void stream_destroy(void *instance)
{
    weir_plugin.destroy(instance);
}

void *stream_owner(void *instance, const struct weir_buffer *saved)
{
    void *owner;
    must(weir_plugin.owner_create(instance, &owner, NULL));
    if (saved) {
        struct weir_reader in = weir_reader_make(saved->data, saved->length);
        must(weir_plugin.owner_restore(owner, weir_plugin.state_version, &in, NULL));
    }
    return owner;
}

void stream_end(void *owner)
{
    weir_plugin.owner_destroy(owner);
}

void stream_save(const void *owner, struct weir_buffer *out)
{
    weir_buffer_init(out, WEIR_BUFFER_MAXIMUM);
    must(weir_plugin.owner_save(owner, out));
}

static void clear(struct weir_summary of[SLICES][FIELDS])
{
    for (size_t s = 0; s < SLICES; s++) {
        for (size_t f = 0; f < FIELDS; f++)
            weir_summary_reset(&of[s][f]);
    }
}

static void fill(struct weir_summary of[SLICES][FIELDS], uint32_t n, double from, double span)
{
    clear(of);
    draw(n, from, span);
    absorb(of[0], NULL, n);
    for (size_t s = 1; s < SLICES; s++)
        absorb(of[s], rows.of[s - 1], rows.n_of[s - 1]);
    weir_reservoir_destroy(now_rows);
    must(weir_reservoir_create(&now_spec, &now_rows));
    keep(now_rows, n);
}

static void slide(uint32_t n, double end)
{
    struct weir_summary oldest[SLICES][FIELDS];
    memcpy(oldest, pane[0], sizeof oldest);
    memmove(pane[0], pane[1], (PANES - 1) * sizeof pane[0]);
    memcpy(pane[PANES - 1], oldest, sizeof oldest);
    fill(pane[PANES - 1], n, end - 1.0 / PANES, 1.0 / PANES);
    clear(window);
    for (size_t p = 0; p < PANES; p++) {
        for (size_t s = 0; s < SLICES; s++) {
            for (size_t f = 0; f < FIELDS; f++)
                must(weir_summary_merge(&window[s][f], &pane[p][s][f]));
        }
    }
}

struct said stream_window(void *owner, double hour, int hop)
{
    static struct weir_slice_value values[SLICES];
    struct weir_slice slices[SLICES] = {{.rows = 0}};
    struct said result = {.n = 0};
    if (hop)
        slide((uint32_t)(stream.rows / PANES), hour + 1);
    else
        fill(window, (uint32_t)stream.rows, hour, 1);
    for (size_t s = 0; s < SLICES; s++) {
        int is_route = s > COUNTRIES + 1;
        values[s] = (struct weir_slice_value){is_route ? "route" : "country",
                                              is_route ? routes[s - COUNTRIES - 2]
                                              : s      ? countries[s - 1]
                                                       : ""};
        slices[s] = (struct weir_slice){.by = s ? 1 + (unsigned)is_route : 0,
                                        .values = &values[s],
                                        .n_values = s > 0,
                                        .rows = window[s][COUNTRY].rows};
    }
    struct weir_window at = {.size = sizeof at,
                             .start = (int64_t)(hour * (double)HOUR + .5),
                             .end = (int64_t)((hour + 1) * (double)HOUR + .5),
                             .rows = slices[0].rows,
                             .phase = WEIR_FINAL,
                             .slices = slices,
                             .n_slices = SLICES,
                             .summary = on_summary,
                             .reference = on_reference,
                             .emit = on_emit,
                             .sample = on_sample,
                             .reference_sample = on_reference_sample,
                             .pane = hop ? HOUR / PANES : HOUR,
                             .n_panes = hop ? PANES : 1,
                             .pane_summary = hop ? on_pane : NULL};
    struct weir_error error = {0};
    said = &result;
    if (weir_plugin.owner_window(owner, &at, &error)) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    return result;
}
