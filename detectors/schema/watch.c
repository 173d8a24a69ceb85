// SPDX-License-Identifier: Apache-2.0
// Beside the records: a sample of rows, a column at a time.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/watch_inside.h"
#include "stats/cells.h"
#include "stats/habits.h"

enum { ALL_ROWS = 4096 };
enum { TEXT_NEW, TEXT_NOT_JUDGED, TEXT_FINE, TEXT_LOW };
static const uint64_t SPREAD = 0x9e3779b97f4a7c15u;

int schema_watch_create(const struct schema *schema, struct schema_watch **result)
{
    struct schema_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return WEIR_ENOMEM;
    watch->schema = schema;
    watch->memos = calloc(schema->n_fields + 1, sizeof *watch->memos);
    if (!watch->memos) {
        free(watch);
        return WEIR_ENOMEM;
    }
    *result = watch;
    return 0;
}

void schema_watch_destroy(struct schema_watch *watch)
{
    if (!watch)
        return;
    for (size_t i = 0; i < watch->n_panes; i++)
        watch_pane_free(watch->schema, watch->panes[i]);
    for (size_t f = 0; f < watch->schema->n_fields; f++) {
        free(watch->memos[f].text);
        free(watch->memos[f].pairs);
    }
    free(watch->memos);
    free(watch);
}

// ---- one field of the rows at hand

struct sight {
    struct schema_watch *watch;
    const struct schema_field *field;
    const struct weir_column *column;
    struct watch_field *seen;
    uint32_t n; // of watch->rows
};

static uint32_t weight_of(const struct schema_watch *watch, uint32_t k)
{
    return k < watch->light ? 1 : WATCH_EVERY;
}

static void weigh(struct schema_weights *weights, uint64_t weight)
{
    weights->sum += weight;
    weights->squares += weight * weight;
}

// Values on their way to their buckets, which are far apart: asked for first, counted a little
// later, in order.
struct counting {
    struct watch_bucket *buckets; // NULL: nothing is counted
    uint32_t n;
    struct {
        uint64_t bits;
        uint32_t weight;
    } values[16];
};

static struct watch_bucket *bucket_of(const struct counting *counting, uint64_t bits)
{
    return &counting->buckets[bits * SPREAD >> 55];
}

// Without a jump: nobody can foretell it.
static void count(struct counting *counting)
{
    for (uint32_t i = 0; i < counting->n; i++) {
        uint64_t bits = counting->values[i].bits;
        uint32_t weight = counting->values[i].weight;
        struct watch_bucket *bucket = bucket_of(counting, bits);
        uint32_t lead = bucket->lead, left = lead < weight ? weight - lead : lead - weight;
        uint64_t leader = bucket->bits;
        bucket->lead = leader == bits ? lead + weight : left;
        bucket->bits = lead < weight ? bits : leader;
        bucket->total += weight;
    }
    counting->n = 0;
}

static void count_value(struct counting *counting, uint64_t bits, uint32_t weight)
{
    if (!counting->buckets)
        return;
    if (counting->n == sizeof counting->values / sizeof *counting->values)
        count(counting);
    __builtin_prefetch(bucket_of(counting, bits), 1);
    counting->values[counting->n].bits = bits;
    counting->values[counting->n++].weight = weight;
}

static void speak(struct schema_watch *watch, uint32_t k, uint64_t pairs)
{
    watch->twice[k] |= watch->once[k] & pairs;
    watch->once[k] |= pairs;
}

static double number_at(const struct weir_column *column, uint32_t i)
{
    return column->type == WEIR_TYPE_DOUBLE ? column->values.f64[i] + 0.0
                                            : (double)column->values.i64[i];
}

static void see_numbers(const struct sight *sight)
{
    const struct weir_column *column = sight->column;
    const uint64_t *pairs = sight->field->swap_pairs;
    const struct weir_cells *cells = pairs ? sight->field->reference->cells : NULL;
    struct counting counting = {.buckets = sight->seen->buckets};
    for (uint32_t k = 0; k < sight->n; k++) {
        uint32_t i = sight->watch->rows[k];
        if (column->state[i] != WEIR_STATE_VALUE)
            continue;
        double x = number_at(column, i);
        if (!isfinite(x))
            continue;
        uint64_t bits;
        memcpy(&bits, &x, sizeof bits);
        uint32_t weight = weight_of(sight->watch, k);
        weigh(&sight->seen->values, weight);
        count_value(&counting, bits, weight);
        if (pairs)
            speak(sight->watch, k, pairs[weir_cells_find(cells, x)]);
    }
    count(&counting);
}

static uint8_t judge_text(const struct schema_field *field, const struct weir_string *string)
{
    const struct weir_cells *cells = field->reference->cells;
    int judged = weir_pairs_judge(cells->habits->pairs, string->data, string->length);
    if (judged == 1 && weir_cells_knows(cells, string->hash))
        judged = 0;
    return judged < 0 ? TEXT_NOT_JUDGED : judged ? TEXT_LOW : TEXT_FINE;
}

static uint64_t pairs_of(const struct schema *schema, const struct schema_field *field,
                         const struct weir_string *string)
{
    int place = (int)(field - schema->fields);
    uint64_t pairs = 0;
    for (size_t p = 0; p < schema->n_pairs; p++) {
        const struct schema_pair *pair = &schema->pairs[p];
        if ((pair->a == place || pair->b == place) &&
            schema_swap_string(schema, pair, pair->b == place, string) >= SCHEMA_SWAP_ONE)
            pairs |= (uint64_t)1 << p;
    }
    return pairs;
}

static void see_text(struct watch_field *seen, uint8_t text, uint64_t hash, uint32_t weight)
{
    if (text >= TEXT_FINE)
        weigh(&seen->texts, weight);
    if (text != TEXT_LOW)
        return;
    seen->low += weight;
    for (size_t i = 0; i < seen->n_unlike; i++) {
        if (seen->unlike[i] == hash)
            return;
    }
    if (seen->n_unlike < SCHEMA_LOW)
        seen->unlike[seen->n_unlike++] = hash;
}

static int fit_memo(struct watch_memo *memo, const struct weir_column *column)
{
    if (memo->generation != column->generation || column->n_dictionary < memo->n)
        memo->n = 0;
    memo->generation = column->generation;
    if (column->n_dictionary > memo->room) {
        uint32_t room = column->n_dictionary + column->n_dictionary / 2 + 64;
        uint8_t *text = realloc(memo->text, room);
        if (text)
            memo->text = text;
        uint64_t *pairs = realloc(memo->pairs, room * sizeof *pairs);
        if (pairs)
            memo->pairs = pairs;
        if (!text || !pairs)
            return WEIR_ENOMEM;
        memo->room = room;
    }
    if (column->n_dictionary > memo->n)
        memset(memo->text + memo->n, TEXT_NEW, column->n_dictionary - memo->n);
    memo->n = column->n_dictionary;
    return 0;
}

static int see_strings(const struct sight *sight)
{
    const struct weir_column *column = sight->column;
    const struct schema_field *field = sight->field;
    const struct schema *schema = sight->watch->schema;
    struct watch_memo *memo = &sight->watch->memos[field - schema->fields];
    int reads = (field->watched & SCHEMA_WATCH_TEXT) != 0, swaps = field->n_pairs > 0;
    struct counting counting = {.buckets = sight->seen->buckets};
    if ((reads || swaps) && fit_memo(memo, column))
        return WEIR_ENOMEM;
    for (uint32_t k = 0; k < sight->n; k++) {
        uint32_t i = sight->watch->rows[k];
        if (column->state[i] != WEIR_STATE_VALUE)
            continue;
        uint32_t code = column->values.code[i];
        const struct weir_string *string = weir_column_string(column, code);
        uint32_t weight = weight_of(sight->watch, k);
        weigh(&sight->seen->values, weight);
        count_value(&counting, string->hash, weight);
        if (!reads && !swaps)
            continue;
        uint8_t text = code < memo->n ? memo->text[code] : TEXT_NEW;
        uint64_t pairs = text && swaps ? memo->pairs[code] : 0;
        if (text == TEXT_NEW) {
            text = reads ? judge_text(field, string) : TEXT_NOT_JUDGED;
            pairs = swaps ? pairs_of(schema, field, string) : 0;
            if (code < memo->n) {
                memo->text[code] = text;
                memo->pairs[code] = pairs;
            }
        }
        if (reads)
            see_text(sight->seen, text, string->hash, weight);
        if (pairs)
            speak(sight->watch, k, pairs);
    }
    count(&counting);
    return 0;
}

// ---- pairs of which both values speak for a swap

static double odds(const struct schema *schema, const struct weir_batch *batch,
                   const struct schema_pair *pair, int side, uint32_t row)
{
    const struct schema_field *field = &schema->fields[side ? pair->b : pair->a];
    const struct weir_column *column = &batch->columns[field->index];
    if (!pair->odds[side])
        return schema_swap_string(schema, pair, side,
                                  weir_column_string(column, column->values.code[row]));
    return pair->odds[side][weir_cells_find(field->reference->cells, number_at(column, row))];
}

static void see_pairs(struct schema_watch *watch, const struct weir_batch *batch,
                      struct watch_pane *pane, uint32_t n)
{
    const struct schema *schema = watch->schema;
    for (uint32_t k = 0; k < n; k++) {
        for (uint64_t left = watch->twice[k]; left; left &= left - 1) {
            int p = __builtin_ctzll(left);
            const struct schema_pair *pair = &schema->pairs[p];
            uint32_t row = watch->rows[k];
            if (odds(schema, batch, pair, 0, row) + odds(schema, batch, pair, 1, row) >=
                SCHEMA_SWAP_BOTH)
                pane->swapped[p] += weight_of(watch, k);
        }
    }
}

// ---- a batch

// Chooses rows for what is left of [from, to), all of one pane.
static uint32_t sample(struct schema_watch *watch, const struct weir_batch *batch,
                       struct watch_pane *pane, uint32_t from, uint32_t to)
{
    int64_t most = watch->schema->freshness;
    uint32_t n = 0;
    watch->light = 0;
    for (uint32_t i = from; i < to; i++) {
        if (batch->fault &&
            (batch->fault[i] == WEIR_ROW_UNDECODABLE || batch->fault[i] == WEIR_ROW_TOMBSTONE))
            continue;
        int64_t age;
        if (most && !__builtin_sub_overflow(batch->timestamp[i], batch->time[i], &age)) {
            pane->stale += age > most;
            pane->oldest = age > pane->oldest ? age : pane->oldest;
        }
        int light = pane->rows < ALL_ROWS;
        int taken = light || (uint64_t)batch->offset[i] * SPREAD >> 61 == 0;
        pane->rows++;
        watch->rows[n] = i;
        n += (uint32_t)taken;
        watch->light += (uint32_t)light;
    }
    for (uint32_t k = 0; k < n; k++)
        weigh(&pane->sampled, weight_of(watch, k));
    return n;
}

static int observe_part(struct schema_watch *watch, const struct weir_batch *batch,
                        struct watch_pane *pane, uint32_t from, uint32_t to)
{
    const struct schema *schema = watch->schema;
    uint32_t n = sample(watch, batch, pane, from, to);
    int any = 0;
    memset(watch->once, 0, n * sizeof *watch->once);
    memset(watch->twice, 0, n * sizeof *watch->twice);
    for (size_t f = 0; f < schema->n_fields && n; f++) {
        const struct schema_field *field = &schema->fields[f];
        const struct weir_column *column = &batch->columns[field->index];
        struct sight sight = {watch, field, column, &pane->fields[f], n};
        if (!field->watched && !field->n_pairs)
            continue;
        any |= field->n_pairs > 0;
        if (column->type == WEIR_TYPE_STRING || column->type == WEIR_TYPE_BYTES) {
            if (see_strings(&sight))
                return WEIR_ENOMEM;
        } else {
            see_numbers(&sight);
        }
    }
    if (any)
        see_pairs(watch, batch, pane, n);
    return 0;
}

void schema_watch_broken(struct schema_watch *watch, size_t field, const struct weir_edge *host,
                         const uint32_t *rows, size_t n)
{
    if (!watch || !host->pane || !watch->schema->fields[field].watched)
        return;
    for (size_t i = 0, from = 0; i < n; i++) {
        if (i + 1 < n && host->pane[rows[i + 1]] == host->pane[rows[from]])
            continue;
        int full = 0;
        // Without room for it less is known: no more than that.
        struct watch_pane *pane = watch_pane_at(watch, host->pane[rows[from]], &full);
        if (pane)
            pane->fields[field].broken += i + 1 - from;
        from = i + 1;
    }
}

int schema_watch_observe(struct schema_watch *watch, const struct weir_batch *batch,
                         const struct weir_edge *host)
{
    if (!watch->schema->watches)
        return 0;
    for (uint32_t from = 0, to; from < batch->n_rows; from = to) {
        for (to = from + 1; to < batch->n_rows && host->pane[to] == host->pane[from];)
            to++;
        int full = 0;
        struct watch_pane *pane = watch_pane_at(watch, host->pane[from], &full);
        for (uint32_t row = from; full && row < to; row++)
            host->limit_rows(host, "schema.panes", &row, 1);
        if (full)
            continue;
        if (!pane || observe_part(watch, batch, pane, from, to))
            return WEIR_ENOMEM;
    }
    return 0;
}
