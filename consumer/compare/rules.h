// SPDX-License-Identifier: Apache-2.0
// Rules that tell the records of one file from those of the other (stats/contrast.h).
#ifndef WEIR_COMPARE_RULES_H
#define WEIR_COMPARE_RULES_H

#include "consumer/compare/table.h"
#include "stats/contrast.h"

struct weir_compared_rules {
    struct weir_contrast contrast;
    char *text[WEIR_CONTRAST_RULES]; // of each of its rules; owned
    char *with[WEIR_CONTRAST_WITH];  // names of the fields that moved with the first; owned
};

// From numbers, categories and booleans that both files have, at most 256 of them: neither lists
// nor texts, nor numbers that tell records apart whatever they say: whole ones that come only once
// (ids) and those that never fall from row to row (times, positions). WEIR_ENOMEM: empty.
int weir_compare_rules(const struct weir_table *reference, const struct weir_table *current,
                       struct weir_compared_rules *out);
void weir_compared_rules_free(struct weir_compared_rules *rules);

#endif
