// SPDX-License-Identifier: Apache-2.0
// One ledger of what a member holds, against limits.memory. What gives way, in this order:
//
//   tight (three quarters)   reading ahead: the partitions furthest ahead in event time are parked,
//                            one after the other, and what was fetched for them is given back, as
//                            long as there is something to give back
//   pressed (seven eighths)  all but the one that is furthest behind are parked, until windows have
//                            closed and output is committed (back-pressure)
//   full                     windows take in no more slices: their records are counted for the
//   whole
//                            stream alone, with a counter and weir.limit
//
// Every party tells what it holds; the ledger adds up. Thread-safe; a share is its owner's.
#ifndef WEIR_RUNTIME_MEMORY_H
#define WEIR_RUNTIME_MEMORY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum weir_memory_part {
    WEIR_MEMORY_AHEAD,     // records that were fetched and not looked at
    WEIR_MEMORY_BATCHES,   // batches under construction, and dictionaries of strings
    WEIR_MEMORY_WINDOWS,   // edge tasks' panes and rule counts
    WEIR_MEMORY_MERGERS,   // partials that were merged, windows, incidents
    WEIR_MEMORY_DETECTORS, // their state, of both roles
    WEIR_MEMORY_OUTPUT,    // what waits to be committed, and is being sent
    WEIR_MEMORY_RESTORES,  // snapshots that are being read
    WEIR_MEMORY_PARTS
};

enum weir_memory_level {
    WEIR_MEMORY_CALM,  // under five eighths: what was parked goes on
    WEIR_MEMORY_USUAL, // nothing changes
    WEIR_MEMORY_TIGHT,
    WEIR_MEMORY_PRESSED
};

struct weir_memory {
    int64_t limit;
    atomic_llong parts[WEIR_MEMORY_PARTS];
};

struct weir_memory_share { // what one party has told
    int64_t parts[WEIR_MEMORY_PARTS];
};

void weir_memory_add(struct weir_memory *memory, enum weir_memory_part part, int64_t bytes);
// The party holds `bytes` now, whatever it told before.
void weir_memory_set(struct weir_memory *memory, struct weir_memory_share *share,
                     enum weir_memory_part part, int64_t bytes);
void weir_memory_leave(struct weir_memory *memory,
                       struct weir_memory_share *share); // holds nothing
int64_t weir_memory_total(const struct weir_memory *memory);
int64_t weir_memory_left(const struct weir_memory *memory); // not below 0
enum weir_memory_level weir_memory_level(const struct weir_memory *memory);
void weir_memory_tell(const struct weir_memory *memory); // to /metrics

// Bytes that a field's dictionary may hold: all of them together an eighth of the limit.
uint32_t weir_memory_dictionary(int64_t limit, int64_t dictionaries);

// ---- which task is to be parked, and which to go on

struct weir_memory_task {
    int64_t newest; // event time
    int parked;
    int waits; // there is nothing for it to read
};
enum weir_memory_move { WEIR_MEMORY_STAY, WEIR_MEMORY_PARK, WEIR_MEMORY_RESUME };
// One move, and the task that it concerns. One task that has something to read always goes on, and
// in the end it is the one furthest behind: without it no window would close.
enum weir_memory_move weir_memory_choose(enum weir_memory_level level,
                                         const struct weir_memory_task *tasks, size_t n,
                                         size_t *task);

#endif
