// SPDX-License-Identifier: Apache-2.0
// What one value looks like: the formats that a string follows, the bands that a number lies in.
// Pure functions of the bytes; nothing is looked up and no locale is asked.
#ifndef WEIR_STATS_LOOK_H
#define WEIR_STATS_LOOK_H

#include <stddef.h>
#include <stdint.h>

// Bits of a mask: a value has as many as hold.
enum weir_look {
    WEIR_LOOK_TEXT,     // it is a string
    WEIR_LOOK_NUMBER,   // a number, or a string that spells one in decimal
    WEIR_LOOK_UUID,     // RFC 9562, 8-4-4-4-12, with or without braces
    WEIR_LOOK_HASH,     // 32, 40, 56, 64, 96 or 128 hexadecimal digits
    WEIR_LOOK_EMAIL,    // local@domain.tld
    WEIR_LOOK_PHONE,    // 7 to 15 digits, led by '+' or grouped by spaces, '-', '.', '()'
    WEIR_LOOK_URL,      // scheme://..., or www....
    WEIR_LOOK_IP,       // IPv4 in dotted form, IPv6
    WEIR_LOOK_DATE,     // a day: 2026-03-14, 2026/03/14, 14.03.2026, 3/14/2026
    WEIR_LOOK_DATETIME, // a day with a time of day: RFC 3339 and the like
    WEIR_LOOK_COUNTRY,  // ISO 3166-1, two or three letters
    WEIR_LOOK_CURRENCY, // ISO 4217, three letters
    WEIR_LOOK_LANGUAGE, // ISO 639-1, also with a region: en, pt-BR, zh_CN
    WEIR_LOOK_BOOLEAN,  // true, false, yes, no, t, f, y, n, on, off in any case
    WEIR_LOOK_JSON,     // an object or a list whose brackets and quotes are balanced
    WEIR_LOOK_BASE64,   // 16 characters and more, and more than letters of one case
    WEIR_LOOK_POSTAL,   // of a shape that only postal codes have: 90210-1234, SW1A 1AA, K1A 0B1
    WEIR_LOOK_POSTAL_DIGITS, // 4 to 6 digits, which much else has too
    WEIR_LOOK_CARD,          // 13 to 19 digits whose Luhn sum holds, with a known first digit
    WEIR_LOOK_IBAN,          // ISO 13616, whose check digits hold
    WEIR_LOOK_SPACES,        // it has a space
    WEIR_LOOK_SENTENCE,      // four words or more
    WEIR_LOOK_CODE,          // letters and digits mixed in one word: "tx-00123"
    WEIR_LOOK_HAS_EMAIL,     // an e-mail address stands somewhere in it
    WEIR_LOOK_LEADING_ZERO,  // digits, the first of several a 0
    // of numbers
    WEIR_LOOK_INTEGER,
    WEIR_LOOK_NEGATIVE,
    WEIR_LOOK_ZERO,
    WEIR_LOOK_ONE,
    WEIR_LOOK_UNIT,      // in [0, 1]
    WEIR_LOOK_HUNDRED,   // in [0, 100]
    WEIR_LOOK_LATITUDE,  // in [-90, 90]
    WEIR_LOOK_LONGITUDE, // in [-180, 180]
    WEIR_LOOK_AGE,       // in [0, 120]
    WEIR_LOOK_CENTS,     // one or two decimals
    WEIR_LOOK_FINE,      // more than two decimals
    WEIR_LOOK_ROUND,     // a multiple of ten, not 0
    WEIR_LOOK_SECONDS,   // read as this unit since 1970 it is between 2000 and 2040
    WEIR_LOOK_MILLIS,
    WEIR_LOOK_MICROS,
    WEIR_LOOK_NANOS,
    WEIR_LOOK_DAY_NUMBER, // 20260314
    WEIR_LOOK_NEAR_EVENT, // read in one of those units it is within 400 days of the event time
    WEIR_LOOK_WITHIN_DAY, // the same, within a day
    WEIR_LOOKS
};

// Masks of 1 << enum weir_look. `event_time` in epoch ms.
uint64_t weir_look_of_text(const char *text, size_t length, int64_t event_time);
uint64_t weir_look_of_number(double value, int64_t event_time);
uint64_t weir_look_of_long(int64_t value, int64_t event_time);
// The number that a whole string spells, plain or with an exponent. 0: none.
int weir_look_spells_number(const char *text, size_t length, double *value);

// Lists of codes, letters in upper case (languages: lower). 1: it is one of them.
int weir_code_is_country(const char *text, size_t length);
int weir_code_is_currency(const char *text, size_t length);
int weir_code_is_language(const char *text, size_t length);

#endif
