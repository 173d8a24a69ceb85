// SPDX-License-Identifier: Apache-2.0
#include "stats/unit_catalogue.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/error.h"

enum dimension {
    TIME,
    MASS,
    LENGTH,
    AREA,
    VOLUME,
    SPEED,
    TEMPERATURE,
    ANGLE,
    DATA,
    SHARE,
    ENERGY,
    POWER,
    PRESSURE,
    FREQUENCY,
    VOLTAGE,
    MONEY
};

// One unit is `low` to `high` of the dimension's own, `offset` above its zero.
struct unit {
    enum dimension dimension;
    const char *name, *aliases; // separated by spaces
    double low, high, offset;
};

#define EXACT(size) (size), (size), 0
// Of a currency: how many went for a US dollar, from the least to the most in ten years.
#define RATES(least, most) 1 / (double)(most), 1 / (double)(least), 0

static const struct unit units[] = {
    {TIME, "ns", "nanosecond nanoseconds nanos", EXACT(1e-9)},
    {TIME, "us", "microsecond microseconds micros usec", EXACT(1e-6)},
    {TIME, "ms", "millisecond milliseconds millis msec", EXACT(1e-3)},
    {TIME, "s", "second seconds sec secs", EXACT(1)},
    {TIME, "min", "minute minutes mins", EXACT(60)},
    {TIME, "h", "hour hours hr hrs", EXACT(3600)},
    {TIME, "d", "day days", EXACT(86400)},
    {TIME, "weeks", "week w wk", EXACT(604800)},
    {TIME, "months", "month mo", EXACT(2629800)},
    {TIME, "years", "year y yr yrs", EXACT(31557600)},
    {MASS, "mg", "milligram milligrams", EXACT(1e-6)},
    {MASS, "g", "gram grams gramme grammes", EXACT(1e-3)},
    {MASS, "kg", "kilogram kilograms kilo kilos", EXACT(1)},
    {MASS, "t", "tonne tonnes ton tons", EXACT(1000)},
    {MASS, "oz", "ounce ounces", EXACT(0.028349523125)},
    {MASS, "lb", "lbs pound pounds", EXACT(0.45359237)},
    {LENGTH, "um", "micrometre micrometer micron microns", EXACT(1e-6)},
    {LENGTH, "mm", "millimetre millimeter millimetres millimeters", EXACT(1e-3)},
    {LENGTH, "cm", "centimetre centimeter centimetres centimeters", EXACT(1e-2)},
    {LENGTH, "m", "metre meter metres meters", EXACT(1)},
    {LENGTH, "km", "kilometre kilometer kilometres kilometers", EXACT(1000)},
    {LENGTH, "in", "inch inches", EXACT(0.0254)},
    {LENGTH, "ft", "foot feet", EXACT(0.3048)},
    {LENGTH, "yd", "yard yards", EXACT(0.9144)},
    {LENGTH, "mi", "mile miles", EXACT(1609.344)},
    {LENGTH, "nmi", "nautical_mile nautical_miles", EXACT(1852)},
    {AREA, "m2", "sqm square_metre square_meter", EXACT(1)},
    {AREA, "km2", "square_kilometre square_kilometer", EXACT(1e6)},
    {AREA, "ha", "hectare hectares", EXACT(1e4)},
    {AREA, "acre", "acres", EXACT(4046.8564224)},
    {AREA, "ft2", "sqft square_foot square_feet", EXACT(0.09290304)},
    {VOLUME, "ml", "millilitre milliliter", EXACT(1e-3)},
    {VOLUME, "l", "litre liter litres liters", EXACT(1)},
    {VOLUME, "m3", "cubic_metre cubic_meter", EXACT(1000)},
    {VOLUME, "gal", "gallon gallons", EXACT(3.785411784)},
    {SPEED, "m/s", "mps", EXACT(1)},
    {SPEED, "km/h", "kmh kph", EXACT(1 / 3.6)},
    {SPEED, "mph", "mi/h", EXACT(0.44704)},
    {SPEED, "kn", "knot knots kt", EXACT(1852.0 / 3600)},
    {TEMPERATURE, "Celsius",
     "c degc celcius \xc2\xb0"
     "c",
     1, 1, 273.15},
    {TEMPERATURE, "Fahrenheit",
     "f degf \xc2\xb0"
     "f",
     5.0 / 9, 5.0 / 9, 459.67 * 5 / 9},
    {TEMPERATURE, "Kelvin", "k kelvins", EXACT(1)},
    {ANGLE, "degrees", "degree deg \xc2\xb0", EXACT(M_PI / 180)},
    {ANGLE, "radians", "radian rad", EXACT(1)},
    {ANGLE, "gradians", "gon grad", EXACT(M_PI / 200)},
    {ANGLE, "turns", "turn revolution revolutions", EXACT(2 * M_PI)},
    {DATA, "bits", "bit", EXACT(0.125)},
    {DATA, "bytes", "byte b", EXACT(1)},
    {DATA, "kB", "kilobyte kilobytes", EXACT(1e3)},
    {DATA, "MB", "megabyte megabytes", EXACT(1e6)},
    {DATA, "GB", "gigabyte gigabytes", EXACT(1e9)},
    {DATA, "TB", "terabyte terabytes", EXACT(1e12)},
    {DATA, "KiB", "kibibyte kibibytes", EXACT(1024)},
    {DATA, "MiB", "mebibyte mebibytes", EXACT(1048576)},
    {DATA, "GiB", "gibibyte gibibytes", EXACT(1073741824)},
    {DATA, "TiB", "tebibyte tebibytes", EXACT(1099511627776)},
    {SHARE, "fraction", "ratio share probability proportion unitless", EXACT(1)},
    {SHARE, "percent", "% pct percentage", EXACT(0.01)},
    {SHARE, "per mille", "permille per_mille", EXACT(0.001)},
    {SHARE, "basis points", "bps bp basis_points", EXACT(0.0001)},
    {ENERGY, "J", "joule joules", EXACT(1)},
    {ENERGY, "kJ", "kilojoule kilojoules", EXACT(1e3)},
    {ENERGY, "cal", "calorie calories", EXACT(4.184)},
    {ENERGY, "kcal", "kilocalorie kilocalories", EXACT(4184)},
    {ENERGY, "Wh", "watt_hour watt_hours", EXACT(3600)},
    {ENERGY, "kWh", "kilowatt_hour kilowatt_hours", EXACT(3.6e6)},
    {ENERGY, "MWh", "megawatt_hour megawatt_hours", EXACT(3.6e9)},
    {POWER, "W", "watt watts", EXACT(1)},
    {POWER, "kW", "kilowatt kilowatts", EXACT(1e3)},
    {POWER, "MW", "megawatt megawatts", EXACT(1e6)},
    {POWER, "hp", "horsepower", EXACT(745.699872)},
    {PRESSURE, "Pa", "pascal pascals", EXACT(1)},
    {PRESSURE, "hPa", "hectopascal mbar millibar", EXACT(100)},
    {PRESSURE, "kPa", "kilopascal", EXACT(1e3)},
    {PRESSURE, "bar", "bars", EXACT(1e5)},
    {PRESSURE, "psi", "pounds_per_square_inch", EXACT(6894.757293168)},
    {PRESSURE, "mmHg", "torr", EXACT(133.322387415)},
    {PRESSURE, "atm", "atmosphere atmospheres", EXACT(101325)},
    {FREQUENCY, "Hz", "hertz", EXACT(1)},
    {FREQUENCY, "kHz", "kilohertz", EXACT(1e3)},
    {FREQUENCY, "MHz", "megahertz", EXACT(1e6)},
    {FREQUENCY, "GHz", "gigahertz", EXACT(1e9)},
    {FREQUENCY, "rpm", "per_minute", EXACT(1 / 60.0)},
    {VOLTAGE, "mV", "millivolt millivolts", EXACT(1e-3)},
    {VOLTAGE, "V", "volt volts", EXACT(1)},
    {VOLTAGE, "kV", "kilovolt kilovolts", EXACT(1e3)},
    {MONEY, "USD", "dollar dollars usdollar $", EXACT(1)},
    {MONEY, "US cents", "cent cents usc us_cents usd_cents", EXACT(0.01)},
    {MONEY, "EUR", "euro euros \xe2\x82\xac", RATES(0.80, 1.05)},
    {MONEY, "GBP", "sterling", RATES(0.68, 0.94)},
    {MONEY, "CHF", "", RATES(0.78, 1.04)},
    {MONEY, "CAD", "", RATES(1.2, 1.47)},
    {MONEY, "AUD", "", RATES(1.24, 1.75)},
    {MONEY, "CNY", "rmb yuan", RATES(6.2, 7.4)},
    {MONEY, "HKD", "", RATES(7.74, 7.86)},
    {MONEY, "SEK", "", RATES(7.8, 11.4)},
    {MONEY, "PLN", "zloty", RATES(3.3, 5.05)},
    {MONEY, "BRL", "real reais", RATES(3, 6.3)},
    {MONEY, "MXN", "", RATES(15, 25)},
    {MONEY, "CZK", "", RATES(20, 26.5)},
    {MONEY, "TWD", "", RATES(27, 34)},
    {MONEY, "THB", "baht", RATES(29, 39)},
    {MONEY, "PHP", "", RATES(44, 60)},
    {MONEY, "INR", "rupee rupees", RATES(62, 92)},
    {MONEY, "JPY", "yen \xc2\xa5", RATES(98, 165)},
    {MONEY, "HUF", "forint", RATES(240, 445)},
    {MONEY, "KRW", "won", RATES(1040, 1500)},
    {MONEY, "COP", "", RATES(2500, 5100)},
    {MONEY, "IDR", "rupiah", RATES(12500, 17200)},
    {MONEY, "VND", "dong", RATES(21500, 26800)},
};
enum { UNITS = sizeof units / sizeof *units };

// Changes that happen, for fields of which the unit is not declared; both ways.
static const char *const usual[][2] = {
    {"s", "ms"},
    {"s", "us"},
    {"s", "ns"},
    {"ms", "us"},
    {"ms", "ns"},
    {"us", "ns"},
    {"min", "s"},
    {"h", "min"},
    {"h", "s"},
    {"d", "h"},
    {"d", "s"},
    {"kg", "g"},
    {"g", "mg"},
    {"t", "kg"},
    {"kg", "lb"},
    {"oz", "g"},
    {"m", "mm"},
    {"m", "cm"},
    {"cm", "mm"},
    {"km", "m"},
    {"in", "cm"},
    {"m", "ft"},
    {"mi", "km"},
    {"Celsius", "Fahrenheit"},
    {"Celsius", "Kelvin"},
    {"Fahrenheit", "Kelvin"},
    {"radians", "degrees"},
    {"bytes", "bits"},
    {"kB", "bytes"},
    {"MB", "bytes"},
    {"KiB", "bytes"},
    {"MiB", "bytes"},
    {"GiB", "bytes"},
    {"MiB", "KiB"},
    {"GiB", "MiB"},
    {"fraction", "percent"},
    {"fraction", "basis points"},
    {"percent", "basis points"},
    {"kWh", "Wh"},
    {"kcal", "kJ"},
    {"kW", "W"},
    {"hPa", "Pa"},
    {"kPa", "Pa"},
    {"psi", "kPa"},
    {"m/s", "km/h"},
    {"mph", "km/h"},
    {"kHz", "Hz"},
    {"V", "mV"},
    {"l", "ml"},
    {"gal", "l"},
    {"USD", "US cents"},
    {"USD", "JPY"},
    {"USD", "INR"},
    {"USD", "KRW"},
    {"USD", "CNY"},
    {"USD", "IDR"},
};
enum { USUAL = sizeof usual / sizeof *usual };

// What stands out whatever the field is.
static const struct weir_unit_entry general[] = {
    {"positive",
     "negative (the sign flipped)",
     {WEIR_UNIT_LINEAR, -1, 0},
     -1,
     -1,
     WEIR_UNIT_ANY_FIELD},
    {"units", "hundredths", {WEIR_UNIT_LINEAR, 100, 0}, 100, 100, WEIR_UNIT_ANY_FIELD},
    {"hundredths", "units", {WEIR_UNIT_LINEAR, .01, 0}, .01, .01, WEIR_UNIT_ANY_FIELD},
    {"thousands", "units", {WEIR_UNIT_LINEAR, 1e3, 0}, 1e3, 1e3, WEIR_UNIT_ANY_FIELD},
    {"units", "thousands", {WEIR_UNIT_LINEAR, 1e-3, 0}, 1e-3, 1e-3, WEIR_UNIT_ANY_FIELD},
    {"millions", "units", {WEIR_UNIT_LINEAR, 1e6, 0}, 1e6, 1e6, WEIR_UNIT_ANY_FIELD},
    {"units", "millions", {WEIR_UNIT_LINEAR, 1e-6, 0}, 1e-6, 1e-6, WEIR_UNIT_ANY_FIELD},
    {"billions", "units", {WEIR_UNIT_LINEAR, 1e9, 0}, 1e9, 1e9, WEIR_UNIT_ANY_FIELD},
    {"units", "billions", {WEIR_UNIT_LINEAR, 1e-9, 0}, 1e-9, 1e-9, WEIR_UNIT_ANY_FIELD},
    {"units", "tenths", {WEIR_UNIT_LINEAR, 10, 0}, 10, 10, WEIR_UNIT_GUESS},
    {"tenths", "units", {WEIR_UNIT_LINEAR, .1, 0}, .1, .1, WEIR_UNIT_GUESS},
    {"the value", "its natural logarithm", {WEIR_UNIT_LOG, 1, 0}, 1, 1, WEIR_UNIT_ANY_FIELD},
    {"the value", "log1p of it", {WEIR_UNIT_LOG, 1, 1}, 1, 1, WEIR_UNIT_ANY_FIELD},
    {"the value",
     "its logarithm to base 10",
     {WEIR_UNIT_LOG, 1 / M_LN10, 0},
     1 / M_LN10,
     1 / M_LN10,
     WEIR_UNIT_ANY_FIELD},
    {"the value",
     "its logarithm to base 2",
     {WEIR_UNIT_LOG, 1 / M_LN2, 0},
     1 / M_LN2,
     1 / M_LN2,
     WEIR_UNIT_ANY_FIELD},
    {"a natural logarithm", "the value itself", {WEIR_UNIT_EXP, 1, 0}, 1, 1, WEIR_UNIT_ANY_FIELD},
    {"log1p", "the value itself", {WEIR_UNIT_EXP, 1, 1}, 1, 1, WEIR_UNIT_ANY_FIELD},
    {"a logarithm to base 10",
     "the value itself",
     {WEIR_UNIT_EXP, 1 / M_LN10, 0},
     1 / M_LN10,
     1 / M_LN10,
     WEIR_UNIT_ANY_FIELD},
    {"a logarithm to base 2",
     "the value itself",
     {WEIR_UNIT_EXP, 1 / M_LN2, 0},
     1 / M_LN2,
     1 / M_LN2,
     WEIR_UNIT_ANY_FIELD},
};
enum { GENERAL = sizeof general / sizeof *general };

// Words in a field's name that say what it measures.
static const struct hint {
    enum dimension dimension;
    const char *words;
} hints[] = {
    {MONEY, "amount price cost revenue fee salary income balance payment total spend budget "
            "charge refund money cash wage rent"},
    {TIME, "duration latency elapsed timeout delay seconds interval wait"},
    {TEMPERATURE, "temp temperature"},
    {MASS, "weight mass kg"},
    {LENGTH, "distance length height width depth altitude dist radius"},
    {DATA, "bytes size memory disk storage payload traffic"},
    {SHARE, "rate ratio share percent pct fraction probability prob score utilisation utilization"},
    {ANGLE, "lat latitude lon lng longitude angle heading bearing azimuth"},
    {SPEED, "speed velocity"},
    {PRESSURE, "pressure"},
    {ENERGY, "energy calories"},
    {POWER, "power"},
    {FREQUENCY, "frequency freq"},
    {VOLTAGE, "voltage volt"},
};

// Whether a word of length n is among the words of a list, in any case.
static int is_among(const char *word, size_t n, const char *list)
{
    for (const char *at = list; *at;) {
        size_t length = strcspn(at, " ");
        if (length == n && !strncasecmp(at, word, n))
            return 1;
        at += length;
        at += *at == ' ';
    }
    return 0;
}

static const struct unit *find_unit(const char *name)
{
    size_t length = name ? strlen(name) : 0;
    if (!length)
        return NULL;
    // Case tells a few apart: MB and mb, K and k.
    for (size_t i = 0; i < UNITS; i++)
        if (!strcmp(units[i].name, name))
            return &units[i];
    for (size_t i = 0; i < UNITS; i++)
        if (!strcasecmp(units[i].name, name) || is_among(name, length, units[i].aliases))
            return &units[i];
    return NULL;
}

int weir_unit_is_known(const char *unit)
{
    return find_unit(unit) != NULL;
}

// The dimension that a word of the name speaks of, -1: none. Words are parted by what is no
// letter, and by capitals ("orderAmount").
static int hinted(const char *name)
{
    for (const char *at = name ? name : ""; *at;) {
        size_t n = isalpha((unsigned char)*at) ? 1 : 0;
        while (n && islower((unsigned char)at[n]))
            n++;
        while (n == 1 && isupper((unsigned char)at[0]) && isupper((unsigned char)at[n]))
            at++; // "USDAmount": the last capital begins the word
        for (size_t i = 0; n > 1 && i < sizeof hints / sizeof *hints; i++)
            if (is_among(at, n, hints[i].words))
                return (int)hints[i].dimension;
        at += n ? n : 1;
    }
    return -1;
}

static struct weir_unit_entry between(const struct unit *from, const struct unit *to,
                                      enum weir_unit_scope scope)
{
    double low = from->low / to->high, high = from->high / to->low;
    double a = low < high ? sqrt(low * high) : low;
    double b = (from->offset - to->offset) / to->low;
    return (struct weir_unit_entry){from->name, to->name, {WEIR_UNIT_LINEAR, a, b},
                                    low,        high,     scope};
}

static int same_map(const struct weir_unit_entry *x, const struct weir_unit_entry *y)
{
    double near = 1e-9 * fabs(x->map.a);
    return x->map.form == y->map.form && fabs(x->low - y->low) <= near &&
           fabs(x->high - y->high) <= near && fabs(x->map.b - y->map.b) <= 1e-6;
}

// Behind an entry with the same map, so that equals stand together.
static void add(struct weir_unit_catalogue *catalogue, const struct weir_unit_entry *entry)
{
    size_t at = catalogue->n;
    for (size_t i = 0; i < catalogue->n; i++)
        if (same_map(&catalogue->entries[i], entry))
            at = i + 1;
    memmove(&catalogue->entries[at + 1], &catalogue->entries[at],
            (catalogue->n - at) * sizeof *catalogue->entries);
    catalogue->entries[at] = *entry;
    catalogue->n++;
}

static void add_declared(struct weir_unit_catalogue *catalogue, const struct unit *from)
{
    for (size_t i = 0; i < UNITS; i++) {
        if (units[i].dimension != from->dimension || &units[i] == from)
            continue;
        struct weir_unit_entry entry = between(from, &units[i], WEIR_UNIT_DECLARED);
        add(catalogue, &entry);
    }
    // Amounts are kept in hundredths, too.
    static const struct weir_unit_entry minor = {
        "whole units", "hundredths (cents)", {WEIR_UNIT_LINEAR, 100, 0}, 100,
        100,           WEIR_UNIT_DECLARED};
    if (from->dimension == MONEY && strcmp(from->name, "USD") && strcmp(from->name, "US cents"))
        add(catalogue, &minor);
}

// Those of the dimension that the name speaks of; all where it speaks of none.
static void add_usual(struct weir_unit_catalogue *catalogue, int dimension)
{
    for (size_t i = 0; i < 2 * USUAL; i++) {
        const struct unit *from = find_unit(usual[i / 2][i % 2]);
        const struct unit *to = find_unit(usual[i / 2][1 - i % 2]);
        if (!from || !to || (dimension >= 0 && (int)from->dimension != dimension))
            continue;
        struct weir_unit_entry entry =
            between(from, to, dimension < 0 ? WEIR_UNIT_GUESS : WEIR_UNIT_HINTED);
        add(catalogue, &entry);
    }
}

static int has_map(const struct weir_unit_catalogue *catalogue, const struct weir_unit_entry *entry)
{
    for (size_t i = 0; i < catalogue->n; i++)
        if (same_map(&catalogue->entries[i], entry))
            return 1;
    return 0;
}

// A general one that has a better name already only lends it its scope.
static void add_general(struct weir_unit_catalogue *catalogue)
{
    for (size_t k = 0; k < GENERAL; k++) {
        if (!has_map(catalogue, &general[k])) {
            add(catalogue, &general[k]);
            continue;
        }
        for (size_t i = 0; i < catalogue->n; i++)
            if (same_map(&catalogue->entries[i], &general[k]) &&
                catalogue->entries[i].scope != WEIR_UNIT_DECLARED)
                catalogue->entries[i].scope = general[k].scope;
    }
}

int weir_unit_catalogue_make(const char *unit, const char *name,
                             struct weir_unit_catalogue *catalogue)
{
    struct weir_unit_catalogue made = {
        malloc((UNITS + 2 * USUAL + GENERAL + 2) * sizeof *made.entries), 0};
    if (!made.entries)
        return WEIR_ENOMEM;
    const struct unit *declared = find_unit(unit);
    if (declared)
        add_declared(&made, declared);
    else if (!unit || !*unit)
        add_usual(&made, hinted(name));
    add_general(&made);
    *catalogue = made;
    return 0;
}

void weir_unit_catalogue_free(struct weir_unit_catalogue *catalogue)
{
    free(catalogue->entries);
    memset(catalogue, 0, sizeof *catalogue);
}
