-- The share of the accounts that the run was for, as in --shard; null for all. All runs of a directory have the same.
ALTER TABLE runs ADD COLUMN shard TEXT;
