{# Ratios that are equal to the last digit on every engine: `round` breaks ties differently, whole numbers do not. #}

{# Share of two whole-number expressions (counts, or amounts through `cents`), to four digits; null when the denominator is 0. #}
{% macro ratio(numerator, denominator) -%}
    floor((20000 * cast({{ numerator }} as double) + {{ denominator }}) / (2 * nullif(cast({{ denominator }} as double), 0))) / 10000
{%- endmacro %}

{# An amount in whole cents. #}
{% macro cents(amount) -%}
    cast(({{ amount }}) * 100 as bigint)
{%- endmacro %}

{# Mean amount of `count` things to the cent, half a cent rounds up; null when there are none. #}
{% macro mean_amount(amount, count) -%}
    cast(
        cast(floor((2 * {{ cents(amount) }} + {{ count }}) / (2 * nullif(cast({{ count }} as double), 0))) as decimal(18, 0))
        * cast(0.01 as decimal(3, 2)) as decimal(18, 2)
    )
{%- endmacro %}
