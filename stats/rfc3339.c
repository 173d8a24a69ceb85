// SPDX-License-Identifier: Apache-2.0
// RFC 3339 by hand: strptime() knows no fractions and reads the locale.
#include "stats/rfc3339.h"

#include "weir/error.h"

struct text {
    const char *at, *end;
};

// Exactly `n` digits, or -1.
static int digits(struct text *text, int n)
{
    int value = 0;
    if (text->end - text->at < n)
        return -1;
    for (int i = 0; i < n; i++) {
        unsigned digit = (unsigned char)text->at[i] - (unsigned)'0';
        if (digit > 9)
            return -1;
        value = value * 10 + (int)digit;
    }
    text->at += n;
    return value;
}

static int skip(struct text *text, char a, char b)
{
    if (text->at == text->end || (*text->at != a && *text->at != b))
        return 0;
    text->at++;
    return 1;
}

// Days from 1970-01-01 in the proleptic Gregorian calendar. The year is taken to begin in
// March, so that the leap day is its last.
static int64_t days_from_date(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

// Milliseconds of ".123456": further digits are cut off. -1: a point without digits.
static int fraction(struct text *text)
{
    int ms = 0, scale = 100, any = 0;
    if (!skip(text, '.', '.'))
        return 0;
    for (; text->at < text->end; text->at++, any = 1) {
        unsigned digit = (unsigned char)*text->at - (unsigned)'0';
        if (digit > 9)
            break;
        ms += (int)digit * scale;
        scale /= 10;
    }
    return any ? ms : -1;
}

// Minutes east of UTC; "Z", "+02:00", "+0200", "+02", or nothing.
static int zone(struct text *text, int *minutes)
{
    *minutes = 0;
    if (text->at == text->end || skip(text, 'Z', 'z'))
        return 0;
    int west = *text->at == '-';
    if (!skip(text, '+', '-'))
        return -1;
    int hour = digits(text, 2), minute = 0;
    if (skip(text, ':', ':') || text->at != text->end)
        minute = digits(text, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
        return -1;
    *minutes = (west ? -1 : 1) * (hour * 60 + minute);
    return 0;
}

int weir_time_parse(const char *string, size_t length, int64_t *ms)
{
    struct text text = {string, string + length};
    int year = digits(&text, 4);
    if (year < 0 || !skip(&text, '-', '-'))
        return WEIR_EINVAL;
    int month = digits(&text, 2);
    if (month < 1 || month > 12 || !skip(&text, '-', '-'))
        return WEIR_EINVAL;
    int day = digits(&text, 2);
    if (day < 1 || day > days_in_month(year, month))
        return WEIR_EINVAL;
    int64_t days = days_from_date(year, month, day);
    if (text.at == text.end) {
        *ms = days * 86400000;
        return 0;
    }
    if (!skip(&text, 'T', 't') && !skip(&text, ' ', ' '))
        return WEIR_EINVAL;
    int hour = digits(&text, 2);
    if (hour < 0 || hour > 23 || !skip(&text, ':', ':'))
        return WEIR_EINVAL;
    int minute = digits(&text, 2);
    if (minute < 0 || minute > 59 || !skip(&text, ':', ':'))
        return WEIR_EINVAL;
    int second = digits(&text, 2);
    if (second < 0 || second > 60)
        return WEIR_EINVAL;
    int milliseconds = fraction(&text), east;
    if (milliseconds < 0 || zone(&text, &east) || text.at != text.end)
        return WEIR_EINVAL;
    int64_t minutes = days * 1440 + hour * 60 + minute - east;
    // A leap second is the last of a UTC day, and counts as the first of the next.
    if (second == 60 && ((minutes % 1440) + 1440) % 1440 != 1439)
        return WEIR_EINVAL;
    *ms = (minutes * 60 + second) * 1000 + milliseconds;
    return 0;
}

void weir_time_split(int64_t ms, struct weir_time_parts *parts)
{
    int64_t rest = ms % 86400000 + (ms % 86400000 < 0 ? 86400000 : 0);
    int64_t days = ms / 86400000 - (ms % 86400000 < 0);
    // Years that begin in March again, in eras of 400.
    int64_t shifted = days + 719468, era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    parts->day = day_of_year - (153 * month + 2) / 5 + 1;
    parts->month = month < 10 ? month + 3 : month - 9;
    parts->year = year_of_era + era * 400 + (parts->month <= 2);
    parts->weekday = ((days + 3) % 7 + 7) % 7 + 1; // the first day was a Thursday
    parts->hour = rest / 3600000;
    parts->minute = rest / 60000 % 60;
    parts->second = rest / 1000 % 60;
}
