use super::super::paste::LONGEST_PASTE;
use super::*;
use crate::theme::Background;

/// What a terminal says by `pieces`, each read by itself, with time to think between those that `|` parts.
fn said(pieces: &[&[u8]]) -> Vec<Report> {
    let mut parser = Parser::default();
    let reports = said_to(&mut parser, pieces);
    assert!(parser.pending.is_empty(), "{:?} is left", parser.pending);
    reports
}

fn said_to(parser: &mut Parser, pieces: &[&[u8]]) -> Vec<Report> {
    let mut reports = Vec::new();
    let mut report = |said: Report| reports.push(said);
    for piece in pieces {
        if *piece == b"|" {
            parser.expire(&mut report);
        } else {
            parser.feed(piece, Instant::now(), &mut report);
        }
    }
    reports
}

/// How many milliseconds after the one before, and what.
type Piece<'a> = (u64, &'a [u8]);

/// What a terminal says by `pieces`, each so many milliseconds after the one before, as the reading thread hears it.
fn said_in_time(parser: &mut Parser, pieces: &[Piece<'_>]) -> Vec<Report> {
    let (mut now, mut reports) = (Instant::now(), Vec::new());
    let mut report = |said: Report| reports.push(said);
    for (wait, piece) in pieces {
        now += Duration::from_millis(*wait);
        while parser.deadline().is_some_and(|deadline| deadline <= now) {
            parser.expire(&mut report);
        }
        parser.feed(piece, now, &mut report);
        if parser.deadline().is_some_and(|deadline| deadline <= now) {
            parser.expire(&mut report);
        }
    }
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
    assert_eq!(parser.deadline(), None);
    let now = Instant::now();
    parser.feed(b"\x1b", now, &mut |_| {});
    assert_eq!(parser.deadline(), Some(now + LONE_ESCAPE));
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
fn an_answer_may_be_cut_anywhere_for_as_long_as_it_is_awaited() {
    let dark = Report::Answer(Answer::Background(Background::Dark));
    let answers = b"\x1b]11;rgb:0000/0000/0000\x1b\\\x1bP1+r524742\x1b\\\x1b[?62;22c";
    let all = [dark, Report::Answer(Answer::TrueColor), Report::Answer(Answer::Last)];
    for at in 1..answers.len() {
        let mut parser = Parser::default();
        parser.awaits_answer(true);
        let is_escape = answers[at - 1] == ESC && answers[at] != b'\\';
        let pieces = [(0, &answers[..at]), (if is_escape { 200 } else { 900 }, &answers[at..])];
        assert_eq!(said_in_time(&mut parser, &pieces), all, "{at}");
    }
}

#[test]
fn keys_stay_keys_while_an_answer_is_awaited() {
    let typed = |pieces: &[Piece<'_>]| {
        let mut parser = Parser::default();
        parser.awaits_answer(true);
        let mut reports = said_in_time(&mut parser, pieces);
        reports.extend(said_in_time(&mut parser, &[(2000, b"")]));
        assert!(parser.pending.is_empty(), "{:?}", parser.pending);
        keys(&reports)
    };
    assert_eq!(typed(&[(0, b"\x1b"), (2000, b"q")]), "esc q");
    assert_eq!(typed(&[(0, b"\x1b"), (100, b"q")]), "esc q", "not alt-q");
    assert_eq!(typed(&[(0, b"\x1b"), (10, b"q")]), "alt-q");
    assert_eq!(typed(&[(0, b"\x1b"), (100, b"]"), (100, b"j")]), "esc ] j");
    assert_eq!(typed(&[(0, b"\x1b"), (100, b"\x03")]), "esc ctrl-c");
    assert_eq!(typed(&[(0, b"\x1b"), (100, b"\x1b"), (100, b"\xc3\xa9")]), "esc esc é");
    assert_eq!(typed(&[(0, b"\x1b[A"), (0, b"\x1bx")]), "up alt-x");
}

#[test]
fn a_paste_whose_end_is_lost_ends_by_itself() {
    let typed = |pieces: &[Piece<'_>]| {
        let mut parser = Parser::default();
        let reports = said_in_time(&mut parser, pieces);
        let mouse = |report: &Report| matches!(report, Report::Event(Event::Mouse(_) | Event::FocusLost));
        let (others, said): (Vec<_>, Vec<_>) = reports.into_iter().partition(mouse);
        (keys(&said), others.len())
    };
    let lost: Piece<'_> = (0, b"\x1b[200~abc");
    assert_eq!(typed(&[lost, (1900, b"def"), (1900, b"g\x1b[201~")]), ("<abcdefg>".into(), 0), "it goes on");
    assert_eq!(typed(&[lost, (2100, b"q")]), ("<abc> q".into(), 0));
    assert_eq!(typed(&[lost, (2100, b"\x1b[201~q")]), ("<abc> q".into(), 0), "its end is no key");
    // The mouse and the focus are no part of it, wherever their reports are cut.
    let moved: Piece<'_> = (400, b"\x1b[<35;10;2M\x1b[O\x1b[M#!!");
    assert_eq!(typed(&[lost, moved, moved, moved, moved, moved, (0, b"q")]), ("<abc> q".into(), 15));
    let (half, rest): (Piece<'_>, Piece<'_>) = ((900, b"\x1b[<35;1"), (0, b"0;2M"));
    assert_eq!(typed(&[lost, half, rest, half, rest, half, rest]), ("<abc>".into(), 3));
    assert_eq!(typed(&[lost, moved, (0, b"x\x1b[201~")]).0, "<abc\u{1b}[<35;10;2M\u{1b}[O\u{1b}[M#!!x>");
    // Ctrl-C doesn't wait for so long.
    let interrupt: Piece<'_> = (10, b"de\x03");
    let moved: Piece<'_> = (8, b"\x1b[<35;10;2M");
    let moves = [moved; 8];
    assert_eq!(typed(&[&[lost, interrupt], &moves[..]].concat()), ("ctrl-c".into(), 8));
    assert_eq!(typed(&[lost, (10, b"\x03\x1b[<35;10;2M"), (60, b"")]), ("ctrl-c".into(), 1));
    assert_eq!(typed(&[lost, interrupt, moved, (8, b"f\x1b[201~")]).0, "<abcde\u{3}\u{1b}[<35;10;2Mf>");
}

#[test]
fn sequences_may_begin_and_end_with_one_byte_of_eight_bits() {
    for (csi, osc, st) in
        [(&b"\x9b"[..], &b"\x9d"[..], &b"\x9c"[..]), (b"\xc2\x9b", b"\xc2\x9d", b"\xc2\x9c")]
    {
        let answer = [osc, b"11;rgb:0000/0000/0000", st, csi, b"?62;22c", csi, b"Aq"].concat();
        for at in 1..answer.len() {
            let said = said(&[&answer[..at], &answer[at..]]);
            let [Report::Answer(Answer::Background(_)), Report::Answer(Answer::Last), rest @ ..] =
                said.as_slice()
            else {
                panic!("{at}: {said:?}")
            };
            assert_eq!(keys(rest), "up q", "{at}");
        }
    }
    assert_eq!(
        keys(&said(&[b"\x1b]0;\xc3\x9c\xe2\x9c\x93\x07q"])),
        "q",
        "a title with these bytes in characters"
    );
    assert_eq!(keys(&said(&["é›日😀\u{85}".as_bytes()])), "é › 日 😀");
}

#[test]
fn what_is_left_of_a_character_is_no_sequence() {
    for character in ["日", "😀", "›", "\u{d75b}"] {
        let bytes = character.as_bytes();
        for at in 1..bytes.len() {
            assert_eq!(keys(&said(&[&bytes[..at], b"|", &bytes[at..], b"Aq"])), "A q", "{character} {at}");
        }
    }
}

#[test]
fn nothing_grows_with_what_is_sent() {
    let mut parser = Parser::default();
    said_to(&mut parser, &[b"\x1b]11;"]);
    for _ in 0..1000 {
        said_to(&mut parser, &[&[b'x'; 1000]]);
    }
    assert!(parser.pending.len() <= LONGEST_SEQUENCE);
    said_to(&mut parser, &[b"\x1b\\\x1b[200~"]);
    for _ in 0..6 {
        said_to(&mut parser, &[&vec![b'y'; 1 << 20]]);
    }
    let reports = said_to(&mut parser, &[b"\x1b[20", b"1~q"]);
    let [Report::Event(Event::Paste(text)), _] = reports.as_slice() else { panic!("{}", reports.len()) };
    assert!((LONGEST_PASTE..LONGEST_PASTE + 16).contains(&text.len()), "{}", text.len());
}

proptest::proptest! {
    #[test]
    fn any_bytes_in_any_pieces_say_the_same_as_at_once(
        bytes in proptest::collection::vec(
            proptest::sample::select(b"\x1b[O]P_M<;019~ucA\x03\x07\\\xc3\xa9\xff a\x9b\x9c\x9d\xc2".to_vec()), 0..40
        ),
        at in 0..40usize,
    ) {
        let run = |pieces: &[&[u8]]| {
            let (mut parser, mut reports) = (Parser::default(), Vec::new());
            let now = Instant::now();
            pieces.iter().for_each(|piece| parser.feed(piece, now, &mut |said| reports.push(said)));
            reports
        };
        let at = at.min(bytes.len());
        proptest::prop_assert_eq!(run(&[&bytes]), run(&[&bytes[..at], &bytes[at..]]));
    }
}
