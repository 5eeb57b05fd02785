//! What a terminal is asked, and what it answers. An answer comes whenever it comes, between keys; one that doesn't
//! know a question says nothing, hence the last one, which all know.

use crate::theme::Background;

/// What is behind the text?
pub const BACKGROUND: &str = "\x1b]11;?\x1b\\";
/// Are there 16 million colours? By its description (`RGB`, `Tc`, `setrgbf`), and by setting one and asking what is
/// set. Not to be asked through a multiplexer, which hands it on to a terminal whose colours it doesn't hand on.
pub const COLORS: &str = "\x1bP+q524742;5463;73657472676266\x1b\\\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[0m";
/// What kind of terminal is it? Asked last: with this answer, all others are there or won't come.
pub const LAST: &str = "\x1b[c";

/// What a terminal answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// What is behind its text.
    Background(Background),
    /// It has 16 million colours.
    TrueColor,
    /// There are no more answers to come.
    Last,
}

/// What a whole `ESC ]` or `ESC P` sequence answers; nothing, if that is nothing to us.
pub fn answer(sequence: &[u8]) -> Option<Answer> {
    let ends: [&[u8]; 4] = [b"\x1b\\", b"\x07", b"\xc2\x9c", b"\x9c"];
    let text = ends.iter().find_map(|end| sequence.get(2..)?.strip_suffix(*end))?;
    let text = std::str::from_utf8(text).ok()?;
    match sequence[1] {
        b']' => color(text.strip_prefix("11;")?).map(Answer::Background),
        b'P' => is_true_color(text).then_some(Answer::TrueColor),
        _ => None,
    }
}

/// Whether a colour, spelled as X11 does, is light: `rgb:ffff/ffff/ffff`, `rgba:…`, `#ffffff`.
fn color(text: &str) -> Option<Background> {
    let channels: Vec<&str> = match text.strip_prefix('#') {
        Some(digits) if digits.is_ascii() && !digits.is_empty() && digits.len() % 3 == 0 => {
            let size = digits.len() / 3;
            (0..3).map(|at| &digits[at * size..(at + 1) * size]).collect()
        }
        Some(_) => return None,
        None => {
            let spelled = text.strip_prefix("rgb:").or_else(|| text.strip_prefix("rgba:"))?;
            spelled.split('/').collect()
        }
    };
    let share = |digits: &&str| {
        let most = 16_f32.powi(i32::try_from(digits.len()).ok()?) - 1.0;
        (1..=4).contains(&digits.len()).then_some(())?;
        Some(u16::from_str_radix(digits, 16).ok()? as f32 / most)
    };
    let [r, g, b] = *channels.iter().map(share).collect::<Option<Vec<f32>>>()?.first_chunk()?;
    // As televisions weigh them; half of the way is where white and black read about equally well.
    let light = 0.299 * r + 0.587 * g + 0.114 * b;
    Some(if light > 0.5 { Background::Light } else { Background::Dark })
}

/// Whether a terminal that was asked about 16 million colours has them.
fn is_true_color(text: &str) -> bool {
    if let Some(known) = text.strip_prefix("1+r") {
        let name = |entry: &str| entry.split('=').next().unwrap_or_default().to_ascii_uppercase();
        return known
            .split(';')
            .any(|entry| matches!(name(entry).as_str(), "524742" | "5463" | "73657472676266"));
    }
    // One that has fewer says which of them it set.
    let Some(set) = text.strip_prefix("1$r").and_then(|set| set.strip_suffix('m')) else { return false };
    let set = set.replace(':', ";").replace(";;", ";");
    set == "48;2;1;2;3" || set.ends_with(";48;2;1;2;3") || set.ends_with(";48;2;0;1;2;3")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backgrounds_are_light_or_dark_however_they_are_spelled() {
        let of = |text: &str| answer(format!("\x1b]11;{text}").as_bytes());
        let (light, dark) =
            (Some(Answer::Background(Background::Light)), Some(Answer::Background(Background::Dark)));
        for text in
            ["rgb:ffff/ffff/ffff\x1b\\", "rgb:ff/ff/e0\x07", "rgba:fdfd/f6f6/e3e3/ffff\x07", "#fdf6e3\x07"]
        {
            assert_eq!(of(text), light, "{text:?}");
        }
        for text in ["rgb:0000/0000/0000\x1b\\", "rgb:0/2b/36\x07", "#002b36\x07", "rgb:3030/0a0a/2424\x07"] {
            assert_eq!(of(text), dark, "{text:?}");
        }
        for text in
            ["?\x07", "rgb:\x07", "rgb:ff/ff\x07", "rgb:fffff/0/0\x07", "#ffff\x07", "#\x07", "rgb:ff/ff/ff"]
        {
            assert_eq!(of(text), None, "{text:?}");
        }
        assert_eq!(answer(b"\x1b]10;rgb:ffff/ffff/ffff\x07"), None, "of the text");
    }

    #[test]
    fn true_colour_is_what_a_terminal_sets_or_says() {
        let of = |text: &str| answer(format!("\x1bP{text}\x1b\\").as_bytes()) == Some(Answer::TrueColor);
        for text in [
            "1+r524742=382f382f38",
            "1+r5463",
            "1+r5463;524742",
            "1$r48:2:1:2:3m",
            "1$r0;48:2::1:2:3m",
            "1$r0;48;2;1;2;3m",
        ] {
            assert!(of(text), "{text}");
        }
        for text in
            ["0+r524742", "0$r", "1$r0m", "1$r48:5:16m", "1$r0;38:2:1:2:3m", "1+r544e", ">|xterm(380)"]
        {
            assert!(!of(text), "{text}");
        }
    }
}
