// SPDX-License-Identifier: Apache-2.0
// How a profile is written: an Avro container of one datum of schemas/profile.avsc.
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/codec/avro_container.h"
#include "consumer/profile/answers.h"
#include "consumer/profile/like.h"
#include "consumer/profile/store.h"
#include "stats/hash.h"
#include "stats/hll.h"

extern const char weir_profile_schema[]; // schemas/profile.avsc

static void put_optional(struct weir_buffer *out, int known, double value)
{
    weir_put_long(out, known);
    if (known)
        weir_put_double(out, value);
}

static void put_count(struct weir_buffer *out, uint64_t count)
{
    weir_put_long(out, (int64_t)count);
}

static void put_quantiles(struct weir_buffer *out, const struct weir_summary *summary)
{
    static const double at[] = {.001, .005, .01, .05, .25, .5, .75, .95, .99, .995, .999};
    enum { N = sizeof at / sizeof *at };
    if (!isnan(weir_summary_quantile(summary, .5))) {
        weir_put_long(out, N);
        for (size_t i = 0; i < N; i++)
            weir_put_double(out, weir_summary_quantile(summary, at[i]));
    }
    weir_put_long(out, 0);
}

static void put_categories(struct weir_buffer *out, const struct weir_summary *summary)
{
    const struct weir_cells *cells = summary->cells;
    if (cells->n_categories) {
        weir_put_long(out, (int64_t)cells->n_categories);
        for (size_t i = 0; i < cells->n_categories; i++) {
            weir_put_bytes(out, cells->categories[i].data, cells->categories[i].length);
            put_count(out, summary->cell[i]);
        }
    }
    weir_put_long(out, 0);
}

static struct weir_buffer begin_part(void)
{
    struct weir_buffer part;
    weir_buffer_init(&part, WEIR_BUFFER_MAXIMUM);
    return part;
}

// Bytes that another function has written, with their length before them; none: it was not kept.
static void end_part(struct weir_buffer *out, struct weir_buffer *part)
{
    out->failed |= part->failed;
    weir_put_bytes(out, part->data, part->length);
    weir_buffer_free(part);
}

static void put_summary(struct weir_buffer *out, const struct weir_summary *summary)
{
    struct weir_buffer part = begin_part();
    out->failed |= weir_summary_write(summary, &part) != 0;
    end_part(out, &part);
}

// What was found out about a field.
static void put_parts(struct weir_buffer *out, const struct weir_profile_field *field)
{
    struct weir_buffer part = begin_part();
    out->failed |= weir_cells_write(field->cells, &part) != 0;
    end_part(out, &part);
    put_summary(out, &field->summary);
    part = begin_part();
    if (field->habits)
        weir_habits_write(field->habits, &part);
    end_part(out, &part);
    part = begin_part();
    if (field->clues.distinct)
        weir_clues_write(&field->clues, &part);
    end_part(out, &part);
    part = begin_part();
    if (field->words)
        weir_words_write(field->words, &part);
    end_part(out, &part);
    part = begin_part();
    if (field->also.hash)
        weir_profile_also_write(&field->also, &part);
    end_part(out, &part);
}

static void put_field(struct weir_buffer *out, const struct weir_profile_field *field)
{
    const struct weir_summary *summary = &field->summary;
    const struct weir_moments *moments = &summary->moments;
    weir_put_string(out, field->name);
    weir_put_string(out, weir_type_name(field->type));
    weir_put_string(out, weir_role_name(field->role));
    put_count(out, summary->rows);
    put_count(out, summary->values);
    put_count(out, summary->null);
    put_count(out, summary->missing);
    put_count(out, summary->fault);
    weir_put_double(out, weir_hll_estimate(summary->distinct));
    put_optional(out, moments->n > 0, weir_moments_mean(moments, field->cells));
    put_optional(out, moments->n > 1, sqrt(weir_moments_variance(moments, field->cells)));
    int any = moments->n + moments->outside > 0;
    put_optional(out, any, moments->minimum);
    put_optional(out, any, moments->maximum);
    put_quantiles(out, summary);
    put_categories(out, summary);
    put_parts(out, field);
}

static void put_sample(struct weir_buffer *out, const struct weir_profile *profile)
{
    struct weir_buffer part = begin_part();
    size_t from = 0;
    if (profile->sample) {
        weir_put_long(&part, (int64_t)profile->sample_spec.rows);
        weir_put_long(&part, (int64_t)profile->sample_spec.bytes);
        out->failed |= weir_reservoir_write(profile->sample, &from, SIZE_MAX, &part) != 0;
    }
    end_part(out, &part);
}

static void put_quality(struct weir_buffer *out, const struct weir_profile *profile)
{
    struct weir_buffer part = begin_part();
    if (profile->quality.counts)
        weir_profile_quality_write(&profile->quality, &part);
    end_part(out, &part);
}

static void put_frames(struct weir_buffer *out, const struct weir_profile *profile)
{
    struct weir_buffer part = begin_part();
    weir_put_long(&part, (int64_t)profile->n_frames);
    for (size_t f = 0; f < profile->n_frames; f++)
        weir_frame_write(&profile->frames[f], &part);
    end_part(out, &part);
}

static void put_profile(struct weir_buffer *out, const struct weir_profile *profile)
{
    weir_put_long(out, WEIR_PROFILE_VERSION);
    weir_put_string(out, profile->stream);
    put_count(out, profile->rows);
    weir_put_long(out, profile->first_time);
    weir_put_long(out, profile->last_time);
    if (profile->n_fields)
        weir_put_long(out, (int64_t)profile->n_fields);
    for (size_t f = 0; f < profile->n_fields; f++)
        put_field(out, &profile->fields[f]);
    weir_put_long(out, 0);
    if (profile->n_panes)
        weir_put_long(out, (int64_t)profile->n_panes);
    for (size_t p = 0; p < profile->n_panes; p++) {
        const struct weir_profile_pane *pane = &profile->panes[p];
        weir_put_long(out, pane->start);
        weir_put_long(out, pane->end);
        put_count(out, pane->rows);
        if (profile->n_fields)
            weir_put_long(out, (int64_t)profile->n_fields);
        for (size_t f = 0; f < profile->n_fields; f++)
            put_summary(out, &pane->fields[f]);
        weir_put_long(out, 0);
    }
    weir_put_long(out, 0);
    put_sample(out, profile);
    put_quality(out, profile);
    put_frames(out, profile);
}

uint64_t weir_profile_hash(const struct weir_profile *profile)
{
    struct weir_buffer datum;
    weir_buffer_init(&datum, WEIR_BUFFER_MAXIMUM);
    put_profile(&datum, profile);
    uint64_t hash = datum.failed ? 0 : weir_hash(datum.data, datum.length);
    weir_buffer_free(&datum);
    return hash;
}

static int write_all(void *context, const void *data, size_t length, struct weir_error *error)
{
    const uint8_t *at = data;
    while (length) {
        ssize_t n = write(*(int *)context, at, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return weir_error_set(error, WEIR_EIO, "the profile cannot be written: %s",
                                  strerror(errno));
        at += n;
        length -= (size_t)n;
    }
    return 0;
}

void weir_profile_hash_text(const void *data, size_t length, char out[17])
{
    snprintf(out, 17, "%016llx", (unsigned long long)weir_hash(data, length));
}

static int write_container(int fd, const struct weir_buffer *datum, struct weir_error *error)
{
    char hash[17];
    weir_profile_hash_text(datum->data, datum->length, hash);
    struct weir_avro_metadata metadata = {"weir.hash", hash};
    struct weir_avro_writer_options options = {.schema = weir_profile_schema,
                                               .codec = WEIR_AVRO_DEFLATE,
                                               .metadata = &metadata,
                                               .n_metadata = 1,
                                               .write = write_all,
                                               .context = &fd};
    struct weir_avro_writer *writer;
    int code = weir_avro_writer_create(&options, &writer, error);
    if (code)
        return code;
    code = weir_avro_writer_append(writer, datum->data, datum->length, error);
    if (!code)
        code = weir_avro_writer_flush(writer, error);
    weir_avro_writer_destroy(writer);
    return code;
}

int weir_profile_save(const struct weir_profile *profile, const char *path,
                      struct weir_error *error)
{
    struct weir_buffer datum;
    weir_buffer_init(&datum, WEIR_BUFFER_MAXIMUM);
    put_profile(&datum, profile);
    char beside[4096];
    int fits =
        snprintf(beside, sizeof beside, "%s.%ld.tmp", path, (long)getpid()) < (int)sizeof beside;
    if (datum.failed || !fits) {
        weir_buffer_free(&datum);
        return weir_error_set(error, fits ? WEIR_ENOMEM : WEIR_EINVAL,
                              fits ? "memory is out for the profile, or it is larger than 1 GiB"
                                   : "the profile's path is too long");
    }
    int code = 0, fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        code =
            weir_error_set(error, WEIR_EIO, "'%s' cannot be written: %s", beside, strerror(errno));
    if (!code)
        code = write_container(fd, &datum, error);
    if (!code && fsync(fd))
        code =
            weir_error_set(error, WEIR_EIO, "'%s' cannot be written: %s", beside, strerror(errno));
    if (fd >= 0 && close(fd) && !code)
        code =
            weir_error_set(error, WEIR_EIO, "'%s' cannot be written: %s", beside, strerror(errno));
    if (!code && rename(beside, path))
        code = weir_error_set(error, WEIR_EIO, "'%s' cannot be renamed to '%s': %s", beside, path,
                              strerror(errno));
    if (code && fd >= 0)
        unlink(beside);
    weir_buffer_free(&datum);
    return code;
}
