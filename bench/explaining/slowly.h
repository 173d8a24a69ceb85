// SPDX-License-Identifier: Apache-2.0
// What incidents of slow drift say of causes that no window shows.
#ifndef WEIR_BENCH_EXPLAINING_SLOWLY_H
#define WEIR_BENCH_EXPLAINING_SLOWLY_H

#include <stdint.h>

// Prints a table. check: a part of it; returns how many bounds did not hold. say: sentences too.
int explain_slowly(uint64_t seeds, int check, int say);

#endif
