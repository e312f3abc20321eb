//! What commands leave in the audit log. One that changes something stores a row before it changes
//! or prints anything (`begun`), and another one when it ends. One that reads tokens' states stores
//! its row before it prints them. So a command that is killed has a row, too.

use rustix::process::getuid;

use crate::audit::{Action, Actor, Audit, Entry, Outcome};
use crate::ids::{MerchantName, UserKey};

/// The most characters of `SUDO_USER` that a row keeps.
const LONGEST: usize = 255;

/// What a command does, by its command line.
#[derive(Clone, Debug)]
pub(super) struct Audited {
    action: Action,
    user: Option<UserKey>,
    merchant: Option<MerchantName>,
    object: Option<String>,
}

impl Audited {
    pub(super) fn new(action: Action) -> Self {
        Self { action, user: None, merchant: None, object: None }
    }

    /// Names the user that it concerns.
    pub(super) fn about(self, user: UserKey) -> Self {
        Self { user: Some(user), ..self }
    }

    /// Names the merchant that it concerns.
    pub(super) fn merchant(self, merchant: Option<MerchantName>) -> Self {
        Self { merchant, ..self }
    }

    /// Names what else it concerns.
    #[expect(clippy::needless_pass_by_value, reason = "callers have ids and new texts")]
    pub(super) fn object(self, object: impl ToString) -> Self {
        Self { object: Some(object.to_string()), ..self }
    }

    /// Leaves a row for each of the objects that the command has changed, beside the command's own
    /// row.
    pub(super) async fn record_each<T: ToString>(
        &self,
        audit: &Audit,
        sudo_user: Option<&String>,
        objects: &[T],
    ) {
        let entry = Entry::new(actor(sudo_user), self.action).merchant(self.merchant.as_ref());
        audit.record_each(&entry, objects).await;
    }

    /// Returns whether the command only reads.
    pub(super) fn only_reads(&self) -> bool {
        self.action.only_reads()
    }

    /// Returns a row of the command. `sudo_user` is who called sudo, if anybody did.
    pub(super) fn entry(&self, sudo_user: Option<&String>, outcome: Outcome) -> Entry {
        let entry = Entry::new(actor(sudo_user), self.action).ended(outcome).merchant(self.merchant.as_ref());
        let entry = self.user.iter().fold(entry, Entry::about);
        self.object.iter().fold(entry, Entry::object)
    }
}

/// Returns who runs this process, as the audit log names them. `sudo_user` is who called sudo, if
/// anybody did.
pub(super) fn actor(sudo_user: Option<&String>) -> Actor {
    Actor::Command(user(sudo_user))
}

/// Returns the name of the user who runs this process: by the system, and after it who is said to
/// have become that user with sudo.
pub(super) fn user(sudo_user: Option<&String>) -> String {
    let id = getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(id.as_str())).then(|| name.to_owned())
    });
    let name = name.unwrap_or(id);
    match sudo_user {
        Some(before) => format!("{name} (sudo by {})", before.chars().take(LONGEST).collect::<String>()),
        None => name,
    }
}
