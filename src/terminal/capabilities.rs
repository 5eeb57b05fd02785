//! What the environment and the terminal's description (terminfo) say of a terminal. By capabilities, never by a list of
//! names: names are only what a description is found by.

use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use termini::{NumberCapability, StringCapability, TermInfo};

use crate::theme::{Background, ColorDepth};

/// How long tmux may take to say what it knows.
const TMUX: Duration = Duration::from_millis(300);

/// A terminal's environment.
type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What a description says of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// How many colours it has.
    pub colors: i32,
    /// Whether it has 16 million.
    pub true_color: bool,
    /// Whether text can be placed on its screen.
    pub places: bool,
}

/// How many colours there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colors {
    /// As far as it is known.
    pub depth: ColorDepth,
    /// Whether the terminal may have more, and can be asked.
    pub may_be_more: bool,
}

impl Described {
    /// What is installed about the terminal that `TERM` names, if anything is.
    pub fn of_terminal() -> Option<Self> {
        let info = TermInfo::from_env().ok()?;
        let has = |name: &str| info.extended_cap(name).is_some();
        Some(Self {
            colors: info.number_cap(NumberCapability::MaxColors).unwrap_or(0),
            true_color: has("RGB") || has("Tc") || has("setrgbf"),
            places: info.raw_string_cap(StringCapability::CursorAddress).is_some(),
        })
    }
}

/// A variable that is set to something.
fn set(variable: Variable<'_>, name: &str) -> Option<String> {
    variable(name).filter(|value| !value.is_empty())
}

/// The name of a terminal that can't place text on its screen; nothing of one that can, as far as is known.
pub fn dumb(variable: Variable<'_>, described: Option<&Described>) -> Option<String> {
    let name = variable("TERM").unwrap_or_default();
    let is_dumb = name.is_empty() || name == "dumb" || described.is_some_and(|described| !described.places);
    is_dumb.then_some(name)
}

/// How many colours: by what users say of all programs, then by what is known of the terminal. `FORCE_COLOR` and
/// `CLICOLOR_FORCE` go before `NO_COLOR`, which goes before the rest; what is empty says nothing.
pub fn colors(variable: Variable<'_>, described: Option<&Described>, tmux: fn() -> bool) -> Colors {
    let exactly = |depth| Colors { depth, may_be_more: false };
    let is_yes = |name: &str| set(variable, name).is_some_and(|value| value != "0");
    let forced = set(variable, "FORCE_COLOR");
    match forced.as_deref() {
        Some("0" | "false") => return exactly(ColorDepth::None),
        Some("2") => return exactly(ColorDepth::Ansi256),
        Some("3") => return exactly(ColorDepth::TrueColor),
        _ => {}
    }
    let is_forced = forced.is_some() || is_yes("CLICOLOR_FORCE");
    let is_refused =
        set(variable, "NO_COLOR").is_some() || set(variable, "CLICOLOR").is_some_and(|v| v == "0");
    if is_refused && !is_forced {
        return exactly(ColorDepth::None);
    }
    let known = known(variable, described, tmux);
    match known.depth {
        ColorDepth::None if is_forced => Colors { depth: ColorDepth::Ansi16, ..known },
        _ => known,
    }
}

/// How many colours the terminal has.
fn known(variable: Variable<'_>, described: Option<&Described>, tmux: fn() -> bool) -> Colors {
    let name = variable("TERM").unwrap_or_default();
    let depth = match described {
        Some(described) if described.true_color || described.colors >= 1 << 24 => ColorDepth::TrueColor,
        Some(described) if described.colors >= 256 => ColorDepth::Ansi256,
        Some(described) if described.colors >= 8 => ColorDepth::Ansi16,
        Some(_) => ColorDepth::None,
        // Descriptions are often missing at the other end of ssh, and then of a terminal newer than those there.
        // Those of DEC are as old as they get, and had no colours.
        None if is_dec(&name) => ColorDepth::None,
        None => ColorDepth::Ansi256,
    };
    if depth == ColorDepth::TrueColor {
        return Colors { depth, may_be_more: false };
    }
    // What a multiplexer inherits is said of another terminal, which its colours may never reach.
    let is_inside = |family: &str| {
        name == family || name.starts_with(&format!("{family}-")) || name.starts_with(&format!("{family}."))
    };
    let in_tmux = set(variable, "TMUX").is_some();
    if in_tmux || set(variable, "STY").is_some() || is_inside("screen") || is_inside("tmux") {
        let has_more = in_tmux && tmux();
        return Colors { depth: if has_more { ColorDepth::TrueColor } else { depth }, may_be_more: false };
    }
    if set(variable, "COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit") {
        return Colors { depth: ColorDepth::TrueColor, may_be_more: false };
    }
    Colors { depth, may_be_more: true }
}

/// Whether it is a name like `vt220`.
fn is_dec(name: &str) -> bool {
    name.strip_prefix("vt").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether the tmux that we are in hands 16 million colours on to the terminal it is in. One that doesn't answer soon
/// doesn't.
pub fn tmux_has_true_color() -> bool {
    let (sender, receiver) = mpsc::channel();
    let asking = thread::Builder::new().spawn(move || {
        let told = Command::new("tmux")
            .args(["display-message", "-p", "#{client_termfeatures}"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        // Nobody may wait any more.
        let _ = sender.send(told);
    });
    let told = asking.ok().and_then(|_| receiver.recv_timeout(TMUX).ok()?.ok());
    told.is_some_and(|told| String::from_utf8_lossy(&told.stdout).trim().split(',').any(|name| name == "RGB"))
}

/// What is behind the text, as rxvt, Konsole and others say it: `15;0`, the colours of text and background among 16.
pub fn colorfgbg(variable: Variable<'_>) -> Option<Background> {
    let said = variable("COLORFGBG")?;
    let (_, background) = said.rsplit_once(';')?;
    match background.trim().parse().ok()? {
        0..=6 | 8 => Some(Background::Dark),
        7 | 9..=15_u8 => Some(Background::Light),
        _ => None,
    }
}

/// Whether the locale is one of UTF-8. One that is not set at all says nothing: most containers have none, and their
/// terminals are elsewhere.
pub fn is_utf8(variable: Variable<'_>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| set(variable, name));
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ColorDepth::{Ansi16, Ansi256, TrueColor};

    fn environment(text: &str) -> impl Fn(&str) -> Option<String> + use<> {
        let pairs: Vec<(String, String)> = text
            .split_whitespace()
            .filter_map(|pair| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
            .collect();
        move |name| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    fn described(colors: i32) -> Option<Described> {
        Some(Described { colors, true_color: false, places: true })
    }

    fn depth(text: &str, described: Option<Described>) -> ColorDepth {
        colors(&environment(text), described.as_ref(), || false).depth
    }

    #[test]
    fn what_users_say_goes_before_what_is_known() {
        let of = |text: &str| depth(&format!("TERM=x COLORTERM=truecolor {text}"), described(256));
        for (text, expected) in [
            ("", TrueColor),
            ("NO_COLOR=1", ColorDepth::None),
            ("NO_COLOR=0", ColorDepth::None),
            ("NO_COLOR=", TrueColor),
            ("CLICOLOR=0", ColorDepth::None),
            ("CLICOLOR=1", TrueColor),
            ("FORCE_COLOR=0", ColorDepth::None),
            ("FORCE_COLOR=2", Ansi256),
            ("NO_COLOR=1 FORCE_COLOR=1", TrueColor),
            ("NO_COLOR=1 FORCE_COLOR=", ColorDepth::None),
            ("NO_COLOR=1 CLICOLOR_FORCE=1", TrueColor),
            ("NO_COLOR=1 CLICOLOR_FORCE=0", ColorDepth::None),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
        assert_eq!(depth("TERM=vt100 FORCE_COLOR=1", described(-1)), Ansi16, "some, at least");
    }

    #[test]
    fn colours_are_those_that_a_terminal_is_described_to_have() {
        assert_eq!(depth("TERM=a", described(16_777_216)), TrueColor);
        assert_eq!(
            depth("TERM=a", Some(Described { true_color: true, ..described(256).unwrap() })),
            TrueColor
        );
        assert_eq!(depth("TERM=a", described(256)), Ansi256);
        assert_eq!(depth("TERM=a", described(8)), Ansi16);
        assert_eq!(depth("TERM=a", described(-1)), ColorDepth::None);
        assert_eq!(depth("TERM=newer-than-this", None), Ansi256);
        assert_eq!(depth("TERM=vt220", None), ColorDepth::None);
    }

    #[test]
    fn a_multiplexer_is_not_believed_what_it_inherits() {
        let all = "COLORTERM=truecolor";
        for text in [
            "TERM=screen",
            "TERM=screen-256color",
            "TERM=tmux-256color",
            "TERM=x STY=1.pts",
            "TERM=x TMUX=/s,1,0",
        ] {
            let variable = environment(&format!("{text} {all}"));
            let colors = colors(&variable, described(256).as_ref(), || false);
            assert_eq!(colors, Colors { depth: Ansi256, may_be_more: false }, "{text}");
        }
        let variable = environment("TERM=tmux-256color TMUX=/s,1,0");
        assert_eq!(colors(&variable, described(256).as_ref(), || true).depth, TrueColor);
        assert_eq!(depth("TERM=screenish COLORTERM=24bit", described(256)), TrueColor);
    }

    #[test]
    fn what_may_have_more_is_asked() {
        let asks = |text: &str| colors(&environment(text), described(256).as_ref(), || false).may_be_more;
        assert!(asks("TERM=x") && asks("TERM=x COLORTERM=yes"));
        assert!(!asks("TERM=x COLORTERM=truecolor") && !asks("TERM=x NO_COLOR=1") && !asks("TERM=screen"));
    }

    #[test]
    fn a_terminal_that_places_no_text_is_dumb_by_whatever_name() {
        let of = |text: &str, described: Option<Described>| dumb(&environment(text), described.as_ref());
        assert_eq!(of("TERM=dumb", None).as_deref(), Some("dumb"));
        assert_eq!(of("TERM=", None).as_deref(), Some(""));
        let printer = Described { places: false, ..described(-1).unwrap() };
        assert_eq!(of("TERM=printer-33", Some(printer)).as_deref(), Some("printer-33"));
        assert_eq!(of("TERM=unheard-of", None), None);
        assert_eq!(of("TERM=xterm", described(8)), None);
    }

    #[test]
    fn backgrounds_and_locales() {
        let background = |text: &str| colorfgbg(&environment(text));
        assert_eq!(background("COLORFGBG=0;15"), Some(Background::Light));
        assert_eq!(background("COLORFGBG=15;default;0"), Some(Background::Dark));
        assert_eq!(background("COLORFGBG=0;7"), Some(Background::Light));
        for text in ["", "COLORFGBG=15", "COLORFGBG=0;default", "COLORFGBG=0;99"] {
            assert_eq!(background(text), None, "{text}");
        }
        let utf8 = |text: &str| is_utf8(&environment(text));
        assert!(
            utf8("")
                && utf8("LANG=de_DE.UTF-8")
                && utf8("LANG=C LC_ALL=C.utf8")
                && utf8("LC_ALL= LANG=C.UTF-8")
        );
        assert!(!utf8("LANG=C") && !utf8("LC_ALL=POSIX LANG=C.UTF-8") && !utf8("LC_CTYPE=de_DE.ISO-8859-1"));
    }
}
