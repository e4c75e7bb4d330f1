{# A date as typed: ISO, US month/day/year, day.month.year, `Mar 5, 1980`, `5 March 1980`; years of two digits. A month above
   twelve was the day. Null where there is no such day, before 1900, and for 1 January 1900, which forms fill in. #}
{% macro parse_date(text) -%}
    {%- set recent = [] -%}
    {%- for year in range(var('last_short_birth_year_after_2000') + 1) %}{% do recent.append('%02d' % year) %}{% endfor -%}
    {%- set unfinished = '^([0-9]{1,2}[^0-9].*[^0-9]|[a-z].*[^0-9])' -%}
    {#- Each step rewrites one form to year-month-day; what it does not know passes through, and is no date at the end. -#}
    {%- set steps = [
        (unfinished ~ '(' ~ recent | join('|') ~ ')$', '\\1' ~ '20\\2'),
        (unfinished ~ '([0-9]{2})$', '\\1' ~ '19\\2'),
        ('^(1[3-9]|2[0-9]|3[01])[/-]([0-9]{1,2})[/-]([0-9]{4})$', '\\3-\\2-\\1'),
        ('^([0-9]{1,2})[/-]([0-9]{1,2})[/-]([0-9]{4})$', '\\3-\\1-\\2'),
        ('^([0-9]{1,2})[.] ?([0-9]{1,2})[.] ?([0-9]{4})$', '\\3-\\2-\\1'),
        ('^([a-z]{3})[a-z]*[. ]+([0-9]{1,2})(?:st|nd|rd|th)?,? +([0-9]{4})$', '\\3-\\1-\\2'),
        ('^([0-9]{1,2})(?:st|nd|rd|th)?[. -]+([a-z]{3})[a-z]*[., -]+([0-9]{4})$', '\\3-\\2-\\1'),
        ('^([0-9]{4})([0-9]{2})([0-9]{2})$', '\\1-\\2-\\3'),
        ('^([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})([ t].*)?$', '\\1-\\2-\\3'),
    ] -%}
    {%- set date = namespace(sql="lower(trim(" ~ text ~ "))") -%}
    {%- for pattern, replacement in steps -%}
        {%- set date.sql = replace_pattern(date.sql, pattern, replacement) -%}
    {%- endfor -%}
    {%- set months = {
        'jan': '1', 'feb': '2', 'mar': '3', 'apr': '4', 'may': '5', 'jun': '6', 'jul': '7', 'aug': '8', 'sep': '9',
        'oct': '10', 'nov': '11', 'dec': '12',
    } -%}
    {%- set date.sql = replace_words(date.sql, '-', months) -%}
    nullif(
        try_cast({{ extract_pattern(date.sql, '^(?:19|20)[0-9]{2}-[0-9]{1,2}-[0-9]{1,2}$', 0) }} as date),
        date '1900-01-01'
    )
{%- endmacro %}


{# 'f', 'm' or null. #}
{% macro gender_code(gender) -%}
    case
        when lower(trim({{ gender }})) in ('f', 'female', 'w', 'woman', 'frau', 'mrs', 'ms') then 'f'
        when lower(trim({{ gender }})) in ('m', 'male', 'man', 'herr', 'mr') then 'm'
    end
{%- endmacro %}


{# What a name ends in after the family name: jr, sr, ii, iii, iv or null. #}
{% macro name_suffix(name) -%}
    replace(replace(lower({{ extract_pattern("trim(" ~ name ~ ")", '(?i)[ ,]((jr|sr)[.]?|ii|iii|iv)$') }}), '.', ''), ',', '')
{%- endmacro %}


{# A name without its suffix and without a title before it. #}
{% macro bare_name(name) -%}
    {{ trimmed(replace_pattern(replace_pattern("trim(" ~ name ~ ")", '(?i)[ ,]+((jr|sr)[.]?|ii|iii|iv)$', ''), '(?i)^(mr|mrs|ms|miss|dr|prof)[.]? ', '')) }}
{%- endmacro %}


{# Parts of a full name, `First Middle Last` or `Last, First Middle`; a family name keeps its particles (van, de la). One
   word alone is a first name. `part` is first, middle or last. #}
{% macro name_part(full_name, part) -%}
    {%- set particle = '(?:(?:van|von|der|den|de|del|della|di|da|dos|du|la|le|el|al|bin|ibn|st[.]?) )*' -%}
    {%- set direct = '(?i)^(\\S+)(?: (.*?))??(?: (' ~ particle ~ '\\S+))?$' -%}
    {%- set inverted = '^([^,]*), ?(\\S+) ?(.*)$' -%}
    {%- set bare = bare_name(full_name) -%}
    {%- set direct_group = {'first': 1, 'middle': 2, 'last': 3}[part] -%}
    {%- set inverted_group = {'first': 2, 'middle': 3, 'last': 1}[part] -%}
    case
        when {{ bare }} like '%, _%' then {{ extract_pattern(bare, inverted, inverted_group) }}
        else {{ extract_pattern(bare, direct, direct_group) }}
    end
{%- endmacro %}


{# The names of a person from a first and a last name as typed: first_name, middle_name, last_name, name_suffix, full_name. #}
{% macro names_from_parts(first_name, last_name) -%}
    {%- set with_initial = '^(\\S.*) (\\p{L})[.]?$' -%}
    {%- set first = trimmed(first_name) -%}
        coalesce({{ extract_pattern(first, with_initial, 1) }}, {{ first }}) as first_name,
        {{ extract_pattern(first, with_initial, 2) }} as middle_name,
        {{ bare_name(last_name) }} as last_name,
        {{ name_suffix(last_name) }} as name_suffix,
        {{ trimmed("coalesce(" ~ first_name ~ ", '') || ' ' || coalesce(" ~ last_name ~ ", '')") }} as full_name
{%- endmacro %}


{# The same from one full name. #}
{% macro names_from_full(full_name) -%}
        {{ name_part(full_name, 'first') }} as first_name,
        {{ name_part(full_name, 'middle') }} as middle_name,
        {{ name_part(full_name, 'last') }} as last_name,
        {{ name_suffix(full_name) }} as name_suffix,
        {{ trimmed(full_name) }} as full_name
{%- endmacro %}
