// SPDX-License-Identifier: Apache-2.0
// A configuration: whatever it says, either problems or a configuration come back.
#include <stdlib.h>
#include <string.h>

#include "consumer/config/config.h"
#include "consumer/config/fake_plugin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct weir_plugins *plugins;
    struct weir_config *config = NULL;
    struct weir_problems problems;
    // Modules that the input names must not be loaded.
    if (memmem(data, size, "plugins", 7))
        return 0;
    if (!plugins)
        plugins = fake_plugins_create();
    int code = weir_config_parse((const char *)data, size, "/config/fuzz.yaml", plugins, &config,
                                 &problems);
    if ((code == 0) != (config != NULL) || (code == 0) != (problems.errors == 0))
        abort();
    for (size_t i = 0; i < problems.n; i++) {
        if (!problems.items[i].mark.line || !problems.items[i].mark.column ||
            !*problems.items[i].message)
            abort();
    }
    weir_problems_free(&problems);
    weir_config_free(config);
    return 0;
}
