// SPDX-License-Identifier: Apache-2.0
// The ledger: shares add up, levels are at their marks, and who is parked or goes on.
#include "consumer/runtime/memory.h"

#include <check.h>
#include <stdlib.h>

#include "consumer/http/metrics.h"
#include "consumer/source/kafka.h"

enum { MIB = 1 << 20 };

START_TEST(shares_add_up)
{
    struct weir_memory memory = {.limit = 80 * MIB};
    struct weir_memory_share a = {0}, b = {0};
    weir_memory_set(&memory, &a, WEIR_MEMORY_WINDOWS, 30 * MIB);
    weir_memory_set(&memory, &b, WEIR_MEMORY_WINDOWS, 5 * MIB);
    weir_memory_set(&memory, &b, WEIR_MEMORY_AHEAD, 7 * MIB);
    weir_memory_set(&memory, &a, WEIR_MEMORY_WINDOWS, 20 * MIB); // instead, not in addition
    weir_memory_add(&memory, WEIR_MEMORY_OUTPUT, 3 * MIB);
    ck_assert_int_eq(weir_memory_total(&memory), 35 * MIB);
    ck_assert_int_eq(weir_memory_left(&memory), 45 * MIB);
    weir_memory_tell(&memory);
    ck_assert_uint_eq(weir_metrics.memory_limit, 80 * MIB);
    ck_assert_uint_eq(weir_metrics.memory_windows, 25 * MIB);
    ck_assert_uint_eq(weir_metrics.memory_ahead, 7 * MIB);
    ck_assert_uint_eq(weir_metrics.memory_output, 3 * MIB);
    ck_assert_uint_eq(weir_metrics.memory_restores, 0);
    weir_memory_leave(&memory, &b);
    ck_assert_int_eq(weir_memory_total(&memory), 23 * MIB);
    weir_memory_add(&memory, WEIR_MEMORY_MERGERS, 100 * MIB);
    ck_assert_int_eq(weir_memory_left(&memory), 0); // never below
}
END_TEST

START_TEST(levels)
{
    struct weir_memory memory = {.limit = 80 * MIB};
    struct weir_memory_share share = {0};
    const struct {
        int64_t windows, ahead;
        enum weir_memory_level level;
    } cases[] = {{0, 0, WEIR_MEMORY_CALM},         {49, 0, WEIR_MEMORY_CALM},
                 {40, 10, WEIR_MEMORY_USUAL},      {59, 0, WEIR_MEMORY_USUAL},
                 {60, 0, WEIR_MEMORY_USUAL}, // nothing to give back
                 {50, 10, WEIR_MEMORY_TIGHT},      {69, 0, WEIR_MEMORY_USUAL},
                 {70, 0, WEIR_MEMORY_PRESSED},     {60, 10, WEIR_MEMORY_PRESSED},
                 {1000000, 0, WEIR_MEMORY_PRESSED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weir_memory_set(&memory, &share, WEIR_MEMORY_WINDOWS, cases[i].windows * MIB);
        weir_memory_set(&memory, &share, WEIR_MEMORY_AHEAD, cases[i].ahead * MIB);
        ck_assert_int_eq(weir_memory_level(&memory), cases[i].level);
    }
}
END_TEST

// What is fetched ahead of all partitions is about a quarter of the limit, however small the
// records are.
START_TEST(fetching_ahead)
{
    const int64_t limits[] = {64 * MIB, 512 * MIB, (int64_t)2048 * MIB};
    for (size_t i = 0; i < 3; i++) {
        for (int64_t partitions = 1; partitions <= 64; partitions *= 4) {
            struct weir_kafka_fetch fetch = weir_kafka_fetch(limits[i], partitions);
            int64_t small = partitions * (int64_t)fetch.messages * (WEIR_KAFKA_MESSAGE + 100);
            int64_t large =
                partitions * ((int64_t)fetch.kilobytes * 1024 + (int64_t)fetch.partition);
            ck_assert_int_le(small, limits[i] / 4 + 1);
            ck_assert_int_le(large, limits[i] / 8 * 3 + 1);
        }
    }
    // A thousand partitions read a little each.
    ck_assert_uint_eq(weir_kafka_fetch(64 * MIB, 1000).kilobytes, 64);
    ck_assert_uint_eq(weir_kafka_fetch((int64_t)1 << 50, 1).kilobytes, 65536);
    ck_assert_uint_eq(weir_memory_dictionary(64 * MIB, 32), 256 << 10);
    ck_assert_uint_eq(weir_memory_dictionary((int64_t)2048 * MIB, 10), 4 << 20);
    ck_assert_uint_eq(weir_memory_dictionary(64 * MIB, 100000), 64 << 10);
}
END_TEST

START_TEST(who_is_parked)
{
    struct weir_memory_task tasks[] = {{300, 0, 0}, {100, 0, 0}, {500, 0, 0}, {900, 0, 1}};
    size_t task = 99;
    // Nothing without need; then the one furthest ahead that has something to read.
    ck_assert_int_eq(weir_memory_choose(WEIR_MEMORY_USUAL, tasks, 4, &task), WEIR_MEMORY_STAY);
    ck_assert_int_eq(weir_memory_choose(WEIR_MEMORY_TIGHT, tasks, 4, &task), WEIR_MEMORY_PARK);
    ck_assert_uint_eq(task, 2);
    tasks[2].parked = 1;
    ck_assert_int_eq(weir_memory_choose(WEIR_MEMORY_PRESSED, tasks, 4, &task), WEIR_MEMORY_PARK);
    ck_assert_uint_eq(task, 0);
    tasks[0].parked = 1;
    // The one furthest behind always goes on.
    ck_assert_int_eq(weir_memory_choose(WEIR_MEMORY_PRESSED, tasks, 4, &task), WEIR_MEMORY_STAY);
    // It has come past another one: that one's turn, and then it is the one to be parked.
    tasks[1].newest = 301;
    ck_assert_int_eq(weir_memory_choose(WEIR_MEMORY_PRESSED, tasks, 4, &task), WEIR_MEMORY_RESUME);
    ck_assert_uint_eq(task, 0);
    tasks[0].parked = 0;
    ck_assert_int_eq(weir_memory_choose(WEIR_MEMORY_PRESSED, tasks, 4, &task), WEIR_MEMORY_PARK);
    ck_assert_uint_eq(task, 1);
    tasks[1].parked = 1;
    // It has come to the end of its partition: the next one behind goes on, however full it is.
    tasks[0].waits = 1;
    ck_assert_int_eq(weir_memory_choose(WEIR_MEMORY_PRESSED, tasks, 4, &task), WEIR_MEMORY_RESUME);
    ck_assert_uint_eq(task, 1);
    tasks[1].parked = 0;
    // When there is room again all go on, those furthest behind first.
    ck_assert_int_eq(weir_memory_choose(WEIR_MEMORY_USUAL, tasks, 4, &task), WEIR_MEMORY_STAY);
    ck_assert_int_eq(weir_memory_choose(WEIR_MEMORY_CALM, tasks, 4, &task), WEIR_MEMORY_RESUME);
    ck_assert_uint_eq(task, 2);
    tasks[2].parked = 0;
    ck_assert_int_eq(weir_memory_choose(WEIR_MEMORY_CALM, tasks, 4, &task), WEIR_MEMORY_STAY);
    ck_assert_int_eq(weir_memory_choose(WEIR_MEMORY_PRESSED, tasks, 0, &task), WEIR_MEMORY_STAY);
}
END_TEST

// Whatever the level, some task with something to read goes on after a few moves.
START_TEST(never_all)
{
    struct weir_memory_task tasks[6];
    srand((unsigned)_i);
    for (size_t i = 0; i < 6; i++)
        tasks[i] = (struct weir_memory_task){rand() % 100, rand() % 2, rand() % 3 == 0};
    for (int round = 0; round < 500; round++) {
        enum weir_memory_level level = (enum weir_memory_level)(rand() % 4);
        int reading = 0;
        size_t task;
        for (int moves = 0; moves < 20; moves++) {
            enum weir_memory_move move = weir_memory_choose(level, tasks, 6, &task);
            if (move == WEIR_MEMORY_STAY)
                break;
            tasks[task].parked = move == WEIR_MEMORY_PARK;
            tasks[task].waits &= tasks[task].parked;
            if (move == WEIR_MEMORY_RESUME && level == WEIR_MEMORY_PRESSED)
                break;
        }
        int64_t least = INT64_MAX;
        for (size_t i = 0; i < 6; i++) {
            reading |= !tasks[i].parked;
            least = tasks[i].newest < least ? tasks[i].newest : least;
        }
        ck_assert(reading);
        for (size_t i = 0; i < 6; i++) { // those that read come on
            tasks[i].newest += tasks[i].parked ? 0 : rand() % 10;
            if (!tasks[i].parked && rand() % 20 == 0)
                tasks[i].waits = !tasks[i].waits;
        }
    }
    // None was left behind for ever.
    int64_t low = INT64_MAX, high = 0;
    for (size_t i = 0; i < 6; i++) {
        low = tasks[i].newest < low ? tasks[i].newest : low;
        high = tasks[i].newest > high ? tasks[i].newest : high;
    }
    ck_assert_int_gt(low, 300);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *cases = tcase_create("memory");
    tcase_add_test(cases, shares_add_up);
    tcase_add_test(cases, levels);
    tcase_add_test(cases, fetching_ahead);
    tcase_add_test(cases, who_is_parked);
    tcase_add_loop_test(cases, never_all, 0, 20);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
