{# The select list that every person-like record shares, from a relation that holds what was typed.

   `typed` names what it has, of: names (the five columns of names_from_parts or names_from_full), birth_date, gender,
   email, phone, phone_std (already read), street, city, state, postal_code, country (already a code). What it lacks is null; without a country
   the default one. #}
{% macro person_columns(typed) -%}
    {%- set absent = 'cast(null as ' ~ dbt.type_string() ~ ')' -%}
    {%- set country = 'country' if 'country' in typed else "'" ~ var('default_country') ~ "'" -%}
    {%- set has_names = 'names' in typed -%}
    {%- for name in ['first_name', 'middle_name', 'last_name', 'name_suffix', 'full_name'] %}
        {{ name if has_names else absent ~ ' as ' ~ name }},
    {%- endfor %}
        {{ clean_name('first_name') if has_names else absent }} as first_name_std,
        {{ clean_name('last_name') if has_names else absent }} as last_name_std,
        {{ clean_name("coalesce(first_name, '') || ' ' || coalesce(last_name, '')") if has_names else absent }} as full_name_std,
        {{ parse_date('birth_date') if 'birth_date' in typed else 'cast(null as date)' }} as birth_date,
        {{ gender_code('gender') if 'gender' in typed else absent }} as gender,
        {{ trimmed('email') if 'email' in typed else absent }} as email,
        {{ email_std('email') if 'email' in typed else absent }} as email_std,
        {{ trimmed('phone') if 'phone' in typed else absent }} as phone,
        {{ 'phone_std' if 'phone_std' in typed else phone_e164('phone', country) if 'phone' in typed else absent ~ ' as phone_std' }}{{ ' as phone_std' if 'phone' in typed and 'phone_std' not in typed }},
        {{ trimmed('street') if 'street' in typed else absent }} as street,
        {{ street_std('street') if 'street' in typed else absent }} as street_std,
        {{ trimmed('city') if 'city' in typed else absent }} as city,
        {{ clean_name('city') if 'city' in typed else absent }} as city_std,
        {{ state_code('state') if 'state' in typed else absent }} as state,
        {{ trimmed('postal_code') if 'postal_code' in typed else absent }} as postal_code,
        {{ postal_code_std('postal_code', country) if 'postal_code' in typed else absent }} as postal_code_std,
        {{ country }} as country
{%- endmacro %}
