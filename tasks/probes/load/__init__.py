"""Load: many executions of one probe, by a schedule, in processes of their own."""
