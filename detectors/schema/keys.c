// SPDX-License-Identifier: Apache-2.0
// Keys seen lately. What is forgotten when hangs on event time and order alone, never on memory or
// on batches, so that the same records give the same answer after a restore too.
#include <stdlib.h>

#include "detectors/schema/record.h"
#include "stats/buffer.h"

enum { LEAST = 1024, PARTS = 8 }; // the old are swept out whenever an eighth of the span has passed

struct place {
    uint64_t hash; // 0: free
    int64_t time;
};

struct schema_keys {
    struct place *places;
    size_t capacity; // a power of two
    size_t used, limit;
    int64_t span;
    int64_t newest, swept; // event times; INT64_MIN: none
};

struct schema_keys *schema_keys_create(int64_t span, size_t limit)
{
    struct schema_keys *keys = calloc(1, sizeof *keys);
    struct place *places = calloc(LEAST, sizeof *places);
    if (!keys || !places) {
        free(keys);
        free(places);
        return NULL;
    }
    *keys = (struct schema_keys){places, LEAST, 0, limit, span, INT64_MIN, INT64_MIN};
    return keys;
}

void schema_keys_destroy(struct schema_keys *keys)
{
    if (keys)
        free(keys->places);
    free(keys);
}

size_t schema_keys_count(const struct schema_keys *keys)
{
    return keys->used;
}

size_t schema_keys_memory(const struct schema_keys *keys)
{
    return sizeof *keys + keys->capacity * sizeof *keys->places;
}

size_t schema_keys_memory_most(size_t limit)
{
    size_t capacity = LEAST;
    while (capacity / 3 * 2 < limit + 1)
        capacity *= 2;
    return capacity * sizeof(struct place);
}

static size_t home(const struct schema_keys *keys, uint64_t hash)
{
    return (hash >> 1) & (keys->capacity - 1); // its last bit is always set
}

void schema_keys_prefetch(const struct schema_keys *keys, uint64_t hash)
{
    __builtin_prefetch(&keys->places[home(keys, hash)], 1);
}

static struct place *find(const struct schema_keys *keys, uint64_t hash)
{
    size_t at = home(keys, hash);
    while (keys->places[at].hash && keys->places[at].hash != hash)
        at = (at + 1) & (keys->capacity - 1);
    return &keys->places[at];
}

// New places for the keys not older than `oldest`, and `more`: two thirds are taken at most.
static int rebuild(struct schema_keys *keys, int64_t oldest, size_t more)
{
    struct schema_keys made = *keys;
    made.used = 0;
    for (size_t i = 0; i < keys->capacity; i++)
        made.used += keys->places[i].hash && keys->places[i].time >= oldest;
    made.capacity = LEAST;
    while (made.capacity / 3 * 2 < made.used + more)
        made.capacity *= 2;
    made.places = calloc(made.capacity, sizeof *made.places);
    if (!made.places)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < keys->capacity; i++) {
        if (keys->places[i].hash && keys->places[i].time >= oldest)
            *find(&made, keys->places[i].hash) = keys->places[i];
    }
    free(keys->places);
    *keys = made;
    return 0;
}

static int64_t oldest_of(const struct schema_keys *keys)
{
    return keys->newest < INT64_MIN + keys->span ? INT64_MIN : keys->newest - keys->span;
}

static int advance(struct schema_keys *keys, int64_t time)
{
    if (time <= keys->newest)
        return 0;
    keys->newest = time;
    if (keys->swept != INT64_MIN && time - keys->swept < keys->span / PARTS)
        return 0;
    keys->swept = time;
    return keys->used ? rebuild(keys, oldest_of(keys), keys->used / 2 + 1) : 0;
}

enum schema_seen schema_keys_add(struct schema_keys *keys, uint64_t hash, int64_t time)
{
    if (advance(keys, time))
        return SCHEMA_KEY_NO_MEMORY;
    int64_t oldest = oldest_of(keys);
    struct place *place = find(keys, hash);
    if (place->hash) {
        // What is older is forgotten, whether it has been swept out yet or not.
        int seen = place->time >= oldest && time >= oldest &&
                   (time > place->time ? time - place->time : place->time - time) <= keys->span;
        if (time > place->time)
            place->time = time;
        return seen ? SCHEMA_KEY_SEEN : SCHEMA_KEY_NEW;
    }
    if (time < oldest)
        return SCHEMA_KEY_NEW; // too old to be remembered
    if (keys->used >= keys->limit)
        return SCHEMA_KEY_NO_ROOM;
    if (keys->used + 1 > keys->capacity / 3 * 2) {
        if (rebuild(keys, INT64_MIN, keys->used + 1))
            return SCHEMA_KEY_NO_MEMORY;
        place = find(keys, hash);
    }
    *place = (struct place){hash, time};
    keys->used++;
    return SCHEMA_KEY_NEW;
}

void schema_keys_save(const struct schema_keys *keys, struct weir_buffer *out)
{
    weir_put_long(out, keys->newest);
    weir_put_long(out, keys->swept);
    weir_put_long(out, (int64_t)keys->used);
    for (size_t i = 0; i < keys->capacity; i++) {
        if (!keys->places[i].hash)
            continue;
        weir_put_fixed64(out, keys->places[i].hash);
        weir_put_long(out, keys->places[i].time);
    }
}

int schema_keys_restore(struct schema_keys *keys, struct weir_reader *in)
{
    int64_t newest = weir_get_long(in), swept = weir_get_long(in);
    size_t n = weir_get_count(in, weir_reader_left(in) / 9); // of 9 bytes or more each
    if (in->failed || !schema_time_is_sane(newest) || !schema_time_is_sane(swept) || swept > newest)
        return WEIR_ECORRUPT;
    struct schema_keys made = *keys;
    made.newest = newest;
    made.swept = swept;
    made.places = NULL;
    made.capacity = LEAST;
    while (made.capacity / 3 * 2 < n + 1)
        made.capacity *= 2;
    made.places = calloc(made.capacity, sizeof *made.places);
    if (!made.places)
        return WEIR_ENOMEM;
    made.used = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t hash = weir_get_fixed64(in);
        int64_t time = weir_get_long(in);
        struct place *place = find(&made, hash);
        if (hash & 1 && !place->hash && schema_time_is_sane(time)) {
            *place = (struct place){hash, time};
            made.used++;
        }
    }
    if (in->failed) {
        free(made.places);
        return WEIR_ECORRUPT;
    }
    free(keys->places);
    *keys = made;
    return 0;
}
