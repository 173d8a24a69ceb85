// SPDX-License-Identifier: Apache-2.0
// Making a profile from a file, which is read twice.
#include "consumer/profile/profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/profile/maker.h"

typedef int pass(struct weir_profile_maker *maker, const struct weir_batch *batch,
                 struct weir_error *error);

static int run_pass(struct weir_profile_maker *maker, const char *path,
                    const struct weir_profile_options *options, pass *each, double from,
                    struct weir_error *error)
{
    struct weir_file *file;
    int code = weir_file_open(path, options->format, &file, error);
    if (code)
        return code;
    struct weir_builder_options builder = {.stream = options->stream,
                                           .time_unit = options->time_unit};
    code = weir_file_start(file, &builder, error);
    const struct weir_batch *batch;
    int more = 1, first = each == weir_profile_maker_first;
    while (!code && (more = weir_file_next(file, WEIR_BATCH_ROWS, &batch, error)) > 0) {
        if (first && batch->n_rows)
            weir_profile_maker_seed(maker, batch);
        first &= !batch->n_rows;
        code = each(maker, batch, error);
        uint64_t total = weir_file_bytes_total(file);
        if (options->progress && total)
            options->progress(options->progress_context,
                              from + 0.5 * (double)weir_file_bytes_read(file) / (double)total);
    }
    weir_file_close(file);
    return code ? code : more;
}

static int make_from(const char *path, const struct weir_profile_options *options,
                     struct weir_profile **profile, struct weir_error *error)
{
    struct weir_profile_maker *maker;
    int code = weir_profile_maker_create(options->stream, options, &maker, error);
    if (code)
        return code;
    code = run_pass(maker, path, options, weir_profile_maker_first, 0, error);
    if (!code)
        code = weir_profile_maker_turn(maker, error);
    if (!code)
        code = run_pass(maker, path, options, weir_profile_maker_second, .5, error);
    if (!code)
        code = weir_profile_maker_finish(maker, profile, error);
    weir_profile_maker_destroy(maker);
    return code;
}

// What can be read once only is copied first; *path takes the copy's name.
static int spool(char *path, size_t size, struct weir_error *error)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, size, "%s/weir-profile-XXXXXX", folder && *folder ? folder : "/tmp");
    int out = mkstemp(path);
    if (out < 0)
        return weir_error_set(error, WEIR_EIO, "no temporary file for standard input: %s",
                              strerror(errno));
    char bytes[1 << 14];
    ssize_t n;
    int failed = 0;
    while (!failed && (n = read(STDIN_FILENO, bytes, sizeof bytes)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        for (ssize_t done = 0, step; n > 0 && done < n && !failed; done += step) {
            step = write(out, bytes + done, (size_t)(n - done));
            failed |= step <= 0;
        }
        failed |= n < 0;
    }
    failed |= close(out) != 0;
    if (failed) {
        unlink(path);
        return weir_error_set(error, WEIR_EIO, "standard input could not be copied to '%s': %s",
                              path, strerror(errno));
    }
    return 0;
}

int weir_profile_make(const char *path, const struct weir_profile_options *options,
                      struct weir_profile **profile, struct weir_error *error)
{
    if (strcmp(path, "-"))
        return make_from(path, options, profile, error);
    char copy[512];
    int code = spool(copy, sizeof copy, error);
    if (code)
        return code;
    code = make_from(copy, options, profile, error);
    unlink(copy);
    return code;
}
