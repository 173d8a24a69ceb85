// SPDX-License-Identifier: Apache-2.0
// A file of any kind: its header, the types guessed from its first rows, and all of its rows.
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "consumer/source/file.h"

static volatile uint32_t read_bytes; // so that a sanitizer sees every byte

static void look(const struct weir_batch *batch)
{
    for (size_t i = 0; i < batch->stream->n_fields; i++) {
        const struct weir_column *column = &batch->columns[i];
        if (column->type != WEIR_TYPE_STRING && column->type != WEIR_TYPE_BYTES)
            continue;
        for (uint32_t k = 0; k < column->n; k++) {
            if (column->state[k] != WEIR_STATE_VALUE)
                continue;
            const struct weir_string *string = weir_column_string(column, column->values.code[k]);
            for (uint32_t c = 0; c < string->length; c++)
                read_bytes += (uint8_t)string->data[c];
        }
    }
}

static void read_file(struct weir_file *file)
{
    const struct weir_schema_fields *fields = weir_file_fields(file, NULL);
    if (!fields)
        return;
    struct weir_stream stream = {
        .name = "s", .fields = fields->fields, .n_fields = fields->n, .key = -1, .time = -1};
    struct weir_builder_options options = {.stream = &stream, .report_unknown = 1};
    if (weir_file_start(file, &options, NULL))
        return;
    const struct weir_batch *batch;
    int64_t row = 0;
    while (weir_file_next(file, 100, &batch, NULL) == 1) {
        if (!batch->n_rows || batch->offset[0] != row)
            abort();
        row += batch->n_rows;
        look(batch);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", 0);
    char path[64];
    struct weir_file *file = NULL;
    if (fd < 0 || (size && write(fd, data, size) != (ssize_t)size))
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    for (int csv = 0; csv < 2; csv++) {
        if (!weir_file_open(path, csv ? WEIR_FORMAT_CSV : WEIR_FORMAT_JSON, &file, NULL)) {
            read_file(file);
            weir_file_close(file);
        }
    }
    close(fd);
    return 0;
}
