use super::*;
use crate::theme::Background;

/// What a terminal says by `pieces`, each read by itself, with time to think between those that `|` parts.
fn said(pieces: &[&[u8]]) -> Vec<Report> {
    let (mut parser, mut reports) = (Parser::default(), Vec::new());
    let mut report = |said: Report| reports.push(said);
    for piece in pieces {
        if *piece == b"|" {
            parser.expire(&mut report);
        } else {
            parser.feed(piece, &mut report);
        }
    }
    assert!(parser.pending.is_empty(), "{:?} is left", parser.pending);
    reports
}

fn keys(reports: &[Report]) -> String {
    let name = |report: &Report| match report {
        Report::Event(Event::Key(event)) => super::super::key(*event).map(|key| key.to_string()),
        Report::Event(Event::Paste(text)) => Some(format!("<{text}>")),
        other => Some(format!("{other:?}")),
    };
    reports.iter().filter_map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_sequence_may_come_in_any_pieces() {
    let whole = b"a\x1b[D\xc3\xa9\x1bOP\x1b[1;5C\x1bx\x1b[200~p\x1b[Dq\x1b[201~z";
    let expected = "a left é f1 ctrl-right alt-x <p\u{1b}[Dq> z";
    assert_eq!(keys(&said(&[whole])), expected);
    for at in 1..whole.len() {
        assert_eq!(keys(&said(&[&whole[..at], &whole[at..]])), expected, "{at}");
    }
    let bytes: Vec<&[u8]> = whole.chunks(1).collect();
    assert_eq!(keys(&said(&bytes)), expected);
}

#[test]
fn a_lone_escape_is_a_key_after_a_while() {
    assert_eq!(keys(&said(&[b"\x1b", b"|", b"[D"])), "esc [ D");
    assert_eq!(keys(&said(&[b"\x1b[", b"|", b"D"])), "alt-[ D");
    assert_eq!(keys(&said(&[b"\x1bO", b"|"])), "alt-O");
    assert_eq!(keys(&said(&[b"\x1b]", b"|", b"1"])), "alt-] 1");
    assert_eq!(keys(&said(&[b"\x1b]x"])), "alt-] x");
    assert_eq!(keys(&said(&[b"\x1b\x1b[A"])), "esc up");
    let mut parser = Parser::default();
    assert_eq!(parser.patience(), None);
    parser.feed(b"\x1b", &mut |_| {});
    assert_eq!(parser.patience(), Some(LONE_ESCAPE));
}

#[test]
fn what_never_ends_takes_no_keys_with_it() {
    assert_eq!(keys(&said(&[b"\x1b[<35;1", b"|", b"q"])), "q");
    assert_eq!(keys(&said(&[b"\xe6\x97", b"|", b"q"])), "q");
    assert_eq!(keys(&said(&[b"\x1b]11;rgb:ff", b"|", b"q"])), "q");
    assert_eq!(keys(&said(&[b"\xff\xfe\xc3q"])), "q");
    assert_eq!(keys(&said(&[b"\x1b[12\x1b[A"])), "up");
    assert_eq!(keys(&said(&[b"\x1b]11;rgb:ff\x1b[A"])), "up");
}

#[test]
fn ctrl_c_counts_in_the_middle_of_anything() {
    for begun in
        [&b"\x1b"[..], b"\x1b[", b"\x1b[<3", b"\x1b[M ", b"\x1bO", b"\x1b]11;rgb", b"\x1bP1+r", b"\xe6"]
    {
        let said = keys(&said(&[begun, b"\x03"]));
        assert!(said.ends_with("ctrl-c"), "{begun:?}: {said}");
    }
    assert_eq!(keys(&said(&[b"\x1b[200~abc", b"\x03", b"|"])), "ctrl-c");
    assert_eq!(keys(&said(&[b"\x1b[200~abc\x03", b"def\x1b[201~"])), "<abc\u{3}def>", "pasted, not typed");
}

#[test]
fn answers_are_no_keys_whenever_they_come() {
    let dark = Report::Answer(Answer::Background(Background::Dark));
    let end = Report::Answer(Answer::Last);
    let answers = b"\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62;22c";
    for at in 1..answers.len() {
        assert_eq!(said(&[&answers[..at], &answers[at..]]), [dark.clone(), end.clone()], "{at}");
    }
    assert_eq!(keys(&said(&[b"\x1b]10;rgb:ffff/ffff/ffff\x07i\x1b_Gi=1;OK\x1b\\j\x1bP0+r\x1b\\k"])), "i j k");
}

#[test]
fn nothing_grows_with_what_is_sent() {
    let mut parser = Parser::default();
    let mut reports = Vec::new();
    parser.feed(b"\x1b]11;", &mut |said| reports.push(said));
    for _ in 0..1000 {
        parser.feed(&[b'x'; 1000], &mut |said| reports.push(said));
    }
    assert!(parser.pending.len() <= LONGEST_SEQUENCE);
    parser.feed(b"\x1b\\\x1b[200~", &mut |said| reports.push(said));
    for _ in 0..6 {
        parser.feed(&vec![b'y'; 1 << 20], &mut |said| reports.push(said));
        assert!(parser.paste.as_ref().unwrap().len() <= LONGEST_PASTE + PASTE_END.len());
    }
    parser.feed(b"\x1b[20", &mut |said| reports.push(said));
    parser.feed(b"1~q", &mut |said| reports.push(said));
    let [Report::Event(Event::Paste(text)), _] = reports.as_slice() else { panic!("{}", reports.len()) };
    assert!(text.len() >= LONGEST_PASTE);
}

proptest::proptest! {
    #[test]
    fn any_bytes_in_any_pieces_say_the_same_as_at_once(
        bytes in proptest::collection::vec(
            proptest::sample::select(b"\x1b[O]P_M<;019~ucA\x03\x07\\\xc3\xa9\xff a".to_vec()), 0..40
        ),
        at in 0..40usize,
    ) {
        let run = |pieces: &[&[u8]]| {
            let (mut parser, mut reports) = (Parser::default(), Vec::new());
            pieces.iter().for_each(|piece| parser.feed(piece, &mut |said| reports.push(said)));
            reports
        };
        let at = at.min(bytes.len());
        proptest::prop_assert_eq!(run(&[&bytes]), run(&[&bytes[..at], &bytes[at..]]));
    }
}
