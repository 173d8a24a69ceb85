// SPDX-License-Identifier: Apache-2.0
// The event-time clock: what moves it, what it holds, what is confirmed and what denied.
#include "consumer/window/clock.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const int64_t minute = 60000, day = 86400000, now = 1760000000000, far = 4102444800000;

static const int64_t *stamps; // Kafka timestamps of the records played; NULL: none
static int64_t leapt;         // by the last play, in all

// Plays times one by one; writes for each what became of it: 'o' ordinary, 'h' held and still so,
// 'c' confirmed, 'd' denied, 'r' refused. `cut` saves and restores the clock before that record.
static int64_t play(const int64_t *times, size_t n, size_t cut, int end, char *fates)
{
    struct weir_clock clock;
    size_t held[WEIR_CLOCK_HELD], n_held = 0;
    weir_clock_init(&clock, day);
    leapt = 0;
    for (size_t i = 0; i <= n; i++) {
        struct weir_clock_step step = {0};
        if (i == cut) {
            struct weir_buffer out;
            weir_buffer_init(&out, 1024);
            ck_assert_int_eq(weir_clock_save(&clock, &out), 0);
            struct weir_reader in = weir_reader_make(out.data, out.length);
            weir_clock_init(&clock, day);
            weir_clock_restore(&clock, 2, &in);
            ck_assert(!in.failed && !weir_reader_left(&in));
            weir_buffer_free(&out);
        }
        if (i == n && !end)
            break;
        int64_t before = INT64_MAX, newest = clock.newest, none = 0;
        const int64_t *stamp = stamps ? &stamps[i] : &none;
        size_t taken = i < n ? weir_clock_run(&clock, &times[i], stamp, 1, &before) : 0;
        if (taken) {
            ck_assert_int_eq(before, newest);
            fates[i] = 'o';
            continue;
        }
        step = i < n ? weir_clock_step(&clock, times[i], *stamp) : weir_clock_end(&clock);
        leapt += step.leap;
        ck_assert_uint_eq(step.confirm & step.deny, 0);
        size_t kept = 0;
        for (size_t k = 0; k < n_held; k++) {
            int confirmed = step.confirm >> k & 1, denied = step.deny >> k & 1;
            if (confirmed || denied)
                fates[held[k]] = confirmed ? 'c' : 'd';
            else
                held[kept++] = held[k];
        }
        ck_assert_uint_eq((step.confirm | step.deny) >> n_held, 0);
        n_held = kept;
        if (i < n) {
            fates[i] = step.hold ? 'h' : step.refuse ? 'r' : 'o';
            if (step.hold)
                held[n_held++] = i;
        }
        ck_assert_uint_eq(clock.n_held, n_held);
        ck_assert_int_ge(clock.newest, newest);
    }
    fates[n] = 0;
    return clock.newest;
}

// The same whether or not it is saved and restored anywhere.
static int64_t fate(const int64_t *times, size_t n, int end, const char *expected)
{
    char fates[1500], again[1500];
    int64_t newest = play(times, n, SIZE_MAX, end, fates);
    ck_assert_str_eq(fates, expected);
    for (size_t cut = 0; cut <= n; cut += 1 + n / 16) {
        ck_assert_int_eq(play(times, n, cut, end, again), newest);
        ck_assert_str_eq(again, expected);
    }
    return newest;
}

static size_t steady(int64_t *times, size_t n, int64_t step)
{
    for (size_t i = 0; i < n; i++)
        times[i] = now + (int64_t)i * step;
    return n;
}

START_TEST(in_and_out_of_order)
{
    int64_t times[] = {now, now + 5, now + 3, now + 3, now - 10 * day, now + minute, now + 7};
    ck_assert_int_eq(fate(times, 7, 0, "coooooo"), now + minute);
}
END_TEST

// So many of a fate, after what is there.
static void expect(char *expected, size_t n, char fate)
{
    size_t length = strlen(expected);
    memset(expected + length, fate, n);
    expected[length + n] = 0;
}

// A rhythm is known: WEIR_CLOCK_HELD records in a row have to say so.
START_TEST(jumps)
{
    int64_t times[100];
    size_t n = steady(times, 60, minute), few = WEIR_CLOCK_HELD - 1;
    int64_t last = times[n - 1];
    for (size_t i = 0; i <= few; i++)
        times[n + i] = far + (int64_t)i;
    char all[100] = "c";
    expect(all, n - 1, 'o');
    expect(all, few, 'c');
    expect(all, 1, 'o');
    ck_assert_int_eq(fate(times, n + few + 1, 0, all), far + (int64_t)few);
    ck_assert_int_eq(leapt, far - last);

    times[n + few] = last + 1; // one fewer does not suffice
    char none[100] = "c";
    expect(none, n - 1, 'o');
    expect(none, few, 'd');
    expect(none, 1, 'o');
    ck_assert_int_eq(fate(times, n + few + 1, 0, none), last + 1);
    ck_assert_int_eq(leapt, 0);

    // Nor do some to many places: the least is believed, and what is within reach of it.
    for (size_t i = 0; i <= few; i++)
        times[n + i] = i % 10 == 3 ? far : now + 30 * day + (int64_t)i * minute;
    char some[100] = "c";
    expect(some, n - 1, 'o');
    for (size_t i = 0; i < few; i++)
        expect(some, 1, i % 10 == 3 ? 'h' : 'c');
    expect(some, 1, 'o');
    ck_assert_int_eq(fate(times, n + few + 1, 0, some), times[n + few]);
    ck_assert_int_eq(leapt, times[n] - last);
    for (char *held = some; (held = strchr(held, 'h'));)
        *held = 'd';
    ck_assert_int_eq(fate(times, n + few + 1, 1, some), times[n + few]);
}
END_TEST

// One in ten is ahead, by days or by years: a week of records, and none of them moves the clock.
START_TEST(one_in_ten_ahead)
{
    struct weir_clock clock;
    srand(3);
    weir_clock_init(&clock, day);
    int64_t before, newest = 0, none = 0;
    for (int i = 0; i < 200000; i++) {
        int64_t time = now + i * 3000;
        int off = i > 100 && rand() % 10 == 0;
        time += off ? (rand() % 2 ? 40 * day : (int64_t)rand() * 1000) + 2 * day : 0;
        newest = off ? newest : time;
        if (!weir_clock_run(&clock, &time, &none, 1, &before))
            weir_clock_step(&clock, time, none);
    }
    ck_assert_int_eq(clock.newest, newest);
}
END_TEST

// As long as little is known, few suffice.
START_TEST(jumps_at_the_beginning)
{
    int64_t times[] = {now,           now + 1,           now + 2,
                       now + 3,       now + 9 * day,     now + 9 * day + 1,
                       now + 9 * day, now + 9 * day + 2, now + 9 * day + 3};
    ck_assert_int_eq(fate(times, 9, 0, "cooocccoo"), times[8]);
    ck_assert_int_eq(leapt, 0);
    ck_assert_int_eq(fate(times, 7, 0, "cooohhh"), times[3]);
    ck_assert_int_eq(fate(times, 7, 1, "coooddd"), times[3]);
}
END_TEST

// What is older than that by days does not know what time it is.
START_TEST(zeros_between)
{
    int64_t times[140];
    size_t n = steady(times, 40, minute);
    char expected[150] = "c";
    expect(expected, n - 1, 'o');
    for (size_t i = 0; i < 50; i++) {
        times[n + i] = i % 3 == 1 ? 0 : now + 5 * day + (int64_t)i;
        expect(expected, 1, i % 3 == 1 || i >= 46 ? 'o' : 'c');
    }
    ck_assert_int_eq(fate(times, n + 50, 0, expected), now + 5 * day + 48);
}
END_TEST

// Ahead of their own Kafka timestamps: refused, however many there are among others.
START_TEST(ahead_of_timestamps)
{
    enum { N = 40, MORE = WEIR_CLOCK_REFUSED + WEIR_CLOCK_HELD + 1 };
    int64_t times[N + MORE], written[N + MORE + 1];
    const int64_t hour = 60 * minute;
    steady(times, N + MORE, minute);
    for (size_t i = 0; i <= N + MORE; i++)
        written[i] = now + (int64_t)i * minute + 500;
    stamps = written;
    char expected[N + MORE + 1] = "c";
    expect(expected, N - 1, 'o');
    for (size_t i = N; i < N + MORE; i++) { // an hour off, which is no jump
        int off = i % 10 < 6;
        times[i] += off ? hour : 0;
        expect(expected, 1, off ? 'r' : 'o');
    }
    ck_assert_int_eq(fate(times, N + MORE, 0, expected), now + (int64_t)(N + MORE - 1) * minute);

    // All of them: it is the timestamps that mean nothing.
    char all[N + MORE + 1] = "c";
    expect(all, N - 1, 'o');
    for (size_t i = N; i < N + MORE; i++)
        times[i] = now + 40 * day + (int64_t)i * minute;
    expect(all, WEIR_CLOCK_REFUSED, 'r');
    expect(all, WEIR_CLOCK_HELD - 1, 'c');
    expect(all, 2, 'o');
    ck_assert_int_eq(fate(times, N + MORE, 0, all), times[N + MORE - 1]);

    // Simulated time, which runs ahead of them from the beginning, or in small steps.
    char simulated[N + 1] = "c";
    expect(simulated, N - 1, 'o');
    for (size_t i = 0; i < N; i++) {
        times[i] = now + 90 * day + (int64_t)i * hour;
        written[i] = now + (int64_t)i;
    }
    ck_assert_int_eq(fate(times, N, 0, simulated), times[N - 1]);
    for (size_t i = 0; i < N; i++)
        times[i] = now + (int64_t)i * 20 * minute;
    ck_assert_int_eq(fate(times, N, 0, simulated), times[N - 1]);
    stamps = NULL;
}
END_TEST

START_TEST(weekend_gaps)
{
    int64_t times[100];
    size_t n = steady(times, 40, minute);
    char expected[100] = "c";
    expect(expected, n - 1, 'o');
    for (size_t i = 0; i < 40; i++)
        times[n + i] = now + 3 * day + (int64_t)i * minute;
    expect(expected, WEIR_CLOCK_HELD - 1, 'c');
    expect(expected, 41 - WEIR_CLOCK_HELD, 'o');
    ck_assert_int_eq(fate(times, n + 40, 1, expected), now + 3 * day + 39 * minute);
    // Fewer, and nothing behind them that denies them.
    expected[n] = 0;
    expect(expected, 20, 'c');
    ck_assert_int_eq(fate(times, n + 20, 1, expected), now + 3 * day + 19 * minute);
    ck_assert_int_eq(leapt, 3 * day - 39 * minute);
    expected[n] = 0;
    expect(expected, 4, 'd');
    ck_assert_int_eq(fate(times, n + 4, 1, expected), now + 39 * minute);
    // A day's are fewer than confirm it: the next day's do, and stay held themselves.
    for (size_t i = 0; i < 20; i++)
        times[n + 20 + i] = now + 9 * day + (int64_t)i * minute;
    expected[n] = 0;
    expect(expected, 20, 'c');
    expect(expected, 20, 'h');
    ck_assert_int_eq(fate(times, n + 40, 0, expected), now + 3 * day + 19 * minute);
}
END_TEST

START_TEST(a_first_record_that_is_off)
{
    int64_t early[] = {0, now, now + 1, now + 2};
    char fates[8];
    ck_assert_int_eq(play(early, 4, SIZE_MAX, 1, fates), now + 2);
    ck_assert(fates[1] == 'c' && fates[2] == 'o' && fates[3] == 'o');
    int64_t late[] = {far, now, now + 1, now + 2};
    ck_assert_int_eq(fate(late, 4, 1, "dcoo"), now + 2);
    int64_t alone[] = {now};
    ck_assert_int_eq(fate(alone, 1, 1, "c"), now);
    ck_assert_int_eq(fate(alone, 1, 0, "h"), INT64_MIN);
}
END_TEST

START_TEST(sparse_yearly_data)
{
    int64_t times[30];
    size_t n = steady(times, 30, 365 * day);
    char fates[40];
    ck_assert_int_eq(play(times, n, SIZE_MAX, 1, fates), times[n - 1]);
    for (size_t i = 0; i < n; i++)
        ck_assert(fates[i] == 'c' || fates[i] == 'o');
}
END_TEST

START_TEST(extremes_and_the_wall_clock)
{
    int64_t times[] = {INT64_MAX, INT64_MIN, 0, INT64_MAX, INT64_MIN, INT64_MAX, INT64_MAX - 1};
    char fates[8];
    play(times, 7, SIZE_MAX, 1, fates);
    struct weir_clock clock;
    weir_clock_init(&clock, day);
    weir_clock_advance(&clock, now);
    ck_assert_int_eq(clock.newest, INT64_MIN);
    weir_clock_step(&clock, now, 0);
    weir_clock_step(&clock, now, 0);
    weir_clock_advance(&clock, now + 40 * day);
    ck_assert_int_eq(clock.newest, now + 40 * day);
    weir_clock_advance(&clock, now);
    ck_assert_int_eq(clock.newest, now + 40 * day);
}
END_TEST

// However the times are cut into runs, the newest before each record is the same.
START_TEST(runs)
{
    int64_t times[500], one[500], many[500], written[500] = {0};
    srand(7);
    for (int i = 0; i < 500; i++)
        times[i] = now + i * 1000 + rand() % 5000;
    struct weir_clock clock;
    weir_clock_init(&clock, day);
    weir_clock_step(&clock, now, 0);
    weir_clock_step(&clock, now, 0);
    struct weir_clock other = clock;
    ck_assert_uint_eq(weir_clock_run(&clock, times, written, 500, one), 500);
    for (size_t at = 0; at < 500;) {
        size_t n = 1 + (size_t)rand() % 60;
        n = n < 500 - at ? n : 500 - at;
        ck_assert_uint_eq(weir_clock_run(&other, times + at, written, n, many + at), n);
        at += n;
    }
    ck_assert_mem_eq(one, many, sizeof one);
    ck_assert_int_eq(clock.newest, other.newest);
    ck_assert_int_eq(clock.advanced, other.advanced);
}
END_TEST

START_TEST(floors)
{
    ck_assert_int_eq(weir_pane_floor(0, 10), 0);
    ck_assert_int_eq(weir_pane_floor(19, 10), 10);
    ck_assert_int_eq(weir_pane_floor(-1, 10), -10);
    ck_assert_int_eq(weir_pane_floor(-10, 10), -10);
    ck_assert_int_eq(weir_pane_floor(INT64_MIN, 10), INT64_MIN);
    ck_assert_int_eq(weir_pane_floor(INT64_MIN + 8, 10), INT64_MIN + 8);
    ck_assert_int_eq(weir_time_add(INT64_MAX, 1), INT64_MAX);
    ck_assert_int_eq(weir_time_add(INT64_MIN, -1), INT64_MIN);
}
END_TEST

START_TEST(broken_state)
{
    struct weir_buffer out;
    struct weir_clock clock;
    weir_clock_init(&clock, day);
    weir_clock_step(&clock, now, 0);
    weir_buffer_init(&out, 1024);
    weir_clock_save(&clock, &out);
    for (size_t n = 0; n < out.length; n++) {
        struct weir_reader in = weir_reader_make(out.data, n);
        weir_clock_restore(&clock, 2, &in);
        ck_assert(in.failed);
        ck_assert_uint_le(clock.n_held, WEIR_CLOCK_HELD);
    }
    weir_buffer_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clock");
    TCase *cases = tcase_create("clock");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, in_and_out_of_order);
    tcase_add_test(cases, jumps);
    tcase_add_test(cases, one_in_ten_ahead);
    tcase_add_test(cases, jumps_at_the_beginning);
    tcase_add_test(cases, zeros_between);
    tcase_add_test(cases, ahead_of_timestamps);
    tcase_add_test(cases, weekend_gaps);
    tcase_add_test(cases, a_first_record_that_is_off);
    tcase_add_test(cases, sparse_yearly_data);
    tcase_add_test(cases, extremes_and_the_wall_clock);
    tcase_add_test(cases, runs);
    tcase_add_test(cases, floors);
    tcase_add_test(cases, broken_state);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
