-- The only source of chance: md5 of seed, purpose and id. One draw holds eight independent numbers of 16 bits.
create or replace macro draw(purpose, id) as md5_number(getvariable('seed') || ':' || purpose || ':' || id);
create or replace macro part(draw_value, place) as cast((draw_value >> cast(16 * place as uhugeint)) & cast(65535 as uhugeint) as integer);
create or replace macro unit(draw_value, place) as part(draw_value, place) / 65536;
-- The same part scrambled, for a second decision that should not follow the first.
create or replace macro again(draw_value, place) as (part(draw_value, place) * 25717 + 13849) % 65536 / 65536;

-- A rate of population.yml by its dotted name; a name that is not there is an error.
create or replace macro rate(name) as cast(struct_extract(getvariable('rates'), name) as double);

create or replace macro ascii_letters(word) as
    regexp_replace(replace(replace(lower(strip_accents(word)), 'ł', 'l'), 'ø', 'o'), '[^a-z]', '', 'g');

-- One slip of a finger: a letter dropped, two swapped, one replaced, one doubled. Position and kind come from a 16-bit number.
create or replace macro slipped(word, number) as
    case
        when length(word) < 3 then word
        when (number >> 10) % 4 = 0
            then left(word, 1 + number % (length(word) - 1)) || substr(word, 3 + number % (length(word) - 1))
        when (number >> 10) % 4 = 1
            then left(word, number % (length(word) - 1)) || substr(word, 2 + number % (length(word) - 1), 1)
                || substr(word, 1 + number % (length(word) - 1), 1) || substr(word, 3 + number % (length(word) - 1))
        when (number >> 10) % 4 = 2
            then left(word, 1 + number % (length(word) - 1)) || substr('aeiorstnlm', 1 + (number >> 12) % 10, 1)
                || substr(word, 3 + number % (length(word) - 1))
        else
            left(word, 1 + number % (length(word) - 1)) || substr(word, 1 + number % (length(word) - 1), 1)
            || substr(word, 2 + number % (length(word) - 1))
    end;

-- A number a US line could have: exchanges whose middle digit is not 1 (service codes) or 5 (555). Numbers of one area code differ while
-- `line` stays below 6,399,983.
create or replace macro spread(line) as (line * 2654435 + 1013904) % 6399983;
create or replace macro exchange(block) as
    cast(2 + block // 80 as varchar) || substr('02346789', cast(1 + block // 10 % 8 as bigint), 1) || cast(block % 10 as varchar);
create or replace macro phone_digits(area_code, line) as
    area_code || exchange(spread(line) // 10000) || lpad(cast(spread(line) % 10000 as varchar), 4, '0');

create or replace macro iso(moment) as strftime(moment, '%Y-%m-%dT%H:%M:%SZ');

-- Eastern time in 2017: summer time from 12 March 07:00 UTC to 5 November 06:00 UTC.
create or replace macro store_date(moment) as
    cast(moment - case
        when moment >= timestamp '2017-03-12 07:00:00' and moment < timestamp '2017-11-05 06:00:00'
            then interval 4 hour else interval 5 hour
    end as date);

-- A mail address that keeps its provider, a birth date as this source writes it, a phone as somebody types it.
create or replace macro written_date(day, form) as
    case form when 0 then strftime(day, '%Y-%m-%d') when 1 then strftime(day, '%m/%d/%Y') else strftime(day, '%d.%m.%Y') end;
create or replace macro written_phone(digits, form) as
    case form
        when 0 then '(' || left(digits, 3) || ') ' || substr(digits, 4, 3) || '-' || right(digits, 4)
        when 1 then left(digits, 3) || '-' || substr(digits, 4, 3) || '-' || right(digits, 4)
        when 2 then '+1' || digits
        when 3 then digits
        when 4 then '+1 ' || left(digits, 3) || ' ' || substr(digits, 4, 3) || ' ' || right(digits, 4)
        else left(digits, 3) || '.' || substr(digits, 4, 3) || '.' || right(digits, 4)
    end;

-- A number in [0, 1) for each line of a receipt, from the receipt's own 32 bits: a draw per line would cost more than the lines.
create or replace macro line_unit(luck, line_no) as ((luck + line_no * 2654435761) % 4294967296) / 4294967296;
