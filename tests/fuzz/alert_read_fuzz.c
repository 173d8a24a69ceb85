// SPDX-License-Identifier: Apache-2.0
// Alert events as they lie on a topic: JSON, Avro by the present schema, Avro by any schema.
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/print.h"
#include "consumer/alert/read.h"

static void show(struct weir_alert_copy *copy)
{
    struct weir_alert_style style = {0, 80, 1};
    struct weir_buffer out;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    if (weir_alert_line(&copy->alert, &style, &out) || weir_alert_copy_print(copy, &out))
        abort();
    weir_buffer_free(&out);
    weir_alert_copy_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weir_alert_copy copy;
    if (size < 1)
        return 0;
    if (!weir_alert_from_json(data, size, &copy, NULL))
        show(&copy);
    if (!weir_alert_from_avro(weir_alert_schema, data, size, &copy, NULL))
        show(&copy);
    const uint8_t *end = memchr(data, '\n', size);
    if (end) {
        char *schema = calloc(1, (size_t)(end - data) + 1);
        if (!schema)
            return 0;
        memcpy(schema, data, (size_t)(end - data));
        if (!weir_alert_from_avro(schema, end + 1, size - (size_t)(end - data) - 1, &copy, NULL))
            show(&copy);
        free(schema);
    }
    return 0;
}
