// SPDX-License-Identifier: Apache-2.0
#include "consumer/compare/notes.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "stats/value_text.h"

const char *weir_note_kind_name(enum weir_note_kind kind)
{
    static const char *const names[WEIR_NOTE_KINDS] = {
        "only_in_reference", "only_in_current", "other_type", "no_values", "far_out", "unreadable"};
    return names[kind];
}

static const char *side_name(int current)
{
    return current ? "current" : "the reference";
}

int weir_compare_note(struct weir_compared_notes *notes, enum weir_note_kind kind,
                      const char *field, int current, uint64_t records, const char *format, ...)
{
    if (notes->n == notes->capacity) {
        size_t capacity = notes->capacity ? 2 * notes->capacity : 16;
        struct weir_compared_note *grown = realloc(notes->notes, capacity * sizeof *grown);
        if (!grown)
            return WEIR_ENOMEM;
        notes->notes = grown;
        notes->capacity = capacity;
    }
    struct weir_compared_note *note = &notes->notes[notes->n];
    *note = (struct weir_compared_note){.kind = kind, .current = current, .records = records};
    if (field && !(note->field = strdup(field)))
        return WEIR_ENOMEM;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(note->text, sizeof note->text, format, arguments);
    va_end(arguments);
    notes->n++;
    return 0;
}

int weir_compare_note_only(struct weir_compared_notes *notes, const char *field, int current)
{
    return weir_compare_note(
        notes, current ? WEIR_NOTE_ONLY_IN_CURRENT : WEIR_NOTE_ONLY_IN_REFERENCE, field, current, 0,
        current ? "only current has it: it is not compared" : "current does not have it");
}

int weir_compare_note_null(struct weir_compared_notes *notes, const char *field, int current,
                           uint64_t rows)
{
    return !rows ? 0
                 : weir_compare_note(notes, WEIR_NOTE_NO_VALUES, field, current, rows,
                                     "null in every record of %s", side_name(current));
}

int weir_compare_note_type(struct weir_compared_notes *notes, const char *field,
                           enum weir_compare_type type, int current, uint64_t faults, uint64_t all)
{
    static const char *const kinds[] = {"numbers", "strings of UTF-8", "booleans",
                                        "strings of UTF-8", "numbers"};
    char some[32], whole[32];
    return !faults ? 0
                   : weir_compare_note(notes, WEIR_NOTE_OTHER_TYPE, field, current, faults,
                                       "%s of the %s values of %s are not %s: they count as null",
                                       weir_count_text(faults, some), weir_count_text(all, whole),
                                       side_name(current), kinds[type]);
}

int weir_compare_note_unreadable(struct weir_compared_notes *notes,
                                 const struct weir_unreadable *unreadable, int current,
                                 uint64_t rows)
{
    char some[32], whole[40], first[32];
    return !unreadable->rows
               ? 0
               : weir_compare_note(notes, WEIR_NOTE_UNREADABLE, NULL, current, unreadable->rows,
                                   "%s of the %s of %s cannot be read and count as null in every "
                                   "field; the first is record %s: %s",
                                   weir_count_text(unreadable->rows, some),
                                   weir_records_text(rows, whole), side_name(current),
                                   weir_count_text(unreadable->first, first), unreadable->reason);
}

int weir_compare_note_tables(const struct weir_table *reference, const struct weir_table *current,
                             struct weir_compared_notes *notes)
{
    const struct weir_table *const sides[2] = {reference, current};
    int code = 0;
    for (int side = 0; side < 2 && !code; side++)
        code =
            weir_compare_note_unreadable(notes, &sides[side]->unreadable, side, sides[side]->rows);
    for (size_t i = 0; i < reference->n_columns && !code; i++) {
        const struct weir_table_column *a = &reference->columns[i], *b = &current->columns[i];
        if (current->rows && !b->is_list && b->n_missing == current->rows)
            code = weir_compare_note_only(notes, a->name, 0);
        for (int side = 0; side < 2 && !code; side++) {
            const struct weir_table_column *of = side ? b : a;
            if (!of->is_list && !of->n_fault && of->n_absent == of->n && !of->n_missing)
                code = weir_compare_note_null(notes, a->name, side, of->n);
            if (!code)
                code = weir_compare_note_type(notes, a->name, a->type, side, of->n_fault, of->n);
        }
    }
    for (size_t i = 0; i < current->n_others && !code; i++)
        code = weir_compare_note_only(notes, current->others[i], 1);
    return code;
}

void weir_compared_notes_free(struct weir_compared_notes *notes)
{
    for (size_t i = 0; i < notes->n; i++)
        free(notes->notes[i].field);
    free(notes->notes);
    memset(notes, 0, sizeof *notes);
}
