-- Why a conflict is there, as a value. An older replica leaves it null, and says the same in `why`.
alter table conflicts add column cause text;

update conflicts set cause = case why when 'it went back and forth too often' then 'ping_pong' else 'diverged' end;
