// SPDX-License-Identifier: Apache-2.0
#include "stats/hll.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/error.h"

enum {
    BITS = 12,
    REGISTERS = 1 << BITS,
    HIGHEST = 64 - BITS + 1,
    FEW = 192 // registers listed before there is an array of all
};

struct weir_hll {
    uint32_t n_few, room;
    uint32_t *few; // register << 6 | rank of the registers that are not 0, ascending
    uint8_t *registers;
};

struct weir_hll *weir_hll_create(void)
{
    return calloc(1, sizeof(struct weir_hll));
}

void weir_hll_reset(struct weir_hll *hll)
{
    free(hll->few);
    free(hll->registers);
    memset(hll, 0, sizeof *hll);
}

void weir_hll_destroy(struct weir_hll *hll)
{
    if (!hll)
        return;
    weir_hll_reset(hll);
    free(hll);
}

static int spread(struct weir_hll *hll)
{
    uint8_t *registers = calloc(REGISTERS, 1);
    if (!registers)
        return WEIR_ENOMEM;
    for (uint32_t i = 0; i < hll->n_few; i++)
        registers[hll->few[i] >> 6] = hll->few[i] & 63;
    free(hll->few);
    hll->few = NULL;
    hll->n_few = hll->room = 0;
    hll->registers = registers;
    return 0;
}

static int put_few(struct weir_hll *hll, uint32_t place, uint32_t rank)
{
    uint32_t low = 0, high = hll->n_few;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (hll->few[middle] >> 6 < place)
            low = middle + 1;
        else
            high = middle;
    }
    uint32_t entry = place << 6 | rank;
    if (low < hll->n_few && hll->few[low] >> 6 == place) {
        hll->few[low] = hll->few[low] > entry ? hll->few[low] : entry;
        return 0;
    }
    if (hll->n_few == hll->room) {
        uint32_t room = hll->room ? 2 * hll->room : 8;
        uint32_t *few = realloc(hll->few, room * sizeof *few);
        if (!few)
            return WEIR_ENOMEM;
        hll->few = few;
        hll->room = room;
    }
    memmove(hll->few + low + 1, hll->few + low, (hll->n_few - low) * sizeof *hll->few);
    hll->few[low] = entry;
    hll->n_few++;
    return 0;
}

static int put(struct weir_hll *hll, uint32_t place, uint32_t rank)
{
    if (!hll->registers) {
        if (hll->n_few < FEW)
            return put_few(hll, place, rank);
        if (spread(hll))
            return WEIR_ENOMEM;
    }
    if (hll->registers[place] < rank)
        hll->registers[place] = (uint8_t)rank;
    return 0;
}

int weir_hll_add(struct weir_hll *hll, uint64_t hash)
{
    uint32_t place = (uint32_t)(hash >> (64 - BITS));
    uint64_t rest = hash << BITS | (uint64_t)1 << (BITS - 1);
    uint32_t rank = (uint32_t)__builtin_clzll(rest) + 1;
    if (hll->registers) {
        if (hll->registers[place] < rank)
            hll->registers[place] = (uint8_t)rank;
        return 0;
    }
    return put(hll, place, rank);
}

int weir_hll_merge(struct weir_hll *into, const struct weir_hll *from)
{
    for (uint32_t i = 0; i < from->n_few; i++) {
        if (put(into, from->few[i] >> 6, from->few[i] & 63))
            return WEIR_ENOMEM;
    }
    if (!from->registers)
        return 0;
    if (!into->registers && spread(into))
        return WEIR_ENOMEM;
    for (uint32_t i = 0; i < REGISTERS; i++) {
        if (into->registers[i] < from->registers[i])
            into->registers[i] = from->registers[i];
    }
    return 0;
}

static double sigma(double x)
{
    if (x >= 1)
        return INFINITY;
    double y = 1, z = x, last;
    do {
        x *= x;
        last = z;
        z += x * y;
        y += y;
    } while (z > last);
    return z;
}

static double tau(double x)
{
    if (x <= 0 || x >= 1)
        return 0;
    double y = 1, z = 1 - x, last;
    do {
        x = sqrt(x);
        last = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z < last);
    return z / 3;
}

double weir_hll_estimate(const struct weir_hll *hll)
{
    uint32_t of_rank[HIGHEST + 1] = {0};
    of_rank[0] = REGISTERS;
    if (hll->registers) {
        of_rank[0] = 0;
        for (uint32_t i = 0; i < REGISTERS; i++)
            of_rank[hll->registers[i]]++;
    }
    for (uint32_t i = 0; i < hll->n_few; i++) {
        of_rank[hll->few[i] & 63]++;
        of_rank[0]--;
    }
    if (of_rank[0] == REGISTERS)
        return 0;
    double m = REGISTERS;
    double z = m * tau(1 - of_rank[HIGHEST] / m);
    for (int k = HIGHEST - 1; k >= 1; k--)
        z = 0.5 * (z + of_rank[k]);
    z += m * sigma(of_rank[0] / m);
    return 0.72134752044448170368 * m * m / z; // 1 / (2 ln 2)
}

size_t weir_hll_memory(const struct weir_hll *hll)
{
    return sizeof *hll + hll->room * sizeof *hll->few + (hll->registers ? REGISTERS : 0);
}

// ---- bytes: the number of registers that are not 0, then for each the step from the last one
// and its rank

int weir_hll_write(const struct weir_hll *hll, struct weir_buffer *out)
{
    uint32_t n = hll->n_few, last = 0;
    for (uint32_t i = 0; hll->registers && i < REGISTERS; i++)
        n += hll->registers[i] != 0;
    weir_put_long(out, n);
    for (uint32_t i = 0; i < hll->n_few; i++) {
        uint32_t place = hll->few[i] >> 6;
        weir_put_long(out, place - last);
        weir_buffer_byte(out, hll->few[i] & 63);
        last = place;
    }
    for (uint32_t i = 0; hll->registers && i < REGISTERS; i++) {
        if (!hll->registers[i])
            continue;
        weir_put_long(out, i - last);
        weir_buffer_byte(out, hll->registers[i]);
        last = i;
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

int weir_hll_read(struct weir_hll *hll, struct weir_reader *in)
{
    size_t n = weir_get_count(in, REGISTERS), place = 0;
    for (size_t i = 0; i < n && !in->failed; i++) {
        size_t step = weir_get_count(in, REGISTERS);
        place += step;
        if (in->failed || (i && !step) || place >= REGISTERS || in->at == in->end || !*in->at ||
            *in->at > HIGHEST) {
            in->failed = 1;
            break;
        }
        if (put(hll, (uint32_t)place, *in->at++))
            return WEIR_ENOMEM;
    }
    return in->failed ? WEIR_ECORRUPT : 0;
}

// The finaliser of splitmix64: every bit of the input reaches every bit of the result.
static inline uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t weir_hll_hash_long(int64_t value)
{
    return mix((uint64_t)value);
}

uint64_t weir_hll_hash_double(double value)
{
    if (value >= -9.2e18 && value <= 9.2e18 && (double)(int64_t)value == value)
        return mix((uint64_t)(int64_t)value);
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return mix(bits);
}
