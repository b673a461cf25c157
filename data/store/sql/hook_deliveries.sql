-- hook_deliveries. Grain: one row a request to the hook receiver, accepted or refused.
CREATE OR REPLACE VIEW hook_deliveries AS
SELECT
    row_id, "at" AS received_at, source AS hook_source, kind AS source_kind, client, delivery_id, event,
    status AS http_status, outcome AS delivery_outcome, reason AS delivery_reason, environment,
    deployed_at, body ->> '$.revisions' AS delivered_revisions, "key" AS idempotency_key, run_id,
    flow_run_id, superseded AS superseded_run_id, n_bytes, took_ms,
    body ->> '$.answered' AS answered
FROM store.hook_delivery;
COMMENT ON VIEW hook_deliveries IS 'One row a request to the hook receiver, accepted or refused; never a secret';
