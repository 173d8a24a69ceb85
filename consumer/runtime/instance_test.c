// SPDX-License-Identifier: Apache-2.0
#include "consumer/runtime/instance.h"

#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

static void setup(void)
{
    strcpy(folder, "/tmp/weir-instance-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
    char path[512];
    for (int depth = 0; depth < 2; depth++) {
        char at[128];
        snprintf(at, sizeof at, "%s%s", folder, depth ? "" : "/a/b");
        DIR *open = opendir(at);
        for (struct dirent *entry; open && (entry = readdir(open));) {
            snprintf(path, sizeof path, "%s/%s", at, entry->d_name);
            unlink(path);
        }
        if (open)
            closedir(open);
    }
    snprintf(path, sizeof path, "%s/a/b", folder);
    rmdir(path);
    snprintf(path, sizeof path, "%s/a", folder);
    rmdir(path);
    rmdir(folder);
}

START_TEST(same_name_after_a_restart)
{
    struct weir_instance first, again;
    struct weir_error error;
    char name[64];
    ck_assert_int_eq(weir_instance_take(folder, "app", "", &first, &error), 0);
    strcpy(name, first.name);
    ck_assert_uint_eq(strlen(name), 16);
    weir_instance_release(&first);
    ck_assert_int_eq(weir_instance_take(folder, "app", "", &again, &error), 0);
    ck_assert_str_eq(again.name, name);
    weir_instance_release(&again);
}
END_TEST

START_TEST(members_have_names_of_their_own)
{
    struct weir_instance one, two, other;
    struct weir_error error;
    ck_assert_int_eq(weir_instance_take(folder, "app", "", &one, &error), 0);
    ck_assert_int_eq(weir_instance_take(folder, "app", "", &two, &error), 0);
    ck_assert_int_eq(weir_instance_take(folder, "other", "", &other, &error), 0);
    ck_assert_str_ne(one.name, two.name);
    ck_assert_str_ne(one.name, other.name);
    weir_instance_release(&one);
    weir_instance_release(&two);
    weir_instance_release(&other);
}
END_TEST

START_TEST(a_given_name_is_taken_once)
{
    struct weir_instance one, two;
    struct weir_error error;
    ck_assert_int_eq(weir_instance_take(folder, "app", "blue", &one, &error), 0);
    ck_assert_str_eq(one.name, "blue");
    ck_assert_int_eq(weir_instance_take(folder, "app", "blue", &two, &error), WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(error.message, "blue"));
    weir_instance_release(&one);
    ck_assert_int_eq(weir_instance_take(folder, "app", "blue", &two, &error), 0);
    weir_instance_release(&two);
    ck_assert_int_eq(weir_instance_take(folder, "app", "../x", &two, &error), WEIR_EINVAL);
}
END_TEST

START_TEST(damaged_files_get_a_new_name)
{
    struct weir_instance one;
    struct weir_error error;
    char path[128];
    snprintf(path, sizeof path, "%s/app.instance-0", folder);
    FILE *file = fopen(path, "w");
    fputs("weir.$(rm)\n\n", file);
    fclose(file);
    ck_assert_int_eq(weir_instance_take(folder, "app", "", &one, &error), 0);
    ck_assert_uint_eq(strlen(one.name), 16);
    weir_instance_release(&one);
}
END_TEST

START_TEST(folders_are_made_or_refused)
{
    struct weir_instance one;
    struct weir_error error;
    char path[128];
    snprintf(path, sizeof path, "%s/a/b", folder);
    ck_assert_int_eq(weir_instance_take(path, "app", "", &one, &error), 0);
    weir_instance_release(&one);
    ck_assert_int_eq(weir_instance_take("/proc/none", "app", "", &one, &error), WEIR_EIO);
    ck_assert_ptr_nonnull(strstr(error.message, "/proc/none"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("instance");
    TCase *tests = tcase_create("instance");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, same_name_after_a_restart);
    tcase_add_test(tests, members_have_names_of_their_own);
    tcase_add_test(tests, a_given_name_is_taken_once);
    tcase_add_test(tests, damaged_files_get_a_new_name);
    tcase_add_test(tests, folders_are_made_or_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
