// SPDX-License-Identifier: Apache-2.0
// The parts of build/bench/skew.
#ifndef WEIR_BENCH_SKEW_PARTS_H
#define WEIR_BENCH_SKEW_PARTS_H

// alarms.c: months in which nothing happens. 1 where more was said than the budget explains.
int skew_alarms(int seeds, int days, int check);
// power.c: segments and noise by their size, with what is said where there is none.
int skew_power(int runs);

#endif
