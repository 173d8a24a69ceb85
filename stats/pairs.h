// SPDX-License-Identifier: Apache-2.0
// How likely a text is by its pairs of neighbouring characters: names and words of a kind share
// them, gibberish does not. Bytes fall into 64 classes (letters without case, digits as one), and
// a table keeps what each pair costs in bits, given its first half.
#ifndef WEIR_STATS_PAIRS_H
#define WEIR_STATS_PAIRS_H

#include "stats/buffer.h"
#include "weir/batch.h"

enum {
    WEIR_PAIRS_CLASSES = 64,
    WEIR_PAIRS_LENGTHS = 4,    // 4 to 7, 8 to 15, 16 to 31, 32 and more bytes
    WEIR_PAIRS_SHORTEST = 4,   // shorter texts say too little
    WEIR_PAIRS_STRINGS = 20000 // at most so many are learnt from
};

struct weir_pairs {
    uint8_t cost[WEIR_PAIRS_CLASSES][WEIR_PAIRS_CLASSES]; // eighths of a bit
    // Bits a character from which on a text is unlike those learnt from, by length; 0: texts of
    // that length are not judged, since random letters would look no different.
    double limit[WEIR_PAIRS_LENGTHS];
    double beyond; // the share of held-out texts (of those judged) beyond their limit
};

// Learns from distinct strings. The limits are set on every second string with what the others
// teach: half a bit above the 99.8% quantile. 0, or WEIR_EINVAL where too few can be judged or
// none of the lengths tells random letters from the strings; `pairs` is then untouched.
// WEIR_ENOMEM.
int weir_pairs_learn(struct weir_pairs *pairs, const struct weir_string *const *strings, size_t n);
// The class of a length, -1: not judged.
int weir_pairs_length(size_t length);
// Bits a character.
double weir_pairs_cost(const struct weir_pairs *pairs, const char *text, size_t length);
// 1: unlike what was learnt, 0: like it, -1: not judged.
int weir_pairs_judge(const struct weir_pairs *pairs, const char *text, size_t length);

int weir_pairs_write(const struct weir_pairs *pairs, struct weir_buffer *out);
void weir_pairs_read(struct weir_pairs *pairs, struct weir_reader *in); // a fault: in->failed

#endif
