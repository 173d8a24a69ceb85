// SPDX-License-Identifier: Apache-2.0
#include "stats/text_forms.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    TOKENS = 16,
    FORMS = 6,
    DIFFERENT = 5,      // strings of a form
    TIMES = 20,         // that its only one came
    SURE = 20,          // strings in all
    SURE_TIMES = 150,   // that they came
    SURE_OF_WORDS = 300 // where words vary
};

enum kind { NUMBER = 1, LOWER, UPPER, CAPITALISED, MIXED, MARK };

struct token {
    enum kind kind;
    const char *text; // within the string
    size_t length;
    int many; // words with blanks between
};

struct form {
    struct token tokens[TOKENS]; // of its first string
    size_t n;
    int varies[TOKENS], many[TOKENS];
    size_t strings;
    uint64_t times;
};

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

// Every letter beyond ASCII is taken for a small one.
static int is_lower(char c)
{
    return (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80;
}

static enum kind kind_of_word(const char *text, size_t length)
{
    size_t upper = 0;
    for (size_t i = 0; i < length; i++)
        upper += is_upper(text[i]);
    if (upper == 0)
        return LOWER;
    if (upper == length)
        return UPPER;
    return upper == 1 && is_upper(text[0]) ? CAPITALISED : MIXED;
}

// The token at the start of `text`; its length is 0 where it is none.
static struct token next(const char *text, size_t left)
{
    struct token token = {.text = text};
    size_t n = 0;
    if (is_digit(text[0])) { // separators between digits belong to the number
        while (n < left && (is_digit(text[n]) || ((text[n] == '.' || text[n] == ',') &&
                                                  n + 1 < left && is_digit(text[n + 1]))))
            n++;
        token.kind = NUMBER;
    } else if (is_lower(text[0]) || is_upper(text[0])) {
        while (n < left && (is_lower(text[n]) || is_upper(text[n])))
            n++;
        token.kind = kind_of_word(text, n);
    } else if (text[0] >= ' ' && text[0] <= '~') {
        n = 1;
        token.kind = MARK;
    }
    token.length = n;
    return token;
}

static int is_word(const struct token *token)
{
    return token->kind >= LOWER && token->kind <= MIXED;
}

// Words of a kind with single blanks between are one token.
static int read_form(const struct weir_string *string, struct form *form)
{
    size_t at = 0;
    form->n = 0;
    while (at < string->length) {
        struct token token = next(string->data + at, string->length - at);
        if (!token.length)
            return 0;
        at += token.length;
        struct token *before = form->n > 1 ? &form->tokens[form->n - 2] : NULL;
        const struct token *blank = form->n ? &form->tokens[form->n - 1] : NULL;
        if (before && is_word(&token) && before->kind == token.kind && *blank->text == ' ') {
            before->length = (size_t)(token.text + token.length - before->text);
            before->many = 1;
            form->n--;
            continue;
        }
        if (form->n == TOKENS)
            return 0;
        form->tokens[form->n++] = token;
    }
    return form->n > 0;
}

static int is_same_text(const struct token *a, const struct token *b)
{
    return a->length == b->length && !memcmp(a->text, b->text, a->length);
}

static int is_same_form(const struct form *a, const struct form *b)
{
    if (a->n != b->n)
        return 0;
    for (size_t i = 0; i < a->n; i++) {
        if (a->tokens[i].kind != b->tokens[i].kind ||
            (a->tokens[i].kind == MARK && *a->tokens[i].text != *b->tokens[i].text))
            return 0;
    }
    return 1;
}

// Adds a string to its form, or makes one; 0 where there are too many.
static int add(struct form *forms, size_t *n, struct form *one, uint64_t times)
{
    size_t f = 0;
    while (f < *n && !is_same_form(&forms[f], one))
        f++;
    if (f == FORMS)
        return 0;
    if (f == *n) {
        forms[f] = *one;
        forms[f].strings = 0;
        forms[f].times = 0;
        memset(forms[f].varies, 0, sizeof forms[f].varies);
        memset(forms[f].many, 0, sizeof forms[f].many);
        ++*n;
    }
    for (size_t i = 0; i < one->n; i++) {
        forms[f].varies[i] |= !is_same_text(&forms[f].tokens[i], &one->tokens[i]);
        forms[f].many[i] |= one->tokens[i].many;
    }
    forms[f].strings++;
    forms[f].times += times;
    return 1;
}

// Whether a form is well attested; *words: words in it vary.
static int is_sure(const struct form *form, int *words)
{
    int structured = 0;
    if (form->strings == 1)
        return form->times >= TIMES;
    for (size_t i = 0; i < form->n; i++) {
        structured |= form->tokens[i].kind == NUMBER ||
                      (form->tokens[i].kind == MARK && *form->tokens[i].text != ' ');
        *words |= is_word(&form->tokens[i]) && form->varies[i];
    }
    return structured && form->strings >= DIFFERENT;
}

// ---- the pattern

struct pattern {
    char *out;
    size_t size, length;
};

__attribute__((format(printf, 2, 3))) static void put(struct pattern *pattern, const char *format,
                                                      ...)
{
    va_list arguments;
    if (pattern->length >= pattern->size)
        return;
    va_start(arguments, format);
    pattern->length += (size_t)vsnprintf(pattern->out + pattern->length,
                                         pattern->size - pattern->length, format, arguments);
    va_end(arguments);
}

static void put_literal(struct pattern *pattern, const struct token *token)
{
    for (size_t i = 0; i < token->length; i++) {
        char c = token->text[i];
        put(pattern, "%s%c", strchr("\\^$.[]|()?*+{}", c) ? "\\" : "", c);
    }
}

static void put_token(struct pattern *pattern, const struct form *form, size_t i)
{
    static const char *const letters[] = {[LOWER] = "[a-z\\x{80}-\\x{10ffff}]+",
                                          [UPPER] = "[A-Z]+",
                                          [CAPITALISED] = "[A-Z][a-z\\x{80}-\\x{10ffff}]+",
                                          [MIXED] = "[A-Za-z\\x{80}-\\x{10ffff}]+"};
    const struct token *token = &form->tokens[i];
    if (token->kind == NUMBER) {
        put(pattern, "[0-9][0-9.,]*");
    } else if (token->kind == MARK || !form->varies[i]) {
        put_literal(pattern, token);
    } else {
        put(pattern, "%s", letters[token->kind]);
        if (form->many[i])
            put(pattern, "(?: %s)*", letters[token->kind]);
    }
}

static int write_pattern(const struct form *forms, size_t n, char *out, size_t size)
{
    struct pattern pattern = {out, size, 0};
    put(&pattern, "^(?:");
    for (size_t f = 0; f < n; f++) {
        put(&pattern, "%s", f ? "|" : "");
        for (size_t i = 0; i < forms[f].n; i++) {
            if (forms[f].strings == 1)
                put_literal(&pattern, &forms[f].tokens[i]);
            else
                put_token(&pattern, &forms[f], i);
        }
    }
    put(&pattern, ")$");
    return pattern.length < size;
}

int weir_text_forms_pattern(const struct weir_category *strings, size_t n, char *out, size_t size)
{
    struct form forms[FORMS], one;
    size_t n_forms = 0, several = 0, kept = 0;
    uint64_t times = 0;
    int words = 0;
    for (size_t i = 0; i < n; i++) {
        if (!strings[i].count) // a dictionary may hold what no record has
            continue;
        kept++;
        times += strings[i].count;
        if (!read_form(&strings[i].string, &one) || !add(forms, &n_forms, &one, strings[i].count))
            return 0;
    }
    for (size_t f = 0; f < n_forms; f++) {
        if (!is_sure(&forms[f], &words))
            return 0;
        several += forms[f].strings > 1;
    }
    if (!several || kept < (size_t)(words ? SURE_OF_WORDS : SURE) || times < SURE_TIMES)
        return 0;
    return write_pattern(forms, n_forms, out, size);
}
