//! The model of the provider: which token of a grant is valid. The worker does not see it.

/// How a provider treats a refresh token that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationMode {
    /// Each works once; one that is spent ends the grant when it comes again.
    Strict,
    /// As strict, but the last one spent brings the same successor again.
    Grace,
    /// The same token stays good (RFC 6749 section 6).
    NotRotating,
}

/// A refresh token: its grant, and how many of the grant came before it.
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

/// What a presented token brings.
pub enum Verdict {
    Granted(Option<Token>),
    Dead,
}

impl Provider {
    pub fn new(manner: RotationMode) -> Self {
        Self { manner, grants: Vec::new() }
    }

    /// A sign-in.
    pub fn grant(&mut self, user: usize) -> Token {
        self.grants.push(Grant { user, current: 0, revoked: false });
        (self.grants.len() - 1, 0)
    }

    /// The user withdraws every grant.
    pub fn revoke(&mut self, user: usize) {
        self.grants.iter_mut().filter(|grant| grant.user == user).for_each(|grant| grant.revoked = true);
    }

    /// Processes a request with this token.
    pub fn present(&mut self, (id, number): Token) -> Verdict {
        let grant = &mut self.grants[id];
        if grant.revoked {
            return Verdict::Dead;
        }
        match self.manner {
            RotationMode::NotRotating => Verdict::Granted(None),
            RotationMode::Strict | RotationMode::Grace if number == grant.current => {
                grant.current += 1;
                Verdict::Granted(Some((id, grant.current)))
            }
            RotationMode::Grace if number + 1 == grant.current => Verdict::Granted(Some((id, grant.current))),
            RotationMode::Strict | RotationMode::Grace => {
                grant.revoked = true;
                Verdict::Dead
            }
        }
    }

    pub fn spent(&self, (id, number): Token) -> bool {
        number < self.grants[id].current
    }

    /// Whether the token would be granted without anybody's forbearance.
    pub fn good(&self, (id, number): Token) -> bool {
        !self.grants[id].revoked && self.grants[id].current == number
    }

    pub fn revoked(&self, (id, _): Token) -> bool {
        self.grants[id].revoked
    }
}

/// A token as it travels.
pub fn text((grant, number): Token) -> String {
    format!("rt-{grant}-{number}")
}
