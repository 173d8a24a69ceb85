// SPDX-License-Identifier: Apache-2.0
#include "stats/look.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BIT(look) ((uint64_t)1 << (look))

static const int64_t DAY = 86400000;

// Locale-free classes of ASCII.
static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static int is_letter(char c)
{
    return is_upper(c) || (c >= 'a' && c <= 'z');
}

static char lower(char c)
{
    return is_upper(c) ? (char)(c - 'A' + 'a') : c;
}

static int is_hex(char c)
{
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f');
}

// What a string is made of.
struct make {
    size_t digits, letters, uppers, spaces, others, groups; // groups: runs of digits
};

static struct make look(const char *text, size_t length)
{
    struct make make = {0};
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (is_digit(c)) {
            make.digits++;
            make.groups += !i || !is_digit(text[i - 1]);
        } else if (is_letter(c)) {
            make.letters++;
            make.uppers += (size_t)is_upper(c);
        } else if (c == ' ') {
            make.spaces++;
        } else {
            make.others++;
        }
    }
    return make;
}

// A text against a shape: 9 a digit, A a letter, anything else itself.
static int has_shape(const char *text, size_t length, const char *shape)
{
    if (strlen(shape) != length)
        return 0;
    for (size_t i = 0; i < length; i++) {
        int fits = shape[i] == '9'   ? is_digit(text[i])
                   : shape[i] == 'A' ? is_letter(text[i])
                                     : text[i] == shape[i];
        if (!fits)
            return 0;
    }
    return 1;
}

static int is_uuid(const char *text, size_t length)
{
    if (length == 38 && text[0] == '{' && text[37] == '}') {
        text++;
        length -= 2;
    }
    if (length != 36)
        return 0;
    for (size_t i = 0; i < length; i++) {
        int dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !is_hex(text[i]))
            return 0;
    }
    return 1;
}

static int is_hash(const char *text, size_t length)
{
    int letters = 0;
    if (length != 32 && length != 40 && length != 56 && length != 64 && length != 96 &&
        length != 128)
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (!is_hex(text[i]))
            return 0;
        letters |= is_letter(text[i]);
    }
    return letters;
}

static int is_address_char(char c)
{
    return is_letter(c) || is_digit(c) || (c && strchr("._%+-'", c)) || (unsigned char)c >= 128;
}

// The length of an address whose @ is at `at`, with a start; 0: none.
static size_t email_around(const char *text, size_t length, size_t at, size_t *start)
{
    size_t from = at, to = at + 1, dot = 0;
    while (from && is_address_char(text[from - 1]))
        from--;
    for (; to < length && (is_letter(text[to]) || is_digit(text[to]) || text[to] == '-' ||
                           text[to] == '.' || (unsigned char)text[to] >= 128);
         to++) {
        if (text[to] == '.' && to > at + 1)
            dot = to;
    }
    *start = from;
    return from < at && dot && to - dot >= 3 ? to - from : 0;
}

static uint64_t email_bits(const char *text, size_t length)
{
    const char *at = memchr(text, '@', length);
    size_t start, found = at ? email_around(text, length, (size_t)(at - text), &start) : 0;
    if (!found)
        return 0;
    return BIT(WEIR_LOOK_HAS_EMAIL) | (found == length ? BIT(WEIR_LOOK_EMAIL) : 0);
}

static int is_url(const char *text, size_t length)
{
    if (length > 4 && !strncmp(text, "www.", 4))
        return 1;
    size_t i = 0;
    while (i < length && i < 16 &&
           (is_letter(text[i]) || (i && (is_digit(text[i]) || text[i] == '+' || text[i] == '-'))))
        i++;
    return i >= 2 && i + 3 < length && !strncmp(text + i, "://", 3) && !memchr(text, ' ', length);
}

static int is_ipv4(const char *text, size_t length)
{
    int parts = 0, value = -1;
    for (size_t i = 0; i <= length; i++) {
        if (i == length || text[i] == '.') {
            if (value < 0 || ++parts > 4)
                return 0;
            value = -1;
        } else if (is_digit(text[i])) {
            value = (value < 0 ? 0 : value * 10) + (text[i] - '0');
            if (value > 255)
                return 0;
        } else {
            return 0;
        }
    }
    return parts == 4;
}

static int is_ipv6(const char *text, size_t length)
{
    int colons = 0, run = 0, doubled = 0;
    if (length < 3 || length > 45)
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == ':') {
            doubled += i && text[i - 1] == ':';
            colons++;
            run = 0;
        } else if (!is_hex(text[i]) || ++run > 4) {
            return 0;
        }
    }
    return doubled <= 1 && (doubled ? colons >= 2 && colons <= 7 : colons == 7);
}

static int in_range(const char *text, size_t n, int low, int high)
{
    int value = 0;
    for (size_t i = 0; i < n; i++)
        value = value * 10 + (text[i] - '0');
    return value >= low && value <= high;
}

// The length of the day that a text begins with; 0: none.
static size_t day_at(const char *text, size_t length)
{
    static const char *const year_first[] = {"9999-99-99", "9999/99/99", "9999.99.99"};
    for (size_t i = 0; i < 3 && length >= 10; i++) {
        if (has_shape(text, 10, year_first[i]) && in_range(text, 4, 1000, 9999) &&
            in_range(text + 5, 2, 1, 12) && in_range(text + 8, 2, 1, 31))
            return 10;
    }
    // Day or month first, of one or two digits, then a year of four or two.
    size_t part[3], n = 0, i = 0;
    char mark = 0;
    for (; n < 3 && i < length; n++) {
        size_t from = i;
        while (i < length && is_digit(text[i]))
            i++;
        part[n] = i - from;
        if (!part[n] || (n < 2 && (part[n] > 2 || !in_range(text + from, part[n], 1, 31))))
            return 0;
        if (n == 2)
            break;
        if (i == length || !strchr("/.-", text[i]) || (mark && text[i] != mark))
            return 0;
        mark = text[i++];
    }
    return n == 2 && (part[2] == 4 || (part[2] == 2 && mark == '/')) ? i : 0;
}

static uint64_t date_bits(const char *text, size_t length)
{
    size_t day = day_at(text, length);
    if (!day)
        return has_shape(text, length, "9999-99") && in_range(text, 4, 1000, 2999) &&
                       in_range(text + 5, 2, 1, 12)
                   ? BIT(WEIR_LOOK_DATE)
                   : 0;
    if (day == length)
        return BIT(WEIR_LOOK_DATE);
    if (length >= day + 5 && (text[day] == 'T' || text[day] == ' ') && is_digit(text[day + 1]) &&
        memchr(text + day, ':', length - day))
        return BIT(WEIR_LOOK_DATETIME);
    return 0;
}

static int is_phone(const char *text, size_t length, const struct make *make)
{
    if (make->letters || make->digits < 7 || make->digits > 15 || length > 24)
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(text[i]) && !strchr(i ? " -.()/" : "+(", text[i]))
            return 0;
    }
    return text[0] == '+' || (make->groups >= 3 && make->digits >= 9) ||
           (text[0] == '(' && make->groups >= 2);
}

static int is_balanced_json(const char *text, size_t length)
{
    char open[32];
    size_t depth = 0;
    int quoted = 0;
    if (length < 2 || (text[0] != '{' && text[0] != '['))
        return 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
        } else if (c == '"') {
            quoted = 1;
        } else if (c == '{' || c == '[') {
            if (depth == sizeof open)
                return 1; // deep enough to be nothing else
            open[depth++] = c == '{' ? '}' : ']';
        } else if (c == '}' || c == ']') {
            if (!depth || open[--depth] != c)
                return 0;
            if (!depth)
                return i + 1 == length;
        }
    }
    return 0;
}

static int is_base64(const char *text, size_t length, const struct make *make)
{
    if (length < 16 || length % 4 || make->spaces || !make->uppers ||
        make->uppers == make->letters || !(make->digits || memchr(text, '=', length)))
        return 0;
    size_t end = length - (text[length - 1] == '=') - (text[length - 2] == '=');
    for (size_t i = 0; i < end; i++) {
        if (!is_letter(text[i]) && !is_digit(text[i]) && !strchr("+/-_", text[i]))
            return 0;
    }
    return 1;
}

static int is_postal(const char *text, size_t length)
{
    static const char *const shapes[] = {
        "99999-9999", "99999-999", "999-9999", "99-999",   "9999-999", "AA9 9AA",  "AA99 9AA",
        "A9 9AA",     "A99 9AA",   "A9A 9AA",  "AA9A 9AA", "A9A 9A9",  "A9A9A9",   "9999 AA",
        "9999AA",     "A99999",    "999 99",   "A9A-9A9",  "AA-9999",  "AA-99999",
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (has_shape(text, length, shapes[i]))
            return 1;
    }
    return 0;
}

// The sum that card numbers obey (ISO/IEC 7812, after H. P. Luhn).
static int is_card(const char *text, size_t length, const struct make *make)
{
    int sum = 0, n = 0;
    if (make->digits < 13 || make->digits > 19 || make->letters || length > 23 || text[0] < '3' ||
        text[0] > '6')
        return 0;
    for (size_t i = length; i-- > 0;) {
        if (!is_digit(text[i])) {
            if (text[i] != ' ' && text[i] != '-')
                return 0;
            continue;
        }
        int digit = (text[i] - '0') << (n++ & 1);
        sum += digit > 9 ? digit - 9 : digit;
    }
    return sum % 10 == 0;
}

// ISO 13616: the country and check digits go last, letters count from ten, the rest by 97 is 1.
static int is_iban(const char *text, size_t length)
{
    char plain[34];
    size_t n = 0;
    int rest = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == ' ')
            continue;
        if (n == sizeof plain || !(is_upper(text[i]) || is_digit(text[i])))
            return 0;
        plain[n++] = text[i];
    }
    if (n < 15 || !is_upper(plain[0]) || !is_upper(plain[1]) || !is_digit(plain[2]))
        return 0;
    for (size_t i = 0; i < n; i++) {
        char c = plain[(i + 4) % n];
        rest = is_digit(c) ? (rest * 10 + (c - '0')) % 97 : (rest * 100 + (c - 'A' + 10)) % 97;
    }
    return rest == 1;
}

static int equals_lower(const char *text, size_t length, const char *word)
{
    if (strlen(word) != length)
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (lower(text[i]) != word[i])
            return 0;
    }
    return 1;
}

static int is_boolean(const char *text, size_t length)
{
    static const char *const words[] = {"true", "false", "yes", "no", "t",
                                        "f",    "y",     "n",   "on", "off"};
    for (size_t i = 0; length <= 5 && i < sizeof words / sizeof *words; i++) {
        if (equals_lower(text, length, words[i]))
            return 1;
    }
    return 0;
}

static uint64_t code_bits(const char *text, size_t length)
{
    char upper[8] = {0}, low[8] = {0};
    uint64_t bits = 0;
    if (length < 2 || length > 5)
        return 0;
    for (size_t i = 0; i < length; i++) {
        low[i] = lower(text[i]);
        upper[i] = is_letter(low[i]) ? (char)(low[i] - 'a' + 'A') : low[i];
    }
    if (weir_code_is_country(upper, length))
        bits |= BIT(WEIR_LOOK_COUNTRY);
    if (weir_code_is_currency(upper, length))
        bits |= BIT(WEIR_LOOK_CURRENCY);
    int region =
        length == 5 && (text[2] == '-' || text[2] == '_') && weir_code_is_country(upper + 3, 2);
    if ((length == 2 || region) && weir_code_is_language(low, 2))
        bits |= BIT(WEIR_LOOK_LANGUAGE);
    return bits;
}

static uint64_t word_bits(const char *text, size_t length, const struct make *make)
{
    size_t words = 0;
    for (size_t i = 0; i < length; i++)
        words += text[i] != ' ' && (!i || text[i - 1] == ' ');
    uint64_t bits = make->spaces ? BIT(WEIR_LOOK_SPACES) : 0;
    if (words >= 4)
        bits |= BIT(WEIR_LOOK_SENTENCE);
    if (make->letters && make->digits && !make->spaces)
        bits |= BIT(WEIR_LOOK_CODE);
    if (make->digits == length && length > 1 && text[0] == '0')
        bits |= BIT(WEIR_LOOK_LEADING_ZERO);
    if (make->digits == length && length >= 4 && length <= 6)
        bits |= BIT(WEIR_LOOK_POSTAL_DIGITS);
    return bits;
}

int weir_look_spells_number(const char *text, size_t length, double *value)
{
    char copy[40], *end;
    if (!length || length >= sizeof copy ||
        (text[length - 1] != '.' && !is_digit(text[length - 1])))
        return 0;
    for (size_t i = 0; i < length; i++) { // no hexadecimal, "inf" or leading space, as strtod takes
        if (!is_digit(text[i]) && !strchr("+-.eE", text[i]))
            return 0;
    }
    memcpy(copy, text, length);
    copy[length] = 0;
    *value = strtod(copy, &end);
    return end == copy + length && isfinite(*value);
}

uint64_t weir_look_of_text(const char *text, size_t length, int64_t event_time)
{
    uint64_t bits = BIT(WEIR_LOOK_TEXT);
    double value;
    if (!length)
        return bits;
    struct make make = look(text, length);
    bits |= word_bits(text, length, &make);
    if (weir_look_spells_number(text, length, &value))
        bits |= weir_look_of_number(value, event_time);
    if (is_uuid(text, length))
        return bits | BIT(WEIR_LOOK_UUID);
    if (is_hash(text, length))
        return bits | BIT(WEIR_LOOK_HASH);
    if (is_url(text, length))
        return bits | BIT(WEIR_LOOK_URL);
    if (is_ipv4(text, length) || is_ipv6(text, length))
        return bits | BIT(WEIR_LOOK_IP);
    uint64_t date = date_bits(text, length);
    if (date)
        return bits | date;
    bits |= email_bits(text, length) | code_bits(text, length);
    if (is_postal(text, length))
        bits |= BIT(WEIR_LOOK_POSTAL);
    else if (is_card(text, length, &make))
        bits |= BIT(WEIR_LOOK_CARD);
    else if (is_iban(text, length))
        bits |= BIT(WEIR_LOOK_IBAN);
    else if (is_phone(text, length, &make))
        bits |= BIT(WEIR_LOOK_PHONE);
    if (is_boolean(text, length))
        bits |= BIT(WEIR_LOOK_BOOLEAN);
    if (is_balanced_json(text, length))
        bits |= BIT(WEIR_LOOK_JSON);
    else if (is_base64(text, length, &make))
        bits |= BIT(WEIR_LOOK_BASE64);
    return bits;
}

// ---- numbers

static uint64_t epoch_bits(double value, int64_t event_time)
{
    static const double to_ms[] = {1e3, 1, 1e-3, 1e-6};
    const double from = 946684800e3, to = 2208988800e3; // 2000 and 2040 in ms
    uint64_t bits = 0;
    for (int i = 0; i < 4; i++) {
        double ms = value * to_ms[i], apart = fabs(ms - (double)event_time);
        if (!(ms >= from && ms < to))
            continue;
        bits |= BIT(WEIR_LOOK_SECONDS + i);
        if (apart <= 400.0 * (double)DAY)
            bits |= BIT(WEIR_LOOK_NEAR_EVENT);
        if (apart <= (double)DAY)
            bits |= BIT(WEIR_LOOK_WITHIN_DAY);
    }
    return bits;
}

static int is_day_number(double value)
{
    int64_t n = value > 0 && value < 1e8 ? (int64_t)value : 0;
    return n >= 19000101 && n <= 20991231 && n / 100 % 100 >= 1 && n / 100 % 100 <= 12 &&
           n % 100 >= 1 && n % 100 <= 31;
}

// Whether `value` times `scale` is whole, but for what a double cannot hold.
static int is_whole_times(double value, double scale)
{
    double scaled = value * scale;
    return fabs(scaled - nearbyint(scaled)) <= 1e-9 * fmax(1, fabs(scaled));
}

uint64_t weir_look_of_number(double value, int64_t event_time)
{
    uint64_t bits = BIT(WEIR_LOOK_NUMBER);
    if (!isfinite(value))
        return bits;
    int whole = value == nearbyint(value);
    bits |= whole                        ? BIT(WEIR_LOOK_INTEGER)
            : is_whole_times(value, 100) ? BIT(WEIR_LOOK_CENTS)
                                         : BIT(WEIR_LOOK_FINE);
    bits |= value < 0 ? BIT(WEIR_LOOK_NEGATIVE) : 0;
    bits |= value == 0 ? BIT(WEIR_LOOK_ZERO) : 0;
    bits |= value == 1 ? BIT(WEIR_LOOK_ONE) : 0;
    bits |= value >= 0 && value <= 1 ? BIT(WEIR_LOOK_UNIT) : 0;
    bits |= value >= 0 && value <= 100 ? BIT(WEIR_LOOK_HUNDRED) : 0;
    bits |= fabs(value) <= 90 ? BIT(WEIR_LOOK_LATITUDE) : 0;
    bits |= fabs(value) <= 180 ? BIT(WEIR_LOOK_LONGITUDE) : 0;
    bits |= value >= 0 && value <= 120 ? BIT(WEIR_LOOK_AGE) : 0;
    if (whole && value != 0 && fmod(value, 10) == 0)
        bits |= BIT(WEIR_LOOK_ROUND);
    if (whole && value >= 1000 && value < 1e6)
        bits |= BIT(WEIR_LOOK_POSTAL_DIGITS);
    if (whole && is_day_number(value))
        bits |= BIT(WEIR_LOOK_DAY_NUMBER);
    return bits | epoch_bits(value, event_time);
}

// The Luhn sum of a whole number, whose digits are those it is printed with.
static int is_card_number(int64_t value)
{
    int sum = 0, n = 0;
    int64_t left = value;
    if (value < 3000000000000 || value > 6999999999999999999)
        return 0;
    for (; left; left /= 10, n++) {
        int digit = (int)(left % 10) << (n & 1);
        sum += digit > 9 ? digit - 9 : digit;
        if (left < 10 && (left < 3 || left > 6))
            return 0;
    }
    return sum % 10 == 0;
}

uint64_t weir_look_of_long(int64_t value, int64_t event_time)
{
    uint64_t bits = weir_look_of_number((double)value, event_time);
    return bits | (is_card_number(value) ? BIT(WEIR_LOOK_CARD) : 0);
}
