// SPDX-License-Identifier: Apache-2.0
#include "consumer/replay/clean.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "consumer/codec/avro_container.h"

enum { BUFFER = 1 << 18, ONE_WRITE = 1 << 30 };

struct weir_clean {
    char *path;
    gzFile out;
    const struct weir_file *like;
    struct weir_avro_writer *avro;
};

static int write_bytes(void *context, const void *data, size_t length, struct weir_error *error)
{
    struct weir_clean *clean = context;
    const char *at = data;
    while (length) {
        unsigned n = length < ONE_WRITE ? (unsigned)length : ONE_WRITE;
        if (gzwrite(clean->out, at, n) != (int)n)
            return weir_error_set(error, WEIR_EIO, "%s: cannot be written: %s", clean->path,
                                  strerror(errno));
        at += n;
        length -= n;
    }
    return 0;
}

static int open_path(struct weir_clean *clean, const char *path, struct weir_error *error)
{
    size_t length = strlen(path);
    int packed = length > 3 && !strcmp(path + length - 3, ".gz");
    int fd = strcmp(path, "-") ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)
                               : dup(STDOUT_FILENO);
    if (fd < 0)
        return weir_error_set(error, WEIR_EIO, "%s: cannot be written: %s", path, strerror(errno));
    clean->out = gzdopen(fd, packed ? "wb" : "wbT"); // T: as it is
    if (!clean->out) {
        close(fd);
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory to write it", path);
    }
    gzbuffer(clean->out, BUFFER);
    return 0;
}

static int begin(struct weir_clean *clean, struct weir_error *error)
{
    struct weir_avro_writer_options options = {
        .like = weir_file_container(clean->like), .write = write_bytes, .context = clean};
    struct weir_span head = weir_file_head(clean->like);
    if (options.like)
        return weir_avro_writer_create(&options, &clean->avro, error);
    return write_bytes(clean, head.data, head.length, error);
}

static void destroy(struct weir_clean *clean)
{
    weir_avro_writer_destroy(clean->avro);
    free(clean->path);
    free(clean);
}

int weir_clean_create(const char *path, const struct weir_file *like, struct weir_clean **result,
                      struct weir_error *error)
{
    struct weir_clean *clean = calloc(1, sizeof *clean);
    if (!clean || !(clean->path = strdup(path))) {
        free(clean);
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory to write it", path);
    }
    clean->like = like;
    int code = open_path(clean, path, error);
    if (!code && (code = begin(clean, error)))
        gzclose(clean->out);
    if (code)
        destroy(clean);
    else
        *result = clean;
    return code;
}

int weir_clean_add(struct weir_clean *clean, struct weir_span value, struct weir_error *error)
{
    if (clean->avro)
        return weir_avro_writer_append(clean->avro, value.data, value.length, error);
    struct weir_span line = weir_file_line(clean->like, value);
    return write_bytes(clean, line.data, line.length, error);
}

int weir_clean_close(struct weir_clean *clean, struct weir_error *error)
{
    if (!clean)
        return 0;
    int code = clean->avro ? weir_avro_writer_flush(clean->avro, error) : 0;
    if (gzclose(clean->out) != Z_OK && !code)
        code = weir_error_set(error, WEIR_EIO, "%s: cannot be written: %s", clean->path,
                              strerror(errno));
    destroy(clean);
    return code;
}
