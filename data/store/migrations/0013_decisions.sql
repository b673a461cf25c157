-- What became of verdicts that waited for a person.

CREATE TABLE store.decision (
    seq BIGINT, run_id VARCHAR, verdict VARCHAR, input_hash VARCHAR, decision VARCHAR, "by" VARCHAR,
    reason VARCHAR, how VARCHAR, "at" TIMESTAMPTZ, body VARCHAR
);
