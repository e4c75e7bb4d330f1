with

ledger as (

    select * from {{ source('identity', 'ledger') }}

)

select

    ---------- ids
    cast(run_no as {{ dbt.type_string() }}) || '/' || event || '/' || person_id || '/'
    || coalesce(other_person_id, '') as identity_change_id,
    run_id,
    person_id,
    other_person_id,

    ---------- strings
    event,
    case event
        when 'created' then 'A person was first seen.'
        when 'merged' then 'The person was found to be the other one, who keeps the records; the id is an alias now.'
        when 'split' then 'Records of the person were found to be somebody else, who is new.'
        when 'moved' then 'Records of the person were found to be the other one''s, whom we knew.'
        when 'restored' then 'The person came back under the id of before.'
        when 'retired' then 'None of the person''s records is left.'
    end as meaning,
    cause,
    rule,
    record_id_l,
    record_id_r,
    model_version,

    ---------- numbers
    run_no,
    count_records,
    match_weight,

    ---------- dates
    as_of_date,

    ---------- timestamps
    recorded_at

from ledger
