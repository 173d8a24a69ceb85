// SPDX-License-Identifier: Apache-2.0
// A file as a stream of one partition: CSV, TSV, JSON lines or an Avro container, each also
// gzipped; "-" is standard input. Offsets are row numbers from 0; timestamps row numbers too.
#ifndef WEIR_SOURCE_FILE_H
#define WEIR_SOURCE_FILE_H

#include "consumer/codec/decoder.h"

enum weir_file_kind { WEIR_FILE_CSV, WEIR_FILE_JSON_LINES, WEIR_FILE_AVRO };

struct weir_file;
struct weir_avro_container; // consumer/codec/avro_container.h

// By magic, then by suffix (.csv, .tsv, .jsonl, .json, .avro, each also .gz), then by `fallback`.
int weir_file_open(const char *path, enum weir_format fallback, struct weir_file **file,
                   struct weir_error *error);
void weir_file_close(struct weir_file *file);
enum weir_file_kind weir_file_kind(const struct weir_file *file);
// To write rows as they came. What stands before the first row of a text file: a byte order mark,
// a CSV header. A row's bytes with its end of line, from its value of the batch under way. The
// container, NULL where it is none.
struct weir_span weir_file_head(const struct weir_file *file);
struct weir_span weir_file_line(const struct weir_file *file, struct weir_span value);
const struct weir_avro_container *weir_file_container(const struct weir_file *file);

// What the file itself says of its fields: an Avro container's schema, a CSV header with types
// guessed from the first rows (1,000), JSON lines' keys and types from the first rows. Nothing
// is lost: the rows will still be read. Owned by the file.
const struct weir_schema_fields *weir_file_fields(struct weir_file *file, struct weir_error *error);

// Makes the decoder for its rows; options->builder says what the stream is.
int weir_file_start(struct weir_file *file, const struct weir_builder_options *options,
                    struct weir_error *error);
// Reads up to `rows` more rows as a batch, valid until the next call. 1: a batch; 0: the end;
// negative: error (a file that ends in the middle of a record gives its rows first).
int weir_file_next(struct weir_file *file, uint32_t rows, const struct weir_batch **batch,
                   struct weir_error *error);
uint64_t weir_file_bytes_read(const struct weir_file *file);  // of the file as it lies on disk
uint64_t weir_file_bytes_total(const struct weir_file *file); // 0: not known

#endif
