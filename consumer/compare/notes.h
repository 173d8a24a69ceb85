// SPDX-License-Identifier: Apache-2.0
// What statistics cannot say of two sides: fields that only one of them has, values of another
// type, records that could not be read.
#ifndef WEIR_COMPARE_NOTES_H
#define WEIR_COMPARE_NOTES_H

#include "consumer/compare/table.h"

enum weir_note_kind {
    WEIR_NOTE_ONLY_IN_REFERENCE,
    WEIR_NOTE_ONLY_IN_CURRENT,
    WEIR_NOTE_OTHER_TYPE, // values that are not of the field's type: they count as null
    WEIR_NOTE_NO_VALUES,  // all of a field's are null
    WEIR_NOTE_FAR_OUT,    // values too far out for the sums of a profile
    WEIR_NOTE_UNREADABLE, // records; each counts as null in every field
    WEIR_NOTE_KINDS
};
const char *weir_note_kind_name(enum weir_note_kind kind);

struct weir_compared_note {
    enum weir_note_kind kind;
    char *field;      // NULL: none in particular
    int current;      // of which side it tells
    uint64_t records; // that it tells of; 0: all
    char text[256];   // for people
};

struct weir_compared_notes {
    struct weir_compared_note *notes;
    size_t n, capacity;
};

// `field` is copied. 0 or WEIR_ENOMEM.
int weir_compare_note(struct weir_compared_notes *notes, enum weir_note_kind kind,
                      const char *field, int current, uint64_t records, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
int weir_compare_note_only(struct weir_compared_notes *notes, const char *field, int current);
// The side has no value of the field among `rows` records; 0 rows: no note.
int weir_compare_note_null(struct weir_compared_notes *notes, const char *field, int current,
                           uint64_t rows);
// `faults` of the side's `all` values; none: no note.
int weir_compare_note_type(struct weir_compared_notes *notes, const char *field,
                           enum weir_compare_type type, int current, uint64_t faults, uint64_t all);
int weir_compare_note_unreadable(struct weir_compared_notes *notes,
                                 const struct weir_unreadable *unreadable, int current,
                                 uint64_t rows);
// All of the above, of two tables.
int weir_compare_note_tables(const struct weir_table *reference, const struct weir_table *current,
                             struct weir_compared_notes *notes);
void weir_compared_notes_free(struct weir_compared_notes *notes);

#endif
