use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A code on its way: libsodium's sealed box to the key in `info`, base64 (standard alphabet, padded).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SealedCode {
    /// The box.
    pub sealed: String,
}
