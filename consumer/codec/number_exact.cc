// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "consumer/codec/number.h"

int weir_number_exact(const char *text, size_t length, double *value)
{
    auto result = std::from_chars(text, text + length, *value);
    return result.ec == std::errc() ? 0 : -1;
}
