// SPDX-License-Identifier: Apache-2.0
#include "stats/ddsketch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/error.h"

// Buckets ascend by value: SIDE - 1 - k is the k-th below zero, SIDE is zero's, SIDE + 1 + k the
// k-th above. Slots are buckets without zero's.
enum {
    OCTAVES = 128,
    PER_OCTAVE = 64,
    SIDE = OCTAVES * PER_OCTAVE,
    CHUNKS = 2 * OCTAVES, // of PER_OCTAVE buckets each, by the bucket without zero
    FEW = 96              // values are kept as a list up to so many
};
#define FIRST_KEY (((uint64_t)(1023 - 64)) << 6) // of 2^-64, in the top 17 bits without the sign

struct weir_ddsketch {
    double origin;
    uint64_t n, zero; // all values; those of the zero bucket
    // Up to FEW values: their buckets, in no order. Beyond: counts in chunks made on demand.
    uint16_t *few;
    uint32_t n_few;
    uint32_t n_chunks, room;
    uint16_t *where;  // 1 + number of the chunk, 0: none
    uint32_t *narrow; // while n < 2^32
    uint64_t *broad;  // from there on
};

static inline uint32_t bucket_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint64_t key = (bits & 0x7fffffffffffffffu) >> 46;
    if (key < FIRST_KEY)
        return SIDE;
    uint32_t k = (uint32_t)(key - FIRST_KEY);
    k = k < SIDE ? k : SIDE - 1;
    // Without a branch: signs may well be random. k ^ (SIDE - 1) is SIDE - 1 - k.
    uint32_t negative = (uint32_t)(bits >> 63);
    return (k ^ (SIDE - negative)) + 1 - negative;
}

static double edge_of(uint32_t k)
{
    uint64_t bits = (FIRST_KEY + k) << 46;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

struct weir_ddsketch *weir_ddsketch_create(double origin)
{
    struct weir_ddsketch *sketch = calloc(1, sizeof *sketch);
    if (sketch)
        sketch->origin = origin;
    return sketch;
}

void weir_ddsketch_reset(struct weir_ddsketch *sketch)
{
    double origin = sketch->origin;
    free(sketch->few);
    free(sketch->where);
    free(sketch->narrow);
    free(sketch->broad);
    memset(sketch, 0, sizeof *sketch);
    sketch->origin = origin;
}

void weir_ddsketch_destroy(struct weir_ddsketch *sketch)
{
    if (!sketch)
        return;
    weir_ddsketch_reset(sketch);
    free(sketch);
}

static int add_chunk(struct weir_ddsketch *sketch, uint32_t chunk)
{
    if (sketch->n_chunks == sketch->room) {
        uint32_t room = sketch->room ? 2 * sketch->room : 8;
        room = room < CHUNKS ? room : CHUNKS;
        size_t width = sketch->broad ? sizeof *sketch->broad : sizeof *sketch->narrow;
        void *old = sketch->broad ? (void *)sketch->broad : (void *)sketch->narrow;
        uint8_t *counts = realloc(old, (size_t)room * PER_OCTAVE * width);
        if (!counts)
            return WEIR_ENOMEM;
        memset(counts + (size_t)sketch->room * PER_OCTAVE * width, 0,
               (size_t)(room - sketch->room) * PER_OCTAVE * width);
        if (sketch->broad)
            sketch->broad = (uint64_t *)(void *)counts;
        else
            sketch->narrow = (uint32_t *)(void *)counts;
        sketch->room = room;
    }
    sketch->where[chunk] = (uint16_t)++sketch->n_chunks;
    return 0;
}

// Where the counter of a bucket other than zero's is. Negative: no memory.
static inline int64_t place_of(struct weir_ddsketch *sketch, uint32_t bucket)
{
    uint32_t slot = bucket - (bucket > SIDE), chunk = slot / PER_OCTAVE;
    if (__builtin_expect(!sketch->where[chunk], 0) && add_chunk(sketch, chunk))
        return -1;
    return (int64_t)(sketch->where[chunk] - 1) * PER_OCTAVE + slot % PER_OCTAVE;
}

static int put(struct weir_ddsketch *sketch, uint32_t bucket, uint64_t count)
{
    if (bucket == SIDE) {
        sketch->zero += count;
        return 0;
    }
    int64_t place = place_of(sketch, bucket);
    if (place < 0)
        return WEIR_ENOMEM;
    if (sketch->broad)
        sketch->broad[place] += count;
    else
        sketch->narrow[place] += (uint32_t)count;
    return 0;
}

// From a list to counts.
static int spread(struct weir_ddsketch *sketch)
{
    if (sketch->where)
        return 0;
    sketch->where = calloc(CHUNKS, sizeof *sketch->where);
    if (!sketch->where)
        return WEIR_ENOMEM;
    for (uint32_t i = 0; i < sketch->n_few; i++) {
        if (put(sketch, sketch->few[i], 1))
            return WEIR_ENOMEM;
    }
    free(sketch->few);
    sketch->few = NULL;
    sketch->n_few = 0;
    return 0;
}

static int widen(struct weir_ddsketch *sketch)
{
    if (sketch->broad)
        return 0;
    uint32_t room = sketch->room ? sketch->room : 8;
    uint64_t *broad = calloc((size_t)room * PER_OCTAVE, sizeof *broad);
    if (!broad)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < (size_t)sketch->room * PER_OCTAVE; i++)
        broad[i] = sketch->narrow[i];
    free(sketch->narrow);
    sketch->narrow = NULL;
    sketch->broad = broad;
    sketch->room = room;
    return 0;
}

// Makes ready for `more` values: whether they go into the list, or counters that cannot wrap.
static int prepare(struct weir_ddsketch *sketch, uint64_t more, int *few)
{
    *few = !sketch->where && sketch->n_few + more <= FEW;
    if (*few) {
        if (!sketch->few)
            sketch->few = malloc(FEW * sizeof *sketch->few);
        return sketch->few ? 0 : WEIR_ENOMEM;
    }
    if (spread(sketch))
        return WEIR_ENOMEM;
    return sketch->n + more > UINT32_MAX ? widen(sketch) : 0;
}

// The usual case, with all that a store to a counter could seem to change kept in registers.
static int add_narrow(struct weir_ddsketch *sketch, const double *restrict x, size_t n)
{
    const double origin = sketch->origin;
    const uint16_t *where = sketch->where;
    uint32_t *narrow = sketch->narrow;
    uint64_t zero = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bucket = bucket_of(x[i] - origin);
        if (__builtin_expect(bucket == SIDE, 0)) {
            zero++;
            continue;
        }
        uint32_t slot = bucket - (bucket > SIDE), chunk = slot / PER_OCTAVE;
        uint32_t made = where[chunk];
        if (__builtin_expect(!made, 0)) {
            if (add_chunk(sketch, chunk))
                return WEIR_ENOMEM;
            narrow = sketch->narrow;
            made = where[chunk];
        }
        narrow[(size_t)(made - 1) * PER_OCTAVE + slot % PER_OCTAVE]++;
    }
    sketch->zero += zero;
    return 0;
}

int weir_ddsketch_add(struct weir_ddsketch *sketch, const double *x, size_t n)
{
    int few;
    if (prepare(sketch, n, &few))
        return WEIR_ENOMEM;
    double origin = sketch->origin;
    if (few) {
        for (size_t i = 0; i < n; i++)
            sketch->few[sketch->n_few++] = (uint16_t)bucket_of(x[i] - origin);
    } else if (sketch->broad) {
        for (size_t i = 0; i < n; i++) {
            if (put(sketch, bucket_of(x[i] - origin), 1))
                return WEIR_ENOMEM;
        }
    } else if (add_narrow(sketch, x, n)) {
        return WEIR_ENOMEM;
    }
    sketch->n += n;
    return 0;
}

static int by_bucket(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

// A bucket's visitor; a result other than 0 ends the walk and is its result.
typedef int visit(void *context, uint32_t bucket, uint64_t count);

static int walk_few(const struct weir_ddsketch *sketch, visit *each, void *context)
{
    uint16_t buckets[FEW];
    uint32_t n = sketch->n_few;
    if (!n)
        return 0;
    memcpy(buckets, sketch->few, n * sizeof *buckets);
    qsort(buckets, n, sizeof *buckets, by_bucket);
    for (uint32_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && buckets[end] == buckets[i]; end++) {
        }
        int stop = each(context, buckets[i], end - i);
        if (stop)
            return stop;
    }
    return 0;
}

// Calls `each` for every bucket that is not empty, ascending.
static int walk(const struct weir_ddsketch *sketch, visit *each, void *context)
{
    if (!sketch->where)
        return walk_few(sketch, each, context);
    int stop = 0;
    for (uint32_t chunk = 0; chunk < CHUNKS && !stop; chunk++) {
        if (chunk == OCTAVES && sketch->zero)
            stop = each(context, SIDE, sketch->zero);
        if (!sketch->where[chunk])
            continue;
        size_t start = (size_t)(sketch->where[chunk] - 1) * PER_OCTAVE;
        for (uint32_t k = 0; k < PER_OCTAVE && !stop; k++) {
            uint64_t count = sketch->broad ? sketch->broad[start + k] : sketch->narrow[start + k];
            if (count)
                stop = each(context, chunk * PER_OCTAVE + k + (chunk >= OCTAVES), count);
        }
    }
    return stop;
}

static int put_bucket(void *context, uint32_t bucket, uint64_t count)
{
    return put(context, bucket, count);
}

int weir_ddsketch_merge(struct weir_ddsketch *into, const struct weir_ddsketch *from)
{
    if (memcmp(&into->origin, &from->origin, sizeof into->origin))
        return WEIR_EINVAL;
    int few;
    if (prepare(into, from->n, &few))
        return WEIR_ENOMEM;
    if (few) {
        if (from->n_few)
            memcpy(into->few + into->n_few, from->few, from->n_few * sizeof *from->few);
        into->n_few += from->n_few;
    } else if (walk(from, put_bucket, into)) {
        return WEIR_ENOMEM;
    }
    into->n += from->n;
    return 0;
}

uint64_t weir_ddsketch_count(const struct weir_ddsketch *sketch)
{
    return sketch->n;
}

double weir_ddsketch_origin(const struct weir_ddsketch *sketch)
{
    return sketch->origin;
}

static void bounds_of(uint32_t bucket, double *low, double *high)
{
    if (bucket == SIDE) {
        *high = edge_of(0);
        *low = -*high;
    } else if (bucket > SIDE) {
        *low = edge_of(bucket - SIDE - 1);
        *high = edge_of(bucket - SIDE);
    } else {
        *low = -edge_of(SIDE - bucket);
        *high = -edge_of(SIDE - 1 - bucket);
    }
}

struct rank {
    uint64_t left;
    double value;
};

static int find_rank(void *context, uint32_t bucket, uint64_t count)
{
    struct rank *rank = context;
    if (rank->left >= count) {
        rank->left -= count;
        return 0;
    }
    double low, high;
    bounds_of(bucket, &low, &high);
    rank->value = (low + high) / 2;
    return 1;
}

double weir_ddsketch_quantile(const struct weir_ddsketch *sketch, double q)
{
    if (!sketch->n || !(q >= 0 && q <= 1))
        return NAN;
    struct rank rank = {(uint64_t)(q * (double)(sketch->n - 1) + 0.5), 0};
    if (rank.left > sketch->n - 1)
        rank.left = sketch->n - 1;
    walk(sketch, find_rank, &rank);
    return rank.value + sketch->origin;
}

struct visitor {
    void (*each)(void *context, double low, double high, uint64_t count);
    void *context;
};

static int visit_bounds(void *context, uint32_t bucket, uint64_t count)
{
    struct visitor *visitor = context;
    double low, high;
    bounds_of(bucket, &low, &high);
    visitor->each(visitor->context, low, high, count);
    return 0;
}

void weir_ddsketch_each(const struct weir_ddsketch *sketch,
                        void (*each)(void *context, double low, double high, uint64_t count),
                        void *context)
{
    struct visitor visitor = {each, context};
    walk(sketch, visit_bounds, &visitor);
}

size_t weir_ddsketch_memory(const struct weir_ddsketch *sketch)
{
    size_t width = sketch->broad ? sizeof *sketch->broad : sizeof *sketch->narrow;
    return sizeof *sketch + (sketch->few ? FEW * sizeof *sketch->few : 0) +
           (sketch->where ? CHUNKS * sizeof *sketch->where : 0) +
           (size_t)sketch->room * PER_OCTAVE * width;
}

// ---- bytes: the number of buckets, then for each the step from the last one and its count

struct writer {
    struct weir_buffer *out;
    uint32_t n, last;
};

static int count_bucket(void *context, uint32_t bucket, uint64_t count)
{
    (void)bucket;
    (void)count;
    ((struct writer *)context)->n++;
    return 0;
}

static int write_bucket(void *context, uint32_t bucket, uint64_t count)
{
    struct writer *writer = context;
    weir_put_long(writer->out, (int64_t)(bucket - writer->last));
    writer->last = bucket;
    return weir_put_long(writer->out, (int64_t)count);
}

int weir_ddsketch_write(const struct weir_ddsketch *sketch, struct weir_buffer *out)
{
    struct writer writer = {out, 0, 0};
    walk(sketch, count_bucket, &writer);
    weir_put_long(out, writer.n);
    return walk(sketch, write_bucket, &writer);
}

int weir_ddsketch_read(struct weir_ddsketch *sketch, struct weir_reader *in)
{
    size_t n = weir_get_count(in, WEIR_DDSKETCH_BUCKETS);
    uint64_t bucket = 0;
    for (size_t i = 0; i < n && !in->failed; i++) {
        size_t step = weir_get_count(in, WEIR_DDSKETCH_BUCKETS);
        uint64_t count = weir_get_count(in, (size_t)1 << 60);
        bucket += step;
        if (in->failed || (i && !step) || bucket >= WEIR_DDSKETCH_BUCKETS || !count ||
            sketch->n > ((uint64_t)1 << 61)) {
            in->failed = 1;
            break;
        }
        int few;
        if (prepare(sketch, count, &few))
            return WEIR_ENOMEM;
        if (few) {
            for (uint64_t k = 0; k < count; k++)
                sketch->few[sketch->n_few++] = (uint16_t)bucket;
        } else if (put(sketch, (uint32_t)bucket, count)) {
            return WEIR_ENOMEM;
        }
        sketch->n += count;
    }
    return in->failed ? WEIR_ECORRUPT : 0;
}
