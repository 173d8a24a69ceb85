// SPDX-License-Identifier: Apache-2.0
#include "detectors/semantics/semantics.h"

#include <stdlib.h>

#include "stats/meaning.h"

static const struct weir_option options[] = {
    {"records", WEIR_OPTION_INTEGER, "200", 20, 1e12, NULL, "values",
     "A field is judged when so many of its values were looked at, over as many windows as that "
     "takes.",
     0},
    {"margin", WEIR_OPTION_NUMBER, "6", 1, 100, NULL, "nats",
     "By how much another meaning must be likelier than all that the annotation allows.", 0},
    {"personal_data", WEIR_OPTION_BOOLEAN, "true", 0, 0, NULL, NULL,
     "Report personal data in fields whose annotation says nothing of it.", 0},
    {0}};

static const char *const kinds[] = {"semantics.mismatch", "semantics.personal_data", NULL};

static void destroy(void *instance)
{
    struct semantics *semantics = instance;
    if (semantics)
        free(semantics->fields);
    free(semantics);
}

static int is_wanted(const struct weir_detector_config *config, int index)
{
    for (size_t i = 0; config->fields_given && i < config->n_fields; i++) {
        if (config->fields[i] == index)
            return 1;
    }
    return !config->fields_given;
}

static int create(const struct weir_detector_config *config, const struct weir_setup *setup,
                  void **instance, struct weir_error *error)
{
    const struct weir_option_value *values = config->options;
    struct semantics *semantics = calloc(1, sizeof *semantics);
    size_t room = config->stream->n_fields;
    (void)setup;
    if (semantics)
        semantics->fields = calloc(room ? room : 1, sizeof *semantics->fields);
    if (!semantics || !semantics->fields) {
        destroy(semantics);
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory for it", config->name);
    }
    semantics->stream = config->stream;
    semantics->records = (uint64_t)values[SEMANTICS_OPTION_RECORDS].integer;
    semantics->margin = values[SEMANTICS_OPTION_MARGIN].number;
    semantics->personal_data = values[SEMANTICS_OPTION_PERSONAL_DATA].integer != 0;
    for (size_t i = 0; i < room; i++) {
        const struct weir_field *field = &config->stream->fields[i];
        uint64_t meanings = field->semantic ? weir_meaning_of_annotation(field->semantic) : 0;
        if (meanings && is_wanted(config, (int)i))
            semantics->fields[semantics->n_fields++] =
                (struct semantics_field){(int)i, field, meanings};
    }
    *instance = semantics;
    return 0;
}

WEIR_PLUGIN = {
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .size = sizeof(struct weir_plugin),
    .name = "semantics",
    .version = WEIR_VERSION,
    .description = "Fields that do not hold what their annotation says: an id read as a time",
    .options = options,
    .kinds = kinds,
    .state_version = 1,
    .create = create,
    .destroy = destroy,
    .edge_create = semantics_edge_create,
    .edge_destroy = semantics_edge_destroy,
    .edge_observe = semantics_edge_observe,
    .edge_close = semantics_edge_close,
    .edge_save = semantics_edge_save,
    .edge_restore = semantics_edge_restore,
    .owner_create = semantics_owner_create,
    .owner_destroy = semantics_owner_destroy,
    .owner_window = semantics_owner_window,
    .owner_save = semantics_owner_save,
    .owner_restore = semantics_owner_restore,
};
