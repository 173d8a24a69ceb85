// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/json.h"

#include <math.h>
#include <stdlib.h>

#include "consumer/codec/dictionary.h"
#include "consumer/codec/json_index.h"
#include "consumer/codec/json_text.h"
#include "consumer/codec/json_tree.h"
#include "consumer/codec/number.h"

enum { DEPTH = 1000, KEPT_TEXT = 1 << 20 };

struct weir_json_decoder {
    struct weir_builder *builder;
    struct weir_builder_column *columns;
    struct weir_json_node *root;
    struct weir_json_index *index;
    int report_unknown;
    // The record: a copy, because the index needs readable bytes beyond its end. Strings are
    // handed on from where they came, which lives as long as the batch.
    char *text;
    size_t capacity;
    const char *origin;
    uint32_t row;
    const uint32_t *at, *end; // token positions; *end is the length
    uint64_t object;          // counts objects
    unsigned arrays;          // within how many arrays
    char *scratch;            // unescaped strings
    size_t scratch_capacity;
    char *name; // path of an unknown field
    size_t name_capacity;
    const char *reason; // why the record does not decode
};

struct token {
    const char *text;
    size_t length;
};

void weir_json_decoder_destroy(struct weir_json_decoder *json)
{
    if (!json)
        return;
    weir_json_tree_free(json->root);
    weir_json_index_destroy(json->index);
    free(json->text);
    free(json->scratch);
    free(json->name);
    free(json);
}

int weir_json_decoder_create(const struct weir_builder_options *options,
                             struct weir_builder *builder, struct weir_json_decoder **decoder,
                             struct weir_error *error)
{
    struct weir_json_decoder *json = calloc(1, sizeof *json);
    if (!json)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for a JSON decoder");
    int code = weir_json_tree_build(options->stream, &json->root, error);
    if (!code && !(json->index = weir_json_index_create()))
        code = weir_error_set(error, WEIR_ENOMEM, "no memory for a JSON decoder");
    if (code) {
        weir_json_decoder_destroy(json);
        return code;
    }
    json->builder = builder;
    json->columns = options->stream->n_fields ? weir_builder_column(builder, 0) : NULL;
    json->report_unknown = options->report_unknown;
    *decoder = json;
    return 0;
}

static int fail(struct weir_json_decoder *json, const char *reason)
{
    json->reason = reason;
    return -1;
}

// Not past the end: there the byte is 0, which is no token of JSON.
static inline char peek(const struct weir_json_decoder *json)
{
    return json->text[*json->at];
}

static inline int is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

// The token at the cursor, which moves on. Between a token and the next there is white space.
static inline struct token take(struct weir_json_decoder *json)
{
    const char *from = json->text + json->at[0], *to = json->text + json->at[1];
    while (is_space(to[-1]))
        to--;
    json->at++;
    return (struct token){from, (size_t)(to - from)};
}

// What is between the quotes; 0, or -1 where it is no string.
static inline int take_string(struct weir_json_decoder *json, struct token *string)
{
    struct token token = take(json);
    if (token.length < 2 || token.text[token.length - 1] != '"')
        return fail(json, "a string does not end");
    *string = (struct token){token.text + 1, token.length - 2};
    return 0;
}

static inline int is_escaped(const struct token *string)
{
    return string->length && memchr(string->text, '\\', string->length) != NULL;
}

static int room(char **buffer, size_t *capacity, size_t needed)
{
    if (needed <= *capacity)
        return 0;
    char *grown = realloc(*buffer, needed + needed / 2);
    if (!grown)
        return -1;
    *buffer = grown;
    *capacity = needed + needed / 2;
    return 0;
}

// The string unescaped into the scratch; `*half`: it had half a surrogate pair.
static int unescape(struct weir_json_decoder *json, struct token *string, int *half)
{
    size_t written = 0;
    if (room(&json->scratch, &json->scratch_capacity, string->length))
        return fail(json, "memory is out");
    enum weir_json_text result =
        weir_json_unescape(string->text, string->length, json->scratch, &written);
    if (result == WEIR_JSON_TEXT_BAD)
        return fail(json, "an escape that JSON does not have");
    *half = result == WEIR_JSON_TEXT_SURROGATE;
    *string = (struct token){json->scratch, written};
    return 0;
}

static int same(const struct token *token, const char *text, size_t length)
{
    return token->length == length && weir_bytes_equal(token->text, text, length);
}

// A scalar that is no string, as what it is.
enum literal { TRUE, FALSE, NULL_LITERAL, NUMBER, SPECIAL, NONE };

static enum literal literal(const struct token *token, enum weir_number_kind *kind,
                            struct weir_number *number)
{
    switch (token->text[0]) {
    case 't':
        return same(token, "true", 4) ? TRUE : NONE;
    case 'f':
        return same(token, "false", 5) ? FALSE : NONE;
    case 'n':
        return same(token, "null", 4) ? NULL_LITERAL : NONE;
    case 'N':
        number->real = NAN;
        return same(token, "NaN", 3) ? SPECIAL : NONE;
    case 'I':
        number->real = INFINITY;
        return same(token, "Infinity", 8) ? SPECIAL : NONE;
    default:
        *kind = weir_number_parse(token->text, token->length, 1, number);
        if (*kind != WEIR_NUMBER_NONE)
            return NUMBER;
        number->real = -INFINITY;
        return same(token, "-Infinity", 9) ? SPECIAL : NONE;
    }
}

static const char NOT_A_VALUE[] = "not a value of JSON";

// Checks and passes over one scalar.
static int skip_scalar(struct weir_json_decoder *json)
{
    struct token token;
    struct weir_number number;
    enum weir_number_kind kind;
    if (peek(json) == '"') {
        if (take_string(json, &token))
            return -1;
        if (is_escaped(&token) &&
            weir_json_unescape(token.text, token.length, NULL, NULL) == WEIR_JSON_TEXT_BAD)
            return fail(json, "an escape that JSON does not have");
        return 0;
    }
    if (json->at >= json->end)
        return fail(json, "it ends too early");
    token = take(json);
    return literal(&token, &kind, &number) == NONE ? fail(json, NOT_A_VALUE) : 0;
}

static int take_colon(struct weir_json_decoder *json)
{
    if (peek(json) != ':')
        return fail(json, "no colon after a key");
    json->at++;
    return 0;
}

// Passes over a key and its colon.
static int skip_key(struct weir_json_decoder *json)
{
    if (peek(json) != '"')
        return fail(json, "no key where one is wanted");
    return skip_scalar(json) ? -1 : take_colon(json);
}

// Checks and passes over one value, without recursion.
static int skip_value(struct weir_json_decoder *json)
{
    char closing[DEPTH];
    unsigned depth = 0;
    for (;;) {
        char c = peek(json);
        if (c == '{' || c == '[') {
            if (depth == DEPTH)
                return fail(json, "nested too deep");
            closing[depth++] = c == '{' ? '}' : ']';
            json->at++;
            if (peek(json) != closing[depth - 1]) {
                if (c == '{' && skip_key(json))
                    return -1;
                continue;
            }
        } else if (skip_scalar(json)) {
            return -1;
        }
        // After a value: what closes, and then a comma or the end.
        while (depth && peek(json) == closing[depth - 1]) {
            json->at++;
            depth--;
        }
        if (!depth)
            return 0;
        if (peek(json) != ',')
            return fail(json, "no comma or bracket after a value");
        json->at++;
        if (closing[depth - 1] == '}' && skip_key(json))
            return -1;
    }
}

// Sets every field below `node`, and itself, to a null or a fault.
static void scatter(struct weir_json_decoder *json, const struct weir_json_node *node,
                    enum weir_state state)
{
    int list = node->field >= 0 && json->columns[node->field].is_list;
    // A list that is null has no elements; one that is something else shows it in one.
    if (node->field >= 0 && !(list && state == WEIR_STATE_NULL && !json->arrays))
        weir_builder_fault(json->builder, node->field, state);
    if (node->length >= 0)
        weir_builder_fault(json->builder, node->length, state);
    for (size_t i = 0; i < node->n_children; i++)
        scatter(json, &node->children[i], state);
    if (node->element)
        scatter(json, node->element, state);
}

// Undoes what an equal key before has set.
static void clear(struct weir_json_decoder *json, const struct weir_json_node *node)
{
    // Within an array the elements of those before would go, too.
    if (node->field >= 0 && !(json->arrays && json->columns[node->field].is_list))
        weir_builder_clear(json->builder, node->field);
    if (node->length >= 0)
        weir_builder_clear(json->builder, node->length);
    for (size_t i = 0; i < node->n_children; i++)
        clear(json, &node->children[i]);
    if (node->element)
        clear(json, node->element);
}

static int set_string(struct weir_json_decoder *json, const struct weir_json_node *node)
{
    struct token string;
    int half = 0;
    if (take_string(json, &string))
        return -1;
    const char *data = json->origin + (string.text - json->text);
    if (is_escaped(&string)) {
        if (unescape(json, &string, &half))
            return -1;
        data = string.text;
    }
    if (node->nested)
        scatter(json, node, WEIR_STATE_FAULT_STRING);
    if (node->field < 0)
        return 0;
    if (half)
        weir_builder_fault(json->builder, node->field, WEIR_STATE_FAULT_UTF8);
    else
        weir_builder_string(json->builder, node->field, data, string.length, 1);
    return 0;
}

static void set_number(struct weir_json_decoder *json, int field, enum weir_number_kind kind,
                       const struct weir_number *number)
{
    const struct weir_builder_column *column = &json->columns[field];
    if (column->type == WEIR_TYPE_DOUBLE) {
        if (kind == WEIR_NUMBER_OVERFLOW) {
            weir_builder_fault(json->builder, field, WEIR_STATE_FAULT_OVERFLOW);
        } else if (column->is_list) {
            weir_builder_double(json->builder, field, number->real);
        } else {
            column->state[json->row] = WEIR_STATE_VALUE;
            column->values.f64[json->row] = number->real;
        }
    } else if (kind == WEIR_NUMBER_INTEGER) {
        weir_builder_long(json->builder, field, number->integer);
    } else if (column->type == WEIR_TYPE_LONG && kind != WEIR_NUMBER_REAL) {
        weir_builder_fault(json->builder, field, WEIR_STATE_FAULT_OVERFLOW);
    } else {
        weir_builder_double(json->builder, field, number->real);
    }
}

static int set_literal(struct weir_json_decoder *json, const struct weir_json_node *node)
{
    struct weir_number number;
    enum weir_number_kind kind = WEIR_NUMBER_REAL;
    if (json->at >= json->end)
        return fail(json, "it ends too early");
    struct token token = take(json);
    enum literal what = literal(&token, &kind, &number);
    if (what == NONE)
        return fail(json, NOT_A_VALUE);
    if (node->nested)
        scatter(json, node,
                what == NULL_LITERAL            ? WEIR_STATE_NULL
                : what == TRUE || what == FALSE ? WEIR_STATE_FAULT_BOOLEAN
                                                : WEIR_STATE_FAULT_NUMBER);
    if (node->field < 0)
        return 0;
    if (what == NULL_LITERAL)
        weir_builder_null(json->builder, node->field);
    else if (what == TRUE || what == FALSE)
        weir_builder_boolean(json->builder, node->field, what == TRUE);
    else if (what == SPECIAL)
        weir_builder_double(json->builder, node->field, number.real);
    else
        set_number(json, node->field, kind, &number);
    return 0;
}

static int set_value(struct weir_json_decoder *json, struct weir_json_node *node);

static int set_array(struct weir_json_decoder *json, struct weir_json_node *node)
{
    int64_t n = 0;
    if (node->field >= 0)
        weir_builder_fault(json->builder, node->field, WEIR_STATE_FAULT_ARRAY);
    for (size_t i = 0; i < node->n_children; i++)
        scatter(json, &node->children[i], WEIR_STATE_FAULT_ARRAY);
    if (!node->element && node->length < 0)
        return skip_value(json);
    json->at++;
    json->arrays++;
    for (char c = peek(json) == ']' ? ']' : ','; c != ']'; n++) {
        if (node->element ? set_value(json, node->element) : skip_value(json))
            return -1;
        c = peek(json);
        if (c == ',')
            json->at++;
        else if (c != ']')
            return fail(json, "no comma or bracket after an element");
    }
    json->at++;
    json->arrays--;
    if (node->length >= 0)
        weir_builder_long(json->builder, node->length, n);
    return 0;
}

static void report_unknown(struct weir_json_decoder *json, const struct weir_json_node *node,
                           const char *key, size_t length)
{
    size_t prefix = strlen(node->path);
    if (room(&json->name, &json->name_capacity, prefix + 1 + length)) {
        weir_builder_unknown(json->builder, NULL, SIZE_MAX); // counted, as one too long to keep
        return;
    }
    memcpy(json->name, node->path, prefix);
    if (prefix)
        json->name[prefix++] = '.';
    memcpy(json->name + prefix, key, length);
    weir_builder_unknown(json->builder, json->name, prefix + length);
}

// The field of a key; NULL where none is asked for. `place`: its number in the object.
static int find_child(struct weir_json_decoder *json, const struct weir_json_node *node,
                      size_t place, struct weir_json_node **found)
{
    struct token key;
    int half;
    if (take_string(json, &key))
        return -1;
    struct weir_json_node *guess = place < node->n_order ? node->order[place] : NULL;
    if (guess && same(&key, guess->name, guess->name_length)) {
        *found = guess;
        return 0;
    }
    if (is_escaped(&key) && unescape(json, &key, &half))
        return -1;
    *found = weir_json_tree_find(node, key.text, key.length);
    if (place < node->n_order)
        node->order[place] = *found;
    if (!*found && json->report_unknown)
        report_unknown(json, node, key.text, key.length);
    return 0;
}

static int set_object(struct weir_json_decoder *json, const struct weir_json_node *node)
{
    uint64_t object = ++json->object;
    json->at++;
    if (peek(json) == '}') {
        json->at++;
        return 0;
    }
    for (size_t place = 0;; place++) {
        struct weir_json_node *child = NULL;
        if (peek(json) != '"')
            return fail(json, "no key where one is wanted");
        if (find_child(json, node, place, &child) || take_colon(json))
            return -1;
        if (child && child->nested) {
            if (child->seen == object)
                clear(json, child);
            child->seen = object;
        }
        if (child ? set_value(json, child) : skip_value(json))
            return -1;
        char c = peek(json);
        if (c != ',' && c != '}')
            return fail(json, "no comma or bracket after a value");
        json->at++;
        if (c == '}')
            return 0;
    }
}

static int set_value(struct weir_json_decoder *json, struct weir_json_node *node)
{
    switch (peek(json)) {
    case '"':
        return set_string(json, node);
    case '[':
        return set_array(json, node);
    case '{':
        if (node->field >= 0)
            weir_builder_fault(json->builder, node->field, WEIR_STATE_FAULT_OBJECT);
        if (node->length >= 0)
            weir_builder_fault(json->builder, node->length, WEIR_STATE_FAULT_OBJECT);
        if (node->element)
            scatter(json, node->element, WEIR_STATE_FAULT_OBJECT);
        return node->n_children ? set_object(json, node) : skip_value(json);
    default:
        return set_literal(json, node);
    }
}

// Copies the record with padding and finds its tokens.
static int prepare(struct weir_json_decoder *json, struct weir_span value)
{
    const char *text = (const char *)value.data;
    size_t length = value.length;
    uint32_t n;
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        length -= 3;
    }
    if (!length)
        return fail(json, "empty");
    // A buffer that one huge record needed is not kept.
    if (json->capacity > KEPT_TEXT && length < KEPT_TEXT / 2) {
        free(json->text);
        json->text = NULL;
        json->capacity = 0;
    }
    if (room(&json->text, &json->capacity, length + WEIR_JSON_PADDING))
        return fail(json, "memory is out");
    memcpy(json->text, text, length);
    memset(json->text + length, 0, WEIR_JSON_PADDING);
    json->origin = text;
    const char *wrong = weir_json_index_run(json->index, json->text, length, &json->at, &n);
    if (wrong)
        return fail(json, wrong);
    json->end = json->at + n;
    return 0;
}

static int decode(struct weir_json_decoder *json, struct weir_span value)
{
    static const struct weir_json_node nothing = {.field = -1, .length = -1};
    if (prepare(json, value))
        return -1;
    if (peek(json) != '{') {
        struct weir_json_node other = nothing;
        return set_value(json, &other) ? -1 : fail(json, "the top level is not an object");
    }
    json->arrays = 0;
    if (set_object(json, json->root))
        return -1;
    return json->at == json->end ? 0 : fail(json, "something follows the object");
}

void weir_json_decoder_add(struct weir_json_decoder *json, const struct weir_record *record)
{
    char text[128];
    json->row = weir_builder_row(json->builder, record->offset, record->timestamp, record->key,
                                 record->value);
    if (!record->value.data) {
        weir_builder_tombstone(json->builder);
        return;
    }
    json->at = json->end = NULL;
    if (decode(json, record->value) == 0)
        return;
    if (json->at && json->end)
        snprintf(text, sizeof text, "JSON: %s, at byte %u", json->reason,
                 *(json->at < json->end ? json->at : json->end));
    else
        snprintf(text, sizeof text, "JSON: %s", json->reason);
    weir_builder_undecodable(json->builder, text);
}
