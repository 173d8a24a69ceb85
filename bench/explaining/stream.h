// SPDX-License-Identifier: Apache-2.0
// A stream of records in which one thing changes, and a host that shows its windows to the drift
// detector: whole, by slice and by pane, with a profile that keeps rows.
#ifndef WEIR_BENCH_EXPLAINING_STREAM_H
#define WEIR_BENCH_EXPLAINING_STREAM_H

#include <stdint.h>

#include "stats/buffer.h"
#include "weir/detector.h"

// NUMBERS fields f0 ... (f0 and every third heavy-tailed), then country and route, both of which
// are slices.
enum { NUMBERS = 42, COUNTRY = NUMBERS, ROUTE, FIELDS, COUNTRIES = 4, ROUTES = 3 };

enum cause {
    NOTHING,
    SHIFT,
    SCALE,
    TAIL,      // `size` of the records at 5 sd
    SPIKE,     // `size` of the records have the median
    NEW,       // `size` of the records from a country that was never seen
    SHARES,    // `size` of the records more from JP
    NULLS,     // `size` of the records
    UNIT,      // times `size`
    ONE_SLICE, // a shift where the country is JP (a quarter of the records)
    MIX,       // JP, where f2 is always higher, has `size` more of the records
    UPSTREAM,  // 40 fields shift at once
    CHAIN,     // f1 shifts, and `late` hours later f2
    STEADY,    // a shift that takes `takes` hours
    STAIRCASE, // the same in four steps
    GRADUAL,   // a growing share of records has the shift
    IN_SLICE,  // as steady, where the country is JP
    CREEPING,  // as shares, over `takes` hours
    FIRST,     // as steady, and `later` hours later f2
    AGAIN,     // a shift that lasts `takes` hours, and comes again after as many and half as many
    EPISODES,  // a shift of six hours that comes back every two days
    OTHERS,    // as episodes, but each time it is another change
    CAUSES
};

struct stream {
    uint64_t rows; // an hour
    double rhythm; // sd of the daily one
    size_t fields; // numbers that are looked at
    enum cause cause;
    double size, begins; // hours
    double takes;        // 0: 24
    double later;
};
extern struct stream stream;

struct said { // the finding of a window
    int n;    // drift findings of the whole stream
    char kind[32], field[32], summary[1000], how[24], onset[300], order[300], carrier[300];
    char slice[80], rule[200], again[300];
    size_t lines; // of fields
};

void stream_seed(uint64_t seed);
// Cells, and the profile: two weeks of the stream as it is.
void stream_open(void);
void stream_close(void);
// hop: panes of a quarter hour. calibrated: 30 days of it are wanted.
void *stream_instance(int hop, int calibrated);
void stream_destroy(void *instance);
void *stream_owner(void *instance, const struct weir_buffer *saved); // NULL: new
void stream_end(void *owner);
void stream_save(const void *owner, struct weir_buffer *out);
// The hour from `hour` on, or the quarter in which it ends where windows hop.
struct said stream_window(void *owner, double hour, int hop);

#endif
