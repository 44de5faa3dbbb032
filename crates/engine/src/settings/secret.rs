//! A value that must not be printed.

use serde::Deserialize;

/// Secret text: prints as `<redacted>` and is compared only in tests and settings.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Fewest bytes of a key that is worth its name (128 bits even when written in hex).
    pub const LEAST_BYTES: usize = 32;

    /// A secret.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// Its bytes, for the one place that needs them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<redacted>")
    }
}
