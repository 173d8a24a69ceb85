// SPDX-License-Identifier: Apache-2.0
#include "consumer/alert/headers.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

// Appends "/" and the name, percent-encoded; a name that does not fit is cut.
static size_t put_segment(char *out, size_t size, size_t at, const char *name)
{
    static const char digits[] = "0123456789ABCDEF";
    if (at + 1 < size)
        out[at++] = '/';
    for (; *name; name++) {
        unsigned char byte = (unsigned char)*name;
        if (byte < 0x80 && (isalnum(byte) || strchr("-._~", byte))) {
            if (at + 1 >= size)
                break;
            out[at++] = (char)byte;
        } else {
            if (at + 3 >= size)
                break;
            out[at++] = '%';
            out[at++] = digits[byte >> 4];
            out[at++] = digits[byte & 15];
        }
    }
    out[at] = 0;
    return at;
}

static void set(struct weir_header *header, const char *name, const char *value)
{
    header->name = name;
    header->value.data = (const uint8_t *)value;
    header->value.length = strlen(value);
}

void weir_alert_headers(const struct weir_alert *alert, struct weir_alert_headers *out)
{
    size_t half = sizeof out->source / 2;
    snprintf(out->type, sizeof out->type, "weir.alert.%s", weir_alert_status_name(alert->status));
    size_t at = put_segment(out->source, sizeof out->source, 0, "weir");
    at = put_segment(out->source, half, at, alert->app);
    put_segment(out->source, sizeof out->source, at, alert->detector);
    weir_text_time(alert->updated_at, out->time);
    set(&out->headers[0], "ce_id", alert->id);
    set(&out->headers[1], "ce_type", out->type);
    set(&out->headers[2], "ce_source", out->source);
    set(&out->headers[3], "ce_time", out->time);
    set(&out->headers[4], "ce_specversion", "1.0");
}
