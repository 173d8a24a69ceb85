// SPDX-License-Identifier: Apache-2.0
#include "stats/pairs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/sort.h"
#include "weir/error.h"

enum {
    EDGE = 0, // before the first character and after the last; blanks
    DIGIT = 27,
    MARK = 28, // the first of those that have a class of their own
    OTHER_MARK = 40,
    CONTROL = 41,
    HIGH = 42, // bytes from 128 on share the rest
    HELD_OUT = 200
};
static const double QUANTILE = 0.998, MARGIN = 0.5, POWER = 0.5, PRIOR = 2;

static unsigned class_of(unsigned char c)
{
    static const char marks[] = "'-.,_/@:&()+";
    if (c >= 128)
        return HIGH + c % (WEIR_PAIRS_CLASSES - HIGH);
    if ((c | 32) >= 'a' && (c | 32) <= 'z')
        return 1u + (unsigned)((c | 32) - 'a');
    if (c >= '0' && c <= '9')
        return DIGIT;
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
        return EDGE;
    const char *mark = c ? strchr(marks, c) : NULL;
    return mark ? MARK + (unsigned)(mark - marks) : c < 32 || c == 127 ? CONTROL : OTHER_MARK;
}

int weir_pairs_length(size_t length)
{
    return length < WEIR_PAIRS_SHORTEST ? -1
           : length < 8                 ? 0
           : length < 16                ? 1
           : length < 32                ? 2
                                        : 3;
}

// A text's cost is known after so many bytes.
static size_t looked_at(size_t length)
{
    return length < 256 ? length : 256;
}

double weir_pairs_cost(const struct weir_pairs *pairs, const char *text, size_t length)
{
    size_t n = looked_at(length);
    unsigned last = EDGE, sum = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned now = class_of((unsigned char)text[i]);
        sum += pairs->cost[last][now];
        last = now;
    }
    sum += pairs->cost[last][EDGE];
    return (double)sum / 8 / (double)(n + 1);
}

int weir_pairs_judge(const struct weir_pairs *pairs, const char *text, size_t length)
{
    int k = weir_pairs_length(length);
    if (k < 0 || !(pairs->limit[k] > 0))
        return -1;
    return weir_pairs_cost(pairs, text, length) > pairs->limit[k];
}

// ---- learning

typedef double counts[WEIR_PAIRS_CLASSES][WEIR_PAIRS_CLASSES];

static void count(counts at, const struct weir_string *string)
{
    size_t n = looked_at(string->length);
    unsigned last = EDGE;
    for (size_t i = 0; i < n; i++) {
        unsigned now = class_of((unsigned char)string->data[i]);
        at[last][now]++;
        last = now;
    }
    at[last][EDGE]++;
}

// A pair never seen is as likely as its second half, twice seen.
static void set_costs(struct weir_pairs *pairs, counts at)
{
    double of[WEIR_PAIRS_CLASSES] = {0}, all = 0;
    for (size_t a = 0; a < WEIR_PAIRS_CLASSES; a++) {
        for (size_t b = 0; b < WEIR_PAIRS_CLASSES; b++) {
            of[b] += at[a][b];
            all += at[a][b];
        }
    }
    for (size_t a = 0; a < WEIR_PAIRS_CLASSES; a++) {
        double row = 0;
        for (size_t b = 0; b < WEIR_PAIRS_CLASSES; b++)
            row += at[a][b];
        for (size_t b = 0; b < WEIR_PAIRS_CLASSES; b++) {
            double share = (of[b] + 0.25) / (all + 0.25 * WEIR_PAIRS_CLASSES);
            double bits = -log2((at[a][b] + PRIOR * share) / (row + PRIOR));
            pairs->cost[a][b] = (uint8_t)fmin(255, 8 * bits + 0.5);
        }
    }
}

// Random letters of the same length, always the same ones.
static double random_cost(const struct weir_pairs *pairs, size_t length, uint64_t *state)
{
    char text[256];
    size_t n = looked_at(length);
    for (size_t i = 0; i < n; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        text[i] = (char)('a' + (*state >> 33) % 26);
    }
    return weir_pairs_cost(pairs, text, n);
}

struct held {
    double *cost; // of held-out strings of one class of lengths
    size_t n;
};

static double limit_of(const struct weir_pairs *pairs, struct held *held, size_t length)
{
    if (held->n < HELD_OUT)
        return 0;
    weir_sort_doubles(held->cost, held->n);
    double limit = held->cost[(size_t)(QUANTILE * (double)(held->n - 1))] + MARGIN;
    uint64_t state = length;
    int above = 0;
    for (int i = 0; i < 1000; i++)
        above += random_cost(pairs, length, &state) > limit;
    return above >= 1000 * POWER ? limit : 0;
}

static int set_limits(struct weir_pairs *pairs, const struct weir_string *const *strings, size_t n)
{
    static const size_t shortest[WEIR_PAIRS_LENGTHS] = {WEIR_PAIRS_SHORTEST, 8, 16, 32};
    struct held held = {.cost = malloc((n + 1) * sizeof *held.cost)};
    size_t judged = 0, beyond = 0;
    if (!held.cost)
        return WEIR_ENOMEM;
    for (int k = 0; k < WEIR_PAIRS_LENGTHS; k++) {
        held.n = 0;
        for (size_t i = 1; i < n; i += 2) {
            if (weir_pairs_length(strings[i]->length) == k)
                held.cost[held.n++] = weir_pairs_cost(pairs, strings[i]->data, strings[i]->length);
        }
        pairs->limit[k] = limit_of(pairs, &held, shortest[k]);
        for (size_t i = 0; i < held.n && pairs->limit[k] > 0; i++)
            beyond += held.cost[i] > pairs->limit[k];
        judged += pairs->limit[k] > 0 ? held.n : 0;
    }
    free(held.cost);
    pairs->beyond = judged ? ((double)beyond + 1) / ((double)judged + 1) : 1;
    return judged ? 0 : WEIR_EINVAL;
}

int weir_pairs_learn(struct weir_pairs *pairs, const struct weir_string *const *strings, size_t n)
{
    struct weir_pairs made = {.beyond = 1};
    counts *at = calloc(1, sizeof *at);
    if (!at)
        return WEIR_ENOMEM;
    n = n < WEIR_PAIRS_STRINGS ? n : WEIR_PAIRS_STRINGS;
    for (size_t i = 0; i < n; i += 2)
        count(*at, strings[i]);
    set_costs(&made, *at);
    int code = set_limits(&made, strings, n);
    for (size_t i = 1; i < n; i += 2)
        count(*at, strings[i]);
    set_costs(&made, *at);
    free(at);
    if (!code)
        *pairs = made;
    return code;
}

// ---- bytes

int weir_pairs_write(const struct weir_pairs *pairs, struct weir_buffer *out)
{
    for (int k = 0; k < WEIR_PAIRS_LENGTHS; k++)
        weir_put_double(out, pairs->limit[k]);
    weir_put_double(out, pairs->beyond);
    return weir_put_bytes(out, pairs->cost, sizeof pairs->cost);
}

void weir_pairs_read(struct weir_pairs *pairs, struct weir_reader *in)
{
    struct weir_pairs read = {.beyond = 0};
    size_t length;
    for (int k = 0; k < WEIR_PAIRS_LENGTHS; k++) {
        read.limit[k] = weir_get_double(in);
        in->failed |= !(read.limit[k] >= 0 && read.limit[k] < 1e3);
    }
    read.beyond = weir_get_double(in);
    in->failed |= !(read.beyond >= 0 && read.beyond <= 1);
    const uint8_t *cost = weir_get_bytes(in, &length);
    if (in->failed || length != sizeof read.cost) {
        in->failed = 1;
        return;
    }
    memcpy(read.cost, cost, length);
    *pairs = read;
}
