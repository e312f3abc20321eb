//! The words for an enum's values in rows and answers.

/// A word that names no value of an enum.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {word:?}")]
pub struct UnknownWord {
    /// The enum.
    pub kind: &'static str,
    /// The word.
    pub word: String,
}

/// Gives an enum a word for each value: `ALL`, `as_str` and `from_word`.
macro_rules! words {
    ($type:ty { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            /// All values.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// Returns the name that rows and API answers use.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            pub(crate) fn from_word(word: &str) -> Result<Self, $crate::words::UnknownWord> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    other => Err($crate::words::UnknownWord { kind: stringify!($type), word: other.to_owned() }),
                }
            }
        }
    };
}
pub(crate) use words;
