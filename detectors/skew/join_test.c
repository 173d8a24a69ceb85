// SPDX-License-Identifier: Apache-2.0
// Which pairs there are depends on the records alone: not on which stream is read first, nor on how
// often is looked, nor on restarts.
#include "detectors/skew/join.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "stats/hash.h"
#include "weir/error.h"

enum { RECORDS = 4000, FIELDS = 2, HOUR = 3600000 };

static struct record {
    struct skew_row row;
    struct skew_value values[FIELDS];
} records[2][RECORDS];
static size_t n_records[2];

static uint64_t seed;
static uint32_t draw(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

static uint64_t hash_of(int64_t number)
{
    return weir_hash(&number, sizeof number);
}

static void put(int side, int64_t time, int64_t key, double value)
{
    size_t at = n_records[side]++;
    struct record *record = &records[side][at];
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    *record = (struct record){.row = {.time = time,
                                      .pane = time / HOUR * HOUR,
                                      .offset = (int64_t)at,
                                      .key = hash_of(key),
                                      .entity = hash_of(key),
                                      .side = (uint8_t)side}};
    for (size_t f = 0; f < FIELDS; f++)
        record->values[f] = (struct skew_value){bits + f, 0, SKEW_DOUBLE};
}

// Hours of 40 keys; some missing on a side, some twice, both sides a little out of order.
static void make_records(uint64_t with, int64_t apart)
{
    seed = with;
    n_records[0] = n_records[1] = 0;
    for (int hour = 0; hour < 40; hour++) {
        for (int key = 0; key < 40; key++) {
            int64_t time = (int64_t)hour * HOUR + key * 1000 + draw(5) * 300;
            for (int side = 0; side < 2; side++) {
                int64_t at = time + (apart ? draw((uint32_t)apart) : 0);
                if (draw(20))
                    put(side, at, key, hour * 100 + key);
                if (draw(50) == 0)
                    put(side, at, key, -1);
            }
        }
    }
}

// ---- what comes out

struct said {
    struct weir_buffer text;
    size_t pairs, lonely[2], duplicates, wrong;
};

static int on_pair(void *context, const struct skew_row *served,
                   const struct skew_value *served_values, const struct skew_row *offline,
                   const struct skew_value *offline_values)
{
    struct said *said = context;
    (void)served_values;
    said->pairs++;
    said->wrong += served->key != offline->key;
    return weir_buffer_printf(&said->text, "%lld=%lld %llx ", (long long)served->offset,
                              (long long)offline->offset,
                              (unsigned long long)offline_values[0].bits);
}

static int on_lonely(void *context, const struct skew_row *row, int known)
{
    struct said *said = context;
    said->lonely[row->side]++;
    return weir_buffer_printf(&said->text, "%d:%lld%s ", row->side, (long long)row->offset,
                              known ? "*" : "");
}

static int on_duplicate(void *context, const struct skew_row *row)
{
    struct said *said = context;
    said->duplicates++;
    return weir_buffer_printf(&said->text, "%d:%lld? ", row->side, (long long)row->offset);
}

static void add(struct skew_join *join, int side, size_t at)
{
    struct skew_value *values = skew_join_room(join);
    ck_assert_ptr_nonnull(values);
    memcpy(values, records[side][at].values, sizeof records[side][at].values);
    ck_assert_int_eq(skew_join_add(join, &records[side][at].row), 0);
}

static void reincarnate(struct skew_join *join)
{
    struct weir_buffer bytes, again;
    struct skew_join made;
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&again, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(skew_join_write(join, &bytes), 0);
    skew_join_init(&made, FIELDS, join->maximum, join->apart, join->history.maximum);
    struct weir_reader in = weir_reader_make(bytes.data, bytes.length);
    ck_assert_int_eq(skew_join_read(&made, 4, &in), 0);
    ck_assert_int_eq(skew_join_write(&made, &again), 0);
    ck_assert_uint_eq(again.length, bytes.length);
    ck_assert_mem_eq(again.data, bytes.data, bytes.length);
    skew_join_free(join);
    *join = made;
    for (size_t n = 0; n < bytes.length; n += 1 + bytes.length / 40) {
        skew_join_init(&made, FIELDS, join->maximum, join->apart, join->history.maximum);
        in = weir_reader_make(bytes.data, n);
        ck_assert_int_ne(skew_join_read(&made, 4, &in), 0);
        skew_join_free(&made);
    }
    weir_buffer_free(&bytes);
    weir_buffer_free(&again);
}

// Feeds both sides in steps of up to `step` records, any side first, as far apart as it comes. With
// `restarts` the join is saved and restored now and then.
static struct said run(int64_t apart, size_t maximum, uint32_t step, int restarts)
{
    struct said said = {0};
    struct skew_join join;
    struct skew_join_events events = {&said, on_pair, on_lonely, on_duplicate};
    size_t at[2] = {0, 0};
    int64_t newest[2] = {INT64_MIN, INT64_MIN};
    weir_buffer_init(&said.text, WEIR_BUFFER_MAXIMUM);
    skew_join_init(&join, FIELDS, maximum, apart, 100);
    while (at[0] < n_records[0] || at[1] < n_records[1]) {
        int side = (int)draw(2);
        for (uint32_t n = 1 + draw(step); n && at[side] < n_records[side]; n--) {
            int64_t time = records[side][at[side]].row.time;
            newest[side] = time > newest[side] ? time : newest[side];
            add(&join, side, at[side]++);
        }
        int64_t both = newest[0] < newest[1] ? newest[0] : newest[1];
        if (both != INT64_MIN) // as late as 5 s is in time
            ck_assert_int_eq(
                skew_join_look(&join, both - 5000 - apart, both - 5000 - apart, &events), 0);
        if (restarts && draw(20) == 0)
            reincarnate(&join);
    }
    ck_assert_int_eq(skew_join_look(&join, (int64_t)1 << 50, 0, &events), 0);
    ck_assert_uint_eq(join.kept, 0);
    ck_assert_uint_eq(said.wrong, 0);
    weir_buffer_byte(&said.text, 0);
    skew_join_free(&join);
    return said;
}

START_TEST(test_any_order)
{
    static const int64_t aparts[] = {0, 20000};
    for (uint64_t with = 1; with < 9; with++) {
        int64_t apart = aparts[with % 2];
        make_records(with, apart);
        struct said first = run(apart, 100000, 50, 0);
        ck_assert_uint_gt(first.pairs, 1300);
        ck_assert_uint_gt(first.lonely[0], 20);
        ck_assert_uint_gt(first.lonely[1], 20);
        for (uint32_t step = 1; step < 5000; step *= 8) {
            struct said again = run(apart, 100000, step, step > 1);
            ck_assert(!strcmp((char *)first.text.data, (char *)again.text.data));
            weir_buffer_free(&again.text);
        }
        weir_buffer_free(&first.text);
    }
}
END_TEST

// One side far behind: what waits for it takes room, is told, and gives it back.
START_TEST(test_room_is_given_back)
{
    struct said said = {0};
    struct skew_join join;
    struct skew_join_events events = {&said, on_pair, on_lonely, on_duplicate};
    weir_buffer_init(&said.text, WEIR_BUFFER_MAXIMUM);
    make_records(3, 0);
    skew_join_init(&join, FIELDS, 2000, 0, 0);
    size_t none = skew_join_memory(&join), most = skew_join_memory_most(FIELDS, 2000, 0), full = 0;
    ck_assert_uint_eq(none, 0);
    for (size_t i = 0; i < n_records[0] && i < 1500; i++) {
        add(&join, 0, i);
        full = skew_join_memory(&join);
        ck_assert_uint_ge(full, join.kept * (sizeof(struct skew_row) + FIELDS * 16));
        ck_assert_uint_le(full, most);
    }
    int64_t until = records[0][1499].row.time;
    for (size_t i = 0; i < n_records[1] && records[1][i].row.time <= until; i++)
        add(&join, 1, i);
    ck_assert_int_eq(skew_join_look(&join, until, until, &events), 0);
    ck_assert_uint_gt(said.pairs, 700);
    ck_assert_uint_lt(skew_join_memory(&join), full / 4);
    // And it goes on as before.
    size_t pairs = said.pairs;
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < n_records[side]; i++)
            if (records[side][i].row.time > until)
                add(&join, side, i);
    ck_assert_int_eq(skew_join_look(&join, (int64_t)1 << 50, 0, &events), 0);
    ck_assert_uint_gt(said.pairs, pairs);
    ck_assert_uint_eq(said.wrong, 0);
    weir_buffer_free(&said.text);
    skew_join_free(&join);
}
END_TEST

START_TEST(test_who_is_whose)
{
    struct said said;
    n_records[0] = n_records[1] = 0;
    put(0, 1000, 1, 1);
    put(1, 1000, 1, 1);
    put(0, 1000, 1, 2); // again
    put(0, 1001, 1, 3); // at a time that the other side does not have
    put(0, 2000, 2, 4);
    put(1, 2500, 2, 4);
    put(0, 2600, 4, 6);
    put(1, 3000, 3, 5);
    seed = 1;
    said = run(0, 1000, 10, 0);
    ck_assert_uint_eq(said.pairs, 1);
    ck_assert_uint_eq(said.duplicates, 1);
    ck_assert_uint_eq(said.lonely[0], 3);
    ck_assert_uint_eq(said.lonely[1], 1); // the other side did not come to 3000
    weir_buffer_free(&said.text);
    said = run(600, 1000, 10, 0);
    ck_assert_uint_eq(said.pairs, 2);
    ck_assert_uint_eq(said.duplicates, 1);
    ck_assert_uint_eq(said.lonely[0], 1);
    ck_assert_uint_eq(said.lonely[1], 0);
    weir_buffer_free(&said.text);
}
END_TEST

// What one side has from before the other began is nobody's fault.
START_TEST(test_beginnings)
{
    n_records[0] = n_records[1] = 0;
    for (int i = 0; i < 300; i++) {
        put(0, i * 10000, i, i);
        if (i >= 100)
            put(1, i * 10000, i, i);
    }
    struct said said = run(0, 1000, 10, 0);
    ck_assert_uint_eq(said.pairs, 200);
    ck_assert_uint_eq(said.lonely[0], 0);
    weir_buffer_free(&said.text);
}
END_TEST

// Beyond the maximum the same keys are left out on both sides; nobody is called lonely for it.
START_TEST(test_too_many)
{
    n_records[0] = n_records[1] = 0;
    for (int i = 0; i < RECORDS; i++) {
        for (int side = 0; side < 2; side++)
            put(side, i * 1000, i, i);
    }
    struct said said = {0};
    struct skew_join join;
    struct skew_join_events events = {&said, on_pair, on_lonely, on_duplicate};
    weir_buffer_init(&said.text, WEIR_BUFFER_MAXIMUM);
    skew_join_init(&join, FIELDS, 500, 0, 10);
    for (size_t i = 0; i < 2000; i++)
        add(&join, 0, i);
    ck_assert_uint_le(join.kept, 500);
    ck_assert_uint_ge(join.level, 2);
    for (size_t i = 0; i < 2000; i++) {
        add(&join, 1, i);
        skew_join_look(&join, records[1][i].row.time, records[1][i].row.time, &events);
    }
    size_t few = said.pairs;
    ck_assert_uint_gt(few, 100);
    ck_assert_uint_lt(few, 600);
    ck_assert_uint_gt(join.left_out, 3000);
    // Side by side again there is room for all.
    for (size_t i = 2000; i < RECORDS; i++) {
        add(&join, 0, i);
        add(&join, 1, i);
        skew_join_look(&join, records[1][i].row.time, records[1][i].row.time, &events);
    }
    ck_assert_uint_eq(join.level, 0);
    ck_assert_uint_gt(said.pairs, few + 1900);
    ck_assert_uint_eq(said.lonely[0] + said.lonely[1], 0);
    skew_join_free(&join);
    weir_buffer_free(&said.text);
}
END_TEST

START_TEST(test_history)
{
    struct skew_history history;
    uint64_t known, stale;
    struct skew_value values[1];
    skew_history_init(&history, 1, 100);
    ck_assert(!skew_history_knows(&history, 7));
    skew_history_match(&history, 7, 0, 0, &(struct skew_value){1, 0, SKEW_LONG}, &known, &stale);
    ck_assert_uint_eq(known | stale, 0);
    // A new value every hour, for 100 hours: what is old is thinned out.
    for (int64_t hour = 0; hour <= 100; hour++) {
        values[0] = (struct skew_value){(uint64_t)hour, 0, SKEW_LONG};
        ck_assert_int_eq(skew_history_add(&history, 7, hour * HOUR, values), 0);
    }
    for (uint64_t ago = 1; ago <= 72; ago++) {
        values[0].bits = 100 - ago;
        skew_history_match(&history, 7, 100 * HOUR, 0, values, &known, &stale);
        for (size_t lag = 0; lag < SKEW_LAGS; lag++) {
            int is =
                skew_lags[lag] > (int64_t)(ago - 1) * HOUR && skew_lags[lag] <= (int64_t)ago * HOUR;
            ck_assert_int_eq(stale >> lag & 1, is && known >> lag & 1);
            ck_assert(known >> lag & 1 || skew_lags[lag] > 23 * HOUR);
        }
    }
    // Values that stay are there for as long as they held.
    values[0].bits = 5;
    ck_assert_int_eq(skew_history_add(&history, 8, 0, values), 0);
    ck_assert_int_eq(skew_history_add(&history, 8, HOUR, values), 0);
    skew_history_match(&history, 8, 10 * HOUR, 0, values, &known, &stale);
    ck_assert_uint_eq(known, stale);
    ck_assert_uint_ne(known >> 20 & 1, 0);
    ck_assert_uint_eq(known >> (SKEW_LAGS - 1), 0);
    // Too many: the lowest hashes stay, in whatever order they came.
    for (uint64_t entity = 1000; entity > 0; entity--)
        ck_assert_int_eq(skew_history_add(&history, entity << 40, 100 * HOUR, values), 0);
    ck_assert_uint_le(history.n, 100);
    ck_assert(skew_history_knows(&history, 7));
    ck_assert(skew_history_knows(&history, (uint64_t)1 << 40));
    ck_assert(!skew_history_knows(&history, (uint64_t)900 << 40));
    skew_history_free(&history);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("skew_join");
    TCase *tests = tcase_create("join");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_any_order);
    tcase_add_test(tests, test_room_is_given_back);
    tcase_add_test(tests, test_who_is_whose);
    tcase_add_test(tests, test_beginnings);
    tcase_add_test(tests, test_too_many);
    tcase_add_test(tests, test_history);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
