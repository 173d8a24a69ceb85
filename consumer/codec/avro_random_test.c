// SPDX-License-Identifier: Apache-2.0
// Random schemas and data: a plan must give the columns that avro_value_read() and the builder
// give, and must find every truncation.
#include <avro.h>
#include <check.h>
#include <stdlib.h>

#include "consumer/codec/avro_plan.h"
#include "consumer/codec/decoder.h"
#include "stats/buffer.h"

enum { SCHEMAS = 700, DATA = 15, MAX_DATUM = 1 << 16, KEYS = 5 };

static uint64_t seed;

static uint64_t random_below(uint64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed >> 11) % n;
}

// ---- a random schema, as text ----

struct names {
    int next;           // number of the next named type
    int records[32], n; // those around the place, for recursion
    int done[32], n_done;
};

static void put_type(struct weir_buffer *out, struct names *names, int depth);

static void put_primitive(struct weir_buffer *out)
{
    static const char *const types[] = {"\"null\"",
                                        "\"boolean\"",
                                        "\"int\"",
                                        "\"long\"",
                                        "\"float\"",
                                        "\"double\"",
                                        "\"string\"",
                                        "\"bytes\"",
                                        "\"double\"",
                                        "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}",
                                        "{\"type\":\"int\",\"logicalType\":\"time-millis\"}"};
    weir_buffer_printf(out, "%s", types[random_below(sizeof types / sizeof *types)]);
}

static void put_record(struct weir_buffer *out, struct names *names, int depth)
{
    int name = names->next++, n = 1 + (int)random_below(5), outer = names->n;
    names->records[names->n++] = name;
    weir_buffer_printf(out, "{\"type\":\"record\",\"name\":\"T%d\",\"fields\":[", name);
    for (int i = 0; i < n; i++) {
        weir_buffer_printf(out, "%s{\"name\":\"f%d\",\"type\":", i ? "," : "", i);
        put_type(out, names, depth + 1);
        weir_buffer_printf(out, "}");
    }
    weir_buffer_printf(out, "]}");
    names->n = outer;
    if (names->n_done < 32)
        names->done[names->n_done++] = name;
}

// A union holds each kind at most once, and no union.
static void put_union(struct weir_buffer *out, struct names *names, int depth)
{
    static const char *const types[] = {"\"null\"",   "\"int\"",     "\"double\"",
                                        "\"string\"", "\"boolean\"", "\"bytes\""};
    unsigned which = 1 + (unsigned)random_below(63);
    const char *comma = "";
    weir_buffer_printf(out, "[");
    for (int i = 0; i < 6; i++) {
        if (which & 1u << i) {
            weir_buffer_printf(out, "%s%s", comma, types[i]);
            comma = ",";
        }
    }
    switch (random_below(5)) {
    case 0:
        weir_buffer_printf(out, "%s", comma);
        put_record(out, names, depth);
        break;
    case 1:
        weir_buffer_printf(out, "%s{\"type\":\"array\",\"items\":", comma);
        put_type(out, names, depth + 1);
        weir_buffer_printf(out, "}");
        break;
    default:
        break;
    }
    weir_buffer_printf(out, "]");
}

static void put_type(struct weir_buffer *out, struct names *names, int depth)
{
    switch (depth > 4 ? 0 : random_below(14)) {
    case 0:
    case 1:
    case 2:
    case 3:
        put_primitive(out);
        break;
    case 4:
        weir_buffer_printf(out, "{\"type\":\"enum\",\"name\":\"T%d\",\"symbols\":[\"A\",\"B\"]}",
                           names->next++);
        break;
    case 5:
        weir_buffer_printf(out, "{\"type\":\"fixed\",\"name\":\"T%d\",\"size\":%d}", names->next++,
                           1 + (int)random_below(20));
        break;
    case 6:
        weir_buffer_printf(out, "{\"type\":\"array\",\"items\":");
        put_type(out, names, depth + 1);
        weir_buffer_printf(out, "}");
        break;
    case 7:
        weir_buffer_printf(out, "{\"type\":\"map\",\"values\":");
        put_type(out, names, depth + 1);
        weir_buffer_printf(out, "}");
        break;
    case 8:
        if (names->n_done)
            weir_buffer_printf(out, "\"T%d\"", names->done[random_below((uint64_t)names->n_done)]);
        else
            put_primitive(out);
        break;
    case 9: // within itself
        weir_buffer_printf(out, "[\"null\",\"T%d\"]",
                           names->records[random_below((uint64_t)names->n)]);
        break;
    case 10:
        weir_buffer_printf(out, "[\"null\",");
        weir_buffer_printf(out, random_below(2) ? "\"double\"]" : "\"string\"]");
        break;
    case 11:
    case 12:
        put_record(out, names, depth);
        break;
    default:
        put_union(out, names, depth);
    }
}

// ---- a random datum ----

static double random_double(void)
{
    switch (random_below(6)) {
    case 0:
        return (double)random_below(10);
    case 1:
        return -1e300;
    case 2:
        return 1.0 / 0.0;
    default:
        return (double)random_below(1u << 30) / 7;
    }
}

static int64_t random_long(void)
{
    int64_t value = (int64_t)(random_below(1ull << 52) << 12 | random_below(4096));
    return random_below(2) ? value >> random_below(63) : -(value >> random_below(63));
}

static void fill_bytes(avro_value_t *value, avro_type_t type)
{
    static const char *const texts[] = {
        "", "x", "12.5", "caf\xc3\xa9", "\xff\xfe", "a longer text"};
    const char *text = texts[random_below(sizeof texts / sizeof *texts)];
    char fixed[32];
    size_t size;
    const void *bytes;
    if (type == AVRO_STRING) {
        avro_value_set_string(value, text);
    } else if (type == AVRO_BYTES) {
        avro_value_set_bytes(value, (void *)(uintptr_t)text, strlen(text));
    } else {
        avro_value_get_fixed(value, &bytes, &size);
        memset(fixed, (int)random_below(256), sizeof fixed);
        avro_value_set_fixed(value, fixed, size);
    }
}

static void fill(avro_value_t *value, int depth);

static void fill_nested(avro_value_t *value, avro_type_t type, int depth)
{
    avro_value_t child;
    size_t n = depth > 8 ? 0 : random_below(4);
    char key[16];
    if (type == AVRO_ARRAY) {
        for (size_t i = 0; i < n; i++) {
            avro_value_append(value, &child, NULL);
            fill(&child, depth + 1);
        }
    } else if (type == AVRO_MAP) {
        for (size_t i = 0; i < n; i++) {
            snprintf(key, sizeof key, "k%d", (int)random_below(KEYS));
            avro_value_add(value, key, &child, NULL, NULL);
            fill(&child, depth + 1);
        }
    } else if (type == AVRO_UNION) {
        size_t branches = avro_schema_union_size(avro_value_get_schema(value));
        avro_value_set_branch(value, depth > 8 ? 0 : (int)random_below(branches), &child);
        fill(&child, depth + 1);
    } else {
        avro_value_get_size(value, &n);
        for (size_t i = 0; i < n; i++) {
            avro_value_get_by_index(value, i, &child, NULL);
            fill(&child, depth + 1);
        }
    }
}

static void fill(avro_value_t *value, int depth)
{
    avro_type_t type = avro_value_get_type(value);
    switch (type) {
    case AVRO_NULL:
        avro_value_set_null(value);
        break;
    case AVRO_BOOLEAN:
        avro_value_set_boolean(value, (int)random_below(2));
        break;
    case AVRO_INT32:
        avro_value_set_int(value, (int32_t)random_long());
        break;
    case AVRO_INT64:
        avro_value_set_long(value, random_long());
        break;
    case AVRO_FLOAT:
        avro_value_set_float(value, (float)random_double());
        break;
    case AVRO_DOUBLE:
        avro_value_set_double(value, random_double());
        break;
    case AVRO_ENUM:
        avro_value_set_enum(value, (int)random_below(2));
        break;
    case AVRO_STRING:
    case AVRO_BYTES:
    case AVRO_FIXED:
        fill_bytes(value, type);
        break;
    default:
        fill_nested(value, type, depth);
    }
}

// ---- what the columns should be: the datum as Avro C reads it, by path ----

static void expect_leaf(struct weir_builder *builder, int field, const avro_value_t *value)
{
    avro_type_t type = avro_value_get_type(value);
    const char *text;
    const void *bytes;
    size_t size;
    int32_t i32;
    int64_t i64;
    float f32;
    double f64;
    int flag;
    if (type == AVRO_BOOLEAN && !avro_value_get_boolean(value, &flag))
        weir_builder_boolean(builder, field, flag);
    else if (type == AVRO_INT32 && !avro_value_get_int(value, &i32))
        weir_builder_long(builder, field, i32);
    else if (type == AVRO_INT64 && !avro_value_get_long(value, &i64))
        weir_builder_long(builder, field, i64);
    else if (type == AVRO_FLOAT && !avro_value_get_float(value, &f32))
        weir_builder_double(builder, field, (double)f32);
    else if (type == AVRO_DOUBLE && !avro_value_get_double(value, &f64))
        weir_builder_double(builder, field, f64);
    else if (type == AVRO_STRING && !avro_value_get_string(value, &text, &size))
        weir_builder_string(builder, field, text, size - 1, 0);
    else if (type == AVRO_BYTES && !avro_value_get_bytes(value, &bytes, &size))
        weir_builder_bytes(builder, field, bytes, size);
    else if (type == AVRO_FIXED && !avro_value_get_fixed(value, &bytes, &size))
        weir_builder_bytes(builder, field, bytes, size);
    else if (type == AVRO_ENUM && !avro_value_get_enum(value, &flag))
        weir_builder_string(builder, field, flag ? "B" : "A", 1, 1);
    else if (type == AVRO_ARRAY)
        weir_builder_fault(builder, field, WEIR_STATE_FAULT_ARRAY);
    else if (type == AVRO_MAP || type == AVRO_RECORD)
        weir_builder_fault(builder, field, WEIR_STATE_FAULT_OBJECT);
    else
        weir_builder_null(builder, field);
}

// Of plain values and unions of such: a key may hold dots, as nothing can be below it.
static int plain_values(avro_value_t *map)
{
    avro_schema_t values = avro_schema_map_values(avro_value_get_schema(map));
    size_t n = is_avro_union(values) ? avro_schema_union_size(values) : 1;
    for (size_t i = 0; i < n; i++) {
        avro_schema_t schema =
            is_avro_union(values) ? avro_schema_union_branch(values, (int)i) : values;
        if (is_avro_record(schema) || is_avro_array(schema) || is_avro_map(schema) ||
            is_avro_link(schema))
            return 0;
    }
    return 1;
}

static void expect(struct weir_builder *builder, const struct weir_field *fields, int field,
                   avro_value_t *value, const char *path, int in_list)
{
    avro_value_t child;
    avro_type_t type = avro_value_get_type(value);
    char name[64];
    size_t n = 0;
    if (type == AVRO_UNION) {
        avro_value_get_current_branch(value, &child);
        expect(builder, fields, field, &child, path, in_list);
    } else if (type == AVRO_NULL) {
        if (in_list == fields[field].is_list)
            weir_builder_null(builder, field);
    } else if (!*path) {
        expect_leaf(builder, field, value);
    } else if (path[0] == '[' && type == AVRO_ARRAY && !in_list) {
        avro_value_get_size(value, &n);
        for (size_t i = 0; i < n; i++) {
            avro_value_get_by_index(value, i, &child, NULL);
            expect(builder, fields, field, &child, path + 2, 1);
        }
    } else if (path[0] == '.' && (type == AVRO_ARRAY || type == AVRO_MAP) &&
               strcmp(path, ".length") == 0) {
        avro_value_get_size(value, &n);
        weir_builder_long(builder, field, (int64_t)n);
    } else if (path[0] != '[' && (type == AVRO_RECORD || (type == AVRO_MAP && !in_list))) {
        path += path[0] == '.';
        n = type == AVRO_MAP && plain_values(value) ? strlen(path) : strcspn(path, ".[");
        snprintf(name, sizeof name, "%.*s", (int)n, path);
        if (!avro_value_get_by_name(value, name, &child, NULL))
            expect(builder, fields, field, &child, path + n, in_list);
    }
}

// ---- one schema ----

struct subject {
    struct weir_schema_fields read;
    struct weir_field fields[512];
    char names[64][128]; // of map keys
    struct weir_stream stream;
    struct weir_builder_options options;
    struct weir_builder *expected, *found;
    struct weir_avro_schema *schema;
    struct weir_avro_plan *plan;
};

// Some of the schema's fields, some of them of another type than it says, and map keys.
static void choose_fields(struct subject *subject)
{
    size_t n = 0, n_names = 0;
    for (size_t i = 0; i < subject->read.n && n < 400; i++) {
        struct weir_field field = subject->read.fields[i];
        size_t length = strlen(field.name);
        if (length > 7 && n_names < 60 && strcmp(field.name + length - 7, ".length") == 0) {
            char *name = subject->names[n_names++];
            snprintf(name, 128, "%.*s.k%d%s", (int)length - 7 < 100 ? (int)length - 7 : 100,
                     field.name, (int)random_below(KEYS), random_below(3) ? "" : ".f0");
            subject->fields[n++] = (struct weir_field){.name = name, .type = WEIR_TYPE_DOUBLE};
        }
        if (random_below(4) == 0)
            continue;
        if (random_below(8) == 0)
            field.type = (enum weir_type)(1 + random_below(5));
        subject->fields[n++] = field;
    }
    subject->fields[n++] = (struct weir_field){.name = "nowhere", .type = WEIR_TYPE_LONG};
    subject->stream = (struct weir_stream){
        .name = "random", .fields = subject->fields, .n_fields = n, .key = -1, .time = -1};
    subject->options = (struct weir_builder_options){.stream = &subject->stream};
}

static void compare_columns(const struct weir_batch *a, const struct weir_batch *b, const char *why)
{
    ck_assert_uint_eq(a->n_rows, b->n_rows);
    for (size_t f = 0; f < a->stream->n_fields; f++) {
        const struct weir_column *x = &a->columns[f], *y = &b->columns[f];
        const char *name = a->stream->fields[f].name;
        ck_assert_msg(x->n == y->n, "%s: %u, %u elements: %s", name, x->n, y->n, why);
        for (uint32_t i = 0; i < x->n; i++) {
            ck_assert_msg(x->state[i] == y->state[i], "%s: state %d, %d: %s", name, x->state[i],
                          y->state[i], why);
            if (x->type != WEIR_TYPE_STRING && x->type != WEIR_TYPE_BYTES) {
                ck_assert_msg(x->values.i64[i] == y->values.i64[i], "%s: %lld, %lld: %s", name,
                              (long long)x->values.i64[i], (long long)y->values.i64[i], why);
            } else if (x->state[i] == WEIR_STATE_VALUE) {
                const struct weir_string *s = weir_column_string(x, x->values.code[i]);
                const struct weir_string *t = weir_column_string(y, y->values.code[i]);
                ck_assert_uint_eq(s->length, t->length);
                ck_assert_msg(memcmp(s->data, t->data, s->length) == 0, "%s: %s", name, why);
            }
        }
        for (uint32_t row = 0; x->offsets && row <= a->n_rows; row++)
            ck_assert_uint_eq(x->offsets[row], y->offsets[row]);
    }
}

static void check_datum(struct subject *subject, const uint8_t *datum, size_t length,
                        avro_value_t *value, const char *why)
{
    char reason[WEIR_AVRO_REASON];
    struct weir_span key = {0}, bytes = {datum, length};
    size_t used = 0;
    weir_builder_begin(subject->expected, "t", 0);
    weir_builder_row(subject->expected, 0, 0, key, bytes);
    for (size_t i = 0; i < subject->stream.n_fields; i++)
        expect(subject->expected, subject->fields, (int)i, value, subject->fields[i].name, 0);
    weir_builder_begin(subject->found, "t", 0);
    uint32_t row = weir_builder_row(subject->found, 0, 0, key, bytes);
    ck_assert_msg(!weir_avro_plan_run(subject->plan, row, datum, length, &used, reason), "%s: %s",
                  reason, why);
    ck_assert_uint_eq(used, length);
    compare_columns(weir_builder_finish(subject->expected), weir_builder_finish(subject->found),
                    why);
    size_t step = 1 + length / 50;
    for (size_t cut = 0; cut < length; cut += step) {
        uint8_t *copy = malloc(cut ? cut : 1); // exact, so that a sanitizer sees reads beyond it
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, datum, cut);
        weir_builder_begin(subject->found, "t", 0);
        bytes = (struct weir_span){copy, cut};
        row = weir_builder_row(subject->found, 0, 0, key, bytes);
        ck_assert_msg(weir_avro_plan_run(subject->plan, row, copy, cut, &used, reason) ==
                          WEIR_ECORRUPT,
                      "%zu of %zu bytes pass: %s", cut, length, why);
        weir_builder_undecodable(subject->found, reason);
        weir_builder_finish(subject->found);
        free(copy);
    }
}

static void prepare(struct subject *subject, const char *text)
{
    struct weir_error error = {0};
    int code = weir_schema_fields_read(text, &subject->read, &error);
    ck_assert_msg(!code, "%s: %s", error.message, text);
    choose_fields(subject);
    code = weir_avro_schema_parse(text, strlen(text), &subject->schema, &error);
    code = code || weir_builder_create(&subject->options, &subject->expected, &error);
    code = code || weir_builder_create(&subject->options, &subject->found, &error);
    code = code || weir_avro_plan_create(subject->schema, subject->found, &subject->options,
                                         &subject->plan, &error);
    ck_assert_msg(!code, "%s: %s", error.message, text);
}

static void check_schema(const char *text)
{
    static uint8_t datum[MAX_DATUM];
    static struct subject subject;
    avro_schema_t schema;
    memset(&subject, 0, sizeof subject);
    ck_assert_msg(!avro_schema_from_json_length(text, strlen(text), &schema), "%s", text);
    prepare(&subject, text);
    avro_value_iface_t *class = avro_generic_class_from_schema(schema);
    ck_assert_ptr_nonnull(class);
    for (int i = 0; i < DATA; i++) {
        avro_value_t written, value;
        avro_generic_value_new(class, &written);
        avro_generic_value_new(class, &value);
        fill(&written, 0);
        avro_writer_t writer = avro_writer_memory((char *)datum, sizeof datum);
        ck_assert_int_eq(avro_value_write(writer, &written), 0);
        size_t length = (size_t)avro_writer_tell(writer);
        avro_reader_t reader = avro_reader_memory((const char *)datum, (int64_t)length);
        ck_assert_msg(!avro_value_read(reader, &value), "%s", text);
        check_datum(&subject, datum, length, &value, text);
        avro_reader_free(reader);
        avro_writer_free(writer);
        avro_value_decref(&written);
        avro_value_decref(&value);
    }
    avro_value_iface_decref(class);
    avro_schema_decref(schema);
    weir_avro_plan_destroy(subject.plan);
    weir_avro_schema_free(subject.schema);
    weir_builder_destroy(subject.expected);
    weir_builder_destroy(subject.found);
    weir_schema_fields_free(&subject.read);
}

START_TEST(equals_avro_value_read)
{
    struct weir_buffer text;
    weir_buffer_init(&text, WEIR_BUFFER_MAXIMUM);
    seed = 0x9e3779b97f4a7c15u + (uint64_t)_i;
    for (int i = 0; i < SCHEMAS / 4; i++) {
        struct names names = {0};
        weir_buffer_reset(&text);
        put_record(&text, &names, 0);
        weir_buffer_byte(&text, 0);
        ck_assert(!text.failed);
        check_schema((const char *)text.data);
    }
    weir_buffer_free(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("avro_random");
    TCase *tests = tcase_create("random");
    tcase_add_loop_test(tests, equals_avro_value_read, 0, 4);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
