//! Terminals as people have them: slow, gone, full, without colours, or not asked; and every way to be told to end.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use support::patience::patience;
use support::terminal::{BINARY, Terminal};

#[path = "support"]
mod support {
    pub mod patience;
    pub mod terminal;
}

/// What a signal takes at most. The promise is 0.2 s; machines that run tests are busy.
const SOON: Duration = Duration::from_secs(2);
/// Tries of what is to be over soon: a machine that is busy once is not busy each time.
const TRIES: usize = 3;

/// Asserts that something takes less than that, at least in one of a few tries. It returns how long it took.
#[track_caller]
fn soon(what: &str, most: Duration, mut attempt: impl FnMut() -> Duration) {
    let mut took = Vec::new();
    while took.len() < TRIES {
        let last = attempt();
        if last < most {
            return;
        }
        took.push(last);
    }
    panic!("{what}: {took:?}");
}

/// Types pieces that belong together, which a slow machine takes apart: then it is done again, in another terminal.
#[track_caller]
fn in_pieces(pieces: &[(&str, Duration)], most: Duration, open: impl Fn() -> Terminal) -> Terminal {
    let start = Instant::now();
    while start.elapsed() < patience() {
        let mut terminal = open();
        let gaps = pieces.iter().map(|(piece, rest)| {
            let begun = Instant::now();
            terminal.keys(piece);
            thread::sleep(*rest);
            begun.elapsed()
        });
        if gaps.max().is_none_or(|longest| longest < most) {
            return terminal;
        }
    }
    panic!("no piece comes in time after another");
}

const ASKS_BACKGROUND: &str = "\x1b]11;?";
const ASKS_LAST: &str = "\x1b[c";
const DARK: &str = "\x1b]11;rgb:0000/0000/0000\x1b\\";
const LIGHT: &str = "\x1b]11;rgb:ffff/ffff/ffff\x1b\\";
const ATTRIBUTES: &str = "\x1b[?62;22c";

/// What the viewer can be at when it is told to end, the keys that lead there, and what is then on screen.
const STATES: [(&str, &str, &str); 23] = [
    ("browsing", "", "mean of all layers and heads"),
    ("deeper", "\r", "layer 0, mean of its heads"),
    ("editing", "i", "leave"),
    ("editing live", "i\x14", "live ❯"),
    ("edited", "i\x15abc", "❯ abc"),
    ("palette", ":", "do it"),
    ("palette searched", ":lay", "❯ lay"),
    ("picker", "M", "model for the left pane"),
    ("picker failed", "M./nowhere\r", "no such folder"),
    ("help", "?", "keys and words"),
    ("all heads", "g", "all heads of a model"),
    ("list of heads", "o", "sort by"),
    ("lens", "P", "lens"),
    ("segments", "B", "segments of the prompt"),
    ("sinks", "Q", "learned sinks"),
    ("push", "A", "push: what each part adds"),
    ("effect", "X", "effect: each span hidden"),
    ("difference", "D", "by pieces, by words"),
    ("export", "e", "write it"),
    ("export failed", "e\x15no/such.svg\r", "no such folder"),
    ("pinned", "p", "pinned"),
    ("half a paste", "i\x1b[200~abc", "leave"),
    ("half a sequence", "i\x1b[<35;1", "leave"),
];

/// The viewer in a state of the table, which it was led to.
fn viewer_in((_, keys, shown): (&str, &str, &str)) -> Terminal {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for_both();
    terminal.keys(keys);
    terminal.wait_for(shown);
    terminal
}

fn ends_restored(signal: Signal, code: u32) {
    for state in STATES {
        soon(state.0, SOON, || {
            let mut terminal = viewer_in(state);
            let start = Instant::now();
            terminal.signal(signal);
            assert_eq!(terminal.wait_for_end(), code, "{}", state.0);
            let took = start.elapsed();
            terminal.assert_restored();
            took
        });
    }
}

#[test]
fn an_interrupt_ends_every_state() {
    ends_restored(Signal::INT, 130);
}

#[test]
fn a_termination_ends_every_state() {
    ends_restored(Signal::TERM, 143);
}

#[test]
fn a_hang_up_ends_every_state() {
    ends_restored(Signal::HUP, 129);
}

#[test]
fn a_quit_ends_every_state() {
    ends_restored(Signal::QUIT, 131);
}

#[test]
fn a_closed_window_ends_every_state() {
    for state in STATES {
        soon(state.0, SOON, || {
            let mut program = viewer_in(state).close();
            let start = Instant::now();
            assert_eq!(program.wait_for_end(), 129, "{}", state.0);
            start.elapsed()
        });
    }
}

#[test]
fn a_signal_before_the_first_frame_restores_too() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_until("it is taken", vt100::Screen::alternate_screen);
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.wait_for_end(), 143);
    terminal.assert_restored();
}

/// The viewer, started by a shell that stays when it has ended, as in life: the terminal of a shell that is gone is gone
/// for all. The shell says the code that it ended with.
fn below_a_shell(
    environment: &[(&str, &str)],
    answers: &[(&'static str, Duration, &'static str)],
) -> (Terminal, Pid) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let name = file.path().display();
    let script = format!("/bin/sh -c 'echo $$ > {name}; exec {BINARY}'; echo \"code $?.\"; read -r line");
    let terminal = Terminal::answering("/bin/sh", &["-c", &script], environment, answers);
    let start = Instant::now();
    loop {
        let said = std::fs::read_to_string(file.path()).unwrap();
        if let Some(pid) = said.strip_suffix('\n') {
            return (terminal, Pid::from_raw(pid.parse().unwrap()).unwrap());
        }
        assert!(start.elapsed() < patience(), "no number of a process: {said:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn what_no_handler_can_hear_of_restores_too() {
    for signal in [Signal::ABORT, Signal::BUS, Signal::SEGV, Signal::KILL] {
        let (terminal, pid) = below_a_shell(&[], &[]);
        terminal.wait_for_both();
        // The first that doesn't come from a fault is forgotten; a fault would come again. Two that wait are one.
        terminal.wait_until("the terminal is restored", |screen| {
            let _ = rustix::process::kill_process(pid, signal);
            !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
        });
        let start = Instant::now();
        while !terminal.is_line_restored() {
            assert!(start.elapsed() < patience(), "the line stays raw after {signal:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn a_closed_window_ends_it_even_where_hang_ups_are_ignored() {
    let script = format!("trap '' HUP; exec {BINARY}");
    let terminal = Terminal::new("/bin/sh", &["-c", &script], &[]);
    terminal.wait_for_both();
    assert_eq!(terminal.close().wait_for_end(), 129);
}

/// From now on the terminal reads nothing, and more was drawn than a line holds.
fn stall(terminal: &mut Terminal) {
    terminal.wait_for_both();
    terminal.stall();
    for key in ["\r", "m", "g", "\x1b", "c"].iter().cycle().take(60) {
        terminal.keys(key);
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_terminal_that_reads_nothing_holds_up_no_signal() {
    soon("a signal", SOON, || {
        let mut terminal = Terminal::viewer(&[]);
        stall(&mut terminal);
        let start = Instant::now();
        terminal.signal(Signal::TERM);
        assert_eq!(terminal.wait_for_end(), 143);
        assert!(terminal.is_line_restored());
        start.elapsed()
    });
}

#[test]
fn ctrl_c_counts_in_half_a_sequence_and_half_a_paste() {
    for begun in ["\x1b[<35;1", "\x1b]11;rgb:", "i\x1b[200~abc"] {
        let mut terminal = Terminal::viewer(&[]);
        terminal.wait_for_both();
        terminal.keys(begun);
        thread::sleep(Duration::from_millis(20));
        terminal.keys("\x03");
        assert_eq!(terminal.wait_for_end(), 0, "{begun:?}");
        terminal.assert_restored();
    }
}

#[test]
fn keys_before_the_first_frame_are_kept() {
    for delay in [0, 150] {
        let delay = Duration::from_millis(delay);
        let answers = [(ASKS_BACKGROUND, delay, DARK), (ASKS_LAST, delay, ATTRIBUTES)];
        let mut terminal = Terminal::answering(BINARY, &[], &[], &answers);
        terminal.keys("ihello");
        terminal.wait_for("❯ hello");
        terminal.keys("\x03");
        assert_eq!(terminal.wait_for_end(), 0);
    }
}

#[test]
fn a_late_answer_is_no_text_and_changes_the_colours() {
    let delay = Duration::from_millis(700);
    let answers = [(ASKS_BACKGROUND, delay, LIGHT), (ASKS_LAST, delay, ATTRIBUTES)];
    let mut terminal = Terminal::answering(BINARY, &[], &[], &answers);
    terminal.keys("iab");
    let light = |screen: &vt100::Screen| {
        let cells = (0..120).filter_map(|column| screen.cell(37, column));
        cells.into_iter().any(|cell| cell.fgcolor() == vt100::Color::Rgb(175, 95, 0))
    };
    terminal.wait_until("the colours are those of a light background", light);
    terminal.keys("c");
    terminal.wait_for("❯ abc");
    terminal.keys("\x03");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_late_answer_does_not_go_to_the_shell() {
    let delay = Duration::from_millis(700);
    let answers = [(ASKS_BACKGROUND, delay, DARK), (ASKS_LAST, delay, ATTRIBUTES)];
    let script = format!("{BINARY}; printf 'over'; read -t 1 -r rest; printf '<%s>' \"$rest\"");
    let mut terminal = Terminal::answering("/bin/bash", &["-c", &script], &[], &answers);
    terminal.wait_until("it is taken", vt100::Screen::alternate_screen);
    terminal.keys("q");
    terminal.wait_for("over");
    terminal.wait_for("<>");
}

#[test]
fn reports_of_the_mouse_do_not_go_to_the_shell() {
    let script = format!("{BINARY}; printf 'over'; read -t 1 -r rest; printf '<%s>' \"$rest\"");
    let answers = [(ASKS_LAST, Duration::from_millis(50), ATTRIBUTES)];
    // As many as come on their way while the terminal hears of it.
    let ms = Duration::from_millis;
    let pieces = [&[("q", Duration::ZERO)][..], &[("\x1b[<35;10;5M", ms(4)); 10]].concat();
    let terminal = in_pieces(&pieces, ms(25), || {
        let terminal = Terminal::answering("/bin/bash", &["-c", &script], &[], &answers);
        terminal.wait_for_both();
        terminal
    });
    terminal.wait_for("over");
    terminal.wait_for("<>");
}

#[test]
fn a_sequence_in_pieces_is_one_key() {
    let ms = Duration::from_millis;
    let mut terminal = in_pieces(&[("\x1b", ms(8)), ("[DX", Duration::ZERO)], ms(20), || {
        let mut terminal = Terminal::viewer(&[]);
        terminal.wait_for_both();
        terminal.keys("i\x15abc");
        terminal.wait_for("❯ abc");
        terminal
    });
    terminal.wait_for("❯ abXc");
    terminal.keys("\x03");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_paste_goes_in_as_a_whole_and_one_that_is_too_long_not_at_all() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for_both();
    let words = "lorem ipsum dolor ".repeat(200_000 / 18);
    let before = terminal.cpu();
    terminal.keys(&format!("i\x15\x1b[200~{words}END\x1b[201~"));
    terminal.wait_for("END");
    // Quadratic, this took minutes.
    let took = terminal.cpu().saturating_sub(before);
    assert!(took < Duration::from_secs(10), "{took:?}");
    terminal.keys(&format!("\x15\x1b[200~{}END\x1b[201~", words.repeat(6)));
    terminal.wait_for("too long: 1 MB at most");
    terminal.keys("\x1b");
    terminal.wait_for("not run yet");
    terminal.keys(":\x1b[200~");
    terminal.keys(&words);
    terminal.keys("\x1b[201~");
    terminal.wait_for("too long: 4096 bytes at most");
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.wait_for_end(), 143);
}

/// Backgrounds on screen that are no terminal's own, and shades.
fn looks(screen: &vt100::Screen) -> (bool, bool) {
    let cells = (0..40).flat_map(|row| (0..120).filter_map(move |column| screen.cell(row, column)));
    let is_coloured = |color| !matches!(color, vt100::Color::Default);
    (cells.clone().any(|cell| is_coloured(cell.bgcolor())), screen.contents().contains("███"))
}

#[test]
fn there_are_colours_or_glyphs_and_never_neither() {
    for (environment, colours) in [
        (&[("NO_COLOR", "1")][..], false),
        (&[("NO_COLOR", "0")], false),
        (&[("NO_COLOR", "")], true),
        (&[("NO_COLOR", "1"), ("FORCE_COLOR", "1")], true),
        (&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true),
        (&[("NO_COLOR", "1"), ("ATTNSCOPE_COLOR", "truecolor")], true),
        (&[("ATTNSCOPE_COLOR", "none")], false),
    ] {
        let mut terminal = Terminal::viewer(environment);
        terminal.wait_for_both();
        terminal.wait_until("the looks", |screen| looks(screen) == (colours, !colours));
        terminal.keys("q");
        assert_eq!(terminal.wait_for_end(), 0, "{environment:?}");
    }
}

#[test]
fn the_environment_says_what_a_terminal_does_not() {
    let mut terminal = Terminal::viewer(&[("COLORFGBG", "0;15")]);
    terminal.wait_for_both();
    terminal.wait_for_bytes("175;95;0");
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);

    let mut terminal = Terminal::viewer(&[("LC_ALL", "C")]);
    terminal.wait_for("row 1.000, sink");
    terminal.wait_for("* demo:gpt2");
    assert!(terminal.raw.lock().unwrap().is_ascii());
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_dumb_terminal_is_told_what_to_run() {
    let mut terminal = Terminal::viewer(&[("TERM", "dumb")]);
    terminal.wait_for("attnscope print");
    assert_eq!(terminal.wait_for_end(), 1);
    assert!(!terminal.raw.lock().unwrap().contains(&0x1b));

    let script = format!("unset TERM; exec {BINARY}");
    let mut terminal = Terminal::new("/bin/sh", &["-c", &script], &[]);
    terminal.wait_for("TERM is not set: set TERM");
    assert_eq!(terminal.wait_for_end(), 1);
}

#[test]
fn a_prompt_from_standard_input_leaves_the_keys_to_the_terminal() {
    let script = format!("printf 'the cat sat' | {BINARY} --prompt-file -");
    let mut terminal = Terminal::new("/bin/sh", &["-c", &script], &[]);
    terminal.wait_for("❯ the cat sat");
    terminal.wait_for_both();
    terminal.keys("\r");
    terminal.wait_for("layer 0, mean of its heads");
    terminal.quit();
}

#[test]
fn the_shell_goes_on_below_the_last_frame() {
    let mut terminal = Terminal::viewer(&[]);
    terminal.wait_for_both();
    terminal.keys("q");
    assert_eq!(terminal.wait_for_end(), 0);
    let raw = String::from_utf8_lossy(&terminal.raw.lock().unwrap()).into_owned();
    let (before, _) = raw.rsplit_once("\x1b[?1049l").unwrap();
    assert!(before.ends_with("\x1b[9999;1H\r\n"), "{:?}", &before[before.len().saturating_sub(40)..]);
}

#[test]
fn in_the_background_nothing_is_asked_and_nothing_drawn() {
    let mut terminal = Terminal::new("/bin/bash", &["--norc", "-i"], &[("PS1", "shell> ")]);
    terminal.wait_for("shell> ");
    terminal.keys(&format!("{BINARY} &\n"));
    let asked = Instant::now();
    while !terminal.text().contains("Stopped") {
        assert!(asked.elapsed() < patience(), "it isn't stopped:\n{}", terminal.text());
        terminal.keys("jobs\n");
        thread::sleep(Duration::from_millis(100));
    }
    let raw = String::from_utf8_lossy(&terminal.raw.lock().unwrap()).into_owned();
    assert!(!raw.contains(ASKS_BACKGROUND) && !raw.contains("\x1b[?1049h"), "{raw:?}");
    terminal.keys("fg\n");
    terminal.wait_for_both();
    terminal.keys("q");
    terminal.wait_until("the shell is back", |screen| {
        !screen.alternate_screen() && screen.contents().trim_end().ends_with("shell>")
    });
    terminal.keys("exit\n");
    terminal.wait_for_end();
}

#[test]
fn a_prompt_file_that_is_too_long_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "lorem ipsum dolor ".repeat(100_000)).unwrap();
    let mut terminal = Terminal::new(BINARY, &["--prompt-file", file.path().to_str().unwrap()], &[]);
    terminal.wait_for("too long for the viewer: give it a prompt of 1 MB, or less");
    assert_eq!(terminal.wait_for_end(), 1);
}

#[test]
fn ctrl_c_ends_the_wait_for_a_prompt() {
    let line = format!("sleep 60 | {BINARY} --prompt-file -");
    let mut terminal = Terminal::new("/bin/sh", &["-c", &line], &[]);
    std::thread::sleep(Duration::from_millis(500));
    terminal.keys("\x03");
    assert_ne!(terminal.wait_for_end(), 0);
    assert!(!terminal.screen.lock().unwrap().screen().alternate_screen());
}

/// What takes typed text, the keys that lead there, and what is then on screen.
const LINES: [(&str, &str, &str); 4] = [
    ("editor", "i\x15", "leave"),
    ("palette", ":", "do it"),
    ("picker", "M", "model for the left pane"),
    ("export", "e\x15", "write it"),
];

/// Ctrl-C, right after all of this was sent, ends the viewer soon. It need not have taken all of it by then.
fn ctrl_c_is_heard_behind(what: &str, state: (&str, &str, &str), flood: &[u8]) {
    soon(what, SOON, || {
        let mut terminal = viewer_in(state);
        terminal.bytes(flood);
        terminal.keys("\x03");
        let start = Instant::now();
        assert_eq!(terminal.wait_for_end(), 0, "{what}");
        let took = start.elapsed();
        terminal.assert_restored();
        took
    });
}

#[test]
fn a_flood_without_a_paste_around_it_costs_no_more_than_a_paste() {
    for line in LINES {
        let mut terminal = viewer_in(line);
        terminal.keys(&"lorem ipsum dolor ".repeat(60_000));
        let most = if line.0 == "editor" { "too long: 1 MB at most" } else { "too long: 4096 bytes at most" };
        terminal.wait_for(most);
        // A character at a time, the editor alone took a minute.
        assert!(terminal.cpu() < Duration::from_secs(10), "{}: {:?}", line.0, terminal.cpu());
        terminal.keys("\x15abc");
        terminal.wait_for("❯ abc");
        terminal.keys("\x03");
        assert_eq!(terminal.wait_for_end(), 0, "{}", line.0);
        terminal.assert_restored();
    }
}

#[test]
fn ctrl_c_is_heard_behind_any_flood() {
    for state in LINES.into_iter().chain([STATES[0], STATES[8], STATES[9]]) {
        ctrl_c_is_heard_behind(
            state.0,
            state,
            "lorem ip:m dolor ".repeat(60_000).replace('q', "").as_bytes(),
        );
    }
    for (what, flood) in [
        ("keys without text", &b"\x1b[A\x1b[B\x7f"[..]),
        ("escapes", b"\x1b"),
        ("the mouse", b"\x1b[<35;10;12M\x1b[<35;80;12M\x1b[<64;20;12M"),
        ("bytes that are nothing", b"\xff\x9b\x00\x9d\xe6\x97"),
        ("pastes", b"\x1b[200~lorem ipsum\x1b[201~"),
    ] {
        for state in [STATES[0], STATES[2], STATES[5]] {
            ctrl_c_is_heard_behind(what, state, &flood.repeat(400_000 / flood.len()));
        }
    }
}

#[test]
fn a_signal_is_heard_in_any_flood() {
    for line in LINES {
        soon(line.0, SOON, || {
            let mut terminal = viewer_in(line);
            let flood = terminal.flood(b"lorem ipsum dolor \x7f\x1b[D");
            thread::sleep(Duration::from_millis(100));
            let start = Instant::now();
            terminal.signal(Signal::TERM);
            assert_eq!(terminal.wait_for_end(), 143, "{}", line.0);
            let took = start.elapsed();
            drop(flood);
            terminal.assert_restored();
            took
        });
    }
}

#[test]
fn what_follows_a_flood_of_the_mouse_counts() {
    let mut terminal = viewer_in(STATES[0]);
    for column in 0..20_000 {
        terminal.keys(&format!("\x1b[<35;{};12M", 1 + column % 100));
    }
    terminal.keys("i\x15abc");
    terminal.wait_for("❯ abc");
    terminal.keys("\x03");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_paste_whose_end_never_comes_ends_by_itself_and_by_ctrl_c() {
    let mut terminal = viewer_in(STATES[2]);
    terminal.keys("\x15\x1b[200~abc");
    for _ in 0..10 {
        thread::sleep(Duration::from_millis(10));
        terminal.keys("\x1b[<35;10;12M");
    }
    terminal.wait_for("❯ abc");
    terminal.keys("d");
    terminal.wait_for("❯ abcd");
    terminal.keys("\x1b[200~abc\x03");
    let start = Instant::now();
    for column in 0..40 {
        thread::sleep(Duration::from_millis(10));
        terminal.keys(&format!("\x1b[<35;{};12M", 10 + column));
        if start.elapsed() > Duration::from_millis(300) {
            break;
        }
    }
    assert_eq!(terminal.wait_for_end(), 0);
    terminal.assert_restored();
}

#[test]
fn an_answer_in_pieces_runs_no_keys() {
    let ms = Duration::from_millis;
    let answer = ["\x1b", "]11;rgb:ffff/ffff/ffff\x1b", "\\\x1b[", "?6", "2;22c"];
    let mut terminal = in_pieces(&answer.map(|piece| (piece, ms(150))), ms(230), || {
        let terminal = Terminal::viewer(&[]);
        terminal.wait_for_bytes(ASKS_LAST);
        terminal
    });
    terminal.wait_for_bytes("175;95;0");
    // What comes behind it has come when this has.
    terminal.wait_for_both();
    terminal.keys("\r");
    terminal.wait_for("layer 0, mean of its heads");
    let text = terminal.text();
    for other in ["leave", "do it", "keys and words", "lens", "cividis"] {
        assert!(!text.contains(other), "{other}:\n{text}");
    }
    terminal.quit();
}

#[test]
fn who_is_in_a_hurry_does_not_wait_for_answers() {
    for is_signal in [false, true] {
        soon("an end without answers", Duration::from_millis(800), || {
            let mut terminal = Terminal::viewer(&[]);
            terminal.wait_for("mean of all layers and heads");
            terminal.keys("q");
            terminal.wait_for_bytes("\x1b[?1003l");
            let start = Instant::now();
            if is_signal {
                terminal.signal(Signal::TERM)
            } else {
                terminal.keys("\x03")
            }
            // Whichever of the two ways out comes first.
            assert!([0, 143].contains(&terminal.wait_for_end()));
            let took = start.elapsed();
            terminal.assert_restored();
            took
        });
    }
}

#[test]
fn a_terminal_that_reads_nothing_does_not_hold_up_ctrl_c() {
    soon("Ctrl-C", Duration::from_millis(500), || {
        let mut terminal = Terminal::answering(BINARY, &[], &[], &[(ASKS_LAST, Duration::ZERO, ATTRIBUTES)]);
        stall(&mut terminal);
        let start = Instant::now();
        terminal.keys("\x03");
        assert_eq!(terminal.wait_for_end(), 0);
        assert!(terminal.is_line_restored());
        start.elapsed()
    });
}

#[test]
fn a_signal_at_any_time_of_the_start_ends_it_restored() {
    // A tmux that doesn't answer is waited for before the terminal is taken.
    let bin = tempfile::tempdir().unwrap();
    let tmux = bin.path().join("tmux");
    std::fs::write(&tmux, "#!/bin/sh\nexec sleep 2\n").unwrap();
    std::fs::set_permissions(&tmux, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", bin.path().display());
    let inside_tmux = [("TMUX", "/nowhere,1,0"), ("TERM", "tmux-256color"), ("PATH", path.as_str())];
    let ms = Duration::from_millis;
    let late = [(ASKS_BACKGROUND, ms(400), DARK), (ASKS_LAST, ms(400), ATTRIBUTES)];
    let start = |kind: usize| match kind {
        0 => below_a_shell(&[], &[]),
        1 => below_a_shell(&[], &late),
        _ => below_a_shell(&inside_tmux, &[]),
    };
    for kind in 0..3 {
        for (signal, code) in
            [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131)]
        {
            for wait in [0, 20, 50, 100, 300] {
                soon(&format!("{kind} {signal:?} {wait}"), SOON, || {
                    let (terminal, pid) = start(kind);
                    thread::sleep(ms(wait));
                    let sent = Instant::now();
                    rustix::process::kill_process(pid, signal).unwrap();
                    // Before anybody listens, the signal itself ends it: to a shell that is the same.
                    terminal.wait_for(&format!("code {code}."));
                    let took = sent.elapsed();
                    terminal.assert_restored();
                    took
                });
            }
        }
    }
}
