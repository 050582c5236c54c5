//! What every driver is tested with: the deterministic pair harness and the conformance kit.
