use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// A QR code of half blocks for a terminal, dark on light whatever the terminal's colours; `None` for a text that is too
/// long for one.
pub(super) fn on_terminal(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    // Terminals are mostly dark: what they draw is the light, and what they leave is the dark.
    let picture = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    Some(picture + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_becomes_a_picture_that_fits_a_terminal() {
        let link = format!("https://site-1.local/invitation/{}", "x".repeat(43));
        let picture = on_terminal(&link).expect("a code");
        let lines: Vec<&str> = picture.lines().collect();
        assert!(lines.len() <= 24 && lines.iter().all(|line| line.chars().count() <= 80), "{picture}");
        assert!(lines[0].chars().all(|c| c != ' '), "the quiet edge is light: {picture}");
        assert_eq!(on_terminal(&"x".repeat(5000)), None);
    }
}
