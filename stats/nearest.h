// SPDX-License-Identifier: Apache-2.0
// The word that was probably meant by a misspelled one.
#ifndef WEIR_STATS_NEAREST_H
#define WEIR_STATS_NEAREST_H

// How far two words are apart: insertions, deletions, changes and swaps of neighbours, case
// ignored. Words over 63 bytes are far from everything.
unsigned weir_word_distance(const char *a, const char *b);
// Keeps the word nearest to `word`. Begin with a zeroed struct; `best` stays NULL where no
// candidate is near enough to be what was meant.
struct weir_nearest {
    const char *best;
    unsigned distance;
};
void weir_nearest_offer(struct weir_nearest *nearest, const char *word, const char *candidate);

#endif
