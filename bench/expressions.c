// SPDX-License-Identifier: Apache-2.0
// What a rule of the user's own costs a record: nanoseconds, best of several runs, over batches of
// 4,096 rows. Prints a table in Markdown.
//
//     build/bench/expressions [EXPRESSION ...]      others than those below
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stats/expression.h"
#include "stats/hash.h"

enum { N = WEIR_BATCH_ROWS, ROUNDS = 10, BEST_OF = 60, WORDS = 200 };
enum { AMOUNT, LIMIT, START, END, COUNT, VIP, COUNTRY, NAME, NOTE, FIELDS };

static const struct weir_field fields[FIELDS] = {
    [AMOUNT] = {.name = "amount", .type = WEIR_TYPE_DOUBLE},
    [LIMIT] = {.name = "limit", .type = WEIR_TYPE_DOUBLE},
    [START] = {.name = "start", .type = WEIR_TYPE_LONG},
    [END] = {.name = "end", .type = WEIR_TYPE_LONG},
    [COUNT] = {.name = "count", .type = WEIR_TYPE_LONG},
    [VIP] = {.name = "vip", .type = WEIR_TYPE_BOOLEAN},
    [COUNTRY] = {.name = "country", .type = WEIR_TYPE_STRING}, // 200 words in the dictionary
    [NAME] = {.name = "name", .type = WEIR_TYPE_STRING},       // the same words
    [NOTE] = {.name = "note", .type = WEIR_TYPE_STRING}};      // unlike in every row
static const struct weir_stream stream = {
    .name = "records", .fields = fields, .n_fields = FIELDS, .key = -1, .time = -1};

static const char *const rules[] = {
    "amount > 0",
    "end >= start",
    "count between 1 and 10",
    "amount is not null",
    "amount * count < limit * 1.05",
    "amount / limit < 0.9 and end - start < 30d",
    "amount > 100 or vip or count < 3",
    "vip implies amount <= limit",
    "count in (1, 2, 3, 5, 8, 13)",
    "round(amount, 2) == amount",
    "sqrt(amount) < ln(limit) * 10",
    "country in ('v-1', 'v-17', 'v-33')",
    "country == 'v-17' implies amount < 1000",
    "matches(country, '^v-[0-9]+$')",
    "length(trim(lower(country))) between 3 and 6",
    "country != name",
    "starts_with(note, 'note')",
    "matches(note, '^[a-z]+ [0-9]+$')",
    "length(note) < 50 and contains(note, '7')",
    "hour(end) between 6 and 22",
};

static double doubles[2][N];
static int64_t longs[4][N], times[N];
static uint32_t codes[3][N];
static uint8_t states[FIELDS][N];
static char text[WORDS][16], notes[N][24];
static struct weir_string words[WORDS], own[N];
static struct weir_column columns[FIELDS];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct weir_string string_of(const char *s)
{
    uint32_t length = (uint32_t)strlen(s);
    return (struct weir_string){s, length, weir_hash(s, length)};
}

static void fill(void)
{
    for (int i = 0; i < WORDS; i++) {
        snprintf(text[i], sizeof text[i], "v-%d", i);
        words[i] = string_of(text[i]);
    }
    for (int i = 0; i < N; i++) {
        doubles[0][i] = (double)(rand() % 100000) / 100 + 0.01;
        doubles[1][i] = 2000 + rand() % 100;
        longs[0][i] = 1769884200000 + i;
        longs[1][i] = longs[0][i] + rand() % 1000000;
        longs[2][i] = 1 + rand() % 10;
        longs[3][i] = rand() % 4 == 0;
        codes[0][i] = (uint32_t)(rand() % WORDS);
        codes[1][i] = (uint32_t)(rand() % WORDS);
        codes[2][i] = (uint32_t)i;
        snprintf(notes[i], sizeof notes[i], "note %d", rand());
        own[i] = string_of(notes[i]);
    }
    for (int f = 0; f < FIELDS; f++)
        columns[f] = (struct weir_column){
            .type = fields[f].type, .n = N, .state = states[f], .generation = 1};
    columns[AMOUNT].values.f64 = doubles[0];
    columns[LIMIT].values.f64 = doubles[1];
    for (int f = START; f <= VIP; f++)
        columns[f].values.i64 = longs[f - START];
    for (int f = COUNTRY; f <= NOTE; f++) {
        columns[f].values.code = codes[f - COUNTRY];
        columns[f].dictionary = f == NOTE ? NULL : words;
        columns[f].n_dictionary = f == NOTE ? 0 : WORDS;
        columns[f].local = f == NOTE ? own : NULL;
        columns[f].n_local = f == NOTE ? N : 0;
    }
}

// One value in `part` is null; 0: none.
static void make_nulls(int part)
{
    for (int f = 0; f < FIELDS; f++) {
        columns[f].n_null = 0;
        for (int i = 0; i < N; i++) {
            int null = part && rand() % part == 0;
            states[f][i] = null ? WEIR_STATE_NULL : WEIR_STATE_VALUE;
            columns[f].n_null += (uint32_t)null;
        }
    }
}

static double measure(const struct weir_expression *expression)
{
    struct weir_batch batch = {.n_rows = N, .columns = columns, .time = times};
    struct weir_expression_result result;
    struct weir_evaluator *evaluator;
    double best = 1e9;
    if (weir_evaluator_create(&expression, 1, &evaluator, NULL))
        exit(1);
    for (int run = 0; run < BEST_OF; run++) {
        double start = now();
        for (int round = 0; round < ROUNDS; round++) {
            if (weir_evaluator_run(evaluator, 0, &batch, &result))
                exit(1);
        }
        best = fmin(best, (now() - start) / ROUNDS / N * 1e9);
    }
    weir_evaluator_destroy(evaluator);
    return best;
}

static void report(const char *rule)
{
    struct weir_expression_scope scope = {.stream = &stream};
    struct weir_expression_fault fault;
    struct weir_expression *expression;
    if (weir_expression_compile(rule, strlen(rule), &scope, &expression, &fault)) {
        fprintf(stderr, "%s, at %zu: %s\n", rule, fault.offset + 1, fault.message);
        exit(2);
    }
    make_nulls(0);
    double whole = measure(expression);
    make_nulls(20);
    printf("| `%s` | %.2f | %.2f |\n", rule, whole, measure(expression));
    weir_expression_free(expression);
}

int main(int argc, char **argv)
{
    fill();
    puts("| rule | ns a record | one value in 20 null |\n|---|---|---|");
    for (int i = 1; i < argc; i++)
        report(argv[i]);
    for (size_t i = 0; i < sizeof rules / sizeof *rules && argc == 1; i++)
        report(rules[i]);
    return 0;
}
