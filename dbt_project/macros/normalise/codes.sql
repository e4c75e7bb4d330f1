{# A loyalty number as it is compared: as keyed on a till, without blanks and dashes. #}
{% macro loyalty_number_std(loyalty_number) -%}
    nullif(upper({{ replace_pattern(loyalty_number, '[ -]', '') }}), '')
{%- endmacro %}


{# ISO 4217 code in upper case. #}
{% macro currency_code(currency) -%}
    upper(trim({{ currency }}))
{%- endmacro %}


{# The code of a text in a dict of text to code, null if it is not there. One search in a packed list: a `case` of many
   branches would repeat the whole expression in each. #}
{% macro looked_up(text, codes) -%}
    {%- set packed = [] -%}
    {%- for name, code in codes.items() %}{% do packed.append(name ~ '=' ~ code) %}{% endfor -%}
    nullif(split_part(split_part('|{{ packed | join("|") }}|', '|' || {{ text }} || '=', 2), '|', 1), '')
{%- endmacro %}


{# A text of words parted by `separator`, each word that is in a dict of word to word replaced. #}
{% macro replace_words(text, separator, words) -%}
    {{ adapter.dispatch('replace_words')(text, separator, words) }}
{%- endmacro %}

{% macro duckdb__replace_words(text, separator, words) -%}
    array_to_string(
        list_transform(string_split({{ text }}, '{{ separator }}'), lambda word: coalesce({{ looked_up('word', words) }}, word)),
        '{{ separator }}'
    )
{%- endmacro %}

{% macro spark__replace_words(text, separator, words) -%}
    array_join(
        transform(split({{ text }}, '{{ separator }}'), word -> coalesce({{ looked_up('word', words) }}, word)), '{{ separator }}'
    )
{%- endmacro %}
