// SPDX-License-Identifier: Apache-2.0
// Which detectors are taken. Modules as files are refused in tests/replay/bad_input_test.py.
#include "consumer/host/plugins.h"

#include <check.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int create(const struct weir_detector_config *config, const struct weir_setup *setup,
                  void **instance, struct weir_error *error)
{
    (void)config;
    (void)setup;
    (void)instance;
    return weir_error_set(error, WEIR_EINVAL, "never made");
}

static void destroy(void *instance)
{
    (void)instance;
}

static int owner_create(void *instance, void **owner, struct weir_error *error)
{
    (void)instance;
    (void)owner;
    return weir_error_set(error, WEIR_EINVAL, "never made");
}

static int owner_window(void *owner, const struct weir_window *window, struct weir_error *error)
{
    (void)owner;
    (void)window;
    (void)error;
    return 0;
}

static int owner_save(const void *owner, struct weir_buffer *out)
{
    (void)owner;
    (void)out;
    return 0;
}

static int owner_restore(void *owner, uint32_t version, struct weir_reader *in,
                         struct weir_error *error)
{
    (void)owner;
    (void)version;
    (void)in;
    (void)error;
    return 0;
}

static const struct weir_option options[] = {{.key = NULL}};
static const char *const kinds[] = {"drift.feature", NULL};

static struct weir_plugin good(const char *name)
{
    return (struct weir_plugin){.abi_major = WEIR_ABI_MAJOR,
                                .abi_minor = WEIR_ABI_MINOR,
                                .size = sizeof(struct weir_plugin),
                                .name = name,
                                .version = "1",
                                .description = "for a test",
                                .options = options,
                                .kinds = kinds,
                                .state_version = 1,
                                .create = create,
                                .destroy = destroy,
                                .owner_create = owner_create,
                                .owner_destroy = destroy,
                                .owner_window = owner_window,
                                .owner_save = owner_save,
                                .owner_restore = owner_restore};
}

static struct weir_plugins *plugins;
static struct weir_error error;

static void setup(void)
{
    ck_assert_int_eq(weir_plugins_create(&plugins, &error), 0);
}

static void teardown(void)
{
    weir_plugins_destroy(plugins);
}

static void is_refused(const struct weir_plugin *plugin, int code, const char *words)
{
    size_t before = weir_plugins_count(plugins);
    ck_assert_int_eq(weir_plugins_add_static(plugins, plugin, &error), code);
    ck_assert_msg(strstr(error.message, words) != NULL, "%s", error.message);
    ck_assert_uint_eq(weir_plugins_count(plugins), before);
}

START_TEST(they_are_found_by_name)
{
    struct weir_plugin first = good("zz_b"), second = good("zz_a");
    size_t before = weir_plugins_count(plugins);
    ck_assert_int_eq(weir_plugins_add_static(plugins, &first, &error), 0);
    const struct weir_plugin *found = weir_plugins_find(plugins, "zz_b");
    ck_assert_ptr_nonnull(found);
    ck_assert_int_eq(weir_plugins_add_static(plugins, &second, &error), 0);
    ck_assert_ptr_eq(weir_plugins_find(plugins, "zz_b"), found); // it stays where it is
    ck_assert_ptr_null(weir_plugins_find(plugins, "zz"));
    ck_assert_ptr_null(weir_plugins_at(plugins, before + 2));
    for (size_t i = 1; i < before + 2; i++)
        ck_assert_int_lt(
            strcmp(weir_plugins_at(plugins, i - 1)->name, weir_plugins_at(plugins, i)->name), 0);
    is_refused(&first, WEIR_EINVAL, "'zz_b' was loaded from (linked in) already");
}
END_TEST

START_TEST(another_interface_is_refused_with_both_versions)
{
    struct weir_plugin plugin = good("zz");
    char both[80];
    plugin.abi_major++;
    snprintf(both, sizeof both, "ABI %u.%u and this weir speaks %u.%u", WEIR_ABI_MAJOR + 1,
             WEIR_ABI_MINOR, WEIR_ABI_MAJOR, WEIR_ABI_MINOR);
    is_refused(&plugin, WEIR_EVERSION, both);
    plugin = good("zz");
    plugin.abi_minor++;
    is_refused(&plugin, WEIR_EVERSION, "rebuild it against the installed headers");
    plugin = good("zz");
    plugin.size += 8;
    is_refused(&plugin, WEIR_EVERSION, "bytes instead of");
    plugin.size = 8;
    is_refused(&plugin, WEIR_EVERSION, "bytes instead of");
}
END_TEST

START_TEST(an_older_minor_is_taken)
{
    struct weir_plugin plugin = good("zz");
    plugin.abi_minor = 0;
    plugin.size = offsetof(struct weir_plugin, reference_kinds);
    plugin.reference_kinds = ~0u; // whatever lies behind it
    ck_assert_int_eq(weir_plugins_add_static(plugins, &plugin, &error), 0);
    const struct weir_plugin *found = weir_plugins_find(plugins, "zz");
    ck_assert_uint_eq(found->reference_kinds, 0);
    ck_assert_ptr_eq(found->owner_window, plugin.owner_window);
}
END_TEST

START_TEST(what_is_not_whole_is_refused)
{
    struct weir_plugin plugin = good("");
    is_refused(&plugin, WEIR_EINVAL, "lacks a name");
    plugin = good("zz");
    plugin.kinds = NULL;
    is_refused(&plugin, WEIR_EINVAL, "kinds");
    plugin = good("zz");
    plugin.destroy = NULL;
    is_refused(&plugin, WEIR_EINVAL, "create or destroy");
    plugin = good("zz");
    plugin.owner_save = NULL;
    is_refused(&plugin, WEIR_EINVAL, "a role needs");
    plugin = good("zz");
    plugin.edge_create = owner_create;
    is_refused(&plugin, WEIR_EINVAL, "a role needs");
    plugin = good("zz");
    plugin.owner_create = NULL;
    plugin.owner_destroy = NULL;
    plugin.owner_window = NULL;
    plugin.owner_save = NULL;
    plugin.owner_restore = NULL;
    is_refused(&plugin, WEIR_EINVAL, "a role needs");
}
END_TEST

static void write_file(const char *path, mode_t mode)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("no module", file);
    fclose(file);
    ck_assert_int_eq(chmod(path, mode), 0);
}

START_TEST(files_that_others_can_write_are_refused)
{
    char folder[] = "/tmp/weir-plugins-XXXXXX", path[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(weir_plugins_add(plugins, folder, &error), 0); // empty
    snprintf(path, sizeof path, "%s/a.so", folder);
    write_file(path, 0666);
    ck_assert_int_eq(weir_plugins_add(plugins, path, &error), WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(error.message, "others can write it (mode 666): chmod go-w it"));
    ck_assert_int_eq(chmod(path, 0644), 0);
    ck_assert_int_eq(weir_plugins_add(plugins, folder, &error), WEIR_ECORRUPT);
    ck_assert_ptr_nonnull(strstr(error.message, "it is no ELF module"));
    ck_assert_int_eq(chmod(folder, 0777), 0);
    ck_assert_int_eq(weir_plugins_add(plugins, folder, &error), WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(error.message, "chmod go-w it"));
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
    ck_assert_int_eq(weir_plugins_add(plugins, folder, &error), WEIR_EIO);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plugins");
    TCase *cases = tcase_create("plugins");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, they_are_found_by_name);
    tcase_add_test(cases, another_interface_is_refused_with_both_versions);
    tcase_add_test(cases, an_older_minor_is_taken);
    tcase_add_test(cases, what_is_not_whole_is_refused);
    tcase_add_test(cases, files_that_others_can_write_are_refused);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
