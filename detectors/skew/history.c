// SPDX-License-Identifier: Apache-2.0
#include "detectors/skew/history.h"

#include <stdlib.h>
#include <string.h>

#include "weir/error.h"

#define MINUTES(n) ((n)*60000LL)
#define HOURS(n) ((n)*3600000LL)
const int64_t skew_lags[SKEW_LAGS] = {
    10000,       30000,       MINUTES(1),  MINUTES(2),  MINUTES(3), MINUTES(5), MINUTES(10),
    MINUTES(15), MINUTES(20), MINUTES(30), MINUTES(45), HOURS(1),   HOURS(2),   HOURS(3),
    HOURS(4),    HOURS(5),    HOURS(6),    HOURS(7),    HOURS(8),   HOURS(9),   HOURS(10),
    HOURS(11),   HOURS(12),   HOURS(13),   HOURS(14),   HOURS(15),  HOURS(16),  HOURS(17),
    HOURS(18),   HOURS(19),   HOURS(20),   HOURS(21),   HOURS(22),  HOURS(23),  HOURS(24),
    HOURS(25),   HOURS(26),   HOURS(27),   HOURS(28),   HOURS(30),  HOURS(33),  HOURS(36),
    HOURS(42),   HOURS(48),   HOURS(54),   HOURS(60),   HOURS(66),  HOURS(72),  HOURS(84),
    HOURS(96),   HOURS(108),  HOURS(120),  HOURS(144),  HOURS(168), HOURS(192), HOURS(240),
    HOURS(336),  HOURS(504),  HOURS(672),  HOURS(720)};

struct moment {
    int64_t from, to; // the values held in [from, to); INT64_MAX: they hold
};

struct skew_entity {
    uint64_t hash;
    int64_t seen;              // last
    struct moment *moments;    // ascending
    struct skew_value *values; // n_fields for each moment
    size_t n, capacity;        // up to SKEW_HISTORY
};

void skew_history_init(struct skew_history *history, size_t n_fields, size_t maximum)
{
    *history =
        (struct skew_history){.n_fields = n_fields, .maximum = maximum, .highest = UINT64_MAX};
}

static void forget(struct skew_entity *entity)
{
    free(entity->moments);
    free(entity->values);
}

void skew_history_free(struct skew_history *history)
{
    for (size_t i = 0; i < history->n; i++)
        forget(&history->entities[i]);
    free(history->entities);
    free(history->index);
    skew_history_init(history, history->n_fields, history->maximum);
}

static size_t moment_bytes(size_t n_fields)
{
    return sizeof(struct moment) + n_fields * sizeof(struct skew_value);
}

size_t skew_history_memory(const struct skew_history *history)
{
    size_t bytes = history->capacity * sizeof *history->entities +
                   history->index_size * sizeof *history->index;
    for (size_t i = 0; i < history->n; i++)
        bytes += history->entities[i].capacity * moment_bytes(history->n_fields);
    return bytes;
}

size_t skew_history_memory_most(size_t n_fields, size_t entities)
{
    // Places and their index grow twofold.
    return entities * (SKEW_HISTORY * moment_bytes(n_fields) + 2 * sizeof(struct skew_entity) +
                       4 * sizeof(uint32_t));
}

static struct skew_value *values_at(const struct skew_history *history,
                                    const struct skew_entity *entity, size_t at)
{
    return entity->values + at * history->n_fields;
}

static size_t place_of(const struct skew_history *history, uint64_t hash)
{
    size_t mask = history->index_size - 1, at = (size_t)hash & mask;
    while (history->index[at] && history->entities[history->index[at] - 1].hash != hash)
        at = (at + 1) & mask;
    return at;
}

static struct skew_entity *find(const struct skew_history *history, uint64_t hash)
{
    if (!history->n || hash >= history->highest)
        return NULL;
    uint32_t found = history->index[place_of(history, hash)];
    return found ? &history->entities[found - 1] : NULL;
}

static void reindex(struct skew_history *history)
{
    memset(history->index, 0, history->index_size * sizeof *history->index);
    for (size_t i = 0; i < history->n; i++)
        history->index[place_of(history, history->entities[i].hash)] = (uint32_t)i + 1;
}

static int grow(struct skew_history *history)
{
    size_t capacity = history->capacity ? history->capacity * 2 : 64;
    struct skew_entity *entities = realloc(history->entities, capacity * sizeof *entities);
    if (!entities)
        return WEIR_ENOMEM;
    history->entities = entities;
    uint32_t *index = realloc(history->index, capacity * 2 * sizeof *index);
    if (!index)
        return WEIR_ENOMEM;
    history->index = index;
    history->capacity = capacity;
    history->index_size = capacity * 2;
    reindex(history);
    return 0;
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = ((const struct skew_entity *)a)->hash, y = ((const struct skew_entity *)b)->hash;
    return (x > y) - (x < y);
}

// Who was not seen for as long as anything is told apart is not remembered. Where that does not
// help, the upper half of the hashes goes; none of them comes back.
static void make_room(struct skew_history *history, int64_t now)
{
    size_t kept = 0, half = history->n / 2;
    for (size_t i = 0; i < history->n; i++) {
        if (history->entities[i].seen < now - skew_lags[SKEW_LAGS - 1])
            forget(&history->entities[i]);
        else
            history->entities[kept++] = history->entities[i];
    }
    history->n = kept;
    if (kept > half + half / 2) {
        qsort(history->entities, kept, sizeof *history->entities, by_hash);
        history->highest = history->entities[half].hash;
        for (size_t i = half; i < kept; i++)
            forget(&history->entities[i]);
        history->n = half;
    }
    reindex(history);
}

static struct skew_entity *make(struct skew_history *history, uint64_t hash, int64_t now)
{
    if (history->n == history->maximum)
        make_room(history, now);
    if (hash >= history->highest || (history->n == history->capacity && grow(history)))
        return NULL;
    history->entities[history->n] = (struct skew_entity){.hash = hash, .seen = now};
    history->index[place_of(history, hash)] = (uint32_t)++history->n;
    return &history->entities[history->n - 1];
}

static int make_place(const struct skew_history *history, struct skew_entity *entity)
{
    if (entity->n < entity->capacity)
        return 0;
    size_t capacity = entity->capacity ? entity->capacity * 2 : 3;
    struct moment *moments = realloc(entity->moments, capacity * sizeof *moments);
    if (!moments)
        return WEIR_ENOMEM;
    entity->moments = moments;
    struct skew_value *values =
        realloc(entity->values, capacity * (history->n_fields + 1) * sizeof *values);
    if (!values)
        return WEIR_ENOMEM;
    entity->values = values;
    entity->capacity = capacity;
    return 0;
}

// Of the older half every second moment goes.
static void thin_out(const struct skew_history *history, struct skew_entity *entity)
{
    size_t kept = 0;
    for (size_t i = 0; i < entity->n; i++) {
        if (i < SKEW_HISTORY / 2 && i % 2)
            continue;
        entity->moments[kept] = entity->moments[i];
        memmove(values_at(history, entity, kept), values_at(history, entity, i),
                history->n_fields * sizeof(struct skew_value));
        kept++;
    }
    entity->n = kept;
}

int skew_history_add(struct skew_history *history, uint64_t hash, int64_t time,
                     const struct skew_value *values)
{
    if (!history->maximum || hash >= history->highest)
        return 0;
    struct skew_entity *entity = find(history, hash);
    if (!entity)
        entity = make(history, hash, time);
    if (!entity)
        return hash >= history->highest ? 0 : WEIR_ENOMEM;
    size_t bytes = history->n_fields * sizeof *values;
    entity->seen = time;
    if (entity->n) {
        struct moment *last = &entity->moments[entity->n - 1];
        if (!memcmp(values_at(history, entity, entity->n - 1), values, bytes))
            return 0;
        last->to = time;
        if (last->from == time) // said twice at once: the last word counts
            entity->n--;
        else if (entity->n == SKEW_HISTORY)
            thin_out(history, entity);
    }
    if (make_place(history, entity))
        return WEIR_ENOMEM;
    entity->moments[entity->n] = (struct moment){time, INT64_MAX};
    memcpy(values_at(history, entity, entity->n), values, bytes);
    entity->n++;
    return 0;
}

int skew_history_knows(const struct skew_history *history, uint64_t entity)
{
    return find(history, entity) != NULL;
}

void skew_history_match(const struct skew_history *history, uint64_t hash, int64_t time,
                        size_t field, const struct skew_value *value, uint64_t *known,
                        uint64_t *stale)
{
    const struct skew_entity *entity = find(history, hash);
    size_t lag = SKEW_LAGS;
    *known = *stale = 0;
    // From the oldest moment to the newest, from the longest lag to the shortest.
    for (size_t i = 0; entity && i < entity->n; i++) {
        const struct moment *moment = &entity->moments[i];
        uint64_t covered = 0;
        while (lag && time - skew_lags[lag - 1] < moment->from)
            lag--;
        if (!lag)
            break;
        for (; lag && time - skew_lags[lag - 1] < moment->to; lag--)
            covered |= (uint64_t)1 << (lag - 1);
        *known |= covered;
        if (skew_value_same(&values_at(history, entity, i)[field], value))
            *stale |= covered;
    }
}

// ---- bytes

int skew_history_write(const struct skew_history *history, struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)history->n_fields);
    weir_put_fixed64(out, history->highest);
    weir_put_long(out, (int64_t)history->n);
    for (size_t i = 0; i < history->n; i++) {
        const struct skew_entity *entity = &history->entities[i];
        weir_put_fixed64(out, entity->hash);
        weir_put_long(out, entity->seen);
        weir_put_long(out, (int64_t)entity->n);
        for (size_t k = 0; k < entity->n; k++) {
            weir_put_long(out, entity->moments[k].from);
            weir_put_long(out, entity->moments[k].to);
            for (size_t f = 0; f < history->n_fields; f++)
                skew_value_write(&values_at(history, entity, k)[f], out);
        }
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

static int read_entity(struct skew_history *history, struct weir_reader *in)
{
    uint64_t hash = weir_get_fixed64(in);
    int64_t seen = weir_get_long(in);
    size_t n = weir_get_count(in, SKEW_HISTORY);
    if (in->failed || hash >= history->highest || find(history, hash))
        return WEIR_ECORRUPT;
    struct skew_entity *entity = make(history, hash, seen);
    if (!entity)
        return WEIR_ENOMEM;
    for (size_t k = 0; k < n && !in->failed; k++) {
        struct moment moment = {weir_get_long(in), 0};
        moment.to = weir_get_long(in);
        if (make_place(history, entity))
            return WEIR_ENOMEM;
        for (size_t f = 0; f < history->n_fields; f++)
            values_at(history, entity, k)[f] = skew_value_get(in);
        int64_t before = k ? entity->moments[k - 1].to : INT64_MIN;
        if (in->failed || moment.from < before || moment.to <= moment.from)
            return WEIR_ECORRUPT;
        entity->moments[k] = moment;
        entity->n = k + 1;
    }
    return weir_reader_code(in);
}

int skew_history_read(struct skew_history *history, struct weir_reader *in)
{
    size_t n_fields = weir_get_count(in, SIZE_MAX >> 1);
    uint64_t highest = weir_get_fixed64(in);
    size_t n = weir_get_count(in, history->maximum);
    int code = in->failed || n_fields != history->n_fields ? WEIR_ECORRUPT : 0;
    if (!code)
        history->highest = highest;
    for (size_t i = 0; i < n && !code; i++)
        code = read_entity(history, in);
    return code;
}
