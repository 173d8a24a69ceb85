// SPDX-License-Identifier: Apache-2.0
// State of the alert manager: whatever restores must go on working, and save again.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/alert.h"

static int sink(void *context, const struct weir_alert *alert)
{
    size_t *length = context;
    *length += strlen(alert->finding.summary) + strlen(alert->finding.kind);
    for (size_t i = 0; i < alert->n_offsets; i++)
        *length += strlen(alert->offsets[i].topic);
    return 0;
}

static struct weir_alerts *make(size_t *length)
{
    static const struct weir_alert_track tracks[] = {
        {"contract", "schema", "transactions", NULL, 1, 3, 5000, -1, 1, 1000},
        {"input_drift", "drift", "transactions", NULL, 2, 2, 3000, -1, 0, 1000}};
    struct weir_alerts_options options = {.app = "app", .sink = sink, .context = length};
    struct weir_alerts *alerts;
    if (weir_alerts_create(&options, &alerts, NULL))
        abort();
    for (size_t i = 0; i < 2; i++) {
        if (weir_alerts_track(alerts, &tracks[i]) < 0)
            abort();
    }
    return alerts;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t length = 0;
    struct weir_alerts *alerts = make(&length);
    struct weir_reader reader = weir_reader_make(data, size);
    struct weir_buffer out;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    if (!weir_alerts_restore(alerts, &reader, NULL)) {
        struct weir_finding finding = {.size = sizeof finding,
                                       .rule = "range",
                                       .kind = "schema.range",
                                       .share = NAN,
                                       .summary = "out of range"};
        for (int64_t window = 1; window < 6; window++) {
            weir_alerts_begin(alerts, (int)(window % 2), window * 1000, window * 1000 + 1000, 1,
                              NULL, 0);
            if (weir_alerts_find(alerts, &finding) || weir_alerts_end(alerts))
                abort();
        }
        if (weir_alerts_save(alerts, &out))
            abort();
        struct weir_alerts *again = make(&length);
        reader = weir_reader_make(out.data, out.length);
        if (weir_alerts_restore(again, &reader, NULL) || weir_reader_left(&reader))
            abort();
        weir_alerts_destroy(again);
    }
    weir_buffer_free(&out);
    weir_alerts_destroy(alerts);
    return 0;
}
