// SPDX-License-Identifier: Apache-2.0
#include "consumer/window/clock.h"

#include <string.h>

enum { KNOWN_STEPS = 16 }; // ordinary steps after which the usual one is known

void weir_clock_init(struct weir_clock *clock, int64_t max_jump)
{
    memset(clock, 0, sizeof *clock);
    clock->max_jump = max_jump;
    clock->newest = INT64_MIN;
}

static int is_sparse(const struct weir_clock *clock)
{
    return clock->advances < KNOWN_STEPS ||
           clock->advanced / (int64_t)clock->advances > clock->max_jump / 10;
}

static int is_jump(const struct weir_clock *clock, int64_t time)
{
    return clock->newest == INT64_MIN || time > weir_time_add(clock->newest, clock->max_jump);
}

size_t weir_clock_run(struct weir_clock *clock, const int64_t *times, size_t n, int64_t *before)
{
    if (clock->newest == INT64_MIN || clock->n_held)
        return 0;
    int64_t newest = clock->newest;
    size_t i;
    for (i = 0; i < n; i++) {
        int64_t time = times[i];
        before[i] = newest;
        if (time > newest) {
            if (time > weir_time_add(newest, clock->max_jump))
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

// One record is held, and another jump arrives.
static struct weir_clock_step second(struct weir_clock *clock, int64_t time)
{
    struct weir_clock_step step = {0, 0, 0};
    int64_t first = clock->held[0];
    if (time < first && !near(clock, time, first)) {
        // The held one was far off: this one is the new candidate.
        step.deny = 1;
        step.hold = 1;
        clock->held[0] = time;
        return step;
    }
    // The very first record has nothing before it, so one that is far ahead of it confirms
    // nothing: the third decides which of them was off. A known rhythm asks for three as well.
    int unsure = clock->newest == INT64_MIN && !near(clock, time, first);
    if (unsure || !is_sparse(clock)) {
        clock->held[clock->n_held++] = time;
        step.hold = 1;
        return step;
    }
    step.confirm = 1;
    accept(clock, first);
    accept(clock, time);
    clock->n_held = 0;
    return step;
}

// Two are held, and a third jump arrives.
static struct weir_clock_step third(struct weir_clock *clock, int64_t time)
{
    struct weir_clock_step step = {0, 0, 0};
    int64_t first = clock->held[0], then = clock->held[1];
    int near_first = near(clock, time, first), near_then = near(clock, time, then);
    if (near_first && !near(clock, first, then)) {
        step.confirm = 1;
        step.deny = 2;
    } else if (near_then && !near(clock, first, then)) {
        step.confirm = 2;
        step.deny = 1;
    } else if (time < first && !near_first) {
        step.deny = 3;
        step.hold = 1;
        clock->held[0] = time;
        clock->n_held = 1;
        return step;
    } else {
        step.confirm = 3;
    }
    if (step.confirm & 1)
        accept(clock, first);
    if (step.confirm & 2)
        accept(clock, then);
    accept(clock, time);
    clock->n_held = 0;
    return step;
}

struct weir_clock_step weir_clock_step(struct weir_clock *clock, int64_t time)
{
    struct weir_clock_step step = {0, 0, 0};
    if (!is_jump(clock, time)) {
        // An ordinary record in between: what was held is not confirmed.
        step.deny = (1u << clock->n_held) - 1;
        clock->n_held = 0;
        accept(clock, time);
        return step;
    }
    if (clock->n_held == 0) {
        clock->held[clock->n_held++] = time;
        step.hold = 1;
        return step;
    }
    return clock->n_held == 1 ? second(clock, time) : third(clock, time);
}

void weir_clock_advance(struct weir_clock *clock, int64_t time)
{
    if (clock->newest != INT64_MIN && time > clock->newest)
        clock->newest = time;
}

struct weir_clock_step weir_clock_end(struct weir_clock *clock)
{
    struct weir_clock_step step = {0, 0, 0};
    unsigned all = (1u << clock->n_held) - 1;
    // With nothing before them there is nothing that speaks against them.
    if (clock->newest == INT64_MIN || is_sparse(clock)) {
        step.confirm = all;
        for (unsigned i = 0; i < clock->n_held; i++)
            accept(clock, clock->held[i]);
    } else {
        step.deny = all;
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
    return out->failed;
}

void weir_clock_restore(struct weir_clock *clock, struct weir_reader *in)
{
    clock->newest = weir_get_long(in);
    clock->advances = (uint64_t)weir_get_long(in);
    clock->advanced = weir_get_long(in);
    clock->n_held = (unsigned)weir_get_count(in, WEIR_CLOCK_HELD);
    for (unsigned i = 0; i < clock->n_held; i++)
        clock->held[i] = weir_get_long(in);
}
