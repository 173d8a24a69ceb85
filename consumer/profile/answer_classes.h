// SPDX-License-Identifier: Apache-2.0
// What a label and its answers are, told from a sample of them: which of a few classes, a
// probability, or a number.
#ifndef WEIR_PROFILE_ANSWER_CLASSES_H
#define WEIR_PROFILE_ANSWER_CLASSES_H

#include "consumer/profile/answers.h"

// Classes are texts; one that spells a number, or a boolean, is that as well.
struct weir_answer_classes {
    char **text;
    uint64_t *hash;
    double *number; // NAN: it is none
    size_t n;
};

// A number of a class, or `n` where it is not listed.
size_t weir_answer_class_of_string(const struct weir_answer_classes *classes,
                                   const struct weir_string *string);
size_t weir_answer_class_of_number(const struct weir_answer_classes *classes, double number);
size_t weir_answer_class_of_boolean(const struct weir_answer_classes *classes, int truth);

// WEIR_ENOMEM: free it all the same.
int weir_answer_classes_of(const struct weir_quality_spec *spec,
                           struct weir_answer_classes *classes);
void weir_answer_classes_free(struct weir_answer_classes *classes);

struct weir_answer_choice {
    enum weir_quality_task task;
    struct weir_answer_classes classes;         // ascending; of two the later one is positive
    const struct weir_answer_field *prediction; // NULL: none
    const struct weir_answer_field *score;      // NULL: none
    size_t n_scores;                            // of its sample that are finite, which come first
    int decide;                                 // no prediction: the score makes it
};

// A label of strings or booleans is a class, as is one of few whole numbers
// (WEIR_QUALITY_MOST_CLASSES) whose predictions are whole as well; other numbers are numbers. Of
// two classes a score is the positive one's, which is the one that is named, else of true and false
// true, of numbers the larger, of strings the second of the two that the label declares in
// `values`, else the one that is sorted later. A numeric prediction between 0 and 1 of two classes
// is a score. Predictions that have no class in common with the label are answers to something
// else. WEIR_ENOTFOUND: nothing can be said. Samples are sorted. Free the choice in any case.
int weir_answer_choose(const struct weir_answer_fields *fields, struct weir_answer_choice *choice);
void weir_answer_choice_free(struct weir_answer_choice *choice);

#endif
