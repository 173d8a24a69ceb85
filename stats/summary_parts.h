// SPDX-License-Identifier: Apache-2.0
// Inside libweir-stats only.
#ifndef WEIR_STATS_SUMMARY_PARTS_H
#define WEIR_STATS_SUMMARY_PARTS_H

#include "weir/summary.h"

enum { WEIR_SUMMARY_COUNTS = 10 };

// All plain counts of a summary, in the order in which they are written.
void weir_summary_counts(struct weir_summary *summary, uint64_t *counts[WEIR_SUMMARY_COUNTS]);

#endif
