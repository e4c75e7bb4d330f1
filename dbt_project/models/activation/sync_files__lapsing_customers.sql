with

people as (

    select * from {{ ref('profile__people') }}

    where is_email_consented

),

features as (

    select * from {{ ref('features__people') }}

),

lapsing as (

    select person_id

    from {{ source('segments', 'membership') }}

    where segment = 'lapsing' and left_date is null

),

payload as (

    select
        people.person_id,
        people.email,
        people.email_std,
        people.first_name,
        people.match_confidence,
        features.lifetime_net_amount_usd as lifetime_value_usd,
        features.last_order_date

    from people

    inner join lapsing on people.person_id = lapsing.person_id

    left join features on people.person_id = features.person_id

)

select * from payload
