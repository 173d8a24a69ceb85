// SPDX-License-Identifier: Apache-2.0
#include "consumer/replay/order.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/alert/alert.h"
#include "consumer/alert/headers.h"
#include "consumer/alert/read.h"

struct weir_held_alert {
    int64_t decided_at;
    char fingerprint[33];
    uint32_t sequence;
    uint8_t *json;
    size_t length;
};

int weir_alert_order_add(struct weir_alert_order *order, const struct weir_emission *emission)
{
    if (order->n == order->capacity) {
        size_t capacity = order->capacity ? order->capacity * 2 : 64;
        struct weir_held_alert *grown = realloc(order->items, capacity * sizeof *grown);
        if (!grown)
            return WEIR_ENOMEM;
        order->items = grown;
        order->capacity = capacity;
    }
    struct weir_held_alert *held = &order->items[order->n];
    held->json = malloc(emission->value.length + 1);
    if (!held->json)
        return WEIR_ENOMEM;
    memcpy(held->json, emission->value.data, emission->value.length);
    held->length = emission->value.length;
    held->decided_at = emission->decided_at;
    held->sequence = emission->alert->sequence;
    memcpy(held->fingerprint, emission->alert->fingerprint, sizeof held->fingerprint);
    order->n++;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct weir_held_alert *x = a, *y = b;
    if (x->decided_at != y->decided_at)
        return x->decided_at < y->decided_at ? -1 : 1;
    int by_name = strcmp(x->fingerprint, y->fingerprint);
    return by_name ? by_name : (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

// The event is read back from its own JSON: what is printed is what was written.
static int give(struct weir_alert_order *order, const struct weir_held_alert *held)
{
    struct weir_alert_copy event;
    struct weir_error error;
    int code = weir_alert_from_json(held->json, held->length, &event, &error);
    if (code)
        return code;
    struct weir_alert_headers headers;
    weir_alert_headers(&event.alert, &headers);
    struct weir_emission emission = {
        .output = WEIR_OUTPUT_ALERTS,
        .partition = -1,
        .timestamp = held->decided_at,
        .key = {(const uint8_t *)held->fingerprint, strlen(held->fingerprint)},
        .value = {held->json, held->length},
        .headers = headers.headers,
        .n_headers = WEIR_ALERT_HEADERS,
        .alert = &event.alert,
        .source_row = -1,
        .decided_at = held->decided_at,
    };
    code = order->emit(order->context, &emission);
    weir_alert_copy_free(&event);
    return code;
}

int weir_alert_order_release(struct weir_alert_order *order, int64_t decided)
{
    size_t n = 0;
    int code = 0;
    if (order->n > 1)
        qsort(order->items, order->n, sizeof *order->items, compare);
    while (n < order->n && order->items[n].decided_at <= decided && !code) {
        code = give(order, &order->items[n]);
        free(order->items[n++].json);
    }
    if (n)
        memmove(order->items, order->items + n, (order->n - n) * sizeof *order->items);
    order->n -= n;
    return code;
}

void weir_alert_order_free(struct weir_alert_order *order)
{
    for (size_t i = 0; i < order->n; i++)
        free(order->items[i].json);
    free(order->items);
    memset(order, 0, sizeof *order);
}
