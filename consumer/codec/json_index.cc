// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/json_index.h"

#include <memory>
#include <new>

#include <simdjson.h>

struct weir_json_index {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
};

extern "C" {

struct weir_json_index *weir_json_index_create(void)
{
    return new (std::nothrow) weir_json_index;
}

void weir_json_index_destroy(struct weir_json_index *index)
{
    delete index;
}

static simdjson::error_code grow(struct weir_json_index *index, size_t length)
{
    size_t capacity = 4096;
    while (capacity < length)
        capacity *= 2;
    if (!index->parser)
        return simdjson::get_active_implementation()->create_dom_parser_implementation(
            capacity, 1, index->parser);
    return index->parser->allocate(capacity, 1);
}

static const char *sentence(simdjson::error_code error)
{
    switch (error) {
    case simdjson::UTF8_ERROR:
        return "not valid UTF-8";
    case simdjson::UNCLOSED_STRING:
        return "a string does not end";
    case simdjson::UNESCAPED_CHARS:
        return "a control character within a string";
    case simdjson::EMPTY:
        return "nothing but white space";
    case simdjson::MEMALLOC:
        return "memory is out";
    case simdjson::CAPACITY:
        return "too long";
    default:
        return "not JSON";
    }
}

const char *weir_json_index_run(struct weir_json_index *index, const char *text, size_t length,
                                const uint32_t **positions, uint32_t *n)
{
    // Positions are 32 bits wide.
    if (length > simdjson::SIMDJSON_MAXSIZE_BYTES - 4096)
        return "too long";
    simdjson::error_code error = simdjson::SUCCESS;
    if (!index->parser || index->parser->capacity() < length)
        error = grow(index, length);
    if (!error)
        error = index->parser->stage1(reinterpret_cast<const uint8_t *>(text), length,
                                      simdjson::stage1_mode::regular);
    if (error)
        return sentence(error);
    *n = index->parser->n_structural_indexes;
    // There is room for three more: simdjson's own second stage needs them too.
    index->parser->structural_indexes[*n] = static_cast<uint32_t>(length);
    *positions = index->parser->structural_indexes.get();
    return nullptr;
}
}
