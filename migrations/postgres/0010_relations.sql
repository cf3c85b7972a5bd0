-- How an issue stands to others: a JSON list, null where there are none. Plain references, read and written with their issue, so they
-- lie with it and need neither a table nor an index.
--
-- Only adds. A binary that knows nothing of it leaves it as it is.
alter table issues add column relations jsonb;
