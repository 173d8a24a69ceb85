// SPDX-License-Identifier: Apache-2.0
// For tests of the drift detector: a host of windows of an hour, and owners that are saved and
// restored.
#ifndef WEIR_DETECTORS_DRIFT_HARNESS_H
#define WEIR_DETECTORS_DRIFT_HARNESS_H

#include <check.h>
#include <string.h>

#include "detectors/drift/drift.h"

extern const struct weir_plugin weir_plugin;

static inline int on_need(const struct weir_setup *setup, unsigned by, int field, unsigned parts,
                          struct weir_error *error)
{
    (void)setup, (void)by, (void)field, (void)parts, (void)error;
    return 0;
}

// A detector "d" with `tests: [auto]`; `config` says the stream, the fields, the references and the
// calibration. `alpha`: 0: not given.
static inline void *make_auto(struct weir_detector_config config, const struct weir_setup *setup,
                              int64_t minimum, double alpha)
{
    static const char *const auto_tests[] = {"auto"};
    struct weir_option_value values[16] = {{.set = 1, .number = .2},
                                           {.set = 1, .number = .5},
                                           {.set = 1, .integer = minimum},
                                           {.set = alpha > 0, .number = alpha},
                                           {.set = 1, .strings = auto_tests, .n_strings = 1}};
    config.size = sizeof config;
    config.name = "d";
    config.window_size = config.window_hop = 3600000;
    config.open_after = 1;
    config.resolve_after = 3;
    config.alarms_at_most = 1;
    config.severity = -1;
    config.options = values;
    void *instance = NULL;
    struct weir_error error = {0};
    ck_assert_int_eq(weir_plugin.create(&config, setup, &instance, &error), 0);
    return instance;
}

// `host` says what the window answers and is told.
static inline void judge_hour(void *owner, struct weir_window host, int64_t hour, uint64_t rows)
{
    struct weir_slice slice = {.rows = rows};
    struct weir_error error = {0};
    host.size = sizeof host;
    host.start = hour * 3600000;
    host.end = (hour + 1) * 3600000;
    host.rows = rows;
    host.slices = &slice;
    host.n_slices = 1;
    ck_assert_int_eq(weir_plugin.owner_window(owner, &host, &error), 0);
}

static inline void *make_owner(void *instance)
{
    void *owner = NULL;
    ck_assert_int_eq(weir_plugin.owner_create(instance, &owner, NULL), 0);
    return owner;
}

static inline void save(const void *owner, struct weir_buffer *out)
{
    weir_buffer_reset(out);
    ck_assert_int_eq(weir_plugin.owner_save(owner, out), 0);
}

static inline int restore(void *owner, const struct weir_buffer *from, size_t length)
{
    struct weir_error error = {0};
    struct weir_reader in = weir_reader_make(from->data, length);
    return weir_plugin.owner_restore(owner, weir_plugin.state_version, &in, &error);
}

// Another owner, of the bytes that this one saves, which stay in `bytes`; it saves the same ones.
static inline void *make_again(void *instance, const void *owner, struct weir_buffer *bytes)
{
    struct weir_buffer again;
    void *other = make_owner(instance);
    weir_buffer_init(&again, WEIR_BUFFER_MAXIMUM);
    save(owner, bytes);
    ck_assert_int_eq(restore(other, bytes, bytes->length), 0);
    save(other, &again);
    ck_assert_uint_eq(bytes->length, again.length);
    ck_assert_int_eq(memcmp(bytes->data, again.data, bytes->length), 0);
    weir_buffer_free(&again);
    return other;
}

static inline void refuse_every_cut(void *instance, const struct weir_buffer *bytes)
{
    for (size_t length = 0; length < bytes->length; length++) {
        void *other = make_owner(instance);
        ck_assert_int_eq(restore(other, bytes, length), WEIR_ECORRUPT);
        weir_plugin.owner_destroy(other);
    }
}

#endif
