//! What a terminal sends, as bytes that come in pieces: keys, sequences, answers, pastes, the mouse, and what is none
//! of them.

use std::time::Instant;

use attnscope::terminal::{Parser, Report};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use proptest::prelude::*;

use crate::run::run;

const PASTE_END: &[u8] = b"\x1b[201~";
const STRING_END: &[u8] = b"\x1b\\";

/// Sequences that mean something to a terminal or to whom it talks to.
const KNOWN: [&str; 36] = [
    "\x1b[A",
    "\x1b[D",
    "\x1bOH",
    "\x1bOP",
    "\x1bOM",
    "\x1b[1;5C",
    "\x1b[1;2:3B",
    "\x1b[3~",
    "\x1b[5;6~",
    "\x1b[34~",
    "\x1b[[E",
    "\x1b[Z",
    "\x1b[I",
    "\x1b[O",
    "\x1b[13;2u",
    "\x1b[99;5u",
    "\x1b[97:65:97;1:2u",
    "\x1b[57441;1u",
    "\x1b[27;5;13~",
    "\x1bx",
    "\x1b\x1b[A",
    "\x1b\r",
    "\x1b[200~",
    "\x1b[201~",
    "\x1b[?62;22c",
    "\x1b]11;rgb:ffff/ffff/ffff\x1b\\",
    "\x1b]11;rgb:00/0/0000\x07",
    "\x1b]11;#fdf6e3\x07",
    "\x1bP1+r5463;524742=38\x1b\\",
    "\x1bP1$r0;48:2::1:2:3m\x1b\\",
    "\x1bP0+r\x1b\\",
    "\x1bP>|XTerm(380)\x1b\\",
    "\x1b_Gi=31;OK\x1b\\",
    "\x1b[?2026;2$y",
    "\x1b[24;80R",
    "\x1b]52;c;cHduZWQ=\x07",
];

/// What a terminal sends at once, or a part of it.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(KNOWN.to_vec()).prop_map(|known| known.as_bytes().to_vec());
    let keys = prop::collection::vec(
        prop::sample::select(
            b"hjklqdgoptw?/:ieamcsvxynDGOPTW+-=.,0123 \r\t\x7f\x1b\x03\x18\x1a\x00\x1f".to_vec(),
        ),
        1..6,
    );
    let text = prop::collection::vec(any::<char>(), 0..12)
        .prop_map(|text| text.into_iter().collect::<String>().into_bytes());
    let number = || prop_oneof![8 => 0..250u64, 1 => any::<u64>()];
    let sgr = (number(), number(), number(), prop::sample::select(vec!['M', 'm']))
        .prop_map(|(button, column, row, last)| format!("\x1b[<{button};{column};{row}{last}").into_bytes());
    let old_mouse = any::<[u8; 3]>().prop_map(|bytes| [b"\x1b[M", &bytes[..]].concat());
    let control =
        (prop::collection::vec(prop::sample::select(b"0123456789;:<?>=! $".to_vec()), 0..12), 0x40..0x7fu8)
            .prop_map(|(parameters, last)| [b"\x1b[", &parameters[..], &[last]].concat());
    let answer = prop::sample::select(vec!["11;rgb:", "11;#", "11;rgba:", "1+r", "1$r", "G", ""]);
    let string = (prop::sample::select(b"]P_X^".to_vec()), answer, prop::collection::vec(any::<u8>(), 0..40));
    let string = (string, any::<bool>()).prop_map(|((kind, answer, text), ends)| {
        [&[0x1b, kind][..], answer.as_bytes(), &text, if ends { STRING_END } else { &[] }].concat()
    });
    let paste = (prop::collection::vec(any::<u8>(), 0..60), any::<bool>())
        .prop_map(|(text, ends)| [&b"\x1b[200~"[..], &text, if ends { PASTE_END } else { &[] }].concat());
    let whole = prop_oneof![
        6 => known,
        6 => keys,
        2 => text,
        4 => sgr,
        1 => old_mouse,
        2 => control,
        1 => string,
        2 => paste,
        1 => prop::collection::vec(any::<u8>(), 1..12),
    ];
    // One in so many loses its end.
    (whole, prop_oneof![7 => Just(None), 1 => any::<prop::sample::Index>().prop_map(Some)]).prop_map(
        |(mut piece, cut)| {
            if let Some(cut) = cut.filter(|_| !piece.is_empty()) {
                piece.truncate(cut.index(piece.len()));
            }
            piece
        },
    )
}

/// What a terminal sends, and how long the parts are that are read of it; they begin again when they are used up.
#[derive(Debug, Clone)]
pub struct Stream {
    bytes: Vec<u8>,
    parts: Vec<u8>,
}

impl Stream {
    /// At most so many pieces.
    pub fn any(pieces: usize) -> impl Strategy<Value = Self> {
        (prop::collection::vec(piece(), 0..pieces), prop::collection::vec(1..24u8, 1..6))
            .prop_map(|(pieces, parts)| Self { bytes: pieces.concat(), parts })
    }

    /// Has a parser read it part by part.
    pub fn feed(&self, parser: &mut Parser, report: &mut impl FnMut(Report)) {
        let mut rest = &self.bytes[..];
        for part in self.parts.iter().cycle() {
            if rest.is_empty() {
                return;
            }
            let part = rest.len().min(usize::from(*part));
            parser.feed(&rest[..part], Instant::now(), report);
            rest = &rest[part..];
        }
    }
}

fn is_key(report: Option<&Report>, c: char) -> bool {
    let event = KeyEvent::new_with_kind(KeyCode::Char(c), KeyModifiers::NONE, KeyEventKind::Press);
    report == Some(&Report::Event(Event::Key(event)))
}

#[test]
fn bytes() {
    let text = || prop::collection::vec(any::<char>().prop_filter("typed", |c| !c.is_control()), 0..20);
    run("bytes", 1500, &(Stream::any(12), text()), |(stream, text)| {
        // The same is said, however it is cut.
        let (mut whole, mut parser) = (Vec::new(), Parser::default());
        parser.feed(&stream.bytes, Instant::now(), &mut |report| whole.push(report));
        let (mut heard, mut parser) = (Vec::new(), Parser::default());
        stream.feed(&mut parser, &mut |report| heard.push(report));
        prop_assert_eq!(&heard, &whole);

        // Whatever was left open: what is typed after a while is heard. A paste is given up, and then what it ended in.
        for _ in 0..3 {
            if parser.deadline().is_some() {
                parser.expire(&mut |_| ());
            }
        }
        prop_assert!(parser.deadline().is_none(), "something is still under way");
        let mut typed = Vec::new();
        let characters: String = text.iter().collect();
        characters
            .bytes()
            .for_each(|byte| parser.feed(&[byte], Instant::now(), &mut |report| typed.push(report)));
        let expected = |c: &char| (*c, c.is_uppercase());
        let found = |report: &Report| match report {
            Report::Event(Event::Key(KeyEvent { code: KeyCode::Char(c), modifiers, .. })) => {
                Some((*c, *modifiers == KeyModifiers::SHIFT))
            }
            _ => None,
        };
        prop_assert_eq!(
            typed.iter().map(found).collect::<Vec<_>>(),
            text.iter().map(|c| Some(expected(c))).collect::<Vec<_>>()
        );
        let mut last = None;
        parser.feed(b"q", Instant::now(), &mut |report| last = Some(report));
        prop_assert!(is_key(last.as_ref(), 'q'), "{last:?}");
        Ok(())
    });
}
