-- Kitchen scales: registered once, then a reading every few days.
create view telemetry__readings as
with drawn as (
    select *, draw('device', record_key) as d
    from observed
    where source = 'telemetry'
),
numbered as (
    select *, unnest(range(1 + cast(2 * rate('behaviour.readings') * unit(d, 0) as bigint))) as reading_no
    from drawn
),
measured as (
    select
        *,
        draw('reading', record_key || ':' || reading_no) as e,
        created_at + to_seconds(cast(case when reading_no = 0 then 0 else unit(e, 0) * date_diff('second', created_at, timestamp '2017-12-31 20:00:00') end as bigint))
            as recorded_at,
        case
            when reading_no = 0 then 'registered'
            when unit(e, 1) < 0.02 then 'error'
            when unit(e, 1) < 0.04 then 'battery_low'
            else 'measurement'
        end as event
    from numbered
)
select
    cast(recorded_at as date) as day,
    case
        when reading_no > 0 and unit(e, 4) < rate('bad_rows.readings') then replace(line, '"' || event || '"', '"beep"')
        else line
    end as line
from (
    select
        *,
        cast(json_merge_patch('{}', to_json({
            id: replace(source_record_id, 'scale-', 'r') || '-' || reading_no,
            device_id: source_record_id,
            owner: {email: email},
            model: case part(d, 1) % 3 when 0 then 'KS-100' when 1 then 'KS-200' else 'KS-200 Pro' end,
            event: event,
            value: case when event = 'measurement' then round(20 + unit(e, 2) * 2400) end,
            unit: case when event = 'measurement' then 'g' end,
            recorded_at: iso(recorded_at)
        })) as varchar) as line
    from measured
);
