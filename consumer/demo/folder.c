// SPDX-License-Identifier: Apache-2.0
#include "consumer/demo/folder.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "consumer/profile/profile.h"

#define STREAM "transactions"

extern const char weir_demo_config[]; // config/demo.yaml

int weir_demo_folder_make(struct weir_demo_folder *folder, struct weir_error *error)
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(folder->path, sizeof folder->path, "%s/weir-demo.XXXXXX",
                     base && *base ? base : "/tmp");
    if (n >= (int)sizeof folder->path || !mkdtemp(folder->path))
        return weir_error_set(error, WEIR_EIO, "%s cannot be made: %s", folder->path,
                              strerror(n >= (int)sizeof folder->path ? ENAMETOOLONG : errno));
    snprintf(folder->config, sizeof folder->config, "%s/demo.yaml", folder->path);
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    remove(path);
    return 0;
}

void weir_demo_folder_remove(const struct weir_demo_folder *folder)
{
    nftw(folder->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

// ---- the configuration: the one that everybody has, with this broker in it

static int put_config(FILE *file, const char *address)
{
    static const char *const places[] = {"${KAFKA:-localhost:9092}", "${WEIR_STATE:-./state}",
                                         "${WEIR_INSTANCE:-}"};
    const char *const values[] = {NULL, "./state", "demo"};
    const char *text = weir_demo_config, *start = strstr(text, "version:");
    text = start ? start : text;
    fprintf(file, "# The payments of `weir demo`, on the broker inside it: it is gone when the "
                  "demo ends.\ncommit: {every: 100ms} # so that alerts are seen soon\n");
    while (*text) {
        const char *next = NULL;
        size_t which = 0;
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            const char *at = strstr(text, places[i]);
            if (at && (!next || at < next)) {
                next = at;
                which = i;
            }
        }
        if (!next)
            return fputs(text, file) < 0 ? -1 : 0;
        fwrite(text, 1, (size_t)(next - text), file);
        if (which)
            fputs(values[which], file);
        else // this broker answers a fetch at once or at its end, never when a record comes
            fprintf(file, "%s\n  log_level: 3\n  consumer: {fetch.wait.max.ms: 10}", address);
        text = next + strlen(places[which]);
    }
    return 0;
}

static int write_config(const struct weir_demo_folder *folder, const char *address,
                        struct weir_error *error)
{
    FILE *file = fopen(folder->config, "w");
    int failed = !file || put_config(file, address);
    if (file)
        failed |= ferror(file) | fclose(file);
    return failed ? weir_error_set(error, WEIR_EIO, "%s cannot be written: %s", folder->config,
                                   strerror(errno))
                  : 0;
}

static int load_config(const struct weir_demo_folder *folder, unsigned flags,
                       struct weir_plugins *plugins, struct weir_config **config,
                       struct weir_error *error)
{
    struct weir_problems problems = {0};
    int code = weir_config_load_with(folder->config, plugins, flags, config, &problems);
    for (size_t i = 0; i < problems.n && code; i++) {
        if (problems.items[i].warning)
            continue;
        code = weir_error_set(error, WEIR_EINVAL, "%s:%u: %s", folder->config,
                              problems.items[i].mark.line, problems.items[i].message);
        break;
    }
    weir_problems_free(&problems);
    return code;
}

// ---- the profile

static int write_training(const char *path, const struct weir_generate_options *options,
                          struct weir_error *error)
{
    struct weir_generate_options training =
        weir_generate_training(options, WEIR_DEMO_TRAINING_WEEKS);
    struct weir_generate *generate = weir_generate_open(&training, error);
    if (!generate)
        return error->code;
    struct weir_generate_record record;
    FILE *file = fopen(path, "w");
    int more = 1, failed = !file;
    while (!failed && (more = weir_generate_next(generate, &record, error)) == 1) {
        if (record.stream == WEIR_GENERATE_TRANSACTIONS)
            failed = fwrite(record.value, 1, record.value_length, file) != record.value_length ||
                     putc('\n', file) == EOF;
    }
    weir_generate_close(generate);
    if (file && fclose(file))
        failed = 1;
    if (failed)
        return weir_error_set(error, WEIR_EIO, "%s cannot be written: %s", path, strerror(errno));
    return more < 0 ? more : 0;
}

static int make_profile(const char *training, const char *path, const struct weir_config *config,
                        uint64_t *rows, struct weir_error *error)
{
    const struct weir_stream_config *stream = NULL;
    struct weir_profile *profile = NULL;
    for (size_t s = 0; s < config->n_streams; s++) {
        if (!strcmp(config->streams[s].info.name, STREAM))
            stream = &config->streams[s];
    }
    if (!stream)
        return weir_error_set(error, WEIR_EINVAL, "%s has no stream " STREAM, config->path);
    struct weir_profile_options options = {
        .stream = &stream->info, .time_unit = stream->time_unit, .format = stream->format};
    int code = weir_profile_make(training, &options, &profile, error);
    if (!code)
        code = weir_profile_save(profile, path, error);
    if (!code)
        *rows = profile->rows;
    weir_profile_free(profile);
    return code;
}

static int fill_profile(const struct weir_demo_folder *folder,
                        const struct weir_generate_options *options,
                        const struct weir_config *config, uint64_t *rows, struct weir_error *error)
{
    char training[3200], profiles[3200], profile[3300];
    snprintf(training, sizeof training, "%s/training.jsonl", folder->path);
    snprintf(profiles, sizeof profiles, "%s/profiles", folder->path);
    snprintf(profile, sizeof profile, "%s/payments.avro", profiles);
    if (mkdir(profiles, 0777))
        return weir_error_set(error, WEIR_EIO, "%s cannot be made: %s", profiles, strerror(errno));
    int code = write_training(training, options, error);
    if (!code)
        code = make_profile(training, profile, config, rows, error);
    unlink(training);
    return code;
}

int weir_demo_folder_fill(const struct weir_demo_folder *folder, const char *address,
                          const struct weir_generate_options *options, struct weir_plugins *plugins,
                          struct weir_config **config, uint64_t *rows, struct weir_error *error)
{
    struct weir_config *without = NULL;
    int code = write_config(folder, address, error);
    if (!code)
        code = load_config(folder, WEIR_CONFIG_WITHOUT_PROFILES, plugins, &without, error);
    if (!code) {
        code = fill_profile(folder, options, without, rows, error);
        weir_config_free(without);
    }
    return code ? code : load_config(folder, 0, plugins, config, error);
}
