// SPDX-License-Identifier: Apache-2.0
// The documents that the tables give: well-formed, complete, and the part of the committed ones
// that the host answers for.
#include "consumer/config/document.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/config/fake_plugin.h"
#include "consumer/config/table.h"

static json_t *schema(const struct weir_plugins *plugins)
{
    struct weir_buffer out;
    json_error_t error;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_config_schema(plugins, &out), 0);
    json_t *root = json_loadb((const char *)out.data, out.length, 0, &error);
    ck_assert_ptr_nonnull(root);
    weir_buffer_free(&out);
    return root;
}

START_TEST(every_key_is_in_the_schema)
{
    struct weir_plugins *plugins = fake_plugins_create();
    json_t *root = schema(plugins);
    json_t *properties = json_object_get(root, "properties");
    for (const struct weir_key *row = weir_keys_root; row->key; row++) {
        json_t *value = json_object_get(properties, row->key);
        ck_assert_msg(json_is_object(value), "%s", row->key);
        ck_assert_msg(json_object_get(value, "description") != NULL, "%s", row->key);
    }
    json_t *detector =
        json_object_get(json_object_get(properties, "detectors"), "additionalProperties");
    json_t *cases = json_object_get(detector, "allOf");
    ck_assert_uint_eq(json_array_size(cases), weir_plugins_count(plugins));
    ck_assert(json_is_false(json_object_get(detector, "unevaluatedProperties")));
    json_decref(root);
    weir_plugins_destroy(plugins);
}
END_TEST

START_TEST(every_key_is_in_the_manual)
{
    static const struct weir_key *const tables[] = {
        weir_keys_root,   weir_keys_stream,   weir_keys_field,    weir_keys_reference,
        weir_keys_window, weir_keys_defaults, weir_keys_detector, weir_keys_gate};
    struct weir_plugins *plugins = fake_plugins_create();
    struct weir_buffer out;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_config_manual(plugins, &out), 0);
    weir_buffer_byte(&out, 0);
    const char *text = (const char *)out.data;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        for (const struct weir_key *row = tables[i]; row->key; row++) {
            char cell[64];
            snprintf(cell, sizeof cell, "\n| `%s` |", row->key);
            ck_assert_msg(strstr(text, cell) != NULL, "%s", row->key);
            ck_assert_msg(row->help && strlen(row->help) > 5, "%s", row->key);
        }
    }
    ck_assert_ptr_nonnull(
        strstr(text, "| `minimum` | whole number, 1 to 1000000 (records) | `100`"));
    weir_buffer_free(&out);
    weir_plugins_destroy(plugins);
}
END_TEST

static char *read_committed(const char *name)
{
    char path[4096];
    const char *source = getenv("WEIR_SOURCE");
    snprintf(path, sizeof path, "%s/%s", source ? source : ".", name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    char *text = calloc(1, 1 << 20);
    ck_assert_uint_gt(fread(text, 1, (1 << 20) - 1, file), 0);
    fclose(file);
    return text;
}

// Detectors answer for their options; the whole files are compared where all modules are built.
START_TEST(the_committed_schema_is_the_generated_one)
{
    char *text = read_committed("schemas/config.schema.json");
    json_error_t error;
    json_t *committed = json_loads(text, 0, &error), *generated = schema(NULL);
    ck_assert_ptr_nonnull(committed);
    json_t *roots[] = {committed, generated};
    for (int i = 0; i < 2; i++) {
        json_t *detectors = json_object_get(json_object_get(roots[i], "properties"), "detectors");
        json_t *entry = json_object_get(detectors, "additionalProperties");
        json_object_del(entry, "allOf");
        json_object_del(entry, "unevaluatedProperties");
        json_object_del(json_object_get(entry, "properties"), "type");
    }
    ck_assert_msg(json_equal(committed, generated),
                  "run `weir check --schema > schemas/config.schema.json`");
    json_decref(committed);
    json_decref(generated);
    free(text);
}
END_TEST

START_TEST(the_committed_manual_is_the_generated_one)
{
    char *text = read_committed("docs/configuration.md");
    struct weir_buffer out;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_config_manual(NULL, &out), 0);
    ck_assert_msg(!strncmp(text, (const char *)out.data, out.length),
                  "run `weir check --manual > docs/configuration.md`");
    weir_buffer_free(&out);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("document");
    TCase *tests = tcase_create("document");
    tcase_add_test(tests, every_key_is_in_the_schema);
    tcase_add_test(tests, every_key_is_in_the_manual);
    tcase_add_test(tests, the_committed_schema_is_the_generated_one);
    tcase_add_test(tests, the_committed_manual_is_the_generated_one);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
