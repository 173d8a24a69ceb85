// SPDX-License-Identifier: Apache-2.0
// Detector types for tests of the configuration: tables without behaviour.
#ifndef WEIR_CONFIG_FAKE_PLUGIN_H
#define WEIR_CONFIG_FAKE_PLUGIN_H

#include <stdlib.h>

#include "consumer/host/plugins.h"

static inline int fake_create(const struct weir_detector_config *config,
                              const struct weir_setup *setup, void **instance,
                              struct weir_error *error)
{
    (void)config;
    (void)setup;
    (void)error;
    *instance = NULL;
    return 0;
}

static inline void fake_destroy(void *instance)
{
    (void)instance;
}

static inline int fake_edge_create(void *instance, void **edge, struct weir_error *error)
{
    (void)instance;
    (void)error;
    *edge = NULL;
    return 0;
}

static inline int fake_observe(void *edge, const struct weir_batch *batch,
                               const struct weir_edge *host, struct weir_error *error)
{
    (void)edge;
    (void)batch;
    (void)host;
    (void)error;
    return 0;
}

static inline int fake_save(const void *edge, struct weir_buffer *out)
{
    (void)edge;
    (void)out;
    return 0;
}

static inline int fake_restore(void *edge, uint32_t version, struct weir_reader *in,
                               struct weir_error *error)
{
    (void)edge;
    (void)version;
    (void)in;
    (void)error;
    return 0;
}

static const struct weir_option fake_options[] = {
    {"minimum", WEIR_OPTION_INTEGER, "100", 1, 1000000, NULL, "records", "Fewer are not judged.",
     0},
    {"effect", WEIR_OPTION_NUMBER, "0.2", 0, 10, NULL, "sd", "The smallest shift.", 0},
    {"share", WEIR_OPTION_SHARE, "5%", 0, 1, NULL, NULL, "A share.", 0},
    {"pause", WEIR_OPTION_DURATION, "2h", 1000, 864e5, NULL, NULL, "A duration.", 0},
    {"bytes", WEIR_OPTION_SIZE, "1MiB", 0, 0, NULL, NULL, "A size.", WEIR_OPTION_RESETS_STATE},
    {"strict", WEIR_OPTION_BOOLEAN, "false", 0, 0, NULL, NULL, "A switch.", 0},
    {"note", WEIR_OPTION_STRING, NULL, 0, 0, NULL, NULL, "A text.", 0},
    {"tests", WEIR_OPTION_CHOICE, "auto", 0, 0, "auto|ks|psi", NULL, "A choice.", 0},
    {"weight", WEIR_OPTION_FIELD, NULL, 0, 0, NULL, NULL, "A field.", 0},
    {"rules", WEIR_OPTION_STRINGS, "[a, b]", 0, 0, NULL, NULL, "A list.", 0},
    {NULL, 0, NULL, 0, 0, NULL, NULL, NULL, 0}};

static const char *const fake_kinds[] = {"drift.feature", "drift.score", NULL};

#define FAKE_PLUGIN(type)                                                                          \
    {                                                                                              \
        .abi_major = WEIR_ABI_MAJOR, .abi_minor = WEIR_ABI_MINOR,                                  \
        .size = sizeof(struct weir_plugin), .name = type, .version = "1",                          \
        .description = "A table for tests.", .options = fake_options, .kinds = fake_kinds,         \
        .state_version = 1, .create = fake_create, .destroy = fake_destroy,                        \
        .edge_create = fake_edge_create, .edge_destroy = fake_destroy,                             \
        .edge_observe = fake_observe, .edge_save = fake_save, .edge_restore = fake_restore         \
    }

static const struct weir_plugin fake_plugins[] = {FAKE_PLUGIN("schema"), FAKE_PLUGIN("drift"),
                                                  FAKE_PLUGIN("label_noise"), FAKE_PLUGIN("outage"),
                                                  FAKE_PLUGIN("fake")};

static inline struct weir_plugins *fake_plugins_create(void)
{
    struct weir_error error = {0};
    struct weir_plugins *plugins;
    if (weir_plugins_create(&plugins, &error))
        abort();
    for (size_t i = 0; i < sizeof fake_plugins / sizeof *fake_plugins; i++) {
        if (!weir_plugins_find(plugins, fake_plugins[i].name) &&
            weir_plugins_add_static(plugins, &fake_plugins[i], &error)) {
            fprintf(stderr, "%s\n", error.message);
            abort();
        }
    }
    return plugins;
}

#endif
