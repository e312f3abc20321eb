//! The command `tokens vend`: one access token, by a process of its own.

use std::pin::pin;

use tokio::time::Instant;

use super::ending::Ending;
use super::process::{Process, nothing_in_memory_alone};
use super::spools::refresh_folder;
use super::{App, AppError};
use crate::token::claims::Claims;
use crate::vault::{AccessToken, NotVended, Vault, Vend};

/// The result of `tokens vend`.
pub struct VendEnd {
    /// The access token, and the verified claims if they were asked for; `None` if the command was
    /// interrupted.
    pub vended: Option<Result<Vended, NotVended>>,
    /// How the process ended.
    pub ending: Ending,
}

/// An access token, and what its id_token says of the shopper.
pub struct Vended {
    /// The access token.
    pub access: AccessToken,
    /// The verified claims, if they were asked for and there are any.
    pub claims: Option<Claims>,
}

impl App {
    /// Gives one access token. A `serve` with the same settings may run at the same time, as for
    /// [`App::refresh`], whose instance folder this process takes.
    ///
    /// `stop` ends the waiting, but not an exchange in flight. `cut` ends it at once: a new refresh
    /// token has two seconds to reach the database or the spool.
    ///
    /// # Errors
    /// Another command with these settings exchanges tokens, or the database cannot be used.
    pub async fn vend(
        &self,
        vend: Vend<'_>,
        claims: bool,
        stop: impl Future<Output = ()> + Send,
        cut: impl Future<Output = ()> + Send,
    ) -> Result<VendEnd, AppError> {
        let process = Process::begin(self, &refresh_folder(&self.settings)).await?;
        let (vault, results) = (process.vault.clone(), process.results.clone());
        // Pinned here, so that the process lives longer than the exchange.
        let mut vending = pin!(async {
            let vended = tokio::select! {
                vended = vended(&vault, vend, claims) => Some(vended),
                () = stop => None,
            };
            let until = Instant::now() + self.settings.server.shutdown_grace;
            VendEnd { vended, ending: process.end(self, until, true).await }
        });
        Ok(tokio::select! {
            end = vending.as_mut() => end,
            () = cut => VendEnd { vended: None, ending: nothing_in_memory_alone(&vault, &results).await },
        })
    }
}

async fn vended(vault: &Vault, vend: Vend<'_>, claims: bool) -> Result<Vended, NotVended> {
    let access = vault.vend(vend).await?;
    let claims = if claims { vault.claims(vend.merchant, vend.user, &access).await } else { None };
    Ok(Vended { access, claims })
}
