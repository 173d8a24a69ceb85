// SPDX-License-Identifier: Apache-2.0
// What each rule of the schema detector costs: nanoseconds a value of one field (or a record),
// beyond a field that only has its type looked at. Prints a table in Markdown: where all records
// are good, and where one in a hundred breaks the rule; the lower quartile of 400 batches.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "detectors/schema/schema.h"
#include "stats/cells_build.h"
#include "stats/hash.h"
#include "stats/sort.h"
#include "stats/summary.h"

extern const struct weir_plugin weir_plugin;

enum { N = WEIR_BATCH_ROWS, ROUNDS = 400, WORDS = 200 };
enum { VALUE, TIME, OTHER, FIELDS };

// ---- a host

static uint64_t flagged;
static int n_rules;
static unsigned rule_flags[64];
static const struct weir_summary *reference;

static int on_rule(const struct weir_setup *setup, const struct weir_rule *rule,
                   struct weir_error *error)
{
    (void)setup;
    (void)error;
    if (n_rules < 64)
        rule_flags[n_rules] = rule->flags;
    return n_rules++;
}

static int on_need(const struct weir_setup *setup, unsigned by, int field, unsigned parts,
                   struct weir_error *error)
{
    (void)setup;
    (void)by;
    (void)field;
    (void)parts;
    (void)error;
    return 0;
}

static const struct weir_summary *on_reference(const struct weir_setup *setup, size_t i, int field)
{
    (void)setup;
    (void)i;
    return field == VALUE ? reference : NULL;
}

static void on_complain(const struct weir_setup *setup, const struct weir_complaint *complaint)
{
    (void)setup;
    fprintf(stderr, "%s: %s\n", complaint->option, complaint->message);
}

static void on_flag(const struct weir_edge *edge, unsigned rule, const uint32_t *rows, size_t n)
{
    (void)edge;
    (void)rows;
    flagged += rule_flags[rule] & WEIR_RULE_CONDITION ? 0 : n;
}

static void on_limit(const struct weir_edge *edge, const char *what, const uint32_t *rows, size_t n)
{
    (void)edge;
    (void)rows;
    fprintf(stderr, "%s: %zu\n", what, n);
    exit(1);
}

static void on_detail(const struct weir_edge *edge, unsigned rule, const char *name, size_t length,
                      const uint32_t *rows, const double *values, size_t n)
{
    (void)edge;
    (void)rule;
    (void)name;
    (void)length;
    (void)rows;
    (void)values;
    (void)n;
}

static const struct weir_setup setup = {.size = sizeof setup,
                                        .need = on_need,
                                        .rule = on_rule,
                                        .reference = on_reference,
                                        .complain = on_complain};
static const struct weir_edge host = {
    .size = sizeof host, .flag = on_flag, .limit_rows = on_limit, .detail = on_detail};

// ---- records

static struct weir_field fields[FIELDS];
static struct weir_field_more more;
static const struct weir_field_more *const mores[FIELDS] = {&more};
static struct weir_stream stream;
static struct weir_option_value options[64];

static double numbers[N], others[N];
static int64_t longs[N], key_numbers[N], times[N], stamps[N], offsets[N];
static uint8_t states[N], good[N], faults[N];
static uint32_t codes[N];
static char words[N][64];
static struct weir_string strings[N];
static struct weir_span keys[N];
static struct weir_column columns[FIELDS];
static struct weir_batch batch;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double uniform(void)
{
    return ((double)rand() + 0.5) / ((double)RAND_MAX + 1);
}

static int is_bad(size_t i)
{
    return i % 100 == 37;
}

static void set_word(size_t i, const char *text)
{
    snprintf(words[i], sizeof words[i], "%s", text);
    strings[i] = (struct weir_string){words[i], (uint32_t)strlen(words[i]),
                                      weir_hash(words[i], strlen(words[i]))};
}

// A field of which nothing is asked but its type.
static void begin(enum weir_type type)
{
    srand(1);
    memset(options, 0, sizeof options);
    options[SCHEMA_OPTION_CRITICAL_SHARE].number = 0.05;
    more = (struct weir_field_more){.precision = -1, .nan = 1, .infinite = 1};
    for (int f = 0; f < FIELDS; f++)
        fields[f] = (struct weir_field){.name = f == VALUE  ? "value"
                                                : f == TIME ? "time"
                                                            : "other",
                                        .type = f == VALUE  ? type
                                                : f == TIME ? WEIR_TYPE_LONG
                                                            : WEIR_TYPE_DOUBLE,
                                        .declared = 1,
                                        .nullable = 1,
                                        .optional = 1};
    stream = (struct weir_stream){
        .name = "s", .fields = fields, .n_fields = FIELDS, .key = -1, .time = TIME, .more = mores};
    for (size_t i = 0; i < N; i++) {
        char text[24];
        numbers[i] = floor(100 * 1000 * uniform()) / 100;
        others[i] = 2000 + uniform();
        longs[i] = (int64_t)(1000 * uniform());
        times[i] = stamps[i] = 1767225600000 + (int64_t)i * 10;
        offsets[i] = (int64_t)i;
        states[i] = good[i] = faults[i] = 0;
        codes[i] = (uint32_t)(i % WORDS);
        snprintf(text, sizeof text, "value-%c%c%c%c", 'a' + (int)(i % 20), 'a' + (int)(i / 20 % 20),
                 'k' + (int)(i * 7 % 16), 'a' + (int)(i / 400 % 20));
        set_word(i, text);
        keys[i] = (struct weir_span){(const uint8_t *)&key_numbers[i], sizeof *key_numbers};
    }
    for (int f = 0; f < FIELDS; f++)
        columns[f] = (struct weir_column){
            .type = fields[f].type, .n = N, .state = f == VALUE ? states : good};
    if (type == WEIR_TYPE_DOUBLE)
        columns[VALUE].values.f64 = numbers;
    else if (type == WEIR_TYPE_STRING)
        columns[VALUE].values.code = codes;
    else
        columns[VALUE].values.i64 = longs;
    columns[TIME].values.i64 = times;
    columns[OTHER].values.f64 = others;
    columns[VALUE].dictionary = strings;
    columns[VALUE].n_dictionary = type == WEIR_TYPE_STRING ? WORDS : 0;
    batch = (struct weir_batch){.stream = &stream,
                                .topic = "t",
                                .n_rows = N,
                                .time = times,
                                .offset = offsets,
                                .timestamp = stamps,
                                .fault = faults,
                                .columns = columns,
                                .key = keys,
                                .value = keys};
    reference = NULL;
}

// No string comes twice: all are of the batch alone.
static void all_local(void)
{
    columns[VALUE].n_dictionary = 0;
    columns[VALUE].local = strings;
    columns[VALUE].n_local = N;
    for (size_t i = 0; i < N; i++)
        codes[i] = (uint32_t)i;
}

// The next batch has later times and other keys.
static void advance(void)
{
    static int64_t key;
    for (size_t i = 0; i < N; i++) {
        times[i] += N * 10;
        stamps[i] += N * 10;
        key_numbers[i] = ++key;
    }
}

static double cost(void)
{
    struct weir_error error = {.message = ""};
    static const char *const references[] = {"training"};
    struct weir_detector_config config = {.size = sizeof config,
                                          .name = "bench",
                                          .stream = &stream,
                                          .references = references,
                                          .n_references = reference != NULL,
                                          .options = options};
    void *instance, *edge;
    n_rules = 0;
    if (weir_plugin.create(&config, &setup, &instance, &error) ||
        weir_plugin.edge_create(instance, &edge, &error)) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    static double took[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        advance();
        double start = now();
        if (weir_plugin.edge_observe(edge, &batch, &host, &error))
            exit(1);
        took[round] = (now() - start) / N;
    }
    weir_sort_doubles(took, ROUNDS);
    weir_plugin.edge_destroy(edge);
    weir_plugin.destroy(instance);
    return took[ROUNDS / 4];
}

// ---- rules: what to set, and how to break it in row i

struct rule {
    const char *name;
    enum weir_type type;
    void (*set)(void);
    void (*spoil)(size_t i); // NULL: it has no bad records here
    int local;               // of strings: none comes twice
};

static void need_value(void)
{
    fields[VALUE].nullable = 0;
}
static void spoil_null(size_t i)
{
    states[i] = WEIR_STATE_NULL;
    numbers[i] = 0;
    columns[VALUE].n_null++;
}
static void need_field(void)
{
    fields[VALUE].optional = 0;
}
static void spoil_missing(size_t i)
{
    states[i] = WEIR_STATE_MISSING;
    numbers[i] = 0;
    columns[VALUE].n_missing++;
}
static void nothing(void)
{
}
static void spoil_type(size_t i)
{
    states[i] = WEIR_STATE_FAULT_NUMBER_STRING;
    numbers[i] = 0;
    columns[VALUE].n_fault++;
}
static void no_nan(void)
{
    more.nan = more.infinite = 0;
}
static void spoil_nan(size_t i)
{
    numbers[i] = NAN;
}
static void in_range(void)
{
    fields[VALUE].has_range = 1;
    fields[VALUE].low = 0;
    fields[VALUE].high = 1000;
}
static void spoil_range(size_t i)
{
    numbers[i] = 1e6;
    longs[i] = 1000000;
}
static void with_sentinels(void)
{
    static const char *const sentinels[] = {"-1", "-999"};
    more.sentinels = sentinels;
    more.n_sentinels = 2;
}
static void spoil_sentinel(size_t i)
{
    numbers[i] = -999;
    longs[i] = -999;
    set_word(i, "-999");
}
static void with_precision(void)
{
    more.precision = 2;
}
static void spoil_precision(size_t i)
{
    numbers[i] = 0.123456;
}
static void with_numbers(void)
{
    static const char *values[1000];
    static char text[1000][8];
    for (int i = 0; i < 1000; i++) {
        snprintf(text[i], sizeof text[i], "%d", i);
        values[i] = text[i];
    }
    fields[VALUE].values = values;
    fields[VALUE].n_values = 1000;
}
static void with_words(void)
{
    static const char *values[WORDS];
    for (size_t i = 0; i < WORDS; i++)
        values[i] = words[i];
    fields[VALUE].values = values;
    fields[VALUE].n_values = WORDS;
}
static void with_all_words(void)
{
    static const char *values[N];
    for (size_t i = 0; i < N; i++)
        values[i] = words[i];
    fields[VALUE].values = values;
    fields[VALUE].n_values = N;
}
static void spoil_code(size_t i)
{
    codes[i] = WORDS;
    columns[VALUE].n_dictionary = WORDS + 1;
    set_word(WORDS, "no such value at all");
}
static void not_empty(void)
{
    options[SCHEMA_OPTION_EMPTY].string = "true";
}
static void spoil_empty(size_t i)
{
    codes[i] = WORDS;
    columns[VALUE].n_dictionary = WORDS + 1;
    set_word(WORDS, "");
}
static void with_length(void)
{
    fields[VALUE].has_length = 1;
    fields[VALUE].shortest = 1;
    fields[VALUE].longest = 15;
}
static void with_pattern(void)
{
    fields[VALUE].pattern = "^value-[a-z]{4}$";
}
static void spoil_word(size_t i)
{
    set_word(i, "value-UPPER and too long");
}

static struct weir_summary summary;
static struct weir_cells *cells;

static void with_misspelled(void)
{
    static struct weir_category counts[WORDS];
    static uint64_t cell[256];
    for (size_t i = 0; i < WORDS; i++) {
        // Far apart: a word of its own each.
        char text[24];
        snprintf(text, sizeof text, "%c%c%c%c%c%c", 'a' + (int)(i * 7 % 26),
                 'a' + (int)(i * 11 % 23), 'a' + (int)(i * 5 % 19), 'a' + (int)(i * 3 % 17),
                 'a' + (int)(i % 13), 'a' + (int)(i * 17 % 25));
        set_word(i, text);
        counts[i] = (struct weir_category){strings[i], 1000};
    }
    struct weir_category_counts of = {
        .shape = WEIR_SHAPE_CATEGORICAL, .categories = counts, .n = WORDS, .complete = 1};
    weir_cells_free(cells);
    if (weir_cells_build_categories(&of, &cells, NULL))
        exit(1);
    summary = (struct weir_summary){
        .shape = WEIR_SHAPE_CATEGORICAL, .rows = 200000, .values = 200000, .cells = cells};
    for (size_t i = 0; i < cells->n && i < 256; i++)
        cell[i] = 1000;
    summary.cell = cell;
    reference = &summary;
    options[SCHEMA_OPTION_MISSPELLED].integer = 1;
}
static void with_future(void)
{
    options[SCHEMA_OPTION_FUTURE].integer = 60000;
}
static void spoil_future(size_t i)
{
    times[i] += 1000000;
}
static void with_late(void)
{
    options[SCHEMA_OPTION_TOO_LATE].integer = 60000;
}
static void spoil_late(size_t i)
{
    times[i] -= 1000000;
}
static void with_order(void)
{
    options[SCHEMA_OPTION_OUT_OF_ORDER].integer = 60000;
}
static void with_keys(void)
{
    options[SCHEMA_OPTION_DUPLICATES].integer = 3600000; // 360,000 keys of those at hand
    options[SCHEMA_OPTION_DUPLICATE_KEYS].integer = 1000000;
}
static void with_key_field(void)
{
    with_keys();
    stream.key = VALUE;
    columns[VALUE].values.i64 = key_numbers;
}
static void spoil_no_time(size_t i)
{
    faults[i] = WEIR_ROW_NO_TIME;
    batch.n_no_time++;
}
static void spoil_undecodable(size_t i)
{
    faults[i] = WEIR_ROW_UNDECODABLE;
    batch.n_undecodable++;
    for (int f = 0; f < FIELDS; f++)
        columns[f].n_missing++;
    states[i] = WEIR_STATE_MISSING;
}
static void set_rule(const char *text)
{
    static const char *texts[1];
    texts[0] = text;
    options[SCHEMA_OPTION_RULES] =
        (struct weir_option_value){.set = 1, .strings = texts, .n_strings = 1};
}
static void compare_fields(void)
{
    set_rule("other >= value");
}
static void when_fields(void)
{
    set_rule("value <= 1000 when other > 5");
}
static void spoil_value(size_t i)
{
    numbers[i] = 1e6;
}
#define NUMBER WEIR_TYPE_DOUBLE
static const struct rule rules[] = {
    {"null", NUMBER, need_value, spoil_null, 0},
    {"missing", NUMBER, need_field, spoil_missing, 0},
    {"type", NUMBER, nothing, spoil_type, 0},
    {"nan", NUMBER, no_nan, spoil_nan, 0},
    {"range, doubles", NUMBER, in_range, spoil_range, 0},
    {"range, longs", WEIR_TYPE_LONG, in_range, spoil_range, 0},
    {"sentinel, doubles", NUMBER, with_sentinels, spoil_sentinel, 0},
    {"sentinel, longs", WEIR_TYPE_LONG, with_sentinels, spoil_sentinel, 0},
    {"precision", NUMBER, with_precision, spoil_precision, 0},
    {"values, 1,000 longs", WEIR_TYPE_LONG, with_numbers, spoil_range, 0},
    {"empty, 200 words", WEIR_TYPE_STRING, not_empty, spoil_empty, 0},
    {"length, 200 words", WEIR_TYPE_STRING, with_length, spoil_code, 0},
    {"values, 200 words", WEIR_TYPE_STRING, with_words, spoil_code, 0},
    {"pattern, 200 words", WEIR_TYPE_STRING, with_pattern, spoil_code, 0},
    {"sentinel, 200 words", WEIR_TYPE_STRING, with_sentinels, NULL, 0},
    {"misspelled, 200 words", WEIR_TYPE_STRING, with_misspelled, NULL, 0},
    {"length, no string twice", WEIR_TYPE_STRING, with_length, spoil_word, 1},
    {"values, 4,096 words, no string twice", WEIR_TYPE_STRING, with_all_words, NULL, 1},
    {"pattern, no string twice", WEIR_TYPE_STRING, with_pattern, spoil_word, 1},
    {"misspelled, no string twice", WEIR_TYPE_STRING, with_misspelled, NULL, 1},
    {"undecodable", NUMBER, nothing, spoil_undecodable, 0},
    {"time", NUMBER, nothing, spoil_no_time, 0},
    {"time:future", NUMBER, with_future, spoil_future, 0},
    {"time:too_late", NUMBER, with_late, spoil_late, 0},
    {"time:out_of_order", NUMBER, with_order, NULL, 0},
    {"duplicate, Kafka keys", NUMBER, with_keys, NULL, 0},
    {"duplicate, a field of longs", WEIR_TYPE_LONG, with_key_field, NULL, 0},
    {"rule `other >= value`", NUMBER, compare_fields, spoil_value, 0},
    {"rule `value <= 1000 when other > 5`", NUMBER, when_fields, spoil_value, 0},
};

static void measure(const struct rule *rule, const char *only)
{
    if (only && !strstr(rule->name, only))
        return;
    begin(rule->type);
    if (rule->local)
        all_local();
    double base = cost();
    int without = n_rules;
    uint64_t before = flagged;
    rule->set();
    double clean = cost() - base, dirty = NAN;
    if (flagged != before || (n_rules == without && rule->set != nothing)) {
        fprintf(stderr, "%s: not as meant\n", rule->name);
        exit(1);
    }
    if (rule->spoil) {
        for (size_t i = 0; i < N; i++) {
            if (is_bad(i))
                rule->spoil(i);
        }
        before = flagged;
        dirty = cost() - base;
    }
    if (rule->spoil && flagged == before) {
        fprintf(stderr, "%s: bad records were not flagged\n", rule->name);
        exit(1);
    }
    printf("| %s | %.2f | ", rule->name, fmax(clean, 0));
    printf(rule->spoil ? "%.2f |\n" : "|\n", fmax(dirty, 0));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    printf("| rule | ns a value, all good | one in a hundred bad |\n|---|---|---|\n");
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        measure(&rules[i], argc > 1 ? argv[1] : NULL);
    weir_cells_free(cells);
    return 0;
}
