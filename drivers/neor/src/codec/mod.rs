//! Bytes to checked packets and back, without meaning and without a clock.
//!
//! ```text
//!   TCP ◄─► tlink (stuffing) ◄─► crypto (AES-128-ECB, once keys are agreed) ◄─► frame (length, CRC) ◄─► message
//! ```

pub mod crypto;
pub mod frame;
pub mod initializer;
pub mod sequence;
pub mod tlink;

pub use crypto::{Key, Padding, RandomStream};
pub use frame::{FrameError, decode_frame, encode_frame};
pub use initializer::{Encryption, KeyError, KeyMaterial, Side};
pub use sequence::{Arrival, SequenceFault, SequenceMode, Sequences};
pub use tlink::{Decoder, TlinkError, TlinkPacket, encode_tlink};
