{# Trimmed, runs of blanks made one; null where nothing is left. #}
{% macro trimmed(text) -%}
    nullif(trim({{ replace_pattern(text, '\\s+', ' ') }}), '')
{%- endmacro %}


{# Lower case, accents off. Letters are listed, because engines differ in what they call an accent; the list is long and
   slow to go through, so plain text is let past. #}
{% macro unaccented(text) -%}
    {%- set accented = 'àáâãäåçèéêëìíîïñòóôõöùúûüýÿāăąćĉċčďēĕėęěĝğġģĥĩīĭįĵķĺļľńņňōŏőŕŗřśŝşšţťũūŭůűųŵŷźżžǎǐǒǔșțạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹøłđðħı' -%}
    {%- set plain = 'aaaaaaceeeeiiiinooooouuuuyyaaaccccdeeeeegggghiiiijklllnnnooorrrssssttuuuuuuwyzzzaioustaaaaaaaaaaaaeeeeeeeeiioooooooooooouuuuuuuyyyyolddhi' -%}
    case
        when {{ matches_pattern(text, '[^ -~]') }}
            then replace(replace(replace(translate({{ replace_pattern('lower(' ~ text ~ ')', '\\p{M}', '') }}, '{{ accented }}', '{{ plain }}'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe')
        else lower({{ text }})
    end
{%- endmacro %}


{# A name as it is compared: lower case, no accents, hyphens and commas as blanks, other punctuation gone. #}
{% macro clean_name(text) -%}
    {{ trimmed(replace_pattern(replace_pattern(unaccented(text), '[-‐‑–—/,]', ' '), '[^\\p{L}\\p{N} ]', '')) }}
{%- endmacro %}


{# Text of an HTML fragment: block ends as blanks, tags off, the common entities read. #}
{% macro html_text(html) -%}
    {%- set broken = replace_pattern(html, '(?i)<br ?/?>|</p>|</li>|</div>', ' ') -%}
    {%- set entities = [('&nbsp;', ' '), ('&lt;', '<'), ('&gt;', '>'), ('&quot;', '"'), ('&#39;', none), ('&apos;', none), ('&amp;', '&')] -%}
    {%- set read = namespace(sql=replace_pattern(broken, '<[^>]*>', '')) -%}
    {%- for entity, character in entities -%}
        {#- An apostrophe by its number: engines differ in how a literal holds one. -#}
        {%- set literal = "'" ~ character ~ "'" if character else 'chr(39)' -%}
        {%- set read.sql = "replace(" ~ read.sql ~ ", '" ~ entity ~ "', " ~ literal ~ ")" -%}
    {%- endfor -%}
    {{ trimmed(read.sql) }}
{%- endmacro %}
