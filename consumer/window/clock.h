// SPDX-License-Identifier: Apache-2.0
// The event-time clock of one task and stream: it follows the newest record, but is not carried
// off by records from the year 2100, be they one or one in ten.
//
// A record more than `max_jump` ahead is *held*: it does not move the clock until so many records
// in a row are as far ahead, and then to the least of them: WEIR_CLOCK_HELD of them, fewer as long
// as little is known, two where the stream is sparse (its usual step is over a tenth of max_jump).
// A record within reach of the clock denies those that are held; one that is more than max_jump
// behind says nothing. The first record of all is held likewise.
//
// Where Kafka's timestamps say how late it is, they are believed first: a record that is ahead of
// its own timestamp by more than a 48th of max_jump, where the clock is not, is *refused*: it moves
// nothing, unless over WEIR_CLOCK_REFUSED come in a row (simulated time, say). It cannot have
// happened yet.
#ifndef WEIR_WINDOW_CLOCK_H
#define WEIR_WINDOW_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "stats/buffer.h"

enum {
    WEIR_CLOCK_HELD = 32,     // records in a row that confirm a jump; until then they are held
    WEIR_CLOCK_REFUSED = 1024 // records in a row that are not believed
};

struct weir_clock {
    int64_t max_jump; // ms
    int64_t newest;   // INT64_MIN: no record yet
    uint64_t advances;
    int64_t advanced;              // sum of ordinary steps, ms
    int64_t held[WEIR_CLOCK_HELD]; // in the order they came
    unsigned n_held;
    unsigned refused; // in a row
};

// What to do with the held records (by their order) and with the record at hand. Those that are
// neither confirmed nor denied stay held, and move up.
struct weir_clock_step {
    uint64_t confirm; // bit i: held record i counts
    uint64_t deny;    // bit i: held record i is out of time
    int hold;         // the record at hand is held: behind those that stay
    int refuse;       // the record at hand is out of time
    int64_t leap;     // ms by which a clock whose rhythm was known was moved; 0: it was not
};

void weir_clock_init(struct weir_clock *clock, int64_t max_jump);
// Takes as many leading times as are ordinary, and writes to before[i] the newest time before
// record i. Returns how many it took: the next one needs weir_clock_step(). A timestamp that is not
// above 0 is none.
size_t weir_clock_run(struct weir_clock *clock, const int64_t *times, const int64_t *timestamps,
                      size_t n, int64_t *before);
struct weir_clock_step weir_clock_step(struct weir_clock *clock, int64_t time, int64_t timestamp);
// Time passes without records. No effect before the first record.
void weir_clock_advance(struct weir_clock *clock, int64_t time);
// The end of the input: what happens to held records.
struct weir_clock_step weir_clock_end(struct weir_clock *clock);

int weir_clock_save(const struct weir_clock *clock, struct weir_buffer *out);
// `version` 1: as before there was refusing.
void weir_clock_restore(struct weir_clock *clock, int version, struct weir_reader *in);

// floor(time / length) * length, also for times before 1970; not below INT64_MIN. `length` > 0.
static inline int64_t weir_pane_floor(int64_t time, int64_t length)
{
    int64_t rest = time % length, start;
    return __builtin_sub_overflow(time, rest < 0 ? rest + length : rest, &start) ? INT64_MIN
                                                                                 : start;
}
// The same, quick where neighbours are mostly in one pane: `*start` is where the last one was
// (at first the start of any pane).
static inline int64_t weir_pane_floor_near(int64_t time, int64_t length, int64_t *start)
{
    if ((uint64_t)time - (uint64_t)*start >= (uint64_t)length)
        *start = weir_pane_floor(time, length);
    return *start;
}
// time + span, held within int64.
static inline int64_t weir_time_add(int64_t time, int64_t span)
{
    int64_t sum;
    if (__builtin_add_overflow(time, span, &sum))
        return span > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}

#endif
