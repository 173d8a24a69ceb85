// SPDX-License-Identifier: Apache-2.0
#include "consumer/source/file_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { FIRST = 1 << 20, ONE_READ = 1 << 24, GZIP_BUFFER = 1 << 18 };

struct weir_file_input {
    char *name;
    gzFile file;
    char *data;
    size_t start, end, capacity;
    int at_end;
    uint64_t unpacked, total;
};

static int fail_errno(const char *path, struct weir_error *error)
{
    int code = errno == ENOENT ? WEIR_ENOTFOUND : WEIR_EIO;
    return weir_error_set(error, code, "%s: %s", path, strerror(errno));
}

int weir_file_input_open(const char *path, struct weir_file_input **result,
                         struct weir_error *error)
{
    int standard = strcmp(path, "-") == 0;
    int fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0)
        return fail_errno(path, error);
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        close(fd);
        return weir_error_set(error, WEIR_EINVAL, "%s: a folder, not a file", path);
    }
    struct weir_file_input *input = calloc(1, sizeof *input);
    char *name = strdup(standard ? "standard input" : path);
    gzFile file = input && name ? gzdopen(fd, "rb") : NULL;
    if (!file) {
        close(fd);
        free(input);
        free(name);
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory to read it", path);
    }
    gzbuffer(file, GZIP_BUFFER);
    input->file = file;
    input->name = name;
    input->total = S_ISREG(info.st_mode) && info.st_size > 0 ? (uint64_t)info.st_size : 0;
    *result = input;
    return 0;
}

void weir_file_input_close(struct weir_file_input *input)
{
    if (!input)
        return;
    gzclose_r(input->file);
    free(input->data);
    free(input->name);
    free(input);
}

const char *weir_file_input_data(const struct weir_file_input *input, size_t *length)
{
    *length = input->end - input->start;
    return input->data ? input->data + input->start : "";
}

void weir_file_input_consume(struct weir_file_input *input, size_t length)
{
    input->start += length;
}

// Reads once. 1: some bytes; 0: the end; negative: error.
static long read_some(struct weir_file_input *input, void *data, size_t size,
                      struct weir_error *error)
{
    int code = Z_OK;
    if (input->at_end || !size)
        return 0;
    int n = gzread(input->file, data, (unsigned)(size < ONE_READ ? size : ONE_READ));
    if (n > 0) {
        input->unpacked += (uint64_t)n;
        return n;
    }
    input->at_end = 1;
    const char *what = gzerror(input->file, &code);
    if (code == Z_ERRNO)
        return fail_errno(input->name, error);
    if (code == Z_BUF_ERROR)
        return weir_error_set(error, WEIR_ECORRUPT, "%s: the gzip file is cut off: copy it again",
                              input->name);
    if (n < 0 || (code != Z_OK && code != Z_STREAM_END))
        return weir_error_set(error, WEIR_ECORRUPT, "%s: damaged gzip file: %s", input->name, what);
    return 0;
}

static int grow(struct weir_file_input *input, size_t maximum, struct weir_error *error)
{
    size_t capacity = input->capacity ? input->capacity * 2 : FIRST;
    capacity = capacity < maximum ? capacity : maximum;
    char *grown = realloc(input->data, capacity);
    if (!grown)
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory for a record of %zu bytes",
                              input->name, capacity);
    input->data = grown;
    input->capacity = capacity;
    return 0;
}

int weir_file_input_fill(struct weir_file_input *input, size_t maximum, struct weir_error *error)
{
    size_t used = input->end - input->start;
    int any = 0;
    if (input->at_end)
        return 0;
    if (input->start) {
        memmove(input->data, input->data + input->start, used);
        input->start = 0;
        input->end = used;
    }
    if (used == input->capacity) {
        if (used >= maximum)
            return 0;
        int code = grow(input, maximum, error);
        if (code)
            return code;
    }
    while (input->end < input->capacity) {
        long n = read_some(input, input->data + input->end, input->capacity - input->end, error);
        if (n < 0)
            return (int)n;
        if (!n)
            break;
        input->end += (size_t)n;
        any = 1;
    }
    return any;
}

int weir_file_input_at_end(const struct weir_file_input *input)
{
    return input->at_end;
}

long weir_file_input_read(void *context, void *data, size_t size, struct weir_error *error)
{
    struct weir_file_input *input = context;
    size_t used = input->end - input->start;
    if (!used)
        return read_some(input, data, size, error);
    size = size < used ? size : used;
    memcpy(data, input->data + input->start, size);
    input->start += size;
    return (long)size;
}

uint64_t weir_file_input_bytes_read(const struct weir_file_input *input)
{
    if (input->at_end && input->total)
        return input->total;
    z_off_t packed = gzoffset(input->file);
    return packed >= 0 ? (uint64_t)packed : input->unpacked;
}

uint64_t weir_file_input_bytes_total(const struct weir_file_input *input)
{
    return input->total;
}
