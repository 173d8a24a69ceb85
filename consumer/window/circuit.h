// SPDX-License-Identifier: Apache-2.0
// The circuit of a gate: what share of the latest records is bad, and whether that is too much.
//
// The only clock is the newest event time when a record comes, so the answer depends on the
// records alone and not on batches, workers or restarts. The stretch of time is cut in cells; what
// is older than all of them is forgotten a cell at a time.
#ifndef WEIR_WINDOW_CIRCUIT_H
#define WEIR_WINDOW_CIRCUIT_H

#include <stdint.h>

#include "stats/buffer.h"

enum { WEIR_CIRCUIT_CELLS = 60 };

struct weir_circuit {
    double at_most;    // share of bad records, 0 to 1
    uint64_t at_least; // records without which it does not open
    int64_t cell;      // ms
    int64_t newest;    // number of the newest cell; INT64_MIN: no record yet
    struct {
        uint64_t rows, bad;
    } cells[WEIR_CIRCUIT_CELLS], all; // by number modulo their count
    int open;
};

// `over` in ms, at least 1. It opens where more than `at_most` of at least `at_least` records
// within `over` are bad, and closes again at four fifths of that share.
void weir_circuit_init(struct weir_circuit *circuit, double at_most, int64_t over,
                       uint64_t at_least);
// Counts a record that comes when `now` is the newest event time (INT64_MIN: not known yet).
// Returns whether the circuit is open for this very record.
int weir_circuit_count(struct weir_circuit *circuit, int64_t now, int bad);
// How many records, however bad, surely leave a closed circuit closed while `now` stays below
// weir_circuit_until().
uint64_t weir_circuit_slack(const struct weir_circuit *circuit);
int64_t weir_circuit_until(const struct weir_circuit *circuit); // INT64_MIN: no record yet

int weir_circuit_save(const struct weir_circuit *circuit, struct weir_buffer *out);
// Into an initialised circuit of the same settings. Garbage fails the reader.
void weir_circuit_restore(struct weir_circuit *circuit, struct weir_reader *in);

#endif
