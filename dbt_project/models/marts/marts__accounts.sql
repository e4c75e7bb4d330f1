{{ config(**incremental_by_group('account_id')) }}

with

accounts as (

    select * from {{ source('identity', 'accounts') }}

)

select
    account_id,
    name as account_name,
    domain,
    evidence,
    count_people,
    count_companies as count_crm_companies

from accounts
