-- Purpose: whether the features of a date are still those that a held night was made of.
-- Grain: one row, one text. Inputs: features.customer_features. Parameters: as_of_date. Read only.
-- Caveat: the order of the rows plays no part; compared within one version of Postgres.
select count(*) || ' ' || coalesce(sum(hashtextextended(f::text, 0)::numeric), 0) as checksum
from features.customer_features as f
where f.as_of_date = %(as_of_date)s
