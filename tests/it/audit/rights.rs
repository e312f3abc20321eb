//! The rights that the role of the service needs at the audit log.

use uuid::Uuid;

use crate::support::stores::Db;

/// What docs/security.md advises: a role that keeps no other right at the table.
pub async fn without_the_right_to_change_it(db: &Db) {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/security.md")).unwrap();
    let (_, recipe) = page.split_once("```sql\nREVOKE").expect("no recipe");
    let (recipe, _) = recipe.split_once("```").unwrap();
    let role = format!("worker_{}", Uuid::new_v4().simple());
    let recipe = format!("REVOKE{recipe}").replace("worker;", &format!("{role};"));
    db.execute(&format!(
        "CREATE ROLE {role}; GRANT USAGE ON SCHEMA klarna_worker TO {role};
         GRANT ALL ON ALL TABLES IN SCHEMA klarna_worker TO {role}; {recipe}"
    ))
    .await;
    let add = "INSERT INTO klarna_worker.audit_log (chain, number, happened_at, actor, action, outcome, previous_hash, hash)
        SELECT chain, number + 100, '2020-01-01', actor, action, outcome, previous_hash, hash
        FROM klarna_worker.audit_log LIMIT 1";
    let old = "DELETE FROM klarna_worker.audit_log WHERE happened_at < '2021-01-01'";
    for (change, refused) in [
        (add, None),
        ("UPDATE klarna_worker.audit_log SET actor = 'x'", Some("permission denied")),
        ("TRUNCATE klarna_worker.audit_log", Some("permission denied")),
        ("ALTER TABLE klarna_worker.audit_log DISABLE TRIGGER USER", Some("must be owner")),
        ("DELETE FROM klarna_worker.audit_log", Some("rows of the audit log cannot be")),
        (old, None),
    ] {
        let done = db.raw().await.try_execute(&format!("SET ROLE {role}; {change}")).await;
        match (done, refused) {
            (Ok(()), None) => {}
            (Err(error), Some(refused)) if error.to_string().contains(refused) => {}
            (done, _) => panic!("{change}: {:?}", done.err()),
        }
    }
    db.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}
