// SPDX-License-Identifier: Apache-2.0
#include "consumer/profile/joint.h"

#include <stdlib.h>
#include <string.h>

#include "stats/depends.h"

enum { FIELDS = 256 };

struct pair { // one that was found, under test
    struct weir_depends *what;
    int by, index; // in the stream
    uint64_t rows, wrong;
};

struct joint_field {
    const struct weir_field *info;
    int index;      // in the stream
    size_t place;   // in the profile
    uint64_t *hash; // of the sample, by slot
};

struct weir_joint {
    struct joint_field *fields;
    size_t n;
    size_t rows, filled;
    struct weir_profile *profile;
    struct pair *pairs; // from find() on
    size_t n_pairs;
};

void weir_joint_destroy(struct weir_joint *joint)
{
    if (!joint)
        return;
    for (size_t i = 0; joint->fields && i < joint->n; i++)
        free(joint->fields[i].hash);
    free(joint->fields);
    free(joint->pairs);
    free(joint);
}

int weir_joint_create(const struct weir_stream *stream, size_t rows, struct weir_joint **out)
{
    struct weir_joint *joint = calloc(1, sizeof *joint);
    if (!joint)
        return WEIR_ENOMEM;
    joint->rows = rows;
    joint->fields = calloc(FIELDS, sizeof *joint->fields);
    int code = joint->fields ? 0 : WEIR_ENOMEM;
    for (size_t i = 0, place = 0; i < stream->n_fields && joint->n < FIELDS && !code; i++) {
        const struct weir_field *info = &stream->fields[i];
        if (info->type == WEIR_TYPE_UNKNOWN)
            continue;
        size_t at = place++;
        if (info->is_list || info->role == WEIR_ROLE_TIME)
            continue;
        struct joint_field *field = &joint->fields[joint->n++];
        *field = (struct joint_field){info, (int)i, at, calloc(rows, sizeof *field->hash)};
        code = field->hash ? 0 : WEIR_ENOMEM;
    }
    if (code)
        weir_joint_destroy(joint);
    else
        *out = joint;
    return code;
}

void weir_joint_sample(struct weir_joint *joint, const struct weir_batch *batch,
                       const uint32_t *rows, const int64_t *slots, size_t n)
{
    for (size_t f = 0; f < joint->n; f++) {
        const struct joint_field *field = &joint->fields[f];
        for (size_t k = 0; k < n; k++)
            field->hash[slots[k]] = weir_depends_hash(&batch->columns[field->index], rows[k]);
    }
}

// Names, codes and keys say what others are; measurements and what a model made of them do not.
static int may_say(const struct weir_field *info)
{
    return info->type != WEIR_TYPE_DOUBLE && info->role != WEIR_ROLE_SCORE &&
           info->role != WEIR_ROLE_PREDICTION && info->role != WEIR_ROLE_LABEL;
}

static int index_of(const struct weir_joint *joint, const char *name)
{
    size_t f = 0;
    while (strcmp(joint->fields[f].info->name, name))
        f++;
    return joint->fields[f].index;
}

// The habits own what was found; the pairs are for the second pass.
static int take(struct weir_joint *joint, struct weir_depends_field *found)
{
    joint->pairs = calloc(joint->n * WEIR_DEPENDS_BY + 1, sizeof *joint->pairs);
    for (size_t f = 0; f < joint->n; f++) {
        struct weir_habits *habits = joint->profile->fields[joint->fields[f].place].habits;
        habits->by = found[f].by;
        habits->n_by = found[f].n_by;
        for (size_t i = 0; joint->pairs && i < habits->n_by; i++)
            joint->pairs[joint->n_pairs++] = (struct pair){
                &habits->by[i], index_of(joint, habits->by[i].by), joint->fields[f].index, 0, 0};
    }
    return joint->pairs ? 0 : WEIR_ENOMEM;
}

int weir_joint_find(struct weir_joint *joint, size_t n, struct weir_profile *profile)
{
    struct weir_depends_field *fields = calloc(joint->n + 1, sizeof *fields);
    if (!fields)
        return WEIR_ENOMEM;
    joint->filled = n;
    joint->profile = profile;
    for (size_t f = 0; f < joint->n; f++) {
        const struct joint_field *field = &joint->fields[f];
        fields[f] = (struct weir_depends_field){.name = field->info->name,
                                                .type = field->info->type,
                                                .hash = field->hash,
                                                .may_say = may_say(field->info)};
    }
    int code = weir_depends_find(fields, joint->n, n);
    int taken = take(joint, fields);
    free(fields);
    return code ? code : taken;
}

void weir_joint_check(struct weir_joint *joint, const struct weir_batch *batch,
                      const uint32_t *rows, size_t n)
{
    if (joint->profile->rows == joint->filled)
        return; // the sample was all there is
    for (size_t p = 0; p < joint->n_pairs; p++) {
        struct pair *pair = &joint->pairs[p];
        const struct weir_column *by = &batch->columns[pair->by];
        const struct weir_column *column = &batch->columns[pair->index];
        for (size_t r = 0; r < n; r++) {
            uint32_t row = rows ? rows[r] : (uint32_t)r;
            uint64_t key = weir_depends_hash(by, row), value = weir_depends_hash(column, row);
            uint64_t wanted = key && value ? weir_depends_value(pair->what, key) : 0;
            pair->rows += wanted != 0;
            if (wanted && wanted != value) {
                weir_depends_forget(pair->what, key);
                pair->wrong++;
            }
        }
    }
}

void weir_joint_finish(struct weir_joint *joint)
{
    for (size_t f = 0; f < joint->n; f++) {
        struct weir_habits *habits = joint->profile->fields[joint->fields[f].place].habits;
        size_t kept = 0;
        for (size_t i = 0; i < habits->n_by; i++) {
            const struct pair *pair = joint->pairs;
            while (pair->what != &habits->by[i])
                pair++;
            int good = (double)pair->wrong <= WEIR_DEPENDS_WRONG * (double)pair->rows;
            if (!good) {
                weir_depends_clear(&habits->by[i]);
                continue;
            }
            weir_depends_pack(&habits->by[i]);
            struct weir_depends swap = habits->by[kept];
            habits->by[kept++] = habits->by[i];
            if (kept - 1 != i)
                habits->by[i] = swap;
        }
        habits->n_by = kept;
        if (!kept) {
            free(habits->by);
            habits->by = NULL;
        }
    }
}
