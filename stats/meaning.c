// SPDX-License-Identifier: Apache-2.0
#include "stats/meaning.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "stats/hll.h"
#include "stats/meaning_inside.h"

enum { FEWEST = 20, WORD = 24, WORDS = 12 };

static const char *const names[WEIR_MEANINGS] = {
    "unknown",     "timestamp_s",   "timestamp_ms", "timestamp_us", "timestamp_ns", "timestamp",
    "date",        "sequential_id", "random_id",    "uuid",         "hash",         "email",
    "phone",       "url",           "ip",           "country",      "currency",     "language",
    "latitude",    "longitude",     "percentage",   "probability",  "money",        "age",
    "boolean",     "category",      "text",         "json",         "base64",       "postal_code",
    "card_number", "iban",          "count",        "measurement"};

const char *weir_meaning_name(enum weir_meaning meaning)
{
    return names[meaning < WEIR_MEANINGS ? meaning : WEIR_MEANING_UNKNOWN];
}

// ---- traits

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : NAN;
}

// Half the sum of differences between digits' shares and what they would be.
static double digits_off(const uint64_t counts[10], int first)
{
    uint64_t n = 0;
    double off = 0;
    for (int i = first; i < 10; i++)
        n += counts[i];
    for (int i = first; n && i < 10; i++) {
        double expected = first ? log10(1 + 1.0 / i) : .1;
        off += fabs((double)counts[i] / (double)n - expected) / 2;
    }
    // So much chance alone brings, about.
    return n < 100 ? NAN : fmax(0, off - sqrt(2 / (double)n));
}

static int digits_of(double value)
{
    return value < 1 ? 1 : (int)floor(log10(value)) + 1;
}

static void number_traits(const struct weir_clues *clues, double distinct, double *trait)
{
    uint64_t numbers = clues->look[WEIR_LOOK_NUMBER];
    double low = clues->minimum, high = clues->maximum, most = fmax(fabs(low), fabs(high));
    int whole = clues->look[WEIR_LOOK_INTEGER] == numbers;
    int mostly = numbers * 10 >= clues->values * 9;
    if (!numbers || !mostly)
        return;
    uint64_t moved = clues->rose + clues->fell;
    trait[WEIR_TRAIT_ROSE] = moved >= FEWEST ? share(clues->rose, moved) : NAN;
    trait[WEIR_TRAIT_EVEN] = share(clues->even_steps, clues->pairs);
    trait[WEIR_TRAIT_DENSE] = whole ? fmin(1, distinct / (high - low + 1)) : 0;
    trait[WEIR_TRAIT_LAST_UNEVEN] = whole ? digits_off(clues->last_digit, 0) : NAN;
    trait[WEIR_TRAIT_BENFORD] = digits_off(clues->first_digit, 1);
    trait[WEIR_TRAIT_SIZE] = log10(1 + most) / 20;
    trait[WEIR_TRAIT_SPAN] = most > 0 ? fmin(1, (high - low) / most) : 0;
    trait[WEIR_TRAIT_ZERO_ONE] =
        share(clues->look[WEIR_LOOK_ZERO] + clues->look[WEIR_LOOK_ONE], clues->values);
    trait[WEIR_TRAIT_TOP_AGE] = high >= 40 && high <= 120 && low >= 0;
    trait[WEIR_TRAIT_SMALL_WHOLE] = whole && low >= 0 && high <= 20;
    trait[WEIR_TRAIT_TEN_DIGITS] = whole && low >= 1e9 && high < 1e11;
    if (!clues->look[WEIR_LOOK_TEXT])
        trait[WEIR_TRAIT_FIXED] = whole && low > 0 && digits_of(low) == digits_of(high);
}

static void derive(const struct weir_clues *clues, double trait[WEIR_TRAITS])
{
    for (int i = 0; i < WEIR_TRAITS; i++)
        trait[i] = i < WEIR_LOOKS ? share(clues->look[i], clues->values) : NAN;
    double distinct = fmin(weir_hll_estimate(clues->distinct), (double)clues->values);
    trait[WEIR_TRAIT_UNIQUE] = distinct / (double)clues->values;
    trait[WEIR_TRAIT_DISTINCT] = fmin(1, log10(fmax(1, distinct)) / 6);
    trait[WEIR_TRAIT_TWO] = distinct < 2.5;
    number_traits(clues, distinct, trait);
    uint64_t texts = clues->look[WEIR_LOOK_TEXT];
    if (!texts)
        return;
    trait[WEIR_TRAIT_FIXED] = clues->shortest == clues->longest;
    trait[WEIR_TRAIT_LENGTH] = fmin(1, share(clues->bytes, texts) / 100);
    trait[WEIR_TRAIT_LETTERS] = share(clues->letters, clues->bytes);
    trait[WEIR_TRAIT_DIGITS] = share(clues->digits, clues->bytes);
    trait[WEIR_TRAIT_UPPERS] = share(clues->uppers, clues->letters);
}

static double weight_of(const struct weir_meaning_rule *rule, double value)
{
    double at = (value - rule->low) / (rule->high - rule->low);
    at = at < 0 ? 0 : at > 1 ? 1 : at;
    return rule->under + at * (rule->over - rule->under);
}

// ---- names

// The words of a name: "device.userId2" -> device, user, id. Returns how many.
static size_t split(const char *name, char words[WORDS][WORD])
{
    size_t n = 0, length = 0;
    for (const char *at = name; *at && n < WORDS; at++) {
        int upper = *at >= 'A' && *at <= 'Z', letter = upper || (*at >= 'a' && *at <= 'z');
        int digit = *at >= '0' && *at <= '9';
        int before_lower = at > name && at[-1] >= 'a' && at[-1] <= 'z';
        if (length && ((upper && before_lower) || !(letter || digit))) {
            words[n++][length] = 0;
            length = 0;
        }
        if ((letter || digit) && n < WORDS && length + 1 < WORD)
            words[n][length++] = (char)(upper ? *at - 'A' + 'a' : *at);
    }
    if (length && n < WORDS)
        words[n++][length] = 0;
    return n;
}

static int is_same_word(const char *word, const char *known)
{
    size_t length = strlen(known), n = strlen(word);
    if (strncmp(word, known, length))
        return 0;
    // "amounts", "score1": a plural or a number is no other word.
    while (n > length && word[n - 1] >= '0' && word[n - 1] <= '9')
        n--;
    return n == length || (n == length + 1 && word[length] == 's' && length > 2);
}

static void score_name(const char *name, double score[WEIR_MEANINGS])
{
    char words[WORDS][WORD];
    size_t n = name ? split(name, words) : 0;
    for (size_t i = 0; i < n; i++) {
        double weight = i + 1 == n ? 1 : .6;
        // "is_active" says it with the first word.
        if (!i && n > 1 && (!strcmp(words[i], "is") || !strcmp(words[i], "has")))
            weight = 1;
        else if (!strcmp(words[i], "is") || !strcmp(words[i], "has"))
            continue;
        for (size_t w = 0; w < weir_meaning_n_words; w++) {
            if (is_same_word(words[i], weir_meaning_words[w].word))
                score[weir_meaning_words[w].meaning] += weight * weir_meaning_words[w].weight;
        }
    }
}

// ---- inference

void weir_meaning_infer(const char *name, const struct weir_clues *clues,
                        struct weir_inference *inference)
{
    double trait[WEIR_TRAITS], by_name[WEIR_MEANINGS] = {0}, sum = 0;
    memset(inference, 0, sizeof *inference);
    if (clues->values < FEWEST)
        return;
    derive(clues, trait);
    for (size_t r = 0; r < weir_meaning_n_rules; r++) {
        const struct weir_meaning_rule *rule = &weir_meaning_rules[r];
        if (!isnan(trait[rule->trait]))
            inference->value_score[rule->meaning] += weight_of(rule, trait[rule->trait]);
        else if (rule->under < -5) // what the meaning cannot be without
            inference->value_score[rule->meaning] += rule->under;
    }
    score_name(name, by_name);
    for (int m = 0; m < WEIR_MEANINGS; m++) {
        inference->score[m] = inference->value_score[m] + by_name[m];
        if (inference->score[m] > inference->score[inference->meaning])
            inference->meaning = (enum weir_meaning)m;
    }
    for (int m = 0; m < WEIR_MEANINGS; m++)
        sum += exp(inference->score[m] - inference->score[inference->meaning]);
    inference->confidence = 1 / sum;
}

static void keep(struct weir_meaning_clue out[], size_t *n, double weight, const char *before,
                 const char *text, double value)
{
    size_t at = *n < WEIR_MEANING_CLUES ? (*n)++ : WEIR_MEANING_CLUES - 1;
    if (at == WEIR_MEANING_CLUES - 1 && fabs(out[at].weight) >= fabs(weight) && out[at].text[0])
        return;
    while (at && fabs(out[at - 1].weight) < fabs(weight)) {
        out[at] = out[at - 1];
        at--;
    }
    out[at].weight = weight;
    int used = snprintf(out[at].text, sizeof out[at].text, "%s", before);
// The formats stand in the table beside the traits that they print.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(out[at].text + used, sizeof out[at].text - (size_t)used, text, 100 * value);
#pragma GCC diagnostic pop
}

size_t weir_meaning_clues(const char *name, const struct weir_clues *clues,
                          enum weir_meaning meaning, int for_it,
                          struct weir_meaning_clue out[WEIR_MEANING_CLUES])
{
    double trait[WEIR_TRAITS], by_name[WEIR_MEANINGS] = {0};
    size_t n = 0;
    memset(out, 0, WEIR_MEANING_CLUES * sizeof *out);
    if (clues->values < FEWEST)
        return 0;
    derive(clues, trait);
    for (size_t r = 0; r < weir_meaning_n_rules; r++) {
        const struct weir_meaning_rule *rule = &weir_meaning_rules[r];
        double value = trait[rule->trait];
        if (rule->meaning != meaning || isnan(value))
            continue;
        double weight = weight_of(rule, value);
        if (for_it ? weight <= .5 : weight >= -.5)
            continue;
        int of_distinct = rule->trait == WEIR_TRAIT_DISTINCT || rule->trait == WEIR_TRAIT_TWO;
        if (of_distinct)
            value = pow(10, 6 * trait[WEIR_TRAIT_DISTINCT]) / 100;
        const char *text = rule->otherwise && value < .5 ? rule->otherwise : rule->text;
        // A share that is too small, but reads like a reason for it.
        int only = !for_it && rule->under < rule->over && value >= .5 && value < .995 &&
                   strncmp(text, "%.0f%%", 6) == 0;
        keep(out, &n, weight, only ? "only " : "", text, value);
    }
    score_name(name, by_name);
    if (for_it && by_name[meaning] > 0)
        keep(out, &n, by_name[meaning], "", "the name says so", 0);
    return n;
}

// ---- annotations

#define BIT(meaning) ((uint64_t)1 << WEIR_MEANING_##meaning)
#define TIMES                                                                                      \
    (BIT(TIMESTAMP_S) | BIT(TIMESTAMP_MS) | BIT(TIMESTAMP_US) | BIT(TIMESTAMP_NS) | BIT(TIMESTAMP))
#define IDS (BIT(SEQUENTIAL_ID) | BIT(RANDOM_ID) | BIT(UUID) | BIT(HASH))

// By the last word that is known: "user_id" is an id, "created_at" a time.
static const struct annotation {
    const char *word;
    uint64_t meanings;
} annotations[] = {
    {"timestamp", TIMES | BIT(DATE)},
    {"time", TIMES | BIT(DATE)},
    {"datetime", TIMES | BIT(DATE)},
    {"at", TIMES | BIT(DATE)},
    {"date", BIT(DATE) | TIMES},
    {"birthday", BIT(DATE) | TIMES},
    {"id", IDS | BIT(CATEGORY)},
    {"identifier", IDS | BIT(CATEGORY)},
    {"key", IDS | BIT(CATEGORY)},
    {"telephone", BIT(PHONE)},
    {"mail", BIT(EMAIL)},
    {"uri", BIT(URL)},
    {"zip", BIT(POSTAL_CODE)},
    {"zipcode", BIT(POSTAL_CODE)},
    {"postcode", BIT(POSTAL_CODE)},
    {"percent", BIT(PERCENTAGE) | BIT(PROBABILITY)},
    {"percentage", BIT(PERCENTAGE) | BIT(PROBABILITY)},
    {"ratio", BIT(PROBABILITY) | BIT(PERCENTAGE) | BIT(MEASUREMENT)},
    {"rate", BIT(PROBABILITY) | BIT(PERCENTAGE) | BIT(MEASUREMENT)},
    {"score", BIT(PROBABILITY) | BIT(PERCENTAGE) | BIT(MEASUREMENT)},
    {"probability", BIT(PROBABILITY)},
    {"amount", BIT(MONEY) | BIT(MEASUREMENT) | BIT(COUNT)},
    {"price", BIT(MONEY) | BIT(MEASUREMENT) | BIT(COUNT)},
    {"money", BIT(MONEY) | BIT(MEASUREMENT) | BIT(COUNT)},
    {"country", BIT(COUNTRY) | BIT(CATEGORY) | BIT(TEXT)}, // "country_code" is stricter, below
    {"language", BIT(LANGUAGE) | BIT(CATEGORY)},
    {"currency", BIT(CURRENCY)},
    {"age", BIT(AGE) | BIT(COUNT)},
    {"flag", BIT(BOOLEAN)},
    {"bool", BIT(BOOLEAN)},
    {"enum", BIT(CATEGORY) | BIT(BOOLEAN)},
    {"category", BIT(CATEGORY) | BIT(BOOLEAN) | BIT(COUNTRY) | BIT(CURRENCY) | BIT(LANGUAGE)},
    {"text", BIT(TEXT) | BIT(CATEGORY)},
    {"description", BIT(TEXT) | BIT(CATEGORY)},
    {"name", BIT(TEXT) | BIT(CATEGORY)},
    {"count", BIT(COUNT) | BIT(MEASUREMENT) | BIT(CATEGORY) | BIT(AGE) | BIT(PERCENTAGE)},
    {"quantity", BIT(COUNT) | BIT(MEASUREMENT) | BIT(CATEGORY) | BIT(AGE) | BIT(PERCENTAGE)},
    {"measurement", BIT(MEASUREMENT) | BIT(COUNT) | BIT(MONEY) | BIT(PERCENTAGE) |
                        BIT(PROBABILITY) | BIT(LATITUDE) | BIT(LONGITUDE) | BIT(AGE)},
};

static uint64_t allowed_by(const char *word)
{
    for (size_t i = 0; i < sizeof annotations / sizeof *annotations; i++) {
        if (!strcmp(word, annotations[i].word))
            return annotations[i].meanings;
    }
    for (int m = 1; m < WEIR_MEANINGS; m++) { // one of weir's own names
        if (!strcmp(word, names[m]))
            return (uint64_t)1 << m;
    }
    return 0;
}

uint64_t weir_meaning_of_annotation(const char *annotation)
{
    char words[WORDS][WORD];
    int code = 0;
    uint64_t meanings = allowed_by(annotation);
    for (size_t n = meanings ? 0 : split(annotation, words); n-- > 0 && !meanings;) {
        meanings = allowed_by(words[n]);
        code |= !strcmp(words[n], "code");
    }
    // A code is what it is a code of, not any name of it.
    if (code && meanings & (BIT(COUNTRY) | BIT(LANGUAGE)))
        meanings &= BIT(COUNTRY) | BIT(LANGUAGE);
    return meanings;
}
