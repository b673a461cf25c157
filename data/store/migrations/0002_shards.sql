-- A suite may be shared by several processes: one row a shard, and an attempt is the same for all.

ALTER TABLE store.suite ADD COLUMN shard BIGINT;
ALTER TABLE store.suite ADD COLUMN n_shards BIGINT;
