// SPDX-License-Identifier: Apache-2.0
// The operations detector's bytes from outside: saved states and what edges write. The first byte
// says which.
#include <stdlib.h>

#include "stats/buffer.h"
#include "weir/detector.h"

extern const struct weir_plugin weir_plugin;

static const struct weir_field fields[] = {
    {.name = "model", .type = WEIR_TYPE_STRING, .role = WEIR_ROLE_MODEL_VERSION},
    {.name = "score", .type = WEIR_TYPE_DOUBLE, .role = WEIR_ROLE_SCORE},
    {.name = "host", .type = WEIR_TYPE_STRING, .role = WEIR_ROLE_HOST},
    {.name = "latency", .type = WEIR_TYPE_DOUBLE, .role = WEIR_ROLE_LATENCY},
    {.name = "status", .type = WEIR_TYPE_LONG, .role = WEIR_ROLE_STATUS},
    {.name = "amount", .type = WEIR_TYPE_DOUBLE, .role = WEIR_ROLE_FEATURE}};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = 6, .key = -1, .time = -1};

static int rule(const struct weir_setup *setup, const struct weir_rule *declared,
                struct weir_error *error)
{
    (void)setup;
    (void)declared;
    (void)error;
    return 0;
}

static int need(const struct weir_setup *setup, unsigned by, int field, unsigned parts,
                struct weir_error *error)
{
    (void)setup;
    (void)by;
    (void)field;
    (void)parts;
    (void)error;
    return 0;
}

static void *make(void)
{
    static struct weir_option_value values[64];
    size_t i = 0;
    for (const struct weir_option *option = weir_plugin.options; option->key; option++, i++)
        values[i] = (struct weir_option_value){.set = option->type != WEIR_OPTION_FIELD &&
                                                      option->type != WEIR_OPTION_STRINGS,
                                               .integer = 1000,
                                               .number = .01};
    struct weir_detector_config config = {.name = "fuzz",
                                          .stream = &stream,
                                          .window_size = 300000,
                                          .window_hop = 300000,
                                          .options = values};
    struct weir_setup setup = {.size = sizeof setup, .need = need, .rule = rule};
    struct weir_error error;
    void *instance;
    if (weir_plugin.create(&config, &setup, &instance, &error))
        abort();
    return instance;
}

static void emit(const struct weir_window *window, const struct weir_finding *finding)
{
    (void)window;
    if (!finding->kind || !finding->summary || !*finding->summary)
        abort();
}

static void undecided(const struct weir_window *window)
{
    (void)window;
}

static const struct weir_summary *no_summary(const struct weir_window *window, size_t slice,
                                             int field)
{
    (void)window;
    (void)slice;
    (void)field;
    return NULL;
}

static void take_edge(void *instance, struct weir_reader *in)
{
    struct weir_error error;
    struct weir_buffer out;
    void *edge;
    if (weir_plugin.edge_create(instance, &edge, &error))
        abort();
    weir_buffer_init(&out, 1 << 24);
    if (!weir_plugin.edge_restore(edge, 1, in, &error)) {
        weir_plugin.edge_close(edge, 0, 300000, &out, &error);
        weir_plugin.edge_save(edge, &out);
    }
    weir_buffer_free(&out);
    weir_plugin.edge_destroy(edge);
}

static void take_owner(void *instance, struct weir_reader *in, int extracts)
{
    struct weir_error error;
    struct weir_buffer out;
    void *owner;
    if (weir_plugin.owner_create(instance, &owner, &error))
        abort();
    weir_buffer_init(&out, 1 << 24);
    struct weir_span span = {in->at, weir_reader_left(in)};
    struct weir_slice whole = {.rows = 1};
    struct weir_window window = {.size = sizeof window,
                                 .end = 300000,
                                 .complete = 300000,
                                 .slices = &whole,
                                 .n_slices = 1,
                                 .extracts = &span,
                                 .n_extracts = extracts ? 1 : 0,
                                 .summary = no_summary,
                                 .undecided = undecided,
                                 .emit = emit};
    if (extracts || !weir_plugin.owner_restore(owner, 1, in, &error)) {
        weir_plugin.owner_window(owner, &window, &error);
        weir_plugin.owner_save(owner, &out);
    }
    weir_buffer_free(&out);
    weir_plugin.owner_destroy(owner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct weir_reader in = weir_reader_make(data + 1, size - 1);
    void *instance = make();
    if (data[0] % 3 == 0)
        take_edge(instance, &in);
    else
        take_owner(instance, &in, data[0] % 3 == 1);
    weir_plugin.destroy(instance);
    return 0;
}
