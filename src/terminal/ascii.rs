//! A frame for terminals of locales without UTF-8: every cell in ASCII, each as wide as it was.

use ratatui::buffer::Buffer;

/// Spells every cell in ASCII.
pub fn spell(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if !cell.symbol().is_ascii() {
            let sign = sign(cell.symbol());
            cell.set_char(sign);
        }
    }
}

/// What stands for a sign: one that looks like it, else a question mark.
fn sign(symbol: &str) -> char {
    let mut characters = symbol.chars();
    let Some(first) = characters.next() else { return ' ' };
    // Accents are lost before their letters are.
    if first.is_ascii() && !first.is_ascii_control() {
        return first;
    }
    match first {
        '─' | '━' | '╌' | '╸' | '╺' | '–' | '—' | '−' | '‐' => '-',
        '│' | '┃' | '┊' | '╎' | '▌' | '▐' | '‖' => '|',
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '┏' | '┓' | '┗' | '┛' | '╭' | '╮' | '╰'
        | '╯' => '+',
        '░' => '.',
        '▒' => ':',
        '▓' => '%',
        '█' | '▇' | '■' => '#',
        '▁' | '▂' | '▃' => '.',
        '▅' | '▆' => '=',
        '▀' => '"',
        '▄' => '_',
        '≡' => '%',
        '‡' => '*',
        '·' | '…' => '.',
        '●' => '*',
        '○' => 'o',
        '❯' | '›' | '▸' | '▶' | '→' => '>',
        '‹' | '◂' | '←' => '<',
        '↑' => '^',
        '↓' | '▾' | '▿' => 'v',
        '↻' => '@',
        '⏎' | '␍' | '⇥' => '~',
        '×' => 'x',
        '≤' => '<',
        '≥' => '>',
        '┈' | '⁻' => '-',
        '±' => '+',
        '␣' => '_',
        'α' => 'a',
        'Δ' => 'd',
        'ρ' => 'r',
        '◺' => '\\',
        '◹' => '/',
        '⁰'..='⁹' => char::from_digit(first as u32 - '⁰' as u32, 10).unwrap_or('?'),
        '₀'..='₉' => char::from_digit(first as u32 - '₀' as u32, 10).unwrap_or('?'),
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        // The spinner turns.
        '⠋' | '⠸' | '⠧' => '|',
        '⠙' | '⠼' | '⠇' => '/',
        '⠹' | '⠴' | '⠏' => '-',
        '⠦' => '\\',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn every_cell_is_ascii_and_stays_in_its_place() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 24, 1));
        buffer.set_string(0, 0, "╭─● 日本 é e\u{301} ░▒▓█ ❯x│", Style::new());
        spell(&mut buffer);
        let text: String = buffer.content.iter().map(|cell| cell.symbol()).collect();
        assert_eq!(text, "+-* ? ?  ? e .:%# >x|   ");
        let spelled = |text: &str| text.chars().map(|c| sign(&c.to_string())).collect::<String>();
        assert_eq!(["10⁻⁷", "log₁₀", "m²"].map(spelled), ["10-7", "log10", "m2"]);
    }

    #[test]
    fn shades_and_signs_of_differences_stay_apart() {
        for ramp in [&[" ", "░", "▒", "▓", "█"][..], &["≡", "=", "-", " ", "+", "‡", "#"]] {
            let signs: Vec<char> = ramp.iter().map(|symbol| sign(symbol)).collect();
            for (at, one) in signs.iter().enumerate() {
                assert!(!signs[..at].contains(one), "{one:?} in {signs:?}");
            }
        }
    }
}
