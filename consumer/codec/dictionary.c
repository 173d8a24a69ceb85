// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/dictionary.h"

#include <stdlib.h>

enum { FIRST_ENTRIES = 64 };

void weir_dictionary_init(struct weir_dictionary *dictionary, uint32_t max_entries,
                          size_t max_bytes)
{
    *dictionary = (struct weir_dictionary){.max_entries = max_entries, .max_bytes = max_bytes};
}

void weir_dictionary_free(struct weir_dictionary *dictionary)
{
    weir_arena_free(&dictionary->arena);
    free(dictionary->strings);
    free(dictionary->slots);
    *dictionary = (struct weir_dictionary){0};
}

void weir_dictionary_clear(struct weir_dictionary *dictionary)
{
    weir_arena_reset(&dictionary->arena);
    if (dictionary->slots)
        memset(dictionary->slots, 0, ((size_t)dictionary->mask + 1) * sizeof *dictionary->slots);
    dictionary->n = 0;
    dictionary->bytes = 0;
}

static void place(uint64_t *slots, uint32_t mask, uint64_t hash, uint32_t code)
{
    uint32_t at = (uint32_t)hash & mask;
    while (slots[at])
        at = (at + 1) & mask;
    slots[at] = (hash & 0xffffffff00000000u) | (code + 1);
}

// Room for twice the entries, at a load of at most one half.
static int grow(struct weir_dictionary *dictionary)
{
    uint32_t capacity = dictionary->capacity ? dictionary->capacity * 2 : FIRST_ENTRIES;
    uint64_t *slots = calloc((size_t)capacity * 2, sizeof *slots);
    struct weir_string *strings =
        slots ? realloc(dictionary->strings, capacity * sizeof *strings) : NULL;
    if (!strings) {
        free(slots);
        return -1;
    }
    for (uint32_t code = 0; code < dictionary->n; code++)
        place(slots, capacity * 2 - 1, strings[code].hash, code);
    free(dictionary->slots);
    dictionary->slots = slots;
    dictionary->mask = capacity * 2 - 1;
    dictionary->strings = strings;
    dictionary->capacity = capacity;
    return 0;
}

uint32_t weir_dictionary_insert(struct weir_dictionary *dictionary, const char *data, size_t length,
                                uint64_t hash)
{
    // One long text must not take the room of hundreds of categories.
    if (dictionary->n >= dictionary->max_entries || length > dictionary->max_bytes / 64 ||
        dictionary->bytes + length > dictionary->max_bytes)
        return WEIR_DICTIONARY_NONE;
    if (dictionary->n == dictionary->capacity && grow(dictionary))
        return WEIR_DICTIONARY_NONE;
    char *copy = length ? weir_arena_take(&dictionary->arena, length) : NULL;
    if (!copy && length)
        return WEIR_DICTIONARY_NONE;
    if (length)
        memcpy(copy, data, length);
    uint32_t code = dictionary->n++;
    dictionary->bytes += length;
    dictionary->strings[code] = (struct weir_string){length ? copy : "", (uint32_t)length, hash};
    place(dictionary->slots, dictionary->mask, hash, code);
    return code;
}
