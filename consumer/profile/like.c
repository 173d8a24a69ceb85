// SPDX-License-Identifier: Apache-2.0
#include "consumer/profile/like.h"

#include <stdlib.h>
#include <string.h>

#include "stats/cells.h"
#include "stats/sort.h"

int weir_profile_like_cells(const struct weir_profile *like, const char *name, enum weir_type type,
                            struct weir_cells **cells, struct weir_error *error)
{
    const struct weir_profile_field *field = like ? weir_profile_find(like, name) : NULL;
    if (!field || field->type != type)
        return WEIR_ENOTFOUND;
    return weir_cells_copy(field->cells, cells, error);
}

int weir_profile_also_take(struct weir_profile_field *field,
                           const struct weir_string_counts *counts)
{
    struct weir_profile_also *also = &field->also;
    const struct weir_cells *cells = field->cells;
    if (!cells->known)
        return 0;
    also->incomplete = counts->overflowed;
    also->hash = malloc((counts->n + 1) * sizeof *also->hash);
    if (!also->hash)
        return WEIR_ENOMEM;
    for (uint32_t i = 0; i < counts->n && !also->incomplete; i++) {
        const struct weir_category *item = &counts->items[i];
        if (item->count && !weir_cells_knows(cells, item->string.hash))
            also->hash[also->n++] = item->string.hash;
    }
    if (also->n)
        weir_sort_hashes(also->hash, also->n);
    return 0;
}

void weir_profile_also_write(const struct weir_profile_also *also, struct weir_buffer *out)
{
    weir_put_long(out, also->incomplete);
    weir_put_long(out, (int64_t)also->n);
    for (size_t i = 0; i < also->n; i++)
        weir_put_fixed64(out, also->hash[i]);
}

int weir_profile_also_read(struct weir_reader *in, struct weir_profile_also *also)
{
    also->incomplete = (int)weir_get_count(in, 1);
    size_t n = weir_get_count(in, weir_reader_left(in) / 8);
    if (in->failed)
        return weir_reader_code(in);
    also->hash = malloc((n + 1) * sizeof *also->hash);
    if (!also->hash)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        also->hash[i] = weir_get_fixed64(in);
        if (i && also->hash[i] <= also->hash[i - 1])
            return WEIR_ECORRUPT;
        also->n = i + 1;
    }
    return weir_reader_code(in);
}
