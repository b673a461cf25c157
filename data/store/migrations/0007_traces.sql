-- The course of one execution of a probe, as the waterfall of the report shows it.

ALTER TABLE store.probe ADD COLUMN trace JSON;
