// SPDX-License-Identifier: Apache-2.0
// A file's bytes through a buffer that grows to the longest record: plain or gzipped (told by
// its content), "-" for standard input.
#ifndef WEIR_SOURCE_FILE_INPUT_H
#define WEIR_SOURCE_FILE_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"

struct weir_file_input;

int weir_file_input_open(const char *path, struct weir_file_input **input,
                         struct weir_error *error);
void weir_file_input_close(struct weir_file_input *input);

// What is in the buffer; valid until the next fill or read.
const char *weir_file_input_data(const struct weir_file_input *input, size_t *length);
void weir_file_input_consume(struct weir_file_input *input, size_t length);
// Reads more, growing the buffer up to `maximum` bytes. 1: there is more; 0: nothing more, at
// the end of the file or because the buffer is full; negative: error, also for a gzip file that
// is damaged or cut off (what came before is in the buffer).
int weir_file_input_fill(struct weir_file_input *input, size_t maximum, struct weir_error *error);
int weir_file_input_at_end(const struct weir_file_input *input);
// Up to `size` bytes, the buffer's first: how many, 0 at the end, or negative.
long weir_file_input_read(void *input, void *data, size_t size, struct weir_error *error);

uint64_t weir_file_input_bytes_read(const struct weir_file_input *input);
uint64_t weir_file_input_bytes_total(const struct weir_file_input *input); // 0: not known

#endif
