with

contacts as (

    select * from {{ ref('conformed__contacts') }}

    where source = 'hubspot' and object = 'contacts' and not coalesce(is_deleted, false)

),

person_records as (

    select * from {{ source('identity', 'person_records') }}

),

features as (

    select * from {{ ref('features__people') }}

),

effective_consents as (

    select * from {{ ref('profile__effective_consents') }}

    where purpose = 'marketing' and state = 'granted'

),

segments as (

    select
        person_id,
        {{ joined_text('segment', ';') }} as segments

    from {{ source('segments', 'membership') }}

    where left_date is null

    group by 1

),

consented_emails as (

    select brand, contact_point

    from effective_consents

    where contact_point_type = 'email' and channel = 'email'

),

consented_phones as (

    select brand, contact_point

    from effective_consents

    where contact_point_type = 'phone' and channel = 'sms'

),

payload as (

    select
        contacts.source_record_id as contact_id,
        person_records.person_id,
        person_records.person_id as tessera_person_id,
        segments.segments as tessera_segments,
        features.favourite_department as tessera_favourite_department,
        features.rfm_cell as tessera_rfm_cell,
        features.lifetime_net_amount_usd as tessera_lifetime_value_usd,
        person_records.match_confidence,
        -- The contact's own address and number: the CRM writes to these, not to the person's best ones.
        consented_emails.contact_point is not null as is_email_consented,
        consented_phones.contact_point is not null as is_sms_consented,
        features.last_order_date as tessera_last_purchase_date

    from contacts

    inner join person_records on contacts.record_id = person_records.record_id

    left join features on person_records.person_id = features.person_id

    left join segments on person_records.person_id = segments.person_id

    left join consented_emails
        on contacts.brand = consented_emails.brand and contacts.email_std = consented_emails.contact_point

    left join consented_phones
        on contacts.brand = consented_phones.brand and contacts.phone_std = consented_phones.contact_point

)

select * from payload
