// SPDX-License-Identifier: Apache-2.0
#include "consumer/source/guess.h"

#include <stdlib.h>

#include "consumer/codec/csv.h"
#include "consumer/codec/json_index.h"
#include "consumer/codec/json_text.h"
#include "consumer/codec/number.h"

enum { FIELDS = 2000, DEPTH = 32, PATH = 1024 };

struct seen {
    char *path;
    size_t length;
    int is_list;
    uint64_t row, rows; // the last row that had it, and how many had
    uint64_t kinds[WEIR_GUESS_KINDS];
};

struct weir_guess {
    struct seen *seen;
    size_t n, capacity;
    size_t next; // where the next path is expected
    uint64_t rows;
    struct weir_field *fields;
    enum weir_time_unit *units;
};

struct weir_guess *weir_guess_create(void)
{
    return calloc(1, sizeof(struct weir_guess));
}

void weir_guess_destroy(struct weir_guess *guess)
{
    if (!guess)
        return;
    for (size_t i = 0; i < guess->n; i++)
        free(guess->seen[i].path);
    free(guess->seen);
    free(guess->fields);
    free(guess->units);
    free(guess);
}

void weir_guess_row(struct weir_guess *guess)
{
    guess->rows++;
    guess->next = 0;
}

static struct seen *add(struct weir_guess *guess, const char *path, size_t length, int is_list)
{
    if (guess->n == FIELDS)
        return NULL;
    if (guess->n == guess->capacity) {
        size_t capacity = guess->capacity ? guess->capacity * 2 : 32;
        struct seen *grown = realloc(guess->seen, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        guess->seen = grown;
        guess->capacity = capacity;
    }
    char *copy = strndup(path, length);
    if (!copy)
        return NULL;
    guess->seen[guess->n] = (struct seen){.path = copy, .length = length, .is_list = is_list};
    return &guess->seen[guess->n++];
}

static struct seen *find(struct weir_guess *guess, const char *path, size_t length, int is_list)
{
    for (size_t i = 0; i < guess->n; i++) {
        size_t at = (guess->next + i) % guess->n;
        struct seen *seen = &guess->seen[at];
        if (seen->length == length && memcmp(seen->path, path, length) == 0) {
            guess->next = at + 1;
            return seen;
        }
    }
    return add(guess, path, length, is_list);
}

void weir_guess_see(struct weir_guess *guess, const char *path, size_t length, int is_list,
                    enum weir_guess_kind kind)
{
    // A name with a NUL cannot be that of a field.
    if (memchr(path, 0, length))
        return;
    struct seen *seen = find(guess, path, length, is_list);
    if (!seen)
        return;
    seen->kinds[kind]++;
    if (seen->row != guess->rows)
        seen->rows++;
    seen->row = guess->rows;
}

enum weir_guess_kind weir_guess_cell(const char *text, size_t length, int quoted)
{
    struct weir_number number;
    double value;
    if (!length)
        return quoted ? WEIR_GUESS_STRING : WEIR_GUESS_NULL;
    // Codes like 007 are no numbers, nor are telephone numbers like +14155550100.
    if ((length > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') ||
        (length > 8 && text[0] == '+' && !memchr(text, '.', length)))
        return WEIR_GUESS_STRING;
    switch (weir_number_parse(text, length, 0, &number)) {
    case WEIR_NUMBER_INTEGER:
        return WEIR_GUESS_LONG;
    case WEIR_NUMBER_NONE:
        break;
    default:
        return WEIR_GUESS_DOUBLE;
    }
    switch (weir_csv_word(text, length, &value)) {
    case WEIR_CSV_NUMBER:
        return WEIR_GUESS_DOUBLE;
    case WEIR_CSV_OTHER:
        return WEIR_GUESS_STRING;
    default:
        return WEIR_GUESS_BOOLEAN;
    }
}

// A JSON record being looked at.
struct look {
    struct weir_guess *guess;
    const char *text;
    const uint32_t *at, *end;
    char path[PATH];
};

static char peek(const struct look *look)
{
    return look->at < look->end ? look->text[*look->at] : 0;
}

static enum weir_guess_kind scalar(const char *text, size_t length)
{
    struct weir_number number;
    switch (text[0]) {
    case '"':
        return WEIR_GUESS_STRING;
    case 't':
    case 'f':
        return WEIR_GUESS_BOOLEAN;
    case 'n':
        return WEIR_GUESS_NULL;
    default:
        return weir_number_parse(text, length, 1, &number) == WEIR_NUMBER_INTEGER
                   ? WEIR_GUESS_LONG
                   : WEIR_GUESS_DOUBLE;
    }
}

static size_t token_length(const struct look *look)
{
    const char *from = look->text + look->at[0], *to = look->text + look->at[1];
    while (to > from && strchr(" \t\r\n", to[-1]))
        to--;
    return (size_t)(to - from);
}

// Any of these returns -1 where the record is not JSON, or too deep: the decoder will say so.
static int look_value(struct look *look, size_t path, int is_list, int depth);

static int look_array(struct look *look, size_t path, int depth)
{
    look->at++;
    if (path + 7 < PATH) {
        memcpy(look->path + path, ".length", 7);
        weir_guess_see(look->guess, look->path, path + 7, 0, WEIR_GUESS_LONG);
        memcpy(look->path + path, "[]", 2);
        path += 2;
    }
    while (peek(look) != ']') {
        if (look_value(look, path, 1, depth + 1))
            return -1;
        if (peek(look) == ',')
            look->at++;
        else if (peek(look) != ']')
            return -1;
    }
    look->at++;
    return 0;
}

static int look_object(struct look *look, size_t path, int is_list, int depth)
{
    look->at++;
    while (peek(look) != '}') {
        size_t length = token_length(look), at = path, written = 0;
        const char *key = look->text + *look->at;
        if (peek(look) != '"' || length < 2 || path + length + 16 > PATH)
            return -1;
        if (at)
            look->path[at++] = '.';
        if (weir_json_unescape(key + 1, length - 2, look->path + at, &written))
            return -1;
        look->at++;
        if (peek(look) != ':')
            return -1;
        look->at++;
        if (look_value(look, at + written, is_list, depth + 1))
            return -1;
        if (peek(look) == ',')
            look->at++;
        else if (peek(look) != '}')
            return -1;
    }
    look->at++;
    return 0;
}

static int look_value(struct look *look, size_t path, int is_list, int depth)
{
    if (depth == DEPTH || look->at >= look->end)
        return -1;
    char c = peek(look);
    if (c == '{')
        return look_object(look, path, is_list, depth);
    if (c == '[')
        return look_array(look, path, depth);
    if (c == ',' || c == ':' || c == ']' || c == '}')
        return -1;
    weir_guess_see(look->guess, look->path, path, is_list,
                   scalar(look->text + *look->at, token_length(look)));
    look->at++;
    return 0;
}

void weir_guess_json(struct weir_guess *guess, struct weir_json_index *index, const char *text,
                     size_t length)
{
    struct look look = {.guess = guess};
    uint32_t n;
    char *padded = calloc(1, length + WEIR_JSON_PADDING);
    if (!padded)
        return;
    if (length)
        memcpy(padded, text, length);
    look.text = padded;
    if (length && !weir_json_index_run(index, padded, length, &look.at, &n)) {
        look.end = look.at + n;
        if (peek(&look) == '{') {
            weir_guess_row(guess);
            look_object(&look, 0, 0, 0);
        }
    }
    free(padded);
}

static enum weir_type type_of(const struct seen *seen)
{
    uint64_t boolean = seen->kinds[WEIR_GUESS_BOOLEAN], string = seen->kinds[WEIR_GUESS_STRING],
             number = seen->kinds[WEIR_GUESS_LONG] + seen->kinds[WEIR_GUESS_DOUBLE],
             all = boolean + string + number;
    if (all && number * 10 >= all * 9)
        return seen->kinds[WEIR_GUESS_DOUBLE] ? WEIR_TYPE_DOUBLE : WEIR_TYPE_LONG;
    return all && boolean * 10 >= all * 9 ? WEIR_TYPE_BOOLEAN : WEIR_TYPE_STRING;
}

int weir_guess_fields(struct weir_guess *guess, struct weir_schema_fields *out)
{
    size_t n = guess->n ? guess->n : 1;
    struct weir_field *fields = calloc(n, sizeof *fields);
    enum weir_time_unit *units = calloc(n, sizeof *units);
    if (!fields || !units) {
        free(fields);
        free(units);
        return WEIR_ENOMEM;
    }
    free(guess->fields);
    free(guess->units);
    guess->fields = fields;
    guess->units = units;
    for (size_t i = 0; i < guess->n; i++) {
        const struct seen *seen = &guess->seen[i];
        fields[i] = (struct weir_field){
            .name = seen->path,
            .type = type_of(seen),
            .is_list = seen->is_list,
            .nullable = seen->kinds[WEIR_GUESS_NULL] != 0,
            .optional = seen->rows < guess->rows,
        };
    }
    *out = (struct weir_schema_fields){fields, units, guess->n, NULL};
    return 0;
}
