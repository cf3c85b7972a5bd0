-- The review queue: only what waits is in the index, so an ordinary task does not pay for it.
create index issues_pending_review_idx on issues (number) where review = 'pending' and archived_at is null;
