//! An encryption key in a file: 32 random bytes in base64, readable only by its owner.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::private;

/// A new key from the operating system's randomness.
#[must_use]
pub fn random() -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    rand::fill(&mut bytes[..]);
    bytes
}

/// A new key as text.
#[must_use]
pub fn generate() -> SecretString {
    STANDARD.encode(&random()[..]).into()
}

/// Writes a new key to `path`, as [`write()`] does.
///
/// # Errors
/// As [`write()`].
pub fn create(path: &Path) -> io::Result<()> {
    let text = Zeroizing::new(format!("{}\n", generate().expose_secret()));
    write(path, text.as_bytes())
}

/// Writes a key to a new file with mode 0600, and creates missing folders above it.
///
/// The file is synced to disk when this returns, because secrets sealed with a lost key would be
/// lost too.
///
/// # Errors
/// The file exists (nothing is overwritten), or cannot be written.
pub fn write(path: &Path, key: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    private::create_folder(folder)?;
    let mut file = private::options().write(true).create_new(true).open(path)?;
    file.write_all(key)?;
    file.sync_all()?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_file_is_private_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/k1.key");
        create(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let first = std::fs::read_to_string(&path).unwrap();
        assert_eq!(STANDARD.decode(first.trim()).unwrap().len(), 32);
        assert_eq!(create(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), first);
    }

    #[test]
    fn no_two_keys_are_alike() {
        assert_ne!(generate().expose_secret(), generate().expose_secret());
    }
}
