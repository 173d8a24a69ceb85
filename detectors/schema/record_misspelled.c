// SPDX-License-Identifier: Apache-2.0
// Words that are all but a frequent one: in fields with a settled set of them, unlike each other.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/record.h"
#include "stats/cells.h"
#include "stats/habits.h"
#include "stats/nearest.h"

// Where new values come more often, some of them are near an old one and meant; and where values
// are seen more seldom, not all of them are known.
static const double NEW = 0.005;
enum { SEEN_EACH = 10, FREQUENT = 20, SHORTEST = 4, LONGER = 10, LONGEST = 63, SEEN = 50 };

// A bit for each letter or digit that is in it.
static uint64_t letters_of(const char *data, size_t length)
{
    uint64_t letters = 0;
    for (size_t i = 0; i < length; i++)
        letters |= (uint64_t)1 << (tolower((unsigned char)data[i]) & 63);
    return letters;
}

// Without blanks around it.
static void word_of(const struct weir_string *string, uint64_t count, struct schema_word *word)
{
    const char *data = string->data;
    size_t length = string->length;
    for (; length && isspace((unsigned char)*data); length--)
        data++;
    while (length && isspace((unsigned char)data[length - 1]))
        length--;
    *word = (struct schema_word){data, length, count, letters_of(data, length)};
}

// Numbers in names tell things apart: v41 is not v42.
static int same_digits(const struct schema_word *a, const struct schema_word *b)
{
    size_t i = 0, k = 0;
    for (;; i++, k++) {
        while (i < a->length && !isdigit((unsigned char)a->data[i]))
            i++;
        while (k < b->length && !isdigit((unsigned char)b->data[k]))
            k++;
        if (i == a->length || k == b->length)
            return i == a->length && k == b->length;
        if (a->data[i] != b->data[k])
            return 0;
    }
}

static int is_near(const struct schema_word *a, const struct schema_word *b)
{
    size_t least = a->length < b->length ? a->length : b->length;
    size_t most = a->length + b->length - least;
    unsigned limit = least < SHORTEST ? 0 : least < LONGER ? 1 : 2;
    // A letter changed is two bits.
    if (!least || most > LONGEST || most - least > limit ||
        (unsigned)__builtin_popcountll(a->letters ^ b->letters) > 2 * limit || !same_digits(a, b))
        return 0;
    char x[LONGEST + 1], y[LONGEST + 1];
    memcpy(x, a->data, a->length);
    memcpy(y, b->data, b->length);
    x[a->length] = y[b->length] = 0;
    return weir_word_distance(x, y) <= limit;
}

static int is_settled(const struct schema_field *field)
{
    const struct weir_summary *reference = field->reference;
    const struct weir_field *of = field->field;
    if (!reference || of->type != WEIR_TYPE_STRING || of->n_values || of->role == WEIR_ROLE_KEY ||
        of->role == WEIR_ROLE_ENTITY || of->role == WEIR_ROLE_TIME ||
        reference->shape != WEIR_SHAPE_CATEGORICAL || reference->values < SCHEMA_KNOWN_VALUES)
        return 0;
    const struct weir_cells *cells = reference->cells;
    return cells->known && reference->cell && cells->unseen_share <= NEW &&
           !(cells->habits && cells->habits->fresh > NEW) &&
           reference->values >= SEEN_EACH * cells->n_known;
}

int schema_words_create(struct schema_make *make, struct schema_field *field,
                        struct weir_error *error)
{
    if (!make->config->options[SCHEMA_OPTION_MISSPELLED].integer || !is_settled(field))
        return 0;
    const struct weir_cells *cells = field->reference->cells;
    field->words = calloc(cells->n_categories + 1, sizeof *field->words);
    if (!field->words)
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory for its rules",
                              make->config->name);
    for (size_t i = 0; i < cells->n_categories; i++) {
        struct schema_word word;
        word_of(&cells->categories[i], field->reference->cell[i], &word);
        if (word.count < FREQUENT)
            continue;
        // Where two that are meant are near each other, a third may be.
        for (size_t k = 0; k < field->n_words; k++) {
            if (is_near(&field->words[k], &word)) {
                field->n_words = 0;
                return 0;
            }
        }
        field->words[field->n_words++] = word;
    }
    return 0;
}

static const struct schema_word *meant(const struct schema_field *field,
                                       const struct weir_string *string)
{
    struct schema_word word;
    word_of(string, 0, &word);
    for (size_t i = 0; i < field->n_words; i++) {
        if (is_near(&field->words[i], &word))
            return &field->words[i];
    }
    return NULL;
}

int schema_text_misspelled(const struct schema *schema, const struct schema_field *field,
                           const struct weir_string *string, pcre2_match_data *match,
                           uint64_t *limited)
{
    int unseen;
    (void)schema;
    (void)match;
    (void)limited;
    weir_cells_find_string(field->reference->cells, string, &unseen);
    return unseen && meant(field, string) != NULL;
}

void schema_say_misspelled(const struct schema_said *said, struct schema_text *text)
{
    enum { SHOWN = 3 };
    const struct weir_rule_count *count = said->count;
    int redact = said->schema->redact;
    const char *separator = ": ";
    schema_put(text, "have a value that %s never had and that is nearly a frequent one",
               said->schema->references[0]);
    for (size_t i = 0; i < count->n_details && i < SHOWN; i++) {
        const struct weir_rule_detail *detail = &count->details[i];
        const struct weir_string string = {detail->name, (uint32_t)detail->length, 0};
        const struct schema_word *word = meant(said->field, &string);
        // One record's own value is not told, nor is one that training hardly had.
        if (!word || (redact && word->count < SEEN))
            continue;
        schema_put(text, "%s", separator);
        separator = ", ";
        if (!redact || detail->count >= SEEN)
            schema_put(text, "\"%s\" for ", detail->name);
        schema_put(text, "%.*s (", (int)word->length, word->data);
        schema_put_count(text, detail->count);
        schema_put(text, ")");
    }
}
