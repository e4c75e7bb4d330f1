with

differences as (

    select * from {{ ref('measurement__differences') }}

),

compared_orders as (

    select * from {{ ref('measurement__compared_orders') }}

),

closed_months as (

    select * from {{ ref('measurement__closed_months') }}

),

identity_changes as (

    select * from {{ ref('marts__identity_changes') }}

),

reported as (

    select * from compared_orders

    where side = 'reported'

),

restated as (

    select * from compared_orders

    where side = 'restated'

),

judged as (

    select
        cast(differences.month_start_date as {{ dbt.type_string() }})
        || '/' || differences.measure
        || '/' || differences.unit
        || '/' || coalesce(differences.person_id, differences.order_id) as restatement_id,
        differences.month_start_date,
        differences.measure,
        differences.unit,
        differences.order_id,
        differences.difference,
        reported.person_id as reported_person_id,
        restated.person_id as restated_person_id,
        coalesce(restated.business_date, reported.business_date) as business_date,
        case
            when reported.order_id is null then 'late_row'
            when restated.order_id is null then 'withdrawn'
            when differences.person_id is null then 'corrected'
            when coalesce(reported.record_id, '') <> coalesce(restated.record_id, '') then 'corrected'
            when coalesce(reported.person_id, '') <> coalesce(restated.person_id, '') then 'identity'
            else 'corrected'
        end as cause

    from differences

    left join reported
        on differences.month_start_date = reported.month_start_date and differences.order_id = reported.order_id

    left join restated
        on differences.month_start_date = restated.month_start_date and differences.order_id = restated.order_id

),

changed_ids as (

    select
        judged.restatement_id,
        judged.reported_person_id,
        judged.restated_person_id,
        closed_months.identity_run_no

    from judged

    inner join closed_months on judged.month_start_date = closed_months.month_start_date

    where judged.cause = 'identity'

),

-- Changes of ids since the close, the nearest to what happened first: from then to now, then from then, then to now.
possible_changes as (

    select
        changed_ids.restatement_id,
        identity_changes.identity_change_id,
        identity_changes.event,
        identity_changes.run_no,
        case when identity_changes.other_person_id = changed_ids.restated_person_id then 1 else 2 end as distance

    from changed_ids

    inner join identity_changes
        on changed_ids.reported_person_id = identity_changes.person_id
            and changed_ids.identity_run_no < identity_changes.run_no

    union all

    select
        changed_ids.restatement_id,
        identity_changes.identity_change_id,
        identity_changes.event,
        identity_changes.run_no,
        3 as distance

    from changed_ids

    inner join identity_changes
        on changed_ids.restated_person_id = identity_changes.other_person_id
            and changed_ids.identity_run_no < identity_changes.run_no

    union all

    select
        changed_ids.restatement_id,
        identity_changes.identity_change_id,
        identity_changes.event,
        identity_changes.run_no,
        4 as distance

    from changed_ids

    inner join identity_changes
        on changed_ids.restated_person_id = identity_changes.person_id
            and changed_ids.identity_run_no < identity_changes.run_no

),

named_changes as (

    select * from possible_changes

    qualify
        row_number() over (partition by restatement_id order by distance, run_no, identity_change_id) = 1

)

select

    ---------- ids
    judged.restatement_id,
    judged.order_id,
    judged.reported_person_id,
    judged.restated_person_id,
    named_changes.identity_change_id,

    ---------- strings
    judged.measure,
    judged.unit,
    judged.cause,
    named_changes.event as identity_event,

    ---------- figures
    judged.difference,

    ---------- dates
    judged.month_start_date,
    judged.business_date

from judged

left join named_changes on judged.restatement_id = named_changes.restatement_id
