// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/label_noise/agreement.h"
#include "detectors/label_noise/label_noise.h"
#include "stats/hash.h"

extern const struct weir_plugin weir_plugin;

enum { HOUR = 3600000, TEXT = 1 << 16 };

static const struct weir_field fields[] = {
    {.name = "id", .type = WEIR_TYPE_LONG, .role = WEIR_ROLE_KEY},
    {.name = "label", .type = WEIR_TYPE_STRING, .role = WEIR_ROLE_LABEL},
    {.name = "annotator", .type = WEIR_TYPE_STRING, .role = WEIR_ROLE_ANNOTATOR}};
static const struct weir_stream stream = {
    .name = "labels", .fields = fields, .n_fields = 3, .key = 0, .time = -1};

struct label {
    int64_t item, time;
    char label[16], annotator[16];
};

struct options {
    int64_t per_item, open_for, open_items;
    const char *gold;
};

static void *make(const struct options *given)
{
    static const char *gold[1];
    struct weir_option_value values[NOISE_OPTIONS] = {
        [NOISE_LABELS_PER_ITEM] = {.set = 1, .integer = given->per_item ? given->per_item : 3},
        [NOISE_OPEN_FOR] = {.set = 1, .integer = given->open_for ? given->open_for : 168 * HOUR},
        [NOISE_OPEN_ITEMS] = {.set = 1, .integer = given->open_items ? given->open_items : 100000},
        [NOISE_MAX_ANNOTATORS] = {.set = 1, .integer = 1000},
        [NOISE_MINIMUM] = {.set = 1, .integer = 30},
        [NOISE_EFFECT] = {.set = 1, .number = .1},
        [NOISE_P_VALUE] = {.set = 1, .number = 1e-4},
        [NOISE_CONFLICTS] = {.set = 1, .number = .01},
        [NOISE_KAPPA_DROP] = {.set = 1, .number = .1},
        [NOISE_MEMORY] = {.set = 1, .integer = 168 * HOUR}};
    struct weir_detector_config config = {.size = sizeof config,
                                          .name = "test",
                                          .stream = &stream,
                                          .window_size = HOUR,
                                          .window_hop = HOUR,
                                          .options = values,
                                          .severity = -1,
                                          .redact = 1};
    struct weir_error error;
    void *instance;
    if (given->gold) {
        gold[0] = given->gold;
        values[NOISE_GOLD] = (struct weir_option_value){.set = 1, .strings = gold, .n_strings = 1};
    }
    ck_assert_int_eq(weir_plugin.create(&config, NULL, &instance, &error), 0);
    return instance;
}

// ---- a small host

static uint64_t limited;

static void limit_rows(const struct weir_edge *edge, const char *what, const uint32_t *rows,
                       size_t n)
{
    (void)edge;
    (void)what;
    (void)rows;
    limited += n;
}

enum { ROWS = 512 };

// At most ROWS labels as one batch.
static void observe(void *edge, const struct label *labels, size_t n, int32_t partition,
                    int64_t offset)
{
    static int64_t ids[ROWS], time[ROWS], offsets[ROWS], pane[ROWS];
    static uint32_t codes[2][ROWS];
    static struct weir_string strings[2][ROWS];
    static uint8_t good[ROWS];
    struct weir_column columns[3] = {{.type = WEIR_TYPE_LONG, .state = good, .n = (uint32_t)n}};
    for (size_t i = 0; i < n; i++) {
        const char *texts[2] = {labels[i].label, labels[i].annotator};
        ids[i] = labels[i].item;
        time[i] = labels[i].time;
        offsets[i] = offset + (int64_t)i;
        pane[i] = labels[i].time / HOUR * HOUR;
        for (int k = 0; k < 2; k++) {
            size_t length = strlen(texts[k]);
            strings[k][i] =
                (struct weir_string){texts[k], (uint32_t)length, weir_hash(texts[k], length)};
            codes[k][i] = (uint32_t)i;
        }
    }
    columns[0].values.i64 = ids;
    for (int k = 0; k < 2; k++) {
        columns[k + 1] = (struct weir_column){.type = WEIR_TYPE_STRING,
                                              .state = good,
                                              .n = (uint32_t)n,
                                              .local = strings[k],
                                              .n_local = (uint32_t)n};
        columns[k + 1].values.code = codes[k];
    }
    struct weir_batch batch = {.stream = &stream,
                               .topic = "labels",
                               .partition = partition,
                               .n_rows = (uint32_t)n,
                               .time = time,
                               .offset = offsets,
                               .timestamp = time,
                               .fault = good,
                               .columns = columns};
    struct weir_edge host = {.size = sizeof host, .pane = pane, .limit_rows = limit_rows};
    struct weir_error error;
    ck_assert_int_eq(weir_plugin.edge_observe(edge, &batch, &host, &error), 0);
}

static char said[TEXT]; // what was emitted, a line a finding

static void emit(const struct weir_window *window, const struct weir_finding *finding)
{
    size_t used = strlen(said);
    (void)window;
    used += (size_t)snprintf(said + used, TEXT - used, "%s %s %d %.6g %.6g %.6g: %s", finding->kind,
                             finding->n_slice ? finding->slice[0].value : "-", finding->severity,
                             finding->statistic.value, finding->statistic.threshold,
                             finding->statistic.p_value, finding->summary);
    for (size_t i = 0; i < finding->n_evidence; i++) {
        used += (size_t)snprintf(said + used, TEXT - used, " | %s | %s",
                                 finding->evidence[i].before, finding->evidence[i].after);
        for (size_t k = 0; k < finding->evidence[i].n_samples; k++)
            used += (size_t)snprintf(said + used, TEXT - used, " %s/%d/%lld",
                                     finding->evidence[i].samples[k].topic,
                                     finding->evidence[i].samples[k].partition,
                                     (long long)finding->evidence[i].samples[k].offset);
    }
    snprintf(said + used, TEXT - used, "\n");
}

static int close_window(void *owner, int64_t start, const struct weir_buffer *extracts, size_t n)
{
    struct weir_span spans[8];
    size_t used = 0;
    struct weir_error error;
    for (size_t i = 0; i < n; i++) {
        if (extracts[i].length)
            spans[used++] = (struct weir_span){extracts[i].data, extracts[i].length};
    }
    struct weir_window window = {.size = sizeof window,
                                 .start = start,
                                 .end = start + HOUR,
                                 .extracts = spans,
                                 .n_extracts = used,
                                 .emit = emit};
    return weir_plugin.owner_window(owner, &window, &error);
}

static uint64_t state = 88172645463325252u;
static double uniform(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)(state >> 11) / 9007199254740992.0;
}

// How an hour's labels come about.
struct hour {
    double care;       // of everybody
    const char *guess; // an annotator who tosses a coin
    const char *lazy;  // one who always says legit
    double relabel;    // share of labels that are given again, the other way round
};

static size_t make_hour(struct label *labels, int64_t hour, int items, const struct hour *how)
{
    size_t n = 0;
    for (int i = 0; i < items; i++) {
        int truth = uniform() < .2, first = (int)(uniform() * 8);
        for (int k = 0; k < 3; k++) {
            struct label *label = &labels[n++];
            label->item = hour * 100000 + i;
            label->time = hour * HOUR + (int64_t)i * 1000 + k;
            snprintf(label->annotator, sizeof label->annotator, "ann-%d", (first + k) % 8);
            int says = uniform() < how->care ? truth : !truth;
            if (how->guess && !strcmp(how->guess, label->annotator))
                says = uniform() < .5;
            if (how->lazy && !strcmp(how->lazy, label->annotator))
                says = 0;
            strcpy(label->label, says ? "fraud" : "legit");
            if (uniform() < how->relabel) {
                labels[n] = *label;
                strcpy(labels[n].label, says ? "legit" : "fraud");
                n++;
            }
        }
    }
    return n;
}

struct run {
    void *instance, *edges[3], *owner;
    size_t n_edges;
    int reversed;
    size_t batch;
};

static struct run start_with(const struct options *options, size_t n_edges)
{
    struct run run = {.n_edges = n_edges, .batch = ROWS};
    struct weir_error error;
    run.instance = make(options);
    for (size_t i = 0; i < n_edges; i++)
        ck_assert_int_eq(weir_plugin.edge_create(run.instance, &run.edges[i], &error), 0);
    ck_assert_int_eq(weir_plugin.owner_create(run.instance, &run.owner, &error), 0);
    said[0] = 0;
    limited = 0;
    return run;
}

static struct run start_run(size_t n_edges)
{
    struct options options = {0};
    return start_with(&options, n_edges);
}

static void stop(struct run *run)
{
    for (size_t i = 0; i < run->n_edges; i++)
        weir_plugin.edge_destroy(run->edges[i]);
    weir_plugin.owner_destroy(run->owner);
    weir_plugin.destroy(run->instance);
}

// An hour's labels through the edges (items dealt out by number), and its window.
static void pass(struct run *run, const struct label *labels, size_t n, int64_t hour)
{
    static struct label part[1 << 14];
    struct weir_buffer extracts[3];
    struct weir_error error;
    for (size_t e = 0; e < run->n_edges; e++) {
        size_t m = 0, at = run->reversed ? run->n_edges - 1 - e : e;
        for (size_t i = 0; i < n; i++) {
            if ((size_t)labels[i].item % run->n_edges == e)
                part[m++] = labels[i];
        }
        for (size_t i = 0; i < m; i += run->batch)
            observe(run->edges[e], part + i, m - i < run->batch ? m - i : run->batch, 0,
                    (int64_t)i);
        weir_buffer_init(&extracts[at], 1 << 20);
        ck_assert_int_eq(weir_plugin.edge_close(run->edges[e], hour * HOUR, (hour + 1) * HOUR,
                                                &extracts[at], &error),
                         0);
    }
    ck_assert_int_eq(close_window(run->owner, hour * HOUR, extracts, run->n_edges), 0);
    for (size_t e = 0; e < run->n_edges; e++)
        weir_buffer_free(&extracts[e]);
}

static struct label labels[1 << 14];
static const struct hour good = {.care = .95};

START_TEST(a_guesser_is_named_and_nobody_else)
{
    struct run run = start_run(1);
    struct hour bad = {.care = .95, .guess = "ann-5"};
    for (int hour = 0; hour < 20; hour++) {
        pass(&run, labels, make_hour(labels, hour, 300, &good), hour);
        ck_assert_str_eq(said, "");
    }
    pass(&run, labels, make_hour(labels, 20, 300, &bad), 20);
    ck_assert_msg(!strncmp(said, "label.annotator ann-5 2", 23), "%s", said);
    ck_assert_msg(strstr(said, "Annotator ann-5 agrees with the others on ") != NULL, "%s", said);
    ck_assert_msg(strchr(said, '\n')[1] == 0, "%s", said);
    // And well again as soon as the next window says so.
    said[0] = 0;
    pass(&run, labels, make_hour(labels, 21, 300, &good), 21);
    ck_assert_str_eq(said, "");
    stop(&run);
}
END_TEST

START_TEST(who_never_says_the_rare_class_is_found)
{
    struct run run = start_run(1);
    struct hour bad = {.care = .97, .lazy = "ann-2"};
    pass(&run, labels, make_hour(labels, 0, 1500, &bad), 0);
    ck_assert_msg(!strncmp(said, "label.annotator ann-2", 21), "%s", said);
    ck_assert_msg(strstr(said, "ann-2 says 'legit' for 'fraud'") != NULL, "%s", said);
    stop(&run);
}
END_TEST

START_TEST(few_labels_add_up_over_windows)
{
    struct run run = start_run(1);
    struct hour bad = {.care = .97, .guess = "ann-1"};
    int hour = 0;
    for (; hour < 60 && !*said; hour++)
        pass(&run, labels, make_hour(labels, hour, 20, &bad), hour);
    ck_assert_msg(!strncmp(said, "label.annotator ann-1", 21), "%s", said);
    ck_assert_int_gt(hour, 1); // one window alone has too few
    stop(&run);
}
END_TEST

START_TEST(partitions_and_batches_make_no_difference)
{
    static char first[TEXT];
    struct hour bad = {.care = .93, .guess = "ann-6", .relabel = .04};
    for (int form = 0; form < 4; form++) {
        struct run run = start_run(form == 0 ? 1 : 3);
        run.reversed = form == 2;
        run.batch = form == 3 ? 1 : ROWS;
        state = 7;
        for (int hour = 0; hour < 4; hour++)
            pass(&run, labels, make_hour(labels, hour, 300, &bad), hour);
        ck_assert_ptr_nonnull(strstr(said, "label.annotator ann-6"));
        ck_assert_ptr_nonnull(strstr(said, "label.conflict"));
        // Offsets are per task here, so samples are compared only between like partitions.
        if (form == 1)
            strcpy(first, said);
        if (form > 0)
            ck_assert_str_eq(said, first);
        stop(&run);
    }
}
END_TEST

START_TEST(contradictions_are_found)
{
    struct run run = start_run(1);
    struct hour bad = {.care = .95, .relabel = .03};
    for (int hour = 0; hour < 3; hour++)
        pass(&run, labels, make_hour(labels, hour, 300, &good), hour);
    ck_assert_str_eq(said, "");
    pass(&run, labels, make_hour(labels, 3, 300, &bad), 3);
    ck_assert_msg(!strncmp(said, "label.conflict - 1", 18), "%s", said);
    ck_assert_msg(strstr(said, " labels/0/") != NULL, "%s", said);
    stop(&run);
}
END_TEST

START_TEST(falling_agreement_is_found)
{
    struct run run = start_run(1);
    struct hour bad = {.care = .75};
    for (int hour = 0; hour < 10; hour++)
        pass(&run, labels, make_hour(labels, hour, 300, &good), hour);
    ck_assert_str_eq(said, "");
    pass(&run, labels, make_hour(labels, 10, 300, &bad), 10);
    ck_assert_msg(!strncmp(said, "label.noise", 11), "%s", said);
    stop(&run);
}
END_TEST

START_TEST(items_close_by_age_and_are_bounded)
{
    struct options options = {.open_for = 2 * HOUR, .open_items = 100, .per_item = 8};
    struct run run = start_with(&options, 1);
    struct weir_buffer out;
    struct weir_error error;
    weir_buffer_init(&out, 1 << 20);
    size_t n = make_hour(labels, 0, 30, &good);
    observe(run.edges[0], labels, n, 0, 0);
    // With 8 labels wanted and 3 given, an item is judged when it is two hours old.
    for (int hour = 0; hour < 4; hour++) {
        struct noise_tally tally = {0};
        struct weir_names annotators, classes;
        weir_names_init(&annotators, 1000);
        weir_names_init(&classes, NOISE_CLASSES - 1);
        weir_buffer_reset(&out);
        ck_assert_int_eq(
            weir_plugin.edge_close(run.edges[0], hour * HOUR, (hour + 1) * HOUR, &out, &error), 0);
        struct weir_reader in = weir_reader_make(out.data, out.length);
        if (out.length)
            ck_assert_int_eq(noise_tally_read(&tally, &annotators, &classes, &in), 0);
        ck_assert_uint_eq(tally.labels, hour == 0 ? 90 : 0);
        ck_assert_uint_eq(tally.items, hour == 2 ? 30 : 0);
        noise_tally_free(&tally);
        weir_names_free(&annotators);
        weir_names_free(&classes);
    }
    ck_assert_uint_eq(limited, 0);
    n = make_hour(labels, 5, 150, &good);
    observe(run.edges[0], labels, n, 0, 0);
    ck_assert_uint_eq(limited, 50);
    weir_buffer_free(&out);
    stop(&run);
}
END_TEST

START_TEST(gold_labels_are_the_truth)
{
    struct options options = {.gold = "gold", .per_item = 3};
    struct run run = start_with(&options, 1);
    size_t n = 0;
    // Two of three agree on the wrong label; gold says so, and only ann-0 is right.
    for (int i = 0; i < 200; i++) {
        static const char *const who[] = {"gold", "ann-0", "ann-1"};
        for (int k = 0; k < 3; k++) {
            labels[n] = (struct label){.item = i, .time = i * 1000};
            strcpy(labels[n].annotator, who[k]);
            strcpy(labels[n++].label, k == 2 && i % 2 ? "no" : "yes");
        }
    }
    observe(run.edges[0], labels, 300, 0, 0);
    observe(run.edges[0], labels + 300, 300, 0, 300);
    pass(&run, labels, 0, 0);
    ck_assert_msg(!strncmp(said, "label.annotator ann-1 2 0.5 ", 28), "%s", said);
    ck_assert_msg(!strstr(said, "label.annotator ann-0"), "%s", said);
    stop(&run);
}
END_TEST

START_TEST(state_survives_and_damage_is_refused)
{
    struct run run = start_run(1), again = start_run(1);
    struct weir_buffer edge, owner, out[2];
    struct weir_error error;
    struct hour bad = {.care = .9, .guess = "ann-3", .relabel = .02};
    weir_buffer_init(&edge, 1 << 22);
    weir_buffer_init(&owner, 1 << 22);
    for (int hour = 0; hour < 3; hour++)
        pass(&run, labels, make_hour(labels, hour, 100, &bad), hour);
    size_t n = make_hour(labels, 3, 100, &bad);
    observe(run.edges[0], labels, n / 2, 0, 0);
    ck_assert_int_eq(weir_plugin.edge_save(run.edges[0], &edge), 0);
    ck_assert_int_eq(weir_plugin.owner_save(run.owner, &owner), 0);

    struct weir_reader in = weir_reader_make(edge.data, edge.length);
    ck_assert_int_eq(weir_plugin.edge_restore(again.edges[0], 1, &in, &error), 0);
    ck_assert_uint_eq(weir_reader_left(&in), 0);
    in = weir_reader_make(owner.data, owner.length);
    ck_assert_int_eq(weir_plugin.owner_restore(again.owner, 1, &in, &error), 0);
    struct run *runs[2] = {&run, &again};
    static char both[2][TEXT];
    for (int i = 0; i < 2; i++) {
        said[0] = 0;
        weir_buffer_init(&out[i], 1 << 20);
        observe(runs[i]->edges[0], labels + n / 2, n - n / 2, 0, (int64_t)(n / 2));
        ck_assert_int_eq(
            weir_plugin.edge_close(runs[i]->edges[0], 3 * HOUR, 4 * HOUR, &out[i], &error), 0);
        ck_assert_int_eq(close_window(runs[i]->owner, 3 * HOUR, &out[i], 1), 0);
        strcpy(both[i], said);
    }
    ck_assert_uint_eq(out[0].length, out[1].length);
    ck_assert_int_eq(memcmp(out[0].data, out[1].data, out[0].length), 0);
    ck_assert_str_eq(both[0], both[1]);

    // Every truncation and many a changed byte: an error or a state, never a crash.
    for (size_t cut = 0; cut < edge.length; cut += 1 + edge.length / 400) {
        in = weir_reader_make(edge.data, cut);
        ck_assert_int_lt(weir_plugin.edge_restore(again.edges[0], 1, &in, &error), 0);
        uint8_t kept = edge.data[cut];
        edge.data[cut] ^= 0x55;
        in = weir_reader_make(edge.data, edge.length);
        weir_plugin.edge_restore(again.edges[0], 1, &in, &error);
        edge.data[cut] = kept;
        weir_plugin.edge_destroy(again.edges[0]);
        ck_assert_int_eq(weir_plugin.edge_create(again.instance, &again.edges[0], &error), 0);
    }
    for (size_t cut = 0; cut < owner.length; cut++) {
        in = weir_reader_make(owner.data, cut);
        ck_assert_int_lt(weir_plugin.owner_restore(again.owner, 1, &in, &error), 0);
    }
    for (size_t cut = 1; cut < out[0].length; cut += 3) {
        struct weir_buffer part = {.data = out[0].data, .length = cut};
        ck_assert_int_lt(close_window(again.owner, 4 * HOUR, &part, 1), 0);
    }
    for (int i = 0; i < 2; i++) {
        weir_buffer_free(&out[i]);
        stop(runs[i]);
    }
    weir_buffer_free(&edge);
    weir_buffer_free(&owner);
}
END_TEST

START_TEST(create_says_what_is_missing)
{
    struct weir_stream none = stream;
    struct weir_option_value values[NOISE_OPTIONS] = {0};
    struct weir_detector_config config = {.stream = &none, .options = values};
    struct weir_error error;
    void *instance;
    none.n_fields = 1;
    ck_assert_int_eq(weir_plugin.create(&config, NULL, &instance, &error), WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(error.message, "role label"));
    none.n_fields = 2;
    ck_assert_int_eq(weir_plugin.create(&config, NULL, &instance, &error), WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(error.message, "annotator"));
}
END_TEST

// ---- statistics

// The definition, summed directly in the log domain.
static double beta_binomial_reference(int k, int n, double a, double b)
{
    double sum = 0;
    for (int j = 0; j <= k; j++)
        sum += exp(lgamma(n + 1.) - lgamma(j + 1.) - lgamma(n - j + 1.) + lgamma(j + a) +
                   lgamma(n - j + b) - lgamma(n + a + b) + lgamma(a + b) - lgamma(a) - lgamma(b));
    return sum;
}

START_TEST(beta_binomial_is_its_definition)
{
    for (int n = 1; n <= 200; n = n * 2 + 1) {
        for (int k = 0; k <= n; k++) {
            double mean = .9, sd = .04, strength = mean * (1 - mean) / (sd * sd) - 1;
            double expected =
                k == n ? 1 : beta_binomial_reference(k, n, mean * strength, (1 - mean) * strength);
            ck_assert_double_eq_tol(noise_beta_binomial_cdf(k, n, mean, sd) / expected, 1, 1e-9);
        }
    }
    // No spread: the binomial. P(X <= 1), n = 3, p = 1/2.
    ck_assert_double_eq_tol(noise_beta_binomial_cdf(1, 3, .5, 0), .5, 1e-12);
    ck_assert_double_eq(noise_beta_binomial_cdf(-1, 3, .5, .1), 0);
    ck_assert(noise_beta_binomial_cdf(1000, 100000, .9, .01) < 1e-100);
}
END_TEST

START_TEST(wilson_and_kappa_are_the_published_ones)
{
    // Newcombe (1998): 81 of 263 has the 95% Wilson interval .2553 to .3662; 0 of 20 to .1611.
    ck_assert_double_eq_tol(noise_wilson_upper(81, 263, 1.959964), .3662, 5e-5);
    ck_assert_double_eq_tol(noise_wilson_upper(0, 20, 1.959964), .1611, 5e-5);
    // Fleiss (1971) as worked in the usual example of 10 items, 14 raters, 5 classes: P = .378,
    // Pe = .213, kappa = .210.
    static const int counts[10][5] = {
        {0, 0, 0, 0, 14}, {0, 2, 6, 4, 2}, {0, 0, 3, 5, 6}, {0, 3, 9, 2, 0}, {2, 2, 8, 1, 1},
        {7, 7, 0, 0, 0},  {3, 2, 6, 3, 0}, {2, 5, 3, 2, 2}, {6, 5, 2, 1, 0}, {0, 2, 2, 3, 7}};
    double classes[5] = {0}, pairs = 0, agreed = 0;
    for (int i = 0; i < 10; i++) {
        for (int c = 0; c < 5; c++) {
            classes[c] += counts[i][c];
            agreed += counts[i][c] * (counts[i][c] - 1);
        }
        pairs += 14 * 13;
    }
    ck_assert_double_eq_tol(noise_kappa(agreed, pairs, classes, 5), .210, 5e-4);
    double one[2] = {5, 0};
    ck_assert(isnan(noise_kappa(10, 10, one, 2)));
    ck_assert(isnan(noise_kappa(0, 0, classes, 5)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("label_noise");
    TCase *tests = tcase_create("label_noise");
    tcase_add_test(tests, a_guesser_is_named_and_nobody_else);
    tcase_add_test(tests, who_never_says_the_rare_class_is_found);
    tcase_add_test(tests, few_labels_add_up_over_windows);
    tcase_add_test(tests, partitions_and_batches_make_no_difference);
    tcase_add_test(tests, contradictions_are_found);
    tcase_add_test(tests, falling_agreement_is_found);
    tcase_add_test(tests, items_close_by_age_and_are_bounded);
    tcase_add_test(tests, gold_labels_are_the_truth);
    tcase_add_test(tests, state_survives_and_damage_is_refused);
    tcase_add_test(tests, create_says_what_is_missing);
    tcase_add_test(tests, beta_binomial_is_its_definition);
    tcase_add_test(tests, wilson_and_kappa_are_the_published_ones);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
