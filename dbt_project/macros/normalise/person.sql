{# A date as typed: ISO, US month/day/year, day.month.year, `Mar 5, 1980`, `5 March 1980`; years of two digits. A month above
   twelve was the day. Null where there is no such day, before 1900, and for 1 January 1900, which forms fill in. #}
{% macro parse_date(text) -%}
    {%- set months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] -%}
    {%- set typed = "lower(trim(" ~ text ~ "))" -%}
    {%- set iso = '^((?:19|20)[0-9]{2})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})([ t].*)?$' -%}
    {%- set compact = '^((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})$' -%}
    {%- set month_first = '^([0-9]{1,2})[/-]([0-9]{1,2})[/-]((?:19|20)[0-9]{2}|[0-9]{2})$' -%}
    {%- set day_first = '^([0-9]{1,2})[.] ?([0-9]{1,2})[.] ?((?:19|20)[0-9]{2}|[0-9]{2})$' -%}
    {%- set named_first = '^([a-z]{3})[a-z]*[. ]+([0-9]{1,2})(?:st|nd|rd|th)?,? +((?:19|20)[0-9]{2}|[0-9]{2})$' -%}
    {%- set named_second = '^([0-9]{1,2})(?:st|nd|rd|th)?[. -]+([a-z]{3})[a-z]*[., -]+((?:19|20)[0-9]{2}|[0-9]{2})$' -%}
    {%- set forms = [(iso, 1, 2, 3), (compact, 1, 2, 3), (month_first, 3, 1, 2), (day_first, 3, 2, 1), (named_first, 3, 1, 2), (named_second, 3, 2, 1)] -%}
    {%- set built -%}
        case
            {%- for form, year_group, month_group, day_group in forms %}
            {%- set year = extract_pattern(typed, form, year_group) -%}
            {%- set month = extract_pattern(typed, form, month_group) -%}
            {%- set day = extract_pattern(typed, form, day_group) -%}
            {%- set full_year = "case when length(" ~ year ~ ") = 4 then " ~ year ~ " when cast(" ~ year ~ " as int) <= " ~ var('last_short_birth_year_after_2000') ~ " then '20' || " ~ year ~ " else '19' || " ~ year ~ " end" %}
            when {{ matches_pattern(typed, form) }} then {{ full_year }} || '-' ||
                {%- if form in (named_first, named_second) %}
                case {{ month }} {% for name in months %}when '{{ name }}' then '{{ "%02d" | format(loop.index) }}' {% endfor %}else '00' end || '-' || lpad({{ day }}, 2, '0')
                {%- elif form == month_first %}
                case
                    when cast({{ month }} as int) > 12 then lpad({{ day }}, 2, '0') || '-' || lpad({{ month }}, 2, '0')
                    else lpad({{ month }}, 2, '0') || '-' || lpad({{ day }}, 2, '0')
                end
                {%- else %}
                lpad({{ month }}, 2, '0') || '-' || lpad({{ day }}, 2, '0')
                {%- endif %}
            {%- endfor %}
        end
    {%- endset -%}
    nullif(try_cast({{ built }} as date), date '1900-01-01')
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
    {%- set direct = '(?i)^(\S+)(?: (.*?))??(?: (' ~ particle ~ '\S+))?$' -%}
    {%- set inverted = '^([^,]*), ?(\S+) ?(.*)$' -%}
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
    {%- set with_initial = '^(\S.*) (\p{L})[.]?$' -%}
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
