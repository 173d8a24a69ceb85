// SPDX-License-Identifier: Apache-2.0
#include "consumer/window/clock.h"

#include <string.h>

enum {
    KNOWN_STEPS = 16, // ordinary steps after which the usual one is known
    SLACK = 48,       // of max_jump, by which clocks may be off: half an hour of a day
    LAST = 5          // that many at the end of the input suffice
};

void weir_clock_init(struct weir_clock *clock, int64_t max_jump)
{
    memset(clock, 0, sizeof *clock);
    clock->max_jump = max_jump;
    clock->newest = INT64_MIN;
}

// Its rhythm leaves days between records anyhow, or there is none yet.
static int is_sparse(const struct weir_clock *clock)
{
    return !clock->advances || clock->advanced / (int64_t)clock->advances > clock->max_jump / 10;
}

// How many records in a row make a jump true: the more is known, the more.
static uint64_t needed(const struct weir_clock *clock)
{
    if (clock->newest == INT64_MIN || is_sparse(clock))
        return 2;
    return clock->advances < WEIR_CLOCK_HELD - 2 ? clock->advances + 2 : WEIR_CLOCK_HELD;
}

static int64_t slack(const struct weir_clock *clock)
{
    return clock->max_jump / SLACK;
}

// A record that is ahead of when it was written, while the clock is not.
static int is_unborn(const struct weir_clock *clock, int64_t newest, int64_t time,
                     int64_t timestamp)
{
    int64_t latest = weir_time_add(timestamp, slack(clock));
    return timestamp > 0 && time > latest && newest <= latest &&
           time > weir_time_add(newest, slack(clock));
}

static int is_jump(const struct weir_clock *clock, int64_t time)
{
    return clock->newest == INT64_MIN || time > weir_time_add(clock->newest, clock->max_jump);
}

size_t weir_clock_run(struct weir_clock *clock, const int64_t *times, const int64_t *timestamps,
                      size_t n, int64_t *before)
{
    if (clock->newest == INT64_MIN || clock->n_held || clock->refused)
        return 0;
    int64_t newest = clock->newest;
    size_t i;
    for (i = 0; i < n; i++) {
        int64_t time = times[i];
        before[i] = newest;
        if (time > newest) {
            if (time > weir_time_add(newest, slack(clock)) &&
                (time > weir_time_add(newest, clock->max_jump) ||
                 is_unborn(clock, newest, time, timestamps[i])))
                break;
            clock->advanced = weir_time_add(clock->advanced, time - newest);
            clock->advances++;
            newest = time;
        }
    }
    clock->newest = newest;
    return i;
}

static void accept(struct weir_clock *clock, int64_t time)
{
    if (time > clock->newest)
        clock->newest = time;
}

static int near(const struct weir_clock *clock, int64_t a, int64_t b)
{
    return a <= weir_time_add(b, clock->max_jump) && b <= weir_time_add(a, clock->max_jump);
}

static void hold(struct weir_clock *clock, int64_t time, struct weir_clock_step *step)
{
    clock->held[clock->n_held++] = time;
    step->hold = 1;
}

// Takes the held records out that were confirmed or denied.
static void keep_rest(struct weir_clock *clock, const struct weir_clock_step *step)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < clock->n_held; i++) {
        if (!((step->confirm | step->deny) >> i & 1))
            clock->held[kept++] = clock->held[i];
    }
    clock->n_held = kept;
}

static void deny_all(struct weir_clock *clock, struct weir_clock_step *step)
{
    step->deny = clock->n_held ? UINT64_MAX >> (64 - clock->n_held) : 0;
    clock->n_held = 0;
}

// Moves the clock to the least of the held records, and on to those within reach of it.
static void believe(struct weir_clock *clock, int64_t least, struct weir_clock_step *step)
{
    int64_t from = clock->newest;
    int moved = 1;
    for (unsigned i = 0; i < clock->n_held; i++)
        least = clock->held[i] < least ? clock->held[i] : least;
    if (clock->advances >= KNOWN_STEPS && !is_sparse(clock))
        step->leap = weir_time_add(least, -from);
    accept(clock, least);
    while (moved) {
        moved = 0;
        for (unsigned i = 0; i < clock->n_held; i++) {
            if (!(step->confirm >> i & 1) && !is_jump(clock, clock->held[i])) {
                step->confirm |= (uint64_t)1 << i;
                accept(clock, clock->held[i]);
                moved = 1;
            }
        }
    }
    keep_rest(clock, step);
}

// Nothing is known of a rhythm, and a jump arrives: the next record at or beyond it confirms one.
static struct weir_clock_step sparse(struct weir_clock *clock, int64_t time)
{
    struct weir_clock_step step = {0};
    int64_t first = clock->held[0], then = clock->n_held > 1 ? clock->held[1] : first;
    int at_first = near(clock, time, first), at_then = near(clock, time, then);
    if (clock->n_held == 1 && !at_first && (time < first || clock->newest == INT64_MIN)) {
        // One that lies before the held one shows that to be off. The very first record has nothing
        // before it, so that one far ahead of it confirms nothing: the third decides.
        if (time < first)
            deny_all(clock, &step);
        hold(clock, time, &step);
        return step;
    }
    int apart = clock->n_held > 1 && !near(clock, first, then);
    if (apart && (at_first || at_then)) {
        step.confirm = at_first ? 1 : 2;
        step.deny = at_first ? 2 : 1;
        accept(clock, at_first ? first : then);
    } else if (clock->n_held > 1 && time < first && !at_first) {
        deny_all(clock, &step);
        hold(clock, time, &step);
        return step;
    } else {
        for (unsigned i = 0; i < clock->n_held; i++) {
            step.confirm |= (uint64_t)1 << i;
            accept(clock, clock->held[i]);
        }
    }
    accept(clock, time);
    clock->n_held = 0;
    return step;
}

// The records in a row that are ahead are `needed` many.
static struct weir_clock_step confirmed(struct weir_clock *clock, int64_t time)
{
    struct weir_clock_step step = {0};
    believe(clock, time, &step);
    if (is_jump(clock, time))
        hold(clock, time, &step);
    else
        accept(clock, time);
    return step;
}

struct weir_clock_step weir_clock_step(struct weir_clock *clock, int64_t time, int64_t timestamp)
{
    struct weir_clock_step step = {0};
    int known = clock->newest != INT64_MIN;
    if (known && is_unborn(clock, clock->newest, time, timestamp) &&
        clock->refused < WEIR_CLOCK_REFUSED) {
        clock->refused++;
        step.refuse = 1;
        return step;
    }
    if (!is_jump(clock, time)) {
        // So far behind, it does not know what time it is.
        if (weir_time_add(time, clock->max_jump) < clock->newest)
            return step;
        // An ordinary record in between: what was held is not confirmed.
        deny_all(clock, &step);
        clock->refused = 0;
        accept(clock, time);
        return step;
    }
    if (clock->n_held == 0) {
        hold(clock, time, &step);
        return step;
    }
    if (needed(clock) == 2 && clock->n_held <= 2)
        return sparse(clock, time);
    if (clock->n_held + 1 < needed(clock)) {
        hold(clock, time, &step);
        return step;
    }
    return confirmed(clock, time);
}

void weir_clock_advance(struct weir_clock *clock, int64_t time)
{
    if (clock->newest != INT64_MIN && time > clock->newest)
        clock->newest = time;
}

struct weir_clock_step weir_clock_end(struct weir_clock *clock)
{
    struct weir_clock_step step = {0};
    // With nothing before them there is nothing that speaks against them.
    if (!clock->n_held || clock->newest == INT64_MIN || is_sparse(clock)) {
        for (unsigned i = 0; i < clock->n_held; i++) {
            step.confirm |= (uint64_t)1 << i;
            accept(clock, clock->held[i]);
        }
        clock->n_held = 0;
        return step;
    }
    if (clock->n_held >= LAST)
        believe(clock, INT64_MAX, &step);
    for (unsigned i = 0, left = clock->n_held; left && i < WEIR_CLOCK_HELD; i++) {
        if (!(step.confirm >> i & 1)) {
            step.deny |= (uint64_t)1 << i;
            left--;
        }
    }
    clock->n_held = 0;
    return step;
}

int weir_clock_save(const struct weir_clock *clock, struct weir_buffer *out)
{
    weir_put_long(out, clock->newest);
    weir_put_long(out, (int64_t)clock->advances);
    weir_put_long(out, clock->advanced);
    weir_put_long(out, clock->n_held);
    for (unsigned i = 0; i < clock->n_held; i++)
        weir_put_long(out, clock->held[i]);
    weir_put_long(out, clock->refused);
    return out->failed;
}

void weir_clock_restore(struct weir_clock *clock, int version, struct weir_reader *in)
{
    clock->newest = weir_get_long(in);
    clock->advances = weir_get_count(in, INT64_MAX);
    clock->advanced = weir_get_long(in);
    clock->n_held = (unsigned)weir_get_count(in, WEIR_CLOCK_HELD);
    for (unsigned i = 0; i < clock->n_held; i++)
        clock->held[i] = weir_get_long(in);
    clock->refused = version > 1 ? (unsigned)weir_get_count(in, WEIR_CLOCK_REFUSED) : 0;
}
