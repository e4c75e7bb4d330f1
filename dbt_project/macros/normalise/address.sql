{# A street as it is compared: lower case, no accents or punctuation, common words in their postal short form. #}
{% macro street_std(street) -%}
    {%- set short_forms = {
        'street': 'st', 'str': 'st', 'avenue': 'ave', 'av': 'ave', 'road': 'rd', 'drive': 'dr', 'lane': 'ln', 'boulevard': 'blvd',
        'court': 'ct', 'place': 'pl', 'circle': 'cir', 'terrace': 'ter', 'trail': 'trl', 'parkway': 'pkwy', 'highway': 'hwy',
        'square': 'sq', 'north': 'n', 'south': 's', 'east': 'e', 'west': 'w', 'northeast': 'ne', 'northwest': 'nw',
        'southeast': 'se', 'southwest': 'sw', 'apartment': 'unit', 'apt': 'unit', 'suite': 'unit', 'ste': 'unit', 'no': 'unit',
    } -%}
    {%- set spaced = "replace(" ~ unaccented(street) ~ ", '#', ' unit ')" -%}
    {%- set words = replace_pattern(replace_pattern(spaced, '[.\\x27]', ''), '[^\\p{L}\\p{N}]+', ' ') -%}
    {{ trimmed("replace(" ~ replace_words(words, ' ', short_forms) ~ ", 'unit unit', 'unit')") }}
{%- endmacro %}


{# A postal code as it is compared. US: five digits (a spreadsheet may have eaten the leading zero), else null; elsewhere
   letters and digits in upper case. #}
{% macro postal_code_std(postal_code, country) -%}
    {%- set digits = extract_pattern("trim(" ~ postal_code ~ ")", '^([0-9]{4,5})(-?[0-9]{4})?$') -%}
    case
        when {{ country }} = 'US' then lpad({{ digits }}, 5, '0')
        else nullif(upper({{ replace_pattern(postal_code, '[^A-Za-z0-9]', '') }}), '')
    end
{%- endmacro %}


{# ISO 3166 code of a country as typed; the default country where none is given, null where it is not recognised. #}
{% macro country_code(country) -%}
    {%- set spellings = {
        'US': ['us', 'usa', 'united states', 'united states of america', 'america'], 'CA': ['ca', 'can', 'canada'],
        'MX': ['mx', 'mex', 'mexico'], 'GB': ['gb', 'gbr', 'uk', 'united kingdom', 'great britain', 'england'],
        'DE': ['de', 'deu', 'germany', 'deutschland'], 'FR': ['fr', 'fra', 'france'], 'ES': ['es', 'esp', 'spain', 'espana'],
        'IT': ['it', 'ita', 'italy', 'italia'], 'AU': ['au', 'aus', 'australia'], 'IN': ['in', 'ind', 'india'],
        'CN': ['cn', 'chn', 'china'], 'JP': ['jp', 'jpn', 'japan'], 'BR': ['br', 'bra', 'brazil', 'brasil'],
    } -%}
    {%- set codes = {} -%}
    {%- for code, names in spellings.items() -%}
        {%- for name in names %}{% do codes.update({name: code}) %}{% endfor -%}
    {%- endfor -%}
    case
        when {{ trimmed(country) }} is null then '{{ var("default_country") }}'
        else coalesce(
            {{ looked_up(clean_name(country), codes) }},
            upper({{ extract_pattern("trim(" ~ country ~ ")", '^[A-Za-z]{2}$', 0) }})
        )
    end
{%- endmacro %}


{# Two-letter code of a US state as typed; upper case as it is where it is no state. #}
{% macro state_code(state) -%}
    {%- set names = {
        'alabama': 'AL', 'alaska': 'AK', 'arizona': 'AZ', 'arkansas': 'AR', 'california': 'CA', 'colorado': 'CO',
        'connecticut': 'CT', 'delaware': 'DE', 'district of columbia': 'DC', 'florida': 'FL', 'georgia': 'GA', 'hawaii': 'HI',
        'idaho': 'ID', 'illinois': 'IL', 'indiana': 'IN', 'iowa': 'IA', 'kansas': 'KS', 'kentucky': 'KY', 'louisiana': 'LA',
        'maine': 'ME', 'maryland': 'MD', 'massachusetts': 'MA', 'michigan': 'MI', 'minnesota': 'MN', 'mississippi': 'MS',
        'missouri': 'MO', 'montana': 'MT', 'nebraska': 'NE', 'nevada': 'NV', 'new hampshire': 'NH', 'new jersey': 'NJ',
        'new mexico': 'NM', 'new york': 'NY', 'north carolina': 'NC', 'north dakota': 'ND', 'ohio': 'OH', 'oklahoma': 'OK',
        'oregon': 'OR', 'pennsylvania': 'PA', 'puerto rico': 'PR', 'rhode island': 'RI', 'south carolina': 'SC',
        'south dakota': 'SD', 'tennessee': 'TN', 'texas': 'TX', 'utah': 'UT', 'vermont': 'VT', 'virginia': 'VA',
        'washington': 'WA', 'west virginia': 'WV', 'wisconsin': 'WI', 'wyoming': 'WY',
    } -%}
    coalesce({{ looked_up(clean_name(state), names) }}, upper({{ trimmed("replace(" ~ state ~ ", '.', '')") }}))
{%- endmacro %}
