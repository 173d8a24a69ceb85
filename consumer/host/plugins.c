// SPDX-License-Identifier: Apache-2.0
#include "consumer/host/plugins.h"

#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct module {
    struct weir_plugin plugin; // as the host knows it: what an older minor lacks is NULL
    void *handle;              // NULL: linked in
    char *path;
};

struct weir_plugins {
    struct module **modules; // by name; pointers, so that plug-ins stay where they are
    size_t n;
};

static int is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

// The folder of built-in modules: beside the binary in a build tree, else where they were
// installed, be it with the binary (a moved prefix) or at the configured place.
static int builtin_folder(char *out, size_t size)
{
    static const char *const beside[] = {"detectors", "../detectors", "../lib/weir",
                                         "../lib/x86_64-linux-gnu/weir"};
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length > 0) {
        self[length] = 0;
        char *slash = strrchr(self, '/');
        if (slash)
            *slash = 0;
        for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
            int n = snprintf(out, size, "%s/%s", self, beside[i]);
            if (n > 0 && (size_t)n < size && is_folder(out))
                return 1;
        }
    }
    int n = snprintf(out, size, "%s", WEIR_MODULE_DIR);
    return n > 0 && (size_t)n < size && is_folder(out);
}

int weir_plugins_create(struct weir_plugins **plugins, struct weir_error *error)
{
    struct weir_plugins *made = calloc(1, sizeof *made);
    if (!made)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for the table of detectors");
    char folder[PATH_MAX];
    if (builtin_folder(folder, sizeof folder)) {
        int code = weir_plugins_add(made, folder, error);
        if (code) {
            weir_plugins_destroy(made);
            return code;
        }
    }
    *plugins = made;
    return 0;
}

void weir_plugins_destroy(struct weir_plugins *plugins)
{
    if (!plugins)
        return;
    for (size_t i = 0; i < plugins->n; i++) {
        if (plugins->modules[i]->handle)
            dlclose(plugins->modules[i]->handle);
        free(plugins->modules[i]->path);
        free(plugins->modules[i]);
    }
    free(plugins->modules);
    free(plugins);
}

// A module runs with our rights, so nobody else may be able to change it.
static int check_writable(const char *path, struct weir_error *error)
{
    struct stat status;
    if (stat(path, &status))
        return weir_error_set(error, WEIR_EIO, "%s: %s", path, strerror(errno));
    int by_group = (status.st_mode & S_IWGRP) && status.st_gid != getegid();
    if ((status.st_mode & S_IWOTH) || by_group)
        return weir_error_set(error, WEIR_EINVAL,
                              "%s: refused, because others can write it (mode %o): chmod go-w it",
                              path, (unsigned)(status.st_mode & 07777));
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return weir_error_set(error, WEIR_EINVAL,
                              "%s: refused, because it belongs to user %u, neither root nor the "
                              "user that weir runs as",
                              path, (unsigned)status.st_uid);
    return 0;
}

static int read_elf(const char *path, unsigned char *ident, Elf64_Half *machine)
{
    Elf64_Ehdr header;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, &header, sizeof header);
    close(fd);
    if (n < (ssize_t)sizeof header || memcmp(header.e_ident, ELFMAG, SELFMAG))
        return -1;
    memcpy(ident, header.e_ident, EI_NIDENT);
    *machine = header.e_machine;
    return 0;
}

static int check_architecture(const char *path, struct weir_error *error)
{
    unsigned char own[EI_NIDENT], its[EI_NIDENT];
    Elf64_Half own_machine, its_machine;
    if (read_elf(path, its, &its_machine))
        return weir_error_set(error, WEIR_ECORRUPT, "%s: refused, it is no ELF module", path);
    if (read_elf("/proc/self/exe", own, &own_machine) == 0 &&
        (own_machine != its_machine || own[EI_CLASS] != its[EI_CLASS] ||
         own[EI_DATA] != its[EI_DATA]))
        return weir_error_set(error, WEIR_EVERSION,
                              "%s: refused, it is built for another architecture (ELF machine %u, "
                              "weir is %u): build it for this one",
                              path, its_machine, own_machine);
    return 0;
}

// What all minors have: each adds behind it.
enum { LEAST = offsetof(struct weir_plugin, reference_kinds) };

static int check_plugin(const struct weir_plugin *plugin, const char *path,
                        struct weir_error *error)
{
    if (plugin->abi_major != WEIR_ABI_MAJOR || plugin->abi_minor > WEIR_ABI_MINOR)
        return weir_error_set(error, WEIR_EVERSION,
                              "%s: refused, it is built for detector ABI %u.%u and this weir "
                              "speaks %u.%u: rebuild it against the installed headers",
                              path, plugin->abi_major, plugin->abi_minor, WEIR_ABI_MAJOR,
                              WEIR_ABI_MINOR);
    if (plugin->size < LEAST || plugin->size > sizeof *plugin)
        return weir_error_set(error, WEIR_EVERSION,
                              "%s: refused, its weir_plugin has %u bytes instead of %zu", path,
                              plugin->size, sizeof *plugin);
    if (!plugin->name || !*plugin->name || !plugin->version || !plugin->description ||
        !plugin->create || !plugin->destroy || !plugin->kinds)
        return weir_error_set(error, WEIR_EINVAL,
                              "%s: refused, its weir_plugin lacks a name, version, description, "
                              "kinds, create or destroy",
                              path);
    int edge = !!plugin->edge_create + !!plugin->edge_destroy + !!plugin->edge_observe +
               !!plugin->edge_save + !!plugin->edge_restore;
    int owner = !!plugin->owner_create + !!plugin->owner_destroy + !!plugin->owner_window +
                !!plugin->owner_save + !!plugin->owner_restore;
    if ((edge && edge != 5) || (owner && owner != 5) || (!edge && !owner))
        return weir_error_set(error, WEIR_EINVAL,
                              "%s: refused, a role needs create, destroy, observe or window, "
                              "save and restore together",
                              path);
    return 0;
}

static int add(struct weir_plugins *plugins, const struct weir_plugin *plugin, void *handle,
               const char *path, struct weir_error *error)
{
    size_t at = 0;
    while (at < plugins->n && strcmp(plugins->modules[at]->plugin.name, plugin->name) < 0)
        at++;
    if (at < plugins->n && !strcmp(plugins->modules[at]->plugin.name, plugin->name))
        return weir_error_set(error, WEIR_EINVAL,
                              "%s: refused, the detector type '%s' was loaded from %s already",
                              path, plugin->name, plugins->modules[at]->path);
    struct module **grown = realloc(plugins->modules, (plugins->n + 1) * sizeof *grown);
    if (grown)
        plugins->modules = grown;
    struct module *module = calloc(1, sizeof *module);
    char *copy = strdup(path);
    if (!grown || !module || !copy) {
        free(module);
        free(copy);
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory to load it", path);
    }
    memcpy(&module->plugin, plugin, plugin->size);
    module->handle = handle;
    module->path = copy;
    memmove(&grown[at + 1], &grown[at], (plugins->n - at) * sizeof *grown);
    grown[at] = module;
    plugins->n++;
    return 0;
}

static int add_module(struct weir_plugins *plugins, const char *path, struct weir_error *error)
{
    int code = check_writable(path, error);
    if (!code)
        code = check_architecture(path, error);
    if (code)
        return code;
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return weir_error_set(error, WEIR_EINVAL, "%s: refused, it does not load: %s", path,
                              dlerror());
    const struct weir_plugin *plugin = dlsym(handle, "weir_plugin");
    if (!plugin)
        code = weir_error_set(error, WEIR_EINVAL, "%s: refused, it exports no `weir_plugin`", path);
    if (!code)
        code = check_plugin(plugin, path, error);
    if (!code)
        code = add(plugins, plugin, handle, path, error);
    if (code)
        dlclose(handle);
    return code;
}

static int is_module(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 3 && !strcmp(entry->d_name + length - 3, ".so");
}

int weir_plugins_add(struct weir_plugins *plugins, const char *folder, struct weir_error *error)
{
    if (!is_folder(folder))
        return add_module(plugins, folder, error);
    int code = check_writable(folder, error);
    if (code)
        return code;
    struct dirent **entries;
    int n = scandir(folder, &entries, is_module, alphasort);
    if (n < 0)
        return weir_error_set(error, WEIR_EIO, "%s: cannot be listed: %s", folder, strerror(errno));
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX];
        struct weir_error later;
        int length = snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        free(entries[i]);
        if (length < 0 || (size_t)length >= sizeof path)
            continue;
        // The first refusal is the one to tell of; the other modules load all the same.
        int refused = add_module(plugins, path, code ? &later : error);
        if (refused && !code)
            code = refused;
    }
    free(entries);
    return code;
}

int weir_plugins_add_static(struct weir_plugins *plugins, const struct weir_plugin *plugin,
                            struct weir_error *error)
{
    int code = check_plugin(plugin, plugin->name ? plugin->name : "?", error);
    return code ? code : add(plugins, plugin, NULL, "(linked in)", error);
}

const struct weir_plugin *weir_plugins_find(const struct weir_plugins *plugins, const char *type)
{
    for (size_t i = 0; i < plugins->n; i++) {
        if (!strcmp(plugins->modules[i]->plugin.name, type))
            return &plugins->modules[i]->plugin;
    }
    return NULL;
}

size_t weir_plugins_count(const struct weir_plugins *plugins)
{
    return plugins->n;
}

const struct weir_plugin *weir_plugins_at(const struct weir_plugins *plugins, size_t i)
{
    return i < plugins->n ? &plugins->modules[i]->plugin : NULL;
}
