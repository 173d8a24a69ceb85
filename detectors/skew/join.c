// SPDX-License-Identifier: Apache-2.0
#include "detectors/skew/join.h"

#include <stdlib.h>
#include <string.h>

#include "detectors/skew/join_inside.h"
#include "weir/error.h"

enum { SMALL = 256 }; // places that are not worth giving back

void skew_join_init(struct skew_join *join, size_t n_fields, size_t maximum, int64_t apart,
                    size_t entities)
{
    *join = (struct skew_join){.n_fields = n_fields,
                               .maximum = maximum,
                               .apart = apart,
                               .now = INT64_MIN,
                               .looked_to = INT64_MIN,
                               .first = {INT64_MIN, INT64_MIN},
                               .newest = {INT64_MIN, INT64_MIN},
                               .relaxed_from = INT64_MIN};
    skew_history_init(&join->history, n_fields, entities);
}

void skew_join_free(struct skew_join *join)
{
    free(join->rows);
    free(join->values);
    free(join->chains);
    free(join->recent);
    free(join->pending[0].tickets);
    free(join->pending[1].tickets);
    skew_history_free(&join->history);
    skew_join_init(join, join->n_fields, join->maximum, join->apart, join->history.maximum);
}

static size_t row_bytes(size_t n_fields)
{
    return sizeof(struct skew_row) + n_fields * sizeof(struct skew_value) + sizeof(uint32_t);
}

size_t skew_join_memory(const struct skew_join *join)
{
    size_t tickets = join->pending[0].capacity + join->pending[1].capacity;
    return join->capacity * row_bytes(join->n_fields) + tickets * sizeof(struct skew_ticket) +
           join->recent_capacity * sizeof *join->recent + skew_history_memory(&join->history);
}

size_t skew_join_memory_most(size_t n_fields, size_t maximum, size_t entities)
{
    // Places double; while they do, the old ones are there too.
    return 2 * maximum * (row_bytes(n_fields) + 2 * sizeof(struct skew_ticket)) +
           skew_history_memory_most(n_fields, entities);
}

static struct skew_value *values_of(const struct skew_join *join, uint32_t row)
{
    return join->values + (size_t)row * join->n_fields;
}

// ---- rows

static uint32_t *chain_of(const struct skew_join *join, uint64_t key)
{
    return &join->chains[key & (join->chains_size - 1)];
}

static int grow(struct skew_join *join)
{
    uint32_t capacity = join->capacity ? join->capacity * 2 : 256;
    struct skew_row *rows = realloc(join->rows, capacity * sizeof *rows);
    if (!rows)
        return WEIR_ENOMEM;
    join->rows = rows;
    size_t bytes = ((size_t)capacity * join->n_fields + 1) * sizeof *join->values;
    struct skew_value *values = realloc(join->values, bytes);
    if (!values)
        return WEIR_ENOMEM;
    join->values = values;
    uint32_t *chains = calloc(capacity, sizeof *chains);
    if (!chains)
        return WEIR_ENOMEM;
    free(join->chains);
    join->chains = chains;
    join->chains_size = join->capacity = capacity;
    for (uint32_t at = join->oldest; at; at = rows[at - 1].newer) {
        uint32_t *chain = chain_of(join, rows[at - 1].key);
        rows[at - 1].next = *chain;
        *chain = at;
    }
    return 0;
}

struct skew_value *skew_join_room(struct skew_join *join)
{
    if (!join->free && join->used == join->capacity && grow(join))
        return NULL;
    return values_of(join, join->free ? join->free - 1 : join->used);
}

static void release(struct skew_join *join, uint32_t row)
{
    join->rows[row].next = join->free;
    join->free = row + 1;
    join->kept--;
}

static void wait_in_line(struct skew_join *join, uint32_t at)
{
    struct skew_row *row = &join->rows[at];
    uint32_t *chain = chain_of(join, row->key);
    row->next = *chain;
    *chain = at + 1;
    row->older = join->newest_waiting;
    row->newer = 0;
    if (row->older)
        join->rows[row->older - 1].newer = at + 1;
    else
        join->oldest = at + 1;
    join->newest_waiting = at + 1;
}

// After a time in which one side lagged far behind, the room that its partners took is given back.
static int shrink(struct skew_join *join)
{
    uint32_t capacity = join->capacity;
    while (capacity > SMALL && join->kept * 8 < capacity)
        capacity /= 2;
    if (capacity == join->capacity || join->n_recent)
        return 0;
    struct skew_join less = *join;
    size_t bytes = ((size_t)capacity * join->n_fields + 1) * sizeof *join->values;
    less.rows = malloc(capacity * sizeof *less.rows);
    less.values = malloc(bytes);
    less.chains = calloc(capacity, sizeof *less.chains);
    if (!less.rows || !less.values || !less.chains) {
        free(less.rows);
        free(less.values);
        free(less.chains);
        return WEIR_ENOMEM;
    }
    less.chains_size = less.capacity = capacity;
    less.used = less.free = less.oldest = less.newest_waiting = 0;
    for (uint32_t at = join->oldest; at; at = join->rows[at - 1].newer) {
        uint32_t to = less.used++;
        less.rows[to] = join->rows[at - 1];
        memcpy(values_of(&less, to), values_of(join, at - 1),
               join->n_fields * sizeof *join->values);
        wait_in_line(&less, to);
    }
    for (size_t side = 0; side < 2; side++)
        for (size_t i = 0; i < join->pending[side].n; i++) {
            uint32_t *row = &join->pending[side].tickets[i].row, to = less.used++;
            less.rows[to] = join->rows[*row];
            memcpy(values_of(&less, to), values_of(join, *row),
                   join->n_fields * sizeof *join->values);
            *row = to;
        }
    free(join->rows);
    free(join->values);
    free(join->chains);
    *join = less;
    for (size_t side = 0; side < 2; side++) {
        struct skew_pending *pending = &join->pending[side];
        size_t room = pending->capacity;
        while (room > SMALL && pending->n * 8 < room)
            room /= 2;
        if (room == pending->capacity)
            continue;
        void *tickets = realloc(pending->tickets, room * sizeof *pending->tickets);
        if (!tickets)
            return WEIR_ENOMEM;
        pending->tickets = tickets;
        pending->capacity = room;
    }
    return 0;
}

static void leave_line(struct skew_join *join, uint32_t at)
{
    struct skew_row *row = &join->rows[at];
    uint32_t *link = chain_of(join, row->key);
    while (*link != at + 1)
        link = &join->rows[*link - 1].next;
    *link = row->next;
    if (row->older)
        join->rows[row->older - 1].newer = row->newer;
    else
        join->oldest = row->newer;
    if (row->newer)
        join->rows[row->newer - 1].older = row->older;
    else
        join->newest_waiting = row->older;
    row->older = row->newer = 0;
    release(join, at);
}

// ---- too many

static int passes(uint64_t key, unsigned level)
{
    // Chains go by the low bits.
    return level >= 32 ? !(key >> 32) : !(key >> 32 & (((uint64_t)1 << level) - 1));
}

static int is_wanted(const struct skew_join *join, uint64_t key, int64_t time)
{
    return passes(key, join->level + (time <= join->relaxed_from));
}

static void drop_unwanted(struct skew_join *join)
{
    for (size_t side = 0; side < 2; side++) {
        struct skew_pending *pending = &join->pending[side];
        size_t n = 0;
        for (size_t i = 0; i < pending->n; i++) {
            struct skew_ticket *ticket = &pending->tickets[i];
            const struct skew_row *row = &join->rows[ticket->row];
            if (is_wanted(join, row->key, row->time))
                pending->tickets[n++] = *ticket;
            else
                release(join, ticket->row);
        }
        join->left_out += pending->n - n;
        pending->n = n;
    }
    for (uint32_t at = join->oldest, newer; at; at = newer) {
        const struct skew_row *row = &join->rows[at - 1];
        newer = row->newer;
        if (row->done || is_wanted(join, row->key, row->time))
            continue;
        leave_line(join, at - 1);
        join->left_out++;
    }
}

static void relax(struct skew_join *join)
{
    if (!join->level || join->kept > join->maximum / 8 || join->looked_to <= join->relaxed_from)
        return;
    int64_t newest = join->newest[0] > join->newest[1] ? join->newest[0] : join->newest[1];
    join->relaxed_from = newest;
    join->level--;
}

static int put_ticket(struct skew_pending *pending, const struct skew_ticket *ticket)
{
    if (pending->n == pending->capacity) {
        size_t capacity = pending->capacity ? pending->capacity * 2 : 256;
        struct skew_ticket *grown = realloc(pending->tickets, capacity * sizeof *grown);
        if (!grown)
            return WEIR_ENOMEM;
        pending->tickets = grown;
        pending->capacity = capacity;
    }
    pending->unsorted |= pending->n && ticket->time < pending->tickets[pending->n - 1].time;
    pending->tickets[pending->n++] = *ticket;
    return 0;
}

static uint32_t take_place(struct skew_join *join, const struct skew_row *row)
{
    uint32_t at = join->free ? join->free - 1 : join->used;
    if (join->free)
        join->free = join->rows[at].next;
    else
        join->used++;
    join->rows[at] = *row;
    join->rows[at].next = join->rows[at].older = join->rows[at].newer = 0;
    join->rows[at].done = 0;
    join->kept++;
    return at;
}

int skew_join_put_pending(struct skew_join *join, const struct skew_row *row)
{
    struct skew_ticket ticket = {row->time, row->offset, join->free ? join->free - 1 : join->used};
    if (put_ticket(&join->pending[row->side], &ticket))
        return WEIR_ENOMEM;
    take_place(join, row);
    return 0;
}

void skew_join_put_waiting(struct skew_join *join, const struct skew_row *row)
{
    wait_in_line(join, take_place(join, row));
}

int skew_join_add(struct skew_join *join, const struct skew_row *row)
{
    if (row->time > join->newest[row->side])
        join->newest[row->side] = row->time;
    if (!is_wanted(join, row->key, row->time)) {
        join->left_out++;
        return 0;
    }
    if (skew_join_put_pending(join, row))
        return WEIR_ENOMEM;
    while (join->kept > join->maximum && join->level < 32) {
        join->level++;
        drop_unwanted(join);
    }
    return 0;
}

// ---- looking

static int keep_recent(struct skew_join *join, uint32_t row)
{
    if (join->n_recent == join->recent_capacity) {
        size_t capacity = join->recent_capacity ? join->recent_capacity * 2 : 64;
        uint32_t *grown = realloc(join->recent, capacity * sizeof *grown);
        if (!grown)
            return WEIR_ENOMEM;
        join->recent = grown;
        join->recent_capacity = capacity;
    }
    join->recent[join->n_recent++] = row;
    return 0;
}

static void pass_recent(struct skew_join *join, int64_t now)
{
    if (now == join->now)
        return;
    for (size_t i = 0; i < join->n_recent; i++)
        leave_line(join, join->recent[i]);
    join->n_recent = 0;
    join->now = now;
}

static int is_known_lonely(const struct skew_join *join, const struct skew_row *row,
                           int64_t known_to)
{
    int other = !row->side;
    int64_t until = row->time + join->apart;
    if (join->first[other] == INT64_MIN || row->time + join->apart < join->first[other])
        return 0; // the other side began later
    // Its partner may have been left out while this was not.
    if (row->time <= join->relaxed_from + join->apart && !passes(row->key, join->level + 1))
        return 0;
    return until < known_to || until <= join->newest[other];
}

static int expire(struct skew_join *join, int64_t now, int64_t known_to,
                  const struct skew_join_events *events)
{
    while (join->oldest) {
        uint32_t at = join->oldest - 1;
        const struct skew_row *row = &join->rows[at];
        if (row->time + join->apart >= now)
            return 0;
        int code = 0;
        if (!row->done && is_known_lonely(join, row, known_to))
            code = events->lonely(events->context, row,
                                  skew_history_knows(&join->history, row->entity));
        if (code)
            return code;
        leave_line(join, at);
    }
    return 0;
}

static int pair_up(struct skew_join *join, uint32_t a, uint32_t b,
                   const struct skew_join_events *events)
{
    uint32_t served = join->rows[a].side == SKEW_SERVED ? a : b, offline = served == a ? b : a;
    return events->pair(events->context, &join->rows[served], values_of(join, served),
                        &join->rows[offline], values_of(join, offline));
}

static int look_at(struct skew_join *join, uint32_t at, int64_t known_to,
                   const struct skew_join_events *events)
{
    struct skew_row *row = &join->rows[at];
    pass_recent(join, row->time);
    int code = expire(join, row->time, known_to, events);
    if (join->first[row->side] == INT64_MIN)
        join->first[row->side] = row->time;
    if (!code && row->side == SKEW_OFFLINE)
        code = skew_history_add(&join->history, row->entity, row->time, values_of(join, at));
    uint32_t partner = 0;
    for (uint32_t i = *chain_of(join, row->key); i && !code; i = join->rows[i - 1].next) {
        const struct skew_row *other = &join->rows[i - 1];
        if (other->key != row->key)
            continue;
        if (other->side == row->side && other->time == row->time) {
            code = events->duplicate(events->context, row);
            release(join, at);
            return code;
        }
        if (other->side != row->side && !other->done && !partner)
            partner = i;
    }
    if (code) {
        release(join, at);
        return code;
    }
    wait_in_line(join, at);
    if (!partner)
        return 0;
    code = pair_up(join, at, partner - 1, events);
    row->done = join->rows[partner - 1].done = 1;
    if (!code)
        code = keep_recent(join, at);
    if (!code && join->rows[partner - 1].time == row->time)
        code = keep_recent(join, partner - 1);
    else if (!code)
        leave_line(join, partner - 1);
    return code;
}

static int by_time(const void *a, const void *b)
{
    const struct skew_ticket *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

// The tickets of before `time` to the front, in order; how many.
static size_t make_ready(struct skew_pending *pending, int64_t time)
{
    if (!pending->unsorted) {
        size_t low = 0, high = pending->n;
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (pending->tickets[middle].time < time)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
    qsort(pending->tickets, pending->n, sizeof *pending->tickets, by_time);
    pending->unsorted = 0;
    return make_ready(pending, time);
}

static void drop_ready(struct skew_pending *pending, size_t n)
{
    if (n)
        memmove(pending->tickets, pending->tickets + n,
                (pending->n - n) * sizeof *pending->tickets);
    pending->n -= n;
}

int skew_join_look(struct skew_join *join, int64_t time, int64_t known_to,
                   const struct skew_join_events *events)
{
    if (time <= join->looked_to)
        return 0;
    struct skew_pending *pending = join->pending;
    size_t n[2], at[2] = {0, 0};
    for (size_t side = 0; side < 2; side++)
        n[side] = make_ready(&pending[side], time);
    int code = 0;
    // What was looked at before may have waited for this time alone.
    while (!code && (at[0] < n[0] || at[1] < n[1])) {
        // At one time the offline side comes first: a served record finds it there.
        int side = at[1] < n[1] && (at[0] == n[0] || pending[1].tickets[at[1]].time <=
                                                         pending[0].tickets[at[0]].time);
        code = look_at(join, pending[side].tickets[at[side]++].row, known_to, events);
    }
    for (size_t side = 0; side < 2; side++)
        drop_ready(&pending[side], at[side]);
    if (code)
        return code;
    pass_recent(join, INT64_MAX);
    join->now = INT64_MIN;
    join->looked_to = time;
    code = expire(join, time, known_to, events);
    relax(join);
    return code ? code : shrink(join);
}
