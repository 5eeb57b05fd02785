//! A capture made by hand, for the tests of the writers: two tokens, two layers of two heads.

use std::sync::Arc;

use super::formats::Export;
use super::{ExportError, Input, Recipe, Selection, Source, Subject};
use crate::attention::{
    Ablation, AttentionRule, Capture, CausalMatrix, Computed, HeadStatistics, HeadSummary, LayerCapture,
    LayerSums, ModelInfo, NextToken, Order, Over, Panels, Qkv, Statistic, Token, TokenRows,
};

/// A capture of a model with sinks. Its mean is chosen freely; its heads follow from queries and keys.
pub fn capture() -> Capture {
    make(true, CausalMatrix::from_cells(2, vec![0.25, 0.5, 0.125], Some(vec![0.75, 0.375])))
}

/// A capture of a model without sinks.
pub fn capture_without_sinks() -> Capture {
    make(false, CausalMatrix::from_cells(2, vec![1.0, 0.5, 0.5], None))
}

/// Calls `write` with an export of [`capture`].
pub fn export(selection: Selection, write: impl FnOnce(&Export<'_>)) {
    let capture = capture();
    let recipe = Recipe::new(source(&capture, selection), None);
    write(&Export { capture: &capture, selection, recipe: &recipe });
}

/// What a writer makes of an export of [`capture`], as text.
pub fn written(
    selection: Selection,
    write: impl FnOnce(&mut dyn std::io::Write, &Export<'_>) -> Result<(), ExportError>,
) -> String {
    let mut out = Vec::new();
    export(selection, |export| write(&mut out, export).unwrap());
    String::from_utf8(out).unwrap()
}

/// The source of an export of a capture of `it '`.
pub fn source(capture: &Capture, subject: impl Into<Subject>) -> Source {
    Source::new(capture, Input::Prompt("it '".to_owned()), subject)
}

/// A capture of a prompt of these texts. Its mean falls off with the distance; the rest goes to a sink if there is one.
pub fn reading(texts: &[&str], has_sinks: bool) -> Capture {
    let capture = make(has_sinks, CausalMatrix::zeros(2, 1, has_sinks));
    let size = texts.len();
    let mut mean = CausalMatrix::zeros(size, 1, has_sinks);
    for query in 0..size {
        let weights: Vec<f32> = (0..=query).map(|key| 0.5f32.powi((query - key) as i32 + 1)).collect();
        let sink = 1.0 - weights.iter().sum::<f32>();
        mean.rows_mut().add_row(query, 0, &weights, sink, 1.0);
    }
    Capture { tokens: crate::attention::tokens(texts).into(), mean, ..capture }
}

fn make(has_sinks: bool, mean: CausalMatrix) -> Capture {
    let is_over_prompt = |it: &Statistic| matches!(it.over(), Over::Prompt(..));
    let of_prompt = Statistic::ALL.into_iter().filter(is_over_prompt);
    let statistics = of_prompt.fold(HeadStatistics::default(), |all, statistic| all.with(statistic, 0.0));
    let summary = || HeadSummary { statistics, thumbnail: CausalMatrix::zeros(2, 1, has_sinks) };
    let layer = |sign: f32| {
        Arc::new(LayerCapture {
            qkv: Arc::new(
                Qkv {
                    query: TokenRows::from_values(2, &[sign, -1.0, 0.5, 0.25]),
                    key: Panels::from_values(Order::ByPlace, 2, 1, &[1.0, sign, 0.5, 0.75]),
                    value: Panels::from_values(Order::ByToken, 2, 1, &[1.0; 4]),
                }
                .into(),
            ),
            value_norms: TokenRows::from_values(2, &[1.0, 0.5, 2.0, 4.0]),
            log_sum_exp: TokenRows::from_values(2, &[0.0; 4]),
            sums: LayerSums::new(2),
            rule: AttentionRule { sinks: has_sinks.then(|| [0.0, 0.5].into()), ..AttentionRule::scaled(1.0) },
            mean: mean.clone(),
            heads: vec![summary(), summary()],
        })
    };
    Capture {
        model: Arc::new(info(has_sinks)),
        tokens: [
            Token::from_bytes(7, "it".to_owned(), b"it", 0),
            Token::from_bytes(8, "Ġ'".to_owned(), b" '", 2),
        ]
        .into(),
        computed: Computed::default(),
        ablation: Ablation::default(),
        before: None,
        layers: vec![layer(1.0), layer(-1.0)],
        mean,
        logits: vec![0.0, 1.0, 2.0],
        log_sum_exp: Default::default(),
        next: vec![NextToken { token: Token::from_id(2), probability: 0.5 }],
        chat: None,
        drawn: None,
        repeated: None,
        swept: None,
        pushed: None,
        digest: Default::default(),
    }
}

fn info(has_sinks: bool) -> ModelInfo {
    ModelInfo {
        name: "example".to_owned(),
        revision: None,
        family: "gpt_oss".to_owned(),
        layers: 2,
        heads: 2,
        kv_heads: 2,
        windows: vec![None, None],
        has_sinks,
        has_output_head: true,
        context: 8,
        vocabulary: 3,
        parameters: 0,
        precision: "f32".to_owned(),
        device: "cpu".to_owned(),
        resident_bytes: 0,
        notes: Vec::new(),
    }
}
