-- Purpose: what the gates found and what the rules ask for, as facts that readers word in their language; a
-- name that a person has given, the same in every relation.
-- Grain: gate, table and expectation of a run; rule. Part of the sixteenth migration.
-- Caveat: of results of before, what their names say is known (family, subject, wording) and no figure;
-- readers show the texts that were stored.

----------------------------------------------------------------------------------------- quality_results

alter table segments.quality_results
add column family text,
add column subject text,
add column value double precision,
add column unit text,
add column least double precision,
add column most double precision,
add column wording text,
add column details jsonb not null default '{}';

comment on column segments.quality_results.family is
'the kind of check where there is one for each feature or row rule (drift, known, outside, rule), or what '
'several have in common; else the name of the expectation';
comment on column segments.quality_results.subject is
'the feature, the row rule or the table that the check is about';
comment on column segments.quality_results.value is 'the figure that was found, in unit; null: none was';
comment on column segments.quality_results.unit is
'count, share (0..1), days, hours, index, amount (currency units) or money (hundredths of them)';
comment on column segments.quality_results.least is 'the lowest value that is right; null: no bound';
comment on column segments.quality_results.most is 'the highest value that is right; null: no bound';
comment on column segments.quality_results.wording is
'the key of the text of the check, in include/segmentation/language/checks';
comment on column segments.quality_results.details is
'what the text says beside: not_judged (why there is no figure), rules (rows by row rule), since, before';
comment on column segments.quality_results.observed is
'what was found, in English; value, unit and details are the facts';
comment on column segments.quality_results.expected is
'what would have been right, in English; least, most and unit are the facts';

update segments.quality_results
set
    family = substring(expectation from '^(drift|known|outside|rule)_'),
    subject = regexp_replace(expectation, '^(drift|known|outside|rule)_', ''),
    wording = case
        when starts_with(expectation, 'drift_') then 'drift_since_parent'
        else substring(expectation from '^(known|outside|rule)_')
    end
where
    expectation ~ '^(drift|outside|rule)_'
    or (table_name = 'customer_features' and starts_with(expectation, 'known_'));

update segments.quality_results
set
    family = case when starts_with(expectation, 'broken_share') then 'broken_share' else expectation end,
    subject = table_name,
    wording = case
        when starts_with(expectation, 'broken_share') then 'broken_share'
        when expectation = 'rows_reread' then 'rows_reread_since'
        when expectation = 'changed_share' then 'changed_share_since_parent'
        when expectation = 'cents_off' and table_name = 'customer_segments' then 'cents_off_segments'
        else expectation
    end
where family is null;

-------------------------------------------------------------------------------------------------- rules

alter table segments.segment_rules add column bounds jsonb;
comment on column segments.segment_rules.bounds is
'what the rule asks for, a feature each: above and up_to (null: no bound), known and unknown (whether known '
'and unknown values pass), is_ever_unknown (whether it is unknown of anybody on the date)';

with parts as (
    select
        r.as_of_date,
        r.segment_id,
        r.rule_number,
        p.place,
        regexp_match(p.part, '^(\w+) (<=|>) (-?[0-9.]+(?:e[+-]?[0-9]+)?)( \(or unknown\))?$') as bound,
        regexp_match(p.part, '^(\w+) is (unknown|known)$') as gap
    from segments.segment_rules as r
    cross join lateral regexp_split_to_table(r.rule, ' and ') with ordinality as p (part, place)
    where r.rule <> 'everybody'
),

ranges as (
    select
        as_of_date,
        segment_id,
        rule_number,
        coalesce(bound[1], gap[1]) as feature,
        min(place) as place,
        max(bound[3]::double precision) filter (where bound[2] = '>') as above,
        min(bound[3]::double precision) filter (where bound[2] = '<=') as up_to,
        coalesce(bool_and(gap[2] = 'known'), true) as is_known,
        bool_or(bound[4] is not null or coalesce(gap[2] = 'unknown', false)) as is_unknown,
        bool_or(bound[4] is not null or gap is not null) as is_ever_unknown
    from parts
    group by as_of_date, segment_id, rule_number, coalesce(bound[1], gap[1])
),

rules as (
    select
        as_of_date,
        segment_id,
        rule_number,
        jsonb_agg(
            jsonb_build_object(
                'feature', feature,
                'above', above,
                'up_to', up_to,
                'known', is_known,
                'unknown', is_unknown,
                'is_ever_unknown', is_ever_unknown
            )
            order by place
        ) as bounds
    from ranges
    group by as_of_date, segment_id, rule_number
    having bool_and(feature is not null)
)

update segments.segment_rules as r
set bounds = rules.bounds
from rules
where
    r.as_of_date = rules.as_of_date
    and r.segment_id = rules.segment_id
    and r.rule_number = rules.rule_number;

update segments.segment_rules set bounds = '[]' where rule = 'everybody';

-------------------------------------------------------------------------------------------------- names

alter table segments.segment_versions add column generated_description text;
comment on column segments.segment_versions.generated_description is
'the sentence made from the profile; description is the same, or what is in segment_name_overrides';
comment on column segments.segment_versions.name is
'short name, unique within the date: the one in segment_name_overrides as soon as it is there, else '
'generated_name';
update segments.segment_versions set generated_description = description;

create function segments.rename_segment() returns trigger
language plpgsql
security definer
set search_path = segments, pg_temp
as $$
declare
    changed integer := coalesce(new.segment_id, old.segment_id);
    taken record;
    number integer;
begin
    -- the lock of publications: what a publication under way writes has the name, or is renamed after it
    perform pg_advisory_xact_lock(hashtextextended('segmentation publication', 0));
    if tg_op = 'UPDATE' and old.segment_id <> new.segment_id then
        update segments.segment_versions
        set
            name = coalesce(generated_name, name),
            description = coalesce(generated_description, description)
        where segment_id = old.segment_id;
    end if;
    -- a name is unique within a date: another segment that was called so by chance gets a number
    for taken in
        select v.as_of_date, v.segment_id
        from segments.segment_versions as v
        where tg_op <> 'DELETE' and v.name = new.name and v.segment_id <> changed
    loop
        number := 2;
        while exists (
            select from segments.segment_versions as v
            where v.as_of_date = taken.as_of_date and v.name = new.name || ' ' || number
        ) loop
            number := number + 1;
        end loop;
        update segments.segment_versions
        set
            name = new.name || ' ' || number,
            generated_name = new.name || ' ' || number
        where as_of_date = taken.as_of_date and segment_id = taken.segment_id;
    end loop;
    update segments.segment_versions as v
    set
        name = case when tg_op = 'DELETE' then coalesce(v.generated_name, v.name) else new.name end,
        description = coalesce(
            case when tg_op = 'DELETE' then null else new.description end,
            v.generated_description,
            v.description
        )
    where v.segment_id = changed;
    return null;
end
$$;
comment on function segments.rename_segment() is
'gives a segment the name of segment_name_overrides on all dates; its generated one when the row is deleted';

create trigger rename_segment
after insert or update or delete on segments.segment_name_overrides
for each row execute function segments.rename_segment();

-- names that were given before, through the trigger
update segments.segment_name_overrides set name = name;
