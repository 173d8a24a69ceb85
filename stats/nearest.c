// SPDX-License-Identifier: Apache-2.0
#include "stats/nearest.h"

#include <ctype.h>
#include <string.h>

enum { WORD = 63 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned weir_word_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    unsigned rows[3][WORD + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    if (n > WORD || m > WORD)
        return WORD + 1;
    for (size_t k = 0; k <= m; k++)
        last[k] = before[k] = (unsigned)k;
    for (size_t i = 1; i <= n; i++) {
        row[0] = (unsigned)i;
        for (size_t k = 1; k <= m; k++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[k - 1]);
            row[k] = least(least(last[k], row[k - 1]) + 1, last[k - 1] + (x != y));
            if (i > 1 && k > 1 && x == tolower((unsigned char)b[k - 2]) &&
                tolower((unsigned char)a[i - 2]) == y)
                row[k] = least(row[k], before[k - 2] + 1);
        }
        unsigned *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[m];
}

void weir_nearest_offer(struct weir_nearest *nearest, const char *word, const char *candidate)
{
    size_t length = strlen(word);
    unsigned distance = weir_word_distance(word, candidate);
    unsigned limit = length <= 3 ? 1 : length <= 6 ? 2 : 3;
    if (distance <= limit && (!nearest->best || distance < nearest->distance)) {
        nearest->best = candidate;
        nearest->distance = distance;
    }
}
