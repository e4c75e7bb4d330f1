{# Fails on each value of the column that is null or occurs twice: `unique` and `not_null` in one pass over the table. #}
{% test is_key(model, column_name) %}

select
    {{ column_name }},
    count(*) as count_rows

from {{ model }}

group by 1

having count(*) > 1 or {{ column_name }} is null

{% endtest %}
