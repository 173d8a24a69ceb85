// SPDX-License-Identifier: Apache-2.0
// From clues to words.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "detectors/semantics/semantics.h"
#include "stats/meaning.h"

enum { TEXT = 960, LIST = 260, EVIDENCE = 2 * WEIR_MEANING_CLUES };

// What points at a person, and the share of values from which it is no chance: one number of ten
// passes the Luhn sum, e-mail addresses do not come about by themselves.
static const struct personal {
    enum weir_look look;
    enum weir_meaning meaning;
    double share;
    const char *text;
} personal[] = {
    {WEIR_LOOK_HAS_EMAIL, WEIR_MEANING_EMAIL, .01, "e-mail addresses"},
    {WEIR_LOOK_PHONE, WEIR_MEANING_PHONE, .05, "telephone numbers"},
    {WEIR_LOOK_IP, WEIR_MEANING_IP, .05, "IP addresses"},
    {WEIR_LOOK_IBAN, WEIR_MEANING_IBAN, .2, "bank account numbers (IBAN)"},
    {WEIR_LOOK_CARD, WEIR_MEANING_CARD_NUMBER, .5, "payment card numbers"},
};

enum { FEWEST_PERSONAL = 5 };

// "a, b and c" of the first few clues.
static void join_clues(const struct weir_meaning_clue *clues, size_t n, char out[LIST])
{
    size_t length = 0;
    out[0] = 0;
    for (size_t i = 0; i < n && i < 3 && length < LIST; i++)
        length +=
            (size_t)snprintf(out + length, LIST - length, "%s%s", i ? ", " : "", clues[i].text);
}

static size_t add_evidence(const struct weir_field *field, const char *type,
                           const struct weir_meaning_clue *clues, size_t n,
                           struct weir_evidence *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (struct weir_evidence){
            .type = type, .field = field->name, .after = clues[i].text, .contribution = NAN};
    return n;
}

static int judge_personal(const struct semantics *semantics, const struct semantics_field *field,
                          const struct weir_clues *clues, const struct weir_window *window)
{
    char text[TEXT];
    for (size_t i = 0; i < sizeof personal / sizeof *personal; i++) {
        const struct personal *kind = &personal[i];
        uint64_t count = clues->look[kind->look];
        double share = (double)count / (double)clues->values;
        if (field->meanings & (uint64_t)1 << kind->meaning || count < FEWEST_PERSONAL ||
            share < kind->share)
            continue;
        snprintf(text, sizeof text,
                 "%s is annotated '%s', but %.3g%% of %llu values looked at hold %s: keep them "
                 "from whoever may not see them, then mend the producer or the annotation",
                 field->field->name, field->field->semantic, 100 * share,
                 (unsigned long long)clues->values, kind->text);
        struct weir_finding finding = {
            .size = sizeof finding,
            .rule = "personal_data",
            .kind = "semantics.personal_data",
            .severity = WEIR_CRITICAL,
            .action = WEIR_ACTION_FIX_PRODUCER,
            .fields = &field->field->name,
            .n_fields = 1,
            .share = share,
            .count = count,
            .statistic = {"share", share, kind->share, NAN, NAN},
            .summary = text,
        };
        (void)semantics;
        window->emit(window, &finding);
        return 1;
    }
    return 0;
}

// The likeliest of `meanings` by the values alone.
static enum weir_meaning best_of(const struct weir_inference *inference, uint64_t meanings)
{
    enum weir_meaning best = WEIR_MEANING_UNKNOWN;
    for (int m = 1; m < WEIR_MEANINGS; m++) {
        if (meanings & (uint64_t)1 << m &&
            (!best || inference->value_score[m] > inference->value_score[best]))
            best = (enum weir_meaning)m;
    }
    return best;
}

// Numbers are no written dates: where a time was promised, say why they are no times as numbers.
static uint64_t fitting(const struct weir_clues *clues)
{
    const uint64_t written = (uint64_t)1 << WEIR_MEANING_TIMESTAMP | (uint64_t)1
                                                                         << WEIR_MEANING_DATE;
    uint64_t days = clues->look[WEIR_LOOK_DAY_NUMBER];
    return clues->look[WEIR_LOOK_TEXT] || days * 2 > clues->values ? ~(uint64_t)0 : ~written;
}

static int judge_meaning(const struct semantics *semantics, const struct semantics_field *field,
                         const struct weir_clues *clues, const struct weir_window *window)
{
    struct weir_inference inference;
    struct weir_meaning_clue why[WEIR_MEANING_CLUES], why_not[WEIR_MEANING_CLUES];
    struct weir_evidence evidence[EVIDENCE];
    char text[TEXT], for_it[LIST], against[LIST];
    const struct weir_field *info = field->field;
    weir_meaning_infer(NULL, clues, &inference);
    enum weir_meaning said = best_of(&inference, field->meanings & fitting(clues));
    enum weir_meaning seen = best_of(&inference, ~(uint64_t)0);
    double lead = inference.value_score[seen] - inference.value_score[said];
    struct weir_statistic statistic = {"lead", lead, semantics->margin, NAN, NAN};
    window->report(window, 0, field->index, &statistic);
    if (seen == said || lead < semantics->margin || inference.value_score[said] > 0)
        return 0;
    size_t n_why = weir_meaning_clues(NULL, clues, seen, 1, why);
    size_t n_not = weir_meaning_clues(NULL, clues, said, 0, why_not);
    join_clues(why, n_why, for_it);
    join_clues(why_not, n_not, against);
    snprintf(text, sizeof text,
             "%s is annotated '%s', but looks like %s: %s; against %s: %s. Look at what writes it, "
             "and at who reads it as what it is not; if it is right, mend the annotation",
             info->name, info->semantic, weir_meaning_name(seen), for_it,
             said ? weir_meaning_name(said) : info->semantic, *against ? against : "its type");
    size_t n = add_evidence(info, "clue_for", why, n_why, evidence);
    n += add_evidence(info, "clue_against", why_not, n_not, evidence + n);
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = "mismatch",
        .kind = "semantics.mismatch",
        .severity = WEIR_WARNING,
        .action = WEIR_ACTION_FIX_PRODUCER,
        .fields = &info->name,
        .n_fields = 1,
        .share = NAN,
        .statistic = statistic,
        .summary = text,
        .evidence = evidence,
        .n_evidence = n,
    };
    window->emit(window, &finding);
    return 1;
}

int semantics_judge(const struct semantics *semantics, const struct semantics_field *field,
                    const struct weir_clues *clues, const struct weir_window *window)
{
    int found = semantics->personal_data && judge_personal(semantics, field, clues, window);
    return judge_meaning(semantics, field, clues, window) || found;
}
