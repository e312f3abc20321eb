//! How the way to the database is protected.

/// How the connections to a database are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// They do not leave this machine.
    Local,
    /// TLS, and the server has a certificate for its name.
    Verified,
    /// TLS, and the server has a certificate of a trusted authority, perhaps for another name.
    AnyName,
    /// TLS, but the certificate is not verified.
    Unverified,
    /// Clear text if the server, or anybody on the way, refuses TLS.
    Clear,
}

impl Transport {
    /// Returns what somebody on the network could do; `None` if nothing.
    #[must_use]
    pub const fn weakness(self) -> Option<&'static str> {
        match self {
            Self::Local | Self::Verified => None,
            Self::AnyName => Some(
                "the server's name is not verified, so whoever has a certificate of the same authority can read \
                 and change what is sent",
            ),
            Self::Unverified => Some(
                "the server's certificate is not verified, so whoever is on the way can read and change what is sent",
            ),
            Self::Clear => Some(
                "it may be clear text, so whoever is on the way can read the password and everything that is sent",
            ),
        }
    }
}
