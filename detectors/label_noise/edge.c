// SPDX-License-Identifier: Apache-2.0
// Beside the records: open items, and what has been judged, by pane.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/label_noise/items.h"
#include "stats/hash.h"
#include "stats/value_text.h"

enum { PANES = 4096 };

struct pane {
    int64_t start;
    struct noise_tally tally;
};

struct edge {
    const struct noise_instance *instance;
    struct weir_names annotators, classes;
    struct noise_items items;
    struct pane *panes; // open ones with something in them, ascending
    size_t n_panes, panes_capacity;
};

int noise_edge_create(void *instance, void **out, struct weir_error *error)
{
    struct edge *edge = calloc(1, sizeof *edge);
    if (!edge)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for open items");
    edge->instance = instance;
    weir_names_init(&edge->annotators, edge->instance->max_annotators);
    weir_names_init(&edge->classes, NOISE_CLASSES - 1);
    edge->items.maximum = edge->instance->open_items;
    *out = edge;
    return 0;
}

static void clear(struct edge *edge)
{
    for (size_t i = 0; i < edge->n_panes; i++)
        noise_tally_free(&edge->panes[i].tally);
    free(edge->panes);
    edge->panes = NULL;
    edge->n_panes = edge->panes_capacity = 0;
    noise_items_free(&edge->items);
    weir_names_free(&edge->annotators);
    weir_names_free(&edge->classes);
}

size_t noise_edge_memory(const void *state)
{
    const struct edge *edge = state;
    size_t bytes = sizeof *edge + edge->panes_capacity * sizeof *edge->panes +
                   noise_items_memory(edge->items.capacity);
    bytes += weir_names_memory(&edge->annotators) + weir_names_memory(&edge->classes);
    for (size_t i = 0; i < edge->n_panes; i++)
        bytes += noise_tally_memory(&edge->panes[i].tally);
    return bytes;
}

size_t noise_edge_memory_most(const void *instance)
{
    uint32_t capacity = 1;
    while (capacity < ((const struct noise_instance *)instance)->open_items)
        capacity *= 2;
    return noise_items_memory(capacity);
}

void noise_edge_destroy(void *state)
{
    struct edge *edge = state;
    if (!edge)
        return;
    clear(edge);
    free(edge);
}

// The tally of a pane, made where it is new; NULL when memory is out.
static struct noise_tally *tally_of(struct edge *edge, int64_t start)
{
    size_t at = edge->n_panes;
    while (at && edge->panes[at - 1].start > start)
        at--;
    if (at && edge->panes[at - 1].start == start)
        return &edge->panes[at - 1].tally;
    if (edge->n_panes == edge->panes_capacity) {
        size_t capacity = edge->panes_capacity ? edge->panes_capacity * 2 : 4;
        void *grown = realloc(edge->panes, capacity * sizeof *edge->panes);
        if (!grown)
            return NULL;
        edge->panes = grown;
        edge->panes_capacity = capacity;
    }
    memmove(&edge->panes[at + 1], &edge->panes[at], (edge->n_panes - at) * sizeof *edge->panes);
    memset(&edge->panes[at], 0, sizeof edge->panes[at]);
    edge->panes[at].start = start;
    edge->n_panes++;
    return &edge->panes[at].tally;
}

static int item_hash(const struct edge *edge, const struct weir_batch *batch, uint32_t row,
                     uint64_t *hash)
{
    char buffer[40];
    const char *text;
    size_t length;
    if (edge->instance->item < 0) {
        if (!batch->key || !batch->key[row].data)
            return 0;
        *hash = weir_hash(batch->key[row].data, batch->key[row].length);
        return 1;
    }
    const struct weir_column *column = &batch->columns[edge->instance->item];
    if (!weir_value_text(column, row, buffer, sizeof buffer, &text, &length))
        return 0;
    *hash = weir_hash(text, length);
    return 1;
}

static int is_gold(const struct noise_instance *instance, const char *name)
{
    for (size_t i = 0; i < instance->n_gold; i++) {
        if (!strcmp(instance->gold[i], name))
            return 1;
    }
    return 0;
}

// Annotator and class of a row as numbers. 1: there; 0: nothing to look at; negative: memory.
static int read_label(struct edge *edge, const struct weir_batch *batch, uint32_t row,
                      const struct weir_edge *host, struct noise_label *label)
{
    const struct noise_instance *instance = edge->instance;
    char buffer[40];
    const char *text;
    size_t length;
    if (!weir_value_text(&batch->columns[instance->annotator], row, buffer, sizeof buffer, &text,
                         &length))
        return 0;
    int annotator = weir_names_add(&edge->annotators, text, length);
    if (annotator == WEIR_EAGAIN)
        host->limit_rows(host, "annotators", &row, 1);
    if (annotator < 0)
        return annotator == WEIR_ENOMEM ? annotator : 0;
    if (!weir_value_text(&batch->columns[instance->label], row, buffer, sizeof buffer, &text,
                         &length))
        return 0;
    int class = weir_names_add(&edge->classes, text, length);
    if (class == WEIR_ENOMEM)
        return class;
    if (class < 0)
        host->limit_rows(host, "label classes", &row, 1);
    label->annotator = (uint32_t)annotator;
    label->class = (uint16_t)(class < 0 ? NOISE_CLASSES - 1 : class);
    label->gold = (uint16_t)is_gold(instance, edge->annotators.texts[annotator]);
    return 1;
}

// The oldest item makes room; what its labels say counts in the pane at hand.
static int drop_oldest(struct edge *edge, struct noise_tally *tally, uint32_t row,
                       const struct weir_edge *host)
{
    const struct noise_item *item = noise_items_oldest(&edge->items);
    int code = !item->judged && item->n > 1 ? noise_item_judge(item, tally) : 0;
    host->limit_rows(host, "open items", &row, 1);
    noise_items_drop_oldest(&edge->items);
    return code;
}

// One more label of an item that its annotator has labelled before.
static int relabel(struct noise_item *item, const struct noise_label *earlier,
                   const struct noise_label *label, struct noise_tally *tally,
                   const struct noise_sample *sample, const char *topic)
{
    struct noise_annotator *row = noise_tally_at(tally, label->annotator);
    if (!row)
        return WEIR_ENOMEM;
    if (earlier->class == label->class) {
        row->repeated++;
        return 0;
    }
    row->contradicted++;
    tally->contradicted++;
    item->contradicted = 1;
    noise_tally_sample(tally, sample);
    return noise_tally_topic(tally, topic);
}

static int add_label(struct edge *edge, struct noise_item *item, const struct noise_label *label,
                     struct noise_tally *tally, const struct noise_sample *sample,
                     const char *topic)
{
    for (size_t i = 0; i < item->n; i++) {
        if (item->labels[i].annotator == label->annotator)
            return relabel(item, &item->labels[i], label, tally, sample, topic);
    }
    if (item->n == NOISE_ITEM_LABELS)
        return 0; // enough is known of it
    item->labels[item->n++] = *label;
    if (item->judged)
        return noise_item_judge_last(item, tally);
    if (item->n < edge->instance->labels_per_item)
        return 0;
    item->judged = 1;
    return noise_item_judge(item, tally);
}

// Far enough from the ends of 64 bits that differences stay within them.
static int64_t sane_time(int64_t time)
{
    const int64_t far = (int64_t)1 << 60;
    return time > far ? far : time < -far ? -far : time;
}

static int observe_row(struct edge *edge, const struct weir_batch *batch, uint32_t row,
                       const struct weir_edge *host)
{
    struct noise_label label;
    struct noise_sample sample = {0, batch->partition, batch->offset[row]};
    if (batch->fault[row] == WEIR_ROW_UNDECODABLE || batch->fault[row] == WEIR_ROW_TOMBSTONE ||
        !item_hash(edge, batch, row, &sample.hash))
        return 0;
    int code = read_label(edge, batch, row, host, &label);
    if (code <= 0)
        return code;
    struct noise_tally *tally = tally_of(edge, host->pane[row]);
    struct noise_annotator *counts = tally ? noise_tally_at(tally, label.annotator) : NULL;
    if (!counts)
        return WEIR_ENOMEM;
    counts->labels++;
    tally->labels++;
    int64_t time = sane_time(batch->time[row]);
    struct noise_item *item =
        noise_items_find(&edge->items, sample.hash, time, edge->instance->open_for);
    if (!item) {
        if (noise_items_are_full(&edge->items) && drop_oldest(edge, tally, row, host))
            return WEIR_ENOMEM;
        item = noise_items_add(&edge->items, sample.hash, time);
    }
    return item ? add_label(edge, item, &label, tally, &sample, batch->topic) : WEIR_ENOMEM;
}

int noise_edge_observe(void *state, const struct weir_batch *batch, const struct weir_edge *host,
                       struct weir_error *error)
{
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        if (observe_row(state, batch, row, host))
            return weir_error_set(error, WEIR_ENOMEM, "no memory for open items");
    }
    return 0;
}

struct leaving {
    struct edge *edge;
    int64_t pane;
};

// An item that takes no more labels: what it has is all there will be.
static int leave(void *context, const struct noise_item *item)
{
    struct leaving *leaving = context;
    if (item->judged || item->n < 2)
        return 0;
    struct noise_tally *tally = tally_of(leaving->edge, leaving->pane);
    return tally ? noise_item_judge(item, tally) : WEIR_ENOMEM;
}

int noise_edge_close(void *state, int64_t start, int64_t end, struct weir_buffer *out,
                     struct weir_error *error)
{
    struct edge *edge = state;
    struct leaving leaving = {edge, start};
    int code = noise_items_expire(&edge->items, sane_time(end) - edge->instance->open_for, leave,
                                  &leaving);
    size_t closed = 0;
    for (; !code && closed < edge->n_panes && edge->panes[closed].start <= start; closed++) {
        struct noise_tally *tally = &edge->panes[closed].tally;
        if (!noise_tally_is_empty(tally))
            code = noise_tally_write(tally, &edge->annotators, &edge->classes, out);
        noise_tally_free(tally);
    }
    if (closed)
        memmove(edge->panes, edge->panes + closed, (edge->n_panes - closed) * sizeof *edge->panes);
    edge->n_panes -= closed;
    return code ? weir_error_set(error, code, "no memory to close a pane") : 0;
}

// ---- state

static void save_item(const struct noise_item *item, struct weir_buffer *out)
{
    weir_put_fixed64(out, item->hash);
    weir_put_long(out, item->first);
    weir_put_long(out, item->judged);
    weir_put_long(out, item->contradicted);
    weir_put_long(out, item->n);
    for (size_t i = 0; i < item->n; i++) {
        weir_put_long(out, item->labels[i].annotator);
        weir_put_long(out, item->labels[i].class);
    }
}

int noise_edge_save(const void *state, struct weir_buffer *out)
{
    const struct edge *edge = state;
    weir_names_save(&edge->annotators, out);
    weir_names_save(&edge->classes, out);
    weir_put_long(out, (int64_t)(edge->items.tail - edge->items.head));
    for (uint64_t i = edge->items.head; i < edge->items.tail; i++)
        save_item(noise_items_at(&edge->items, i), out);
    weir_put_long(out, (int64_t)edge->n_panes);
    for (size_t i = 0; i < edge->n_panes; i++) {
        weir_put_long(out, edge->panes[i].start);
        noise_tally_write(&edge->panes[i].tally, &edge->annotators, &edge->classes, out);
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

static int restore_item(struct edge *edge, struct weir_reader *in)
{
    uint64_t hash = weir_get_fixed64(in);
    int64_t first = sane_time(weir_get_long(in));
    size_t judged = weir_get_count(in, 1), contradicted = weir_get_count(in, 1);
    size_t n = weir_get_count(in, NOISE_ITEM_LABELS);
    if (in->failed)
        return WEIR_ECORRUPT;
    struct noise_item *item = noise_items_add(&edge->items, hash, first);
    if (!item)
        return WEIR_ENOMEM;
    item->judged = (uint8_t)judged;
    item->contradicted = (uint8_t)contradicted;
    for (size_t i = 0; i < n; i++) {
        struct noise_label *label = &item->labels[i];
        size_t annotator = weir_get_count(in, edge->annotators.maximum);
        size_t class = weir_get_count(in, NOISE_CLASSES - 1);
        if (in->failed || annotator >= edge->annotators.n)
            return WEIR_ECORRUPT;
        label->annotator = (uint32_t)annotator;
        label->class = (uint16_t) class;
        label->gold = (uint16_t)is_gold(edge->instance, edge->annotators.texts[annotator]);
        item->n++;
    }
    return 0;
}

static int restore(struct edge *edge, struct weir_reader *in)
{
    int code = weir_names_restore(&edge->annotators, in);
    if (!code)
        code = weir_names_restore(&edge->classes, in);
    size_t n = code ? 0 : weir_get_count(in, edge->items.maximum);
    for (size_t i = 0; i < n && !code; i++)
        code = restore_item(edge, in);
    n = code ? 0 : weir_get_count(in, PANES);
    for (size_t i = 0; i < n && !code; i++) {
        int64_t start = weir_get_long(in);
        struct noise_tally *tally = in->failed ? NULL : tally_of(edge, start);
        code = tally        ? noise_tally_read(tally, &edge->annotators, &edge->classes, in)
               : in->failed ? WEIR_ECORRUPT
                            : WEIR_ENOMEM;
    }
    return code ? code : in->failed ? WEIR_ECORRUPT : 0;
}

int noise_edge_restore(void *state, uint32_t state_version, struct weir_reader *in,
                       struct weir_error *error)
{
    struct edge *edge = state;
    (void)state_version;
    int code = restore(edge, in);
    if (code)
        clear(edge);
    return code ? weir_error_set(error, code, "the saved state of open items does not decode") : 0;
}
