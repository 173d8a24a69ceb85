// SPDX-License-Identifier: Apache-2.0
// Every testdata/NAME.yaml against testdata/NAME.txt, all that is said of it with positions.
// `WEIR_GOLDEN=write` writes the answers instead: read them before they are kept.
#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/config/config.h"
#include "consumer/config/fake_plugin.h"

static char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *text = calloc(1, 1 << 16);
    *length = fread(text, 1, (1 << 16) - 1, file);
    fclose(file);
    return text;
}

// What is said of one file. Its folder does not exist, so that paths in messages are the same
// everywhere.
static char *problems_of(const char *text, size_t length, const char *name, int *code)
{
    char path[400], *said = NULL;
    size_t size;
    struct weir_config *config = NULL;
    struct weir_problems problems;
    struct weir_plugins *plugins = fake_plugins_create();
    snprintf(path, sizeof path, "/config/%s.yaml", name);
    *code = weir_config_parse(text, length, path, plugins, &config, &problems);
    FILE *out = open_memstream(&said, &size);
    weir_problems_print(&problems, path, out);
    fclose(out);
    weir_problems_free(&problems);
    weir_config_free(config);
    weir_plugins_destroy(plugins);
    return said;
}

static int is_yaml(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 5 && !strcmp(entry->d_name + length - 5, ".yaml");
}

static int check_one(const char *folder, const char *file)
{
    char path[8192], name[300];
    size_t length = 0, golden_length = 0;
    int code, write = getenv("WEIR_GOLDEN") != NULL;
    snprintf(name, sizeof name, "%.*s", (int)strlen(file) - 5, file);
    snprintf(path, sizeof path, "%s/%s", folder, file);
    char *text = read_file(path, &length);
    ck_assert_ptr_nonnull(text);
    char *said = problems_of(text, length, name, &code);
    snprintf(path, sizeof path, "%s/%s.txt", folder, name);
    char *golden = read_file(path, &golden_length);
    int wrong = !golden || strcmp(golden, said) || code != WEIR_EINVAL;
    if (write) {
        FILE *out = fopen(path, "wb");
        ck_assert_ptr_nonnull(out);
        fputs(said, out);
        fclose(out);
    } else if (wrong) {
        fprintf(stderr, "%s: expected\n%s\ngot\n%s\n", path, golden ? golden : "(none)", said);
    }
    free(text);
    free(said);
    free(golden);
    return wrong && !write;
}

START_TEST(each_fault_is_named_where_it_stands)
{
    char folder[4096];
    struct dirent **entries;
    const char *source = getenv("WEIR_SOURCE");
    snprintf(folder, sizeof folder, "%s/consumer/config/testdata", source ? source : ".");
    int wrong = 0, n = scandir(folder, &entries, is_yaml, alphasort);
    ck_assert_int_gt(n, 15);
    setenv("WEIR_TEST_SECRET", "xyzzy-secret", 1);
    unsetenv("WEIR_TEST_NOT_SET");
    unsetenv("WEIR_TEST_WORKERS");
    for (int i = 0; i < n; i++) {
        wrong += check_one(folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    ck_assert_int_eq(wrong, 0);
}
END_TEST

START_TEST(no_secret_is_in_a_message)
{
    static const char text[] =
        "version: ${WEIR_TEST_SECRET}\napp: ${WEIR_TEST_SECRET}!\nworkers: ${WEIR_TEST_SECRET}\n"
        "kafka: {bootstrap.servers: b, security.protocol: '${WEIR_TEST_SECRET}', sasl.mechanism: "
        "'${WEIR_TEST_SECRET}', ssl.key.password: [plain-secret], sasl.password: {a: "
        "plain-secret}, linger.ms: '${WEIR_TEST_SECRET}'}\n"
        "registry: {url: '${WEIR_TEST_SECRET}', basic.auth.user.info: [plain-secret]}\n"
        "streams: {s: {topic: '${WEIR_TEST_SECRET}?', format: '${WEIR_TEST_SECRET}', join: {to: "
        "'${WEIR_TEST_SECRET}', within: '${WEIR_TEST_SECRET}'}}}\n"
        "references: {r: {from: '${WEIR_TEST_SECRET}', to: '${WEIR_TEST_SECRET}'}}\n"
        "detectors: {d: {type: '${WEIR_TEST_SECRET}', stream: '${WEIR_TEST_SECRET}', reference: "
        "'${WEIR_TEST_SECRET}'}, e: {type: fake, stream: s, minimum: '${WEIR_TEST_SECRET}', tests: "
        "'${WEIR_TEST_SECRET}', share: '${WEIR_TEST_SECRET}'}}\n";
    int code;
    setenv("WEIR_TEST_SECRET", "xyzzy-secret", 1);
    char *said = problems_of(text, sizeof text - 1, "secrets", &code);
    ck_assert_int_eq(code, WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(said, "${WEIR_TEST_SECRET}"));
    ck_assert_msg(!strstr(said, "xyzzy-secret"), "%s", said);
    ck_assert_msg(!strstr(said, "plain-secret"), "%s", said);
    free(said);
}
END_TEST

START_TEST(problems_are_capped)
{
    char text[8000] = "version: 1\napp: a\nstreams: {s: {}}\ndetectors: {}\n";
    for (int i = 0; i < 300; i++) {
        char line[32];
        snprintf(line, sizeof line, "k%d: 1\n", i);
        strcat(text, line);
    }
    struct weir_config *config = NULL;
    struct weir_problems problems;
    ck_assert_int_eq(weir_config_parse(text, strlen(text), "x", NULL, &config, &problems),
                     WEIR_EINVAL);
    ck_assert_uint_eq(problems.n, 100);
    weir_problems_free(&problems);
}
END_TEST

START_TEST(what_is_no_file_is_said)
{
    struct weir_config *config = NULL;
    struct weir_problems problems;
    ck_assert_int_eq(weir_config_load("/no/such.yaml", NULL, &config, &problems), WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(problems.items[0].message, "cannot be opened"));
    weir_problems_free(&problems);
    ck_assert_int_eq(weir_config_load("/tmp", NULL, &config, &problems), WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(problems.items[0].message, "folder"));
    weir_problems_free(&problems);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("golden");
    TCase *tests = tcase_create("golden");
    tcase_add_test(tests, each_fault_is_named_where_it_stands);
    tcase_add_test(tests, no_secret_is_in_a_message);
    tcase_add_test(tests, problems_are_capped);
    tcase_add_test(tests, what_is_no_file_is_said);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
