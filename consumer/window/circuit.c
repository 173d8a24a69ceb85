// SPDX-License-Identifier: Apache-2.0
#include "consumer/window/circuit.h"

#include <string.h>

#include "consumer/window/clock.h"

// Shares are sums of decimal fractions that doubles do not hold: 29 of 100 is not more than 29%.
#define ROUNDING 1e-9
#define CLOSES_AT 0.8

void weir_circuit_init(struct weir_circuit *circuit, double at_most, int64_t over,
                       uint64_t at_least)
{
    memset(circuit, 0, sizeof *circuit);
    circuit->at_most = at_most;
    circuit->at_least = at_least;
    circuit->cell = (over + WEIR_CIRCUIT_CELLS - 1) / WEIR_CIRCUIT_CELLS;
    if (circuit->cell < 1)
        circuit->cell = 1;
    circuit->newest = INT64_MIN;
}

static unsigned place(int64_t cell)
{
    int64_t rest = cell % WEIR_CIRCUIT_CELLS;
    return (unsigned)(rest < 0 ? rest + WEIR_CIRCUIT_CELLS : rest);
}

static int64_t cell_of(const struct weir_circuit *circuit, int64_t time)
{
    return time / circuit->cell - (time % circuit->cell < 0);
}

// Forgets what is older than the cells that end with `cell`.
static void turn(struct weir_circuit *circuit, int64_t cell)
{
    if (circuit->newest == INT64_MIN) {
        // Records that came before time was known belong to its first cell.
        circuit->cells[place(cell)].rows = circuit->all.rows;
        circuit->cells[place(cell)].bad = circuit->all.bad;
    } else if (cell - circuit->newest >= WEIR_CIRCUIT_CELLS) {
        memset(circuit->cells, 0, sizeof circuit->cells);
        circuit->all.rows = circuit->all.bad = 0;
    } else {
        for (int64_t at = circuit->newest + 1; at <= cell; at++) {
            unsigned k = place(at);
            circuit->all.rows -= circuit->cells[k].rows;
            circuit->all.bad -= circuit->cells[k].bad;
            circuit->cells[k].rows = circuit->cells[k].bad = 0;
        }
    }
    circuit->newest = cell;
}

int weir_circuit_count(struct weir_circuit *circuit, int64_t now, int bad)
{
    if (now != INT64_MIN) {
        int64_t cell = cell_of(circuit, now);
        if (cell > circuit->newest)
            turn(circuit, cell);
    }
    circuit->all.rows++;
    circuit->all.bad += bad != 0;
    if (circuit->newest != INT64_MIN) {
        circuit->cells[place(circuit->newest)].rows++;
        circuit->cells[place(circuit->newest)].bad += bad != 0;
    }
    double rows = (double)circuit->all.rows, faulty = (double)circuit->all.bad;
    double limit = circuit->at_most + ROUNDING;
    if (circuit->open)
        circuit->open = faulty > CLOSES_AT * limit * rows;
    else
        circuit->open = circuit->all.rows >= circuit->at_least && faulty > limit * rows;
    return circuit->open;
}

uint64_t weir_circuit_slack(const struct weir_circuit *circuit)
{
    double rows = (double)circuit->all.rows, faulty = (double)circuit->all.bad;
    uint64_t few =
        circuit->at_least > circuit->all.rows ? circuit->at_least - circuit->all.rows - 1 : 0;
    double room = circuit->at_most * rows - faulty;
    if (circuit->at_most >= 1)
        return UINT64_MAX;
    // One less than the algebra allows: never too many by rounding.
    double most = room > 0 ? room / (1 - circuit->at_most) - 1 : 0;
    uint64_t many = most >= 1e15 ? (uint64_t)1e15 : most > 0 ? (uint64_t)most : 0;
    return many > few ? many : few;
}

int64_t weir_circuit_until(const struct weir_circuit *circuit)
{
    int64_t until;
    if (circuit->newest == INT64_MIN)
        return INT64_MIN;
    return __builtin_mul_overflow(circuit->newest + 1, circuit->cell, &until) ? INT64_MAX : until;
}

int weir_circuit_save(const struct weir_circuit *circuit, struct weir_buffer *out)
{
    weir_put_long(out, circuit->open);
    weir_put_long(out, circuit->newest);
    if (circuit->newest == INT64_MIN) {
        weir_put_long(out, (int64_t)circuit->all.rows);
        weir_put_long(out, (int64_t)circuit->all.bad);
        return out->failed;
    }
    for (int k = 0; k < WEIR_CIRCUIT_CELLS; k++) {
        weir_put_long(out, (int64_t)circuit->cells[k].rows);
        weir_put_long(out, (int64_t)circuit->cells[k].bad);
    }
    return out->failed;
}

void weir_circuit_restore(struct weir_circuit *circuit, struct weir_reader *in)
{
    enum { MOST = INT32_MAX }; // times the cells, no sum overflows
    struct weir_circuit made = *circuit;
    made.open = weir_get_long(in) != 0;
    made.newest = weir_get_long(in);
    int n = made.newest == INT64_MIN ? 0 : WEIR_CIRCUIT_CELLS;
    memset(made.cells, 0, sizeof made.cells);
    made.all.rows = made.all.bad = 0;
    if (!n) {
        made.all.rows = weir_get_count(in, (uint64_t)MOST << 20);
        made.all.bad = weir_get_count(in, made.all.rows);
    }
    for (int k = 0; k < n; k++) {
        made.cells[k].rows = weir_get_count(in, (uint64_t)MOST << 20);
        made.cells[k].bad = weir_get_count(in, made.cells[k].rows);
        made.all.rows += made.cells[k].rows;
        made.all.bad += made.cells[k].bad;
    }
    // A number that no event time has: arithmetic on it would overflow.
    if (n && (made.newest > INT64_MAX / made.cell || made.newest < INT64_MIN / made.cell - 1))
        in->failed = 1;
    if (!in->failed)
        *circuit = made;
}
