// SPDX-License-Identifier: Apache-2.0
#include "stats/name_set.h"

#include <stdlib.h>
#include <string.h>

#include "stats/hash.h"
#include "weir/error.h"

void weir_names_init(struct weir_names *names, uint32_t maximum)
{
    memset(names, 0, sizeof *names);
    names->maximum = maximum;
}

void weir_names_free(struct weir_names *names)
{
    for (uint32_t i = 0; i < names->n; i++)
        free(names->texts[i]);
    free(names->texts);
    free(names->hashes);
    free(names->slots);
    weir_names_init(names, names->maximum);
}

size_t weir_names_memory(const struct weir_names *names)
{
    size_t bytes = names->capacity * (sizeof *names->texts + sizeof *names->hashes) +
                   names->n_slots * sizeof *names->slots;
    for (uint32_t i = 0; i < names->n; i++)
        bytes += strlen(names->texts[i]) + 1;
    return bytes;
}

static size_t cut(size_t length)
{
    return length < WEIR_NAME_LENGTH ? length : WEIR_NAME_LENGTH;
}

static int find(const struct weir_names *names, const char *text, size_t length, uint64_t hash)
{
    for (uint32_t at = (uint32_t)hash; names->n_slots; at++) {
        uint32_t slot = names->slots[at & (names->n_slots - 1)];
        if (!slot)
            break;
        const char *name = names->texts[slot - 1];
        if (names->hashes[slot - 1] == hash && strlen(name) == length &&
            !memcmp(name, text, length))
            return (int)slot - 1;
    }
    return -1;
}

static void place(struct weir_names *names, uint32_t number)
{
    uint32_t at = (uint32_t)names->hashes[number];
    while (names->slots[at & (names->n_slots - 1)])
        at++;
    names->slots[at & (names->n_slots - 1)] = number + 1;
}

static int grow(struct weir_names *names)
{
    uint32_t capacity = names->capacity ? names->capacity * 2 : 16;
    char **texts = realloc(names->texts, capacity * sizeof *texts);
    if (texts)
        names->texts = texts;
    uint64_t *hashes = realloc(names->hashes, capacity * sizeof *hashes);
    if (hashes)
        names->hashes = hashes;
    uint32_t *slots = calloc((size_t)capacity * 2, sizeof *slots);
    if (!texts || !hashes || !slots) {
        free(slots);
        return WEIR_ENOMEM;
    }
    free(names->slots);
    names->slots = slots;
    names->n_slots = capacity * 2;
    names->capacity = capacity;
    for (uint32_t i = 0; i < names->n; i++)
        place(names, i);
    return 0;
}

int weir_names_find(const struct weir_names *names, const char *text, size_t length)
{
    length = cut(length);
    return find(names, text, length, weir_hash(text, length));
}

int weir_names_add(struct weir_names *names, const char *text, size_t length)
{
    // A NUL would end the copy early, and the name would never be found again.
    const char *nul = memchr(text, 0, length);
    length = cut(nul ? (size_t)(nul - text) : length);
    uint64_t hash = weir_hash(text, length);
    int at = find(names, text, length, hash);
    if (at >= 0)
        return at;
    if (names->n >= names->maximum)
        return WEIR_EAGAIN;
    if (names->n == names->capacity && grow(names))
        return WEIR_ENOMEM;
    char *copy = malloc(length + 1);
    if (!copy)
        return WEIR_ENOMEM;
    if (length)
        memcpy(copy, text, length);
    copy[length] = 0;
    names->texts[names->n] = copy;
    names->hashes[names->n] = hash;
    place(names, names->n);
    return (int)names->n++;
}

int weir_names_save(const struct weir_names *names, struct weir_buffer *out)
{
    weir_put_long(out, names->n);
    for (uint32_t i = 0; i < names->n; i++)
        weir_put_string(out, names->texts[i]);
    return out->failed ? WEIR_ENOMEM : 0;
}

int weir_names_restore(struct weir_names *names, struct weir_reader *in)
{
    size_t n = weir_get_count(in, names->maximum);
    for (size_t i = 0; i < n && !in->failed; i++) {
        size_t length = 0;
        const uint8_t *text = weir_get_bytes(in, &length);
        if (in->failed)
            break;
        int at = weir_names_add(names, (const char *)text, length);
        if (at == WEIR_ENOMEM)
            return at;
        if (at != (int)i) // twice, or too long: not what was saved
            return WEIR_ECORRUPT;
    }
    return in->failed ? WEIR_ECORRUPT : 0;
}
