// PCRE2 knows the short names of general categories, and all names of scripts and binary properties.
#include "common/text/ecma_property.h"

typedef struct {
    const char *name, *category;
} category_t;

static const category_t categories[] = {
    {"Letter", "L"},
    {"Cased_Letter", "L&"},
    {"LC", "L&"},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Combining_Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Open_Punctuation", "Ps"},
    {"Close_Punctuation", "Pe"},
    {"Initial_Punctuation", "Pi"},
    {"Final_Punctuation", "Pf"},
    {"Other_Punctuation", "Po"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Other", "C"},
    {"Control", "Cc"},
    {"cntrl", "Cc"},
    {"Format", "Cf"},
    {"Surrogate", "Cs"},
    {"Private_Use", "Co"},
    {"Unassigned", "Cn"},
};

static bool
is_name(mst_str_t s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i], low = (char)(c | 0x20);
        if (!((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return s.n > 0;
}

static const char *
category(mst_str_t name)
{
    for (size_t i = 0; i < sizeof categories / sizeof categories[0]; i++) {
        if (mst_str_eq_c(name, categories[i].name))
            return categories[i].category;
    }
    return NULL;
}

const char *
mst_ecma_property(mst_str_t name, mst_str_t *rest, bool *flip)
{
    int64_t equals = mst_str_find(name, MST_STR("="), 0);
    *rest = MST_STR_NULL;
    *flip = false;
    if (equals >= 0) {
        mst_str_t key = mst_str(name.p, (size_t)equals);
        name = mst_str(name.p + equals + 1, name.n - (size_t)equals - 1);
        *rest = name;
        if (!is_name(name))
            return NULL;
        if (mst_str_eq_c(key, "Script") || mst_str_eq_c(key, "sc"))
            return "sc:";
        if (mst_str_eq_c(key, "Script_Extensions") || mst_str_eq_c(key, "scx"))
            return "scx:";
        if (!mst_str_eq_c(key, "General_Category") && !mst_str_eq_c(key, "gc"))
            return NULL;
    }
    *rest = MST_STR_NULL;
    const char *found = category(name);
    if (found != NULL)
        return found;
    *flip = mst_str_eq_c(name, "Assigned");
    if (*flip)
        return "Cn";
    *rest = name;
    return is_name(name) ? "" : NULL;
}
