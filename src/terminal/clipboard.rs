//! The clipboard, through the terminal: the escape OSC 52 also reaches the one at the other end of ssh.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What asks a terminal to put a text on the clipboard.
pub fn osc52(text: &str) -> String {
    format!("\x1b]52;c;{}\x07", STANDARD.encode(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_escape_is_for_the_clipboard() {
        assert_eq!(osc52("é"), "\x1b]52;c;w6k=\x07");
    }
}
