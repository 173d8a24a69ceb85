// SPDX-License-Identifier: Apache-2.0
// The label_noise detector's bytes from outside: saved states and what edges write. The first
// byte says which.
#include <stdlib.h>

#include "detectors/label_noise/tally.h"
#include "weir/detector.h"

extern const struct weir_plugin weir_plugin;

static const struct weir_field fields[] = {
    {.name = "id", .type = WEIR_TYPE_LONG, .role = WEIR_ROLE_KEY},
    {.name = "label", .type = WEIR_TYPE_STRING, .role = WEIR_ROLE_LABEL},
    {.name = "annotator", .type = WEIR_TYPE_STRING, .role = WEIR_ROLE_ANNOTATOR}};
static const struct weir_stream stream = {
    .name = "labels", .fields = fields, .n_fields = 3, .key = 0, .time = -1};

static void *make(void)
{
    static struct weir_option_value values[32];
    size_t i = 0;
    for (const struct weir_option *option = weir_plugin.options; option->key; option++, i++)
        values[i] = (struct weir_option_value){.set = option->type != WEIR_OPTION_FIELD &&
                                                      option->type != WEIR_OPTION_STRINGS,
                                               .integer = 1000,
                                               .number = .01};
    struct weir_detector_config config = {.stream = &stream, .options = values};
    struct weir_error error;
    void *instance;
    if (weir_plugin.create(&config, NULL, &instance, &error))
        abort();
    return instance;
}

static void emit(const struct weir_window *window, const struct weir_finding *finding)
{
    (void)window;
    if (!finding->kind || !finding->summary || !*finding->summary)
        abort();
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
        weir_plugin.edge_close(edge, 0, 3600000, &out, &error);
        weir_plugin.edge_save(edge, &out);
    }
    weir_buffer_free(&out);
    weir_plugin.edge_destroy(edge);
}

static void take_owner(void *instance, struct weir_reader *in, int extracts)
{
    struct weir_error error;
    void *owner;
    if (weir_plugin.owner_create(instance, &owner, &error))
        abort();
    struct weir_span span = {in->at, weir_reader_left(in)};
    struct weir_window window = {
        .size = sizeof window, .end = 3600000, .extracts = &span, .n_extracts = 1, .emit = emit};
    if (extracts)
        weir_plugin.owner_window(owner, &window, &error);
    else
        weir_plugin.owner_restore(owner, 1, in, &error);
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
