//! AES-128 in ECB mode, as the protocol has it (dossier 1.5, 2.7).

use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use zeroize::Zeroizing;

use super::frame::FrameError;

/// Bytes of a block and of a key.
pub const BLOCK: usize = 16;

/// An AES-128 key. Prints nothing of itself and is wiped on drop.
#[derive(Clone)]
pub struct Key {
    bytes: Zeroizing<[u8; BLOCK]>,
    cipher: Aes128,
}

impl Key {
    /// A key from its bytes.
    #[must_use]
    pub fn new(bytes: [u8; BLOCK]) -> Self {
        Self { cipher: Aes128::new(&bytes.into()), bytes: Zeroizing::new(bytes) }
    }

    /// The key itself; for tests and key derivation only.
    #[must_use]
    pub fn expose(&self) -> &[u8; BLOCK] {
        &self.bytes
    }

    /// Encrypts whole blocks in place; a rest shorter than a block stays as it is.
    pub fn encrypt_blocks(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_exact_mut(BLOCK) {
            if let Ok(block) = <[u8; BLOCK]>::try_from(&*chunk) {
                let mut block = block.into();
                self.cipher.encrypt_block(&mut block);
                chunk.copy_from_slice(&block);
            }
        }
    }

    /// Decrypts whole blocks in place; a rest shorter than a block stays as it is.
    pub fn decrypt_blocks(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_exact_mut(BLOCK) {
            if let Ok(block) = <[u8; BLOCK]>::try_from(&*chunk) {
                let mut block = block.into();
                self.cipher.decrypt_block(&mut block);
                chunk.copy_from_slice(&block);
            }
        }
    }

    /// Pads a frame to whole blocks and encrypts it.
    #[must_use]
    pub fn seal(&self, frame: Vec<u8>, padding: Padding<'_>) -> Vec<u8> {
        let mut bytes = frame;
        let filled = bytes.len();
        bytes.resize(filled.next_multiple_of(BLOCK), 0);
        if let (Padding::Random(random), Some(rest)) = (padding, bytes.get_mut(filled..)) {
            random.fill(rest);
        }
        self.encrypt_blocks(&mut bytes);
        bytes
    }

    /// Decrypts a payload; the frame is at its beginning.
    ///
    /// # Errors
    /// [`FrameError::NotBlocks`].
    pub fn open(&self, payload: &[u8]) -> Result<Zeroizing<Vec<u8>>, FrameError> {
        if payload.is_empty() || !payload.len().is_multiple_of(BLOCK) {
            return Err(FrameError::NotBlocks(payload.len()));
        }
        let mut bytes = Zeroizing::new(payload.to_vec());
        self.decrypt_blocks(&mut bytes);
        Ok(bytes)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.bytes.iter().zip(other.bytes.iter()).fold(0, |diff, (a, b)| diff | (a ^ b)) == 0
    }
}

impl Eq for Key {}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(<redacted>)")
    }
}

/// What stands behind a frame in its last block. The receiver ignores it.
#[derive(Debug)]
pub enum Padding<'a> {
    /// As NeoHub does.
    Zeros,
    /// Equal frames then differ in their last block: ECB leaks less.
    Random(&'a mut RandomStream),
}

/// Random bytes that follow from a seed: AES-128 in counter mode. The seed is an argument, so that a session's every
/// byte can be repeated in a test.
pub struct RandomStream {
    key: Key,
    counter: u128,
}

impl RandomStream {
    /// A stream from 32 bytes of the operating system's randomness, or a test's seed.
    #[must_use]
    pub fn new(seed: &[u8; 32]) -> Self {
        let (mut key, mut counter) = ([0; BLOCK], [0; BLOCK]);
        let (first, second) = seed.split_at(BLOCK);
        key.copy_from_slice(first);
        counter.copy_from_slice(second);
        Self { key: Key::new(key), counter: u128::from_be_bytes(counter) }
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(BLOCK) {
            let mut block = self.counter.to_be_bytes();
            self.counter = self.counter.wrapping_add(1);
            self.key.encrypt_blocks(&mut block);
            chunk.iter_mut().zip(block).for_each(|(to, from)| *to = from);
        }
    }

    /// Some bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

impl std::fmt::Debug for RandomStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RandomStream(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cipher_is_aes_128() {
        // FIPS-197, appendix C.1.
        let key = Key::new(std::array::from_fn(|n| u8::try_from(n).unwrap()));
        let mut block: [u8; 16] = std::array::from_fn(|n| u8::try_from(n * 0x11).unwrap());
        key.encrypt_blocks(&mut block);
        assert_eq!(block, 0x69c4_e0d8_6a7b_0430_d8cd_b780_70b4_c55a_u128.to_be_bytes());
    }

    #[test]
    fn sealed_frames_open_again_whatever_the_padding() {
        let key = Key::new([7; 16]);
        let mut random = RandomStream::new(&[1; 32]);
        for length in [5, 16, 17, 300] {
            let frame = vec![0x42; length];
            for padding in [Padding::Zeros, Padding::Random(&mut random)] {
                let sealed = key.seal(frame.clone(), padding);
                assert!(sealed.len().is_multiple_of(16));
                assert_eq!(key.open(&sealed).unwrap()[..length], frame);
            }
        }
        assert_eq!(key.open(&[0; 15]), Err(FrameError::NotBlocks(15)));
        assert_eq!(key.open(&[]), Err(FrameError::NotBlocks(0)));
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_does_not() {
        let mut a = RandomStream::new(&[1; 32]);
        let mut b = RandomStream::new(&[1; 32]);
        let mut c = RandomStream::new(&[2; 32]);
        let first: [u8; 40] = a.bytes();
        assert_eq!(first, b.bytes());
        assert_ne!(first, c.bytes());
        assert_ne!(first, a.bytes());
    }
}
