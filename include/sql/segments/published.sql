-- Purpose: a run that has published says so. Grain: run.
-- Parameters: run_id, verdict, decision, choice, model_path, fidelity, customers, segments.
-- Re-run: the same but the time.
update segments.runs
set
    status = 'published',
    published_at = now(),
    finished_at = now(),
    verdict = %(verdict)s,
    decision = %(decision)s,
    choice = %(choice)s::jsonb,
    model_path = %(model_path)s,
    rule_fidelity = %(fidelity)s,
    counts = counts || jsonb_build_object('customers', %(customers)s, 'segments', %(segments)s)
where run_id = %(run_id)s
