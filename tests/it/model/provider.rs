//! The model of the provider: which token of a grant is valid. The worker does not see it.

/// How a provider treats a refresh token that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationMode {
    /// Each token works once. Presenting a spent one ends the grant.
    Strict,
    /// Like strict, but the last spent token is answered with the same successor again.
    Grace,
    /// The same token stays valid (RFC 6749 section 6).
    NotRotating,
}

/// A refresh token: its grant, and its number within the grant.
pub type Token = (usize, usize);

pub struct Provider {
    manner: RotationMode,
    grants: Vec<Grant>,
}

struct Grant {
    user: usize,
    current: usize,
    revoked: bool,
}

/// The result of presenting a token.
pub enum Answer {
    Granted(Option<Token>),
    Rejected,
}

impl Provider {
    pub fn new(manner: RotationMode) -> Self {
        Self { manner, grants: Vec::new() }
    }

    /// Signs a user in.
    pub fn grant(&mut self, user: usize) -> Token {
        self.grants.push(Grant { user, current: 0, revoked: false });
        (self.grants.len() - 1, 0)
    }

    /// Withdraws all grants of the user.
    pub fn revoke(&mut self, user: usize) {
        self.grants.iter_mut().filter(|grant| grant.user == user).for_each(|grant| grant.revoked = true);
    }

    /// Processes a request with this token.
    pub fn present(&mut self, (id, number): Token) -> Answer {
        let grant = &mut self.grants[id];
        if grant.revoked {
            return Answer::Rejected;
        }
        match self.manner {
            RotationMode::NotRotating => Answer::Granted(None),
            RotationMode::Strict | RotationMode::Grace if number == grant.current => {
                grant.current += 1;
                Answer::Granted(Some((id, grant.current)))
            }
            RotationMode::Grace if number + 1 == grant.current => Answer::Granted(Some((id, grant.current))),
            RotationMode::Strict | RotationMode::Grace => {
                grant.revoked = true;
                Answer::Rejected
            }
        }
    }

    pub fn spent(&self, (id, number): Token) -> bool {
        number < self.grants[id].current
    }

    /// Returns whether the token is valid without a grace period.
    pub fn good(&self, (id, number): Token) -> bool {
        !self.grants[id].revoked && self.grants[id].current == number
    }

    pub fn revoked(&self, (id, _): Token) -> bool {
        self.grants[id].revoked
    }
}

/// Returns the text of a token.
pub fn text((grant, number): Token) -> String {
    format!("rt-{grant}-{number}")
}
