-- Purpose: a number out of text with this decimal mark; null for anything else.
create or replace function transactions.number(written text, decimal_mark text) returns numeric
language sql immutable parallel safe
begin atomic
    select
        case
            when
                decimal_mark = '.' and written ~ '\d'
                and written ~ '^-?(\d+|\d{1,3}(,\d{3})+)?(\.\d+)?([eE][-+]?\d+)?$'
                then replace(written, ',', '')::numeric
            when
                decimal_mark = ',' and written ~ '\d'
                and written ~ '^-?(\d+|\d{1,3}(\.\d{3})+)?(,\d+)?$'
                then replace(replace(written, '.', ''), ',', '.')::numeric
        end;
end;
