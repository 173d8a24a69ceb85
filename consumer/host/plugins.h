// SPDX-License-Identifier: Apache-2.0
// Detector types that can be named in a configuration: modules found in folders.
#ifndef WEIR_HOST_PLUGINS_H
#define WEIR_HOST_PLUGINS_H

#include "weir/detector.h"

struct weir_plugins;

// Begins with the modules beside the binary (build tree) or in the installed module folder.
int weir_plugins_create(struct weir_plugins **plugins, struct weir_error *error);
void weir_plugins_destroy(struct weir_plugins *plugins);
// Loads every *.so of a folder. A module that does not fit (another ABI, another architecture,
// writable by others, no or a broken weir_plugin) is refused: the sentence says why, and the
// others are loaded all the same. `folder` may be a single module's path.
int weir_plugins_add(struct weir_plugins *plugins, const char *folder, struct weir_error *error);
// Adds a plug-in that is linked in (tests).
int weir_plugins_add_static(struct weir_plugins *plugins, const struct weir_plugin *plugin,
                            struct weir_error *error);
const struct weir_plugin *weir_plugins_find(const struct weir_plugins *plugins, const char *type);
size_t weir_plugins_count(const struct weir_plugins *plugins);
const struct weir_plugin *weir_plugins_at(const struct weir_plugins *plugins, size_t i); // by name

#endif
