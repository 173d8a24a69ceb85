// SPDX-License-Identifier: Apache-2.0
#include "consumer/runtime/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_folder(const char *path, struct weir_error *error)
{
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof part)
        return weir_error_set(error, WEIR_EINVAL, "state_dir: the path is too long");
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i])
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, 0755) && errno != EEXIST)
            return weir_error_set(error, WEIR_EIO, "state_dir: %s cannot be made: %s", part,
                                  strerror(errno));
    }
    return 0;
}

// A descriptor with the lock, or -1 with errno (EWOULDBLOCK: another process has it).
static int lock_file(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0 || !flock(file, LOCK_EX | LOCK_NB))
        return file;
    int kept = errno;
    close(file);
    errno = kept;
    return -1;
}

static int is_name(const char *text, size_t length)
{
    if (length < 8 || length > 40)
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (!(text[i] >= 'a' && text[i] <= 'f') && !(text[i] >= '0' && text[i] <= '9'))
            return 0;
    }
    return 1;
}

// The name that the file holds; a new one is written to an empty or damaged file.
static int read_name(int file, char *name, size_t size)
{
    char text[64];
    uint64_t random;
    ssize_t length = pread(file, text, sizeof text, 0);
    if (length > 0 && text[length - 1] == '\n')
        length--;
    if (length > 0 && is_name(text, (size_t)length) && (size_t)length < size) {
        memcpy(name, text, (size_t)length);
        name[length] = 0;
        return 0;
    }
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return -1;
    snprintf(name, size, "%016llx", (unsigned long long)random);
    length = snprintf(text, sizeof text, "%s\n", name);
    if (ftruncate(file, 0) || pwrite(file, text, (size_t)length, 0) != length || fsync(file))
        return -1;
    return 0;
}

static int failed(const char *path, struct weir_error *error)
{
    return weir_error_set(error, WEIR_EIO, "state_dir: %s: %s", path, strerror(errno));
}

static int take_given(const char *state_dir, const char *app, const char *given,
                      struct weir_instance *instance, struct weir_error *error)
{
    char path[PATH_MAX];
    if (strlen(given) >= sizeof instance->name || strchr(given, '/'))
        return weir_error_set(error, WEIR_EINVAL,
                              "instance: '%.80s' is too long or has a slash in it", given);
    if ((size_t)snprintf(path, sizeof path, "%s/%s.%s.lock", state_dir, app, given) >= sizeof path)
        return weir_error_set(error, WEIR_EINVAL, "state_dir: the path is too long");
    int file = lock_file(path);
    if (file < 0 && errno == EWOULDBLOCK)
        return weir_error_set(error, WEIR_EINVAL,
                              "another member runs as instance '%s' of %s: give each its own "
                              "`instance:`, or none",
                              given, app);
    if (file < 0)
        return failed(path, error);
    snprintf(instance->name, sizeof instance->name, "%s", given);
    instance->lock = file;
    return 0;
}

int weir_instance_take(const char *state_dir, const char *app, const char *given,
                       struct weir_instance *instance, struct weir_error *error)
{
    char path[PATH_MAX];
    int code = make_folder(state_dir, error);
    if (code)
        return code;
    if (given && *given)
        return take_given(state_dir, app, given, instance, error);
    for (int i = 0; i < WEIR_INSTANCE_LIMIT; i++) {
        struct weir_instance found;
        if ((size_t)snprintf(path, sizeof path, "%s/%s.instance-%d", state_dir, app, i) >=
            sizeof path)
            return weir_error_set(error, WEIR_EINVAL, "state_dir: the path is too long");
        found.lock = lock_file(path);
        if (found.lock < 0 && errno == EWOULDBLOCK)
            continue;
        if (found.lock < 0)
            return failed(path, error);
        if (read_name(found.lock, found.name, sizeof found.name)) {
            failed(path, error);
            close(found.lock);
            return WEIR_EIO;
        }
        *instance = found;
        return 0;
    }
    return weir_error_set(error, WEIR_EINVAL, "state_dir: %d members share %s already",
                          WEIR_INSTANCE_LIMIT, state_dir);
}

void weir_instance_release(struct weir_instance *instance)
{
    if (instance->lock >= 0)
        close(instance->lock);
    instance->lock = -1;
}
