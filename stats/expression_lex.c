// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "stats/expression_inside.h"

int expression_fault(struct weir_expression_fault *fault, size_t at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(fault->message, sizeof fault->message, format, args);
    va_end(args);
    fault->offset = at;
    return -1;
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// Bytes of UTF-8 beyond ASCII are letters.
static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
           (unsigned char)c >= 0x80;
}

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static enum token_kind keyword(const char *text, size_t length)
{
    static const struct {
        const char *word;
        enum token_kind kind;
    } words[] = {{"and", TOKEN_AND},     {"or", TOKEN_OR},           {"not", TOKEN_NOT},
                 {"in", TOKEN_IN},       {"between", TOKEN_BETWEEN}, {"is", TOKEN_IS},
                 {"null", TOKEN_NULL},   {"missing", TOKEN_MISSING}, {"true", TOKEN_TRUE},
                 {"false", TOKEN_FALSE}, {"implies", TOKEN_IMPLIES}, {"when", TOKEN_WHEN}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i].word) == length && !strncasecmp(words[i].word, text, length))
            return words[i].kind;
    }
    return TOKEN_NAME;
}

// device.os, tags[].price, tags.length
static size_t name_length(const char *text, size_t left)
{
    size_t n = 0;
    while (n < left) {
        if (is_letter(text[n]) || is_digit(text[n]))
            n++;
        else if (text[n] == '.' && n + 1 < left &&
                 (is_letter(text[n + 1]) || is_digit(text[n + 1])))
            n++;
        else if (text[n] == '[' && n + 1 < left && text[n + 1] == ']')
            n += 2;
        else
            break;
    }
    return n;
}

static size_t digits(const char *text, size_t left)
{
    size_t n = 0;
    while (n < left && is_digit(text[n]))
        n++;
    return n;
}

// 90m, 1h30m: whole milliseconds. The text is at the unit of the first number.
static int lex_duration(const char *text, size_t length, size_t at, double first,
                        struct token *token, struct weir_expression_fault *fault)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"ms", 1},     {"s", 1e3},     {"m", 60e3},
                 {"h", 3600e3}, {"d", 86400e3}, {"w", 7 * 86400e3}};
    double sum = 0, value = first;
    for (;;) {
        size_t n = 0, unit = 0;
        while (at + n < length && is_letter(text[at + n]))
            n++;
        while (unit < 6 &&
               (strlen(units[unit].name) != n || strncmp(units[unit].name, text + at, n)))
            unit++;
        if (unit == 6)
            return expression_fault(
                fault, token->at,
                "'%.*s' is neither a number nor a duration (500ms, 30s, 5m, 1h, "
                "7d, 4w)",
                (int)(at + n - token->at < 40 ? at + n - token->at : 40), text + token->at);
        sum += value * units[unit].ms;
        at += n;
        n = digits(text + at, length - at);
        if (!n)
            break;
        for (value = 0; n--; at++)
            value = value * 10 + (text[at] - '0');
    }
    if (!(sum < 9e15) || sum != (double)(int64_t)sum)
        return expression_fault(fault, token->at, "a duration is a whole number of milliseconds");
    token->kind = TOKEN_INTEGER;
    token->integer = (int64_t)sum;
    token->length = (uint32_t)(at - token->at);
    return 0;
}

static int lex_number(const char *text, size_t length, struct token *token,
                      struct weir_expression_fault *fault)
{
    size_t at = token->at, n = digits(text + at, length - at);
    char copy[64];
    int whole = 1;
    at += n;
    if (at + 1 < length && text[at] == '.' && is_digit(text[at + 1])) {
        whole = 0;
        at++;
        at += digits(text + at, length - at);
    } else if (at < length && text[at] == '.') {
        return expression_fault(fault, at, "a digit is missing behind the point");
    }
    size_t before_exponent = at;
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        size_t sign = at + 1 < length && (text[at + 1] == '+' || text[at + 1] == '-');
        size_t exponent = digits(text + at + 1 + sign, length - at - 1 - sign);
        if (exponent) {
            whole = 0;
            at += 1 + sign + exponent;
        }
    }
    if (at - token->at >= sizeof copy)
        return expression_fault(fault, token->at, "the number has too many digits");
    memcpy(copy, text + token->at, at - token->at);
    copy[at - token->at] = 0;
    if (at == before_exponent && at < length && is_letter(text[at]))
        return lex_duration(text, length, at, strtod(copy, NULL), token, fault);
    errno = 0;
    token->kind = whole ? TOKEN_INTEGER : TOKEN_NUMBER;
    token->integer = whole ? strtoll(copy, NULL, 10) : 0;
    if (whole && errno) // beyond 64 bits
        token->kind = TOKEN_NUMBER;
    token->number = strtod(copy, NULL);
    token->length = (uint32_t)(at - token->at);
    if (token->kind == TOKEN_NUMBER && !(token->number <= 0x1.fffffffffffffp1023))
        return expression_fault(fault, token->at, "the number is too large");
    return 0;
}

static int lex_quoted(const char *text, size_t length, struct token *token,
                      struct weir_expression_fault *fault)
{
    char quote = text[token->at];
    size_t at = token->at + 1;
    while (at < length) {
        if (text[at] == '\\' && quote != '`' && at + 1 < length) {
            at += 2;
        } else if (text[at] != quote) {
            at++;
        } else if (at + 1 < length && text[at + 1] == quote) {
            at += 2;
        } else {
            token->kind = quote == '`' ? TOKEN_QUOTED : TOKEN_STRING;
            token->length = (uint32_t)(at + 1 - token->at);
            return 0;
        }
    }
    return expression_fault(fault, token->at, "the closing %c is missing", quote);
}

size_t expression_unquote(const char *text, const struct token *token, char *out)
{
    const char *at = text + token->at + 1, *end = text + token->at + token->length - 1;
    char quote = text[token->at];
    size_t n = 0;
    if (token->kind == TOKEN_NAME) {
        memcpy(out, text + token->at, token->length);
        return token->length;
    }
    for (; at < end; at++) {
        if (*at == quote) {
            at++; // doubled
        } else if (*at == '\\' && quote != '`' && at + 1 < end) {
            static const char escapes[] = "n\nt\tr\r'\'\"\"\\\\";
            const char *escape = NULL;
            for (size_t i = 0; i + 1 < sizeof escapes; i += 2) {
                if (escapes[i] == at[1])
                    escape = &escapes[i + 1];
            }
            if (escape) { // else the backslash stays: patterns are full of them
                out[n++] = *escape;
                at++;
                continue;
            }
        }
        out[n++] = *at;
    }
    return n;
}

static int lex_sign(const char *text, size_t left, struct token *token,
                    struct weir_expression_fault *fault)
{
    static const struct {
        const char *sign;
        enum token_kind kind;
    } signs[] = {{"<=", TOKEN_LESS_EQUAL}, {">=", TOKEN_GREATER_EQUAL}, {"==", TOKEN_EQUAL},
                 {"!=", TOKEN_NOT_EQUAL},  {"&&", TOKEN_AND},           {"||", TOKEN_OR},
                 {"<>", TOKEN_NOT_EQUAL},  {"<", TOKEN_LESS},           {">", TOKEN_GREATER},
                 {"!", TOKEN_NOT},         {"+", TOKEN_PLUS},           {"-", TOKEN_MINUS},
                 {"*", TOKEN_STAR},        {"/", TOKEN_SLASH},          {"%", TOKEN_PERCENT},
                 {"(", TOKEN_OPEN},        {")", TOKEN_CLOSE},          {",", TOKEN_COMMA},
                 {":", TOKEN_COLON}};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t n = strlen(signs[i].sign);
        if (n <= left && !strncmp(text, signs[i].sign, n)) {
            token->kind = signs[i].kind;
            token->length = (uint32_t)n;
            return 0;
        }
    }
    if (*text == '=')
        return expression_fault(fault, token->at, "a single = means nothing: write == to compare");
    if (*text == '&' || *text == '|')
        return expression_fault(fault, token->at, "a single %c means nothing: write %s", *text,
                                *text == '&' ? "and" : "or");
    return expression_fault(fault, token->at, "'%c' means nothing here",
                            (unsigned char)*text < 32 ? '?' : *text);
}

int expression_lex(const char *text, size_t length, size_t *at, struct token *token,
                   struct weir_expression_fault *fault)
{
    size_t start = *at;
    while (*at < length && is_space(text[*at]))
        ++*at;
    *token = (struct token){.kind = TOKEN_END, .at = (uint32_t)*at};
    if (*at == length)
        return 0;
    char c = text[*at];
    int code = 0;
    if (is_digit(c)) {
        code = lex_number(text, length, token, fault);
    } else if (c == '\'' || c == '"' || c == '`') {
        code = lex_quoted(text, length, token, fault);
    } else if (is_letter(c)) {
        token->length = (uint32_t)name_length(text + *at, length - *at);
        token->kind = keyword(text + *at, token->length);
    } else {
        code = lex_sign(text + *at, length - *at, token, fault);
        token->attached = start == *at && start > 0 && is_digit(text[start - 1]);
    }
    *at += token->length;
    return code;
}

void weir_rule_text_split(const char *text, size_t length, struct weir_rule_text *out)
{
    struct weir_expression_fault fault;
    struct token token;
    size_t at = 0, before = 0, n = 0;
    while (before < length && is_space(text[before]))
        before++;
    *out = (struct weir_rule_text){0, before, before, length, length};
    // A fault is found again by whoever compiles the parts.
    while (at < length && !expression_lex(text, length, &at, &token, &fault) &&
           token.kind != TOKEN_END) {
        // range-check: what stands before the first colon, whatever it is made of.
        if (token.kind == TOKEN_COLON && n && out->body == before && out->when == length) {
            out->name_length = token.at - before;
            out->body = at;
        } else if (token.kind == TOKEN_WHEN && out->when == length) {
            out->body_end = token.at;
            out->when = at;
        }
        n++;
    }
}
