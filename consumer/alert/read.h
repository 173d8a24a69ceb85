// SPDX-License-Identifier: Apache-2.0
// Alert events back from their JSON or Avro form, as they lie on a topic. Lenient: what is absent
// or of another type is as if it were null, so that events of other versions can be shown.
#ifndef WEIR_ALERT_READ_H
#define WEIR_ALERT_READ_H

#include <jansson.h>

#include "consumer/alert/alert.h"

// One event and what holds its texts. No evidence samples.
struct weir_alert_copy {
    struct weir_alert alert;
    json_t *json; // the whole event
    void *memory;
};

// One JSON object. WEIR_ECORRUPT: the text is none, or has no fingerprint, status or kind.
int weir_alert_from_json(const void *text, size_t length, struct weir_alert_copy *copy,
                         struct weir_error *error);
// An Avro datum written with `schema` (JSON text of any version of schemas/alert.avsc).
int weir_alert_from_avro(const char *schema, const void *datum, size_t length,
                         struct weir_alert_copy *copy, struct weir_error *error);
// From JSON that is parsed already; it gets a reference of its own.
int weir_alert_copy_json(json_t *json, struct weir_alert_copy *copy, struct weir_error *error);
// Appends the event as JSON text again, as weir_alert_json() writes it.
int weir_alert_copy_print(const struct weir_alert_copy *copy, struct weir_buffer *out);
void weir_alert_copy_free(struct weir_alert_copy *copy);

// Any Avro datum as JSON, by its schema; unions and enums as the plain value, bytes as text.
// NULL: the schema cannot be followed, or the datum does not decode. The caller's to decref.
json_t *weir_avro_to_json(const json_t *schema, struct weir_reader *in);

#endif
