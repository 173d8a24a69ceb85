// SPDX-License-Identifier: Apache-2.0
// CloudEvents 1.0 attributes of an alert event, as Kafka headers.
#ifndef WEIR_ALERT_HEADERS_H
#define WEIR_ALERT_HEADERS_H

#include "consumer/alert/alert.h"
#include "consumer/alert/text.h"
#include "consumer/task/task.h"

enum { WEIR_ALERT_HEADERS = 5 };

struct weir_alert_headers {
    struct weir_header headers[WEIR_ALERT_HEADERS];
    char type[32], source[1024], time[WEIR_TEXT_TIME];
};

// ce_id, ce_type, ce_source, ce_time, ce_specversion. The spans point into `out` and `alert`;
// `out` must not be moved. Names are percent-encoded in ce_source, which is a URI reference.
void weir_alert_headers(const struct weir_alert *alert, struct weir_alert_headers *out);

const char *weir_alert_status_name(enum weir_alert_status status); // "open", ...

#endif
