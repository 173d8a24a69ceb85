// SPDX-License-Identifier: Apache-2.0
// Clues out of a profile or a partial, and what is inferred from them.
#include "stats/meaning.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weir_clues clues;
    struct weir_inference inference;
    struct weir_meaning_clue why[WEIR_MEANING_CLUES];
    struct weir_reader in = weir_reader_make(data, size);
    weir_look_of_text((const char *)data, size, 0);
    if (weir_clues_init(&clues))
        return 0;
    weir_clues_read_merge(&clues, &in);
    weir_meaning_infer("field", &clues, &inference);
    for (int m = 1; m < WEIR_MEANINGS; m++) {
        weir_meaning_clues("field", &clues, (enum weir_meaning)m, 1, why);
        weir_meaning_clues("field", &clues, (enum weir_meaning)m, 0, why);
    }
    weir_clues_free(&clues);
    return 0;
}
