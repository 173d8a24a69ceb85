// SPDX-License-Identifier: Apache-2.0
// A profile's life, and how it is read; store_write.c has how it is written.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/codec/avro_container.h"
#include "consumer/profile/answers.h"
#include "consumer/profile/habits.h"
#include "consumer/profile/like.h"
#include "consumer/profile/maker.h"
#include "consumer/profile/store.h"

enum { FIELDS = 100000, PANES = 1 << 20, NAME = 4096 };

void weir_profile_free(struct weir_profile *profile)
{
    if (!profile)
        return;
    for (size_t p = 0; p < profile->n_panes; p++) {
        for (size_t f = 0; f < profile->n_fields; f++)
            weir_summary_free(&profile->panes[p].fields[f]);
        free(profile->panes[p].fields);
    }
    for (size_t f = 0; f < profile->n_fields; f++) {
        weir_summary_free(&profile->fields[f].summary);
        weir_cells_free(profile->fields[f].cells);
        weir_habits_free(profile->fields[f].habits);
        weir_clues_free(&profile->fields[f].clues);
        free(profile->fields[f].words);
        free(profile->fields[f].also.hash);
        free((char *)profile->fields[f].name);
    }
    weir_reservoir_destroy(profile->sample);
    weir_profile_quality_free(&profile->quality);
    for (size_t f = 0; f < profile->n_frames; f++)
        weir_frame_free(&profile->frames[f]);
    free(profile->frames);
    free(profile->sample_fields);
    free(profile->panes);
    free(profile->fields);
    free((char *)profile->stream);
    free(profile);
}

const struct weir_profile_field *weir_profile_find(const struct weir_profile *profile,
                                                   const char *field)
{
    for (size_t f = 0; f < profile->n_fields; f++) {
        if (!strcmp(profile->fields[f].name, field))
            return &profile->fields[f];
    }
    return NULL;
}

int weir_profile_sample_create(struct weir_profile *profile, size_t rows, size_t bytes)
{
    size_t n = profile->n_fields;
    profile->sample_fields = calloc(n + 1, sizeof *profile->sample_fields);
    if (!profile->sample_fields)
        return WEIR_ENOMEM;
    for (size_t f = 0; f < n; f++) {
        const char *name = profile->fields[f].name;
        size_t length = strlen(name);
        profile->sample_fields[f] = (struct weir_reservoir_field){
            .name = name,
            .type = profile->fields[f].type,
            .is_list = length > 2 && !strcmp(name + length - 2, "[]")};
    }
    profile->sample_spec = (struct weir_reservoir_spec){profile->sample_fields, n, rows, bytes};
    return weir_reservoir_create(&profile->sample_spec, &profile->sample);
}

// ---- reading

static int enum_of(struct weir_reader *in, const char *(*name)(int), int n)
{
    char text[64];
    weir_get_string(in, text, sizeof text);
    for (int i = 0; !in->failed && i < n; i++) {
        if (!strcmp(name(i), text))
            return i;
    }
    if (!in->failed)
        in->failed = 1;
    return 0;
}

static const char *type_at(int i)
{
    return weir_type_name((enum weir_type)i);
}

static const char *role_at(int i)
{
    return weir_role_name((enum weir_role)i);
}

static void skip_optional(struct weir_reader *in)
{
    if (weir_get_count(in, 1))
        weir_get_double(in);
}

// What is in cells and summary as well, and was put there for other readers.
static void skip_readable(struct weir_reader *in)
{
    size_t length, n;
    for (int i = 0; i < 5; i++)
        weir_get_long(in);
    weir_get_double(in);
    for (int i = 0; i < 4; i++)
        skip_optional(in);
    while (!in->failed && (n = weir_get_count(in, weir_reader_left(in))) > 0) {
        for (size_t i = 0; i < n && !in->failed; i++)
            weir_get_double(in);
    }
    while (!in->failed && (n = weir_get_count(in, weir_reader_left(in))) > 0) {
        for (size_t i = 0; i < n && !in->failed; i++) {
            weir_get_bytes(in, &length);
            weir_get_long(in);
        }
    }
}

static struct weir_reader nested_reader(struct weir_reader *in)
{
    size_t length;
    const uint8_t *bytes = weir_get_bytes(in, &length);
    return weir_reader_make(bytes, in->failed ? 0 : length);
}

// Whether a part was kept: empty bytes say that none was.
static int has_part(struct weir_reader *in, struct weir_reader *nested)
{
    *nested = nested_reader(in);
    return !in->failed && weir_reader_left(nested) > 0;
}

// The outcome of reading a part, of which nothing may be left.
static int end_part(const struct weir_reader *nested, int code)
{
    return code ? code : weir_reader_left(nested) ? WEIR_ECORRUPT : 0;
}

static int read_summary(struct weir_reader *in, const struct weir_cells *cells, unsigned parts,
                        struct weir_summary *summary)
{
    struct weir_summary_spec spec = {.shape = cells->shape, .parts = parts, .cells = cells};
    int code = weir_summary_init(summary, &spec);
    if (code)
        return code;
    struct weir_reader nested = nested_reader(in);
    return end_part(&nested, weir_summary_read_merge(summary, &nested));
}

static int read_habits(struct weir_reader *in, struct weir_profile_field *field)
{
    struct weir_reader nested;
    if (!has_part(in, &nested))
        return in->failed ? WEIR_ECORRUPT : 0;
    int code = weir_habits_read(&nested, &field->habits);
    if (code)
        return code;
    field->cells->habits = field->habits;
    return end_part(&nested, 0);
}

static int read_clues(struct weir_reader *in, struct weir_clues *clues)
{
    struct weir_reader nested;
    if (!has_part(in, &nested))
        return in->failed ? WEIR_ECORRUPT : 0;
    int code = weir_clues_init(clues);
    if (!code)
        code = weir_clues_read_merge(clues, &nested);
    return end_part(&nested, code);
}

static int read_words(struct weir_reader *in, struct weir_words **out)
{
    struct weir_reader nested;
    if (!has_part(in, &nested))
        return in->failed ? WEIR_ECORRUPT : 0;
    *out = calloc(1, sizeof **out);
    if (!*out)
        return WEIR_ENOMEM;
    weir_words_read_merge(*out, &nested);
    return end_part(&nested, weir_reader_code(&nested));
}

static int read_also(struct weir_reader *in, struct weir_profile_also *also)
{
    struct weir_reader nested;
    if (!has_part(in, &nested))
        return in->failed ? WEIR_ECORRUPT : 0;
    return end_part(&nested, weir_profile_also_read(&nested, also));
}

static int read_field(struct weir_reader *in, int version, struct weir_profile_field *field,
                      struct weir_error *error)
{
    field->name = weir_get_string_alloc(in, NAME);
    field->type = (enum weir_type)enum_of(in, type_at, WEIR_TYPE_BYTES + 1);
    field->role = (enum weir_role)enum_of(in, role_at, WEIR_ROLE_TIME + 1);
    skip_readable(in);
    struct weir_reader nested = nested_reader(in);
    if (in->failed)
        return weir_reader_code(in);
    int code = end_part(&nested, weir_cells_read(&nested, &field->cells, error));
    if (!code)
        code = read_summary(in, field->cells, WEIR_PROFILE_PARTS, &field->summary);
    if (!code && version >= 2)
        code = read_habits(in, field);
    if (!code && version >= 2)
        code = read_clues(in, &field->clues);
    if (!code && version >= 3)
        code = read_words(in, &field->words);
    return code || version < 3 ? code : read_also(in, &field->also);
}

static int read_fields(struct weir_reader *in, struct weir_profile *profile,
                       struct weir_error *error)
{
    size_t n = weir_get_count(in, FIELDS);
    if (in->failed || n > weir_reader_left(in))
        return WEIR_ECORRUPT;
    profile->fields = calloc(n ? n : 1, sizeof *profile->fields);
    if (!profile->fields)
        return WEIR_ENOMEM;
    for (size_t f = 0; f < n; f++) {
        profile->n_fields++;
        int code = read_field(in, profile->version, &profile->fields[f], error);
        if (code)
            return code;
    }
    // weir writes its arrays in one block.
    return n && weir_get_long(in) ? WEIR_ECORRUPT : 0;
}

static int read_pane(struct weir_reader *in, const struct weir_profile *profile,
                     struct weir_profile_pane *pane)
{
    pane->start = weir_get_long(in);
    pane->end = weir_get_long(in);
    pane->rows = weir_get_count(in, (size_t)1 << 60);
    size_t n = weir_get_count(in, FIELDS);
    if (in->failed || n != profile->n_fields || pane->end <= pane->start)
        return WEIR_ECORRUPT;
    for (size_t f = 0; f < n; f++) {
        int code =
            read_summary(in, profile->fields[f].cells, WEIR_PROFILE_PANE_PARTS, &pane->fields[f]);
        if (code)
            return code;
    }
    return n && weir_get_long(in) ? WEIR_ECORRUPT : 0;
}

static int read_panes(struct weir_reader *in, struct weir_profile *profile)
{
    size_t n = weir_get_count(in, PANES);
    if (in->failed || n > weir_reader_left(in))
        return WEIR_ECORRUPT;
    profile->panes = calloc(n ? n : 1, sizeof *profile->panes);
    if (!profile->panes)
        return WEIR_ENOMEM;
    for (size_t p = 0; p < n; p++) {
        struct weir_profile_pane *pane = &profile->panes[p];
        pane->fields = calloc(profile->n_fields ? profile->n_fields : 1, sizeof *pane->fields);
        if (!pane->fields)
            return WEIR_ENOMEM;
        profile->n_panes++;
        int code = read_pane(in, profile, pane);
        if (code)
            return code;
        if (p && pane->start <= profile->panes[p - 1].start)
            return WEIR_ECORRUPT;
    }
    return n && weir_get_long(in) ? WEIR_ECORRUPT : 0;
}

static int read_sample(struct weir_reader *in, struct weir_profile *profile)
{
    struct weir_reader nested;
    if (!has_part(in, &nested))
        return in->failed ? WEIR_ECORRUPT : 0;
    size_t rows = weir_get_count(&nested, WEIR_RESERVOIR_ROWS_MOST);
    size_t bytes = weir_get_count(&nested, WEIR_RESERVOIR_BYTES_MOST);
    int code = nested.failed ? WEIR_ECORRUPT : weir_profile_sample_create(profile, rows, bytes);
    if (!code)
        code = weir_reservoir_read_merge(profile->sample, &nested);
    return end_part(&nested, code);
}

static int read_quality(struct weir_reader *in, struct weir_profile *profile)
{
    struct weir_reader nested;
    if (!has_part(in, &nested))
        return in->failed ? WEIR_ECORRUPT : 0;
    return end_part(&nested, weir_profile_quality_read(&nested, &profile->quality));
}

// Fields are single numbers, and a vector is one: those who count more rows rely on it.
static int good_frame(const struct weir_profile *profile, const struct weir_profile_frame *frame)
{
    for (size_t j = 0; j < (frame->is_vector ? 1 : frame->n); j++) {
        const struct weir_profile_field *field = &profile->fields[frame->field[j]];
        size_t length = strlen(field->name);
        int is_list = length > 2 && !strcmp(field->name + length - 2, "[]");
        if ((field->type != WEIR_TYPE_DOUBLE && field->type != WEIR_TYPE_LONG) ||
            is_list != frame->is_vector)
            return 0;
    }
    return 1;
}

static int read_frames(struct weir_reader *in, struct weir_profile *profile)
{
    struct weir_reader nested = nested_reader(in);
    if (in->failed)
        return WEIR_ECORRUPT;
    size_t n = weir_get_count(&nested, WEIR_FRAMES);
    if (nested.failed)
        return WEIR_ECORRUPT;
    profile->frames = calloc(n + 1, sizeof *profile->frames);
    if (!profile->frames)
        return WEIR_ENOMEM;
    for (size_t f = 0; f < n; f++) {
        struct weir_profile_frame *frame = &profile->frames[profile->n_frames++];
        int code = weir_frame_read(&nested, profile->n_fields, frame);
        if (!code && (!good_frame(profile, frame) || (f && !frame->is_vector)))
            code = WEIR_ECORRUPT;
        if (code)
            return code;
    }
    return end_part(&nested, 0);
}

static int read_profile(struct weir_reader *in, struct weir_profile *profile,
                        struct weir_error *error)
{
    profile->version = (int)weir_get_count(in, 1 << 20);
    if (!in->failed && profile->version > WEIR_PROFILE_VERSION)
        return WEIR_EVERSION;
    if (profile->version < 1)
        return WEIR_ECORRUPT;
    profile->stream = weir_get_string_alloc(in, NAME);
    profile->rows = weir_get_count(in, (size_t)1 << 60);
    profile->first_time = weir_get_long(in);
    profile->last_time = weir_get_long(in);
    int code = in->failed ? weir_reader_code(in) : read_fields(in, profile, error);
    if (!code)
        code = read_panes(in, profile);
    if (!code && profile->version >= 3)
        code = read_sample(in, profile);
    if (!code && profile->version >= 4)
        code = read_quality(in, profile);
    if (!code && profile->version >= 4)
        code = read_frames(in, profile);
    if (!code && (in->failed || weir_reader_left(in)))
        code = WEIR_ECORRUPT;
    return code ? code : weir_profile_habits_show(profile);
}

static int refuse(struct weir_error *error, int code, const char *path)
{
    if (code == WEIR_ENOMEM)
        return weir_error_set(error, code, "'%s': memory is out for the profile", path);
    if (code == WEIR_EVERSION)
        return weir_error_set(
            error, code,
            "'%s' is a profile of a newer weir, and this one reads profiles up to "
            "version %d: read it with the weir that wrote it, or make it anew "
            "with `weir profile`",
            path, WEIR_PROFILE_VERSION);
    return weir_error_set(error, code,
                          "'%s' is a damaged profile (it does not hold what it says): make it "
                          "anew with `weir profile`",
                          path);
}

int weir_profile_read_datum(const void *data, size_t length, const char *path,
                            struct weir_profile **out, struct weir_error *error)
{
    struct weir_profile *profile = calloc(1, sizeof *profile);
    if (!profile)
        return refuse(error, WEIR_ENOMEM, path);
    struct weir_reader in = weir_reader_make(data, length);
    int code = read_profile(&in, profile, NULL);
    if (code) {
        weir_profile_free(profile);
        return refuse(error, code, path);
    }
    *out = profile;
    return 0;
}

static int is_profile(struct weir_avro_container *container)
{
    size_t length;
    return weir_avro_container_metadata(container, "weir.hash", &length) != NULL;
}

static int has_hash(struct weir_avro_container *container, const uint8_t *data, size_t length)
{
    char hash[17];
    size_t n;
    const uint8_t *stored = weir_avro_container_metadata(container, "weir.hash", &n);
    weir_profile_hash_text(data, length, hash);
    return stored && n == 16 && !memcmp(stored, hash, 16);
}

int weir_profile_read(const void *data, size_t length, const char *path,
                      struct weir_profile **profile, struct weir_error *error)
{
    if (!weir_avro_container_magic(data, length))
        return weir_error_set(error, WEIR_ECORRUPT,
                              "'%s' is not a profile: make one with `weir profile`", path);
    struct weir_avro_container *container;
    int code = weir_avro_container_open_memory(data, length, path, &container, error);
    if (code)
        return code;
    const uint8_t *datum;
    size_t n;
    uint64_t objects;
    if (!is_profile(container)) {
        code = weir_error_set(
            error, WEIR_ECORRUPT,
            "'%s' is an Avro file but not a profile: make one with `weir profile`", path);
    } else {
        int got = weir_avro_container_block(container, &datum, &n, &objects, error);
        if (got < 0)
            code = got;
        else if (!got || objects != 1 || !has_hash(container, datum, n))
            code = refuse(error, WEIR_ECORRUPT, path);
        else
            code = weir_profile_read_datum(datum, n, path, profile, error);
    }
    weir_avro_container_close(container);
    return code;
}

int weir_profile_load(const char *path, struct weir_profile **profile, struct weir_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return weir_error_set(error, WEIR_EIO, "profile '%s' cannot be read: %s", path,
                              strerror(errno));
    struct weir_buffer bytes;
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    int code = 0;
    ssize_t n = 1;
    while (!code && n) {
        code = weir_buffer_reserve(&bytes, 1 << 16);
        n = code ? 0 : read(fd, bytes.data + bytes.length, 1 << 16);
        if (n > 0)
            bytes.length += (size_t)n;
        else if (n < 0 && errno != EINTR)
            code = WEIR_EIO;
    }
    if (code)
        weir_error_set(error, code, "profile '%s' cannot be read: %s", path,
                       code == WEIR_EIO ? strerror(errno)
                                        : "memory is out, or it is larger than 1 GiB");
    else
        code = weir_profile_read(bytes.data, bytes.length, path, profile, error);
    close(fd);
    weir_buffer_free(&bytes);
    return code;
}
