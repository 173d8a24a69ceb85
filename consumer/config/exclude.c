// SPDX-License-Identifier: Apache-2.0
// `calibration:` and its `exclude:`
#include <stddef.h>
#include <string.h>

#include "consumer/config/table.h"

enum { MOST = 1000 };

static const struct weir_key keys[] = {{.key = "from",
                                        .type = WEIR_KEY_TIME,
                                        .offset = offsetof(struct weir_stretch, from),
                                        .flags = WEIR_KEY_REQUIRED,
                                        .help = "the start of what was not healthy."},
                                       {.key = "to",
                                        .type = WEIR_KEY_TIME,
                                        .offset = offsetof(struct weir_stretch, to),
                                        .flags = WEIR_KEY_REQUIRED,
                                        .help = "its end, exclusive."},
                                       {.key = NULL}};

// Stretches come by time: then what they take away is their sum.
static void add(struct weir_load *load, struct weir_config *config, struct weir_stretch *stretch,
                const struct weir_node *item, const char *where)
{
    struct weir_stretch *all = (struct weir_stretch *)config->calibration_exclude;
    size_t n = config->n_calibration_exclude;
    if (stretch->to <= stretch->from)
        weir_load_error(load, item->mark, "%s: `to` must be after `from`", where);
    else if (n && stretch->from < all[n - 1].to)
        weir_load_error(load, item->mark, "%s: it begins before the one above ends", where);
    else
        all[config->n_calibration_exclude++] = *stretch;
}

void weir_read_exclude(struct weir_load *load, const struct weir_key *key, struct weir_node *node,
                       void *base, const char *where)
{
    struct weir_config *config = base;
    (void)key;
    if (!node || weir_node_is_null(node))
        return;
    if (node->kind != WEIR_NODE_LIST || node->n > MOST) {
        weir_load_error(load, node->mark, "%s: expected a list of {from: T, to: T}, at most %d",
                        where, MOST);
        return;
    }
    config->calibration_exclude =
        weir_pool_array(load->pool, node->n + 1, sizeof *config->calibration_exclude);
    for (struct weir_node *item = node->first; item; item = item->next) {
        struct weir_stretch stretch = {0};
        weir_table_read(load, keys, item, &stretch, where, NULL);
        if (stretch.from && stretch.to) // else that has been said
            add(load, config, &stretch, item, where);
    }
}

void weir_read_calibration(struct weir_load *load, const struct weir_key *key,
                           struct weir_node *node, void *base, const char *where)
{
    struct weir_config *config = base;
    if (!node || weir_node_is_null(node))
        return;
    if (node->kind == WEIR_NODE_SCALAR) {
        config->calibration_none =
            !weir_table_scalar(load, node, where) && !strcmp(node->text, "none");
        if (!config->calibration_none)
            weir_load_error(load, node->mark, "%s: expected a mapping, or none", where);
        return;
    }
    weir_table_read(load, key->table, node, config, where, NULL);
}
