// SPDX-License-Identifier: Apache-2.0
// How often something was right, and what was said of times.
#ifndef WEIR_BENCH_EXPLAINING_SCORE_H
#define WEIR_BENCH_EXPLAINING_SCORE_H

struct rate {
    int right, of;
};

void rate_count(struct rate *rate, int right);
void rate_print(const struct rate *rate); // a cell of a table
// Whether there were some, and less than that share of them was right.
int rate_is_below(const struct rate *rate, double least);
// The first time "%Y-%m-%d %H:%M" behind `word`, in hours; NAN.
double said_hour(const char *text, const char *word);

#endif
